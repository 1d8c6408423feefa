#include "unit.h"
#include "judge_case.h"


/* policies of an operator */

static const char *const  tiers[] = { "flex", "turbo", NULL };
static const char *const  truths[] = { "true", NULL };
static const char *const  sevens[] = { "7", "a", NULL };

static const ngx_comet_rule_t  narrow[] = {
    ngx_comet_rule_range("temperature", 0.1, 0.3),
    ngx_comet_rule_range("presence_penalty", -5, 5),
    ngx_comet_rule_range("max_tokens", 1, 100),
    ngx_comet_rule_range("top_k", 1, 40),
    ngx_comet_rule_range("stop", 0, 2),
    ngx_comet_rule_count("stop", 2),
    ngx_comet_rule_values("service_tier", tiers),
    ngx_comet_rule_values("parallel_tool_calls", truths),
    ngx_comet_rule_values("free", sevens),
    ngx_comet_rule_values("tool_choice", tiers),
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  off[] = {
    ngx_comet_rule_off("tools"),
    ngx_comet_rule_off("stream"),
    ngx_comet_rule_off("free"),
    ngx_comet_rule_off("kind"),
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  cap_off[] = {
    ngx_comet_rule_off("max_tokens"),
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  set[] = {
    { "user", NGX_COMET_RULE_SET, 0, 0, NULL, "\"me\"" },
    { "user", NGX_COMET_RULE_SET, 0, 0, NULL, "\"not me\"" },
    { "free", NGX_COMET_RULE_SET, 0, 0, NULL, "{}" },
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  from_zero[] = {
    ngx_comet_rule_range("max_tokens", 0, 100),
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  set_cap[] = {
    { "max_tokens", NGX_COMET_RULE_SET, 0, 0, NULL, "9" },
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  set_stream[] = {
    { "stream", NGX_COMET_RULE_SET, 0, 0, NULL, "true" },
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  set_prompt[] = {
    { "prompt", NGX_COMET_RULE_SET, 0, 0, NULL, "{\"id\":\"p\"}" },
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  set_options[] = {
    { "stream_options", NGX_COMET_RULE_SET, 0, 0, NULL, "{}" },
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  options_off[] = {
    ngx_comet_rule_off("stream_options"),
    ngx_comet_rules_end
};

#define SETTING(name, mode, rules, cap, dflt, admits)                         \
    static const setting_t  name = {                                          \
        #name, mode, rules, cap, dflt, admits, 0, 0, 0, NULL, NULL            \
    }

#define ASKING(name, mode, rules)                                             \
    static const setting_t  name = {                                          \
        #name, mode, rules, 0, 0, NULL, 1, 0, 0, NULL, NULL                   \
    }

#define REJECT   NGX_COMET_REJECT
#define REPAIR   NGX_COMET_REPAIR
#define OBSERVE  NGX_COMET_OBSERVE

SETTING(narrow_reject, REJECT, narrow, 0, 0, NULL);
SETTING(narrow_repair, REPAIR, narrow, 0, 0, NULL);
SETTING(narrow_cap, REPAIR, narrow, 5000, 1, NULL);
SETTING(from_zero_reject, REJECT, from_zero, 0, 0, NULL);
SETTING(from_zero_repair, REPAIR, from_zero, 0, 0, NULL);
SETTING(off_reject, REJECT, off, 0, 0, NULL);
SETTING(off_repair, REPAIR, off, 0, 0, NULL);
SETTING(off_observe, OBSERVE, off, 0, 0, NULL);
SETTING(cap_off_reject, REJECT, cap_off, 9, 1, NULL);
SETTING(cap_off_repair, REPAIR, cap_off, 9, 1, NULL);
SETTING(set_reject, REJECT, set, 0, 0, NULL);
SETTING(set_observe, OBSERVE, set, 0, 0, NULL);
SETTING(set_cap_reject, REJECT, set_cap, 5, 1, NULL);
SETTING(set_stream_reject, REJECT, set_stream, 0, 0, NULL);
SETTING(set_prompt_reject, REJECT, set_prompt, 0, 0, NULL);
SETTING(cap_reject, REJECT, NULL, 50, 0, NULL);
SETTING(cap_repair, REPAIR, NULL, 50, 0, NULL);
SETTING(cap_observe, OBSERVE, NULL, 50, 1, NULL);
SETTING(default_reject, REJECT, NULL, 50, 1, NULL);
SETTING(default_repair, REPAIR, NULL, 50, 1, NULL);
ASKING(ask_reject, REJECT, NULL);
ASKING(ask_repair, REPAIR, NULL);
ASKING(ask_observe, OBSERVE, NULL);
ASKING(ask_set, REJECT, set_options);
ASKING(ask_off, REPAIR, options_off);
ASKING(ask_stream, REJECT, set_stream);
ASKING(ask_no_stream, REPAIR, off);

SETTING(only_o3, REJECT, NULL, 0, 0, "o3");
SETTING(only_o3_repair, REPAIR, NULL, 0, 0, "o3");
SETTING(only_o3_observe, OBSERVE, NULL, 0, 0, "o3");


#define M(name)  "\"model\":\"" name "\""

#define passes(endpoint, setting, body, after)                                \
    { endpoint, &setting, body, 0, NGX_COMET_PASS, NULL, NULL, NULL, after,   \
      NULL }
#define refused(endpoint, setting, body, param, code, part)                   \
    { endpoint, &setting, body, 0, NGX_COMET_REFUSED, param, code, part,      \
      NULL, NULL }
#define observed(endpoint, setting, body, param, code, part)                  \
    { endpoint, &setting, body, 0, NGX_COMET_OBSERVED, param, code, part,     \
      NULL, NULL }
#define repaired(endpoint, setting, body, param, code, part, after, repairs)  \
    { endpoint, &setting, body, 0, NGX_COMET_REPAIRED, param, code, part,     \
      after, repairs }


#include "cap_cases.h"


static const case_t  drop_cases[] = {
    repaired(CHAT, repair, "{ \"logprobs\" : true , " M("claude-x") "," HI
             "}", "logprobs", NONE, "", "{ " M("claude-x") "," HI "}",
             "logprobs=dropped"),
    repaired(CHAT, repair, "{" M("claude-x") " , \"logprobs\":true\n," HI
             "}", "logprobs", NONE, "", "{" M("claude-x") "\n," HI "}",
             "logprobs=dropped"),
    repaired(CHAT, repair, "{" M("claude-x") "," HI
             " ,\"reasoning_effort\":\"low\" }", "reasoning_effort", NONE, "",
             "{" M("claude-x") "," HI " }", "reasoning_effort=dropped"),
    repaired(CHAT, repair, "{\"top_logprobs\":3, \"logprobs\":true, "
             M("claude-x") "," HI "}", "logprobs", NONE, "",
             "{" M("claude-x") "," HI "}",
             "logprobs=dropped, top_logprobs=dropped"),
    repaired(CHAT, repair, "{" M("claude-x") ",\"top_logprobs\":3,"
             "\"logprobs\":true,\"reasoning_effort\":\"low\"," HI "}",
             "top_logprobs", NONE, "", "{" M("claude-x") "," HI "}",
             "logprobs=dropped, top_logprobs=dropped, "
             "reasoning_effort=dropped"),
    repaired(CHAT, repair, "{" M("claude-x") "," HI ",\"top_logprobs\":3,"
             "\"logprobs\":true}", "top_logprobs", NONE, "",
             "{" M("claude-x") "," HI "}",
             "logprobs=dropped, top_logprobs=dropped"),
    repaired(CHAT, repair, "{\"top_logprobs\":3,\"z\":0," M("claude-x")
             ",\"logprobs\":true,\"y\":[]," HI ",\"reasoning_effort\":"
             "\"low\"}", "top_logprobs", NONE, "", "{\"z\":0," M("claude-x")
             ",\"y\":[]," HI "}", "logprobs=dropped, top_logprobs=dropped, "
             "reasoning_effort=dropped"),
    repaired(CHAT, repair, "{\"n\":0,\"temperature\":9,\"top_p\":7,"
             M("claude-x") "," HI "}", "temperature", NOT,
             "; top_p is 7, but claude-x takes 0 to 1; n is 0, but ",
             "{\"n\":1,\"temperature\":1,\"top_p\":1," M("claude-x") "," HI
             "}", "temperature=1, top_p=1, n=1"),

    /* the role */

    { CHAT, &repair, "{\"messages\":[{\"role\":\"developer\"},{\"role\":"
      "\"user\"},{\"role\":\"dev\\u0065loper\"}]," M("old-x") "}", 0,
      NGX_COMET_REPAIRED, NULL, NULL, NULL,
      "{\"messages\":[{\"role\":\"system\"},{\"role\":\"user\"},{\"role\":"
      "\"system\"}]," M("old-x") "}", "messages.role=system" },
    passes(CHAT, repair, "{" M("gpt-4o") ",\"messages\":[{\"role\":"
           "\"developer\"}]}", NULL),
    passes(CHAT, repair, "{" M("claude-x") ",\"messages\":[{\"role\":"
           "\"developer\"}]}", NULL),
    passes(CHAT, repair, "{" M("gemini-x") ",\"messages\":[{\"role\":"
           "\"developer\"}]}", NULL),
    passes(CHAT, repair, "{" M("o3") ",\"messages\":[{\"role\":"
           "\"developer\"}]}", NULL),
    passes(CHAT, repair, "{" M("gpt-4.1") ",\"messages\":[{\"role\":"
           "\"developer\"}]}", NULL),
    passes(CHAT, repair, "{" M("x") ",\"messages\":[{\"role\":"
           "\"developer\"}]}", NULL),
    passes(CHAT, reject, "{" M("old-x") ",\"messages\":[{\"role\":"
           "\"developer\"}]}", NULL),
    passes(CHAT, observe, "{" M("old-x") ",\"messages\":[{\"role\":"
           "\"developer\"}]}", NULL),
    refused(CHAT, repair, "{" M("old-x") ",\"messages\":[{\"role\":"
            "\"developer\"},{\"role\":1}]}", "messages[1].role", TYPE,
            "must be a string"),
};


static const case_t  operator_cases[] = {
    passes(CHAT, narrow_reject, "{" M("x") "," HI ",\"temperature\":0.1}",
           NULL),
    refused(CHAT, narrow_reject, "{" M("x") "," HI ",\"temperature\":0}",
            "temperature", NOT, "temperature is 0, but x takes 0.1 to 0.3"),
    repaired(CHAT, narrow_repair, "{" M("claude-x") "," HI
             ",\"temperature\":1}", "temperature", NOT, "0.1 to 0.3",
             "{" M("claude-x") "," HI ",\"temperature\":0.3}",
             "temperature=0.3"),
    passes(CHAT, narrow_reject, "{" M("x") "," HI ",\"presence_penalty\":5}",
           NULL),
    refused(CHAT, narrow_reject, "{" M("x") "," HI ",\"top_k\":41}", "top_k",
            NOT, "takes 1 to 40"),
    repaired(RESPONSES, narrow_repair, "{" M("x") ",\"input\":[],"
             "\"top_k\":-7}", "top_k", NOT, "takes 1 to 40", "{" M("x")
             ",\"input\":[],\"top_k\":1}", "top_k=1"),
    refused(CHAT, narrow_repair, "{" M("x") "," HI ",\"top_k\":\"41\"}",
            "top_k", TYPE, "top_k must be a number"),
    passes(CHAT, narrow_reject, "{" M("x") "," HI ",\"top_k\":null}", NULL),
    passes(CHAT, narrow_reject, "{" M("x") "," HI ",\"stop\":\"a\"}", NULL),
    passes(CHAT, narrow_reject, "{" M("x") "," HI ",\"stop\":[\"a\"]}", NULL),
    refused(CHAT, narrow_reject, "{" M("x") "," HI
            ",\"stop\":[\"\",\"\",\"\"]}", "stop", NOT, "takes at most 2"),
    passes(CHAT, narrow_reject, "{" M("x") "," HI
           ",\"service_tier\":\"turbo\"}", NULL),
    refused(CHAT, narrow_repair, "{" M("x") "," HI
            ",\"service_tier\":\"auto\"}", "service_tier", NOT,
            "service_tier is \"auto\", but x takes \"flex\" or \"turbo\""),
    refused(CHAT, narrow_repair, "{" M("x") "," HI
            ",\"service_tier\":\"flex\\u0000\"}", "service_tier", NOT, ""),
    refused(CHAT, narrow_repair, "{" M("x") "," HI ",\"tool_choice\":{}}",
            "tool_choice", NOT, "tool_choice is an object, but x takes"),
    passes(RESPONSES, narrow_reject, "{" M("x") ",\"input\":[],"
           "\"parallel_tool_calls\":true}", NULL),
    refused(RESPONSES, narrow_reject, "{" M("x") ",\"input\":[],"
            "\"parallel_tool_calls\":false}", "parallel_tool_calls", NOT,
            "is \"false\", but x takes \"true\""),
    passes(CHAT, narrow_reject, "{" M("x") "," HI ",\"free\":7}", NULL),
    passes(CHAT, narrow_reject, "{" M("x") "," HI ",\"free\":\"a\"}", NULL),
    refused(CHAT, narrow_reject, "{" M("x") "," HI ",\"free\":8}", "free",
            NOT, "free is \"8\""),
    refused(CHAT, narrow_reject, "{" M("x") "," HI ",\"free\":[]}", "free",
            NOT, "free is an array"),
    refused(CHAT, narrow_reject, "{" M("x") "," HI
            ",\"free\":1E400}", "free", VALUE, "readers may not hold"),
    passes(CHAT, off_reject, "{" M("x") "," HI ",\"stream\":false,"
           "\"free\":false,\"tools\":null}", NULL),
    refused(CHAT, off_reject, "{" M("x") "," HI ",\"free\":0}", "free", NONE,
            "free is not supported by x"),
    observed(CHAT, off_observe, "{" M("x") "," HI ",\"free\":0}", "free",
             NONE, "free is not supported by x"),
    refused(CHAT, off_reject, "{" M("x") "," HI ",\"Free\":0}", "free", TWO,
            "only some readers"),
    refused(CHAT, off_reject, "{" M("x") "," HI ",\"\xe2\x84\xaaind\":0}",
            "kind", TWO, "only some readers"),
    repaired(CHAT, off_repair, "{" M("x") ",\"free\":{\"a\":1},\"tools\":[],"
             HI ",\"stream\":true,\"stream_options\":{}}", "free", NONE,
             "tools is not supported by x", "{" M("x") "," HI "}",
             "stream=dropped, stream_options=dropped, tools=dropped, "
             "free=dropped"),
    passes(CHAT, set_reject, "{" M("x") "," HI ",\"user\":\"you\"}",
           "{\"free\":{}," M("x") "," HI ",\"user\":\"me\"}"),
    passes(CHAT, set_reject, "{\"user\":[1E400],\"free\":null," M("x") "," HI
           "}", "{\"user\":\"me\",\"free\":{}," M("x") "," HI "}"),
    passes(CHAT, set_observe, "{" M("x") "," HI "}", NULL),
    refused(CHAT, set_reject, "{\"user\":1,\"user\":2," M("x") "," HI "}",
            "user", TWO, "more than once"),
    passes(CHAT, set_stream_reject, "{" M("x") "," HI
           ",\"stream_options\":{}}", "{\"stream\":true," M("x") "," HI
           ",\"stream_options\":{}}"),
    passes(RESPONSES, set_prompt_reject, "{" M("x") "}",
           "{\"prompt\":{\"id\":\"p\"}," M("x") "}"),

    /* models */

    passes(CHAT, only_o3, "{" M("o3") "," HI "}", NULL),
    refused(CHAT, only_o3, "{" M("o4") "," HI "}", "model",
            "model_not_allowed", "the model o4 is not allowed here"),
    refused(CHAT, only_o3_repair, "{\"temperature\":9," M("o4") "," HI "}",
            "model", "model_not_allowed", "the model o4 is not allowed here"),
    refused(CHAT, only_o3_observe, "{" M("o4") "," HI ",\"n\":0}", "model",
            "model_not_allowed", "the model o4 is not allowed here"),
    refused(CHAT, only_o3_observe, "{" M("o3") "," HI "," M("o4") "}",
            "model", TWO, "model is there more than once"),
    refused(CHAT, only_o3_observe, "{\"MODEL\":\"o4\"," M("o3") "," HI "}",
            "model", TWO, "only some readers"),
    refused(CHAT, only_o3_observe, "{" M("o3\\u0000") "," HI "}", "model",
            VALUE, "must be the name of a model"),
    refused(CHAT, only_o3_observe, "{" M("o3") "," HI ",}", "", "invalid_json",
            "a name is missing at byte "),
    observed(CHAT, only_o3_observe, "{" M("o3") "," HI ",\"n\":0}", "n",
             VALUE, "takes 1 to 128"),
    observed(CHAT, observe, "{" M("o3") "," M("o4") "," HI "}", "model", TWO,
             "more than once"),
    observed(CHAT, observe, "{" M("o3\\u0000") "," HI "}", "model", VALUE,
             "must be the name"),
    refused(CHAT, reject, "{" M("o1-pro") "," HI "}", "model", NOT,
            "the model o1-pro does not speak chat completions: call "),
    refused(CHAT, repair, "{" M("o1-pro-2025-03-19") "," HI "}", "model",
            NOT, "call /v1/responses"),
    observed(CHAT, observe, "{" M("a/o1-pro") "," HI "}", "model", NOT,
             "call /v1/responses"),
};


/* the usage of a stream is asked for, silently */

#define ASKED    "\"stream_options\":{\"include_usage\":true}"
#define STREAM   M("x") "," HI ",\"stream\":true"
#define OPTIONS  ",\"stream_options\":"

static const case_t  usage_cases[] = {
    passes(CHAT, ask_reject, "{" STREAM "}", "{" ASKED "," STREAM "}"),
    passes(CHAT, ask_repair, "{ " STREAM "}", "{" ASKED ", " STREAM "}"),
    passes(CHAT, ask_reject, "{" STREAM OPTIONS " null }",
           "{" STREAM OPTIONS " {\"include_usage\":true} }"),
    passes(CHAT, ask_reject, "{" STREAM OPTIONS "{ }}",
           "{" STREAM OPTIONS "{\"include_usage\":true }}"),
    passes(CHAT, ask_reject, "{" STREAM OPTIONS "{\"a\":[{\"b\":1}] }}",
           "{" STREAM OPTIONS "{\"include_usage\":true,\"a\":[{\"b\":1}] }}"),
    passes(CHAT, ask_reject,
           "{" STREAM OPTIONS "{\"a\":1,\"include_usage\": false,\"b\":2}}",
           "{" STREAM OPTIONS "{\"a\":1,\"include_usage\": true,\"b\":2}}"),
    passes(CHAT, ask_reject,
           "{\"stream_options\":{\"include\\u005fusage\":null}," STREAM "}",
           "{\"stream_options\":{\"include\\u005fusage\":true}," STREAM "}"),
    repaired(CHAT, ask_repair, "{" STREAM ",\"n\":200}", "n", VALUE,
             "n is 200", "{" ASKED "," STREAM ",\"n\":128}", "n=128"),
    passes(CHAT, ask_stream, "{" M("x") "," HI "}",
           "{\"stream\":true," ASKED "," M("x") "," HI "}"),

    /* what a lax reader takes for false asks for nothing */

#define SAYS(value)                                                           \
    passes(CHAT, ask_reject,                                                  \
           "{" STREAM OPTIONS "{\"include_usage\":" value ",\"a\":0}}",        \
           "{" STREAM OPTIONS "{\"include_usage\":true,\"a\":0}}")

    SAYS("0"), SAYS("-0"), SAYS("0.0"), SAYS("0E+9"), SAYS("\"\""),
    SAYS("\"0\""), SAYS("\"false\""), SAYS("\"False\""), SAYS("\"n\\u006f\""),
    SAYS("\"off\""), SAYS("\"F\""), SAYS("\"N\""),

    /* who asks gets what was asked for */

    passes(CHAT, ask_reject, "{" STREAM OPTIONS "{\"include_usage\":0.5}}",
           NULL),
    passes(CHAT, ask_reject, "{" STREAM OPTIONS "{\"include_usage\":\"yes\"}}",
           NULL),
    passes(CHAT, ask_reject, "{" STREAM OPTIONS "{\"include_usage\":"
           "\"no\\u0000\"}}", NULL),
    passes(CHAT, ask_reject, "{" STREAM OPTIONS "{\"include_usage\":"
           "\"false or true, as you like\"}}", NULL),

    passes(CHAT, ask_reject, "{" STREAM "," ASKED "}", NULL),
    passes(CHAT, ask_reject, "{" STREAM OPTIONS "{\"include_usage\":1}}",
           NULL),
    passes(CHAT, ask_reject, "{" STREAM OPTIONS "{\"include_usage\":{\"a\":"
           "[]}}}", NULL),

    /* nothing to ask for, or the operator says what is sent */

    passes(CHAT, ask_reject, "{" M("x") "," HI "}", NULL),
    passes(CHAT, ask_reject, "{" M("x") "," HI ",\"stream\":false}", NULL),
    passes(CHAT, ask_observe, "{" STREAM "}", NULL),
    passes(CHAT, ask_set, "{" STREAM "," ASKED "}",
           "{" STREAM OPTIONS "{}}"),
    passes(CHAT, ask_off, "{" STREAM "}", NULL),
    repaired(CHAT, ask_no_stream, "{" STREAM "}", "stream", NONE,
             "stream is not supported", "{" M("x") "," HI "}",
             "stream=dropped"),
    passes(RESPONSES, ask_reject,
           "{" M("x") ",\"input\":\"\",\"stream\":true}", NULL),
    passes(CHAT, reject, "{" STREAM OPTIONS "{\"include_usage\":false}}",
           NULL),

    /* two readers could differ about who asked */

    refused(CHAT, ask_reject, "{" STREAM OPTIONS "{\"include_usage\":true,"
            "\"include_usage\":false}}", "stream_options.include_usage", TWO,
            "more than once"),
    refused(CHAT, ask_reject, "{" STREAM OPTIONS "{\"Include_usage\":true}}",
            "stream_options.include_usage", TWO, "only some readers"),
};

static const case_t  reader_cases[] = {
    refused(CHAT, repair, "{" M("x") "," HI ",\"n\":1,\"n\":1}", "n", TWO,
            "n is there more than once"),
    refused(CHAT, repair, "{" M("x") "," HI ",\"n\":1,\"\\u006e\":1}", "n",
            TWO, "n is there more than once"),
    refused(CHAT, repair, "{" M("x") "," HI ",\"n\":null,\"n\":1}", "n", TWO,
            "n is there more than once"),
    refused(CHAT, repair, "{" M("x") "," HI ",\"Stream\":1}", "stream", TWO,
            "stream is written \"Stream\", which only some readers take for "
            "it: write \"stream\""),
    refused(CHAT, repair, "{" M("x") "," HI ",\"max_to\xe2\x84\xaa"
            "ens\":1}", "max_tokens", TWO, "only some readers"),
    refused(CHAT, repair, "{" M("x") "," HI ",\"max_to\\u212aens\":1}",
            "max_tokens", TWO, "only some readers"),
    refused(CHAT, repair, "{" M("x") "," HI ",\"me\xc5\xbf" "sages\":1}",
            "messages", TWO, "only some readers"),
    refused(RESPONSES, repair, "{" M("x") ",\"input\":[],\"\\u017ftore\":1}",
            "store", TWO, "only some readers"),
    refused(CHAT, repair, "{" M("x") "," HI ",\"model\\u0000\":1}", "model",
            TWO, "only some readers"),
    refused(CHAT, repair, "{" M("x") "," HI ",\"Model\\u0000y\":1}", "model",
            TWO, "only some readers"),
    passes(CHAT, reject, "{" M("x") "," HI ",\"models\":1,\"mode\":2,\"\":3,"
           "\"\\u0000model\":4,\"\xc3\xa9\":5,\"\xc3\xa9\":6}", NULL),
    refused(CHAT, repair, "{" M("x") "," HI ",\"temperature\":1E400}",
            "temperature", VALUE, "is a number that readers may not hold"),
    refused(CHAT, repair, "{" M("x") "," HI ",\"max_tokens\":-1E400}",
            "max_tokens", VALUE, "readers may not hold"),
    observed(CHAT, observe, "{" M("x") "," HI ",\"n\":1E400}", "n", VALUE,
             "readers may not hold"),
    refused(CHAT, only_o3_observe, "{" M("o3") "," HI ",\"n\":1E400}", "n",
            VALUE, "readers may not hold"),
    passes(CHAT, reject, "{" M("x") ",\"z\":1E400,\"messages\":[{\"role\":"
           "\"user\",\"z\":1E400,\"content\":[{\"type\":\"a\",\"z\":{\"q\":"
           "123456789012345678901234567890}}]}]}", NULL),
    refused(CHAT, repair, "", "", "invalid_json", "the body is empty"),
    refused(CHAT, repair, " ", "", "invalid_json", "the body is empty"),
    refused(CHAT, repair, "[]", "", TYPE, "the body must be a JSON object"),
    refused(CHAT, repair, "5", "", TYPE, "the body must be a JSON object"),
    refused(CHAT, repair, "\"x\" ", "", TYPE, "must be a JSON object"),
    observed(CHAT, observe, "5", "", TYPE, "the body must be a JSON object"),
    observed(CHAT, observe, "{\"a\" 1} and more", "", "invalid_json",
             "a colon is missing at byte 5"),
    refused(CHAT, reject, "{" M("x") "," HI, "", "invalid_json",
            "the body is not valid JSON: the body ends before"),
    refused(CHAT, reject, "{" M("x") "," HI "}}", "", "invalid_json",
            "something follows the value"),
    refused(CHAT, reject, "\xef\xbb\xbf{" M("x") "," HI "}", "",
            "invalid_json", "byte order mark at byte 0"),
    { CHAT, &reject, "{" M("x") "," HI "}\0", sizeof("{" M("x") "," HI "}"),
      NGX_COMET_REFUSED, "", "invalid_json", "something follows", NULL,
      NULL },
    refused(CHAT, reject, "{}", "model", MISSING,
            "model is missing; messages is missing"),
    refused(RESPONSES, reject, "{}", "model", MISSING,
            "model is missing; input is missing"),
    refused(CHAT, reject, "{\"model\":null," HI "}", "model", MISSING,
            "model is missing"),
    refused(CHAT, reject, "{" M("o3 ") "," HI "}", "model", VALUE,
            "without white space at an end"),
    refused(RESPONSES, repair, "{" M("\\u2003o3") ",\"input\":\"\"}", "model",
            VALUE, "without white space at an end"),
    refused(CHAT, repair, "{" M("o3\xe2\x80\x8b") "," HI "}", "model", VALUE,
            "without white space at an end"),
    observed(CHAT, observe, "{" M("o3 ") "," HI "}", "model", VALUE,
             "without white space at an end"),
    refused(CHAT, only_o3_observe, "{" M("o3 ") "," HI "}", "model", VALUE,
            "without white space at an end"),
    refused(CHAT, reject, "{\"model\":\"\"," HI "}", "model", VALUE,
            "model must not be empty"),
    refused(CHAT, reject, "{\"model\":7," HI "}", "model", TYPE,
            "model must be a string"),
    observed(CHAT, observe, "{\"n\":0,\"model\":[{}]," HI "}", "model", TYPE,
             "model must be a string"),
};


/* what is relied upon must be certain in every mode, and only that */

static const case_t  relied_cases[] = {
    refused(CHAT, observe_named, "{" M("o3") "," HI "," M("o4") "}", "model",
            TWO, "model is there more than once"),
    refused(CHAT, observe_named, "{" M("o3") "," HI ",\"mod\\u0065l\":\"a\"}",
            "model", TWO, "model is there more than once"),
    refused(CHAT, observe_named, "{\"MODEL\":\"o4\"," M("o3") "," HI "}",
            "model", TWO, "write \"model\""),
    refused(CHAT, observe_named, "{\"model\\u0000\":1," M("o3") "," HI "}",
            "model", TWO, "write \"model\""),
    refused(CHAT, observe_named, "{\"a\":\"\\ud800\"," M("o3") "," HI "}", "",
            "invalid_json", "the body is not valid JSON: "),
    refused(CHAT, observe_named, "{" M("o3") "," HI ",\"a\":\"\xff\"}", "",
            "invalid_json", "the body is not valid JSON: "),
    refused(CHAT, observe_named, "{" M("o3") "," HI "} {}", "",
            "invalid_json", "something follows the value"),
    refused(CHAT, observe_named, "{" M("o3") "," HI, "", "invalid_json",
            "the body ends before"),
    refused(CHAT, observe_named, "[]", "", TYPE, "must be a JSON object"),
    refused(CHAT, observe_named, "", "", "invalid_json", "is empty"),
    refused(CHAT, observe_named, "{" HI "}", "model", MISSING,
            "model is missing"),
    refused(CHAT, observe_named, "{\"model\":null," HI "}", "model", MISSING,
            "model is missing"),
    refused(CHAT, observe_named, "{\"model\":[\"o3\"]," HI "}", "model", TYPE,
            "model must be a string"),
    refused(CHAT, observe_named, "{\"model\":\"\"," HI "}", "model", VALUE,
            "must not be empty"),
    refused(CHAT, observe_named, "{" M("o3\\t") "," HI "}", "model", VALUE,
            "must be the name of a model"),

    /* it is told before what is only looked at */

    refused(CHAT, observe_named, "{" M("o3") ",\"temperature\":9," HI ","
            M("o3") "}", "model", TWO, "model is there more than once"),
    refused(CHAT, observe_sized, "{" M("o3") ",\"temperature\":9," HI ",]", "",
            "invalid_json", "the body is not valid JSON: "),

    observed(CHAT, observe_named, "{" M("o3") "," HI ",\"n\":1,\"N\":7}", "n",
             TWO, "write \"n\""),
    observed(CHAT, observe_named, "{" M("o3") "," HI ",\"max_tokens\":1,"
             "\"max_tokens\":7}", "max_tokens", TWO, "more than once"),
    observed(CHAT, observe_named, "{" M("o3") "," HI ",\"user\":\"a\","
             "\"user\":\"b\"}", "user", TWO, "more than once"),
    observed(CHAT, observe_named, "{" M("o3") ",\"messages\":[{\"role\":"
             "\"user\",\"role\":\"tool\"}]}", "messages[0].role", TWO,
             "more than once"),
    observed(CHAT, observe_named, "{" M("o3") "}", "messages", MISSING,
             "messages is missing"),

    refused(CHAT, observe_sized, "{" M("o3") "," HI ",\"max_tokens\":1,"
            "\"max_tokens\":7}", "max_tokens", TWO, "more than once"),
    refused(CHAT, observe_sized, "{" M("o3") "," HI ",\"max_tokens\":null,"
            "\"max_tokens\":7}", "max_tokens", TWO, "more than once"),
    refused(CHAT, observe_sized, "{\"Max_Tokens\":9," M("o3") "," HI "}",
            "max_tokens", TWO, "write \"max_tokens\""),
    refused(CHAT, observe_sized, "{" M("o3") "," HI ",\"max_completion_to"
            "\xe2\x84\xaa" "ens\":7}", "max_completion_tokens", TWO,
            "write \"max_completion_tokens\""),
    refused(RESPONSES, observe_sized, "{" M("o3") ",\"input\":\"\","
            "\"MAX_OUTPUT_TOKENS\":7}", "max_output_tokens", TWO,
            "write \"max_output_tokens\""),
    refused(CHAT, observe_sized, "{" M("o3") "," HI ",\"n\":1,\"n\":1}", "n",
            TWO, "more than once"),
    refused(CHAT, observe_sized, "{" M("o3") "," HI ",\"N\":100}", "n", TWO,
            "write \"n\""),
    refused(CHAT, observe_sized, "{" M("o3") "," HI ",\"n\":1E400}", "n",
            VALUE, "readers may not hold"),
    refused(CHAT, observe_sized, "{" M("o3") "," HI ",\"n\":\"100\"}", "n",
            TYPE, "n must be a number"),
    refused(CHAT, observe_sized, "{" M("o3") "," HI ",\"max_tokens\":{}}",
            "max_tokens", TYPE, "max_tokens must be a number"),
    refused(CHAT, observe_sized, "{\"a\":\"\\udc00\"," M("o3") "," HI "}", "",
            "invalid_json", "the body is not valid JSON: "),
    refused(CHAT, observe_sized, "5", "", TYPE, "must be a JSON object"),

    observed(CHAT, observe_sized, "{" M("o3") "," M("o4") "," HI "}", "model",
             TWO, "more than once"),
    observed(CHAT, observe_sized, "{" HI "}", "model", MISSING,
             "model is missing"),
    refused(CHAT, observe_sized, "{" M("o3") "," HI ",\"top_p\":1E400}",
            "top_p", VALUE, "readers may not hold"),
    observed(CHAT, observe_sized, "{" M("o3") "," HI ",\"max_tokens\":-1}",
             "max_tokens", VALUE, "0 or more"),
    observed(CHAT, observe_sized, "{" M("o3") "," HI ",\"n\":0}", "n", VALUE,
             "takes 1 to 128"),
};


#define run_cases(cases)                                                      \
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {           \
        run(&cases[i]);                                                       \
    }


static void
test_caps(void **state)
{
    (void) state;

    run_cases(cap_cases);
}


static void
test_drops(void **state)
{
    (void) state;

    run_cases(drop_cases);
}


static void
test_operators(void **state)
{
    (void) state;

    run_cases(operator_cases);
}


static void
test_usage(void **state)
{
    (void) state;

    run_cases(usage_cases);
}


static void
test_readers(void **state)
{
    (void) state;

    run_cases(reader_cases);
}


static void
test_relied(void **state)
{
    (void) state;

    run_cases(relied_cases);
}


/* what is beyond a literal: long names, numbers and values */

static void
test_long(void **state)
{
    size_t  i;
    char    body[4096], text[1025];
    case_t  row;

    static const struct {
        const char  *format;
        char         fill;
        int          good;
    } rows[] = {
        { "{\"model\":\"x\",\"input\":[],\"metadata\":{\"a\":\"%.*s\"}}",
          'x', 512 },
        { "{\"model\":\"%.*s\",\"input\":[]}", 'm', 255 },
        { "{\"model\":\"x\",\"input\":[],\"top_p\":0.%.*s}", '0', 126 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(text, rows[i].fill, sizeof(text));
        memset(&row, 0, sizeof(row));

        row.endpoint = RESPONSES;
        row.setting = &repair;
        row.body = body;

        snprintf(body, sizeof(body), rows[i].format, rows[i].good, text);
        row.verdict = NGX_COMET_PASS;
        run(&row);

        snprintf(body, sizeof(body), rows[i].format, rows[i].good + 1, text);
        row.verdict = NGX_COMET_REFUSED;
        row.code = VALUE;
        row.param = i == 0 ? "metadata" : i == 1 ? "model" : "top_p";
        row.part = "";
        run(&row);
    }
}


/* an allocation that fails leaves no verdict */

static void
test_no_memory(void **state)
{
    size_t  i, failed;

    static const char  body[] = "{" M("old") ",\"messages\":[{\"role\":"
                                "\"developer\"}],\"n\":7,\"logit_bias\":"
                                "{\"1\":999},\"max_completion_tokens\":9}";

    (void) state;

    failed = 0;

    for (i = 1; i < 10; i++) {
        prepare(&default_repair);
        arena.left = i;

        ngx_comet_judge_init(&judge, endpoint_of(CHAT), &policy);
        ngx_comet_judge_feed(&judge, (unsigned char *) body,
                             sizeof(body) - 1);

        if (ngx_comet_judge_finish(&judge) != 0) {
            failed++;

        } else {
            assert_int_equal(judge.verdict, NGX_COMET_REPAIRED);
        }

        arena_free(&arena);
    }

    arena.left = 0;
    assert_int_equal(failed, 6);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_drops),
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_readers),
        cmocka_unit_test(test_relied),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
