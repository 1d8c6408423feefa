#include "ngx_comet_http.h"


typedef struct {
    ngx_str_t   name;
    in_port_t   port;
} ngx_comet_scheme_t;


static ngx_comet_scheme_t *ngx_comet_url_scheme(ngx_str_t *url);
static void ngx_comet_target_set(ngx_comet_target_t *target, ngx_str_t *schema,
    ngx_url_t *url);
static size_t ngx_comet_pass_doubled(ngx_str_t *url);
static ngx_int_t ngx_comet_pass_eval(ngx_http_request_t *r,
    ngx_comet_loc_conf_t *clcf, ngx_comet_ctx_t *ctx);
static void ngx_comet_pass_abort(ngx_http_request_t *r);


static ngx_comet_scheme_t  ngx_comet_schemes[] = {
    { ngx_string("https://"), 443 },
    { ngx_string("http://"), 80 },
    { ngx_null_string, 0 }
};


ngx_int_t
ngx_comet_pass_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_comet_ctx_t       *ctx;
    ngx_http_upstream_t   *u;
    ngx_comet_loc_conf_t  *clcf;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    /* try_files may have changed the URI since */

    if (ctx == NULL || !ctx->gated || !ngx_comet_route_holds(r, ctx)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"comet_pass\" was reached past the gate");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_upstream_create(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    u = r->upstream;
    u->conf = &clcf->upstream;

    if (clcf->url_lengths == NULL) {
        ctx->target = &clcf->target;
        u->schema = clcf->target.schema;
        u->ssl = clcf->tls_needed;

    } else if (ngx_comet_pass_eval(r, clcf, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->host = ctx->target->host;

    if (clcf->host && ngx_http_complex_value(r, clcf->host, &ctx->host)
                      != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if ((clcf->host || clcf->url_lengths)
        && (!ngx_comet_pass_word(&ctx->host)
            || !ngx_comet_pass_word(&ctx->target->prefix)))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"comet_host\" or \"comet_pass\" evaluated to a "
                      "value with a space or a control character");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    u->output.tag = (ngx_buf_tag_t) &ngx_comet_module;
    u->accel = 1;

    /* no header of the answer changes this, so there is no pipe */

    u->buffering = 0;

    u->create_request = ngx_comet_create_request;
    u->reinit_request = ngx_comet_answer_reinit;
    u->abort_request = ngx_comet_pass_abort;
    u->finalize_request = ngx_comet_answer_finalize;

    ngx_comet_answer_init(r);

    rc = ngx_comet_body_read(r, ngx_http_upstream_init);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/*
 * The path of a request begins with /v1 and is put behind that of the URL, so
 * a URL that ends in /v1, or in a whole path of the API, is one too long.
 * How much of it is right, or zero.
 */

static size_t
ngx_comet_pass_doubled(ngx_str_t *url)
{
    size_t   len;
    u_char  *p, *last;

    last = url->data + url->len;

    while (last > url->data && last[-1] == '/') {
        last--;
    }

    for (p = url->data + 1; last - p >= 3; p++) {

        if (ngx_strncmp(p, "/v1", 3) != 0 || p[-1] == '/') {
            continue;
        }

        len = last - p;

        if (len == 3 || ngx_comet_endpoint_find((char *) p, len)) {
            return p - url->data;
        }
    }

    return 0;
}


/* what variables bring must not end its line in the request's head */

ngx_uint_t
ngx_comet_pass_word(ngx_str_t *value)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] <= ' ' || value->data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


static void
ngx_comet_pass_abort(ngx_http_request_t *r)
{
    /* nothing is held that the pool or the upstream does not release */
}


static ngx_comet_scheme_t *
ngx_comet_url_scheme(ngx_str_t *url)
{
    ngx_comet_scheme_t  *scheme;

    for (scheme = ngx_comet_schemes; scheme->name.len; scheme++) {
        if (url->len > scheme->name.len
            && ngx_strncasecmp(url->data, scheme->name.data, scheme->name.len)
               == 0)
        {
            return scheme;
        }
    }

    return NULL;
}


static void
ngx_comet_target_set(ngx_comet_target_t *target, ngx_str_t *schema,
    ngx_url_t *url)
{
    target->schema = *schema;

    if (url->family == AF_UNIX) {
        ngx_str_set(&target->host, "localhost");

    } else {
        target->host = url->host;

        if (!url->no_port && url->port != url->default_port) {
            target->host.len += 1 + url->port_text.len;
        }
    }

    target->prefix = url->uri;

    while (target->prefix.len
           && target->prefix.data[target->prefix.len - 1] == '/')
    {
        target->prefix.len--;
    }

    if (target->prefix.len == 0) {
        ngx_str_set(&target->prefix, "");
    }
}


static ngx_int_t
ngx_comet_pass_eval(ngx_http_request_t *r, ngx_comet_loc_conf_t *clcf,
    ngx_comet_ctx_t *ctx)
{
    ngx_str_t                       value;
    ngx_url_t                       url;
    ngx_comet_scheme_t             *scheme;
    ngx_http_upstream_t            *u;
    ngx_http_upstream_resolved_t   *resolved;

    if (ngx_http_script_run(r, &value, clcf->url_lengths->elts, 0,
                            clcf->url_values->elts)
        == NULL)
    {
        return NGX_ERROR;
    }

    scheme = ngx_comet_url_scheme(&value);

    if (scheme == NULL
        || ngx_strlchr(value.data, value.data + value.len, '?')
        || ngx_strlchr(value.data, value.data + value.len, '#'))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"comet_pass\" evaluated to \"%V\", which is not "
                      "https://HOST[:PORT][/PREFIX] or http://...", &value);
        return NGX_ERROR;
    }

    if (ngx_comet_pass_doubled(&value)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"comet_pass\" evaluated to \"%V\", which ends in a "
                      "path of the API: the path of the request is put behind "
                      "it", &value);
        return NGX_ERROR;
    }

    ngx_memzero(&url, sizeof(ngx_url_t));

    url.url.len = value.len - scheme->name.len;
    url.url.data = value.data + scheme->name.len;
    url.default_port = scheme->port;
    url.uri_part = 1;
    url.no_resolve = 1;

    if (ngx_parse_url(r->pool, &url) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "%s in \"comet_pass\" evaluated to \"%V\"",
                      url.err ? url.err : "error", &value);
        return NGX_ERROR;
    }

    u = r->upstream;

    u->schema = scheme->name;
    u->ssl = (scheme->port == 443);

    ctx->target = ngx_palloc(r->pool, sizeof(ngx_comet_target_t));
    resolved = ngx_pcalloc(r->pool, sizeof(ngx_http_upstream_resolved_t));

    if (ctx->target == NULL || resolved == NULL) {
        return NGX_ERROR;
    }

    ngx_comet_target_set(ctx->target, &scheme->name, &url);

    if (url.addrs) {
        resolved->sockaddr = url.addrs[0].sockaddr;
        resolved->socklen = url.addrs[0].socklen;
        resolved->name = url.addrs[0].name;
        resolved->naddrs = 1;
    }

    resolved->host = url.host;
    resolved->port = (in_port_t) (url.no_port ? scheme->port : url.port);
    resolved->no_port = url.no_port;

    u->resolved = resolved;

    return NGX_OK;
}


