#include "ngx_comet_param.h"

#include <string.h>


#define STRING  NGX_COMET_IS_STRING
#define NUMBER  NGX_COMET_IS_NUMBER
#define BOOL    NGX_COMET_IS_BOOL
#define OBJECT  NGX_COMET_IS_OBJECT
#define ARRAY   NGX_COMET_IS_ARRAY

#define HUGE_INTEGER  9007199254740991.0    /* exact in every reader */

#define LIST(name)  static const char *const  name[]


LIST(roles) = {
    "system", "developer", "user", "assistant", "tool", "function", NULL
};

LIST(efforts) = {
    "none", "minimal", "low", "medium", "high", "xhigh", "max", NULL
};

LIST(tiers) = { "auto", "default", "flex", "priority", "scale", NULL };
LIST(formats) = { "text", "json_object", "json_schema", NULL };
LIST(choices) = { "auto", "none", "required", NULL };
LIST(details) = { "low", "high", "auto", NULL };
LIST(verbosities) = { "low", "medium", "high", NULL };
LIST(truncations) = { "auto", "disabled", NULL };
LIST(retentions) = { "in-memory", "in_memory", "24h", NULL };


static const ngx_comet_field_t  image_url[] = {
    { .name = "detail", .types = STRING, .values = details },
    { .name = NULL }
};

static const ngx_comet_field_t  part[] = {
    { .name = "type", .types = STRING, .flags = NGX_COMET_REQUIRED },
    { .name = "image_url", .types = OBJECT|STRING, .fields = image_url },
    { .name = NULL }
};

static const ngx_comet_field_t  part_element = {
    .types = OBJECT, .fields = part
};

static const ngx_comet_field_t  message[] = {
    { .name = "role", .types = STRING, .values = roles,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_ROLE },
    { .name = "content", .types = STRING|ARRAY, .element = &part_element },
    { .name = "tool_call_id", .types = STRING },
    { .name = NULL }
};

static const ngx_comet_need_t  message_needs[] = {
    { "role", "tool", "tool_call_id" },
    { NULL, NULL, NULL }
};

static const ngx_comet_field_t  message_element = {
    .types = OBJECT, .fields = message, .needs = message_needs
};

static const ngx_comet_field_t  function[] = {
    { .name = "name", .types = STRING, .flags = NGX_COMET_REQUIRED },
    { .name = NULL }
};

static const ngx_comet_field_t  chat_tool[] = {
    { .name = "type", .types = STRING, .flags = NGX_COMET_REQUIRED },
    { .name = "function", .types = OBJECT, .fields = function },
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
    { .name = "type", .types = STRING, .values = formats,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_TAG },
    { .name = "json_schema", .types = OBJECT, .fields = function },
    { .name = NULL }
};

static const ngx_comet_need_t  response_format_needs[] = {
    { "type", "json_schema", "json_schema" },
    { NULL, NULL, NULL }
};


static const ngx_comet_field_t  chat[] = {
    { .name = "model", .types = STRING,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_NONEMPTY },
    { .name = "messages", .types = ARRAY, .element = &message_element,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_NONEMPTY },
    { .name = "stream", .types = BOOL },
    { .name = "stream_options", .types = OBJECT },
    { .name = "temperature", .types = NUMBER, .high = 2 },
    { .name = "top_p", .types = NUMBER, .high = 1 },
    { .name = "frequency_penalty", .types = NUMBER, .low = -2, .high = 2 },
    { .name = "presence_penalty", .types = NUMBER, .low = -2, .high = 2 },
    { .name = "logit_bias", .types = OBJECT, .member = &bias },
    { .name = "max_tokens", .types = NUMBER, .flags = NGX_COMET_INTEGER,
      .high = HUGE_INTEGER },
    { .name = "max_completion_tokens", .types = NUMBER,
      .flags = NGX_COMET_INTEGER, .high = HUGE_INTEGER },
    { .name = "n", .types = NUMBER, .flags = NGX_COMET_INTEGER,
      .low = 1, .high = 128 },
    { .name = "stop", .types = STRING|ARRAY, .element = &string_element,
      .max = 4 },
    { .name = "logprobs", .types = BOOL },
    { .name = "top_logprobs", .types = NUMBER, .flags = NGX_COMET_INTEGER,
      .high = 20 },
    { .name = "response_format", .types = OBJECT, .fields = response_format,
      .needs = response_format_needs },
    { .name = "tools", .types = ARRAY, .element = &chat_tool_element },
    { .name = "tool_choice", .types = STRING|OBJECT, .values = choices },
    { .name = "reasoning_effort", .types = STRING, .values = efforts },
    { .name = "service_tier", .types = STRING, .values = tiers },
    { .name = "user", .types = STRING },
    { .name = NULL }
};


