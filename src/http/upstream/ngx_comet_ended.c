#include "ngx_comet_ended.h"


/* the first of a header, which every reader takes */

static ngx_table_elt_t *
ngx_comet_ended_find(ngx_http_upstream_t *u, const char *name, size_t len)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &u->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == len && h[i].lowcase_key
                && ngx_memcmp(h[i].lowcase_key, name, len) == 0)
            {
                return &h[i];
            }
        }
    }

    return NULL;
}


/* in milliseconds it is more exact, where both are there */

static int64_t
ngx_comet_ended_retry_after(ngx_http_upstream_t *u)
{
    int64_t           ms;
    ngx_table_elt_t  *h;

    ms = NGX_COMET_RETRY_AFTER_NONE;

    h = ngx_comet_ended_find(u, "retry-after-ms",
                             sizeof("retry-after-ms") - 1);
    if (h) {
        ms = ngx_comet_retry_after_ms((char *) h->value.data, h->value.len);
    }

    if (ms != NGX_COMET_RETRY_AFTER_NONE) {
        return ms;
    }

    h = ngx_comet_ended_find(u, "retry-after", sizeof("retry-after") - 1);

    return h ? ngx_comet_retry_after((char *) h->value.data, h->value.len,
                                     ngx_time())
             : ms;
}


void
ngx_comet_ended_head(ngx_http_request_t *r, ngx_comet_outcome_t *outcome)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    ngx_memzero(outcome, sizeof(ngx_comet_outcome_t));

    outcome->status = u->headers_in.status_n;
    outcome->retry_after = NGX_COMET_RETRY_AFTER_NONE;

    if (outcome->status < NGX_HTTP_BAD_REQUEST) {
        outcome->kind = NGX_COMET_OUTCOME_OK;
        return;
    }

    outcome->kind = NGX_COMET_OUTCOME_STATUS;
    outcome->retry_after = ngx_comet_ended_retry_after(u);
}


/* without the head of an answer */

static ngx_comet_outcome_e
ngx_comet_ended_early(ngx_http_upstream_t *u, ngx_int_t rc)
{
    ngx_connection_t  *pc;

    pc = u->peer.connection;

    if (rc == NGX_HTTP_GATEWAY_TIME_OUT) {
        return NGX_COMET_OUTCOME_TIMEOUT;
    }

    if (rc != NGX_HTTP_BAD_GATEWAY) {
        return NGX_COMET_OUTCOME_CLIENT;
    }

    /* to nginx a connection is one when the handshake is done */

    if (u->state == NULL || u->state->connect_time == (ngx_msec_t) -1) {
        return pc && pc->ssl ? NGX_COMET_OUTCOME_TLS
                             : NGX_COMET_OUTCOME_CONNECT;
    }

    return u->buffer.start && u->buffer.last != u->buffer.start
           ? NGX_COMET_OUTCOME_INVALID : NGX_COMET_OUTCOME_RESET;
}


void
ngx_comet_ended(ngx_http_request_t *r, ngx_int_t rc,
    ngx_comet_outcome_t *outcome)
{
    ngx_comet_ctx_t      *ctx;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (!ctx->relaying) {
        ngx_memzero(outcome, sizeof(ngx_comet_outcome_t));

        outcome->kind = ngx_comet_ended_early(u, rc);
        outcome->retry_after = NGX_COMET_RETRY_AFTER_NONE;
        return;
    }

    ngx_comet_ended_head(r, outcome);

    if (outcome->kind != NGX_COMET_OUTCOME_OK) {
        return;
    }

    if (rc == NGX_HTTP_GATEWAY_TIME_OUT) {
        outcome->kind = NGX_COMET_OUTCOME_TIMEOUT;

    } else if (rc == NGX_HTTP_BAD_GATEWAY) {
        outcome->kind = NGX_COMET_OUTCOME_RESET;

    } else if (rc != 0) {
        outcome->kind = NGX_COMET_OUTCOME_CLIENT;
    }
}
