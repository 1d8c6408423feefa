#include "ngx_comet_lock.h"

#include <errno.h>


/* pauses before a waiter sleeps: a few microseconds, longer than one is held */

#define NGX_COMET_LOCK_SPIN  256


#if (defined __x86_64__ || defined __i386__)
#define ngx_comet_lock_pause()  __builtin_ia32_pause()
#elif (defined __aarch64__ || defined __arm__)
#define ngx_comet_lock_pause()  __asm__ __volatile__ ("yield")
#else
#define ngx_comet_lock_pause()
#endif


int
ngx_comet_lock_create(ngx_comet_lock_t *lock)
{
    int                  rc;
    pthread_mutexattr_t  attr;

    if (pthread_mutexattr_init(&attr) != 0) {
        return -1;
    }

    rc = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) != 0
         || pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) != 0
         || pthread_mutex_init(&lock->mutex, &attr) != 0;

    pthread_mutexattr_destroy(&attr);

    return rc ? -1 : 0;
}


/* what the dead was changing need not be whole: see ngx_comet_ledger.h */

static void
ngx_comet_lock_taken(ngx_comet_lock_t *lock, int rc)
{
    if (rc == EOWNERDEAD) {
        (void) pthread_mutex_consistent(&lock->mutex);
    }
}


void
ngx_comet_lock(ngx_comet_lock_t *lock)
{
    int       rc;
    unsigned  i, n;

    rc = pthread_mutex_trylock(&lock->mutex);

    for (n = 1; rc == EBUSY && n <= NGX_COMET_LOCK_SPIN; n *= 2) {

        for (i = 0; i < n; i++) {
            ngx_comet_lock_pause();
        }

        rc = pthread_mutex_trylock(&lock->mutex);
    }

    if (rc == EBUSY) {
        rc = pthread_mutex_lock(&lock->mutex);
    }

    ngx_comet_lock_taken(lock, rc);
}


int
ngx_comet_timedlock(ngx_comet_lock_t *lock, const struct timespec *until)
{
    int  rc;

    rc = pthread_mutex_timedlock(&lock->mutex, until);

    ngx_comet_lock_taken(lock, rc);

    return rc == ETIMEDOUT ? -1 : 0;
}


void
ngx_comet_unlock(ngx_comet_lock_t *lock)
{
    (void) pthread_mutex_unlock(&lock->mutex);
}
