/*
 * comet_pass: where a location leads to, and the content handler that hands
 * a request to nginx's upstream.
 */


#include "ngx_comet_pass.h"
#include "ngx_comet_abort.h"
#include "ngx_comet_answer.h"
#include "ngx_comet_attempt.h"
#include "ngx_comet_body.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_endpoints.h"
#include "ngx_comet_held.h"
#include "ngx_comet_peers.h"
#include "ngx_comet_request.h"
#include "ngx_comet_retry.h"
#include "ngx_comet_route.h"
#include "ngx_comet_tenant.h"


/* what the parts of this wing keep of a request */

typedef struct {
    ngx_comet_sending_t  sending;
    ngx_comet_answer_t   answer;
    ngx_comet_abort_t    abort;
    ngx_comet_attempt_t  attempt;
    ngx_comet_retry_t    retry;
    ngx_comet_held_t     held;
} ngx_comet_passed_t;


static ngx_int_t ngx_comet_pass_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_pass_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_pass_check(ngx_conf_t *cf);
static ngx_int_t ngx_comet_pass_targets(ngx_conf_t *cf, ngx_array_t *routes);
static void ngx_comet_pass_inherit(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_pass_eval(ngx_http_request_t *r,
    ngx_comet_pass_conf_t *pass, ngx_comet_sending_t *sending);
static ngx_http_upstream_srv_conf_t *ngx_comet_pass_block(
    ngx_http_request_t *r, ngx_http_upstream_resolved_t *resolved);
static ngx_int_t ngx_comet_pass_make(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static void ngx_comet_pass_abort(ngx_http_request_t *r);


static ngx_conf_bitmask_t  ngx_comet_next_upstream_masks[] = {
    { ngx_string("error"), NGX_HTTP_UPSTREAM_FT_ERROR },
    { ngx_string("timeout"), NGX_HTTP_UPSTREAM_FT_TIMEOUT },
    { ngx_string("invalid_header"), NGX_HTTP_UPSTREAM_FT_INVALID_HEADER },
    { ngx_string("non_idempotent"), NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT },
    { ngx_string("http_500"), NGX_HTTP_UPSTREAM_FT_HTTP_500 },
    { ngx_string("http_502"), NGX_HTTP_UPSTREAM_FT_HTTP_502 },
    { ngx_string("http_503"), NGX_HTTP_UPSTREAM_FT_HTTP_503 },
    { ngx_string("http_504"), NGX_HTTP_UPSTREAM_FT_HTTP_504 },
    { ngx_string("http_403"), NGX_HTTP_UPSTREAM_FT_HTTP_403 },
    { ngx_string("http_404"), NGX_HTTP_UPSTREAM_FT_HTTP_404 },
    { ngx_string("http_429"), NGX_HTTP_UPSTREAM_FT_HTTP_429 },
    { ngx_string("off"), NGX_HTTP_UPSTREAM_FT_OFF },
    { ngx_null_string, 0 }
};


ngx_comet_setter_t  ngx_comet_takes_next_upstream = {
    ngx_conf_set_bitmask_slot, NGX_COMET_TAKES_WORD,
    ngx_comet_next_upstream_masks, 0
};


ngx_comet_part_t  ngx_comet_pass_part = {
    .create_loc_conf = ngx_comet_pass_create,
    .merge_loc_conf = ngx_comet_pass_merge,
    .check = ngx_comet_pass_check
};


static ngx_int_t
ngx_comet_pass_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    ngx_http_upstream_conf_t  *u;

    lcf->pass = ngx_pcalloc(cf->pool, sizeof(ngx_comet_pass_conf_t));
    if (lcf->pass == NULL) {
        return NGX_ERROR;
    }

    /* zeroed: what nginx offers and an unbuffered stream has no use for */

    u = &lcf->pass->upstream;

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

    return NGX_OK;
}


static ngx_int_t
ngx_comet_pass_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_hash_init_t            hash;
    ngx_http_upstream_conf_t  *u, *pu;

    u = &conf->pass->upstream;
    pu = &prev->pass->upstream;

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

    u->upstream = &ngx_comet_attempt_peers;
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
        return NGX_ERROR;
    }

    if (conf->pass->host == NULL) {
        conf->pass->host = prev->pass->host;
    }

    if (conf->pass->address) {
        conf->pass->peers = ngx_comet_peers_upstream(cf, conf->pass->address,
                                                     &conf->place);
        if (conf->pass->peers == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_comet_pass_inherit(cf, prev, conf);

    return NGX_OK;
}


/* where the targets of routes lead to */

static ngx_int_t
ngx_comet_pass_check(ngx_conf_t *cf)
{
    ngx_uint_t               i;
    ngx_comet_tenant_t     **tenant;
    ngx_comet_main_conf_t   *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    tenant = mcf->tenants->list.elts;

    for (i = 0; i < mcf->tenants->list.nelts; i++) {
        if (ngx_comet_pass_targets(cf, tenant[i]->policy.routes) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_comet_pass_targets(cf, mcf->routes);
}


static ngx_int_t
ngx_comet_pass_targets(ngx_conf_t *cf, ngx_array_t *routes)
{
    ngx_uint_t                  i, k;
    ngx_comet_url_t            *pass;
    ngx_comet_route_t         **route;
    ngx_comet_route_target_t   *target;

    if (routes == NULL || routes == NGX_CONF_UNSET_PTR) {
        return NGX_OK;
    }

    route = routes->elts;

    for (i = 0; i < routes->nelts; i++) {
        target = route[i]->targets.elts;

        for (k = 0; k < route[i]->targets.nelts; k++) {

            pass = target[k].pass;

            if (pass == NULL) {
                continue;
            }

            pass->upstream = ngx_comet_peers_upstream(cf, pass->address,
                                                      &route[i]->place);
            if (pass->upstream == NULL) {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* "if" and "limit_except" are locations within the location */

static void
ngx_comet_pass_inherit(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_comet_pass_conf_t     *pass, *around;
    ngx_http_core_loc_conf_t  *core;

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (!core->noname || conf->passing || !prev->passing || core->handler) {
        return;
    }

    conf->passing = 1;
    conf->inherited = 1;
    conf->place = prev->place;

    pass = conf->pass;
    around = prev->pass;

    pass->tls_needed = around->tls_needed;
    pass->target = around->target;
    pass->url_lengths = around->url_lengths;
    pass->url_values = around->url_values;
    pass->peers = around->peers;

    core->handler = ngx_comet_pass_handler;
}


ngx_int_t
ngx_comet_pass_handler(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    ngx_comet_ctx_t     *ctx;
    ngx_comet_passed_t  *passed;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    /* try_files may have changed the URI since */

    if (ctx == NULL || !ctx->gated || !ngx_comet_endpoints_holds(r, ctx)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"comet_pass\" was reached past the gate");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    passed = ngx_pcalloc(r->pool, sizeof(ngx_comet_passed_t));
    if (passed == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->sending = &passed->sending;
    ctx->answer = &passed->answer;
    ctx->abort = &passed->abort;
    ctx->attempt = &passed->attempt;
    ctx->retry = &passed->retry;
    ctx->held = &passed->held;

    ctx->attempt->make = ngx_comet_pass_make;
    ngx_str_set(&ctx->sending->idempotency, "");

    rc = ngx_comet_body_read(r, ngx_comet_retry_first);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/* an upstream for an attempt */

static ngx_int_t
ngx_comet_pass_make(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_url_t        *url;
    ngx_comet_sending_t    *sending;
    ngx_http_upstream_t    *u;
    ngx_comet_loc_conf_t   *lcf;
    ngx_comet_pass_conf_t  *pass;

    if (ngx_http_upstream_create(r) != NGX_OK) {
        return NGX_ERROR;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    pass = lcf->pass;
    sending = ctx->sending;

    u = r->upstream;
    u->conf = &pass->upstream;

    url = ctx->target ? ctx->target->pass : NULL;

    if (url) {
        sending->target = &url->target;
        sending->peers = url->upstream;
        u->ssl = url->tls;

    } else if (pass->url_lengths == NULL) {
        sending->target = &pass->target;
        sending->peers = pass->peers;
        u->ssl = pass->tls_needed;

    } else if (ngx_comet_pass_eval(r, pass, sending) != NGX_OK) {
        return NGX_ERROR;
    }

    u->schema = sending->target->schema;
    sending->host = sending->target->host;
    ctx->upstream = sending->target->name;

    if (pass->host && url == NULL
        && ngx_http_complex_value(r, pass->host, &sending->host) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((pass->host || pass->url_lengths)
        && (!ngx_comet_url_is_word(&sending->host)
            || !ngx_comet_url_is_word(&sending->target->prefix)))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"comet_host\" or \"comet_pass\" evaluated to a "
                      "value with a space or a control character");
        return NGX_ERROR;
    }

    u->output.tag = (ngx_buf_tag_t) &ngx_comet_module;
    u->accel = 1;

    /* no header of the answer changes this, so there is no pipe */

    u->buffering = 0;

    u->create_request = ngx_comet_create_request;
    u->reinit_request = ngx_comet_answer_reinit;
    u->abort_request = ngx_comet_pass_abort;
    u->finalize_request = ngx_comet_answer_finalize;

    ngx_comet_answer_init(r, ctx);

    return NGX_OK;
}


static void
ngx_comet_pass_abort(ngx_http_request_t *r)
{
    /* nothing is held that the pool or the upstream does not release */
}


static ngx_int_t
ngx_comet_pass_eval(ngx_http_request_t *r, ngx_comet_pass_conf_t *pass,
    ngx_comet_sending_t *sending)
{
    ngx_str_t                       value;
    ngx_url_t                       url;
    ngx_comet_scheme_t             *scheme;
    ngx_http_upstream_resolved_t   *resolved;

    if (ngx_http_script_run(r, &value, pass->url_lengths->elts, 0,
                            pass->url_values->elts)
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

    if (ngx_comet_url_doubled(&value)) {
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

    r->upstream->ssl = (scheme->port == 443);

    sending->target = ngx_palloc(r->pool, sizeof(ngx_comet_target_t));
    resolved = ngx_pcalloc(r->pool, sizeof(ngx_http_upstream_resolved_t));

    if (sending->target == NULL || resolved == NULL) {
        return NGX_ERROR;
    }

    ngx_comet_url_target(sending->target, &scheme->name, &url);

    if (url.addrs) {
        resolved->sockaddr = url.addrs[0].sockaddr;
        resolved->socklen = url.addrs[0].socklen;
        resolved->name = url.addrs[0].name;
        resolved->naddrs = 1;
    }

    resolved->host = url.host;
    resolved->port = (in_port_t) (url.no_port ? scheme->port : url.port);
    resolved->no_port = url.no_port;

    sending->resolved = resolved;
    sending->peers = ngx_comet_pass_block(r, resolved);

    return NGX_OK;
}


/* the upstream block of this name, as nginx finds it; or NULL */

static ngx_http_upstream_srv_conf_t *
ngx_comet_pass_block(ngx_http_request_t *r,
    ngx_http_upstream_resolved_t *resolved)
{
    ngx_uint_t                       i;
    ngx_http_upstream_srv_conf_t   **uscfp;
    ngx_http_upstream_main_conf_t   *umcf;

    umcf = ngx_http_get_module_main_conf(r, ngx_http_upstream_module);

    uscfp = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {
        if (uscfp[i]->host.len == resolved->host.len
            && ((uscfp[i]->port == 0 && resolved->no_port)
                || uscfp[i]->port == resolved->port)
            && ngx_strncasecmp(uscfp[i]->host.data, resolved->host.data,
                               resolved->host.len)
               == 0)
        {
            return uscfp[i];
        }
    }

    return NULL;
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
ngx_comet_pass_compile(ngx_conf_t *cf, ngx_comet_pass_conf_t *pass,
    ngx_str_t *url, ngx_uint_t variables)
{
    ngx_http_script_compile_t  sc;

    ngx_memzero(&sc, sizeof(ngx_http_script_compile_t));

    sc.cf = cf;
    sc.source = url;
    sc.lengths = &pass->url_lengths;
    sc.values = &pass->url_values;
    sc.variables = variables;
    sc.complete_lengths = 1;
    sc.complete_values = 1;

    if (ngx_http_script_compile(&sc) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    pass->url = *url;
    pass->tls_needed = (ngx_strncasecmp(url->data, (u_char *) "http://", 7)
                        != 0);

    return NGX_CONF_OK;
}


char *
ngx_comet_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *lcf = conf;

    char                      *rv;
    ngx_str_t                 *value, *url;
    ngx_uint_t                 variables;
    ngx_comet_url_t            parsed;
    ngx_comet_pass_conf_t     *pass;
    ngx_http_core_loc_conf_t  *core;

    if (lcf->passing) {
        return "is duplicate";
    }

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (core->handler) {
        return "cannot stand beside another handler of this location; "
               "give it a location of its own";
    }

    core->handler = ngx_comet_pass_handler;

    lcf->passing = 1;
    ngx_comet_conf_place(cf, &lcf->place);

    pass = lcf->pass;

    value = cf->args->elts;
    url = &value[1];

    variables = ngx_http_script_variables_count(url);

    if (variables) {
        rv = ngx_comet_url_check(cf, "comet_pass", url);

        return rv == NGX_CONF_OK
               ? ngx_comet_pass_compile(cf, pass, url, variables) : rv;
    }

    rv = ngx_comet_url_parse(cf, "comet_pass", url, &parsed);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    pass->target = parsed.target;
    pass->address = parsed.address;
    pass->tls_needed = parsed.tls;

    return NGX_CONF_OK;
}
