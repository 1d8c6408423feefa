/* Which key is next, and what answers do to keys. */

#include "unit.h"

#include "ngx_comet_budget.h"
#include "ngx_comet_pool.h"


#define START  1000000
#define KEYS   3


typedef struct {
    ngx_comet_key_state_t   states[KEYS];
    ngx_comet_key_state_t  *keys[KEYS];
    uint64_t                now;
    uint64_t                wait;
    size_t                  next;
} pool_t;


static void
make(pool_t *pool)
{
    size_t  i;

    memset(pool, 0, sizeof(pool_t));

    for (i = 0; i < KEYS; i++) {
        pool->keys[i] = &pool->states[i];
    }

    pool->now = START;
}


static int
choose(pool_t *pool)
{
    int  i;

    i = ngx_comet_pool_choose(pool->keys, KEYS, pool->next, pool->now,
                              &pool->wait);

    if (i >= 0) {
        pool->next = (size_t) i + 1;
    }

    return i;
}


static ngx_comet_key_change_e
tell(pool_t *pool, size_t i, unsigned status, int64_t retry_after)
{
    ngx_comet_outcome_t  outcome;

    memset(&outcome, 0, sizeof(outcome));
    outcome.kind = status < 400 ? NGX_COMET_OUTCOME_OK
                                : NGX_COMET_OUTCOME_STATUS;
    outcome.status = status;
    outcome.retry_after = retry_after;

    return ngx_comet_pool_tell(&pool->states[i], pool->now, &outcome);
}


static void
test_fewest_calls_first_and_ties_in_turn(void **state)
{
    int     i;
    pool_t  pool;

    (void) state;

    make(&pool);

    for (i = 0; i < 2 * KEYS; i++) {
        assert_int_equal(choose(&pool), i % KEYS);
    }

    pool.states[0].calls = 2;
    pool.states[1].calls = 1;
    pool.states[2].calls = 2;
    assert_int_equal(choose(&pool), 1);
    assert_int_equal(choose(&pool), 1);

    pool.states[1].calls = 2;
    assert_int_equal(choose(&pool), 2);
    assert_int_equal(choose(&pool), 0);

    /* of one nothing is known */

    pool.keys[1] = NULL;
    assert_int_equal(choose(&pool), 1);
    assert_int_equal(choose(&pool), 1);
}


static void
test_a_key_rests(void **state)
{
    pool_t  pool;

    (void) state;

    make(&pool);

    assert_int_equal(tell(&pool, 0, 429, 7000), NGX_COMET_KEY_RESTS);
    assert_int_equal(tell(&pool, 0, 429, -1), NGX_COMET_KEY_SAME);

    assert_int_equal(choose(&pool), 1);
    assert_int_equal(choose(&pool), 2);
    assert_int_equal(choose(&pool), 1);

    pool.now += 6999;
    assert_int_equal(choose(&pool), 2);
    pool.now++;
    assert_int_equal(choose(&pool), 0);
}


static void
test_how_long_a_key_rests(void **state)
{
    size_t  i;
    pool_t  pool;

    static const struct {
        int64_t   told;
        uint64_t  rest;
    } cases[] = {
        { -1, NGX_COMET_KEY_FLOOR },
        { 0, NGX_COMET_KEY_FLOOR },
        { 20, NGX_COMET_KEY_FLOOR },
        { 1001, 1001 },
        { NGX_COMET_KEY_CAP, NGX_COMET_KEY_CAP },
        { NGX_COMET_KEY_CAP + 1, NGX_COMET_KEY_CAP },
        { INT64_MAX, NGX_COMET_KEY_CAP },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        make(&pool);
        tell(&pool, 0, 429, cases[i].told);
        assert_int_equal(pool.states[0].rests, START + cases[i].rest);
    }
}


static void
test_all_rest_and_the_soonest_decides(void **state)
{
    pool_t  pool;

    (void) state;

    make(&pool);

    tell(&pool, 0, 429, 9000);
    tell(&pool, 1, 429, 4000);
    assert_true(ngx_comet_pool_has_another(pool.keys, KEYS, 0, pool.now));
    assert_false(ngx_comet_pool_has_another(pool.keys, KEYS, 2, pool.now));

    tell(&pool, 2, 401, -1);
    assert_false(ngx_comet_pool_has_another(pool.keys, KEYS, 0, pool.now));

    assert_int_equal(choose(&pool), -1);
    assert_int_equal(pool.wait, 4000);

    pool.now += 4000;
    assert_int_equal(choose(&pool), 1);
}


static void
test_a_key_comes_back_gradually(void **state)
{
    uint32_t  bound;
    pool_t    pool;

    (void) state;

    make(&pool);
    tell(&pool, 0, 429, -1);

    /* a call of before ends well meanwhile */

    assert_int_equal(tell(&pool, 0, 200, -1), NGX_COMET_KEY_SAME);
    assert_int_equal(pool.states[0].bound, 1);

    pool.now += NGX_COMET_KEY_FLOOR;
    pool.states[1].calls = 5;
    pool.states[2].calls = 6;

    assert_int_equal(choose(&pool), 0);
    pool.states[0].calls = 1;
    assert_int_equal(choose(&pool), 1);

    assert_int_equal(tell(&pool, 0, 200, -1), NGX_COMET_KEY_BACK);
    assert_int_equal(choose(&pool), 0);
    pool.states[0].calls = 2;
    assert_int_equal(choose(&pool), 1);

    for (bound = 2; bound < NGX_COMET_KEY_BOUND; bound *= 2) {
        assert_int_equal(pool.states[0].bound, bound);
        assert_int_equal(tell(&pool, 0, 200, -1), NGX_COMET_KEY_SAME);
    }

    tell(&pool, 0, 200, -1);
    assert_int_equal(pool.states[0].bound, 0);
    assert_int_equal(tell(&pool, 0, 200, -1), NGX_COMET_KEY_SAME);
    assert_int_equal(pool.states[0].bound, 0);
}


