#include "ngx_comet_retry.h"
#include "ngx_comet_answer.h"
#include "ngx_comet_gate.h"
#include "ngx_comet_header.h"
#include "ngx_comet_health.h"
#include "ngx_comet_held.h"
#include "ngx_comet_patience.h"
#include "ngx_comet_policy.h"
#include "ngx_comet_retries.h"
#include "ngx_comet_variables.h"


static void ngx_comet_retry_begin(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_retry_head(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_retry_passes(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static void ngx_comet_retry_look(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_retry_whole(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static void ngx_comet_retry_failed(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx, ngx_comet_outcome_e kind);
static ngx_uint_t ngx_comet_retry_over(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_comet_next_e ngx_comet_retry_choose(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx, ngx_msec_t *wait);
static void ngx_comet_retry_ended(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_int_t rc);
static void ngx_comet_retry_next(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
static void ngx_comet_retry_target(ngx_http_request_t *r);
static void ngx_comet_retry_none(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
static void ngx_comet_retry_tell(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_attempts_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_retry_reason_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static const ngx_comet_attempt_hooks_t  ngx_comet_retry_hooks = {
    .head = ngx_comet_retry_head,
    .failed = ngx_comet_retry_failed,
    .ended = ngx_comet_retry_ended,
    .next = ngx_comet_retry_next
};


static ngx_http_variable_t  ngx_comet_retry_variables[] = {

    { ngx_string("comet_attempts"), NULL, ngx_comet_attempts_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("comet_retry_reason"), NULL, ngx_comet_retry_reason_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_comet_part_t  ngx_comet_retry_part = {
    .variables = ngx_comet_retry_variables
};


void
ngx_comet_retry_first(ngx_http_request_t *r)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    ctx->attempt->hooks = &ngx_comet_retry_hooks;

    ngx_comet_retry_begin(r, ctx);
}


/* whether anything can follow a failure */

static ngx_uint_t
ngx_comet_retry_can(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    return r == r->main && !r->post_action
           && (ctx->retry->tries < ctx->policy->retries->attempts
               || ctx->target
               || ngx_comet_health_keys(r, ctx) > 1);
}


static void
ngx_comet_retry_begin(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t           rc;
    ngx_comet_retry_t  *retry;

    retry = ctx->retry;

    rc = ngx_comet_attempt_make(r, ctx);

    if (rc == NGX_OK) {
        rc = ngx_comet_health_begin(r, ctx);
    }

    if (rc == NGX_DECLINED) {
        retry->declined = 1;

        if (ctx->target) {
            ngx_comet_retry_target(r);

        } else {
            ngx_comet_retry_none(r, ctx);
        }

        return;
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    retry->declined = 0;
    retry->attempts++;
    retry->tries++;

    /* until more is known, a client that leaves says nothing of the API */

    ngx_memzero(&retry->outcome, sizeof(ngx_comet_outcome_t));
    retry->outcome.kind = NGX_COMET_OUTCOME_CLIENT;

    if (ngx_comet_retry_can(r, ctx)
        && ngx_comet_header_idempotency(r, &ctx->sending->idempotency)
           != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_comet_attempt_begin(r, ctx);
}


static int64_t
ngx_comet_retry_after_of(ngx_http_upstream_t *u)
{
    int64_t           ms, wait;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  exact = ngx_string("retry-after-ms");
    static ngx_str_t  plain = ngx_string("retry-after");

    wait = NGX_COMET_RETRY_AFTER_NONE;

    for (part = &u->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == exact.len
                && ngx_memcmp(h[i].lowcase_key, exact.data, exact.len) == 0)
            {
                ms = ngx_comet_retry_after_ms((char *) h[i].value.data,
                                              h[i].value.len);

                if (ms != NGX_COMET_RETRY_AFTER_NONE) {
                    return ms;
                }
            }

            if (h[i].key.len == plain.len
                && ngx_memcmp(h[i].lowcase_key, plain.data, plain.len) == 0)
            {
                wait = ngx_comet_retry_after((char *) h[i].value.data,
                                             h[i].value.len, ngx_time());
            }
        }
    }

    return wait;
}


/* types of nginx's that stand for a status: its own turn to the next server */

static ngx_uint_t
ngx_comet_retry_type(ngx_uint_t status)
{
    switch (status) {
    case 403:
        return NGX_HTTP_UPSTREAM_FT_HTTP_403;
    case 404:
        return NGX_HTTP_UPSTREAM_FT_HTTP_404;
    case 429:
        return NGX_HTTP_UPSTREAM_FT_HTTP_429;
    case 500:
        return NGX_HTTP_UPSTREAM_FT_HTTP_500;
    case 502:
        return NGX_HTTP_UPSTREAM_FT_HTTP_502;
    case 503:
        return NGX_HTTP_UPSTREAM_FT_HTTP_503;
    case 504:
        return NGX_HTTP_UPSTREAM_FT_HTTP_504;
    default:
        return 0;
    }
}


static ngx_int_t
ngx_comet_retry_head(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_uint_t            type;
    ngx_http_upstream_t  *u;
    ngx_comet_outcome_t  *outcome;

    u = r->upstream;

    type = ngx_comet_retry_type(u->headers_in.status_n);

    if (type && u->peer.tries > 1 && ngx_comet_attempt_goes_on(r, type)) {
        return NGX_OK;
    }

    outcome = &ctx->retry->outcome;

    ngx_memzero(outcome, sizeof(ngx_comet_outcome_t));

    outcome->status = u->headers_in.status_n;
    outcome->retry_after = NGX_COMET_RETRY_AFTER_NONE;

    if (outcome->status < NGX_HTTP_BAD_REQUEST) {
        outcome->kind = NGX_COMET_OUTCOME_OK;

    } else {
        outcome->kind = NGX_COMET_OUTCOME_STATUS;
        outcome->retry_after = ngx_comet_retry_after_of(u);

        if (ngx_comet_retry_can(r, ctx)
            && ngx_comet_outcome_decide(outcome, ctx->policy->retries->on, 1)
               != NGX_COMET_RETRY_PASS)
        {
            return ngx_comet_held(r, ctx, ngx_comet_retry_whole,
                                  ngx_comet_retry_passes);
        }
    }

    return ngx_comet_retry_passes(r, ctx);
}


static ngx_int_t
ngx_comet_retry_passes(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_health_head(r, ctx, &ctx->retry->outcome);
    ngx_comet_retry_tell(r, ctx);

    /* or else the first token is waited for */

    if (!ctx->stream) {
        ngx_comet_patience_stop(ctx);
    }

    return NGX_OK;
}


static void
ngx_comet_retry_look(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_str_t             text;
    ngx_comet_outcome_t  *outcome;

    outcome = &ctx->retry->outcome;

    if (ngx_comet_outcome_asks_body(outcome)) {
        ngx_comet_held_text(r, r->upstream, &text);

        outcome->at_fault = (text.data
                             && ngx_comet_outcome_at_fault((char *) text.data,
                                                           text.len));
    }

    ctx->held->last = r->upstream;
}


static ngx_int_t
ngx_comet_retry_whole(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_retry_look(r, ctx);

    return ngx_comet_retry_over(r, ctx) ? NGX_ERROR
                                        : ngx_comet_retry_passes(r, ctx);
}


static void
ngx_comet_retry_failed(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_outcome_e kind)
{
    ngx_connection_t     *c;
    ngx_comet_outcome_t  *outcome;

    outcome = &ctx->retry->outcome;

    /* an answer without a length is whole by the end of its connection */

    c = r->upstream->peer.connection;

    if (ctx->attempt->holding && !ctx->held->framed
        && c && c->read->eof && !c->read->error
        && !ngx_comet_answer_truncated(c))
    {
        ngx_comet_retry_look(r, ctx);

    } else {
        ngx_memzero(outcome, sizeof(ngx_comet_outcome_t));

        outcome->kind = kind;
        outcome->retry_after = NGX_COMET_RETRY_AFTER_NONE;
    }

    ctx->attempt->holding = 0;

    if (ngx_comet_retry_over(r, ctx)) {
        return;
    }

    if (ctx->held->last == NULL) {
        ngx_comet_retry_tell(r, ctx);
        return;
    }

    ctx->retry->next = NGX_COMET_NEXT_NONE;

    (void) ngx_comet_attempt_take(r, ctx, 0);
}


/* an attempt has failed: whether there will be another */

static ngx_uint_t
ngx_comet_retry_over(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_msec_t          wait;
    ngx_comet_retry_t  *retry;

    retry = ctx->retry;

    ngx_comet_health_end(r, ctx, &retry->outcome);

    if (r != r->main || r->post_action || r->connection->error) {
        return 0;
    }

    wait = 0;
    retry->next = ngx_comet_retry_choose(r, ctx, &wait);

    if (retry->next == NGX_COMET_NEXT_NONE
        || ngx_comet_attempt_take(r, ctx, wait) != NGX_OK)
    {
        return 0;
    }

    retry->why = ngx_comet_outcome_reason(&retry->outcome, retry->reason);

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "attempt %ui failed: %s; the next one begins in %M ms%s",
                  retry->attempts, retry->why, wait,
                  retry->next == NGX_COMET_NEXT_TARGET
                  ? ", with the next of the route" : "");

    return 1;
}


static ngx_comet_next_e
ngx_comet_retry_choose(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_msec_t *wait)
{
    int64_t               ms;
    ngx_comet_retry_t    *retry;
    ngx_comet_retry_e     decided;
    ngx_comet_retries_t  *conf;

    retry = ctx->retry;
    conf = ctx->policy->retries;

    if (ngx_comet_patience_left(r, ctx) == 0) {
        return NGX_COMET_NEXT_NONE;
    }

    decided = ngx_comet_outcome_decide(&retry->outcome, conf->on,
                                       ngx_comet_health_has_another(r, ctx));

    if (decided == NGX_COMET_RETRY_KEY
        && ++retry->keys < ngx_comet_health_keys(r, ctx))
    {
        retry->tries--;
        return NGX_COMET_NEXT_SAME;
    }

    decided = ngx_comet_outcome_decide(&retry->outcome, conf->on, 0);

    if (decided == NGX_COMET_RETRY_PASS) {
        return NGX_COMET_NEXT_NONE;
    }

    ms = ngx_comet_outcome_wait(&retry->outcome, &conf->backoff, retry->tries,
                                (uint32_t) ngx_random());

    if (retry->tries < conf->attempts
        && ms != -1
        && (ngx_msec_t) ms < ngx_comet_patience_left(r, ctx)
        && ngx_comet_health_may_retry(r, ctx))
    {
        *wait = (ngx_msec_t) ms;
        return NGX_COMET_NEXT_SAME;
    }

    return ctx->target ? NGX_COMET_NEXT_TARGET : NGX_COMET_NEXT_NONE;
}


static void
ngx_comet_retry_next(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    switch (ctx->retry->next) {

    case NGX_COMET_NEXT_SAME:
        ngx_comet_retry_begin(r, ctx);
        return;

    case NGX_COMET_NEXT_TARGET:
        ngx_comet_retry_target(r);
        return;

    default: /* NGX_COMET_NEXT_NONE */
        ngx_comet_retry_none(r, ctx);
    }
}


/* comes back while the body is read for the model of the next target */

static void
ngx_comet_retry_target(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    rc = ngx_comet_route_next(r, ctx, ngx_comet_retry_target);

    switch (rc) {

    case NGX_OK:
        ctx->retry->tries = 0;
        ctx->retry->keys = 0;

        /* what is sent now is another body */

        ngx_str_set(&ctx->sending->idempotency, "");

        ngx_comet_retry_begin(r, ctx);
        return;

    case NGX_AGAIN:
        return;

    case NGX_DECLINED:
        ngx_comet_retry_none(r, ctx);
        return;

    default: /* NGX_ERROR */
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/* the last real answer, or an error of our own */

static void
ngx_comet_retry_none(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (ctx->held->last) {
        r->upstream = ctx->held->last;
        ngx_comet_retry_tell(r, ctx);
        ngx_comet_held_send(r, ctx);
        return;
    }

    if (ctx->retry->declined) {
        rc = ngx_comet_health_refuse(r, ctx);

    } else if (ctx->retry->outcome.kind == NGX_COMET_OUTCOME_TIMEOUT) {
        rc = NGX_HTTP_GATEWAY_TIME_OUT;

    } else {
        rc = NGX_HTTP_BAD_GATEWAY;
    }

    ngx_comet_retry_tell(r, ctx);

    ngx_http_finalize_request(r, rc);
}


/* what was tried here is not to be tried once more by an SDK */

static void
ngx_comet_retry_tell(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    u_char               *p;
    ngx_str_t             value;
    ngx_comet_retry_t    *retry;
    ngx_comet_retries_t  *conf;

    static ngx_str_t  attempts = ngx_string("X-Comet-Attempts");
    static ngx_str_t  should = ngx_string("X-Should-Retry");
    static ngx_str_t  no = ngx_string("false");

    retry = ctx->retry;
    conf = ctx->policy->retries;

    if (ctx->policy->tell_attempts) {

        p = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
        if (p == NULL) {
            return;
        }

        value.data = p;
        value.len = ngx_sprintf(p, "%ui", retry->attempts) - p;

        (void) ngx_comet_header_add(r, &attempts, &value);
    }

    if (retry->attempts > 1
        && ngx_comet_outcome_decide(&retry->outcome, conf->on, 0)
           == NGX_COMET_RETRY_LATER
        && ngx_comet_outcome_wait(&retry->outcome, &conf->backoff, 1, 0) != -1)
    {
        ngx_comet_answer_drop(r->upstream, should.data, should.len);
        (void) ngx_comet_header_add(r, &should, &no);
    }
}


static void
ngx_comet_retry_ended(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_int_t rc)
{
    ngx_comet_outcome_t  *outcome;

    if (ctx->attempt->taken) {
        return;
    }

    outcome = &ctx->retry->outcome;

    /* an answer that began well may still have broken off */

    if (outcome->kind == NGX_COMET_OUTCOME_OK && rc != 0) {
        outcome->kind = (rc == NGX_HTTP_GATEWAY_TIME_OUT)
                        ? NGX_COMET_OUTCOME_TIMEOUT
                        : (rc == NGX_HTTP_BAD_GATEWAY)
                          ? NGX_COMET_OUTCOME_RESET
                          : NGX_COMET_OUTCOME_CLIENT;
    }

    ngx_comet_health_end(r, ctx, outcome);
}


static ngx_int_t
ngx_comet_attempts_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char           *p;
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_comet_kept_ctx(r);

    if (ctx == NULL || ctx->retry == NULL || ctx->retry->attempts == 0) {
        return ngx_comet_variable_text(v, NULL);
    }

    p = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_comet_variable_set(v, p, ngx_sprintf(p, "%ui",
                                                    ctx->retry->attempts) - p);
}


static ngx_int_t
ngx_comet_retry_reason_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_comet_kept_ctx(r);

    return ngx_comet_variable_text(v, ctx && ctx->retry ? ctx->retry->why
                                                        : NULL);
}
