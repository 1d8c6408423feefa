/*
 * comet_zone: the ledger in shared memory.  Every counter that a configuration
 * can use is made when it is loaded, so that a zone too small is found by
 * "nginx -t" and not by a call.
 */


#include "ngx_comet_zone.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_limits.h"
#include "ngx_comet_tally.h"
#include "ngx_comet_tenant.h"
#include "ngx_comet_ward.h"


#define NGX_COMET_ZONE_TICK   1000

/* milliseconds, for a configuration that is loaded */

#define NGX_COMET_ZONE_WAIT   3000
#define NGX_COMET_ZONE_PAUSE  10

/* pages for calls under way, beside what the counters take */

#define NGX_COMET_ZONE_CALLS  16
#define NGX_COMET_ZONE_ROUND  65536


#if (NGX_MAX_PROCESSES > NGX_COMET_OWNERS_MAX)
#error "NGX_COMET_OWNERS_MAX is less than there can be processes"
#endif


static ngx_int_t ngx_comet_zone_create(ngx_conf_t *cf,
    ngx_comet_main_conf_t *mcf);
static ngx_int_t ngx_comet_zone_check(ngx_conf_t *cf);
static ngx_int_t ngx_comet_zone_keep(ngx_conf_t *cf,
    ngx_comet_zone_t *zone);
static ngx_int_t ngx_comet_zone_start(ngx_cycle_t *cycle);
static ngx_int_t ngx_comet_zone_init(ngx_shm_zone_t *zone, void *data);
static ngx_int_t ngx_comet_zone_prepare(ngx_comet_main_conf_t *mcf,
    ngx_shm_zone_t *zone);
static size_t ngx_comet_zone_counters(ngx_comet_main_conf_t *mcf);
static size_t ngx_comet_zone_needed(ngx_comet_main_conf_t *mcf);
static ngx_int_t ngx_comet_zone_count(ngx_comet_main_conf_t *mcf,
    ngx_log_t *log);
static int ngx_comet_zone_dead(uint32_t owner, uint64_t pid);
static void ngx_comet_zone_tick(ngx_event_t *ev);


/* the counters by id, while a configuration is loaded */

typedef struct {
    ngx_comet_counter_t  **places;
    size_t                 mask;
} ngx_comet_zone_index_t;


static ngx_comet_kept_t  ngx_comet_zone_kept;
static ngx_event_t       ngx_comet_zone_event;
static ngx_connection_t  ngx_comet_zone_dummy;     /* for the log of a timer */


ngx_comet_part_t  ngx_comet_zone_part = {
    .create_main_conf = ngx_comet_zone_create,
    .check = ngx_comet_zone_check,
    .init_process = ngx_comet_zone_start
};


static ngx_int_t
ngx_comet_zone_create(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf)
{
    mcf->zone = ngx_pcalloc(cf->pool, sizeof(ngx_comet_zone_t));

    return mcf->zone ? NGX_OK : NGX_ERROR;
}


char *
ngx_comet_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_main_conf_t *mcf = conf;

    off_t       size;
    u_char     *p;
    ngx_str_t  *value, name, text;

    if (mcf->zone->shm) {
        return "is duplicate";
    }

    value = cf->args->elts;

    p = (u_char *) ngx_strchr(value[1].data, ':');

    if (p == NULL || p == value[1].data) {
        return "must have a name and a size, as in comet:16m";
    }

    name.data = value[1].data;
    name.len = p - name.data;

    text.data = p + 1;
    text.len = value[1].data + value[1].len - text.data;

    size = ngx_parse_offset(&text);

    if (size == NGX_ERROR || size < (off_t) (16 * ngx_pagesize)
        || size > (off_t) NGX_MAX_SIZE_T_VALUE / 2)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\" in \"comet_zone\": write "
                           "at least %uzk, as in comet:16m",
                           &text, 16 * ngx_pagesize / 1024);
        return NGX_CONF_ERROR;
    }

    ngx_comet_conf_place(cf, &mcf->zone->place);

    mcf->zone->shm = ngx_shared_memory_add(cf, &name, (size_t) size,
                                      &ngx_comet_module);
    if (mcf->zone->shm == NULL) {
        return NGX_CONF_ERROR;
    }

    mcf->zone->shm->init = ngx_comet_zone_init;
    mcf->zone->shm->data = mcf;

    return NGX_CONF_OK;
}


