/*
 * Lets a request in against its limits, twice: what needs no body before it is
 * read, tokens and money when the model and the cap are known.  The estimate
 * stays reserved until the log phase replaces it by what was used.
 */


#include "ngx_comet_admit.h"
#include "ngx_comet_caller.h"
#include "ngx_comet_estimate.h"
#include "ngx_comet_meter.h"
#include "ngx_comet_refuse.h"
#include "ngx_comet_tenant.h"
#include "ngx_comet_zone.h"


#define NGX_COMET_RETRY_MAX    60000
#define NGX_COMET_RETRY_CALLS  1000


/* what is to be decided at once */

typedef struct {
    ngx_comet_entry_t          entries[NGX_COMET_ENTRIES_MAX];
    const ngx_comet_demand_t  *demands[NGX_COMET_ENTRIES_MAX];
    ngx_uint_t                 n;
    ngx_uint_t                 taking;    /* of them, not only looking */
    ngx_comet_clock_t          clock;
} ngx_comet_asked_t;


static ngx_int_t ngx_comet_admit_init(ngx_conf_t *cf);
static ngx_comet_admission_t *ngx_comet_admission(ngx_http_request_t *r);
static ngx_int_t ngx_comet_admit_no_price(ngx_http_request_t *r,
    ngx_str_t *model);
static ngx_int_t ngx_comet_admit_asked(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx, ngx_comet_asked_t *asked);
static ngx_int_t ngx_comet_admit_full(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_admit_refuse(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx, ngx_comet_asked_t *asked);
static void ngx_comet_admit_cleanup(void *data);
static ngx_int_t ngx_comet_admit_log(ngx_http_request_t *r);


ngx_comet_part_t  ngx_comet_admit_part = {
    .postconfiguration = ngx_comet_admit_init
};


static ngx_int_t
ngx_comet_admit_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_comet_admit_log;

    return NGX_OK;
}


