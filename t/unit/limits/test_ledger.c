#include "unit.h"

#include "ledger_case.h"


/* one that does not fit keeps all the others from being taken */

static void
test_all_or_none(void **state)
{
    size_t               i, k;
    ngx_comet_call_t    *call;
    ngx_comet_counter_t  before[LIMITS];

    (void) state;

    for (i = 0; i < LIMITS; i++) {
        setup(NULL);

        for (k = 0; k < LIMITS; k++) {
            ask(k, k == i ? limits[k].capacity + 1 : 1);
            before[k] = *refs[k].counter;
        }

        call = NULL;

        assert_int_equal(admit(&call, LIMITS), NGX_COMET_LIMITED);
        assert_null(call);

        for (k = 0; k < LIMITS; k++) {
            assert_int_equal(entries[k].wait, k == i ? NGX_COMET_WAIT_NEVER
                                                     : 0);
            assert_int_equal(left(k), limits[k].capacity);
            assert_int_equal(level(k)->used, before[k].level.used);
            assert_int_equal(level(k)->reserved, 0);
        }

        assert_int_equal(check_ledger(&memory), 0);
    }
}


static void
test_held_and_charged(void **state)
{
    ngx_comet_call_t  *call;

    static const uint64_t  taken[LIMITS] = { 0, 700, 0, 700, 2 };

    (void) state;

    ask(TOKEN, 1000);
    ask(BUDGETS, 1000);
    ask(SPENT, 5);

    call = NULL;

    assert_int_equal(admit(&call, LIMITS), NGX_COMET_ADMITTED);
    assert_non_null(call);
    assert_int_equal(call->owner, 1);
    assert_int_equal(call->nholds, 4);
    assert_int_equal(check_ledger(&memory), 1);

    assert_int_equal(level(RATES)->used, MINUTE);
    assert_int_equal(level(RATES)->reserved, 0);
    assert_int_equal(level(TOKEN)->used, 0);
    assert_int_equal(level(TOKEN)->reserved, 1000);
    assert_int_equal(level(GAUGES)->reserved, 1);
    assert_int_equal(level(BUDGETS)->reserved, 1000);

    assert_int_equal(left(RATES), 3);
    assert_int_equal(left(TOKEN), 5000);
    assert_int_equal(left(GAUGES), 2);
    assert_int_equal(left(BUDGETS), 9000);

    now.steady += 10;
    arena_settle(&memory, &now, call, entries, taken, LIMITS);

    assert_int_equal(check_ledger(&memory), 0);

    assert_int_equal(level(TOKEN)->used, 700 * MINUTE);
    assert_int_equal(level(BUDGETS)->used, 700);
    assert_int_equal(level(BUDGETS)->since, now.steady);
    assert_int_equal(level(SPENT)->used, 2);
    assert_int_equal(level(GAUGES)->used, 0);
}


/* an attempt is over, the call goes on with what is not of its model */

static void
test_release(void **state)
{
    size_t             i;
    ngx_comet_call_t  *call;
    ngx_comet_entry_t  given[2];

    (void) state;

    ask(TOKEN, 1000);
    ask(BUDGETS, 1000);

    call = NULL;

    assert_int_equal(admit(&call, LIMITS), NGX_COMET_ADMITTED);
    assert_int_equal(call->nholds, 4);

    given[0] = entries[TOKEN];
    given[0].amount = 0;
    given[1] = entries[BUDGETS];
    given[1].amount = 7;

    for (i = 0; i < 2; i++) {

        /* what is not held any more is not given back again */

        ngx_comet_ledger_release(&memory, &now, call, given, 2);

        assert_int_equal(call->nholds, 2);
        assert_int_equal(level(TOKEN)->reserved, 0);
        assert_int_equal(level(TOKEN)->used, 0);
        assert_int_equal(level(BUDGETS)->reserved, 0);
        assert_int_equal(level(BUDGETS)->used, 7);
        assert_int_equal(level(GAUGES)->reserved, 1);
        assert_int_equal(level(SPENT)->reserved, 1);
        assert_int_equal(level(RATES)->used, MINUTE);
        assert_int_equal(check_ledger(&memory), 1);

        given[1].amount = 0;
    }

    /* and for another model */

    ask(TOKEN, 500);
    entries[0] = entries[TOKEN];

    assert_int_equal(admit(&call, 1), NGX_COMET_ADMITTED);
    assert_int_equal(call->nholds, 3);
    assert_int_equal(level(TOKEN)->reserved, 500);

    ngx_comet_ledger_settle(&memory, &now, call, entries, 0);

    assert_int_equal(level(TOKEN)->reserved, 0);
    assert_int_equal(level(GAUGES)->reserved, 0);
    assert_int_equal(check_ledger(&memory), 0);
}


