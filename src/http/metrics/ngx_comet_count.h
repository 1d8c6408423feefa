/* what is counted for comet_metrics */


#ifndef _NGX_COMET_COUNT_H_INCLUDED_
#define _NGX_COMET_COUNT_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_outcome.h"


extern ngx_comet_part_t  ngx_comet_count_part;


ngx_int_t ngx_comet_count_begin(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
void ngx_comet_count_end(ngx_http_request_t *r);

/* an attempt that ended, and one that begins because another one ended so */

void ngx_comet_count_attempt(ngx_http_request_t *r,
    const ngx_comet_outcome_t *outcome);
void ngx_comet_count_retry(ngx_http_request_t *r,
    const ngx_comet_outcome_t *outcome);

/* around what the gateway does for a request; what it does already goes on */

void ngx_comet_count_resume(ngx_comet_ctx_t *ctx);
void ngx_comet_count_pause(ngx_comet_ctx_t *ctx);


#endif /* _NGX_COMET_COUNT_H_INCLUDED_ */
