/* comet_pass */


#ifndef _NGX_COMET_PASS_H_INCLUDED_
#define _NGX_COMET_PASS_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_set.h"
#include "ngx_comet_url.h"


struct ngx_comet_pass_conf_s {
    ngx_http_upstream_conf_t       upstream;
    ngx_http_upstream_srv_conf_t  *peers;
    ngx_comet_target_t             target;
    ngx_url_t                     *address;    /* without variables */
    ngx_str_t                      url;        /* with variables */
    ngx_array_t                   *url_lengths;
    ngx_array_t                   *url_values;
    ngx_http_complex_value_t      *host;
    unsigned                       tls_needed:1;
};


extern ngx_comet_part_t    ngx_comet_pass_part;
extern ngx_comet_setter_t  ngx_comet_takes_next_upstream;


char *ngx_comet_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_comet_pass_handler(ngx_http_request_t *r);

/* the host of a URL with variables; empty where it is one of them */

void ngx_comet_pass_host(ngx_str_t *url, ngx_str_t *host);


#endif /* _NGX_COMET_PASS_H_INCLUDED_ */
