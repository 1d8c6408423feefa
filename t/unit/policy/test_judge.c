#include "unit.h"
#include "judge_case.h"


/*
 * A cell of the tables: what passes, what does not, and what a repair makes
 * of it; NULL where none can.
 */

typedef struct {
    const char  *model;
    const char  *good;
    const char  *bad;
    const char  *param;
    const char  *code;
    const char  *part;
    const char  *after;
    const char  *repairs;
} cell_t;


static void
run_cell(const char *endpoint, const char *format, const cell_t *cell)
{
    size_t  i;
    char    good[4096], bad[4096], after[4096];
    case_t  row;

    const setting_t  *settings[] = { &reject, &repair, &observe };

    snprintf(good, sizeof(good), format, cell->model, cell->good);
    snprintf(bad, sizeof(bad), format, cell->model, cell->bad ? cell->bad : "");
    snprintf(after, sizeof(after), format, cell->model,
             cell->after ? cell->after : "");

    for (i = 0; i < 3; i++) {
        memset(&row, 0, sizeof(row));
        row.endpoint = endpoint;
        row.setting = settings[i];
        row.body = good;
        row.verdict = NGX_COMET_PASS;

        run(&row);

        if (cell->bad == NULL) {
            continue;
        }

        row.body = bad;
        row.param = cell->param;
        row.code = cell->code;
        row.part = cell->part;
        row.verdict = NGX_COMET_REFUSED;

        if (settings[i] == &observe) {
            row.verdict = NGX_COMET_OBSERVED;

        } else if (settings[i] == &repair && cell->after) {
            row.verdict = NGX_COMET_REPAIRED;
            row.after = after;
            row.repairs = cell->repairs;
        }

        run(&row);
    }
}


