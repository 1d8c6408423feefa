#include "ngx_comet_breakers.h"
#include "ngx_comet_health.h"


typedef enum {
    NGX_COMET_BREAKER_NUMBER,
    NGX_COMET_BREAKER_PERCENT,
    NGX_COMET_BREAKER_TIME
} ngx_comet_breaker_form_e;


typedef struct {
    ngx_str_t                  name;       /* with the "=" */
    ngx_comet_breaker_form_e   form;
    const char                *remedy;
} ngx_comet_breaker_arg_t;


typedef enum {
    NGX_COMET_BREAKER_FAILURES,
    NGX_COMET_BREAKER_SHARE,
    NGX_COMET_BREAKER_MIN,
    NGX_COMET_BREAKER_WINDOW,
    NGX_COMET_BREAKER_REST,
    NGX_COMET_BREAKER_ARGS
} ngx_comet_breaker_arg_e;


#define NGX_COMET_BREAKER_NUMBER_MAX  1000000
#define NGX_COMET_BREAKER_TIME_MAX    86400000


static ngx_comet_breaker_arg_t  ngx_comet_breaker_args[] = {
    [NGX_COMET_BREAKER_FAILURES] = {
        ngx_string("failures="), NGX_COMET_BREAKER_NUMBER,
        "failures in a row, as in failures=5" },
    [NGX_COMET_BREAKER_SHARE] = {
        ngx_string("share="), NGX_COMET_BREAKER_PERCENT,
        "1% to 100%, as in share=50%" },
    [NGX_COMET_BREAKER_MIN] = {
        ngx_string("min="), NGX_COMET_BREAKER_NUMBER,
        "calls in the window, as in min=20" },
    [NGX_COMET_BREAKER_WINDOW] = {
        ngx_string("window="), NGX_COMET_BREAKER_TIME,
        "a time up to a day, as in window=30s" },
    [NGX_COMET_BREAKER_REST] = {
        ngx_string("rest="), NGX_COMET_BREAKER_TIME,
        "a time up to a day, as in rest=10s" },
};


static ngx_int_t
ngx_comet_breaker_value(ngx_comet_breaker_form_e form, ngx_str_t *text)
{
    ngx_int_t  n, max;

    max = NGX_COMET_BREAKER_NUMBER_MAX;

    switch (form) {

    case NGX_COMET_BREAKER_TIME:
        n = ngx_parse_time(text, 0);
        max = NGX_COMET_BREAKER_TIME_MAX;
        break;

    case NGX_COMET_BREAKER_PERCENT:

        if (text->len == 0 || text->data[text->len - 1] != '%') {
            return NGX_ERROR;
        }

        n = ngx_atoi(text->data, text->len - 1);
        max = 100;
        break;

    default:
        n = ngx_atoi(text->data, text->len);
    }

    return n < 1 || n > max ? NGX_ERROR : n;
}


static char *
ngx_comet_breaker_read(ngx_conf_t *cf, ngx_str_t *value, ngx_int_t *values)
{
    ngx_str_t                 text;
    ngx_uint_t                i;
    ngx_comet_breaker_arg_t  *arg;

    for (i = 0; i < NGX_COMET_BREAKER_ARGS; i++) {
        arg = &ngx_comet_breaker_args[i];

        if (ngx_strncmp(value->data, arg->name.data, arg->name.len) == 0) {
            break;
        }
    }

    if (i == NGX_COMET_BREAKER_ARGS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"comet_breaker\": "
                           "write failures=N, or share=P%% with window=T and "
                           "min=N, and rest=T; or \"off\"", value);
        return NGX_CONF_ERROR;
    }

    if (values[i]) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate parameter \"%V\" in \"comet_breaker\": "
                           "write it once", value);
        return NGX_CONF_ERROR;
    }

    text.data = value->data + arg->name.len;
    text.len = value->len - arg->name.len;

    values[i] = ngx_comet_breaker_value(arg->form, &text);

    if (values[i] == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"comet_breaker\": "
                           "write %s", value, arg->remedy);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_comet_breaker(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_health_conf_t *health = conf;

    ngx_int_t                  values[NGX_COMET_BREAKER_ARGS];
    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_comet_breaker_conf_t  *breaker;

    if (health->breaker != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        health->breaker = NULL;
        return NGX_CONF_OK;
    }

    ngx_memzero(values, sizeof(values));

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_comet_breaker_read(cf, &value[i], values) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (values[NGX_COMET_BREAKER_FAILURES] == 0
        && values[NGX_COMET_BREAKER_SHARE] == 0)
    {
        return "does not say when to open: add failures=N or share=P%";
    }

    if (values[NGX_COMET_BREAKER_SHARE] == 0
        && (values[NGX_COMET_BREAKER_MIN] || values[NGX_COMET_BREAKER_WINDOW]))
    {
        return "has \"min=\" or \"window=\" without a share: add share=P%";
    }

    breaker = ngx_pcalloc(cf->pool, sizeof(ngx_comet_breaker_conf_t));
    if (breaker == NULL) {
        return NGX_CONF_ERROR;
    }

#define ngx_comet_breaker_or(arg, otherwise)                                  \
    (values[NGX_COMET_BREAKER_##arg] ? values[NGX_COMET_BREAKER_##arg]        \
                                     : (otherwise))

    breaker->failures = ngx_comet_breaker_or(FAILURES, 0);
    breaker->share = ngx_comet_breaker_or(SHARE, 0);
    breaker->min = ngx_comet_breaker_or(MIN, 20);
    breaker->window = ngx_comet_breaker_or(WINDOW, 30000);
    breaker->rest = ngx_comet_breaker_or(REST, 10000);

    health->breaker = breaker;

    return NGX_CONF_OK;
}
