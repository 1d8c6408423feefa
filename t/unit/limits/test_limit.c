/*
 * What limits are written like, and their arithmetic beside a model that is
 * slow and exact.
 */

#include "unit.h"

#include <stdio.h>

#include "limit_case.h"


typedef struct {
    ngx_comet_limit_e  kind;
    const char        *text;
    ngx_comet_span_e   span;
    uint64_t           amount;
    uint64_t           capacity;
    uint64_t           period;
} form_t;


static const form_t  forms[] = {
    { RATE, "1r/s", BUCKET, 1, 1, SECOND },
    { RATE, "60r/m", BUCKET, 60, 1, MINUTE },
    { RATE, "000060r/m", BUCKET, 60, 1, MINUTE },
    { RATE, "1000000000000r/s", BUCKET, 1000000000000, 1, SECOND },
    { TOKENS, "5000/s", BUCKET, 5000, 5000, SECOND },
    { TOKENS, "200k/m", BUCKET, 200000, 200000, MINUTE },
    { TOKENS, "3m/m", BUCKET, 3000000, 3000000, MINUTE },
    { TOKENS, "200K/m", BUCKET, 200000, 200000, MINUTE },
    { BUDGET, "10M/day", NGX_COMET_SPAN_DAY, 10000000, 10000000, DAY },
    { BUDGET, "2G/1h", WINDOW, 2000000000, 2000000000, HOUR },
    { TOKENS, "1000g/m", BUCKET, 1000000000000, 1000000000000, MINUTE },
    { CALLS, "20", GAUGE, 20, 20, 0 },
    { CALLS, "2k", GAUGE, 2000, 2000, 0 },
    { BUDGET, "10m/30d", WINDOW, 10000000, 10000000, 30 * DAY },
    { BUDGET, "1/1h", WINDOW, 1, 1, HOUR },
    { BUDGET, "1/366d", WINDOW, 1, 1, 366 * DAY },
    { BUDGET, "1/8784h", WINDOW, 1, 1, 366 * DAY },
    { BUDGET, "500k/day", NGX_COMET_SPAN_DAY, 500000, 500000, DAY },
    { BUDGET, "1g/month", NGX_COMET_SPAN_MONTH, 1000000000, 1000000000,
      31 * DAY },
    { SPEND, "50/30d", WINDOW, 50000000000000, 50000000000000, 30 * DAY },
    { SPEND, "2.5/day", NGX_COMET_SPAN_DAY, 2500000000000, 2500000000000,
      DAY },
    { SPEND, "0.000001/1h", WINDOW, 1000000, 1000000, HOUR },
    { SPEND, "0.123456/1h", WINDOW, 123456000000, 123456000000, HOUR },
    { SPEND, "1000000/month", NGX_COMET_SPAN_MONTH, 1000000000000000000,
      1000000000000000000, 31 * DAY },
    { SPEND, "1000000.000000/1d", WINDOW, 1000000000000000000,
      1000000000000000000, DAY },
};


