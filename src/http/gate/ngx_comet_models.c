/*
 * GET /v1/models under comet_models or comet_route: the upstream's list is
 * taken whole before the head of the answer is sent, and what may be used of it
 * is sent instead, with the routes.
 */


#include "ngx_comet_models.h"
#include "ngx_comet_list.h"
#include "ngx_comet_policy.h"
#include "ngx_comet_route.h"


#define NGX_COMET_LIST_MAX  (4 * 1024 * 1024)


typedef struct {
    ngx_http_request_t  *request;
    ngx_comet_ctx_t     *ctx;
    ngx_uint_t           route;      /* the next one */
} ngx_comet_shown_t;


static ngx_int_t ngx_comet_models_init(ngx_conf_t *cf);
static ngx_int_t ngx_comet_models_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_comet_models_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_comet_models_take(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx, ngx_buf_t *b);
static ngx_int_t ngx_comet_models_send(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


ngx_comet_part_t  ngx_comet_models_part = {
    .postconfiguration = ngx_comet_models_init
};


static ngx_int_t
ngx_comet_models_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_comet_models_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_comet_models_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_models_header_filter(ngx_http_request_t *r)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx == NULL || !ctx->relaying || ctx->endpoint == NULL
        || !ctx->endpoint->lists
        || r->headers_out.status >= NGX_HTTP_SPECIAL_RESPONSE
        || r->headers_out.status == NGX_HTTP_NO_CONTENT)
    {
        return ngx_http_next_header_filter(r);
    }

    if (ctx->policy->models == NULL && ctx->policy->deny == NULL
        && !ngx_comet_route_any(r, ctx))
    {
        return ngx_http_next_header_filter(r);
    }

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_etag(r);

    /* what is sent is plain; a list that is not cannot be read */

    if (r->headers_out.content_encoding) {
        r->headers_out.content_encoding->hash = 0;
        r->headers_out.content_encoding = NULL;
    }

    if (r->method == NGX_HTTP_HEAD) {
        return ngx_http_next_header_filter(r);
    }

    ctx->list = ngx_array_create(r->pool, 16384, 1);
    if (ctx->list == NULL) {
        return NGX_ERROR;
    }

    r->filter_need_in_memory = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_models_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_uint_t        last;
    ngx_chain_t      *cl;
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx == NULL || ctx->list == NULL || in == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    last = 0;

    for (cl = in; cl; cl = cl->next) {

        if (ngx_comet_models_take(r, ctx, cl->buf) != NGX_OK) {
            return NGX_ERROR;
        }

        last |= (r == r->main) ? cl->buf->last_buf : cl->buf->last_in_chain;
    }

    return last ? ngx_comet_models_send(r, ctx) : NGX_OK;
}


static ngx_int_t
ngx_comet_models_take(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_buf_t *b)
{
    size_t   size;
    u_char  *p;

    size = b->last - b->pos;

    b->pos = b->last;

    if (size == 0 || ctx->list->nelts > NGX_COMET_LIST_MAX) {
        return NGX_OK;
    }

    p = ngx_array_push_n(ctx->list, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, b->last - size, size);

    return NGX_OK;
}


static int
ngx_comet_models_admit(void *data, const char *model, size_t len)
{
    ngx_comet_shown_t *shown = data;

    return (int) ngx_comet_policy_admits(shown->ctx->policy, model, len);
}


/* a route that may be used */

static const char *
ngx_comet_models_more(void *data)
{
    ngx_comet_shown_t *shown = data;

    ngx_comet_route_t  *route;

    do {
        route = ngx_comet_route_each(shown->request, shown->ctx,
                                     &shown->route);
    } while (route && !ngx_comet_policy_admits(shown->ctx->policy,
                                               (char *) route->name.data,
                                               route->name.len));

    return route ? (char *) route->name.data : NULL;
}


static ngx_int_t
ngx_comet_models_send(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    char               *text;
    ngx_int_t           rc;
    ngx_buf_t          *b;
    ngx_chain_t         out;
    ngx_comet_list_t    of;
    ngx_comet_shown_t   shown;

    text = NULL;

    shown.request = r;
    shown.ctx = ctx;
    shown.route = 0;

    of.admit = ngx_comet_models_admit;
    of.more = ngx_comet_models_more;
    of.data = &shown;

    if (ctx->list->nelts <= NGX_COMET_LIST_MAX) {
        text = ngx_comet_list_filter(ctx->list->elts, ctx->list->nelts, &of);
    }

    ctx->list = NULL;

    if (text == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "upstream sent no list of models that can be read");

        ctx->relaying = 0;
        ngx_http_clean_header(r);

        /*
         * For the upstream, which asked for the last buf and finalizes the
         * request with what it got: an error_page may make another upstream
         * of the request, and so must not run within a filter of this one.
         */

        return NGX_HTTP_BAD_GATEWAY;
    }

    b = ngx_comet_text_buf(r, text);
    if (b == NULL) {
        return NGX_ERROR;
    }

    r->headers_out.content_length_n = b->last - b->pos;

    rc = ngx_http_next_header_filter(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}


/* GET /v1/models/NAME of a route, which the API does not know */

ngx_int_t
ngx_comet_models_route(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_str_t *name)
{
    char                      *text;
    ngx_int_t                  rc;
    ngx_buf_t                 *b;
    ngx_str_t                  type;
    ngx_comet_route_t         *route;
    ngx_http_complex_value_t   value;

    route = ngx_comet_route_find(r, ctx, (char *) name->data, name->len);

    /* one that is among its own targets is a model */

    if (route == NULL || route->itself) {
        return NGX_DECLINED;
    }

    text = ngx_comet_list_print((char *) route->name.data);
    b = text ? ngx_comet_text_buf(r, text) : NULL;

    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_set(&type, "application/json");
    ngx_memzero(&value, sizeof(ngx_http_complex_value_t));

    value.value.data = b->pos;
    value.value.len = b->last - b->pos;

    rc = ngx_http_send_response(r, NGX_HTTP_OK, &type, &value);

    /* the phases would go on, or wait */

    return rc == NGX_OK || rc == NGX_AGAIN ? NGX_HTTP_OK : rc;
}
