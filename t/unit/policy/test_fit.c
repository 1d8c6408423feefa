#include "unit.h"
#include "judge_case.h"


/* a call that names one model and goes to another */

#define ROUTE(mode_, from_, to_)                                              \
    &(setting_t) { .name = from_ " to " to_, .mode = mode_, .from = from_,    \
                   .to = to_ }

#define MODEL(name)  "\"model\":\"" name "\""


static const ngx_comet_mode_e  modes[] = {
    NGX_COMET_REJECT, NGX_COMET_REPAIR, NGX_COMET_OBSERVE
};


typedef struct {
    const char            *endpoint;  /* its path */
    const char            *from;
    const char            *to;
    const char            *body;
    const char            *after;
    const char            *repairs;
} fit_t;


/* in every mode the same: none of it is a violation */

static const fit_t  fits[] = {

    { CHAT, "smart", "gpt-5.4",
      "{" HI "," MODEL("smart") "}",
      "{" HI "," MODEL("gpt-5.4") "}", NULL },
    { CHAT, "smart", "gpt-5.4",
      "{\"mo\\u0064el\" : \"sm\\u0061rt\" ," HI "}",
      "{\"mo\\u0064el\" : \"gpt-5.4\" ," HI "}", NULL },
    { CHAT, "gpt-5.4", "gpt-5.4",
      "{\"model\":\"gpt-\\u0035.4\"," HI "}",
      "{\"model\":\"gpt-\\u0035.4\"," HI "}", NULL },
    { CHAT, "other", "gpt-5.4",
      "{" MODEL("smart") "," HI ",\"temperature\":2}",
      "{" MODEL("smart") "," HI ",\"temperature\":2}", NULL },

    /* names of caps */

    { CHAT, "smart", "gpt-5.4",
      "{" MODEL("smart") "," HI ",\"max_tokens\":5}",
      "{" MODEL("gpt-5.4") "," HI ",\"max_completion_tokens\":5}", NULL },
    { CHAT, "gpt-5.4", "claude-x",
      "{\"max_completion_tokens\":5," HI "," MODEL("gpt-5.4") "}",
      "{\"max_tokens\":5," HI "," MODEL("claude-x") "}", NULL },
    { CHAT, "gpt-5.4", "claude-x",
      "{" MODEL("gpt-5.4") ",\"max_tokens\":5," HI
      ",\"max_completion_tokens\":5}",
      "{" MODEL("claude-x") ",\"max_tokens\":5," HI "}", NULL },
    { RESPONSES, "smart", "gpt-5.4",
      "{" MODEL("smart") ",\"input\":\"a\",\"max_tokens\":5}",
      "{" MODEL("gpt-5.4") ",\"input\":\"a\",\"max_output_tokens\":5}",
      NULL },

    /* what the target's rules alone forbid */

    { CHAT, "gpt-5.4", "claude-x",
      "{" HI ",\"temperature\":1.5," MODEL("gpt-5.4") "}",
      "{" HI ",\"temperature\":1," MODEL("claude-x") "}", "temperature=1" },
    { CHAT, "smart", "claude-x",
      "{" MODEL("smart") "," HI ",\"temperature\":1.5,\"n\":3}",
      "{" MODEL("claude-x") "," HI ",\"temperature\":1,\"n\":1}",
      "temperature=1, n=1" },
    { CHAT, "gpt-5.4", "claude-x",
      "{" MODEL("gpt-5.4") ",\"logprobs\":true,\"top_logprobs\":2," HI
      ",\"reasoning_effort\":\"low\"}",
      "{" MODEL("claude-x") "," HI "}",
      "logprobs=dropped, top_logprobs=dropped, reasoning_effort=dropped" },
    { CHAT, "gpt-5.4", "gemini-x",
      "{" MODEL("gpt-5.4") ",\"n\":9," HI "}",
      "{" MODEL("gemini-x") ",\"n\":8," HI "}", "n=8" },
    { CHAT, "smart", "old",
      "{\"messages\":[{\"role\":\"developer\"}]," MODEL("smart")
      ",\"stream\":true,\"stream_options\":{}}",
      "{\"messages\":[{\"role\":\"system\"}]," MODEL("old")
      ",\"stream\":true}", "stream_options=dropped, messages.role=system" },
    { RESPONSES, "smart", "old",
      "{" MODEL("smart") ",\"input\":\"a\",\"temperature\":1.5}",
      "{" MODEL("old") ",\"input\":\"a\",\"temperature\":1}",
      "temperature=1" },

    /* what the target's rules allow */

    { CHAT, "gpt-4o", "gpt-5.4",
      "{" MODEL("gpt-4o") "," HI ",\"reasoning_effort\":\"low\"}",
      "{" MODEL("gpt-5.4") "," HI ",\"reasoning_effort\":\"low\"}", NULL },
    { CHAT, "gpt-5.4", "gemini-x",
      "{" MODEL("gpt-5.4") "," HI
      ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}",
      "{" MODEL("gemini-x") "," HI
      ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", NULL },
    { CHAT, "o1-pro", "o3",
      "{" MODEL("o1-pro") "," HI "}",
      "{" MODEL("o3") "," HI "}", NULL },

    /* where nothing but the model is looked at */

    { "/v1/responses/compact", "smart", "gpt-5.4",
      "{\"x\":1,\"model\":\"smart\"}",
      "{\"x\":1,\"model\":\"gpt-5.4\"}", NULL },
    { "/v1/responses/input_tokens", "smart", "claude-x",
      "{\"model\":\"smart\",\"temperature\":9}",
      "{\"model\":\"claude-x\",\"temperature\":9}", NULL },
};


