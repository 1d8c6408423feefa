/* variables of a tenant and its limits */


#ifndef _NGX_COMET_TENANT_VARIABLES_H_INCLUDED_
#define _NGX_COMET_TENANT_VARIABLES_H_INCLUDED_


#include "ngx_comet_http.h"


extern ngx_comet_part_t  ngx_comet_tenant_variables_part;


#endif /* _NGX_COMET_TENANT_VARIABLES_H_INCLUDED_ */
