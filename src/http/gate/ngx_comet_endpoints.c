/*
 * What a request is for: its path in the one form that all read alike, the
 * endpoint, the method, and what the path names.
 */


#include "ngx_comet_endpoints.h"
#include "ngx_comet_glob.h"
#include "ngx_comet_models.h"
#include "ngx_comet_path.h"
#include "ngx_comet_patterns.h"
#include "ngx_comet_policy.h"
#include "ngx_comet_refuse.h"


#define NGX_COMET_HTTP_UPGRADE  426


static ngx_int_t ngx_comet_endpoints_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_endpoints_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static ngx_uint_t ngx_comet_endpoints_is_plain(ngx_http_request_t *r,
    const ngx_comet_endpoint_t *endpoint);
static ngx_int_t ngx_comet_endpoints_path(ngx_http_request_t *r,
    const ngx_comet_endpoint_t *endpoint);
static ngx_int_t ngx_comet_endpoints_opened(ngx_http_request_t *r);
static ngx_int_t ngx_comet_endpoints_unknown(ngx_http_request_t *r);
static ngx_int_t ngx_comet_endpoints_method(ngx_http_request_t *r,
    const ngx_comet_endpoint_t *endpoint);
static ngx_int_t ngx_comet_endpoints_named(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);


ngx_comet_part_t  ngx_comet_endpoints_part = {
    .create_loc_conf = ngx_comet_endpoints_create,
    .merge_loc_conf = ngx_comet_endpoints_merge
};


static ngx_int_t
ngx_comet_endpoints_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    lcf->endpoints = ngx_palloc(cf->pool, sizeof(ngx_comet_endpoints_conf_t));
    if (lcf->endpoints == NULL) {
        return NGX_ERROR;
    }

    lcf->endpoints->opened = NGX_CONF_UNSET_PTR;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_endpoints_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_conf_merge_ptr_value(conf->endpoints->opened,
                             prev->endpoints->opened, NULL);

    return NGX_OK;
}


