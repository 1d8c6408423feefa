/*
 * What the nginx side of the module shares.
 */


#ifndef _NGX_COMET_HTTP_H_INCLUDED_
#define _NGX_COMET_HTTP_H_INCLUDED_


#include "ngx_comet_compat.h"
#include "ngx_comet_endpoint.h"
#include "ngx_comet_error.h"
#include "ngx_comet_judge.h"
#include "ngx_comet_keyring.h"
#include "ngx_comet_ledger.h"
#include "ngx_comet_page.h"
#include "ngx_comet_pattern.h"
#include "ngx_comet_usage.h"


/* where in the configuration a directive stands, for errors found later */

typedef struct {
    ngx_str_t                  file;
    ngx_uint_t                 line;
} ngx_comet_place_t;


/* where a request goes */

typedef struct {
    ngx_str_t                  schema;
    ngx_str_t                  host;       /* as in the Host header */
    ngx_str_t                  prefix;     /* put before the path */
} ngx_comet_target_t;


typedef struct {
    ngx_http_complex_value_t  *name;
    ngx_uint_t                 protocols;
    ngx_str_t                  ciphers;
    ngx_uint_t                 verify_depth;
    ngx_str_t                  trusted_certificate;
    ngx_str_t                  crl;
    ngx_array_t               *conf_commands;
} ngx_comet_tls_conf_t;


/* an operator's rule; a value to set may hold variables */

typedef struct {
    ngx_comet_rule_t           rule;
    ngx_http_complex_value_t  *value;
} ngx_comet_param_t;


/* a provider that an operator describes */

typedef struct {
    ngx_comet_provider_t       provider;
    ngx_array_t               *match;      /* of ngx_comet_pattern_t */
    ngx_array_t               *params;     /* of ngx_comet_param_t */
} ngx_comet_provider_conf_t;


typedef struct ngx_comet_tenant_s  ngx_comet_tenant_t;


typedef struct {
    ngx_comet_limit_t          limit;
    ngx_comet_pattern_t       *models;     /* or NULL: of any */
    ngx_str_t                  text;       /* as it is written */
    ngx_comet_place_t          place;
    ngx_str_t                  told;       /* to clients, in digits */
} ngx_comet_limit_conf_t;


/* the limits of one kind, as they stand at one place */

typedef struct {
    ngx_array_t                limits;     /* of ngx_comet_limit_conf_t */
    ngx_comet_tenant_t        *tenant;     /* whose they are, or NULL */
    ngx_str_t                  scope;      /* or where they are counted */
    ngx_comet_ref_t           *refs;       /* for each tenant, each limit */
    ngx_comet_place_t          place;
    ngx_uint_t                 told;       /* that one is too small */
} ngx_comet_limits_t;


/* what http, server, location and tenant can say, the tenant last */

typedef struct {
    ngx_str_t                  bearer;     /* "Bearer KEY" */
    ngx_uint_t                 mode;
    ngx_array_t               *params;     /* of ngx_comet_param_t */
    ngx_array_t               *models;     /* of ngx_comet_pattern_t */
    ngx_array_t               *deny;
    ngx_uint_t                 cap;
    ngx_flag_t                 cap_default;
    ngx_comet_limits_t        *limits[NGX_COMET_LIMIT_KINDS];
    ngx_uint_t                 reserve;    /* output tokens, without a cap */
    ngx_flag_t                 dry_run;
} ngx_comet_policy_conf_t;


struct ngx_comet_tenant_s {
    ngx_str_t                  name;
    ngx_uint_t                 index;      /* from 1 */
    ngx_comet_policy_conf_t    policy;
    ngx_uint_t                 keys;       /* of its clients */
    ngx_comet_place_t          place;
};


/* money for a token, in 1/NGX_COMET_MONEY */

typedef struct {
    ngx_comet_pattern_t        models;
    uint64_t                   input;
    uint64_t                   output;
    uint64_t                   cached;
} ngx_comet_price_t;


