#include "ngx_comet_http.h"


static ngx_int_t ngx_comet_init(ngx_conf_t *cf);


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


static ngx_comet_setter_t  ngx_comet_next_upstream = {
    ngx_conf_set_bitmask_slot, NGX_COMET_TAKES_WORD,
    ngx_comet_next_upstream_masks, 0
};


static ngx_conf_enum_t  ngx_comet_modes[] = {
    { ngx_string("reject"), NGX_COMET_REJECT },
    { ngx_string("repair"), NGX_COMET_REPAIR },
    { ngx_string("observe"), NGX_COMET_OBSERVE },
    { ngx_null_string, 0 }
};


static ngx_comet_setter_t  ngx_comet_mode = {
    ngx_conf_set_enum_slot, NGX_COMET_TAKES_WORD, ngx_comet_modes, 0
};


static ngx_conf_bitmask_t  ngx_comet_ssl_protocols[] = {
    { ngx_string("TLSv1"), NGX_SSL_TLSv1 },
    { ngx_string("TLSv1.1"), NGX_SSL_TLSv1_1 },
    { ngx_string("TLSv1.2"), NGX_SSL_TLSv1_2 },
    { ngx_string("TLSv1.3"), NGX_SSL_TLSv1_3 },
    { ngx_null_string, 0 }
};


static ngx_comet_setter_t  ngx_comet_protocols = {
    ngx_conf_set_bitmask_slot, NGX_COMET_TAKES_WORD, ngx_comet_ssl_protocols, 0
};


#define NGX_COMET_ANY                                                         \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)

#define NGX_COMET_POLICY  (NGX_COMET_ANY|NGX_COMET_TENANT_CONF)

/* by one of these, or by a setter that tells itself what to write */

#define ngx_comet_checked(name, context, setter, field)                       \
    { ngx_string(name), context, ngx_comet_set, NGX_HTTP_LOC_CONF_OFFSET,     \
      offsetof(ngx_comet_loc_conf_t, field), setter }

#define ngx_comet_command(name, context, set, field)                          \
    ngx_comet_checked(name, context, ngx_comet_unchecked(set), field)

#define ngx_comet_unchecked(set)                                              \
    (&(ngx_comet_setter_t) { set, NGX_COMET_TAKES_ANYTHING, NULL, 0 })


