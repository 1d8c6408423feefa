/* TLS to the API */


#ifndef _NGX_COMET_TLS_H_INCLUDED_
#define _NGX_COMET_TLS_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_set.h"


struct ngx_comet_tls_conf_s {
    ngx_http_complex_value_t  *name;
    ngx_uint_t                 protocols;
    ngx_str_t                  ciphers;
    ngx_uint_t                 verify_depth;
    ngx_str_t                  trusted_certificate;
    ngx_str_t                  crl;
    ngx_array_t               *conf_commands;
};


extern ngx_comet_part_t    ngx_comet_tls_part;
extern ngx_comet_setter_t  ngx_comet_takes_protocols;


char *ngx_comet_ssl_password_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_COMET_TLS_H_INCLUDED_ */
