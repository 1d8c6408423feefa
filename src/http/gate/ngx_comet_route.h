/* comet_route: which model a call is sent to */


#ifndef _NGX_COMET_ROUTE_H_INCLUDED_
#define _NGX_COMET_ROUTE_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_url.h"


/* a "to" or a "then" */

struct ngx_comet_route_target_s {
    ngx_str_t                  model;      /* ends with a zero */
    ngx_uint_t                 weight;     /* 0: a "then" */
    uint64_t                   id;         /* of model, pass and key */
    ngx_comet_url_t           *pass;       /* where to, or NULL: as others */
    ngx_str_t                  bearer;     /* "Bearer KEY", or empty */
};


/*
 * The next target of the call's route, in place of the one that it was let in
 * for and that failed: ctx->target, ctx->edits and what is reserved are of it
 * with NGX_OK.  NGX_AGAIN: there is more to read, the handler is called in
 * another turn of the event loop and asks again.  NGX_DECLINED: there is none
 * that takes the call; nothing is reserved any more, and of what is known of
 * the call nothing has changed.  Nothing may have been sent to the client.
 *
 * The body has to be there as it came, in r->request_body->bufs: what is sent
 * is made of it anew, the request that was sent before is not touched.
 */

ngx_int_t ngx_comet_route_next(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    void (*handler)(ngx_http_request_t *r));


#endif /* _NGX_COMET_ROUTE_H_INCLUDED_ */
