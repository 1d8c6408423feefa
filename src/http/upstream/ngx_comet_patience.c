/*
 * How long to wait: for the first token of a stream, for its next event, and
 * for the rest of an answer whose client has gone.
 *
 * An end of patience is told to nginx as a timeout of the connection to the
 * API, so all that follows is nginx's own.
 */


#include "ngx_comet_patience.h"
#include "ngx_comet_meter.h"
#include "ngx_comet_policy.h"


/* ms: so soon a worker that is to exit ends what nobody waits for */

#define NGX_COMET_DRAIN_TICK  1000


struct ngx_comet_patience_s {
    ngx_http_request_t        *request;
    ngx_event_t                timer;
    ngx_msec_t                 since;
    ngx_msec_t                 limit;
    const char                *what;
    uint64_t                   events;
    unsigned                   first:1;    /* nothing has come yet */
};


static ngx_int_t ngx_comet_patience_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_patience_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static void ngx_comet_patience_handler(ngx_event_t *ev);
static void ngx_comet_patience_cleanup(void *data);


ngx_comet_part_t  ngx_comet_patience_part = {
    .create_loc_conf = ngx_comet_patience_create,
    .merge_loc_conf = ngx_comet_patience_merge
};


static ngx_int_t
ngx_comet_patience_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    lcf->patience = ngx_palloc(cf->pool, sizeof(ngx_comet_patience_conf_t));
    if (lcf->patience == NULL) {
        return NGX_ERROR;
    }

    lcf->patience->first_token = NGX_CONF_UNSET_MSEC;
    lcf->patience->idle = NGX_CONF_UNSET_MSEC;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_patience_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_conf_merge_msec_value(conf->patience->first_token,
                              prev->patience->first_token, 0);
    ngx_conf_merge_msec_value(conf->patience->idle, prev->patience->idle, 0);

    return NGX_OK;
}


static ngx_comet_patience_t *
ngx_comet_patience_get(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_pool_cleanup_t    *cln;
    ngx_comet_patience_t  *patience;

    if (ctx->patience) {
        return ctx->patience;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    patience = ngx_pcalloc(r->pool, sizeof(ngx_comet_patience_t));

    if (cln == NULL || patience == NULL) {
        return NULL;
    }

    cln->handler = ngx_comet_patience_cleanup;
    cln->data = patience;

    patience->request = r;
    patience->timer.handler = ngx_comet_patience_handler;
    patience->timer.data = patience;
    patience->timer.log = r->connection->log;

    ctx->patience = patience;

    return patience;
}


static void
ngx_comet_patience_set(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_msec_t limit, const char *what)
{
    ngx_comet_patience_t  *patience;

    patience = ngx_comet_patience_get(r, ctx);
    if (patience == NULL) {
        return;
    }

    patience->since = ngx_current_msec;
    patience->limit = limit;
    patience->what = what;
    patience->first = 0;

    /* the timer is not moved at each event: it looks when it expires */

    if (!patience->timer.timer_set) {
        ngx_add_timer(&patience->timer, limit);
    }
}


void
ngx_comet_patience_stop(ngx_comet_ctx_t *ctx)
{
    if (ctx->patience && ctx->patience->timer.timer_set) {
        ngx_del_timer(&ctx->patience->timer);
    }
}


static void
ngx_comet_patience_cleanup(void *data)
{
    ngx_comet_patience_t *patience = data;

    if (patience->timer.timer_set) {
        ngx_del_timer(&patience->timer);
    }
}


/* what SDKs say of their own patience, in seconds; or 0 */

static ngx_msec_t
ngx_comet_patience_of_client(ngx_http_request_t *r)
{
    ngx_int_t         ms;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("x-stainless-timeout");

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == name.len
                && ngx_memcmp(h[i].lowcase_key, name.data, name.len) == 0)
            {
                ms = ngx_atofp(h[i].value.data, h[i].value.len, 3);

                return ms == NGX_ERROR ? 0 : ms;
            }
        }
    }

    return 0;
}