static const cell_t  chat_cells[] = {

    /* providers */

    { "gpt-4o", ",\"temperature\":2", ",\"temperature\":2.1", "temperature",
      VALUE, "temperature is 2.1, but gpt-4o takes 0 to 2",
      ",\"temperature\":2", "temperature=2" },
    { "claude-sonnet-4-6", ",\"temperature\":1", ",\"temperature\":1.7",
      "temperature", NOT,
      "temperature is 1.7, but claude-sonnet-4-6 takes 0 to 1",
      ",\"temperature\":1", "temperature=1" },
    { "anthropic/claude-3", ",\"temperature\":0", ",\"temperature\":-1",
      "temperature", NOT, "takes 0 to 1", ",\"temperature\":0",
      "temperature=0" },
    { "gemini-2.5-pro", ",\"temperature\":2", ",\"temperature\":2e0001",
      "temperature", VALUE, "is 2e0001, but gemini-2.5-pro takes 0 to 2",
      ",\"temperature\":2", "temperature=2" },
    { "llama", ",\"temperature\":-0.0", ",\"temperature\":-0.1",
      "temperature", VALUE, "takes 0 to 2", ",\"temperature\":0",
      "temperature=0" },
    { "gpt-4o", ",\"top_p\":1", ",\"top_p\":1.01", "top_p", VALUE,
      "takes 0 to 1", ",\"top_p\":1", "top_p=1" },
    { "claude-x", ",\"top_p\":0", ",\"top_p\":-1", "top_p", VALUE,
      "takes 0 to 1", ",\"top_p\":0", "top_p=0" },
    { "gemini-x", ",\"top_p\":1e-400", ",\"top_p\":2", "top_p", VALUE,
      "takes 0 to 1", ",\"top_p\":1", "top_p=1" },
    { "x", ",\"top_p\":0.5", ",\"top_p\":\"1\"", "top_p", TYPE,
      "top_p must be a number", NULL, NULL },
    { "gpt-4o", ",\"n\":128", ",\"n\":129", "n", VALUE, "takes 1 to 128",
      ",\"n\":128", "n=128" },
    { "claude-x", ",\"n\":1", ",\"n\":2", "n", NOT, "takes only 1",
      ",\"n\":1", "n=1" },
    { "gemini-x", ",\"n\":8", ",\"n\":9", "n", NOT, "takes 1 to 8",
      ",\"n\":8", "n=8" },
    { "x", ",\"n\":128", ",\"n\":0", "n", VALUE, "takes 1 to 128", ",\"n\":1",
      "n=1" },
    { "x", ",\"n\":1", ",\"n\":1.0", "n", TYPE, "must be an integer", NULL,
      NULL },
    { "gpt-4o", ",\"stop\":[\"a\",\"b\",\"c\",\"d\"]",
      ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]", "stop", NOT,
      "stop has 5 elements, but gpt-4o takes at most 4", NULL, NULL },
    { "claude-x", ",\"stop\":\"a long one is one\"",
      ",\"stop\":[\"\",\"\",\"\",\"\",\"\"]", "stop", NOT, "at most 4", NULL,
      NULL },
    { "gemini-x", ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]",
      ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]", "stop", NOT,
      "at most 5", NULL, NULL },
    { "x", ",\"stop\":[]", ",\"stop\":[1]", "stop[0]", TYPE,
      "stop[0] must be a string", NULL, NULL },
    { "x", ",\"stop\":null", ",\"stop\":[\"\",\"\",\"\",\"\",\"\"]", "stop",
      NOT, "at most 4", NULL, NULL },
    { "x", ",\"stop\":[\"\"]", ",\"stop\":[null]", "stop[0]", TYPE,
      "a string", NULL, NULL },
    { "gpt-4o", ",\"response_format\":{\"type\":\"json_object\"}",
      ",\"response_format\":{\"type\":\"xml\"}", "response_format.type",
      VALUE, "must be \"text\", \"json_object\" or \"json_schema\"", NULL,
      NULL },
    { "claude-x", ",\"response_format\":{\"type\":\"json_schema\","
      "\"json_schema\":{\"name\":\"a\"}}",
      ",\"response_format\":{\"type\":\"json_object\"}", "response_format",
      NOT, "is \"json_object\", but claude-x takes \"json_schema\" or "
      "\"text\"", NULL, NULL },
    { "claude-x", ",\"response_format\":{\"type\":\"text\"}", NULL, NULL,
      NULL, NULL, NULL, NULL },
    { "gemini-x", ",\"response_format\":{\"type\":\"json_object\"}",
      ",\"response_format\":{}", "response_format", MISSING, "has no type",
      NULL, NULL },
    { "x", ",\"response_format\":{\"type\":\"text\"}",
      ",\"response_format\":\"text\"", "response_format", TYPE,
      "must be an object", NULL, NULL },
    { "gpt-4o", ",\"logprobs\":true,\"top_logprobs\":20",
      ",\"logprobs\":true,\"top_logprobs\":21", "top_logprobs", VALUE,
      "takes 0 to 20", ",\"logprobs\":true,\"top_logprobs\":20",
      "top_logprobs=20" },
    { "claude-x", ",\"logprobs\":false", ",\"logprobs\":true", "logprobs",
      NONE, "logprobs is not supported by claude-x", "",
      "logprobs=dropped" },
    { "claude-x", ",\"logprobs\":null", ",\"logprobs\":true,"
      "\"top_logprobs\":2", "logprobs", NONE, "top_logprobs is not supported",
      "", "logprobs=dropped, top_logprobs=dropped" },
    { "gemini-x", ",\"top_logprobs\":null", ",\"top_logprobs\":0",
      "top_logprobs", NONE, "is not supported by gemini-x", "",
      "top_logprobs=dropped" },
    { "gemini-x", ",\"logprobs\":false", ",\"logprobs\":true", "logprobs",
      NONE, "is not supported by gemini-x", "", "logprobs=dropped" },
    { "x", ",\"logprobs\":true,\"top_logprobs\":0",
      ",\"top_logprobs\":0,\"logprobs\":false", "top_logprobs", VALUE,
      "top_logprobs is allowed only when logprobs is true",
      ",\"logprobs\":false", "top_logprobs=dropped" },
    { "o3", ",\"reasoning_effort\":\"low\"", ",\"reasoning_effort\":\"much\"",
      "reasoning_effort", VALUE, "is \"much\", but must be \"none\", ",
      NULL, NULL },
    { "gpt-5.1", ",\"reasoning_effort\":\"xhigh\"",
      ",\"reasoning_effort\":1", "reasoning_effort", TYPE, "a string", NULL,
      NULL },
    { "gpt-6", ",\"reasoning_effort\":\"max\"",
      ",\"reasoning_effort\":\"\"", "reasoning_effort", VALUE, "is \"\"",
      NULL, NULL },
    { "gpt-5", ",\"reasoning_effort\":\"low\"",
      ",\"reasoning_effort\":\"hard\"", "reasoning_effort", VALUE,
      "is \"hard\", but must be", NULL, NULL },
    { "openai/gpt-5-mini", ",\"reasoning_effort\":\"minimal\"", NULL, NULL,
      NULL, NULL, NULL, NULL },
    { "gpt-5.0", ",\"reasoning_effort\":\"none\"", NULL, NULL, NULL, NULL,
      NULL, NULL },
    { "gpt-4o", ",\"reasoning_effort\":null",
      ",\"reasoning_effort\":\"low\"", "reasoning_effort", NONE,
      "is not supported by gpt-4o", "", "reasoning_effort=dropped" },
    { "gpt-4.1", "", ",\"reasoning_effort\":\"low\"", "reasoning_effort",
      NONE, "by gpt-4.1", "", "reasoning_effort=dropped" },
    { "claude-x", "", ",\"reasoning_effort\":\"low\"", "reasoning_effort",
      NONE, "by claude-x", "", "reasoning_effort=dropped" },
    { "gemini-x", "", ",\"reasoning_effort\":\"low\"", "reasoning_effort",
      NONE, "by gemini-x", "", "reasoning_effort=dropped" },
    { "x", ",\"reasoning_effort\":\"minimal\"",
      ",\"reasoning_effort\":\"low\\u0000\"", "reasoning_effort", VALUE, "",
      NULL, NULL },

    /* parameters */

    { "x", ",\"stream\":true", ",\"stream\":\"true\"", "stream", TYPE,
      "stream must be a boolean", NULL, NULL },
    { "x", ",\"stream\":true,\"stream_options\":{}",
      ",\"stream_options\":{\"include_usage\":true}", "stream_options",
      VALUE, "stream_options is allowed only when stream is true", "",
      "stream_options=dropped" },
    { "x", ",\"stream_options\":{\"a\":[1E400]},\"stream\":true",
      ",\"stream\":false,\"stream_options\":{}", "stream_options", VALUE,
      "only when stream is true", ",\"stream\":false",
      "stream_options=dropped" },
    { "x", ",\"stream_options\":null", ",\"stream_options\":[]",
      "stream_options", TYPE, "an object", NULL, NULL },
    { "x", ",\"frequency_penalty\":-2", ",\"frequency_penalty\":-2.5",
      "frequency_penalty", VALUE, "takes -2 to 2",
      ",\"frequency_penalty\":-2", "frequency_penalty=-2" },
    { "x", ",\"presence_penalty\":2", ",\"presence_penalty\":3",
      "presence_penalty", VALUE, "takes -2 to 2", ",\"presence_penalty\":2",
      "presence_penalty=2" },
    { "x", ",\"logit_bias\":{\"1\":-100,\"2\":100,\"3\":null}",
      ",\"logit_bias\":{\"1\":-101,\"2\": 1e3 ,\"3\":7}", "logit_bias", VALUE,
      "logit_bias has -101, but takes -100 to 100",
      ",\"logit_bias\":{\"1\":-100,\"2\": 100 ,\"3\":7}",
      "logit_bias=clamped" },
    { "x", ",\"logit_bias\":{}",
      ",\"logit_bias\":{\"1\":2,\"50256\":\"2\"}",
      "logit_bias", TYPE, "logit_bias[\"50256\"] must be a number", NULL,
      NULL },
    { "x", ",\"max_tokens\":0", ",\"max_tokens\":-1", "max_tokens", VALUE,
      "must be 0 or more", ",\"max_tokens\":0", "max_tokens=0" },
    { "x", ",\"max_completion_tokens\":9007199254740991",
      ",\"max_completion_tokens\":9007199254740992", "max_completion_tokens",
      VALUE, "must be 9007199254740991 or less",
      ",\"max_completion_tokens\":9007199254740991",
      "max_completion_tokens=9007199254740991" },
    { "x", ",\"max_tokens\":null", ",\"max_tokens\":1e3", "max_tokens", TYPE,
      "is 1e3, but must be an integer", NULL, NULL },
    { "x", ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"\"}}]",
      ",\"tools\":[{\"type\":\"function\",\"function\":{}}]",
      "tools[0].function", MISSING, "tools[0].function has no name", NULL,
      NULL },
    { "claude-x", ",\"tools\":[{\"type\":\"x\"}]",
      ",\"tools\":[{\"type\":\"function\"}]", "tools[0]", MISSING,
      "has no function, which its type \"function\" needs", NULL, NULL },
    { "gemini-x", ",\"tools\":[]", ",\"tools\":[{}]", "tools[0]", MISSING,
      "has no type", NULL, NULL },
    { "gpt-4o", ",\"tools\":null", ",\"tools\":{}", "tools", TYPE,
      "an array", NULL, NULL },
    { "x", "", ",\"tools\":[{\"type\":\"a\"},7]", "tools[1]", TYPE,
      "tools[1] must be an object", NULL, NULL },
    { "x", "", ",\"tools\":[{\"function\":{\"name\":null},"
      "\"type\":\"function\"}]", "tools[0].function", MISSING, "has no name",
      NULL, NULL },
    { "x", ",\"tool_choice\":\"required\"", ",\"tool_choice\":\"any\"",
      "tool_choice", VALUE, "is \"any\", but must be \"auto\"", NULL, NULL },
    { "x", ",\"tool_choice\":{}", ",\"tool_choice\":true", "tool_choice",
      TYPE, "must be a string or an object", NULL, NULL },
    { "x", ",\"service_tier\":\"fast\"", NULL, NULL, NULL, NULL, NULL,
      NULL },
    { "x", ",\"service_tier\":\"scale\"", ",\"service_tier\":\"turbo\"",
      "service_tier", VALUE, "must be \"auto\"", NULL, NULL },
    { "x", ",\"user\":\"\\u0000\"", ",\"user\":5", "user", TYPE,
      "user must be a string", NULL, NULL },
    { "x", ",\"response_format\":{\"type\":\"json_schema\","
      "\"json_schema\":{\"name\":\"a\",\"schema\":{\"x\":1E999}}}",
      ",\"response_format\":{\"type\":\"json_schema\"}", "response_format",
      MISSING, "has no json_schema, which its type \"json_schema\" needs",
      NULL, NULL },
    { "x", "", ",\"response_format\":{\"type\":\"json_schema\","
      "\"json_schema\":{}}", "response_format.json_schema", MISSING,
      "has no name", NULL, NULL },
    { "x", ",\"what\":[1E400,{\"model\":\"\\ud83d\\ude00\"}],\"Y\":0",
      NULL, NULL, NULL, NULL, NULL, NULL },
    { "o1-preview", "", NULL, NULL, NULL, NULL, NULL, NULL },
    { "o10-pro", "", NULL, NULL, NULL, NULL, NULL, NULL },
};


