/* what a call uses */


#ifndef _NGX_COMET_METER_H_INCLUDED_
#define _NGX_COMET_METER_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_usage.h"


struct ngx_comet_meter_conf_s {
    ngx_flag_t                 usage;      /* ask for it if nobody else does */
};


/* what a call costs whose client left before its usage was known */

typedef enum {
    NGX_COMET_LEFT_KNOWN,          /* no less than can be known of it */
    NGX_COMET_LEFT_ESTIMATE,       /* what has passed */
    NGX_COMET_LEFT_RESERVED        /* what it was let in with */
} ngx_comet_left_e;


/* at an answer that is relayed */

struct ngx_comet_meter_s {
    ngx_comet_usage_t          usage;

    ngx_chain_t               *held;       /* copies, not sent yet */
    ngx_chain_t               *free;
    ngx_chain_t               *busy;

    ngx_msec_int_t             first;      /* token, since the request; or -1 */
    unsigned                   stream:1;
    unsigned                   done:1;     /* the answer is over */
};


/* who waits for the answer is told of it */

struct ngx_comet_watch_s {
    void                     (*came)(ngx_http_request_t *r,
                                     ngx_comet_ctx_t *ctx);
    void                     (*over)(ngx_comet_ctx_t *ctx);

    /* the client has gone: whether the answer is read on without it */

    ngx_uint_t               (*left)(ngx_http_request_t *r,
                                     ngx_comet_ctx_t *ctx);
};


extern ngx_comet_part_t  ngx_comet_meter_part;


/* what is held back will never be sent */

void ngx_comet_meter_drop(ngx_comet_meter_t *meter);

/* whether a plain answer cannot be believed, whatever follows */

ngx_uint_t ngx_comet_meter_is_lost(ngx_comet_meter_t *meter);

/* nothing is to be fed any more */

void ngx_comet_meter_finish(ngx_comet_meter_t *meter);

/*
 * What the call used.  Final in the log phase, on every way out; what has
 * passed so far before that.
 */

void ngx_comet_meter_result(ngx_comet_ctx_t *ctx,
    ngx_comet_usage_result_t *res);


#endif /* _NGX_COMET_METER_H_INCLUDED_ */