ngx_msec_t
ngx_comet_patience_left(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_msec_t  limit, client, passed;

    limit = ctx->policy->deadline;

    if (limit == 0) {
        return NGX_MAX_INT32_VALUE;
    }

    client = ngx_comet_patience_of_client(r);

    if (client) {
        limit = ngx_min(limit, client);
    }

    passed = ngx_comet_elapsed(r);

    return passed < limit ? limit - passed : 0;
}


/* a request is sent, or sent again */

void
ngx_comet_patience_request(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_msec_t             limit, left;
    const char            *what;
    ngx_comet_loc_conf_t  *lcf;

    if (r != r->main) {
        return;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    limit = ctx->stream ? lcf->patience->first_token : 0;
    what = "the first token";

    if (ctx->policy->deadline) {
        left = ngx_max(ngx_comet_patience_left(r, ctx), 1);

        if (limit == 0 || left < limit) {
            limit = left;
            what = "an answer, by \"comet_deadline\"";
        }
    }

    if (limit) {
        ngx_comet_patience_stop(ctx);
        ngx_comet_patience_set(r, ctx, limit, what);

        if (ctx->patience) {
            ctx->patience->first = 1;
        }
    }
}


/* the answer has begun, or more of it has come */

void
ngx_comet_patience_answer(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_meter_t     *meter;
    ngx_comet_loc_conf_t  *lcf;

    if (ctx->draining) {
        return;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);
    meter = ctx->meter;

    if (meter == NULL || !meter->stream || meter->done || meter->usage.ended) {
        ngx_comet_patience_stop(ctx);
        return;
    }

    if (ctx->patience && ctx->patience->first && meter->usage.pieces == 0) {
        return;
    }

    if (lcf->patience->idle == 0) {
        ngx_comet_patience_stop(ctx);
        return;
    }

    if (ctx->patience && ctx->patience->timer.timer_set
        && ctx->patience->events == meter->usage.events + 1)
    {
        return;
    }

    /* a timer for the first token may be far away */

    if (ctx->patience && ctx->patience->limit != lcf->patience->idle) {
        ngx_comet_patience_stop(ctx);
    }

    ngx_comet_patience_set(r, ctx, lcf->patience->idle, "the next event");

    if (ctx->patience) {
        ctx->patience->events = meter->usage.events + 1;
    }
}


/* the client has gone: how long the rest of the answer is read */

void
ngx_comet_patience_drain(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_msec_t limit)
{
    ngx_comet_patience_stop(ctx);
    ngx_comet_patience_set(r, ctx, limit, "the rest of an answer");

    if (ctx->patience && limit > NGX_COMET_DRAIN_TICK) {
        ngx_add_timer(&ctx->patience->timer, NGX_COMET_DRAIN_TICK);
    }
}


static void
ngx_comet_patience_handler(ngx_event_t *ev)
{
    ngx_comet_patience_t *patience = ev->data;

    ngx_msec_t            passed, rest;
    ngx_connection_t     *c, *pc;
    ngx_comet_ctx_t      *ctx;
    ngx_http_request_t   *r;
    ngx_http_upstream_t  *u;

    r = patience->request;
    c = r->connection;
    u = r->upstream;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);
    pc = u ? u->peer.connection : NULL;

    passed = ngx_current_msec - patience->since;

    /* "worker_shutdown_timeout" closes the connection to the API too */

    if (passed < patience->limit && !(ctx->draining && pc && pc->close)) {
        rest = patience->limit - passed;

        ngx_add_timer(ev, ctx->draining ? ngx_min(rest, NGX_COMET_DRAIN_TICK)
                                        : rest);
        return;
    }

    /* not connected yet; or it is the client who does not take more */

    if (pc == NULL
        || (!ctx->draining
            && (u->busy_bufs || (u->header_sent && c->buffered))))
    {
        patience->since = ngx_current_msec;
        ngx_add_timer(ev, patience->limit);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, c->log, 0,
                  "upstream was waited for %M ms for %s", patience->limit,
                  patience->what);

    /* a handshake looks at the other event */

    if (pc->ssl && !pc->ssl->handshaked) {
        pc->write->timedout = 1;
    }

    /* the request may be gone after this */

    pc->read->timedout = 1;
    pc->read->handler(pc->read);
}
