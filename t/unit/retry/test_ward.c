/* What workers share of keys, breakers and budgets, also when one dies. */

#include "unit.h"

#include "ngx_comet_ward.h"


#define NOW    1000000
#define OWNER  1
#define OTHER  2


typedef struct {
    ngx_comet_ledger_memory_t  memory;
    ngx_comet_ledger_t         ledger;
    void                      *blocks[16];
    size_t                     n;
    size_t                     room;      /* blocks that may be given */
} ward_t;


static void *
ward_alloc(void *data, size_t size)
{
    ward_t *ward = data;

    if (ward->n == ward->room) {
        return NULL;
    }

    ward->blocks[ward->n] = malloc(size);
    assert_non_null(ward->blocks[ward->n]);
    memset(ward->blocks[ward->n], 0xa5, size);

    return ward->blocks[ward->n++];
}


static void
ward_free(void *data, void *p)
{
    size_t  i;
    ward_t *ward = data;

    for (i = 0; ward->blocks[i] != p; i++) { /* void */ }

    free(p);
    ward->blocks[i] = ward->blocks[--ward->n];
}


static void
make(ward_t *ward)
{
    memset(ward, 0, sizeof(ward_t));

    ward->room = 16;
    ward->memory.alloc = ward_alloc;
    ward->memory.free = ward_free;
    ward->memory.data = ward;
    ward->memory.ledger = &ward->ledger;

    ward->ledger.ward = ngx_comet_ward_create(&ward->memory, 65536);
    assert_non_null(ward->ledger.ward);

    ward->ledger.owners[OWNER - 1] = 100;
    ward->ledger.owners[OTHER - 1] = 200;
}


static void
unmake(ward_t *ward)
{
    while (ward->n) {
        free(ward->blocks[--ward->n]);
    }
}


static int
is_dead(uint32_t owner, uint64_t pid)
{
    (void) owner;

    return pid == 100;
}


/* all of them have the same places in a table */

static const unsigned char *
id_of(unsigned n)
{
    static unsigned char  id[NGX_COMET_ID_LEN];

    memset(id, 0, sizeof(id));
    memcpy(id + 8, &n, sizeof(n));

    return id;
}


static void
test_no_memory(void **state)
{
    size_t  room;
    ward_t  ward;

    (void) state;

    for (room = 0; room < 4; room++) {
        make(&ward);
        unmake(&ward);

        ward.room = room;
        assert_null(ngx_comet_ward_create(&ward.memory, 65536));
        assert_int_equal(ward.n, 0);
    }

    make(&ward);
    ward.room = ward.n;
    assert_null(ngx_comet_ward_take(&ward.memory, ward.ledger.ward, OWNER,
                                    NULL, NULL, 0));
    unmake(&ward);
}


static void
test_sizes(void **state)
{
    (void) state;

    assert_true(ngx_comet_ward_size(65536) < 65536 / 3);
    assert_true(ngx_comet_ward_size(1 << 20) < (1 << 20) / 8);
    assert_true(ngx_comet_ward_size((size_t) 1 << 40) < (1 << 20));
}


static void
test_entries_are_found_again(void **state)
{
    ward_t                     ward;
    ngx_comet_ward_key_t      *key;
    ngx_comet_ward_budget_t   *budget;
    ngx_comet_ward_breaker_t  *breaker;

    (void) state;

    make(&ward);

    key = ngx_comet_ward_key(ward.ledger.ward, id_of(1), NOW);
    assert_non_null(key);
    assert_int_equal(key->state.rests, 0);
    key->state.rests = NOW + 5;

    assert_ptr_not_equal(ngx_comet_ward_key(ward.ledger.ward, id_of(2), NOW),
                         key);
    assert_ptr_equal(ngx_comet_ward_key(ward.ledger.ward, id_of(1), NOW), key);

    /* an id of zeros, at time zero, is one as well */

    key = ngx_comet_ward_key(ward.ledger.ward, id_of(0), 0);
    assert_ptr_equal(ngx_comet_ward_key(ward.ledger.ward, id_of(0), 0), key);

    assert_null(ngx_comet_ward_breaker(ward.ledger.ward, id_of(1), NOW, 0));
    breaker = ngx_comet_ward_breaker(ward.ledger.ward, id_of(1), NOW, 1);
    assert_non_null(breaker);
    assert_ptr_equal(ngx_comet_ward_breaker(ward.ledger.ward, id_of(1), NOW,
                                            0),
                     breaker);

    budget = ngx_comet_ward_budget(ward.ledger.ward, id_of(1), NOW);
    assert_non_null(budget);
    assert_ptr_equal(ngx_comet_ward_budget(ward.ledger.ward, id_of(1), NOW),
                     budget);

    unmake(&ward);
}


