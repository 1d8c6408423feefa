/*
 * Messages and items in the usual spelling and beside it: what is fed byte by
 * byte comes as tokens, what is fed whole may come at once, and both come to
 * the same.
 */

#include "unit.h"
#include "judging.h"


#define SIZE   1024
#define FIRST  (sizeof("{\"messages\":[") - 1)

static ngx_comet_judge_t  judge, again;
static arena_t            arena;

/* of the bodies that are judged */

static const char  *endpoint = "/v1/chat/completions";


static const char *const  heads[] = {
    "{\"role\":\"user\",\"content\":",
    "{\"role\":\"assistant\",\"content\":",
    "{\"role\":\"system\",\"content\":",
    "{\"role\": \"user\", \"content\": ",
    "{\"role\": \"assistant\", \"content\": ",
    "{\"role\": \"system\", \"content\": ",
    "{\"role\":\"developer\",\"content\":",
    "{\"role\":\"tool\",\"content\":",
    "{\"role\":\"user\",\"Content\":",
    "{\"role\":\"user\",\"content\\u0000\":",
    "{\"role\":\"usex\",\"content\":",
    "{\"content\":\"a\",\"role\":",
    "{ \"role\": \"user\", \"content\": ",
    "{\"type\":\"text\",\"text\":",
};

#define ID66  "\"call_0123456789012345678901234567890123456789012345678901234" \
              "567890\""

static const char *const  tool_heads[] = {
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":",
    "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":",
    "{\"role\":\"assistant\",\"tool_calls\":",
    "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":",
    "{\"role\":\"tool\",\"content\":",
    "{\"role\": \"assistant\", \"content\": null, \"tool_calls\": ",
    "{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": ",
    "{\"role\": \"assistant\", \"tool_calls\": ",
    "{\"role\": \"tool\", \"tool_call_id\": \"call_1\", \"content\": ",
    "{\"role\": \"tool\", \"content\": ",
    "{\"role\":\"tool\",\"tool_call_id\":\"\",\"content\":",
    "{\"role\":\"tool\",\"tool_call_id\":" ID66 ",\"content\":",
    "{\"role\":\"tool\",\"tool_call_id\":\"c\\u0061\",\"content\":",
    "{\"role\":\"tool\",\"tool_call_id\":\"c\xff\",\"content\":",
    "{\"role\":\"tool\",\"tool_call_id\":\"c\\,\"content\":",
    "{\"role\":\"tool\",\"tool_call_id\":\"c\x01,\"content\":",
    "{\"role\":\"tool\",\"tool_call_id\":\"c\", \"content\":",
    "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"Content\":",
    "{\"role\":\"tool\",\"tool_call_id\":null,\"content\":",
    "{\"role\":\"tool\",\"tool_call_id\":3,\"content\":",
    "{\"role\":\"assistant\",\"content\":nulL,\"tool_calls\":",
    "{\"role\":\"assistant\",\"content\":null,\"tool_call_id\":",
};

static const char *const  tool_values[] = {
    "\"\"", "\"sunny, \xd0\xb4\xd0\xb0 \\u0414\"", "null", "[]", "[{}",
    "\"\x01\"",
    "[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
    "\"arguments\":\"{\\\"a\\\":1}\"}}]",
    "[{\"type\":\"text\",\"text\":\"a text of a tool\"}]",
    "[{\"id\": \"call_1\", \"id\": \"call_2\", \"x\": [1e5, tru]}]",
};

static const char *const  tool_tails[] = {
    "}", " }", ",\"tool_call_id\":\"call_1\"}", ",\"tool_call_id\":null}",
    ",\"content\":\"x\"}", ",\"tool_calls\":[]}", ",\"role\":\"tool\"}", "]",
};


static const char *const  items[] = {
    "{\"role\":\"user\",\"content\":\"hi, \xd0\xb4\xd0\xb0\"}",
    "{\"role\": \"assistant\", \"content\": \"a\\u0414\\ud83d\\ude00\"}",
    "{\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
    "\"text\":\"a\"}]}",
    "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":"
    "\"input_text\",\"text\":\"a text of some length, and more of it\"}]}",
    "{\"role\": \"user\", \"content\": [{\"type\": \"input_text\", \"text\": "
    "\"a\"}, {\"type\": \"input_image\", \"image_url\": \"u\"}]}",
    "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
    "\"arguments\":\"{\\\"a\\\":1}\"}",
    "{\"type\":\"function_call_output\",\"call_id\":\"c\","
    "\"output\":\"o\"}",
    "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":3}]",
    "{\"role\":\"user\",\"role\":\"user\",\"content\":\"\xff\"}",
    "{\"role\":\"user\",\"content\":\"\\ud83d\"}", "{\"role\":}", "3", "null",
    "[{\"role\":\"user\"}]", "\"a\"", "{\"a\":[[[[[[]]]]]]}", "}",
};

