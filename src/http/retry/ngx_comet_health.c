#include "ngx_comet_health.h"
#include "ngx_comet_count.h"
#include "ngx_comet_key.h"
#include "ngx_comet_limit.h"
#include "ngx_comet_name.h"
#include "ngx_comet_policy.h"
#include "ngx_comet_refuse.h"
#include "ngx_comet_tenant.h"
#include "ngx_comet_zone.h"

#include <ngx_md5.h>


/* of a worker without a comet_zone: as if it had one of so many bytes */

#define NGX_COMET_HEALTH_OWN       1048576

#define NGX_COMET_HEALTH_WAIT_MAX  60000


static ngx_int_t ngx_comet_health_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_health_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_health_check(ngx_conf_t *cf);
static void ngx_comet_health_cleanup(void *data);


/* what an answer changed, to be logged when the lock is free again */

typedef struct {
    ngx_comet_key_change_e     key;
    uint64_t                   rest;
    int                        breaker;
    uint32_t                   probe;
} ngx_comet_health_change_t;


static ngx_comet_ward_t  *ngx_comet_health_own;

static const char  ngx_comet_why_breaker[] = "breaker_open";
static const char  ngx_comet_why_keys[] = "keys_at_rest";


ngx_comet_part_t  ngx_comet_health_part = {
    .create_loc_conf = ngx_comet_health_create,
    .merge_loc_conf = ngx_comet_health_merge,
    .check = ngx_comet_health_check
};


static ngx_int_t
ngx_comet_health_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    lcf->health = ngx_pcalloc(cf->pool, sizeof(ngx_comet_health_conf_t));
    if (lcf->health == NULL) {
        return NGX_ERROR;
    }

    lcf->health->breaker = NGX_CONF_UNSET_PTR;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_health_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_conf_merge_ptr_value(conf->health->breaker, prev->health->breaker,
                             NULL);

    return NGX_OK;
}


static ngx_uint_t
ngx_comet_health_is_pool(ngx_comet_keys_t *keys)
{
    return keys && keys->list.nelts > 1;
}


/* percent of the calls that may be retries; 0: there are none */

static ngx_uint_t
ngx_comet_health_budget(ngx_comet_policy_conf_t *policy)
{
    return policy->retries != NGX_CONF_UNSET_PTR
           && policy->retries->attempts > 1
           ? policy->retries->budget : 0;
}


/* whether the zone has to have room for it */

static ngx_int_t
ngx_comet_health_check(ngx_conf_t *cf)
{
    ngx_uint_t               i;
    ngx_comet_tenant_t     **tenants;
    ngx_comet_loc_conf_t   **passes;
    ngx_comet_main_conf_t   *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    passes = mcf->passes.elts;

    for (i = 0; i < mcf->passes.nelts; i++) {
        if (ngx_comet_health_is_pool(passes[i]->policy->keys)
            || passes[i]->health->breaker
            || ngx_comet_health_budget(passes[i]->policy))
        {
            mcf->zone->ward = 1;
        }
    }

    tenants = mcf->tenants->list.elts;

    for (i = 0; i < mcf->tenants->list.nelts; i++) {
        if (ngx_comet_health_is_pool(tenants[i]->policy.keys)
            || ngx_comet_health_budget(&tenants[i]->policy))
        {
            mcf->zone->ward = 1;
        }
    }

    return NGX_OK;
}


static void *
ngx_comet_health_alloc(void *data, size_t size)
{
    return ngx_alloc(size, ngx_cycle->log);
}


static void
ngx_comet_health_free(void *data, void *p)
{
    ngx_free(p);
}


static ngx_comet_ledger_memory_t  ngx_comet_health_memory = {
    .alloc = ngx_comet_health_alloc,
    .free = ngx_comet_health_free
};


/* in the zone, or in the worker's own memory; NULL for lack of it */

static ngx_comet_ward_t *
ngx_comet_health_ward(ngx_comet_main_conf_t *mcf)
{
    if (mcf->zone->shm) {
        return mcf->zone->memory.ledger->ward;
    }

    if (ngx_comet_health_own == NULL) {
        ngx_comet_health_own = ngx_comet_ward_create(&ngx_comet_health_memory,
                                                     NGX_COMET_HEALTH_OWN);
    }

    return ngx_comet_health_own;
}


