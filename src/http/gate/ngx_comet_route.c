#include "ngx_comet_route.h"
ngx_int_t ngx_comet_route_next(ngx_http_request_t *r, ngx_comet_ctx_t *ctx, void (*handler)(ngx_http_request_t *r)) { return NGX_DECLINED; }
