#include "ngx_comet_answer.h"
#include "ngx_comet_abort.h"
#include "ngx_comet_attempt.h"
#include "ngx_comet_inband.h"
#include "ngx_comet_line.h"
#include "ngx_comet_meter.h"
#include "ngx_comet_patience.h"


#define NGX_COMET_INTERIM_MAX  100


static ngx_int_t ngx_comet_answer_status(ngx_http_request_t *r);
static ngx_int_t ngx_comet_answer_headers(ngx_http_request_t *r);
static ngx_int_t ngx_comet_answer_header(ngx_http_request_t *r);
static ngx_int_t ngx_comet_answer_framing(ngx_http_upstream_t *u,
    ngx_table_elt_t *h);
static ngx_int_t ngx_comet_answer_interim(ngx_http_request_t *r);
static ngx_int_t ngx_comet_answer_complete_head(ngx_http_request_t *r);
static void ngx_comet_answer_drop_nominated(ngx_http_upstream_t *u);
static ngx_int_t ngx_comet_answer_filter_init(void *data);
static ngx_int_t ngx_comet_answer_plain(void *data, ssize_t bytes);
static ngx_int_t ngx_comet_answer_chunked(void *data, ssize_t bytes);
static ngx_int_t ngx_comet_answer_chunk(ngx_http_request_t *r,
    ngx_http_chunked_t *chunked, ngx_chain_t **last);
static ngx_chain_t *ngx_comet_answer_buf(ngx_http_request_t *r,
    ngx_chain_t **last);
static void ngx_comet_answer_reset_client(ngx_http_request_t *r);


/* for ngx_http_upstream_hide_headers_hash() */

ngx_str_t  ngx_comet_hide_headers[] = {
    ngx_string("Date"),
    ngx_string("Server"),
    ngx_string("Set-Cookie"),
    ngx_string("Set-Cookie2"),
    ngx_string("Alt-Svc"),
    ngx_string("Connection"),
    ngx_string("Keep-Alive"),
    ngx_string("Proxy-Authenticate"),
    ngx_string("Proxy-Connection"),
    ngx_string("TE"),
    ngx_string("Trailer"),
    ngx_string("Transfer-Encoding"),
    ngx_string("Upgrade"),
    ngx_string("X-Pad"),
    ngx_null_string
};


/* the most of a chunk that is moved */

#define NGX_COMET_ANSWER_MOVE  1024


/* families of headers that are dropped before nginx sees them */

static ngx_str_t  ngx_comet_hide_prefixes[] = {
    ngx_string("x-accel-"),
    ngx_string("x-ratelimit-"),
    ngx_string("x-comet-"),
    ngx_null_string
};


/* by these a body is read or kept: they are for all, not for one hop */

static ngx_str_t  ngx_comet_keep_prefixes[] = {
    ngx_string("content-"),
    ngx_string("cache-control"),
    ngx_string("vary"),
    ngx_null_string
};


void
ngx_comet_answer_init(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_http_upstream_t  *u;

    ngx_memzero(&ctx->answer->status, sizeof(ngx_http_status_t));
    ngx_memzero(&ctx->answer->chunked, sizeof(ngx_http_chunked_t));
    ctx->answer->interim = 0;
    ctx->attempt->holding = 0;
    ctx->relaying = 0;

    u = r->upstream;

    u->process_header = ngx_comet_answer_status;
    u->input_filter_init = ngx_comet_answer_filter_init;
    u->input_filter = ngx_comet_answer_plain;
    u->input_filter_ctx = r;

    r->state = 0;
}


/* nginx turns to another server */

ngx_int_t
ngx_comet_answer_reinit(ngx_http_request_t *r)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    ngx_comet_answer_init(r, ctx);
    ngx_comet_patience_request(r, ctx);

    return NGX_OK;
}


