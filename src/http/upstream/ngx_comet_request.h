/* the request to the API */


#ifndef _NGX_COMET_REQUEST_H_INCLUDED_
#define _NGX_COMET_REQUEST_H_INCLUDED_


#include "ngx_comet_http.h"


ngx_int_t ngx_comet_create_request(ngx_http_request_t *r);


#endif /* _NGX_COMET_REQUEST_H_INCLUDED_ */
