/* what may be asked for */


#ifndef _NGX_COMET_POLICY_H_INCLUDED_
#define _NGX_COMET_POLICY_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_kind.h"
#include "ngx_comet_retries.h"
#include "ngx_comet_set.h"


typedef struct ngx_comet_limits_s   ngx_comet_limits_t;
typedef struct ngx_comet_demands_s  ngx_comet_demands_t;


/* what http, server, location and tenant can say, the tenant last */

struct ngx_comet_policy_conf_s {
    ngx_comet_keys_t          *keys;       /* or NULL */
    ngx_uint_t                 mode;
    ngx_array_t               *params;     /* of ngx_comet_param_t */
    ngx_array_t               *models;     /* of ngx_comet_pattern_t */
    ngx_array_t               *deny;
    ngx_array_t               *routes;     /* a tenant's own, or NULL */
    ngx_uint_t                 cap;
    ngx_flag_t                 cap_default;
    ngx_comet_limits_t        *limits[NGX_COMET_LIMIT_KINDS];
    ngx_comet_demands_t       *demands;    /* of them, once a call came */
    ngx_uint_t                 reserve;    /* output tokens, without a cap */
    ngx_flag_t                 dry_run;
    ngx_comet_retries_t       *retries;
    ngx_flag_t                 tell_attempts;
    ngx_msec_t                 deadline;   /* until an answer begins; or 0 */
};


extern ngx_comet_part_t    ngx_comet_policy_part;
extern ngx_comet_setter_t  ngx_comet_takes_mode;


char *ngx_comet_models(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_comet_param(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_comet_max_output_tokens(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_comet_reserve_output(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

void ngx_comet_policy_init(ngx_comet_policy_conf_t *policy);
void ngx_comet_policy_choose(ngx_comet_policy_conf_t *conf,
    ngx_comet_policy_conf_t *tenant, ngx_comet_policy_conf_t *location);

/* the rules for this request, with the values of variables */

ngx_int_t ngx_comet_policy_of(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_policy_t *policy);
ngx_uint_t ngx_comet_policy_admits(ngx_comet_policy_conf_t *policy,
    const char *model, size_t len);


#endif /* _NGX_COMET_POLICY_H_INCLUDED_ */