static ngx_command_t  ngx_comet_commands[] = {

    /* where to and with which key */

    { ngx_string("comet_pass"),
      NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF|NGX_CONF_TAKE1,
      ngx_comet_pass,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    ngx_comet_command("comet_key", NGX_COMET_POLICY|NGX_CONF_TAKE1,
        ngx_comet_key, policy.bearer),

    ngx_comet_command("comet_endpoints", NGX_COMET_ANY|NGX_CONF_1MORE,
        ngx_comet_endpoints, endpoints),

    /* what may be asked for */

    ngx_comet_checked("comet_invalid", NGX_COMET_POLICY|NGX_CONF_TAKE1,
        &ngx_comet_mode, policy.mode),

    ngx_comet_command("comet_param", NGX_COMET_POLICY|NGX_CONF_2MORE,
        ngx_comet_param, policy.params),

    { ngx_string("comet_provider"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_comet_provider,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    ngx_comet_command("comet_max_output_tokens",
        NGX_COMET_POLICY|NGX_CONF_TAKE12,
        ngx_comet_max_output_tokens, policy.cap),

    ngx_comet_command("comet_models", NGX_COMET_POLICY|NGX_CONF_1MORE,
        ngx_comet_models, policy.models),

    ngx_comet_command("comet_deny_models", NGX_COMET_POLICY|NGX_CONF_1MORE,
        ngx_comet_models, policy.deny),

    /* who calls, and how much may be taken */

    { ngx_string("comet_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_comet_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("comet_tenant"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_comet_tenant,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("comet_client_key"),
      NGX_COMET_TENANT_CONF|NGX_CONF_TAKE1,
      ngx_comet_client_key,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("comet_price"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE3|NGX_CONF_TAKE4,
      ngx_comet_price,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    ngx_comet_command("comet_tenant_from", NGX_COMET_ANY|NGX_CONF_TAKE12,
        ngx_comet_tenant_from, tenant_from),

    ngx_comet_command("comet_rate", NGX_COMET_POLICY|NGX_CONF_TAKE123,
        ngx_comet_limit, policy.limits[NGX_COMET_LIMIT_RATE]),

    ngx_comet_command("comet_tokens", NGX_COMET_POLICY|NGX_CONF_TAKE123,
        ngx_comet_limit, policy.limits[NGX_COMET_LIMIT_TOKENS]),

    ngx_comet_command("comet_concurrency", NGX_COMET_POLICY|NGX_CONF_TAKE12,
        ngx_comet_limit, policy.limits[NGX_COMET_LIMIT_CONCURRENCY]),

    ngx_comet_command("comet_budget", NGX_COMET_POLICY|NGX_CONF_TAKE12,
        ngx_comet_limit, policy.limits[NGX_COMET_LIMIT_BUDGET]),

    ngx_comet_command("comet_spend", NGX_COMET_POLICY|NGX_CONF_TAKE12,
        ngx_comet_limit, policy.limits[NGX_COMET_LIMIT_SPEND]),

    ngx_comet_command("comet_reserve_output",
        NGX_COMET_POLICY|NGX_CONF_TAKE1,
        ngx_comet_reserve_output, policy.reserve),

    ngx_comet_checked("comet_dry_run", NGX_COMET_POLICY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, policy.dry_run),

    /* what it uses */

    ngx_comet_checked("comet_usage", NGX_COMET_ANY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, meter.usage),

    ngx_comet_command("comet_on_abort", NGX_COMET_ANY|NGX_CONF_TAKE12,
        ngx_comet_on_abort, meter.left),

    /* to see it */

    { ngx_string("comet_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_comet_metrics,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    /* headers */

    ngx_comet_checked("comet_host", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_host, host),

    ngx_comet_command("comet_forward_header", NGX_COMET_ANY|NGX_CONF_1MORE,
        ngx_comet_forward_header, forward_headers),

    ngx_comet_checked("comet_hide_header", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_header, upstream.hide_headers),

    /* transport */

    ngx_comet_command("comet_bind", NGX_COMET_ANY|NGX_CONF_TAKE12,
        ngx_http_upstream_bind_set_slot, upstream.local),

    ngx_comet_checked("comet_socket_keepalive", NGX_COMET_ANY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, upstream.socket_keepalive),

    ngx_comet_checked("comet_buffer_size", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_size, upstream.buffer_size),

    ngx_comet_checked("comet_connect_timeout", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time_above_zero, upstream.connect_timeout),

    ngx_comet_checked("comet_send_timeout", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time_above_zero, upstream.send_timeout),

    ngx_comet_checked("comet_read_timeout", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time_above_zero, upstream.read_timeout),

    ngx_comet_checked("comet_first_token_timeout",
        NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time, meter.first_token),

    ngx_comet_checked("comet_idle_timeout", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time, meter.idle),

    ngx_comet_checked("comet_next_upstream", NGX_COMET_ANY|NGX_CONF_1MORE,
        &ngx_comet_next_upstream, upstream.next_upstream),

    ngx_comet_checked("comet_next_upstream_tries",
        NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_number, upstream.next_upstream_tries),

    ngx_comet_checked("comet_next_upstream_timeout",
        NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time, upstream.next_upstream_timeout),

    /* TLS */

    ngx_comet_checked("comet_ssl_session_reuse", NGX_COMET_ANY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, upstream.ssl_session_reuse),

    ngx_comet_checked("comet_ssl_protocols", NGX_COMET_ANY|NGX_CONF_1MORE,
        &ngx_comet_protocols, tls.protocols),

    ngx_comet_command("comet_ssl_ciphers", NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_conf_set_str_slot, tls.ciphers),

    ngx_comet_checked("comet_ssl_name", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_host, tls.name),

    ngx_comet_checked("comet_ssl_server_name", NGX_COMET_ANY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, upstream.ssl_server_name),

    ngx_comet_checked("comet_ssl_verify", NGX_COMET_ANY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, upstream.ssl_verify),

    ngx_comet_checked("comet_ssl_verify_depth", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_number, tls.verify_depth),

    ngx_comet_command("comet_ssl_trusted_certificate",
        NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_conf_set_str_slot, tls.trusted_certificate),

    ngx_comet_command("comet_ssl_crl", NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_conf_set_str_slot, tls.crl),

    ngx_comet_command("comet_ssl_certificate", NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_http_set_complex_value_zero_slot, upstream.ssl_certificate),

    ngx_comet_command("comet_ssl_certificate_key",
        NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_http_set_complex_value_zero_slot, upstream.ssl_certificate_key),

    ngx_comet_command("comet_ssl_password_file", NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_comet_ssl_password_file, upstream.ssl_passwords),

    ngx_comet_command("comet_ssl_conf_command", NGX_COMET_ANY|NGX_CONF_TAKE2,
        ngx_conf_set_keyval_slot, tls.conf_commands),

      ngx_null_command
};


static ngx_http_module_t  ngx_comet_module_ctx = {
    ngx_comet_add_variables,               /* preconfiguration */
    ngx_comet_init,                        /* postconfiguration */

    ngx_comet_create_main_conf,            /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_comet_create_loc_conf,             /* create location configuration */
    ngx_comet_merge_loc_conf               /* merge location configuration */
};


ngx_module_t  ngx_comet_module = {
    NGX_MODULE_V1,
    &ngx_comet_module_ctx,                 /* module context */
    ngx_comet_commands,                    /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_comet_zone_start,                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_comet_init(ngx_conf_t *cf)
{
    if (ngx_comet_zone_keep(cf) != NGX_OK
        || ngx_comet_check_init(cf) != NGX_OK
        || ngx_comet_tenants_init(cf) != NGX_OK
        || ngx_comet_limits_init(cf) != NGX_OK
        || ngx_comet_body_init(cf) != NGX_OK
        || ngx_comet_gate_init(cf) != NGX_OK
        || ngx_comet_admit_init(cf) != NGX_OK
        || ngx_comet_meter_init(cf) != NGX_OK
        || ngx_comet_count_init(cf) != NGX_OK
        || ngx_comet_models_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_comet_refuse_init(cf);
}


ngx_comet_ctx_t *
ngx_comet_get_ctx(ngx_http_request_t *r)
{
    ngx_comet_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_comet_ctx_t));
        if (ctx == NULL) {
            return NULL;
        }

        ngx_http_set_ctx(r, ctx, ngx_comet_module);
    }

    return ctx;
}
