#include "ngx_comet_breaker.h"

#include <string.h>


static void
ngx_comet_breaker_open(ngx_comet_breaker_t *breaker, uint64_t now)
{
    breaker->state = NGX_COMET_BREAKER_OPEN;
    breaker->since = now;
    breaker->probe = 0;
    breaker->before = breaker->probes;
}


static void
ngx_comet_breaker_close(ngx_comet_breaker_t *breaker)
{
    uint32_t  probes;

    probes = breaker->probes;

    memset(breaker, 0, sizeof(ngx_comet_breaker_t));

    breaker->probes = probes;
}


static uint64_t
ngx_comet_breaker_left(uint64_t since, uint64_t span, uint64_t now)
{
    return now < since + span ? since + span - now : 0;
}


/* a probe takes as long as a call does, and its caller may have died */

static uint64_t
ngx_comet_breaker_probe(const ngx_comet_breaker_conf_t *conf,
    ngx_comet_breaker_t *breaker, uint64_t now, uint32_t *probe)
{
    uint64_t  left;

    left = breaker->probe ? ngx_comet_breaker_left(breaker->since,
                                            NGX_COMET_BREAKER_PATIENCE, now)
                          : 0;

    if (left) {
        return left < conf->rest ? left : conf->rest;
    }

    if (++breaker->probes == 0) {
        breaker->probes = 1;
    }

    breaker->probe = breaker->probes;
    breaker->since = now;

    *probe = breaker->probe;

    return 0;
}


uint64_t
ngx_comet_breaker_ask(const ngx_comet_breaker_conf_t *conf,
    ngx_comet_breaker_t *breaker, uint64_t now, uint32_t *probe)
{
    uint64_t  left;

    *probe = 0;

    if (breaker->state == NGX_COMET_BREAKER_CLOSED) {
        return 0;
    }

    if (breaker->state == NGX_COMET_BREAKER_OPEN) {

        left = ngx_comet_breaker_left(breaker->since, conf->rest, now);

        if (left) {
            return left;
        }

        breaker->state = NGX_COMET_BREAKER_HALF_OPEN;
        breaker->good = 0;
        breaker->probe = 0;
    }

    return ngx_comet_breaker_probe(conf, breaker, now, probe);
}


static int
ngx_comet_breaker_count(const ngx_comet_breaker_conf_t *conf,
    ngx_comet_breaker_t *breaker, uint64_t now, int says)
{
    ngx_comet_window_sum_t  sum;

    if (conf->share) {
        ngx_comet_window_add(&breaker->window, conf->window, now, 1, says < 0);
    }

    if (says > 0) {
        breaker->row = 0;
        return 0;
    }

    breaker->row++;

    if (conf->failures && breaker->row >= conf->failures) {
        return 1;
    }

    if (conf->share == 0) {
        return 0;
    }

    sum = ngx_comet_window_sum(&breaker->window, conf->window, now);

    return sum.all >= conf->min && sum.some * 100 >= sum.all * conf->share;
}


/*
 * A probe that took longer than the patience with it tells as well, but not
 * one of a time before the breaker opened again.
 */

static int
ngx_comet_breaker_probed(ngx_comet_breaker_t *breaker, uint64_t now,
    uint32_t probe, int says)
{
    if (probe == 0 || (int32_t) (probe - breaker->before) <= 0) {
        return 0;
    }

    if (probe == breaker->probe) {
        breaker->probe = 0;
    }

    if (says < 0) {
        ngx_comet_breaker_open(breaker, now);
        return 1;
    }

    breaker->good += (says > 0);

    if (breaker->good < NGX_COMET_BREAKER_PROBES) {
        return 0;
    }

    ngx_comet_breaker_close(breaker);

    return -1;
}


int
ngx_comet_breaker_tell(const ngx_comet_breaker_conf_t *conf,
    ngx_comet_breaker_t *breaker, uint64_t now, uint32_t probe, int says)
{
    switch (breaker->state) {

    case NGX_COMET_BREAKER_CLOSED:

        if (says == 0 || !ngx_comet_breaker_count(conf, breaker, now, says)) {
            return 0;
        }

        ngx_comet_breaker_open(breaker, now);

        return 1;

    case NGX_COMET_BREAKER_HALF_OPEN:
        return ngx_comet_breaker_probed(breaker, now, probe, says);

    default:

        /* it began before */

        return 0;
    }
}