static void
test_made_to_fit(void **state)
{
    size_t        i, k;
    case_t        row;
    const fit_t  *fit;

    (void) state;

    for (i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
        fit = &fits[i];

        for (k = 0; k < 3; k++) {
            setting_t  setting = {
                .name = fit->to, .mode = modes[k], .from = fit->from,
                .to = fit->to
            };

            memset(&row, 0, sizeof(row));
            row.endpoint = fit->endpoint;
            row.setting = &setting;
            row.body = fit->body;
            row.after = fit->after;
            row.repairs = fit->repairs;
            row.verdict = fit->repairs ? NGX_COMET_REPAIRED : NGX_COMET_PASS;

            run(&row);
        }
    }
}


/* what both models forbid is the client's, by the mode */

static const case_t  owns[] = {

    { .endpoint = CHAT, .setting = ROUTE(NGX_COMET_REJECT, "smart", "claude-x"),
      .body = "{" MODEL("smart") "," HI ",\"temperature\":2.5}",
      .verdict = NGX_COMET_REFUSED, .param = "temperature", .code = NOT,
      .part = "temperature is 2.5, but claude-x takes 0 to 1" },
    { .endpoint = CHAT, .setting = ROUTE(NGX_COMET_REPAIR, "smart", "claude-x"),
      .body = "{" MODEL("smart") "," HI ",\"temperature\":2.5}",
      .verdict = NGX_COMET_REPAIRED, .param = "temperature", .code = NOT,
      .part = "", .repairs = "temperature=1",
      .after = "{" MODEL("claude-x") "," HI ",\"temperature\":1}" },
    { .endpoint = CHAT,
      .setting = ROUTE(NGX_COMET_OBSERVE, "smart", "claude-x"),
      .body = "{" MODEL("smart") "," HI ",\"temperature\":2.5,\"n\":2}",
      .verdict = NGX_COMET_OBSERVED, .param = "temperature", .code = NOT,
      .part = "", .repairs = "n=1",
      .after = "{" MODEL("claude-x") "," HI ",\"temperature\":2.5,\"n\":1}" },
    { .endpoint = CHAT,
      .setting = ROUTE(NGX_COMET_REJECT, "claude-a", "claude-x"),
      .body = "{" MODEL("claude-a") "," HI ",\"n\":2}",
      .verdict = NGX_COMET_REFUSED, .param = "n", .code = NOT,
      .part = "takes only 1" },
    { .endpoint = CHAT,
      .setting = ROUTE(NGX_COMET_REJECT, "claude-a", "gemini-x"),
      .body = "{" MODEL("claude-a") "," HI ",\"logprobs\":true}",
      .verdict = NGX_COMET_REFUSED, .param = "logprobs", .code = NONE,
      .part = "logprobs is not supported by gemini-x" },
    { .endpoint = CHAT, .setting = ROUTE(NGX_COMET_REPAIR, "smart", "gpt-5.4"),
      .body = "{" MODEL("smart") ",\"max_tokens\":1,"
              "\"max_completion_tokens\":2," HI "}",
      .verdict = NGX_COMET_REFUSED, .param = "max_tokens", .code = VALUE,
      .part = "send one of them, max_completion_tokens" },

    /* a name that readers may not take for the same is not routed */

    { .endpoint = CHAT, .setting = ROUTE(NGX_COMET_OBSERVE, "smart", "gpt-5.4"),
      .body = "{" MODEL("smart") "," HI ",\"model\":\"smart\"}",
      .verdict = NGX_COMET_REFUSED, .param = "model", .code = TWO,
      .part = "is there more than once" },
    { .endpoint = CHAT, .setting = ROUTE(NGX_COMET_OBSERVE, "smart", "gpt-5.4"),
      .body = "{\"Model\":\"x\"," MODEL("smart") "," HI "}",
      .verdict = NGX_COMET_REFUSED, .param = "model", .code = TWO,
      .part = "only some readers" },
    { .endpoint = CHAT, .setting = ROUTE(NGX_COMET_OBSERVE, "smart", "gpt-5.4"),
      .body = "{" MODEL("smart ") "," HI "}",
      .verdict = NGX_COMET_REFUSED, .param = "model", .code = VALUE,
      .part = "white space" },
};


