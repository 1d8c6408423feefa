#include "ngx_comet_url.h"


static ngx_comet_scheme_t  ngx_comet_schemes[] = {
    { ngx_string("https://"), 443 },
    { ngx_string("http://"), 80 },
    { ngx_null_string, 0 }
};


ngx_comet_scheme_t *
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


void
ngx_comet_url_target(ngx_comet_target_t *target, ngx_str_t *schema,
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

    target->name = url->url;

    while (target->name.len
           && target->name.data[target->name.len - 1] == '/')
    {
        target->name.len--;
    }
}


size_t
ngx_comet_url_doubled(ngx_str_t *url)
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


ngx_uint_t
ngx_comet_url_is_word(ngx_str_t *value)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] <= ' ' || value->data[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


char *
ngx_comet_url_check(ngx_conf_t *cf, const char *directive, ngx_str_t *url)
{
    ngx_str_t  right;

    right = *url;
    right.len = ngx_comet_url_doubled(url);

    if (right.len == 0) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid URL \"%V\" in \"%s\": the path of the "
                       "request, as in /v1/models, is put behind it; write "
                       "\"%V\"", url, directive, &right);

    return NGX_CONF_ERROR;
}


char *
ngx_comet_url_parse(ngx_conf_t *cf, const char *directive, ngx_str_t *url,
    ngx_comet_url_t *parsed)
{
    char                *rv;
    ngx_url_t           *u;
    ngx_comet_scheme_t  *scheme;

    rv = ngx_comet_url_check(cf, directive, url);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    scheme = ngx_comet_url_scheme(url);

    if (scheme == NULL || !ngx_comet_url_is_word(url)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URL \"%V\" in \"%s\": write "
                           "https://HOST[:PORT][/PREFIX] or http://...", url,
                           directive);
        return NGX_CONF_ERROR;
    }

    if (ngx_strlchr(url->data, url->data + url->len, '?')
        || ngx_strlchr(url->data, url->data + url->len, '#'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URL \"%V\" in \"%s\": it takes no "
                           "query; the client's own is sent on", url,
                           directive);
        return NGX_CONF_ERROR;
    }

    u = ngx_pcalloc(cf->pool, sizeof(ngx_url_t));
    if (u == NULL) {
        return NGX_CONF_ERROR;
    }

    u->url.len = url->len - scheme->name.len;
    u->url.data = url->data + scheme->name.len;
    u->default_port = scheme->port;
    u->uri_part = 1;
    u->no_resolve = 1;

    if (ngx_parse_url(cf->pool, u) != NGX_OK) {
        if (u->err) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "%s in \"%s %V\"", u->err, directive, url);
        }

        return NGX_CONF_ERROR;
    }

    parsed->address = u;
    parsed->upstream = NULL;
    parsed->tls = (scheme->port == 443);

    ngx_comet_url_target(&parsed->target, &scheme->name, u);

    return NGX_CONF_OK;
}
