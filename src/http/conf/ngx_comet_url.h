/* a URL of an API, as a directive has it */


#ifndef _NGX_COMET_URL_H_INCLUDED_
#define _NGX_COMET_URL_H_INCLUDED_


#include "ngx_comet_http.h"


/* where a request goes */

typedef struct {
    ngx_str_t                  schema;
    ngx_str_t                  host;       /* as in the Host header */
    ngx_str_t                  prefix;     /* put before the path */
    ngx_str_t                  name;       /* all of it, for whoever counts */
} ngx_comet_target_t;


/*
 * Without variables.  An upstream block of its name may still follow, so the
 * upstream is looked for when all is read.
 */

typedef struct {
    ngx_comet_target_t             target;
    ngx_url_t                     *address;
    ngx_http_upstream_srv_conf_t  *upstream;
    unsigned                       tls:1;
} ngx_comet_url_t;


typedef struct {
    ngx_str_t                  name;
    in_port_t                  port;
} ngx_comet_scheme_t;


ngx_comet_scheme_t *ngx_comet_url_scheme(ngx_str_t *url);
void ngx_comet_url_target(ngx_comet_target_t *target, ngx_str_t *schema,
    ngx_url_t *url);

/*
 * The path of a request begins with /v1 and is put behind that of the URL, so
 * a URL that ends in /v1, or in a whole path of the API, is one too long.
 * How much of it is right, or zero.
 */

size_t ngx_comet_url_doubled(ngx_str_t *url);

/* what variables bring must not end its line in the request's head */

ngx_uint_t ngx_comet_url_is_word(ngx_str_t *value);

/* tells what is wrong with the URL of the directive */

char *ngx_comet_url_check(ngx_conf_t *cf, const char *directive,
    ngx_str_t *url);
char *ngx_comet_url_parse(ngx_conf_t *cf, const char *directive,
    ngx_str_t *url, ngx_comet_url_t *parsed);


#endif /* _NGX_COMET_URL_H_INCLUDED_ */
