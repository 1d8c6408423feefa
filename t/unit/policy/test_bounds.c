/*
 * No body makes the judge do more of what is dear than so much: to format a
 * text, to allocate, to fold a name.  These calls are counted, by including
 * the files that make them.
 */

#include "ngx_comet_text.h"

#include <stdarg.h>
#include <stdio.h>

static size_t  texts, folds;


static int
count_vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    texts++;

    return vsnprintf(buf, size, fmt, args);
}


static int
count_snprintf(char *buf, size_t size, const char *fmt, ...)
{
    int      n;
    va_list  args;

    texts++;

    va_start(args, fmt);
    n = vsnprintf(buf, size, fmt, args);
    va_end(args);

    return n;
}


static int
count_alike(const char *name, size_t len, char *out, size_t size)
{
    folds++;

    return ngx_comet_name_alike(name, len, out, size);
}


#define snprintf  count_snprintf
#define vsnprintf  count_vsnprintf
#define ngx_comet_name_alike  count_alike

#include "ngx_comet_judge.c"
#include "ngx_comet_collect.c"
#include "ngx_comet_collect_scalar.c"
#include "ngx_comet_range.c"
#include "ngx_comet_amend.c"

#undef snprintf
#undef vsnprintf
#undef ngx_comet_name_alike

#include "unit.h"
#include "judge_case.h"
#include "hostile.h"


#define BODY_SIZE  (128 * 1024)

/* a thing that is wrong takes so many texts at most; those of a body besides */

#define TEXTS_MAX  (16 * NGX_COMET_WRONG_MAX + 512)
#define BYTES_MAX    (128 * NGX_COMET_WRONG_MAX + 8192)


static size_t         tokens;
static hostile_run_t  hostile;


static int
count_token(void *data, const ngx_comet_token_t *token)
{
    tokens++;

    return ngx_comet_collect(data, token);
}


static void
bounded(size_t found, size_t max, const char *what,
    const hostile_shape_t *shape, ngx_comet_mode_e mode)
{
    if (found > max) {
        print_error("%s, mode %d: %zu %s, more than %zu\n", shape->name,
                    (int) mode, found, what, max);
        fail();
    }
}


static void
run_hostile(const hostile_t *h, ngx_comet_mode_e mode)
{
    int     rc;
    size_t  at;

    texts = 0;
    folds = 0;
    tokens = 0;

    hostile_begin(&hostile, h, mode);
    hostile.judge.scan.handler = count_token;

    for (at = 0, rc = 0; rc == 0 && at < h->len; at += HOSTILE_PIECE) {
        rc = hostile_feed(&hostile, at);
    }

    assert_int_equal(ngx_comet_judge_finish(&hostile.judge), 0);

    bounded(texts, TEXTS_MAX, "texts", h->shape, mode);
    bounded(folds, h->units + 1, "folds", h->shape, mode);
    bounded(hostile.judge.violations, NGX_COMET_WRONG_MAX, "violations",
            h->shape, mode);
    bounded(hostile.judge.nedits, NGX_COMET_WRONG_MAX + 8, "edits", h->shape,
            mode);
    bounded(hostile.allocated, BYTES_MAX, "bytes", h->shape, mode);

    /* members of the body itself are always looked at */

    if (ngx_comet_judge_full(&hostile.judge)
        && hostile.judge.members < NGX_COMET_WRONG_MAX)
    {
        bounded(tokens, 16 * NGX_COMET_WRONG_MAX, "tokens", h->shape, mode);
    }

    hostile_end(&hostile);
}


static void
test_hostile(void **state)
{
    hostile_t               h;
    const hostile_shape_t  *shape;

    (void) state;

    for (shape = hostile_shapes; shape->name; shape++) {
        hostile_make(&h, shape, BODY_SIZE);

        run_hostile(&h, NGX_COMET_REJECT);
        run_hostile(&h, NGX_COMET_REPAIR);
        run_hostile(&h, NGX_COMET_OBSERVE);

        free(h.body);
    }
}


/* head, n times the unit, joined by commas, and the tail */

static char *
repeat(const char *head, const char *unit, size_t n, const char *tail)
{
    char    *text, *p;
    size_t   i;

    text = malloc(strlen(head) + n * (strlen(unit) + 1) + strlen(tail) + 1);
    assert_non_null(text);

    p = text + sprintf(text, "%s", head);

    for (i = 0; i < n; i++) {
        p += sprintf(p, "%s%s", i ? "," : "", unit);
    }

    sprintf(p, "%s", tail);

    return text;
}


#define M     "{\"model\":\"gpt-4o\","
#define BIAS  M HI ",\"logit_bias\":{"