typedef struct {
    ngx_array_t                providers;  /* of ngx_comet_provider_conf_t */
    ngx_array_t                tenants;    /* of ngx_comet_tenant_t * */
    void                     **tenant_conf;
    ngx_comet_keyring_t        keys;       /* of clients */
    ngx_comet_keyring_t        names;      /* of tenants */
    ngx_array_t                prices;     /* of ngx_comet_price_t */
    ngx_array_t                limits;     /* of ngx_comet_limits_t * */
    ngx_array_t                passes;     /* of ngx_comet_loc_conf_t * */
    ngx_array_t                locations;  /* the same, with a comet_... */
    ngx_shm_zone_t            *zone;
    ngx_comet_place_t          zone_place;
    ngx_comet_ledger_memory_t  memory;
    ngx_uint_t                 metrics;    /* somebody wants to see them */
} ngx_comet_main_conf_t;


/* what a call costs whose client left before its usage was known */

typedef enum {
    NGX_COMET_LEFT_KNOWN,          /* no less than can be known of it */
    NGX_COMET_LEFT_ESTIMATE,       /* what has passed */
    NGX_COMET_LEFT_RESERVED        /* what it was let in with */
} ngx_comet_left_e;


typedef struct ngx_comet_patience_s  ngx_comet_patience_t;


typedef struct {
    ngx_flag_t                 usage;      /* ask for it if nobody else does */
    ngx_msec_t                 first_token;
    ngx_msec_t                 idle;       /* between events */
    ngx_uint_t                 left;       /* ngx_comet_left_e */
    ngx_msec_t                 drain;      /* how long, without a client */
} ngx_comet_meter_conf_t;


typedef struct ngx_comet_loc_conf_s  ngx_comet_loc_conf_t;


struct ngx_comet_loc_conf_s {
    ngx_http_upstream_conf_t   upstream;

    ngx_comet_target_t         target;
    ngx_str_t                  url;              /* with variables */
    ngx_array_t               *url_lengths;
    ngx_array_t               *url_values;
    ngx_http_complex_value_t  *host;

    ngx_comet_tls_conf_t       tls;

    ngx_array_t               *forward_headers;  /* of ngx_str_t, lowercase */
    ngx_array_t               *endpoints;        /* of ngx_str_t, globs */
    ngx_comet_policy_conf_t    policy;
    ngx_comet_meter_conf_t     meter;

    ngx_http_complex_value_t  *tenant_from;      /* NULL: the client's key */
    ngx_str_t                  default_name;
    ngx_comet_place_t          default_place;
    ngx_comet_tenant_t        *default_tenant;

    ngx_comet_place_t          place;            /* of comet_pass */
    ngx_comet_place_t          metrics_place;

    ngx_comet_loc_conf_t      *parent;
    void                     **loc_conf;         /* of all modules, here */
    ngx_str_t                  said;             /* the first comet_... here */
    ngx_comet_place_t          said_place;

    unsigned                   pass:1;
    unsigned                   metrics:1;
    unsigned                   tls_needed:1;
    unsigned                   tenant_from_set:1;
    unsigned                   anonymous:1;      /* no tenant is asked for */
    unsigned                   inherited:1;      /* comet_pass, by a block */
    unsigned                   used:1;           /* by a comet_pass within */
};


/* the meter at an answer that is relayed */

typedef struct {
    ngx_comet_usage_t          usage;

    ngx_chain_t               *held;       /* copies, not sent yet */
    ngx_chain_t               *free;
    ngx_chain_t               *busy;

    ngx_msec_int_t             first;      /* token, since the request; or -1 */
    unsigned                   stream:1;
    unsigned                   done:1;     /* the answer is over */
} ngx_comet_meter_t;


typedef enum {
    NGX_COMET_METERED_NOT,         /* not a call that uses tokens */
    NGX_COMET_METERED_EXACT,       /* what the API counted, or nothing */
    NGX_COMET_METERED_ESTIMATE,    /* of what has passed */
    NGX_COMET_METERED_UNKNOWN      /* an answer that cannot be believed */
} ngx_comet_metered_e;


/* estimates stand where the numbers are not known */

typedef struct {
    ngx_comet_metered_e        metered;
    uint64_t                   input;
    uint64_t                   output;
    uint64_t                   cached;     /* of the input */
    uint64_t                   reasoning;
} ngx_comet_usage_result_t;


/* on its way through a body, block by block */

typedef struct {
    ngx_pool_t                *pool;
    ngx_log_t                 *log;
    ngx_chain_t               *in;         /* what is left */
    off_t                      done;       /* of its first buf */
    u_char                    *text;
} ngx_comet_walk_t;


typedef struct ngx_comet_copy_s  ngx_comet_copy_t;
typedef struct ngx_comet_turn_s  ngx_comet_turn_t;
typedef void (*ngx_comet_turn_pt)(ngx_http_request_t *r);