static const char *const  values[] = {
    "\"\"", "\"hi\"", "null", "3", "{}", "[]", "\"\\n \\u0414 \\ud83d\\ude00\"",
    "\"\xd0\xb4\xd0\xb0, thirty and more bytes, and then still some more\"",
    "\"a text of many plain bytes that goes on and on, as texts do.\"",
    "\"\\ud83d\"", "\"\x01\"", "\"\xff\"", "\"\\x\"", "\"a\" \n",
    "[{\"type\":\"text\",\"text\":\"a\"}]",
    "[{\"type\": \"text\", \"text\": \"a\"}, 3]",
    "[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\","
    "\"image_url\":{\"url\":\"u\",\"detail\":\"odd\"}}]",
    "[{\"type\":\"text\",\"text\":[\"\"]},{\"Type\":\"text\",\"text\":\"\"}]",
    "[{\"type\":\"text\",\"text\":\"a\",\"type\":\"b\"},{\"text\":\"a\"}]",
};

static const char *const  tails[] = {
    "}", " }", ",\"name\":\"b\"}", ",\"role\":\"user\"}",
    ",\"content\":\"x\"}", ",\"tool_call_id\":null}", "}}", "]", "",
};


static void
run(ngx_comet_judge_t *to, const ngx_comet_policy_t *policy, const char *body,
    size_t head, size_t step)
{
    size_t  at, n, len;

    memset(to, 0x55, sizeof(*to));
    ngx_comet_judge_init(to, endpoint_of(endpoint), policy);

    len = strlen(body);

    for (at = 0; at < len; at += n) {
        n = at ? step : head;
        n = n < len - at ? n : len - at;

        (void) feed(to, body + at, n);
    }

    assert_int_equal(ngx_comet_judge_finish(to), 0);
}


static void
same_edits(const char *body)
{
    char    *one, *two;
    size_t   n, len;

    one = apply(&judge, body, strlen(body), &n);
    two = apply(&again, body, strlen(body), &len);

    assert_non_null(one);
    assert_non_null(two);
    assert_int_equal(n, len);
    assert_memory_equal(one, two, n);

    free(one);
    free(two);
}


static void
same(const char *body, size_t cut)
{
    size_t                   i;
    const ngx_comet_slot_t  *a, *b;

    if (again.verdict != judge.verdict
        || again.violations != judge.violations
        || strcmp(again.message, judge.message) != 0)
    {
        fail_msg("mode %d, cut at %zu: %s\n%s\n%s",
                 (int) judge.policy->mode, cut, body, judge.message,
                 again.message);
    }

    assert_int_equal(again.status, judge.status);
    assert_int_equal(again.scan.status, judge.scan.status);
    assert_int_equal(again.scan.depth, judge.scan.depth);
    assert_int_equal(again.depth, judge.depth);
    assert_string_equal(again.param, judge.param);
    assert_string_equal(again.repairs, judge.repairs);

    for (i = 0; i < judge.nslots; i++) {
        a = &again.slots[i];
        b = &judge.slots[i];

        assert_int_equal(a->whole, b->whole);
        assert_int_equal(a->bad, b->bad);

        if (b->whole) {
            assert_int_equal(a->count, b->count);
            assert_int_equal(a->value_start, b->value_start);
            assert_int_equal(a->value_end, b->value_end);
        }
    }

    same_edits(body);
}


/* each mode at a third of the cuts from the first message on */

static void
every_cut(const char *body)
{
    size_t              cut, len;
    ngx_comet_policy_t  policy;

    memset(&policy, 0, sizeof(policy));
    policy.alloc = arena_alloc;
    policy.data = &arena;

    len = strlen(body);

    for (policy.mode = 0; policy.mode <= NGX_COMET_OBSERVE; policy.mode++) {

        run(&again, &policy, body, 1, 1);
        run(&judge, &policy, body, len, len);
        same(body, len);

        for (cut = FIRST + policy.mode; cut < len; cut += 3) {
            run(&judge, &policy, body, cut, len);
            same(body, cut);
        }

        arena_free(&arena);
    }
}


