/* Days and months, beside a table that is counted day by day. */

#include "unit.h"

#include "limit_case.h"


/* the first second of every month from 1970 on, counted one by one */

#define YEARS  140

static int64_t  months[YEARS * 12 + 1];


static void
count_months(void)
{
    int      leap;
    size_t   year, month, i;

    static const int  days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                                 31 };

    for (i = 0; i < YEARS * 12; i++) {
        year = 1970 + i / 12;
        month = i % 12;
        leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        months[i + 1] = months[i]
                        + (days[month] + (month == 1 && leap)) * 86400LL;
    }
}


static void
period_of(const ngx_comet_limit_t *limit, int64_t wall, int64_t *start,
    int64_t *end)
{
    size_t  i;

    if (limit->span == NGX_COMET_SPAN_DAY) {
        *start = wall / 86400 * 86400;
        *end = *start + 86400;
        return;
    }

    for (i = 0; months[i + 1] <= wall; i++) { /* void */ }

    *start = months[i];
    *end = months[i + 1];
}


static void
check_calendar(const ngx_comet_limit_t *limit, int64_t wall)
{
    int64_t            start, end;
    ngx_comet_level_t  level;
    ngx_comet_clock_t  clock;

    period_of(limit, wall, &start, &end);

    memset(&level, 0, sizeof(level));
    clock.steady = 0;
    clock.wall = wall;

    ngx_comet_limit_roll(limit, &level, &clock);
    assert_int_equal(level.since, start);

    ngx_comet_limit_charge(limit, &level, &clock, limit->capacity);

    assert_int_equal(ngx_comet_limit_left(limit, &level), 0);
    assert_int_equal(ngx_comet_limit_wait(limit, &level, &clock, 1),
                     (uint64_t) (end - wall) * SECOND);
    assert_int_equal(ngx_comet_limit_reset(limit, &level, &clock),
                     (uint64_t) (end - wall) * SECOND);

    clock.wall = end - 1;
    ngx_comet_limit_roll(limit, &level, &clock);
    assert_int_equal(level.used, limit->capacity);
    assert_int_equal(ngx_comet_limit_wait(limit, &level, &clock, 1), SECOND);

    clock.wall = end;
    ngx_comet_limit_roll(limit, &level, &clock);
    assert_int_equal(level.used, 0);
    assert_int_equal(level.since, end);
    assert_int_equal(ngx_comet_limit_wait(limit, &level, &clock, 1), 0);
}


static void
test_calendar(void **state)
{
    size_t             i;
    int64_t            wall;
    ngx_comet_limit_t  day, month;

    (void) state;

    seed = 0x31415926;

    count_months();

    /* the table itself, at dates that are known */

    assert_int_equal(months[30 * 12 + 2], 951868800);    /* 2000-03-01 */
    assert_int_equal(months[54 * 12 + 2], 1709251200);   /* 2024-03-01 */
    assert_int_equal(months[130 * 12 + 2], 4107542400);  /* 2100-03-01 */

    assert_int_equal(parse(&day, BUDGET, "100/day"), 0);
    assert_int_equal(parse(&month, SPEND, "5.5/month"), 0);

    for (i = 1; i < YEARS * 12; i++) {
        for (wall = months[i] - 2; wall <= months[i] + 2; wall++) {
            check_calendar(&day, wall);
            check_calendar(&month, wall);
        }
    }

    for (i = 0; i < 20000; i++) {
        wall = (int64_t) any((uint64_t) months[YEARS * 12 - 1]) + 1;
        check_calendar(&day, wall);
        check_calendar(&month, wall);
    }
}


/* clocks of workers differ by some, and one clock can be set */

static void
test_calendar_steps(void **state)
{
    ngx_comet_limit_t  limit;
    ngx_comet_level_t  level;
    ngx_comet_clock_t  clock;

    static const int64_t  midnight = 1700006400;

    (void) state;

    assert_int_equal(parse(&limit, BUDGET, "100/day"), 0);

    memset(&level, 0, sizeof(level));
    clock.steady = 0;
    clock.wall = midnight;

    ngx_comet_limit_roll(&limit, &level, &clock);
    ngx_comet_limit_charge(&limit, &level, &clock, 100);

    /* one who is still in yesterday must wait for tomorrow */

    clock.wall = midnight - 3;
    ngx_comet_limit_roll(&limit, &level, &clock);

    assert_int_equal(level.used, 100);
    assert_int_equal(level.since, midnight);
    assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 1),
                     (86400 + 3) * SECOND);

    clock.wall = midnight + 86400 - 1;
    ngx_comet_limit_roll(&limit, &level, &clock);
    assert_int_equal(level.used, 100);

    clock.wall = midnight + 86400;
    ngx_comet_limit_roll(&limit, &level, &clock);
    assert_int_equal(level.used, 0);

    /* set back by days: what was used stays, until that day has ended */

    ngx_comet_limit_charge(&limit, &level, &clock, 70);

    clock.wall = midnight - 5 * 86400 + 100;
    ngx_comet_limit_roll(&limit, &level, &clock);

    assert_int_equal(level.used, 70);
    assert_int_equal(level.since, midnight - 5 * 86400);
    assert_int_equal(ngx_comet_limit_wait(&limit, &level, &clock, 31),
                     (86400 - 100) * SECOND);

    clock.wall = midnight - 4 * 86400;
    ngx_comet_limit_roll(&limit, &level, &clock);
    assert_int_equal(level.used, 0);

    /* set forward: a new day */

    ngx_comet_limit_charge(&limit, &level, &clock, 70);

    clock.wall = midnight + 400LL * 86400;
    ngx_comet_limit_roll(&limit, &level, &clock);
    assert_int_equal(level.used, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_calendar_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
