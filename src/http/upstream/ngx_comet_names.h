/* the addresses that the name of an API has, and has next */


#ifndef _NGX_COMET_NAMES_H_INCLUDED_
#define _NGX_COMET_NAMES_H_INCLUDED_


#include "ngx_comet_http.h"


/* as many as a word has bits, by which a request knows those it tried */

#define NGX_COMET_ADDRS_MAX  64


typedef struct {
    struct sockaddr           *sockaddr;
    socklen_t                  socklen;
    ngx_str_t                  name;
    ngx_msec_t                 rests;      /* until then, where it failed */
    unsigned                   failed:1;
} ngx_comet_addr_t;


/* one answer: what is in it stays while a request uses it */

typedef struct {
    ngx_pool_t                *pool;       /* NULL: of the configuration */
    ngx_uint_t                 used;
    ngx_uint_t                 turn;
    ngx_uint_t                 number;
    ngx_comet_addr_t          *addr;
} ngx_comet_addrs_t;


typedef struct {
    ngx_str_t                  host;       /* in small letters */
    in_port_t                  port;

    ngx_resolver_t            *resolver;   /* NULL: as found at start */
    ngx_msec_t                 timeout;

    /* of a worker */

    ngx_comet_addrs_t         *addrs;      /* NULL: none yet */
    ngx_event_t                event;
    ngx_queue_t                waiting;
    ngx_msec_t                 delay;      /* of the next try */
    unsigned                   asked:1;    /* DNS, and it answered or not */
} ngx_comet_name_t;


extern ngx_comet_part_t  ngx_comet_names_part;


/* the same object for what is resolved in the same way */

ngx_comet_name_t *ngx_comet_names_add(ngx_conf_t *cf, ngx_url_t *url,
    ngx_comet_place_t *place);

/* for as long as the request lives */

ngx_int_t ngx_comet_names_hold(ngx_http_request_t *r, ngx_comet_name_t *name,
    ngx_comet_addrs_t **addrs);

/* the handler is called when DNS was asked once, or now */

ngx_int_t ngx_comet_names_await(ngx_http_request_t *r, ngx_comet_name_t *name,
    ngx_http_event_handler_pt handler);

/* an address among those that the name has now, or NULL */

ngx_comet_addr_t *ngx_comet_names_find(ngx_comet_addrs_t *addrs,
    struct sockaddr *sockaddr, socklen_t socklen);


#endif /* _NGX_COMET_NAMES_H_INCLUDED_ */
