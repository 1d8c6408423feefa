/* comet_provider NAME { ... }: models that go by rules of an operator */


#include "ngx_comet_provider.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_params.h"
#include "ngx_comet_patterns.h"


typedef struct {
    ngx_comet_provider_t       provider;
    ngx_array_t               *match;      /* of ngx_comet_pattern_t */
    ngx_array_t               *params;     /* of ngx_comet_param_t */
} ngx_comet_provider_conf_t;


static ngx_int_t ngx_comet_provider_create(ngx_conf_t *cf,
    ngx_comet_main_conf_t *mcf);
static char *ngx_comet_provider_line(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf);
static char *ngx_comet_provider_match(ngx_conf_t *cf,
    ngx_comet_provider_conf_t *pc);
static char *ngx_comet_provider_param(ngx_conf_t *cf,
    ngx_comet_provider_conf_t *pc);
static char *ngx_comet_provider_cap(ngx_conf_t *cf,
    ngx_comet_provider_conf_t *pc, ngx_str_t *value);
static char *ngx_comet_provider_developer(ngx_conf_t *cf,
    ngx_comet_provider_conf_t *pc, ngx_str_t *value);
static char *ngx_comet_provider_rules(ngx_conf_t *cf,
    ngx_comet_provider_conf_t *pc);


static const struct {
    const char       *name;
    ngx_comet_cap_e   cap;
} ngx_comet_provider_caps[] = {
    { "max_tokens", NGX_COMET_CAP_TOKENS },
    { "max_completion_tokens", NGX_COMET_CAP_COMPLETION_TOKENS },
    { "any", NGX_COMET_CAP_AS_SENT },
    { NULL, NGX_COMET_CAP_AS_SENT }
};


ngx_comet_part_t  ngx_comet_provider_part = {
    .create_main_conf = ngx_comet_provider_create
};


static ngx_int_t
ngx_comet_provider_create(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf)
{
    mcf->providers = ngx_array_create(cf->pool, 4,
                                      sizeof(ngx_comet_provider_conf_t));

    return mcf->providers ? NGX_OK : NGX_ERROR;
}


char *
ngx_comet_provider(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_main_conf_t *mcf = conf;

    char                       *rv;
    ngx_str_t                  *value;
    ngx_conf_t                  save;
    ngx_comet_place_t           place;
    ngx_comet_provider_conf_t  *pc;

    pc = ngx_array_push(mcf->providers);
    if (pc == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    ngx_memzero(pc, sizeof(ngx_comet_provider_conf_t));

    pc->provider.name = (char *) value[1].data;
    pc->provider.cap = NGX_COMET_CAP_AS_SENT;
    pc->provider.developer = 1;
    pc->match = NGX_CONF_UNSET_PTR;
    pc->params = NGX_CONF_UNSET_PTR;

    ngx_comet_conf_place(cf, &place);

    save = *cf;
    cf->handler = ngx_comet_provider_line;
    cf->handler_conf = (void *) pc;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    /* the arguments of cf are now those of the last line within */

    if (pc->match == NGX_CONF_UNSET_PTR) {
        ngx_comet_conf_error(cf, &place,
                             "\"comet_provider %s\" has no models: add "
                             "\"match PATTERN ...;\" to it,",
                             pc->provider.name);
        return NGX_CONF_ERROR;
    }

    return ngx_comet_provider_rules(cf, pc);
}


static char *
ngx_comet_provider_line(ngx_conf_t *cf, ngx_command_t *dummy, void *conf)
{
    ngx_comet_provider_conf_t *pc = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[0].data, "match") == 0 && cf->args->nelts > 1) {
        return ngx_comet_provider_match(cf, pc);
    }

    if (ngx_strcmp(value[0].data, "param") == 0 && cf->args->nelts > 2) {
        return ngx_comet_provider_param(cf, pc);
    }

    if (ngx_strcmp(value[0].data, "cap") == 0 && cf->args->nelts == 2) {
        return ngx_comet_provider_cap(cf, pc, &value[1]);
    }

    if (ngx_strcmp(value[0].data, "developer") == 0 && cf->args->nelts == 2) {
        return ngx_comet_provider_developer(cf, pc, &value[1]);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid \"%V\" in \"comet_provider\": it takes "
                       "\"match PATTERN ...;\", \"param NAME RULE;\", "
                       "\"cap NAME;\" and \"developer on|off;\"", &value[0]);

    return NGX_CONF_ERROR;
}


