#include "ngx_comet_limit.h"

#include <string.h>


/* clocks of workers differ by less, steps of a clock that matter by more */

#define NGX_COMET_SKEW    3600


/* the first day of the month, as all days counted from 1970-01-01 */

static int64_t
ngx_comet_limit_month(int64_t day)
{
    int64_t  era, years;

    /* days of an era of 400 years, whose years begin in March */

    era = day + 719468;
    era = era - (era >= 0 ? era : era - 146096) / 146097 * 146097;

    years = (era - era / 1460 + era / 36524 - era / 146096) / 365;
    era -= 365 * years + years / 4 - years / 100;

    /* days of that year; 153 in five months */

    return day - (era - (153 * ((5 * era + 2) / 153) + 2) / 5);
}


/* the first second of this day or month, or of the next */

static int64_t
ngx_comet_limit_calendar(const ngx_comet_limit_t *limit, int64_t wall,
    int next)
{
    int64_t  day;

    day = (wall >= 0 ? wall : wall - 86399) / 86400;

    if (limit->span == NGX_COMET_SPAN_MONTH) {
        day = ngx_comet_limit_month(day);
        day = next ? ngx_comet_limit_month(day + 31) : day;

    } else {
        day += next;
    }

    return day * 86400;
}


static void
ngx_comet_limit_roll_calendar(const ngx_comet_limit_t *limit,
    ngx_comet_level_t *level, const ngx_comet_clock_t *clock)
{
    int64_t  start, since;

    start = ngx_comet_limit_calendar(limit, clock->wall, 0);
    since = (int64_t) level->since;

    if (start > since) {
        level->used = 0;
        level->since = (uint64_t) start;

    } else if (clock->wall + NGX_COMET_SKEW < since) {

        /* the clock was set back: what was used stays used */

        level->since = (uint64_t) start;
    }
}


void
ngx_comet_limit_roll(const ngx_comet_limit_t *limit, ngx_comet_level_t *level,
    const ngx_comet_clock_t *clock)
{
    uint64_t  elapsed;

    elapsed = clock->steady > level->since ? clock->steady - level->since : 0;

    switch (limit->span) {

    case NGX_COMET_SPAN_BUCKET:

        if (elapsed == 0) {
            break;
        }

        level->since = clock->steady;
        level->used = elapsed > level->used / limit->amount
                      ? 0 : level->used - elapsed * limit->amount;
        break;

    case NGX_COMET_SPAN_WINDOW:

        if (elapsed >= limit->period) {
            level->used = 0;
        }

        break;

    case NGX_COMET_SPAN_GAUGE:
        break;

    default:
        ngx_comet_limit_roll_calendar(limit, level, clock);
    }
}


void
ngx_comet_limit_charge(const ngx_comet_limit_t *limit,
    ngx_comet_level_t *level, const ngx_comet_clock_t *clock, uint64_t amount)
{
    if (amount == 0) {
        return;
    }

    if (limit->span == NGX_COMET_SPAN_WINDOW && level->used == 0) {
        level->since = clock->steady;
    }

    if (limit->span == NGX_COMET_SPAN_BUCKET
        && __builtin_mul_overflow(amount, limit->period, &amount))
    {
        amount = UINT64_MAX;
    }

    if (__builtin_add_overflow(level->used, amount, &level->used)) {
        level->used = UINT64_MAX;
    }
}


static uint64_t
ngx_comet_limit_window_end(const ngx_comet_limit_t *limit,
    const ngx_comet_level_t *level, const ngx_comet_clock_t *clock)
{
    int64_t   end, since;
    uint64_t  elapsed;

    if (limit->span != NGX_COMET_SPAN_WINDOW) {

        /* where another clock was ahead, the period is the later one */

        since = (int64_t) level->since;

        end = ngx_comet_limit_calendar(limit, since > clock->wall
                                              ? since : clock->wall, 1);
        return (uint64_t) (end - clock->wall) * NGX_COMET_SECOND;
    }

    elapsed = clock->steady > level->since ? clock->steady - level->since : 0;

    return elapsed < limit->period ? limit->period - elapsed : 0;
}


