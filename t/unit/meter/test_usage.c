/*
 * The splitter of event streams and the meter: by hand-written answers with
 * what must come of them, and by generated ones beside a simple model; each
 * in pieces, cut at every byte, at random and not at all.
 */

#include "unit.h"

#include <stdio.h>

#include "usage_run.h"
#include "usage_make.h"
#include "usage_cases.h"
#include "ngx_comet_mend.h"


static void
describe(char *text, size_t size, const usage_run_t *run)
{
    snprintf(text, size, "%s %llu %llu %llu %llu %s%s %s %s produced %llu",
             run->exact ? "exact" : run->bad ? "bad"
             : run->broken ? "broken" : run->complete ? "partial" : "unknown",
             (unsigned long long) run->numbers[0],
             (unsigned long long) run->numbers[1],
             (unsigned long long) run->numbers[2],
             (unsigned long long) run->numbers[3],
             run->ended ? "ended" : "open", run->error ? " error" : "",
             run->finish[0] ? run->finish : "-",
             run->model[0] ? run->model : "-",
             (unsigned long long) run->produced);
}


static void
check_cuts(const usage_run_t *whole, const usage_form_t *form,
    const unsigned char *text, size_t len, const size_t *cuts, size_t ncuts)
{
    usage_run_t  run;

    usage_run(&run, form, text, len, cuts, ncuts);

    if (!usage_run_same(&run, whole)) {
        usage_run_print("whole", whole);
        usage_run_print("in pieces", &run);
        fail_msg("cuts make a difference: %zu of them, the first at %zu",
                 ncuts, cuts[0]);
    }

    free(run.out);
}


/* at every byte at once, at each byte, and at random */

static void
check_all_cuts(const usage_run_t *whole, const usage_form_t *form,
    const unsigned char *text, size_t len, unsigned step)
{
    size_t   i, n, *cuts;

    cuts = malloc((len + 1) * sizeof(size_t));
    assert_non_null(cuts);

    for (i = 0; i < len; i++) {
        cuts[i] = i;
    }

    check_cuts(whole, form, text, len, cuts, len);

    for (i = 0; i <= len; i += step) {
        cuts[0] = i;
        check_cuts(whole, form, text, len, cuts, 1);
    }

    for (i = 0; i < 8; i++) {
        cuts[0] = 0;

        for (n = 1; n < len && cuts[n - 1] < len; n++) {
            cuts[n] = cuts[n - 1] + number_below(60);
        }

        n -= n && cuts[n - 1] > len;
        check_cuts(whole, form, text, len, cuts, n);
    }

    free(cuts);
}


static void
test_cases(void **state)
{
    char                 results[512];
    size_t               len;
    usage_run_t          run;
    const char          *out;
    const usage_case_t  *c;

    (void) state;

    for (c = cases; c->what; c++) {
        len = strlen(c->text);
        out = c->out ? c->out : c->text;

        usage_run(&run, &c->form, (const unsigned char *) c->text, len, NULL,
                  0);
        describe(results, sizeof(results), &run);

        if (strcmp(results, c->results) != 0) {
            fail_msg("%s:\n%s\nbut should be\n%s", c->what, results,
                     c->results);
        }

        if (run.len != strlen(out) || memcmp(run.out, out, run.len) != 0) {
            fail_msg("%s: sent is\n%.*s\nbut should be\n%s", c->what,
                     (int) run.len, run.out, out);
        }

        check_all_cuts(&run, &c->form, (const unsigned char *) c->text, len,
                       1);
        free(run.out);
    }
}


