/*
 * Connections that wait for the next request, in each worker and of each
 * location: none is ever used under other settings of TLS than it was made
 * under.  What of these depends on the request is its identity.
 */


#include "ngx_comet_keep.h"
#include "ngx_comet_conf.h"


#define NGX_COMET_KEEP_NUMBER    32
#define NGX_COMET_KEEP_TIMEOUT   30000      /* ms, less than APIs wait */

/* a connection is renewed at times, as by nginx's own keepalive */

#define NGX_COMET_KEEP_REQUESTS  1000
#define NGX_COMET_KEEP_TIME      3600000

#define NGX_COMET_KEEP_SESSIONS  32

/* of Linux */

#define NGX_COMET_TCP_ESTABLISHED  1

/* names may be written by clients */

#define NGX_COMET_KEEP_IDENTITY  1024


/* who the other end is, and to whom we are what */

typedef struct {
    ngx_http_upstream_conf_t   *conf;
    ngx_sockaddr_t              sockaddr;
    socklen_t                   socklen;
    ngx_str_t                   identity;
} ngx_comet_party_t;


/* lives in the pool of its connection */

struct ngx_comet_idle_s {
    ngx_queue_t                 queue;
    ngx_comet_party_t           party;
    ngx_comet_keep_conf_t      *keep;
    ngx_connection_t           *connection;
};


typedef struct {
    ngx_queue_t                 queue;
    ngx_comet_party_t           party;
    ngx_ssl_session_t          *session;
} ngx_comet_session_t;


/* of the kernel's struct tcp_info, which that of libc may not have whole */

typedef struct {
    u_char                      state;
    u_char                      other[119];
    uint64_t                    acked;     /* bytes */
} ngx_comet_tcp_info_t;


static ngx_int_t ngx_comet_keep_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_keep_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static void ngx_comet_party_set(ngx_comet_party_t *party,
    ngx_peer_connection_t *pc, ngx_comet_keeper_t *keeper, u_char *identity);
static ngx_uint_t ngx_comet_party_is(ngx_comet_party_t *party,
    ngx_peer_connection_t *pc, ngx_comet_keeper_t *keeper);
static ngx_int_t ngx_comet_keep_info(ngx_connection_t *c,
    ngx_comet_tcp_info_t *info);
static ngx_uint_t ngx_comet_keep_dead(ngx_connection_t *c, uint64_t *acked);
static ngx_uint_t ngx_comet_keep_ended(ngx_connection_t *c);
static ngx_uint_t ngx_comet_keep_unheard(ngx_connection_t *c,
    ngx_comet_keeper_t *keeper);
static ngx_uint_t ngx_comet_keep_usable(ngx_connection_t *c,
    ngx_http_upstream_t *u);
static ngx_int_t ngx_comet_keep_put(ngx_peer_connection_t *pc,
    ngx_comet_keeper_t *keeper);
static void ngx_comet_keep_write(ngx_event_t *ev);
static void ngx_comet_keep_read(ngx_event_t *ev);
static void ngx_comet_keep_drop(ngx_comet_idle_t *kept);
static void ngx_comet_keep_close(ngx_connection_t *c);
static ngx_comet_session_t *ngx_comet_keep_session(ngx_peer_connection_t *pc,
    ngx_comet_keeper_t *keeper);
static ngx_comet_session_t *ngx_comet_keep_new_session(
    ngx_peer_connection_t *pc, ngx_comet_keeper_t *keeper);


ngx_comet_part_t  ngx_comet_keep_part = {
    .create_loc_conf = ngx_comet_keep_create,
    .merge_loc_conf = ngx_comet_keep_merge
};


static ngx_int_t
ngx_comet_keep_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    lcf->keep = ngx_pcalloc(cf->pool, sizeof(ngx_comet_keep_conf_t));
    if (lcf->keep == NULL) {
        return NGX_ERROR;
    }

    lcf->keep->number = NGX_CONF_UNSET_UINT;
    lcf->keep->timeout = NGX_CONF_UNSET_MSEC;

    ngx_queue_init(&lcf->keep->idle);
    ngx_queue_init(&lcf->keep->sessions);

    return NGX_OK;
}


