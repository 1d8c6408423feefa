/*
 * The keys of a pool: which one is next.  A key that was told to slow down
 * rests and comes back with few calls at once; one that was refused is out and
 * comes back with a single call.  Whoever calls holds the lock; time is in
 * milliseconds.
 */


#ifndef _NGX_COMET_POOL_H_INCLUDED_
#define _NGX_COMET_POOL_H_INCLUDED_


#include "ngx_comet_outcome.h"


#define NGX_COMET_KEY_FLOOR   1000      /* a rest, at least */
#define NGX_COMET_KEY_CAP     300000    /* and at most */
#define NGX_COMET_KEY_OUT     60000     /* until one that is out is tried */
#define NGX_COMET_KEY_BOUND   64        /* calls at once: it is back whole */


typedef struct {
    uint32_t             calls;     /* under way */
    uint32_t             bound;     /* of them; 0: none */
    uint64_t             rests;     /* until then */
    uint32_t             out;       /* was refused, and not yet let in again */
} ngx_comet_key_state_t;


typedef enum {
    NGX_COMET_KEY_SAME,             /* nothing changed */
    NGX_COMET_KEY_RESTS,
    NGX_COMET_KEY_TAKEN_OUT,
    NGX_COMET_KEY_BACK
} ngx_comet_key_change_e;


/*
 * The key that the next call should have, or -1 and how long to wait until
 * one has rested.  Ties are broken in turn: next is the place behind the one
 * that was chosen before.  One of which nothing is known is NULL.
 */

int ngx_comet_pool_choose(ngx_comet_key_state_t **keys, size_t n, size_t next,
    uint64_t now, uint64_t *wait);

/* whether there is one that could be chosen, other than this one */

int ngx_comet_pool_has_another(ngx_comet_key_state_t **keys, size_t n,
    size_t but, uint64_t now);

/* what became of a call with a key; not that it has ended */

ngx_comet_key_change_e ngx_comet_pool_tell(ngx_comet_key_state_t *key,
    uint64_t now, const ngx_comet_outcome_t *outcome);


#endif /* _NGX_COMET_POOL_H_INCLUDED_ */