static const cell_t  message_cells[] = {
    { "claude-x", "[{\"role\":\"developer\"}]", NULL, NULL, NULL, NULL, NULL,
      NULL },
    { "gemini-x", "[{\"role\":\"developer\"}]", NULL, NULL, NULL, NULL, NULL,
      NULL },
    { "gpt-4o", "[{\"role\":\"developer\"}]", NULL, NULL, NULL, NULL, NULL,
      NULL },
    { "x", "[{\"role\":\"system\",\"content\":null}]", "null", "messages",
      MISSING, "messages is missing", NULL, NULL },
    { "x", "[{\"role\":\"developer\"},{\"role\":\"user\"}]", "[]", "messages",
      VALUE, "messages must not be empty", NULL, NULL },
    { "x", "[{\"role\":\"assistant\",\"content\":\"\"}]", "[\"hi\"]",
      "messages[0]", TYPE, "messages[0] must be an object", NULL, NULL },
    { "x", "[{\"role\":\"function\"}]", "\"hi\"", "messages", TYPE,
      "messages must be an array", NULL, NULL },
    { "x", "[{\"role\":\"tool\",\"tool_call_id\":\"\"}]",
      "[{\"role\":\"user\"},{\"role\":\"tool\"}]", "messages[1]", MISSING,
      "messages[1] has no tool_call_id, which its role \"tool\" needs", NULL,
      NULL },
    { "x", "[{\"tool_call_id\":\"x\",\"role\":\"tool\"}]",
      "[{\"tool_call_id\":null,\"role\":\"tool\"}]", "messages[0]", MISSING,
      "has no tool_call_id", NULL, NULL },
    { "x", "[{\"role\":\"u\\u0073er\"}]", "[{\"role\":\"tool\","
      "\"tool_call_id\":1}]", "messages[0].tool_call_id", TYPE,
      "must be a string", NULL, NULL },
    { "x", "[{\"role\":\"user\",\"extra\":{\"role\":1,\"role\":2}}]",
      "[{\"role\":\"User\"}]", "messages[0].role", VALUE,
      "messages[0].role is \"User\", but must be \"system\"", NULL, NULL },
    { "x", "[{\"role\":\"user\",\"content\":[]}]", "[{\"content\":\"\"}]",
      "messages[0]", MISSING, "messages[0] has no role", NULL, NULL },
    { "x", "[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]",
      "[{\"role\":\"user\",\"content\":[{}]}]", "messages[0].content[0]",
      MISSING, "messages[0].content[0] has no type", NULL, NULL },
    { "x", "[{\"role\":\"user\",\"content\":[{\"type\":\"\"}]}]",
      "[{\"role\":\"user\",\"content\":[\"x\"]}]", "messages[0].content[0]",
      TYPE, "must be an object", NULL, NULL },
    { "x", "[{\"role\":\"user\"}]", "[{\"role\":\"user\",\"content\":{}}]",
      "messages[0].content", TYPE, "must be a string or an array", NULL,
      NULL },
    { "x", "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
      "\"image_url\":{\"url\":\"\",\"detail\":\"auto\"}}]}]",
      "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
      "\"image_url\":{\"url\":\"\",\"detail\":\"full\"}}]}]",
      "messages[0].content[0].image_url.detail", VALUE,
      "is \"full\", but must be \"low\", \"high\" or \"auto\"", NULL, NULL },

    /* duplicates and names that only some readers take for known ones */

    { "x", "[{\"role\":\"user\",\"name\":1,\"Name\":2}]",
      "[{\"role\":\"user\",\"r\\u006fle\":\"tool\"}]", "messages[0].role",
      TWO, "messages[0].role is there more than once", NULL, NULL },
    { "x", "[{\"role\":\"user\"}]", "[{\"role\":\"user\",\"Role\":1}]",
      "messages[0].role", TWO, "messages[0].role is written \"Role\", which "
      "only some readers take for it: write \"role\"", NULL, NULL },
    { "x", "[{\"role\":\"user\"}]",
      "[{\"role\":\"user\",\"ro\\u006ce\\u0000x\":1}]", "messages[0].role",
      TWO, "messages[0].role is written \"role\\u0000\", which only some "
      "readers take for it: write \"role\"", NULL, NULL },
};