static void
ngx_comet_health_lock(ngx_comet_main_conf_t *mcf)
{
    if (mcf->zone->shm) {
        ngx_comet_zone_lock(mcf->zone);
    }
}


static void
ngx_comet_health_unlock(ngx_comet_main_conf_t *mcf)
{
    if (mcf->zone->shm) {
        ngx_comet_zone_unlock(mcf->zone);
    }
}


static ngx_comet_health_t *
ngx_comet_health_make(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_health_t  *health;
    ngx_pool_cleanup_t  *cln;

    if (ctx->health) {
        return ctx->health;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_comet_health_t));
    if (cln == NULL) {
        return NULL;
    }

    health = cln->data;

    ngx_memzero(health, sizeof(ngx_comet_health_t));
    health->request = r;
    health->ctx = ctx;

    cln->handler = ngx_comet_health_cleanup;
    ctx->health = health;

    return health;
}


/* the request just ended */

static void
ngx_comet_health_cleanup(void *data)
{
    ngx_comet_health_t *health = data;

    ngx_comet_outcome_t  outcome;

    ngx_memzero(&outcome, sizeof(ngx_comet_outcome_t));

    outcome.kind = NGX_COMET_OUTCOME_CLIENT;
    outcome.retry_after = NGX_COMET_RETRY_AFTER_NONE;

    ngx_comet_health_end(health->request, health->ctx, &outcome);
}


/* what is asked of an upstream alone has the id of no model */

static void
ngx_comet_health_id(ngx_comet_ctx_t *ctx, ngx_str_t *model, u_char *id)
{
    ngx_md5_t  md5;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, ctx->upstream.data, ctx->upstream.len);

    if (model) {
        ngx_md5_update(&md5, "", 1);
        ngx_md5_update(&md5, model->data, model->len);
    }

    ngx_md5_final(id, &md5);
}


/* of the pool; NULL where there is no room to know anything of one */

static void
ngx_comet_health_states(ngx_comet_health_t *health,
    ngx_comet_key_state_t **states)
{
    ngx_uint_t             i;
    ngx_comet_bearer_t    *bearer;
    ngx_comet_ward_key_t  *key;

    bearer = health->keys->list.elts;

    for (i = 0; i < health->keys->list.nelts; i++) {
        key = ngx_comet_ward_key(health->ward, bearer[i].id, ngx_current_msec);
        states[i] = key ? &key->state : NULL;
    }
}


static ngx_int_t
ngx_comet_health_choose(ngx_comet_health_t *health)
{
    int                     i;
    uint64_t                wait;
    ngx_comet_key_state_t  *states[NGX_COMET_KEYS_MAX];

    if (health->keys->list.nelts == 1) {
        health->key = 0;
        return NGX_OK;
    }

    ngx_comet_health_states(health, states);

    i = ngx_comet_pool_choose(states, health->keys->list.nelts,
                              health->keys->next, ngx_current_msec, &wait);

    if (i < 0) {
        health->wait = (ngx_msec_t) wait;
        health->why = ngx_comet_why_keys;
        return NGX_DECLINED;
    }

    health->key = i;
    health->keys->next = i + 1;

    return NGX_OK;
}


/* under the lock, as all that follows up to the next that says otherwise */

