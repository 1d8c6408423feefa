/*
 * Counts, for comet_metrics, every request that comes to the gate, once.
 */


#include "ngx_comet_count.h"
#include "ngx_comet_limits.h"
#include "ngx_comet_meter.h"
#include "ngx_comet_tally.h"
#include "ngx_comet_tenant.h"
#include "ngx_comet_variables.h"
#include "ngx_comet_zone.h"


/* a request on its way to comet_metrics; it outlives an internal redirect */

struct ngx_comet_count_s {
    ngx_http_request_t        *request;
    ngx_comet_ctx_t           *ctx;        /* of the last gate it came to */
    uint64_t                   spent;      /* nanoseconds, on this request */
    uint64_t                   since;      /* or 0: not at work */
    unsigned                   counted:1;
};


/* what tells series apart: all of it is the configuration's or constant */

typedef struct {
    ngx_comet_tenant_t          *tenant;
    const ngx_comet_endpoint_t  *endpoint;
    const char                  *provider;
    const char                  *verdict;
    const char                  *code;
    ngx_uint_t                   status;
} ngx_comet_counted_t;


/* and the series that a worker has found */

struct ngx_comet_found_s {
    ngx_comet_counted_t          counted;
    uint64_t                    *values[NGX_COMET_SERIES_KINDS];
};


#define NGX_COMET_FOUND  64


static ngx_int_t ngx_comet_count_create(ngx_conf_t *cf,
    ngx_comet_main_conf_t *mcf);
static ngx_int_t ngx_comet_count_init(ngx_conf_t *cf);
static void ngx_comet_count_cleanup(void *data);
static ngx_int_t ngx_comet_count_log(ngx_http_request_t *r);


ngx_comet_part_t  ngx_comet_count_part = {
    .create_main_conf = ngx_comet_count_create,
    .postconfiguration = ngx_comet_count_init
};


static ngx_int_t
ngx_comet_count_create(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf)
{
    mcf->found = ngx_pcalloc(cf->pool,
                             NGX_COMET_FOUND * sizeof(ngx_comet_found_t));

    return mcf->found ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_comet_count_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_comet_main_conf_t      *mcf;
    ngx_http_core_main_conf_t  *core;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    if (!mcf->zone->metrics) {
        return NGX_OK;
    }

    core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&core->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_comet_count_log;

    return NGX_OK;
}


static void
ngx_comet_count_in_flight(ngx_comet_main_conf_t *mcf, int change)
{
    uint32_t  *n;

    n = &mcf->zone->memory.ledger->tally->in_flight[
                                      ngx_comet_tally_place(ngx_process_slot)];

    __atomic_store_n(n, *n + change, __ATOMIC_RELAXED);
}


ngx_int_t
ngx_comet_count_begin(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_comet_count_t      *count;
    ngx_pool_cleanup_t     *cln;
    ngx_comet_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    if (!mcf->zone->metrics || r != r->main) {
        return NGX_OK;
    }

    count = ngx_comet_cleanup_find(r, ngx_comet_count_cleanup);

    if (count == NULL || count->counted) {

        cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_comet_count_t));
        if (cln == NULL) {
            return NGX_ERROR;
        }

        count = cln->data;

        ngx_memzero(count, sizeof(ngx_comet_count_t));
        count->request = r;

        cln->handler = ngx_comet_count_cleanup;

        ngx_comet_count_in_flight(mcf, 1);
    }

    /* behind an error_page: what became of it in the end */

    count->ctx = ctx;
    count->since = 0;
    ctx->count = count;

    return NGX_OK;
}


static uint64_t
ngx_comet_count_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


void
ngx_comet_count_resume(ngx_comet_ctx_t *ctx)
{
    if (ctx->count && ctx->count->since == 0) {
        ctx->count->since = ngx_comet_count_now();
    }
}


void
ngx_comet_count_pause(ngx_comet_ctx_t *ctx)
{
    if (ctx->count && ctx->count->since) {
        ctx->count->spent += ngx_comet_count_now() - ctx->count->since;
        ctx->count->since = 0;
    }
}