ngx_int_t
ngx_comet_admit_relies(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_policy_t *policy)
{
    ngx_comet_demands_t    *demands;
    ngx_comet_loc_conf_t   *lcf;
    ngx_comet_main_conf_t  *mcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    demands = ngx_comet_demands_of(lcf->caller->pool, ctx->policy,
                                   ctx->tenant);
    if (demands == NULL) {
        return NGX_ERROR;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    if (mcf->limited->prices.nelts) {
        policy->named = 1;
    }

    /* on trial they refuse nobody */

    if (ctx->policy->dry_run) {
        return NGX_OK;
    }

    policy->sized |= demands->judged;
    policy->named |= demands->named;

    return NGX_OK;
}


/* behind an internal redirect: a limit is not asked twice for one request */

static ngx_uint_t
ngx_comet_admit_has(ngx_comet_admission_t *admission, ngx_comet_ref_t *ref)
{
    ngx_uint_t  i;

    for (i = 0; i < admission->n; i++) {
        if (admission->taken[i]->ref == ref) {
            return 1;
        }
    }

    return 0;
}


/* now: without a model those that need none, with a model the rest */

static ngx_uint_t
ngx_comet_admit_has_say(ngx_comet_ctx_t *ctx, const ngx_comet_demand_t *demand,
    ngx_str_t *model)
{
    ngx_comet_pattern_t  *models;

    models = demand->conf->models;

    if (model == NULL) {
        return models == NULL && !ngx_comet_admit_has(ctx->admission,
                                                      demand->ref);
    }

    if (demand->judged ? ctx->endpoint->form == NGX_COMET_FORM_NONE
                       : models == NULL)
    {
        return 0;
    }

    if (ngx_comet_admit_has(ctx->admission, demand->ref)) {
        return 0;
    }

    /* a pattern that cannot tell counts as one that fits */

    return models == NULL
           || ngx_comet_pattern_match(models, (char *) model->data, model->len)
              != 0;
}


/*
 * Without a model, of what the body decides only whether anything at all is
 * left.
 */

static void
ngx_comet_admit_ask(ngx_comet_asked_t *asked, ngx_comet_ctx_t *ctx,
    ngx_str_t *model, const uint64_t *amounts)
{
    ngx_uint_t                 i;
    ngx_comet_entry_t         *entry;
    ngx_comet_demands_t       *demands;
    const ngx_comet_demand_t  *demand;

    asked->n = 0;
    asked->taking = 0;

    demands = ctx->policy->demands;

    for (i = 0; i < demands->n; i++) {
        demand = &demands->list[i];

        if (!ngx_comet_admit_has_say(ctx, demand, model)) {
            continue;
        }

        asked->demands[asked->n] = demand;
        entry = &asked->entries[asked->n++];

        entry->limit = &demand->conf->limit;
        entry->ref = demand->ref;
        entry->amount = amounts[demand->unit];
        entry->held = demand->held;
        entry->probe = (model == NULL && demand->judged);

        asked->taking += !entry->probe;
    }
}


static ngx_uint_t
ngx_comet_admit_counts_money(ngx_comet_asked_t *asked)
{
    ngx_uint_t  i;

    for (i = 0; i < asked->n; i++) {
        if (asked->demands[i]->unit == NGX_COMET_UNIT_MONEY) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_comet_admit(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_asked_t  asked;

    static const uint64_t  one[NGX_COMET_UNITS] = { 1, 1, 1, 1 };

    if (ctx->policy->demands->n == 0) {
        return NGX_OK;
    }

    ctx->admission = ngx_comet_admission(r);
    if (ctx->admission == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->admission->refused) {

        /* elsewhere: an error_page has led here */

        ngx_comet_admit_forget(ctx);
        ngx_memzero(ctx->admission->quotas, sizeof(ctx->admission->quotas));
    }

    ngx_comet_admit_ask(&asked, ctx, NULL, one);

    return ngx_comet_admit_asked(r, ctx, &asked);
}


ngx_int_t
ngx_comet_admit_call(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_judge_t *judge)
{
    uint64_t                   amounts[NGX_COMET_UNITS];
    ngx_str_t                  model;
    ngx_comet_asked_t          asked;
    ngx_comet_admission_t     *admission;
    ngx_comet_usage_result_t   usage;

    admission = ctx->admission;

    if (admission == NULL) {
        return NGX_OK;
    }

    if (ctx->routed && !admission->routed) {
        admission->routed = 1;
        ngx_memcpy(admission->before, admission->quotas,
                   sizeof(admission->quotas));
    }

    model.data = (u_char *) ngx_comet_judge_sent(judge);
    model.len = ngx_strlen(model.data);

    ngx_memzero(&usage, sizeof(ngx_comet_usage_result_t));

    usage.input = ngx_comet_measure_tokens(&judge->measure);
    usage.output = ngx_comet_estimate_output(judge, ctx->policy->reserve);

    ctx->reserved = usage;
    admission->price = ngx_comet_price_of(
                           ngx_http_get_module_main_conf(r, ngx_comet_module),
                           (char *) model.data, model.len);

    ngx_comet_amounts(amounts, admission->price, &usage);

    amounts[NGX_COMET_UNIT_REQUEST] = 1;
    amounts[NGX_COMET_UNIT_CALL] = 1;

    ngx_comet_admit_ask(&asked, ctx, &model, amounts);

    if (admission->price == NULL && !ctx->policy->dry_run
        && ngx_comet_admit_counts_money(&asked))
    {
        return ngx_comet_admit_no_price(r, &model);
    }

    return ngx_comet_admit_asked(r, ctx, &asked);
}


static ngx_int_t
ngx_comet_admit_no_price(ngx_http_request_t *r, ngx_str_t *model)
{
    ngx_comet_error_t  error;

    error = ngx_comet_error_of_status(NGX_HTTP_FORBIDDEN);
    error.code = "model_without_price";

    return ngx_comet_refuse(r, error,
                            "Money is counted here, and the model \"%V\" has "
                            "no price.", model);
}


/* a context goes with an internal redirect, a cleanup does not */

static ngx_comet_admission_t *
ngx_comet_admission(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t     *cln;
    ngx_comet_admission_t  *admission;

    admission = ngx_comet_cleanup_find(r, ngx_comet_admit_cleanup);

    if (admission && !admission->settled) {
        return admission;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_comet_admission_t));
    if (cln == NULL) {
        return NULL;
    }

    admission = cln->data;

    ngx_memzero(admission, sizeof(ngx_comet_admission_t));
    admission->request = r;

    cln->handler = ngx_comet_admit_cleanup;

    return admission;
}


/* the one with the least left, for its size */

static ngx_uint_t
ngx_comet_admit_is_tighter(uint64_t left, const ngx_comet_limit_t *limit,
    const ngx_comet_quota_t *than)
{
    return (double) left * (double) than->conf->limit.capacity
           < (double) than->left * (double) limit->capacity;
}


static void
ngx_comet_admit_quota(ngx_comet_quota_t *quota, ngx_comet_asked_t *asked,
    ngx_uint_t i, uint64_t left)
{
    quota->conf = asked->demands[i]->conf;
    quota->level = asked->entries[i].level;
    quota->clock = asked->clock;
    quota->left = left;
}


/* what the body decides was looked at before, without the body */

static void
ngx_comet_admit_quotas(ngx_comet_admission_t *admission,
    ngx_comet_asked_t *asked)
{
    uint64_t             left;
    ngx_uint_t           i;
    ngx_comet_entry_t   *entry;
    ngx_comet_quota_t   *tightest;

    for (i = 0; i < NGX_COMET_UNITS; i++) {
        if (ngx_comet_units[i].judged) {
            admission->quotas[i].conf = NULL;
        }
    }

    for (i = 0; i < asked->n; i++) {

        entry = &asked->entries[i];
        tightest = &admission->quotas[asked->demands[i]->unit];

        left = ngx_comet_limit_left(entry->limit, &entry->level);

        if (tightest->conf == NULL
            || ngx_comet_admit_is_tighter(left, entry->limit, tightest))
        {
            ngx_comet_admit_quota(tightest, asked, i, left);
        }
    }
}


ngx_comet_quota_t *
ngx_comet_admit_closest(ngx_comet_admission_t *admission)
{
    ngx_uint_t          i;
    ngx_comet_quota_t  *quota, *closest;

    if (admission->refused) {
        return &admission->refusing;
    }

    closest = NULL;

    for (i = 0; i < NGX_COMET_UNITS; i++) {
        quota = &admission->quotas[i];

        if (quota->conf
            && (closest == NULL
                || ngx_comet_admit_is_tighter(quota->left, &quota->conf->limit,
                                              closest)))
        {
            closest = quota;
        }
    }

    return closest;
}


uint64_t
ngx_comet_admit_reset(const ngx_comet_quota_t *quota)
{
    return ngx_comet_limit_reset(&quota->conf->limit, &quota->level,
                                 &quota->clock);
}


static void
ngx_comet_admit_keep(ngx_comet_admission_t *admission,
    ngx_comet_asked_t *asked)
{
    ngx_uint_t  i;

    for (i = 0; i < asked->n; i++) {
        if (!asked->entries[i].probe) {
            admission->taken[admission->n++] = asked->demands[i];
        }
    }
}


static ngx_int_t
ngx_comet_admit_asked(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_asked_t *asked)
{
    ngx_comet_admit_e       rc;
    ngx_comet_admission_t  *admission;
    ngx_comet_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);
    admission = ctx->admission;

    if (asked->n == 0) {
        return NGX_OK;
    }

    if (admission->n + asked->taking > NGX_COMET_ENTRIES_MAX) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "more than %d limits meet in a call that was "
                      "redirected", NGX_COMET_ENTRIES_MAX);
        return ngx_comet_admit_full(r, ctx);
    }

    ngx_comet_zone_clock(&asked->clock);

    rc = ngx_comet_ledger_admit(&mcf->zone->memory, &asked->clock,
                                ngx_process_slot + 1, &admission->call,
                                asked->entries, asked->n,
                                ctx->policy->dry_run);

    if (rc == NGX_COMET_LEDGER_FULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "comet_zone is full, a call cannot be counted");
        return ngx_comet_admit_full(r, ctx);
    }

    ngx_comet_admit_quotas(admission, asked);

    if (rc == NGX_COMET_ADMITTED || ctx->policy->dry_run) {
        ngx_comet_admit_keep(admission, asked);
    }

    return rc == NGX_COMET_LIMITED ? ngx_comet_admit_refuse(r, ctx, asked)
                                   : NGX_OK;
}


