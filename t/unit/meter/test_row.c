/* What a row of an endpoint says is all that the judge and the meter need. */

#include "unit.h"

#include "ngx_comet_estimate.h"
#include "ngx_comet_mend.h"
#include "ngx_comet_usage.h"

#include "judge_case.h"


#define OTHERWISE  4096

#define NAME(text)  .name = text, .len = sizeof(text) - 1


static const ngx_comet_field_t  bare_tree[] = {
    { NAME("model"), .types = NGX_COMET_IS_STRING,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_NONEMPTY },
    { NAME("input"), .types = NGX_COMET_IS_STRING },
    { .name = NULL }
};

/* a row and a tree alone */

static const ngx_comet_endpoint_t  bare_row = {
    .name = "bare", .path = "/v1/bare", .fields = bare_tree
};

/* tokens are used, and none are written */

static const ngx_comet_endpoint_t  read_row = {
    .name = "read", .path = "/v1/read", .fields = bare_tree, .ruled = 1,
    .form = NGX_COMET_FORM_CHAT
};

/* tokens are written, and nothing caps them */

static const ngx_comet_endpoint_t  written_row = {
    .name = "written", .path = "/v1/written", .fields = bare_tree, .ruled = 1,
    .form = NGX_COMET_FORM_RESPONSES, .output = 1
};

static const ngx_comet_field_t  capped_tree[] = {
    { NAME("model"), .types = NGX_COMET_IS_STRING,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_NONEMPTY },
    { NAME("max_tokens"), .id = NGX_COMET_PARAM_MAX_TOKENS,
      .types = NGX_COMET_IS_NUMBER,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_INTEGER, .high = 1e9 },
    { NAME("stream"), .id = NGX_COMET_PARAM_STREAM,
      .types = NGX_COMET_IS_BOOL },
    { NAME("stream_options"), .id = NGX_COMET_PARAM_STREAM_OPTIONS,
      .types = NGX_COMET_IS_OBJECT },
    { NAME("input"), .id = NGX_COMET_PARAM_INPUT,
      .types = NGX_COMET_IS_STRING },
    { NAME("prompt"), .id = NGX_COMET_PARAM_PROMPT,
      .types = NGX_COMET_IS_STRING },
    { .name = NULL }
};

/* one name of the cap for all models, and parameters that are tied */

static const ngx_comet_endpoint_t  capped_row = {
    .name = "capped", .path = "/v1/capped", .fields = capped_tree, .ruled = 1,
    .one_of = { NGX_COMET_PARAM_PROMPT, NGX_COMET_PARAM_INPUT },
    .ties = {
        { NGX_COMET_PARAM_INPUT, .excludes = NGX_COMET_PARAM_PROMPT },
        { NGX_COMET_PARAM_STREAM_OPTIONS, .needs = NGX_COMET_PARAM_STREAM }
    },
    .spoken = "capped calls",
    .caps = { NGX_COMET_PARAM_MAX_TOKENS },
    .form = NGX_COMET_FORM_CHAT, .output = 1
};


static const ngx_comet_rule_t  set_cap[] = {
    { "max_completion_tokens", NGX_COMET_RULE_SET, 0, 0, NULL, "77" },
    ngx_comet_rules_end
};

static const setting_t  asks_all = {
    .name = "asks for all", .cap = 1000, .cap_default = 1, .usage = 1,
    .named = 1, .sized = 1
};

static const setting_t  repairs_all = {
    .name = "repairs all", .mode = NGX_COMET_REPAIR, .cap = 1000,
    .cap_default = 1, .usage = 1, .named = 1, .sized = 1
};

static const setting_t  observes_all = {
    .name = "observes all", .mode = NGX_COMET_OBSERVE, .cap = 1000,
    .cap_default = 1, .usage = 1
};

static const setting_t  sets_cap = {
    .name = "sets the cap", .rules = set_cap
};


#define B  "{\"model\":\"gpt-5\",\"input\":\"a\""
#define C  "{\"model\":\"gpt-5\",\"prompt\":\"a\""

