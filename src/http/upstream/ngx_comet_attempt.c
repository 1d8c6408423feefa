#include "ngx_comet_attempt.h"
#include "ngx_comet_peers.h"


static ngx_int_t ngx_comet_attempt_resolve(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static void ngx_comet_attempt_resolved(ngx_resolver_ctx_t *resolver);
static ngx_int_t ngx_comet_attempt_find(ngx_http_request_t *r,
    ngx_comet_sending_t *sending);
static ngx_int_t ngx_comet_attempt_watch(ngx_http_request_t *r,
    ngx_comet_attempt_t *attempt);
static ngx_int_t ngx_comet_attempt_init(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_comet_attempt_get(ngx_peer_connection_t *pc, void *data);
static void ngx_comet_attempt_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static ngx_comet_outcome_e ngx_comet_attempt_kind(ngx_http_upstream_t *u);
static void ngx_comet_attempt_handler(ngx_event_t *ev);
static void ngx_comet_attempt_cleanup(void *data);


ngx_http_upstream_srv_conf_t  ngx_comet_attempt_peers = {
    .peer = { .init = ngx_comet_attempt_init }
};


/* as nginx names what went wrong */

static const ngx_uint_t  ngx_comet_attempt_types[NGX_COMET_OUTCOME_KINDS] = {
    [NGX_COMET_OUTCOME_CONNECT] = NGX_HTTP_UPSTREAM_FT_ERROR,
    [NGX_COMET_OUTCOME_TLS] = NGX_HTTP_UPSTREAM_FT_ERROR,
    [NGX_COMET_OUTCOME_RESET] = NGX_HTTP_UPSTREAM_FT_ERROR,
    [NGX_COMET_OUTCOME_TIMEOUT] = NGX_HTTP_UPSTREAM_FT_TIMEOUT,
    [NGX_COMET_OUTCOME_INVALID] = NGX_HTTP_UPSTREAM_FT_INVALID_HEADER
};


ngx_int_t
ngx_comet_attempt_make(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ctx->attempt->request = r;
    ctx->attempt->taken = 0;

    return ctx->attempt->make(r, ctx);
}


void
ngx_comet_attempt_begin(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    if (ctx->sending->peers) {
        ngx_comet_peers_start(r, ctx->sending->peers);
        return;
    }

    if (ctx->sending->resolved->sockaddr) {
        ngx_http_upstream_init(r);
        return;
    }

    if (ngx_comet_attempt_resolve(r, ctx) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/* as nginx's upstream does, whose failure nobody but nginx sees */

static ngx_int_t
ngx_comet_attempt_resolve(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_resolver_ctx_t        *resolver, temp;
    ngx_comet_attempt_t       *attempt;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    attempt = ctx->attempt;

    if (ngx_comet_attempt_watch(r, attempt) != NGX_OK) {
        return NGX_ERROR;
    }

    temp.name = ctx->sending->resolved->host;

    resolver = ngx_resolve_start(clcf->resolver, &temp);
    if (resolver == NULL) {
        return NGX_ERROR;
    }

    if (resolver == NGX_NO_RESOLVER) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "no resolver defined to resolve %V", &temp.name);
        ngx_http_finalize_request(r, NGX_HTTP_BAD_GATEWAY);
        return NGX_OK;
    }

    resolver->name = temp.name;
    resolver->handler = ngx_comet_attempt_resolved;
    resolver->data = attempt;
    resolver->timeout = clcf->resolver_timeout;

    attempt->resolver = resolver;

    if (!r->post_action) {
        r->read_event_handler = ngx_http_test_reading;
        r->write_event_handler = ngx_http_request_empty_handler;
    }

    if (ngx_resolve_name(resolver) != NGX_OK) {
        attempt->resolver = NULL;
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_comet_attempt_resolved(ngx_resolver_ctx_t *resolver)
{
    ngx_comet_attempt_t *attempt = resolver->data;

    ngx_int_t                      rc;
    ngx_uint_t                     run_posted;
    ngx_comet_ctx_t               *ctx;
    ngx_connection_t              *c;
    ngx_http_request_t            *r;
    ngx_http_upstream_resolved_t  *resolved;

    run_posted = resolver->async;

    r = attempt->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx == NULL || ctx->attempt != attempt) {
        ngx_resolve_name_done(resolver);
        attempt->resolver = NULL;
        return;
    }

    resolved = ctx->sending->resolved;

    if (resolver->state) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "%V could not be resolved (%i: %s)", &resolver->name,
                      resolver->state, ngx_resolver_strerror(resolver->state));

        rc = NGX_DECLINED;

    } else {
        resolved->naddrs = resolver->naddrs;
        resolved->addrs = resolver->addrs;

        rc = ngx_http_upstream_create_round_robin_peer(r, resolved);
    }

    ngx_resolve_name_done(resolver);
    attempt->resolver = NULL;

    if (rc == NGX_OK) {
        ngx_http_upstream_init(r);

    } else if (rc == NGX_DECLINED) {
        attempt->hooks->failed(r, ctx, NGX_COMET_OUTCOME_CONNECT);

        if (!attempt->taken) {
            ngx_http_finalize_request(r, NGX_HTTP_BAD_GATEWAY);
        }

    } else {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    if (run_posted) {
        ngx_http_run_posted_requests(c);
    }
}


/* of the upstream block, or of the name and address that variables gave */

static ngx_int_t
ngx_comet_attempt_find(ngx_http_request_t *r, ngx_comet_sending_t *sending)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

#if (NGX_HTTP_SSL)
    u->ssl_name = sending->peers ? sending->peers->host
                                 : sending->resolved->host;
#endif

    if (sending->peers) {
        u->upstream = sending->peers;
        return sending->peers->peer.init(r, sending->peers);
    }

    return sending->resolved->sockaddr
           ? ngx_http_upstream_create_round_robin_peer(r, sending->resolved)
           : NGX_OK;
}


static ngx_int_t
ngx_comet_attempt_init(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *us)
{
    ngx_comet_ctx_t      *ctx;
    ngx_comet_attempt_t  *attempt;
    ngx_http_upstream_t  *u;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ngx_comet_attempt_find(r, ctx->sending) != NGX_OK) {
        return NGX_ERROR;
    }

    u = r->upstream;
    attempt = ctx->attempt;

    attempt->get = u->peer.get;
    attempt->free = u->peer.free;

    u->peer.get = ngx_comet_attempt_get;
    u->peer.free = ngx_comet_attempt_free;

    return NGX_OK;
}


