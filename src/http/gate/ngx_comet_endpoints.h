/* what a request is for */


#ifndef _NGX_COMET_ENDPOINTS_H_INCLUDED_
#define _NGX_COMET_ENDPOINTS_H_INCLUDED_


#include "ngx_comet_http.h"


struct ngx_comet_endpoints_conf_s {
    ngx_array_t               *opened;     /* of ngx_str_t, globs */
};


extern ngx_comet_part_t  ngx_comet_endpoints_part;


char *ngx_comet_endpoints(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

ngx_int_t ngx_comet_endpoints_upgrade(ngx_http_request_t *r);
ngx_int_t ngx_comet_endpoints_check(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);

/* whether the path is still the one that was judged */

ngx_uint_t ngx_comet_endpoints_holds(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);


#endif /* _NGX_COMET_ENDPOINTS_H_INCLUDED_ */
