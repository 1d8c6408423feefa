/*
 * The addresses of a name: those that the system finds at start, and then
 * those of DNS, asked by each worker as often as the answers say.
 */


#include "ngx_comet_names.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_system.h"


/* ms: between two tries where DNS did not tell, twice as long each time */

#define NGX_COMET_NAMES_RETRY      1000
#define NGX_COMET_NAMES_RETRY_MAX  32000


typedef struct {
    ngx_comet_addrs_t          *addrs;
} ngx_comet_names_held_t;


typedef struct {
    ngx_queue_t                 queue;
    ngx_event_t                 event;
    ngx_http_request_t         *request;
    void                       *ctx;
    ngx_http_event_handler_pt   handler;
} ngx_comet_wait_t;


struct ngx_comet_names_s {
    ngx_array_t                 names;     /* of ngx_comet_name_t * */
    ngx_resolver_t             *system;
};


static ngx_int_t ngx_comet_names_create(ngx_conf_t *cf,
    ngx_comet_main_conf_t *mcf);
static ngx_int_t ngx_comet_names_resolver(ngx_conf_t *cf, ngx_url_t *url,
    ngx_resolver_t **resolver);
static ngx_int_t ngx_comet_names_first(ngx_conf_t *cf, ngx_comet_name_t *name,
    ngx_url_t *url, ngx_comet_place_t *place);
static ngx_int_t ngx_comet_names_start(ngx_cycle_t *cycle);
static void ngx_comet_names_ask(ngx_event_t *ev);
static void ngx_comet_names_answer(ngx_resolver_ctx_t *ctx);
static ngx_uint_t ngx_comet_names_usable(ngx_comet_name_t *name,
    ngx_resolver_ctx_t *ctx, ngx_resolver_addr_t **found);
static ngx_uint_t ngx_comet_names_routed(ngx_resolver_addr_t *addr,
    in_port_t port);
static ngx_uint_t ngx_comet_names_same(ngx_comet_addrs_t *addrs,
    ngx_resolver_addr_t **found, ngx_uint_t n);
static void ngx_comet_names_take(ngx_comet_name_t *name,
    ngx_resolver_addr_t **found, ngx_uint_t n);
static void ngx_comet_names_release(ngx_comet_addrs_t *addrs);
static void ngx_comet_names_cleanup(void *data);
static void ngx_comet_names_resume(ngx_event_t *ev);
static void ngx_comet_names_forget(void *data);


ngx_comet_part_t  ngx_comet_names_part = {
    .create_main_conf = ngx_comet_names_create,
    .init_process = ngx_comet_names_start
};


static ngx_int_t
ngx_comet_names_create(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf)
{
    mcf->names = ngx_pcalloc(cf->pool, sizeof(ngx_comet_names_t));
    if (mcf->names == NULL) {
        return NGX_ERROR;
    }

    return ngx_array_init(&mcf->names->names, cf->pool, 4,
                          sizeof(ngx_comet_name_t *));
}


ngx_comet_name_t *
ngx_comet_names_add(ngx_conf_t *cf, ngx_url_t *url, ngx_comet_place_t *place)
{
    ngx_uint_t                  i;
    ngx_resolver_t             *resolver;
    ngx_comet_name_t           *name, **names;
    ngx_comet_main_conf_t      *mcf;
    ngx_http_core_loc_conf_t   *core;

    if (ngx_comet_names_resolver(cf, url, &resolver) != NGX_OK) {
        return NULL;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);
    names = mcf->names->names.elts;

    for (i = 0; i < mcf->names->names.nelts; i++) {
        name = names[i];

        if (name->port == url->port && name->resolver == resolver
            && name->host.len == url->host.len
            && ngx_strncasecmp(name->host.data, url->host.data,
                               url->host.len)
               == 0)
        {
            return name;
        }
    }

    name = ngx_pcalloc(cf->pool, sizeof(ngx_comet_name_t));
    names = ngx_array_push(&mcf->names->names);

    if (name == NULL || names == NULL) {
        return NULL;
    }

    *names = name;

    /* nginx's resolver writes into it */

    name->host.len = url->host.len;
    name->host.data = ngx_pnalloc(cf->pool, url->host.len);
    if (name->host.data == NULL) {
        return NULL;
    }

    ngx_strlow(name->host.data, url->host.data, url->host.len);

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    name->port = url->port;
    name->resolver = resolver;
    name->timeout = core->resolver_timeout;
    name->delay = NGX_COMET_NAMES_RETRY;

    /* of http itself it may not be merged */

    ngx_conf_init_msec_value(name->timeout, 30000);

    ngx_queue_init(&name->waiting);

    return ngx_comet_names_first(cf, name, url, place) == NGX_OK ? name : NULL;
}


