/*
 * What all of nginx's side knows: a configuration and a request, and of each
 * part of the module only that it is there.  What a part keeps is declared in
 * its own header.
 */


#ifndef _NGX_COMET_HTTP_H_INCLUDED_
#define _NGX_COMET_HTTP_H_INCLUDED_


#include "ngx_comet_compat.h"
#include "ngx_comet_endpoint.h"
#include "ngx_comet_error.h"
#include "ngx_comet_judge.h"


typedef struct ngx_comet_policy_conf_s    ngx_comet_policy_conf_t;
typedef struct ngx_comet_meter_conf_s     ngx_comet_meter_conf_t;
typedef struct ngx_comet_caller_conf_s    ngx_comet_caller_conf_t;
typedef struct ngx_comet_metrics_conf_s   ngx_comet_metrics_conf_t;
typedef struct ngx_comet_health_conf_s    ngx_comet_health_conf_t;
typedef struct ngx_comet_endpoints_conf_s ngx_comet_endpoints_conf_t;
typedef struct ngx_comet_header_conf_s    ngx_comet_header_conf_t;
typedef struct ngx_comet_pass_conf_s      ngx_comet_pass_conf_t;
typedef struct ngx_comet_keep_conf_s      ngx_comet_keep_conf_t;
typedef struct ngx_comet_tls_conf_s       ngx_comet_tls_conf_t;
typedef struct ngx_comet_abort_conf_s     ngx_comet_abort_conf_t;
typedef struct ngx_comet_patience_conf_s  ngx_comet_patience_conf_t;

typedef struct ngx_comet_zone_s           ngx_comet_zone_t;
typedef struct ngx_comet_tenants_s        ngx_comet_tenants_t;
typedef struct ngx_comet_limited_s        ngx_comet_limited_t;
typedef struct ngx_comet_found_s          ngx_comet_found_t;
typedef struct ngx_comet_names_s          ngx_comet_names_t;

typedef struct ngx_comet_tenant_s         ngx_comet_tenant_t;
typedef struct ngx_comet_route_target_s   ngx_comet_route_target_t;

typedef struct ngx_comet_refusal_s        ngx_comet_refusal_t;
typedef struct ngx_comet_meter_s          ngx_comet_meter_t;
typedef struct ngx_comet_watch_s          ngx_comet_watch_t;
typedef struct ngx_comet_admission_s      ngx_comet_admission_t;
typedef struct ngx_comet_count_s          ngx_comet_count_t;
typedef struct ngx_comet_metrics_s        ngx_comet_metrics_t;
typedef struct ngx_comet_health_s         ngx_comet_health_t;
typedef struct ngx_comet_keys_s           ngx_comet_keys_t;
typedef struct ngx_comet_gate_s           ngx_comet_gate_t;
typedef struct ngx_comet_routed_s         ngx_comet_routed_t;
typedef struct ngx_comet_sending_s        ngx_comet_sending_t;
typedef struct ngx_comet_answer_s         ngx_comet_answer_t;
typedef struct ngx_comet_abort_s          ngx_comet_abort_t;
typedef struct ngx_comet_attempt_s        ngx_comet_attempt_t;
typedef struct ngx_comet_retry_s          ngx_comet_retry_t;
typedef struct ngx_comet_held_s           ngx_comet_held_t;
typedef struct ngx_comet_patience_s       ngx_comet_patience_t;

typedef struct ngx_comet_loc_conf_s       ngx_comet_loc_conf_t;


/* where in the configuration a directive stands, for errors found later */

typedef struct {
    ngx_str_t                  file;
    ngx_uint_t                 line;
} ngx_comet_place_t;


typedef struct {
    ngx_array_t                passes;     /* locations with a comet_pass */
    ngx_array_t               *locations;  /* with any directive of ours */
    ngx_array_t               *providers;  /* of ngx_comet_provider_conf_t */
    ngx_array_t               *routes;     /* of ngx_comet_route_t *, or NULL */
    ngx_comet_zone_t          *zone;
    ngx_comet_tenants_t       *tenants;
    ngx_comet_limited_t       *limited;
    ngx_comet_found_t         *found;      /* series, by a worker */
    ngx_comet_names_t         *names;      /* of APIs */
    unsigned                   refused:1;  /* by a check */
    unsigned                   tls:1;      /* for a target of a route */
} ngx_comet_main_conf_t;


struct ngx_comet_loc_conf_s {
    ngx_comet_policy_conf_t   *policy;
    ngx_comet_meter_conf_t    *meter;
    ngx_comet_caller_conf_t   *caller;
    ngx_comet_metrics_conf_t  *metrics;
    ngx_comet_health_conf_t   *health;
    ngx_comet_endpoints_conf_t *endpoints;
    ngx_comet_header_conf_t   *header;
    ngx_comet_pass_conf_t     *pass;
    ngx_comet_keep_conf_t     *keep;
    ngx_comet_tls_conf_t      *tls;
    ngx_comet_abort_conf_t    *abort;
    ngx_comet_patience_conf_t *patience;

    ngx_comet_loc_conf_t      *parent;
    void                     **loc_conf;   /* of all modules, here */
    ngx_comet_place_t          place;      /* of comet_pass */
    ngx_str_t                  said;       /* the first comet_... here */
    ngx_comet_place_t          said_place;

    unsigned                   passing:1;   /* there is a comet_pass */
    unsigned                   inherited:1; /* by a block within */
    unsigned                   used:1;      /* by a comet_pass within */
};