static void
test_the_oldest_idle_one_gives_way(void **state)
{
    unsigned               i, n;
    ward_t                 ward;
    ngx_comet_lease_t     *lease;
    ngx_comet_ward_key_t  *first, *second, *key;

    (void) state;

    make(&ward);

    first = ngx_comet_ward_key(ward.ledger.ward, id_of(1), NOW);
    second = ngx_comet_ward_key(ward.ledger.ward, id_of(2), NOW + 1);
    second->state.bound = 1;
    lease = ngx_comet_ward_take(&ward.memory, ward.ledger.ward, OWNER, first,
                                NULL, 0);

    n = 2;

    do {
        n++;
        key = ngx_comet_ward_key(ward.ledger.ward, id_of(n), NOW + n);
        assert_non_null(key);
        assert_ptr_not_equal(key, first);
    } while (key != second);

    assert_int_equal(n, 17);
    assert_int_equal(key->state.bound, 0);

    /* then the third one, and nobody where all are busy */

    for (i = 3; i < 18; i++) {
        key = ngx_comet_ward_key(ward.ledger.ward, id_of(i), NOW + 20);
        key->state.rests = NOW + 100;
    }

    assert_null(ngx_comet_ward_key(ward.ledger.ward, id_of(99), NOW + 20));
    assert_non_null(ngx_comet_ward_key(ward.ledger.ward, id_of(99),
                                       NOW + 100));

    ngx_comet_ward_give_back(ward.ledger.ward, lease);
    assert_ptr_equal(ngx_comet_ward_key(ward.ledger.ward, id_of(100),
                                        NOW + 20),
                     first);

    unmake(&ward);
}


static void
test_breakers_stay_while_they_are_asked(void **state)
{
    unsigned                   i;
    ward_t                     ward;
    ngx_comet_ward_breaker_t  *breaker;

    (void) state;

    make(&ward);

    for (i = 0; i < 16; i++) {
        breaker = ngx_comet_ward_breaker(ward.ledger.ward, id_of(i), NOW, 1);
        breaker->state.state = NGX_COMET_BREAKER_OPEN;
    }

    assert_null(ngx_comet_ward_breaker(ward.ledger.ward, id_of(99),
                                       NOW + 600000, 1));
    assert_non_null(ngx_comet_ward_breaker(ward.ledger.ward, id_of(99),
                                           NOW + 600001, 1));

    unmake(&ward);
}


static void
test_leases_count(void **state)
{
    size_t                     i, n;
    ward_t                     ward;
    ngx_comet_lease_t         *leases[300];
    ngx_comet_ward_key_t      *key;
    ngx_comet_ward_breaker_t  *breaker;

    (void) state;

    make(&ward);

    key = ngx_comet_ward_key(ward.ledger.ward, id_of(1), NOW);
    breaker = ngx_comet_ward_breaker(ward.ledger.ward, id_of(1), NOW, 1);

    for (i = 0; i < 300; i++) {
        leases[i] = ngx_comet_ward_take(&ward.memory, ward.ledger.ward, OWNER,
                                        key, breaker, i == 7 ? 1 : 0);
        assert_non_null(leases[i]);
    }

    assert_int_equal(key->state.calls, 300);
    assert_int_equal(breaker->calls, 1);

    for (i = 0; i < 300; i++) {
        ngx_comet_ward_give_back(ward.ledger.ward, leases[i]);
    }

    assert_int_equal(key->state.calls, 0);
    assert_int_equal(breaker->calls, 0);

    n = ward.n;

    for (i = 0; i < 300; i++) {
        assert_non_null(ngx_comet_ward_take(&ward.memory, ward.ledger.ward,
                                            OWNER, key, NULL, 0));
    }

    assert_int_equal(ward.n, n);

    unmake(&ward);
}