static void
test_the_clients_own(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(owns) / sizeof(owns[0]); i++) {
        run(&owns[i]);
    }
}


/* what cannot be made to fit is for another target */

static const struct {
    const char  *from;
    const char  *to;
    const char  *body;
    const char  *param;
    const char  *part;
    unsigned     unfit;
} misfits[] = {
    { "gpt-5.4", "claude-x",
      "{" MODEL("gpt-5.4") "," HI
      ",\"response_format\":{\"type\":\"json_object\"}}",
      "response_format",
      "response_format is \"json_object\", but claude-x takes", 1 },
    { "gemini-x", "gpt-5.4",
      "{" MODEL("gemini-x") "," HI
      ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", "stop",
      "stop has 5 elements, but gpt-5.4 takes at most 4", 1 },
    { "smart", "o1-pro", "{" MODEL("smart") "," HI "}", "model",
      "the model o1-pro does not speak chat completions", 1 },
    { "claude-a", "claude-x",
      "{" MODEL("claude-a") "," HI
      ",\"response_format\":{\"type\":\"json_object\"}}",
      "response_format", "but claude-x takes", 0 },
};


static void
test_misfits(void **state)
{
    size_t  i, k;
    case_t  row;

    (void) state;

    for (i = 0; i < sizeof(misfits) / sizeof(misfits[0]); i++) {
        for (k = 0; k < 3; k++) {
            setting_t  setting = {
                .name = misfits[i].to, .mode = modes[k],
                .from = misfits[i].from, .to = misfits[i].to
            };
            char       after[512];

            memset(&row, 0, sizeof(row));
            row.endpoint = CHAT;
            row.setting = &setting;
            row.body = misfits[i].body;
            row.verdict = NGX_COMET_REFUSED;
            row.param = misfits[i].param;
            row.code = NOT;
            row.part = misfits[i].part;

            if (setting.mode == NGX_COMET_OBSERVE) {
                row.verdict = NGX_COMET_OBSERVED;
                snprintf(after, sizeof(after), "{\"model\":\"%s\"%s",
                         misfits[i].to,
                         strchr(misfits[i].body, ','));
                row.after = after;
            }

            run(&row);

            assert_int_equal(judge.unfit, misfits[i].unfit
                                          && setting.mode
                                             != NGX_COMET_OBSERVE);
        }
    }
}


/* lists are asked about the name that the client gave */

static void
test_lists(void **state)
{
    case_t     row;
    setting_t  setting = {
        .name = "lists", .admits = "smart", .from = "smart", .to = "gpt-5.4"
    };

    (void) state;

    memset(&row, 0, sizeof(row));
    row.endpoint = CHAT;
    row.setting = &setting;
    row.body = "{" MODEL("gpt-5.4") "," HI "}";
    row.verdict = NGX_COMET_REFUSED;
    row.param = "model";
    row.code = "model_not_allowed";
    row.part = "the model gpt-5.4 is not allowed here";

    run(&row);

    prepare(&setting);
    row.body = "{" MODEL("smart") "," HI "}";
    row.len = strlen(row.body);
    judge_in_pieces(&row, row.len, 1);

    assert_int_equal(judge.verdict, NGX_COMET_PASS);
    assert_string_equal(judge.model, "smart");
    assert_string_equal(ngx_comet_judge_sent(&judge), "gpt-5.4");

    arena_free(&arena);
}


/* an operator's say is of every model, and is kept where only looked at */

static const ngx_comet_rule_t  operators[] = {
    ngx_comet_rule_range("temperature", 0, 1.8),
    { "max_tokens", NGX_COMET_RULE_SET, 0, 0, NULL, "9" },
    { "user", NGX_COMET_RULE_SET, 0, 0, NULL, "\"me\"" },
    ngx_comet_rules_end
};


static void
test_operators(void **state)
{
    case_t     row;
    setting_t  setting = {
        .name = "operators", .rules = operators, .from = "smart",
        .to = "claude-x"
    };

    (void) state;

    memset(&row, 0, sizeof(row));
    row.endpoint = CHAT;
    row.setting = &setting;
    row.body = "{" MODEL("smart") "," HI ",\"temperature\":1.7,"
               "\"max_completion_tokens\":5}";
    row.after = "{\"max_tokens\":9,\"user\":\"me\"," MODEL("claude-x") "," HI
                ",\"temperature\":1.7}";
    row.verdict = NGX_COMET_PASS;

    run(&row);

    setting.mode = NGX_COMET_OBSERVE;
    row.body = "{" MODEL("smart") "," HI ",\"temperature\":1.9}";
    row.after = "{" MODEL("claude-x") "," HI ",\"temperature\":1.9}";
    row.verdict = NGX_COMET_OBSERVED;
    row.param = "temperature";
    row.code = NOT;
    row.part = "claude-x takes 0 to 1.8";

    run(&row);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_made_to_fit),
        cmocka_unit_test(test_the_clients_own),
        cmocka_unit_test(test_misfits),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_operators),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