uint64_t
ngx_comet_limit_wait(const ngx_comet_limit_t *limit,
    const ngx_comet_level_t *level, const ngx_comet_clock_t *clock,
    uint64_t amount)
{
    uint64_t  used, left, wait;

    if (amount > limit->capacity) {
        return NGX_COMET_WAIT_NEVER;
    }

    used = level->used;
    left = limit->capacity - amount;

    switch (limit->span) {

    case NGX_COMET_SPAN_GAUGE:
        break;

    case NGX_COMET_SPAN_BUCKET:

        if (level->reserved > left) {
            return NGX_COMET_WAIT_CALLS;
        }

        left = (left - level->reserved) * limit->period;

        if (used <= left) {
            return 0;
        }

        used -= left;
        wait = used / limit->amount + (used % limit->amount != 0);

        return wait < NGX_COMET_WAIT_CALLS ? wait : NGX_COMET_WAIT_CALLS - 1;

    default:

        if (used > left) {
            return ngx_comet_limit_window_end(limit, level, clock);
        }

        left -= used;
    }

    return level->reserved > left ? NGX_COMET_WAIT_CALLS : 0;
}


uint64_t
ngx_comet_limit_left(const ngx_comet_limit_t *limit,
    const ngx_comet_level_t *level)
{
    uint64_t  used;

    used = level->used;

    if (limit->span == NGX_COMET_SPAN_BUCKET) {
        used = used / limit->period + (used % limit->period != 0);
    }

    if (used >= limit->capacity
        || level->reserved >= limit->capacity - used)
    {
        return 0;
    }

    return limit->capacity - used - level->reserved;
}


uint64_t
ngx_comet_limit_reset(const ngx_comet_limit_t *limit,
    const ngx_comet_level_t *level, const ngx_comet_clock_t *clock)
{
    switch (limit->span) {

    case NGX_COMET_SPAN_GAUGE:
        return 0;

    case NGX_COMET_SPAN_BUCKET:
        return level->used / limit->amount
               + (level->used % limit->amount != 0);

    case NGX_COMET_SPAN_WINDOW:

        if (level->used == 0) {
            return 0;
        }

        /* fall through */

    default:
        return ngx_comet_limit_window_end(limit, level, clock);
    }
}


static const uint64_t  ngx_comet_tens[NGX_COMET_DIGITS_LEN] = {
    0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
    1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000,
    100000000000000, 1000000000000000, 10000000000000000,
    100000000000000000, 1000000000000000000, 10000000000000000000ULL
};


/* with every answer: not by printf(), and two at a time */

static const char  ngx_comet_pairs[] =
    "0001020304050607080910111213141516171819"
    "2021222324252627282930313233343536373839"
    "4041424344454647484950515253545556575859"
    "6061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";


size_t
ngx_comet_digits(char *text, uint64_t n)
{
    char    *p;
    size_t   len;

    /* of so many bits, by log10(2), and one more from a power of ten on */

    len = (64 - (size_t) __builtin_clzll(n | 1)) * 1233 >> 12;
    len += n >= ngx_comet_tens[len];

    for (p = text + len; n >= 100; n /= 100) {
        p -= 2;
        memcpy(p, ngx_comet_pairs + n % 100 * 2, 2);
    }

    if (n >= 10) {
        memcpy(p - 2, ngx_comet_pairs + n * 2, 2);

    } else {
        p[-1] = (char) ('0' + n);
    }

    return len;
}


static char *
ngx_comet_duration_part(char *p, uint64_t n, const char *unit)
{
    p += ngx_comet_digits(p, n);

    while (*unit) {
        *p++ = *unit++;
    }

    return p;
}


size_t
ngx_comet_duration(char *text, uint64_t ms)
{
    char      *p;
    uint64_t   s;

    p = text;

    if (ms < NGX_COMET_SECOND) {
        p = ngx_comet_duration_part(p, ms, "ms");

    } else {
        s = ms / NGX_COMET_SECOND + (ms % NGX_COMET_SECOND != 0);

        if (s >= 3600) {
            p = ngx_comet_duration_part(p, s / 3600, "h");
        }

        if (s >= 60) {
            p = ngx_comet_duration_part(p, s / 60 % 60, "m");
        }

        p = ngx_comet_duration_part(p, s % 60, "s");
    }

    *p = '\0';

    return (size_t) (p - text);
}
