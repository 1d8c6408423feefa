#include "unit.h"

#include "ngx_comet_near.h"
#include "ngx_comet_param.h"
#include "ngx_comet_rule_check.h"


typedef struct {
    const char  *word;
    const char  *other;
    int          near;
} near_t;


static const near_t  words[] = {
    { "temprature", "temperature", 1 },
    { "temperatures", "temperature", 1 },
    { "tempereture", "temperature", 1 },
    { "tmprature", "temperature", 1 },
    { "max-tokens", "max_tokens", 1 },
    { "tool", "tools", 1 },
    { "topp", "top_p", 1 },
    { "temperature", "temperature", 0 },
    { "tmpratur", "temperature", 0 },
    { "top_k", "top_p", 0 },
    { "seed", "user", 0 },
    { "m", "n", 0 },
    { "nn", "n", 0 },
    { "", "n", 0 },
    { "", "", 0 },
    { "max_tool_calls", "max_tokens", 0 },
};


static void
test_near(void **state)
{
    char    longest[100];
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_int_equal(ngx_comet_word_is_near(words[i].word,
                                                words[i].other),
                         words[i].near);
        assert_int_equal(ngx_comet_word_is_near(words[i].other,
                                                words[i].word),
                         words[i].near);
    }

    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';

    assert_int_equal(ngx_comet_word_is_near(longest, longest + 1), 0);

    /* the longest that is compared */

    assert_int_equal(ngx_comet_word_is_near(longest + 36, longest + 37), 1);
}


/* names that other APIs and OpenAI's own know are no slips */

static const char *const  foreign[] = {
    "top_k", "min_p", "seed", "thinking", "functions", "function_call",
    "audio", "modalities", "prediction", "verbosity", "web_search_options",
    "prompt_cache_key", "instructions", "repetition_penalty", "extra_body",
    "num_ctx", "best_of", "echo", "suffix", NULL
};


static void
test_foreign(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; foreign[i]; i++) {
        assert_null(ngx_comet_param_near(foreign[i]));
    }

    assert_string_equal(ngx_comet_param_near("max_completions_tokens"),
                        "max_completion_tokens");
    assert_string_equal(ngx_comet_param_near("truncations"), "truncation");
}


static const char *const  low[] = { "low", NULL };
static const char *const  numbers[] = { "0", "0.5", "1e0", "-1", NULL };
static const char *const  whole[] = { "1", "2", NULL };
static const char *const  range[] = { "0-1", NULL };
static const char *const  bools[] = { "true", "false", NULL };
static const char *const  tier[] = { "gold", NULL };
static const char *const  tiers[] = { "default", "flexx", NULL };
static const char *const  format[] = { "json_object", NULL };


static const struct {
    ngx_comet_rule_t   rule;
    int                rc;
    const char        *said;
} rules[] = {
    { ngx_comet_rule_values("temperature", numbers), 0, NULL },
    { ngx_comet_rule_values("temperature", low), -1, "LOW..HIGH" },
    { ngx_comet_rule_values("temperature", range), -1, "\"0-1\"" },
    { ngx_comet_rule_values("n", whole), 0, NULL },
    { ngx_comet_rule_values("n", numbers), -1, "that is whole" },
    { ngx_comet_rule_values("store", bools), 0, NULL },
    { ngx_comet_rule_values("store", low), -1, "true or false" },
    { ngx_comet_rule_values("user", low), 0, NULL },
    { ngx_comet_rule_values("metadata", low), -1, "write off" },
    { ngx_comet_rule_values("service_tier", tier), 0, NULL },
    { ngx_comet_rule_values("service_tier", tiers), 1, "\"flex\"" },
    { ngx_comet_rule_values("response_format", format), 0, NULL },
    { ngx_comet_rule_values("seed", range), 0, NULL },
    { ngx_comet_rule_range("temperature", 0, 9), 0, NULL },
    { ngx_comet_rule_range("stop", 0, 2), 0, NULL },
    { ngx_comet_rule_range("n", 0.2, 0.8), -1, "whole" },
    { ngx_comet_rule_range("n", -0.5, 0.8), 0, NULL },
    { ngx_comet_rule_range("user", 0, 1), -1, "a string" },
    { ngx_comet_rule_range("seed", 0, 1), 0, NULL },
    { ngx_comet_rule_off("metadata"), 0, NULL },
    { ngx_comet_rule_off("metdata"), 1, "\"metadata\"" },
    { { "temperature", NGX_COMET_RULE_SET, 0, 0, NULL, "1" }, 0, NULL },
    { { "temperature", NGX_COMET_RULE_SET, 0, 0, NULL, NULL }, -1, "string" },
    { { "temperature", NGX_COMET_RULE_SET, 0, 0, NULL, "null" }, 0, NULL },
    { { "max_tokens", NGX_COMET_RULE_SET, 0, 0, NULL, "1.5" }, -1, "whole" },
    { { "user", NGX_COMET_RULE_SET, 0, 0, NULL, NULL }, 0, NULL },
    { { "user", NGX_COMET_RULE_SET, 0, 0, NULL, "5" }, -1, "a number" },
    { { "store", NGX_COMET_RULE_SET, 0, 0, NULL, "true" }, 0, NULL },
    { { "response_format", NGX_COMET_RULE_SET, 0, 0, NULL, NULL }, -1,
      "an object" },
    { { "thinking", NGX_COMET_RULE_SET, 0, 0, NULL, NULL }, 0, NULL },
};


static void
test_rules(void **state)
{
    char    text[NGX_COMET_RULE_TEXT_LEN];
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        text[0] = '\0';

        assert_int_equal(ngx_comet_rule_check(&rules[i].rule, text,
                                              sizeof(text)),
                         rules[i].rc);

        if (rules[i].said) {
            assert_non_null(strstr(text, rules[i].said));

        } else {
            assert_string_equal(text, "");
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
