/*
 * comet_route NAME { ... }: a name that clients ask for, and the models that
 * calls for it go to.
 */


#include "ngx_comet_route.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_key.h"
#include "ngx_comet_name.h"
#include "ngx_comet_policy.h"
#include "ngx_comet_tenant.h"


#define NGX_COMET_ROUTE_NAME_MAX    255
#define NGX_COMET_ROUTE_WEIGHT_MAX  1000000


static ngx_int_t ngx_comet_route_check(ngx_conf_t *cf);
static char *ngx_comet_route_name(ngx_conf_t *cf, ngx_str_t *name);
static char *ngx_comet_route_key(ngx_conf_t *cf, ngx_comet_route_t *route,
    ngx_str_t *value);
static char *ngx_comet_route_line(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf);
static char *ngx_comet_route_word(ngx_conf_t *cf,
    ngx_comet_route_target_t *target, ngx_str_t *word);
static char *ngx_comet_route_weight(ngx_conf_t *cf,
    ngx_comet_route_target_t *target, ngx_str_t *word, ngx_str_t *text);
static char *ngx_comet_route_bearer(ngx_conf_t *cf,
    ngx_comet_route_target_t *target, ngx_str_t *word, ngx_str_t *text);
static char *ngx_comet_route_done(ngx_conf_t *cf, ngx_comet_route_t *route);
static ngx_int_t ngx_comet_route_nested(ngx_conf_t *cf, ngx_array_t *routes,
    ngx_array_t *others);
static const char *ngx_comet_route_choose(void *data, const char *model,
    size_t len);


ngx_comet_part_t  ngx_comet_route_part = {
    .check = ngx_comet_route_check
};


static ngx_comet_route_t *
ngx_comet_route_in(ngx_array_t *routes, const void *name, size_t len)
{
    ngx_uint_t           i;
    ngx_comet_route_t  **route;

    if (routes == NULL || routes == NGX_CONF_UNSET_PTR) {
        return NULL;
    }

    route = routes->elts;

    for (i = 0; i < routes->nelts; i++) {
        if (route[i]->name.len == len
            && ngx_memcmp(route[i]->name.data, name, len) == 0)
        {
            return route[i];
        }
    }

    return NULL;
}


