/* the addresses of an API, in turn */


#ifndef _NGX_COMET_PEERS_H_INCLUDED_
#define _NGX_COMET_PEERS_H_INCLUDED_


#include "ngx_comet_http.h"


/* the upstream block of that name, or what is known of it without one */

ngx_http_upstream_srv_conf_t *ngx_comet_peers_upstream(ngx_conf_t *cf,
    ngx_url_t *url, ngx_comet_place_t *place);

/* ngx_http_upstream_init(), once there can be an address */

void ngx_comet_peers_start(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);


#endif /* _NGX_COMET_PEERS_H_INCLUDED_ */
