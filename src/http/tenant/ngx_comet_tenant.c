/* comet_tenant NAME { ... }: who calls, by a key of theirs or by a variable */


#include "ngx_comet_http.h"

#include <openssl/sha.h>


#define NGX_COMET_CLIENT_KEY_MIN    16
#define NGX_COMET_CLIENT_KEY_MAX    4096
#define NGX_COMET_TENANT_NONE       UINT32_MAX


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


static char *ngx_comet_tenant_parse(ngx_conf_t *cf,
    ngx_comet_main_conf_t *cmcf, ngx_comet_tenant_t *tenant);
static void ngx_comet_tenant_digest(ngx_str_t *text, u_char *digest);
static uint32_t ngx_comet_tenant_add(ngx_conf_t *cf,
    ngx_comet_keyring_t *ring, u_char *digest, ngx_uint_t value);


char *
ngx_comet_tenant(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_main_conf_t *cmcf = conf;

    u_char                digest[NGX_COMET_DIGEST_LEN];
    ngx_str_t            *value;
    ngx_uint_t            i;
    ngx_comet_tenant_t   *tenant, **place;

    value = cf->args->elts;

    for (i = 0; i < value[1].len; i++) {
        if (value[1].data[i] < ' ' || value[1].data[i] == 0x7f
            || ngx_strchr("\"\\", value[1].data[i]))
        {
            break;
        }
    }

    if (value[1].len == 0 || value[1].len > NGX_COMET_TENANT_NAME_MAX
        || i < value[1].len)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid name of a tenant: it has 1 to %d "
                           "characters, no control character, quote or "
                           "backslash", NGX_COMET_TENANT_NAME_MAX);
        return NGX_CONF_ERROR;
    }

    tenant = ngx_pcalloc(cf->pool, sizeof(ngx_comet_tenant_t));
    place = ngx_array_push(&cmcf->tenants);

    if (tenant == NULL || place == NULL) {
        return NGX_CONF_ERROR;
    }

    *place = tenant;

    tenant->name = value[1];
    tenant->index = cmcf->tenants.nelts;
    ngx_comet_conf_place(cf, &tenant->place);

    ngx_comet_tenant_digest(&value[1], digest);

    if (ngx_comet_tenant_add(cf, &cmcf->names, digest, tenant->index) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "there is a tenant \"%V\" already", &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_comet_tenant_parse(cf, cmcf, tenant);
}


/* policy directives write where they do in a location */

static char *
ngx_comet_tenant_parse(ngx_conf_t *cf, ngx_comet_main_conf_t *cmcf,
    ngx_comet_tenant_t *tenant)
{
    char                  *rv;
    ngx_uint_t             i;
    ngx_conf_t             save;
    ngx_http_conf_ctx_t    ctx;
    ngx_comet_limits_t    *limits;
    ngx_comet_loc_conf_t  *clcf;

    if (cmcf->tenant_conf == NULL) {

        cmcf->tenant_conf = ngx_pcalloc(cf->pool,
                                        sizeof(void *) * ngx_http_max_module);
        clcf = ngx_comet_create_loc_conf(cf);

        if (cmcf->tenant_conf == NULL || clcf == NULL) {
            return NGX_CONF_ERROR;
        }

        cmcf->tenant_conf[ngx_comet_module.ctx_index] = clcf;
    }

    clcf = cmcf->tenant_conf[ngx_comet_module.ctx_index];
    ngx_comet_policy_create(&clcf->policy);

    save = *cf;

    ctx = *(ngx_http_conf_ctx_t *) cf->ctx;
    ctx.loc_conf = cmcf->tenant_conf;

    cf->ctx = &ctx;
    cf->cmd_type = NGX_COMET_TENANT_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    tenant->policy = clcf->policy;

    for (i = 0; i < NGX_COMET_LIMIT_KINDS; i++) {
        limits = tenant->policy.limits[i];

        if (limits && limits != NGX_CONF_UNSET_PTR) {
            limits->tenant = tenant;
        }
    }

    return NGX_CONF_OK;
}


