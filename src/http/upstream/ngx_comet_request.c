#include "ngx_comet_request.h"
#include "ngx_comet_abort.h"
#include "ngx_comet_answer.h"
#include "ngx_comet_attempt.h"
#include "ngx_comet_count.h"
#include "ngx_comet_header.h"
#include "ngx_comet_health.h"
#include "ngx_comet_limit.h"
#include "ngx_comet_patience.h"
#include "ngx_comet_policy.h"
#include "ngx_comet_splice.h"


static ngx_int_t ngx_comet_request_create(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_request_uri(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx, ngx_str_t *uri);
static ngx_uint_t ngx_comet_request_uri_is_plain(ngx_http_request_t *r);


static ngx_str_t  ngx_comet_version = ngx_string(" HTTP/1.1" CRLF "Host: ");
static ngx_str_t  ngx_comet_authorization = ngx_string(
                      CRLF "Accept-Encoding: identity"
                      CRLF "Authorization: ");
static ngx_str_t  ngx_comet_length = ngx_string("Content-Length: ");


ngx_int_t
ngx_comet_create_request(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    ngx_comet_count_resume(ctx);

    rc = ngx_comet_request_create(r, ctx);

    ngx_comet_count_pause(ctx);

    return rc;
}


static ngx_int_t
ngx_comet_request_create(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    off_t                 length;
    size_t                len;
    ngx_buf_t            *b, *last;
    ngx_str_t             uri, method, *host, *bearer;
    ngx_chain_t          *cl, *body;
    ngx_uint_t            sized;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (ngx_comet_request_uri(r, ctx, &uri) != NGX_OK) {
        return NGX_ERROR;
    }

    u->uri = uri;
    method = r->method_name;
    host = &ctx->sending->host;
    bearer = ctx->health->bearer;

    ctx->answer->head = (r->method == NGX_HTTP_HEAD);

    body = NULL;

    /* an error_page makes a GET of any method, and leaves the body there */

    if ((ctx->endpoint == NULL
         || !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)))
        && ngx_comet_splice(r, ctx, u->request_bufs, &body) != NGX_OK)
    {
        return NGX_ERROR;
    }

    length = 0;
    last = NULL;

    for (cl = body; cl; cl = cl->next) {
        length += ngx_buf_size(cl->buf);
        last = cl->buf;
    }

    ngx_comet_patience_request(r, ctx);
    ngx_comet_abort_watch(r, ctx);

    sized = (length > 0
             || (r->method & (NGX_HTTP_POST|NGX_HTTP_PUT|NGX_HTTP_PATCH)));

    len = method.len + sizeof(" ") - 1 + uri.len
          + ngx_comet_version.len + host->len
          + ngx_comet_authorization.len + bearer->len
          + sizeof(CRLF) - 1
          + ctx->sending->idempotency.len
          + ngx_comet_length.len + NGX_OFF_T_LEN + sizeof(CRLF) - 1
          + ngx_comet_headers_size(r) + sizeof(CRLF) - 1;

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_copy(b->last, method.data, method.len);
    *b->last++ = ' ';
    b->last = ngx_copy(b->last, uri.data, uri.len);
    b->last = ngx_copy(b->last, ngx_comet_version.data, ngx_comet_version.len);
    b->last = ngx_copy(b->last, host->data, host->len);
    b->last = ngx_copy(b->last, ngx_comet_authorization.data,
                       ngx_comet_authorization.len);
    b->last = ngx_copy(b->last, bearer->data, bearer->len);
    *b->last++ = CR; *b->last++ = LF;

    b->last = ngx_copy(b->last, ctx->sending->idempotency.data,
                       ctx->sending->idempotency.len);

    if (sized) {
        b->last = ngx_copy(b->last, ngx_comet_length.data,
                           ngx_comet_length.len);
        b->last += ngx_comet_digits((char *) b->last, length);
        *b->last++ = CR; *b->last++ = LF;
    }

    b->last = ngx_comet_headers_copy(r, ctx, b->last);
    if (b->last == NULL) {
        return NGX_ERROR;
    }

    *b->last++ = CR; *b->last++ = LF;

    /* or TLS keeps the end back, until it can fill a record */

    last = last ? last : b;
    last->flush = 1;

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = body;
    u->request_bufs = cl;

    return NGX_OK;
}


/*
 * The path that was judged, as it was sent: escapes in it are of characters
 * that need none.  Where nginx made another one of it, by slashes that were
 * doubled or a rewrite, the one that was judged is sent, which has none.
 */

static ngx_int_t
ngx_comet_request_uri(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_str_t *uri)
{
    u_char     *p;
    ngx_str_t  *prefix;

    prefix = &ctx->sending->target->prefix;

    if (ngx_comet_request_uri_is_plain(r)) {

        if (prefix->len == 0) {
            *uri = r->unparsed_uri;
            return NGX_OK;
        }

        uri->len = prefix->len + r->unparsed_uri.len;
        uri->data = ngx_pnalloc(r->pool, uri->len);
        if (uri->data == NULL) {
            return NGX_ERROR;
        }

        p = ngx_copy(uri->data, prefix->data, prefix->len);
        ngx_memcpy(p, r->unparsed_uri.data, r->unparsed_uri.len);

        return NGX_OK;
    }

    uri->len = prefix->len + r->uri.len
               + (r->args.len ? sizeof("?") - 1 + r->args.len : 0);

    uri->data = ngx_pnalloc(r->pool, uri->len);
    if (uri->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_copy(uri->data, prefix->data, prefix->len);
    p = ngx_copy(p, r->uri.data, r->uri.len);

    if (r->args.len) {
        *p++ = '?';
        ngx_memcpy(p, r->args.data, r->args.len);
    }

    if (!ngx_comet_url_is_word(uri)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "the URI was rewritten to one with a space or a control "
                      "character");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* r->complex_uri does not tell: it misses what follows an escape */

static ngx_uint_t
ngx_comet_request_uri_is_plain(ngx_http_request_t *r)
{
    u_char     *p, *last, *path, *end;
    ngx_int_t   c;

    p = r->unparsed_uri.data;
    last = p + r->unparsed_uri.len;

    path = r->uri.data;
    end = path + r->uri.len;

    if (!r->valid_unparsed_uri) {
        return 0;
    }

    /* what was judged holds no escape: the same bytes are the same path */

    if (last - p >= end - path && ngx_memcmp(p, path, end - path) == 0) {
        p += end - path;
        path = end;
    }

    while (p < last && *p != '?') {

        c = *p++;

        if (c == '%' && last - p >= 2) {
            c = ngx_hextoi(p, 2);
            p += 2;
        }

        if (path == end || c != *path++) {
            return 0;
        }
    }

    return path == end;
}
