/* the reading of a body */


#ifndef _NGX_COMET_BODY_H_INCLUDED_
#define _NGX_COMET_BODY_H_INCLUDED_


#include "ngx_comet_http.h"


extern ngx_comet_part_t  ngx_comet_body_part;


ngx_int_t ngx_comet_body_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt handler);


#endif /* _NGX_COMET_BODY_H_INCLUDED_ */
