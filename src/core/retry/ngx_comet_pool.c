#include "ngx_comet_pool.h"


/* 0 if it may be used now; one that was refused is tried with a single call */

static uint64_t
ngx_comet_pool_left(const ngx_comet_key_state_t *key, uint64_t now)
{
    if (key == NULL) {
        return 0;
    }

    if (key->rests > now) {
        return key->rests - now;
    }

    return key->out && key->calls ? NGX_COMET_KEY_FLOOR : 0;
}


static int
ngx_comet_pool_is_full(const ngx_comet_key_state_t *key)
{
    return key && key->bound && key->calls >= key->bound;
}


/*
 * One that comes back gets no more than its bound while others have room.  If
 * none has, the bound refuses nobody.
 */

static int
ngx_comet_pool_before(const ngx_comet_key_state_t *one,
    const ngx_comet_key_state_t *other)
{
    int  full;

    full = ngx_comet_pool_is_full(one);

    if (full != ngx_comet_pool_is_full(other)) {
        return !full;
    }

    return (one ? one->calls : 0) < (other ? other->calls : 0);
}


int
ngx_comet_pool_choose(ngx_comet_key_state_t **keys, size_t n, size_t next,
    uint64_t now, uint64_t *wait)
{
    int       best;
    size_t    i, k;
    uint64_t  left;

    best = -1;
    *wait = UINT64_MAX;

    for (k = 0; k < n; k++) {

        i = (next + k) % n;
        left = ngx_comet_pool_left(keys[i], now);

        if (left < *wait) {
            *wait = left;
        }

        if (left == 0
            && (best == -1 || ngx_comet_pool_before(keys[i], keys[best])))
        {
            best = (int) i;
        }
    }

    return best;
}


int
ngx_comet_pool_has_another(ngx_comet_key_state_t **keys, size_t n, size_t but,
    uint64_t now)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (i != but && ngx_comet_pool_left(keys[i], now) == 0) {
            return 1;
        }
    }

    return 0;
}


static ngx_comet_key_change_e
ngx_comet_pool_rest(ngx_comet_key_state_t *key, uint64_t now,
    int64_t retry_after)
{
    uint64_t                rest;
    ngx_comet_key_change_e  change;

    rest = retry_after > NGX_COMET_KEY_FLOOR ? (uint64_t) retry_after
                                             : NGX_COMET_KEY_FLOOR;

    if (rest > NGX_COMET_KEY_CAP) {
        rest = NGX_COMET_KEY_CAP;
    }

    change = key->rests > now ? NGX_COMET_KEY_SAME : NGX_COMET_KEY_RESTS;

    if (key->rests < now + rest) {
        key->rests = now + rest;
    }

    key->bound = 1;

    return change;
}


static ngx_comet_key_change_e
ngx_comet_pool_take_out(ngx_comet_key_state_t *key, uint64_t now)
{
    ngx_comet_key_change_e  change;

    change = key->out ? NGX_COMET_KEY_SAME : NGX_COMET_KEY_TAKEN_OUT;

    key->out = 1;
    key->bound = 1;
    key->rests = now + NGX_COMET_KEY_OUT;

    return change;
}


/* calls that began before it rested say nothing of how it is afterwards */

static ngx_comet_key_change_e
ngx_comet_pool_bring_back(ngx_comet_key_state_t *key, uint64_t now)
{
    ngx_comet_key_change_e  change;

    if (key->bound == 0 || key->rests > now) {
        return NGX_COMET_KEY_SAME;
    }

    change = key->bound == 1 ? NGX_COMET_KEY_BACK : NGX_COMET_KEY_SAME;

    key->out = 0;
    key->bound *= 2;

    if (key->bound > NGX_COMET_KEY_BOUND) {
        key->bound = 0;
    }

    return change;
}


ngx_comet_key_change_e
ngx_comet_pool_tell(ngx_comet_key_state_t *key, uint64_t now,
    const ngx_comet_outcome_t *outcome)
{
    if (outcome->kind == NGX_COMET_OUTCOME_STATUS && outcome->status == 429) {
        key->out = 0;
        return ngx_comet_pool_rest(key, now, outcome->retry_after);
    }

    if (outcome->kind == NGX_COMET_OUTCOME_STATUS && outcome->status == 401) {
        return ngx_comet_pool_take_out(key, now);
    }

    return ngx_comet_outcome_says(outcome) > 0
           ? ngx_comet_pool_bring_back(key, now) : NGX_COMET_KEY_SAME;
}
