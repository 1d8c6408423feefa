/*
 * Events that are told by another one: whether they are, what is counted of
 * them, and that it is the same as if each is read in full.
 */

#include "unit.h"

#include <stdio.h>

#include "usage_run.h"
#include "usage_make.h"
#include "ngx_comet_mend.h"


#define HEAD  "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{"     \
              "\"content\":\""
#define TAIL  "\"},\"finish_reason\":null}],\"usage\":null,"                  \
              "\"obfuscation\":\"aB\"}\n\n"
#define SAY(text)  HEAD text TAIL

#define DELTA(text, n)                                                        \
    "event: response.output_text.delta\r\ndata: {\"type\":"                   \
    "\"response.output_text.delta\",\"delta\":\"" text                        \
    "\",\"obfuscation\":\"\",\"sequence_number\":" n "}\r\n\r\n"


typedef struct {
    int          responses;
    const char  *first;
    const char  *second;
    int          alike;
    uint64_t     bytes;         /* of both */
    uint64_t     sequence;
} alike_case_t;


static const alike_case_t  cases[] = {
    { 0, SAY("one"), SAY("three"), 1, 8, 0 },
    { 0, SAY("one"), SAY(""), 1, 3, 0 },
    { 0, SAY("one"), SAY("\\n\\\"\\u20ac\\ud83d\\ude00"), 1, 12, 0 },
    { 0, SAY("one"), SAY("\xe2\x82\xac"), 1, 6, 0 },
    { 0, SAY("\\n"), SAY("a\\\\"), 1, 3, 0 },
    { 0, SAY("one"), HEAD "two\"},\"finish_reason\":null}],\"usage\":null,"
      "\"obfuscation\":\"more\"}\n\n", 1, 6, 0 },

    /* another event */

    { 0, SAY("one"), "data: {\"choices\":[]}\n\n", 0, 3, 0 },
    { 0, SAY("one"), HEAD "two\"},\"finish_reason\":\"stop\"}]}\n\n", 0, 6,
      0 },
    { 0, SAY("one"), HEAD "two\",\"content\":\"three" TAIL, 0, 11, 0 },
    { 0, SAY("one"), ": comment\n\n" SAY("two"), 0, 6, 0 },
    { 0, SAY("one"), "\xef\xbb\xbf" SAY("two"), 0, 3, 0 },

    /* no string, not whole */

    { 0, SAY("one"), SAY("\t"), 0, 3, 0 },
    { 0, SAY("one"), SAY("\\x"), 0, 3, 0 },

    /* what is replaced is read in full */

    { 0, SAY("one"), SAY("\\ud83d"), 0, 6, 0 },
    { 0, SAY("one"), SAY("\x80"), 0, 6, 0 },
    { 0, SAY("\\ud83d"), SAY("two"), 1, 6, 0 },
    { 0, SAY("\x80"), SAY("two"), 1, 6, 0 },
    { 0, SAY("one"), HEAD "two", 0, 3, 0 },
    { 0, SAY("one"), SAY("two\n"), 0, 3, 0 },
    { 0, SAY("one"), HEAD "two\"},\"finish_reason\":null}],\"usage\":null,"
      "\"obfuscation\":\"\x80\"}\n\n", 0, 6, 0 },

    /* what cannot tell of others */

    { 0, SAY(""), SAY("two"), 0, 3, 0 },
    { 0, HEAD "one\",\"refusal\":\"x" TAIL, HEAD "two\",\"refusal\":\"x" TAIL,
      0, 8, 0 },
    { 0, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}},"
      "{\"delta\":{\"content\":\"b\"}}]}\n\n",
      "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}},"
      "{\"delta\":{\"content\":\"b\"}}]}\n\n", 0, 4, 0 },
    { 0, "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"a\"}}]}\n\n",
      "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"a\"}}]}\n\n", 0,
      2, 0 },

    { 1, DELTA("one", "7"), DELTA("two", "10"), 1, 6, 11 },
    { 1, DELTA("one", "7"), DELTA("two", "0"), 1, 6, 1 },
    { 1, DELTA("one", "7"), DELTA("two", "999999999999"), 1, 6,
      1000000000000 },
    { 1, DELTA("one", "7"), DELTA("two", "1000000000001"), 0, 6, 8 },
    { 1, DELTA("one", "7"), DELTA("two", "08"), 0, 3, 8 },
    { 1, DELTA("one", "7"), DELTA("two", "8.0"), 0, 6, 8 },
    { 1, DELTA("one", "7"), DELTA("two", "-8"), 0, 6, 8 },
    { 1, DELTA("one", "7"), DELTA("two", ""), 0, 3, 8 },
    { 1, DELTA("one", "7"), DELTA("two", "8e1"), 0, 6, 8 },
    { 1, "data: {\"type\":\"x\",\"delta\":\"one\"}\n\n",
      "data: {\"type\":\"x\",\"delta\":\"one\"}\n\n", 0, 0, 0 },
    { 0, NULL, NULL, 0, 0, 0 }
};


