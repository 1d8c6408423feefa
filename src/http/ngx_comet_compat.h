/*
 * What differs between nginx 1.22 and mainline, in one place.
 */


#ifndef _NGX_COMET_COMPAT_H_INCLUDED_
#define _NGX_COMET_COMPAT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#if !(NGX_HTTP_SSL)
#error "ngx_comet_module needs an nginx that is built --with-http_ssl_module"
#endif


/* 1.23.0: header lines of one name are linked */

#if (nginx_version >= 1023000)
#define ngx_comet_unlinked(h)  ((h)->next = NULL)
#else
#define ngx_comet_unlinked(h)
#endif


/* 1.27.2: trailers may be kept, which is of no use here */

#if (nginx_version >= 1027002)
#define ngx_comet_parse_chunked(r, b, ctx)                                    \
    ngx_http_parse_chunked(r, b, ctx, 0)
#else
#define ngx_comet_parse_chunked(r, b, ctx)                                    \
    ngx_http_parse_chunked(r, b, ctx)
#endif


#endif /* _NGX_COMET_COMPAT_H_INCLUDED_ */