static void
test_generated(void **state)
{
    size_t        i, exact, cut, broken, bad;
    writer_t      w;
    usage_run_t   run, model;
    usage_form_t  form;

    (void) state;

    memset(&w, 0, sizeof(writer_t));
    exact = 0;
    broken = 0;
    bad = 0;
    cut = 0;

    for (i = 0; i < 1500; i++) {
        random_state = i;
        form.responses = i % 2;
        form.stream = i % 3 > 0;
        form.inject = (i % 5 > 1);

        w.len = 0;
        w.odd = (i % 7 > 1);
        put_answer(&w, &form);

        usage_run(&run, &form, (unsigned char *) w.text, w.len, NULL, 0);
        usage_model(&model, &form, (unsigned char *) w.text, w.len);

        if (!usage_run_same(&run, &model)) {
            usage_run_print("meter", &run);
            usage_run_print("model", &model);
            fail_msg("answer %zu:\n%s", i, w.text);
        }

        exact += (size_t) run.exact;
        broken += (size_t) run.broken;
        bad += (size_t) run.bad;
        cut += run.len < w.len;

        check_all_cuts(&run, &form, (unsigned char *) w.text, w.len, 13);
        free(run.out);
        free(model.out);
    }

    /* the generator makes all of them */

    assert_true(exact > 150);
    assert_true(broken > 10);
    assert_true(bad > 25);
    assert_true(cut > 50);

    free(w.text);
}


/*
 * What readers replace, or take for a number: such an answer says the same as
 * one that has what it becomes.
 */

static size_t
make_lax(writer_t *lax, const char *text)
{
    size_t                    n, high;
    char                      one[2];
    static const char *const  replaced[] = {
        "\\ud800", "\\uDBfF", "\\udc00", "\\uDFFF", "\xff", "\xc3", "\xe2\x82",
        "\xf0\x9f\x98", "\xc0"
    };
    static const char *const  numbers[] = { "NaN", "Infinity", "-Infinity" };

    one[1] = '\0';
    lax->len = 0;
    high = 0;

    for (n = 0; *text; /* void */ ) {

        if (strncmp(text, "\\ufffd", 6) == 0) {

            /* a low surrogate would make a pair of a high one before it */

            high = number_below(high == lax->len ? 2 : 9);
            put(lax, replaced[high]);
            high = high < 2 ? lax->len : 0;
            text += 6;
            n++;

        } else if (strncmp(text, "1.5e300", 7) == 0) {
            put(lax, any_of(numbers, 3));
            text += 7;
            n++;

        } else {
            one[0] = *text++;
            put(lax, one);
        }
    }

    return n;
}


static void
test_lax(void **state)
{
    size_t        i, n;
    writer_t      w, lax;
    usage_run_t   run, same;
    usage_form_t  form;

    (void) state;

    memset(&w, 0, sizeof(writer_t));
    memset(&lax, 0, sizeof(writer_t));
    n = 0;

    for (i = 0; i < 900; i++) {
        random_state = i + 90000;
        form.responses = i % 2;
        form.stream = i % 3 > 0;
        form.inject = (i % 5 > 1);

        w.len = 0;
        w.odd = 1;
        put_answer(&w, &form);
        n += make_lax(&lax, w.text);

        usage_run(&run, &form, (unsigned char *) w.text, w.len, NULL, 0);
        usage_run(&same, &form, (unsigned char *) lax.text, lax.len, NULL, 0);

        free(run.out);
        run.out = same.out;
        run.len = same.len;

        if (!usage_run_same(&run, &same)) {
            usage_run_print("strict", &run);
            usage_run_print("lax", &same);
            fail_msg("answer %zu:\n%s\n%s", i, w.text, lax.text);
        }

        check_all_cuts(&same, &form, (unsigned char *) lax.text, lax.len, 13);
        free(same.out);
    }

    assert_true(n > 900);

    free(lax.text);
    free(w.text);
}


/* bytes of any kind: nothing but the cuts, and what is sent, can be judged */

static void
test_noise(void **state)
{
    size_t                    i, len, n;
    char                      text[400];
    usage_run_t               run;
    usage_form_t              form;
    const char               *part;
    static const char *const  parts[] = {
        "data: ", "data", "\n", "\r", "\n\n", "\r\n", ": ", "{", "}", "[",
        "]", "\"choices\":", "\"usage\":", ",", "[DONE]", "[D", "1", "\"x\"",
        "\xef\xbb\xbf", "\xef", "{\"choices\":[],\"usage\":{}}", "null",
        "\"prompt_tokens\":1", "\"completion_tokens\":2", " "
    };

    (void) state;
    random_state = 7;

    for (i = 0; i < 2000; i++) {
        len = 0;

        for (n = number_below(30); n; n--) {
            part = any_of(parts, sizeof(parts) / sizeof(parts[0]));
            memcpy(text + len, part, strlen(part));
            len += strlen(part);
        }

        form.responses = (i % 4 == 3);
        form.stream = (i % 8 != 7);
        form.inject = (i % 2 == 0);

        usage_run(&run, &form, (unsigned char *) text, len, NULL, 0);
        assert_true(run.len <= len);
        assert_true(form.inject || run.len == len);
        check_all_cuts(&run, &form, (unsigned char *) text, len, 3);
        free(run.out);
    }
}


