/*
 * Answers by hand, with what the meter must say of them; to be included
 * behind usage_run.h.
 */


#define CHAT              { 0, 0, 0 }
#define CHAT_STREAM       { 0, 1, 0 }
#define INJECTED          { 0, 1, 1 }
#define RESPONSES         { 1, 0, 0 }
#define RESPONSES_STREAM  { 1, 1, 0 }

#define DATA(text)        "data: " text "\n\n"
#define DONE              DATA("[DONE]")
#define USAGE(in, out)    "\"usage\":{\"prompt_tokens\":" in                  \
                          ",\"completion_tokens\":" out "}"
#define CHUNK(in, out)    "{\"choices\":[]," USAGE(in, out) "}"
#define FINISH            "{\"choices\":[{\"delta\":{},"                       \
                          "\"finish_reason\":\"stop\"}]}"
#define SAY(text)         "{\"choices\":[{\"index\":0,\"delta\":{"            \
                          "\"content\":\"" text "\"}}]}"


typedef struct {
    const char         *what;
    usage_form_t        form;
    const char         *text;
    const char         *results;   /* of describe() */
    const char         *out;       /* NULL: the text */
} usage_case_t;


static const usage_case_t  cases[] = {

    /* the forms */

    { "a plain chat answer", CHAT,
      "{\"id\":\"x\",\"model\":\"gpt-5.4\",\"choices\":[{\"index\":0,"
      "\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"},"
      "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":11,"
      "\"completion_tokens\":7,\"total_tokens\":18,"
      "\"prompt_tokens_details\":{\"cached_tokens\":3,\"audio_tokens\":0},"
      "\"completion_tokens_details\":{\"reasoning_tokens\":2}}}",
      "exact 11 7 3 2 ended stop gpt-5.4 produced 2", NULL },

    { "a chat stream", CHAT_STREAM,
      DATA("{\"model\":\"gpt-5.4\",\"choices\":[{\"delta\":{\"role\":"
           "\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}")
      DATA(SAY("a")) DATA(SAY("b")) DATA(SAY("c"))
      DATA("{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}],"
           "\"usage\":null}")
      DATA(CHUNK("5", "3")) DONE,
      "exact 5 3 0 0 ended length gpt-5.4 produced 3", NULL },

    { "a chat stream without a usage", CHAT_STREAM,
      DATA(SAY("one two three four")) DATA(SAY("five")) DONE,
      "unknown 0 0 0 0 ended - - produced 6", NULL },

    { "a plain response", RESPONSES,
      "{\"object\":\"response\",\"status\":\"completed\",\"error\":null,"
      "\"incomplete_details\":null,\"model\":\"gpt-5.4\",\"output\":[{"
      "\"type\":\"message\",\"content\":[{\"type\":\"output_text\","
      "\"text\":\"Hello you\"}]}],\"usage\":{\"input_tokens\":9,"
      "\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":6,"
      "\"output_tokens_details\":{\"reasoning_tokens\":1}}}",
      "exact 9 6 4 1 ended stop gpt-5.4 produced 3", NULL },

    { "a stream of a response, its type behind", RESPONSES_STREAM,
      "event: response.created\ndata: {\"type\":\"response.created\","
      "\"response\":{\"status\":\"in_progress\",\"usage\":null,"
      "\"model\":\"o3\"}}\n\n"
      DATA("{\"delta\":\"Hel\",\"type\":\"response.output_text.delta\"}")
      DATA("{\"type\":\"response.function_call_arguments.delta\","
           "\"delta\":\"{}\"}")
      DATA("{\"type\":\"response.output_text.done\",\"text\":\"Hel\"}")
      DATA("{\"response\":{\"usage\":{\"output_tokens\":8,\"input_tokens\":1},"
           "\"status\":\"completed\",\"output\":[{\"type\":\"message\","
           "\"content\":[{\"text\":\"no twice\"}]}]},"
           "\"type\":\"response.completed\"}"),
      "exact 1 8 0 0 ended stop o3 produced 2", NULL },

    { "a response that calls a tool", RESPONSES,
      "{\"status\":\"completed\",\"output\":[{\"type\":\"reasoning\","
      "\"summary\":[{\"text\":\"abcd\"}]},{\"type\":\"function_call\","
      "\"name\":\"fn\",\"arguments\":\"{}\"}]}",
      "unknown 0 0 0 0 ended tool_calls - produced 2", NULL },

    { "a response that is incomplete", RESPONSES_STREAM,
      DATA("{\"type\":\"response.incomplete\",\"response\":{\"status\":"
           "\"incomplete\",\"incomplete_details\":{\"reason\":"
           "\"max_output_tokens\"},\"usage\":{\"input_tokens\":1,"
           "\"output_tokens\":2}}}"),
      "exact 1 2 0 0 ended length - produced 0", NULL },

    { "a response that failed", RESPONSES_STREAM,
      DATA("{\"type\":\"response.failed\",\"response\":{\"status\":\"failed\","
           "\"error\":{\"code\":\"server_error\"},\"usage\":null}}"),
      "unknown 0 0 0 0 ended error error - produced 0", NULL },

    { "tools and two choices in one chunk", CHAT_STREAM,
      DATA("{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
           "\"id\":\"call\",\"function\":{\"name\":\"fn\",\"arguments\":\"\"}"
           "}]}},{\"index\":1,\"delta\":{\"content\":\"x\"}}]}")
      DATA("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{"
           "\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}"),
      "unknown 0 0 0 0 open tool_calls - produced 3", NULL },

    { "an error in band", CHAT_STREAM,
      DATA(SAY("a")) DATA("{\"error\":{\"message\":\"no\"}}"),
      "unknown 0 0 0 0 open error - - produced 1", NULL },

    { "an error of responses", RESPONSES_STREAM,
      "event: error\n" DATA("{\"type\":\"error\",\"code\":\"x\"}"),
      "unknown 0 0 0 0 open error - - produced 0", NULL },

    /* all that the model writes is text */

    { "reasoning by two names", CHAT_STREAM,
      DATA("{\"choices\":[{\"delta\":{\"reasoning\":\"abcdefgh\"}}]}")
      DATA("{\"choices\":[{\"delta\":{\"reasoning_content\":\"abcdefgh\","
           "\"content\":\"ijkl\"}}]}") DONE,
      "unknown 0 0 0 0 ended - - produced 5", NULL },
    { "reasoning by both names", CHAT_STREAM,
      DATA("{\"choices\":[{\"delta\":{\"reasoning\":\"abcdefgh\","
           "\"reasoning_content\":\"abcdefgh\"}},{\"delta\":{"
           "\"reasoning_content\":\"abcd\",\"reasoning\":\"abcd\"}}]}") DONE,
      "unknown 0 0 0 0 ended - - produced 3", NULL },
    { "a function as it was called once", CHAT_STREAM,
      DATA("{\"choices\":[{\"delta\":{\"function_call\":{\"name\":\"abcd\","
           "\"arguments\":\"efgh\"}}}]}")
      DATA("{\"choices\":[{\"delta\":{\"function_call\":{"
           "\"arguments\":\"efgh\"}}}]}") DONE,
      "unknown 0 0 0 0 ended - - produced 3", NULL },
    { "a refusal, a tool of one's own and what is said", CHAT_STREAM,
      DATA("{\"choices\":[{\"delta\":{\"refusal\":\"abcdefgh\"}}]}")
      DATA("{\"choices\":[{\"delta\":{\"tool_calls\":[{\"custom\":{\"name\":"
           "\"abcd\",\"input\":\"efgh\"}}]}}]}")
      DATA("{\"choices\":[{\"delta\":{\"audio\":{\"transcript\":\"abcdefgh\","
           "\"data\":\"AAAAAAAAAAAAAAAA\"}}}]}") DONE,
      "unknown 0 0 0 0 ended - - produced 6", NULL },
    { "content in parts", CHAT_STREAM,
      DATA("{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\","
           "\"text\":\"abcdefgh\"},{\"text\":\"ijkl\"},7,\"mnop\"]}}]}") DONE,
      "unknown 0 0 0 0 ended - - produced 3", NULL },
    { "all kinds of deltas", RESPONSES_STREAM,
      DATA("{\"type\":\"response.reasoning_summary_text.delta\","
           "\"delta\":\"abcdefgh\"}")
      DATA("{\"type\":\"response.reasoning_text.delta\","
           "\"delta\":\"abcdefgh\"}")
      DATA("{\"type\":\"response.refusal.delta\",\"delta\":\"abcdefgh\"}")
      DATA("{\"type\":\"response.custom_tool_call_input.delta\","
           "\"delta\":\"abcdefgh\"}")
      DATA("{\"type\":\"response.code_interpreter_call_code.delta\","
           "\"delta\":\"abcdefgh\"}")
      DATA("{\"type\":\"response.audio.transcript.delta\","
           "\"delta\":\"abcdefgh\"}")
      DATA("{\"type\":\"response.output_audio.delta\","
           "\"delta\":\"AAAAAAAAAAAAAAAAAAAAAAAA\"}"),
      "unknown 0 0 0 0 open - - produced 12", NULL },
    { "a response's own tools and code", RESPONSES,
      "{\"status\":\"completed\",\"output\":[{\"type\":\"custom_tool_call\","
      "\"name\":\"abcd\",\"input\":\"efgh\"},{\"type\":"
      "\"code_interpreter_call\",\"code\":\"ijkl\"}]}",
      "unknown 0 0 0 0 ended tool_calls - produced 3", NULL },

    /* members are known by their path and after unescaping */

    { "names with escapes", CHAT,
      "{\"us\\u0061ge\":{\"prompt\\u005ftokens\":1,\"completion_token\\u0073\""
      ":2}}", "exact 1 2 0 0 ended - - produced 0", NULL },

    { "a usage elsewhere", CHAT,
      "{\"x\":{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}},"
      "\"choices\":[{\"usage\":{\"prompt_tokens\":1,"
      "\"completion_tokens\":2}}]}",
      "unknown 0 0 0 0 ended - - produced 0", NULL },

    { "a usage at the top of a response's event", RESPONSES_STREAM,
      DATA("{\"type\":\"response.completed\",\"usage\":{\"input_tokens\":1,"
           "\"output_tokens\":2}}"),
      "unknown 0 0 0 0 ended - - produced 0", NULL },

    { "a usage in the text", CHAT_STREAM,
      DATA(SAY("\\\"usage\\\":{\\\"prompt_tokens\\\":1,"
               "\\\"completion_tokens\\\":2}")) DONE,
      "unknown 0 0 0 0 ended - - produced 13", NULL },

    /* numbers that are not believed */

    { "a negative number", CHAT, "{" USAGE("-1", "2") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "a fraction", CHAT, "{" USAGE("1", "2.0") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "an exponent", CHAT, "{" USAGE("1e1", "2") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "a string", CHAT, "{" USAGE("\"1\"", "2") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "an object", CHAT, "{" USAGE("{\"prompt_tokens\":1}", "2") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "an array", CHAT, "{" USAGE("1", "[2]") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "true", CHAT, "{" USAGE("true", "2") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "more than an uint64", CHAT, "{" USAGE("1", "18446744073709551618") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "more than is believed", CHAT, "{" USAGE("1", "1000000000001") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "as much as is believed", CHAT, "{" USAGE("0", "1000000000000") "}",
      "exact 0 1000000000000 0 0 ended - - produced 0", NULL },
    { "null", CHAT, "{" USAGE("null", "2") "}",
      "unknown 0 0 0 0 ended - - produced 0", NULL },
    { "half a usage", CHAT, "{\"usage\":{\"prompt_tokens\":1}}",
      "unknown 0 0 0 0 ended - - produced 0", NULL },
    { "a usage that is a number", CHAT, "{\"usage\":7}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "a usage that is null", CHAT, "{\"usage\":null}",
      "unknown 0 0 0 0 ended - - produced 0", NULL },
    { "details that are a number", CHAT,
      "{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"
      "\"prompt_tokens_details\":3}}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "more cached than there is", CHAT,
      "{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"
      "\"prompt_tokens_details\":{\"cached_tokens\":3}}}",
      "exact 1 2 1 0 ended - - produced 0", NULL },

    /* what comes twice */

    { "two usages in a body", CHAT,
      "{" USAGE("1", "2") "," USAGE("1", "3") "}",
      "exact 1 3 0 0 ended - - produced 0", NULL },
    { "two usages, and the last is null", CHAT,
      "{" USAGE("1", "2") ",\"usage\":null}",
      "unknown 0 0 0 0 ended - - produced 0", NULL },
    { "two usages, and the last is half", CHAT,
      "{" USAGE("1", "2") ",\"usage\":{\"prompt_tokens\":1}}",
      "unknown 0 0 0 0 ended - - produced 0", NULL },
    { "two usages, and the last is good", CHAT,
      "{\"usage\":7," USAGE("-1", "2") "," USAGE("1", "3") "}",
      "exact 1 3 0 0 ended - - produced 0", NULL },
    { "two usages, and the last is bad", CHAT,
      "{" USAGE("1", "2") "," USAGE("-1", "2") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "a number twice", CHAT,
      "{\"usage\":{\"prompt_tokens\":true,\"prompt_tokens\":1,"
      "\"completion_tokens\":2}}",
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "a number twice, and the last is bad", CHAT,
      "{\"usage\":{\"prompt_tokens\":1,\"prompt_tokens\":\"1\","
      "\"completion_tokens\":2}}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "details twice", CHAT,
      "{\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,"
      "\"prompt_tokens_details\":{\"cached_tokens\":1},"
      "\"completion_tokens_details\":{\"reasoning_tokens\":1},"
      "\"prompt_tokens_details\":{\"audio_tokens\":4}}}",
      "exact 5 2 0 1 ended - - produced 0", NULL },
    { "one bad details of two", CHAT,
      "{\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,"
      "\"prompt_tokens_details\":3,\"completion_tokens_details\":{}}}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "running totals", CHAT_STREAM,
      DATA("{\"choices\":[{\"delta\":{\"content\":\"a\"}}]," USAGE("9", "1")
           "}")
      DATA("{\"choices\":[{\"delta\":{\"content\":\"b\"}}]," USAGE("9", "2")
           "}") DONE,
      "exact 9 2 0 0 ended - - produced 2", NULL },
    { "running totals that are cut off", CHAT_STREAM,
      DATA("{\"choices\":[{\"delta\":{\"content\":\"a\"}}]," USAGE("9", "1")
           "}"),
      "partial 9 1 0 0 open - - produced 1", NULL },
    { "one bad usage among good ones", CHAT_STREAM,
      DATA(CHUNK("1", "2")) DATA(CHUNK("1", "-2")) DATA(CHUNK("1", "2")) DONE,
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "a zero chunk behind the real one", CHAT_STREAM,
      DATA(SAY("a")) DATA(FINISH) DATA(CHUNK("9", "5")) DATA(CHUNK("0", "0"))
      DONE, "exact 9 5 0 0 ended stop - produced 1", NULL },
    { "numbers that shrink", CHAT_STREAM,
      DATA(CHUNK("9", "1")) DATA(CHUNK("3", "5")) DONE,
      "exact 9 5 0 0 ended - - produced 0", NULL },
    { "a usage before the text", CHAT_STREAM,
      DATA(CHUNK("9", "0")) DATA(SAY("one two three four")) DATA(SAY("five"))
      DATA(FINISH) DONE,
      "partial 9 0 0 0 ended stop - produced 6", NULL },
    { "text behind a usage", CHAT_STREAM,
      DATA("{\"choices\":[{\"delta\":{\"content\":\"a\"}}]," USAGE("9", "50")
           "}") DATA(SAY("one two three four")) DONE,
      "partial 9 50 0 0 ended - - produced 55", NULL },
    { "text behind the last usage", CHAT_STREAM,
      DATA(SAY("a")) DATA(FINISH) DATA(CHUNK("9", "50")) DATA(SAY("b")),
      "partial 9 50 0 0 open stop - produced 51", NULL },
    { "a usage before all, and left there", CHAT_STREAM,
      DATA(CHUNK("9", "0")), "partial 9 0 0 0 open - - produced 0", NULL },
    { "the last usage, and left there", CHAT_STREAM,
      DATA(SAY("a")) DATA(CHUNK("9", "4")),
      "exact 9 4 0 0 open - - produced 1", NULL },
    { "the last usage of nothing, and left there", CHAT_STREAM,
      DATA(FINISH) DATA(CHUNK("9", "4")),
      "exact 9 4 0 0 open stop - produced 0", NULL },
    { "the first reason stays", CHAT_STREAM,
      DATA("{\"choices\":[{\"finish_reason\":null},"
           "{\"finish_reason\":\"stop\"}]}")
      DATA("{\"choices\":[{\"finish_reason\":\"length\"}]}") DONE,
      "unknown 0 0 0 0 ended stop - produced 0", NULL },

    /* what breaks the form */

    { "no JSON in an event", CHAT_STREAM, DATA("{\"choices\":[}") DONE,
      "broken 0 0 0 0 ended - - produced 0", NULL },
    { "no JSON in the body", CHAT, "{" USAGE("1", "2") "}}",
      "broken 0 0 0 0 open - - produced 0", NULL },
    { "a body cut short", CHAT,
      "{\"choices\":[{\"message\":{\"content\":\"abcdefgh\"}}]," USAGE("1",
      "2"), "unknown 0 0 0 0 open - - produced 2", NULL },
    { "a body cut short in a text", CHAT,
      "{\"choices\":[{\"message\":{\"content\":\"abcdefgh",
      "unknown 0 0 0 0 open - - produced 2", NULL },
    { "a body cut short in a name", CHAT,
      "{\"choices\":[{\"message\":{\"content\":null,\"abcdefgh",
      "unknown 0 0 0 0 open - - produced 0", NULL },
    { "a body cut short in another text", CHAT,
      "{\"choices\":[{\"message\":{\"x\":\"abcdefgh",
      "unknown 0 0 0 0 open - - produced 0", NULL },
    { "an empty body", CHAT, "",
      "unknown 0 0 0 0 open - - produced 0", NULL },
    { "half of [DONE]", CHAT_STREAM, DATA("[DON"),
      "broken 0 0 0 0 open - - produced 0", NULL },
    { "an array", CHAT_STREAM, DATA("[" CHUNK("1", "2") "]"),
      "unknown 0 0 0 0 open - - produced 0", NULL },
    { "an answer behind the end", CHAT_STREAM,
      DONE DATA(CHUNK("1", "2")) DATA("nonsense"),
      "unknown 0 0 0 0 ended - - produced 0", NULL },
    { "a reason that is no word", CHAT,
      "{\"model\":\"a\\nb\",\"choices\":[{\"finish_reason\":\"a b\"}]}",
      "unknown 0 0 0 0 ended - - produced 0", NULL },

    /* what readers of JSON take though its rules do not */

    { "a lone surrogate", CHAT,
      "{\"choices\":[{\"message\":{\"content\":\"a\\ud83d\"}}]," USAGE("1", "2")
      "}", "exact 1 2 0 0 ended - - produced 1", NULL },
    { "surrogates the wrong way round", CHAT_STREAM,
      DATA(SAY("\\ude00\\ud83d")) DATA(SAY("\\ud83d\\ud83d\\ude00"))
      DATA(SAY("\\uDBFF\\n")) DATA(SAY("\\ud800\\u0041"))
      DATA(CHUNK("5", "3")) DONE,
      "exact 5 3 0 0 ended - - produced 6", NULL },
    { "a lone surrogate in a name", CHAT,
      "{\"\\udfff\":{\"\\ud800\":[\"\\ud800\\ud800\"]}," USAGE("1", "2") "}",
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "a surrogate and a wrong escape", CHAT_STREAM,
      DATA(SAY("\\ud83d\\x")) DONE,
      "broken 0 0 0 0 ended - - produced 0", NULL },
    { "half an escape behind a surrogate", CHAT_STREAM,
      DATA(SAY("\\ud83d\\u00g")) DONE,
      "broken 0 0 0 0 ended - - produced 0", NULL },
    { "bytes that are no UTF-8", CHAT_STREAM,
      DATA(SAY("\xff\xc3" "a\xe2\x82\xed\xa0\x80\xf0\x9f\x98" "b\xc0"))
      DATA(CHUNK("5", "3")) DONE,
      "exact 5 3 0 0 ended - - produced 7", NULL },
    { "no numbers", CHAT,
      "{\"a\":NaN,\"b\":[Infinity,-Infinity,{\"c\": NaN }]," USAGE("1", "2")
      "}", "exact 1 2 0 0 ended - - produced 0", NULL },
    { "no numbers in a stream", CHAT_STREAM,
      DATA("{\"choices\":[{\"logprobs\":[-Infinity],\"delta\":{\"content\":"
           "\"a\"}}],\"x\":NaN}") DATA(CHUNK("5", "3")) DONE,
      "exact 5 3 0 0 ended - - produced 1", NULL },
    { "no number of tokens", CHAT, "{" USAGE("1", "NaN") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "tokens without end", CHAT, "{" USAGE("-Infinity", "2") "}",
      "bad 0 0 0 0 ended - - produced 0", NULL },
    { "words that are none", CHAT, "{\"a\":nan," USAGE("1", "2") "}",
      "broken 0 0 0 0 open - - produced 0", NULL },
    { "half a word", CHAT, "{\"a\":-Inf," USAGE("1", "2") "}",
      "broken 0 0 0 0 open - - produced 0", NULL },
    { "a control character in a text", CHAT,
      "{\"a\":\"\t\"," USAGE("1", "2") "}",
      "broken 0 0 0 0 open - - produced 0", NULL },
    { "a mark before a body", CHAT,
      "\xef\xbb\xbf {" USAGE("1", "2") "}",
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "half a mark before a body", CHAT,
      "\xef\xbb{" USAGE("1", "2") "}",
      "broken 0 0 0 0 open - - produced 0", NULL },
    { "a mark in parts", CHAT,
      "\xef \xbb\xbf{" USAGE("1", "2") "}",
      "broken 0 0 0 0 open - - produced 0", NULL },
    { "a mark in a body", CHAT,
      " \xef\xbb\xbf{" USAGE("1", "2") "}",
      "broken 0 0 0 0 open - - produced 0", NULL },

    /* an event that cannot be read is one event */

    { "a usage behind what is no JSON", CHAT_STREAM,
      DATA("{\"choices\":[}") DATA("nonsense") DATA(CHUNK("1", "2")) DONE,
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "the end behind what is no JSON", CHAT_STREAM,
      DATA("{\"choices\":[{\"delta\":{\"content\":\"a\"}}]," USAGE("9", "1")
           "}") DATA("{\"choices\":[}") DONE,
      "broken 9 1 0 0 ended - - produced 1", NULL },
    { "no JSON behind the last usage", CHAT_STREAM,
      DATA(SAY("a")) DATA(FINISH) DATA(CHUNK("1", "2")) DATA("bye"),
      "exact 1 2 0 0 open stop - produced 1", NULL },
    { "a usage behind a bad one", CHAT_STREAM,
      DATA(CHUNK("1", "-2")) DATA(CHUNK("1", "2")) DONE,
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "a bad usage behind a good one", CHAT_STREAM,
      DATA(CHUNK("1", "2")) DATA(CHUNK("1", "NaN")) DONE,
      "bad 1 2 0 0 ended - - produced 0", NULL },

    /* the lines of a stream */

    { "CR", CHAT_STREAM, "data: " CHUNK("1", "2") "\r\rdata: [DONE]\r\r",
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "CRLF and a mark", CHAT_STREAM,
      "\xef\xbb\xbf" "data:" CHUNK("1", "2") "\r\n\r\ndata:[DONE]\r\n\r\n",
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "half a mark", CHAT_STREAM, "\xef\xbb" DATA(CHUNK("1", "2")) DONE,
      "unknown 0 0 0 0 ended - - produced 0", NULL },
    { "a mark in the middle", CHAT_STREAM,
      ": x\n\xef\xbb\xbf" DATA(CHUNK("1", "2")) DONE,
      "unknown 0 0 0 0 ended - - produced 0", NULL },
    { "several lines of data", CHAT_STREAM,
      "id: 1\ndata: {\"choices\":\n: comment\r\ndata\rdata:[],\ndata: "
      USAGE("1", "2") "}\nretry: 5\n\n" DONE,
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "other fields", CHAT_STREAM,
      "dat: " CHUNK("1", "2") "\ndatax: " CHUNK("1", "2") "\n data: "
      CHUNK("1", "2") "\n\n" DONE,
      "unknown 0 0 0 0 ended - - produced 0", NULL },
    { "no blank line behind the end", CHAT_STREAM,
      DATA(CHUNK("1", "2")) "data: [DONE]",
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "no blank line behind the usage", CHAT_STREAM,
      "data: " CHUNK("1", "2") "\n",
      "unknown 0 0 0 0 open - - produced 0", NULL },
    { "an empty event", CHAT_STREAM,
      "data:\n\ndata\n\n: ping\n\n" DATA(CHUNK("1", "2")) DONE,
      "exact 1 2 0 0 ended - - produced 0", NULL },

    /* the chunk that nobody asked for */

    { "the chunk", INJECTED,
      DATA(SAY("a")) DATA(CHUNK("1", "2")) DONE,
      "exact 1 2 0 0 ended - - produced 1", DATA(SAY("a")) DONE },
    { "the chunk with CRLF", INJECTED,
      "data: " SAY("a") "\r\n\r\ndata: " CHUNK("1", "2")
      "\r\n\r\ndata: [DONE]\r\n\r\n",
      "exact 1 2 0 0 ended - - produced 1",
      "data: " SAY("a") "\r\n\r\ndata: [DONE]\r\n\r\n" },
    { "the chunk with CR", INJECTED,
      "data: " CHUNK("1", "2") "\r\rdata: [DONE]\r\r",
      "exact 1 2 0 0 ended - - produced 0", "data: [DONE]\r\r" },
    { "the chunk, its members turned round", INJECTED,
      ": a\nid: 1\n" "data: {" USAGE("1", "2") ",\ndata: \"choices\" : [ ]}\n"
      "\n: b\n" DONE,
      "exact 1 2 0 0 ended - - produced 0", ": a\n: b\n" DONE },
    { "a chunk in which there is a choice", INJECTED,
      DATA("{\"choices\":[{}]," USAGE("1", "2") "}") DONE,
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "a chunk with other choices at last", INJECTED,
      DATA("{\"choices\":[]," USAGE("1", "2") ",\"choices\":[0]}") DONE,
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "a chunk with all that a chunk has", INJECTED,
      DATA("{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,"
           "\"model\":\"x\",\"service_tier\":\"default\",\"choices\":[],"
           "\"system_fingerprint\":\"fp\"," USAGE("1", "2") ",\"error\":null,"
           "\"obfuscation\":\"xx\",\"x_other\":null}") DONE,
      "exact 1 2 0 0 ended - x produced 0", DONE },
    { "a chunk that tells of an error", INJECTED,
      DATA("{\"choices\":[]," USAGE("1", "2") ",\"error\":{\"message\":\"x\"}}")
      DONE, "exact 1 2 0 0 ended error - - produced 0", NULL },
    { "a chunk with more than a usage", INJECTED,
      DATA("{\"choices\":[]," USAGE("1", "2") ",\"citations\":[\"a\"]}") DONE,
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "a chunk with more before the usage", INJECTED,
      DATA("{\"cost\":{\"x\":1},\"choices\":[]," USAGE("1", "2") "}") DONE,
      "exact 1 2 0 0 ended - - produced 0", NULL },
    { "more of the usage is no more than a usage", INJECTED,
      DATA("{\"choices\":[],\"usage\":{\"prompt_tokens\":1,"
           "\"completion_tokens\":2,\"cost\":0.5}}") DONE,
      "exact 1 2 0 0 ended - - produced 0", DONE },
    { "a chunk with no usage", INJECTED,
      DATA("{\"choices\":[],\"prompt_filter_results\":[]}")
      DATA("{\"choices\":[],\"usage\":null}") DONE,
      "unknown 0 0 0 0 ended - - produced 0", NULL },
    { "a chunk that is no JSON", INJECTED,
      DATA("{\"choices\":[]," USAGE("1", "2") "}}") DONE,
      "broken 0 0 0 0 ended - - produced 0", NULL },
    { "a chunk that is cut off", INJECTED, "data: " CHUNK("1", "2") "\n",
      "unknown 0 0 0 0 open - - produced 0", NULL },
    { "a chunk behind the end", INJECTED, DONE DATA(CHUNK("1", "2")),
      "unknown 0 0 0 0 ended - - produced 0", NULL },
    { "two chunks", INJECTED,
      DATA(CHUNK("1", "1")) DATA(SAY("a")) DATA(CHUNK("1", "2")) DONE,
      "exact 1 2 0 0 ended - - produced 1", DATA(SAY("a")) DONE },

    { NULL, CHAT, NULL, NULL, NULL }
};
