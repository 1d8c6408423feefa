#include "ngx_comet_http.h"


static ngx_int_t ngx_comet_string_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_text_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_endpoint_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_verdict_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_tenant_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_limit_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

static ngx_int_t ngx_comet_tokens_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_cost_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_metered_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_answer_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_first_token_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static const char *const  ngx_comet_metered[] = {
    [NGX_COMET_METERED_NOT] = "",
    [NGX_COMET_METERED_EXACT] = "yes",
    [NGX_COMET_METERED_ESTIMATE] = "estimate",
    [NGX_COMET_METERED_UNKNOWN] = "no",
};


static const char *const  ngx_comet_verdicts[] = {
    [NGX_COMET_PASS] = "pass",
    [NGX_COMET_REPAIRED] = "repaired",
    [NGX_COMET_OBSERVED] = "observed",
    [NGX_COMET_REFUSED] = "refused",
};


#define ngx_comet_variable(name, handler, field)                              \
    { ngx_string(name), NULL, handler, offsetof(ngx_comet_ctx_t, field),      \
      NGX_HTTP_VAR_NOCACHEABLE, 0 }


enum {
    NGX_COMET_LIMIT_TEXT,
    NGX_COMET_LIMIT_LEFT,
    NGX_COMET_LIMIT_RESET,
    NGX_COMET_LIMIT_STATUS
};

#define NGX_COMET_LIMIT_LEN  64

#define ngx_comet_limit_named(name, what)                                     \
    { ngx_string(name), NULL, ngx_comet_limit_variable, what,                 \
      NGX_HTTP_VAR_NOCACHEABLE, 0 }

#define ngx_comet_tokens(name, field)                                         \
    { ngx_string(name), NULL, ngx_comet_tokens_variable,                      \
      offsetof(ngx_comet_usage_result_t, field), NGX_HTTP_VAR_NOCACHEABLE, 0 }

#define ngx_comet_of_answer(name, handler, field)                             \
    { ngx_string(name), NULL, handler, offsetof(ngx_comet_usage_t, field),    \
      NGX_HTTP_VAR_NOCACHEABLE, 0 }


static ngx_http_variable_t  ngx_comet_variables[] = {
    ngx_comet_variable("comet_model", ngx_comet_string_variable, model),
    ngx_comet_variable("comet_provider", ngx_comet_text_variable, provider),
    ngx_comet_variable("comet_endpoint", ngx_comet_endpoint_variable,
                       endpoint),
    ngx_comet_variable("comet_verdict", ngx_comet_verdict_variable, verdict),
    ngx_comet_variable("comet_error_code", ngx_comet_text_variable,
                       error_code),
    ngx_comet_variable("comet_error_param", ngx_comet_string_variable,
                       error_param),
    ngx_comet_variable("comet_repairs", ngx_comet_string_variable, repairs),
    ngx_comet_variable("comet_tenant", ngx_comet_tenant_variable, tenant),

    ngx_comet_limit_named("comet_limit", NGX_COMET_LIMIT_TEXT),
    ngx_comet_limit_named("comet_limit_remaining", NGX_COMET_LIMIT_LEFT),
    ngx_comet_limit_named("comet_limit_reset", NGX_COMET_LIMIT_RESET),
    ngx_comet_limit_named("comet_limit_status", NGX_COMET_LIMIT_STATUS),

    ngx_comet_tokens("comet_input_tokens", input),
    ngx_comet_tokens("comet_output_tokens", output),
    ngx_comet_tokens("comet_cached_tokens", cached),
    ngx_comet_tokens("comet_reasoning_tokens", reasoning),
    ngx_comet_variable("comet_cost", ngx_comet_cost_variable, model),
    ngx_comet_variable("comet_metered", ngx_comet_metered_variable, meter),
    ngx_comet_of_answer("comet_finish_reason", ngx_comet_answer_variable,
                        finish),
    ngx_comet_of_answer("comet_upstream_model", ngx_comet_answer_variable,
                        model),
    ngx_comet_variable("comet_first_token_time",
                       ngx_comet_first_token_variable, meter),

      ngx_http_null_variable
};


const char *
ngx_comet_verdict_name(ngx_comet_verdict_e verdict)
{
    return ngx_comet_verdicts[verdict];
}


ngx_int_t
ngx_comet_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_comet_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_comet_variable_set(ngx_http_variable_value_t *v, const void *data,
    size_t len)
{
    if (len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = (u_char *) data;
    v->len = len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_variable_text(ngx_http_variable_value_t *v, const char *text)
{
    return ngx_comet_variable_set(v, text, text ? ngx_strlen(text) : 0);
}


static ngx_int_t
ngx_comet_string_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t        *value;
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_comet_kept_ctx(r);

    if (ctx == NULL) {
        return ngx_comet_variable_text(v, NULL);
    }

    value = (ngx_str_t *) ((char *) ctx + data);

    return ngx_comet_variable_set(v, value->data, value->len);
}


static ngx_int_t
ngx_comet_text_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_comet_kept_ctx(r);

    return ngx_comet_variable_text(v, ctx ? *(char **) ((char *) ctx + data)
                                          : NULL);
}


