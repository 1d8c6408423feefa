/*
 * Who calls: comet_tenant_from, and the tenant of a request, by a key or by a
 * variable.
 */


#include "ngx_comet_caller.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_policy.h"
#include "ngx_comet_refuse.h"
#include "ngx_comet_tenant.h"

#include <openssl/crypto.h>


#define NGX_COMET_KNOWN_MIN  64

#define NGX_COMET_HOW                                                         \
    ", as \"Authorization: Bearer KEY\", x-api-key or api-key."

#define NGX_COMET_NO_KEY                                                      \
    "The API key is missing or not known here. Send one" NGX_COMET_HOW


typedef enum {
    NGX_COMET_CREDENTIAL_ONE,
    NGX_COMET_CREDENTIAL_LONG,
    NGX_COMET_CREDENTIAL_NONE,
    NGX_COMET_CREDENTIAL_TWO,
    NGX_COMET_CREDENTIAL_VARIABLE
} ngx_comet_credential_e;


/* what a connection came with last, so that it is hashed once */

typedef struct {
    ngx_comet_tenants_t       *tenants;
    ngx_comet_tenant_t        *tenant;
    size_t                     len;
    size_t                     size;
    u_char                     key[];
} ngx_comet_known_t;


static ngx_int_t ngx_comet_caller_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_caller_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_caller_init(ngx_conf_t *cf);
static void ngx_comet_caller_forget(void *data);


ngx_comet_part_t  ngx_comet_caller_part = {
    .create_loc_conf = ngx_comet_caller_create,
    .merge_loc_conf = ngx_comet_caller_merge,
    .check = ngx_comet_caller_init
};


static ngx_int_t
ngx_comet_caller_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    lcf->caller = ngx_pcalloc(cf->pool, sizeof(ngx_comet_caller_conf_t));

    return lcf->caller ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_comet_caller_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    if (!conf->caller->set) {
        *conf->caller = *prev->caller;
    }

    return NGX_OK;
}


/* comet_tenant_from key | $variable | off [default=NAME] */

