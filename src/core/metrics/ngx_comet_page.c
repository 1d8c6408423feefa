#include "ngx_comet_page.h"

#include <string.h>

#include "ngx_comet_text.h"


typedef enum {
    NGX_COMET_FORM_COUNT,
    NGX_COMET_FORM_TOKENS,
    NGX_COMET_FORM_MONEY,
    NGX_COMET_FORM_TIME,
    NGX_COMET_FORM_SCALAR
} ngx_comet_form_e;


typedef struct {
    const char           *name;
    const char           *type;
    const char           *help;
    ngx_comet_form_e      form;
    ngx_comet_series_e    kind;
    size_t                value;     /* or which time, or which scalar */
} ngx_comet_family_t;


#define ngx_comet_counted(name, help, kind)                                   \
    { name, "counter", help, NGX_COMET_FORM_COUNT,                            \
      NGX_COMET_SERIES_##kind, 0 }

#define ngx_comet_used(name, help, form, value)                               \
    { name, "counter", help, NGX_COMET_FORM_##form,                           \
      NGX_COMET_SERIES_USAGE, NGX_COMET_USED_##value }

#define ngx_comet_time(name, help, value)                                     \
    { name, "histogram", help, NGX_COMET_FORM_TIME,                           \
      NGX_COMET_SERIES_TIMES, NGX_COMET_TIME_##value }

#define ngx_comet_scalar(name, type, help, value)                             \
    { name, type, help, NGX_COMET_FORM_SCALAR,                                \
      NGX_COMET_SERIES_KINDS, NGX_COMET_SCALAR_##value }


static const ngx_comet_family_t  ngx_comet_families[] = {

    ngx_comet_counted("comet_requests_total",
        "Requests by what became of them.", REQUESTS),
    ngx_comet_counted("comet_attempts_total",
        "Attempts to send a request to the API, by what became of them.",
        ATTEMPTS),
    ngx_comet_counted("comet_retries_total",
        "Further attempts of a request, by why there was one.", RETRIES),

    ngx_comet_used("comet_tokens_total",
        "Tokens by kind; cached ones are part of the input.",
        TOKENS, INPUT),
    ngx_comet_used("comet_cost_total",
        "Cost by comet_price, in its currency.", MONEY, COST),
    ngx_comet_used("comet_repairs_total",
        "Changes that comet_invalid repair made.", COUNT, REPAIRS),
    ngx_comet_used("comet_estimated_calls_total",
        "Calls that told no usage; their tokens are an estimate.",
        COUNT, ESTIMATED),
    ngx_comet_used("comet_unmetered_calls_total",
        "Calls whose usage is not believed; their tokens are an estimate.",
        COUNT, UNKNOWN),
    ngx_comet_used("comet_aborted_calls_total",
        "Calls whose client hung up before the end.", COUNT, ABORTED),

    ngx_comet_time("comet_first_token_seconds",
        "Time from the request to the first token of a stream.",
        FIRST_TOKEN),
    ngx_comet_time("comet_duration_seconds",
        "Time from the request to the end of an answer of the API.",
        DURATION),
    ngx_comet_time("comet_overhead_seconds",
        "Time that the gateway worked on a request before sending it on.",
        OVERHEAD),

    ngx_comet_scalar("comet_in_flight", "gauge",
        "Requests under way, in all workers.", IN_FLIGHT),
    ngx_comet_scalar("comet_breakers_open", "gauge",
        "Breakers that are open.", BREAKERS_OPEN),
    ngx_comet_scalar("comet_breakers_half_open", "gauge",
        "Breakers that let single requests through.", BREAKERS_HALF_OPEN),
    ngx_comet_scalar("comet_breaker_openings_total", "counter",
        "Times that a breaker opened.", BREAKERS_OPENED),
    ngx_comet_scalar("comet_keys_at_rest", "gauge",
        "Keys of pools that rest.", KEYS_AT_REST),
    ngx_comet_scalar("comet_keys_out", "gauge",
        "Keys of pools that the API refused.", KEYS_OUT),
    ngx_comet_scalar("comet_zone_held_calls", "gauge",
        "Calls under way that hold a part of a limit.", HELD),
    ngx_comet_scalar("comet_zone_lost_calls_total", "counter",
        "Calls that ended with a worker that died.", LOST),
    ngx_comet_scalar("comet_zone_counters", "gauge",
        "Counters of limits in the zone.", COUNTERS),
    ngx_comet_scalar("comet_zone_series", "gauge",
        "Series of this page in the zone.", SERIES),
    ngx_comet_scalar("comet_zone_series_overflow_total", "counter",
        "Times that something was counted as other for lack of room.",
        OVERFLOW),
    ngx_comet_scalar("comet_zone_series_bytes", "gauge",
        "Bytes of the zone that series take.", SERIES_BYTES),
    ngx_comet_scalar("comet_zone_series_limit_bytes", "gauge",
        "Bytes of the zone that series can take.", SERIES_LIMIT),
    ngx_comet_scalar("comet_zone_free_bytes", "gauge",
        "Bytes of the zone in free pages.", ZONE_FREE),
    ngx_comet_scalar("comet_zone_size_bytes", "gauge",
        "Bytes of the zone.", ZONE_SIZE),
};

#define NGX_COMET_FAMILIES                                                    \
    (sizeof(ngx_comet_families) / sizeof(ngx_comet_families[0]))


static const char *const  ngx_comet_labels[] = {
    [NGX_COMET_LABEL_TENANT] = "tenant",
    [NGX_COMET_LABEL_ENDPOINT] = "endpoint",
    [NGX_COMET_LABEL_PROVIDER] = "provider",
    [NGX_COMET_LABEL_VERDICT] = "verdict",
    [NGX_COMET_LABEL_STATUS] = "status",
    [NGX_COMET_LABEL_CODE] = "code",
    [NGX_COMET_LABEL_OUTCOME] = "outcome",
    [NGX_COMET_LABEL_REASON] = "reason",
};


static const char *const  ngx_comet_tokens[] = {
    [NGX_COMET_USED_INPUT] = "input",
    [NGX_COMET_USED_OUTPUT] = "output",
    [NGX_COMET_USED_CACHED] = "cached",
    [NGX_COMET_USED_REASONING] = "reasoning",
};


static const size_t  ngx_comet_form_lines[] = {
    [NGX_COMET_FORM_COUNT] = 1,
    [NGX_COMET_FORM_TOKENS] = 4,
    [NGX_COMET_FORM_MONEY] = 1,
    [NGX_COMET_FORM_TIME] = NGX_COMET_BOUNDS + 3,   /* and inf, sum, count */
    [NGX_COMET_FORM_SCALAR] = 1,
};


void
ngx_comet_page_init(ngx_comet_page_t *page, const ngx_comet_ledger_t *ledger)
{
    ngx_comet_tally_t  *tally;

    tally = ledger->tally;

    memset(page, 0, sizeof(ngx_comet_page_t));

    page->tally = tally;

    page->scalars[NGX_COMET_SCALAR_IN_FLIGHT]
        = ngx_comet_tally_in_flight(tally);
    page->scalars[NGX_COMET_SCALAR_HELD] = ngx_comet_ledger_active(ledger);
    page->scalars[NGX_COMET_SCALAR_LOST] = ledger->lost;
    page->scalars[NGX_COMET_SCALAR_COUNTERS] = ledger->ncounters;
    page->scalars[NGX_COMET_SCALAR_SERIES] = tally->series;
    page->scalars[NGX_COMET_SCALAR_OVERFLOW] = tally->overflow;
    page->scalars[NGX_COMET_SCALAR_SERIES_BYTES] = tally->used;
    page->scalars[NGX_COMET_SCALAR_SERIES_LIMIT] = tally->limit;
}


static char *
ngx_comet_page_copy(char *p, const char *text)
{
    size_t  len;

    len = strlen(text);

    return (char *) memcpy(p, text, len) + len;
}


/* what is not UTF-8 is told in a way that differs for different bytes */

static char *
ngx_comet_page_escape(char *p, const ngx_comet_name_t *name)
{
    size_t                n;
    const unsigned char  *text, *next, *end;

    static const char  hex[] = "0123456789abcdef";

    text = (const unsigned char *) name->text;
    end = text + name->len;

    while (text < end) {

        next = text;

        if (*text == '\\' || *text == '"') {
            *p++ = '\\';
            *p++ = (char) *text++;

        } else if (*text == '\n') {
            *p++ = '\\';
            *p++ = 'n';
            text++;

        } else if (*text >= 0x20 && *text < 0x7f) {
            *p++ = (char) *text++;

        } else if (*text >= 0x80
                   && ngx_comet_text_element(&next, end)
                      == NGX_COMET_TEXT_WHOLE)
        {
            n = (size_t) (next - text);
            p = (char *) memcpy(p, text, n) + n;
            text = next;

        } else {
            p = ngx_comet_page_copy(p, "\\\\x");
            *p++ = hex[*text >> 4];
            *p++ = hex[*text++ & 15];
        }
    }

    return p;
}


static char *
ngx_comet_page_labels(char *p, const ngx_comet_family_t *family,
    const ngx_comet_series_t *series, const char *extra, const char *value)
{
    size_t                   i;
    char                     mark;
    const ngx_comet_name_t  *name;

    mark = '{';

    for (i = 0; i < NGX_COMET_LABELS; i++) {

        name = ngx_comet_tally_label(series, family->kind, i);

        if (name == NULL) {
            continue;
        }

        *p++ = mark;
        p = ngx_comet_page_copy(p, ngx_comet_labels[i]);
        p = ngx_comet_page_copy(p, "=\"");
        p = ngx_comet_page_escape(p, name);
        *p++ = '"';

        mark = ',';
    }

    if (*extra) {
        *p++ = mark;
        p = ngx_comet_page_copy(p, extra);
        p = ngx_comet_page_copy(p, "=\"");
        p = ngx_comet_page_copy(p, value);
        *p++ = '"';
    }

    return ngx_comet_page_copy(p, "} ");
}


static char *
ngx_comet_page_head(char *p, const ngx_comet_family_t *family)
{
    p = ngx_comet_page_copy(p, "# HELP ");
    p = ngx_comet_page_copy(p, family->name);
    *p++ = ' ';
    p = ngx_comet_page_copy(p, family->help);
    p = ngx_comet_page_copy(p, "\n# TYPE ");
    p = ngx_comet_page_copy(p, family->name);
    *p++ = ' ';
    p = ngx_comet_page_copy(p, family->type);
    *p++ = '\n';

    return p;
}


static char *
ngx_comet_page_fraction(char *p, uint64_t n, uint64_t unit)
{
    p += ngx_comet_digits(p, n / unit);
    *p++ = '.';

    for (n %= unit, unit /= 10; unit; n %= unit, unit /= 10) {
        *p++ = (char) ('0' + n / unit);
    }

    return p;
}


/* all lines of a histogram are of the same moment, so that they agree */

static void
ngx_comet_page_time(ngx_comet_page_t *page, const ngx_comet_family_t *family)
{
    size_t  i;

    for (i = 0; i < NGX_COMET_TIME_VALUES; i++) {
        page->times[i] = ngx_comet_tally_value(page->tally, page->walk.series,
                                               family->kind,
                                 family->value * NGX_COMET_TIME_VALUES + i);
    }

    for (i = 1; i <= NGX_COMET_BOUNDS; i++) {
        page->times[i] += page->times[i - 1];
    }
}


static char *
ngx_comet_page_time_line(ngx_comet_page_t *page, char *p,
    const ngx_comet_family_t *family)
{
    const char                *le;
    const ngx_comet_series_t  *series;

    series = page->walk.series;

    if (page->line == NGX_COMET_BOUNDS + 1) {
        p = ngx_comet_page_copy(p, "_sum");
        p = ngx_comet_page_labels(p, family, series, "", "");

        return ngx_comet_page_fraction(p, page->times[NGX_COMET_BOUNDS + 1],
                                       1000000);
    }

    if (page->line == NGX_COMET_BOUNDS + 2) {
        p = ngx_comet_page_copy(p, "_count");
        p = ngx_comet_page_labels(p, family, series, "", "");

        return p + ngx_comet_digits(p, page->times[NGX_COMET_BOUNDS]);
    }

    le = page->line == NGX_COMET_BOUNDS
         ? "+Inf" : ngx_comet_bounds[family->value][page->line].text;

    p = ngx_comet_page_copy(p, "_bucket");
    p = ngx_comet_page_labels(p, family, series, "le", le);

    return p + ngx_comet_digits(p, page->times[page->line]);
}


static char *
ngx_comet_page_line(ngx_comet_page_t *page, char *p,
    const ngx_comet_family_t *family)
{
    uint64_t                   value;
    const ngx_comet_series_t  *series;

    series = page->walk.series;
    p = ngx_comet_page_copy(p, family->name);

    switch (family->form) {

    case NGX_COMET_FORM_SCALAR:
        *p++ = ' ';
        p += ngx_comet_digits(p, page->scalars[family->value]);
        break;

    case NGX_COMET_FORM_TIME:
        p = ngx_comet_page_time_line(page, p, family);
        break;

    case NGX_COMET_FORM_TOKENS:
        value = ngx_comet_tally_value(page->tally, series, family->kind,
                                      page->line);
        p = ngx_comet_page_labels(p, family, series, "kind",
                                  ngx_comet_tokens[page->line]);
        p += ngx_comet_digits(p, value);
        break;

    default:
        value = ngx_comet_tally_value(page->tally, series, family->kind,
                                      family->value);
        p = ngx_comet_page_labels(p, family, series, "", "");
        p = family->form == NGX_COMET_FORM_MONEY
            ? ngx_comet_page_fraction(p, value, NGX_COMET_MONEY)
            : p + ngx_comet_digits(p, value);
    }

    *p++ = '\n';

    return p;
}


/* 0 if the family has no more of them */

static int
ngx_comet_page_series(ngx_comet_page_t *page,
    const ngx_comet_family_t *family)
{
    ngx_comet_series_t  *series;

    if (family->form == NGX_COMET_FORM_SCALAR) {
        return 1;
    }

    do {
        series = ngx_comet_tally_next(page->tally, family->kind, &page->walk);

        if (series == NULL) {
            return 0;
        }

    } while (ngx_comet_tally_is_unused(page->tally, series, family->kind));

    if (family->form == NGX_COMET_FORM_TIME) {
        ngx_comet_page_time(page, family);
    }

    return 1;
}


static void
ngx_comet_page_turn(ngx_comet_page_t *page)
{
    page->family++;
    page->done = (page->family == NGX_COMET_FAMILIES);
    page->headed = 0;
    page->line = 0;
    memset(&page->walk, 0, sizeof(ngx_comet_tally_walk_t));
}


size_t
ngx_comet_page_render(ngx_comet_page_t *page, char *text, size_t size)
{
    char                      *p;
    const ngx_comet_family_t  *family;

    p = text;

    while (!page->done
           && (size_t) (p - text) + NGX_COMET_PAGE_LINE <= size)
    {
        family = &ngx_comet_families[page->family];

        if (!page->headed) {
            p = ngx_comet_page_head(p, family);
            page->headed = 1;
            continue;
        }

        if (page->line == 0 && !ngx_comet_page_series(page, family)) {
            ngx_comet_page_turn(page);
            continue;
        }

        p = ngx_comet_page_line(page, p, family);

        if (++page->line < ngx_comet_form_lines[family->form]) {
            continue;
        }

        page->line = 0;

        if (family->form == NGX_COMET_FORM_SCALAR) {
            ngx_comet_page_turn(page);
        }
    }

    return (size_t) (p - text);
}
