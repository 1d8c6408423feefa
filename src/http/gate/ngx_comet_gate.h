/* a request on its way through the gate */


#ifndef _NGX_COMET_GATE_H_INCLUDED_
#define _NGX_COMET_GATE_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_walk.h"


struct ngx_comet_gate_s {
    ngx_int_t                  rc;         /* what the phases are told */
    ngx_comet_policy_t         policy;
    ngx_comet_judge_t         *judge;      /* while the body passes */
    ngx_pool_cleanup_t        *cleanup;    /* of it */
    ngx_comet_walk_t          *again;      /* if the body is read once more */
    ngx_comet_turn_t          *turn;
    unsigned                   scanned:1;
    unsigned                   elsewhere:1;  /* a refusal for one target */
};


extern ngx_comet_part_t  ngx_comet_gate_part;


/*
 * The next target of the call's route, in place of the one that it was let in
 * for and that failed.  NGX_OK: ctx->target, ctx->edits and all that is known
 * and reserved are of it.  NGX_AGAIN: there is more of the body to read, the
 * handler is called in another turn of the event loop and asks again.
 * NGX_DECLINED: none takes the call; nothing that tokens and money are counted
 * by is reserved any more, and nothing else has changed.  NGX_ERROR: no
 * memory, or the body cannot be read.
 *
 * What the attempt before has used is charged here if the API told it.  The
 * body has to be there as it came, in r->request_body->bufs: what is sent next
 * is made of it anew by ctx->edits.
 */

ngx_int_t ngx_comet_route_next(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_turn_pt handler);


#endif /* _NGX_COMET_GATE_H_INCLUDED_ */
