#include "scan_same.h"


/* all ways to cut; of a long document some of them */

static void
test_ways(const char *text, size_t len, const scan_log_t *whole)
{
    size_t   i, cuts[2];
    size_t  *all;

    test_same(text, len, whole, NULL, 0);

    all = malloc((len + 1) * sizeof(size_t));
    assert_non_null(all);

    for (i = 0; i < len; i++) {
        all[i] = i;
    }

    test_same(text, len, whole, all, len);
    free(all);

    for (i = 0; i <= len; i += len < 1000 ? 1 : 1 + test_random(200)) {
        cuts[0] = i;
        test_same(text, len, whole, cuts, 1);
    }

    for (i = 0; i < 50; i++) {
        cuts[0] = test_random((uint32_t) len + 1);
        cuts[1] = cuts[0] + test_random((uint32_t) (len - cuts[0]) + 1);
        test_same(text, len, whole, cuts, 2);
    }
}


/* all policies, all levels */

static void
test_document_by(unsigned lenient, const char *text, size_t len,
    ngx_comet_scan_e error, uint64_t offset)
{
    int                    level, policy;
    scan_log_t             whole;
    ngx_comet_text_run_pt  run;

    for (policy = 0; policy < SCAN_LOG_POLICIES; policy++) {
        memset(&whole, 0, sizeof(scan_log_t));
        whole.policy = (scan_log_policy_e) policy;
        whole.lenient = lenient;
        whole.seed = len;

        ngx_comet_text_run = ngx_comet_text_scalar;
        scan_log_feed(&whole, (const unsigned char *) text, len, NULL, 0,
                      TEST_DEPTH, TEST_RAW, test_place);

        if (whole.rc != NGX_COMET_SCAN_STOPPED
            && (whole.error != error || whole.offset != offset))
        {
            fail_msg("\n%.*s\nerror %d at %llu, expected %d at %llu",
                     (int) len, text, (int) whole.error,
                     (unsigned long long) whole.offset, (int) error,
                     (unsigned long long) offset);
        }

        for (level = 0; level < NGX_COMET_TEXT_LEVELS; level++) {
            run = ngx_comet_text_level((ngx_comet_text_level_e) level);

            if (run) {
                ngx_comet_text_run = run;
                test_ways(text, len, &whole);
            }
        }

        scan_log_free(&whole);
    }
}


/* what lenient readers take besides is nothing that the strict ones take */

static void
test_document(const char *text, size_t len, ngx_comet_scan_e error,
    uint64_t offset)
{
    int         policy;
    scan_log_t  strict, lenient;

    test_document_by(0, text, len, error, offset);

    for (policy = 0; policy < SCAN_LOG_POLICIES; policy++) {
        memset(&strict, 0, sizeof(scan_log_t));
        strict.policy = (scan_log_policy_e) policy;
        strict.seed = len;
        lenient = strict;
        lenient.lenient = 1;

        scan_log_feed(&strict, (const unsigned char *) text, len, NULL, 0,
                      TEST_DEPTH, TEST_RAW, test_place);
        scan_log_feed(&lenient, (const unsigned char *) text, len, NULL, 0,
                      TEST_DEPTH, TEST_RAW, test_place);

        if (!scan_log_includes(&lenient, &strict)) {
            test_fail(text, len, &lenient, &strict, NULL, 0);
        }

        test_ways(text, len, &lenient);
        scan_log_free(&strict);
        scan_log_free(&lenient);
    }
}


static void
test_lenient(void **state)
{
    char                text[512];
    size_t              i, pad;
    const test_case_t  *c;

    (void) state;

    for (i = 0; i < sizeof(lenient_cases) / sizeof(lenient_cases[0]); i++) {
        c = &lenient_cases[i];
        test_document_by(1, c->text, c->len, c->error, c->offset);

        for (pad = 40; c->text[0] == '"' && pad < 140;
             pad += 1 + test_random(30))
        {
            memset(text, 'x', pad + 1);
            text[0] = '"';
            memcpy(text + pad + 1, c->text + 1, c->len - 1);
            test_document_by(1, text, pad + c->len, c->error,
                             c->error ? c->offset + pad : 0);
        }
    }
}


static void
test_table(void **state)
{
    size_t              i;
    const test_case_t  *c;

    (void) state;

    for (i = 0; i < sizeof(test_cases) / sizeof(test_cases[0]); i++) {
        c = &test_cases[i];
        test_document(c->text, c->len, c->error, c->offset);
    }
}