static const struct {
    ngx_comet_limit_e  kind;
    const char        *text;
} nonsense[] = {
    { RATE, "" }, { RATE, "r/s" }, { RATE, "1" }, { RATE, "1r" },
    { RATE, "1r/" }, { RATE, "1r/h" }, { RATE, "1r/ss" }, { RATE, "1r/s " },
    { RATE, " 1r/s" }, { RATE, "0r/s" }, { RATE, "-1r/s" }, { RATE, "+1r/s" },
    { RATE, "1.5r/s" }, { RATE, "1/s" }, { RATE, "1000000000001r/s" },
    { RATE, "18446744073709551617r/s" }, { RATE, "1R/s" }, { RATE, "1r/S" },
    { RATE, "0x10r/s" }, { RATE, "1e3r/s" },
    { TOKENS, "" }, { TOKENS, "200k" }, { TOKENS, "200k/" },
    { TOKENS, "200kk/m" }, { TOKENS, "200Kk/m" }, { TOKENS, "k/m" },
    { TOKENS, "0/m" }, { TOKENS, "0k/m" }, { TOKENS, "200k/h" },
    { TOKENS, "200k/min" }, { TOKENS, "1001g/m" }, { TOKENS, "1000001m/m" },
    { TOKENS, "200kr/m" }, { TOKENS, "99999999999999999999/m" },
    { CALLS, "" }, { CALLS, "0" }, { CALLS, "20/s" }, { CALLS, "twenty" },
    { CALLS, "20 " }, { CALLS, "20c" }, { CALLS, "-1" },
    { BUDGET, "" }, { BUDGET, "10m" }, { BUDGET, "10m/" },
    { BUDGET, "10m/0h" }, { BUDGET, "10m/0d" }, { BUDGET, "10m/d" },
    { BUDGET, "10m/30" }, { BUDGET, "10m/30m" }, { BUDGET, "10m/30D" },
    { BUDGET, "10m/367d" }, { BUDGET, "10m/8785h" }, { BUDGET, "10m/1hh" },
    { BUDGET, "10m/daily" }, { BUDGET, "10m/da" }, { BUDGET, "10m/Month" },
    { BUDGET, "10m/month " }, { BUDGET, "0/day" }, { BUDGET, "1.5/day" },
    { BUDGET, "10m/213503982334601d" }, { BUDGET, "10m/-1d" },
    { SPEND, "" }, { SPEND, "50" }, { SPEND, "0/day" }, { SPEND, "0.0/day" },
    { SPEND, ".5/day" }, { SPEND, "5./day" }, { SPEND, "5..5/day" },
    { SPEND, "0.0000001/day" }, { SPEND, "1.1234567/day" },
    { SPEND, "50k/day" }, { SPEND, "$50/day" }, { SPEND, "-5/day" },
    { SPEND, "1000001/day" }, { SPEND, "1000000.000001/day" },
    { SPEND, "1000000.999999/day" }, { SPEND, "1,5/day" },
    { SPEND, "18446744073709551616/day" }, { SPEND, "1e3/day" },
};


static void
test_forms(void **state)
{
    size_t              i;
    const form_t       *form;
    ngx_comet_limit_t   limit;

    (void) state;

    for (i = 0; i < lengthof(forms); i++) {
        form = &forms[i];

        if (parse(&limit, form->kind, form->text) != 0) {
            fail_msg("%s is refused", form->text);
        }

        assert_int_equal(limit.kind, form->kind);
        assert_int_equal(limit.span, form->span);
        assert_int_equal(limit.amount, form->amount);
        assert_int_equal(limit.capacity, form->capacity);
        assert_int_equal(limit.period, form->period);
    }

    for (i = 0; i < lengthof(nonsense); i++) {
        if (parse(&limit, nonsense[i].kind, nonsense[i].text) != -1) {
            fail_msg("\"%s\" is taken", nonsense[i].text);
        }
    }
}


static void
test_burst(void **state)
{
    size_t              i;
    ngx_comet_limit_t   limit;

    static const char *const  bad[] = {
        "", "0", "-1", "x", "1x", "1.5", "1 ", "1000000000001", "1001g",
        "18446744073709551617"
    };

    (void) state;

    assert_int_equal(parse(&limit, RATE, "60r/m"), 0);
    assert_int_equal(ngx_comet_limit_parse_burst(&limit, "20"), 0);
    assert_int_equal(limit.capacity, 20);
    assert_int_equal(limit.amount, 60);

    assert_int_equal(ngx_comet_limit_parse_burst(&limit, "1k"), 0);
    assert_int_equal(limit.capacity, 1000);

    for (i = 0; i < lengthof(bad); i++) {
        assert_int_equal(ngx_comet_limit_parse_burst(&limit, bad[i]), -1);
    }
}


