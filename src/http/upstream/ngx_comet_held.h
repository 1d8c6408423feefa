/* an answer that is held back until it is known what becomes of it */


#ifndef _NGX_COMET_HELD_H_INCLUDED_
#define _NGX_COMET_HELD_H_INCLUDED_


#include "ngx_comet_http.h"


typedef ngx_int_t (*ngx_comet_held_pt)(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);


struct ngx_comet_held_s {
    ngx_http_upstream_t       *last;       /* real answer, of those held */
    ngx_comet_held_pt          whole;
    ngx_comet_held_pt          passes;
    ngx_http_chunked_t         chunked;
    size_t                     read;       /* bytes of the body */
    unsigned                   framed:1;   /* its end is known */
};


/*
 * There is a head: whole() is called with the body, as process_header(), or
 * passes() where the answer cannot be held.
 */

ngx_int_t ngx_comet_held(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_held_pt whole, ngx_comet_held_pt passes);

/* the text of the body, or NULL data */

void ngx_comet_held_text(ngx_http_request_t *r, ngx_http_upstream_t *u,
    ngx_str_t *text);

/* the client gets an answer that was held, and the request ends */

void ngx_comet_held_send(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);


#endif /* _NGX_COMET_HELD_H_INCLUDED_ */