/* an event is held for 8 KB at most, and a longer one is not the chunk */

static void
test_hold(void **state)
{
    int            more;
    size_t         len;
    writer_t       w;
    usage_run_t    run;
    usage_form_t   form = INJECTED;
    const char    *head = "data: {\"choices\":[],\"id\":\"";
    const char    *tail = "\"," USAGE("1", "2") "}\n\n";
    const size_t   done = strlen(DONE);

    (void) state;

    for (more = -1; more < 2; more++) {
        memset(&w, 0, sizeof(writer_t));
        len = (size_t) (NGX_COMET_USAGE_HOLD_MAX + more) - strlen(tail);

        for (put(&w, head); w.len < len; put(&w, "x")) {
            /* void */
        }

        put(&w, tail);
        assert_int_equal(w.len, NGX_COMET_USAGE_HOLD_MAX + more);
        put(&w, DONE);

        usage_run(&run, &form, (unsigned char *) w.text, w.len, NULL, 0);
        assert_int_equal(run.exact, 1);
        assert_int_equal(run.len, more > 0 ? w.len : done);
        check_all_cuts(&run, &form, (unsigned char *) w.text, w.len, 97);

        free(run.out);
        free(w.text);
    }
}


/* what is withheld, and no longer than it must be */

static void
test_at_once(void **state)
{
    ngx_comet_usage_t    usage;
    const char          *p;
    const char          *text =
        ": comment\nid: 1\ndata: {\"id\":\"x\",\"choices\":[{";
    const char          *rest = "\"delta\":{}}]}\n\n: comment";

    (void) state;

    ngx_comet_usage_init(&usage, NGX_COMET_FORM_CHAT, 1, 1);

    for (p = text; *p; p++) {
        (void) ngx_comet_usage_feed(&usage, (const unsigned char *) p, 1);
        assert_int_equal(usage.hold_from,
                         p < text + 10 || p[1] == '\0' ? p + 1 - text : 10);
    }

    for (p = rest; *p; p++) {
        (void) ngx_comet_usage_feed(&usage, (const unsigned char *) p, 1);
        assert_int_equal(usage.hold_from, strlen(text) + (size_t) (p - rest)
                                          + 1);
    }

    (void) ngx_comet_usage_feed(&usage, (const unsigned char *) "\ndata: [",
                                8);
    assert_int_equal(usage.hold_from, usage.sse.offset - 7);
    (void) ngx_comet_usage_feed(&usage, (const unsigned char *) "1", 1);
    assert_int_equal(usage.hold_from, usage.sse.offset);

    ngx_comet_usage_free(&usage);

    assert_true(sizeof(ngx_comet_usage_t) <= 512);
}


/* the stream that was cut, and what is put behind it, are events to the end */