static ngx_int_t
ngx_comet_endpoint_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_comet_kept_ctx(r);

    return ngx_comet_variable_text(v, ctx && ctx->endpoint
                                      ? ctx->endpoint->name : NULL);
}


static ngx_int_t
ngx_comet_verdict_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_comet_kept_ctx(r);

    return ngx_comet_variable_text(v, ctx && ctx->gated
                                      ? ngx_comet_verdicts[ctx->verdict]
                                      : NULL);
}


static ngx_int_t
ngx_comet_tenant_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_comet_kept_ctx(r);

    if (ctx == NULL || ctx->tenant == NULL) {
        return ngx_comet_variable_text(v, NULL);
    }

    return ngx_comet_variable_set(v, ctx->tenant->name.data,
                                  ctx->tenant->name.len);
}


/* of the limit that was closest to refusing */

static ngx_int_t
ngx_comet_limit_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char                 *p, *last;
    ngx_comet_ctx_t        *ctx;
    ngx_comet_quota_t      *quota;
    ngx_comet_admission_t  *admission;

    ctx = ngx_comet_kept_ctx(r);
    admission = ctx ? ctx->admission : NULL;

    quota = admission ? ngx_comet_admit_closest(admission) : NULL;

    if (quota == NULL) {
        return ngx_comet_variable_text(v, NULL);
    }

    if (data == NGX_COMET_LIMIT_STATUS) {
        return ngx_comet_variable_text(v, !admission->refused ? "passed"
                                          : admission->dry_run
                                          ? "refused_dry_run" : "refused");
    }

    p = ngx_pnalloc(r->pool, NGX_COMET_LIMIT_LEN + quota->conf->text.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    switch (data) {

    case NGX_COMET_LIMIT_TEXT:
        last = ngx_sprintf(p, "%s %V",
                           ngx_comet_limit_name(quota->conf->limit.kind),
                           &quota->conf->text);
        break;

    case NGX_COMET_LIMIT_LEFT:
        last = p + ngx_comet_amount((char *) p, NGX_COMET_LIMIT_LEN,
                                    quota->conf->limit.kind, quota->left);
        break;

    default:
        last = ngx_sprintf(p, "%uL.%03uL", quota->reset / 1000,
                           quota->reset % 1000);
    }

    return ngx_comet_variable_set(v, p, last - p);
}


static ngx_int_t
ngx_comet_tokens_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char                    *p;
    ngx_comet_ctx_t           *ctx;
    ngx_comet_usage_result_t   res;

    ctx = ngx_comet_kept_ctx(r);

    if (ctx == NULL) {
        return ngx_comet_variable_text(v, NULL);
    }

    ngx_comet_meter_result(ctx, &res);

    if (res.metered == NGX_COMET_METERED_NOT) {
        return ngx_comet_variable_text(v, NULL);
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_comet_variable_set(v, p,
               ngx_sprintf(p, "%uL", *(uint64_t *) ((char *) &res + data))
               - p);
}


static ngx_int_t
ngx_comet_cost_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char                    *p;
    ngx_comet_ctx_t           *ctx;
    const ngx_comet_price_t   *price;
    ngx_comet_usage_result_t   res;

    ctx = ngx_comet_kept_ctx(r);

    price = ctx ? ngx_comet_price_of(
                      ngx_http_get_module_main_conf(r, ngx_comet_module),
                      (char *) ctx->model.data, ctx->model.len)
                : NULL;

    if (price == NULL) {
        return ngx_comet_variable_text(v, NULL);
    }

    ngx_comet_meter_result(ctx, &res);

    if (res.metered == NGX_COMET_METERED_NOT) {
        return ngx_comet_variable_text(v, NULL);
    }

    p = ngx_pnalloc(r->pool, NGX_COMET_AMOUNT_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    return ngx_comet_variable_set(v, p,
               ngx_comet_amount((char *) p, NGX_COMET_AMOUNT_LEN,
                                NGX_COMET_LIMIT_SPEND,
                                ngx_comet_cost(price, &res)));
}


static ngx_int_t
ngx_comet_metered_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_comet_ctx_t           *ctx;
    ngx_comet_usage_result_t   res;

    ctx = ngx_comet_kept_ctx(r);

    if (ctx == NULL) {
        return ngx_comet_variable_text(v, NULL);
    }

    ngx_comet_meter_result(ctx, &res);

    return ngx_comet_variable_text(v, ngx_comet_metered[res.metered]);
}


static ngx_int_t
ngx_comet_answer_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_comet_kept_ctx(r);

    return ngx_comet_variable_text(v, ctx && ctx->meter
                                      ? (char *) &ctx->meter->usage + data
                                      : NULL);
}


static ngx_int_t
ngx_comet_first_token_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char           *p;
    ngx_msec_int_t    ms;
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_comet_kept_ctx(r);

    if (ctx == NULL || ctx->meter == NULL || ctx->meter->first < 0) {
        return ngx_comet_variable_text(v, NULL);
    }

    p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN + sizeof(".000") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ms = ctx->meter->first;

    return ngx_comet_variable_set(v, p,
               ngx_sprintf(p, "%T.%03M", (time_t) ms / 1000, ms % 1000) - p);
}