static void
ngx_comet_count_set(ngx_comet_label_t *label, const void *data, size_t len)
{
    label->data = len ? data : "";
    label->len = len;
    label->name = NULL;
}


static void
ngx_comet_count_text(ngx_comet_label_t *label, const char *text)
{
    ngx_comet_count_set(label, text, text ? ngx_strlen(text) : 0);
}


/* as $status has it */

static ngx_uint_t
ngx_comet_count_status(ngx_http_request_t *r)
{
    return r->err_status ? r->err_status : r->headers_out.status;
}


/* of an error that was made here; the API's own have none */

static const char *
ngx_comet_count_code(ngx_comet_ctx_t *ctx, ngx_uint_t status)
{
    if (ctx->verdict == NGX_COMET_REFUSED && ctx->error_code) {
        return ctx->error_code;
    }

    if (ctx->broken) {
        return ctx->broken;
    }

    if (ctx->relaying || status < NGX_HTTP_BAD_REQUEST) {
        return ctx->error_code;
    }

    if (status == NGX_HTTP_CLIENT_CLOSED_REQUEST) {
        return "client_closed_request";
    }

    return ngx_comet_error_of_status((int) status).code;
}


static void
ngx_comet_count_labels(ngx_comet_counted_t *counted, ngx_comet_label_t *labels,
    char *status)
{
    ngx_comet_count_set(&labels[NGX_COMET_LABEL_TENANT],
                        counted->tenant ? counted->tenant->name.data : NULL,
                        counted->tenant ? counted->tenant->name.len : 0);
    ngx_comet_count_text(&labels[NGX_COMET_LABEL_ENDPOINT],
                         counted->endpoint ? counted->endpoint->name : NULL);
    ngx_comet_count_text(&labels[NGX_COMET_LABEL_PROVIDER], counted->provider);
    ngx_comet_count_text(&labels[NGX_COMET_LABEL_VERDICT], counted->verdict);
    ngx_comet_count_text(&labels[NGX_COMET_LABEL_CODE], counted->code);

    labels[NGX_COMET_LABEL_STATUS] = ngx_comet_tally_status(counted->status,
                                                            status);
}


/* one worker alone shares lines with nobody */

static uint32_t
ngx_comet_count_owner(void)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    return ccf->worker_processes > 1 ? (uint32_t) ngx_process_slot + 1 : 0;
}


/* this worker's values of a series */

static uint64_t *
ngx_comet_count_make(ngx_comet_main_conf_t *mcf, ngx_comet_series_e kind,
    ngx_comet_label_t *labels, ngx_comet_series_t **series)
{
    uint32_t                    owner;
    uint64_t                   *values;
    ngx_comet_tally_t          *tally;
    ngx_comet_ledger_memory_t  *memory;

    memory = &mcf->zone->memory;
    tally = memory->ledger->tally;
    owner = ngx_comet_count_owner();

    *series = ngx_comet_tally_find(tally, kind, labels);

    values = *series ? ngx_comet_tally_values(tally, *series, kind, owner)
                     : NULL;

    if (values) {
        return values;
    }

    ngx_comet_zone_lock(mcf->zone);

    if (*series == NULL) {
        *series = ngx_comet_tally_make(memory, kind, labels);
    }

    values = ngx_comet_tally_make_values(memory, *series, kind, owner);

    ngx_comet_zone_unlock(mcf->zone);

    return values;
}


static uint64_t *
ngx_comet_count_values(ngx_comet_main_conf_t *mcf, ngx_comet_series_e kind,
    ngx_comet_found_t *found)
{
    char                 status[3];
    uint64_t            *values;
    ngx_comet_label_t    labels[NGX_COMET_LABELS];
    ngx_comet_tally_t   *tally;
    ngx_comet_series_t  *series;

    if (found->values[kind]) {
        return found->values[kind];
    }

    ngx_comet_count_labels(&found->counted, labels, status);

    tally = mcf->zone->memory.ledger->tally;
    values = ngx_comet_count_make(mcf, kind, labels, &series);

    /* whatever finds no room is counted as such, each time */

    if (series != tally->tables[kind].other) {
        found->values[kind] = values;
    }

    return values;
}