static void
test_a_worker_dies(void **state)
{
    ward_t                     ward;
    ngx_comet_lease_t         *lease;
    ngx_comet_ward_key_t      *key;
    ngx_comet_ward_breaker_t  *breaker, *another;

    (void) state;

    make(&ward);

    key = ngx_comet_ward_key(ward.ledger.ward, id_of(1), NOW);
    breaker = ngx_comet_ward_breaker(ward.ledger.ward, id_of(1), NOW, 1);
    another = ngx_comet_ward_breaker(ward.ledger.ward, id_of(2), NOW, 1);

    breaker->state.probe = 5;
    another->state.probe = 6;

    ngx_comet_ward_take(&ward.memory, ward.ledger.ward, OWNER, key, breaker,
                        5);
    ngx_comet_ward_take(&ward.memory, ward.ledger.ward, OWNER, key, another,
                        4);
    ngx_comet_ward_take(&ward.memory, ward.ledger.ward, 9, key, NULL, 0);
    lease = ngx_comet_ward_take(&ward.memory, ward.ledger.ward, OTHER, key,
                                another, 6);

    /* it died in the middle of things */

    key->state.calls = 77;
    ward.ledger.ward->free = (ngx_comet_lease_t *) (uintptr_t) 8;

    ngx_comet_ward_recover(&ward.ledger, is_dead);

    assert_int_equal(key->state.calls, 1);
    assert_int_equal(breaker->calls, 0);
    assert_int_equal(breaker->state.probe, 0);
    assert_int_equal(another->calls, 1);
    assert_int_equal(another->state.probe, 6);

    ngx_comet_ward_give_back(ward.ledger.ward, lease);
    assert_int_equal(key->state.calls, 0);
    assert_int_equal(another->calls, 0);

    ngx_comet_ward_recover(&ward.ledger, is_dead);
    assert_non_null(ngx_comet_ward_take(&ward.memory, ward.ledger.ward, OTHER,
                                        key, NULL, 0));
    assert_int_equal(key->state.calls, 1);

    unmake(&ward);

    ward.ledger.ward = NULL;
    ngx_comet_ward_recover(&ward.ledger, is_dead);
}


static void
test_sums(void **state)
{
    ward_t                 ward;
    ngx_comet_ward_t      *w;
    ngx_comet_ward_sum_t   sum;

    (void) state;

    make(&ward);
    w = ward.ledger.ward;

    ngx_comet_ward_breaker(w, id_of(1), NOW, 1)->state.state
        = NGX_COMET_BREAKER_OPEN;
    ngx_comet_ward_breaker(w, id_of(2), NOW, 1)->state.state
        = NGX_COMET_BREAKER_HALF_OPEN;
    ngx_comet_ward_breaker(w, id_of(3), NOW, 1);

    ngx_comet_ward_key(w, id_of(1), NOW)->state.rests = NOW + 1;
    ngx_comet_ward_key(w, id_of(2), NOW)->state.rests = NOW;
    ngx_comet_ward_key(w, id_of(3), NOW)->state.out = 1;
    ngx_comet_ward_key(w, id_of(3), NOW)->state.rests = NOW + 1;

    sum = ngx_comet_ward_sum(w, NOW);
    assert_int_equal(sum.open, 1);
    assert_int_equal(sum.half_open, 1);
    assert_int_equal(sum.at_rest, 1);
    assert_int_equal(sum.out, 1);

    unmake(&ward);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_entries_are_found_again),
        cmocka_unit_test(test_the_oldest_idle_one_gives_way),
        cmocka_unit_test(test_breakers_stay_while_they_are_asked),
        cmocka_unit_test(test_leases_count),
        cmocka_unit_test(test_a_worker_dies),
        cmocka_unit_test(test_sums),
    };

    return cmocka_run_group_tests_name("ward", tests, NULL, NULL);
}
