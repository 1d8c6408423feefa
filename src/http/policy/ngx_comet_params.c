#include "ngx_comet_params.h"
#include "ngx_comet_rule_check.h"

#include <math.h>


static char *ngx_comet_rule_set(ngx_conf_t *cf, ngx_array_t *params);
static char *ngx_comet_param_value(ngx_conf_t *cf, ngx_comet_param_t *param,
    ngx_str_t *value);
static char *ngx_comet_param_values(ngx_conf_t *cf, ngx_comet_param_t *param);
static ngx_int_t ngx_comet_param_range(ngx_comet_param_t *param,
    ngx_str_t *value);


/* NAME RULE, as the arguments of a directive */

char *
ngx_comet_rule(ngx_conf_t *cf, ngx_array_t **params)
{
    char               *rv, text[NGX_COMET_RULE_TEXT_LEN];
    int                 rc;
    ngx_str_t          *value;
    ngx_uint_t          i;
    ngx_comet_param_t  *param;

    if (*params == NGX_CONF_UNSET_PTR) {
        *params = ngx_array_create(cf->pool, 4, sizeof(ngx_comet_param_t));
        if (*params == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;
    param = (*params)->elts;

    for (i = 0; i < (*params)->nelts; i++) {
        if (ngx_strcmp(param[i].rule.param, value[1].data) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate rule for \"%V\": write one "
                               "\"%V\" for it", &value[1], &value[0]);
            return NGX_CONF_ERROR;
        }
    }

    for (i = 0; i < value[1].len; i++) {
        if (value[1].data[i] >= 'A' && value[1].data[i] <= 'Z') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the parameter \"%V\" must be written in "
                               "small letters", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    if (value[1].len == 0 || value[1].len > 60
        || ngx_strcmp(value[1].data, "model") == 0
        || ngx_strcmp(value[1].data, "messages") == 0
        || ngx_strcmp(value[1].data, "input") == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "there can be no rule for \"%V\"%s", &value[1],
                           value[1].data[0] == 'm' && value[1].len == 5
                           ? ": use \"comet_models\"" : "");
        return NGX_CONF_ERROR;
    }

    if ((*params)->nelts >= NGX_COMET_PARAM_MAX / 4) {
        return "is there too often; at most 16 rules are taken";
    }

    param = ngx_array_push(*params);
    if (param == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(param, sizeof(ngx_comet_param_t));
    param->rule.param = (char *) value[1].data;

    i = (*params)->nelts - 1;
    rv = ngx_comet_rule_set(cf, *params);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    param = (ngx_comet_param_t *) (*params)->elts + i;
    rc = ngx_comet_rule_check(&param->rule, text, sizeof(text));

    if (rc == 0) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(rc < 0 ? NGX_LOG_EMERG : NGX_LOG_WARN, cf, 0,
                       "%s \"%V\" in \"%V\": %s",
                       rc < 0 ? "invalid rule for" : "a rule for", &value[1],
                       &value[0], text);

    return rc < 0 ? NGX_CONF_ERROR : NGX_CONF_OK;
}


/* RULE into the last element */

static char *
ngx_comet_rule_set(ngx_conf_t *cf, ngx_array_t *params)
{
    ngx_str_t          *value;
    ngx_comet_param_t  *param, *count;

    value = cf->args->elts;
    param = (ngx_comet_param_t *) params->elts + params->nelts - 1;

    if (value[2].len && value[2].data[0] == '=' && cf->args->nelts == 3) {
        return ngx_comet_param_value(cf, param, &value[2]);
    }

    if (cf->args->nelts == 3 && ngx_strcmp(value[2].data, "off") == 0) {
        param->rule.kind = NGX_COMET_RULE_OFF;
        return NGX_CONF_OK;
    }

    if (cf->args->nelts == 3 && ngx_strstr(value[2].data, "..")) {

        if (ngx_comet_param_range(param, &value[2]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid range \"%V\" in \"%V\": "
                               "write it as in 0..1.5",
                               &value[2], &value[0]);
            return NGX_CONF_ERROR;
        }

        /* of a list, the range is that of its length */

        count = ngx_array_push(params);
        if (count == NULL) {
            return NGX_CONF_ERROR;
        }

        *count = *((ngx_comet_param_t *) params->elts + params->nelts - 2);
        count->rule.kind = NGX_COMET_RULE_COUNT;

        return NGX_CONF_OK;
    }

    return ngx_comet_param_values(cf, param);
}


static ngx_int_t
ngx_comet_param_range(ngx_comet_param_t *param, ngx_str_t *value)
{
    char  *p, *end;

    /* values of directives end with a zero */

    p = (char *) value->data;

    param->rule.kind = NGX_COMET_RULE_RANGE;
    param->rule.low = strtod(p, &end);

    /* "0..1" may be read as "0." and ".1" */

    if (end > p && end[-1] == '.' && end[0] == '.') {
        end--;
    }

    if (end == p || end[0] != '.' || end[1] != '.') {
        return NGX_ERROR;
    }

    p = end + 2;
    param->rule.high = strtod(p, &end);

    if (end == p || *end != '\0' || !(param->rule.low <= param->rule.high)
        || !isfinite(param->rule.low) || !isfinite(param->rule.high))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static char *
ngx_comet_param_values(ngx_conf_t *cf, ngx_comet_param_t *param)
{
    ngx_str_t    *value;
    ngx_uint_t    i, n;
    const char  **values;

    n = cf->args->nelts - 2;
    value = cf->args->elts;

    values = ngx_pcalloc(cf->pool, (n + 1) * sizeof(char *));
    if (values == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < n; i++) {

        if (value[i + 2].len == 0
            || value[i + 2].len >= sizeof(((ngx_comet_slot_t *) 0)->text))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\" for \"%V\": a value has "
                               "1 to 63 characters",
                               &value[i + 2], &value[1]);
            return NGX_CONF_ERROR;
        }

        if (value[i + 2].data[0] == '=') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\" for \"%V\": a value to "
                               "send stands alone, in quotes if it has spaces",
                               &value[i + 2], &value[1]);
            return NGX_CONF_ERROR;
        }

        values[i] = (char *) value[i + 2].data;
    }

    param->rule.kind = NGX_COMET_RULE_VALUES;
    param->rule.values = values;

    return NGX_CONF_OK;
}


/* a word of JSON as it stands, anything else as a string */

static char *
ngx_comet_param_value(ngx_conf_t *cf, ngx_comet_param_t *param,
    ngx_str_t *value)
{
    ngx_str_t                          text;
    ngx_http_compile_complex_value_t   ccv;

    param->rule.kind = NGX_COMET_RULE_SET;

    text.data = value->data + 1;
    text.len = value->len - 1;

    if (text.len == 0) {
        return "has nothing after \"=\"";
    }

    if (ngx_comet_rule_is_word((char *) text.data, text.len)) {
        param->rule.set = (char *) text.data;
        return NGX_CONF_OK;
    }

    param->value = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (param->value == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &text;
    ccv.complex_value = param->value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}
