/* The circuit breaker, and the window that it counts in. */

#include "unit.h"

#include "ngx_comet_breaker.h"


#define START  1000000


static const ngx_comet_breaker_conf_t  in_a_row = { 3, 0, 0, 0, 5000 };
static const ngx_comet_breaker_conf_t  by_share = { 0, 50, 10, 10000, 5000 };


typedef struct {
    const ngx_comet_breaker_conf_t  *conf;
    ngx_comet_breaker_t              breaker;
    uint64_t                         now;
    uint32_t                         probe;
} run_t;


static run_t
run_of(const ngx_comet_breaker_conf_t *conf)
{
    run_t  run;

    memset(&run, 0, sizeof(run));
    run.conf = conf;
    run.now = START;

    return run;
}


static uint64_t
ask(run_t *run)
{
    return ngx_comet_breaker_ask(run->conf, &run->breaker, run->now,
                                 &run->probe);
}


static int
tell(run_t *run, int says)
{
    return ngx_comet_breaker_tell(run->conf, &run->breaker, run->now,
                                  run->probe, says);
}


/* one call, that is let through */

static int
call(run_t *run, int says)
{
    assert_int_equal(ask(run), 0);

    return tell(run, says);
}


static run_t
opened(const ngx_comet_breaker_conf_t *conf)
{
    run_t     run;
    uint32_t  i;

    run = run_of(conf);

    for (i = 1; i < 10 && call(&run, -1) == 0; i++) { /* void */ }

    assert_int_equal(run.breaker.state, NGX_COMET_BREAKER_OPEN);

    return run;
}


static void
test_failures_in_a_row(void **state)
{
    run_t  run;

    (void) state;

    run = run_of(&in_a_row);

    assert_int_equal(call(&run, -1), 0);
    assert_int_equal(call(&run, -1), 0);
    assert_int_equal(call(&run, 1), 0);
    assert_int_equal(call(&run, -1), 0);
    assert_int_equal(call(&run, 0), 0);
    assert_int_equal(call(&run, -1), 0);
    assert_int_equal(run.probe, 0);
    assert_int_equal(call(&run, -1), 1);

    assert_int_equal(ask(&run), 5000);
    run.now += 4999;
    assert_int_equal(ask(&run), 1);
}


static void
test_share_of_failures(void **state)
{
    int    i;
    run_t  run;

    (void) state;

    run = run_of(&by_share);

    /* all of nine are not enough calls */

    for (i = 0; i < 9; i++) {
        assert_int_equal(call(&run, -1), 0);
    }

    assert_int_equal(call(&run, 0), 0);
    assert_int_equal(call(&run, -1), 1);

    /* ten good ones leave room for nine others */

    run = run_of(&by_share);

    for (i = 0; i < 10; i++) {
        assert_int_equal(call(&run, 1), 0);
    }

    for (i = 0; i < 9; i++) {
        assert_int_equal(call(&run, -1), 0);
    }

    assert_int_equal(call(&run, -1), 1);
}


static void
test_the_window_slides(void **state)
{
    int    i;
    run_t  run;

    (void) state;

    run = run_of(&by_share);

    for (i = 0; i < 9; i++) {
        assert_int_equal(call(&run, -1), 0);
        run.now += 1000;
    }

    /* the first ones are forgotten one by one */

    for (i = 0; i < 100; i++) {
        run.now += 1200;
        assert_int_equal(call(&run, -1), 0);
    }

    run.now += 100000;
    assert_int_equal(call(&run, -1), 0);
    assert_int_equal(ngx_comet_window_sum(&run.breaker.window, 10000,
                                          run.now).all,
                     1);
}


static void
test_single_probes_and_two_good_ones(void **state)
{
    run_t     run;
    uint32_t  first;

    (void) state;

    run = opened(&in_a_row);
    run.now += 5000;

    assert_int_equal(ask(&run), 0);
    first = run.probe;
    assert_int_not_equal(first, 0);
    assert_int_equal(run.breaker.state, NGX_COMET_BREAKER_HALF_OPEN);

    /* nobody else meanwhile, and what began before it opened has no say */

    assert_int_equal(ask(&run), 5000);
    assert_int_equal(run.probe, 0);
    assert_int_equal(tell(&run, 1), 0);
    assert_int_equal(tell(&run, -1), 0);
    assert_int_equal(ask(&run), 5000);

    run.probe = first;
    assert_int_equal(tell(&run, 1), 0);

    assert_int_equal(ask(&run), 0);
    assert_int_not_equal(run.probe, first);
    assert_int_equal(tell(&run, 1), -1);

    assert_int_equal(run.breaker.state, NGX_COMET_BREAKER_CLOSED);
    assert_int_equal(call(&run, -1), 0);
    assert_int_equal(run.probe, 0);
}


static void
test_a_bad_probe_opens_again(void **state)
{
    run_t  run;

    (void) state;

    run = opened(&in_a_row);

    run.now += 5000;
    assert_int_equal(call(&run, 1), 0);
    assert_int_equal(call(&run, -1), 1);
    assert_int_equal(ask(&run), 5000);

    /* the good one of before counts no more */

    run.now += 5000;
    assert_int_equal(call(&run, 1), 0);
    assert_int_equal(run.breaker.state, NGX_COMET_BREAKER_HALF_OPEN);
    assert_int_equal(call(&run, 1), -1);
}


