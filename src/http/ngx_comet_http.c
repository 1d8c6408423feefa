/* what several parts do with a request, and nginx has no function for */


#include "ngx_comet_http.h"


typedef struct {
    ngx_http_request_t  *request;
    ngx_comet_ctx_t     *ctx;
} ngx_comet_kept_t;


ngx_comet_ctx_t *
ngx_comet_make_ctx(ngx_http_request_t *r)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_comet_ctx_t));
        if (ctx == NULL) {
            return NULL;
        }

        ngx_http_set_ctx(r, ctx, ngx_comet_module);
    }

    return ctx;
}


/* a context goes with an internal redirect, a cleanup does not */

void *
ngx_comet_cleanup_find(ngx_http_request_t *r, ngx_pool_cleanup_pt handler)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_request_t  **owner;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        owner = cln->data;

        if (cln->handler == handler && *owner == r) {
            return owner;
        }
    }

    return NULL;
}


static void
ngx_comet_kept_cleanup(void *data)
{
    /* it is only there to be found */
}


ngx_int_t
ngx_comet_keep_ctx(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_kept_t    *kept;
    ngx_pool_cleanup_t  *cln;

    kept = ngx_comet_cleanup_find(r, ngx_comet_kept_cleanup);

    if (kept == NULL) {

        cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_comet_kept_t));
        if (cln == NULL) {
            return NGX_ERROR;
        }

        kept = cln->data;
        kept->request = r;

        cln->handler = ngx_comet_kept_cleanup;
    }

    kept->ctx = ctx;

    return NGX_OK;
}


ngx_comet_ctx_t *
ngx_comet_kept_ctx(ngx_http_request_t *r)
{
    ngx_comet_ctx_t   *ctx;
    ngx_comet_kept_t  *kept;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx && ctx->gated) {
        return ctx;
    }

    kept = ngx_comet_cleanup_find(r, ngx_comet_kept_cleanup);

    return kept ? kept->ctx : ctx;
}


ngx_int_t
ngx_comet_header_add(ngx_http_request_t *r, const ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_comet_unlinked(h);
    h->key = *name;
    h->value = *value;

    return NGX_OK;
}


static void
ngx_comet_text_free(void *data)
{
    free(data);
}


ngx_buf_t *
ngx_comet_text_buf(ngx_http_request_t *r, char *text)
{
    ngx_buf_t           *b;
    ngx_pool_cleanup_t  *cln;

    b = ngx_calloc_buf(r->pool);
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (b == NULL || cln == NULL) {
        free(text);
        return NULL;
    }

    cln->handler = ngx_comet_text_free;
    cln->data = text;

    b->memory = 1;
    b->pos = (u_char *) text;
    b->last = b->pos + ngx_strlen(text);

    return b;
}


ngx_str_t *
ngx_comet_model_sent(ngx_comet_ctx_t *ctx)
{
    return ctx->route_model.len ? &ctx->route_model : &ctx->model;
}


ngx_msec_t
ngx_comet_elapsed(ngx_http_request_t *r)
{
    ngx_time_t      *tp;
    ngx_msec_int_t   ms;

    tp = ngx_timeofday();

    ms = (ngx_msec_int_t) ((tp->sec - r->start_sec) * 1000
                           + (tp->msec - r->start_msec));

    return (ngx_msec_t) ngx_max(ms, 0);
}
