/* what a configuration says to no effect */


#ifndef _NGX_COMET_CHECK_H_INCLUDED_
#define _NGX_COMET_CHECK_H_INCLUDED_


#include "ngx_comet_http.h"


extern ngx_comet_part_t  ngx_comet_check_part;


#endif /* _NGX_COMET_CHECK_H_INCLUDED_ */