/* more or less than was reserved, nothing, or all there is */

static void
test_settle_amounts(void **state)
{
    size_t             i;
    uint64_t           taken[LIMITS];
    ngx_comet_call_t  *call;

    static const uint64_t  amounts[] = {
        0, 1, 99, 100, 101, 10000, 1ULL << 63, UINT64_MAX - 1, UINT64_MAX
    };

    (void) state;

    for (i = 0; i < lengthof(amounts); i++) {
        setup(NULL);

        ask(BUDGETS, 100);
        call = NULL;

        assert_int_equal(admit(&call, LIMITS), NGX_COMET_ADMITTED);

        memset(taken, 0, sizeof(taken));
        taken[BUDGETS] = amounts[i];
        taken[TOKEN] = amounts[i];

        arena_settle(&memory, &now, call, entries, taken, LIMITS);

        assert_int_equal(level(BUDGETS)->used, amounts[i]);
        assert_int_equal(ngx_comet_limit_left(&limits[BUDGETS],
                                              level(BUDGETS)),
                         amounts[i] < 10000 ? 10000 - amounts[i] : 0);
        assert_int_equal(check_ledger(&memory), 0);

        /* and once more on top */

        ask(BUDGETS, 1);
        ask(TOKEN, 1);
        call = NULL;

        assert_int_equal(admit(&call, LIMITS),
                         amounts[i] < 6000 ? NGX_COMET_ADMITTED
                                           : NGX_COMET_LIMITED);

        arena_settle(&memory, &now, call, entries, taken, LIMITS);
        assert_true(level(BUDGETS)->used >= amounts[i]);
        assert_int_equal(check_ledger(&memory), 0);
    }
}


/* a probe looks and takes nothing */

static void
test_probe(void **state)
{
    ngx_comet_call_t  *call;

    (void) state;

    call = NULL;
    ask(BUDGETS, 1);
    entries[BUDGETS].probe = 1;

    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &call,
                                            &entries[BUDGETS], 1, 0),
                     NGX_COMET_ADMITTED);
    assert_null(call);
    assert_int_equal(left(BUDGETS), 10000);
    assert_int_equal(level(BUDGETS)->reserved, 0);

    level(BUDGETS)->used = 10000;
    level(BUDGETS)->since = now.steady;

    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &call,
                                            &entries[BUDGETS], 1, 0),
                     NGX_COMET_LIMITED);
    assert_int_equal(entries[BUDGETS].wait, 30 * DAY);

    /* forced, it still takes nothing */

    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &call,
                                            &entries[BUDGETS], 1, 1),
                     NGX_COMET_LIMITED);
    assert_null(call);
    assert_int_equal(level(BUDGETS)->reserved, 0);
}


/* the second step of a request holds more with the same call */

static void
test_two_steps(void **state)
{
    ngx_comet_call_t  *call, *same;

    static const uint64_t  taken[LIMITS];

    (void) state;

    call = NULL;

    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &call,
                                            &entries[GAUGES], 1, 0),
                     NGX_COMET_ADMITTED);
    same = call;

    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &call,
                                            &entries[BUDGETS], 2, 0),
                     NGX_COMET_ADMITTED);
    assert_ptr_equal(call, same);
    assert_int_equal(call->nholds, 3);

    /* refused in the second, it keeps what it held in the first */

    ask(BUDGETS, 10001);
    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &call,
                                            &entries[BUDGETS], 1, 0),
                     NGX_COMET_LIMITED);
    assert_int_equal(call->nholds, 3);
    assert_int_equal(check_ledger(&memory), 1);

    arena_settle(&memory, &now, call, entries, taken, LIMITS);
    assert_int_equal(check_ledger(&memory), 0);
}


/* what no call can hold is refused before any of it is held */

