/* how long to wait for an answer */


#ifndef _NGX_COMET_PATIENCE_H_INCLUDED_
#define _NGX_COMET_PATIENCE_H_INCLUDED_


#include "ngx_comet_http.h"


struct ngx_comet_patience_conf_s {
    ngx_msec_t                 first_token;
    ngx_msec_t                 idle;       /* between events */
};


extern ngx_comet_part_t  ngx_comet_patience_part;


/* until the deadline of the call, over all attempts */

ngx_msec_t ngx_comet_patience_left(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);

void ngx_comet_patience_request(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
void ngx_comet_patience_answer(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
void ngx_comet_patience_drain(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_msec_t limit);
void ngx_comet_patience_stop(ngx_comet_ctx_t *ctx);


#endif /* _NGX_COMET_PATIENCE_H_INCLUDED_ */