/* each case that is one string, with a long string before what it tests */

static void
test_table_far(void **state)
{
    char                text[512];
    size_t              i, pad, len;
    uint64_t            offset;
    const test_case_t  *c;

    (void) state;

    for (i = 0; i < sizeof(test_cases) / sizeof(test_cases[0]); i++) {
        c = &test_cases[i];

        if (c->len < 2 || c->text[0] != '"') {
            continue;
        }

        for (pad = 40; pad < 140; pad += 1 + test_random(6)) {
            len = pad + c->len;
            assert_true(len < sizeof(text));

            memset(text, 'x', pad + 1);
            text[0] = '"';

            if (pad % 2) {
                memcpy(text + pad - 1, "\xc3\xa9", 2);
            }

            memcpy(text + pad + 1, c->text + 1, c->len - 1);
            offset = c->error ? c->offset + pad : 0;

            test_document(text, len, c->error, offset);
        }
    }
}


static void
test_events_by(unsigned lenient, scan_log_policy_e policy, size_t raw,
    const char *text, const char *expected)
{
    scan_log_t  log;

    memset(&log, 0, sizeof(scan_log_t));
    log.policy = policy;
    log.lenient = lenient;

    scan_log_feed(&log, (const unsigned char *) text, strlen(text), NULL, 0,
                  TEST_DEPTH, raw, test_place);
    scan_log_write(&log, "", 1);

    assert_int_equal(log.rc, NGX_COMET_SCAN_OK);
    assert_string_equal(log.log, expected);

    scan_log_free(&log);
}


static void
test_events(scan_log_policy_e policy, size_t raw, const char *text,
    const char *expected)
{
    test_events_by(0, policy, raw, text, expected);
    test_events_by(1, policy, raw, text, expected);
}


#define FFFD  "\xef\xbf\xbd"

static void
test_replaced(void **state)
{
    (void) state;

    test_events_by(1, SCAN_LOG_TEXT, 0,
                   "[\"a\\ud83db\",\"\\ude00\\ud83d\\ud83d\\ude00\"]",
                   "[0:0-1\n"
                   "S1:1-11=5 a" FFFD "b\n"
                   "S1:12-38=10 " FFFD FFFD "\xf0\x9f\x98\x80\n"
                   "]0:38-39\n");
    test_events_by(1, SCAN_LOG_TEXT, 0,
                   "[\"\\ud83d\\u0041\\ud83d\\n\","
                   "\"\x80\xf0\x9f\x98\xc3\xa9\xe2\x82\"]",
                   "[0:0-1\n"
                   "S1:1-23=8 " FFFD "A" FFFD "\n\n"
                   "S1:24-34=11 " FFFD FFFD "\xc3\xa9" FFFD "\n"
                   "]0:34-35\n");
    test_events_by(1, SCAN_LOG_TEXT, 0, "\xef\xbb\xbf {\"\xff\":-Infinity}",
                   "{0:4-5\n"
                   "N1:5-8=3 " FFFD "\n"
                   "#1:9-18=9 -Infinity\n"
                   "}0:18-19\n");
    test_events_by(1, SCAN_LOG_ON, 0, "[NaN,Infinity]",
                   "[0:0-1\n"
                   "#1:1-4=3 NaN\n"
                   "#1:5-13=8 Infinity\n"
                   "]0:13-14\n");
    test_events_by(1, SCAN_LOG_RAW, 16, "{\"a\":[\"\\ud83d\xff\",NaN]}",
                   "{0:0-1\n"
                   "N1:1-4=1 a\n"
                   "R1:5-20=15 [\"\\ud83d\xff\",NaN]\n"
                   "}0:20-21\n");
}


static void
test_on(void **state)
{
    (void) state;

    test_events(SCAN_LOG_ON, 0,
                " {\"a\\n\":[1,\"\\u0041\",true], \"b\":{\"c\":null}} ",
                "{0:1-2\n"
                "N1:2-7=2 a\n\n"
                "[1:8-9\n"
                "#2:9-10=1 1\n"
                "S2:11-19\n"
                "T2:20-24\n"
                "]1:24-25\n"
                "N1:27-30=1 b\n"
                "{1:31-32\n"
                "N2:32-35=1 c\n"
                "02:36-40\n"
                "}1:40-41\n"
                "}0:41-42\n");

    test_events(SCAN_LOG_ON, 0, "false", "F0:0-5\n");
    test_events(SCAN_LOG_ON, 0, "-1.5e3", "#0:0-6=6 -1.5e3\n");
    test_events(SCAN_LOG_ON, 0, "\"a\"", "S0:0-3\n");
}


