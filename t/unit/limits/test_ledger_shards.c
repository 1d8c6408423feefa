/* What each process has for itself, and each tenant. */

#include "unit.h"

#include "ledger_case.h"


static int
is_dead(uint32_t owner, uint64_t pid)
{
    (void) owner;

    return pid == 200;
}


/* a process gives back what it does not need, and two never have the same */

static void
test_kept(void **state)
{
    size_t             i, k;
    ngx_comet_kept_t   other;
    ngx_comet_call_t  *calls[8 * NGX_COMET_CALLS];

    static const uint64_t  taken[LIMITS];

    (void) state;

    limits[GAUGES].capacity = 1000;
    memset(&other, 0, sizeof(other));
    memory.ledger->owners[1] = 200;

    for (i = 0; i < lengthof(calls); i++) {
        memory.kept = i % 2 ? &other : &kept;
        calls[i] = NULL;

        assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1 + i % 2,
                                                &calls[i], &entries[GAUGES],
                                                1, 0),
                         NGX_COMET_ADMITTED);
        assert_int_equal(calls[i]->owner, 1 + i % 2);
        assert_true(memory.kept->n < NGX_COMET_CALLS);

        for (k = 0; k < i; k++) {
            assert_ptr_not_equal(calls[i], calls[k]);
        }
    }

    assert_int_equal(check_ledger(&memory), lengthof(calls));

    for (i = 0; i < lengthof(calls); i++) {
        memory.kept = i % 2 ? &other : &kept;
        arena_settle(&memory, &now, calls[i], entries, taken, LIMITS);
        assert_true(memory.kept->n < 2 * NGX_COMET_CALLS);
    }

    assert_int_equal(check_ledger(&memory), 0);
    memory.kept = &kept;
    assert_int_equal(check_ledger(&memory), 0);

    /* what a process kept is free when it has gone */

    assert_int_equal(ngx_comet_ledger_recover(&memory, is_dead), 0);
    assert_int_equal(check_ledger(&memory), 0);
    assert_int_equal(memory.ledger->lost, 0);
}


/* limits of two tenants, in shards of their own, are all or none as well */

static void
test_two_shards(void **state)
{
    ngx_comet_call_t  *call;

    static const uint64_t  taken[LIMITS] = { 0, 0, 0, 40, 2 };

    (void) state;

    refs[BUDGETS].id[0] = 63;
    refs[SPENT].id[0] = 64 + 2;
    load(&memory, refs, LIMITS);

    call = NULL;
    ask(BUDGETS, 100);
    ask(SPENT, limits[SPENT].capacity + 1);

    assert_int_equal(admit(&call, LIMITS), NGX_COMET_LIMITED);
    assert_null(call);
    assert_int_equal(level(BUDGETS)->reserved, 0);
    assert_int_equal(check_ledger(&memory), 0);

    ask(SPENT, 5);
    assert_int_equal(admit(&call, LIMITS), NGX_COMET_ADMITTED);
    assert_int_equal(call->shards, 1ULL << 63 | 1ULL << 2
                                   | 1ULL << refs[TOKEN].id[0] % 64);
    assert_int_equal(check_ledger(&memory), 1);

    arena_settle(&memory, &now, call, entries, taken, LIMITS);
    assert_int_equal(check_ledger(&memory), 0);
    assert_int_equal(level(BUDGETS)->used, 40);
    assert_int_equal(level(SPENT)->used, 2);

    /* no lock is left */

    assert_int_equal(ngx_comet_ledger_timedlock(memory.ledger, 0), 0);
    ngx_comet_ledger_unlock(memory.ledger);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(test_kept, setup),
        cmocka_unit_test_setup(test_two_shards, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
