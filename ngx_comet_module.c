/* the directives, by wing, and the module */


#include "ngx_comet_http.h"

#include "ngx_comet_abort.h"
#include "ngx_comet_admit.h"
#include "ngx_comet_body.h"
#include "ngx_comet_breakers.h"
#include "ngx_comet_caller.h"
#include "ngx_comet_check.h"
#include "ngx_comet_count.h"
#include "ngx_comet_endpoints.h"
#include "ngx_comet_gate.h"
#include "ngx_comet_header.h"
#include "ngx_comet_health.h"
#include "ngx_comet_keep.h"
#include "ngx_comet_key.h"
#include "ngx_comet_limits.h"
#include "ngx_comet_meter.h"
#include "ngx_comet_meter_variables.h"
#include "ngx_comet_metrics.h"
#include "ngx_comet_models.h"
#include "ngx_comet_names.h"
#include "ngx_comet_params.h"
#include "ngx_comet_pass.h"
#include "ngx_comet_patience.h"
#include "ngx_comet_patterns.h"
#include "ngx_comet_policy.h"
#include "ngx_comet_provider.h"
#include "ngx_comet_refuse.h"
#include "ngx_comet_retry.h"
#include "ngx_comet_route.h"
#include "ngx_comet_set.h"
#include "ngx_comet_tenant.h"
#include "ngx_comet_tenant_variables.h"
#include "ngx_comet_tls.h"
#include "ngx_comet_told.h"
#include "ngx_comet_variables.h"
#include "ngx_comet_zone.h"


/*
 * In the order in which they are merged and begin: a policy before its limits,
 * comet_pass before its TLS, and what settles in the log phase before what
 * counts there.  Of their filters the last is the first that sees an answer.
 */

static ngx_comet_part_t  *ngx_comet_parts[] = {

    &ngx_comet_variables_part,
    &ngx_comet_policy_part,
    &ngx_comet_provider_part,

    &ngx_comet_meter_part,
    &ngx_comet_meter_variables_part,

    &ngx_comet_zone_part,
    &ngx_comet_tenant_part,
    &ngx_comet_caller_part,
    &ngx_comet_limits_part,
    &ngx_comet_admit_part,
    &ngx_comet_told_part,
    &ngx_comet_tenant_variables_part,

    &ngx_comet_count_part,
    &ngx_comet_metrics_part,

    &ngx_comet_health_part,

    &ngx_comet_body_part,
    &ngx_comet_gate_part,
    &ngx_comet_endpoints_part,
    &ngx_comet_route_part,
    &ngx_comet_models_part,

    &ngx_comet_names_part,
    &ngx_comet_keep_part,
    &ngx_comet_pass_part,
    &ngx_comet_header_part,
    &ngx_comet_tls_part,
    &ngx_comet_abort_part,
    &ngx_comet_retry_part,
    &ngx_comet_patience_part,
    &ngx_comet_check_part,

    &ngx_comet_refuse_part,

    NULL
};


#define NGX_COMET_ANY                                                         \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)

#define NGX_COMET_POLICY  (NGX_COMET_ANY|NGX_COMET_TENANT_CONF)


