/*
 * comet_metrics: the page for Prometheus.  It is made and sent in pieces, and
 * between them other requests have their turn.
 */


#include "ngx_comet_metrics.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_page.h"
#include "ngx_comet_ward.h"
#include "ngx_comet_zone.h"


#define NGX_COMET_METRICS_PIECE  65536


struct ngx_comet_metrics_s {
    ngx_comet_page_t           page;
    ngx_chain_t               *free;
    ngx_chain_t               *busy;
};


static ngx_int_t ngx_comet_metrics_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_metrics_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_metrics_handler(ngx_http_request_t *r);
static ngx_int_t ngx_comet_metrics_page(ngx_http_request_t *r,
    ngx_comet_metrics_t *metrics);
static void ngx_comet_metrics_write(ngx_http_request_t *r);
static ngx_int_t ngx_comet_metrics_piece(ngx_http_request_t *r,
    ngx_comet_metrics_t *metrics);


ngx_comet_part_t  ngx_comet_metrics_part = {
    .create_loc_conf = ngx_comet_metrics_create,
    .merge_loc_conf = ngx_comet_metrics_merge
};


static ngx_int_t
ngx_comet_metrics_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    lcf->metrics = ngx_pcalloc(cf->pool, sizeof(ngx_comet_metrics_conf_t));

    return lcf->metrics ? NGX_OK : NGX_ERROR;
}


char *
ngx_comet_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *lcf = conf;

    ngx_http_core_loc_conf_t  *core;

    if (lcf->metrics->here) {
        return "is duplicate";
    }

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (core->handler) {
        return "cannot stand beside another handler of this location; "
               "give it a location of its own";
    }

    core->handler = ngx_comet_metrics_handler;

    lcf->metrics->here = 1;
    ngx_comet_conf_place(cf, &lcf->metrics->place);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_comet_metrics_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_comet_main_conf_t     *mcf;
    ngx_http_core_loc_conf_t  *core;

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* "if" and "limit_except" are locations within the location */

    if (core->noname && !conf->metrics->here && prev->metrics->here
        && core->handler == NULL)
    {
        conf->metrics->here = 1;
        conf->metrics->place = prev->metrics->place;
        core->handler = ngx_comet_metrics_handler;
    }

    if (!conf->metrics->here) {
        return NGX_OK;
    }

    if (core->handler != ngx_comet_metrics_handler) {
        ngx_comet_conf_error(cf, &conf->metrics->place,
                             "\"comet_metrics\" cannot stand beside another "
                             "handler of this location; give it a location "
                             "of its own");
        return NGX_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    if (mcf->zone->shm == NULL) {
        ngx_comet_conf_error(cf, &conf->metrics->place,
                             "\"comet_metrics\" needs memory to count in: "
                             "add \"comet_zone comet:16m;\" to http");
        return NGX_ERROR;
    }

    mcf->zone->metrics = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_comet_ctx_t      *ctx;
    ngx_comet_metrics_t  *metrics;

    static ngx_str_t  name = ngx_string("Allow");
    static ngx_str_t  allow = ngx_string("GET, HEAD");

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_comet_header_add(r, &name, &allow) == NGX_OK
               ? NGX_HTTP_NOT_ALLOWED : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    ctx = ngx_comet_make_ctx(r);
    metrics = ngx_pcalloc(r->pool, sizeof(ngx_comet_metrics_t));

    if (ctx == NULL || metrics == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->metrics = metrics;

    r->headers_out.status = NGX_HTTP_OK;

    /* as it stands: "charset" of the location has no part in it */

    ngx_str_set(&r->headers_out.content_type,
                "text/plain; version=0.0.4; charset=utf-8");
    r->headers_out.content_type_len = sizeof("text/plain") - 1;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_comet_metrics_page(r, metrics);
}


static void
ngx_comet_metrics_health(ngx_comet_page_t *page, ngx_comet_ward_t *ward)
{
    ngx_comet_ward_sum_t  sum;

    if (ward == NULL) {
        return;
    }

    sum = ngx_comet_ward_sum(ward, ngx_current_msec);

    page->scalars[NGX_COMET_SCALAR_BREAKERS_OPEN] = sum.open;
    page->scalars[NGX_COMET_SCALAR_BREAKERS_HALF_OPEN] = sum.half_open;
    page->scalars[NGX_COMET_SCALAR_BREAKERS_OPENED] = sum.opened;
    page->scalars[NGX_COMET_SCALAR_KEYS_AT_REST] = sum.at_rest;
    page->scalars[NGX_COMET_SCALAR_KEYS_OUT] = sum.out;
}


static ngx_int_t
ngx_comet_metrics_page(ngx_http_request_t *r, ngx_comet_metrics_t *metrics)
{
    ngx_int_t               rc;
    ngx_slab_pool_t        *shpool;
    ngx_comet_zone_t       *zone;
    ngx_comet_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_comet_module);

    zone = mcf->zone;
    shpool = zone->memory.data;

    ngx_comet_page_init(&metrics->page, zone->memory.ledger);

    metrics->page.scalars[NGX_COMET_SCALAR_ZONE_FREE] = shpool->pfree
                                                        * ngx_pagesize;
    metrics->page.scalars[NGX_COMET_SCALAR_ZONE_SIZE] = zone->shm->shm.size;

    ngx_comet_metrics_health(&metrics->page, zone->memory.ledger->ward);

    if (r != r->main) {

        /* included in a page: nobody would wake it up */

        do {
            rc = ngx_comet_metrics_piece(r, metrics);
        } while (rc != NGX_ERROR && !metrics->page.done);

        return rc;
    }

    if (!r->discard_body) {
        r->read_event_handler = ngx_http_test_reading;
    }

    r->write_event_handler = ngx_comet_metrics_write;

    r->main->count++;

    ngx_comet_metrics_write(r);

    return NGX_DONE;
}