static ngx_int_t
ngx_comet_health_ask(ngx_comet_main_conf_t *mcf, ngx_comet_health_t *health)
{
    ngx_comet_bearer_t         *bearer;
    ngx_comet_ward_key_t       *key;
    ngx_comet_health_conf_t    *conf;
    ngx_comet_ward_breaker_t   *breaker;
    ngx_comet_ledger_memory_t  *memory;

    conf = health->conf;
    breaker = NULL;

    if (conf->breaker) {
        breaker = ngx_comet_ward_breaker(health->ward, health->breaker,
                                         ngx_current_msec, 0);
    }

    if (breaker) {
        health->wait = (ngx_msec_t) ngx_comet_breaker_ask(conf->breaker,
                                           &breaker->state, ngx_current_msec,
                                           &health->probe);
        if (health->wait) {
            health->why = ngx_comet_why_breaker;
            return NGX_DECLINED;
        }
    }

    if (ngx_comet_health_choose(health) != NGX_OK) {

        if (breaker) {
            (void) ngx_comet_breaker_tell(conf->breaker, &breaker->state,
                                          ngx_current_msec, health->probe, 0);
        }

        return NGX_DECLINED;
    }

    key = NULL;

    if (health->keys->list.nelts > 1) {
        bearer = health->keys->list.elts;
        key = ngx_comet_ward_key(health->ward, bearer[health->key].id,
                                 ngx_current_msec);
    }

    if (key || health->probe) {
        memory = mcf->zone->shm ? &mcf->zone->memory
                                : &ngx_comet_health_memory;

        health->lease = ngx_comet_ward_take(memory, health->ward,
                                            ngx_process_slot + 1, key, breaker,
                                            health->probe);
    }

    return NGX_OK;
}


static void
ngx_comet_health_count_call(ngx_comet_health_t *health, u_char *id)
{
    ngx_comet_ward_budget_t  *budget;

    budget = ngx_comet_ward_budget(health->ward, id, ngx_current_msec);

    if (budget) {
        ngx_comet_budget_call(&budget->state, ngx_current_msec);
    }
}


static ngx_int_t
ngx_comet_health_look(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    u_char                    id[NGX_COMET_ID_LEN];
    ngx_int_t                 rc;
    ngx_uint_t                budget;
    ngx_comet_health_t       *health;
    ngx_comet_main_conf_t    *mcf;
    ngx_comet_health_conf_t  *conf;

    health = ctx->health;
    conf = health->conf;
    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    health->ward = ngx_comet_health_ward(mcf);

    if (health->ward == NULL) {
        health->key = 0;
        return NGX_OK;
    }

    if (conf->breaker) {
        ngx_comet_health_id(ctx, ngx_comet_model_sent(ctx), health->breaker);
    }

    budget = ngx_comet_health_budget(ctx->policy);

    if (budget) {
        ngx_comet_health_id(ctx, NULL, id);
    }

    ngx_comet_health_lock(mcf);

    if (budget && health->attempts == 0) {
        ngx_comet_health_count_call(health, id);
    }

    rc = ngx_comet_health_ask(mcf, health);

    ngx_comet_health_unlock(mcf);

    return rc;
}


