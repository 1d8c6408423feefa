/* errors that are made here */


#ifndef _NGX_COMET_REFUSE_H_INCLUDED_
#define _NGX_COMET_REFUSE_H_INCLUDED_


#include "ngx_comet_http.h"


extern ngx_comet_part_t  ngx_comet_refuse_part;


/* returns the status, for the caller to return or to finalize with */

ngx_int_t ngx_cdecl ngx_comet_refuse(ngx_http_request_t *r,
    ngx_comet_error_t error, const char *fmt, ...);


#endif /* _NGX_COMET_REFUSE_H_INCLUDED_ */