static ngx_int_t
ngx_comet_keep_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_comet_keep_conf_t  *keep, *around;

    keep = conf->keep;
    around = prev->keep;

    /* one directive: both, or none of them */

    ngx_conf_merge_msec_value(keep->timeout, around->timeout,
                              NGX_COMET_KEEP_TIMEOUT);
    ngx_conf_merge_uint_value(keep->number, around->number,
                              NGX_COMET_KEEP_NUMBER);

    return NGX_OK;
}


char *
ngx_comet_keepalive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_keep_conf_t *keep = conf;

    ngx_int_t    n, timeout;
    ngx_str_t   *value, text;
    ngx_uint_t   last;

    if (keep->number != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;
    last = cf->args->nelts - 1;

    n = ngx_atoi(value[1].data, value[1].len);
    timeout = NGX_COMET_KEEP_TIMEOUT;

    if (last == 1 && ngx_strcmp(value[1].data, "off") == 0) {
        n = 0;

    } else if (n == NGX_ERROR || n == 0) {
        last = 1;
        goto invalid;
    }

    if (last == 2) {

        if (ngx_strncmp(value[2].data, "timeout=", 8) != 0) {
            goto invalid;
        }

        text.data = value[2].data + 8;
        text.len = value[2].len - 8;

        timeout = ngx_parse_time(&text, 0);

        if (timeout == NGX_ERROR || timeout == 0) {
            goto invalid;
        }
    }

    keep->number = n;
    keep->timeout = timeout;

    if (cf->cmd_type == NGX_HTTP_LOC_CONF) {
        ngx_comet_conf_place(cf, &keep->place);
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"%V\": write a number of "
                       "connections, as in 32 or 32 timeout=30s, or off",
                       &value[last], &value[0]);

    return NGX_CONF_ERROR;
}


static u_char *
ngx_comet_keep_word(u_char *p, u_char *last, ngx_str_t *word)
{
    return ngx_slprintf(p, last, "%uz:%V", word->len, word);
}


/* all that may differ between two requests with the same u->conf */

