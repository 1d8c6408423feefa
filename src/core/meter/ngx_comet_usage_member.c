/*
 * What is looked for in an answer: members by their path, in each form.
 */


#include "ngx_comet_usage_private.h"


#define ngx_comet_member(name, is, members, array)                            \
    { name, sizeof(name) - 1, is, array, members }

#define ngx_comet_array(name, is, members)                                    \
    ngx_comet_member(name, is, members, 1)
#define ngx_comet_object(name, is, members)                                   \
    ngx_comet_member(name, is, members, 0)
#define ngx_comet_scalar(name, is)                                            \
    ngx_comet_member(name, is, NULL, 0)
#define ngx_comet_end                                                         \
    { "", 0, 0, 0, NULL }

#define MEMBERS(name)  static const ngx_comet_member_t  name[]


MEMBERS(cached) = {
    ngx_comet_scalar("cached_tokens", NGX_COMET_FOR_CACHED),
    ngx_comet_end
};

MEMBERS(reasoning) = {
    ngx_comet_scalar("reasoning_tokens", NGX_COMET_FOR_REASONING),
    ngx_comet_end
};


/* chat completions */

MEMBERS(chat_usage) = {
    ngx_comet_scalar("prompt_tokens", NGX_COMET_FOR_INPUT),
    ngx_comet_scalar("completion_tokens", NGX_COMET_FOR_OUTPUT),
    ngx_comet_object("prompt_tokens_details", NGX_COMET_FOR_DETAILS, cached),
    ngx_comet_object("completion_tokens_details", NGX_COMET_FOR_DETAILS,
        reasoning),
    ngx_comet_end
};

MEMBERS(function) = {
    ngx_comet_scalar("name", NGX_COMET_FOR_TEXT),
    ngx_comet_scalar("arguments", NGX_COMET_FOR_TEXT),
    ngx_comet_end
};

MEMBERS(custom) = {
    ngx_comet_scalar("name", NGX_COMET_FOR_TEXT),
    ngx_comet_scalar("input", NGX_COMET_FOR_TEXT),
    ngx_comet_end
};

MEMBERS(tool_call) = {
    ngx_comet_object("function", NGX_COMET_FOR_HOLDER, function),
    ngx_comet_object("custom", NGX_COMET_FOR_HOLDER, custom),
    ngx_comet_end
};

MEMBERS(audio) = {
    ngx_comet_scalar("transcript", NGX_COMET_FOR_TEXT),
    ngx_comet_end
};

MEMBERS(part) = {
    ngx_comet_scalar("text", NGX_COMET_FOR_TEXT),
    ngx_comet_scalar("refusal", NGX_COMET_FOR_TEXT),
    ngx_comet_end
};

MEMBERS(message) = {
    ngx_comet_array("content", NGX_COMET_FOR_TEXT, part),
    ngx_comet_scalar("refusal", NGX_COMET_FOR_TEXT),
    ngx_comet_scalar("reasoning_content", NGX_COMET_FOR_THOUGHT),
    ngx_comet_scalar("reasoning", NGX_COMET_FOR_THOUGHT),
    ngx_comet_array("tool_calls", NGX_COMET_FOR_HOLDER, tool_call),
    ngx_comet_object("function_call", NGX_COMET_FOR_HOLDER, function),
    ngx_comet_object("audio", NGX_COMET_FOR_HOLDER, audio),
    ngx_comet_end
};

MEMBERS(choice) = {
    ngx_comet_object("message", NGX_COMET_FOR_HOLDER, message),
    ngx_comet_scalar("finish_reason", NGX_COMET_FOR_FINISH),
    ngx_comet_end
};

MEMBERS(chunk_choice) = {
    ngx_comet_object("delta", NGX_COMET_FOR_HOLDER, message),
    ngx_comet_scalar("finish_reason", NGX_COMET_FOR_FINISH),
    ngx_comet_end
};

MEMBERS(chat) = {
    ngx_comet_scalar("model", NGX_COMET_FOR_MODEL),
    ngx_comet_array("choices", NGX_COMET_FOR_CHOICES, choice),
    ngx_comet_object("usage", NGX_COMET_FOR_USAGE, chat_usage),
    ngx_comet_scalar("error", NGX_COMET_FOR_ERROR),
    ngx_comet_end
};

MEMBERS(chat_chunk) = {
    ngx_comet_scalar("model", NGX_COMET_FOR_MODEL),
    ngx_comet_array("choices", NGX_COMET_FOR_CHOICES, chunk_choice),
    ngx_comet_object("usage", NGX_COMET_FOR_USAGE, chat_usage),
    ngx_comet_scalar("error", NGX_COMET_FOR_ERROR),
    ngx_comet_scalar("obfuscation", NGX_COMET_FOR_PADDING),
    ngx_comet_end
};


/* responses: the text of a stream is that of its deltas */

MEMBERS(response_usage) = {
    ngx_comet_scalar("input_tokens", NGX_COMET_FOR_INPUT),
    ngx_comet_scalar("output_tokens", NGX_COMET_FOR_OUTPUT),
    ngx_comet_object("input_tokens_details", NGX_COMET_FOR_DETAILS, cached),
    ngx_comet_object("output_tokens_details", NGX_COMET_FOR_DETAILS,
        reasoning),
    ngx_comet_end
};