static void
test_text(void **state)
{
    (void) state;

    test_events(SCAN_LOG_TEXT, 0, "{\"a\":\"\\ud83d\\ude00\\/\xc3\xa9\"}",
                "{0:0-1\n"
                "N1:1-4=1 a\n"
                "S1:5-23=7 \xf0\x9f\x98\x80/\xc3\xa9\n"
                "}0:23-24\n");

    test_events(SCAN_LOG_TEXT, 0,
                "[\"\\b\\f\\n\\r\\t\\\"\\\\\\/\\u0041\\u00e9\\uFDD0\"]",
                "[0:0-1\n"
                "S1:1-37=14 \b\f\n\r\t\"\\/A\xc3\xa9\xef\xb7\x90\n"
                "]0:37-38\n");

    /* what was asked for an array does not stay for an object */

    test_events(SCAN_LOG_NAMES, 0, "{\"a\":[\"b\"],\"c\":{\"d\":\"e\"}}",
                "{0:0-1\n"
                "N1:1-4=1 a\n"
                "[1:5-6\n"
                "S2:6-9=1 b\n"
                "]1:9-10\n"
                "N1:11-14=1 c\n"
                "{1:15-16\n"
                "N2:16-19=1 d\n"
                "S2:20-23\n"
                "}1:23-24\n"
                "}0:24-25\n");

    test_events(SCAN_LOG_NAMES, 0,
                "{\"t\":[\"a\",[\"b\"],\"c\"],\"x\":\"d\",\"t\":\"e\"}",
                "{0:0-1\n"
                "N1:1-4=1 t\n"
                "[1:5-6\n"
                "S2:6-9=1 a\n"
                "[2:10-11\n"
                "S3:11-14\n"
                "]2:14-15\n"
                "S2:16-19=1 c\n"
                "]1:19-20\n"
                "N1:21-24=1 x\n"
                "S1:25-28\n"
                "N1:29-32=1 t\n"
                "S1:33-36=1 e\n"
                "}0:36-37\n");
}


static void
test_skip(void **state)
{
    (void) state;

    test_events(SCAN_LOG_SKIP, 0, "[1,{\"a\":2}]", "[0:0-1\n]0:10-11\n");

    test_events(SCAN_LOG_NAMES, 0,
                "{\"s\":[1,{\"t\":\"\"}],\"s\":12 ,\"s\":\"a\",\"s\":{}}",
                "{0:0-1\n"
                "N1:1-4=1 s\n"
                "R1:5-17\n"
                "N1:18-21=1 s\n"
                "R1:22-24\n"
                "N1:26-29=1 s\n"
                "R1:30-33\n"
                "N1:34-37=1 s\n"
                "R1:38-40\n"
                "}0:40-41\n");
}


static void
test_raw(void **state)
{
    (void) state;

    test_events(SCAN_LOG_NAMES, 8,
                "{\"r\":[1,\"\\n\"] ,\"r\":-1.5,\"r\":[12345678]}",
                "{0:0-1\n"
                "N1:1-4=1 r\n"
                "R1:5-13=8 [1,\"\\n\"]\n"
                "N1:15-18=1 r\n"
                "R1:19-23=4 -1.5\n"
                "N1:24-27=1 r\n"
                "R1:28-38=8! [1234567\n"
                "}0:38-39\n");
}


/* the text is cut before the first character that does not fit */

static void
test_cut_text(const char *element, size_t element_len, size_t unescaped)
{
    char    *text;
    size_t   i, n, len;

    text = malloc(64 + NGX_COMET_TEXT_MAX + element_len);
    assert_non_null(text);

    for (i = 0; i <= unescaped; i++) {
        n = NGX_COMET_TEXT_MAX - i;

        len = (size_t) sprintf(text, "{\"t\":\"");
        memset(text + len, 'x', n);
        len += n;
        memcpy(text + len, element, element_len);
        len += element_len;
        len += (size_t) sprintf(text + len, "yz\"}");

        test_document(text, len, NGX_COMET_SCAN_NO_ERROR, 0);
    }

    free(text);
}


static int
test_cut_handler(void *data, const ngx_comet_token_t *token)
{
    if (token->type == NGX_COMET_STRING || token->type == NGX_COMET_NUMBER) {
        ((size_t *) data)[0] = token->len;
        ((size_t *) data)[1] = token->cut;
    }

    return NGX_COMET_SCAN_TEXT;
}


