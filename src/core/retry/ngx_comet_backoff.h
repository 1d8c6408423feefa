/* how long to wait before the next attempt */


#ifndef _NGX_COMET_BACKOFF_H_INCLUDED_
#define _NGX_COMET_BACKOFF_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* milliseconds */

typedef struct {
    uint64_t             base;
    uint64_t             max;
} ngx_comet_backoff_t;


/* the most that is waited after attempt number 1, 2, … failed */

uint64_t ngx_comet_backoff_bound(const ngx_comet_backoff_t *backoff,
    unsigned attempt);

/* anything from 0 to that bound, by a random number of 32 bits */

uint64_t ngx_comet_backoff_wait(const ngx_comet_backoff_t *backoff,
    unsigned attempt, uint32_t random);


#endif /* _NGX_COMET_BACKOFF_H_INCLUDED_ */
