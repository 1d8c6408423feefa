/*
 * Reads the body of a request.  One that was not read whole, because it was
 * refused or broke off, is none for whatever follows: an error_page or a
 * post_action would announce all of it to the next server and send a part.
 */


#include "ngx_comet_body.h"


/* it outlives an internal redirect */

typedef struct {
    ngx_http_request_t               *request;
    ngx_http_client_body_handler_pt   handler;
    unsigned                          whole:1;
} ngx_comet_body_t;


static ngx_int_t ngx_comet_body_init(ngx_conf_t *cf);
static ngx_int_t ngx_comet_body_redirected(ngx_http_request_t *r);
static void ngx_comet_body_handler(ngx_http_request_t *r);
static void ngx_comet_body_cleanup(void *data);


/* where a redirect, by a name or a URI, and a subrequest begin */

static ngx_http_phases  ngx_comet_body_phases[] = {
    NGX_HTTP_SERVER_REWRITE_PHASE,
    NGX_HTTP_REWRITE_PHASE
};


ngx_comet_part_t  ngx_comet_body_part = {
    .postconfiguration = ngx_comet_body_init
};


static ngx_int_t
ngx_comet_body_init(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    for (i = 0; i < 2; i++) {

        h = ngx_array_push(&cmcf->phases[ngx_comet_body_phases[i]].handlers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        *h = ngx_comet_body_redirected;
    }

    return NGX_OK;
}


ngx_int_t
ngx_comet_body_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt handler)
{
    ngx_comet_body_t    *body;
    ngx_pool_cleanup_t  *cln;

    if (r != r->main || r->request_body) {
        return ngx_http_read_client_request_body(r, handler);
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_comet_body_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_comet_body_cleanup;

    body = cln->data;
    body->request = r;
    body->handler = handler;
    body->whole = 0;

    return ngx_http_read_client_request_body(r, ngx_comet_body_handler);
}


static void
ngx_comet_body_handler(ngx_http_request_t *r)
{
    ngx_comet_body_t  *body;

    body = ngx_comet_cleanup_find(r, ngx_comet_body_cleanup);

    body->whole = 1;
    body->handler(r);
}


static ngx_int_t
ngx_comet_body_redirected(ngx_http_request_t *r)
{
    ngx_comet_body_t  *body;

    if (r->request_body == NULL) {
        return NGX_DECLINED;
    }

    body = ngx_comet_cleanup_find(r->main, ngx_comet_body_cleanup);

    if (body == NULL || body->whole) {
        return NGX_DECLINED;
    }

    r->headers_in.content_length_n = 0;
    r->headers_in.chunked = 0;

    if (r->headers_in.content_length) {
        ngx_str_set(&r->headers_in.content_length->value, "0");
    }

    r->request_body->bufs = NULL;
    r->request_body->temp_file = NULL;
    r->request_body->rest = 0;

    /* what still comes of it is no request */

    r->main->keepalive = 0;
    r->main->lingering_close = 1;
    r->main->read_event_handler = ngx_http_block_reading;

    return NGX_DECLINED;
}


static void
ngx_comet_body_cleanup(void *data)
{
    /* what a body is found by */
}
