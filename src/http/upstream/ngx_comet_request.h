/* the request to the API */


#ifndef _NGX_COMET_REQUEST_H_INCLUDED_
#define _NGX_COMET_REQUEST_H_INCLUDED_


#include "ngx_comet_http.h"


/* where a request goes */

typedef struct {
    ngx_str_t                  schema;
    ngx_str_t                  host;       /* as in the Host header */
    ngx_str_t                  prefix;     /* put before the path */
    ngx_str_t                  name;       /* all of it, for whoever counts */
} ngx_comet_target_t;


struct ngx_comet_sending_s {
    ngx_comet_target_t        *target;
    ngx_str_t                  host;
};


ngx_int_t ngx_comet_create_request(ngx_http_request_t *r);

/* what variables bring must not end its line in the request's head */

ngx_uint_t ngx_comet_request_is_word(ngx_str_t *value);


#endif /* _NGX_COMET_REQUEST_H_INCLUDED_ */
