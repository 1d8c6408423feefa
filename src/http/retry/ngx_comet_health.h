/*
 * How the API is: the keys of a pool, the breaker of a model at an upstream,
 * and how many attempts there may be.  All workers share it where there is a
 * comet_zone.
 */


#ifndef _NGX_COMET_HEALTH_H_INCLUDED_
#define _NGX_COMET_HEALTH_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_breaker.h"
#include "ngx_comet_outcome.h"
#include "ngx_comet_ward.h"


struct ngx_comet_health_conf_s {
    ngx_comet_breaker_conf_t  *breaker;    /* or NULL: off */
};


/* of a request; the same for all of its attempts */

struct ngx_comet_health_s {
    ngx_str_t                 *bearer;     /* "Bearer KEY", of this attempt */
    ngx_uint_t                 key;        /* its place, from 0 */
    ngx_uint_t                 attempts;   /* that began */
    ngx_comet_outcome_t        outcome;    /* of the last one that ended */
    ngx_msec_t                 wait;       /* where begin declined */
    const char                *why;        /* "breaker_open", "keys_at_rest" */

    /* the rest is private: of the attempt under way */

    ngx_http_request_t        *request;
    ngx_comet_ctx_t           *ctx;
    ngx_comet_health_conf_t   *conf;       /* of where it began */
    ngx_comet_keys_t          *keys;
    ngx_comet_ward_t          *ward;       /* or NULL: nothing to look after */
    ngx_comet_lease_t         *lease;
    uint32_t                   probe;
    u_char                     breaker[NGX_COMET_ID_LEN];
    unsigned                   begun:1;    /* and has not ended */
    unsigned                   told:1;     /* the breaker knows */
};


extern ngx_comet_part_t  ngx_comet_health_part;


/*
 * An attempt: where ctx->upstream names what it goes to, with a key of the
 * pool (ctx->keys, or those of the policy).  Makes ctx->health.  NGX_OK; or
 * NGX_DECLINED: not now, with ctx->health->wait and why; or NGX_ERROR.
 */

ngx_int_t ngx_comet_health_begin(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);

/* the head of an answer is there: a probe of the breaker is decided by it */

void ngx_comet_health_head(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    const ngx_comet_outcome_t *outcome);

/* and what became of it: once for each begin, all others do nothing */

void ngx_comet_health_end(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    const ngx_comet_outcome_t *outcome);

/*
 * After an end: whether the pool has another key, and whether the budget lets
 * one more attempt be made, which is then counted.
 */

ngx_uint_t ngx_comet_health_has_another(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
ngx_uint_t ngx_comet_health_may_retry(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);

/* how many keys the pool has */

ngx_uint_t ngx_comet_health_keys(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);

/* where begin declined: the status of the refusal, with its retry-after */

ngx_int_t ngx_comet_health_refuse(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);


#endif /* _NGX_COMET_HEALTH_H_INCLUDED_ */