/* the one to follow a name with; NULL for one that DNS has no say in */

static ngx_int_t
ngx_comet_names_resolver(ngx_conf_t *cf, ngx_url_t *url,
    ngx_resolver_t **resolver)
{
    ngx_int_t                  rc;
    ngx_comet_names_t         *names;
    ngx_comet_main_conf_t     *mcf;
    ngx_http_core_loc_conf_t  *core;

    *resolver = NULL;

    if (url->naddrs) {
        return NGX_OK;
    }

    rc = ngx_comet_system_has(cf, &url->host);

    if (rc) {
        return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
    }

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (core->resolver && core->resolver->connections.nelts) {
        *resolver = core->resolver;
        return NGX_OK;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);
    names = mcf->names;

    if (names->system == NULL) {
        names->system = ngx_comet_system_resolver(cf);
        if (names->system == NULL) {
            return NGX_ERROR;
        }
    }

    if (names->system->connections.nelts) {
        *resolver = names->system;
    }

    return NGX_OK;
}


/* what the system finds, or nothing for the time being */

static ngx_int_t
ngx_comet_names_first(ngx_conf_t *cf, ngx_comet_name_t *name, ngx_url_t *url,
    ngx_comet_place_t *place)
{
    ngx_url_t           u;
    ngx_uint_t          i;
    ngx_comet_addrs_t  *addrs;

    u = *url;

    if (u.naddrs == 0 && ngx_inet_resolve_host(cf->pool, &u) != NGX_OK) {

        if (u.err == NULL) {
            return NGX_ERROR;
        }

        ngx_comet_conf_warn(cf, place,
                            "%s: \"%V\" of \"comet_pass\"; %s,", u.err,
                            &url->host,
                            name->resolver
                            ? "DNS is asked while nginx runs, and calls get "
                              "502 until it is found"
                            : "calls get 502, and there is neither a "
                              "\"resolver\" nor a name server of the system "
                              "to ask while nginx runs");

        return NGX_OK;
    }

    u.naddrs = ngx_min(u.naddrs, NGX_COMET_ADDRS_MAX);

    addrs = ngx_pcalloc(cf->pool, sizeof(ngx_comet_addrs_t));
    if (addrs == NULL) {
        return NGX_ERROR;
    }

    addrs->addr = ngx_pcalloc(cf->pool, u.naddrs * sizeof(ngx_comet_addr_t));
    if (addrs->addr == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < u.naddrs; i++) {
        addrs->addr[i].sockaddr = u.addrs[i].sockaddr;
        addrs->addr[i].socklen = u.addrs[i].socklen;
        addrs->addr[i].name = u.addrs[i].name;
    }

    addrs->number = u.naddrs;
    name->addrs = addrs;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_names_start(ngx_cycle_t *cycle)
{
    ngx_uint_t               i;
    ngx_comet_name_t       **name;
    ngx_comet_main_conf_t   *mcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_comet_module);
    if (mcf == NULL) {
        return NGX_OK;
    }

    name = mcf->names->names.elts;

    for (i = 0; i < mcf->names->names.nelts; i++) {

        if (name[i]->resolver == NULL) {
            continue;
        }

        name[i]->event.handler = ngx_comet_names_ask;
        name[i]->event.data = name[i];
        name[i]->event.log = cycle->log;
        name[i]->event.cancelable = 1;

        ngx_add_timer(&name[i]->event, 1);
    }

    return NGX_OK;
}


static void
ngx_comet_names_ask(ngx_event_t *ev)
{
    ngx_comet_name_t *name = ev->data;

    ngx_resolver_ctx_t  *ctx;

    ctx = ngx_resolve_start(name->resolver, NULL);

    if (ctx) {
        ctx->name = name->host;
        ctx->handler = ngx_comet_names_answer;
        ctx->data = name;
        ctx->timeout = name->timeout;
        ctx->cancelable = 1;

        if (ngx_resolve_name(ctx) == NGX_OK) {
            return;
        }
    }

    ngx_add_timer(ev, NGX_COMET_NAMES_RETRY);
}