/* of the same name it may be that of a module loaded from another path */

static ngx_uint_t
ngx_comet_zone_changed(ngx_shm_zone_t *had, ngx_shm_zone_t *zone)
{
    ngx_uint_t  named;

    named = zone && zone->shm.name.len == had->shm.name.len
            && ngx_memcmp(zone->shm.name.data, had->shm.name.data,
                          had->shm.name.len)
               == 0;

    if (had->tag != &ngx_comet_module) {
        return named;
    }

    return !named || zone->shm.size != had->shm.size;
}


static ngx_int_t
ngx_comet_zone_check(ngx_conf_t *cf)
{
    ngx_comet_limits_t     **limits;
    ngx_comet_limit_conf_t  *limit;
    ngx_comet_main_conf_t   *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    if (mcf->zone->shm == NULL && mcf->limited->limits.nelts) {
        limits = mcf->limited->limits.elts;
        limit = limits[0]->limits.elts;

        ngx_comet_conf_error(cf, &limits[0]->place,
                             "\"%s\" needs memory that all workers share: "
                             "add \"comet_zone comet:16m;\" to http",
                             ngx_comet_kinds[limit->limit.kind].name);
        return NGX_ERROR;
    }

    return ngx_comet_zone_keep(cf, mcf->zone);
}


/*
 * Without a master, nginx frees the memory of the configuration before while
 * requests go on with that configuration, also those that come later.  So a
 * zone that this process has stays as it is.
 */

