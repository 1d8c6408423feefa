/*
 * Stands in the PRECONTENT phase, behind access rules: reads the body through
 * the request-body filter, judges it on the way, and lets the phases run on
 * to comet_pass or ends the request.
 */


#include "ngx_comet_gate.h"
#include "ngx_comet_admit.h"
#include "ngx_comet_body.h"
#include "ngx_comet_caller.h"
#include "ngx_comet_count.h"
#include "ngx_comet_endpoints.h"
#include "ngx_comet_estimate.h"
#include "ngx_comet_media.h"
#include "ngx_comet_meter.h"
#include "ngx_comet_policy.h"
#include "ngx_comet_refuse.h"
#include "ngx_comet_route.h"


static ngx_int_t ngx_comet_gate_init(ngx_conf_t *cf);
static ngx_int_t ngx_comet_gate_handler(ngx_http_request_t *r);
static ngx_int_t ngx_comet_gate_policy(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_gate_check(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_gate_read(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static void ngx_comet_gate_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_comet_gate_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_uint_t ngx_comet_gate_leaves(ngx_http_request_t *r);
static ngx_int_t ngx_comet_gate_work(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_gate_scan_again(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_gate_decide(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_gate_begin(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static void ngx_comet_gate_end(ngx_comet_ctx_t *ctx);
static ngx_uint_t ngx_comet_gate_elsewhere(ngx_comet_ctx_t *ctx);
static void ngx_comet_gate_forget(ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_gate_next(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_gate_admit(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static void ngx_comet_gate_accept(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_gate_refuse(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static void ngx_comet_gate_remember(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);


/* what is left of a refused body and worth reading to keep the connection */

#define NGX_COMET_REST_MAX  65536


static ngx_http_request_body_filter_pt  ngx_http_next_request_body_filter;


/* most bodies come at once: one is enough for nearly all of them */

static ngx_comet_judge_t  *ngx_comet_gate_spare;


ngx_comet_part_t  ngx_comet_gate_part = {
    .postconfiguration = ngx_comet_gate_init
};


static ngx_int_t
ngx_comet_gate_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_comet_gate_handler;

    ngx_http_next_request_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_comet_gate_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_gate_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_comet_ctx_t       *ctx;
    ngx_comet_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    if (!lcf->passing) {
        return NGX_DECLINED;
    }

    ctx = ngx_comet_make_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    if (ctx->gated) {
        return ctx->gate->rc;
    }

    /* what a "post_action" leads to is a call of its own */

    if (r->post_action) {
        ngx_comet_admit_end(r);
        ngx_comet_count_end(r);
    }

    ctx->gate = ngx_pcalloc(r->pool, sizeof(ngx_comet_gate_t));
    if (ctx->gate == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->gated = 1;
    ctx->gate->rc = NGX_DECLINED;

    if (ngx_comet_keep_ctx(r, ctx) != NGX_OK
        || ngx_comet_count_begin(r, ctx) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_comet_count_resume(ctx);

    rc = ngx_comet_gate_check(r, ctx);

    if (rc == NGX_OK) {
        return ngx_comet_gate_read(r, ctx);
    }

    ngx_comet_count_pause(ctx);

    return rc;
}


/* all that needs no body; NGX_OK if the body has to be judged */

static ngx_int_t
ngx_comet_gate_check(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_comet_endpoints_upgrade(r);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_comet_caller_identify(r, ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_comet_gate_policy(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_comet_admit(r, ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_comet_endpoints_check(r, ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->endpoint == NULL || ctx->endpoint->fields == NULL) {
        return NGX_DECLINED;
    }

    return ngx_comet_media_check(r);
}


static ngx_int_t
ngx_comet_gate_policy(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_policy_t    *policy;
    ngx_comet_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);
    policy = &ctx->gate->policy;

    if (ngx_comet_policy_of(r, ctx, policy) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_comet_admit_relies(r, ctx, policy) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_comet_route_relies(r, ctx, policy);

    policy->usage = (lcf->meter->usage && r == r->main);

    return NGX_OK;
}


static void
ngx_comet_gate_give_back(void *data)
{
#if !(NGX_DEBUG_PALLOC)

    if (ngx_comet_gate_spare == NULL) {
        ngx_comet_gate_spare = data;
        return;
    }

#endif

    ngx_free(data);
}


/* not of the pool: it goes back before the request is sent on */

static ngx_int_t
ngx_comet_gate_take(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_judge_t   *judge;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    judge = ngx_comet_gate_spare;
    ngx_comet_gate_spare = NULL;

    if (judge == NULL) {
        judge = ngx_alloc(sizeof(ngx_comet_judge_t), r->connection->log);
        if (judge == NULL) {
            return NGX_ERROR;
        }
    }

    cln->handler = ngx_comet_gate_give_back;
    cln->data = judge;

    ctx->gate->judge = judge;
    ctx->gate->cleanup = cln;

    return NGX_OK;
}


/* a body from its first byte, for whatever target is tried */

static ngx_int_t
ngx_comet_gate_begin(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_gate_t  *gate;

    gate = ctx->gate;

    if (gate->judge == NULL && ngx_comet_gate_take(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_comet_judge_init(gate->judge, ctx->endpoint, &gate->policy);
    gate->judge->measure.seed = (uint32_t) ngx_random();

    gate->scanned = 0;
    gate->again = NULL;

    return NGX_OK;
}


static void
ngx_comet_gate_end(ngx_comet_ctx_t *ctx)
{
    ngx_comet_gate_give_back(ctx->gate->judge);

    ctx->gate->cleanup->handler = NULL;
    ctx->gate->judge = NULL;
    ctx->reading = 0;
}


static ngx_int_t
ngx_comet_gate_read(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (ngx_comet_gate_begin(r, ctx) != NGX_OK) {
        ngx_comet_count_pause(ctx);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->reading = 1;
    ctx->gate->rc = NGX_DONE;

    /* what came with the head is judged at once */

    if (r != r->main || r->http_version >= NGX_HTTP_VERSION_20
        || r->header_in->pos == r->header_in->last)
    {
        ngx_comet_count_pause(ctx);
    }

    rc = ngx_comet_body_read(r, ngx_comet_gate_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        ngx_comet_count_pause(ctx);
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/*
 * Refuses as soon as nothing that follows can save the request, unless there
 * is so little to follow that it is read to keep the connection.
 */

static ngx_int_t
ngx_comet_gate_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t        *b;
    ngx_uint_t        hopeless, last;
    ngx_chain_t      *cl;
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx == NULL || !ctx->reading || ctx->judged) {
        return ngx_http_next_request_body_filter(r, in);
    }

    hopeless = 0;
    last = 0;

    ngx_comet_count_resume(ctx);

    for (cl = in; cl; cl = cl->next) {
        b = cl->buf;
        last |= b->last_buf;
        ctx->gate->scanned = 1;

        if (!hopeless
            && ngx_comet_judge_feed(ctx->gate->judge, b->pos,
                                    b->last - b->pos)
               != 0)
        {
            hopeless = 1;
        }
    }

    /* behind the last of a body in memory, its handler follows at once */

    if (!last || r->request_body->temp_file || r->request_body_in_file_only) {
        ngx_comet_count_pause(ctx);
    }

    if (hopeless && !last && ngx_comet_gate_leaves(r)) {
        return ngx_comet_gate_refuse(r, ctx);
    }

    return ngx_http_next_request_body_filter(r, in);
}


/* HTTP/2 keeps its connection anyway */

static ngx_uint_t
ngx_comet_gate_leaves(ngx_http_request_t *r)
{
    return r->http_version >= NGX_HTTP_VERSION_20
           || r->headers_in.chunked
           || r->request_body->rest > NGX_COMET_REST_MAX;
}


/* comes back to a large body in a file, a turn of the event loop a block */

static void
ngx_comet_gate_body_handler(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    r->preserve_body = 1;
    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_comet_count_resume(ctx);

    rc = ngx_comet_gate_work(r, ctx);

    /* or else the phases go on to the head that is written for the API */

    if (rc != NGX_DECLINED) {
        ngx_comet_count_pause(ctx);
    }

    if (rc == NGX_AGAIN) {

        rc = ngx_comet_turn(r, &ctx->gate->turn, ngx_comet_gate_body_handler);

        if (rc == NGX_OK) {
            return;
        }
    }

    ngx_comet_turn_end(&ctx->gate->turn);

    ctx->gate->rc = (rc == NGX_ERROR) ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;

    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


/* for the target of a route, and where that one cannot take it for another */

static ngx_int_t
ngx_comet_gate_work(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t  rc;

    for ( ;; ) {

        if (!ctx->gate->scanned && r->request_body && r->request_body->bufs) {

            rc = ngx_comet_gate_scan_again(r, ctx);

            if (rc != NGX_OK) {
                return rc;
            }
        }

        rc = ngx_comet_gate_decide(r, ctx);

        if (rc == NGX_DECLINED || !ngx_comet_gate_elsewhere(ctx)) {
            return rc;
        }

        ngx_comet_gate_forget(ctx);
        ngx_comet_admit_forget(ctx);

        if (ngx_comet_gate_begin(r, ctx) != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


static ngx_uint_t
ngx_comet_gate_elsewhere(ngx_comet_ctx_t *ctx)
{
    return ctx->gate->elsewhere && ctx->routed
           && ngx_comet_route_then(ctx->routed);
}


/* what a target was refused with that is not tried any more */

static void
ngx_comet_gate_forget(ngx_comet_ctx_t *ctx)
{
    ctx->verdict = NGX_COMET_PASS;
    ctx->error_code = NULL;
    ctx->refusal = NULL;

    ngx_str_null(&ctx->error_param);
    ngx_str_null(&ctx->repairs);
    ctx->nrepairs = 0;
}


/* a body that was read before the gate, as behind an internal redirect */

static ngx_int_t
ngx_comet_gate_scan_again(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t  rc;
    ngx_buf_t  block;

    if (ctx->gate->again == NULL) {

        ctx->gate->again = ngx_palloc(r->pool, sizeof(ngx_comet_walk_t));
        if (ctx->gate->again == NULL) {
            return NGX_ERROR;
        }

        ngx_comet_walk_init(r, ctx->gate->again);
    }

    rc = ngx_comet_walk_block(ctx->gate->again, &block);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (ngx_comet_judge_feed(ctx->gate->judge, block.pos,
                             block.last - block.pos)
        != 0)
    {
        rc = NGX_OK;
    }

    if (rc == NGX_OK) {
        ngx_comet_walk_end(ctx->gate->again);
        ctx->gate->scanned = 1;
    }

    return rc;
}


static ngx_int_t
ngx_comet_gate_decide(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t           rc;
    ngx_comet_judge_t  *judge;

    judge = ctx->gate->judge;

    ctx->judged = 1;
    ctx->gate->elsewhere = 0;

    if (ngx_comet_judge_finish(judge) != 0) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (judge->verdict == NGX_COMET_REFUSED) {
        ctx->gate->elsewhere = judge->unfit;
        return ngx_comet_gate_refuse(r, ctx);
    }

    ngx_comet_gate_remember(r, ctx);

    rc = ngx_comet_gate_admit(r, ctx);

    if (rc != NGX_OK) {
        ctx->repairs.len = 0;
        ctx->nrepairs = 0;
        return rc;
    }

    ngx_comet_gate_accept(r, ctx);
    ngx_comet_gate_end(ctx);

    return NGX_DECLINED;
}


/* what limits or prices refuse for one model they may let in for another */

static ngx_int_t
ngx_comet_gate_admit(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_comet_admit_call(r, ctx, ctx->gate->judge);

    ctx->gate->elsewhere = (rc == NGX_HTTP_TOO_MANY_REQUESTS
                            || rc == NGX_HTTP_FORBIDDEN);

    return rc;
}


static void
ngx_comet_gate_accept(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_judge_t  *judge;

    judge = ctx->gate->judge;

    ctx->edits = judge->edits;
    ctx->nedits = judge->nedits;
    ctx->usage_added = judge->usage_added;
    ctx->input = ngx_comet_measure_tokens(&judge->measure);
    ctx->hides = ngx_comet_estimate_hides(judge);
    ctx->stream = ngx_comet_judge_true(judge, NGX_COMET_PARAM_STREAM);
}


/* while the body is gone through for a target, there is a judge */

ngx_int_t
ngx_comet_route_next(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_turn_pt handler)
{
    ngx_int_t  rc;

    if (ctx->routed == NULL) {
        return NGX_DECLINED;
    }

    for ( ;; ) {

        if (ctx->gate->judge == NULL) {

            ngx_comet_admit_release(r, ctx);

            if (!ngx_comet_route_then(ctx->routed)) {
                ngx_comet_turn_end(&ctx->gate->turn);
                return NGX_DECLINED;
            }

            if (ngx_comet_gate_begin(r, ctx) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        rc = ngx_comet_gate_scan_again(r, ctx);

        if (rc == NGX_AGAIN) {
            rc = ngx_comet_turn(r, &ctx->gate->turn, handler);
            return rc == NGX_OK ? NGX_AGAIN : rc;
        }

        if (rc == NGX_OK) {
            rc = ngx_comet_gate_next(r, ctx);
        }

        ngx_comet_gate_end(ctx);

        if (rc != NGX_DECLINED) {
            ngx_comet_turn_end(&ctx->gate->turn);
            return rc;
        }
    }
}


/* what is known of the call changes only if it is let in */

static ngx_int_t
ngx_comet_gate_next(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t                  rc;
    const char                *code;
    ngx_comet_verdict_e        verdict;
    ngx_comet_refusal_t       *refusal;
    ngx_comet_usage_result_t   reserved;

    if (ngx_comet_judge_finish(ctx->gate->judge) != 0) {
        return NGX_ERROR;
    }

    if (ctx->gate->judge->verdict == NGX_COMET_REFUSED) {
        return NGX_DECLINED;
    }

    verdict = ctx->verdict;
    code = ctx->error_code;
    refusal = ctx->refusal;
    reserved = ctx->reserved;

    ctx->refusal = NULL;
    ngx_comet_admit_forget(ctx);

    rc = ngx_comet_gate_admit(r, ctx);

    if (rc == NGX_OK) {
        ngx_comet_gate_forget(ctx);
        ngx_comet_gate_remember(r, ctx);
        ngx_comet_gate_accept(r, ctx);
        return NGX_OK;
    }

    ngx_comet_admit_forget(ctx);

    ctx->verdict = verdict;
    ctx->error_code = code;
    ctx->refusal = refusal;
    ctx->reserved = reserved;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_comet_gate_refuse(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t           rc;
    ngx_comet_error_t   error;
    ngx_comet_judge_t  *judge;

    judge = ctx->gate->judge;
    judge->verdict = NGX_COMET_REFUSED;

    ngx_comet_gate_remember(r, ctx);

    error = ngx_comet_error_of_status(judge->status);
    error.code = judge->code;
    error.param = judge->param[0] ? judge->param : NULL;

    rc = ngx_comet_refuse(r, error, "%s.", judge->message);

    if (!ctx->judged) {

        /* for an error_page, which takes the context away */

        r->keepalive = 0;
        r->lingering_close = 1;
        r->read_event_handler = ngx_http_block_reading;
    }

    return rc;
}


static void
ngx_comet_gate_keep(ngx_http_request_t *r, ngx_str_t *to, const char *text)
{
    ngx_str_t  value;

    value.data = (u_char *) text;
    value.len = ngx_strlen(text);

    to->data = ngx_pstrdup(r->pool, &value);
    to->len = to->data ? value.len : 0;
}


/* for variables and headers; the judge does not last */

static void
ngx_comet_gate_remember(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_judge_t  *judge;

    judge = ctx->gate->judge;
    ctx->verdict = judge->verdict;

    if (judge->provider) {
        ctx->provider = judge->provider->name;
        ngx_comet_gate_keep(r, &ctx->model, judge->model);
    }

    if (ctx->routed) {
        ctx->target = ctx->routed->trying;
        ctx->route_model = ctx->target->model;
        ctx->keys = ctx->target->keys;
    }

    if (judge->violations && judge->verdict != NGX_COMET_PASS) {
        ctx->error_code = judge->code;
        ngx_comet_gate_keep(r, &ctx->error_param, judge->param);
    }

    if (judge->repairs[0]) {
        ngx_comet_gate_keep(r, &ctx->repairs, judge->repairs);
        ctx->nrepairs = judge->nrepairs;
    }
}
