/* errors of a configuration that are found later */


#ifndef _NGX_COMET_CONF_H_INCLUDED_
#define _NGX_COMET_CONF_H_INCLUDED_


#include "ngx_comet_http.h"


void ngx_comet_conf_place(ngx_conf_t *cf, ngx_comet_place_t *place);
void ngx_cdecl ngx_comet_conf_error(ngx_conf_t *cf, ngx_comet_place_t *place,
    const char *fmt, ...);
void ngx_cdecl ngx_comet_conf_warn(ngx_conf_t *cf, ngx_comet_place_t *place,
    const char *fmt, ...);


#endif /* _NGX_COMET_CONF_H_INCLUDED_ */