char *
ngx_comet_route(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *lcf = conf;

    char                   *rv;
    ngx_str_t              *value;
    ngx_conf_t              save;
    ngx_array_t           **routes;
    ngx_comet_route_t      *route, **place;
    ngx_comet_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);
    routes = (cf->cmd_type & NGX_COMET_TENANT_CONF) ? &lcf->policy->routes
                                                    : &mcf->routes;

    value = cf->args->elts;

    rv = ngx_comet_route_name(cf, &value[1]);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ngx_comet_route_in(*routes, value[1].data, value[1].len)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "there is a route \"%V\" already: write all of its "
                           "targets in one block", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (*routes == NULL || *routes == NGX_CONF_UNSET_PTR) {
        *routes = ngx_array_create(cf->pool, 4, sizeof(ngx_comet_route_t *));
        if (*routes == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    route = ngx_pcalloc(cf->pool, sizeof(ngx_comet_route_t));
    place = ngx_array_push(*routes);

    if (route == NULL || place == NULL
        || ngx_array_init(&route->targets, cf->pool, 4,
                          sizeof(ngx_comet_route_target_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    *place = route;
    route->name = value[1];
    ngx_comet_conf_place(cf, &route->place);

    if (cf->args->nelts == 3) {
        rv = ngx_comet_route_key(cf, route, &value[2]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    save = *cf;
    cf->handler = ngx_comet_route_line;
    cf->handler_conf = (void *) route;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv == NGX_CONF_OK ? ngx_comet_route_done(cf, route) : rv;
}


/* it is written into bodies and headers as it stands */

static char *
ngx_comet_route_name(ngx_conf_t *cf, ngx_str_t *name)
{
    if (name->len > 0 && name->len <= NGX_COMET_ROUTE_NAME_MAX
        && ngx_comet_name_usable((char *) name->data, name->len)
        && ngx_comet_name_certain((char *) name->data, name->len)
        && strpbrk((char *) name->data, "\"\\*=") == NULL)
    {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid model \"%V\" in \"comet_route\": write the "
                       "name of one model, of 1 to %d printable characters "
                       "of ASCII, without quotes, backslashes, asterisks and "
                       "equals signs",
                       name, NGX_COMET_ROUTE_NAME_MAX);

    return NGX_CONF_ERROR;
}


static char *
ngx_comet_route_key(ngx_conf_t *cf, ngx_comet_route_t *route, ngx_str_t *value)
{
    ngx_str_t                         text;
    ngx_http_compile_complex_value_t  ccv;

    text.data = value->data + 4;
    text.len = value->len - ngx_min(value->len, 4);

    if (ngx_strncmp(value->data, "key=", 4) != 0
        || ngx_http_script_variables_count(&text) == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"comet_route\": "
                           "write key=$variable, calls with one value of "
                           "which go to one model", value);
        return NGX_CONF_ERROR;
    }

    route->key = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (route->key == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &text;
    ccv.complex_value = route->key;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


static char *
ngx_comet_route_line(ngx_conf_t *cf, ngx_command_t *dummy, void *conf)
{
    ngx_comet_route_t *route = conf;

    char                      *rv;
    ngx_str_t                 *value;
    ngx_uint_t                 i, then;
    ngx_comet_route_target_t  *target, *other;

    value = cf->args->elts;
    then = (ngx_strcmp(value[0].data, "then") == 0);

    if ((!then && ngx_strcmp(value[0].data, "to") != 0)
        || cf->args->nelts == 1)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%V\" in \"comet_route\": it takes "
                           "\"to MODEL [weight=N] [pass=URL] [key=...];\" and "
                           "\"then MODEL [pass=URL] [key=...];\"", &value[0]);
        return NGX_CONF_ERROR;
    }

    if (then ? route->n == 0 : route->targets.nelts > route->n) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V %V\" in \"comet_route %V\" stands %s: write "
                           "each \"to\" before the first \"then\"", &value[0],
                           &value[1], &route->name,
                           then ? "before any \"to\"" : "behind a \"then\"");
        return NGX_CONF_ERROR;
    }

    rv = ngx_comet_route_name(cf, &value[1]);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    target = ngx_array_push(&route->targets);
    if (target == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(target, sizeof(ngx_comet_route_target_t));

    target->model = value[1];
    target->weight = !then;
    target->id = ngx_comet_choice_hash(0, value[1].data, value[1].len);

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_comet_route_word(cf, target, &value[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    other = route->targets.elts;

    for (i = then ? route->n : 0; &other[i] < target; i++) {
        if (other[i].id == target->id) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V %V\" is in \"comet_route %V\" already: "
                               "%s", &value[0], &value[1], &route->name,
                               then ? "each target is tried once"
                                    : "write it once, with its weight");
            return NGX_CONF_ERROR;
        }
    }

    route->n += !then;

    return NGX_CONF_OK;
}


static char *
ngx_comet_route_word(ngx_conf_t *cf, ngx_comet_route_target_t *target,
    ngx_str_t *word)
{
    char                   *rv;
    ngx_str_t               text;
    ngx_comet_main_conf_t  *mcf;

    text.data = (u_char *) ngx_strchr(word->data, '=');

    if (text.data) {
        text.data++;
        text.len = word->data + word->len - text.data;

        if (ngx_strncmp(word->data, "weight=", 7) == 0) {
            return ngx_comet_route_weight(cf, target, word, &text);
        }

        if (ngx_strncmp(word->data, "key=", 4) == 0) {
            return ngx_comet_route_bearer(cf, target, word, &text);
        }

        if (ngx_strncmp(word->data, "pass=", 5) == 0 && !target->pass) {

            target->pass = ngx_pcalloc(cf->pool, sizeof(ngx_comet_url_t));
            if (target->pass == NULL) {
                return NGX_CONF_ERROR;
            }

            rv = ngx_comet_url_parse(cf, "comet_route", &text, target->pass);

            target->id = ngx_comet_choice_hash(target->id + 1, text.data,
                                               text.len);

            mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);
            mcf->tls |= target->pass->tls;

            return rv;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"comet_route\": behind a "
                       "model it takes, once each, weight=N where it is a "
                       "\"to\", pass=URL, key=file:PATH or key=env:NAME", word);

    return NGX_CONF_ERROR;
}


static char *
ngx_comet_route_weight(ngx_conf_t *cf, ngx_comet_route_target_t *target,
    ngx_str_t *word, ngx_str_t *text)
{
    ngx_int_t  weight;

    if (target->weight == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"comet_route\": a \"then\" has no "
                           "weight, each is tried when those before it have "
                           "failed", word);
        return NGX_CONF_ERROR;
    }

    weight = ngx_atoi(text->data, text->len);

    if (weight < 1 || weight > NGX_COMET_ROUTE_WEIGHT_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%V\" in \"comet_route\": a weight is a "
                           "number from 1 to %d; take the line away to send "
                           "nothing there", word, NGX_COMET_ROUTE_WEIGHT_MAX);
        return NGX_CONF_ERROR;
    }

    target->weight = weight;

    return NGX_CONF_OK;
}


/* no message here may hold the value: it can be the key itself */

static char *
ngx_comet_route_bearer(ngx_conf_t *cf, ngx_comet_route_target_t *target,
    ngx_str_t *word, ngx_str_t *text)
{
    char  *rv;

    if (ngx_strncmp(text->data, "file:", 5) != 0
        && ngx_strncmp(text->data, "env:", 4) != 0)
    {
        ngx_comet_key_mask(cf, text);

        return "\"key=\" in \"comet_route\" takes no key as it stands; write "
               "key=file:/path/to/the.key or key=env:NAME";
    }

    if (target->keys) {
        return "\"key=\" in \"comet_route\" is duplicate";
    }

    target->id = ngx_comet_choice_hash(target->id + 2, text->data, text->len);

    rv = ngx_comet_key_take(cf, text, &target->keys);

    if (rv != NGX_CONF_OK && rv != NGX_CONF_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"key=\" in \"comet_route\" %s", rv);
        return NGX_CONF_ERROR;
    }

    return rv;
}


static char *
ngx_comet_route_done(ngx_conf_t *cf, ngx_comet_route_t *route)
{
    ngx_uint_t                 i;
    ngx_comet_route_target_t  *target;

    if (route->n == 0) {
        ngx_comet_conf_error(cf, &route->place,
                             "\"comet_route %V\" leads nowhere: add "
                             "\"to MODEL;\" to it,", &route->name);
        return NGX_CONF_ERROR;
    }

    route->choices = ngx_palloc(cf->pool,
                                route->n * sizeof(ngx_comet_choice_t));
    if (route->choices == NULL) {
        return NGX_CONF_ERROR;
    }

    target = route->targets.elts;

    for (i = 0; i < route->targets.nelts; i++) {

        if (i < route->n) {
            route->choices[i].id = target[i].id;
            route->choices[i].weight = target[i].weight;
        }

        if (target[i].model.len == route->name.len
            && ngx_memcmp(target[i].model.data, route->name.data,
                          route->name.len)
               == 0)
        {
            route->itself = 1;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_comet_route_check(ngx_conf_t *cf)
{
    ngx_uint_t               i;
    ngx_comet_tenant_t     **tenant;
    ngx_comet_main_conf_t   *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    if (ngx_comet_route_nested(cf, mcf->routes, mcf->routes) != NGX_OK) {
        return NGX_ERROR;
    }

    tenant = mcf->tenants->list.elts;

    for (i = 0; i < mcf->tenants->list.nelts; i++) {
        if (ngx_comet_route_nested(cf, tenant[i]->policy.routes,
                                   tenant[i]->policy.routes)
            != NGX_OK
            || ngx_comet_route_nested(cf, tenant[i]->policy.routes,
                                      mcf->routes)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* a target is sent as it stands; one that has a route looks as if it was not */

static ngx_int_t
ngx_comet_route_nested(ngx_conf_t *cf, ngx_array_t *routes,
    ngx_array_t *others)
{
    ngx_uint_t                  i, k;
    ngx_comet_route_t         **route, *other;
    ngx_comet_route_target_t   *target;

    if (routes == NULL || routes == NGX_CONF_UNSET_PTR) {
        return NGX_OK;
    }

    route = routes->elts;

    for (i = 0; i < routes->nelts; i++) {
        target = route[i]->targets.elts;

        for (k = 0; k < route[i]->targets.nelts; k++) {

            other = ngx_comet_route_in(others, target[k].model.data,
                                       target[k].model.len);

            if (other == NULL || other->itself
                || (other->name.len == route[i]->name.len
                    && ngx_memcmp(other->name.data, route[i]->name.data,
                                  other->name.len)
                       == 0))
            {
                continue;
            }

            ngx_comet_conf_error(cf, &route[i]->place,
                                 "\"%V\" in \"comet_route %V\" is a route "
                                 "itself, and routes do not lead to others: "
                                 "write the models that it goes to,",
                                 &target[k].model, &route[i]->name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_comet_route_t *
ngx_comet_route_find(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    const char *name, size_t len)
{
    ngx_comet_route_t      *route;
    ngx_comet_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    route = ngx_comet_route_in(ctx->policy->routes, name, len);

    return route ? route : ngx_comet_route_in(mcf->routes, name, len);
}


ngx_comet_route_t *
ngx_comet_route_each(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_uint_t *i)
{
    ngx_uint_t               n;
    ngx_array_t             *own;
    ngx_comet_route_t      **route;
    ngx_comet_main_conf_t   *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);
    own = ctx->policy->routes;
    n = own ? own->nelts : 0;

    if (*i < n) {
        route = own->elts;
        return route[(*i)++];
    }

    while (mcf->routes && *i - n < mcf->routes->nelts) {
        route = mcf->routes->elts;
        route += (*i)++ - n;

        if (ngx_comet_route_in(own, (*route)->name.data, (*route)->name.len)
            == NULL)
        {
            return *route;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_comet_route_any(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    return mcf->routes || ctx->policy->routes;
}


/* the name becomes another one, so readers must not differ about it */

void
ngx_comet_route_relies(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_policy_t *policy)
{
    if (ngx_comet_route_any(r, ctx)) {
        policy->route = ngx_comet_route_choose;
        policy->named = 1;
    }
}


static uint64_t
ngx_comet_route_seed(ngx_http_request_t *r, ngx_comet_route_t *route)
{
    ngx_str_t  key;

    if (route->key && ngx_http_complex_value(r, route->key, &key) == NGX_OK
        && key.len)
    {
        return ngx_comet_choice_hash(0, key.data, key.len);
    }

    return ((uint64_t) ngx_random() << 32) ^ (uint64_t) ngx_random();
}


static const char *
ngx_comet_route_choose(void *data, const char *model, size_t len)
{
    ngx_http_request_t *r = data;

    ngx_uint_t                 i;
    ngx_comet_ctx_t           *ctx;
    ngx_comet_route_t         *route;
    ngx_comet_routed_t        *routed;
    ngx_comet_route_target_t  *target;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);
    routed = ctx->routed;

    if (routed == NULL) {

        route = ngx_comet_route_find(r, ctx, model, len);
        if (route == NULL) {
            return NULL;
        }

        routed = ngx_palloc(r->pool, sizeof(ngx_comet_routed_t));
        if (routed == NULL) {
            return NULL;
        }

        i = ngx_comet_choose(route->choices, route->n,
                             ngx_comet_route_seed(r, route));
        target = route->targets.elts;

        routed->route = route;
        routed->first = &target[i];
        routed->trying = &target[i];
        routed->next = route->n;

        ctx->routed = routed;
    }

    return (char *) routed->trying->model.data;
}


ngx_uint_t
ngx_comet_route_then(ngx_comet_routed_t *routed)
{
    ngx_comet_route_target_t  *target;

    while (routed->next < routed->route->targets.nelts) {

        target = routed->route->targets.elts;
        target += routed->next++;

        /* the first was tried before all of them */

        if (target->id != routed->first->id) {
            routed->trying = target;
            return 1;
        }
    }

    return 0;
}
