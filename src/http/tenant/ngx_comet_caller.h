/* who calls */


#ifndef _NGX_COMET_CALLER_H_INCLUDED_
#define _NGX_COMET_CALLER_H_INCLUDED_


#include "ngx_comet_http.h"


/* comet_tenant_from */

struct ngx_comet_caller_conf_s {
    ngx_http_complex_value_t  *variable;   /* NULL: the client's key */
    ngx_str_t                  default_name;
    ngx_comet_place_t          default_place;
    ngx_comet_tenant_t        *default_tenant;
    ngx_comet_policy_conf_t  **policies;   /* here, of tenants that came */
    ngx_pool_t                *pool;       /* for them */
    unsigned                   set:1;
    unsigned                   anonymous:1;  /* no tenant is asked for */
};


extern ngx_comet_part_t  ngx_comet_caller_part;


char *ngx_comet_tenant_from(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

ngx_int_t ngx_comet_caller_identify(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);


#endif /* _NGX_COMET_CALLER_H_INCLUDED_ */