static void
test_money(void **state)
{
    size_t    i;
    uint64_t  money;

    static const struct {
        const char  *text;
        uint64_t     money;
    } prices[] = {
        { "0", 0 }, { "1.25", 1250000 }, { "10", 10000000 },
        { "0.125", 125000 }, { "0.000001", 1 }, { "00.5", 500000 },
        { "100000", 100000000000 }
    };

    static const char *const  bad[] = {
        "", ".", "1.", ".1", "1.0000000", "100001", "100000.1", "-1", "1 ",
        "NaN", "1.2.3"
    };

    (void) state;

    for (i = 0; i < lengthof(prices); i++) {
        assert_int_equal(ngx_comet_money_parse(prices[i].text, 1000000, 100000,
                                               &money), 0);
        assert_int_equal(money, prices[i].money);
    }

    for (i = 0; i < lengthof(bad); i++) {
        assert_int_equal(ngx_comet_money_parse(bad[i], 1000000, 100000,
                                               &money), -1);
    }
}


static void
test_durations(void **state)
{
    char    text[NGX_COMET_DURATION_LEN];
    size_t  i;

    static const struct {
        uint64_t     ms;
        const char  *text;
    } rows[] = {
        { 0, "0ms" }, { 1, "1ms" }, { 999, "999ms" }, { 1000, "1s" },
        { 1001, "2s" }, { 59000, "59s" }, { 59001, "1m0s" },
        { 60000, "1m0s" }, { 360000, "6m0s" }, { 3599000, "59m59s" },
        { 3599001, "1h0m0s" }, { 30 * DAY, "720h0m0s" },
        { 366 * DAY - 1, "8784h0m0s" },
        { UINT64_MAX, "5124095576030h25m52s" },
    };

    (void) state;

    for (i = 0; i < lengthof(rows); i++) {
        assert_int_equal(ngx_comet_duration(text, rows[i].ms),
                         strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
    }
}


static void
test_digits(void **state)
{
    char      text[NGX_COMET_DIGITS_LEN], wanted[NGX_COMET_DIGITS_LEN + 1];
    size_t    i, k, len;
    uint64_t  n, power;

    (void) state;

    power = 1;

    for (i = 0; i < NGX_COMET_DIGITS_LEN; i++, power *= 10) {
        for (k = 0; k < 300; k++) {
            n = k < 200 ? power + k - 100 : power * (k - 200);

            len = ngx_comet_digits(text, n);
            assert_int_equal(len, snprintf(wanted, sizeof(wanted), "%llu",
                                           (unsigned long long) n));
            assert_memory_equal(text, wanted, len);
        }
    }
}


/* a row says all of a kind, and what its usage shows is written like that */

static void
test_kinds(void **state)
{
    char                     text[32];
    size_t                   i, k;
    ngx_comet_limit_t        limit;
    const ngx_comet_kind_t  *kind;

    (void) state;

    for (i = 0; i < NGX_COMET_LIMIT_KINDS; i++) {
        kind = &ngx_comet_kinds[i];

        assert_memory_equal(kind->name, "comet_", 6);
        assert_true(kind->unit < NGX_COMET_UNITS);
        assert_non_null(kind->form);
        assert_non_null(ngx_comet_kind_unit(i)->much);

        for (k = 0; k < i; k++) {
            assert_string_not_equal(kind->name, ngx_comet_kinds[k].name);
        }

        k = strcspn(kind->usage, " ,");
        assert_true(k < sizeof(text));

        memcpy(text, kind->usage, k);
        text[k] = '\0';

        assert_int_equal(parse(&limit, i, text), 0);
        assert_int_equal(limit.kind, i);

        assert_int_equal(parse(&limit, i, ""), -1);
        assert_int_equal(parse(&limit, i, "1/"), -1);
        assert_int_equal(parse(&limit, i, "1x"), -1);
        assert_int_equal(parse(&limit, i, "0"), -1);
    }
}


static void
test_amounts(void **state)
{
    char    text[NGX_COMET_AMOUNT_LEN];
    size_t  i;

    static const struct {
        ngx_comet_limit_e  kind;
        uint64_t           amount;
        const char        *text;
    } rows[] = {
        { TOKENS, 0, "0" }, { RATE, 7, "7" }, { CALLS, 3, "3" },
        { BUDGET, UINT64_MAX, "18446744073709551615" },
        { SPEND, 0, "0.00" }, { SPEND, 1, "0.000000000001" },
        { SPEND, 1000000, "0.000001" }, { SPEND, 1250000000000, "1.25" },
        { SPEND, 1200000000000, "1.20" }, { SPEND, 1002000000000, "1.002" },
        { SPEND, 100000000000000, "100.00" },
        { SPEND, UINT64_MAX, "18446744.073709551615" },
    };

    (void) state;

    for (i = 0; i < lengthof(rows); i++) {
        assert_int_equal(ngx_comet_amount(text, sizeof(text),
                                          ngx_comet_kinds[rows[i].kind].unit,
                                          rows[i].amount),
                         strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
    }
}


/*
 * The model of a bucket: all that was ever taken, and how much had leaked at
 * each event, in whole 128-bit numbers.
 */

typedef struct {
    unsigned __int128  used;      /* times the period */
    uint64_t           at;
} bucket_t;


static void
bucket_at(bucket_t *bucket, const ngx_comet_limit_t *limit, uint64_t now)
{
    unsigned __int128  leaked;

    if (now <= bucket->at) {
        return;
    }

    leaked = (unsigned __int128) (now - bucket->at) * limit->amount;

    bucket->used = leaked < bucket->used ? bucket->used - leaked : 0;
    bucket->at = now;
}


static int
bucket_fits(const bucket_t *bucket, const ngx_comet_limit_t *limit,
    uint64_t reserved, uint64_t amount)
{
    unsigned __int128  sum;

    sum = (unsigned __int128) amount + reserved;

    return bucket->used + sum * limit->period
           <= (unsigned __int128) limit->capacity * limit->period;
}


/* whether it fits after that many milliseconds, on a copy */

static int
fits_after(const ngx_comet_limit_t *limit, ngx_comet_level_t level,
    ngx_comet_clock_t clock, uint64_t ms, uint64_t amount)
{
    clock.steady += ms;
    clock.wall += (int64_t) (ms / SECOND);

    ngx_comet_limit_roll(limit, &level, &clock);

    return ngx_comet_limit_wait(limit, &level, &clock, amount) == 0;
}


static void
check_bucket(const ngx_comet_limit_t *limit, const ngx_comet_level_t *level,
    const ngx_comet_clock_t *clock, const bucket_t *bucket, uint64_t amount)
{
    uint64_t           wait, left, reset;
    ngx_comet_level_t  later;
    ngx_comet_clock_t  then;

    assert_true(level->used == bucket->used);

    wait = ngx_comet_limit_wait(limit, level, clock, amount);

    assert_int_equal(wait == 0, bucket_fits(bucket, limit, level->reserved,
                                            amount));

    if (amount > limit->capacity) {
        assert_int_equal(wait, NGX_COMET_WAIT_NEVER);

    } else if (amount + level->reserved > limit->capacity) {
        assert_int_equal(wait, NGX_COMET_WAIT_CALLS);

    } else if (wait) {
        assert_true(fits_after(limit, *level, *clock, wait, amount));
        assert_false(fits_after(limit, *level, *clock, wait - 1, amount));
    }

    left = ngx_comet_limit_left(limit, level);

    if (left) {
        assert_true(bucket_fits(bucket, limit, level->reserved, left));
    }

    assert_false(bucket_fits(bucket, limit, level->reserved, left + 1));

    reset = ngx_comet_limit_reset(limit, level, clock);
    assert_int_equal(reset == 0, level->used == 0);

    if (reset) {
        then = *clock;
        later = *level;
        then.steady += reset - 1;
        ngx_comet_limit_roll(limit, &later, &then);
        assert_true(later.used > 0);

        then.steady++;
        ngx_comet_limit_roll(limit, &later, &then);
        assert_int_equal(later.used, 0);
    }
}


/* clocks of workers: one goes on, the others are some milliseconds off */

static void
run_bucket(const ngx_comet_limit_t *limit, size_t steps)
{
    size_t             i;
    bucket_t           bucket;
    uint64_t           now, amount;
    ngx_comet_level_t  level;
    ngx_comet_clock_t  clock;

    memset(&level, 0, sizeof(level));
    memset(&bucket, 0, sizeof(bucket));

    now = 1 + any(1000000);
    clock.wall = 0;

    for (i = 0; i < steps; i++) {

        now += any(4) ? any(5) : any(3 * limit->period);
        clock.steady = now - (any(3) || now < 7 ? 0 : any(7));

        ngx_comet_limit_roll(limit, &level, &clock);
        bucket_at(&bucket, limit, clock.steady);

        amount = any(8) ? any(limit->capacity) + 1 : any(limit->capacity) * 3;
        level.reserved = any(2) ? 0 : any(limit->capacity + 2);

        if (clock.steady >= level.since) {
            check_bucket(limit, &level, &clock, &bucket, amount);
        }

        if (any(3) == 0
            || ngx_comet_limit_wait(limit, &level, &clock, amount) == 0)
        {
            ngx_comet_limit_charge(limit, &level, &clock, amount);
            bucket.used += (unsigned __int128) amount * limit->period;
        }
    }
}


static void
test_bucket(void **state)
{
    size_t             i;
    ngx_comet_limit_t  limit;

    static const char *const  amounts[] = {
        "1/s", "1/m", "3/s", "7/m", "999/s", "1001/s", "60/m", "60001/m",
        "200k/m", "1g/m"
    };

    (void) state;

    seed = 0x1234567;

    for (i = 0; i < lengthof(amounts); i++) {
        assert_int_equal(parse(&limit, TOKENS, amounts[i]), 0);
        run_bucket(&limit, 2000);

        limit.capacity = 1;
        run_bucket(&limit, 2000);

        limit.capacity = 17;
        run_bucket(&limit, 2000);
    }
}


/* in any span of time no more is admitted than burst and rate allow */

static void
test_bucket_rate(void **state)
{
    uint64_t           start, taken;
    ngx_comet_limit_t  limit;
    ngx_comet_level_t  level;
    ngx_comet_clock_t  clock;

    (void) state;

    seed = 0x7654321;

    assert_int_equal(parse(&limit, RATE, "61r/m"), 0);
    assert_int_equal(ngx_comet_limit_parse_burst(&limit, "5"), 0);

    memset(&level, 0, sizeof(level));
    memset(&clock, 0, sizeof(clock));

    taken = 0;
    start = clock.steady;

    while (clock.steady < 10 * 60 * SECOND) {
        ngx_comet_limit_roll(&limit, &level, &clock);

        if (ngx_comet_limit_wait(&limit, &level, &clock, 1) == 0) {
            ngx_comet_limit_charge(&limit, &level, &clock, 1);
            taken++;
        }

        assert_true(taken * MINUTE
                    <= 5 * MINUTE + (clock.steady - start) * 61);

        clock.steady += any(3);
    }

    /* and hardly less, by whoever asks always */

    assert_int_equal(taken, 5 + 609);
}


/* a hostile amount saturates, stays refused, and is forgotten in the end */

static void
test_saturation(void **state)
{
    size_t             i, k, n;
    uint64_t           wait;
    ngx_comet_limit_t  limit;
    ngx_comet_level_t  level;
    ngx_comet_clock_t  clock;

    static const struct {
        ngx_comet_limit_e  kind;
        const char        *text;
    } kinds[] = {
        { TOKENS, "1/s" }, { TOKENS, "1000g/m" }, { TOKENS, "200k/m" },
        { RATE, "1r/m" }, { BUDGET, "10m/30d" }, { BUDGET, "1/day" },
        { SPEND, "100/month" }
    };

    static const uint64_t  amounts[] = {
        UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 2 + 1, UINT64_MAX / 1000,
        UINT64_MAX / 60000 + 1, 1ULL << 63
    };

    (void) state;

    for (i = 0; i < lengthof(kinds); i++) {
        for (k = 0; k < lengthof(amounts); k++) {

            assert_int_equal(parse(&limit, kinds[i].kind, kinds[i].text), 0);

            memset(&level, 0, sizeof(level));
            clock.steady = 1000;
            clock.wall = 1700000000;

            ngx_comet_limit_roll(&limit, &level, &clock);

            assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock,
                                                  amounts[k]),
                             NGX_COMET_WAIT_NEVER);

            for (n = 0; n < 3; n++) {
                ngx_comet_limit_charge(&limit, &level, &clock, amounts[k]);
                assert_true(level.used >= amounts[k]);
            }

            wait = ngx_comet_limit_wait(&limit, &level, &clock, 1);

            assert_true(wait > 0);
            assert_true(wait < NGX_COMET_WAIT_CALLS);
            assert_int_equal(ngx_comet_limit_left(&limit, &level), 0);

            assert_true(ngx_comet_limit_reset(&limit, &level, &clock) >= wait);

            level.reserved = amounts[k];

            assert_true(ngx_comet_limit_wait(&limit, &level, &clock, 1) > 0);
            assert_int_equal(ngx_comet_limit_left(&limit, &level), 0);

            level.reserved = 0;

            /* the end of all time */

            clock.steady = UINT64_MAX;
            clock.wall += 400LL * 86400;

            ngx_comet_limit_roll(&limit, &level, &clock);
            assert_true(level.used <= 1000);
        }
    }
}


