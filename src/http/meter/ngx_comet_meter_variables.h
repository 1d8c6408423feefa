/* variables of what a call used */


#ifndef _NGX_COMET_METER_VARIABLES_H_INCLUDED_
#define _NGX_COMET_METER_VARIABLES_H_INCLUDED_


#include "ngx_comet_http.h"


extern ngx_comet_part_t  ngx_comet_meter_variables_part;


#endif /* _NGX_COMET_METER_VARIABLES_H_INCLUDED_ */