static void
test_cases(void **state)
{
    size_t               n;
    char                 text[2048];
    ngx_comet_usage_t    usage;
    const alike_case_t  *c;

    (void) state;

    for (c = cases; c->first; c++) {
        ngx_comet_usage_init(&usage, c->responses
                                     ? NGX_COMET_FORM_RESPONSES
                                     : NGX_COMET_FORM_CHAT, 1, 0);

        /* the first one is not: a mark could stand before it */

        n = (size_t) snprintf(text, sizeof(text), ": x\n\n%s", c->first);
        (void) ngx_comet_usage_feed(&usage, (unsigned char *) ": x\n\n", 5);
        (void) ngx_comet_usage_feed(&usage, (unsigned char *) text + 5,
                                    n - 5);
        assert_int_equal(usage.sse.start, 5);

        (void) ngx_comet_usage_feed(&usage, (unsigned char *) c->second,
                                    strlen(c->second));
        ngx_comet_usage_settle(&usage);
        ngx_comet_usage_free(&usage);

        /* only who splits it notices where an event begins */

        if ((usage.sse.start == 5) != c->alike
            || usage.bytes != c->bytes || usage.sequence != c->sequence)
        {
            fail_msg("%s%s: %s, %llu bytes, next is %llu", c->first,
                     c->second, usage.sse.start == 5 ? "alike" : "not alike",
                     (unsigned long long) usage.bytes,
                     (unsigned long long) usage.sequence);
        }
    }
}


/* where every event comes cut, at any place: the first is learned from */

static void
check_learned(int responses, const char *first, const char *const *events,
    size_t cut, size_t again)
{
    size_t             i, at, n, len;
    ngx_comet_usage_t  usage;

    ngx_comet_usage_init(&usage, responses ? NGX_COMET_FORM_RESPONSES
                                           : NGX_COMET_FORM_CHAT, 1, 0);

    (void) ngx_comet_usage_feed(&usage, (unsigned char *) ": x\n\n", 5);

    /* one that is learned from, but that the others differ from */

    if (first) {
        (void) ngx_comet_usage_feed(&usage, (unsigned char *) first,
                                    strlen(first));
        assert_non_null(usage.alike);
    }

    for (i = 0; events[i]; i++) {
        len = strlen(events[i]);

        for (at = 0; at < len; at += n) {
            n = at ? again : cut;
            n = n < len - at ? n : len - at;

            (void) ngx_comet_usage_feed(&usage, (unsigned char *) events[i]
                                                + at, n);
        }

        /* only who splits it notices where an event begins */

        if (usage.alike == NULL
            || usage.sse.start != 5 + (first ? strlen(first) : 0))
        {
            fail_msg("%s is not alike, cut at %zu", events[i], cut);
        }
    }

    assert_int_equal(usage.events, i + (first != NULL));
    assert_int_equal(usage.bytes, 11 + 5 * (first != NULL));

    ngx_comet_usage_settle(&usage);
    ngx_comet_usage_free(&usage);
}


