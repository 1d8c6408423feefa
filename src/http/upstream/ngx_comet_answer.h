/* the answer of the API */


#ifndef _NGX_COMET_ANSWER_H_INCLUDED_
#define _NGX_COMET_ANSWER_H_INCLUDED_


#include "ngx_comet_http.h"


struct ngx_comet_answer_s {
    ngx_http_status_t          status;
    ngx_http_chunked_t         chunked;
    ngx_uint_t                 interim;    /* answers before the answer */
    unsigned                   head:1;     /* is all of it */
};


extern ngx_str_t  ngx_comet_hide_headers[];


void ngx_comet_answer_init(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
ngx_int_t ngx_comet_answer_reinit(ngx_http_request_t *r);

/* it has no body, by its head */

ngx_uint_t ngx_comet_answer_bodiless(ngx_http_request_t *r);

/* one that ends with its TLS connection was cut */

ngx_uint_t ngx_comet_answer_truncated(ngx_connection_t *c);

/* a header of this name is not passed on */

void ngx_comet_answer_drop(ngx_http_upstream_t *u, u_char *name, size_t len);

void ngx_comet_answer_finalize(ngx_http_request_t *r, ngx_int_t rc);


#endif /* _NGX_COMET_ANSWER_H_INCLUDED_ */
