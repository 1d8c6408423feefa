#include "ngx_comet_meter_variables.h"
#include "ngx_comet_meter.h"
#include "ngx_comet_variables.h"


static ngx_int_t ngx_comet_tokens_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_metered_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_answer_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_first_token_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


#define ngx_comet_metered(name, handler, type, field)                         \
    { ngx_string(name), NULL, handler, offsetof(type, field),                 \
      NGX_HTTP_VAR_NOCACHEABLE, 0 }

#define ngx_comet_tokens(name, field)                                         \
    ngx_comet_metered(name, ngx_comet_tokens_variable,                        \
                      ngx_comet_usage_result_t, field)


static ngx_http_variable_t  ngx_comet_meter_variables[] = {
    ngx_comet_tokens("comet_input_tokens", input),
    ngx_comet_tokens("comet_output_tokens", output),
    ngx_comet_tokens("comet_cached_tokens", cached),
    ngx_comet_tokens("comet_reasoning_tokens", reasoning),
    ngx_comet_metered("comet_metered", ngx_comet_metered_variable,
                      ngx_comet_usage_result_t, metered),
    ngx_comet_metered("comet_finish_reason", ngx_comet_answer_variable,
                      ngx_comet_usage_t, finish),
    ngx_comet_metered("comet_upstream_model", ngx_comet_answer_variable,
                      ngx_comet_usage_t, model),
    ngx_comet_metered("comet_first_token_time",
                      ngx_comet_first_token_variable, ngx_comet_meter_t,
                      first),

      ngx_http_null_variable
};


ngx_comet_part_t  ngx_comet_meter_variables_part = {
    .variables = ngx_comet_meter_variables
};


static const char *const  ngx_comet_meter_words[] = {
    [NGX_COMET_METERED_NOT] = "",
    [NGX_COMET_METERED_EXACT] = "yes",
    [NGX_COMET_METERED_ESTIMATE] = "estimate",
    [NGX_COMET_METERED_UNKNOWN] = "no",
};


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

    return ngx_comet_variable_text(v, ngx_comet_meter_words[res.metered]);
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
