/*
 * Which address of an API is tried next: nginx's balancer for a comet_pass
 * that names no upstream block.
 */


#include "ngx_comet_peers.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_keep.h"
#include "ngx_comet_names.h"


/* ms: that one which failed is left alone, as nginx's fail_timeout */

#define NGX_COMET_PEERS_REST  10000


typedef struct {
    ngx_http_upstream_t        *upstream;
    ngx_comet_name_t           *name;
    ngx_comet_addrs_t          *addrs;
    ngx_comet_addr_t           *addr;      /* of this attempt */
    ngx_uint_t                  first;
    uint64_t                    tried;     /* a bit for each */
    ngx_comet_keeper_t          keeper;
} ngx_comet_peer_t;


static ngx_int_t ngx_comet_peers_init(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_comet_peers_get(ngx_peer_connection_t *pc, void *data);
static void ngx_comet_peers_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static ngx_comet_addr_t *ngx_comet_peers_choose(ngx_comet_peer_t *peer,
    struct sockaddr *local);
static void ngx_comet_peers_settle(ngx_comet_peer_t *peer, ngx_uint_t failed);
static ngx_int_t ngx_comet_peers_set_session(ngx_peer_connection_t *pc,
    void *data);
static void ngx_comet_peers_save_session(ngx_peer_connection_t *pc,
    void *data);


ngx_http_upstream_srv_conf_t *
ngx_comet_peers_upstream(ngx_conf_t *cf, ngx_url_t *url,
    ngx_comet_place_t *place)
{
    ngx_uint_t                       i;
    ngx_comet_name_t                *name;
    ngx_http_upstream_srv_conf_t    *us, **uscf;
    ngx_http_upstream_main_conf_t   *umcf;

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    uscf = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if (!(uscf[i]->flags & NGX_HTTP_UPSTREAM_CREATE)
            || uscf[i]->host.len != url->host.len
            || ngx_strncasecmp(uscf[i]->host.data, url->host.data,
                               url->host.len)
               != 0)
        {
            continue;
        }

        if (!url->no_port) {
            ngx_comet_conf_error(cf, place,
                                 "upstream \"%V\" may not have port %d",
                                 &url->host, (int) url->port);
            return NULL;
        }

        return uscf[i];
    }

    name = ngx_comet_names_add(cf, url, place);
    if (name == NULL) {
        return NULL;
    }

    for (i = 0; i < umcf->upstreams.nelts; i++) {
        if (uscf[i]->peer.data == name) {
            return uscf[i];
        }
    }

    us = ngx_pcalloc(cf->pool, sizeof(ngx_http_upstream_srv_conf_t));
    uscf = ngx_array_push(&umcf->upstreams);

    if (us == NULL || uscf == NULL) {
        return NULL;
    }

    /* nginx has resolved its own by now, and finds this one by a variable */

    *uscf = us;

    us->host = url->host;
    us->port = url->port;
    us->no_port = url->no_port;
    us->file_name = place->file.data;
    us->line = place->line;

    us->peer.init = ngx_comet_peers_init;
    us->peer.data = name;

    return us;
}