static void
test_every_message(void **state)
{
    char    body[SIZE];
    size_t  i, j, k;

    (void) state;

    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        for (j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
            for (k = 0; k < sizeof(tails) / sizeof(tails[0]); k++) {

                snprintf(body, SIZE, "{\"messages\":[%s%s%s,%s\"b\"}]"
                         ",\"tools\":[%s\"c\"}]}", heads[i], values[j],
                         tails[k], heads[(i + j) % 6], heads[(i + k) % 6]);

                every_cut(body);
            }
        }
    }
}


static void
test_tool_calls(void **state)
{
    char    body[SIZE];
    size_t  i, j, k;

    (void) state;

    for (i = 0; i < sizeof(tool_heads) / sizeof(tool_heads[0]); i++) {
        for (j = 0; j < sizeof(tool_values) / sizeof(tool_values[0]); j++) {
            for (k = 0; k < sizeof(tool_tails) / sizeof(tool_tails[0]); k++) {

                snprintf(body, SIZE, "{\"messages\":[%s%s%s,%s%s}],"
                         "\"tool_choice\":\"auto\",\"temperature\":0.5,"
                         "\"model\":\"gpt-4o\"}", tool_heads[i],
                         tool_values[j], tool_tails[k],
                         tool_heads[(i + j) % 10],
                         tool_values[(j + k) % 4 ? 6 : 0]);

                every_cut(body);
            }
        }
    }
}


/* of the input of responses nothing is known: it is gone over as it is */

static void
test_every_item(void **state)
{
    char    body[SIZE];
    size_t  i, j, n;

    (void) state;

    n = sizeof(items) / sizeof(items[0]);
    endpoint = "/v1/responses";

    for (i = 0; i < n; i++) {
        for (j = 0; j < n; j++) {
            snprintf(body, SIZE, "{\"model\":\"gpt-4o\",\"input\":[%s,%s,"
                     "%s],\"temperature\":3,\"stream\":true}", items[i],
                     items[j], items[(i + j) % 7]);

            every_cut(body);
        }
    }

    endpoint = "/v1/chat/completions";
}


/* where no more is said, and where one of many is wrong */

static void
test_full(void **state)
{
    char                body[65536];
    size_t              i, len, wrong;
    ngx_comet_policy_t  policy;

    (void) state;

    for (wrong = 250; wrong < 260; wrong++) {

        len = (size_t) snprintf(body, sizeof(body), "{\"messages\":[");

        for (i = 0; i < wrong; i++) {
            len += (size_t) snprintf(body + len, sizeof(body) - len,
                                     "%s%s\"a\"}", i ? "," : "",
                                     heads[i % 2 ? 6 : 10]);
        }

        for (i = 0; i < 8; i++) {
            len += (size_t) snprintf(body + len, sizeof(body) - len,
                                     ",%s\"a\"}", heads[i % 6]);
        }

        snprintf(body + len, sizeof(body) - len, "%s,{}],\"n\":0,"
                 "\"model\":\"gpt-4o\"}", wrong % 2 ? "" : ",}");

        memset(&policy, 0, sizeof(policy));
        policy.alloc = arena_alloc;
        policy.data = &arena;

        for (i = 0; i < 3; i++) {
            policy.mode = i;
            run(&again, &policy, body, 1, 1);
            run(&judge, &policy, body, sizeof(body), 1);
            same(body, 0);
            arena_free(&arena);
        }
    }
}


typedef struct {
    size_t  tokens[NGX_COMET_USUAL_HEAD + 1];
    size_t  kinds[4];
} counts_t;

static const ngx_comet_head_t  count_heads[] = {
    { .text = "{\"role\":\"user\",\"content\":", .len = 25 },
    { .text = "{\"role\":\"tool\",\"content\":null,\"tool_call_id\":",
      .len = 45, .kind = 1 },
    { .text = "{\"role\":\"tool\",\"content\":", .len = 25, .kind = 2,
      .open = 1 },
    { .text = "{\"role\":\"tool\",\"id\":", .len = 20,
      .then = ",\"content\":", .then_len = 11, .kind = 3 },
    { .len = 0 }
};

static const ngx_comet_usual_t  count_usual = {
    count_heads, ngx_comet_usual_bit('u')|ngx_comet_usual_bit('t')
};


static int
count(void *data, const ngx_comet_token_t *token)
{
    counts_t  *counts = data;

    counts->tokens[token->type]++;

    if (token->type >= NGX_COMET_USUAL) {
        counts->kinds[token->len]++;
    }

    return NGX_COMET_SCAN_ON;
}


