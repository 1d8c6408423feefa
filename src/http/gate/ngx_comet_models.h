/* GET /v1/models */


#ifndef _NGX_COMET_MODELS_H_INCLUDED_
#define _NGX_COMET_MODELS_H_INCLUDED_


#include "ngx_comet_http.h"


extern ngx_comet_part_t  ngx_comet_models_part;


#endif /* _NGX_COMET_MODELS_H_INCLUDED_ */