static const cell_t  responses_cells[] = {
    { "gpt-4o", ",\"temperature\":2", ",\"temperature\":2.5", "temperature",
      VALUE, "takes 0 to 2", ",\"temperature\":2", "temperature=2" },
    { "claude-x", ",\"temperature\":2", ",\"temperature\":2.5",
      "temperature", VALUE, "takes 0 to 2", ",\"temperature\":2",
      "temperature=2" },
    { "old-x", ",\"temperature\":1,\"stream\":true,\"stream_options\":{}",
      ",\"temperature\":1.5", "temperature", NOT, "takes 0 to 1",
      ",\"temperature\":1", "temperature=1" },
    { "gemini-x", ",\"top_p\":1", ",\"top_p\":-0.5", "top_p", VALUE,
      "takes 0 to 1", ",\"top_p\":0", "top_p=0" },
    { "claude-x", ",\"top_logprobs\":20,\"n\":5,\"logprobs\":true",
      ",\"top_logprobs\":21", "top_logprobs", VALUE, "takes 0 to 20",
      ",\"top_logprobs\":20", "top_logprobs=20" },
    { "o1-pro", ",\"max_output_tokens\":5", ",\"max_output_tokens\":-5",
      "max_output_tokens", VALUE, "must be 0 or more",
      ",\"max_output_tokens\":0", "max_output_tokens=0" },
    { "x", ",\"max_tool_calls\":0", ",\"max_tool_calls\":-0.5",
      "max_tool_calls", TYPE, "must be an integer", NULL, NULL },
    { "x", ",\"max_tool_calls\":null", ",\"max_tool_calls\":-5",
      "max_tool_calls", VALUE, "must be 0 or more", ",\"max_tool_calls\":0",
      "max_tool_calls=0" },
    { "x", ",\"previous_response_id\":\"a\",\"conversation\":null",
      ",\"previous_response_id\":\"a\",\"conversation\":\"b\"",
      "previous_response_id", VALUE, "exclude each other", NULL, NULL },
    { "x", ",\"conversation\":{}", ",\"conversation\":1", "conversation",
      TYPE, "a string or an object", NULL, NULL },
    { "x", ",\"previous_response_id\":null", ",\"previous_response_id\":{}",
      "previous_response_id", TYPE, "a string", NULL, NULL },
    { "x", ",\"metadata\":{\"a\":\"b\",\"c\":null}",
      ",\"metadata\":{\"a\":\"b\",\"order id\":1}", "metadata", TYPE,
      "metadata[\"order id\"] must be a string", NULL, NULL },
    { "x", "", ",\"metadata\":{\"a\":[{\"b\":1}],\"c\":\"d\"}", "metadata",
      TYPE, "metadata[\"a\"] must be a string", NULL, NULL },
    { "x", ",\"metadata\":{\"\":\"\"}", ",\"metadata\":{\"\":7}", "metadata",
      TYPE, "metadata[\"\"] must be a string", NULL, NULL },
    { "x", ",\"metadata\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\","
      "\"5\":\"\",\"6\":\"\",\"7\":\"\",\"8\":\"\",\"9\":\"\",\"10\":\"\","
      "\"11\":\"\",\"12\":\"\",\"13\":\"\",\"14\":\"\",\"15\":\"\","
      "\"16\":\"\"}",
      ",\"metadata\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\","
      "\"5\":\"\",\"6\":\"\",\"7\":\"\",\"8\":\"\",\"9\":\"\",\"10\":\"\","
      "\"11\":\"\",\"12\":\"\",\"13\":\"\",\"14\":\"\",\"15\":\"\","
      "\"16\":\"\",\"17\":\"\"}", "metadata", VALUE,
      "metadata has 17 members, but at most 16", NULL, NULL },
    { "x", ",\"metadata\":{\"0123456789012345678901234567890123456789012345"
      "67890123456789012\xc3\xa9\":\"\"}",
      ",\"metadata\":{\"0123456789012345678901234567890123456789012345"
      "678901234567890123\xc3\xa9\":\"\"}", "metadata", VALUE,
      "a name of more than 64 characters", NULL, NULL },
    { "x", ",\"safety_identifier\":\"0123456789012345678901234567890123456789"
      "0123456789012345678901\\ud83d\\ude00\xc3\xa9\"",
      ",\"safety_identifier\":\"0123456789012345678901234567890123456789"
      "0123456789012345678901\\ud83d\\ude00\xc3\xa9.\"",
      "safety_identifier", VALUE, "has more than 64 characters", NULL, NULL },
    { "x", ",\"prompt_cache_retention\":\"24h\"",
      ",\"prompt_cache_retention\":\"1h\"", "prompt_cache_retention", VALUE,
      "\"in-memory\", \"in_memory\" or \"24h\"", NULL, NULL },
    { "x", ",\"service_tier\":\"fast\"", NULL, NULL, NULL, NULL, NULL,
      NULL },
    { "x", ",\"service_tier\":\"flex\"", ",\"service_tier\":\"Flex\"",
      "service_tier", VALUE, "is \"Flex\"", NULL, NULL },
    { "x", ",\"truncation\":\"disabled\"", ",\"truncation\":\"on\"",
      "truncation", VALUE, "\"auto\" or \"disabled\"", NULL, NULL },
    { "claude-x", ",\"reasoning\":{\"effort\":\"high\"}",
      ",\"reasoning\":{\"effort\":\"huge\"}", "reasoning.effort", VALUE,
      "reasoning.effort is \"huge\"", NULL, NULL },
    { "x", ",\"reasoning\":{\"effort\":null}", ",\"reasoning\":\"high\"",
      "reasoning", TYPE, "an object", NULL, NULL },
    { "x", ",\"text\":{\"verbosity\":\"low\",\"format\":{\"type\":\"text\"}}",
      ",\"text\":{\"verbosity\":\"none\"}", "text.verbosity", VALUE,
      "\"low\", \"medium\" or \"high\"", NULL, NULL },
    { "x", ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"a\","
      "\"schema\":{}}}", ",\"text\":{\"format\":{\"type\":\"json_schema\","
      "\"schema\":{}}}", "text.format", MISSING, "has no name, which", NULL,
      NULL },
    { "x", ",\"text\":{\"format\":{\"type\":\"json_object\"}}",
      ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"a\"}}",
      "text.format", MISSING, "has no schema, which", NULL, NULL },
    { "x", ",\"text\":{}", ",\"text\":{\"format\":{\"type\":\"yaml\"}}",
      "text.format.type", VALUE, "is \"yaml\"", NULL, NULL },
    { "x", ",\"include\":[\"anything\"]", ",\"include\":[7]", "include[0]",
      TYPE, "a string", NULL, NULL },
    { "x", ",\"stream\":true,\"stream_options\":{}",
      ",\"stream_options\":{}", "stream_options", VALUE,
      "only when stream is true", "", "stream_options=dropped" },
    { "x", ",\"background\":true", ",\"background\":1", "background", TYPE,
      "a boolean", NULL, NULL },
    { "x", ",\"store\":false", ",\"store\":\"no\"", "store", TYPE,
      "a boolean", NULL, NULL },
    { "x", ",\"parallel_tool_calls\":null", ",\"parallel_tool_calls\":[]",
      "parallel_tool_calls", TYPE, "a boolean", NULL, NULL },
    { "x", ",\"tool_choice\":\"none\"", ",\"tool_choice\":\"some\"",
      "tool_choice", VALUE, "is \"some\"", NULL, NULL },
    { "x", ",\"tools\":[{\"type\":\"mcp\"},{\"type\":\"function\","
      "\"name\":\"f\"}]", ",\"tools\":[{\"type\":\"function\"}]", "tools[0]",
      MISSING, "has no name, which its type \"function\" needs", NULL, NULL },
    { "x", ",\"tools\":[{\"type\":\"web_search_preview\"}]",
      ",\"tools\":[{\"name\":\"a\"}]", "tools[0]", MISSING, "has no type",
      NULL, NULL },
};