/* what is left of a limit that a client is told of */

typedef struct {
    ngx_comet_limit_conf_t    *conf;
    uint64_t                   left;
    uint64_t                   reset;      /* milliseconds */
} ngx_comet_quota_t;


typedef enum {
    NGX_COMET_QUOTA_REQUESTS,
    NGX_COMET_QUOTA_TOKENS,
    NGX_COMET_QUOTA_CALLS,
    NGX_COMET_QUOTA_MONEY,
    NGX_COMET_QUOTAS
} ngx_comet_quota_e;


typedef struct {
    ngx_comet_limit_conf_t    *conf;
    ngx_comet_ref_t           *ref;
} ngx_comet_taken_t;


/* what a request was let in with; it outlives an internal redirect */

typedef struct {
    ngx_http_request_t        *request;
    ngx_comet_call_t          *call;
    ngx_comet_taken_t          taken[NGX_COMET_ENTRIES_MAX];
    ngx_uint_t                 n;
    const ngx_comet_price_t   *price;
    ngx_comet_usage_result_t   estimate;

    ngx_comet_quota_t          quotas[NGX_COMET_QUOTAS];   /* the tightest */
    ngx_comet_quota_t          refusing;
    uint64_t                   retry;      /* milliseconds */

    unsigned                   settled:1;
    unsigned                   refused:1;
    unsigned                   dry_run:1;
    unsigned                   final:1;    /* no use to try again */
} ngx_comet_admission_t;


typedef struct ngx_comet_ctx_s  ngx_comet_ctx_t;


/* a request on its way to comet_metrics; it outlives an internal redirect */

typedef struct {
    ngx_http_request_t        *request;
    ngx_comet_ctx_t           *ctx;        /* of the last gate it came to */
    uint64_t                   spent;      /* nanoseconds, on this request */
    uint64_t                   since;      /* or 0: not at work */
    unsigned                   counted:1;
} ngx_comet_count_t;


struct ngx_comet_ctx_s {
    ngx_comet_target_t        *target;
    ngx_str_t                  host;

    ngx_http_status_t          status;
    ngx_http_chunked_t         chunked;
    ngx_uint_t                 interim;    /* answers before the answer */

    const ngx_comet_endpoint_t  *endpoint;
    ngx_str_t                  path;       /* as it was judged */
    ngx_comet_tenant_t        *tenant;
    ngx_comet_policy_conf_t    conf;       /* the tenant's and the location's */
    ngx_comet_policy_t         policy;
    ngx_comet_admission_t     *admission;
    ngx_comet_judge_t         *judge;      /* while the body passes */
    ngx_pool_cleanup_t        *judge_cleanup;
    ngx_comet_walk_t          *again;      /* if it is read once more */
    ngx_comet_turn_t          *turn;
    ngx_int_t                  gate;       /* what the phases are told */

    ngx_str_t                  model;
    const char                *provider;
    ngx_comet_verdict_e        verdict;
    const char                *error_code;
    ngx_str_t                  error_param;
    ngx_str_t                  repairs;
    ngx_uint_t                 nrepairs;
    ngx_comet_edit_t          *edits;
    ngx_uint_t                 nedits;
    ngx_comet_copy_t          *copy;       /* the body, edited, in a file */

    ngx_comet_error_t         *error;      /* what to say when refusing */
    ngx_chain_t               *error_body;
    ngx_array_t               *list;       /* of models, as it comes */

    ngx_comet_meter_t         *meter;
    ngx_comet_patience_t      *patience;
    ngx_http_event_handler_pt  client_read;   /* nginx's own, behind ours */
    ngx_http_event_handler_pt  client_write;
    ngx_comet_left_e           left;       /* once it has hung up */
    uint64_t                   input;      /* tokens, by its size */
    ngx_comet_count_t         *count;
    const char                *broken;     /* code that a stream ended with */
    void                      *metrics;    /* the page being sent */