static const ngx_comet_field_t  format[] = {
    { .name = "type", .types = STRING, .values = formats,
      .flags = NGX_COMET_REQUIRED },
    { .name = "name", .types = STRING },
    { .name = "schema", .types = OBJECT },
    { .name = NULL }
};

static const ngx_comet_need_t  format_needs[] = {
    { "type", "json_schema", "name" },
    { "type", "json_schema", "schema" },
    { NULL, NULL, NULL }
};

static const ngx_comet_field_t  text[] = {
    { .name = "format", .types = OBJECT, .fields = format,
      .needs = format_needs },
    { .name = "verbosity", .types = STRING, .values = verbosities },
    { .name = NULL }
};

static const ngx_comet_field_t  reasoning[] = {
    { .name = "effort", .types = STRING, .values = efforts },
    { .name = NULL }
};

static const ngx_comet_field_t  tool[] = {
    { .name = "type", .types = STRING, .flags = NGX_COMET_REQUIRED },
    { .name = "name", .types = STRING },
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


static const ngx_comet_field_t  responses[] = {
    { .name = "model", .types = STRING,
      .flags = NGX_COMET_REQUIRED|NGX_COMET_NONEMPTY },
    { .name = "input", .types = STRING|ARRAY },
    { .name = "prompt", .types = OBJECT },
    { .name = "conversation", .types = STRING|OBJECT },
    { .name = "previous_response_id", .types = STRING },
    { .name = "temperature", .types = NUMBER, .high = 2 },
    { .name = "top_p", .types = NUMBER, .high = 1 },
    { .name = "top_logprobs", .types = NUMBER, .flags = NGX_COMET_INTEGER,
      .high = 20 },
    { .name = "max_output_tokens", .types = NUMBER,
      .flags = NGX_COMET_INTEGER, .high = HUGE_INTEGER },
    { .name = "max_tokens", .types = NUMBER, .flags = NGX_COMET_INTEGER,
      .high = HUGE_INTEGER },
    { .name = "max_completion_tokens", .types = NUMBER,
      .flags = NGX_COMET_INTEGER, .high = HUGE_INTEGER },
    { .name = "max_tool_calls", .types = NUMBER, .flags = NGX_COMET_INTEGER,
      .high = HUGE_INTEGER },
    { .name = "metadata", .types = OBJECT, .member = &metadatum,
      .max = 16, .name_max = 64 },
    { .name = "safety_identifier", .types = STRING, .max = 64 },
    { .name = "user", .types = STRING },
    { .name = "prompt_cache_retention", .types = STRING,
      .values = retentions },
    { .name = "service_tier", .types = STRING, .values = tiers },
    { .name = "truncation", .types = STRING, .values = truncations },
    { .name = "reasoning", .types = OBJECT, .fields = reasoning },
    { .name = "text", .types = OBJECT, .fields = text },
    { .name = "include", .types = ARRAY, .element = &string_element },
    { .name = "stream", .types = BOOL },
    { .name = "stream_options", .types = OBJECT },
    { .name = "background", .types = BOOL },
    { .name = "store", .types = BOOL },
    { .name = "parallel_tool_calls", .types = BOOL },
    { .name = "tool_choice", .types = STRING|OBJECT, .values = choices },
    { .name = "tools", .types = ARRAY, .element = &tool_element },
    { .name = NULL }
};


const ngx_comet_field_t *
ngx_comet_param_table(ngx_comet_endpoint_e endpoint)
{
    switch (endpoint) {

    case NGX_COMET_ENDPOINT_CHAT:
        return chat;

    case NGX_COMET_ENDPOINT_RESPONSES:
        return responses;

    default:
        return NULL;
    }
}


int
ngx_comet_param_is_known(const char *name)
{
    const ngx_comet_field_t  *field;

    for (field = chat; field->name; field++) {
        if (strcmp(field->name, name) == 0) {
            return 1;
        }
    }

    for (field = responses; field->name; field++) {
        if (strcmp(field->name, name) == 0) {
            return 1;
        }
    }

    return 0;
}