static void
test_learned_from_pieces(void **state)
{
    size_t  cut, again;

    static const char *const  chat[] = {
        SAY("one"), SAY("three"), SAY("\\n\xc3\xa9"), NULL
    };

    static const char *const  responses[] = {
        DELTA("one", "7"), DELTA("three", "8"), DELTA("\\n\xc3\xa9", "10"),
        NULL
    };

    (void) state;

    for (cut = 1; cut < strlen(SAY("one")); cut++) {
        for (again = 1; again < 128; again *= 2) {
            check_learned(0, NULL, chat, cut, again);
            check_learned(0, SAY("first\",\"role\":\"assistant"), chat, cut,
                          again);
        }
    }

    for (cut = 1; cut < strlen(DELTA("one", "7")); cut++) {
        for (again = 1; again < 256; again *= 2) {
            check_learned(1, NULL, responses, cut, again);
            check_learned(1, DELTA("first", "1,\"item_id\":\"x\""), responses,
                          cut, again);
        }
    }
}


static void
check_cuts(const usage_run_t *whole, const usage_form_t *form,
    const writer_t *w)
{
    size_t       i, n, turn, *cuts;
    usage_run_t  run;

    cuts = malloc(w->len * sizeof(size_t));
    assert_non_null(cuts);

    for (turn = 0; turn < 5; turn++) {
        n = 0;

        for (i = 0; i < w->len; i += turn > 1 ? 1 + number_below(700) : 1) {
            cuts[n++] = i;
        }

        usage_alone = (turn == 1);
        usage_run(&run, form, (unsigned char *) w->text, w->len, cuts, n);
        usage_alone = 0;

        if (!usage_run_same(&run, whole)) {
            usage_run_print("whole", whole);
            usage_run_print("in pieces", &run);
            fail_msg("cuts make a difference");
        }

        free(run.out);
    }

    free(cuts);
}


static void
put_like(writer_t *w, int responses, unsigned i, const char *eol)
{
    char        text[64];
    const char  *end;

    if (responses) {
        put(w, "event: response.output_text.delta");
        put(w, eol);
        put(w, "data: {\"type\":\"response.output_text.delta\",\"delta\":");
        put_string(w);
        snprintf(text, sizeof(text), ",\"sequence_number\":%u", i);
        put(w, text);

    } else {
        put(w, "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
               "{\"content\":");
        put_string(w);
        put(w, "}}]");
    }

    put(w, ",\"obfuscation\":");
    put_string(w);
    end = number_below(20) ? "}" : number_below(5) ? ",\"usage\":null}" : "]";
    put(w, end);
    put(w, eol);
    put(w, eol);
}


/* events that are alike, with a byte here and there that is another one */

static void
test_alike(void **state)
{
    size_t                    i, n, broken, exact;
    writer_t                  w;
    usage_run_t               whole, model;
    usage_form_t              form;
    const char               *eol;
    static const char *const  eols[] = { "\n", "\r\n", "\r" };

    (void) state;

    memset(&w, 0, sizeof(writer_t));
    broken = 0;
    exact = 0;

    for (i = 0; i < 1000; i++) {
        random_state = i;
        form.responses = i % 2;
        form.stream = 1;
        form.inject = i % 3 == 0;
        eol = eols[i % 5 < 3 ? 0 : i % 5 - 2];

        w.len = 0;
        w.odd = 1;

        for (n = 0; n < 12; n++) {
            put_like(&w, form.responses, (unsigned) n * 7, eol);
        }

        if (i % 2 == 0) {
            put(&w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
                    "\"completion_tokens\":2}}\n\ndata: [DONE]\n\n");
        }

        usage_run(&whole, &form, (unsigned char *) w.text, w.len, NULL, 0);
        usage_model(&model, &form, (unsigned char *) w.text, w.len);
        assert_true(usage_run_same(&whole, &model));

        broken += (size_t) whole.broken;
        exact += (size_t) whole.exact;

        check_cuts(&whole, &form, &w);
        free(whole.out);
        free(model.out);

        for (n = number_below(4); n; n--) {
            w.text[number_below((unsigned) w.len)] =
                                    "\"\\\n\r{}[],:0x\x80\xc3 "[i % 15];
        }

        usage_run(&whole, &form, (unsigned char *) w.text, w.len, NULL, 0);
        check_cuts(&whole, &form, &w);
        free(whole.out);
    }

    /* the generator makes both */

    assert_true(broken > 20);
    assert_true(exact > 200);

    free(w.text);
}


