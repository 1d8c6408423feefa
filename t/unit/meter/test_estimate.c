#include "unit.h"

#include "ngx_comet_estimate.h"
#include "ngx_comet_limit.h"

#include "judge_case.h"


#define OTHERWISE  4096

#define GPT     "{\"model\":\"gpt-5\"," HI
#define CLAUDE  "{\"model\":\"claude-sonnet-4-5\"," HI
#define R       "{\"model\":\"gpt-5\",\"input\":\"hi\""


static const ngx_comet_rule_t  set_cap[] = {
    { "max_completion_tokens", NGX_COMET_RULE_SET, 0, 0, NULL, "77" },
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  set_zero[] = {
    { "max_tokens", NGX_COMET_RULE_SET, 0, 0, NULL, "0" },
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  set_null[] = {
    { "max_completion_tokens", NGX_COMET_RULE_SET, 0, 0, NULL, "null" },
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  set_n[] = {
    { "n", NGX_COMET_RULE_SET, 0, 0, NULL, "3" },
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  set_none[] = {
    { "reasoning_effort", NGX_COMET_RULE_SET, 0, 0, NULL, "\"none\"" },
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  off_cap[] = {
    ngx_comet_rule_off("max_completion_tokens"),
    ngx_comet_rules_end
};


static const setting_t  capped = {
    .name = "capped", .mode = NGX_COMET_REPAIR, .cap = 1000
};

static const setting_t  capped_default = {
    .name = "capped by default", .cap = 1000, .cap_default = 1
};

static const setting_t  capped_observed = {
    .name = "capped, observed", .mode = NGX_COMET_OBSERVE, .cap = 1000,
    .cap_default = 1
};

static const setting_t  sets_cap = {
    .name = "sets the cap", .rules = set_cap
};

static const setting_t  sets_zero = {
    .name = "sets zero", .rules = set_zero
};

static const setting_t  sets_null = {
    .name = "sets null", .rules = set_null
};

static const setting_t  sets_none = {
    .name = "sets none", .rules = set_none
};

static const setting_t  sets_n = {
    .name = "sets n", .rules = set_n
};

static const setting_t  sets_n_observed = {
    .name = "sets n, observed", .mode = NGX_COMET_OBSERVE, .rules = set_n,
    .sized = 1
};

static const setting_t  sets_cap_observed = {
    .name = "sets the cap, observed", .mode = NGX_COMET_OBSERVE,
    .rules = set_cap, .sized = 1
};

static const setting_t  drops_cap = {
    .name = "drops the cap", .mode = NGX_COMET_REPAIR, .rules = off_cap
};


static const struct {
    const char            *endpoint;
    const setting_t       *setting;
    const char            *body;
    uint64_t               output;
} rows[] = {

    /* no cap */

    { CHAT, &reject, GPT "}", OTHERWISE },
    { RESPONSES, &reject, R "}", OTHERWISE },
    { CHAT, &reject, GPT ",\"max_completion_tokens\":null}", OTHERWISE },
    { CHAT, &reject, GPT ",\"n\":2}", 2 * OTHERWISE },
    { CHAT, &reject, GPT ",\"n\":1}", OTHERWISE },
    { CHAT, &reject, GPT ",\"n\":null}", OTHERWISE },
    { CHAT, &capped_default, GPT "}", 1000 },
    { CHAT, &capped_default, GPT ",\"n\":4}", 4000 },
    { RESPONSES, &capped_default, R "}", 1000 },
    { CHAT, &capped, GPT "}", OTHERWISE },

    /* nor to a reader that takes a zero for nothing */

    { CHAT, &reject, GPT ",\"max_completion_tokens\":0}", OTHERWISE },
    { CHAT, &reject, CLAUDE ",\"max_tokens\":-0,\"n\":1}", OTHERWISE },
    { RESPONSES, &reject, R ",\"max_output_tokens\":0}", OTHERWISE },
    { CHAT, &repair, GPT ",\"max_tokens\":-7}", OTHERWISE },
    { CHAT, &sets_zero, GPT ",\"max_tokens\":7}", OTHERWISE },
    { CHAT, &observe, GPT ",\"max_tokens\":0.0,\"n\":2}", 2 * OTHERWISE },
    { CHAT, &observe, GPT ",\"max_tokens\":0e5}", OTHERWISE },
    { CHAT, &observe, GPT ",\"max_tokens\":0.9}", OTHERWISE },
    { CHAT, &capped_observed, GPT ",\"max_tokens\":0}", OTHERWISE },
    { CHAT, &capped, GPT ",\"max_tokens\":0}", 1 },

    /* one, by any of its names, renamed or not */

    { CHAT, &reject, GPT ",\"max_completion_tokens\":12}", 12 },
    { CHAT, &reject, GPT ",\"max_tokens\":12}", 12 },
    { CHAT, &reject, CLAUDE ",\"max_tokens\":12}", 12 },
    { RESPONSES, &reject, R ",\"max_output_tokens\":12}", 12 },
    { RESPONSES, &reject, R ",\"max_tokens\":12}", 12 },
    { CHAT, &reject, GPT ",\"max_tokens\":12,\"max_completion_tokens\":12}",
      12 },
    { CHAT, &reject, GPT ",\"max_completion_tokens\":12,\"n\":5}", 60 },
    { CHAT, &reject, "{\"n\":5,\"max_tokens\":12,\"model\":\"gpt-5\"," HI "}",
      60 },

    /* the operator's cap goes before a larger one */

    { CHAT, &capped, GPT ",\"max_tokens\":12}", 12 },
    { CHAT, &capped, GPT ",\"max_tokens\":2000}", 1000 },
    { CHAT, &capped_default, GPT ",\"max_tokens\":12}", 12 },
    { RESPONSES, &capped, R ",\"max_output_tokens\":2000}", 1000 },

    /* and so does what it sets, clamps or drops */

    { CHAT, &sets_cap, GPT "}", 77 },
    { CHAT, &sets_cap, GPT ",\"max_completion_tokens\":9}", 77 },
    { CHAT, &sets_null, GPT ",\"max_completion_tokens\":9}", OTHERWISE },
    { CHAT, &sets_n, GPT ",\"max_completion_tokens\":9}", 27 },
    { CHAT, &sets_n, GPT ",\"max_completion_tokens\":9,\"n\":8}", 27 },
    { CHAT, &drops_cap, GPT ",\"max_completion_tokens\":9}", OTHERWISE },
    { CHAT, &repair, CLAUDE ",\"max_tokens\":9,\"n\":4}", 9 },
    { CHAT, &repair, GPT ",\"max_tokens\":9,\"n\":1000}", 9 * 128 },

    /* who only looks on sends what came */

    { CHAT, &observe, CLAUDE ",\"max_tokens\":9,\"n\":4}", 36 },
    { CHAT, &capped_observed, GPT "}", OTHERWISE },
    { CHAT, &capped_observed, GPT ",\"max_tokens\":2000}", 2000 },
    { CHAT, &observe, GPT ",\"max_tokens\":\"9\"}", OTHERWISE },
    { CHAT, &observe, GPT ",\"max_tokens\":-9}", OTHERWISE },
    { CHAT, &observe, GPT ",\"max_tokens\":9,\"n\":-3}", 9 },
    { CHAT, &observe, GPT ",\"max_tokens\":9,\"n\":0}", 9 },
    { CHAT, &observe, GPT ",\"max_tokens\":9.9}", 9 },

    { CHAT, &sets_n_observed, GPT ",\"max_tokens\":9,\"n\":8}", 72 },
    { CHAT, &sets_n_observed, GPT ",\"max_tokens\":9}", 9 },
    { CHAT, &sets_cap_observed, GPT ",\"max_completion_tokens\":9000}", 9000 },
    { CHAT, &sets_cap_observed, GPT ",\"max_tokens\":9000}", 9000 },

    /* and a cap that the model does not know is none there */

    { CHAT, &observe, CLAUDE ",\"max_completion_tokens\":9}", OTHERWISE },
    { CHAT, &observe, CLAUDE ",\"max_completion_tokens\":9,\"n\":2}",
      2 * OTHERWISE },
    { CHAT, &observe, CLAUDE ",\"max_completion_tokens\":9,"
      "\"max_tokens\":7}", 7 },
    { RESPONSES, &observe, R ",\"max_tokens\":9}", OTHERWISE },
    { RESPONSES, &observe, R ",\"max_output_tokens\":9,\"max_tokens\":99}",
      9 },
    { CHAT, &observe, "{\"model\":\"x\"," HI ",\"max_completion_tokens\":9}",
      9 },

    /* numbers that fit nowhere */

    { CHAT, &reject, GPT ",\"max_tokens\":999999999999}", 999999999999 },
    { CHAT, &reject, GPT ",\"max_tokens\":1000000000000}",
      NGX_COMET_TOKENS_MAX },
    { CHAT, &reject, GPT ",\"max_tokens\":9007199254740991}",
      NGX_COMET_TOKENS_MAX },
    { CHAT, &observe, GPT ",\"max_tokens\":1e308,\"n\":1e308}",
      NGX_COMET_TOKENS_MAX },
    { CHAT, &reject, GPT ",\"max_tokens\":999999999999,\"n\":128}",
      NGX_COMET_TOKENS_MAX },
};


static void
test_output(void **state)
{
    size_t    i, len;
    uint64_t  output;

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {

        prepare(rows[i].setting);
        len = strlen(rows[i].body);

        /* a judge is used again: nothing of the body before may count */

        memset(&judge, 0x55, sizeof(judge));

        ngx_comet_judge_init(&judge, endpoint_of(rows[i].endpoint), &policy);

        if (feed(&judge, rows[i].body, len) != 0
            || ngx_comet_judge_finish(&judge) != 0
            || judge.verdict == NGX_COMET_REFUSED)
        {
            fail_msg("%s is refused: %s", rows[i].body, judge.message);
        }

        output = ngx_comet_estimate_output(&judge, OTHERWISE);

        if (output != rows[i].output) {
            print_error("%s: %s: %llu, not %llu\n", rows[i].setting->name,
                        rows[i].body, (unsigned long long) output,
                        (unsigned long long) rows[i].output);
            fail();
        }

        arena_free(&arena);
    }
}


static const struct {
    const char            *endpoint;
    const setting_t       *setting;
    const char            *body;
    int                    hides;
} hidden[] = {

    /* by the name of the model */

    { CHAT, &reject, GPT "}", 1 },
    { CHAT, &reject, "{\"model\":\"o3\"," HI "}", 1 },
    { CHAT, &reject, "{\"model\":\"gpt-5.4-mini\"," HI "}", 1 },
    { CHAT, &reject, "{\"model\":\"gemini-2.5-pro\"," HI "}", 1 },
    { CHAT, &reject, "{\"model\":\"gpt-4.1\"," HI "}", 0 },
    { CHAT, &reject, "{\"model\":\"gpt-4o\"," HI "}", 0 },
    { CHAT, &reject, CLAUDE "}", 0 },
    { CHAT, &reject, "{\"model\":\"acme\"," HI "}", 0 },
    { RESPONSES, &reject, R "}", 1 },

    /* by what is asked for */

    { CHAT, &reject, "{\"model\":\"gpt-5.4\",\"reasoning_effort\":\"none\","
      HI "}", 0 },
    { CHAT, &reject, "{\"model\":\"gpt-5.4\",\"reasoning_effort\":\"low\","
      HI "}", 1 },
    { CHAT, &reject, "{\"model\":\"gpt-5.4\",\"reasoning_effort\":null,"
      HI "}", 1 },
    { CHAT, &reject, "{\"model\":\"acme\",\"reasoning_effort\":\"high\","
      HI "}", 1 },
    { CHAT, &observe, CLAUDE ",\"reasoning_effort\":\"high\"}", 1 },
    { RESPONSES, &reject, "{\"model\":\"acme\",\"input\":\"hi\","
      "\"reasoning\":{}}", 1 },

    /* and by what becomes of that */

    { CHAT, &repair, CLAUDE ",\"reasoning_effort\":\"high\"}", 0 },
    { CHAT, &sets_none, GPT "}", 0 },
    { CHAT, &sets_none, GPT ",\"reasoning_effort\":\"high\"}", 0 },
};


static void
test_hidden(void **state)
{
    int     hides;
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {

        prepare(hidden[i].setting);
        memset(&judge, 0x55, sizeof(judge));

        ngx_comet_judge_init(&judge, endpoint_of(hidden[i].endpoint), &policy);

        if (feed(&judge, hidden[i].body, strlen(hidden[i].body)) != 0
            || ngx_comet_judge_finish(&judge) != 0
            || judge.verdict == NGX_COMET_REFUSED)
        {
            fail_msg("%s is refused: %s", hidden[i].body, judge.message);
        }

        hides = ngx_comet_estimate_hides(&judge);

        if (hides != hidden[i].hides) {
            fail_msg("%s: %s: %d", hidden[i].setting->name, hidden[i].body,
                     hides);
        }

        arena_free(&arena);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_hidden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