static ngx_command_t  ngx_comet_commands[] = {

    /* policy */

    ngx_comet_command("comet_key", NGX_COMET_POLICY|NGX_CONF_TAKE1,
        ngx_comet_key, policy, keys),

    ngx_comet_command("comet_models", NGX_COMET_POLICY|NGX_CONF_1MORE,
        ngx_comet_models, policy, models),

    ngx_comet_command("comet_deny_models", NGX_COMET_POLICY|NGX_CONF_1MORE,
        ngx_comet_models, policy, deny),

    ngx_comet_checked("comet_invalid", NGX_COMET_POLICY|NGX_CONF_TAKE1,
        &ngx_comet_takes_mode, policy, mode),

    ngx_comet_command("comet_param", NGX_COMET_POLICY|NGX_CONF_2MORE,
        ngx_comet_param, policy, params),

    { ngx_string("comet_provider"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_comet_provider,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    ngx_comet_command("comet_max_output_tokens",
        NGX_COMET_POLICY|NGX_CONF_TAKE12,
        ngx_comet_max_output_tokens, policy, cap),

    ngx_comet_command("comet_reserve_output",
        NGX_COMET_POLICY|NGX_CONF_TAKE1,
        ngx_comet_reserve_output, policy, reserve),

    ngx_comet_checked("comet_dry_run", NGX_COMET_POLICY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, policy, dry_run),

    ngx_comet_command("comet_retry", NGX_COMET_POLICY|NGX_CONF_1MORE,
        ngx_comet_retries, policy, retries),

    ngx_comet_checked("comet_deadline", NGX_COMET_POLICY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time, policy, deadline),

    ngx_comet_checked("comet_tell_attempts", NGX_COMET_POLICY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, policy, tell_attempts),

    /* meter */

    ngx_comet_checked("comet_usage", NGX_COMET_ANY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, meter, usage),

    /* tenant */

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

    ngx_comet_command("comet_tenant_from", NGX_COMET_ANY|NGX_CONF_TAKE12,
        ngx_comet_tenant_from, caller, variable),

    ngx_comet_command("comet_rate", NGX_COMET_POLICY|NGX_CONF_TAKE123,
        ngx_comet_limit, policy, limits[NGX_COMET_LIMIT_RATE]),

    ngx_comet_command("comet_tokens", NGX_COMET_POLICY|NGX_CONF_TAKE123,
        ngx_comet_limit, policy, limits[NGX_COMET_LIMIT_TOKENS]),

    ngx_comet_command("comet_concurrency", NGX_COMET_POLICY|NGX_CONF_TAKE12,
        ngx_comet_limit, policy, limits[NGX_COMET_LIMIT_CONCURRENCY]),

    ngx_comet_command("comet_budget", NGX_COMET_POLICY|NGX_CONF_TAKE12,
        ngx_comet_limit, policy, limits[NGX_COMET_LIMIT_BUDGET]),

    ngx_comet_command("comet_spend", NGX_COMET_POLICY|NGX_CONF_TAKE12,
        ngx_comet_limit, policy, limits[NGX_COMET_LIMIT_SPEND]),

    { ngx_string("comet_price"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE3|NGX_CONF_TAKE4,
      ngx_comet_price,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    /* metrics */

    { ngx_string("comet_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_comet_metrics,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    /* retry */

    ngx_comet_command("comet_breaker", NGX_COMET_ANY|NGX_CONF_1MORE,
        ngx_comet_breaker, health, breaker),

    /* gate */

    ngx_comet_command("comet_endpoints", NGX_COMET_ANY|NGX_CONF_1MORE,
        ngx_comet_endpoints, endpoints, opened),

    { ngx_string("comet_route"),
      NGX_HTTP_MAIN_CONF|NGX_COMET_TENANT_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE12,
      ngx_comet_route,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    /* upstream */

    { ngx_string("comet_pass"),
      NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF|NGX_CONF_TAKE1,
      ngx_comet_pass,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    ngx_comet_checked("comet_host", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_host, pass, host),

    ngx_comet_command("comet_forward_header", NGX_COMET_ANY|NGX_CONF_1MORE,
        ngx_comet_forward_header, header, forward),

    ngx_comet_checked("comet_hide_header", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_header, pass, upstream.hide_headers),

    ngx_comet_command("comet_bind", NGX_COMET_ANY|NGX_CONF_TAKE12,
        ngx_http_upstream_bind_set_slot, pass, upstream.local),

    ngx_comet_command("comet_keepalive", NGX_COMET_ANY|NGX_CONF_TAKE12,
        ngx_comet_keepalive, keep, number),

    ngx_comet_checked("comet_socket_keepalive", NGX_COMET_ANY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, pass, upstream.socket_keepalive),

    ngx_comet_checked("comet_buffer_size", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_size, pass, upstream.buffer_size),

    ngx_comet_checked("comet_connect_timeout", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time_above_zero, pass, upstream.connect_timeout),

    ngx_comet_checked("comet_send_timeout", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time_above_zero, pass, upstream.send_timeout),

    ngx_comet_checked("comet_read_timeout", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time_above_zero, pass, upstream.read_timeout),

    ngx_comet_checked("comet_next_upstream", NGX_COMET_ANY|NGX_CONF_1MORE,
        &ngx_comet_takes_next_upstream, pass, upstream.next_upstream),

    ngx_comet_checked("comet_next_upstream_tries",
        NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_number, pass, upstream.next_upstream_tries),

    ngx_comet_checked("comet_next_upstream_timeout",
        NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time, pass, upstream.next_upstream_timeout),

    ngx_comet_checked("comet_first_token_timeout",
        NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time, patience, first_token),

    ngx_comet_checked("comet_idle_timeout", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_time, patience, idle),

    ngx_comet_command("comet_on_abort", NGX_COMET_ANY|NGX_CONF_TAKE12,
        ngx_comet_on_abort, abort, left),

    ngx_comet_checked("comet_ssl_session_reuse", NGX_COMET_ANY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, pass, upstream.ssl_session_reuse),

    ngx_comet_checked("comet_ssl_protocols", NGX_COMET_ANY|NGX_CONF_1MORE,
        &ngx_comet_takes_protocols, tls, protocols),

    ngx_comet_command("comet_ssl_ciphers", NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_conf_set_str_slot, tls, ciphers),

    ngx_comet_checked("comet_ssl_name", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_host, tls, name),

    ngx_comet_checked("comet_ssl_server_name", NGX_COMET_ANY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, pass, upstream.ssl_server_name),

    ngx_comet_checked("comet_ssl_verify", NGX_COMET_ANY|NGX_CONF_FLAG,
        &ngx_comet_takes_flag, pass, upstream.ssl_verify),

    ngx_comet_checked("comet_ssl_verify_depth", NGX_COMET_ANY|NGX_CONF_TAKE1,
        &ngx_comet_takes_number, tls, verify_depth),

    ngx_comet_command("comet_ssl_trusted_certificate",
        NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_conf_set_str_slot, tls, trusted_certificate),

    ngx_comet_command("comet_ssl_crl", NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_conf_set_str_slot, tls, crl),

    ngx_comet_command("comet_ssl_certificate", NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_http_set_complex_value_zero_slot, pass, upstream.ssl_certificate),

    ngx_comet_command("comet_ssl_certificate_key",
        NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_http_set_complex_value_zero_slot, pass,
        upstream.ssl_certificate_key),

    ngx_comet_command("comet_ssl_password_file", NGX_COMET_ANY|NGX_CONF_TAKE1,
        ngx_comet_ssl_password_file, pass, upstream.ssl_passwords),

    ngx_comet_command("comet_ssl_conf_command", NGX_COMET_ANY|NGX_CONF_TAKE2,
        ngx_conf_set_keyval_slot, tls, conf_commands),

      ngx_null_command
};


static ngx_int_t
ngx_comet_add_variables(ngx_conf_t *cf)
{
    ngx_uint_t  i;

    for (i = 0; ngx_comet_parts[i]; i++) {
        if (ngx_comet_variables_add(cf, ngx_comet_parts[i]->variables)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * nginx's chains of filters are those of the process, made anew with each
 * configuration.  An error on the way would leave the master, and so each
 * worker that is started for one that died, with half of them under the old
 * configuration: what is wrong is kept until they are whole.
 */

static ngx_int_t
ngx_comet_init(ngx_conf_t *cf)
{
    ngx_uint_t              i;
    ngx_comet_main_conf_t  *mcf;

    for (i = 0; ngx_comet_parts[i]; i++) {
        if (ngx_comet_parts[i]->postconfiguration
            && ngx_comet_parts[i]->postconfiguration(cf) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    for (i = 0; ngx_comet_parts[i] && !mcf->refused; i++) {
        if (ngx_comet_parts[i]->check
            && ngx_comet_parts[i]->check(cf) != NGX_OK)
        {
            mcf->refused = 1;
        }
    }

    return NGX_OK;
}


static char *
ngx_comet_init_conf(ngx_cycle_t *cycle, void *conf)
{
    ngx_comet_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_comet_module);

    return mcf && mcf->refused ? NGX_CONF_ERROR : NGX_CONF_OK;
}


static void *
ngx_comet_create_main_conf(ngx_conf_t *cf)
{
    ngx_uint_t              i;
    ngx_comet_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_comet_main_conf_t));

    if (mcf == NULL
        || ngx_array_init(&mcf->passes, cf->pool, 4,
                          sizeof(ngx_comet_loc_conf_t *))
           != NGX_OK)
    {
        return NULL;
    }

    for (i = 0; ngx_comet_parts[i]; i++) {
        if (ngx_comet_parts[i]->create_main_conf
            && ngx_comet_parts[i]->create_main_conf(cf, mcf) != NGX_OK)
        {
            return NULL;
        }
    }

    return mcf;
}


static void *
ngx_comet_create_loc_conf(ngx_conf_t *cf)
{
    ngx_uint_t             i;
    ngx_comet_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_comet_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    for (i = 0; ngx_comet_parts[i]; i++) {
        if (ngx_comet_parts[i]->create_loc_conf
            && ngx_comet_parts[i]->create_loc_conf(cf, lcf) != NGX_OK)
        {
            return NULL;
        }
    }

    return lcf;
}


static char *
ngx_comet_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_uint_t  i;

    for (i = 0; ngx_comet_parts[i]; i++) {
        if (ngx_comet_parts[i]->merge_loc_conf
            && ngx_comet_parts[i]->merge_loc_conf(cf, parent, child) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_comet_start(ngx_cycle_t *cycle)
{
    ngx_uint_t  i;

    for (i = 0; ngx_comet_parts[i]; i++) {
        if (ngx_comet_parts[i]->init_process
            && ngx_comet_parts[i]->init_process(cycle) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


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
    ngx_comet_start,                       /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* its hook comes when the whole of http is done */

static ngx_core_module_t  ngx_comet_core_module_ctx = {
    ngx_string("comet"),
    NULL,                                  /* create configuration */
    ngx_comet_init_conf                    /* init configuration */
};


ngx_module_t  ngx_comet_core_module = {
    NGX_MODULE_V1,
    &ngx_comet_core_module_ctx,            /* module context */
    NULL,                                  /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};