/* a comment goes on at once, and is there though the chunk behind it is cut */

static void
test_comments(void **state)
{
    size_t        i, cuts[2];
    usage_run_t   run;
    usage_form_t  form = { 0, 1, 1 };
    const char   *kept = SAY("one") ": comment\n\n" SAY("two")
                         ": comment\n\n";
    const char   *text = SAY("one") ": comment\n\n" SAY("two")
                         ": comment\n\ndata: {\"choices\":[],\"usage\":{"
                         "\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n";

    (void) state;

    cuts[0] = strlen(SAY("one"));

    for (i = cuts[0]; i < strlen(text); i++) {
        cuts[1] = i;
        usage_run(&run, &form, (const unsigned char *) text, strlen(text),
                  cuts, 2);

        assert_int_equal(run.exact, 1);
        assert_int_equal(run.len, strlen(kept));
        assert_memory_equal(run.out, kept, run.len);

        free(run.out);
    }
}


/* a break in an event that is alike so far: as if each were read in full */

static void
test_break(void **state)
{
    int                 turn;
    char               *tails[2];
    size_t              i, n, at, len, step;
    writer_t            w;
    ngx_comet_error_t   error = { 502, "t", "c", NULL, "m" };
    ngx_comet_usage_t   usage;

    (void) state;

    memset(&w, 0, sizeof(writer_t));

    for (i = 0; i < 20; i++) {
        random_state = i;
        w.len = 0;
        w.odd = 1;

        for (n = 0; n < 3; n++) {
            put_like(&w, (int) i % 2, (unsigned) n + 8, "\r\n");
        }

        for (len = 0; len <= w.len; len++) {

            for (turn = 0; turn < 2; turn++) {
                ngx_comet_usage_init(&usage, i % 2
                                             ? NGX_COMET_FORM_RESPONSES
                                             : NGX_COMET_FORM_CHAT, 1, 0);
                step = turn ? 1 : w.len / 3;

                for (at = 0; at < len; at += n) {
                    n = len - at < step ? len - at : step;
                    assert_int_equal(ngx_comet_usage_feed(&usage,
                                             (unsigned char *) w.text + at, n),
                                     n);
                    assert_int_equal(usage.hold_from, at + n);

                    if (turn) {
                        usage_run_forget(&usage);
                    }
                }

                tails[turn] = ngx_comet_mend(&usage, &error);
                assert_non_null(tails[turn]);
                ngx_comet_usage_free(&usage);
            }

            assert_string_equal(tails[0], tails[1]);
            free(tails[0]);
            free(tails[1]);
        }
    }

    free(w.text);
}


/* whatever room there is from one before */

static void
test_size(void **state)
{
    size_t                  len;
    unsigned char           text[NGX_COMET_ALIKE_SIZE + 8];
    ngx_comet_alike_t      *alike;
    ngx_comet_alike_part_t  part = { NGX_COMET_ALIKE_TEXT, 2, 6 };

    (void) state;

    alike = NULL;
    memset(text, 'x', sizeof(text));

    for (len = NGX_COMET_ALIKE_SIZE + 2; len < sizeof(text); len++) {
        ngx_comet_alike_learn(&alike, text, len, &part, 1);
        assert_int_equal(alike != NULL, len - 2 <= NGX_COMET_ALIKE_SIZE);
    }

    free(alike);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_learned_from_pieces),
        cmocka_unit_test(test_alike),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_break),
        cmocka_unit_test(test_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
