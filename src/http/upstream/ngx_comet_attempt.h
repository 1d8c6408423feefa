/*
 * An attempt at the API: one upstream of nginx's.  Where it fails before a
 * byte went to the client, the request can be taken out of nginx's hands and
 * given to it once more.
 */


#ifndef _NGX_COMET_ATTEMPT_H_INCLUDED_
#define _NGX_COMET_ATTEMPT_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_outcome.h"
#include "ngx_comet_url.h"


/* where it goes */

struct ngx_comet_sending_s {
    ngx_comet_target_t            *target;
    ngx_str_t                      host;
    ngx_http_upstream_srv_conf_t  *peers;
    ngx_http_upstream_resolved_t  *resolved;       /* where there are none */
    ngx_str_t                      idempotency;    /* a line of the head */
};


/* whoever decides what follows */

typedef struct {

    /* there is a head: as process_header() of nginx's upstream */
    ngx_int_t  (*head)(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);

    /* there is none, and nginx gives up */
    void       (*failed)(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
                         ngx_comet_outcome_e kind);

    /* nginx ends it, whatever became of it */
    void       (*ended)(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
                        ngx_int_t rc);

    /* a request that was taken has waited */
    void       (*next)(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);

} ngx_comet_attempt_hooks_t;


struct ngx_comet_attempt_s {
    ngx_int_t                       (*make)(ngx_http_request_t *r,
                                            ngx_comet_ctx_t *ctx);
    const ngx_comet_attempt_hooks_t  *hooks;
    ngx_http_request_t               *request;
    ngx_event_get_peer_pt             get;       /* nginx's, behind ours */
    ngx_event_free_peer_pt            free;
    ngx_event_t                       event;     /* the next attempt */
    ngx_resolver_ctx_t               *resolver;  /* while it looks for a name */

    unsigned                          watched:1; /* by a cleanup */
    unsigned                          taken:1;   /* out of nginx's hands */
    unsigned                          holding:1; /* an answer, until it ends */
};


/* what a location's upstream is to nginx; the request says whose peers */

extern ngx_http_upstream_srv_conf_t  ngx_comet_attempt_peers;


/* an upstream; and nginx has it */

ngx_int_t ngx_comet_attempt_make(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
void ngx_comet_attempt_begin(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);

/*
 * Called by a hook, head() or failed(): the next attempt begins after so many
 * milliseconds.  What nginx does with the present one then has no effect.
 */

ngx_int_t ngx_comet_attempt_take(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_msec_t wait);

/* whether nginx turns to the next server by itself */

ngx_uint_t ngx_comet_attempt_goes_on(ngx_http_request_t *r, ngx_uint_t type);


#endif /* _NGX_COMET_ATTEMPT_H_INCLUDED_ */