char *
ngx_comet_tenant_from(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_caller_conf_t *caller = conf;

    ngx_str_t                         *value;
    ngx_http_compile_complex_value_t   ccv;

    if (caller->set) {
        return "is duplicate";
    }

    caller->set = 1;
    value = cf->args->elts;

    if (cf->args->nelts == 3) {

        if (ngx_strncmp(value[2].data, "default=", 8) != 0
            || value[2].len == 8)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": write "
                               "default=NAME", &value[2]);
            return NGX_CONF_ERROR;
        }

        caller->default_name.data = value[2].data + 8;
        caller->default_name.len = value[2].len - 8;
        ngx_comet_conf_place(cf, &caller->default_place);
    }

    if (ngx_strcmp(value[1].data, "key") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        caller->anonymous = 1;
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "cannot have a default beside \"off\"";
    }

    if (ngx_http_script_variables_count(&value[1]) == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"comet_tenant_from\": "
                           "write \"key\", a $variable that names a tenant, "
                           "or \"off\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    caller->variable = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (caller->variable == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = caller->variable;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


/* whoever comes uses the key: it is said so, or nothing is said of tenants */

static ngx_uint_t
ngx_comet_caller_anyone(ngx_comet_tenants_t *tenants,
    ngx_comet_caller_conf_t *caller)
{
    return caller->anonymous || (tenants->list.nelts == 0 && !caller->set);
}


/* an "include" may have found no file */

static void
ngx_comet_caller_no_tenants(ngx_conf_t *cf, ngx_comet_loc_conf_t *pass)
{
    if (pass->inherited) {
        return;
    }

    if (pass->caller->set) {
        ngx_comet_conf_warn(cf, &pass->place,
                            "there is no tenant, so every call is answered "
                            "with 401: add \"comet_tenant NAME { ... }\" to "
                            "http,");
        return;
    }

    ngx_comet_conf_warn(cf, &pass->place,
                        "there is no tenant, so whoever reaches this location "
                        "uses the key: add \"comet_tenant NAME { ... }\" to "
                        "http, or \"comet_tenant_from off;\" if it is meant,");
}


static ngx_int_t
ngx_comet_caller_check(ngx_conf_t *cf, ngx_comet_tenants_t *tenants,
    ngx_comet_loc_conf_t *pass)
{
    ngx_uint_t                i;
    ngx_comet_tenant_t      **tenant;
    ngx_comet_caller_conf_t  *caller;

    caller = pass->caller;

    if (caller->default_name.len) {
        caller->default_tenant = ngx_comet_tenant_of(tenants, &tenants->names,
                                                     &caller->default_name);
        if (caller->default_tenant == NULL) {
            ngx_comet_conf_error(cf, &caller->default_place,
                                 "the default tenant \"%V\" is not there: "
                                 "add \"comet_tenant %V { ... }\" to http",
                                 &caller->default_name, &caller->default_name);
            return NGX_ERROR;
        }
    }

    if (tenants->list.nelts == 0 && !caller->anonymous) {
        ngx_comet_caller_no_tenants(cf, pass);
    }

    if (ngx_comet_caller_anyone(tenants, caller)) {

        if (pass->policy->keys == NULL) {
            ngx_comet_conf_error(cf, &pass->place,
                                 "\"comet_pass\" has no key to send: add "
                                 "\"comet_key file:/path/to/the.key;\" "
                                 "to this location or around it");
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (tenants->list.nelts == 0) {
        return NGX_OK;
    }

    if (caller->variable == NULL && tenants->keys.used == 0
        && caller->default_tenant == NULL)
    {
        ngx_comet_conf_error(cf, &pass->place,
                             "no tenant has a \"comet_client_key\", so "
                             "no one could call this location: give them "
                             "keys, or say who calls with "
                             "\"comet_tenant_from $variable;\"");
        return NGX_ERROR;
    }

    if (pass->policy->keys) {
        return NGX_OK;
    }

    tenant = tenants->list.elts;

    for (i = 0; i < tenants->list.nelts; i++) {
        if (tenant[i]->policy.keys == NULL) {
            ngx_comet_conf_error(cf, &pass->place,
                                 "\"comet_pass\" has no key to send for "
                                 "tenant \"%V\": add \"comet_key "
                                 "file:/path/to/the.key;\" to the tenant or "
                                 "to this location", &tenant[i]->name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* where each location asks for a key, and no default takes the rest */

static void
ngx_comet_caller_keyless(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf)
{
    ngx_uint_t              i;
    ngx_comet_tenant_t    **tenants;
    ngx_comet_loc_conf_t  **passes;

    passes = mcf->passes.elts;

    for (i = 0; i < mcf->passes.nelts; i++) {
        if (passes[i]->caller->variable || passes[i]->caller->default_tenant) {
            return;
        }
    }

    tenants = mcf->tenants->list.elts;

    for (i = 0; mcf->passes.nelts && i < mcf->tenants->list.nelts; i++) {
        if (tenants[i]->keys == 0) {
            ngx_comet_conf_warn(cf, &tenants[i]->place,
                                "no one can be tenant \"%V\": add "
                                "\"comet_client_key sha256:HEX;\" to it,",
                                &tenants[i]->name);
        }
    }
}


static ngx_int_t
ngx_comet_caller_init(ngx_conf_t *cf)
{
    ngx_uint_t                i;
    ngx_comet_loc_conf_t    **passes;
    ngx_comet_main_conf_t    *mcf;
    ngx_comet_caller_conf_t  *caller;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    passes = mcf->passes.elts;

    for (i = 0; i < mcf->passes.nelts; i++) {
        if (ngx_comet_caller_check(cf, mcf->tenants, passes[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        caller = passes[i]->caller;
        caller->pool = cf->pool;
        caller->policies = ngx_pcalloc(cf->pool,
                                       mcf->tenants->list.nelts
                                       * sizeof(ngx_comet_policy_conf_t *));
        if (caller->policies == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_comet_caller_keyless(cf, mcf);

    return NGX_OK;
}


static ngx_int_t
ngx_comet_caller_bearer(ngx_str_t *value)
{
    u_char  *p, *last;

    p = value->data;
    last = p + value->len;

    if (value->len < sizeof("bearer ") - 1
        || (ngx_memcmp(p, "Bearer ", sizeof("Bearer ") - 1) != 0
            && ngx_strncasecmp(p, (u_char *) "bearer ", sizeof("bearer ") - 1)
               != 0))
    {
        return NGX_DECLINED;
    }

    for (p += sizeof("bearer ") - 1; p < last && *p == ' '; p++) {
        /* void */
    }

    value->data = p;
    value->len = last - p;

    return NGX_OK;
}


/*
 * The one key that a request has; with two of them it has none.  What is no
 * key comes back all the same, to take the time that one does.
 */

static ngx_comet_credential_e
ngx_comet_caller_credential(ngx_http_request_t *r, ngx_str_t *key)
{
    ngx_int_t         rc;
    ngx_str_t        *name;
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  authorization = ngx_string("authorization");
    static ngx_str_t  x_api_key = ngx_string("x-api-key");
    static ngx_str_t  api_key = ngx_string("api-key");

    n = 0;
    rc = NGX_DECLINED;
    ngx_str_set(key, "");

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            switch (h[i].key.len) {

            case sizeof("authorization") - 1:
                name = &authorization;
                break;

            case sizeof("x-api-key") - 1:
                name = &x_api_key;
                break;

            case sizeof("api-key") - 1:
                name = &api_key;
                break;

            default:
                continue;
            }

            if (ngx_memcmp(h[i].lowcase_key, name->data, name->len) == 0) {
                *key = h[i].value;
                rc = (name == &authorization) ? ngx_comet_caller_bearer(key)
                                              : NGX_OK;
                n++;
            }
        }
    }

    if (n > 1) {
        return NGX_COMET_CREDENTIAL_TWO;
    }

    if (rc != NGX_OK || key->len == 0) {
        return NGX_COMET_CREDENTIAL_NONE;
    }

    if (key->len > NGX_COMET_CLIENT_KEY_MAX) {
        key->len = NGX_COMET_CLIENT_KEY_MAX;
        return NGX_COMET_CREDENTIAL_LONG;
    }

    return NGX_COMET_CREDENTIAL_ONE;
}


static ngx_comet_known_t *
ngx_comet_caller_known(ngx_pool_t *pool)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_comet_caller_forget) {
            return cln->data;
        }
    }

    return NULL;
}


static void
ngx_comet_caller_forget(void *data)
{
    ngx_comet_known_t *known = data;

    ngx_explicit_memzero(known->key, known->size);
}


/* without memory, or with one that is longer than the first: every time */

static void
ngx_comet_caller_remember(ngx_pool_t *pool, ngx_comet_known_t *known,
    ngx_comet_tenants_t *tenants, ngx_comet_tenant_t *tenant, ngx_str_t *key)
{
    size_t               size;
    ngx_pool_cleanup_t  *cln;

    if (known == NULL) {

        size = ngx_max(key->len, NGX_COMET_KNOWN_MIN);

        cln = ngx_pool_cleanup_add(pool, sizeof(ngx_comet_known_t) + size);
        if (cln == NULL) {
            return;
        }

        known = cln->data;
        known->size = size;

        cln->handler = ngx_comet_caller_forget;
    }

    if (key->len > known->size) {
        return;
    }

    known->tenants = tenants;
    known->tenant = tenant;
    known->len = key->len;
    ngx_memcpy(known->key, key->data, key->len);
}


/* a connection may be a proxy's: who shares it learns nothing by the time */

static ngx_comet_tenant_t *
ngx_comet_caller_tenant(ngx_http_request_t *r, ngx_comet_tenants_t *tenants,
    ngx_str_t *key)
{
    ngx_comet_known_t   *known;
    ngx_comet_tenant_t  *tenant;

    known = ngx_comet_caller_known(r->connection->pool);

    if (known && known->tenants == tenants && known->len == key->len
        && CRYPTO_memcmp(known->key, key->data, key->len) == 0)
    {
        return known->tenant;
    }

    tenant = ngx_comet_tenant_of(tenants, &tenants->keys, key);

    if (tenant) {
        ngx_comet_caller_remember(r->connection->pool, known, tenants, tenant,
                                  key);
    }

    return tenant;
}


/* neither the log nor the client is told a key, or a part of one */

static ngx_int_t
ngx_comet_caller_unknown(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_credential_e credential)
{
    ngx_comet_loc_conf_t  *lcf;

    static const struct {
        const char  *log;
        const char  *message;
    } texts[] = {
        [NGX_COMET_CREDENTIAL_ONE] =
            { "the API key is not known", NGX_COMET_NO_KEY },
        [NGX_COMET_CREDENTIAL_LONG] =
            { "the API key is too long", NGX_COMET_NO_KEY },
        [NGX_COMET_CREDENTIAL_NONE] =
            { "there is no API key", NGX_COMET_NO_KEY },
        [NGX_COMET_CREDENTIAL_TWO] =
            { "there is more than one API key",
              "There is more than one API key, and readers could take "
              "different ones. Send one" NGX_COMET_HOW },
        [NGX_COMET_CREDENTIAL_VARIABLE] =
            { "the variable of \"comet_tenant_from\" names nobody",
              "This caller is not known here." },
    };

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    ctx->policy = lcf->policy;

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0, "no tenant: %s",
                  texts[credential].log);

    return ngx_comet_refuse(r,
                            ngx_comet_error_of_status(NGX_HTTP_UNAUTHORIZED),
                            "%s", texts[credential].message);
}


/* once for a tenant and a location, in a worker that they meet in */

static ngx_comet_policy_conf_t *
ngx_comet_caller_policy(ngx_comet_caller_conf_t *caller,
    ngx_comet_tenant_t *tenant, ngx_comet_policy_conf_t *location)
{
    ngx_comet_policy_conf_t  *policy;

    policy = caller->policies[tenant->index - 1];

    if (policy) {
        return policy;
    }

    policy = ngx_palloc(caller->pool, sizeof(ngx_comet_policy_conf_t));
    if (policy == NULL) {
        return NULL;
    }

    ngx_comet_policy_choose(policy, &tenant->policy, location);

    caller->policies[tenant->index - 1] = policy;

    return policy;
}


ngx_int_t
ngx_comet_caller_identify(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_str_t                 text;
    ngx_comet_tenants_t      *tenants;
    ngx_comet_loc_conf_t     *lcf;
    ngx_comet_main_conf_t    *mcf;
    ngx_comet_credential_e    credential;
    ngx_comet_caller_conf_t  *caller;

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    caller = lcf->caller;
    tenants = mcf->tenants;

    if (ngx_comet_caller_anyone(tenants, caller)) {
        ctx->policy = lcf->policy;
        return NGX_OK;
    }

    if (caller->variable) {

        if (ngx_http_complex_value(r, caller->variable, &text) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        credential = NGX_COMET_CREDENTIAL_VARIABLE;
        ctx->tenant = ngx_comet_tenant_of(tenants, &tenants->names, &text);

    } else {
        credential = ngx_comet_caller_credential(r, &text);

        if (credential == NGX_COMET_CREDENTIAL_ONE) {
            ctx->tenant = ngx_comet_caller_tenant(r, tenants, &text);

        } else {
            (void) ngx_comet_tenant_of(tenants, &tenants->keys, &text);
        }
    }

    if (ctx->tenant == NULL) {
        ctx->tenant = caller->default_tenant;
    }

    if (ctx->tenant == NULL) {
        return ngx_comet_caller_unknown(r, ctx, credential);
    }

    ctx->policy = ngx_comet_caller_policy(caller, ctx->tenant, lcf->policy);

    return ctx->policy ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}