static void
test_a_bound_refuses_nobody(void **state)
{
    size_t  i;
    pool_t  pool;

    (void) state;

    make(&pool);

    for (i = 0; i < KEYS; i++) {
        tell(&pool, i, 429, -1);
        pool.states[i].calls = (uint32_t) (3 - i);
    }

    pool.now += NGX_COMET_KEY_FLOOR;
    assert_int_equal(choose(&pool), 2);
}


static void
test_a_key_that_is_refused_is_out(void **state)
{
    pool_t  pool;

    (void) state;

    make(&pool);

    assert_int_equal(tell(&pool, 0, 401, -1), NGX_COMET_KEY_TAKEN_OUT);
    assert_int_equal(tell(&pool, 0, 401, -1), NGX_COMET_KEY_SAME);

    pool.now += NGX_COMET_KEY_OUT - 1;
    assert_int_equal(choose(&pool), 1);
    pool.now++;
    pool.states[1].calls = 1;
    pool.states[2].calls = 1;

    /* after a while with one call */

    assert_int_equal(choose(&pool), 0);
    pool.states[0].calls = 1;
    assert_int_equal(choose(&pool), 1);

    pool.states[1].rests = pool.states[2].rests = pool.now + 100000;
    assert_int_equal(choose(&pool), -1);
    assert_int_equal(pool.wait, NGX_COMET_KEY_FLOOR);

    assert_int_equal(tell(&pool, 0, 401, -1), NGX_COMET_KEY_SAME);
    pool.states[0].calls = 0;
    assert_int_equal(choose(&pool), -1);
    assert_int_equal(pool.wait, NGX_COMET_KEY_OUT);

    pool.now += NGX_COMET_KEY_OUT;
    assert_int_equal(choose(&pool), 0);
    assert_int_equal(tell(&pool, 0, 200, -1), NGX_COMET_KEY_BACK);
    assert_int_equal(pool.states[0].out, 0);
    assert_int_equal(pool.states[0].bound, 2);

    /* a key that has to wait is one that is known */

    tell(&pool, 0, 401, -1);
    pool.now += NGX_COMET_KEY_OUT;
    assert_int_equal(tell(&pool, 0, 429, -1), NGX_COMET_KEY_RESTS);
    assert_int_equal(pool.states[0].out, 0);
}


static void
test_what_does_nothing_to_a_key(void **state)
{
    size_t                 i;
    pool_t                 pool;
    ngx_comet_outcome_t    outcome;
    ngx_comet_key_state_t  none;

    static const unsigned  statuses[] = {
        400, 402, 403, 404, 408, 409, 422, 500, 502, 503, 529
    };

    (void) state;

    make(&pool);
    memset(&none, 0, sizeof(none));

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        assert_int_equal(tell(&pool, 0, statuses[i], 9000),
                         NGX_COMET_KEY_SAME);
    }

    memset(&outcome, 0, sizeof(outcome));

    for (i = 0; i < NGX_COMET_OUTCOME_KINDS; i++) {
        outcome.kind = (ngx_comet_outcome_e) i;
        assert_int_equal(ngx_comet_pool_tell(&pool.states[0], pool.now,
                                             &outcome),
                         NGX_COMET_KEY_SAME);
    }

    assert_memory_equal(&pool.states[0], &none, sizeof(none));
}


static void
test_budget(void **state)
{
    int                 i;
    uint64_t            now;
    ngx_comet_budget_t  budget;

    (void) state;

    memset(&budget, 0, sizeof(budget));
    now = START;

    /* a few in any case */

    for (i = 0; i < NGX_COMET_BUDGET_MIN; i++) {
        assert_true(ngx_comet_budget_take(&budget, now, 20));
    }

    assert_false(ngx_comet_budget_take(&budget, now, 20));
    assert_false(ngx_comet_budget_take(&budget, now, 0));

    /* and the share of many */

    for (i = 0; i < 500; i++) {
        ngx_comet_budget_call(&budget, now);
    }

    for (i = NGX_COMET_BUDGET_MIN; i < 100; i++) {
        assert_true(ngx_comet_budget_take(&budget, now, 20));
    }

    assert_false(ngx_comet_budget_take(&budget, now, 20));
    assert_true(ngx_comet_budget_take(&budget, now, 21));
    assert_false(ngx_comet_budget_take(&budget, now, 0));

    now += NGX_COMET_BUDGET_WINDOW;
    assert_true(ngx_comet_budget_take(&budget, now, 1));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_fewest_calls_first_and_ties_in_turn),
        cmocka_unit_test(test_a_key_rests),
        cmocka_unit_test(test_how_long_a_key_rests),
        cmocka_unit_test(test_all_rest_and_the_soonest_decides),
        cmocka_unit_test(test_a_key_comes_back_gradually),
        cmocka_unit_test(test_a_bound_refuses_nobody),
        cmocka_unit_test(test_a_key_that_is_refused_is_out),
        cmocka_unit_test(test_what_does_nothing_to_a_key),
        cmocka_unit_test(test_budget),
    };

    return cmocka_run_group_tests_name("pool and budget", tests, NULL, NULL);
}
