/* comet_route: which model a call goes to */


#ifndef _NGX_COMET_ROUTE_H_INCLUDED_
#define _NGX_COMET_ROUTE_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_choice.h"
#include "ngx_comet_url.h"


/* a "to" or a "then" */

struct ngx_comet_route_target_s {
    ngx_str_t                  model;      /* ends with a zero */
    ngx_uint_t                 weight;     /* 0: a "then" */
    uint64_t                   id;         /* of model, pass and key */
    ngx_comet_url_t           *pass;       /* where to, or NULL: as others */
    ngx_comet_keys_t          *keys;       /* its own, or NULL */
};


typedef struct {
    ngx_str_t                  name;
    ngx_http_complex_value_t  *key;        /* what sticks, or NULL */
    ngx_array_t                targets;    /* every "to" before every "then" */
    ngx_comet_choice_t        *choices;    /* of each "to" */
    ngx_uint_t                 n;          /* of them */
    ngx_comet_place_t          place;
    unsigned                   itself:1;   /* is among the targets */
} ngx_comet_route_t;


/* a call that has one */

struct ngx_comet_routed_s {
    ngx_comet_route_t               *route;
    const ngx_comet_route_target_t  *first;
    const ngx_comet_route_target_t  *trying;
    ngx_uint_t                       next;     /* of the targets */
};


extern ngx_comet_part_t  ngx_comet_route_part;


char *ngx_comet_route(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* those of http that are not hidden by the tenant's own, which come first */

ngx_comet_route_t *ngx_comet_route_each(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx, ngx_uint_t *i);
ngx_comet_route_t *ngx_comet_route_find(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx, const char *name, size_t len);

ngx_uint_t ngx_comet_route_any(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);

/* asks the judge to go by them, if there are any */

void ngx_comet_route_relies(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_policy_t *policy);

/* what is tried is the next "then": 0 if there is none */

ngx_uint_t ngx_comet_route_then(ngx_comet_routed_t *routed);


#endif /* _NGX_COMET_ROUTE_H_INCLUDED_ */