static ngx_http_request_t *
ngx_comet_attempt_request(ngx_peer_connection_t *pc)
{
    u_char               *p;
    ngx_http_upstream_t  *u;

    p = (u_char *) pc - offsetof(ngx_http_upstream_t, peer);
    u = (ngx_http_upstream_t *) p;

    return u->input_filter_ctx;
}


static ngx_int_t
ngx_comet_attempt_get(ngx_peer_connection_t *pc, void *data)
{
    ngx_int_t            rc;
    ngx_comet_ctx_t     *ctx;
    ngx_http_request_t  *r;

    r = ngx_comet_attempt_request(pc);
    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    rc = ctx->attempt->get(pc, data);

    /* no server is live: nginx does not free what it did not get */

    if (rc == NGX_BUSY) {
        ctx->attempt->hooks->failed(r, ctx, NGX_COMET_OUTCOME_CONNECT);
    }

    return rc;
}


static void
ngx_comet_attempt_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_comet_ctx_t      *ctx;
    ngx_comet_outcome_e   kind;
    ngx_http_request_t   *r;
    ngx_http_upstream_t  *u;

    r = ngx_comet_attempt_request(pc);
    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    kind = ngx_comet_attempt_kind(u);

    ctx->attempt->free(pc, data, state);

    /* without a state it is over, as nginx or we want it */

    if (!(state & NGX_PEER_FAILED)) {
        return;
    }

    pc->sockaddr = NULL;

    if (r->connection->error) {
        return;
    }

    /* behind a head nginx fails one only where it has the next server */

    if (ctx->relaying && !ctx->attempt->holding) {
        return;
    }

    if (ctx->attempt->holding
        || !ngx_comet_attempt_goes_on(r, ngx_comet_attempt_types[kind]))
    {
        ctx->attempt->hooks->failed(r, ctx, kind);
    }
}