static void
test_cut_length(const char *before, char fill, size_t n, const char *after,
    size_t expected, size_t cut)
{
    char              *text;
    size_t             len, got[2];
    ngx_comet_scan_t   scan;

    text = malloc(n + 256);
    assert_non_null(text);

    len = (size_t) sprintf(text, "%s", before);
    memset(text + len, fill, n);
    len += n;
    len += (size_t) sprintf(text + len, "%s", after);

    ngx_comet_scan_init(&scan, 8, test_cut_handler, got);
    assert_int_equal(ngx_comet_scan_feed(&scan, (unsigned char *) text, len),
                     NGX_COMET_SCAN_OK);
    assert_int_equal(ngx_comet_scan_finish(&scan), NGX_COMET_SCAN_OK);
    assert_int_equal(got[0], expected);
    assert_int_equal(got[1], cut);

    free(text);
}


static void
test_cut(void **state)
{
    size_t  max;

    (void) state;

    test_cut_text("\xc3\xa9", 2, 2);
    test_cut_text("\xf0\x9f\x98\x80", 4, 4);
    test_cut_text("\\n", 2, 1);
    test_cut_text("\\ud83d\\ude00", 12, 4);

    max = NGX_COMET_TEXT_MAX;

    test_cut_length("[\"", 'x', max, "\"]", max, 0);
    test_cut_length("[\"", 'x', max + 1, "\"]", max, 1);
    test_cut_length("[\"", 'x', max - 1, "\\n\"]", max, 0);
    test_cut_length("[\"", 'x', max, "\\n\"]", max, 1);
    test_cut_length("[\"", 'x', max - 1, "\xc3\xa9x\"]", max - 1, 1);
    test_cut_length("[\"", 'x', max - 3, "\xf0\x9f\x98\x80\"]", max - 3, 1);
    test_cut_length("[\"", 'x', max - 4, "\xf0\x9f\x98\x80\"]", max, 0);
    test_cut_length("[\"", 'x', max - 2, "\\u20acx\"]", max - 2, 1);
    test_cut_length("[\"\\n", 'x', max, "\"]", max, 1);

    test_cut_length("[", '1', 128, "]", 128, 0);
    test_cut_length("[", '1', 129, "]", 128, 1);
    test_cut_length("[", '1', 125, ".5]", 127, 0);
    test_cut_length("[-0.", '5', 200, "e+10]", 128, 1);
}


static void
test_depth(void **state)
{
    size_t             i, n;
    char               text[2 * NGX_COMET_SCAN_DEPTH_MAX + 2];
    size_t             got[2];
    ngx_comet_scan_t   scan;

    (void) state;

    assert_true(sizeof(ngx_comet_scan_t) < 4096);

    n = NGX_COMET_SCAN_DEPTH_MAX;

    for (i = 0; i <= n; i++) {
        text[i] = '[';
        text[n + 1 + i] = ']';
    }

    ngx_comet_scan_init(&scan, 5000, test_cut_handler, got);
    assert_int_equal(ngx_comet_scan_feed(&scan, (unsigned char *) text + 1,
                                         2 * n),
                     NGX_COMET_SCAN_OK);
    assert_int_equal(ngx_comet_scan_finish(&scan), NGX_COMET_SCAN_OK);

    ngx_comet_scan_init(&scan, 5000, test_cut_handler, got);
    assert_int_equal(ngx_comet_scan_feed(&scan, (unsigned char *) text,
                                         2 * n + 2),
                     NGX_COMET_SCAN_ERROR);
    assert_int_equal(scan.error, NGX_COMET_SCAN_DEPTH);
    assert_int_equal(scan.offset, n);
    assert_string_equal(ngx_comet_scan_message(&scan), "nested too deeply");

    ngx_comet_scan_init(&scan, 0, test_cut_handler, got);
    assert_int_equal(ngx_comet_scan_feed(&scan, (unsigned char *) "1[", 1),
                     NGX_COMET_SCAN_OK);
    assert_int_equal(ngx_comet_scan_finish(&scan), NGX_COMET_SCAN_OK);

    ngx_comet_scan_init(&scan, 0, test_cut_handler, got);
    assert_int_equal(ngx_comet_scan_feed(&scan, (unsigned char *) "{}", 2),
                     NGX_COMET_SCAN_ERROR);
    assert_int_equal(scan.offset, 0);
}


/*
 * All levels go as far as the scalar function, over fillings of one kind, two
 * planted specials and any distance to the end.
 */

