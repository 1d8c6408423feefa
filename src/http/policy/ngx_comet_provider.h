/* providers that an operator describes */


#ifndef _NGX_COMET_PROVIDER_H_INCLUDED_
#define _NGX_COMET_PROVIDER_H_INCLUDED_


#include "ngx_comet_http.h"


extern ngx_comet_part_t  ngx_comet_provider_part;


char *ngx_comet_provider(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
const ngx_comet_provider_t *ngx_comet_provider_find(ngx_http_request_t *r,
    const char *model, size_t len);


#endif /* _NGX_COMET_PROVIDER_H_INCLUDED_ */