static ngx_int_t
ngx_comet_answer_status(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_str_t            *line;
    ngx_comet_ctx_t      *ctx;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    rc = ngx_http_parse_status_line(r, &u->buffer, &ctx->answer->status);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc == NGX_ERROR || ctx->answer->status.code < NGX_HTTP_CONTINUE) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "upstream sent no valid HTTP/1.x status line");
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    u->headers_in.status_n = ctx->answer->status.code;

    line = &u->headers_in.status_line;

    line->len = ctx->answer->status.end - ctx->answer->status.start;
    line->data = ngx_pnalloc(r->pool, line->len);
    if (line->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(line->data, ctx->answer->status.start, line->len);

    if (ctx->answer->status.http_version < NGX_HTTP_VERSION_11) {
        u->headers_in.connection_close = 1;
    }

    u->process_header = ngx_comet_answer_headers;

    return ngx_comet_answer_headers(r);
}


static ngx_int_t
ngx_comet_answer_headers(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    for ( ;; ) {

        rc = ngx_comet_line_parse(r, &u->buffer);

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        if (rc == NGX_OK) {
            rc = ngx_comet_answer_header(r);

            if (rc != NGX_OK) {
                return rc;
            }

            continue;
        }

        if (rc == NGX_HTTP_PARSE_HEADER_DONE) {

            if (u->headers_in.status_n / 100 == 1) {
                return ngx_comet_answer_interim(r);
            }

            return ngx_comet_answer_complete_head(r);
        }

        /* the line itself may echo a secret of the request's head */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "upstream sent an invalid header line");

        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }
}


/* by letters and '-': most differ in the first or the third */