static void
test_repairs(void **state)
{
    char    *body, *after;
    case_t   row;

    (void) state;

    memset(&row, 0, sizeof(row));

    body = repeat(BIAS, "\"7\":200", NGX_COMET_WRONG_MAX, "}}");
    after = repeat(BIAS, "\"7\":100", NGX_COMET_WRONG_MAX, "}}");

    row.endpoint = CHAT;
    row.setting = &repair;
    row.body = body;
    row.verdict = NGX_COMET_REPAIRED;
    row.after = after;
    row.repairs = "logit_bias=clamped";
    row.param = "logit_bias";
    row.code = VALUE;
    row.part = "logit_bias has 200, but takes -100 to 100; ";

    run(&row);
    assert_int_equal(judge.nedits, NGX_COMET_WRONG_MAX);
    free(body);

    body = repeat(BIAS, "\"7\":200", NGX_COMET_WRONG_MAX + 1,
                  "},\"max_tokens\":1,\"n\":3000}");

    row.body = body;
    row.verdict = NGX_COMET_REFUSED;
    row.after = NULL;
    row.repairs = NULL;
    row.code = "too_many_repairs";
    row.part = "logit_bias has more than 256 values to repair";

    run(&row);
    assert_null(strstr(judge.message, ";"));

    row.setting = &observe;
    row.verdict = NGX_COMET_OBSERVED;
    row.code = VALUE;
    row.part = "logit_bias has 200, but takes -100 to 100; ";

    run(&row);

    row.setting = &reject;
    row.verdict = NGX_COMET_REFUSED;

    run(&row);

    free(body);
    free(after);
}


static void
run_small(const setting_t *setting, const char *text,
    ngx_comet_verdict_e verdict)
{
    char    message[NGX_COMET_SAY_MAX];
    size_t  len, i, step;

    len = strlen(text);

    /* in bytes, and as a whole, which takes other ways */

    for (step = 1; step <= len; step += len - 1) {

        prepare(setting);
        ngx_comet_judge_init(&judge, endpoint_of(CHAT), &policy);

        for (i = 0; i + step <= len; i += step) {
            if (feed(&judge, text + i, step) != 0) {
                break;
            }
        }

        assert_int_equal(ngx_comet_judge_finish(&judge), 0);
        assert_int_equal(judge.verdict, verdict);

        if (verdict != NGX_COMET_PASS) {
            assert_string_equal(judge.code, "too_many_members");
        }

        if (step == 1) {
            strcpy(message, judge.message);
        }

        assert_string_equal(judge.message, message);
        free(judge.edits);
    }
}


/* what stands in a body too often for its bytes */

static void
test_small(void **state)
{
    char    *body;
    size_t   i;

    static const struct {
        const char  *head;
        const char  *unit;
        const char  *tail;
    } rows[] = {
        { M HI ",\"x\":1,", "\"a\":0", "}" },
        { M HI ",\"logit_bias\":{", "\"7\":1", "}}" },
        { M "\"messages\":[{\"role\":\"user\",\"content\":\"\",",
          "\"a\":0", "}]}" },
        { M "\"messages\":[", "{\"role\":\"user\",\"content\":\"\",\"a\":0,"
          "\"b\":0,\"c\":0}", "]}" },
        { M "\"messages\":[{\"role\":\"user\",\"content\":[",
          "{\"type\":\"text\",\"text\":\"\",\"a\":0,\"b\":0,\"c\":0}", "]}]}" }
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        body = repeat(rows[i].head, rows[i].unit, 1300, rows[i].tail);

        run_small(&reject, body, NGX_COMET_PASS);
        run_small(&observe, body, NGX_COMET_PASS);
        free(body);

        body = repeat(rows[i].head, rows[i].unit, 6000, rows[i].tail);

        run_small(&reject, body, NGX_COMET_REFUSED);
        run_small(&repair, body, NGX_COMET_REFUSED);
        run_small(&observe, body, NGX_COMET_OBSERVED);
        free(body);
    }

    /* a long chat with members of its client's own */

    body = repeat(M "\"messages\":[",
                  "{\"role\":\"user\",\"content\":\"yes\","
                  "\"id\":\"msg_0123456\",\"at\":1234567890}",
                  50000, "]}");
    run_small(&reject, body, NGX_COMET_PASS);
    free(body);
}


