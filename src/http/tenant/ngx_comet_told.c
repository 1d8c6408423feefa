/* headers that tell a client of its limits */


#include "ngx_comet_told.h"
#include "ngx_comet_admit.h"


typedef struct {
    ngx_str_t                 limit;
    ngx_str_t                 remaining;
    ngx_str_t                 reset;
} ngx_comet_told_t;


static ngx_int_t ngx_comet_told_init(ngx_conf_t *cf);
static ngx_int_t ngx_comet_told_header_filter(ngx_http_request_t *r);


/* by unit; where there are none, clients are not told */

static const ngx_comet_told_t  ngx_comet_told[NGX_COMET_UNITS] = {
    [NGX_COMET_UNIT_REQUEST] = {
        ngx_string("x-ratelimit-limit-requests"),
        ngx_string("x-ratelimit-remaining-requests"),
        ngx_string("x-ratelimit-reset-requests") },

    [NGX_COMET_UNIT_TOKEN] = {
        ngx_string("x-ratelimit-limit-tokens"),
        ngx_string("x-ratelimit-remaining-tokens"),
        ngx_string("x-ratelimit-reset-tokens") },
};


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


ngx_comet_part_t  ngx_comet_told_part = {
    .postconfiguration = ngx_comet_told_init
};


static ngx_int_t
ngx_comet_told_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_comet_told_header_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_told_quota(ngx_http_request_t *r, ngx_comet_quota_t *quota,
    const ngx_comet_told_t *told)
{
    ngx_str_t  remaining, reset;

    if (quota->conf == NULL || told->limit.len == 0) {
        return NGX_OK;
    }

    remaining.data = ngx_pnalloc(r->pool, NGX_COMET_DIGITS_LEN
                                          + NGX_COMET_DURATION_LEN);
    if (remaining.data == NULL) {
        return NGX_ERROR;
    }

    remaining.len = ngx_comet_digits((char *) remaining.data, quota->left);

    reset.data = remaining.data + remaining.len;
    reset.len = ngx_comet_duration((char *) reset.data,
                                   ngx_comet_admit_reset(quota));

    if (ngx_comet_header_add(r, &told->limit, &quota->conf->told)
        != NGX_OK
        || ngx_comet_header_add(r, &told->remaining, &remaining) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_comet_header_add(r, &told->reset, &reset);
}


static ngx_int_t
ngx_comet_told_number(ngx_http_request_t *r, const ngx_str_t *name,
    uint64_t number)
{
    ngx_str_t  value;

    value.data = ngx_pnalloc(r->pool, NGX_COMET_DIGITS_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_comet_digits((char *) value.data, number);

    return ngx_comet_header_add(r, name, &value);
}


static ngx_int_t
ngx_comet_told_headers(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_uint_t              i;
    ngx_comet_admission_t  *admission;

    static ngx_str_t  after = ngx_string("retry-after");
    static ngx_str_t  after_ms = ngx_string("retry-after-ms");
    static ngx_str_t  again = ngx_string("x-should-retry");
    static ngx_str_t  no = ngx_string("false");

    admission = ctx->admission;

    if (admission == NULL) {
        return NGX_OK;
    }

    for (i = 0; i < NGX_COMET_UNITS; i++) {
        if (ngx_comet_told_quota(r, &admission->quotas[i],
                                 &ngx_comet_told[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (!admission->refused || admission->dry_run) {
        return NGX_OK;
    }

    if (ngx_comet_told_number(r, &after, (admission->retry + 999) / 1000)
        != NGX_OK
        || ngx_comet_told_number(r, &after_ms, admission->retry) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return admission->final ? ngx_comet_header_add(r, &again, &no) : NGX_OK;
}


static ngx_int_t
ngx_comet_told_header_filter(ngx_http_request_t *r)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx && r == r->main && ngx_comet_told_headers(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}
