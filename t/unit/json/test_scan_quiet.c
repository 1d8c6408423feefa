#include "scan_same.h"


static void
test_in_bytes(const char *text, size_t len, uint64_t seed)
{
    size_t      i, cuts[1024];
    unsigned    policy;
    scan_log_t  whole;

    for (i = 0; i < len; i++) {
        cuts[i] = i;
    }

    for (policy = 0; policy < SCAN_LOG_POLICIES; policy++) {

        memset(&whole, 0, sizeof(scan_log_t));
        whole.policy = (scan_log_policy_e) policy;
        whole.seed = seed;

        scan_log_feed(&whole, (const unsigned char *) text, len, NULL, 0,
                      TEST_DEPTH, TEST_RAW, test_place);
        test_same(text, len, &whole, cuts, len);

        scan_log_free(&whole);
    }
}


/* what is skipped goes by rules of its own, but the same ones */

static void
test_quiet(void **state)
{
    char                text[1024];
    size_t              i, j, len;
    const test_case_t  *c;

    static const char  *wraps[][2] = {
        { "{\"s\":[", "]}" },
        { "{\"s\":[1,{\"a\":", ",\"b\" : [ ] }]}" },
        { "[{\"r\":[[1,", "]]}]" },
        { "{\"s\":{\"a\":0,", ":1}}" }
    };

    static const char  *parts[] = {
        "{", "}", "[", "]", ",", ":", "\"a\"", "\"s\":", "\"b\":", "0", "-1",
        "1.5", "1e5", "-", "01", "1.", "1e", "true", "false", "null", "nul",
        "\"\"", "\"\\n\"", "\"long enough for more than a step or two\"",
        "\"\xc3\xa9\"", "\"\x01\"", "\"\\ud800\"", " ", "\n", "0,", "1,", "[],",
        "{},", "\"a\":0,", "\"b\":[", "\"c\":{", "x"
    };

    (void) state;

    for (i = 0; i < sizeof(test_cases) / sizeof(test_cases[0]); i++) {
        c = &test_cases[i];

        for (j = 0; j < 4 && c->len < 512; j++) {
            len = (size_t) sprintf(text, "%s", wraps[j][0]);
            memcpy(text + len, c->text, c->len);
            len += c->len;
            len += (size_t) sprintf(text + len, "%s%40s", wraps[j][1], " ");

            test_in_bytes(text, len, i);
        }
    }

    for (i = 0; i < 4000; i++) {
        len = (size_t) sprintf(text, "%s", wraps[i % 4][0]);

        for (j = 2 + test_random(16); j; j--) {
            len += (size_t) sprintf(text + len, "%s", parts[test_random(
                                        sizeof(parts) / sizeof(parts[0]))]);
        }

        len += (size_t) sprintf(text + len, "%s%40s", wraps[i % 4][1], " ");

        test_in_bytes(text, len, i);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_quiet)
    };

    return cmocka_run_group_tests_name("scan_quiet", tests, test_setup, NULL);
}