/* no room for one more call in flight: unknown spending is no spending */

static ngx_int_t
ngx_comet_admit_full(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    if (ctx->policy->dry_run) {
        return NGX_OK;
    }

    return ngx_comet_refuse(r,
                        ngx_comet_error_of_status(NGX_HTTP_SERVICE_UNAVAILABLE),
                        "The gateway has no room to count this call. Try "
                        "again later.");
}


/* of those that refuse, the one that does so longest; calls end soonest */

static ngx_uint_t
ngx_comet_admit_tightest(ngx_comet_asked_t *asked)
{
    uint64_t    wait, longest;
    ngx_uint_t  i, found;

    found = 0;
    longest = 0;

    for (i = 0; i < asked->n; i++) {
        wait = asked->entries[i].wait;

        if (wait == NGX_COMET_WAIT_CALLS) {
            wait = 1;
        }

        if (wait > longest) {
            longest = wait;
            found = i;
        }
    }

    return found;
}


static u_char *
ngx_comet_admit_explain(u_char *p, u_char *last, ngx_comet_entry_t *entry,
    ngx_comet_limit_conf_t *conf)
{
    char               needs[NGX_COMET_AMOUNT_LEN], left[NGX_COMET_AMOUNT_LEN],
                       frees[NGX_COMET_DURATION_LEN];
    ngx_comet_unit_e   unit;

    unit = ngx_comet_kinds[conf->limit.kind].unit;

    ngx_comet_amount(needs, sizeof(needs), unit, entry->amount);
    ngx_comet_amount(left, sizeof(left), unit,
                     ngx_comet_limit_left(&conf->limit, &entry->level));

    p = ngx_slprintf(p, last, "Too %s: the limit is %V",
                     ngx_comet_units[unit].much, &conf->text);

    if (conf->models) {
        p = ngx_slprintf(p, last, " for %*s", conf->models->len,
                         conf->models->text);
    }

    if (ngx_comet_units[unit].judged) {
        p = entry->probe
            ? ngx_slprintf(p, last, ", and nothing of it is left")
            : ngx_slprintf(p, last, ", %s of it is left, and this call may "
                           "take %s", left, needs);
    }

    if (entry->wait == NGX_COMET_WAIT_NEVER) {
        return ngx_slprintf(p, last, ". It can never be let in as it is: send "
                            "less, or ask for fewer output tokens.");
    }

    if (entry->wait == NGX_COMET_WAIT_CALLS) {
        return ngx_slprintf(p, last, ". Calls that are under way hold the "
                            "rest until they end.");
    }

    ngx_comet_duration(frees, entry->wait);

    return ngx_slprintf(p, last, ". It frees in %s.", frees);
}


