/* variables, of what is known of a request and of what parts add */


#ifndef _NGX_COMET_VARIABLES_H_INCLUDED_
#define _NGX_COMET_VARIABLES_H_INCLUDED_


#include "ngx_comet_http.h"


extern ngx_comet_part_t  ngx_comet_variables_part;


ngx_int_t ngx_comet_variables_add(ngx_conf_t *cf, ngx_http_variable_t *v);

/* what a variable is; nothing makes it one that is not found */

ngx_int_t ngx_comet_variable_set(ngx_http_variable_value_t *v,
    const void *data, size_t len);
ngx_int_t ngx_comet_variable_text(ngx_http_variable_value_t *v,
    const char *text);

const char *ngx_comet_verdict_name(ngx_comet_verdict_e verdict);


#endif /* _NGX_COMET_VARIABLES_H_INCLUDED_ */
