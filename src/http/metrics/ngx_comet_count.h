/* what is counted for comet_metrics */


#ifndef _NGX_COMET_COUNT_H_INCLUDED_
#define _NGX_COMET_COUNT_H_INCLUDED_


#include "ngx_comet_http.h"


extern ngx_comet_part_t  ngx_comet_count_part;


ngx_int_t ngx_comet_count_begin(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
void ngx_comet_count_end(ngx_http_request_t *r);

/* around what the gateway does for a request; what it does already goes on */

void ngx_comet_count_resume(ngx_comet_ctx_t *ctx);
void ngx_comet_count_pause(ngx_comet_ctx_t *ctx);


#endif /* _NGX_COMET_COUNT_H_INCLUDED_ */