static void
check_mended(const usage_run_t *run, const usage_form_t *form,
    const usage_run_t *whole, const char *tail)
{
    size_t          at, next, len, n, both;
    cJSON          *json, *item, *error;
    unsigned char  *text;
    const char     *type;
    usage_event_t   event, same;

    n = strlen(tail);
    len = run->len + n;
    text = malloc(len + 1);
    assert_non_null(text);
    memcpy(text, run->out, run->len);
    memcpy(text + run->len, tail, n + 1);

    json = NULL;
    both = 0;

    for (at = 0; (next = usage_event_next(&event, text, at, len)); at = next) {

        cJSON_Delete(json);
        event.text[event.len] = '\0';
        json = cJSON_ParseWithLengthOpts((char *) event.text, event.len + 1,
                                         NULL, 1);

        /* an event that was whole stays what it was */

        if (event.end <= run->len) {
            both = usage_event_next(&same, whole->out, both, whole->len);
            assert_true(both > 0);
            assert_int_equal(event.len, same.len);
            assert_memory_equal(event.text, same.text, event.len);
            free(same.text);
        }

        free(event.text);
        event.text = NULL;
    }

    free(event.text);

    if (at != len || json == NULL) {
        fail_msg("no event in the end:\n%s", (char *) text);
    }

    /* of two of a name readers take the last */

    type = "";
    error = NULL;

    cJSON_ArrayForEach(item, json) {
        if (strcmp(item->string, "type") == 0) {
            type = usage_model_string(item);
        }

        if (strcmp(item->string, "error") == 0) {
            error = item;
        }
    }

    assert_string_equal(form->responses ? "error" : "", type);
    assert_non_null(cJSON_GetObjectItem(error, "message"));
    assert_non_null(cJSON_GetObjectItem(error, "param"));

    cJSON_Delete(json);
    free(text);
}


static void
test_mend(void **state)
{
    char               *tail;
    size_t              i, k, cut, separate, made;
    uint64_t            gone;
    writer_t            w;
    usage_run_t         run, whole;
    usage_form_t        form;
    ngx_comet_error_t   error;
    ngx_comet_usage_t   usage;

    (void) state;

    error = ngx_comet_error_of_status(502);
    memset(&w, 0, sizeof(writer_t));
    separate = 0;
    made = 0;

    for (i = 0; i < 120; i++) {
        random_state = i + 5000;
        form.responses = i % 2;
        form.stream = 1;
        form.inject = i % 3 == 1;

        w.len = 0;
        w.odd = (i % 5 > 1);
        put_answer(&w, &form);

        usage_run(&whole, &form, (unsigned char *) w.text, w.len, NULL, 0);

        for (cut = i % 3; cut < w.len; cut += 3) {
            memset(&run, 0, sizeof(run));
            run.out = malloc(w.len + 1);
            assert_non_null(run.out);
            gone = 0;

            ngx_comet_usage_init(&usage, form.responses
                                         ? NGX_COMET_FORM_RESPONSES
                                         : NGX_COMET_FORM_CHAT,
                                 1, form.inject);

            for (k = 0; k + 50 < cut; k += 50) {
                usage_run_piece(&run, &usage, (unsigned char *) w.text, k,
                                k + 50, &gone);
            }

            usage_run_piece(&run, &usage, (unsigned char *) w.text, k, cut,
                            &gone);

            if (usage.ended || usage.error) {
                ngx_comet_usage_free(&usage);
                free(run.out);
                continue;
            }

            tail = ngx_comet_mend(&usage, &error);
            assert_non_null(tail);
            made++;
            separate += strstr(tail, "data: {") != NULL;

            check_mended(&run, &form, &whole, tail);

            ngx_comet_usage_free(&usage);
            free(tail);
            free(run.out);
        }

        free(whole.out);
    }

    /* both ways are taken */

    assert_true(separate > made / 50);
    assert_true(made - separate > made / 4);

    free(w.text);
}


typedef struct {
    usage_form_t         form;
    const char          *sent;
    const char          *tail;
} mend_case_t;


#define ERROR  "\"error\":{\"message\":\"m\",\"type\":\"t\","               \
               "\"param\":null,\"code\":\"c\"}"

