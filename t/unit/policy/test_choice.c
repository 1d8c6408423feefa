#include "unit.h"
#include "ngx_comet_choice.h"


#define SEEDS  100000


static uint64_t
seed_of(size_t i)
{
    return ngx_comet_choice_hash(0, &i, sizeof(i));
}


/* the seeds are fixed, so is what comes of them */

static void
test_weights(void **state)
{
    size_t              i, k, counts[4];
    double              expected, chi;
    ngx_comet_choice_t  choices[4];

    static const uint64_t  weights[][4] = {
        { 1, 1, 1, 1 }, { 90, 10, 1, 1 }, { 1, 1000, 500, 20 },
        { 1000000, 1000000, 999999, 1 },
    };

    (void) state;

    for (k = 0; k < 4; k++) {
        double  sum = 0;

        memset(counts, 0, sizeof(counts));

        for (i = 0; i < 4; i++) {
            choices[i].id = ngx_comet_choice_hash(0, &i, sizeof(i));
            choices[i].weight = weights[k][i];
            sum += (double) weights[k][i];
        }

        for (i = 0; i < SEEDS; i++) {
            counts[ngx_comet_choose(choices, 4, seed_of(i))]++;
        }

        chi = 0;

        for (i = 0; i < 4; i++) {
            expected = SEEDS * (double) weights[k][i] / sum;
            chi += ((double) counts[i] - expected)
                   * ((double) counts[i] - expected) / expected;
        }

        assert_true(chi < 20);
    }
}


/* who goes elsewhere comes from what weighs less, or to what weighs more */

static void
test_changes(void **state)
{
    size_t              i, one, two, moved;
    ngx_comet_choice_t  before[3], after[4];

    (void) state;

    for (i = 0; i < 3; i++) {
        before[i].id = ngx_comet_choice_hash(7, &i, sizeof(i));
        before[i].weight = 30;
        after[i] = before[i];
    }

    after[1].weight = 60;
    moved = 0;

    for (i = 0; i < SEEDS; i++) {
        one = ngx_comet_choose(before, 3, seed_of(i));
        two = ngx_comet_choose(after, 3, seed_of(i));

        assert_true(one == two || two == 1);
        moved += one != two;
    }

    /* from a third to a half */

    assert_in_range(moved, SEEDS * 16 / 100, SEEDS * 17 / 100);

    after[1].weight = 30;
    after[3].id = 12345;
    after[3].weight = 10;

    for (i = 0; i < SEEDS; i++) {
        one = ngx_comet_choose(before, 3, seed_of(i));
        two = ngx_comet_choose(after, 4, seed_of(i));

        assert_true(one == two || two == 3);
    }
}


/* in whatever order they stand */

static void
test_order(void **state)
{
    size_t              i;
    ngx_comet_choice_t  one[2] = { { 1, 5 }, { 2, 9 } };
    ngx_comet_choice_t  two[2] = { { 2, 9 }, { 1, 5 } };

    (void) state;

    for (i = 0; i < 1000; i++) {
        assert_int_equal(ngx_comet_choose(one, 2, seed_of(i)),
                         1 - ngx_comet_choose(two, 2, seed_of(i)));
    }

    assert_int_equal(ngx_comet_choose(one, 1, 0), 0);
}


static void
test_hash(void **state)
{
    (void) state;

    assert_true(ngx_comet_choice_hash(0, "ab", 2)
                != ngx_comet_choice_hash(0, "ba", 2));
    assert_true(ngx_comet_choice_hash(0, "a\0", 2)
                != ngx_comet_choice_hash(0, "a", 1));
    assert_true(ngx_comet_choice_hash(1, "", 0)
                != ngx_comet_choice_hash(0, "", 0));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
