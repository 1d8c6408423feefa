/* connections to the API that are kept, and sessions of TLS */


#ifndef _NGX_COMET_KEEP_H_INCLUDED_
#define _NGX_COMET_KEEP_H_INCLUDED_


#include "ngx_comet_http.h"


struct ngx_comet_keep_conf_s {
    ngx_uint_t                 number;     /* 0: off */
    ngx_msec_t                 timeout;
    ngx_comet_place_t          place;      /* where it is said here */

    /* of a worker; the last used first */

    ngx_queue_t                idle;       /* of ngx_comet_idle_t */
    ngx_uint_t                 nidle;
    ngx_queue_t                sessions;
    ngx_uint_t                 nsessions;
};


typedef struct ngx_comet_idle_s  ngx_comet_idle_t;


/* what a request may use, and what it does with it */

typedef struct {
    ngx_comet_keep_conf_t     *keep;       /* NULL: nothing */
    ngx_http_upstream_t       *upstream;
    ngx_str_t                  identity;
    ngx_comet_idle_t          *kept;       /* what its connection was */
    uint64_t                   acked;      /* bytes, when it was taken */
    unsigned                   fresh:1;    /* no more kept ones */
    unsigned                   rewind:1;   /* sent, but to nobody */
} ngx_comet_keeper_t;


extern ngx_comet_part_t  ngx_comet_keep_part;


char *ngx_comet_keepalive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

ngx_int_t ngx_comet_keep_init(ngx_http_request_t *r,
    ngx_comet_keeper_t *keeper);

/* a kept connection to the address in pc: NGX_DONE; or NGX_OK without one */

ngx_int_t ngx_comet_keep_get(ngx_peer_connection_t *pc,
    ngx_comet_keeper_t *keeper);

/* whether it was a kept one that turned out dead */

ngx_uint_t ngx_comet_keep_free(ngx_peer_connection_t *pc,
    ngx_comet_keeper_t *keeper, ngx_uint_t state);

ngx_int_t ngx_comet_keep_set_session(ngx_peer_connection_t *pc,
    ngx_comet_keeper_t *keeper);
void ngx_comet_keep_save_session(ngx_peer_connection_t *pc,
    ngx_comet_keeper_t *keeper);


#endif /* _NGX_COMET_KEEP_H_INCLUDED_ */