static void
test_too_many_holds(void **state)
{
    size_t              i;
    ngx_comet_call_t   *call;
    ngx_comet_entry_t   many[NGX_COMET_ENTRIES_MAX];

    static const uint64_t  taken[1];

    (void) state;

    ask(BUDGETS, 10);
    call = NULL;

    for (i = 0; i < NGX_COMET_ENTRIES_MAX; i++) {
        many[i] = entries[BUDGETS];
    }

    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &call, many,
                                            NGX_COMET_ENTRIES_MAX - 1, 0),
                     NGX_COMET_ADMITTED);
    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &call, many, 2,
                                            1),
                     NGX_COMET_LEDGER_FULL);
    assert_int_equal(level(BUDGETS)->reserved, 150);

    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &call, many, 1,
                                            0),
                     NGX_COMET_ADMITTED);
    assert_int_equal(call->nholds, NGX_COMET_ENTRIES_MAX);
    assert_int_equal(check_ledger(&memory), 1);

    arena_settle(&memory, &now, call, many, taken, 1);
    assert_int_equal(check_ledger(&memory), 0);
}


/* amounts that no sum holds do not make less of what others reserved */

static void
test_forced(void **state)
{
    size_t             i;
    ngx_comet_call_t  *calls[4], *call;

    static const uint64_t  amounts[4] = {
        7, UINT64_MAX, UINT64_MAX - 3, 10000
    };

    static const uint64_t  taken[LIMITS];

    (void) state;

    for (i = 0; i < 4; i++) {
        calls[i] = NULL;
        ask(BUDGETS, amounts[i]);

        assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &calls[i],
                                                entries, LIMITS, 1),
                         i ? NGX_COMET_LIMITED : NGX_COMET_ADMITTED);
        assert_non_null(calls[i]);
        assert_int_equal(left(BUDGETS), i ? 0 : 9993);
        assert_true(level(BUDGETS)->reserved >= amounts[i]);

        call = NULL;
        ask(BUDGETS, 10000);
        assert_int_equal(admit(&call, LIMITS), NGX_COMET_LIMITED);
    }

    assert_int_equal(level(GAUGES)->reserved, 4);
    assert_int_equal(check_ledger(&memory), 4);

    for (i = 0; i < 4; i++) {
        arena_settle(&memory, &now, calls[i], entries, taken,
                                LIMITS);
    }

    assert_int_equal(check_ledger(&memory), 0);
    assert_int_equal(level(BUDGETS)->reserved, 0);
}


/* what a reload keeps, and what it forgets */

static void
test_reload(void **state)
{
    ngx_comet_call_t  *call;
    ngx_comet_ref_t    again[LIMITS];

    static const uint64_t  taken[LIMITS] = { 0, 0, 0, 300, 0 };

    (void) state;

    call = NULL;
    ask(BUDGETS, 500);
    assert_int_equal(admit(&call, LIMITS), NGX_COMET_ADMITTED);

    memcpy(again, refs, sizeof(refs));
    load(&memory, again, LIMITS);

    assert_int_equal(memory.ledger->ncounters, LIMITS);
    assert_ptr_equal(again[BUDGETS].counter, refs[BUDGETS].counter);

    /* none of them is named, but a call holds four and one was used */

    load(&memory, NULL, 0);
    assert_int_equal(memory.ledger->ncounters, LIMITS);
    assert_int_equal(check_ledger(&memory), 1);

    arena_settle(&memory, &now, call, entries, taken, LIMITS);
    load(&memory, NULL, 0);

    assert_int_equal(memory.ledger->ncounters, 2);
    assert_ptr_equal(counter_named(&memory, &refs[BUDGETS]),
                     refs[BUDGETS].counter);

    /* a tenant that comes back is counted on */

    load(&memory, refs, LIMITS);
    assert_int_equal(memory.ledger->ncounters, LIMITS);
    assert_int_equal(level(BUDGETS)->used, 300);
}


/* the memory of a counter goes to another, and an older worker finds its own */

