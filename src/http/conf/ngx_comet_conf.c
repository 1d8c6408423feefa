#include "ngx_comet_http.h"


#define NGX_COMET_BUFFER_MIN   1024
#define NGX_COMET_BODY_BUFFER  (1024 * 1024)


static char *ngx_comet_merge_pass(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_conf_tree(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *conf, ngx_comet_loc_conf_t *prev);
static void ngx_comet_warn_of_exposure(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *conf);


void *
ngx_comet_create_main_conf(ngx_conf_t *cf)
{
    ngx_comet_main_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_comet_main_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&conf->providers, cf->pool, 4,
                       sizeof(ngx_comet_provider_conf_t))
        != NGX_OK
        || ngx_array_init(&conf->tenants, cf->pool, 4,
                          sizeof(ngx_comet_tenant_t *))
           != NGX_OK
        || ngx_array_init(&conf->prices, cf->pool, 4,
                          sizeof(ngx_comet_price_t))
           != NGX_OK
        || ngx_array_init(&conf->limits, cf->pool, 4,
                          sizeof(ngx_comet_limits_t *))
           != NGX_OK
        || ngx_array_init(&conf->passes, cf->pool, 4,
                          sizeof(ngx_comet_loc_conf_t *))
           != NGX_OK
        || ngx_array_init(&conf->locations, cf->pool, 4,
                          sizeof(ngx_comet_loc_conf_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return conf;
}


void *
ngx_comet_create_loc_conf(ngx_conf_t *cf)
{
    ngx_comet_loc_conf_t      *conf;
    ngx_http_upstream_conf_t  *u;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_comet_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /* zeroed: what nginx offers and an unbuffered stream has no use for */

    u = &conf->upstream;

    u->local = NGX_CONF_UNSET_PTR;
    u->socket_keepalive = NGX_CONF_UNSET;
    u->next_upstream_tries = NGX_CONF_UNSET_UINT;
    u->next_upstream_timeout = NGX_CONF_UNSET_MSEC;
    u->connect_timeout = NGX_CONF_UNSET_MSEC;
    u->send_timeout = NGX_CONF_UNSET_MSEC;
    u->read_timeout = NGX_CONF_UNSET_MSEC;
    u->buffer_size = NGX_CONF_UNSET_SIZE;
    u->hide_headers = NGX_CONF_UNSET_PTR;
    u->pass_headers = NGX_CONF_UNSET_PTR;

    conf->forward_headers = NGX_CONF_UNSET_PTR;
    conf->endpoints = NGX_CONF_UNSET_PTR;

    ngx_comet_tls_create(conf);
    ngx_comet_policy_create(&conf->policy);
    ngx_comet_meter_create(&conf->meter);

    return conf;
}


char *
ngx_comet_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_comet_loc_conf_t *prev = parent;
    ngx_comet_loc_conf_t *conf = child;

    ngx_hash_init_t            hash;
    ngx_http_core_loc_conf_t  *core;
    ngx_http_upstream_conf_t  *u, *pu;

    u = &conf->upstream;
    pu = &prev->upstream;

    ngx_conf_merge_ptr_value(u->local, pu->local, NULL);
    ngx_conf_merge_value(u->socket_keepalive, pu->socket_keepalive, 0);
    ngx_conf_merge_uint_value(u->next_upstream_tries,
                              pu->next_upstream_tries, 0);
    ngx_conf_merge_msec_value(u->next_upstream_timeout,
                              pu->next_upstream_timeout, 0);
    ngx_conf_merge_msec_value(u->connect_timeout, pu->connect_timeout, 60000);
    ngx_conf_merge_msec_value(u->send_timeout, pu->send_timeout, 60000);

    /* the patience of the SDKs: a model may think for minutes */
    ngx_conf_merge_msec_value(u->read_timeout, pu->read_timeout, 600000);

    ngx_conf_merge_size_value(u->buffer_size, pu->buffer_size,
                              (size_t) ngx_pagesize);

    ngx_conf_merge_bitmask_value(u->next_upstream, pu->next_upstream,
                                 (NGX_CONF_BITMASK_SET
                                  |NGX_HTTP_UPSTREAM_FT_ERROR
                                  |NGX_HTTP_UPSTREAM_FT_TIMEOUT));

    if (u->next_upstream & NGX_HTTP_UPSTREAM_FT_OFF) {
        u->next_upstream = NGX_CONF_BITMASK_SET|NGX_HTTP_UPSTREAM_FT_OFF;
    }

    u->ignore_headers = NGX_CONF_BITMASK_SET
                        |NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT
                        |NGX_HTTP_UPSTREAM_IGN_XA_EXPIRES
                        |NGX_HTTP_UPSTREAM_IGN_EXPIRES
                        |NGX_HTTP_UPSTREAM_IGN_CACHE_CONTROL
                        |NGX_HTTP_UPSTREAM_IGN_SET_COOKIE
                        |NGX_HTTP_UPSTREAM_IGN_XA_LIMIT_RATE
                        |NGX_HTTP_UPSTREAM_IGN_XA_BUFFERING
                        |NGX_HTTP_UPSTREAM_IGN_XA_CHARSET
                        |NGX_HTTP_UPSTREAM_IGN_VARY;

    u->pass_request_headers = 1;
    u->pass_request_body = 1;
    ngx_str_set(&u->module, "comet");

    hash.max_size = 512;
    hash.bucket_size = ngx_align(64, ngx_cacheline_size);
    hash.name = "comet_hide_header";

    if (ngx_http_upstream_hide_headers_hash(cf, u, pu, ngx_comet_hide_headers,
                                            &hash)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->host == NULL) {
        conf->host = prev->host;
    }

    ngx_conf_merge_ptr_value(conf->forward_headers, prev->forward_headers,
                             NULL);
    ngx_conf_merge_ptr_value(conf->endpoints, prev->endpoints, NULL);

    if (!conf->tenant_from_set) {
        conf->tenant_from = prev->tenant_from;
        conf->anonymous = prev->anonymous;
        conf->tenant_from_set = prev->tenant_from_set;
        conf->default_name = prev->default_name;
        conf->default_place = prev->default_place;
    }

    if (ngx_comet_limits_place(cf, &conf->policy) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_comet_policy_merge(&conf->policy, &prev->policy);
    ngx_comet_meter_merge(&conf->meter, &prev->meter);

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* "if" and "limit_except" are locations within the location */

    if (core->noname && !conf->pass && prev->pass && core->handler == NULL) {
        conf->pass = 1;
        conf->inherited = 1;
        conf->place = prev->place;
        conf->tls_needed = prev->tls_needed;
        conf->target = prev->target;
        conf->url_lengths = prev->url_lengths;
        conf->url_values = prev->url_values;
        u->upstream = pu->upstream;

        core->handler = ngx_comet_pass_handler;
    }

    if (ngx_comet_tls_merge(cf, conf, prev) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_comet_metrics_merge(cf, conf, prev) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_comet_conf_tree(cf, conf, prev) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return conf->pass ? ngx_comet_merge_pass(cf, conf) : NGX_CONF_OK;
}


/* what was said here is used where a comet_pass inherits it */

static ngx_int_t
ngx_comet_conf_tree(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf,
    ngx_comet_loc_conf_t *prev)
{
    ngx_comet_loc_conf_t   **location;
    ngx_comet_main_conf_t   *cmcf;

    conf->parent = prev;
    conf->loc_conf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;

    if (conf->said.len) {
        cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

        location = ngx_array_push(&cmcf->locations);
        if (location == NULL) {
            return NGX_ERROR;
        }

        *location = conf;
    }

    if (conf->pass) {
        for ( /* void */ ; conf && !conf->used; conf = conf->parent) {
            conf->used = 1;
        }
    }

    return NGX_OK;
}


static char *
ngx_comet_merge_pass(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf)
{
    ngx_comet_loc_conf_t      **pass;
    ngx_comet_main_conf_t      *cmcf;
    ngx_http_core_loc_conf_t   *core;

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (core->handler != ngx_comet_pass_handler) {
        ngx_comet_conf_error(cf, &conf->place,
                             "\"comet_pass\" cannot stand beside another "
                             "handler of this location; give it a location "
                             "of its own");
        return NGX_CONF_ERROR;
    }

    if (conf->upstream.buffer_size < NGX_COMET_BUFFER_MIN) {
        ngx_comet_conf_error(cf, &conf->place,
                             "\"comet_buffer_size\" must be at least %d "
                             "bytes to hold the head of an answer",
                             NGX_COMET_BUFFER_MIN);
        return NGX_CONF_ERROR;
    }

    ngx_comet_warn_of_exposure(cf, conf);

    /* an ordinary prompt stays in memory; nginx's own default is 16k */

    if (core->client_body_buffer_size == (size_t) 2 * ngx_pagesize) {
        core->client_body_buffer_size = NGX_COMET_BODY_BUFFER;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    pass = ngx_array_push(&cmcf->passes);
    if (pass == NULL) {
        return NGX_CONF_ERROR;
    }

    *pass = conf;

    return NGX_CONF_OK;
}


/* the key travels: say so where others could read it on its way */

static void
ngx_comet_warn_of_exposure(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf)
{
    ngx_str_t                     *host;
    ngx_http_upstream_srv_conf_t  *uscf;

    if (conf->inherited) {
        return;
    }

    if (conf->tls_needed && !conf->upstream.ssl_verify) {
        ngx_comet_conf_warn(cf, &conf->place,
                            "with \"comet_ssl_verify off\" the key goes to "
                            "whoever answers,");
    }

    uscf = conf->upstream.upstream;
    host = &conf->target.host;

    if (conf->tls_needed || uscf == NULL
        || (uscf->flags & NGX_HTTP_UPSTREAM_CREATE)
        || (host->len >= 4 && ngx_strncmp(host->data, "127.", 4) == 0)
        || (host->len >= 5 && ngx_strncmp(host->data, "[::1]", 5) == 0)
        || (host->len >= 9 && ngx_strncmp(host->data, "localhost", 9) == 0))
    {
        return;
    }

    ngx_comet_conf_warn(cf, &conf->place,
                        "the key goes to \"%V\" in clear: write https://...,",
                        host);
}


ngx_uint_t
ngx_comet_header_is_name(ngx_str_t *name)
{
    size_t  i;

    for (i = 0; i < name->len; i++) {
        if (!isalnum(name->data[i]) && !ngx_strchr("-_", name->data[i])) {
            return 0;
        }
    }

    return name->len != 0;
}


char *
ngx_comet_forward_header(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *clcf = conf;

    ngx_str_t   *value, *name;
    ngx_uint_t   i;

    if (clcf->forward_headers == NGX_CONF_UNSET_PTR) {
        clcf->forward_headers = ngx_array_create(cf->pool, 4,
                                                 sizeof(ngx_str_t));
        if (clcf->forward_headers == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        name = ngx_array_push(clcf->forward_headers);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        *name = value[i];
        ngx_strlow(name->data, name->data, name->len);

        if (!ngx_comet_header_is_name(name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid header name \"%V\" in "
                               "\"comet_forward_header\"", name);
            return NGX_CONF_ERROR;
        }

        if (ngx_comet_header_is_secret(name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the header \"%V\" is never forwarded: "
                               "the client's credentials stay here and the "
                               "module writes its own framing", name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_comet_endpoints(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *clcf = conf;

    ngx_str_t   *value, *pattern;
    ngx_uint_t   i;

    if (clcf->endpoints == NGX_CONF_UNSET_PTR) {
        clcf->endpoints = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
        if (clcf->endpoints == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len == 0 || value[i].data[0] != '/'
            || ngx_comet_pattern_alien(&value[i]))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid path \"%V\" in \"comet_endpoints\": "
                               "write it as in /v1/embeddings or /v1/images/*, "
                               "and paths apart", &value[i]);
            return NGX_CONF_ERROR;
        }

        pattern = ngx_array_push(clcf->endpoints);
        if (pattern == NULL) {
            return NGX_CONF_ERROR;
        }

        *pattern = value[i];
    }

    return NGX_CONF_OK;
}


void
ngx_comet_conf_place(ngx_conf_t *cf, ngx_comet_place_t *place)
{
    place->file = cf->conf_file->file.name;
    place->line = cf->conf_file->line;
}


static void
ngx_comet_conf_log(ngx_uint_t level, ngx_conf_t *cf, ngx_comet_place_t *place,
    const char *fmt, va_list args)
{
    u_char  *last, text[NGX_MAX_CONF_ERRSTR];

    last = ngx_vslprintf(text, text + NGX_MAX_CONF_ERRSTR, fmt, args);

    ngx_log_error(level, cf->log, 0, "%*s in %V:%ui",
                  (size_t) (last - text), text, &place->file, place->line);
}


/* as ngx_conf_log_error(), of a directive that was read before */

void ngx_cdecl
ngx_comet_conf_error(ngx_conf_t *cf, ngx_comet_place_t *place,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    ngx_comet_conf_log(NGX_LOG_EMERG, cf, place, fmt, args);
    va_end(args);
}


void ngx_cdecl
ngx_comet_conf_warn(ngx_conf_t *cf, ngx_comet_place_t *place,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    ngx_comet_conf_log(NGX_LOG_WARN, cf, place, fmt, args);
    va_end(args);
}