static ngx_int_t
ngx_comet_zone_keep(ngx_conf_t *cf, ngx_comet_zone_t *zone)
{
    ngx_uint_t        i;
    ngx_shm_zone_t   *had;
    ngx_list_part_t  *part;

    if (ngx_process != NGX_PROCESS_SINGLE
        || ngx_is_init_cycle(cf->cycle->old_cycle))
    {
        return NGX_OK;
    }

    for (part = &cf->cycle->old_cycle->shared_memory.part; part;
         part = part->next)
    {
        had = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (!ngx_comet_zone_changed(&had[i], zone->shm)) {
                continue;
            }

            if (zone->shm == NULL) {
                ngx_comet_conf_place(cf, &zone->place);
            }

            ngx_comet_conf_error(cf, &zone->place,
                                 "comet_zone \"%V\" of %uzk cannot be changed "
                                 "or taken out while nginx runs with "
                                 "\"master_process off\": restart nginx,",
                                 &had[i].shm.name, had[i].shm.size / 1024);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void *
ngx_comet_zone_alloc(void *data, size_t size)
{
    return ngx_slab_alloc(data, size);
}


static void
ngx_comet_zone_free(void *data, void *p)
{
    ngx_slab_free(data, p);
}


static void *
ngx_comet_zone_alloc_locked(void *data, size_t size)
{
    return ngx_slab_alloc_locked(data, size);
}


static void
ngx_comet_zone_free_locked(void *data, void *p)
{
    ngx_slab_free_locked(data, p);
}


/*
 * Workers of the configuration before go on counting meanwhile.  If one dies
 * in the slab, it is this process that unlocks it, when it is done here.
 */

static ngx_int_t
ngx_comet_zone_take(ngx_comet_ledger_t *ledger, ngx_slab_pool_t *shpool)
{
    ngx_uint_t  i;

    if (ledger && ngx_comet_ledger_timedlock(ledger, NGX_COMET_ZONE_WAIT) != 0)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_COMET_ZONE_WAIT / NGX_COMET_ZONE_PAUSE; i++) {

        if (ngx_shmtx_trylock(&shpool->mutex)) {
            return NGX_OK;
        }

        ngx_msleep(NGX_COMET_ZONE_PAUSE);
    }

    if (ledger) {
        ngx_comet_ledger_unlock(ledger);
    }

    return NGX_ERROR;
}


static ngx_uint_t
ngx_comet_zone_differs(ngx_comet_ledger_t *ledger)
{
    if (ledger->layout != ngx_comet_ledger_layout()) {
        return 1;
    }

    return (ledger->tally && ledger->tally->layout != ngx_comet_tally_layout())
           || (ledger->ward && ledger->ward->layout != ngx_comet_ward_layout());
}


/* data is the ledger of the configuration before, in the same memory */

static ngx_int_t
ngx_comet_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_int_t                   rc;
    ngx_slab_pool_t            *shpool;
    ngx_comet_place_t          *place;
    ngx_comet_ledger_t         *ledger;
    ngx_comet_main_conf_t      *mcf;
    ngx_comet_ledger_memory_t  *memory;

    mcf = zone->data;
    place = &mcf->zone->place;
    memory = &mcf->zone->memory;
    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    ledger = data ? data : zone->shm.exists ? shpool->data : NULL;

    if (ledger && ngx_comet_zone_differs(ledger)) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "comet_zone \"%V\" is from another version of the "
                      "module: restart nginx, or give the zone another name "
                      "in %V:%ui", &zone->shm.name, &place->file, place->line);
        return NGX_ERROR;
    }

    if (ngx_comet_zone_take(ledger, shpool) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "comet_zone \"%V\" is held by a worker that does not "
                      "let go of it: try again", &zone->shm.name);
        return NGX_ERROR;
    }

    shpool->log_nomem = 0;

    memory->ledger = ledger;
    memory->kept = &ngx_comet_zone_kept;
    memory->alloc = ngx_comet_zone_alloc_locked;
    memory->free = ngx_comet_zone_free_locked;
    memory->data = shpool;

    rc = ngx_comet_zone_prepare(mcf, zone);

    memory->alloc = ngx_comet_zone_alloc;
    memory->free = ngx_comet_zone_free;

    ngx_shmtx_unlock(&shpool->mutex);

    if (ledger) {
        ngx_comet_ledger_unlock(ledger);
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "comet_zone \"%V\" of %uzk is too small for the limits "
                      "of all tenants%s: give it %uzk or more in %V:%ui",
                      &zone->shm.name, zone->shm.size / 1024,
                      mcf->zone->metrics ? " and for \"comet_metrics\"" : "",
                      ngx_comet_zone_needed(mcf) / 1024,
                      &place->file, place->line);
    }

    return rc;
}


static ngx_int_t
ngx_comet_zone_prepare(ngx_comet_main_conf_t *mcf, ngx_shm_zone_t *zone)
{
    ngx_slab_pool_t            *shpool;
    ngx_comet_ledger_memory_t  *memory;

    memory = &mcf->zone->memory;
    shpool = memory->data;

    if (memory->ledger == NULL && ngx_comet_ledger_create(memory) == NULL) {
        return NGX_ERROR;
    }

    shpool->data = memory->ledger;
    zone->data = memory->ledger;

    if (mcf->zone->metrics && memory->ledger->tally == NULL
        && ngx_comet_tally_create(memory, zone->shm.size) == NULL)
    {
        return NGX_ERROR;
    }

    if (mcf->zone->ward && memory->ledger->ward == NULL) {
        memory->ledger->ward = ngx_comet_ward_create(memory, zone->shm.size);

        if (memory->ledger->ward == NULL) {
            return NGX_ERROR;
        }
    }

    return ngx_comet_zone_count(mcf, zone->shm.log);
}


/* a size that is enough: in a slab pool each page has a record besides */

