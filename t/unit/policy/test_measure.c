/* How many tokens a body may be: text, base64, and any cut of either. */

#include "unit.h"
#include "ngx_comet_measure.h"


#define SIZE  40000

static unsigned char  body[SIZE];
static uint32_t       seed;


static uint64_t
tokens(size_t len, size_t step)
{
    size_t               at, n;
    ngx_comet_measure_t  measure;

    memset(&measure, 0, sizeof(measure));
    measure.seed = seed;

    for (at = 0; at < len; at += n) {
        n = len - at < step ? len - at : step;
        ngx_comet_measure_feed(&measure, body + at, n);
    }

    return ngx_comet_measure_tokens(&measure);
}


static void
fill(const char *text, size_t from, size_t to)
{
    size_t  i;

    for (i = from; i < to; i++) {
        body[i] = (unsigned char) text[i % strlen(text)];
    }
}


static void
test_text(void **state)
{
    (void) state;

    fill("Words, of which each is one. ", 0, SIZE);

    assert_int_equal(tokens(0, 1), 1);
    assert_int_equal(tokens(3, 1), 1);
    assert_int_equal(tokens(4, 1), 2);
    assert_int_equal(tokens(SIZE, SIZE), SIZE / 4 + 1);

    fill("\xd0\xb1\xd0\xb5\xd0\xb7\xd0\xbf\xd1\x80\xd0\xbe", 0, SIZE);

    assert_int_equal(tokens(SIZE, SIZE), SIZE / 4 + 1);
}


static void
test_base64(void **state)
{
    (void) state;

    fill("iVBORw0KGgoAAAANSUhEUg+/", 0, SIZE);

    /* of the last block, 3136 bytes, the sample may be seen or not */

    for (seed = 0; seed < 1000; seed++) {
        assert_in_range(tokens(SIZE, SIZE), SIZE / 512 + 1,
                        36864 / 512 + 3136 / 4 + 1);
        assert_int_equal(tokens(36864, 36864), 36864 / 512 + 1);
        assert_int_equal(tokens(63, 63), 63 / 4 + 1);
    }

    fill("some words to look at, ", 0, 4096);
    fill("and behind it, ", 12288, SIZE);

    for (seed = 0; seed < 1000; seed++) {
        assert_int_equal(tokens(SIZE, SIZE),
                         (SIZE - 8192) / 4 + 8192 / 512 + 1);
    }
}


/* each byte at each place: a sample of 64 takes it or not, cut or whole */

static void
test_every_byte(void **state)
{
    size_t    i, first, found;
    unsigned  c;

    (void) state;

    for (seed = 1; seed <= 3; seed++) {

        fill("iVBORw0KGgoAAAANSUhEUg+/", 0, 4096);

        for (first = 0; tokens(4096, 4096) != 4096 / 4 + 1; first++) {
            body[first - (first > 0)] = 'A';
            body[first] = ' ';
        }

        body[--first] = 'A';

        for (c = 0; c < 256; c++) {
            found = 0;

            for (i = first - 1; i <= first + 64; i++) {
                body[i] = (unsigned char) c;
                found += tokens(4096, 4096) == 4096 / 4 + 1;
                found += tokens(4096, 61) == 4096 / 4 + 1;
                body[i] = 'A';
            }

            assert_int_equal(found, c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                "abcdefghijklmnopqrstuvwxyz"
                                                "0123456789+/", (int) c)
                                    ? 0 : 2 * 64);
        }
    }
}


/* letters at the places of one seed are found by others */

static void
test_disguised(void **state)
{
    size_t  i, found;

    (void) state;

    fill("some words to look at, ", 0, SIZE);

    for (i = 0; i < SIZE; i += 4096) {
        fill("iVBORw0KGgoAAAANSUhEUg+/", i, i + 64);
    }

    found = 0;

    for (seed = 1; seed <= 1000; seed++) {
        found += tokens(SIZE, SIZE) == SIZE / 4 + 1;
    }

    assert_in_range(found, 950, 1000);
}


static void
test_every_cut(void **state)
{
    size_t    step;
    uint64_t  whole;

    (void) state;

    fill("some words to look at, ", 0, SIZE);
    fill("iVBORw0KGgoAAAANSUhEUg+/", 4096, 12288);
    fill("iVBORw0KGgoAAAANSUhEUg+/", 20480 + 1, 30000);

    for (seed = 0; seed < 4000000000; seed += 999999937) {

        whole = tokens(SIZE, SIZE);

        for (step = 1; step < 5000; step += 1 + step / 16) {
            assert_int_equal(tokens(SIZE, step), whole);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_disguised),
        cmocka_unit_test(test_every_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
