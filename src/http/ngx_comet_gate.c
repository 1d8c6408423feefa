#include "ngx_comet_http.h"

#include "ngx_comet_glob.h"


static ngx_uint_t ngx_comet_gate_opened(ngx_http_request_t *r,
    ngx_comet_loc_conf_t *clcf);
static ngx_int_t ngx_comet_gate_method(ngx_http_request_t *r,
    const ngx_comet_endpoint_t *endpoint);


ngx_int_t
ngx_comet_gate(ngx_http_request_t *r)
{
    ngx_comet_loc_conf_t        *clcf;
    const ngx_comet_endpoint_t  *endpoint;

    endpoint = ngx_comet_endpoint_find((char *) r->uri.data, r->uri.len);

    if (endpoint) {
        return ngx_comet_gate_method(r, endpoint);
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    if (ngx_comet_gate_opened(r, clcf)) {
        return NGX_OK;
    }

    return ngx_comet_refuse(r, ngx_comet_error_of_status(NGX_HTTP_NOT_FOUND),
                            "There is no endpoint \"%V %V\" here. Known are "
                            "/v1/chat/completions, /v1/responses and "
                            "/v1/models.",
                            &r->method_name, &r->uri);
}


static ngx_int_t
ngx_comet_gate_method(ngx_http_request_t *r,
    const ngx_comet_endpoint_t *endpoint)
{
    unsigned          method;
    ngx_table_elt_t  *h;

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

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    h->hash = 1;
    ngx_comet_unlinked(h);
    ngx_str_set(&h->key, "Allow");
    h->value.data = (u_char *) endpoint->allow;
    h->value.len = ngx_strlen(endpoint->allow);

    return ngx_comet_refuse(r, ngx_comet_error_of_status(NGX_HTTP_NOT_ALLOWED),
                            "%V is not a method of %V, which takes %s.",
                            &r->method_name, &r->uri, endpoint->allow);
}


static ngx_uint_t
ngx_comet_gate_opened(ngx_http_request_t *r, ngx_comet_loc_conf_t *clcf)
{
    ngx_uint_t   i;
    ngx_str_t   *pattern;

    if (clcf->endpoints == NULL) {
        return 0;
    }

    pattern = clcf->endpoints->elts;

    for (i = 0; i < clcf->endpoints->nelts; i++) {
        if (ngx_comet_glob_match((char *) pattern[i].data, pattern[i].len,
                                 (char *) r->uri.data, r->uri.len))
        {
            return 1;
        }
    }

    return 0;
}
