/* Caps of output tokens, for test_amend.c: its macros name the settings. */


static const case_t  cap_cases[] = {

    /* renamed, silently */

    passes(CHAT, reject, "{" M("o3") "," HI ",\"max_tokens\":5}",
           "{" M("o3") "," HI ",\"max_completion_tokens\":5}"),
    passes(CHAT, repair, "{\"max_tokens\" : 5 ," M("gpt-5") "," HI "}",
           "{\"max_completion_tokens\" : 5 ," M("gpt-5") "," HI "}"),
    passes(CHAT, observe, "{\"max_tokens\":5," M("gpt-5") "," HI "}", NULL),
    passes(CHAT, reject,
           "{\"max\\u005ftokens\":5," M("openai/gpt-5.4-mini") "," HI "}",
           "{\"max_completion_tokens\":5," M("openai/gpt-5.4-mini") ","
           HI "}"),
    passes(CHAT, reject, "{" M("claude-x") ",\"max_completion_tokens\":0,"
           HI "}", "{" M("claude-x") ",\"max_tokens\":0," HI "}"),
    passes(CHAT, reject, "{" M("gemini-x") ",\"max_completion_tokens\":7,"
           HI "}", "{" M("gemini-x") ",\"max_tokens\":7," HI "}"),
    passes(CHAT, reject, "{" M("gpt-4o") ",\"max_completion_tokens\":7,"
           HI "}", "{" M("gpt-4o") ",\"max_tokens\":7," HI "}"),
    passes(CHAT, reject, "{" M("gpt-4") ",\"max_tokens\":7," HI "}", NULL),
    passes(CHAT, reject, "{" M("chatgpt-4o") ",\"max_completion_tokens\":7,"
           HI "}", "{" M("chatgpt-4o") ",\"max_tokens\":7," HI "}"),
    passes(CHAT, reject, "{" M("gpt-4.1-nano") ",\"max_tokens\":7," HI "}",
           NULL),
    passes(CHAT, reject, "{" M("gpt-4.1") ",\"max_completion_tokens\":7,"
           HI "}", NULL),
    passes(CHAT, reject, "{" M("gpt-oss-120b") ",\"max_tokens\":7,"
           "\"max_completion_tokens\":8," HI "}", NULL),
    passes(CHAT, reject, "{" M("o") ",\"max_tokens\":7," HI "}", NULL),
    passes(CHAT, reject, "{" M("o3x") ",\"max_tokens\":7," HI "}", NULL),
    passes(CHAT, reject, "{" M("O3") ",\"max_tokens\":7," HI "}",
           "{" M("O3") ",\"max_completion_tokens\":7," HI "}"),
    passes(RESPONSES, reject, "{" M("x") ",\"input\":\"\",\"max_tokens\":7}",
           "{" M("x") ",\"input\":\"\",\"max_output_tokens\":7}"),
    passes(RESPONSES, reject, "{\"max_completion_tokens\":7," M("x")
           ",\"input\":\"\"}", "{\"max_output_tokens\":7," M("x")
           ",\"input\":\"\"}"),

    /* equal */

    passes(CHAT, reject, "{\"max_tokens\":5, \"max_completion_tokens\":5 ,"
           M("o3") "," HI "}", "{\"max_completion_tokens\":5 ," M("o3") ","
           HI "}"),
    passes(CHAT, reject, "{\"max_tokens\":5,\"max_completion_tokens\":5,"
           M("claude-x") "," HI "}", "{\"max_tokens\":5," M("claude-x") ","
           HI "}"),
    passes(CHAT, repair, "{" M("gpt-4.1") "," HI ",\"max_tokens\":5 ,"
           "\"max_completion_tokens\":5}", "{" M("gpt-4.1") "," HI " ,"
           "\"max_completion_tokens\":5}"),
    passes(RESPONSES, reject, "{" M("x") ",\"input\":\"\",\"max_tokens\":7,"
           "\"max_completion_tokens\":7,\"max_output_tokens\":7 }",
           "{" M("x") ",\"input\":\"\",\"max_output_tokens\":7 }"),
    passes(RESPONSES, reject, "{\"max_tokens\":7,\"max_completion_tokens\":7,"
           M("x") ",\"input\":\"\"}", "{\"max_output_tokens\":7," M("x")
           ",\"input\":\"\"}"),

    /* different */

    refused(CHAT, reject, "{\"max_tokens\":5,\"max_completion_tokens\":6,"
            M("o3") "," HI "}", "max_tokens", VALUE,
            "max_completion_tokens is 6 and max_tokens is 5: send one of "
            "them, max_completion_tokens"),
    refused(CHAT, repair, "{\"max_tokens\":5,\"max_completion_tokens\":6,"
            M("claude-x") "," HI "}", "max_completion_tokens", VALUE,
            "send one of them, max_tokens"),
    observed(CHAT, observe, "{\"max_tokens\":5,\"max_completion_tokens\":6,"
             M("gpt-4.1") "," HI "}", "max_tokens", VALUE, "send one"),
    refused(RESPONSES, reject, "{\"max_tokens\":5,\"max_output_tokens\":6,"
            M("x") ",\"input\":\"\"}", "max_tokens", VALUE,
            "send one of them, max_output_tokens"),

    /* null */

    passes(CHAT, reject, "{\"max_tokens\":null,\"max_completion_tokens\":6,"
           M("o3") "," HI "}", NULL),
    passes(CHAT, reject, "{\"max_tokens\":6,\"max_completion_tokens\":null,"
           M("o3") "," HI "}", "{\"max_completion_tokens\":6," M("o3") ","
           HI "}"),
    passes(CHAT, reject, "{\"max_tokens\":null,\"max_completion_tokens\":6,"
           M("claude-x") "," HI "}", "{\"max_tokens\":6," M("claude-x") ","
           HI "}"),
    passes(CHAT, reject, "{" M("o3") "," HI ",\"max_tokens\":null}", NULL),

    /* both renamed and clamped */

    repaired(CHAT, repair, "{" M("o3") "," HI ",\"max_tokens\":-1}",
             "max_tokens", VALUE, "0 or more", "{" M("o3") "," HI
             ",\"max_completion_tokens\":0}", "max_tokens=0"),
    repaired(CHAT, repair, "{" M("o3") "," HI ",\"max_tokens\":-1,"
             "\"max_completion_tokens\":-1}", "max_tokens", VALUE,
             "0 or more", "{" M("o3") "," HI ",\"max_completion_tokens\":0}",
             "max_completion_tokens=0"),

    /* the operator's cap */

    passes(CHAT, cap_reject, "{" M("o3") "," HI ",\"max_tokens\":50}",
           "{" M("o3") "," HI ",\"max_completion_tokens\":50}"),
    refused(CHAT, cap_reject, "{" M("o3") "," HI ",\"max_tokens\":51}",
            "max_tokens", VALUE,
            "max_tokens is 51, but at most 50 is allowed here"),
    repaired(CHAT, cap_repair, "{" M("o3") "," HI ",\"max_tokens\":51}",
             "max_tokens", VALUE, "at most 50", "{" M("o3") "," HI
             ",\"max_completion_tokens\":50}", "max_tokens=50"),
    repaired(CHAT, cap_repair, "{\"max_tokens\":99,\"max_completion_tokens\":"
             "98," M("x") "," HI "}", "max_tokens", VALUE, "at most 50",
             "{\"max_tokens\":50,\"max_completion_tokens\":50," M("x") "," HI
             "}", "max_tokens=50, max_completion_tokens=50"),
    observed(CHAT, cap_observe, "{" M("o3") "," HI ",\"max_tokens\":51}",
             "max_tokens", VALUE, "at most 50"),
    passes(CHAT, cap_observe, "{" M("o3") "," HI "}", NULL),
    passes(CHAT, cap_reject, "{" M("o3") "," HI "}", NULL),
    passes(CHAT, default_reject, "{ " M("o3") "," HI "}",
           "{\"max_completion_tokens\":50, " M("o3") "," HI "}"),
    passes(CHAT, default_repair, "{" M("claude-x") "," HI "}",
           "{\"max_tokens\":50," M("claude-x") "," HI "}"),
    passes(CHAT, default_reject, "{" M("x") "," HI "}",
           "{\"max_tokens\":50," M("x") "," HI "}"),
    passes(CHAT, default_reject, "{" M("o3") "," HI
           ",\"max_completion_tokens\": null}", "{" M("o3") "," HI
           ",\"max_completion_tokens\": 50}"),
    passes(CHAT, default_reject, "{" M("o3") "," HI ",\"max_tokens\":7}",
           "{" M("o3") "," HI ",\"max_completion_tokens\":7}"),
    passes(RESPONSES, default_reject, "{" M("x") ",\"input\":\"\"}",
           "{\"max_output_tokens\":50," M("x") ",\"input\":\"\"}"),
    repaired(RESPONSES, default_repair, "{" M("x") ",\"input\":\"\","
             "\"max_output_tokens\":51}", "max_output_tokens", VALUE,
             "at most 50", "{" M("x") ",\"input\":\"\","
             "\"max_output_tokens\":50}", "max_output_tokens=50"),
    repaired(CHAT, default_repair, "{\"n\":7," M("claude-x") "," HI
             ",\"logprobs\":true}", "n", NOT, "logprobs is not supported",
             "{\"max_tokens\":50,\"n\":1," M("claude-x") "," HI "}",
             "n=1, logprobs=dropped"),

    /* no cap at all to some readers */

    passes(CHAT, reject, "{" M("claude-x") "," HI ",\"max_tokens\":0}", NULL),
    passes(CHAT, repair, "{" M("claude-x") "," HI ",\"max_tokens\":-0}", NULL),
    refused(CHAT, cap_reject, "{" M("claude-x") "," HI ",\"max_tokens\":0}",
            "max_tokens", VALUE, "max_tokens is 0, but at least 1 is needed"),
    refused(CHAT, cap_reject, "{" M("x") "," HI ",\"max_tokens\":9,"
            "\"max_completion_tokens\":-0}", "max_completion_tokens", VALUE,
            "max_completion_tokens is -0, but at least 1 is needed"),
    refused(CHAT, default_reject, "{" M("o3") "," HI ",\"max_tokens\":0,"
            "\"max_completion_tokens\":-0}", "max_completion_tokens", VALUE,
            "is -0, but at least 1"),
    refused(CHAT, cap_reject, "{" M("o3") "," HI ",\"max_tokens\":0e5}",
            "max_tokens", TYPE, "must be an integer"),
    refused(CHAT, cap_repair, "{" M("o3") "," HI ",\"max_tokens\":0.0}",
            "max_tokens", TYPE, "must be an integer"),
    passes(CHAT, cap_reject, "{" M("x") "," HI ",\"max_tokens\":null}", NULL),
    repaired(CHAT, cap_repair, "{" M("o3") "," HI ",\"max_tokens\":0}",
             "max_tokens", VALUE, "at least 1", "{" M("o3") "," HI
             ",\"max_completion_tokens\":1}", "max_tokens=1"),
    repaired(CHAT, default_repair, "{\"max_tokens\":-0," M("x") "," HI "}",
             "max_tokens", VALUE, "is -0, but at least 1",
             "{\"max_tokens\":1," M("x") "," HI "}", "max_tokens=1"),
    repaired(CHAT, cap_repair, "{\"max_tokens\":-5," M("x") "," HI "}",
             "max_tokens", VALUE, "at least 1",
             "{\"max_tokens\":1," M("x") "," HI "}", "max_tokens=1"),
    repaired(RESPONSES, default_repair, "{" M("x") ",\"input\":\"\","
             "\"max_output_tokens\":0}", "max_output_tokens", VALUE,
             "at least 1", "{" M("x") ",\"input\":\"\","
             "\"max_output_tokens\":1}", "max_output_tokens=1"),
    observed(CHAT, cap_observe, "{" M("o3") "," HI ",\"max_tokens\":0}",
             "max_tokens", VALUE, "at least 1"),
    refused(CHAT, from_zero_reject, "{" M("o3") "," HI
            ",\"max_completion_tokens\":-0}", "max_completion_tokens", NOT,
            "is -0, but o3 takes 1 to 100"),
    repaired(RESPONSES, from_zero_repair, "{" M("x") ",\"input\":\"\","
             "\"max_tokens\":0}", "max_tokens", NOT, "takes 1 to 100",
             "{" M("x") ",\"input\":\"\",\"max_output_tokens\":1}",
             "max_tokens=1"),

    /* a rule for one name of the cap is a rule for all */

    refused(CHAT, narrow_reject, "{" M("o3") "," HI
            ",\"max_completion_tokens\":101}", "max_completion_tokens", NOT,
            "takes 1 to 100"),
    repaired(RESPONSES, narrow_repair, "{" M("o3") ",\"input\":[],"
             "\"max_completion_tokens\":101}", "max_completion_tokens", NOT,
             "takes 1 to 100", "{" M("o3") ",\"input\":[],"
             "\"max_output_tokens\":100}", "max_completion_tokens=100"),
    repaired(CHAT, narrow_cap, "{" M("x") "," HI ",\"max_tokens\":9999}",
             "max_tokens", NOT, "takes 1 to 100", "{" M("x") "," HI
             ",\"max_tokens\":100}", "max_tokens=100"),
    passes(CHAT, narrow_cap, "{" M("x") "," HI "}",
           "{\"max_tokens\":100," M("x") "," HI "}"),
    refused(CHAT, cap_off_reject, "{" M("o3") "," HI
            ",\"max_completion_tokens\":1}", "max_completion_tokens", NONE,
            "not supported"),
    repaired(CHAT, cap_off_repair, "{" M("o3") "," HI
             ",\"max_completion_tokens\":1}", "max_completion_tokens", NONE,
             "not supported", "{" M("o3") "," HI "}",
             "max_completion_tokens=dropped"),
    passes(CHAT, set_cap_reject, "{" M("o3") "," HI
           ",\"max_completion_tokens\":1}", "{" M("o3") "," HI
           ",\"max_completion_tokens\":9}"),
    passes(CHAT, set_cap_reject, "{" M("o3") ",\"max_tokens\":[1E400]," HI
           "}", "{\"max_completion_tokens\":9," M("o3") "," HI "}"),
    passes(CHAT, set_cap_reject, "{" M("claude-x") ",\"max_tokens\":1,"
           "\"max_completion_tokens\":2," HI "}", "{" M("claude-x")
           ",\"max_tokens\":9," HI "}"),
    passes(RESPONSES, set_cap_reject, "{" M("x") ",\"max_tokens\":1,"
           "\"input\":[]}", "{\"max_output_tokens\":9," M("x")
           ",\"input\":[]}"),
};
