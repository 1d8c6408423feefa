#include "ngx_comet_param.h"

#include <stdio.h>
#include <string.h>


#define STRING  NGX_COMET_IS_STRING
#define NUMBER  NGX_COMET_IS_NUMBER
#define BOOL    NGX_COMET_IS_BOOL
#define OBJECT  NGX_COMET_IS_OBJECT
#define ARRAY   NGX_COMET_IS_ARRAY

#define HUGE_INTEGER  9007199254740991.0    /* exact in every reader */

#define NAME(text)  .name = text, .len = sizeof(text) - 1
#define PARAM(text, param)  NAME(text), .id = NGX_COMET_PARAM_##param
#define BEGIN(spelled)  .text = spelled, .len = sizeof(spelled) - 1
#define THEN(spelled)  .then = spelled, .then_len = sizeof(spelled) - 1
#define LIST(name)  static const char *const  name[]


LIST(roles) = {
    "system", "developer", "user", "assistant", "tool", "function", NULL
};

LIST(efforts) = {
    "none", "minimal", "low", "medium", "high", "xhigh", "max", NULL
};

LIST(tiers) = {
    "auto", "default", "flex", "priority", "scale", "fast", NULL
};

LIST(formats) = { "text", "json_object", "json_schema", NULL };
LIST(choices) = { "auto", "none", "required", NULL };
LIST(details) = { "low", "high", "auto", NULL };
LIST(verbosities) = { "low", "medium", "high", NULL };
LIST(truncations) = { "auto", "disabled", NULL };
LIST(retentions) = { "in-memory", "in_memory", "24h", NULL };


static const ngx_comet_field_t  image_url[] = {
    { NAME("detail"), .types = STRING, .values = details },
    { .name = NULL }
};

static const ngx_comet_field_t  part[] = {
    { NAME("type"), .types = STRING, .flags = NGX_COMET_REQUIRED },
    { NAME("image_url"), .types = OBJECT|STRING, .fields = image_url },
    { .name = NULL }
};

static const ngx_comet_field_t  part_element = {
    .types = OBJECT, .fields = part
};

static const ngx_comet_head_t  part_heads[] = {
    { BEGIN("{\"type\":\"text\",\"text\":") },
    { BEGIN("{\"type\": \"text\", \"text\": ") },
    { .len = 0 }
};

static const ngx_comet_begun_t  part_taken[] = { { .present = 1 } };

static const ngx_comet_form_t  part_form = {
    { part_heads, ngx_comet_usual_bit('"')|ngx_comet_usual_bit('t') },
    part_taken
};

/* their places in the next table, as bits */

#define ROLE     0x01
#define CONTENT  0x02
#define CALL_ID  0x04

static const ngx_comet_field_t  message[] = {
    { NAME("role"), .types = STRING, .values = roles,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_ROLE|NGX_COMET_ASKS },
    { NAME("content"), .types = STRING|ARRAY, .element = &part_element,
      .form = &part_form },
    { NAME("tool_call_id"), .types = STRING },
    { .name = NULL }
};

#define TOOL_NEEDS  0x01    /* the first row */

static const ngx_comet_need_t  message_needs[] = {
    { "role", "tool", "tool_call_id" },
    { NULL, NULL, NULL }
};

/* roles that are sent on as they are, and whose needs are known */

enum { SAID, CALLS, CALLS_NULL, CALLS_EMPTY, ANSWER, RESULT };