static int
counted(const char *body, unsigned depth, size_t step, counts_t *counts,
    ngx_comet_scan_t *scan)
{
    size_t  at, n, len;

    memset(counts, 0, sizeof(counts_t));
    ngx_comet_scan_init(scan, depth, count, counts);
    ngx_comet_scan_usual(scan, &count_usual);

    len = strlen(body);

    for (at = 0; at < len; at += n) {
        n = step < len - at ? step : len - at;
        (void) ngx_comet_scan_feed(scan, (const unsigned char *) body + at, n);
    }

    return ngx_comet_scan_finish(scan);
}


static void
test_tokens(void **state)
{
    int               rc;
    counts_t          counts;
    unsigned          depth;
    ngx_comet_scan_t  scan, whole;

    static const char  body[] =
        "[{\"role\":\"user\",\"content\":\"a\"},"
        "{\"role\":\"user\",\"content\":\"b\"},"
        "{\"role\":\"user\",\"content\":\"c\",\"name\":\"d\"},"
        "{\"role\":\"user\",\"content\":null},"
        "{\"content\":\"e\",\"role\":\"user\"}]";

    (void) state;

    assert_int_equal(counted(body, 9, SIZE, &counts, &scan),
                     NGX_COMET_SCAN_OK);
    assert_int_equal(counts.tokens[NGX_COMET_USUAL], 2);
    assert_int_equal(counts.tokens[NGX_COMET_USUAL_HEAD], 2);
    assert_int_equal(counts.tokens[NGX_COMET_OBJECT], 1);
    assert_int_equal(counts.tokens[NGX_COMET_OBJECT_END], 3);
    assert_int_equal(counts.tokens[NGX_COMET_NAME], 3);
    assert_int_equal(counts.tokens[NGX_COMET_STRING], 4);
    assert_int_equal(counts.tokens[NGX_COMET_NULL], 1);

    assert_int_equal(counted(body, 9, 1, &counts, &scan), NGX_COMET_SCAN_OK);
    assert_int_equal(counts.tokens[NGX_COMET_USUAL], 0);
    assert_int_equal(counts.tokens[NGX_COMET_USUAL_HEAD], 0);
    assert_int_equal(counts.tokens[NGX_COMET_OBJECT], 5);

    for (depth = 1; depth < 4; depth++) {
        rc = counted(body, depth, 1, &counts, &scan);
        assert_int_equal(counted(body, depth, SIZE, &counts, &whole), rc);
        assert_int_equal(whole.error, scan.error);
        assert_int_equal(whole.offset, scan.offset);
    }
}


static void
test_kinds(void **state)
{
    counts_t          counts;
    ngx_comet_scan_t  scan;

    static const char  body[] =
        "[{\"role\":\"tool\",\"content\":null,\"tool_call_id\":\"a\"},"
        "{\"role\":\"tool\",\"content\":null,\"tool_call_id\":[1]},"
        "{\"role\":\"tool\",\"content\":null,\"tool_call_ib\":\"a\"},"
        "{\"role\":\"tool\",\"content\":\"b\"},"
        "{\"role\":\"tool\",\"content\":\"b\",\"id\":\"c\"},"
        "{\"role\":\"tool\",\"id\":\"c\",\"content\":\"d\"},"
        "{\"role\":\"tool\",\"id\":\"c\",\"content\":true},"
        "{\"role\":\"tool\",\"id\":\"\\u0063\",\"content\":\"d\"},"
        "{\"role\":\"tool\",\"id\":1,\"content\":\"d\"},"
        "{\"role\":\"tool\",\"id\":" ID66 ",\"content\":\"d\"},"
        "{\"role\":\"tool\",\"id\":\"c\", \"content\":\"the last one\"}"
        "                                                                ]";

    (void) state;

    assert_int_equal(counted(body, 9, SIZE, &counts, &scan),
                     NGX_COMET_SCAN_OK);
    assert_int_equal(counts.tokens[NGX_COMET_USUAL], 2);
    assert_int_equal(counts.tokens[NGX_COMET_USUAL_HEAD], 5);
    assert_int_equal(counts.kinds[0], 0);
    assert_int_equal(counts.kinds[1], 2);
    assert_int_equal(counts.kinds[2], 3);
    assert_int_equal(counts.kinds[3], 2);
    assert_int_equal(counts.tokens[NGX_COMET_OBJECT], 4);
    assert_int_equal(counts.tokens[NGX_COMET_OBJECT_END], 9);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_every_message),
        cmocka_unit_test(test_tool_calls),
        cmocka_unit_test(test_every_item),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