typedef enum {
    NGX_COMET_METERED_NOT,         /* not a call that uses tokens */
    NGX_COMET_METERED_EXACT,       /* what the API counted, or nothing */
    NGX_COMET_METERED_ESTIMATE,    /* of what has passed */
    NGX_COMET_METERED_UNKNOWN      /* an answer that cannot be believed */
} ngx_comet_metered_e;


/* tokens; estimates stand where the numbers are not known */

typedef struct {
    ngx_comet_metered_e        metered;
    uint64_t                   input;
    uint64_t                   output;
    uint64_t                   cached;     /* of the input */
    uint64_t                   reasoning;
} ngx_comet_usage_result_t;


typedef struct {

    /* what is known of the request, by whoever finds it out */

    const ngx_comet_endpoint_t  *endpoint;
    ngx_str_t                  path;       /* as it was judged */
    ngx_comet_tenant_t        *tenant;
    ngx_comet_policy_conf_t   *policy;     /* the tenant's and the location's */
    ngx_str_t                  model;      /* as it was asked for */
    ngx_str_t                  route_model;  /* where a route led it */
    const ngx_comet_route_target_t  *target;  /* of the route, or NULL */
    const char                *provider;
    ngx_comet_verdict_e        verdict;
    const char                *error_code;
    ngx_str_t                  error_param;
    ngx_str_t                  repairs;
    ngx_uint_t                 nrepairs;
    ngx_comet_edit_t          *edits;      /* of the body */
    ngx_uint_t                 nedits;
    ngx_str_t                  upstream;   /* where it goes, by its name */
    ngx_comet_keys_t          *keys;       /* not those of the policy */

    /* what is known of what it uses */

    uint64_t                   input;      /* tokens, by its size */
    ngx_comet_usage_result_t   reserved;
    ngx_uint_t                 left;       /* ngx_comet_left_e */
    const char                *broken;     /* code that a stream ended with */

    /* what the parts keep of it */

    ngx_comet_refusal_t       *refusal;
    ngx_comet_meter_t         *meter;
    const ngx_comet_watch_t   *watch;
    ngx_comet_admission_t     *admission;
    ngx_comet_count_t         *count;
    ngx_comet_metrics_t       *metrics;
    ngx_comet_health_t        *health;
    ngx_comet_gate_t          *gate;
    ngx_comet_routed_t        *routed;
    ngx_array_t               *list;       /* of models, as it comes */
    ngx_comet_sending_t       *sending;
    ngx_comet_answer_t        *answer;
    ngx_comet_abort_t         *abort;
    ngx_comet_attempt_t       *attempt;
    ngx_comet_retry_t         *retry;
    ngx_comet_held_t          *held;
    ngx_comet_patience_t      *patience;

    /* by the gate */

    unsigned                   gated:1;
    unsigned                   reading:1;      /* the body, to judge it */
    unsigned                   judged:1;
    unsigned                   stream:1;       /* is asked for */
    unsigned                   usage_added:1;  /* asked for by the gate */
    unsigned                   hides:1;        /* reasoning, from the client */

    /* by the upstream wing */

    unsigned                   relaying:1;     /* the answer is the API's */
    unsigned                   sent:1;         /* all of it, to the API */
    unsigned                   hung_up:1;      /* the client, on the API */
    unsigned                   told:1;         /* of a break, in the stream */
    unsigned                   draining:1;     /* nobody reads the answer */

    /* by the meter, or where nginx reads no answer */

    unsigned                   unmetered:1;    /* an answer not to be read */
} ngx_comet_ctx_t;


/* what a part brings; a hook that it has no use for is NULL */

typedef struct {
    ngx_int_t            (*create_main_conf)(ngx_conf_t *cf,
                                             ngx_comet_main_conf_t *mcf);
    ngx_int_t            (*create_loc_conf)(ngx_conf_t *cf,
                                            ngx_comet_loc_conf_t *lcf);
    ngx_int_t            (*merge_loc_conf)(ngx_conf_t *cf,
                                           ngx_comet_loc_conf_t *prev,
                                           ngx_comet_loc_conf_t *conf);
    ngx_int_t            (*postconfiguration)(ngx_conf_t *cf);
    ngx_int_t            (*check)(ngx_conf_t *cf);     /* and refuse it */
    ngx_int_t            (*init_process)(ngx_cycle_t *cycle);
    ngx_http_variable_t   *variables;
} ngx_comet_part_t;


extern ngx_module_t  ngx_comet_module;


ngx_comet_ctx_t *ngx_comet_make_ctx(ngx_http_request_t *r);

/* for settling and logging: of the last gate that the request came to */

ngx_int_t ngx_comet_keep_ctx(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
ngx_comet_ctx_t *ngx_comet_kept_ctx(ngx_http_request_t *r);

/* data of the request's own cleanup; it begins with the request it is of */

void *ngx_comet_cleanup_find(ngx_http_request_t *r,
    ngx_pool_cleanup_pt handler);

/* neither the name nor the value is copied */

ngx_int_t ngx_comet_header_add(ngx_http_request_t *r, const ngx_str_t *name,
    ngx_str_t *value);

/* of what malloc() gave: it is freed with the request, or here on failure */

ngx_buf_t *ngx_comet_text_buf(ngx_http_request_t *r, char *text);

/* the model that the API was asked for */

ngx_str_t *ngx_comet_model_sent(ngx_comet_ctx_t *ctx);

/* milliseconds since the request began */

ngx_msec_t ngx_comet_elapsed(ngx_http_request_t *r);

#endif /* _NGX_COMET_HTTP_H_INCLUDED_ */