    unsigned                   gated:1;
    unsigned                   scanned:1;
    unsigned                   judged:1;
    unsigned                   head:1;
    unsigned                   relaying:1; /* the answer is the upstream's */
    unsigned                   keepalive:1;
    unsigned                   lingering_close:1;
    unsigned                   stream:1;       /* is asked for */
    unsigned                   usage_added:1;  /* asked for by the gate */
    unsigned                   unmetered:1;    /* an answer not to be read */
    unsigned                   hides:1;        /* reasoning, from the client */
    unsigned                   sent:1;         /* all of it, to the API */
    unsigned                   hung_up:1;      /* the client, on the API */
    unsigned                   told:1;         /* of a break, in the stream */
    unsigned                   draining:1;     /* nobody reads the answer */
};


extern ngx_module_t  ngx_comet_module;


ngx_comet_ctx_t *ngx_comet_get_ctx(ngx_http_request_t *r);

/* for settling and logging: of the last gate that the request came to */

ngx_int_t ngx_comet_keep_ctx(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
ngx_comet_ctx_t *ngx_comet_kept_ctx(ngx_http_request_t *r);

/* ngx_comet_set.c */

typedef enum {
    NGX_COMET_TAKES_ANYTHING,        /* the setter tells by itself */
    NGX_COMET_TAKES_WORD,
    NGX_COMET_TAKES_TIME,
    NGX_COMET_TAKES_SIZE,
    NGX_COMET_TAKES_NUMBER,
    NGX_COMET_TAKES_HOST,
    NGX_COMET_TAKES_HEADER
} ngx_comet_setter_e;


typedef struct {
    char                    *(*set)(ngx_conf_t *cf, ngx_command_t *cmd,
                                    void *conf);
    ngx_comet_setter_e           kind;
    void                      *words;      /* ngx_conf_enum_t, or alike */
    ngx_int_t                  low;
} ngx_comet_setter_t;


extern ngx_comet_setter_t  ngx_comet_takes_flag;
extern ngx_comet_setter_t  ngx_comet_takes_time;
extern ngx_comet_setter_t  ngx_comet_takes_time_above_zero;
extern ngx_comet_setter_t  ngx_comet_takes_size;
extern ngx_comet_setter_t  ngx_comet_takes_number;
extern ngx_comet_setter_t  ngx_comet_takes_host;
extern ngx_comet_setter_t  ngx_comet_takes_header;

char *ngx_comet_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* ngx_comet_conf.c */

void *ngx_comet_create_main_conf(ngx_conf_t *cf);
void *ngx_comet_create_loc_conf(ngx_conf_t *cf);
char *ngx_comet_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
char *ngx_comet_forward_header(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_comet_endpoints(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_comet_conf_place(ngx_conf_t *cf, ngx_comet_place_t *place);
ngx_uint_t ngx_comet_header_is_name(ngx_str_t *name);
void ngx_cdecl ngx_comet_conf_error(ngx_conf_t *cf, ngx_comet_place_t *place,
    const char *fmt, ...);
void ngx_cdecl ngx_comet_conf_warn(ngx_conf_t *cf, ngx_comet_place_t *place,
    const char *fmt, ...);

/* ngx_comet_check.c */

ngx_int_t ngx_comet_check_init(ngx_conf_t *cf);

/* ngx_comet_key.c */

char *ngx_comet_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_comet_key_mask(ngx_conf_t *cf, ngx_str_t *key);

/* ngx_comet_tenant.c */

#define NGX_COMET_TENANT_CONF      0x00100000
#define NGX_COMET_TENANT_NAME_MAX  128

char *ngx_comet_tenant(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_comet_client_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_comet_tenant_from(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_comet_tenants_init(ngx_conf_t *cf);
ngx_int_t ngx_comet_tenant_identify(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
ngx_str_t *ngx_comet_tenant_name(ngx_comet_tenant_t *tenant);

/* ngx_comet_limits.c */

char *ngx_comet_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
const char *ngx_comet_limit_name(ngx_comet_limit_e kind);
char *ngx_comet_price(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_comet_limits_place(ngx_conf_t *cf,
    ngx_comet_policy_conf_t *policy);
ngx_int_t ngx_comet_limits_init(ngx_conf_t *cf);
ngx_comet_ref_t *ngx_comet_limits_refs(ngx_comet_limits_t *limits,
    ngx_comet_tenant_t *tenant);
const ngx_comet_price_t *ngx_comet_price_of(ngx_comet_main_conf_t *cmcf,
    const char *model, size_t len);
uint64_t ngx_comet_cost(const ngx_comet_price_t *price,
    const ngx_comet_usage_result_t *usage);

/* ngx_comet_zone.c */

char *ngx_comet_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_comet_zone_keep(ngx_conf_t *cf);
ngx_int_t ngx_comet_zone_start(ngx_cycle_t *cycle);
void ngx_comet_zone_lock(ngx_comet_main_conf_t *cmcf);
void ngx_comet_zone_unlock(ngx_comet_main_conf_t *cmcf);
void ngx_comet_zone_clock(ngx_comet_clock_t *clock);

/* ngx_comet_abort.c */

char *ngx_comet_on_abort(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void ngx_comet_abort_watch(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
void ngx_comet_abort_end(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_int_t rc);

/* the client has gone: whether the answer is read without it from here on */

ngx_uint_t ngx_comet_abort_drain(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);

/* ngx_comet_admit.c */

ngx_int_t ngx_comet_admit_init(ngx_conf_t *cf);
void ngx_comet_admit_end(ngx_http_request_t *r);
ngx_int_t ngx_comet_admit(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
ngx_int_t ngx_comet_admit_call(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
void ngx_comet_admit_relies(ngx_comet_policy_conf_t *conf,
    ngx_comet_policy_t *policy);
ngx_int_t ngx_comet_admit_headers(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
ngx_comet_quota_t *ngx_comet_admit_closest(ngx_comet_admission_t *admission);

/* ngx_comet_count.c */

ngx_int_t ngx_comet_count_init(ngx_conf_t *cf);
ngx_int_t ngx_comet_count_begin(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
void ngx_comet_count_end(ngx_http_request_t *r);

/* around what the gateway does for a request; what it does already goes on */

void ngx_comet_count_resume(ngx_comet_ctx_t *ctx);
void ngx_comet_count_pause(ngx_comet_ctx_t *ctx);

/* ngx_comet_metrics.c */

char *ngx_comet_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_comet_metrics_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf,
    ngx_comet_loc_conf_t *prev);

/* ngx_comet_tls.c */

void ngx_comet_tls_create(ngx_comet_loc_conf_t *clcf);
ngx_int_t ngx_comet_tls_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf,
    ngx_comet_loc_conf_t *prev);
char *ngx_comet_ssl_password_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_uint_t ngx_comet_tls_truncated(ngx_connection_t *c);

/* ngx_comet_pass.c */

char *ngx_comet_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_comet_pass_handler(ngx_http_request_t *r);
ngx_uint_t ngx_comet_pass_word(ngx_str_t *value);

/* the host of a URL with variables; empty where it is one of them */

void ngx_comet_pass_host(ngx_str_t *url, ngx_str_t *host);

/* ngx_comet_body.c */

ngx_int_t ngx_comet_body_init(ngx_conf_t *cf);
ngx_int_t ngx_comet_body_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt handler);

/* ngx_comet_route.c */

ngx_int_t ngx_comet_route_upgrade(ngx_http_request_t *r);
ngx_int_t ngx_comet_route(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
ngx_uint_t ngx_comet_route_holds(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);

/* ngx_comet_gate.c */

ngx_int_t ngx_comet_gate_init(ngx_conf_t *cf);

/* ngx_comet_policy.c */

void ngx_comet_policy_create(ngx_comet_policy_conf_t *policy);
void ngx_comet_policy_merge(ngx_comet_policy_conf_t *conf,
    ngx_comet_policy_conf_t *prev);
void ngx_comet_policy_choose(ngx_comet_policy_conf_t *conf,
    ngx_comet_policy_conf_t *tenant, ngx_comet_policy_conf_t *location);
ngx_int_t ngx_comet_policy_of(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
ngx_uint_t ngx_comet_policy_admits(ngx_comet_policy_conf_t *policy,
    const char *model, size_t len);

/* the first character that other patterns have, and no name; or NULL */

u_char *ngx_comet_pattern_alien(ngx_str_t *text);

/* whether all that fits the one fits the other, as far as it can be told */

ngx_uint_t ngx_comet_pattern_covers(ngx_comet_pattern_t *pattern,
    ngx_comet_pattern_t *other);
char *ngx_comet_patterns(ngx_conf_t *cf, ngx_array_t **list, unsigned loose);
ngx_int_t ngx_comet_pattern_set(ngx_conf_t *cf, ngx_comet_pattern_t *pattern,
    ngx_str_t *text, unsigned loose);
char *ngx_comet_rule(ngx_conf_t *cf, ngx_array_t **params);
char *ngx_comet_models(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_comet_param(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_comet_max_output_tokens(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_comet_reserve_output(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* ngx_comet_inband.c */

void ngx_comet_inband(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_int_t rc);

/* ngx_comet_meter.c */

ngx_int_t ngx_comet_meter_init(ngx_conf_t *cf);
void ngx_comet_meter_create(ngx_comet_meter_conf_t *conf);
void ngx_comet_meter_merge(ngx_comet_meter_conf_t *conf,
    ngx_comet_meter_conf_t *prev);

/* what is held back will never be sent */

void ngx_comet_meter_drop(ngx_comet_meter_t *meter);

/* whether a plain answer cannot be believed, whatever follows */

ngx_uint_t ngx_comet_meter_is_lost(ngx_comet_meter_t *meter);

/* nothing is to be fed any more */

void ngx_comet_meter_finish(ngx_comet_meter_t *meter);

/*
 * What the call used.  Final in the log phase, on every way out; what has
 * passed so far before that.
 */

void ngx_comet_meter_result(ngx_comet_ctx_t *ctx,
    ngx_comet_usage_result_t *res);

/* ngx_comet_models.c */

ngx_int_t ngx_comet_models_init(ngx_conf_t *cf);

/* ngx_comet_patience.c */

void ngx_comet_patience_request(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
void ngx_comet_patience_answer(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
void ngx_comet_patience_drain(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_msec_t limit);
void ngx_comet_patience_stop(ngx_comet_ctx_t *ctx);

/* ngx_comet_provider.c */

char *ngx_comet_provider(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
const ngx_comet_provider_t *ngx_comet_provider_find(ngx_http_request_t *r,
    const char *model, size_t len);

/* ngx_comet_splice.c */

ngx_int_t ngx_comet_splice(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_chain_t *body, ngx_chain_t **ll);
ngx_int_t ngx_comet_splice_copy(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);

/* ngx_comet_walk.c */

void ngx_comet_walk_init(ngx_http_request_t *r, ngx_comet_walk_t *walk);
ngx_int_t ngx_comet_walk_block(ngx_comet_walk_t *walk, ngx_buf_t *block);
void ngx_comet_walk_end(ngx_comet_walk_t *walk);
ngx_int_t ngx_comet_turn(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_turn_pt handler);
void ngx_comet_turn_end(ngx_comet_ctx_t *ctx);

/* ngx_comet_util.c */

/* data of the request's own cleanup; it begins with the request it is of */

void *ngx_comet_cleanup_find(ngx_http_request_t *r,
    ngx_pool_cleanup_pt handler);

/* neither the name nor the value is copied */

ngx_int_t ngx_comet_header_add(ngx_http_request_t *r, const ngx_str_t *name,
    ngx_str_t *value);

/* of what malloc() gave: it is freed with the request, or here on failure */

ngx_buf_t *ngx_comet_text_buf(ngx_http_request_t *r, char *text);

/* milliseconds since the request began */

ngx_msec_t ngx_comet_elapsed(ngx_http_request_t *r);

/* ngx_comet_variables.c */

ngx_int_t ngx_comet_add_variables(ngx_conf_t *cf);
const char *ngx_comet_verdict_name(ngx_comet_verdict_e verdict);

/* ngx_comet_request.c */

ngx_int_t ngx_comet_create_request(ngx_http_request_t *r);

/* ngx_comet_header.c */

ngx_uint_t ngx_comet_header_is_secret(ngx_str_t *name);

/* at most so many bytes are copied; NULL where it failed */

size_t ngx_comet_headers_size(ngx_http_request_t *r);
u_char *ngx_comet_headers_copy(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    u_char *p);

/* ngx_comet_answer.c */

extern ngx_str_t  ngx_comet_hide_headers[];

void ngx_comet_answer_init(ngx_http_request_t *r);
ngx_int_t ngx_comet_answer_reinit(ngx_http_request_t *r);
void ngx_comet_answer_finalize(ngx_http_request_t *r, ngx_int_t rc);

/* ngx_comet_refuse.c */

ngx_int_t ngx_comet_refuse_init(ngx_conf_t *cf);
ngx_int_t ngx_cdecl ngx_comet_refuse(ngx_http_request_t *r,
    ngx_comet_error_t error, const char *fmt, ...);


#endif /* _NGX_COMET_HTTP_H_INCLUDED_ */
