/* comet_tenant NAME { ... }, and the keys of its clients */


#include "ngx_comet_tenant.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_key.h"

#include <openssl/sha.h>


#define NGX_COMET_CLIENT_KEY_MIN    16
#define NGX_COMET_TENANT_NONE       UINT32_MAX


static ngx_int_t ngx_comet_tenants_create(ngx_conf_t *cf,
    ngx_comet_main_conf_t *mcf);
static char *ngx_comet_tenant_parse(ngx_conf_t *cf,
    ngx_comet_main_conf_t *mcf, ngx_comet_tenant_t *tenant);
static void ngx_comet_tenant_digest(ngx_str_t *text, u_char *digest);
static uint32_t ngx_comet_tenant_add(ngx_conf_t *cf,
    ngx_comet_keyring_t *ring, u_char *digest, ngx_uint_t value);


ngx_comet_part_t  ngx_comet_tenant_part = {
    .create_main_conf = ngx_comet_tenants_create
};


static ngx_int_t
ngx_comet_tenants_create(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf)
{
    mcf->tenants = ngx_pcalloc(cf->pool, sizeof(ngx_comet_tenants_t));
    if (mcf->tenants == NULL) {
        return NGX_ERROR;
    }

    return ngx_array_init(&mcf->tenants->list, cf->pool, 4,
                          sizeof(ngx_comet_tenant_t *));
}


char *
ngx_comet_tenant(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_main_conf_t *mcf = conf;

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
    place = ngx_array_push(&mcf->tenants->list);

    if (tenant == NULL || place == NULL) {
        return NGX_CONF_ERROR;
    }

    *place = tenant;

    tenant->name = value[1];
    tenant->index = mcf->tenants->list.nelts;
    ngx_comet_conf_place(cf, &tenant->place);

    ngx_comet_tenant_digest(&value[1], digest);

    if (ngx_comet_tenant_add(cf, &mcf->tenants->names, digest, tenant->index)
        != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "there is a tenant \"%V\" already", &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_comet_tenant_parse(cf, mcf, tenant);
}


/* policy directives write where they do in a location */

static char *
ngx_comet_tenant_parse(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf,
    ngx_comet_tenant_t *tenant)
{
    char                  *rv;
    ngx_conf_t             save;
    ngx_http_conf_ctx_t    ctx;
    ngx_comet_loc_conf_t  *lcf;

    if (mcf->tenants->conf == NULL) {

        mcf->tenants->conf = ngx_pcalloc(cf->pool,
                                       sizeof(void *) * ngx_http_max_module);
        lcf = ngx_pcalloc(cf->pool, sizeof(ngx_comet_loc_conf_t));

        if (mcf->tenants->conf == NULL || lcf == NULL
            || ngx_comet_policy_part.create_loc_conf(cf, lcf) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        mcf->tenants->conf[ngx_comet_module.ctx_index] = lcf;
    }

    lcf = mcf->tenants->conf[ngx_comet_module.ctx_index];
    ngx_comet_policy_init(lcf->policy);

    save = *cf;

    ctx = *(ngx_http_conf_ctx_t *) cf->ctx;
    ctx.loc_conf = mcf->tenants->conf;

    cf->ctx = &ctx;
    cf->cmd_type = NGX_COMET_TENANT_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    tenant->policy = *lcf->policy;

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
    ngx_comet_main_conf_t *mcf = conf;

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

    other = ngx_comet_tenant_add(cf, &mcf->tenants->keys, digest,
                                 mcf->tenants->list.nelts);

    if (other == NGX_COMET_TENANT_NONE) {
        return NGX_CONF_ERROR;
    }

    if (other) {
        tenants = mcf->tenants->list.elts;

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "this key is a key of tenant \"%V\" already: a "
                           "key can name one tenant, once",
                           &tenants[other - 1]->name);
        return NGX_CONF_ERROR;
    }

    tenants = mcf->tenants->list.elts;
    tenants[mcf->tenants->list.nelts - 1]->keys++;

    return NGX_CONF_OK;
}


ngx_comet_tenant_t *
ngx_comet_tenant_of(ngx_comet_tenants_t *tenants, ngx_comet_keyring_t *ring,
    ngx_str_t *text)
{
    u_char                digest[NGX_COMET_DIGEST_LEN];
    uint32_t              index;
    ngx_comet_tenant_t  **tenant;

    /* nobody is nothing, whatever hash stands in a configuration */

    if (text->len == 0) {
        return NULL;
    }

    ngx_comet_tenant_digest(text, digest);

    index = ngx_comet_keyring_find(ring, digest);
    tenant = tenants->list.elts;

    return index ? tenant[index - 1] : NULL;
}


ngx_str_t *
ngx_comet_tenant_name(ngx_comet_tenant_t *tenant)
{
    static ngx_str_t  none = ngx_string("-");

    return tenant ? &tenant->name : &none;
}
