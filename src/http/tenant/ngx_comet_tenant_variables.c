#include "ngx_comet_tenant_variables.h"
#include "ngx_comet_admit.h"
#include "ngx_comet_meter.h"
#include "ngx_comet_tenant.h"
#include "ngx_comet_variables.h"


static ngx_int_t ngx_comet_tenant_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_limit_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_cost_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


enum {
    NGX_COMET_LIMIT_TEXT,
    NGX_COMET_LIMIT_LEFT,
    NGX_COMET_LIMIT_RESET,
    NGX_COMET_LIMIT_STATUS
};

#define NGX_COMET_LIMIT_LEN  64

#define ngx_comet_tenants(name, handler, what)                                \
    { ngx_string(name), NULL, handler, what, NGX_HTTP_VAR_NOCACHEABLE, 0 }


static ngx_http_variable_t  ngx_comet_tenant_variables[] = {
    ngx_comet_tenants("comet_tenant", ngx_comet_tenant_variable, 0),
    ngx_comet_tenants("comet_limit", ngx_comet_limit_variable,
                      NGX_COMET_LIMIT_TEXT),
    ngx_comet_tenants("comet_limit_remaining", ngx_comet_limit_variable,
                      NGX_COMET_LIMIT_LEFT),
    ngx_comet_tenants("comet_limit_reset", ngx_comet_limit_variable,
                      NGX_COMET_LIMIT_RESET),
    ngx_comet_tenants("comet_limit_status", ngx_comet_limit_variable,
                      NGX_COMET_LIMIT_STATUS),
    ngx_comet_tenants("comet_cost", ngx_comet_cost_variable, 0),

      ngx_http_null_variable
};


ngx_comet_part_t  ngx_comet_tenant_variables_part = {
    .variables = ngx_comet_tenant_variables
};


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
    uint64_t                reset;
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
                           ngx_comet_kinds[quota->conf->limit.kind].name,
                           &quota->conf->text);
        break;

    case NGX_COMET_LIMIT_LEFT:
        last = p + ngx_comet_amount((char *) p, NGX_COMET_LIMIT_LEN,
                                    ngx_comet_kinds[quota->conf->limit.kind]
                                        .unit,
                                    quota->left);
        break;

    default:
        reset = ngx_comet_admit_reset(quota);
        last = ngx_sprintf(p, "%uL.%03uL", reset / 1000, reset % 1000);
    }

    return ngx_comet_variable_set(v, p, last - p);
}


static ngx_int_t
ngx_comet_cost_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char                    *p;
    ngx_str_t                 *model;
    ngx_comet_ctx_t           *ctx;
    const ngx_comet_price_t   *price;
    ngx_comet_usage_result_t   res;

    ctx = ngx_comet_kept_ctx(r);
    price = NULL;

    if (ctx) {
        model = ngx_comet_model_sent(ctx);
        price = ngx_comet_price_of(
                    ngx_http_get_module_main_conf(r, ngx_comet_module),
                    (char *) model->data, model->len);
    }

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
                                NGX_COMET_UNIT_MONEY,
                                ngx_comet_cost(price, &res)));
}
