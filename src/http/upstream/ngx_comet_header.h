/* the client's headers that go to the API */


#ifndef _NGX_COMET_HEADER_H_INCLUDED_
#define _NGX_COMET_HEADER_H_INCLUDED_


#include "ngx_comet_http.h"


struct ngx_comet_header_conf_s {
    ngx_array_t               *forward;    /* of ngx_str_t, lowercase */
};


extern ngx_comet_part_t  ngx_comet_header_part;


char *ngx_comet_forward_header(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* at most so many bytes are copied; NULL where it failed */

size_t ngx_comet_headers_size(ngx_http_request_t *r);
u_char *ngx_comet_headers_copy(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    u_char *p);


/* one for all attempts of a call whose client sends none */

ngx_int_t ngx_comet_header_idempotency(ngx_http_request_t *r,
    ngx_str_t *line);


#endif /* _NGX_COMET_HEADER_H_INCLUDED_ */