static ngx_comet_pattern_t *
ngx_comet_provider_covering(ngx_array_t *match, ngx_comet_pattern_t *pattern)
{
    ngx_uint_t            i;
    ngx_comet_pattern_t  *before;

    before = match->elts;

    for (i = 0; i < match->nelts; i++) {
        if (ngx_comet_pattern_covers(&before[i], pattern)) {
            return &before[i];
        }
    }

    return NULL;
}


/* the first block that fits is taken */

static char *
ngx_comet_provider_match(ngx_conf_t *cf, ngx_comet_provider_conf_t *pc)
{
    char                       *rv;
    ngx_uint_t                  i;
    ngx_comet_pattern_t        *pattern, *covering;
    ngx_comet_main_conf_t      *mcf;
    ngx_comet_provider_conf_t  *before;

    rv = ngx_comet_patterns(cf, &pc->match, 1);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);
    pattern = pc->match->elts;

    for (before = mcf->providers->elts; before < pc; before++) {
        for (i = 0; i < pc->match->nelts; i++) {

            covering = ngx_comet_provider_covering(before->match, &pattern[i]);

            if (covering == NULL) {
                continue;
            }

            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"match %*s\" is never reached: the first "
                               "block that fits is taken, and \"match %*s\" "
                               "of \"comet_provider %s\" fits all of these "
                               "models; move this block before that one",
                               pattern[i].len, pattern[i].text, covering->len,
                               covering->text, before->provider.name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_comet_provider_param(ngx_conf_t *cf, ngx_comet_provider_conf_t *pc)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    if (value[2].len && value[2].data[0] == '=') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a provider cannot set \"%V\": use "
                           "\"comet_param\" where requests are taken",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (!ngx_comet_endpoint_knows((char *) value[1].data)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a provider can have no rule for \"%V\", which "
                           "is not documented: use \"comet_param\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_comet_rule(cf, &pc->params);
}


static char *
ngx_comet_provider_cap(ngx_conf_t *cf, ngx_comet_provider_conf_t *pc,
    ngx_str_t *value)
{
    ngx_uint_t  i;

    for (i = 0; ngx_comet_provider_caps[i].name; i++) {
        if (ngx_strcmp(value->data, ngx_comet_provider_caps[i].name) == 0) {
            pc->provider.cap = ngx_comet_provider_caps[i].cap;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"cap\": write max_tokens, "
                       "max_completion_tokens or any", value);

    return NGX_CONF_ERROR;
}


static char *
ngx_comet_provider_developer(ngx_conf_t *cf, ngx_comet_provider_conf_t *pc,
    ngx_str_t *value)
{
    if (ngx_strcmp(value->data, "on") == 0) {
        pc->provider.developer = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "off") == 0) {
        pc->provider.developer = 0;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"developer\": write on or "
                       "off", value);

    return NGX_CONF_ERROR;
}


static char *
ngx_comet_provider_rules(ngx_conf_t *cf, ngx_comet_provider_conf_t *pc)
{
    ngx_uint_t          i, n;
    ngx_comet_rule_t   *rules;
    ngx_comet_param_t  *param;

    n = pc->params == NGX_CONF_UNSET_PTR ? 0 : pc->params->nelts;

    rules = ngx_pcalloc(cf->pool, (n + 1) * sizeof(ngx_comet_rule_t));
    if (rules == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < n; i++) {
        param = pc->params->elts;
        rules[i] = param[i].rule;
    }

    pc->provider.rules = rules;

    return NGX_CONF_OK;
}


const ngx_comet_provider_t *
ngx_comet_provider_find(ngx_http_request_t *r, const char *model, size_t len)
{
    ngx_uint_t                  i, k;
    ngx_comet_pattern_t        *pattern;
    ngx_comet_main_conf_t      *mcf;
    ngx_comet_provider_conf_t  *pc;

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    pc = mcf->providers->elts;

    for (i = 0; i < mcf->providers->nelts; i++) {
        pattern = pc[i].match->elts;

        for (k = 0; k < pc[i].match->nelts; k++) {
            if (ngx_comet_pattern_match(&pattern[k], model, len) == 1) {
                return &pc[i].provider;
            }
        }
    }

    return NULL;
}