/* with every request: EVP would allocate a context for each */

static void
ngx_comet_tenant_digest(ngx_str_t *text, u_char *digest)
{
    SHA256_CTX  sha;

    SHA256_Init(&sha);
    SHA256_Update(&sha, text->data, text->len);
    SHA256_Final(digest, &sha);
}


/* 0, or whose it is already, or NGX_COMET_TENANT_NONE without memory */

static uint32_t
ngx_comet_tenant_add(ngx_conf_t *cf, ngx_comet_keyring_t *ring,
    u_char *digest, ngx_uint_t value)
{
    ngx_comet_key_t  *keys;

    if (ngx_comet_keyring_is_full(ring)) {

        keys = ngx_pcalloc(cf->pool, ngx_comet_keyring_next_size(ring)
                                     * sizeof(ngx_comet_key_t));
        if (keys == NULL) {
            return NGX_COMET_TENANT_NONE;
        }

        ngx_comet_keyring_grow(ring, keys);
    }

    return ngx_comet_keyring_add(ring, digest, (uint32_t) value);
}


/* what looks like a hash, a file or a variable, but is not taken for one */

static const struct {
    ngx_str_t    prefix;
    const char  *said;
} ngx_comet_client_key_prefixes[] = {
    { ngx_string("sha256"), "has its hash in another form; write sha256:HEX, "
                            "in small letters" },
    { ngx_string("sha-256"), "has its hash in another form; write sha256:HEX" },
    { ngx_string("sha2-256"), "has its hash in another form; write "
                              "sha256:HEX" },
    { ngx_string("sha1"), "takes no hash but sha256:HEX" },
    { ngx_string("sha512"), "takes no hash but sha256:HEX" },
    { ngx_string("md5"), "takes no hash but sha256:HEX" },
    { ngx_string("file"), "takes no file and no variable: write sha256:HEX, "
                          "the hash of the key, or the key itself" },
    { ngx_string("env"), "takes no file and no variable: write sha256:HEX, "
                         "the hash of the key, or the key itself" },
    { ngx_null_string, NULL }
};


static const char *
ngx_comet_client_key_prefix(ngx_str_t *key)
{
    size_t      len;
    ngx_uint_t  i;

    if (key->len && key->data[0] == '$') {
        return "takes no file and no variable: write sha256:HEX, the hash of "
               "the key, or the key itself";
    }

    for (i = 0; ngx_comet_client_key_prefixes[i].said; i++) {
        len = ngx_comet_client_key_prefixes[i].prefix.len;

        if (key->len > len && (key->data[len] == ':' || key->data[len] == '=')
            && ngx_strncasecmp(key->data,
                               ngx_comet_client_key_prefixes[i].prefix.data,
                               len)
               == 0)
        {
            return ngx_comet_client_key_prefixes[i].said;
        }
    }

    return NULL;
}


/* the hash of no key, or of the end of a line alone */

