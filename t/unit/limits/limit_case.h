/* For tests of limits: how they are written, and numbers at random. */

#include "ngx_comet_kind.h"


#define SECOND  1000ULL
#define MINUTE  60000ULL
#define HOUR    3600000ULL
#define DAY     86400000ULL

#define RATE    NGX_COMET_LIMIT_RATE
#define TOKENS  NGX_COMET_LIMIT_TOKENS
#define CALLS   NGX_COMET_LIMIT_CONCURRENCY
#define BUDGET  NGX_COMET_LIMIT_BUDGET
#define SPEND   NGX_COMET_LIMIT_SPEND

#define BUCKET  NGX_COMET_SPAN_BUCKET
#define GAUGE   NGX_COMET_SPAN_GAUGE
#define WINDOW  NGX_COMET_SPAN_WINDOW

#define lengthof(a)  (sizeof(a) / sizeof((a)[0]))


static uint64_t  seed;


static inline uint64_t
any(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return (seed >> 11) % n;
}


/* of exact size, so that one byte too far is found */

static inline char *
copy(const char *text)
{
    char    *p;
    size_t   size;

    size = strlen(text) + 1;

    p = malloc(size);
    assert_non_null(p);

    return memcpy(p, text, size);
}


static inline int
parse(ngx_comet_limit_t *limit, ngx_comet_limit_e kind, const char *text)
{
    int    rc;
    char  *p;

    p = copy(text);
    rc = ngx_comet_limit_parse(limit, kind, p);
    free(p);

    return rc;
}