static ngx_uint_t
ngx_comet_answer_begins(u_char *name, size_t len, ngx_str_t *prefix)
{
    size_t  i;

    for ( /* void */ ; prefix->len; prefix++) {

        if (len < prefix->len) {
            continue;
        }

        for (i = 0;
             i < prefix->len && (name[i] | 0x20) == prefix->data[i];
             i++)
        {
            /* void */
        }

        if (i == prefix->len) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_comet_answer_header(ngx_http_request_t *r)
{
    ngx_table_elt_t                *h, line;
    ngx_http_upstream_t            *u;
    ngx_http_upstream_header_t     *hh;
    ngx_http_upstream_main_conf_t  *umcf;

    u = r->upstream;
    umcf = ngx_http_get_module_main_conf(r, ngx_http_upstream_module);

    ngx_memzero(&line, sizeof(ngx_table_elt_t));

    line.hash = r->header_hash;
    line.key.len = r->header_name_end - r->header_name_start;
    line.value.len = r->header_end - r->header_start;

    line.key.data = ngx_pnalloc(r->pool, line.key.len + 1 + line.value.len + 1
                                         + line.key.len);
    if (line.key.data == NULL) {
        return NGX_ERROR;
    }

    line.value.data = line.key.data + line.key.len + 1;
    line.lowcase_key = line.value.data + line.value.len + 1;

    ngx_memcpy(line.key.data, r->header_name_start, line.key.len);
    line.key.data[line.key.len] = '\0';
    ngx_memcpy(line.value.data, r->header_start, line.value.len);
    line.value.data[line.value.len] = '\0';

    /* the parser keeps that of a name that is not too long */

    if (line.key.len == r->lowcase_index) {
        ngx_memcpy(line.lowcase_key, r->lowcase_header, line.key.len);

    } else {
        ngx_strlow(line.lowcase_key, line.key.data, line.key.len);
    }

    if (ngx_comet_answer_begins(line.lowcase_key, line.key.len,
                                ngx_comet_hide_prefixes))
    {
        return NGX_OK;
    }

    if (ngx_comet_answer_framing(u, &line) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "upstream sent an ambiguous \"%V\"", &line.key);
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    h = ngx_list_push(&u->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = line;

    hh = ngx_hash_find(&umcf->headers_in_hash, h->hash, h->lowcase_key,
                       h->key.len);

    return hh ? hh->handler(r, h, hh->offset) : NGX_OK;
}


/*
 * An answer whose end two readers could place differently is none: older
 * nginx takes the last of two lengths and any value that holds "chunked".
 */

static ngx_int_t
ngx_comet_answer_framing(ngx_http_upstream_t *u, ngx_table_elt_t *h)
{
    if (h->key.len == sizeof("content-length") - 1
        && ngx_strncmp(h->lowcase_key, "content-length", h->key.len) == 0)
    {
        if (u->headers_in.content_length
            || u->headers_in.chunked
            || ngx_atoof(h->value.data, h->value.len) == NGX_ERROR)
        {
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (h->key.len == sizeof("transfer-encoding") - 1
        && ngx_strncmp(h->lowcase_key, "transfer-encoding", h->key.len) == 0)
    {
        if (u->headers_in.content_length
            || u->headers_in.chunked
            || h->value.len != sizeof("chunked") - 1
            || ngx_strncasecmp(h->value.data, (u_char *) "chunked",
                               h->value.len)
               != 0)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* an interim answer is forgotten, and its room in the buffer is used again */

static ngx_int_t
ngx_comet_answer_interim(ngx_http_request_t *r)
{
    ngx_buf_t            *b;
    ngx_comet_ctx_t      *ctx;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u->headers_in.status_n == NGX_HTTP_SWITCHING_PROTOCOLS) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "upstream switched protocols unasked");
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (++ctx->answer->interim > NGX_COMET_INTERIM_MAX) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "upstream sent more than %d interim answers",
                      NGX_COMET_INTERIM_MAX);
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    b = &u->buffer;
    b->last = ngx_movemem(b->start, b->pos, b->last - b->pos);
    b->pos = b->start;

    ngx_memzero(&u->headers_in, sizeof(ngx_http_upstream_headers_in_t));

    u->headers_in.content_length_n = -1;
    u->headers_in.last_modified_time = -1;

    if (ngx_list_init(&u->headers_in.headers, r->pool, 8,
                      sizeof(ngx_table_elt_t))
        != NGX_OK
        || ngx_list_init(&u->headers_in.trailers, r->pool, 2,
                         sizeof(ngx_table_elt_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memzero(&ctx->answer->status, sizeof(ngx_http_status_t));

    r->state = 0;
    u->process_header = ngx_comet_answer_status;

    return b->pos == b->last ? NGX_AGAIN : ngx_comet_answer_status(r);
}


static ngx_int_t
ngx_comet_answer_complete_head(ngx_http_request_t *r)
{
    ngx_comet_ctx_t      *ctx;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (u->state && u->state->status == 0) {
        u->state->status = u->headers_in.status_n;
    }

    if (u->headers_in.status_n == NGX_HTTP_NO_CONTENT
        && u->headers_in.content_length)
    {
        u->headers_in.content_length->hash = 0;
        u->headers_in.content_length_n = -1;
    }

    /* bytes after an answer that has none would open the next one's head */

    if (ngx_comet_answer_bodiless(r) && u->buffer.pos == u->buffer.last) {
        u->keepalive = !u->headers_in.connection_close;
    }

    ngx_comet_answer_drop_nominated(u);

    ctx->relaying = 1;

    /* nginx reads no more of an answer that nobody is to get */

    ctx->unmetered = (r->post_action && u->headers_in.status_n / 100 == 2);

    return ctx->attempt->hooks->head(r, ctx);
}


ngx_uint_t
ngx_comet_answer_bodiless(ngx_http_request_t *r)
{
    ngx_comet_ctx_t      *ctx;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    return u->headers_in.status_n == NGX_HTTP_NO_CONTENT
           || u->headers_in.status_n == NGX_HTTP_NOT_MODIFIED
           || ctx->answer->head
           || u->headers_in.content_length_n == 0;
}


void
ngx_comet_answer_drop(ngx_http_upstream_t *u, u_char *name, size_t len)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (ngx_comet_answer_begins(name, len, ngx_comet_keep_prefixes)) {
        return;
    }

    for (part = &u->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == len
                && ngx_strncasecmp(h[i].key.data, name, len) == 0)
            {
                h[i].hash = 0;
            }
        }
    }
}


static void
ngx_comet_answer_drop_names(ngx_http_upstream_t *u, ngx_str_t *value)
{
    u_char  *p, *end, *name;

    p = value->data;
    end = p + value->len;

    while (p < end) {

        while (p < end && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }

        name = p;

        while (p < end && *p != ' ' && *p != '\t' && *p != ',') {
            p++;
        }

        if (p > name) {
            ngx_comet_answer_drop(u, name, p - name);
        }
    }
}


/* fields that the Connection header names are for this hop only */

static void
ngx_comet_answer_drop_nominated(ngx_http_upstream_t *u)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &u->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == sizeof("connection") - 1
                && ngx_strncmp(h[i].lowcase_key, "connection", h[i].key.len)
                   == 0)
            {
                ngx_comet_answer_drop_names(u, &h[i].value);
            }
        }
    }
}