static const struct {
    const char  *text;
    size_t       len;
} test_specials[] = {
    { test_doc("\"") }, { test_doc("\\") }, { test_doc("\\\\") },
    { test_doc("\\\"") }, { test_doc("\\\\\"") }, { test_doc("\\\\\\\"") },
    { test_doc("\\n") }, { test_doc("\\q") }, { test_doc("\\\x8e") },
    { test_doc("\x1f") }, { test_doc("\0") }, { test_doc("\x7f") },
    { test_doc("\\u12aF") }, { test_doc("\\u12") }, { test_doc("\\u00eg") },
    { test_doc("\\ud83d\\ude00") }, { test_doc("\\uDFFF") },
    { test_doc("\\ud83d") }, { test_doc("\\ud83d\\u0041") },
    { test_doc("\\\\u12") }, { test_doc("\\\\\\u12") },
    { test_doc("\x80") }, { test_doc("\xc3") }, { test_doc("\xc3\xa9") },
    { test_doc("\xc0\xaf") }, { test_doc("\xe2\x82") },
    { test_doc("\xe2\x82\xac") }, { test_doc("\xe0\x9f\x80") },
    { test_doc("\xed\xa0\x80") }, { test_doc("\xed\x9f\xbf") },
    { test_doc("\xf0\x9f\x98\x80") }, { test_doc("\xf0\x9f\x98") },
    { test_doc("\xf0\x8f\xbf\xbf") }, { test_doc("\xf4\x8f\xbf\xbf") },
    { test_doc("\xf4\x90\x80\x80") }, { test_doc("\xf5\x80\x80\x80") },
    { test_doc("\xf5") }, { test_doc("\xff") }, { test_doc("\xc3\xa9\xa9") },
    { test_doc("\xf0\x9f\x98\x80\x80") }, { test_doc("\xe2\x82\\n") },
    { test_doc("\xc3\xa9\"\xff") }, { test_doc("\"\\q\x01\xff") }
};


static const char  *test_fillings[] = {
    "x", "\xd0\x96", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\\n", "\\u0416",
    "ab\\\"\xc3\xa9", "\\\\", "\\ud83d\\ude00"
};


static void
test_agree(const unsigned char *p, size_t len)
{
    int                     level;
    ngx_comet_text_run_pt   run;
    const unsigned char    *expected, *got, *end;

    p = test_place(p, len);
    end = p + len;
    expected = ngx_comet_text_scalar(p, end);

    for (level = 1; level < NGX_COMET_TEXT_LEVELS; level++) {
        run = ngx_comet_text_level((ngx_comet_text_level_e) level);

        if (run == NULL) {
            continue;
        }

        got = run(p, end);

        if (got != expected) {
            fail_msg("level %d: %td, scalar: %td of %zu:\n%.*s", level,
                     got - p, expected - p, len, (int) len, p);
        }
    }
}


static size_t
test_fill(unsigned char *p, size_t len, const char *filling)
{
    size_t  n, unit;

    unit = strlen(filling);

    for (n = 0; n + unit <= len; n += unit) {
        memcpy(p + n, filling, unit);
    }

    return n;
}


static size_t
test_plant(unsigned char *p, size_t at)
{
    size_t  i;

    i = test_random(sizeof(test_specials) / sizeof(test_specials[0]));
    memcpy(p + at, test_specials[i].text, test_specials[i].len);

    return test_specials[i].len;
}


static void
test_levels(void **state)
{
    size_t         i, j, n, at, len;
    unsigned char  text[1024];

    (void) state;

    for (i = 0; i < sizeof(test_fillings) / sizeof(test_fillings[0]); i++) {

        for (at = 0; at < 200; at++) {

            for (j = 0; j < sizeof(test_specials) / sizeof(test_specials[0]);
                 j++)
            {
                n = test_fill(text, at, test_fillings[i]);
                memcpy(text + n, test_specials[j].text, test_specials[j].len);
                n += test_specials[j].len;

                test_agree(text, n);

                len = test_random(200);
                n += test_fill(text + n, len, test_fillings[i]);
                test_agree(text, n);

                /* somewhere a second one, that may divide a character */

                test_plant(text, test_random((uint32_t) n));
                test_agree(text, n);
                test_agree(text, n - test_random((uint32_t) n));
            }
        }
    }
}