ngx_int_t
ngx_comet_keep_init(ngx_http_request_t *r, ngx_comet_keeper_t *keeper)
{
    u_char                    *p, *last;
    ngx_str_t                  name, certificate, key, local;
    ngx_http_upstream_t       *u;
    ngx_comet_loc_conf_t      *lcf;
    ngx_http_upstream_conf_t  *conf;

    u = r->upstream;
    conf = u->conf;

    /* a request of another module, that a variable led here */

    if (u->output.tag != (ngx_buf_tag_t) &ngx_comet_module) {
        return NGX_OK;
    }

    ngx_str_null(&name);
    ngx_str_null(&certificate);
    ngx_str_null(&key);
    ngx_str_null(&local);

    if (u->ssl) {
        name = u->ssl_name;

        if (conf->ssl_name
            && ngx_http_complex_value(r, conf->ssl_name, &name) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (conf->ssl_certificate && conf->ssl_certificate_key
            && (ngx_http_complex_value(r, conf->ssl_certificate, &certificate)
                != NGX_OK
                || ngx_http_complex_value(r, conf->ssl_certificate_key, &key)
                   != NGX_OK))
        {
            return NGX_ERROR;
        }
    }

    if (u->peer.local) {
        local.data = (u_char *) u->peer.local->sockaddr;
        local.len = u->peer.local->socklen;
    }

    p = ngx_pnalloc(r->pool, NGX_COMET_KEEP_IDENTITY);
    if (p == NULL) {
        return NGX_ERROR;
    }

    keeper->identity.data = p;
    last = p + NGX_COMET_KEEP_IDENTITY;

    p = ngx_slprintf(p, last, "%d", u->ssl ? 1 : 0);
    p = ngx_comet_keep_word(p, last, &name);
    p = ngx_comet_keep_word(p, last, &certificate);
    p = ngx_comet_keep_word(p, last, &key);
    p = ngx_comet_keep_word(p, last, &local);

    keeper->identity.len = p - keeper->identity.data;

    if (p == last) {
        return NGX_OK;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    keeper->keep = lcf->keep;
    keeper->upstream = u;

    return NGX_OK;
}


static void
ngx_comet_party_set(ngx_comet_party_t *party, ngx_peer_connection_t *pc,
    ngx_comet_keeper_t *keeper, u_char *identity)
{
    party->conf = keeper->upstream->conf;

    party->socklen = pc->socklen;
    ngx_memcpy(&party->sockaddr, pc->sockaddr, pc->socklen);

    party->identity.len = keeper->identity.len;
    party->identity.data = identity;
    ngx_memcpy(identity, keeper->identity.data, keeper->identity.len);
}


static ngx_uint_t
ngx_comet_party_is(ngx_comet_party_t *party, ngx_peer_connection_t *pc,
    ngx_comet_keeper_t *keeper)
{
    return party->conf == keeper->upstream->conf
           && party->identity.len == keeper->identity.len
           && ngx_memcmp(party->identity.data, keeper->identity.data,
                         keeper->identity.len)
              == 0
           && ngx_memn2cmp((u_char *) &party->sockaddr,
                           (u_char *) pc->sockaddr,
                           party->socklen, pc->socklen)
              == 0;
}


ngx_int_t
ngx_comet_keep_get(ngx_peer_connection_t *pc, ngx_comet_keeper_t *keeper)
{
    ngx_queue_t       *q, *next;
    ngx_connection_t  *c;
    ngx_comet_idle_t  *kept;

    keeper->kept = NULL;

    if (keeper->keep == NULL) {
        return NGX_OK;
    }

    /* what was sent to nobody is to be made ready again */

    if (keeper->rewind) {
        keeper->upstream->request_sent = 1;
    }

    for (q = ngx_queue_head(&keeper->keep->idle);
         !keeper->fresh && q != ngx_queue_sentinel(&keeper->keep->idle);
         q = next)
    {
        next = ngx_queue_next(q);
        kept = ngx_queue_data(q, ngx_comet_idle_t, queue);

        if (!ngx_comet_party_is(&kept->party, pc, keeper)) {
            continue;
        }

        c = kept->connection;

        /* its end may not have been read yet */

        if (ngx_comet_keep_dead(c, &keeper->acked)) {
            ngx_comet_keep_drop(kept);
            continue;
        }

        ngx_queue_remove(q);
        keeper->keep->nidle--;
        keeper->kept = kept;

        if (c->read->timer_set) {
            ngx_del_timer(c->read);
        }

        c->idle = 0;
        c->sent = 0;
        c->data = NULL;
        c->log = pc->log;
        c->pool->log = pc->log;
        c->read->log = pc->log;
        c->write->log = pc->log;

        pc->connection = c;
        pc->cached = 1;

        return NGX_DONE;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_comet_keep_info(ngx_connection_t *c, ngx_comet_tcp_info_t *info)
{
#if (NGX_LINUX)
    socklen_t  len;

    len = sizeof(ngx_comet_tcp_info_t);

    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0
        && len == sizeof(ngx_comet_tcp_info_t))
    {
        return NGX_OK;
    }
#endif

    return NGX_DECLINED;
}


static ngx_uint_t
ngx_comet_keep_dead(ngx_connection_t *c, uint64_t *acked)
{
    ngx_comet_tcp_info_t  info;

    if (ngx_comet_keep_info(c, &info) != NGX_OK) {
        return 0;
    }

    *acked = info.acked;

    return info.state != NGX_COMET_TCP_ESTABLISHED;
}


/* nginx takes a reset below TLS for an end, too */

static ngx_uint_t
ngx_comet_keep_ended(ngx_connection_t *c)
{
    if (!c->read->eof || c->ssl == NULL) {
        return c->read->eof;
    }

    return (SSL_get_shutdown(c->ssl->connection) & SSL_RECEIVED_SHUTDOWN)
           || BIO_eof(SSL_get_rbio(c->ssl->connection));
}


/*
 * A connection that the API closed before it got a byte of the request: then
 * nobody has acted on that, and any method can be sent again.  The end of a
 * connection says by its acknowledgment what had come by then.  A reset does
 * not, so it is no proof.
 */

static ngx_uint_t
ngx_comet_keep_unheard(ngx_connection_t *c, ngx_comet_keeper_t *keeper)
{
    ngx_comet_tcp_info_t  info;

    if (c->sent == 0) {
        return 1;
    }

    return ngx_comet_keep_ended(c)
           && ngx_comet_keep_info(c, &info) == NGX_OK
           && info.acked == keeper->acked;
}


ngx_uint_t
ngx_comet_keep_free(ngx_peer_connection_t *pc, ngx_comet_keeper_t *keeper,
    ngx_uint_t state)
{
    ngx_connection_t     *c;
    ngx_http_upstream_t  *u;

    u = keeper->upstream;
    c = pc->connection;

    if (keeper->keep == NULL) {
        return 0;
    }

    /* nginx has made it ready, unless it could not even begin to connect */

    if (keeper->rewind) {
        if (c == NULL) {
            u->request_sent = 0;

        } else {
            keeper->rewind = 0;
        }
    }

    if (!(state & NGX_PEER_FAILED)) {

        if (c && ngx_comet_keep_usable(c, u)
            && ngx_comet_keep_put(pc, keeper) == NGX_OK)
        {
            pc->connection = NULL;
        }

        return 0;
    }

    if (c == NULL || keeper->kept == NULL || u->state->bytes_received
        || c->read->timedout || c->write->timedout)
    {
        return 0;
    }

    /* others may be as dead */

    keeper->fresh = 1;

    if (u->request_sent && ngx_comet_keep_unheard(c, keeper)) {
        u->request_sent = 0;
        keeper->rewind = 1;
    }

    return 1;
}


static ngx_uint_t
ngx_comet_keep_usable(ngx_connection_t *c, ngx_http_upstream_t *u)
{
    if (!u->keepalive || !u->request_body_sent
        || ngx_terminate || ngx_exiting
        || c->read->eof || c->read->error || c->read->timedout
        || c->write->error || c->write->timedout
        || c->requests >= NGX_COMET_KEEP_REQUESTS
        || ngx_current_msec - c->start_time > NGX_COMET_KEEP_TIME)
    {
        return 0;
    }

    /* what TLS has taken from the socket is seen by no event */

    if (c->ssl && SSL_has_pending(c->ssl->connection)) {
        return 0;
    }

    return ngx_handle_read_event(c->read, 0) == NGX_OK;
}


static ngx_int_t
ngx_comet_keep_put(ngx_peer_connection_t *pc, ngx_comet_keeper_t *keeper)
{
    u_char                 *identity;
    ngx_connection_t       *c;
    ngx_comet_idle_t       *kept;
    ngx_comet_keep_conf_t  *keep;

    c = pc->connection;
    keep = keeper->keep;

    if (keep->number == 0) {
        return NGX_DECLINED;
    }

    kept = keeper->kept;

    if (kept == NULL) {
        kept = ngx_palloc(c->pool, sizeof(ngx_comet_idle_t));
        identity = ngx_pnalloc(c->pool, keeper->identity.len);

        if (kept == NULL || identity == NULL) {
            return NGX_ERROR;
        }

        ngx_comet_party_set(&kept->party, pc, keeper, identity);

        kept->keep = keep;
        kept->connection = c;
    }

    if (keep->nidle >= keep->number) {
        ngx_comet_keep_drop(ngx_queue_data(ngx_queue_last(&keep->idle),
                                           ngx_comet_idle_t, queue));
    }

    ngx_queue_insert_head(&keep->idle, &kept->queue);
    keep->nidle++;

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    c->read->delayed = 0;
    ngx_add_timer(c->read, keep->timeout);

    c->read->handler = ngx_comet_keep_read;
    c->write->handler = ngx_comet_keep_write;

    /* a worker that is to exit closes those that are idle */

    c->idle = 1;
    c->data = kept;
    c->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;

    if (c->read->ready) {
        ngx_comet_keep_read(c->read);
    }

    return NGX_OK;
}


static void
ngx_comet_keep_write(ngx_event_t *ev)
{
    /* nothing is to be sent */
}


/* nobody asked: whatever comes, or does not come in time, is the end */

static void
ngx_comet_keep_read(ngx_event_t *ev)
{
    u_char             byte;
    ngx_connection_t  *c;

    c = ev->data;

    if (!c->close && !ev->timedout
        && recv(c->fd, &byte, 1, MSG_PEEK) == -1
        && ngx_socket_errno == NGX_EAGAIN)
    {
        ev->ready = 0;

        if (ngx_handle_read_event(ev, 0) == NGX_OK) {
            return;
        }
    }

    ngx_comet_keep_drop(c->data);
}


static void
ngx_comet_keep_drop(ngx_comet_idle_t *kept)
{
    ngx_queue_remove(&kept->queue);
    kept->keep->nidle--;

    ngx_comet_keep_close(kept->connection);
}


static void
ngx_comet_keep_close(ngx_connection_t *c)
{
    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            c->ssl->handler = ngx_comet_keep_close;
            return;
        }
    }

    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}


static ngx_comet_session_t *
ngx_comet_keep_session(ngx_peer_connection_t *pc, ngx_comet_keeper_t *keeper)
{
    ngx_queue_t          *q;
    ngx_comet_session_t  *s;

    for (q = ngx_queue_head(&keeper->keep->sessions);
         q != ngx_queue_sentinel(&keeper->keep->sessions);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_comet_session_t, queue);

        if (ngx_comet_party_is(&s->party, pc, keeper)) {
            ngx_queue_remove(q);
            ngx_queue_insert_head(&keeper->keep->sessions, q);

            return s;
        }
    }

    return NULL;
}