MEMBERS(incomplete) = {
    ngx_comet_scalar("reason", NGX_COMET_FOR_REASON),
    ngx_comet_end
};

MEMBERS(item) = {
    ngx_comet_scalar("type", NGX_COMET_FOR_ITEM),
    ngx_comet_scalar("name", NGX_COMET_FOR_TEXT),
    ngx_comet_scalar("arguments", NGX_COMET_FOR_TEXT),
    ngx_comet_scalar("input", NGX_COMET_FOR_TEXT),
    ngx_comet_scalar("code", NGX_COMET_FOR_TEXT),
    ngx_comet_array("content", NGX_COMET_FOR_HOLDER, part),
    ngx_comet_array("summary", NGX_COMET_FOR_HOLDER, part),
    ngx_comet_end
};

MEMBERS(event_item) = {
    ngx_comet_scalar("type", NGX_COMET_FOR_ITEM),
    ngx_comet_end
};

MEMBERS(response) = {
    ngx_comet_scalar("model", NGX_COMET_FOR_MODEL),
    ngx_comet_scalar("status", NGX_COMET_FOR_STATUS),
    ngx_comet_object("incomplete_details", NGX_COMET_FOR_HOLDER, incomplete),
    ngx_comet_array("output", NGX_COMET_FOR_HOLDER, item),
    ngx_comet_object("usage", NGX_COMET_FOR_USAGE, response_usage),
    ngx_comet_scalar("error", NGX_COMET_FOR_ERROR),
    ngx_comet_end
};

MEMBERS(event_response) = {
    ngx_comet_scalar("model", NGX_COMET_FOR_MODEL),
    ngx_comet_scalar("status", NGX_COMET_FOR_STATUS),
    ngx_comet_object("incomplete_details", NGX_COMET_FOR_HOLDER, incomplete),
    ngx_comet_array("output", NGX_COMET_FOR_HOLDER, event_item),
    ngx_comet_object("usage", NGX_COMET_FOR_USAGE, response_usage),
    ngx_comet_scalar("error", NGX_COMET_FOR_ERROR),
    ngx_comet_end
};

MEMBERS(response_event) = {
    ngx_comet_scalar("type", NGX_COMET_FOR_TYPE),
    ngx_comet_scalar("sequence_number", NGX_COMET_FOR_SEQUENCE),
    ngx_comet_scalar("delta", NGX_COMET_FOR_TEXT),
    ngx_comet_object("response", NGX_COMET_FOR_HOLDER, event_response),
    ngx_comet_scalar("error", NGX_COMET_FOR_ERROR),
    ngx_comet_scalar("obfuscation", NGX_COMET_FOR_PADDING),
    ngx_comet_end
};


/* of what brings text, what is of sound counts apart */

static const ngx_comet_usage_type_t  response_types[] = {
    { "audio.delta", .end = 1 },
    { ".delta", .end = 1, .delta = 1 },
    { ".done", .end = 1, .ends = 1 },
    { "response.completed", .last = 1 },
    { "response.incomplete", .last = 1 },
    { "response.failed", .last = 1, .error = 1 },
    { "error", .error = 1 },
    { .name = NULL }
};


MEMBERS(none) = {
    ngx_comet_end
};


const ngx_comet_usage_form_t  ngx_comet_usage_forms[NGX_COMET_FORMS] = {

    [NGX_COMET_FORM_NONE] = {
        .roots = {
            ngx_comet_object("", NGX_COMET_FOR_HOLDER, none),
            ngx_comet_object("", NGX_COMET_FOR_HOLDER, none)
        },
        .event = ""
    },

    [NGX_COMET_FORM_CHAT] = {
        .roots = {
            ngx_comet_object("", NGX_COMET_FOR_HOLDER, chat),
            ngx_comet_object("", NGX_COMET_FOR_HOLDER, chat_chunk)
        },
        .chunks = 1,
        .event = ""
    },

    [NGX_COMET_FORM_RESPONSES] = {
        .roots = {
            ngx_comet_object("", NGX_COMET_FOR_HOLDER, response),
            ngx_comet_object("", NGX_COMET_FOR_HOLDER, response_event)
        },
        .types = response_types,
        .event = "event: error\n",
        .flat = 1
    }
};


/* what else is in the chunk with the usage, as it is in all others */

const ngx_comet_member_t  ngx_comet_usage_envelope[] = {
    ngx_comet_scalar("id", NGX_COMET_FOR_HOLDER),
    ngx_comet_scalar("object", NGX_COMET_FOR_HOLDER),
    ngx_comet_scalar("created", NGX_COMET_FOR_HOLDER),
    ngx_comet_scalar("service_tier", NGX_COMET_FOR_HOLDER),
    ngx_comet_scalar("system_fingerprint", NGX_COMET_FOR_HOLDER),
    ngx_comet_end
};

const ngx_comet_member_t  ngx_comet_usage_more =
    ngx_comet_scalar("", NGX_COMET_FOR_MORE);