static void
ngx_comet_names_answer(ngx_resolver_ctx_t *ctx)
{
    time_t             now;
    ngx_uint_t         n, level;
    ngx_event_t       *ev;
    ngx_comet_wait_t  *wait;
    ngx_comet_name_t  *name;

    ngx_resolver_addr_t  *found[NGX_COMET_ADDRS_MAX];

    name = ctx->data;
    ev = &name->event;
    name->asked = 1;

    if (ctx->state == NGX_OK && ctx->naddrs) {
        now = ngx_time();
        n = ngx_comet_names_usable(name, ctx, found);

        if (!ngx_comet_names_same(name->addrs, found, n)) {
            ngx_comet_names_take(name, found, n);
        }

        name->delay = NGX_COMET_NAMES_RETRY;

        /* the resolver knows it to the end of the second that it names */

        ngx_add_timer(ev, ctx->valid > now ? (ctx->valid - now + 1) * 1000
                                           : NGX_COMET_NAMES_RETRY);

    } else {
        level = name->addrs ? NGX_LOG_WARN : NGX_LOG_ERR;

        ngx_log_error(level, ev->log, 0,
                      "%V could not be resolved (%i: %s)%s", &name->host,
                      ctx->state, ngx_resolver_strerror(ctx->state),
                      name->addrs ? ", the addresses it had are used" : "");

        ngx_add_timer(ev, name->delay);

        name->delay = ngx_min(name->delay * 2, NGX_COMET_NAMES_RETRY_MAX);
    }

    ngx_resolve_name_done(ctx);

    while (!ngx_queue_empty(&name->waiting)) {
        wait = ngx_queue_data(ngx_queue_head(&name->waiting),
                              ngx_comet_wait_t, queue);

        ngx_comet_names_resume(&wait->event);
    }
}


/* those that there is a way to, each once; all where there is no way at all */

static ngx_uint_t
ngx_comet_names_usable(ngx_comet_name_t *name, ngx_resolver_ctx_t *ctx,
    ngx_resolver_addr_t **found)
{
    ngx_uint_t            i, j, n, all;
    ngx_resolver_addr_t  *addr;

    n = 0;

    for (all = 0; n == 0 && all < 2; all++) {

        for (i = 0; i < ctx->naddrs && n < NGX_COMET_ADDRS_MAX; i++) {
            addr = &ctx->addrs[i];

            for (j = 0; j < n; j++) {
                if (ngx_cmp_sockaddr(addr->sockaddr, addr->socklen,
                                     found[j]->sockaddr, found[j]->socklen, 0)
                    == NGX_OK)
                {
                    break;
                }
            }

            if (j == n && (all || ngx_comet_names_routed(addr, name->port))) {
                found[n++] = addr;
            }
        }
    }

    return n;
}


/* DNS tells IPv6 addresses to machines that have only IPv4 */

static ngx_uint_t
ngx_comet_names_routed(ngx_resolver_addr_t *addr, in_port_t port)
{
    int              rc;
    ngx_socket_t     s;
    ngx_sockaddr_t   sockaddr;

    if (addr->sockaddr->sa_family == AF_INET) {
        return 1;
    }

    s = ngx_socket(addr->sockaddr->sa_family, SOCK_DGRAM, 0);

    if (s == (ngx_socket_t) -1) {
        return 0;
    }

    ngx_memcpy(&sockaddr, addr->sockaddr, addr->socklen);
    ngx_inet_set_port(&sockaddr.sockaddr, port);

    /* sends nothing */

    rc = connect(s, &sockaddr.sockaddr, addr->socklen);

    (void) ngx_close_socket(s);

    return rc == 0;
}


static ngx_uint_t
ngx_comet_names_same(ngx_comet_addrs_t *addrs, ngx_resolver_addr_t **found,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    if (addrs == NULL || addrs->number != n) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (ngx_comet_names_find(addrs, found[i]->sockaddr, found[i]->socklen)
            == NULL)
        {
            return 0;
        }
    }

    return 1;
}


