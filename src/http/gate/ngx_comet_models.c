/*
 * GET /v1/models under comet_models: the upstream's list is taken whole before
 * the head of the answer is sent, and what may be used of it is sent instead.
 */


#include "ngx_comet_models.h"
#include "ngx_comet_gate.h"
#include "ngx_comet_list.h"
#include "ngx_comet_policy.h"


#define NGX_COMET_LIST_MAX  (4 * 1024 * 1024)


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

    if (ctx->policy->models == NULL && ctx->policy->deny == NULL) {
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


static ngx_int_t
ngx_comet_models_send(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    char                *text;
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_comet_policy_t  *policy;

    text = NULL;
    policy = &ctx->gate->policy;

    if (ctx->list->nelts <= NGX_COMET_LIST_MAX) {
        text = ngx_comet_list_filter(ctx->list->elts, ctx->list->nelts,
                                     policy->admit, policy->data);
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
