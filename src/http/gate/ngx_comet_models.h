/* GET /v1/models */


#ifndef _NGX_COMET_MODELS_H_INCLUDED_
#define _NGX_COMET_MODELS_H_INCLUDED_


#include "ngx_comet_http.h"


extern ngx_comet_part_t  ngx_comet_models_part;


/* NGX_DECLINED: the API is asked about it */

ngx_int_t ngx_comet_models_route(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_str_t *name);


#endif /* _NGX_COMET_MODELS_H_INCLUDED_ */
