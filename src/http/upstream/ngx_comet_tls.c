#include "ngx_comet_tls.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_pass.h"


static ngx_int_t ngx_comet_tls_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_tls_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_tls_setup(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_tls_certificate(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_tls_authorities(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *conf);
static ngx_uint_t ngx_comet_tls_system_has_authorities(ngx_conf_t *cf);


static ngx_conf_bitmask_t  ngx_comet_ssl_protocols[] = {
    { ngx_string("TLSv1"), NGX_SSL_TLSv1 },
    { ngx_string("TLSv1.1"), NGX_SSL_TLSv1_1 },
    { ngx_string("TLSv1.2"), NGX_SSL_TLSv1_2 },
    { ngx_string("TLSv1.3"), NGX_SSL_TLSv1_3 },
    { ngx_null_string, 0 }
};


ngx_comet_setter_t  ngx_comet_takes_protocols = {
    ngx_conf_set_bitmask_slot, NGX_COMET_TAKES_WORD, ngx_comet_ssl_protocols, 0
};


ngx_comet_part_t  ngx_comet_tls_part = {
    .create_loc_conf = ngx_comet_tls_create,
    .merge_loc_conf = ngx_comet_tls_merge
};


static ngx_int_t
ngx_comet_tls_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    ngx_http_upstream_conf_t  *u;

    lcf->tls = ngx_pcalloc(cf->pool, sizeof(ngx_comet_tls_conf_t));
    if (lcf->tls == NULL) {
        return NGX_ERROR;
    }

    lcf->tls->verify_depth = NGX_CONF_UNSET_UINT;
    lcf->tls->conf_commands = NGX_CONF_UNSET_PTR;

    u = &lcf->pass->upstream;

    u->ssl_session_reuse = NGX_CONF_UNSET;
    u->ssl_server_name = NGX_CONF_UNSET;
    u->ssl_verify = NGX_CONF_UNSET;
    u->ssl_certificate = NGX_CONF_UNSET_PTR;
    u->ssl_certificate_key = NGX_CONF_UNSET_PTR;
    u->ssl_passwords = NGX_CONF_UNSET_PTR;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_tls_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_comet_tls_conf_t      *tls, *around;
    ngx_comet_main_conf_t     *mcf;
    ngx_http_upstream_conf_t  *u, *pu;

    tls = conf->tls;
    around = prev->tls;

    ngx_conf_merge_bitmask_value(tls->protocols, around->protocols,
                                 (NGX_CONF_BITMASK_SET
                                  |NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3));
    ngx_conf_merge_str_value(tls->ciphers, around->ciphers, "DEFAULT");
    ngx_conf_merge_uint_value(tls->verify_depth, around->verify_depth, 4);
    ngx_conf_merge_str_value(tls->trusted_certificate,
                             around->trusted_certificate, "");
    ngx_conf_merge_str_value(tls->crl, around->crl, "");
    ngx_conf_merge_ptr_value(tls->conf_commands, around->conf_commands, NULL);

    if (tls->name == NULL) {
        tls->name = around->name;
    }

    u = &conf->pass->upstream;
    pu = &prev->pass->upstream;

    ngx_conf_merge_value(u->ssl_session_reuse, pu->ssl_session_reuse, 1);
    ngx_conf_merge_value(u->ssl_server_name, pu->ssl_server_name, 1);
    ngx_conf_merge_value(u->ssl_verify, pu->ssl_verify, 1);
    ngx_conf_merge_ptr_value(u->ssl_certificate, pu->ssl_certificate, NULL);
    ngx_conf_merge_ptr_value(u->ssl_certificate_key, pu->ssl_certificate_key,
                             NULL);
    ngx_conf_merge_ptr_value(u->ssl_passwords, pu->ssl_passwords, NULL);

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    if (!conf->pass->tls_needed && !(conf->passing && mcf->tls)) {
        return NGX_OK;
    }

    /* the name to ask for and to verify is the one in Host */

    u->ssl_name = tls->name ? tls->name : conf->pass->host;

    return ngx_comet_tls_setup(cf, conf);
}


static ngx_int_t
ngx_comet_tls_setup(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf)
{
    ngx_ssl_t                 *ssl;
    ngx_pool_cleanup_t        *cln;
    ngx_http_upstream_conf_t  *u;

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NGX_ERROR;
    }

    u = &conf->pass->upstream;

    ssl->log = cf->log;
    u->ssl = ssl;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    if (ngx_ssl_create(ssl, conf->tls->protocols, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (ngx_ssl_ciphers(cf, ssl, &conf->tls->ciphers, 0) != NGX_OK
        || ngx_comet_tls_certificate(cf, conf) != NGX_OK
        || ngx_comet_tls_authorities(cf, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_ssl_client_session_cache(cf, ssl, u->ssl_session_reuse) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_ssl_conf_commands(cf, ssl, conf->tls->conf_commands);
}


static ngx_int_t
ngx_comet_tls_certificate(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf)
{
    ngx_http_complex_value_t  *certificate, *key;
    ngx_http_upstream_conf_t  *u;

    u = &conf->pass->upstream;

    certificate = u->ssl_certificate;
    key = u->ssl_certificate_key;

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
        return ngx_ssl_certificate(cf, u->ssl, &certificate->value,
                                   &key->value, u->ssl_passwords);
    }

    u->ssl_passwords = ngx_ssl_preserve_passwords(cf, u->ssl_passwords);

    return u->ssl_passwords ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_comet_tls_authorities(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf)
{
    ngx_ssl_t             *ssl;
    ngx_comet_tls_conf_t  *tls;

    if (!conf->pass->upstream.ssl_verify) {
        return NGX_OK;
    }

    tls = conf->tls;
    ssl = conf->pass->upstream.ssl;

    if (tls->trusted_certificate.len) {

        if (ngx_ssl_trusted_certificate(cf, ssl, &tls->trusted_certificate,
                                        (ngx_int_t) tls->verify_depth)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_ssl_crl(cf, ssl, &tls->crl);
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

    SSL_CTX_set_verify_depth(ssl->ctx, (int) tls->verify_depth);

    return ngx_ssl_crl(cf, ssl, &tls->crl);
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
    ngx_comet_pass_conf_t *pass = conf;

    ngx_str_t  *value;

    if (pass->upstream.ssl_passwords != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    pass->upstream.ssl_passwords = ngx_ssl_read_password_file(cf, &value[1]);

    return pass->upstream.ssl_passwords ? NGX_CONF_OK : NGX_CONF_ERROR;
}