void
ngx_comet_pass_host(ngx_str_t *url, ngx_str_t *host)
{
    u_char              *p, *last;
    ngx_comet_scheme_t  *scheme;

    ngx_str_null(host);

    scheme = ngx_comet_url_scheme(url);

    if (scheme == NULL) {
        return;
    }

    last = url->data + url->len;
    host->data = url->data + scheme->name.len;

    for (p = host->data; p < last && *p != '/' && *p != ':'; p++) {
        if (*p == '$') {
            return;
        }
    }

    host->len = p - host->data;
}


static char *
ngx_comet_pass_compile(ngx_conf_t *cf, ngx_comet_loc_conf_t *clcf,
    ngx_str_t *url, ngx_uint_t variables)
{
    ngx_http_script_compile_t  sc;

    ngx_memzero(&sc, sizeof(ngx_http_script_compile_t));

    sc.cf = cf;
    sc.source = url;
    sc.lengths = &clcf->url_lengths;
    sc.values = &clcf->url_values;
    sc.variables = variables;
    sc.complete_lengths = 1;
    sc.complete_values = 1;

    if (ngx_http_script_compile(&sc) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    clcf->url = *url;
    clcf->tls_needed = (ngx_strncasecmp(url->data, (u_char *) "http://", 7)
                        != 0);

    return NGX_CONF_OK;
}


char *
ngx_comet_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *clcf = conf;

    ngx_str_t                 *value, *url, right;
    ngx_url_t                  u;
    ngx_uint_t                 variables;
    ngx_comet_scheme_t        *scheme;
    ngx_http_core_loc_conf_t  *core;

    if (clcf->pass) {
        return "is duplicate";
    }

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (core->handler) {
        return "cannot stand beside another handler of this location; "
               "give it a location of its own";
    }

    core->handler = ngx_comet_pass_handler;

    clcf->pass = 1;
    ngx_comet_conf_place(cf, &clcf->place);

    value = cf->args->elts;
    url = &value[1];

    right = *url;
    right.len = ngx_comet_pass_doubled(url);

    if (right.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URL \"%V\" in \"comet_pass\": the path "
                           "of the request, as in /v1/models, is put behind "
                           "it; write \"%V\"", url, &right);
        return NGX_CONF_ERROR;
    }

    variables = ngx_http_script_variables_count(url);

    if (variables) {
        return ngx_comet_pass_compile(cf, clcf, url, variables);
    }

    scheme = ngx_comet_url_scheme(url);

    if (scheme == NULL || !ngx_comet_pass_word(url)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URL \"%V\" in \"comet_pass\": write "
                           "https://HOST[:PORT][/PREFIX] or http://...", url);
        return NGX_CONF_ERROR;
    }

    if (ngx_strlchr(url->data, url->data + url->len, '?')
        || ngx_strlchr(url->data, url->data + url->len, '#'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URL \"%V\" in \"comet_pass\": it takes "
                           "no query; the client's own is sent on", url);
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url.len = url->len - scheme->name.len;
    u.url.data = url->data + scheme->name.len;
    u.default_port = scheme->port;
    u.uri_part = 1;
    u.no_resolve = 1;

    clcf->upstream.upstream = ngx_http_upstream_add(cf, &u, 0);
    if (clcf->upstream.upstream == NULL) {
        return NGX_CONF_ERROR;
    }

    clcf->tls_needed = (scheme->port == 443);

    ngx_comet_target_set(&clcf->target, &scheme->name, &u);

    return NGX_CONF_OK;
}
