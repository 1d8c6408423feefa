/*
 * A client that hangs up: whether the rest of the answer is read without it,
 * and what its call costs if the usage is not known in the end.
 *
 * nginx looks for the client's end while it waits for the API, and then ends
 * the request.  Its handlers stand behind ours, which look before them.
 */


#include "ngx_comet_abort.h"
#include "ngx_comet_meter.h"
#include "ngx_comet_patience.h"


/* ms: what is produced already takes no longer to arrive */

#define NGX_COMET_DRAIN_MOMENT  2000
#define NGX_COMET_DRAIN_TIME    60000


static ngx_int_t ngx_comet_abort_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_abort_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static void ngx_comet_abort_read(ngx_http_request_t *r);
static void ngx_comet_abort_write(ngx_http_request_t *r);
static void ngx_comet_abort_look(ngx_http_request_t *r, ngx_event_t *ev,
    ngx_http_event_handler_pt handler);
static ngx_uint_t ngx_comet_abort_gone(ngx_http_request_t *r, ngx_event_t *ev);
static ngx_uint_t ngx_comet_abort_drain(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_msec_t ngx_comet_abort_time(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);


static ngx_conf_enum_t  ngx_comet_abort_costs[] = {
    { ngx_string("estimate"), NGX_COMET_LEFT_ESTIMATE },
    { ngx_string("reserved"), NGX_COMET_LEFT_RESERVED },
    { ngx_null_string, 0 }
};


static const ngx_comet_watch_t  ngx_comet_abort_watches = {
    .came = ngx_comet_patience_answer,
    .over = ngx_comet_patience_stop,
    .left = ngx_comet_abort_drain
};


ngx_comet_part_t  ngx_comet_abort_part = {
    .create_loc_conf = ngx_comet_abort_create,
    .merge_loc_conf = ngx_comet_abort_merge
};


static ngx_int_t
ngx_comet_abort_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    lcf->abort = ngx_palloc(cf->pool, sizeof(ngx_comet_abort_conf_t));
    if (lcf->abort == NULL) {
        return NGX_ERROR;
    }

    lcf->abort->left = NGX_CONF_UNSET_UINT;
    lcf->abort->drain = NGX_CONF_UNSET_MSEC;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_abort_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_conf_merge_uint_value(conf->abort->left, prev->abort->left,
                              NGX_COMET_LEFT_KNOWN);
    ngx_conf_merge_msec_value(conf->abort->drain, prev->abort->drain, 0);

    return NGX_OK;
}


/* when the request to the API is made, and nginx has set its handlers */

void
ngx_comet_abort_watch(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ctx->watch = &ngx_comet_abort_watches;

    if (r != r->main || r->post_action) {
        return;
    }

    ctx->abort->read = r->read_event_handler;
    ctx->abort->write = r->write_event_handler;

    r->read_event_handler = ngx_comet_abort_read;
    r->write_event_handler = ngx_comet_abort_write;
}


static void
ngx_comet_abort_read(ngx_http_request_t *r)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    ngx_comet_abort_look(r, r->connection->read, ctx->abort->read);
}


/* until the answer is sent, which has a handler of its own */

static void
ngx_comet_abort_write(ngx_http_request_t *r)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    ngx_comet_abort_look(r, r->connection->write, ctx->abort->write);
}


static void
ngx_comet_abort_look(ngx_http_request_t *r, ngx_event_t *ev,
    ngx_http_event_handler_pt handler)
{
    ngx_int_t         event;
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx->draining
        || (ngx_comet_abort_gone(r, ev) && ngx_comet_abort_drain(r, ctx)))
    {
        event = ev->write ? NGX_WRITE_EVENT : NGX_READ_EVENT;

        if ((ngx_event_flags & NGX_USE_LEVEL_EVENT) && ev->active) {
            (void) ngx_del_event(ev, event, 0);
        }

        return;
    }

    handler(r);
}


/* as nginx finds out, which does not tell anybody */

static ngx_uint_t
ngx_comet_abort_gone(ngx_http_request_t *r, ngx_event_t *ev)
{
    int                n;
    char               byte;
    ngx_connection_t  *c;

    c = r->connection;

    if (c->error) {
        return 1;
    }

#if (NGX_HTTP_V2)
    if (r->stream) {
        return 0;
    }
#endif

#if (NGX_HTTP_V3)
    if (c->quic) {
        return c->write->error;
    }
#endif

#if (NGX_HAVE_KQUEUE)
    if (ngx_event_flags & NGX_USE_KQUEUE_EVENT) {
        return ev->pending_eof;
    }
#endif

#if (NGX_HAVE_EPOLLRDHUP)
    if ((ngx_event_flags & NGX_USE_EPOLL_EVENT) && ngx_use_epoll_rdhup) {
        return ev->pending_eof;
    }
#endif

    n = recv(c->fd, &byte, 1, MSG_PEEK);

    return n == 0 || (n == -1 && ngx_socket_errno != NGX_EAGAIN);
}