static void
ngx_comet_names_take(ngx_comet_name_t *name, ngx_resolver_addr_t **found,
    ngx_uint_t n)
{
    ngx_pool_t         *pool;
    ngx_uint_t          i;
    ngx_comet_addr_t   *addr, *old;
    ngx_comet_addrs_t  *addrs;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    addrs = ngx_pcalloc(pool, sizeof(ngx_comet_addrs_t));
    addr = ngx_pcalloc(pool, n * sizeof(ngx_comet_addr_t));

    if (addrs == NULL || addr == NULL) {
        goto failed;
    }

    for (i = 0; i < n; i++) {
        old = ngx_comet_names_find(name->addrs, found[i]->sockaddr,
                                   found[i]->socklen);
        if (old) {
            addr[i] = *old;
        }

        addr[i].socklen = found[i]->socklen;
        addr[i].sockaddr = ngx_palloc(pool, addr[i].socklen);
        addr[i].name.data = ngx_pnalloc(pool, NGX_SOCKADDR_STRLEN);

        if (addr[i].sockaddr == NULL || addr[i].name.data == NULL) {
            goto failed;
        }

        ngx_memcpy(addr[i].sockaddr, found[i]->sockaddr, addr[i].socklen);
        ngx_inet_set_port(addr[i].sockaddr, name->port);

        addr[i].name.len = ngx_sock_ntop(addr[i].sockaddr, addr[i].socklen,
                                         addr[i].name.data,
                                         NGX_SOCKADDR_STRLEN, 1);
    }

    addrs->pool = pool;
    addrs->used = 1;
    addrs->number = n;
    addrs->addr = addr;

    ngx_comet_names_release(name->addrs);

    name->addrs = addrs;

    return;

failed:

    ngx_destroy_pool(pool);
}


ngx_comet_addr_t *
ngx_comet_names_find(ngx_comet_addrs_t *addrs, struct sockaddr *sockaddr,
    socklen_t socklen)
{
    ngx_uint_t  i;

    for (i = 0; addrs && i < addrs->number; i++) {
        if (ngx_cmp_sockaddr(addrs->addr[i].sockaddr, addrs->addr[i].socklen,
                             sockaddr, socklen, 0)
            == NGX_OK)
        {
            return &addrs->addr[i];
        }
    }

    return NULL;
}


static void
ngx_comet_names_release(ngx_comet_addrs_t *addrs)
{
    if (addrs && addrs->pool && --addrs->used == 0) {
        ngx_destroy_pool(addrs->pool);
    }
}


ngx_int_t
ngx_comet_names_hold(ngx_http_request_t *r, ngx_comet_name_t *name,
    ngx_comet_addrs_t **addrs)
{
    ngx_comet_names_held_t    *held;
    ngx_pool_cleanup_t  *cln;

    *addrs = name->addrs;

    if (name->addrs == NULL || name->addrs->pool == NULL) {
        return NGX_OK;
    }

    /* not before the log phase is done with the name of an address */

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_comet_names_held_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_comet_names_cleanup;

    held = cln->data;
    held->addrs = name->addrs;
    held->addrs->used++;

    return NGX_OK;
}


static void
ngx_comet_names_cleanup(void *data)
{
    ngx_comet_names_held_t *held = data;

    ngx_comet_names_release(held->addrs);
}


ngx_int_t
ngx_comet_names_await(ngx_http_request_t *r, ngx_comet_name_t *name,
    ngx_http_event_handler_pt handler)
{
    ngx_comet_wait_t    *wait;
    ngx_pool_cleanup_t  *cln;

    if (name->addrs || name->resolver == NULL || name->asked) {
        handler(r);
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_comet_wait_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    wait = cln->data;
    ngx_memzero(wait, sizeof(ngx_comet_wait_t));

    wait->request = r;
    wait->ctx = ngx_http_get_module_ctx(r, ngx_comet_module);
    wait->handler = handler;

    wait->event.handler = ngx_comet_names_resume;
    wait->event.data = wait;
    wait->event.log = r->connection->log;

    ngx_queue_insert_tail(&name->waiting, &wait->queue);

    cln->handler = ngx_comet_names_forget;

    /* this one holds a worker that is to exit, as the request does */

    ngx_add_timer(&wait->event, name->timeout);

    return NGX_OK;
}


static void
ngx_comet_names_resume(ngx_event_t *ev)
{
    ngx_comet_wait_t *wait = ev->data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = wait->request;
    c = r->connection;

    ngx_comet_names_forget(wait);

    /* a post_action has the request now */

    if (ngx_http_get_module_ctx(r, ngx_comet_module) != wait->ctx) {
        return;
    }

    wait->handler(r);

    ngx_http_run_posted_requests(c);
}


static void
ngx_comet_names_forget(void *data)
{
    ngx_comet_wait_t *wait = data;

    if (wait->queue.next == NULL) {
        return;
    }

    ngx_queue_remove(&wait->queue);
    wait->queue.next = NULL;

    if (wait->event.timer_set) {
        ngx_del_timer(&wait->event);
    }
}