static ngx_int_t
ngx_comet_metrics_piece(ngx_http_request_t *r, ngx_comet_metrics_t *metrics)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = ngx_chain_get_free_buf(r->pool, &metrics->free);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    b = cl->buf;

    if (b->start == NULL) {
        b->start = ngx_palloc(r->pool, NGX_COMET_METRICS_PIECE);
        if (b->start == NULL) {
            return NGX_ERROR;
        }

        b->end = b->start + NGX_COMET_METRICS_PIECE;
    }

    b->pos = b->start;
    b->last = b->start + ngx_comet_page_render(&metrics->page,
                                               (char *) b->start,
                                               NGX_COMET_METRICS_PIECE);

    b->tag = (ngx_buf_tag_t) &ngx_comet_metrics_piece;
    b->temporary = 1;
    b->flush = 1;
    b->last_in_chain = metrics->page.done;
    b->last_buf = metrics->page.done && r == r->main;

    rc = ngx_http_output_filter(r, cl);

    ngx_chain_update_chains(r->pool, &metrics->free, &metrics->busy, &cl,
                            (ngx_buf_tag_t) &ngx_comet_metrics_piece);

    return rc;
}


static ngx_int_t
ngx_comet_metrics_flush(ngx_http_request_t *r, ngx_comet_metrics_t *metrics)
{
    ngx_int_t     rc;
    ngx_chain_t  *cl;

    cl = NULL;

    rc = ngx_http_output_filter(r, NULL);

    ngx_chain_update_chains(r->pool, &metrics->free, &metrics->busy, &cl,
                            (ngx_buf_tag_t) &ngx_comet_metrics_piece);

    return rc;
}


static void
ngx_comet_metrics_write(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_event_t               *wev;
    ngx_comet_ctx_t           *ctx;
    ngx_comet_metrics_t       *metrics;
    ngx_http_core_loc_conf_t  *clcf;

    wev = r->connection->write;
    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);
    metrics = ctx->metrics;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (!wev->delayed) {

        rc = metrics->busy ? ngx_comet_metrics_flush(r, metrics) : NGX_OK;

        if (rc != NGX_ERROR && metrics->busy == NULL) {
            rc = ngx_comet_metrics_piece(r, metrics);
        }

        if (rc == NGX_ERROR || metrics->page.done) {
            ngx_http_finalize_request(r, rc);
            return;
        }
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    /* a worker that is to exit waits for timers, not for posted events */

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (metrics->busy == NULL && !wev->delayed) {
        ngx_post_event(wev, &ngx_posted_next_events);
        return;
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}