static void
test_reused(void **state)
{
    ngx_comet_ref_t       others[LIMITS], old[LIMITS];
    ngx_comet_call_t     *call;
    ngx_comet_counter_t  *counter;

    static const uint64_t  taken[LIMITS] = { 0, 0, 0, 40, 0 };

    (void) state;

    memcpy(old, refs, sizeof(refs));

    /* another configuration, in the memory of the first */

    ref_named(&others[0], 77);
    ref_named(&others[1], 78);

    load(&memory, others, 1);
    assert_int_equal(memory.ledger->ncounters, 1);
    load(&memory, others, 2);

    others[0].counter->level.used = 5;
    others[1].counter->level.used = 6;

    call = NULL;
    ask(BUDGETS, 100);

    assert_int_equal(admit(&call, LIMITS), NGX_COMET_ADMITTED);
    assert_int_equal(check_ledger(&memory), 1);
    assert_int_equal(memory.ledger->ncounters, 2 + LIMITS);

    counter = counter_named(&memory, &old[BUDGETS]);

    assert_non_null(counter);
    assert_ptr_equal(refs[BUDGETS].counter, counter);
    assert_int_equal(counter->level.reserved, 100);

    /* a second worker of it, with references of its own, finds the same */

    entries[BUDGETS].ref = &old[BUDGETS];
    arena_settle(&memory, &now, call, entries, taken, LIMITS);

    assert_ptr_equal(old[BUDGETS].counter, counter);
    assert_int_equal(counter->level.used, 40);
    assert_int_equal(memory.ledger->ncounters, 2 + LIMITS);

    assert_int_equal(others[0].counter->level.used, 5);
    assert_int_equal(others[1].counter->level.used, 6);
    assert_int_equal(check_ledger(&memory), 0);
}


/* after a thousand reloads a tenant that has gone is forgotten */

static void
test_forgotten(void **state)
{
    size_t  i;

    (void) state;

    level(BUDGETS)->used = 1;

    for (i = 0; i < 1000; i++) {
        load(&memory, NULL, 0);
        assert_int_equal(memory.ledger->ncounters, 1);
    }

    load(&memory, NULL, 0);
    assert_int_equal(memory.ledger->ncounters, 0);
}


/* a configuration for which there is no room leaves all as it was */

static void
test_undone(void **state)
{
    size_t           i, nfree;
    ngx_comet_ref_t  more[4];

    (void) state;

    level(BUDGETS)->used = 7;
    nfree = arena.nfree;

    ngx_comet_ledger_begin(&memory);

    /* the one that is there, and as many new ones as there is room for */

    assert_int_equal(ngx_comet_ledger_ref(&memory, &refs[BUDGETS],
                                          refs[BUDGETS].counter), 0);
    arena.left = 3;

    for (i = 0; i < lengthof(more); i++) {
        ref_named(&more[i], (uint32_t) (1000 + i));

        if (ngx_comet_ledger_ref(&memory, &more[i], NULL) != 0) {
            break;
        }
    }

    arena.left = 0;
    assert_int_equal(i, 2);
    assert_int_equal(memory.ledger->ncounters, LIMITS + 2);

    ngx_comet_ledger_undo(&memory);

    assert_int_equal(memory.ledger->ncounters, LIMITS);
    assert_int_equal(arena.nfree, nfree + 2);
    assert_int_equal(level(BUDGETS)->used, 7);

    for (i = 0; i < 2; i++) {
        assert_null(counter_named(&memory, &more[i]));
    }

    check_ledger(&memory);
}