static void
test_gauge(void **state)
{
    ngx_comet_limit_t  limit;
    ngx_comet_level_t  level;
    ngx_comet_clock_t  clock;

    (void) state;

    assert_int_equal(parse(&limit, CALLS, "3"), 0);

    memset(&level, 0, sizeof(level));
    memset(&clock, 0, sizeof(clock));

    for (level.reserved = 0; level.reserved < 3; level.reserved++) {
        assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 1), 0);
        assert_int_equal(ngx_comet_limit_left(&limit, &level),
                         3 - level.reserved);
    }

    clock.steady = UINT64_MAX;
    clock.wall = 4000000000;
    ngx_comet_limit_roll(&limit, &level, &clock);

    assert_int_equal(level.reserved, 3);
    assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 1),
                     NGX_COMET_WAIT_CALLS);
    assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 4),
                     NGX_COMET_WAIT_NEVER);
    assert_int_equal(ngx_comet_limit_left(&limit, &level), 0);
    assert_int_equal(ngx_comet_limit_reset(&limit, &level, &clock), 0);
}


static void
test_window(void **state)
{
    ngx_comet_limit_t  limit;
    ngx_comet_level_t  level;
    ngx_comet_clock_t  clock;

    (void) state;

    assert_int_equal(parse(&limit, BUDGET, "100/1h"), 0);

    memset(&level, 0, sizeof(level));
    clock.steady = 5;
    clock.wall = 0;

    /* nothing begins it but what is charged */

    ngx_comet_limit_roll(&limit, &level, &clock);
    ngx_comet_limit_charge(&limit, &level, &clock, 0);

    assert_int_equal(ngx_comet_limit_reset(&limit, &level, &clock), 0);

    clock.steady = 10 * DAY;
    ngx_comet_limit_roll(&limit, &level, &clock);
    ngx_comet_limit_charge(&limit, &level, &clock, 60);

    clock.steady += HOUR - 1;
    ngx_comet_limit_roll(&limit, &level, &clock);

    assert_int_equal(ngx_comet_limit_left(&limit, &level), 40);
    assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 40), 0);
    assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 41), 1);
    assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 101),
                     NGX_COMET_WAIT_NEVER);
    assert_int_equal(ngx_comet_limit_reset(&limit, &level, &clock), 1);

    /* a later charge does not prolong it */

    ngx_comet_limit_charge(&limit, &level, &clock, 40);
    assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 1), 1);

    level.reserved = 10;
    clock.steady++;
    ngx_comet_limit_roll(&limit, &level, &clock);

    assert_int_equal(ngx_comet_limit_left(&limit, &level), 90);
    assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 90), 0);
    assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 91),
                     NGX_COMET_WAIT_CALLS);

    /* the next begins with its own first charge */

    clock.steady += HOUR / 2;
    ngx_comet_limit_roll(&limit, &level, &clock);
    ngx_comet_limit_charge(&limit, &level, &clock, 1);
    assert_int_equal(ngx_comet_limit_reset(&limit, &level, &clock), HOUR);

    /* a worker whose clock is behind neither ends nor prolongs it */

    clock.steady -= 7;
    ngx_comet_limit_roll(&limit, &level, &clock);
    ngx_comet_limit_charge(&limit, &level, &clock, 1);
    assert_int_equal(level.used, 2);

    clock.steady += 7 + HOUR;
    ngx_comet_limit_roll(&limit, &level, &clock);
    assert_int_equal(level.used, 0);
}


