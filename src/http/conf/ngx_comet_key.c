#include "ngx_comet_key.h"

#include <openssl/evp.h>


#define NGX_COMET_KEY_MAX  4096


static char *ngx_comet_key_file(ngx_conf_t *cf, ngx_str_t *path,
    ngx_str_t *key);
static char *ngx_comet_key_env(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *key);
static void ngx_comet_key_trim(ngx_str_t *key);
static ngx_uint_t ngx_comet_key_is_path(ngx_conf_t *cf, ngx_str_t *key);
static ngx_uint_t ngx_comet_key_is_named(ngx_str_t *key);
static char *ngx_comet_key_check(ngx_conf_t *cf, ngx_str_t *source,
    ngx_str_t *key);
static char *ngx_comet_key_add(ngx_conf_t *cf, ngx_comet_keys_t **keys,
    ngx_str_t *key);
static ngx_int_t ngx_comet_key_id(ngx_conf_t *cf, ngx_str_t *key, u_char *id);


static ngx_str_t  ngx_comet_bearer = ngx_string("Bearer ");


/* no message here may hold the value: it can be the key itself */

char *
ngx_comet_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    return ngx_comet_key_take(cf, &value[1],
                              (ngx_comet_keys_t **)
                                  ((u_char *) conf + cmd->offset));
}


char *
ngx_comet_key_take(ngx_conf_t *cf, ngx_str_t *value, ngx_comet_keys_t **keys)
{
    char       *rv;
    u_char     *p;
    ngx_str_t   name, source, key;

    if (ngx_strncmp(value->data, "file:", 5) == 0) {

        name.data = value->data + 5;
        name.len = value->len - 5;
        source = *value;

        rv = ngx_comet_key_file(cf, &name, &key);

    } else if (ngx_strncmp(value->data, "env:", 4) == 0) {

        name.data = value->data + 4;
        name.len = value->len - 4;
        source = *value;

        rv = ngx_comet_key_env(cf, &name, &key);

    } else if (value->len
               && (ngx_strchr("/.$", value->data[0])
                   || ngx_strlchr(value->data, value->data + value->len, ':')))
    {
        return "takes no path and no variable as it stands; write "
               "file:/path/to/the.key, env:NAME or the key itself";

    } else if (ngx_comet_key_is_path(cf, value)) {
        return "looks like the name of a file; write file:PATH to read the "
               "key from there";

    } else {
        key = *value;
        ngx_str_set(&source, "the configuration");

        /* as it stands in the file, the key can be masked there */

        for (p = key.data; p < key.data + key.len; p++) {
            if (ngx_strchr("\"'\\", *p)) {
                return "cannot have a quote or a backslash; "
                       "write file:/path/to/the.key";
            }
        }

        ngx_comet_key_mask(cf, &key);
        rv = NGX_CONF_OK;
    }

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_comet_key_check(cf, &source, &key);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_comet_key_add(cf, keys, &key);
}


static ngx_comet_keys_t *
ngx_comet_keys_create(ngx_conf_t *cf)
{
    ngx_comet_keys_t  *keys;

    keys = ngx_pcalloc(cf->pool, sizeof(ngx_comet_keys_t));

    if (keys == NULL
        || ngx_array_init(&keys->list, cf->pool, 1, sizeof(ngx_comet_bearer_t))
           != NGX_OK)
    {
        return NULL;
    }

    return keys;
}


static char *
ngx_comet_key_add(ngx_conf_t *cf, ngx_comet_keys_t **keys, ngx_str_t *key)
{
    u_char              *p, id[NGX_COMET_ID_LEN];
    ngx_uint_t           i;
    ngx_comet_bearer_t  *bearer;

    if (*keys == NULL) {
        *keys = ngx_comet_keys_create(cf);
    }

    if (*keys == NULL || ngx_comet_key_id(cf, key, id) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    bearer = (*keys)->list.elts;

    for (i = 0; i < (*keys)->list.nelts; i++) {
        if (ngx_memcmp(bearer[i].id, id, NGX_COMET_ID_LEN) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "this \"comet_key\" is duplicate: it is the "
                               "same key as number %ui of this level; write "
                               "each key of a pool once", i + 1);
            return NGX_CONF_ERROR;
        }
    }

    if (i == NGX_COMET_KEYS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d keys in the pool of this level: "
                           "leave the others out", NGX_COMET_KEYS_MAX);
        return NGX_CONF_ERROR;
    }

    bearer = ngx_array_push(&(*keys)->list);
    if (bearer == NULL) {
        return NGX_CONF_ERROR;
    }

    bearer->value.len = ngx_comet_bearer.len + key->len;
    bearer->value.data = ngx_pnalloc(cf->pool, bearer->value.len);
    if (bearer->value.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_copy(bearer->value.data, ngx_comet_bearer.data,
                 ngx_comet_bearer.len);
    ngx_memcpy(p, key->data, key->len);

    ngx_memcpy(bearer->id, id, NGX_COMET_ID_LEN);

    return NGX_CONF_OK;
}


/* by it workers share what they know of a key, which it does not tell */

static ngx_int_t
ngx_comet_key_id(ngx_conf_t *cf, ngx_str_t *key, u_char *id)
{
    u_char         digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX    *md;
    ngx_int_t      rc;

    static const u_char  use[] = "comet_key";

    md = EVP_MD_CTX_create();
    if (md == NULL) {
        return NGX_ERROR;
    }

    rc = EVP_DigestInit_ex(md, EVP_sha256(), NULL)
         && EVP_DigestUpdate(md, use, sizeof(use))
         && EVP_DigestUpdate(md, key->data, key->len)
         && EVP_DigestFinal_ex(md, digest, NULL)
         ? NGX_OK : NGX_ERROR;

    EVP_MD_CTX_destroy(md);

    if (rc != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "SHA-256 failed");
        return NGX_ERROR;
    }

    ngx_memcpy(id, digest, NGX_COMET_ID_LEN);

    return NGX_OK;
}