/*
 * A session brings the verdict on the certificate with it, and who we were:
 * like a connection, it is of one party.
 */

ngx_int_t
ngx_comet_keep_set_session(ngx_peer_connection_t *pc,
    ngx_comet_keeper_t *keeper)
{
    ngx_comet_session_t  *s;

    if (keeper->keep == NULL) {
        return NGX_OK;
    }

    s = ngx_comet_keep_session(pc, keeper);

    return s ? ngx_ssl_set_session(pc->connection, s->session) : NGX_OK;
}


void
ngx_comet_keep_save_session(ngx_peer_connection_t *pc,
    ngx_comet_keeper_t *keeper)
{
    ngx_ssl_session_t    *session;
    ngx_comet_session_t  *s;

    if (keeper->keep == NULL || pc->sockaddr == NULL) {
        return;
    }

    session = ngx_ssl_get_session(pc->connection);
    if (session == NULL) {
        return;
    }

    s = ngx_comet_keep_session(pc, keeper);

    if (s == NULL) {
        s = ngx_comet_keep_new_session(pc, keeper);

        if (s == NULL) {
            ngx_ssl_free_session(session);
            return;
        }
    }

    if (s->session) {
        ngx_ssl_free_session(s->session);
    }

    s->session = session;
}


static ngx_comet_session_t *
ngx_comet_keep_new_session(ngx_peer_connection_t *pc,
    ngx_comet_keeper_t *keeper)
{
    ngx_queue_t            *q;
    ngx_comet_session_t    *s, *last;
    ngx_comet_keep_conf_t  *keep;

    keep = keeper->keep;

    s = ngx_alloc(sizeof(ngx_comet_session_t) + keeper->identity.len,
                  pc->log);
    if (s == NULL) {
        return NULL;
    }

    s->session = NULL;
    ngx_comet_party_set(&s->party, pc, keeper, (u_char *) (s + 1));

    if (keep->nsessions == NGX_COMET_KEEP_SESSIONS) {
        q = ngx_queue_last(&keep->sessions);
        ngx_queue_remove(q);
        keep->nsessions--;

        last = ngx_queue_data(q, ngx_comet_session_t, queue);
        ngx_ssl_free_session(last->session);
        ngx_free(last);
    }

    ngx_queue_insert_head(&keep->sessions, &s->queue);
    keep->nsessions++;

    return s;
}