void
ngx_comet_peers_start(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *us)
{
    if (us->peer.init != ngx_comet_peers_init) {
        ngx_http_upstream_init(r);
        return;
    }

    if (ngx_comet_names_await(r, us->peer.data, ngx_http_upstream_init)
        != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


static ngx_int_t
ngx_comet_peers_init(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *us)
{
    ngx_comet_peer_t     *peer;
    ngx_comet_addrs_t    *addrs;
    ngx_http_upstream_t  *u;

    peer = ngx_pcalloc(r->pool, sizeof(ngx_comet_peer_t));
    if (peer == NULL) {
        return NGX_ERROR;
    }

    u = r->upstream;

    peer->upstream = u;
    peer->name = us->peer.data;

    if (ngx_comet_names_hold(r, peer->name, &addrs) != NGX_OK
        || ngx_comet_keep_init(r, &peer->keeper) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (addrs) {
        peer->addrs = addrs;
        peer->first = addrs->turn++;

        u->peer.tries = addrs->number;

    } else {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "%V has not been resolved yet", &us->host);

        u->peer.tries = 0;
    }

    u->peer.data = peer;
    u->peer.get = ngx_comet_peers_get;
    u->peer.free = ngx_comet_peers_free;
    u->peer.set_session = ngx_comet_peers_set_session;
    u->peer.save_session = ngx_comet_peers_save_session;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_peers_get(ngx_peer_connection_t *pc, void *data)
{
    ngx_comet_peer_t *peer = data;

    ngx_comet_addr_t  *addr;

    pc->cached = 0;
    pc->connection = NULL;

    addr = ngx_comet_peers_choose(peer,
                                  pc->local ? pc->local->sockaddr : NULL);

    if (addr == NULL) {
        pc->name = &peer->name->host;
        return NGX_BUSY;
    }

    peer->addr = addr;

    pc->sockaddr = addr->sockaddr;
    pc->socklen = addr->socklen;
    pc->name = &addr->name;

    return ngx_comet_keep_get(pc, &peer->keeper);
}


/*
 * The next one in turn that was not tried and does not rest; or, as any is
 * better than none, the one that has rested longest.  A request that has tried
 * them all begins anew.
 */

static ngx_comet_addr_t *
ngx_comet_peers_choose(ngx_comet_peer_t *peer, struct sockaddr *local)
{
    uint64_t           bit, best_bit;
    ngx_uint_t         i, k, again;
    ngx_comet_addr_t  *addr, *best;

    if (peer->addrs == NULL) {
        return NULL;
    }

    best = NULL;
    best_bit = 0;

    for (again = 0; best == NULL && again < 2; again++) {

        for (i = 0; i < peer->addrs->number; i++) {
            k = (peer->first + i) % peer->addrs->number;

            addr = &peer->addrs->addr[k];
            bit = (uint64_t) 1 << k;

            if ((peer->tried & bit)
                || (local && local->sa_family != addr->sockaddr->sa_family))
            {
                continue;
            }

            if (!addr->failed
                || (ngx_msec_int_t) (ngx_current_msec - addr->rests) >= 0)
            {
                best = addr;
                best_bit = bit;
                break;
            }

            if (best == NULL
                || (ngx_msec_int_t) (best->rests - addr->rests) > 0)
            {
                best = addr;
                best_bit = bit;
            }
        }

        if (best == NULL) {
            peer->tried = 0;
        }
    }

    peer->tried |= best_bit;

    /* one request finds out whether it is well again */

    if (best && best->failed) {
        best->rests = ngx_current_msec + NGX_COMET_PEERS_REST;
    }

    return best;
}


static void
ngx_comet_peers_free(ngx_peer_connection_t *pc, void *data, ngx_uint_t state)
{
    ngx_comet_peer_t *peer = data;

    ngx_uint_t  answered;

    /* a head has come: an error of the API is none of its address */

    answered = (peer->upstream->state->header_time != (ngx_msec_t) -1);

    if (ngx_comet_keep_free(pc, &peer->keeper, state)) {
        peer->tried &= ~((uint64_t) 1 << (peer->addr - peer->addrs->addr));

    } else if (answered || (state & NGX_PEER_FAILED)) {
        ngx_comet_peers_settle(peer, !answered);
    }

    if (pc->tries) {
        pc->tries--;
    }
}


static void
ngx_comet_peers_settle(ngx_comet_peer_t *peer, ngx_uint_t failed)
{
    ngx_comet_addr_t  *addr;

    addr = peer->addr;

    /* it may have been told anew since */

    if (peer->addrs != peer->name->addrs) {
        addr = ngx_comet_names_find(peer->name->addrs, addr->sockaddr,
                                    addr->socklen);
    }

    if (addr == NULL || (!failed && !addr->failed)) {
        return;
    }

    if (failed && !addr->failed && peer->name->addrs->number > 1) {
        ngx_log_error(NGX_LOG_WARN, peer->upstream->peer.log, 0,
                      "%V is left alone for %d s", &addr->name,
                      NGX_COMET_PEERS_REST / 1000);
    }

    addr->failed = failed;
    addr->rests = ngx_current_msec + NGX_COMET_PEERS_REST;
}


static ngx_int_t
ngx_comet_peers_set_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_comet_peer_t *peer = data;

    return ngx_comet_keep_set_session(pc, &peer->keeper);
}


static void
ngx_comet_peers_save_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_comet_peer_t *peer = data;

    ngx_comet_keep_save_session(pc, &peer->keeper);
}
