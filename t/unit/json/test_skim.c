/*
 * What is skimmed passes if and only if the scanner takes it, as far as it is
 * not nested too deeply.  The bytes end where memory does, for the sanitizer.
 */

#include "unit.h"

#include "ngx_comet_scan.h"
#include "ngx_comet_skim.h"
#include "scan_cases.h"


#define DEPTH  63


static uint32_t
random_below(uint32_t n)
{
    static uint64_t  state = 88172645463325252;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return (uint32_t) (state >> 16) % n;
}


static int
ignore(void *data, const ngx_comet_token_t *token)
{
    (void) data;
    (void) token;

    return NGX_COMET_SCAN_ON;
}


static int
scans(const unsigned char *p, size_t len)
{
    ngx_comet_scan_t  scan;

    ngx_comet_scan_init(&scan, DEPTH, ignore, NULL);
    (void) ngx_comet_scan_feed(&scan, p, len);

    return ngx_comet_scan_finish(&scan) == NGX_COMET_SCAN_OK;
}


static int
skims(const unsigned char *p, size_t len)
{
    return ngx_comet_skim_value(p, p + len) == p + len;
}


/* {"": and the text and }, so that it ends as it must */

static int
check(const char *text, size_t len)
{
    int             good;
    unsigned char  *p;

    p = malloc(len + 5);
    assert_non_null(p);

    memcpy(p, "{\"\":", 4);
    memcpy(p + 4, text, len);
    p[len + 4] = '}';

    good = scans(p, len + 5);

    if (skims(p, len + 5) != good) {
        fail_msg("%s: %.*s", good ? "is not skimmed" : "is skimmed",
                 (int) len, text);
    }

    free(p);

    return good;
}


static void
test_documents(void **state)
{
    size_t  i, n, good;

    (void) state;

    n = sizeof(test_cases) / sizeof(test_cases[0]);
    good = 0;

    for (i = 0; i < n; i++) {
        good += (size_t) check(test_cases[i].text, test_cases[i].len);
    }

    assert_true(good > 20);
    assert_true(n - good > 20);
}


/* a byte here and there that is another one, a byte that is missing */

static void
test_mutants(void **state)
{
    size_t             i, n, len, at, tries, good;
    char               text[512];
    static const char  bytes[] = "\"\\{}[]:,0-.eE+ \nutf\x80\xc3\xa9\x01";

    (void) state;

    n = sizeof(test_cases) / sizeof(test_cases[0]);
    good = 0;

    for (tries = 0; tries < 40000; tries++) {
        i = random_below((uint32_t) n);
        len = test_cases[i].len;

        if (len == 0 || len > sizeof(text)) {
            continue;
        }

        memcpy(text, test_cases[i].text, len);
        at = random_below((uint32_t) len);

        if (random_below(4)) {
            text[at] = bytes[random_below(sizeof(bytes))];

        } else {
            memmove(text + at, text + at + 1, len - at - 1);
            len--;
        }

        good += (size_t) check(text, len);
    }

    assert_true(good > 2000);
}


/* special bytes at each place of a string that is up to a few steps long */

static void
test_strings(void **state)
{
    size_t                    i, len, at, n;
    char                      text[80];
    static const char *const  parts[] = {
        "\\n", "\\u20ac", "\\ud83d\\ude00", "\xc3\xa9", "\xe2\x82\xac",
        "\xf0\x9f\x98\x80", "}", "]", "\\\"", "\x7f",
        "\\", "\"", "\x80", "\xc3", "\x1f", "\\ud83d", "\\x"
    };

    (void) state;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        n = strlen(parts[i]);

        for (len = n; len < 66; len++) {
            for (at = 0; at + n <= len; at++) {
                memset(text, 'x', sizeof(text));
                text[0] = '"';
                memcpy(text + 1 + at, parts[i], n);
                text[1 + len] = '"';
                assert_int_equal(check(text, len + 2), i < 10);
            }
        }
    }
}


/* without an end the bytes end as if they had one */

static void
test_ends(void **state)
{
    size_t             len;
    unsigned char     *p;
    static const char  text[] = "{\"a}\":[{\"b\":{}},{},\"}\",{\"c\":[{}]}],"
                                "\"d\":\"long, long, long, long, long }\","
                                "\"e\":{\"f\":{\"g\":0.5e-1}}}";

    (void) state;

    for (len = 1; len < sizeof(text); len++) {

        if (text[len - 1] != '}') {
            continue;
        }

        p = malloc(len);
        assert_non_null(p);
        memcpy(p, text, len);
        assert_int_equal(skims(p, len), len == sizeof(text) - 1);
        free(p);
    }
}


static void
test_depth(void **state)
{
    char    text[2 * DEPTH + 2];
    size_t  depth;

    (void) state;

    for (depth = 1; depth <= DEPTH; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(check(text, 2 * depth), depth < DEPTH);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_mutants),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