static size_t
ngx_comet_zone_needed(ngx_comet_main_conf_t *mcf)
{
    size_t               pages, size;
    ngx_comet_ledger_t  *ledger;

    ledger = mcf->zone->memory.ledger;

    size = ngx_comet_zone_counters(mcf) + (ledger ? ledger->ncounters : 0);
    size *= sizeof(ngx_comet_counter_t) + sizeof(uint64_t);

    pages = size / ngx_pagesize + sizeof(ngx_comet_ledger_t) / ngx_pagesize
            + NGX_COMET_ZONE_CALLS;

    if (mcf->zone->ward) {
        pages += ngx_comet_ward_size(mcf->zone->shm->shm.size) / ngx_pagesize
                 + NGX_COMET_ZONE_CALLS;
    }

    size = pages * (ngx_pagesize + sizeof(ngx_slab_page_t));

    /* what comet_metrics tells has a quarter of it */

    if (mcf->zone->metrics) {
        size += size / 3 + 1;
    }

    return ngx_align(size, NGX_COMET_ZONE_ROUND);
}


static ngx_comet_counter_t **
ngx_comet_zone_place(ngx_comet_zone_index_t *index, u_char *id)
{
    size_t                 i;
    uint64_t               hash;
    ngx_comet_counter_t  **place;

    /* the first byte is that of all of a tenant's */

    ngx_memcpy(&hash, id + 1, sizeof(hash));

    for (i = hash & index->mask; /* void */ ; i = (i + 1) & index->mask) {
        place = &index->places[i];

        if (*place == NULL
            || ngx_memcmp((*place)->id, id, NGX_COMET_ID_LEN) == 0)
        {
            return place;
        }
    }
}


static ngx_int_t
ngx_comet_zone_refer(ngx_comet_main_conf_t *mcf,
    ngx_comet_zone_index_t *index, ngx_comet_limits_t *limits)
{
    ngx_uint_t               i, k, kind, subjects;
    ngx_comet_ref_t         *ref;
    ngx_comet_tenant_t     **tenants;
    ngx_comet_counter_t    **place;
    ngx_comet_limit_conf_t  *lc;

    lc = limits->limits.elts;
    kind = lc->limit.kind;

    ref = limits->refs;
    tenants = mcf->tenants->list.elts;
    subjects = limits->tenant ? 1 : mcf->tenants->list.nelts + 1;

    for (i = 0; i < subjects; i++) {

        if (i && tenants[i - 1]->policy.limits[kind] != NGX_CONF_UNSET_PTR) {

            /* a tenant with limits of its own */

            ref += limits->limits.nelts;
            continue;
        }

        for (k = 0; k < limits->limits.nelts; k++, ref++) {
            place = ngx_comet_zone_place(index, ref->id);

            if (ngx_comet_ledger_ref(&mcf->zone->memory, ref, *place) != 0) {
                return NGX_ERROR;
            }

            *place = ref->counter;
        }
    }

    return NGX_OK;
}


/* those that the configuration can ask for */

static size_t
ngx_comet_zone_counters(ngx_comet_main_conf_t *mcf)
{
    size_t                n;
    ngx_uint_t            i;
    ngx_comet_limits_t  **limits;

    n = 0;
    limits = mcf->limited->limits.elts;

    for (i = 0; i < mcf->limited->limits.nelts; i++) {
        n += limits[i]->limits.nelts
             * (limits[i]->tenant ? 1 : mcf->tenants->list.nelts + 1);
    }

    return n;
}


static ngx_int_t
ngx_comet_zone_count(ngx_comet_main_conf_t *mcf, ngx_log_t *log)
{
    size_t                   n;
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_comet_limits_t     **limits;
    ngx_comet_counter_t     *counter;
    ngx_comet_zone_index_t   index;

    limits = mcf->limited->limits.elts;
    n = mcf->zone->memory.ledger->ncounters + ngx_comet_zone_counters(mcf);

    for (index.mask = 16; index.mask < 2 * n; index.mask *= 2) { /* void */ }

    index.places = ngx_calloc(index.mask * sizeof(ngx_comet_counter_t *), log);
    if (index.places == NULL) {
        return NGX_ERROR;
    }

    index.mask--;

    for (counter = mcf->zone->memory.ledger->counters; counter;
         counter = counter->next)
    {
        *ngx_comet_zone_place(&index, counter->id) = counter;
    }

    ngx_comet_ledger_begin(&mcf->zone->memory);

    rc = NGX_OK;

    for (i = 0; rc == NGX_OK && i < mcf->limited->limits.nelts; i++) {
        rc = ngx_comet_zone_refer(mcf, &index, limits[i]);
    }

    ngx_free(index.places);

    if (rc == NGX_OK) {
        ngx_comet_ledger_end(&mcf->zone->memory);

    } else {
        ngx_comet_ledger_undo(&mcf->zone->memory);
    }

    return rc;
}


