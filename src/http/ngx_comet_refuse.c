/*
 * Every error that nginx makes under comet_pass leaves as JSON: nginx's page
 * is taken for what it is in the header filter and replaced in the body's.
 * Going through nginx's own special responses keeps error_page working.
 */


#include "ngx_comet_refuse.h"


#define NGX_COMET_MESSAGE_MAX  2048


struct ngx_comet_refusal_s {
    ngx_comet_error_t          error;
    ngx_chain_t               *body;
    unsigned                   keepalive:1;
    unsigned                   lingering_close:1;
};


static ngx_int_t ngx_comet_refuse_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_comet_refuse_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_comet_refuse_init(ngx_conf_t *cf);
static ngx_int_t ngx_comet_refuse_prepare(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


ngx_comet_part_t  ngx_comet_refuse_part = {
    .postconfiguration = ngx_comet_refuse_init
};


static ngx_comet_refusal_t *
ngx_comet_refusal(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    if (ctx->refusal == NULL) {
        ctx->refusal = ngx_pcalloc(r->pool, sizeof(ngx_comet_refusal_t));
    }

    return ctx->refusal;
}


ngx_int_t ngx_cdecl
ngx_comet_refuse(ngx_http_request_t *r, ngx_comet_error_t error,
    const char *fmt, ...)
{
    u_char               *text, *last;
    va_list               args;
    ngx_comet_ctx_t      *ctx;
    ngx_comet_refusal_t  *refusal;

    ctx = ngx_comet_make_ctx(r);
    refusal = ctx ? ngx_comet_refusal(r, ctx) : NULL;
    text = ngx_pnalloc(r->pool, NGX_COMET_MESSAGE_MAX);

    if (refusal == NULL || text == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    va_start(args, fmt);
    last = ngx_vslprintf(text, text + NGX_COMET_MESSAGE_MAX - 1, fmt, args);
    va_end(args);

    *last = '\0';
    ngx_comet_text_clean((char *) text);

    refusal->error = error;
    refusal->error.message = (char *) text;

    refusal->keepalive = r->keepalive;
    refusal->lingering_close = r->lingering_close;

    ctx->verdict = NGX_COMET_REFUSED;
    ctx->error_code = error.code;

    return error.status;
}


static ngx_int_t
ngx_comet_refuse_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_comet_refuse_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_comet_refuse_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_refuse_header_filter(ngx_http_request_t *r)
{
    ngx_comet_ctx_t       *ctx;
    ngx_comet_loc_conf_t  *lcf;

    static ngx_str_t  model = ngx_string("X-Comet-Model");
    static ngx_str_t  repairs = ngx_string("X-Comet-Repairs");

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    if (r != r->main || !lcf->passing) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_comet_make_ctx(r);

    if (ctx == NULL
        || (ctx->repairs.len
            && ngx_comet_header_add(r, &repairs, &ctx->repairs)
               != NGX_OK)
        || (ctx->route_model.len && ctx->verdict != NGX_COMET_REFUSED
            && ngx_comet_header_add(r, &model, &ctx->route_model)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (r->err_status < NGX_HTTP_BAD_REQUEST) {
        return ngx_http_next_header_filter(r);
    }

    if (!ctx->relaying && ngx_comet_refuse_prepare(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_comet_refuse_prepare(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    char                 *text;
    ngx_buf_t            *b;
    ngx_chain_t          *cl;
    ngx_comet_error_t     error;
    ngx_comet_refusal_t  *refusal;

    refusal = ngx_comet_refusal(r, ctx);
    if (refusal == NULL) {
        return NGX_ERROR;
    }

    if (refusal->error.status == (int) r->err_status) {
        error = refusal->error;

        /*
         * nginx ends the connection after some statuses; a refusal need not,
         * but where the body was not read whole, its rest is no request.
         */

        if (ctx->judged) {
            r->keepalive = refusal->keepalive;
            r->lingering_close = refusal->lingering_close;

        } else if (ctx->reading) {
            r->keepalive = 0;
            r->lingering_close = 1;
        }

    } else {
        error = ngx_comet_error_of_status((int) r->err_status);
    }

    text = ngx_comet_error_print(&error);
    if (text == NULL) {
        return NGX_ERROR;
    }

    b = ngx_comet_text_buf(r, text);
    cl = ngx_alloc_chain_link(r->pool);

    if (b == NULL || cl == NULL) {
        return NGX_ERROR;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    cl->buf = b;
    cl->next = NULL;
    refusal->body = cl;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.charset.len = 0;

    ngx_http_clear_content_length(r);
    r->headers_out.content_length_n = b->last - b->pos;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_refuse_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t      *cl;
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx == NULL || ctx->refusal == NULL || ctx->refusal->body == NULL
        || in == NULL)
    {
        return ngx_http_next_body_filter(r, in);
    }

    /* nginx's page is consumed and ours sent in its place, once */

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
    }

    cl = ctx->refusal->body;
    ctx->refusal->body = NULL;

    return ngx_http_next_body_filter(r, cl);
}