static const struct {
    const ngx_comet_endpoint_t  *row;
    const setting_t             *setting;
    const char                  *body;
    const char                  *after;    /* NULL: refused */
    const char                  *part;     /* of the message */
    uint64_t                     output;
} rows[] = {

    /* nothing is put in that the endpoint does not know */

    { &bare_row, &reject, B "}", B "}", "", 0 },
    { &bare_row, &asks_all, B "}", B "}", "", 0 },
    { &bare_row, &repairs_all, B "}", B "}", "", 0 },
    { &bare_row, &observes_all, B "}", B "}", "", 0 },
    { &bare_row, &sets_cap, B "}", B "}", "", 0 },
    { &bare_row, &sets_cap, B ",\"max_tokens\":[]}", B ",\"max_tokens\":[]}",
      "", 0 },
    { &bare_row, &asks_all, B ",\"stream\":true,\"max_tokens\":9999,\"n\":3}",
      B ",\"stream\":true,\"max_tokens\":9999,\"n\":3}", "", 0 },
    { &bare_row, &asks_all, "{\"input\":\"a\"}", NULL, "model is missing", 0 },
    { &bare_row, &observes_all, "{}", "{}", "model is missing", 0 },
    { &bare_row, &reject, "{\"model\":\"gpt-5\",\"input\":1}", NULL,
      "input must be a string", 0 },

    { &read_row, &asks_all, B "}", B "}", "", 0 },
    { &read_row, &sets_cap, B "}", B "}", "", 0 },
    { &read_row, &sets_cap, B ",\"max_tokens\":9}", B ",\"max_tokens\":9}",
      "", 0 },

    { &written_row, &reject, B "}", B "}", "", OTHERWISE },
    { &written_row, &asks_all, B "}", B "}", "", OTHERWISE },
    { &written_row, &repairs_all, B "}", B "}", "", OTHERWISE },
    { &written_row, &observes_all, B "}", B "}", "", OTHERWISE },
    { &written_row, &sets_cap, B "}", B "}", "", OTHERWISE },

    /* a model of responses alone speaks what every model does */

    { &written_row, &reject, "{\"model\":\"o1-pro\"}", "{\"model\":\"o1-pro\"}",
      "", OTHERWISE },
    { &capped_row, &reject, "{\"model\":\"o1-pro\",\"max_tokens\":1}", NULL,
      "does not speak capped calls", 0 },

    /* the cap has its name whatever the model, and is needed */

    { &capped_row, &reject, C ",\"max_tokens\":9}", C ",\"max_tokens\":9}",
      "", 9 },
    { &capped_row, &repairs_all, C ",\"max_tokens\":9000}",
      C ",\"max_tokens\":1000}", "", 1000 },
    { &capped_row, &observes_all, C ",\"max_tokens\":9000}",
      C ",\"max_tokens\":9000}", "at most 1000", 9000 },
    { &capped_row, &observes_all, C ",\"max_completion_tokens\":9}",
      C ",\"max_completion_tokens\":9}", "max_tokens is missing", OTHERWISE },
    { &capped_row, &reject, C "}", NULL, "max_tokens is missing", 0 },
    { &capped_row, &sets_cap, C ",\"max_tokens\":9}", C ",\"max_tokens\":77}",
      "", 77 },

    /* and so is what else the row says; its usage is not asked for */

    { &capped_row, &asks_all, B ",\"max_tokens\":9,\"stream\":true}",
      B ",\"max_tokens\":9,\"stream\":true}", "", 9 },
    { &capped_row, &reject, "{\"model\":\"x\",\"max_tokens\":9}", NULL,
      "prompt is missing", 0 },
    { &capped_row, &reject, B ",\"max_tokens\":9,\"prompt\":\"a\"}", NULL,
      "input and prompt exclude each other", 0 },
    { &capped_row, &reject, C ",\"max_tokens\":9,\"stream_options\":{}}", NULL,
      "stream_options is allowed only when stream is true", 0 },
    { &capped_row, &repair, C ",\"max_tokens\":9,\"stream_options\":{}}",
      C ",\"max_tokens\":9}", "stream_options is allowed only", 9 },
};


static void
check_row(size_t i, size_t cut)
{
    int         rc;
    char       *text;
    size_t      len, n;
    uint64_t    output;

    prepare(rows[i].setting);
    memset(&judge, 0x55, sizeof(judge));

    ngx_comet_judge_init(&judge, rows[i].row, &policy);

    len = strlen(rows[i].body);

    rc = feed(&judge, rows[i].body, cut);

    if (rc == 0) {
        (void) feed(&judge, rows[i].body + cut, len - cut);
    }

    assert_int_equal(ngx_comet_judge_finish(&judge), 0);

    if (strstr(judge.message, rows[i].part) == NULL
        || (rows[i].part[0] == '\0' && judge.violations
            && judge.verdict != NGX_COMET_REPAIRED)
        || (judge.verdict == NGX_COMET_REFUSED) != (rows[i].after == NULL))
    {
        fail_msg("%s: %s: %s\n%s", rows[i].row->name, rows[i].setting->name,
                 rows[i].body, judge.message);
    }

    if (rows[i].after) {
        text = apply(&judge, rows[i].body, len, &n);
        assert_non_null(text);

        if (n != strlen(rows[i].after) || memcmp(text, rows[i].after, n) != 0) {
            fail_msg("%s: %s became %.*s", rows[i].row->name, rows[i].body,
                     (int) n, text);
        }

        free(text);

        output = ngx_comet_estimate_output(&judge, OTHERWISE);
        (void) ngx_comet_estimate_hides(&judge);

        assert_int_equal(output, rows[i].output);
    }

    arena_free(&arena);
}


