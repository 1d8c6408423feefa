/* The waits between attempts: doubled up to the most, and spread below it. */

#include "unit.h"

#include "ngx_comet_backoff.h"


static void
test_bound(void **state)
{
    static const struct {
        uint64_t  base, max;
        unsigned  attempt;
        uint64_t  bound;
    } cases[] = {
        { 500, 8000, 0, 500 },
        { 500, 8000, 1, 500 },
        { 500, 8000, 2, 1000 },
        { 500, 8000, 4, 4000 },
        { 500, 8000, 5, 8000 },
        { 500, 8000, 6, 8000 },
        { 500, 8000, 1000, 8000 },
        { 500, 8000, UINT32_MAX, 8000 },
        { 500, 700, 2, 700 },
        { 900, 700, 1, 700 },
        { 0, 700, 7, 0 },
        { 0, 0, 3, 0 },
        { 1, UINT64_MAX, 32, 0x80000000 },
        { 1, UINT64_MAX, 33, UINT32_MAX },
        { UINT64_MAX, UINT64_MAX, 1, UINT32_MAX },
    };

    size_t               i;
    ngx_comet_backoff_t  backoff;

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        backoff.base = cases[i].base;
        backoff.max = cases[i].max;

        assert_int_equal(ngx_comet_backoff_bound(&backoff, cases[i].attempt),
                         cases[i].bound);
    }
}


static void
test_jitter_takes_all_of_it_and_no_more(void **state)
{
    uint64_t             i, wait, last;
    ngx_comet_backoff_t  backoff = { 500, 8000 };

    (void) state;

    assert_int_equal(ngx_comet_backoff_wait(&backoff, 1, 0), 0);
    assert_int_equal(ngx_comet_backoff_wait(&backoff, 1, 0x80000000), 250);
    assert_int_equal(ngx_comet_backoff_wait(&backoff, 1, UINT32_MAX), 500);
    assert_int_equal(ngx_comet_backoff_wait(&backoff, 9, UINT32_MAX), 8000);

    backoff.max = UINT64_MAX;
    assert_int_equal(ngx_comet_backoff_wait(&backoff, 99, UINT32_MAX),
                     UINT32_MAX);

    backoff.max = 8000;
    last = 0;

    for (i = 0; i < 1000; i++) {
        wait = ngx_comet_backoff_wait(&backoff, 3,
                                      (uint32_t) (i * UINT32_MAX / 999));

        assert_true(wait >= last && wait - last <= 4);
        last = wait;
    }

    assert_int_equal(last, 2000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_jitter_takes_all_of_it_and_no_more),
    };

    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
