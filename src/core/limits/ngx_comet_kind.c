#include "ngx_comet_kind.h"

#include <stdio.h>
#include <string.h>


static int ngx_comet_kind_rate(ngx_comet_limit_t *limit, const char *p);
static int ngx_comet_kind_steady(ngx_comet_limit_t *limit, const char *p);
static int ngx_comet_kind_at_once(ngx_comet_limit_t *limit, const char *p);
static int ngx_comet_kind_period(ngx_comet_limit_t *limit, const char *p);


const ngx_comet_unit_t  ngx_comet_units[NGX_COMET_UNITS] = {
    [NGX_COMET_UNIT_REQUEST] = { "many requests", 0, 0 },
    [NGX_COMET_UNIT_TOKEN] = { "many tokens", 1, 1 },
    [NGX_COMET_UNIT_CALL] = { "many calls at once", 1, 0 },
    [NGX_COMET_UNIT_MONEY] = { "much money", 1, 1 },
};


const ngx_comet_kind_t  ngx_comet_kinds[NGX_COMET_LIMIT_KINDS] = {
    [NGX_COMET_LIMIT_RATE] = {
        "comet_rate", "60r/m or 5r/s",
        NGX_COMET_UNIT_REQUEST, ngx_comet_kind_rate, NULL },

    [NGX_COMET_LIMIT_TOKENS] = {
        "comet_tokens", "200k/m or 5000/s",
        NGX_COMET_UNIT_TOKEN, ngx_comet_kind_steady, NULL },

    [NGX_COMET_LIMIT_CONCURRENCY] = {
        "comet_concurrency", "20",
        NGX_COMET_UNIT_CALL, ngx_comet_kind_at_once, NULL },

    [NGX_COMET_LIMIT_BUDGET] = {
        "comet_budget", "10m/30d, 500k/12h, 1m/day or 20m/month, with at most "
        "1000g and 366d",
        NGX_COMET_UNIT_TOKEN, ngx_comet_kind_period, "insufficient_quota" },

    [NGX_COMET_LIMIT_SPEND] = {
        "comet_spend", "50/30d, 2.50/12h, 5/day or 100/month, with at most "
        "1000000, six decimals and 366d",
        NGX_COMET_UNIT_MONEY, ngx_comet_kind_period, "insufficient_quota" },
};


static const struct {
    const char        *name;
    ngx_comet_span_e   span;
    uint64_t           period;
} ngx_comet_periods[] = {
    { "day", NGX_COMET_SPAN_DAY, NGX_COMET_DAY },
    { "month", NGX_COMET_SPAN_MONTH, 31ULL * NGX_COMET_DAY },
    { NULL, NGX_COMET_SPAN_WINDOW, 0 }
};


static const char *
ngx_comet_kind_digits(const char *p, uint64_t max, uint64_t *value)
{
    const char  *start;

    *value = 0;

    for (start = p; *p >= '0' && *p <= '9'; p++) {
        *value = *value * 10 + (uint64_t) (*p - '0');

        if (*value > max) {
            return NULL;
        }
    }

    return p == start ? NULL : p;
}


/* 200000, 200k, 10M, 2g: of tokens, so k is 1000 */

static const char *
ngx_comet_kind_count(const char *p, uint64_t *value)
{
    uint64_t  unit;

    p = ngx_comet_kind_digits(p, NGX_COMET_TOKENS_MAX, value);

    if (p == NULL) {
        return NULL;
    }

    unit = *p == 'k' || *p == 'K' ? 1000
           : *p == 'm' || *p == 'M' ? 1000000
           : *p == 'g' || *p == 'G' ? 1000000000
           : 1;

    if (unit != 1) {
        p++;
    }

    if (*value == 0 || *value > NGX_COMET_TOKENS_MAX / unit) {
        return NULL;
    }

    *value *= unit;

    return p;
}


/* a decimal number of at most six places, times the unit */

static const char *
ngx_comet_kind_decimal(const char *p, uint64_t unit, uint64_t max,
    uint64_t *value)
{
    uint64_t  place, part;

    p = ngx_comet_kind_digits(p, max, value);

    if (p == NULL) {
        return NULL;
    }

    *value *= unit;

    if (*p != '.') {
        return p;
    }

    part = 0;
    place = 1000000;

    for (p++; *p >= '0' && *p <= '9' && place > 1; p++) {
        place /= 10;
        part += (uint64_t) (*p - '0') * place;
    }

    *value += part * (unit / 1000000);

    return place == 1000000 || *value > max * unit ? NULL : p;
}


