/* a line of an answer's head */


#ifndef _NGX_COMET_LINE_H_INCLUDED_
#define _NGX_COMET_LINE_H_INCLUDED_


#include "ngx_comet_http.h"


/* as ngx_http_parse_header_line(), and the same of it */

ngx_int_t ngx_comet_line_parse(ngx_http_request_t *r, ngx_buf_t *b);


#endif /* _NGX_COMET_LINE_H_INCLUDED_ */