static const mend_case_t  mend_cases[] = {
    { CHAT_STREAM, "", "data: {" ERROR "}\n\n" },
    { CHAT_STREAM, DATA("{}"), "data: {" ERROR "}\n\n" },
    { CHAT_STREAM, "data: {}\r\r", "\ndata: {" ERROR "}\n\n" },
    { CHAT_STREAM, "data: {}\r", "\n\ndata: {" ERROR "}\n\n" },
    { CHAT_STREAM, "data: {}", "\n\ndata: {" ERROR "}\n\n" },
    { CHAT_STREAM, ": com", "\ndata: {" ERROR "}\n\n" },
    { CHAT_STREAM, "da", "\ndata: {" ERROR "}\n\n" },
    { CHAT_STREAM, "data", "\ndata: {" ERROR "}\n\n" },
    { CHAT_STREAM, "data:", "{" ERROR "}\n\n" },
    { CHAT_STREAM, "data: ", "{" ERROR "}\n\n" },
    { CHAT_STREAM, "data: {", ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a", "\":0," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\"", ":0," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":", "0," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":-", "0," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":1", "," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":1.5e", "0," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":tr", "ue," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":\"x\\", "\\\"," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":\"x\\u0", "020\"," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":\"\\ud83d", "\\udc00\"," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":\"\\ud83d\\ud", "c00\"," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":\"\xf0\x9f", "\x80\x80\"," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":\"\xe0", "\xa0\x80\"," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":1,", ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":[{\"b\":1,", "\"\":0}]," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":[[1,{", "}]]," ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":1,\n", "data:" ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":1,\r: c", "\ndata:" ERROR "}\n\n" },
    { CHAT_STREAM, "data: {\"a\":\"\n", "\ndata: {" ERROR "}\n\n" },
    { CHAT_STREAM, "data: [DO", "\n\ndata: {" ERROR "}\n\n" },
    { CHAT_STREAM, "data: [{", "\n\ndata: {" ERROR "}\n\n" },
    { CHAT_STREAM, "data: {]", "\n\ndata: {" ERROR "}\n\n" },
    { INJECTED, "data: {\"usage\":{", "data: {" ERROR "}\n\n" },
    { RESPONSES_STREAM, "event: x\ndata: {\"sequence_number\":4,",
      ERROR ",\"type\":\"error\",\"code\":\"c\",\"message\":\"m\","
      "\"param\":null,\"sequence_number\":5}\nevent: error\n\n" },
    { RESPONSES_STREAM, "event: x",
      "\nevent: error\ndata: {" ERROR ",\"type\":\"error\",\"code\":\"c\","
      "\"message\":\"m\",\"param\":null,\"sequence_number\":0}\n\n" },
    { CHAT, NULL, NULL }
};


static void
test_mend_cases(void **state)
{
    char               *tail;
    ngx_comet_error_t   error = { 502, "t", "c", NULL, "m" };
    ngx_comet_usage_t   usage;
    const mend_case_t  *c;

    (void) state;

    for (c = mend_cases; c->sent; c++) {
        ngx_comet_usage_init(&usage, c->form.responses
                                     ? NGX_COMET_FORM_RESPONSES
                                     : NGX_COMET_FORM_CHAT,
                             1, c->form.inject);
        (void) ngx_comet_usage_feed(&usage, (const unsigned char *) c->sent,
                                    strlen(c->sent));
        tail = ngx_comet_mend(&usage, &error);
        assert_non_null(tail);

        if (strcmp(tail, c->tail) != 0) {
            fail_msg("behind %s\nis %s\nnot %s", c->sent, tail, c->tail);
        }

        ngx_comet_usage_free(&usage);
        free(tail);
    }
}


/* what is longer than is kept of a text: the rest of a type is not known */

static void
test_long(void **state)
{
    size_t          i, j;
    writer_t        w;
    usage_run_t     run;
    unsigned char  *text;

    static const struct {
        usage_form_t  form;
        const char   *head, *tail;
        size_t        len, bytes;
    } answers[] = {
        { CHAT_STREAM, "data: {\"choices\":[{\"delta\":{\"content\":\"",
          "\"}}]}\n\n", 40000, 40000 },
        { RESPONSES_STREAM, "data: {\"delta\":\"text\",\"type\":\"",
          ".delta\"}\n\n", NGX_COMET_TEXT_MAX, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        memset(&w, 0, sizeof(writer_t));
        put(&w, answers[i].head);

        for (j = 0; j < answers[i].len; j++) {
            put(&w, "x");
        }

        put(&w, answers[i].tail);
        text = (unsigned char *) w.text;
        usage_run(&run, &answers[i].form, text, w.len, NULL, 0);
        assert_int_equal(run.bytes, answers[i].bytes);
        check_all_cuts(&run, &answers[i].form, text, w.len, 997);

        free(run.out);
        free(w.text);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_generated),
        cmocka_unit_test(test_lax),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_mend),
        cmocka_unit_test(test_mend_cases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