char *
ngx_comet_endpoints(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_endpoints_conf_t *endpoints = conf;

    ngx_str_t   *value, *pattern;
    ngx_uint_t   i;

    if (endpoints->opened == NGX_CONF_UNSET_PTR) {
        endpoints->opened = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
        if (endpoints->opened == NULL) {
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

        pattern = ngx_array_push(endpoints->opened);
        if (pattern == NULL) {
            return NGX_CONF_ERROR;
        }

        *pattern = value[i];
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_comet_endpoints_check(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t                    rc, opened;
    const ngx_comet_endpoint_t  *endpoint, *alike;

    endpoint = ngx_comet_endpoint_find((char *) r->uri.data, r->uri.len);
    alike = endpoint ? endpoint
                     : ngx_comet_endpoint_alike((char *) r->uri.data,
                                                r->uri.len);

    if (!ngx_comet_endpoints_is_plain(r, endpoint)) {
        rc = ngx_comet_endpoints_path(r, alike);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    ctx->path = r->uri;
    opened = ngx_comet_endpoints_opened(r);

    /* what is named more closely goes before what is matched */

    if (opened != NGX_DECLINED
        && (alike == NULL || (alike->part && opened > (ngx_int_t) alike->head)))
    {
        return NGX_OK;
    }

    if (endpoint == NULL) {
        return ngx_comet_endpoints_unknown(r);
    }

    ctx->endpoint = endpoint;

    rc = ngx_comet_endpoints_method(r, endpoint);

    return (rc == NGX_OK) ? ngx_comet_endpoints_named(r, ctx) : rc;
}


ngx_uint_t
ngx_comet_endpoints_holds(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    return ctx->path.len == r->uri.len
           && ngx_memcmp(ctx->path.data, r->uri.data, r->uri.len) == 0;
}


/* a path of the table has nothing wrong in it, nor has it if sent as such */

static ngx_uint_t
ngx_comet_endpoints_is_plain(ngx_http_request_t *r,
    const ngx_comet_endpoint_t *endpoint)
{
    if (endpoint == NULL || endpoint->part) {
        return 0;
    }

    return r != r->main
           || (r->unparsed_uri.len == r->uri.len
               && ngx_memcmp(r->unparsed_uri.data, r->uri.data, r->uri.len)
                  == 0);
}


static ngx_int_t
ngx_comet_endpoints_path(ngx_http_request_t *r,
    const ngx_comet_endpoint_t *endpoint)
{
    int                 slash;
    const char         *wrong;
    ngx_comet_error_t   error;

    wrong = NULL;

    /* behind a rewrite too: what nginx made of it is another reading of it */

    if (r == r->main) {

        slash = (endpoint && endpoint->part && endpoint->part->slashes);

        wrong = ngx_comet_path_sent_wrong((char *) r->unparsed_uri.data,
                                          r->unparsed_uri.len, slash);
    }

    if (wrong == NULL) {
        wrong = ngx_comet_path_wrong((char *) r->uri.data, r->uri.len);
    }

    if (wrong == NULL) {
        return NGX_OK;
    }

    error = ngx_comet_error_of_status(NGX_HTTP_BAD_REQUEST);
    error.code = "invalid_path";

    return ngx_comet_refuse(r, error,
                            "The path has %s, and another reader could take "
                            "it for another path. Send the path as it is "
                            "documented.", wrong);
}


/* how much of the closest pattern is literal, or NGX_DECLINED */

static ngx_int_t
ngx_comet_endpoints_opened(ngx_http_request_t *r)
{
    size_t                 head;
    ngx_int_t              closest;
    ngx_str_t             *pattern;
    ngx_uint_t             i;
    ngx_comet_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    if (lcf->endpoints->opened == NULL) {
        return NGX_DECLINED;
    }

    closest = NGX_DECLINED;
    pattern = lcf->endpoints->opened->elts;

    for (i = 0; i < lcf->endpoints->opened->nelts; i++) {

        if (ngx_comet_glob_match((char *) pattern[i].data, pattern[i].len,
                                 (char *) r->uri.data, r->uri.len))
        {
            head = strcspn((char *) pattern[i].data, "*");
            closest = ngx_max(closest, (ngx_int_t) head);
        }
    }

    return closest;
}


/* a base URL without its version, or with two */

static ngx_int_t
ngx_comet_endpoints_unknown(ngx_http_request_t *r)
{
    u_char             *p;
    ngx_str_t           path;
    ngx_comet_error_t   error;

    static ngx_str_t  version = ngx_string("/v1");

    error = ngx_comet_error_of_status(NGX_HTTP_NOT_FOUND);

    path.len = version.len + r->uri.len;
    path.data = ngx_pnalloc(r->pool, path.len);
    if (path.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_cpymem(path.data, version.data, version.len);
    ngx_memcpy(p, r->uri.data, r->uri.len);

    if (ngx_comet_endpoint_find((char *) path.data, path.len)) {
        return ngx_comet_refuse(r, error,
                                "There is no endpoint \"%V %V\" here, but "
                                "there is %V: the base URL that the client "
                                "is given has to end in /v1.",
                                &r->method_name, &r->uri, &path);
    }

    path.len = r->uri.len - ngx_min(r->uri.len, version.len);
    path.data = r->uri.data + r->uri.len - path.len;

    if (ngx_strncmp(r->uri.data, "/v1/v1/", 7) == 0
        && ngx_comet_endpoint_find((char *) path.data, path.len))
    {
        return ngx_comet_refuse(r, error,
                                "There is no endpoint \"%V %V\" here, but "
                                "there is %V: the base URL that the client "
                                "is given has /v1 once.",
                                &r->method_name, &r->uri, &path);
    }

    return ngx_comet_refuse(r, error,
                            "There is no endpoint \"%V %V\" here. Known are "
                            "/v1/chat/completions, /v1/responses and "
                            "/v1/models.",
                            &r->method_name, &r->uri);
}


static ngx_int_t
ngx_comet_endpoints_method(ngx_http_request_t *r,
    const ngx_comet_endpoint_t *endpoint)
{
    unsigned   method;
    ngx_str_t  allow;

    static ngx_str_t  name = ngx_string("Allow");

    switch (r->method) {

    case NGX_HTTP_GET:
        method = NGX_COMET_GET;
        break;

    case NGX_HTTP_HEAD:
        method = NGX_COMET_HEAD;
        break;

    case NGX_HTTP_POST:
        method = NGX_COMET_POST;
        break;

    case NGX_HTTP_DELETE:
        method = NGX_COMET_DELETE;
        break;

    default:
        method = 0;
    }

    if (endpoint->methods & method) {
        return NGX_OK;
    }

    allow.data = (u_char *) endpoint->allow;
    allow.len = ngx_strlen(endpoint->allow);

    if (ngx_comet_header_add(r, &name, &allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_comet_refuse(r, ngx_comet_error_of_status(NGX_HTTP_NOT_ALLOWED),
                            "%V is not a method of %V, which takes %s.",
                            &r->method_name, &r->uri, endpoint->allow);
}


/* GET /v1/models/NAME: what may not be used is not there */

static ngx_int_t
ngx_comet_endpoints_named(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_str_t                    name;
    ngx_comet_error_t            error;
    const ngx_comet_endpoint_t  *endpoint;

    endpoint = ctx->endpoint;

    if (!ngx_comet_endpoint_part_is_right(endpoint, (char *) r->uri.data,
                                          r->uri.len))
    {
        error = ngx_comet_error_of_status(NGX_HTTP_BAD_REQUEST);
        error.code = "invalid_path";

        return ngx_comet_refuse(r, error,
                                "The path is \"%V\", but %s has letters, "
                                "digits and %s only.",
                                &r->uri, endpoint->part->name,
                                endpoint->part->more);
    }

    if (endpoint->part == NULL || !endpoint->part->model) {
        return NGX_OK;
    }

    name.len = r->uri.len - endpoint->head;
    name.data = r->uri.data + endpoint->head;

    if (ngx_comet_policy_admits(ctx->policy, (char *) name.data, name.len)) {
        rc = ngx_comet_models_route(r, ctx, &name);

        return rc == NGX_DECLINED ? NGX_OK : rc;
    }

    return ngx_comet_refuse(r, ngx_comet_error_of_status(NGX_HTTP_NOT_FOUND),
                            "There is no model \"%V\" here.", &name);
}


/*
 * Clients that try a WebSocket first go on by HTTP at once if they are told
 * so, and by nothing else; that tells nobody more than the documents do.
 */

ngx_int_t
ngx_comet_endpoints_upgrade(ngx_http_request_t *r)
{
    ngx_str_t                   *value;
    const ngx_comet_endpoint_t  *endpoint;

    static ngx_str_t  upgrade = ngx_string("Upgrade");
    static ngx_str_t  http = ngx_string("HTTP/1.1");
    static ngx_str_t  connection = ngx_string("Connection");

    if (r->method != NGX_HTTP_GET || r->headers_in.upgrade == NULL) {
        return NGX_OK;
    }

    endpoint = ngx_comet_endpoint_find((char *) r->uri.data, r->uri.len);
    value = &r->headers_in.upgrade->value;

    if (endpoint == NULL || !endpoint->socket
        || ngx_strlcasestrn(value->data, value->data + value->len,
                            (u_char *) "websocket", 9 - 1)
           == NULL)
    {
        return NGX_OK;
    }

    /* HTTP/2 has neither of them */

    if (r->http_version < NGX_HTTP_VERSION_20
        && (ngx_comet_header_add(r, &upgrade, &http) != NGX_OK
            || ngx_comet_header_add(r, &connection, &upgrade) != NGX_OK))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_comet_refuse(r,
                           ngx_comet_error_of_status(NGX_COMET_HTTP_UPGRADE),
                           "There is no WebSocket here: send a POST to %V.",
                           &r->uri);
}
