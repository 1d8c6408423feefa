#include "ngx_comet_http.h"


static ngx_int_t ngx_comet_request_create(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_request_uri(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx, ngx_str_t *uri);
static ngx_uint_t ngx_comet_request_uri_is_plain(ngx_http_request_t *r);
static ngx_uint_t ngx_comet_header_forwarded(ngx_comet_loc_conf_t *clcf,
    ngx_table_elt_t *h);
static size_t ngx_comet_headers_size(ngx_http_request_t *r);
static u_char *ngx_comet_headers_copy(ngx_http_request_t *r, u_char *p);


/* what an LLM API needs of the client's head; a final '-' means a prefix */

static ngx_str_t  ngx_comet_forwarded[] = {
    ngx_string("x-stainless-"),
    ngx_string("content-type"),
    ngx_string("content-encoding"),
    ngx_string("accept"),
    ngx_string("user-agent"),
    ngx_string("openai-"),
    ngx_string("idempotency-key"),
    ngx_string("x-idempotency-key"),
    ngx_string("traceparent"),
    ngx_string("tracestate"),
    ngx_string("x-request-id"),
    ngx_string("x-client-request-id"),
    ngx_string("x-correlation-id"),
    ngx_null_string
};


/* what never leaves, whatever an operator writes */

static ngx_str_t  ngx_comet_secret[] = {
    ngx_string("authorization"),
    ngx_string("proxy-authorization"),
    ngx_string("x-api-key"),
    ngx_string("api-key"),
    ngx_string("x-goog-api-key"),
    ngx_string("cookie"),
    ngx_string("host"),
    ngx_string("connection"),
    ngx_string("keep-alive"),
    ngx_string("proxy-connection"),
    ngx_string("content-length"),
    ngx_string("transfer-encoding"),
    ngx_string("accept-encoding"),
    ngx_string("expect"),
    ngx_string("te"),
    ngx_string("trailer"),
    ngx_string("upgrade"),
    ngx_null_string
};


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
    ngx_buf_t            *b;
    ngx_str_t             uri, method;
    ngx_chain_t          *cl, *body;
    ngx_uint_t            sized;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (ngx_comet_request_uri(r, ctx, &uri) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ngx_comet_pass_word(&uri)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "the URI was rewritten to one with a space or a control "
                      "character");
        return NGX_ERROR;
    }

    u->uri = uri;
    method = r->method_name;

    ctx->head = (r->method == NGX_HTTP_HEAD);

    body = NULL;

    /* an error_page makes a GET of any method, and leaves the body there */

    if ((ctx->endpoint == NULL
         || !(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)))
        && ngx_comet_splice(r, ctx, u->request_bufs, &body) != NGX_OK)
    {
        return NGX_ERROR;
    }

    length = 0;

    for (cl = body; cl; cl = cl->next) {
        length += ngx_buf_size(cl->buf);
    }

    ngx_comet_patience_request(r, ctx);
    ngx_comet_abort_watch(r, ctx);

    sized = (length > 0
             || (r->method & (NGX_HTTP_POST|NGX_HTTP_PUT|NGX_HTTP_PATCH)));

    len = method.len + sizeof(" ") - 1 + uri.len
          + ngx_comet_version.len + ctx->host.len
          + ngx_comet_authorization.len + ctx->conf.bearer.len
          + sizeof(CRLF) - 1
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
    b->last = ngx_copy(b->last, ctx->host.data, ctx->host.len);
    b->last = ngx_copy(b->last, ngx_comet_authorization.data,
                       ngx_comet_authorization.len);
    b->last = ngx_copy(b->last, ctx->conf.bearer.data, ctx->conf.bearer.len);
    *b->last++ = CR; *b->last++ = LF;

    if (sized) {
        b->last = ngx_copy(b->last, ngx_comet_length.data,
                           ngx_comet_length.len);
        b->last += ngx_comet_digits((char *) b->last, length);
        *b->last++ = CR; *b->last++ = LF;
    }

    b->last = ngx_comet_headers_copy(r, b->last);
    *b->last++ = CR; *b->last++ = LF;

    b->flush = 1;

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

    prefix = &ctx->target->prefix;

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


static ngx_uint_t
ngx_comet_header_listed(ngx_str_t *list, u_char *lowcase, size_t len)
{
    ngx_str_t  *name;

    for (name = list; name->len; name++) {

        if (lowcase[0] != name->data[0]) {
            continue;
        }

        if (len != name->len
            && (len < name->len || name->data[name->len - 1] != '-'))
        {
            continue;
        }

        if (ngx_memcmp(lowcase, name->data, name->len) == 0) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_comet_header_is_secret(ngx_str_t *name)
{
    return ngx_comet_header_listed(ngx_comet_secret, name->data, name->len);
}


static ngx_uint_t
ngx_comet_header_forwarded(ngx_comet_loc_conf_t *clcf, ngx_table_elt_t *h)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    if (ngx_comet_header_listed(ngx_comet_forwarded, h->lowcase_key,
                                h->key.len))
    {
        return 1;
    }

    if (clcf->forward_headers == NULL) {
        return 0;
    }

    name = clcf->forward_headers->elts;

    for (i = 0; i < clcf->forward_headers->nelts; i++) {
        if (name[i].len == h->key.len
            && ngx_memcmp(name[i].data, h->lowcase_key, h->key.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* of all headers, of which most are forwarded */

static size_t
ngx_comet_headers_size(ngx_http_request_t *r)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            len += h[i].key.len + sizeof(": ") - 1
                   + h[i].value.len + sizeof(CRLF) - 1;
        }
    }

    return len;
}


static u_char *
ngx_comet_headers_copy(ngx_http_request_t *r, u_char *p)
{
    ngx_uint_t             i;
    ngx_list_part_t       *part;
    ngx_table_elt_t       *h;
    ngx_comet_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (!ngx_comet_header_forwarded(clcf, &h[i])) {
                continue;
            }

            p = ngx_copy(p, h[i].key.data, h[i].key.len);
            *p++ = ':'; *p++ = ' ';
            p = ngx_copy(p, h[i].value.data, h[i].value.len);
            *p++ = CR; *p++ = LF;
        }
    }

    return p;
}