ngx_int_t
ngx_comet_health_begin(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t              rc;
    ngx_comet_bearer_t    *bearer;
    ngx_comet_health_t    *health;
    ngx_comet_loc_conf_t  *lcf;

    health = ngx_comet_health_make(r, ctx);
    if (health == NULL) {
        return NGX_ERROR;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    health->conf = lcf->health;
    health->keys = ctx->keys ? ctx->keys : ctx->policy->keys;
    health->ward = NULL;
    health->lease = NULL;
    health->probe = 0;
    health->key = 0;
    health->wait = 0;
    health->why = NULL;
    health->told = 0;

    if (ngx_comet_health_is_pool(health->keys)
        || health->conf->breaker || ngx_comet_health_budget(ctx->policy))
    {
        rc = ngx_comet_health_look(r, ctx);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    bearer = health->keys->list.elts;

    health->bearer = &bearer[health->key].value;

    if (health->attempts++) {
        ngx_comet_count_retry(r, &health->outcome);
    }

    health->begun = 1;

    return NGX_OK;
}


/* the breaker is made by what it has to remember */

static void
ngx_comet_health_tell_breaker(ngx_comet_health_t *health, int says,
    ngx_comet_health_change_t *change)
{
    ngx_comet_breaker_conf_t  *conf;
    ngx_comet_ward_breaker_t  *breaker;

    conf = health->conf->breaker;

    if (conf == NULL || health->told) {
        return;
    }

    breaker = ngx_comet_ward_breaker(health->ward, health->breaker,
                                     ngx_current_msec,
                                     says < 0
                                     || (says > 0 && conf->share));

    if (breaker) {
        change->breaker = ngx_comet_breaker_tell(conf, &breaker->state,
                                                 ngx_current_msec,
                                                 health->probe, says);
        change->probe = health->probe;
        health->ward->opened += (change->breaker > 0);
    }
}


static void
ngx_comet_health_tell_key(ngx_comet_health_t *health,
    const ngx_comet_outcome_t *outcome, ngx_comet_health_change_t *change)
{
    ngx_comet_bearer_t    *bearer;
    ngx_comet_ward_key_t  *key;

    if (health->keys->list.nelts == 1) {
        return;
    }

    bearer = health->keys->list.elts;
    key = ngx_comet_ward_key(health->ward, bearer[health->key].id,
                             ngx_current_msec);

    if (key) {
        change->key = ngx_comet_pool_tell(&key->state, ngx_current_msec,
                                          outcome);
        change->rest = key->state.rests - ngx_current_msec;
    }
}


/* keys by their position: never by what they are */

static void
ngx_comet_health_log_key(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_health_change_t *change)
{
    char                      *of;
    ngx_str_t                 *name;
    ngx_uint_t                 n, all;
    ngx_comet_health_t        *health;
    ngx_http_core_loc_conf_t  *clcf;

    health = ctx->health;

    n = health->key + 1;
    all = health->keys->list.nelts;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    name = &clcf->name;
    of = "location";

    if (ctx->tenant && ctx->tenant->policy.keys == health->keys) {
        name = &ctx->tenant->name;
        of = "tenant";
    }

    switch (change->key) {

    case NGX_COMET_KEY_RESTS:
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "key %ui of %ui of %s \"%V\" is at rest for %uLms: "
                      "the API answered 429", n, all, of, name, change->rest);
        break;

    case NGX_COMET_KEY_TAKEN_OUT:
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "key %ui of %ui of %s \"%V\" is taken out: the API "
                      "answered 401; it is tried again in %uLms, and until "
                      "then the others are used", n, all, of, name,
                      change->rest);
        break;

    case NGX_COMET_KEY_BACK:
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "key %ui of %ui of %s \"%V\" is back", n, all, of, name);
        break;

    default:
        break;
    }
}


static void
ngx_comet_health_log_breaker(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    const ngx_comet_outcome_t *outcome, ngx_comet_health_change_t *change)
{
    char       text[NGX_COMET_OUTCOME_NAME];
    ngx_str_t  model;

    static ngx_str_t  odd = ngx_string("(a name that is not printed)");

    if (change->breaker == 0) {
        return;
    }

    model = *ngx_comet_model_sent(ctx);

    if (!ngx_comet_name_usable((char *) model.data, model.len)) {
        model = odd;
    }

    if (change->breaker < 0) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "breaker closed for upstream \"%V\" model \"%V\"",
                      &ctx->upstream, &model);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "breaker opened%s for upstream \"%V\" model \"%V\" for "
                  "%uLms: the last attempt ended with \"%s\"",
                  change->probe ? " again" : "", &ctx->upstream, &model,
                  ctx->health->conf->breaker->rest,
                  ngx_comet_outcome_name(outcome, text));
}


