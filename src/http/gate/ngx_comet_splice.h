/* the body as it is sent */


#ifndef _NGX_COMET_SPLICE_H_INCLUDED_
#define _NGX_COMET_SPLICE_H_INCLUDED_


#include "ngx_comet_http.h"


ngx_int_t ngx_comet_splice(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_chain_t *body, ngx_chain_t **ll);


#endif /* _NGX_COMET_SPLICE_H_INCLUDED_ */