/*
 * How long to read on without the client: as the operator says where an
 * answer can come, else a moment where it is all but there.
 */

static ngx_msec_t
ngx_comet_abort_time(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_meter_t     *meter;
    ngx_http_upstream_t   *u;
    ngx_comet_loc_conf_t  *lcf;

    u = r->upstream;
    meter = ctx->meter;

    if (u == NULL || u->peer.connection == NULL || !u->request_body_sent
        || ctx->told || ctx->endpoint == NULL
        || ctx->endpoint->form == NGX_COMET_FORM_NONE)
    {
        return 0;
    }

    /* where no more can be learned */

    if (meter ? meter->done || ngx_comet_meter_is_lost(meter)
                || ngx_comet_usage_exact(&meter->usage)
              : u->header_sent)
    {
        return 0;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    if (lcf->abort->drain) {
        return lcf->abort->drain;
    }

    return meter && (!meter->stream || meter->usage.closing)
           ? NGX_COMET_DRAIN_MOMENT : 0;
}


static ngx_uint_t
ngx_comet_abort_drain(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_msec_t            time;
    ngx_chain_t          *cl;
    ngx_connection_t     *c;
    ngx_http_upstream_t  *u;

    time = ngx_comet_abort_time(r, ctx);

    if (time == 0) {
        return 0;
    }

    c = r->connection;
    u = r->upstream;

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "client closed connection, the rest of the answer is read "
                  "without it");

    c->error = 1;
    ctx->draining = 1;
    ctx->hung_up = 1;

    /* nothing more is sent, and what was to be sent is as if it were */

    if (ctx->meter) {
        ngx_comet_meter_drop(ctx->meter);
    }

    for (cl = u->busy_bufs; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
    }

    r->out = NULL;
    c->buffered = 0;
    c->write->ready = 1;

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    /* the API may have been held back by the client */

    ngx_post_event(c->write, &ngx_posted_events);

    ngx_comet_patience_drain(r, ctx, time);

    return 1;
}


/* the API is done with, or left */

void
ngx_comet_abort_end(ngx_http_request_t *r, ngx_comet_ctx_t *ctx, ngx_int_t rc)
{
    ngx_comet_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    ctx->left = lcf->abort->left;
    ctx->sent = r->upstream->request_body_sent;

    if (rc == NGX_HTTP_CLIENT_CLOSED_REQUEST
        || rc == NGX_HTTP_REQUEST_TIME_OUT
        || (rc == NGX_ERROR && r->connection->error))
    {
        ctx->hung_up = 1;
    }
}


static char *
ngx_comet_on_abort_cancel(ngx_conf_t *cf, ngx_comet_abort_conf_t *conf)
{
    ngx_str_t        *value;
    ngx_conf_enum_t  *cost;

    conf->drain = 0;
    conf->left = NGX_COMET_LEFT_KNOWN;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    value = cf->args->elts;

    for (cost = ngx_comet_abort_costs; cost->name.len; cost++) {
        if (ngx_strcmp(cost->name.data, value[2].data) == 0) {
            conf->left = cost->value;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"comet_on_abort cancel\": "
                       "write \"estimate\" or \"reserved\", or nothing",
                       &value[2]);

    return NGX_CONF_ERROR;
}


static char *
ngx_comet_on_abort_drain(ngx_conf_t *cf, ngx_comet_abort_conf_t *conf)
{
    ngx_int_t   time;
    ngx_str_t  *value;

    conf->left = NGX_COMET_LEFT_KNOWN;
    conf->drain = NGX_COMET_DRAIN_TIME;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    value = cf->args->elts;
    time = ngx_parse_time(&value[2], 0);

    if (time == NGX_ERROR || time == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid time \"%V\" in \"comet_on_abort\": write "
                           "it as in 60s", &value[2]);
        return NGX_CONF_ERROR;
    }

    conf->drain = time;

    return NGX_CONF_OK;
}


char *
ngx_comet_on_abort(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_abort_conf_t *abort = conf;

    ngx_str_t  *value;

    if (abort->left != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "cancel") == 0) {
        return ngx_comet_on_abort_cancel(cf, abort);
    }

    if (ngx_strcmp(value[1].data, "drain") == 0) {
        return ngx_comet_on_abort_drain(cf, abort);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"comet_on_abort\": it takes "
                       "\"cancel\", \"cancel estimate\", \"cancel "
                       "reserved\", or \"drain\" and a time as in "
                       "\"drain 60s\"", &value[1]);

    return NGX_CONF_ERROR;
}
