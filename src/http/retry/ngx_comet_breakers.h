/* comet_breaker */


#ifndef _NGX_COMET_BREAKERS_H_INCLUDED_
#define _NGX_COMET_BREAKERS_H_INCLUDED_


#include "ngx_comet_http.h"


char *ngx_comet_breaker(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_COMET_BREAKERS_H_INCLUDED_ */