/* windows beside a model, with the exact wait */

static void
test_window_random(void **state)
{
    size_t             i;
    uint64_t           amount, wait, used, end;
    ngx_comet_limit_t  limit;
    ngx_comet_level_t  level;
    ngx_comet_clock_t  clock;

    (void) state;

    seed = 0xabcdef;

    assert_int_equal(parse(&limit, BUDGET, "1000/2h"), 0);

    memset(&level, 0, sizeof(level));
    memset(&clock, 0, sizeof(clock));

    used = 0;
    end = 0;

    for (i = 0; i < 20000; i++) {
        clock.steady += any(20) ? any(MINUTE) : any(3 * HOUR);

        if (clock.steady >= end) {
            used = 0;
        }

        ngx_comet_limit_roll(&limit, &level, &clock);
        assert_int_equal(level.used, used);

        amount = 1 + any(300);
        level.reserved = any(3) ? 0 : any(1100);
        wait = ngx_comet_limit_wait(&limit, &level, &clock, amount);

        if (used + amount > 1000) {
            assert_int_equal(wait, end - clock.steady);

            level.reserved = 0;
            assert_true(fits_after(&limit, level, clock, wait, amount));
            assert_false(fits_after(&limit, level, clock, wait - 1, amount));

        } else if (used + level.reserved + amount > 1000) {
            assert_int_equal(wait, NGX_COMET_WAIT_CALLS);

        } else {
            assert_int_equal(wait, 0);
            end = used ? end : clock.steady + 2 * HOUR;
            used += amount;
            ngx_comet_limit_charge(&limit, &level, &clock, amount);
        }
    }
}


/* a bucket and a window do not look at the time of day */

static void
test_wall_ignored(void **state)
{
    size_t             i;
    ngx_comet_limit_t  limit;
    ngx_comet_level_t  level;
    ngx_comet_clock_t  clock;

    static const int64_t  walls[] = {
        INT64_MIN, -1, 0, 1700000000, INT64_MAX
    };

    (void) state;

    for (i = 0; i < lengthof(walls); i++) {
        clock.wall = walls[i];
        clock.steady = 1000;

        memset(&level, 0, sizeof(level));
        assert_int_equal(parse(&limit, TOKENS, "100/s"), 0);
        ngx_comet_limit_roll(&limit, &level, &clock);
        ngx_comet_limit_charge(&limit, &level, &clock, 100);
        assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 1), 10);

        memset(&level, 0, sizeof(level));
        assert_int_equal(parse(&limit, BUDGET, "100/1h"), 0);
        ngx_comet_limit_roll(&limit, &level, &clock);
        ngx_comet_limit_charge(&limit, &level, &clock, 100);
        assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 1),
                         HOUR);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_money),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_bucket_rate),
        cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_gauge),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_window_random),
        cmocka_unit_test(test_wall_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