static ngx_int_t
ngx_comet_admit_refuse(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_asked_t *asked)
{
    u_char                   text[512], *last;
    ngx_uint_t               i, level;
    ngx_comet_error_t        error;
    ngx_comet_entry_t       *entry;
    ngx_comet_admission_t   *admission;
    ngx_comet_limit_conf_t  *conf;

    i = ngx_comet_admit_tightest(asked);
    entry = &asked->entries[i];
    conf = asked->demands[i]->conf;

    last = ngx_comet_admit_explain(text, text + sizeof(text), entry, conf);

    admission = ctx->admission;

    ngx_comet_admit_quota(&admission->refusing, asked, i,
                          ngx_comet_limit_left(&conf->limit, &entry->level));
    admission->dry_run = ctx->policy->dry_run;
    admission->refused = 1;

    level = ctx->policy->dry_run ? NGX_LOG_WARN : NGX_LOG_NOTICE;

    ngx_log_error(level, r->connection->log, 0, "limited%s, tenant \"%V\": %*s",
                  ctx->policy->dry_run ? ", dry run" : "",
                  ngx_comet_tenant_name(ctx->tenant),
                  (size_t) (last - text), text);

    if (ctx->policy->dry_run) {
        return NGX_OK;
    }

    error = ngx_comet_error_of_status(NGX_HTTP_TOO_MANY_REQUESTS);

    admission->retry = ngx_min(entry->wait, NGX_COMET_RETRY_MAX);
    admission->final = (entry->wait == NGX_COMET_WAIT_NEVER);

    if (entry->wait == NGX_COMET_WAIT_CALLS) {
        admission->retry = NGX_COMET_RETRY_CALLS;

    } else if (ngx_comet_kinds[conf->limit.kind].code) {
        error.code = ngx_comet_kinds[conf->limit.kind].code;
        admission->final = 1;
    }

    return ngx_comet_refuse(r, error, "%*s", (size_t) (last - text), text);
}


