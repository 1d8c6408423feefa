/* what a body is said to be */


#ifndef _NGX_COMET_MEDIA_H_INCLUDED_
#define _NGX_COMET_MEDIA_H_INCLUDED_


#include "ngx_comet_http.h"


ngx_int_t ngx_comet_media_check(ngx_http_request_t *r);


#endif /* _NGX_COMET_MEDIA_H_INCLUDED_ */
