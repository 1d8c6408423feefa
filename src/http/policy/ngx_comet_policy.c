#include "ngx_comet_http.h"

#include "ngx_comet_name.h"

#include <math.h>

#include <cjson/cJSON.h>


#define NGX_COMET_RESERVE_OUTPUT  4096


static const ngx_comet_provider_t *ngx_comet_policy_provider(void *data,
    const char *model, size_t len);
static int ngx_comet_policy_admit(void *data, const char *model, size_t len);
static void *ngx_comet_policy_alloc(void *data, size_t size);
static const char *ngx_comet_policy_json(ngx_http_request_t *r,
    ngx_str_t *text);
static char *ngx_comet_rule_set(ngx_conf_t *cf, ngx_array_t *params);
static char *ngx_comet_param_value(ngx_conf_t *cf, ngx_comet_param_t *param,
    ngx_str_t *value);
static char *ngx_comet_param_values(ngx_conf_t *cf, ngx_comet_param_t *param);
static ngx_int_t ngx_comet_param_range(ngx_comet_param_t *param,
    ngx_str_t *value);


void
ngx_comet_policy_create(ngx_comet_policy_conf_t *policy)
{
    ngx_uint_t  i;

    ngx_str_null(&policy->bearer);

    policy->mode = NGX_CONF_UNSET_UINT;
    policy->params = NGX_CONF_UNSET_PTR;
    policy->models = NGX_CONF_UNSET_PTR;
    policy->deny = NGX_CONF_UNSET_PTR;
    policy->cap = NGX_CONF_UNSET_UINT;
    policy->cap_default = NGX_CONF_UNSET;
    policy->reserve = NGX_CONF_UNSET_UINT;
    policy->dry_run = NGX_CONF_UNSET;

    for (i = 0; i < NGX_COMET_LIMIT_KINDS; i++) {
        policy->limits[i] = NGX_CONF_UNSET_PTR;
    }
}


void
ngx_comet_policy_merge(ngx_comet_policy_conf_t *conf,
    ngx_comet_policy_conf_t *prev)
{
    ngx_uint_t  i;

    if (conf->bearer.data == NULL) {
        conf->bearer = prev->bearer;
    }

    ngx_conf_merge_uint_value(conf->mode, prev->mode, NGX_COMET_REJECT);
    ngx_conf_merge_ptr_value(conf->params, prev->params, NULL);
    ngx_conf_merge_ptr_value(conf->models, prev->models, NULL);
    ngx_conf_merge_ptr_value(conf->deny, prev->deny, NULL);
    ngx_conf_merge_value(conf->cap_default, prev->cap_default, 0);
    ngx_conf_merge_uint_value(conf->cap, prev->cap, 0);
    ngx_conf_merge_uint_value(conf->reserve, prev->reserve,
                              NGX_COMET_RESERVE_OUTPUT);
    ngx_conf_merge_value(conf->dry_run, prev->dry_run, 0);

    for (i = 0; i < NGX_COMET_LIMIT_KINDS; i++) {
        ngx_conf_merge_ptr_value(conf->limits[i], prev->limits[i], NULL);
    }
}


/* what a tenant says itself, and for the rest what its location says */

void
ngx_comet_policy_choose(ngx_comet_policy_conf_t *conf,
    ngx_comet_policy_conf_t *tenant, ngx_comet_policy_conf_t *location)
{
    *conf = *tenant;
    ngx_comet_policy_merge(conf, location);
}


/* the rules for this request, with the values of variables */

ngx_int_t
ngx_comet_policy_of(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_str_t                 value;
    ngx_uint_t                i, n;
    ngx_comet_rule_t         *rules;
    ngx_comet_param_t        *params;
    ngx_comet_loc_conf_t     *clcf;
    ngx_comet_main_conf_t    *cmcf;
    ngx_comet_policy_conf_t  *conf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);
    cmcf = ngx_http_get_module_main_conf(r, ngx_comet_module);
    conf = &ctx->conf;

    ctx->policy.mode = conf->mode;
    ctx->policy.cap = conf->cap;
    ctx->policy.cap_default = conf->cap_default;
    ctx->policy.models = (conf->models || conf->deny);
    ctx->policy.named = (ctx->policy.models || cmcf->prices.nelts);
    ctx->policy.usage = (clcf->meter.usage && r == r->main);
    ctx->policy.provider = ngx_comet_policy_provider;
    ctx->policy.admit = ngx_comet_policy_admit;
    ctx->policy.alloc = ngx_comet_policy_alloc;
    ctx->policy.data = r;

    ngx_comet_admit_relies(conf, &ctx->policy);

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

    ctx->policy.rules = rules;

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

    return (int) ngx_comet_policy_admits(&ctx->conf, model, len);
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