static void
test_full(void **state)
{
    size_t              i, n;
    ngx_comet_ref_t     more[8];
    ngx_comet_call_t   *calls[200], *call;
    ngx_comet_admit_e   rc;

    static const uint64_t  taken[LIMITS];

    (void) state;

    limits[GAUGES].capacity = 1000;
    limits[GAUGES].amount = 1000;

    /* as many calls as there are in two pages */

    arena.left = 3;
    call = NULL;
    rc = NGX_COMET_ADMITTED;

    for (n = 0; n < lengthof(calls); n++) {
        call = NULL;
        rc = ngx_comet_ledger_admit(&memory, &now, 1, &call,
                                    &entries[GAUGES], 1, 0);
        calls[n] = call;

        if (rc != NGX_COMET_ADMITTED) {
            break;
        }
    }

    assert_int_equal(rc, NGX_COMET_LEDGER_FULL);
    assert_null(call);
    assert_int_equal(n, 2 * NGX_COMET_CALLS);
    assert_int_equal(level(GAUGES)->reserved, n);
    assert_int_equal(check_ledger(&memory), n);

    /* nothing is taken of what needs no room, either */

    call = NULL;
    assert_int_equal(admit(&call, LIMITS), NGX_COMET_LEDGER_FULL);
    assert_int_equal(level(RATES)->used, 0);

    /* dry runs neither */

    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &call, entries,
                                            LIMITS, 1),
                     NGX_COMET_LEDGER_FULL);
    assert_int_equal(level(RATES)->used, 0);

    /* where one ends, another begins */

    arena_settle(&memory, &now, calls[3], entries, taken, LIMITS);
    calls[3] = NULL;
    assert_int_equal(admit(&calls[3], LIMITS), NGX_COMET_ADMITTED);

    for (i = 0; i < n; i++) {
        arena_settle(&memory, &now, calls[i], entries, taken,
                                LIMITS);
    }

    assert_int_equal(check_ledger(&memory), 0);

    /* a counter that finds no room is told, and what was made stays whole */

    for (i = 0; i < lengthof(more); i++) {
        ref_named(&more[i], (uint32_t) (1000 + i));
    }

    arena.left = 3;
    ngx_comet_ledger_begin(&memory);

    assert_int_equal(ngx_comet_ledger_ref(&memory, &more[0], NULL), 0);
    assert_int_equal(ngx_comet_ledger_ref(&memory, &more[1], NULL), 0);
    assert_int_equal(ngx_comet_ledger_ref(&memory, &more[2], NULL), -1);

    assert_int_equal(check_ledger(&memory), 0);
    assert_int_equal(memory.ledger->ncounters, LIMITS + 2);

    /* and so is one that an older worker looks for in vain */

    refs[BUDGETS].id[0] ^= 1;
    assert_int_equal(admit(&calls[0], LIMITS), NGX_COMET_LEDGER_FULL);
    assert_int_equal(level(RATES)->used, MINUTE);
    assert_int_equal(check_ledger(&memory), 0);

    /* the next configuration takes what this one left away */

    refs[BUDGETS].id[0] ^= 1;
    arena.left = 0;
    load(&memory, refs, LIMITS);
    assert_int_equal(memory.ledger->ncounters, LIMITS);
}


static size_t  asked;


static int
dies_meanwhile(uint32_t owner, uint64_t pid)
{
    (void) pid;

    return owner == 2 && ++asked > 1;
}


static int
is_dead(uint32_t owner, uint64_t pid)
{
    (void) owner;

    return pid == 200;
}


static void
test_recover(void **state)
{
    size_t             i;
    ngx_comet_call_t  *calls[9];

    static const uint64_t  taken[LIMITS];

    (void) state;

    limits[GAUGES].capacity = 100;

    memory.ledger->owners[1] = 200;
    memory.ledger->owners[NGX_COMET_OWNERS_MAX - 1] = 300;

    for (i = 0; i < 9; i++) {
        calls[i] = NULL;
        assert_int_equal(ngx_comet_ledger_admit(&memory, &now,
                                                i % 3 == 0 ? 1
                                                : i % 3 == 1
                                                ? 2 : NGX_COMET_OWNERS_MAX,
                                                &calls[i], &entries[GAUGES],
                                                3, 0),
                         NGX_COMET_ADMITTED);
    }

    /* one who dies while calls are counted has ended, or has not yet */

    asked = 0;
    assert_int_equal(ngx_comet_ledger_recover(&memory, dies_meanwhile), 0);
    assert_int_equal(memory.ledger->owners[1], 200);
    assert_int_equal(check_ledger(&memory), 9);

    assert_int_equal(ngx_comet_ledger_recover(&memory, is_dead), 3);
    assert_int_equal(memory.ledger->owners[0], 100);
    assert_int_equal(memory.ledger->owners[1], 0);
    assert_int_equal(memory.ledger->owners[NGX_COMET_OWNERS_MAX - 1], 300);
    assert_int_equal(memory.ledger->lost, 3);
    assert_int_equal(check_ledger(&memory), 6);

    assert_int_equal(ngx_comet_ledger_recover(&memory, is_dead), 0);
    assert_int_equal(check_ledger(&memory), 6);

    for (i = 0; i < 9; i++) {
        if (i % 3 != 1) {
            arena_settle(&memory, &now, calls[i], entries, taken,
                                    LIMITS);
        }
    }

    assert_int_equal(check_ledger(&memory), 0);
    assert_int_equal(level(BUDGETS)->reserved, 0);

    /* a call of a slot that no one has is no one's */

    memset(&kept, 0, sizeof(kept));
    calls[0] = NULL;
    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 7, &calls[0],
                                            &entries[GAUGES], 1, 0),
                     NGX_COMET_ADMITTED);
    assert_int_equal(ngx_comet_ledger_recover(&memory, is_dead), 1);
    assert_int_equal(ngx_comet_ledger_active(memory.ledger), 0);

    /* who was taken for dead does not go on with calls that others have now */

    calls[0] = kept.calls;
    assert_int_equal(calls[0]->owner, 0);

    calls[0] = NULL;
    assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &calls[0],
                                            &entries[GAUGES], 1, 0),
                     NGX_COMET_ADMITTED);
    assert_int_equal(calls[0]->owner, 1);
    assert_int_equal(check_ledger(&memory), 1);

    arena_settle(&memory, &now, calls[0], entries, taken, LIMITS);
    assert_int_equal(check_ledger(&memory), 0);
}