void
ngx_comet_zone_lock(ngx_comet_zone_t *zone)
{
    ngx_comet_lock(&zone->memory.ledger->lock);
}


void
ngx_comet_zone_unlock(ngx_comet_zone_t *zone)
{
    ngx_comet_unlock(&zone->memory.ledger->lock);
}


void
ngx_comet_zone_clock(ngx_comet_clock_t *clock)
{
    clock->steady = ngx_current_msec;
    clock->wall = ngx_time();
}


/*
 * A slot of processes belongs to one at a time, so whoever had ours is gone;
 * others may be gone without having been replaced.
 */

static int
ngx_comet_zone_dead(uint32_t owner, uint64_t pid)
{
    if (owner == (uint32_t) ngx_process_slot + 1) {
        return pid != (uint64_t) ngx_pid;
    }

    return kill((pid_t) pid, 0) == -1 && ngx_errno == NGX_ESRCH;
}


static void
ngx_comet_zone_recover(ngx_comet_main_conf_t *mcf, ngx_log_t *log)
{
    size_t                      lost;
    ngx_comet_ledger_memory_t  *memory;

    memory = &mcf->zone->memory;

    ngx_comet_ledger_lock(memory->ledger);

    ngx_comet_tally_recover(memory->ledger, ngx_comet_zone_dead);
    ngx_comet_ward_recover(memory->ledger, ngx_comet_zone_dead);
    lost = ngx_comet_ledger_recover(memory, ngx_comet_zone_dead);

    ngx_comet_ledger_unlock(memory->ledger);

    if (lost) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "a worker died with %uz calls of limited tenants: what "
                      "was reserved for them is free again, nothing was "
                      "charged", lost);
    }
}


static void
ngx_comet_zone_own(ngx_comet_main_conf_t *mcf, ngx_log_t *log)
{
    ngx_comet_zone_recover(mcf, log);

    mcf->zone->memory.ledger->owners[ngx_process_slot] = ngx_pid;
}


/* without a master the configuration changes under a process */

static void
ngx_comet_zone_tick(ngx_event_t *ev)
{
    ngx_uint_t              i;
    ngx_cycle_t            *cycle;
    ngx_comet_ledger_t     *ledger;
    ngx_comet_main_conf_t  *mcf;

    cycle = (ngx_cycle_t *) ngx_cycle;
    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_comet_module);

    ev->log = cycle->log;
    ngx_add_timer(ev, NGX_COMET_ZONE_TICK);

    if (mcf == NULL || mcf->zone->shm == NULL) {
        return;
    }

    ledger = mcf->zone->memory.ledger;

    if (ledger->owners[ngx_process_slot] != (uint64_t) ngx_pid) {
        ngx_comet_zone_own(mcf, cycle->log);
    }

    for (i = 0; i < NGX_COMET_OWNERS_MAX; i++) {
        if (ledger->owners[i]
            && ngx_comet_zone_dead((uint32_t) i + 1, ledger->owners[i]))
        {
            ngx_comet_zone_recover(mcf, cycle->log);
            break;
        }
    }
}


/* in each worker */

static ngx_int_t
ngx_comet_zone_start(ngx_cycle_t *cycle)
{
    ngx_event_t            *ev;
    ngx_comet_main_conf_t  *mcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_comet_module);

    if (mcf && mcf->zone->shm) {
        ngx_comet_zone_own(mcf, cycle->log);
    }

    ev = &ngx_comet_zone_event;

    ngx_comet_zone_dummy.fd = (ngx_socket_t) -1;

    ev->handler = ngx_comet_zone_tick;
    ev->data = &ngx_comet_zone_dummy;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_COMET_ZONE_TICK);

    return NGX_OK;
}