static ngx_uint_t
ngx_comet_client_key_of_nothing(u_char *digest)
{
    ngx_uint_t  i;
    u_char      nothing[NGX_COMET_DIGEST_LEN];

    static ngx_str_t  texts[] = {
        ngx_string(""),
        ngx_string("\n"),
        ngx_string("\r\n"),
        ngx_string(" "),
        ngx_string("-n \n")
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ngx_comet_tenant_digest(&texts[i], nothing);

        if (ngx_memcmp(digest, nothing, NGX_COMET_DIGEST_LEN) == 0) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_comet_client_key_hex(ngx_str_t *text, u_char *digest)
{
    size_t     i;
    ngx_int_t  n;

    if (text->len != 2 * NGX_COMET_DIGEST_LEN) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_COMET_DIGEST_LEN; i++) {

        n = ngx_hextoi(text->data + 2 * i, 2);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        digest[i] = (u_char) n;
    }

    return NGX_OK;
}


/* no message here may hold the value: it can be the key itself */

static char *
ngx_comet_client_key_digest(ngx_conf_t *cf, ngx_str_t *key, u_char *digest)
{
    size_t       i;
    ngx_str_t    hex;
    const char  *said;

    if (ngx_strncmp(key->data, "sha256:", 7) == 0) {

        hex.data = key->data + 7;
        hex.len = key->len - 7;

        if (ngx_comet_client_key_hex(&hex, digest) != NGX_OK) {
            return "has no 64 hexadecimal digits after \"sha256:\"; make "
                   "them with: printf %s THE-KEY | sha256sum";
        }

        return ngx_comet_client_key_of_nothing(digest)
               ? "has the hash of nothing: the variable or the file was empty "
                 "where it was made; make it with: "
                 "printf %s THE-KEY | sha256sum"
               : NGX_CONF_OK;
    }

    said = ngx_comet_client_key_prefix(key);

    if (said) {
        return (char *) said;
    }

    if (key->len == 0 || key->len > NGX_COMET_CLIENT_KEY_MAX) {
        return "must have 1 to 4096 characters";
    }

    for (i = 0; i < key->len; i++) {
        if (key->data[i] <= ' ' || key->data[i] >= 0x7f
            || ngx_strchr("\"'\\", key->data[i]))
        {
            return "cannot have a space, a quote, a backslash, a control or "
                   "a non-ASCII character; write sha256:HEX instead";
        }
    }

    ngx_comet_key_mask(cf, key);

    if (key->len < NGX_COMET_CLIENT_KEY_MIN) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "a client key of less than %d characters can be "
                           "guessed", NGX_COMET_CLIENT_KEY_MIN);
    }

    if (ngx_comet_client_key_hex(key, digest) == NGX_OK) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "a client key of 64 hexadecimal digits is taken as "
                           "it stands: if it is the hash of the key, write "
                           "sha256: before it");
    }

    ngx_comet_tenant_digest(key, digest);

    return NGX_CONF_OK;
}


char *
ngx_comet_client_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_main_conf_t *cmcf = conf;

    char                 *rv;
    u_char                digest[NGX_COMET_DIGEST_LEN];
    uint32_t              other;
    ngx_str_t            *value;
    ngx_comet_tenant_t  **tenants;

    value = cf->args->elts;

    rv = ngx_comet_client_key_digest(cf, &value[1], digest);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    other = ngx_comet_tenant_add(cf, &cmcf->keys, digest,
                                 cmcf->tenants.nelts);

    if (other == NGX_COMET_TENANT_NONE) {
        return NGX_CONF_ERROR;
    }

    if (other) {
        tenants = cmcf->tenants.elts;

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "this key is a key of tenant \"%V\" already: a "
                           "key can name one tenant, once",
                           &tenants[other - 1]->name);
        return NGX_CONF_ERROR;
    }

    tenants = cmcf->tenants.elts;
    tenants[cmcf->tenants.nelts - 1]->keys++;

    return NGX_CONF_OK;
}


/* comet_tenant_from key | $variable | off [default=NAME] */