void
ngx_comet_admit_forget(ngx_comet_ctx_t *ctx)
{
    ngx_comet_admission_t  *admission;

    admission = ctx->admission;

    if (admission == NULL) {
        return;
    }

    admission->refused = 0;
    admission->final = 0;

    if (admission->routed) {
        ngx_memcpy(admission->quotas, admission->before,
                   sizeof(admission->quotas));
    }
}


/*
 * Of an attempt that failed: what it told to have used is charged, and what is
 * held for its model is not any more.  What was counted once is not counted
 * again, and what is held for any model is held on.
 */

void
ngx_comet_admit_release(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    uint64_t                    amounts[NGX_COMET_UNITS];
    ngx_uint_t                  i, n, kept;
    ngx_comet_clock_t           clock;
    ngx_comet_entry_t           entries[NGX_COMET_ENTRIES_MAX];
    ngx_comet_admission_t      *admission;
    ngx_comet_main_conf_t      *mcf;
    const ngx_comet_demand_t   *demand;
    ngx_comet_usage_result_t    usage;

    admission = ctx->admission;

    if (admission == NULL || admission->settled) {
        return;
    }

    ngx_comet_meter_result(ctx, &usage);

    if (usage.metered != NGX_COMET_METERED_EXACT) {
        ngx_memzero(&usage, sizeof(ngx_comet_usage_result_t));
    }

    ngx_comet_amounts(amounts, admission->price, &usage);

    n = 0;
    kept = 0;

    for (i = 0; i < admission->n; i++) {

        demand = admission->taken[i];

        if (!demand->held || (!demand->judged && demand->conf->models == NULL))
        {
            admission->taken[kept++] = demand;
            continue;
        }

        entries[n].limit = &demand->conf->limit;
        entries[n].ref = demand->ref;
        entries[n].amount = amounts[demand->unit];
        n++;
    }

    admission->n = kept;

    if (n == 0) {
        return;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    ngx_comet_zone_clock(&clock);

    ngx_comet_ledger_release(&mcf->zone->memory, &clock, admission->call,
                             entries, n);
}


static void
ngx_comet_admit_settle(ngx_http_request_t *r, ngx_comet_admission_t *admission)
{
    uint64_t                   amounts[NGX_COMET_UNITS];
    ngx_uint_t                 i;
    ngx_comet_ctx_t           *ctx;
    ngx_comet_clock_t          clock;
    ngx_comet_entry_t          entries[NGX_COMET_ENTRIES_MAX];
    const ngx_comet_demand_t     *demand;
    ngx_comet_main_conf_t     *mcf;
    ngx_comet_usage_result_t   usage;

    if (admission->settled) {
        return;
    }

    admission->settled = 1;

    if (admission->call == NULL) {
        return;
    }

    ctx = ngx_comet_kept_ctx(r);

    ngx_comet_meter_result(ctx, &usage);
    ngx_comet_amounts(amounts, admission->price, &usage);

    for (i = 0; i < admission->n; i++) {

        demand = admission->taken[i];

        entries[i].limit = &demand->conf->limit;
        entries[i].ref = demand->ref;
        entries[i].amount = amounts[demand->unit];
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    ngx_comet_zone_clock(&clock);

    ngx_comet_ledger_settle(&mcf->zone->memory, &clock, admission->call,
                            entries, admission->n);
}


static void
ngx_comet_admit_cleanup(void *data)
{
    ngx_comet_admission_t *admission = data;

    ngx_comet_admit_settle(admission->request, admission);
}


void
ngx_comet_admit_end(ngx_http_request_t *r)
{
    ngx_comet_admission_t  *admission;

    admission = ngx_comet_cleanup_find(r, ngx_comet_admit_cleanup);

    if (admission) {
        ngx_comet_admit_settle(r, admission);
    }
}


static ngx_int_t
ngx_comet_admit_log(ngx_http_request_t *r)
{
    ngx_comet_admit_end(r);

    return NGX_OK;
}