static const cell_t  input_cells[] = {
    { "x", ",\"input\":\"\"", "", "input", MISSING, "input is missing", NULL,
      NULL },
    { "x", ",\"input\":[{\"a\":1E400,\"a\":2}]", ",\"input\":{}", "input",
      TYPE, "a string or an array", NULL, NULL },
    { "x", ",\"prompt\":{}", ",\"prompt\":null,\"input\":null", "input",
      MISSING, "input is missing", NULL, NULL },
    { "x", ",\"conversation\":\"c\"", ",\"prompt\":\"p\"", "prompt", TYPE,
      "an object", NULL, NULL },
    { "x", ",\"previous_response_id\":\"r\"", NULL, NULL, NULL, NULL, NULL,
      NULL },
};


#define run_cells(endpoint, format, cells)                                    \
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {           \
        run_cell(endpoint, format, &cells[i]);                                \
    }


static void
test_chat_cells(void **state)
{
    (void) state;

    run_cells(CHAT, "{\"model\":\"%s\"," HI "%s}", chat_cells);
    run_cells(CHAT, "{\"model\":\"%s\",\"messages\":%s}", message_cells);
}


static void
test_responses_cells(void **state)
{
    (void) state;

    run_cells(RESPONSES, "{\"model\":\"%s\",\"input\":\"hi\"%s}",
              responses_cells);
    run_cells(RESPONSES, "{\"model\":\"%s\"%s}", input_cells);
}