/* of one that failed before there was an answer */

static ngx_comet_outcome_e
ngx_comet_attempt_kind(ngx_http_upstream_t *u)
{
    ngx_connection_t  *c;

    c = u->peer.connection;

    if (c == NULL) {
        return NGX_COMET_OUTCOME_CONNECT;
    }

    if (c->read->timedout || c->write->timedout) {
        return NGX_COMET_OUTCOME_TIMEOUT;
    }

#if (NGX_HTTP_SSL)
    if (u->ssl && c->ssl && !c->ssl->handshaked) {
        return NGX_COMET_OUTCOME_TLS;
    }
#endif

    if (!u->request_sent) {
        return NGX_COMET_OUTCOME_CONNECT;
    }

    /* the head of an answer that ends too early is not one that is wrong */

    if (c->read->eof || c->read->error || c->write->error || c->error
        || u->buffer.last == u->buffer.start)
    {
        return NGX_COMET_OUTCOME_RESET;
    }

    return NGX_COMET_OUTCOME_INVALID;
}


ngx_uint_t
ngx_comet_attempt_goes_on(ngx_http_request_t *r, ngx_uint_t type)
{
    ngx_uint_t                 tries;
    ngx_http_upstream_t       *u;
    ngx_http_upstream_conf_t  *conf;

    u = r->upstream;
    conf = u->conf;

    tries = u->peer.tries
            + (u->peer.cached && type == NGX_HTTP_UPSTREAM_FT_ERROR);

    if (u->request_sent
        && (r->method & (NGX_HTTP_POST|NGX_HTTP_LOCK|NGX_HTTP_PATCH)))
    {
        type |= NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT;
    }

    return tries > 0
           && (conf->next_upstream & type) == type
           && !(conf->next_upstream_timeout
                && ngx_current_msec - u->peer.start_time
                   >= conf->next_upstream_timeout);
}


static ngx_int_t
ngx_comet_attempt_watch(ngx_http_request_t *r, ngx_comet_attempt_t *attempt)
{
    ngx_pool_cleanup_t  *cln;

    if (attempt->watched) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_comet_attempt_cleanup;
    cln->data = attempt;

    attempt->event.handler = ngx_comet_attempt_handler;
    attempt->event.data = attempt;
    attempt->event.log = r->connection->log;

    attempt->watched = 1;

    return NGX_OK;
}


/*
 * The upstream is ended as nginx itself does it where a request gets another
 * one.  Each of the two ends to come, that one and the one of the function of
 * nginx's that called us, gives up a hold on the request.
 */

ngx_int_t
ngx_comet_attempt_take(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_msec_t wait)
{
    ngx_comet_attempt_t  *attempt;
    ngx_http_upstream_t  *u;

    attempt = ctx->attempt;

    if (ngx_comet_attempt_watch(r, attempt) != NGX_OK) {
        return NGX_ERROR;
    }

    attempt->taken = 1;

    u = r->upstream;

    u->peer.tries = 0;
    u->peer.cached = 0;

    /* a name that was not found never had an upstream */

    if (u->cleanup) {
        r->main->count += 2;
        (*u->cleanup)(r);
    }

    /* a client that leaves ends it */

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);
    }

    if (wait) {
        ngx_add_timer(&attempt->event, wait);

    } else {
        ngx_post_event(&attempt->event, &ngx_posted_events);
    }

    return NGX_OK;
}


static void
ngx_comet_attempt_handler(ngx_event_t *ev)
{
    ngx_comet_attempt_t *attempt = ev->data;

    ngx_comet_ctx_t     *ctx;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = attempt->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    /* a post_action has the request now */

    if (ctx == NULL || ctx->attempt != attempt) {
        return;
    }

    attempt->hooks->next(r, ctx);

    ngx_http_run_posted_requests(c);
}


static void
ngx_comet_attempt_cleanup(void *data)
{
    ngx_comet_attempt_t *attempt = data;

    if (attempt->event.timer_set) {
        ngx_del_timer(&attempt->event);
    }

    if (attempt->event.posted) {
        ngx_delete_posted_event(&attempt->event);
    }

    if (attempt->resolver) {
        ngx_resolve_name_done(attempt->resolver);
    }
}
