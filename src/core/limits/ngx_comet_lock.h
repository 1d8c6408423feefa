/*
 * A lock in shared memory.  If its owner is killed, the kernel tells whoever
 * takes it next; nobody has to find out who has died, or to wait for it.
 */


#ifndef _NGX_COMET_LOCK_H_INCLUDED_
#define _NGX_COMET_LOCK_H_INCLUDED_


#include <pthread.h>
#include <time.h>


#define NGX_COMET_CACHELINE  64


/* each in a line of its own */

typedef union {
    pthread_mutex_t      mutex;
    char                 line[NGX_COMET_CACHELINE];
} ngx_comet_lock_t;


/* 0, or -1 */

int ngx_comet_lock_create(ngx_comet_lock_t *lock);

void ngx_comet_lock(ngx_comet_lock_t *lock);

/* 0, or -1 when the time has come, by the clock of the day */

int ngx_comet_timedlock(ngx_comet_lock_t *lock, const struct timespec *until);

void ngx_comet_unlock(ngx_comet_lock_t *lock);


#endif /* _NGX_COMET_LOCK_H_INCLUDED_ */
