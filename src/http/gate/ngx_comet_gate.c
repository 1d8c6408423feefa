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
#include "ngx_comet_meter.h"
#include "ngx_comet_policy.h"
#include "ngx_comet_refuse.h"


static ngx_int_t ngx_comet_gate_init(ngx_conf_t *cf);
static ngx_int_t ngx_comet_gate_handler(ngx_http_request_t *r);
static ngx_int_t ngx_comet_gate_policy(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_gate_check(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_uint_t ngx_comet_gate_type(ngx_str_t *type);
static ngx_int_t ngx_comet_gate_media(ngx_http_request_t *r);
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

    return ngx_comet_gate_media(r);
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

    policy->usage = (lcf->meter->usage && r == r->main);

    return NGX_OK;
}


/* white space stands around a semicolon and nowhere else */

static u_char *
ngx_comet_gate_skip(u_char *p, u_char *last)
{
    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    return p;
}


/* application/json, in UTF-8: an API may believe another charset */

static ngx_uint_t
ngx_comet_gate_type(ngx_str_t *type)
{
    u_char      *p, *last;
    ngx_str_t   *charset;

    static ngx_str_t  json = ngx_string("application/json");
    static ngx_str_t  charsets[] = {
        ngx_string("charset=utf-8"),
        ngx_string("charset=\"utf-8\""),
        ngx_null_string
    };

    /* as nearly all send it */

    if (type->len == json.len
        && ngx_memcmp(type->data, json.data, json.len) == 0)
    {
        return 1;
    }

    if (type->len < json.len
        || ngx_strncasecmp(type->data, json.data, json.len) != 0)
    {
        return 0;
    }

    last = type->data + type->len;
    p = ngx_comet_gate_skip(type->data + json.len, last);

    if (p == last) {
        return 1;
    }

    if (*p != ';') {
        return 0;
    }

    p = ngx_comet_gate_skip(p + 1, last);

    if (p == last) {
        return 1;
    }

    for (charset = charsets; charset->len; charset++) {

        if ((size_t) (last - p) >= charset->len
            && ngx_strncasecmp(p, charset->data, charset->len) == 0)
        {
            return ngx_comet_gate_skip(p + charset->len, last) == last;
        }
    }

    return 0;
}


/* the gate and the API must read the same text */

static ngx_int_t
ngx_comet_gate_media(ngx_http_request_t *r)
{
    ngx_uint_t        i, types, encoded;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    types = 0;
    encoded = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == sizeof("content-type") - 1
                && ngx_strncmp(h[i].lowcase_key, "content-type", 12) == 0)
            {
                types++;
            }

            if (h[i].key.len == sizeof("content-encoding") - 1
                && ngx_strncmp(h[i].lowcase_key, "content-encoding", 16) == 0
                && ngx_strcasecmp(h[i].value.data, (u_char *) "identity") != 0)
            {
                encoded = 1;
            }
        }
    }

    if (types == 1 && !encoded && r->headers_in.content_type
        && ngx_comet_gate_type(&r->headers_in.content_type->value))
    {
        return NGX_OK;
    }

    return ngx_comet_refuse(r,
                            ngx_comet_error_of_status(
                                            NGX_HTTP_UNSUPPORTED_MEDIA_TYPE),
                            encoded
                            ? "The request body must not be compressed: send "
                              "it without Content-Encoding."
                            : "The request body must be JSON: send it with "
                              "one Content-Type, application/json.");
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
    ctx->reading = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_gate_read(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (ngx_comet_gate_take(r, ctx) != NGX_OK) {
        ngx_comet_count_pause(ctx);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_comet_judge_init(ctx->gate->judge, ctx->endpoint,
                         &ctx->gate->policy);
    ctx->gate->judge->measure.seed = (uint32_t) ngx_random();

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


static ngx_int_t
ngx_comet_gate_work(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (!ctx->gate->scanned && r->request_body && r->request_body->bufs) {

        rc = ngx_comet_gate_scan_again(r, ctx);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_comet_gate_decide(r, ctx);
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

    if (ngx_comet_judge_finish(judge) != 0) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (judge->verdict == NGX_COMET_REFUSED) {
        return ngx_comet_gate_refuse(r, ctx);
    }

    ngx_comet_gate_remember(r, ctx);

    rc = ngx_comet_admit_call(r, ctx, judge);

    if (rc != NGX_OK) {
        ctx->repairs.len = 0;
        ctx->nrepairs = 0;
        return rc;
    }

    ctx->edits = judge->edits;
    ctx->nedits = judge->nedits;
    ctx->usage_added = judge->usage_added;
    ctx->input = ngx_comet_measure_tokens(&judge->measure);
    ctx->hides = ngx_comet_estimate_hides(judge);
    ctx->stream = ngx_comet_judge_true(judge, NGX_COMET_PARAM_STREAM);

    ngx_comet_gate_give_back(judge);
    ctx->gate->cleanup->handler = NULL;
    ctx->gate->judge = NULL;
    ctx->reading = 0;

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

    if (judge->violations && judge->verdict != NGX_COMET_PASS) {
        ctx->error_code = judge->code;
        ngx_comet_gate_keep(r, &ctx->error_param, judge->param);
    }

    if (judge->repairs[0]) {
        ngx_comet_gate_keep(r, &ctx->repairs, judge->repairs);
        ctx->nrepairs = judge->nrepairs;
    }
}