static const ngx_comet_head_t  message_heads[] = {
    { BEGIN("{\"role\":\"user\",\"content\":") },
    { BEGIN("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":"),
      .kind = CALLS_NULL },
    { BEGIN("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":"),
      .kind = CALLS_EMPTY },
    { BEGIN("{\"role\":\"assistant\",\"tool_calls\":"), .kind = CALLS },
    { BEGIN("{\"role\":\"assistant\",\"content\":") },
    { BEGIN("{\"role\":\"tool\",\"tool_call_id\":"), THEN(",\"content\":"),
      .kind = ANSWER },
    { BEGIN("{\"role\":\"tool\",\"content\":"), .kind = RESULT, .open = 1 },
    { BEGIN("{\"role\":\"system\",\"content\":") },
    { BEGIN("{\"role\": \"user\", \"content\": ") },
    { BEGIN("{\"role\": \"assistant\", \"content\": null, \"tool_calls\": "),
      .kind = CALLS_NULL },
    { BEGIN("{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": "),
      .kind = CALLS_EMPTY },
    { BEGIN("{\"role\": \"assistant\", \"tool_calls\": "), .kind = CALLS },
    { BEGIN("{\"role\": \"assistant\", \"content\": ") },
    { BEGIN("{\"role\": \"tool\", \"tool_call_id\": "),
      THEN(", \"content\": "), .kind = ANSWER },
    { BEGIN("{\"role\": \"tool\", \"content\": "), .kind = RESULT, .open = 1 },
    { BEGIN("{\"role\": \"system\", \"content\": ") },
    { .len = 0 }
};

static const ngx_comet_begun_t  message_taken[] = {
    [SAID] = { .present = ROLE, .last = &message[1] },
    [CALLS] = { .present = ROLE },
    [CALLS_NULL] = { .present = ROLE, .null = CONTENT },
    [CALLS_EMPTY] = { .present = ROLE|CONTENT },
    [ANSWER] = { .present = ROLE|CALL_ID, .needs = TOOL_NEEDS,
                 .last = &message[1] },
    [RESULT] = { .present = ROLE, .needs = TOOL_NEEDS, .last = &message[1] }
};

static const ngx_comet_form_t  message_form = {
    { message_heads, ngx_comet_usual_bit('"')|ngx_comet_usual_bit('u')
                     |ngx_comet_usual_bit('a')|ngx_comet_usual_bit('s')
                     |ngx_comet_usual_bit('t') },
    message_taken
};

static const ngx_comet_field_t  message_element = {
    .types = OBJECT, .fields = message, .needs = message_needs
};

static const ngx_comet_field_t  function[] = {
    { NAME("name"), .types = STRING, .flags = NGX_COMET_REQUIRED },
    { .name = NULL }
};

static const ngx_comet_field_t  chat_tool[] = {
    { NAME("type"), .types = STRING,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_ASKS },
    { NAME("function"), .types = OBJECT, .fields = function },
    { .name = NULL }
};

static const ngx_comet_need_t  chat_tool_needs[] = {
    { "type", "function", "function" },
    { NULL, NULL, NULL }
};

static const ngx_comet_field_t  chat_tool_element = {
    .types = OBJECT, .fields = chat_tool, .needs = chat_tool_needs
};

static const ngx_comet_field_t  string_element = { .types = STRING };

static const ngx_comet_field_t  bias = {
    .types = NUMBER, .low = -100, .high = 100
};

static const ngx_comet_field_t  response_format[] = {
    { NAME("type"), .types = STRING, .values = formats,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_TAG|NGX_COMET_ASKS },
    { NAME("json_schema"), .types = OBJECT, .fields = function },
    { .name = NULL }
};

static const ngx_comet_need_t  response_format_needs[] = {
    { "type", "json_schema", "json_schema" },
    { NULL, NULL, NULL }
};


/* any type passes; the API refuses what it does not take */

static const ngx_comet_field_t  chat_stream_options[] = {
    { NAME("include_usage"), .types = STRING|NUMBER|BOOL|OBJECT|ARRAY,
      .flags = NGX_COMET_USAGE },
    { .name = NULL }
};

const ngx_comet_field_t  ngx_comet_param_chat[] = {
    { NAME("model"), .types = STRING,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_NONEMPTY },
    { NAME("messages"), .types = ARRAY, .element = &message_element,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_NONEMPTY,
      .form = &message_form },
    { PARAM("stream", STREAM), .types = BOOL },
    { PARAM("stream_options", STREAM_OPTIONS), .types = OBJECT,
      .fields = chat_stream_options },
    { NAME("temperature"), .types = NUMBER, .high = 2 },
    { NAME("top_p"), .types = NUMBER, .high = 1 },
    { NAME("frequency_penalty"), .types = NUMBER, .low = -2, .high = 2 },
    { NAME("presence_penalty"), .types = NUMBER, .low = -2, .high = 2 },
    { NAME("logit_bias"), .types = OBJECT, .member = &bias },
    { PARAM("max_tokens", MAX_TOKENS), .types = NUMBER,
      .flags = NGX_COMET_INTEGER, .high = HUGE_INTEGER },
    { PARAM("max_completion_tokens", MAX_COMPLETION_TOKENS), .types = NUMBER,
      .flags = NGX_COMET_INTEGER, .high = HUGE_INTEGER },
    { PARAM("n", N), .types = NUMBER, .flags = NGX_COMET_INTEGER,
      .low = 1, .high = 128 },
    { NAME("stop"), .types = STRING|ARRAY, .element = &string_element,
      .max = 4 },
    { PARAM("logprobs", LOGPROBS), .types = BOOL },
    { PARAM("top_logprobs", TOP_LOGPROBS), .types = NUMBER,
      .flags = NGX_COMET_INTEGER, .high = 20 },
    { NAME("response_format"), .types = OBJECT, .fields = response_format,
      .needs = response_format_needs },
    { NAME("tools"), .types = ARRAY, .element = &chat_tool_element },
    { NAME("tool_choice"), .types = STRING|OBJECT, .values = choices },
    { NAME("reasoning_effort"), .types = STRING, .values = efforts },
    { NAME("service_tier"), .types = STRING, .values = tiers },
    { NAME("user"), .types = STRING },
    { .name = NULL }
};


static const ngx_comet_field_t  format[] = {
    { NAME("type"), .types = STRING, .values = formats,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_ASKS },
    { NAME("name"), .types = STRING },
    { NAME("schema"), .types = OBJECT },
    { .name = NULL }
};

static const ngx_comet_need_t  format_needs[] = {
    { "type", "json_schema", "name" },
    { "type", "json_schema", "schema" },
    { NULL, NULL, NULL }
};

static const ngx_comet_field_t  text[] = {
    { NAME("format"), .types = OBJECT, .fields = format,
      .needs = format_needs },
    { NAME("verbosity"), .types = STRING, .values = verbosities },
    { .name = NULL }
};

static const ngx_comet_field_t  reasoning[] = {
    { NAME("effort"), .types = STRING, .values = efforts },
    { .name = NULL }
};

static const ngx_comet_field_t  tool[] = {
    { NAME("type"), .types = STRING,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_ASKS },
    { NAME("name"), .types = STRING },
    { .name = NULL }
};

static const ngx_comet_need_t  tool_needs[] = {
    { "type", "function", "name" },
    { NULL, NULL, NULL }
};

static const ngx_comet_field_t  tool_element = {
    .types = OBJECT, .fields = tool, .needs = tool_needs
};

static const ngx_comet_field_t  metadatum = { .types = STRING, .max = 512 };


const ngx_comet_field_t  ngx_comet_param_responses[] = {
    { NAME("model"), .types = STRING,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_NONEMPTY },
    { PARAM("input", INPUT), .types = STRING|ARRAY },
    { PARAM("prompt", PROMPT), .types = OBJECT },
    { PARAM("conversation", CONVERSATION), .types = STRING|OBJECT },
    { PARAM("previous_response_id", PREVIOUS_RESPONSE_ID), .types = STRING },
    { NAME("temperature"), .types = NUMBER, .high = 2 },
    { NAME("top_p"), .types = NUMBER, .high = 1 },
    { PARAM("top_logprobs", TOP_LOGPROBS), .types = NUMBER,
      .flags = NGX_COMET_INTEGER, .high = 20 },
    { PARAM("max_output_tokens", MAX_OUTPUT_TOKENS), .types = NUMBER,
      .flags = NGX_COMET_INTEGER, .high = HUGE_INTEGER },
    { PARAM("max_tokens", MAX_TOKENS), .types = NUMBER,
      .flags = NGX_COMET_INTEGER, .high = HUGE_INTEGER },
    { PARAM("max_completion_tokens", MAX_COMPLETION_TOKENS), .types = NUMBER,
      .flags = NGX_COMET_INTEGER, .high = HUGE_INTEGER },
    { NAME("max_tool_calls"), .types = NUMBER, .flags = NGX_COMET_INTEGER,
      .high = HUGE_INTEGER },
    { NAME("metadata"), .types = OBJECT, .member = &metadatum,
      .max = 16, .name_max = 64 },
    { NAME("safety_identifier"), .types = STRING, .max = 64 },
    { NAME("user"), .types = STRING },
    { NAME("prompt_cache_retention"), .types = STRING,
      .values = retentions },
    { NAME("service_tier"), .types = STRING, .values = tiers },
    { NAME("truncation"), .types = STRING, .values = truncations },
    { NAME("reasoning"), .types = OBJECT, .fields = reasoning },
    { NAME("text"), .types = OBJECT, .fields = text },
    { NAME("include"), .types = ARRAY, .element = &string_element },
    { PARAM("stream", STREAM), .types = BOOL },
    { PARAM("stream_options", STREAM_OPTIONS), .types = OBJECT },
    { NAME("background"), .types = BOOL },
    { NAME("store"), .types = BOOL },
    { NAME("parallel_tool_calls"), .types = BOOL },
    { NAME("tool_choice"), .types = STRING|OBJECT, .values = choices },
    { NAME("tools"), .types = ARRAY, .element = &tool_element },
    { .name = NULL }
};


/* of compact and input_tokens */

const ngx_comet_field_t  ngx_comet_param_bare[] = {
    { NAME("model"), .types = STRING, .flags = NGX_COMET_NONEMPTY },
    { .name = NULL }
};


const ngx_comet_field_t *
ngx_comet_param_find(const ngx_comet_field_t *field, const char *name)
{
    for ( /* void */ ; field && field->name; field++) {
        if (strcmp(field->name, name) == 0) {
            return field;
        }
    }

    return NULL;
}


static const struct {
    unsigned     type;
    const char  *name;
} ngx_comet_type_names[] = {
    { NGX_COMET_IS_STRING, "a string" },
    { NGX_COMET_IS_NUMBER, "a number" },
    { NGX_COMET_IS_BOOL, "a boolean" },
    { NGX_COMET_IS_OBJECT, "an object" },
    { NGX_COMET_IS_ARRAY, "an array" },
    { NGX_COMET_IS_NULL, "null" },
    { 0, NULL }
};


void
ngx_comet_param_types(char *text, size_t size, unsigned types)
{
    int         n;
    size_t      i, len;

    len = 0;
    text[0] = '\0';

    for (i = 0; ngx_comet_type_names[i].name; i++) {
        if (types & ngx_comet_type_names[i].type) {
            n = snprintf(text + len, size - len, "%s%s", len ? " or " : "",
                         ngx_comet_type_names[i].name);
            len += (size_t) n;
        }
    }
}