static void
test_made_up(void **state)
{
    size_t  i, cut;

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (cut = 0; cut <= strlen(rows[i].body); cut++) {
            check_row(i, cut);
        }
    }
}


static void
check_none(const char *answer, int stream, int inject)
{
    char               *tail;
    size_t              len, cut, part;
    ngx_comet_error_t   error;
    ngx_comet_usage_t   usage;

    len = strlen(answer);

    for (cut = 0; cut <= len; cut++) {

        memset(&usage, 0xa5, sizeof(usage));
        ngx_comet_usage_init(&usage, bare_row.form, stream, inject);

        part = ngx_comet_usage_feed(&usage, (unsigned char *) answer, cut);
        assert_int_equal(part, cut);

        part = ngx_comet_usage_feed(&usage, (unsigned char *) answer + cut,
                                    len - cut);
        assert_int_equal(part, len - cut);
        assert_int_equal(usage.hold_from, len);

        if (stream) {
            error = ngx_comet_error_of_status(504);
            tail = ngx_comet_mend(&usage, &error);
            assert_non_null(tail);
            assert_non_null(strstr(tail, "upstream_timeout"));
            free(tail);
        }

        ngx_comet_usage_finish(&usage);

        assert_int_equal(usage.complete, 0);
        assert_int_equal(usage.bad, 0);
        assert_int_equal(usage.numbers[NGX_COMET_USAGE_INPUT], 0);
        assert_int_equal(ngx_comet_usage_produced(&usage), 0);
        assert_int_equal(ngx_comet_usage_exact(&usage), 0);

        ngx_comet_usage_free(&usage);
    }
}


/* what an endpoint without usage answers is read as JSON, and tells nothing */

static void
test_without_usage(void **state)
{
    static const char  body[] =
        "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"a\"}}],"
        "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}";

    static const char  events[] =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,"
        "\"completion_tokens\":4}}\n\n"
        "event: response.completed\n"
        "data: {\"type\":\"response.completed\",\"response\":{\"usage\":{"
        "\"input_tokens\":3,\"output_tokens\":4}}}\n\n"
        "data: [DONE]\n\n";

    (void) state;

    check_none(body, 0, 0);
    check_none(events, 1, 0);
    check_none(events, 1, 1);
}


static void
check_in_tree(const ngx_comet_endpoint_t *endpoint, ngx_comet_param_e id)
{
    const ngx_comet_field_t  *field;

    for (field = endpoint->fields; field && field->name; field++) {
        if (field->id == id) {
            return;
        }
    }

    fail_msg("%s names a parameter that it has not", endpoint->name);
}


/* of the table: what a row names is in its tree, and what it says agrees */

static void
test_table(void **state)
{
    unsigned                     i;
    const ngx_comet_field_t     *field;
    const ngx_comet_endpoint_t  *endpoint;

    (void) state;

    for (endpoint = ngx_comet_endpoint_table; endpoint->name; endpoint++) {

        assert_non_null(endpoint->allow);
        assert_int_not_equal(endpoint->methods, 0);
        assert_true(endpoint->head <= strlen(endpoint->path));
        assert_int_equal(endpoint->part != NULL,
                         strchr(endpoint->path, '*') != NULL);

        for (i = 0; endpoint->one_of[i]; i++) {
            assert_true(i < NGX_COMET_ONE_OF);
            check_in_tree(endpoint, endpoint->one_of[i]);
        }

        for (i = 0; endpoint->ties[i].param; i++) {
            assert_true(i < NGX_COMET_TIES);
            assert_true(!endpoint->ties[i].needs
                        != !endpoint->ties[i].excludes);
            check_in_tree(endpoint, endpoint->ties[i].param);
            check_in_tree(endpoint, endpoint->ties[i].needs
                                    ? endpoint->ties[i].needs
                                    : endpoint->ties[i].excludes);
        }

        for (i = 0; endpoint->caps[i]; i++) {
            assert_true(i < NGX_COMET_CAPS);
            check_in_tree(endpoint, endpoint->caps[i]);
        }

        if (endpoint->cap_of_model) {
            check_in_tree(endpoint, NGX_COMET_PARAM_MAX_TOKENS);
            check_in_tree(endpoint, NGX_COMET_PARAM_MAX_COMPLETION_TOKENS);
        }

        assert_true(endpoint->caps[0] == NGX_COMET_PARAM_OTHER
                    || endpoint->output);
        assert_true(!endpoint->output
                    || endpoint->form != NGX_COMET_FORM_NONE);

        if (endpoint->fields) {
            assert_string_equal(endpoint->fields->name, "model");
        }

        for (i = 0, field = endpoint->fields; field && field->name; field++) {
            i++;
        }

        assert_true(i < NGX_COMET_PARAM_MAX);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_made_up),
        cmocka_unit_test(test_without_usage),
        cmocka_unit_test(test_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
