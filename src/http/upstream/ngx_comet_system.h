/* what the system knows of names: /etc/hosts and /etc/resolv.conf */


#ifndef _NGX_COMET_SYSTEM_H_INCLUDED_
#define _NGX_COMET_SYSTEM_H_INCLUDED_


#include "ngx_comet_http.h"


/* a name that the system finds without asking DNS */

ngx_int_t ngx_comet_system_has(ngx_conf_t *cf, ngx_str_t *name);

/* of the name servers that the system asks; without any if there are none */

ngx_resolver_t *ngx_comet_system_resolver(ngx_conf_t *cf);


#endif /* _NGX_COMET_SYSTEM_H_INCLUDED_ */
