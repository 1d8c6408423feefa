/* the body as it is sent */


#ifndef _NGX_COMET_SPLICE_H_INCLUDED_
#define _NGX_COMET_SPLICE_H_INCLUDED_


#include "ngx_comet_http.h"


typedef struct ngx_comet_copy_s  ngx_comet_copy_t;


struct ngx_comet_edited_s {
    ngx_comet_edit_t          *edits;
    ngx_uint_t                 n;
    ngx_comet_copy_t          *copy;       /* the body, edited, in a file */
};


ngx_int_t ngx_comet_splice(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_chain_t *body, ngx_chain_t **ll);
ngx_int_t ngx_comet_splice_copy(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);


#endif /* _NGX_COMET_SPLICE_H_INCLUDED_ */