/* only a model is looked at, and whether the body is JSON */

static const ngx_comet_rule_t  bare_rules[] = {
    { .param = "store", .kind = NGX_COMET_RULE_SET, .set = "false" },
    { .param = "instructions", .kind = NGX_COMET_RULE_OFF },
    { .param = NULL }
};

static const setting_t  bare_list = {
    .name = "list", .admits = "o3", .rules = bare_rules, .cap = 10,
    .cap_default = 1, .usage = 1
};

static const setting_t  bare_observe = {
    .name = "observed list", .mode = NGX_COMET_OBSERVE, .admits = "o3"
};

static const case_t  bare_cases[] = {

    { 0, &reject, "{}", 0, NGX_COMET_PASS, 0, 0, 0, 0, 0 },
    { 0, &reject, "{\"model\":null,\"x\":1}", 0, NGX_COMET_PASS,
      0, 0, 0, 0, 0 },
    { 0, &reject, "{\"temperature\":9,\"stream\":1,\"input\":{},"
      "\"max_tokens\":-1,\"input\":2,\"Input\":3}", 0, NGX_COMET_PASS,
      0, 0, 0, 0, 0 },
    { 0, &reject, "{\"model\":\"\"}", 0, NGX_COMET_REFUSED,
      "model", VALUE, "model", 0, 0 },
    { 0, &repair, "{\"model\":\"a\",\"model\":\"b\"}", 0,
      NGX_COMET_REFUSED, "model", TWO, "model", 0, 0 },
    { 0, &repair, "{\"MODEL\":\"b\"}", 0, NGX_COMET_REFUSED,
      "model", TWO, "model", 0, 0 },
    { 0, &reject, "{\"x\":01}", 0, NGX_COMET_REFUSED,
      "", "invalid_json", "JSON", 0, 0 },
    { 0, &reject, "[]", 0, NGX_COMET_REFUSED,
      "", TYPE, "object", 0, 0 },

    { 0, &bare_list, "{\"model\":\"o3\",\"instructions\":\"x\"}", 0,
      NGX_COMET_PASS, 0, 0, 0, 0, 0 },
    { 0, &bare_list, "{\"model\":\"o4\"}", 0, NGX_COMET_REFUSED,
      "model", "model_not_allowed", "o4", 0, 0 },
    { 0, &bare_list, "{\"previous_response_id\":\"a\"}", 0,
      NGX_COMET_PASS, 0, 0, 0, 0, 0 },
    { 0, &bare_observe, "{\"model\":\"o4\"}", 0, NGX_COMET_REFUSED,
      "model", "model_not_allowed", "o4", 0, 0 },
    { 0, &bare_observe, "{\"model\":4}", 0, NGX_COMET_REFUSED,
      "model", TYPE, "string", 0, 0 },
    { 0, &bare_observe, "{\"x\":1}", 0, NGX_COMET_PASS, 0, 0, 0, 0, 0 },
};


static void
test_bare_cases(void **state)
{
    size_t  i, k;
    case_t  row;

    const char *const  endpoints[] = {
        "/v1/responses/compact", "/v1/responses/input_tokens"
    };

    (void) state;

    for (i = 0; i < sizeof(bare_cases) / sizeof(bare_cases[0]); i++) {
        for (k = 0; k < 2; k++) {
            row = bare_cases[i];
            row.endpoint = endpoints[k];
            run(&row);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_chat_cells),
        cmocka_unit_test(test_bare_cases),
        cmocka_unit_test(test_responses_cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