void
ngx_comet_health_head(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    const ngx_comet_outcome_t *outcome)
{
    int                         says;
    ngx_comet_health_t         *health;
    ngx_comet_main_conf_t      *mcf;
    ngx_comet_health_change_t   change;

    health = ctx->health;
    says = ngx_comet_outcome_says(outcome);

    if (health == NULL || !health->begun || health->probe == 0 || says == 0
        || ngx_comet_outcome_asks_body(outcome))
    {
        return;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    ngx_memzero(&change, sizeof(ngx_comet_health_change_t));

    ngx_comet_health_lock(mcf);
    ngx_comet_health_tell_breaker(health, says, &change);
    ngx_comet_health_unlock(mcf);

    health->told = 1;

    ngx_comet_health_log_breaker(r, ctx, outcome, &change);
}


void
ngx_comet_health_end(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    const ngx_comet_outcome_t *outcome)
{
    ngx_comet_health_t         *health;
    ngx_comet_main_conf_t      *mcf;
    ngx_comet_health_change_t   change;

    health = ctx->health;

    if (health == NULL || !health->begun) {
        return;
    }

    health->begun = 0;
    health->outcome = *outcome;

    ngx_comet_count_attempt(r, outcome);

    if (health->ward == NULL
        || (!ngx_comet_health_is_pool(health->keys)
            && health->conf->breaker == NULL))
    {
        return;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    ngx_memzero(&change, sizeof(ngx_comet_health_change_t));

    ngx_comet_health_lock(mcf);

    if (health->lease) {
        ngx_comet_ward_give_back(health->ward, health->lease);
        health->lease = NULL;
    }

    ngx_comet_health_tell_key(health, outcome, &change);
    ngx_comet_health_tell_breaker(health, ngx_comet_outcome_says(outcome),
                                  &change);

    ngx_comet_health_unlock(mcf);

    ngx_comet_health_log_key(r, ctx, &change);
    ngx_comet_health_log_breaker(r, ctx, outcome, &change);
}


ngx_uint_t
ngx_comet_health_has_another(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_uint_t              rc;
    ngx_comet_health_t     *health;
    ngx_comet_main_conf_t  *mcf;
    ngx_comet_key_state_t  *states[NGX_COMET_KEYS_MAX];

    health = ctx->health;

    if (health == NULL || health->ward == NULL
        || !ngx_comet_health_is_pool(health->keys))
    {
        return 0;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    ngx_comet_health_lock(mcf);

    ngx_comet_health_states(health, states);
    rc = ngx_comet_pool_has_another(states, health->keys->list.nelts,
                                    health->key, ngx_current_msec);

    ngx_comet_health_unlock(mcf);

    return rc;
}


ngx_uint_t
ngx_comet_health_may_retry(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    u_char                    id[NGX_COMET_ID_LEN];
    ngx_uint_t                rc;
    ngx_comet_health_t       *health;
    ngx_comet_main_conf_t    *mcf;
    ngx_comet_ward_budget_t  *budget;

    health = ctx->health;

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    if (health == NULL || health->ward == NULL) {
        return 0;
    }

    ngx_comet_health_id(ctx, NULL, id);

    ngx_comet_health_lock(mcf);

    budget = ngx_comet_ward_budget(health->ward, id, ngx_current_msec);
    rc = budget && ngx_comet_budget_take(&budget->state, ngx_current_msec,
                                         ngx_comet_health_budget(ctx->policy));

    ngx_comet_health_unlock(mcf);

    return rc;
}


ngx_uint_t
ngx_comet_health_keys(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    return ctx->health->keys->list.nelts;
}


static ngx_int_t
ngx_comet_health_number(ngx_http_request_t *r, const ngx_str_t *name,
    uint64_t number)
{
    ngx_str_t  value;

    value.data = ngx_pnalloc(r->pool, NGX_COMET_DIGITS_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_comet_digits((char *) value.data, number);

    return ngx_comet_header_add(r, name, &value);
}


ngx_int_t
ngx_comet_health_refuse(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_msec_t           wait;
    ngx_uint_t           seconds;
    ngx_comet_error_t    error;
    ngx_comet_health_t  *health;

    static ngx_str_t  after = ngx_string("retry-after");
    static ngx_str_t  after_ms = ngx_string("retry-after-ms");

    health = ctx->health;

    /* what is longer SDKs take for no time at all */

    wait = ngx_min(health->wait, NGX_COMET_HEALTH_WAIT_MAX);
    seconds = (wait + 999) / 1000;

    if (ngx_comet_health_number(r, &after, seconds) != NGX_OK
        || ngx_comet_health_number(r, &after_ms, wait) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (health->why == ngx_comet_why_keys) {
        error = ngx_comet_error_of_status(NGX_HTTP_TOO_MANY_REQUESTS);
        error.code = health->why;

        return ngx_comet_refuse(r, error,
                                "All keys of the gateway for the API are at "
                                "rest. Try again in %ui s.", seconds);
    }

    error = ngx_comet_error_of_status(NGX_HTTP_SERVICE_UNAVAILABLE);
    error.code = health->why;

    return ngx_comet_refuse(r, error,
                            "The API failed too often: for now no call of "
                            "this model is sent to it. Try again in %ui s.",
                            seconds);
}
