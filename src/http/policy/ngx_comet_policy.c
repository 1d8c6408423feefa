#include "ngx_comet_policy.h"
#include "ngx_comet_name.h"
#include "ngx_comet_params.h"
#include "ngx_comet_patterns.h"
#include "ngx_comet_provider.h"

#include <cjson/cJSON.h>


#define NGX_COMET_RESERVE_OUTPUT  4096


static ngx_int_t ngx_comet_policy_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_policy_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static const ngx_comet_provider_t *ngx_comet_policy_provider(void *data,
    const char *model, size_t len);
static int ngx_comet_policy_admit(void *data, const char *model, size_t len);
static void *ngx_comet_policy_alloc(void *data, size_t size);
static const char *ngx_comet_policy_json(ngx_http_request_t *r,
    ngx_str_t *text);


static ngx_conf_enum_t  ngx_comet_modes[] = {
    { ngx_string("reject"), NGX_COMET_REJECT },
    { ngx_string("repair"), NGX_COMET_REPAIR },
    { ngx_string("observe"), NGX_COMET_OBSERVE },
    { ngx_null_string, 0 }
};


ngx_comet_setter_t  ngx_comet_takes_mode = {
    ngx_conf_set_enum_slot, NGX_COMET_TAKES_WORD, ngx_comet_modes, 0
};


ngx_comet_part_t  ngx_comet_policy_part = {
    .create_loc_conf = ngx_comet_policy_create,
    .merge_loc_conf = ngx_comet_policy_merge
};


static ngx_int_t
ngx_comet_policy_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    lcf->policy = ngx_pcalloc(cf->pool, sizeof(ngx_comet_policy_conf_t));
    if (lcf->policy == NULL) {
        return NGX_ERROR;
    }

    ngx_comet_policy_init(lcf->policy);

    return NGX_OK;
}


void
ngx_comet_policy_init(ngx_comet_policy_conf_t *policy)
{
    ngx_uint_t  i;

    policy->keys = NULL;

    policy->mode = NGX_CONF_UNSET_UINT;
    policy->params = NGX_CONF_UNSET_PTR;
    policy->models = NGX_CONF_UNSET_PTR;
    policy->deny = NGX_CONF_UNSET_PTR;
    policy->routes = NGX_CONF_UNSET_PTR;
    policy->cap = NGX_CONF_UNSET_UINT;
    policy->cap_default = NGX_CONF_UNSET;
    policy->reserve = NGX_CONF_UNSET_UINT;
    policy->dry_run = NGX_CONF_UNSET;
    policy->demands = NULL;
    policy->retries = NGX_CONF_UNSET_PTR;
    policy->tell_attempts = NGX_CONF_UNSET;
    policy->deadline = NGX_CONF_UNSET_MSEC;

    for (i = 0; i < NGX_COMET_LIMIT_KINDS; i++) {
        policy->limits[i] = NGX_CONF_UNSET_PTR;
    }
}


static void
ngx_comet_policy_inherit(ngx_comet_policy_conf_t *conf,
    ngx_comet_policy_conf_t *prev)
{
    ngx_uint_t  i;

    if (conf->keys == NULL) {
        conf->keys = prev->keys;
    }

    ngx_conf_merge_uint_value(conf->mode, prev->mode, NGX_COMET_REJECT);
    ngx_conf_merge_ptr_value(conf->params, prev->params, NULL);
    ngx_conf_merge_ptr_value(conf->models, prev->models, NULL);
    ngx_conf_merge_ptr_value(conf->deny, prev->deny, NULL);
    ngx_conf_merge_ptr_value(conf->routes, prev->routes, NULL);
    ngx_conf_merge_value(conf->cap_default, prev->cap_default, 0);
    ngx_conf_merge_uint_value(conf->cap, prev->cap, 0);
    ngx_conf_merge_uint_value(conf->reserve, prev->reserve,
                              NGX_COMET_RESERVE_OUTPUT);
    ngx_conf_merge_value(conf->dry_run, prev->dry_run, 0);
    ngx_conf_merge_ptr_value(conf->retries, prev->retries,
                             &ngx_comet_retries_default);
    ngx_conf_merge_value(conf->tell_attempts, prev->tell_attempts, 0);
    ngx_conf_merge_msec_value(conf->deadline, prev->deadline, 0);

    for (i = 0; i < NGX_COMET_LIMIT_KINDS; i++) {
        ngx_conf_merge_ptr_value(conf->limits[i], prev->limits[i], NULL);
    }
}


static ngx_int_t
ngx_comet_policy_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_comet_policy_inherit(conf->policy, prev->policy);

    return NGX_OK;
}


/* what a tenant says itself, and for the rest what its location says */

void
ngx_comet_policy_choose(ngx_comet_policy_conf_t *conf,
    ngx_comet_policy_conf_t *tenant, ngx_comet_policy_conf_t *location)
{
    *conf = *tenant;
    ngx_comet_policy_inherit(conf, location);
}