char *
ngx_comet_tenant_from(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *clcf = conf;

    ngx_str_t                         *value;
    ngx_http_compile_complex_value_t   ccv;

    if (clcf->tenant_from_set) {
        return "is duplicate";
    }

    clcf->tenant_from_set = 1;
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

        clcf->default_name.data = value[2].data + 8;
        clcf->default_name.len = value[2].len - 8;
        ngx_comet_conf_place(cf, &clcf->default_place);
    }

    if (ngx_strcmp(value[1].data, "key") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        clcf->anonymous = 1;
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

    clcf->tenant_from = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (clcf->tenant_from == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = clcf->tenant_from;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


static ngx_comet_tenant_t *
ngx_comet_tenant_of(ngx_comet_main_conf_t *cmcf, ngx_comet_keyring_t *ring,
    ngx_str_t *text)
{
    u_char                digest[NGX_COMET_DIGEST_LEN];
    uint32_t              index;
    ngx_comet_tenant_t  **tenants;

    /* nobody is nothing, whatever hash stands in a configuration */

    if (text->len == 0) {
        return NULL;
    }

    ngx_comet_tenant_digest(text, digest);

    index = ngx_comet_keyring_find(ring, digest);
    tenants = cmcf->tenants.elts;

    return index ? tenants[index - 1] : NULL;
}


/* whoever comes uses the key: it is said so, or nothing is said of tenants */

static ngx_uint_t
ngx_comet_tenants_open(ngx_comet_main_conf_t *cmcf, ngx_comet_loc_conf_t *clcf)
{
    return clcf->anonymous
           || (cmcf->tenants.nelts == 0 && !clcf->tenant_from_set);
}


/* an "include" may have found no file */

static void
ngx_comet_tenants_missing(ngx_conf_t *cf, ngx_comet_loc_conf_t *pass)
{
    if (pass->inherited) {
        return;
    }

    if (pass->tenant_from_set) {
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
ngx_comet_tenants_check(ngx_conf_t *cf, ngx_comet_main_conf_t *cmcf,
    ngx_comet_loc_conf_t *pass)
{
    ngx_uint_t            i;
    ngx_comet_tenant_t  **tenants;

    tenants = cmcf->tenants.elts;

    if (pass->default_name.len) {
        pass->default_tenant = ngx_comet_tenant_of(cmcf, &cmcf->names,
                                                   &pass->default_name);
        if (pass->default_tenant == NULL) {
            ngx_comet_conf_error(cf, &pass->default_place,
                                 "the default tenant \"%V\" is not there: "
                                 "add \"comet_tenant %V { ... }\" to http",
                                 &pass->default_name, &pass->default_name);
            return NGX_ERROR;
        }
    }

    if (cmcf->tenants.nelts == 0 && !pass->anonymous) {
        ngx_comet_tenants_missing(cf, pass);
    }

    if (ngx_comet_tenants_open(cmcf, pass)) {

        if (pass->policy.bearer.data == NULL) {
            ngx_comet_conf_error(cf, &pass->place,
                                 "\"comet_pass\" has no key to send: add "
                                 "\"comet_key file:/path/to/the.key;\" "
                                 "to this location or around it");
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (cmcf->tenants.nelts == 0) {
        return NGX_OK;
    }

    if (pass->tenant_from == NULL && cmcf->keys.used == 0
        && pass->default_tenant == NULL)
    {
        ngx_comet_conf_error(cf, &pass->place,
                             "no tenant has a \"comet_client_key\", so "
                             "no one could call this location: give them "
                             "keys, or say who calls with "
                             "\"comet_tenant_from $variable;\"");
        return NGX_ERROR;
    }

    for (i = 0; pass->policy.bearer.data == NULL && i < cmcf->tenants.nelts;
         i++)
    {
        if (tenants[i]->policy.bearer.data == NULL) {
            ngx_comet_conf_error(cf, &pass->place,
                                 "\"comet_pass\" has no key to send for "
                                 "tenant \"%V\": add \"comet_key "
                                 "file:/path/to/the.key;\" to the tenant or "
                                 "to this location", &tenants[i]->name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* where each location asks for a key, and no default takes the rest */

static void
ngx_comet_tenants_keyless(ngx_conf_t *cf, ngx_comet_main_conf_t *cmcf)
{
    ngx_uint_t              i;
    ngx_comet_tenant_t    **tenants;
    ngx_comet_loc_conf_t  **passes;

    passes = cmcf->passes.elts;

    for (i = 0; i < cmcf->passes.nelts; i++) {
        if (passes[i]->tenant_from || passes[i]->default_tenant) {
            return;
        }
    }

    tenants = cmcf->tenants.elts;

    for (i = 0; cmcf->passes.nelts && i < cmcf->tenants.nelts; i++) {
        if (tenants[i]->keys == 0) {
            ngx_comet_conf_warn(cf, &tenants[i]->place,
                                "no one can be tenant \"%V\": add "
                                "\"comet_client_key sha256:HEX;\" to it,",
                                &tenants[i]->name);
        }
    }
}


ngx_int_t
ngx_comet_tenants_init(ngx_conf_t *cf)
{
    ngx_uint_t              i;
    ngx_comet_loc_conf_t  **passes;
    ngx_comet_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    passes = cmcf->passes.elts;

    for (i = 0; i < cmcf->passes.nelts; i++) {
        if (ngx_comet_tenants_check(cf, cmcf, passes[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_comet_tenants_keyless(cf, cmcf);

    return NGX_OK;
}


ngx_str_t *
ngx_comet_tenant_name(ngx_comet_tenant_t *tenant)
{
    static ngx_str_t  none = ngx_string("-");

    return tenant ? &tenant->name : &none;
}


static ngx_int_t
ngx_comet_tenant_bearer(ngx_str_t *value)
{
    u_char  *p, *last;

    p = value->data;
    last = p + value->len;

    if (value->len < sizeof("bearer ") - 1
        || ngx_strncasecmp(p, (u_char *) "bearer ", sizeof("bearer ") - 1)
           != 0)
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
ngx_comet_tenant_credential(ngx_http_request_t *r, ngx_str_t *key)
{
    ngx_int_t         rc;
    ngx_str_t        *name;
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  names[] = {
        ngx_string("authorization"),
        ngx_string("x-api-key"),
        ngx_string("api-key"),
        ngx_null_string
    };

    n = 0;
    rc = NGX_DECLINED;
    ngx_str_set(key, "");

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            for (name = names; name->len; name++) {

                if (h[i].key.len != name->len
                    || ngx_memcmp(h[i].lowcase_key, name->data, name->len)
                       != 0)
                {
                    continue;
                }

                *key = h[i].value;
                rc = (name == names) ? ngx_comet_tenant_bearer(key) : NGX_OK;
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


/* neither the log nor the client is told a key, or a part of one */

static ngx_int_t
ngx_comet_tenant_unknown(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_credential_e credential)
{
    ngx_comet_loc_conf_t  *clcf;

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

    clcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    ctx->conf = clcf->policy;
    ctx->error_code = "invalid_api_key";

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0, "no tenant: %s",
                  texts[credential].log);

    return ngx_comet_refuse(r,
                            ngx_comet_error_of_status(NGX_HTTP_UNAUTHORIZED),
                            "%s", texts[credential].message);
}


ngx_int_t
ngx_comet_tenant_identify(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_str_t                text;
    ngx_comet_loc_conf_t    *clcf;
    ngx_comet_main_conf_t   *cmcf;
    ngx_comet_credential_e   credential;

    clcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);
    cmcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    if (ngx_comet_tenants_open(cmcf, clcf)) {
        ctx->conf = clcf->policy;
        return NGX_OK;
    }

    if (clcf->tenant_from) {

        if (ngx_http_complex_value(r, clcf->tenant_from, &text) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        credential = NGX_COMET_CREDENTIAL_VARIABLE;
        ctx->tenant = ngx_comet_tenant_of(cmcf, &cmcf->names, &text);

    } else {
        credential = ngx_comet_tenant_credential(r, &text);
        ctx->tenant = ngx_comet_tenant_of(cmcf, &cmcf->keys, &text);

        if (credential != NGX_COMET_CREDENTIAL_ONE) {
            ctx->tenant = NULL;
        }
    }

    if (ctx->tenant == NULL) {
        ctx->tenant = clcf->default_tenant;
    }

    if (ctx->tenant) {
        ngx_comet_policy_choose(&ctx->conf, &ctx->tenant->policy,
                                &clcf->policy);
        return NGX_OK;
    }

    return ngx_comet_tenant_unknown(r, ctx, credential);
}
