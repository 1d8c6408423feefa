/* keys in a configuration */


#ifndef _NGX_COMET_KEY_H_INCLUDED_
#define _NGX_COMET_KEY_H_INCLUDED_


#include "ngx_comet_http.h"


/* comet_key, into an ngx_str_t */

char *ngx_comet_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_comet_key_mask(ngx_conf_t *cf, ngx_str_t *key);


#endif /* _NGX_COMET_KEY_H_INCLUDED_ */