static ngx_int_t
ngx_comet_answer_filter_init(void *data)
{
    ngx_http_request_t *r = data;

    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (ngx_comet_answer_bodiless(r)) {
        u->length = 0;

    } else if (u->headers_in.chunked) {
        u->input_filter = ngx_comet_answer_chunked;

        /* anything but zero until the last chunk is seen */
        u->length = 1;

    } else {
        u->length = u->headers_in.content_length_n;
    }

    return NGX_OK;
}


/* a body of known length, or one that ends with the connection */

static ngx_int_t
ngx_comet_answer_plain(void *data, ssize_t bytes)
{
    ngx_http_request_t *r = data;

    ngx_buf_t            *b;
    ngx_chain_t          *cl, *last;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    b = &u->buffer;

    if (u->length != -1 && bytes > u->length) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "upstream sent more data than specified in "
                      "\"Content-Length\" header");

        /* what follows belongs to no request of ours */
        u->headers_in.connection_close = 1;
        u->keepalive = 0;

        bytes = (ssize_t) u->length;

        if (bytes == 0) {
            return NGX_OK;
        }
    }

    last = NULL;
    cl = ngx_comet_answer_buf(r, &last);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf->pos = b->last;
    b->last += bytes;
    cl->buf->last = b->last;

    if (u->length != -1) {
        u->length -= bytes;

        if (u->length == 0) {
            u->keepalive = !u->headers_in.connection_close;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_comet_answer_chunked(void *data, ssize_t bytes)
{
    ngx_http_request_t *r = data;

    ngx_int_t             rc;
    ngx_buf_t            *b;
    ngx_chain_t          *last;
    ngx_comet_ctx_t      *ctx;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    b = &u->buffer;
    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    b->pos = b->last;
    b->last += bytes;

    last = NULL;

    if (u->length == 0) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "upstream sent data after final chunk");
        u->keepalive = 0;
        return NGX_OK;
    }

    if (u->error) {
        return NGX_OK;
    }

    for ( ;; ) {

        rc = ngx_comet_parse_chunked(r, b, &ctx->answer->chunked);

        if (rc != NGX_OK) {
            break;
        }

        if (ngx_comet_answer_chunk(r, &ctx->answer->chunked, &last) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (rc == NGX_AGAIN) {
        return NGX_OK;
    }

    if (rc == NGX_DONE) {
        u->length = 0;
        u->keepalive = !u->headers_in.connection_close;

        if (b->pos != b->last) {
            ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                          "upstream sent data after final chunk");
            u->keepalive = 0;
        }

        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "upstream sent invalid chunked response");

    /* what came before it still goes to the client, then the cut */
    u->error = 1;

    return NGX_OK;
}


/*
 * What has come of a chunk.  Events are short and come in a chunk each: to move
 * one up to the one before it costs less than a buf of its own.
 */

static ngx_int_t
ngx_comet_answer_chunk(ngx_http_request_t *r, ngx_http_chunked_t *chunked,
    ngx_chain_t **last)
{
    size_t      size;
    ngx_buf_t  *b, *buf;

    b = &r->upstream->buffer;
    size = (size_t) ngx_min(chunked->size, b->last - b->pos);

    if (*last && size <= NGX_COMET_ANSWER_MOVE) {
        buf = (*last)->buf;
        buf->last = ngx_movemem(buf->last, b->pos, size);

    } else {

        if (ngx_comet_answer_buf(r, last) == NULL) {
            return NGX_ERROR;
        }

        buf = (*last)->buf;
        buf->pos = b->pos;
        buf->last = b->pos + size;
    }

    b->pos += size;
    chunked->size -= size;

    return NGX_OK;
}


/* an empty buf at the end of what goes to the client next */

static ngx_chain_t *
ngx_comet_answer_buf(ngx_http_request_t *r, ngx_chain_t **last)
{
    ngx_chain_t          *cl, **ll;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    cl = ngx_chain_get_free_buf(r->pool, &u->free_bufs);
    if (cl == NULL) {
        return NULL;
    }

    cl->buf->flush = 1;
    cl->buf->memory = 1;
    cl->buf->tag = u->output.tag;

    ll = *last ? &(*last)->next : &u->out_bufs;

    while (*ll) {
        ll = &(*ll)->next;
    }

    *ll = cl;
    *last = cl;

    return cl;
}


/*
 * nginx takes a TLS connection that just ends for one that was closed (it
 * sets SSL_OP_IGNORE_UNEXPECTED_EOF).  The difference is that after a
 * close_notify nothing more is read from the socket.
 */

ngx_uint_t
ngx_comet_answer_truncated(ngx_connection_t *c)
{
    return c->ssl && BIO_eof(SSL_get_rbio(c->ssl->connection));
}


void
ngx_comet_answer_finalize(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_uint_t            truncated;
    ngx_comet_ctx_t      *ctx;
    ngx_connection_t     *pc;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    pc = u->peer.connection;
    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    ngx_comet_abort_end(r, ctx, rc);
    ngx_comet_patience_stop(ctx);
    ctx->attempt->hooks->ended(r, ctx, rc);

    if (!u->header_sent) {
        ctx->relaying = 0;
        return;
    }

    if (rc != 0 && ctx->list && !r->header_sent && r == r->main) {

        /* a list that was held back: its head is still to be sent */

        ctx->list = NULL;
        ctx->relaying = 0;
        u->header_sent = 0;
        ngx_http_clean_header(r);
        return;
    }

    if (r != r->main) {
        return;
    }

    truncated = (rc == 0 && u->length == -1
                 && pc && ngx_comet_answer_truncated(pc));

    /* the end of the connection alone does not say that a stream is whole */

    if (rc >= NGX_HTTP_INTERNAL_SERVER_ERROR || (rc == 0 && u->length == -1)) {
        ngx_comet_inband(r, ctx, rc);
    }

    if (truncated) {
        ngx_log_error(NGX_LOG_ERR, pc->log, 0,
                      "upstream broke off the TLS connection of an answer "
                      "that ends with it");

        /* the last chunk will not be sent */
        r->connection->error = 1;
        rc = NGX_ERROR;
    }

    if (ctx->meter) {
        ngx_comet_meter_finish(ctx->meter);
    }

    if (rc != 0) {
        ngx_comet_answer_reset_client(r);
    }
}


/*
 * Where the end of the connection is the end of the answer, only a reset tells
 * the client that this one was cut short.
 */

static void
ngx_comet_answer_reset_client(ngx_http_request_t *r)
{
    struct linger      linger;
    ngx_connection_t  *c;

    if (r->chunked
        || r->http_version >= NGX_HTTP_VERSION_20
        || r->headers_out.content_length_n != -1)
    {
        return;
    }

    c = r->connection;

    linger.l_onoff = 1;
    linger.l_linger = 0;

    if (setsockopt(c->fd, SOL_SOCKET, SO_LINGER, (const void *) &linger,
                   sizeof(struct linger))
        == -1)
    {
        ngx_log_error(NGX_LOG_ERR, c->log, ngx_socket_errno,
                      "setsockopt(SO_LINGER) failed");
    }

    if (c->ssl) {
        c->ssl->no_send_shutdown = 1;
    }

    /* or nginx would shut the connection down in good order */
    c->error = 1;
}
