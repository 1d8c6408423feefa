/* what clients are told of their limits */


#ifndef _NGX_COMET_TOLD_H_INCLUDED_
#define _NGX_COMET_TOLD_H_INCLUDED_


#include "ngx_comet_http.h"


extern ngx_comet_part_t  ngx_comet_told_part;


#endif /* _NGX_COMET_TOLD_H_INCLUDED_ */
