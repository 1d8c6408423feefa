#include "ngx_comet_http.h"


static ngx_int_t ngx_comet_tls_setup(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_tls_certificate(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_tls_authorities(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *conf);
static ngx_uint_t ngx_comet_tls_system_has_authorities(ngx_conf_t *cf);


void
ngx_comet_tls_create(ngx_comet_loc_conf_t *clcf)
{
    clcf->upstream.ssl_session_reuse = NGX_CONF_UNSET;
    clcf->upstream.ssl_server_name = NGX_CONF_UNSET;
    clcf->upstream.ssl_verify = NGX_CONF_UNSET;
    clcf->upstream.ssl_certificate = NGX_CONF_UNSET_PTR;
    clcf->upstream.ssl_certificate_key = NGX_CONF_UNSET_PTR;
    clcf->upstream.ssl_passwords = NGX_CONF_UNSET_PTR;
    clcf->tls.verify_depth = NGX_CONF_UNSET_UINT;
    clcf->tls.conf_commands = NGX_CONF_UNSET_PTR;
}


ngx_int_t
ngx_comet_tls_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf,
    ngx_comet_loc_conf_t *prev)
{
    ngx_conf_merge_value(conf->upstream.ssl_session_reuse,
                         prev->upstream.ssl_session_reuse, 1);

    ngx_conf_merge_bitmask_value(conf->tls.protocols, prev->tls.protocols,
                                 (NGX_CONF_BITMASK_SET
                                  |NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3));

    ngx_conf_merge_str_value(conf->tls.ciphers, prev->tls.ciphers, "DEFAULT");

    if (conf->tls.name == NULL) {
        conf->tls.name = prev->tls.name;
    }

    ngx_conf_merge_value(conf->upstream.ssl_server_name,
                         prev->upstream.ssl_server_name, 1);
    ngx_conf_merge_value(conf->upstream.ssl_verify,
                         prev->upstream.ssl_verify, 1);
    ngx_conf_merge_uint_value(conf->tls.verify_depth,
                              prev->tls.verify_depth, 4);
    ngx_conf_merge_str_value(conf->tls.trusted_certificate,
                             prev->tls.trusted_certificate, "");
    ngx_conf_merge_str_value(conf->tls.crl, prev->tls.crl, "");
    ngx_conf_merge_ptr_value(conf->upstream.ssl_certificate,
                             prev->upstream.ssl_certificate, NULL);
    ngx_conf_merge_ptr_value(conf->upstream.ssl_certificate_key,
                             prev->upstream.ssl_certificate_key, NULL);
    ngx_conf_merge_ptr_value(conf->upstream.ssl_passwords,
                             prev->upstream.ssl_passwords, NULL);
    ngx_conf_merge_ptr_value(conf->tls.conf_commands,
                             prev->tls.conf_commands, NULL);

    if (!conf->tls_needed) {
        return NGX_OK;
    }

    /* the name to ask for and to verify is the one in Host */

    conf->upstream.ssl_name = conf->tls.name ? conf->tls.name : conf->host;

    return ngx_comet_tls_setup(cf, conf);
}


static ngx_int_t
ngx_comet_tls_setup(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NGX_ERROR;
    }

    ssl->log = cf->log;
    conf->upstream.ssl = ssl;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    if (ngx_ssl_create(ssl, conf->tls.protocols, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (ngx_ssl_ciphers(cf, ssl, &conf->tls.ciphers, 0) != NGX_OK
        || ngx_comet_tls_certificate(cf, conf) != NGX_OK
        || ngx_comet_tls_authorities(cf, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_ssl_client_session_cache(cf, ssl, conf->upstream.ssl_session_reuse)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_ssl_conf_commands(cf, ssl, conf->tls.conf_commands);
}


static ngx_int_t
ngx_comet_tls_certificate(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf)
{
    ngx_http_complex_value_t  *certificate, *key;

    certificate = conf->upstream.ssl_certificate;
    key = conf->upstream.ssl_certificate_key;

    if (certificate == NULL || certificate->value.len == 0) {

        if (certificate == NULL && key && key->value.len) {
            ngx_comet_conf_error(cf, &conf->place,
                                 "\"comet_ssl_certificate_key\" needs "
                                 "a \"comet_ssl_certificate\"");
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (key == NULL) {
        ngx_comet_conf_error(cf, &conf->place,
                             "\"comet_ssl_certificate\" needs "
                             "a \"comet_ssl_certificate_key\"");
        return NGX_ERROR;
    }

    if (certificate->lengths == NULL && key->lengths == NULL) {
        return ngx_ssl_certificate(cf, conf->upstream.ssl, &certificate->value,
                                   &key->value, conf->upstream.ssl_passwords);
    }

    conf->upstream.ssl_passwords =
                  ngx_ssl_preserve_passwords(cf, conf->upstream.ssl_passwords);

    return conf->upstream.ssl_passwords ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_comet_tls_authorities(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf)
{
    ngx_ssl_t  *ssl;

    if (!conf->upstream.ssl_verify) {
        return NGX_OK;
    }

    ssl = conf->upstream.ssl;

    if (conf->tls.trusted_certificate.len) {

        if (ngx_ssl_trusted_certificate(cf, ssl, &conf->tls.trusted_certificate,
                                        (ngx_int_t) conf->tls.verify_depth)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_ssl_crl(cf, ssl, &conf->tls.crl);
    }

    if (!ngx_comet_tls_system_has_authorities(cf)) {
        ngx_comet_conf_error(cf, &conf->place,
                             "no certificate authorities of the system were "
                             "found to verify the upstream with: install "
                             "the package \"ca-certificates\" or set "
                             "\"comet_ssl_trusted_certificate\"");
        return NGX_ERROR;
    }

    if (SSL_CTX_set_default_verify_paths(ssl->ctx) == 0) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_ERROR;
    }

    SSL_CTX_set_verify_depth(ssl->ctx, (int) conf->tls.verify_depth);

    return ngx_ssl_crl(cf, ssl, &conf->tls.crl);
}


static const char *
ngx_comet_tls_path(const char *variable, const char *fallback)
{
    const char  *path;

    path = getenv(variable);

    return path ? path : fallback;
}


static ngx_uint_t
ngx_comet_tls_system_has_authorities(ngx_conf_t *cf)
{
    ngx_dir_t        dir;
    ngx_str_t        name;
    ngx_uint_t       found;
    ngx_file_info_t  fi;

    name.data = (u_char *)
                ngx_comet_tls_path(X509_get_default_cert_file_env(),
                                   X509_get_default_cert_file());

    if (ngx_file_info(name.data, &fi) != NGX_FILE_ERROR) {
        return 1;
    }

    name.data = (u_char *)
                ngx_comet_tls_path(X509_get_default_cert_dir_env(),
                                   X509_get_default_cert_dir());
    name.len = ngx_strlen(name.data);

    if (ngx_open_dir(&name, &dir) == NGX_ERROR) {
        return 0;
    }

    found = 0;

    while (!found && ngx_read_dir(&dir) == NGX_OK) {
        found = (ngx_de_name(&dir)[0] != '.');
    }

    if (ngx_close_dir(&dir) == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_dir_n " \"%V\" failed", &name);
    }

    return found;
}


char *
ngx_comet_ssl_password_file(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *clcf = conf;

    ngx_str_t  *value;

    if (clcf->upstream.ssl_passwords != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    clcf->upstream.ssl_passwords = ngx_ssl_read_password_file(cf, &value[1]);

    return clcf->upstream.ssl_passwords ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/*
 * nginx takes a TLS connection that just ends for one that was closed (it
 * sets SSL_OP_IGNORE_UNEXPECTED_EOF).  The difference is that after a
 * close_notify nothing more is read from the socket.
 */

ngx_uint_t
ngx_comet_tls_truncated(ngx_connection_t *c)
{
    return c->ssl && BIO_eof(SSL_get_rbio(c->ssl->connection));
}
