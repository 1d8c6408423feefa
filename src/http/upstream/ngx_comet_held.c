/*
 * A failed answer is read into the buffer of its head.  Where it goes to the
 * client after all, nginx reads it on as if it had come at once.
 */


#include "ngx_comet_held.h"
#include "ngx_comet_answer.h"
#include "ngx_comet_attempt.h"


#define NGX_COMET_HELD_MAX  65536


static ngx_int_t ngx_comet_held_more(ngx_http_request_t *r);
static ngx_int_t ngx_comet_held_read(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_held_chunks(ngx_http_request_t *r, ngx_buf_t *b,
    ngx_http_chunked_t *chunked, u_char **text);
static ngx_int_t ngx_comet_held_grow(ngx_http_request_t *r, ngx_buf_t *b);
static ngx_int_t ngx_comet_held_head(ngx_http_request_t *r,
    ngx_http_upstream_t *u);


ngx_int_t
ngx_comet_held(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_held_pt whole, ngx_comet_held_pt passes)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    ngx_memzero(&ctx->held->chunked, sizeof(ngx_http_chunked_t));

    ctx->held->whole = whole;
    ctx->held->passes = passes;
    ctx->held->read = 0;
    ctx->attempt->holding = 1;
    ctx->held->framed = (u->headers_in.chunked
                         || u->headers_in.content_length_n != -1
                         || ngx_comet_answer_bodiless(r));

    u->state->header_time = ngx_current_msec - u->start_time;

    u->process_header = ngx_comet_held_more;

    return ngx_comet_held_more(r);
}


static ngx_int_t
ngx_comet_held_more(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_buf_t        *b;
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    rc = ngx_comet_held_read(r, ctx);

    if (rc == NGX_AGAIN) {
        b = &r->upstream->buffer;

        if (b->last < b->end) {
            return NGX_AGAIN;
        }

        rc = ngx_comet_held_grow(r, b);

        if (rc == NGX_OK) {
            return NGX_AGAIN;
        }
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    /* what is too large, or no body, goes on as it is */

    ctx->attempt->holding = 0;

    return rc == NGX_OK ? ctx->held->whole(r, ctx) : ctx->held->passes(r, ctx);
}


static ngx_int_t
ngx_comet_held_read(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    off_t                 rest;
    ngx_int_t             rc;
    ngx_buf_t             b;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (!ctx->held->framed) {
        return NGX_AGAIN;
    }

    if (!u->headers_in.chunked || ngx_comet_answer_bodiless(r)) {

        rest = ngx_comet_answer_bodiless(r) ? 0
                                            : u->headers_in.content_length_n;
        rest -= u->buffer.last - u->buffer.pos;

        u->keepalive = (rest == 0 && !u->headers_in.connection_close);

        return rest > NGX_COMET_HELD_MAX ? NGX_DECLINED
                                         : rest > 0 ? NGX_AGAIN : NGX_OK;
    }

    b = u->buffer;
    b.pos += ctx->held->read;

    rc = ngx_comet_held_chunks(r, &b, &ctx->held->chunked, NULL);

    ctx->held->read = b.pos - u->buffer.pos;

    if (rc == NGX_DONE) {
        u->keepalive = (b.pos == b.last && !u->headers_in.connection_close);
        return NGX_OK;
    }

    return rc == NGX_AGAIN ? NGX_AGAIN : NGX_DECLINED;
}


static ngx_int_t
ngx_comet_held_chunks(ngx_http_request_t *r, ngx_buf_t *b,
    ngx_http_chunked_t *chunked, u_char **text)
{
    size_t     size;
    ngx_int_t  rc;

    for ( ;; ) {

        rc = ngx_comet_parse_chunked(r, b, chunked);

        if (rc != NGX_OK) {
            return rc;
        }

        size = (size_t) ngx_min(chunked->size, b->last - b->pos);

        if (text) {
            *text = ngx_cpymem(*text, b->pos, size);
        }

        b->pos += size;
        chunked->size -= size;
    }
}


static ngx_int_t
ngx_comet_held_grow(ngx_http_request_t *r, ngx_buf_t *b)
{
    size_t   size;
    u_char  *start;

    size = 2 * (b->end - b->start);

    if (size > NGX_COMET_HELD_MAX) {
        return NGX_DECLINED;
    }

    start = ngx_palloc(r->pool, size);
    if (start == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_cpymem(start, b->start, b->last - b->start);
    b->pos = start + (b->pos - b->start);

    (void) ngx_pfree(r->pool, b->start);

    b->start = start;
    b->end = start + size;

    return NGX_OK;
}


void
ngx_comet_held_text(ngx_http_request_t *r, ngx_http_upstream_t *u,
    ngx_str_t *text)
{
    u_char              *last;
    ngx_buf_t            b;
    ngx_http_chunked_t   chunked;

    b = u->buffer;

    text->data = b.pos;
    text->len = b.last - b.pos;

    if (!u->headers_in.chunked) {

        if (u->headers_in.content_length_n != -1
            && (off_t) text->len > u->headers_in.content_length_n)
        {
            text->len = (size_t) u->headers_in.content_length_n;
        }

        return;
    }

    ngx_memzero(&chunked, sizeof(ngx_http_chunked_t));

    text->data = ngx_pnalloc(r->pool, text->len + 1);
    if (text->data == NULL) {
        text->len = 0;
        return;
    }

    last = text->data;

    (void) ngx_comet_held_chunks(r, &b, &chunked, &last);

    text->len = last - text->data;
}


void
ngx_comet_held_send(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t             rc;
    ngx_buf_t            *b;
    ngx_str_t             text;
    ngx_chain_t           out;
    ngx_http_upstream_t  *u;

    u = ctx->held->last;

    ngx_comet_held_text(r, u, &text);

    /* for whoever looks at what the API answered */

    r->upstream = u;
    ctx->relaying = 1;

    b = ngx_calloc_buf(r->pool);

    if (b == NULL || text.data == NULL
        || ngx_comet_held_head(r, u) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    r->headers_out.content_length_n = text.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    b->pos = text.data;
    b->last = text.data + text.len;
    b->memory = (text.len > 0);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    ngx_http_finalize_request(r, ngx_http_output_filter(r, &out));
}


/* as nginx's upstream does, which keeps it to itself */

static ngx_int_t
ngx_comet_held_head(ngx_http_request_t *r, ngx_http_upstream_t *u)
{
    ngx_uint_t                      i;
    ngx_list_part_t                *part;
    ngx_table_elt_t                *h, *ho;
    ngx_http_upstream_header_t     *hh;
    ngx_http_upstream_main_conf_t  *umcf;

    umcf = ngx_http_get_module_main_conf(r, ngx_http_upstream_module);

    for (part = &u->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash == 0
                || ngx_hash_find(&u->conf->hide_headers_hash, h[i].hash,
                                 h[i].lowcase_key, h[i].key.len))
            {
                continue;
            }

            hh = ngx_hash_find(&umcf->headers_in_hash, h[i].hash,
                               h[i].lowcase_key, h[i].key.len);

            if (hh) {
                if (hh->copy_handler(r, &h[i], hh->conf) != NGX_OK) {
                    return NGX_ERROR;
                }

                continue;
            }

            ho = ngx_list_push(&r->headers_out.headers);
            if (ho == NULL) {
                return NGX_ERROR;
            }

            *ho = h[i];
        }
    }

    r->headers_out.status = u->headers_in.status_n;
    r->headers_out.status_line = u->headers_in.status_line;

    return NGX_OK;
}
