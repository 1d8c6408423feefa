/* what a request is let in with */


#ifndef _NGX_COMET_ADMIT_H_INCLUDED_
#define _NGX_COMET_ADMIT_H_INCLUDED_


#include "ngx_comet_demand.h"
#include "ngx_comet_http.h"
#include "ngx_comet_limits.h"


/* what is left of a limit that a client is told of */

typedef struct {
    ngx_comet_limit_conf_t    *conf;
    uint64_t                   left;
    ngx_comet_level_t          level;
    ngx_comet_clock_t          clock;      /* when it was like that */
} ngx_comet_quota_t;


/* it outlives an internal redirect */

struct ngx_comet_admission_s {
    ngx_http_request_t        *request;
    ngx_comet_call_t          *call;
    const ngx_comet_demand_t  *taken[NGX_COMET_ENTRIES_MAX];
    ngx_uint_t                 n;
    const ngx_comet_price_t   *price;

    ngx_comet_quota_t          quotas[NGX_COMET_UNITS];    /* the tightest */
    ngx_comet_quota_t          before[NGX_COMET_UNITS];    /* of any model */
    ngx_comet_quota_t          refusing;
    uint64_t                   retry;      /* milliseconds */

    unsigned                   settled:1;
    unsigned                   refused:1;
    unsigned                   dry_run:1;
    unsigned                   final:1;    /* no use to try again */
    unsigned                   routed:1;   /* there may be another model */
};


extern ngx_comet_part_t  ngx_comet_admit_part;


/* before all of them: which members of a body the limits rely on */

ngx_int_t ngx_comet_admit_relies(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_policy_t *policy);

/* before the body is read, and when it is known what is asked of which model */

ngx_int_t ngx_comet_admit(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
ngx_int_t ngx_comet_admit_call(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_judge_t *judge);

/* it was refused for one model and is asked for another */

void ngx_comet_admit_forget(ngx_comet_ctx_t *ctx);

/* it was let in for one model, and is to be for another */

void ngx_comet_admit_release(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);

/* what was let in is over, whatever becomes of the request */

void ngx_comet_admit_end(ngx_http_request_t *r);

/* the limit that is closest to refusing, or that did refuse */

ngx_comet_quota_t *ngx_comet_admit_closest(ngx_comet_admission_t *admission);

/* milliseconds until all of it is free */

uint64_t ngx_comet_admit_reset(const ngx_comet_quota_t *quota);


#endif /* _NGX_COMET_ADMIT_H_INCLUDED_ */
