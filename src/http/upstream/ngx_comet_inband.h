/* an error in the stream */


#ifndef _NGX_COMET_INBAND_H_INCLUDED_
#define _NGX_COMET_INBAND_H_INCLUDED_


#include "ngx_comet_http.h"


void ngx_comet_inband(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_int_t rc);


#endif /* _NGX_COMET_INBAND_H_INCLUDED_ */