int
ngx_comet_money_parse(const char *text, uint64_t unit, uint64_t max,
    uint64_t *money)
{
    text = ngx_comet_kind_decimal(text, unit, max, money);

    return text && *text == '\0' ? 0 : -1;
}


/* "/12h", "/30d", "/day" or "/month" */

static int
ngx_comet_kind_period(ngx_comet_limit_t *limit, const char *p)
{
    size_t    i;
    uint64_t  unit;

    if (*p++ != '/') {
        return -1;
    }

    for (i = 0; ngx_comet_periods[i].name; i++) {
        if (strcmp(p, ngx_comet_periods[i].name) == 0) {
            limit->span = ngx_comet_periods[i].span;
            limit->period = ngx_comet_periods[i].period;
            return 0;
        }
    }

    limit->span = NGX_COMET_SPAN_WINDOW;

    p = ngx_comet_kind_digits(p, 366 * 24, &limit->period);

    if (p == NULL) {
        return -1;
    }

    unit = *p == 'h' ? NGX_COMET_HOUR : *p == 'd' ? NGX_COMET_DAY : 0;

    if (unit == 0 || p[1] != '\0' || limit->period == 0
        || limit->period > 366ULL * NGX_COMET_DAY / unit)
    {
        return -1;
    }

    limit->period *= unit;

    return 0;
}


/* "/s" or "/m" */

static int
ngx_comet_kind_steady(ngx_comet_limit_t *limit, const char *p)
{
    if (*p++ != '/') {
        return -1;
    }

    limit->span = NGX_COMET_SPAN_BUCKET;
    limit->period = *p == 's' ? NGX_COMET_SECOND : NGX_COMET_MINUTE;

    return (*p == 's' || *p == 'm') && p[1] == '\0' ? 0 : -1;
}


/* "r/s" or "r/m", of which one is taken at once */

static int
ngx_comet_kind_rate(ngx_comet_limit_t *limit, const char *p)
{
    limit->capacity = 1;

    return *p == 'r' ? ngx_comet_kind_steady(limit, p + 1) : -1;
}


static int
ngx_comet_kind_at_once(ngx_comet_limit_t *limit, const char *p)
{
    limit->span = NGX_COMET_SPAN_GAUGE;

    return *p == '\0' ? 0 : -1;
}


int
ngx_comet_limit_parse(ngx_comet_limit_t *limit, ngx_comet_limit_e kind,
    const char *text)
{
    memset(limit, 0, sizeof(ngx_comet_limit_t));

    limit->kind = kind;

    text = ngx_comet_kinds[kind].unit == NGX_COMET_UNIT_MONEY
           ? ngx_comet_kind_decimal(text, NGX_COMET_MONEY,
                                    NGX_COMET_MONEY_MAX, &limit->amount)
           : ngx_comet_kind_count(text, &limit->amount);

    if (text == NULL || limit->amount == 0) {
        return -1;
    }

    limit->capacity = limit->amount;

    return ngx_comet_kinds[kind].form(limit, text);
}


int
ngx_comet_tokens_parse(const char *text, uint64_t *tokens)
{
    text = ngx_comet_kind_count(text, tokens);

    return text && *text == '\0' ? 0 : -1;
}


int
ngx_comet_limit_parse_burst(ngx_comet_limit_t *limit, const char *text)
{
    return ngx_comet_tokens_parse(text, &limit->capacity);
}


size_t
ngx_comet_amount(char *text, size_t size, ngx_comet_unit_e unit,
    uint64_t amount)
{
    int  n;

    if (unit != NGX_COMET_UNIT_MONEY) {
        return (size_t) snprintf(text, size, "%llu",
                                 (unsigned long long) amount);
    }

    n = snprintf(text, size, "%llu.%012llu",
                 (unsigned long long) (amount / NGX_COMET_MONEY),
                 (unsigned long long) (amount % NGX_COMET_MONEY));

    /* two places at least */

    while (text[n - 1] == '0' && text[n - 3] != '.') {
        text[--n] = '\0';
    }

    return (size_t) n;
}