static void
ngx_comet_pattern_cleanup(void *data)
{
    ngx_comet_pattern_free(data);
}


/* comet_models and comet_deny_models */

char *
ngx_comet_models(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    return ngx_comet_patterns(cf, (ngx_array_t **) (p + cmd->offset),
                              cmd->offset == offsetof(ngx_comet_loc_conf_t,
                                                      policy.deny));
}


char *
ngx_comet_patterns(ngx_conf_t *cf, ngx_array_t **list, unsigned loose)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (*list == NGX_CONF_UNSET_PTR) {
        *list = ngx_array_create(cf->pool, 4, sizeof(ngx_comet_pattern_t));
        if (*list == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_comet_pattern_set(cf, ngx_array_push(*list), &value[i], loose)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


u_char *
ngx_comet_pattern_alien(ngx_str_t *text)
{
    u_char  *p, *last;

    last = text->data + text->len;

    for (p = text->data; p < last; p++) {
        if (*p <= ' ' || ngx_strchr("?[]{}()|^$\\,;!\"'", *p)) {
            return p;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_comet_pattern_check(ngx_conf_t *cf, ngx_str_t *text)
{
    u_char     *alien;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (text->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" has an empty pattern", &value[0]);
        return NGX_ERROR;
    }

    if (text->data[0] == '~') {

        if (text->len == 1 || text->data[1] == '*') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid regular expression \"%V\" in \"%V\": "
                               "write it as in ~^o[0-9], or in any case as in "
                               "~(?i)^o[0-9]", text, &value[0]);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    alien = ngx_comet_pattern_alien(text);

    if (alien == NULL) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid pattern \"%V\" in \"%V\": \"%c\" means "
                       "nothing in it, only \"*\" does; write patterns apart, "
                       "as in gpt-5* claude-*, or a regular expression, as in "
                       "~^(gpt-5|claude-)", text, &value[0], *alien);

    return NGX_ERROR;
}


ngx_int_t
ngx_comet_pattern_set(ngx_conf_t *cf, ngx_comet_pattern_t *pattern,
    ngx_str_t *text, unsigned loose)
{
    char                 error[128];
    ngx_str_t           *value;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_comet_pattern_t));

    if (pattern == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    value = cf->args->elts;

    if (ngx_comet_pattern_check(cf, text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_comet_pattern_compile(pattern, (char *) text->data, text->len,
                                  loose, error, sizeof(error))
        != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid regular expression \"%V\" in \"%V\": %s",
                           text, &value[0], error);
        return NGX_ERROR;
    }

    /* the pattern itself may move with its array */

    *(ngx_comet_pattern_t *) cln->data = *pattern;
    cln->handler = ngx_comet_pattern_cleanup;

    return NGX_OK;
}


ngx_uint_t
ngx_comet_pattern_covers(ngx_comet_pattern_t *pattern,
    ngx_comet_pattern_t *other)
{
    size_t  i;

    if (pattern->code) {
        return 0;
    }

    for (i = 0; i < pattern->len && pattern->text[i] == '*'; i++) {
        /* void */
    }

    /* an asterisk of the other can only be met by one of the pattern */

    return i == pattern->len
           || (other->code == NULL
               && ngx_comet_pattern_match(pattern, other->text, other->len)
                  == 1);
}


char *
ngx_comet_param(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *clcf = conf;

    return ngx_comet_rule(cf, &clcf->policy.params);
}


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


char *
ngx_comet_max_output_tokens(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *clcf = conf;

    uint64_t    n;
    ngx_str_t  *value;

    if (clcf->policy.cap != NGX_CONF_UNSET_UINT) {
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

    clcf->policy.cap = (ngx_uint_t) n;
    clcf->policy.cap_default = 0;

    if (cf->args->nelts == 3) {

        if (ngx_strcmp(value[2].data, "default") != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid word \"%V\" in "
                               "\"comet_max_output_tokens\": only "
                               "\"default\" may follow the number",
                               &value[2]);
            return NGX_CONF_ERROR;
        }

        clcf->policy.cap_default = 1;
    }

    return NGX_CONF_OK;
}


char *
ngx_comet_reserve_output(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *clcf = conf;

    uint64_t    n;
    ngx_str_t  *value;

    if (clcf->policy.reserve != NGX_CONF_UNSET_UINT) {
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

    clcf->policy.reserve = (ngx_uint_t) n;

    return NGX_CONF_OK;
}