ngx_int_t
ngx_comet_policy_of(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_policy_t *policy)
{
    ngx_str_t                 value;
    ngx_uint_t                i, n;
    ngx_comet_rule_t         *rules;
    ngx_comet_param_t        *params;
    ngx_comet_policy_conf_t  *conf;

    conf = ctx->policy;

    policy->mode = conf->mode;
    policy->cap = conf->cap;
    policy->cap_default = conf->cap_default;
    policy->models = (conf->models || conf->deny);
    policy->named = policy->models;
    policy->provider = ngx_comet_policy_provider;
    policy->admit = ngx_comet_policy_admit;
    policy->alloc = ngx_comet_policy_alloc;
    policy->data = r;

    if (conf->params == NULL) {
        return NGX_OK;
    }

    n = conf->params->nelts;
    params = conf->params->elts;

    rules = ngx_pcalloc(r->pool, (n + 1) * sizeof(ngx_comet_rule_t));
    if (rules == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        rules[i] = params[i].rule;

        if (params[i].value == NULL) {
            continue;
        }

        if (ngx_http_complex_value(r, params[i].value, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        rules[i].set = ngx_comet_policy_json(r, &value);
        if (rules[i].set == NULL) {
            return NGX_ERROR;
        }
    }

    policy->rules = rules;

    return NGX_OK;
}


static const char *
ngx_comet_policy_json(ngx_http_request_t *r, ngx_str_t *text)
{
    char       *json, *copy;
    cJSON      *string;
    u_char     *zero;
    ngx_str_t   printed;

    zero = ngx_pnalloc(r->pool, text->len + 1);
    if (zero == NULL) {
        return NULL;
    }

    ngx_cpystrn(zero, text->data, text->len + 1);
    ngx_comet_text_clean((char *) zero);

    string = cJSON_CreateString((char *) zero);
    json = cJSON_PrintUnformatted(string);
    cJSON_Delete(string);

    if (json == NULL) {
        return NULL;
    }

    printed.data = (u_char *) json;
    printed.len = ngx_strlen(json) + 1;

    copy = (char *) ngx_pstrdup(r->pool, &printed);
    free(json);

    return copy;
}


static const ngx_comet_provider_t *
ngx_comet_policy_provider(void *data, const char *model, size_t len)
{
    return ngx_comet_provider_find(data, model, len);
}


static int
ngx_comet_policy_admit(void *data, const char *model, size_t len)
{
    ngx_http_request_t *r = data;

    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    return (int) ngx_comet_policy_admits(ctx->policy, model, len);
}


static void *
ngx_comet_policy_alloc(void *data, size_t size)
{
    ngx_http_request_t *r = data;

    return ngx_palloc(r->pool, size);
}


/* the first pattern that does not say no: 1, or -1 if it cannot tell */

static int
ngx_comet_policy_listed(ngx_array_t *list, const char *model, size_t len)
{
    int                   rc;
    ngx_uint_t            i;
    ngx_comet_pattern_t  *pattern;

    pattern = list->elts;

    for (i = 0; i < list->nelts; i++) {
        rc = ngx_comet_pattern_match(&pattern[i], model, len);

        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


ngx_uint_t
ngx_comet_policy_admits(ngx_comet_policy_conf_t *policy, const char *model,
    size_t len)
{
    if (!ngx_comet_name_usable(model, len)
        || (policy->deny
            && ngx_comet_policy_listed(policy->deny, model, len) != 0))
    {
        return 0;
    }

    return policy->models == NULL
           || ngx_comet_policy_listed(policy->models, model, len) == 1;
}


/* comet_models and comet_deny_models */

char *
ngx_comet_models(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    return ngx_comet_patterns(cf, (ngx_array_t **) (p + cmd->offset),
                              cmd->offset == offsetof(ngx_comet_policy_conf_t,
                                                      deny));
}


char *
ngx_comet_param(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_policy_conf_t *policy = conf;

    return ngx_comet_rule(cf, &policy->params);
}


char *
ngx_comet_max_output_tokens(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_policy_conf_t *policy = conf;

    uint64_t    n;
    ngx_str_t  *value;

    if (policy->cap != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_comet_tokens_parse((char *) value[1].data, &n) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number \"%V\" in "
                           "\"comet_max_output_tokens\": write a number of "
                           "tokens above 0, as in 4096 or 8k", &value[1]);
        return NGX_CONF_ERROR;
    }

    policy->cap = (ngx_uint_t) n;
    policy->cap_default = 0;

    if (cf->args->nelts == 3) {

        if (ngx_strcmp(value[2].data, "default") != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid word \"%V\" in "
                               "\"comet_max_output_tokens\": only "
                               "\"default\" may follow the number",
                               &value[2]);
            return NGX_CONF_ERROR;
        }

        policy->cap_default = 1;
    }

    return NGX_CONF_OK;
}


char *
ngx_comet_reserve_output(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_policy_conf_t *policy = conf;

    uint64_t    n;
    ngx_str_t  *value;

    if (policy->reserve != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    n = 0;
    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "0") != 0
        && ngx_comet_tokens_parse((char *) value[1].data, &n) != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number \"%V\" in "
                           "\"comet_reserve_output\": write a number of "
                           "tokens, as in 4096 or 8k", &value[1]);
        return NGX_CONF_ERROR;
    }

    policy->reserve = (ngx_uint_t) n;

    return NGX_CONF_OK;
}
