/* the request to the API */


#ifndef _NGX_COMET_REQUEST_H_INCLUDED_
#define _NGX_COMET_REQUEST_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_url.h"


struct ngx_comet_sending_s {
    ngx_comet_target_t            *target;
    ngx_str_t                      host;
    ngx_http_upstream_srv_conf_t  *peers;
    ngx_http_upstream_resolved_t  *resolved;       /* where there are none */
    ngx_str_t                      idempotency;    /* a line of the head */
};


ngx_int_t ngx_comet_create_request(ngx_http_request_t *r);


#endif /* _NGX_COMET_REQUEST_H_INCLUDED_ */