static char *
ngx_comet_key_file(ngx_conf_t *cf, ngx_str_t *path, ngx_str_t *key)
{
    char             *rv;
    ssize_t           n;
    ngx_fd_t          fd;
    ngx_file_t        file;
    ngx_file_info_t   fi;

    if (path->len == 0) {
        return "has no path after \"file:\"; write file:/path/to/the.key";
    }

    if (ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    /* a fifo would hang the start */

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "cannot open the key file \"%V\": put the CometAPI "
                           "key there, in one line, readable by the user who "
                           "starts nginx", path);
        return NGX_CONF_ERROR;
    }

    rv = NGX_CONF_ERROR;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", path);
        goto done;
    }

    if (!ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key file \"%V\" is not a regular file", path);
        goto done;
    }

    if (fi.st_mode & (S_IROTH|S_IWOTH)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "the key file \"%V\" is open to every user of this "
                           "machine: chmod o-rw it", path);
    }

    key->data = ngx_pnalloc(cf->pool, NGX_COMET_KEY_MAX + 1);
    if (key->data == NULL) {
        goto done;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));
    file.fd = fd;
    file.name = *path;
    file.log = cf->log;

    n = ngx_read_file(&file, key->data, NGX_COMET_KEY_MAX + 1, 0);

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "cannot read the key file \"%V\"", path);
        goto done;
    }

    key->len = n;
    ngx_comet_key_trim(key);

    rv = NGX_CONF_OK;

done:

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", path);
    }

    return rv;
}


/* it ends like one, or there is one of that name */

static ngx_uint_t
ngx_comet_key_is_path(ngx_conf_t *cf, ngx_str_t *key)
{
    ngx_str_t        *end, path;
    ngx_file_info_t   fi;

    static ngx_str_t  ends[] = {
        ngx_string(".key"),
        ngx_string(".txt"),
        ngx_string(".pem"),
        ngx_string(".env"),
        ngx_string(".conf"),
        ngx_string(".secret"),
        ngx_string(".token"),
        ngx_null_string
    };

    for (end = ends; end->len; end++) {
        if (key->len > end->len
            && ngx_strncasecmp(key->data + key->len - end->len, end->data,
                               end->len)
               == 0)
        {
            return 1;
        }
    }

    path = *key;

    return key->len != 0
           && ngx_conf_full_name(cf->cycle, &path, 1) == NGX_OK
           && ngx_file_info(path.data, &fi) != NGX_FILE_ERROR;
}


static char *
ngx_comet_key_env(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *key)
{
    /* values of directives end with a zero */

    key->data = name->len ? (u_char *) getenv((char *) name->data) : NULL;

    if (key->data == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the environment variable \"%V\" that "
                           "\"comet_key\" names is not set where nginx "
                           "starts", name);
        return NGX_CONF_ERROR;
    }

    key->len = ngx_strlen(key->data);
    ngx_comet_key_trim(key);

    return NGX_CONF_OK;
}


/* the end of the line that editors and echo leave */

static void
ngx_comet_key_trim(ngx_str_t *key)
{
    while (key->len
           && (key->data[key->len - 1] == LF
               || key->data[key->len - 1] == CR
               || key->data[key->len - 1] == ' '
               || key->data[key->len - 1] == '\t'))
    {
        key->len--;
    }
}


/* NAME=VALUE; a key may end in the "=" of base64 */

static ngx_uint_t
ngx_comet_key_is_named(ngx_str_t *key)
{
    u_char  *p, *last;

    p = key->data;
    last = p + key->len;

    if (key->len > 7 && ngx_strncmp(p, "export ", 7) == 0) {
        return 1;
    }

    while (p < last && (isalnum(*p) || *p == '_')) {
        p++;
    }

    return p > key->data && last - p > 1 && p[0] == '=' && p[1] != '=';
}


static char *
ngx_comet_key_check(ngx_conf_t *cf, ngx_str_t *source, ngx_str_t *key)
{
    size_t  i;

    if (key->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key in %V is empty", source);
        return NGX_CONF_ERROR;
    }

    if (key->len > NGX_COMET_KEY_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key in %V is longer than %d characters",
                           source, NGX_COMET_KEY_MAX);
        return NGX_CONF_ERROR;
    }

    if (ngx_comet_key_is_named(key)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key in %V is written as NAME=VALUE: write "
                           "the value alone", source);
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < key->len; i++) {

        if (ngx_strchr("\"'", key->data[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the key in %V has a quote at position %uz: "
                               "write the key alone, without quotes",
                               source, i + 1);
            return NGX_CONF_ERROR;
        }

        if (key->data[i] <= ' ' || key->data[i] >= 0x7f) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the key in %V has a space, a control or a "
                               "non-ASCII character at position %uz; it must "
                               "be one word in one line", source, i + 1);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* "nginx -T" prints the configuration as it was read: less the key */

void
ngx_comet_key_mask(ngx_conf_t *cf, ngx_str_t *key)
{
    u_char     *p, *last;
    ngx_buf_t  *dump;

    if (cf->conf_file == NULL || cf->conf_file->dump == NULL || key->len == 0)
    {
        return;
    }

    dump = cf->conf_file->dump;
    last = dump->last - key->len;

    for (p = dump->start; p <= last; p++) {
        if (ngx_memcmp(p, key->data, key->len) == 0) {
            ngx_memset(p, '*', key->len);
        }
    }
}