static void
test_a_probe_that_says_nothing(void **state)
{
    run_t  run;

    (void) state;

    run = opened(&in_a_row);
    run.now += 5000;

    assert_int_equal(call(&run, 0), 0);
    assert_int_equal(run.breaker.state, NGX_COMET_BREAKER_HALF_OPEN);
    assert_int_equal(call(&run, 1), 0);
    assert_int_equal(call(&run, 0), 0);
    assert_int_equal(call(&run, 1), -1);
}


static void
test_a_probe_whose_caller_dies(void **state)
{
    run_t     run;
    uint32_t  first, second;

    (void) state;

    run = opened(&in_a_row);
    run.now += 5000;

    assert_int_equal(ask(&run), 0);
    first = run.probe;

    run.now += NGX_COMET_BREAKER_PATIENCE - 1;
    assert_int_equal(ask(&run), 1);
    run.now++;
    assert_int_equal(ask(&run), 0);
    second = run.probe;

    /* it lives, and was only slow: so there is one good one */

    run.probe = first;
    assert_int_equal(tell(&run, 1), 0);
    assert_int_equal(ask(&run), 5000);

    run.probe = second;
    assert_int_equal(tell(&run, 1), -1);
}


static void
test_a_probe_of_long_ago(void **state)
{
    run_t     run;
    uint32_t  first;

    (void) state;

    run = opened(&in_a_row);
    run.now += 5000;

    assert_int_equal(ask(&run), 0);
    first = run.probe;

    run.now += NGX_COMET_BREAKER_PATIENCE;
    assert_int_equal(call(&run, -1), 1);

    run.now += 5000;
    assert_int_equal(call(&run, 1), 0);

    run.probe = first;
    assert_int_equal(tell(&run, 1), 0);
    assert_int_equal(tell(&run, -1), 0);
    assert_int_equal(run.breaker.state, NGX_COMET_BREAKER_HALF_OPEN);

    assert_int_equal(call(&run, 1), -1);

    run.probe = first;
    assert_int_equal(tell(&run, 1), 0);
}


static void
test_numbers_of_probes_go_round(void **state)
{
    run_t  run;

    (void) state;

    run = opened(&in_a_row);
    run.breaker.probes = UINT32_MAX;
    run.breaker.before = UINT32_MAX;
    run.now += 5000;

    assert_int_equal(call(&run, 1), 0);
    assert_int_not_equal(run.probe, 0);
    assert_int_equal(call(&run, 1), -1);
}


static void
test_a_clock_that_is_a_little_behind(void **state)
{
    run_t  run;

    (void) state;

    run = opened(&in_a_row);
    run.now -= 20;
    assert_int_equal(ask(&run), 5020);
}


static void
test_window(void **state)
{
    int                     i;
    ngx_comet_window_t      window;
    ngx_comet_window_sum_t  sum;

    (void) state;

    memset(&window, 0, sizeof(window));

    for (i = 0; i < 20; i++) {
        ngx_comet_window_add(&window, 1000, 5000 + i * 100, 2, 1);
    }

    sum = ngx_comet_window_sum(&window, 1000, 6900);
    assert_int_equal(sum.all, 20);
    assert_int_equal(sum.some, 10);

    /* another worker is a slot behind */

    ngx_comet_window_add(&window, 1000, 6899, 1, 1);
    sum = ngx_comet_window_sum(&window, 1000, 6900);
    assert_int_equal(sum.all, 21);

    sum = ngx_comet_window_sum(&window, 1000, 7000);
    assert_int_equal(sum.all, 19);

    sum = ngx_comet_window_sum(&window, 1000, 7850);
    assert_int_equal(sum.all, 3);

    sum = ngx_comet_window_sum(&window, 1000, 7900);
    assert_int_equal(sum.all, 0);

    /* after a reload it is another span: all begins anew, and goes on */

    ngx_comet_window_add(&window, 1000, 7900, 5, 5);
    ngx_comet_window_add(&window, 100000, 7950, 1, 1);
    sum = ngx_comet_window_sum(&window, 100000, 97000);
    assert_int_equal(sum.all, 1);

    ngx_comet_window_add(&window, 3, 107000, 1, 0);
    sum = ngx_comet_window_sum(&window, 3, 107009);
    assert_int_equal(sum.all, 1);
    sum = ngx_comet_window_sum(&window, 3, 107010);
    assert_int_equal(sum.all, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_failures_in_a_row),
        cmocka_unit_test(test_share_of_failures),
        cmocka_unit_test(test_the_window_slides),
        cmocka_unit_test(test_single_probes_and_two_good_ones),
        cmocka_unit_test(test_a_bad_probe_opens_again),
        cmocka_unit_test(test_a_probe_that_says_nothing),
        cmocka_unit_test(test_a_probe_whose_caller_dies),
        cmocka_unit_test(test_a_probe_of_long_ago),
        cmocka_unit_test(test_numbers_of_probes_go_round),
        cmocka_unit_test(test_a_clock_that_is_a_little_behind),
        cmocka_unit_test(test_window),
    };

    return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