static ngx_comet_found_t *
ngx_comet_count_find(ngx_comet_main_conf_t *mcf, ngx_comet_counted_t *counted)
{
    ngx_uint_t          i;
    ngx_comet_found_t  *found;

    i = ((uintptr_t) counted->endpoint ^ (uintptr_t) counted->provider) / 8
        + counted->status + (counted->tenant ? counted->tenant->index : 0);
    found = &mcf->found[i % NGX_COMET_FOUND];

    if (ngx_memcmp(&found->counted, counted, sizeof(ngx_comet_counted_t))
        != 0)
    {
        ngx_memzero(found, sizeof(ngx_comet_found_t));
        found->counted = *counted;
    }

    return found;
}


/* by the price of the model that it went to */

static uint64_t
ngx_comet_count_cost(ngx_comet_main_conf_t *mcf, ngx_comet_ctx_t *ctx,
    ngx_comet_usage_result_t *usage)
{
    ngx_str_t  *model;

    model = ngx_comet_model_sent(ctx);

    if (model->len == 0 || (usage->input == 0 && usage->output == 0)) {
        return 0;
    }

    return ngx_comet_cost(ngx_comet_price_of(mcf, (char *) model->data,
                                             model->len),
                          usage);
}


static void
ngx_comet_count_usage(ngx_comet_main_conf_t *mcf, ngx_comet_ctx_t *ctx,
    uint64_t *values)
{
    ngx_comet_usage_result_t  usage;

    ngx_comet_meter_result(ctx, &usage);

    values[NGX_COMET_USED_INPUT] = usage.input;
    values[NGX_COMET_USED_OUTPUT] = usage.output;
    values[NGX_COMET_USED_CACHED] = usage.cached;
    values[NGX_COMET_USED_REASONING] = usage.reasoning;
    values[NGX_COMET_USED_COST] = ngx_comet_count_cost(mcf, ctx, &usage);
    values[NGX_COMET_USED_REPAIRS] = ctx->nrepairs;
    values[NGX_COMET_USED_ESTIMATED]
        = (usage.metered == NGX_COMET_METERED_ESTIMATE);
    values[NGX_COMET_USED_UNKNOWN]
        = (usage.metered == NGX_COMET_METERED_UNKNOWN);
    values[NGX_COMET_USED_ABORTED] = ctx->hung_up;
}


static void
ngx_comet_count_used(ngx_comet_main_conf_t *mcf, ngx_comet_ctx_t *ctx,
    ngx_comet_found_t *found)
{
    uint64_t     used[NGX_COMET_USED_VALUES], *values;
    ngx_uint_t   i, any;

    ngx_comet_count_usage(mcf, ctx, used);

    any = 0;

    for (i = 0; i < NGX_COMET_USED_VALUES; i++) {
        any |= (used[i] != 0);
    }

    if (!any) {
        return;
    }

    values = ngx_comet_count_values(mcf, NGX_COMET_SERIES_USAGE, found);

    for (i = 0; i < NGX_COMET_USED_VALUES; i++) {
        if (used[i]) {
            ngx_comet_tally_add(values, i, used[i]);
        }
    }
}


static void
ngx_comet_count_times(ngx_http_request_t *r, ngx_comet_main_conf_t *mcf,
    ngx_comet_found_t *found, ngx_comet_count_t *count)
{
    uint64_t         *values;
    ngx_comet_ctx_t  *ctx;

    ctx = count->ctx;
    values = ngx_comet_count_values(mcf, NGX_COMET_SERIES_TIMES, found);

    ngx_comet_tally_observe(values, NGX_COMET_TIME_OVERHEAD,
                            count->spent / 1000);

    if (ctx->meter && ctx->meter->first >= 0) {
        ngx_comet_tally_observe(values, NGX_COMET_TIME_FIRST_TOKEN,
                                (uint64_t) ctx->meter->first * 1000);
    }

    if (ctx->relaying) {
        ngx_comet_tally_observe(values, NGX_COMET_TIME_DURATION,
                                (uint64_t) ngx_comet_elapsed(r) * 1000);
    }
}