static void
test_levels_random(void **state)
{
    size_t         i, n, len, unit;
    unsigned char  text[1024];
    const char    *filling;

    (void) state;

    for (i = 0; i < 300000; i++) {
        n = 0;
        len = test_random(400);

        while (n < len) {

            if (test_random(40) == 0) {
                n += test_plant(text, n);
                continue;
            }

            filling = test_fillings[test_random(9)];
            unit = strlen(filling);
            memcpy(text + n, filling, unit);
            n += unit;
        }

        test_agree(text, n);
    }
}


/* texts full of escapes, whole and with a byte that is another one */

static void
test_levels_units(void **state)
{
    size_t                    i, n, unit;
    const char               *element;
    unsigned char             text[1024];
    static const char         bytes[] = "\\u\"dD8bBcCfF70gn x\x01\x80";
    static const char *const  elements[] = {
        "\\u0416", "\\u3042", "\\ud55c", "\\uD7A3", "\\ud83d\\ude00",
        "\\uDBFF\\uDFFF", "\\n", "\\\\", "\\\"", "\\b", "\\/", " ", ", ", "u"
    };

    (void) state;

    for (i = 0; i < 100000; i++) {
        n = 0;

        while (n < 150 + i % 200) {
            element = elements[test_random(i % 3 ? 6 : 14)];
            unit = strlen(element);
            memcpy(text + n, element, unit);
            n += unit;
        }

        test_agree(text, n);
        test_agree(text, n - test_random(80));

        text[test_random((uint32_t) n)] =
                           (unsigned char) bytes[test_random(sizeof(bytes))];
        test_agree(text, n);
    }
}


/* all pairs of bytes, then all that may follow the first bytes of a sequence */

static void
test_levels_bytes(void **state)
{
    unsigned       i, j;
    unsigned char  text[256];

    (void) state;

    for (i = 0; i < 0x10000; i++) {
        memset(text, 'x', sizeof(text));
        j = i % 97;
        text[j] = (unsigned char) (i >> 8);
        text[j + 1] = (unsigned char) i;
        test_agree(text, 200);

        text[j] = 0xe0 | (i >> 8 & 0x0f);
        text[j + 1] = (unsigned char) i;
        text[j + 2] = 0x80 | (i >> 10);
        test_agree(text, 200);

        text[j] = 0xf0 | (i >> 8 & 0x0f);
        text[j + 1] = (unsigned char) i;
        text[j + 2] = 0x80 | (i >> 12);
        text[j + 3] = 0x80;
        test_agree(text, 200);

        text[j] = '\\';
        text[j + 1] = 'u';
        text[j + 2] = i & 1 ? 'd' : '0';
        text[j + 3] = (unsigned char) (i >> 8);
        text[j + 4] = (unsigned char) i;
        text[j + 5] = 'F';
        test_agree(text, 200);
    }
}


static void
test_choose(void **state)
{
    unsigned char  text[] = "plain\"";

    (void) state;

    assert_ptr_equal(ngx_comet_text_run(text, text + 6), text + 5);
    assert_non_null(ngx_comet_text_level(NGX_COMET_TEXT_SCALAR));
    assert_null(ngx_comet_text_level(NGX_COMET_TEXT_LEVELS));
}


static void
test_fold(void **state)
{
    char  out[16];

    (void) state;

    assert_int_equal(ngx_comet_name_fold(test_doc("ModeL_1"), out, 16), 7);
    assert_memory_equal(out, "model_1", 7);

    assert_int_equal(ngx_comet_name_fold(test_doc("\xc5\xbf" "eed"), out, 16),
                     4);
    assert_memory_equal(out, "seed", 4);

    assert_int_equal(ngx_comet_name_fold(test_doc("\xe2\x84\xaa\xc5\xbf\xd0"
                                                  "\x96@[`{"), out, 16), 8);
    assert_memory_equal(out, "ks\xd0\x96@[`{", 8);

    assert_int_equal(ngx_comet_name_fold(test_doc("abc"), out, 2), -1);
    assert_int_equal(ngx_comet_name_fold(test_doc("abc"), out, 3), 3);
    assert_int_equal(ngx_comet_name_fold("", 0, out, 0), 0);
    assert_int_equal(ngx_comet_name_fold(test_doc("\xe2\x84"), out, 16), 2);
    assert_int_equal(ngx_comet_name_fold(test_doc("\xc5"), out, 16), 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_choose),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_levels_units),
        cmocka_unit_test(test_levels_bytes),
        cmocka_unit_test(test_levels_random),
        cmocka_unit_test(test_on),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_far),
        cmocka_unit_test(test_lenient),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_fold)
    };

    return cmocka_run_group_tests_name("scan", tests, test_setup, NULL);
}