static void
run_roles(const char *model, size_t n, int last, ngx_comet_verdict_e verdict)
{
    char         head[64], tail[64], *body;
    size_t       len;

    snprintf(head, sizeof(head), last ? "{\"messages\":["
                                      : "{\"model\":\"%s\",\"messages\":[",
             model);
    snprintf(tail, sizeof(tail), last ? "],\"model\":\"%s\"}" : "]}", model);

    body = repeat(head, "{\"role\":\"developer\"}", n, tail);
    len = strlen(body);

    prepare(&repair);
    policy.provider = old_provider;

    ngx_comet_judge_init(&judge, endpoint_of(CHAT), &policy);
    (void) feed(&judge, body, len);

    assert_int_equal(ngx_comet_judge_finish(&judge), 0);
    assert_int_equal(judge.verdict, verdict);

    if (verdict == NGX_COMET_REPAIRED) {
        assert_int_equal(judge.nedits, n);

    } else if (verdict == NGX_COMET_REFUSED) {
        assert_string_equal(judge.code, "too_many_repairs");
        assert_string_equal(judge.param, "messages");
    }

    arena_free(&arena);
    free(body);
}


/* whether a role is to be repaired may be known only behind all of them */

static void
test_roles(void **state)
{
    int  last;

    (void) state;

    for (last = 0; last < 2; last++) {
        run_roles("old", NGX_COMET_WRONG_MAX, last, NGX_COMET_REPAIRED);
        run_roles("old", NGX_COMET_WRONG_MAX + 1, last, NGX_COMET_REFUSED);
        run_roles("o3", 8 * NGX_COMET_WRONG_MAX, last, NGX_COMET_PASS);
    }
}


/* what the judge does not look into any more it still has to be sure of */

static void
test_behind_the_last_that_is_told(void **state)
{
    size_t  i;
    char   *body;
    case_t  row;

    /* what is refused in place of being looked at, or NULL */

    static const struct {
        const char  *tail;
        const char  *param;
        const char  *code;
        const char  *part;
    } tails[] = {
        { ",1,{\"role\":\"x\",\"a\":[{}]}],\"n\":1}", NULL, NULL, NULL },
        { ",{}],\"temperature\":1,\"temperature\":2}", NULL, NULL, NULL },
        { "],\"max_tokens\":[{},{}],\"Max_Tokens\":1}", NULL, NULL, NULL },
        { "],\"model\":\"gpt-5\"}", "model", "ambiguous_parameter",
          "model is there more than once" },
        { "],\"MODEL\":\"gpt-5\"}", "model", "ambiguous_parameter",
          "model is written \"MODEL\"" },
        { "],\"tools\":[{}", "", "invalid_json", "the body is not valid" },
        { "],\"tools\":[{]}", "", "invalid_json", "the body is not valid" },
    };

    static const setting_t  listed = {
        .name = "observe, a list", .mode = NGX_COMET_OBSERVE,
        .admits = "gpt-4o"
    };

    (void) state;

    for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        body = repeat(M "\"messages\":[", "1", NGX_COMET_WRONG_MAX,
                      tails[i].tail);

        memset(&row, 0, sizeof(row));
        row.endpoint = CHAT;
        row.setting = &listed;
        row.body = body;
        row.verdict = NGX_COMET_OBSERVED;
        row.param = "messages[0]";
        row.code = TYPE;
        row.part = "messages[0] must be an object; messages[1] must";

        if (tails[i].code) {
            row.verdict = NGX_COMET_REFUSED;
            row.param = tails[i].param;
            row.code = tails[i].code;
            row.part = tails[i].part;
        }

        run(&row);
        free(body);
    }
}


/* to the nearest double, as strtod() makes it, but for what is tiny */

static void
test_numbers(void **state)
{
    size_t  i;

    static const char  *numbers[] = {
        "0", "-0", "0.0", "-0e9", "1", "-1", "0.1", "1e0", "1E+2", "1e-2",
        "123456789012345", "1234567890123456", "0.000000000000001", "1e22",
        "1e23", "1e-22", "-1.5e-7", "100.00000000000001",
        "99.99999999999999999999999999", "0.1e-5", "00.1", "1e308", "1e-21",
        "9007199254740991", "9007199254740993", "4.35", "0.3e1", "1e400",
        "1000000000000000000000000000000000000000e-39"
    };

    (void) state;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_true(ngx_comet_number(numbers[i]) == strtod(numbers[i], NULL));
    }

    assert_true(ngx_comet_number("1e-307") == 1e-22);
    assert_true(ngx_comet_number("-1e-99999999999") == -1e-22);
    assert_true(ngx_comet_number("0e-99999999999") == 0);
    assert_true(ngx_comet_number("0.0000000000000000000000009") == 1e-22);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_repairs),
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_behind_the_last_that_is_told),
        cmocka_unit_test(test_numbers)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