static void
ngx_comet_count_request(ngx_http_request_t *r, ngx_comet_count_t *count)
{
    ngx_comet_ctx_t        *ctx;
    ngx_comet_found_t      *found;
    ngx_comet_counted_t     counted;
    ngx_comet_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    ctx = count->ctx;

    counted.tenant = ctx->tenant;
    counted.endpoint = ctx->endpoint;
    counted.provider = ctx->provider;
    counted.verdict = ngx_comet_verdict_name(ctx->verdict);
    counted.status = ngx_comet_count_status(r);
    counted.code = ngx_comet_count_code(ctx, counted.status);

    found = ngx_comet_count_find(mcf, &counted);

    ngx_comet_tally_add(ngx_comet_count_values(mcf, NGX_COMET_SERIES_REQUESTS,
                                               found),
                        0, 1);

    ngx_comet_count_used(mcf, ctx, found);
    ngx_comet_count_times(r, mcf, found, count);
}


static void
ngx_comet_count_once(ngx_http_request_t *r, ngx_comet_count_t *count)
{
    if (count->counted) {
        return;
    }

    count->counted = 1;

    ngx_comet_count_in_flight(
            ngx_http_get_module_main_conf(r, ngx_comet_module), -1);

    ngx_comet_count_request(r, count);
}


static void
ngx_comet_count_cleanup(void *data)
{
    ngx_comet_count_t *count = data;

    ngx_comet_count_once(count->request, count);
}


void
ngx_comet_count_end(ngx_http_request_t *r)
{
    ngx_comet_count_t  *count;

    count = ngx_comet_cleanup_find(r, ngx_comet_count_cleanup);

    if (count) {
        ngx_comet_count_once(r, count);
    }
}


/* a status that nobody knows makes no series of its own */

static void
ngx_comet_count_outcome(ngx_http_request_t *r, ngx_comet_series_e kind,
    ngx_comet_label_e label, const ngx_comet_outcome_t *outcome,
    const char *name)
{
    char                    status[3];
    ngx_comet_label_t       labels[NGX_COMET_LABELS], known;
    uint64_t               *values;
    ngx_comet_series_t     *series;
    ngx_comet_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    if (!mcf->zone->metrics) {
        return;
    }

    ngx_comet_count_text(&labels[label], name);

    if (outcome->kind == NGX_COMET_OUTCOME_STATUS) {
        known = ngx_comet_tally_status(outcome->status, status);

        if (known.data != status) {
            labels[label] = known;
        }
    }

    values = ngx_comet_count_make(mcf, kind, labels, &series);

    ngx_comet_tally_add(values, 0, 1);
}


void
ngx_comet_count_attempt(ngx_http_request_t *r,
    const ngx_comet_outcome_t *outcome)
{
    char  text[NGX_COMET_OUTCOME_NAME];

    ngx_comet_count_outcome(r, NGX_COMET_SERIES_ATTEMPTS,
                            NGX_COMET_LABEL_OUTCOME, outcome,
                            ngx_comet_outcome_name(outcome, text));
}


void
ngx_comet_count_retry(ngx_http_request_t *r,
    const ngx_comet_outcome_t *outcome)
{
    char  text[NGX_COMET_OUTCOME_NAME];

    ngx_comet_count_outcome(r, NGX_COMET_SERIES_RETRIES,
                            NGX_COMET_LABEL_REASON, outcome,
                            ngx_comet_outcome_reason(outcome, text));
}


/* after the limits are settled: their handler stands before */

static ngx_int_t
ngx_comet_count_log(ngx_http_request_t *r)
{
    ngx_comet_count_end(r);

    return NGX_OK;
}
