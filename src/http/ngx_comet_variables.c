#include "ngx_comet_variables.h"


static ngx_int_t ngx_comet_string_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_text_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_endpoint_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_comet_verdict_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


#define ngx_comet_variable(name, handler, field)                              \
    { ngx_string(name), NULL, handler, offsetof(ngx_comet_ctx_t, field),      \
      NGX_HTTP_VAR_NOCACHEABLE, 0 }


static ngx_http_variable_t  ngx_comet_variables[] = {
    ngx_comet_variable("comet_model", ngx_comet_string_variable, model),
    ngx_comet_variable("comet_route_model", ngx_comet_string_variable,
                       route_model),
    ngx_comet_variable("comet_provider", ngx_comet_text_variable, provider),
    ngx_comet_variable("comet_endpoint", ngx_comet_endpoint_variable,
                       endpoint),
    ngx_comet_variable("comet_verdict", ngx_comet_verdict_variable, verdict),
    ngx_comet_variable("comet_error_code", ngx_comet_text_variable,
                       error_code),
    ngx_comet_variable("comet_error_param", ngx_comet_string_variable,
                       error_param),
    ngx_comet_variable("comet_repairs", ngx_comet_string_variable, repairs),

      ngx_http_null_variable
};


ngx_comet_part_t  ngx_comet_variables_part = {
    .variables = ngx_comet_variables
};


static const char *const  ngx_comet_verdicts[] = {
    [NGX_COMET_PASS] = "pass",
    [NGX_COMET_REPAIRED] = "repaired",
    [NGX_COMET_OBSERVED] = "observed",
    [NGX_COMET_REFUSED] = "refused",
};


const char *
ngx_comet_verdict_name(ngx_comet_verdict_e verdict)
{
    return ngx_comet_verdicts[verdict];
}


ngx_int_t
ngx_comet_variables_add(ngx_conf_t *cf, ngx_http_variable_t *v)
{
    ngx_http_variable_t  *var;

    for ( /* void */ ; v && v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


ngx_int_t
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


ngx_int_t
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
