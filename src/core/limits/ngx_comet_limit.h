/*
 * What a tenant may take: what of it is taken now, and when it frees.  All of
 * it is integers: no rounding, no drift.
 */


#ifndef _NGX_COMET_LIMIT_H_INCLUDED_
#define _NGX_COMET_LIMIT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


typedef enum {
    NGX_COMET_LIMIT_RATE,
    NGX_COMET_LIMIT_TOKENS,
    NGX_COMET_LIMIT_CONCURRENCY,
    NGX_COMET_LIMIT_BUDGET,
    NGX_COMET_LIMIT_SPEND,
    NGX_COMET_LIMIT_KINDS
} ngx_comet_limit_e;


/* what is counted */

typedef enum {
    NGX_COMET_UNIT_REQUEST,
    NGX_COMET_UNIT_TOKEN,
    NGX_COMET_UNIT_CALL,        /* under way */
    NGX_COMET_UNIT_MONEY,
    NGX_COMET_UNITS
} ngx_comet_unit_e;


/* how what was taken becomes free again */

typedef enum {
    NGX_COMET_SPAN_BUCKET,      /* steadily */
    NGX_COMET_SPAN_GAUGE,       /* with the end of each call */
    NGX_COMET_SPAN_WINDOW,      /* all at once, a period after its first use */
    NGX_COMET_SPAN_DAY,         /* at midnight, UTC */
    NGX_COMET_SPAN_MONTH        /* on the first of a month, UTC */
} ngx_comet_span_e;


/* money is counted in 1/1000000000000 of a unit */

#define NGX_COMET_MONEY       1000000000000
#define NGX_COMET_TOKENS_MAX  1000000000000

/* milliseconds */

#define NGX_COMET_SECOND  1000
#define NGX_COMET_MINUTE  (60 * NGX_COMET_SECOND)
#define NGX_COMET_HOUR    (60 * NGX_COMET_MINUTE)
#define NGX_COMET_DAY     (24 * NGX_COMET_HOUR)


typedef struct {
    ngx_comet_limit_e    kind;
    ngx_comet_span_e     span;
    uint64_t             amount;    /* each period */
    uint64_t             capacity;  /* at once */
    uint64_t             period;    /* milliseconds */
} ngx_comet_limit_t;


typedef struct {
    uint64_t             used;      /* of a bucket: multiplied by the period */
    uint64_t             reserved;  /* by calls that have not ended */
    uint64_t             since;     /* a bucket's or a window's time, in
                                       milliseconds of the steady clock; of a
                                       calendar its first second */
} ngx_comet_level_t;


typedef struct {
    uint64_t             steady;    /* milliseconds, never set */
    int64_t              wall;      /* seconds since 1970 */
} ngx_comet_clock_t;


#define NGX_COMET_WAIT_NEVER  UINT64_MAX        /* it is more than the limit */
#define NGX_COMET_WAIT_CALLS  (UINT64_MAX - 1)  /* until calls have ended */


/* forgets what has become free; before any of the others */

void ngx_comet_limit_roll(const ngx_comet_limit_t *limit,
    ngx_comet_level_t *level, const ngx_comet_clock_t *clock);

void ngx_comet_limit_charge(const ngx_comet_limit_t *limit,
    ngx_comet_level_t *level, const ngx_comet_clock_t *clock, uint64_t amount);

/* milliseconds until the amount may be taken */

uint64_t ngx_comet_limit_wait(const ngx_comet_limit_t *limit,
    const ngx_comet_level_t *level, const ngx_comet_clock_t *clock,
    uint64_t amount);

uint64_t ngx_comet_limit_left(const ngx_comet_limit_t *limit,
    const ngx_comet_level_t *level);

/* milliseconds until all of it is free */

uint64_t ngx_comet_limit_reset(const ngx_comet_limit_t *limit,
    const ngx_comet_level_t *level, const ngx_comet_clock_t *clock);

#define NGX_COMET_DIGITS_LEN    20

size_t ngx_comet_digits(char *text, uint64_t n);

/* for people and SDKs: "12ms", "1s", "6m0s", "720h0m0s" */

#define NGX_COMET_DURATION_LEN  32

size_t ngx_comet_duration(char *text, uint64_t ms);


#endif /* _NGX_COMET_LIMIT_H_INCLUDED_ */