/* any sequence of all there is, beside sums kept apart */

#define MODEL_CALLS  40

typedef struct {
    ngx_comet_call_t   *call;
    ngx_comet_entry_t   entries[LIMITS];
    uint64_t            amount;
} model_call_t;


static void
test_random(void **state)
{
    size_t         i, k, n;
    uint64_t       used, reserved, taken[LIMITS];
    model_call_t  *call;

    static model_call_t  calls[MODEL_CALLS];

    (void) state;

    seed = 0x5eed;
    memset(calls, 0, sizeof(calls));

    limits[RATES].capacity = 100000;
    limits[GAUGES].capacity = 20;
    used = 0;

    for (i = 0; i < 30000; i++) {
        call = &calls[any(MODEL_CALLS)];
        now.steady += any(50);

        if (any(500) == 0) {
            load(&memory, refs, LIMITS);
        }

        reserved = 0;
        n = 0;

        for (k = 0; k < MODEL_CALLS; k++) {
            reserved += calls[k].call ? calls[k].amount : 0;
            n += calls[k].call != NULL;
        }

        assert_int_equal(level(BUDGETS)->reserved, reserved);
        assert_int_equal(level(BUDGETS)->used, used);
        assert_int_equal(level(GAUGES)->reserved, n);
        assert_true(used + reserved <= 10000);

        if (call->call) {

            /* not more than was reserved */

            memset(taken, 0, sizeof(taken));
            taken[BUDGETS] = any(20) ? 0 : any(call->amount + 1);
            used += taken[BUDGETS];

            arena_settle(&memory, &now, call->call, call->entries,
                                    taken, LIMITS);
            call->call = NULL;
            continue;
        }

        call->amount = any(1000);
        ask(BUDGETS, call->amount);
        memcpy(call->entries, entries, sizeof(entries));

        assert_int_equal(ngx_comet_ledger_admit(&memory, &now, 1, &call->call,
                                                call->entries, LIMITS, 0)
                         == NGX_COMET_ADMITTED,
                         n < 20 && used + reserved + call->amount <= 10000);

        assert_int_equal(call->call != NULL,
                         n < 20 && used + reserved + call->amount <= 10000);
    }

    check_ledger(&memory);
    assert_true(used > 9000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(test_all_or_none, setup),
        cmocka_unit_test_setup(test_held_and_charged, setup),
        cmocka_unit_test_setup(test_release, setup),
        cmocka_unit_test_setup(test_settle_amounts, setup),
        cmocka_unit_test_setup(test_probe, setup),
        cmocka_unit_test_setup(test_two_steps, setup),
        cmocka_unit_test_setup(test_too_many_holds, setup),
        cmocka_unit_test_setup(test_forced, setup),
        cmocka_unit_test_setup(test_reload, setup),
        cmocka_unit_test_setup(test_reused, setup),
        cmocka_unit_test_setup(test_forgotten, setup),
        cmocka_unit_test_setup(test_undone, setup),
        cmocka_unit_test_setup(test_full, setup),
        cmocka_unit_test_setup(test_recover, setup),
        cmocka_unit_test_setup(test_random, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
