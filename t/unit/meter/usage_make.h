/* Makes answers at random; to be included behind usage_run.h. */

static unsigned long  random_state;


static inline unsigned
number_below(unsigned n)
{
    random_state = random_state * 6364136223846793005UL
                   + 1442695040888963407UL;

    return (unsigned) (random_state >> 33) % n;
}


/* generated answers */

typedef struct {
    char               *text;
    size_t              len;
    size_t              size;
    int                 odd;       /* spaces, escapes, lines of all kinds */
} writer_t;


static inline void
put(writer_t *w, const char *text)
{
    size_t  n;

    n = strlen(text);

    if (w->size - w->len <= n) {
        w->size = (w->size + n) * 2;
        w->text = realloc(w->text, w->size);
        usage_must(w->text != NULL, "memory");
    }

    memcpy(w->text + w->len, text, n + 1);
    w->len += n;
}


static inline const char *
any_of(const char *const *list, unsigned n)
{
    return list[number_below(n)];
}


static inline void
put_space(writer_t *w)
{
    static const char *const  spaces[] = { " ", "  ", "\t", "" };

    if (w->odd && number_below(4) == 0) {
        put(w, any_of(spaces, 4));
    }
}


static inline void
put_name(writer_t *w, const char *name)
{
    char  text[8];

    put_space(w);
    put(w, "\"");

    for ( /* void */ ; *name; name++) {
        snprintf(text, sizeof(text),
                 w->odd && number_below(30) == 0 ? "\\u%04x" : "%c", *name);
        put(w, text);
    }

    put(w, "\"");
    put_space(w);
    put(w, ":");
    put_space(w);
}


static inline void
put_string(writer_t *w)
{
    unsigned                  n;
    static const char *const  parts[] = {
        "word", " ", "\\n", "\\\"", "\\u00e9", "\xc3\xa9", "\\ud83d\\ude00",
        "\xe2\x82\xac", "{", "}", "[]", "\\\\", "usage", "data: ", ":",
        "\\ufffd"
    };

    put(w, "\"");

    for (n = number_below(w->odd ? 12 : 3); n; n--) {
        put(w, any_of(parts, sizeof(parts) / sizeof(parts[0])));
    }

    put(w, "\"");
}


static inline void
put_number(writer_t *w)
{
    char                      text[32];
    static const char *const  hostile[] = {
        "-1", "1000000000000", "1000000000001", "99999999999999999999", "1.5",
        "\"5\"", "true", "{}", "[1]", "null"
    };

    if (w->odd && number_below(25) == 0) {
        put(w, any_of(hostile, sizeof(hostile) / sizeof(hostile[0])));
        return;
    }

    snprintf(text, sizeof(text), "%u", number_below(100000));
    put(w, text);
}


static inline void
put_unknown(writer_t *w)
{
    static const char *const  members[] = {
        "\"id\":\"chatcmpl-1\",", "\"created\":1774412483,",
        "\"service_tier\":null,", "\"x\":{\"usage\":{\"prompt_tokens\":1}},",
        "\"obfuscation\":\"aBcD\",", "\"y\":[[],{},[{\"choices\":[1]}]],",
        "\"z\":1.5e300,", "\"z\":[1.5e300],", ""
    };

    if (w->odd) {
        put(w, any_of(members, sizeof(members) / sizeof(members[0])));
    }
}


static inline void
put_usage(writer_t *w, int responses)
{
    unsigned  i, n, turn;

    static const char *const  names[2][4] = {
        { "prompt_tokens", "completion_tokens", "prompt_tokens_details",
          "completion_tokens_details" },
        { "input_tokens", "output_tokens", "input_tokens_details",
          "output_tokens_details" }
    };

    put_name(w, "usage");

    if (w->odd && number_below(8) == 0) {
        put(w, number_below(4) ? "null" : "{}");
        return;
    }

    put(w, "{");
    put_unknown(w);

    /* some of them, in any order and none twice */

    turn = number_below(4);

    for (i = 0; i < 4; i++) {

        if (w->odd && i && number_below(6) == 0) {
            continue;
        }

        if (i) {
            put(w, ",");
        }

        n = (turn + i) % 4;
        put_name(w, names[responses][n]);

        if (n < 2) {
            put_number(w);
            continue;
        }

        put(w, "{");
        put_name(w, n == 2 ? "cached_tokens" : "reasoning_tokens");
        put_number(w);
        put(w, "}");
    }

    put_space(w);
    put(w, "}");
}


static inline void
put_choice(writer_t *w, const char *holder, unsigned index)
{
    char                      text[32];
    static const char *const  finishes[] = {
        "null", "null", "null", "\"stop\"", "\"length\"", "\"tool_calls\""
    };
    static const char *const  texts[] = {
        "content", "refusal", "reasoning_content", "reasoning", "other"
    };

    snprintf(text, sizeof(text), "{\"index\":%u,", index);
    put(w, text);
    put_name(w, holder);
    put(w, "{");

    switch (number_below(4)) {

    case 0:
        put_name(w, "tool_calls");
        put(w, "[{\"id\":\"call\",\"function\":{\"name\":");
        put_string(w);
        put(w, ",\"arguments\":");
        put_string(w);
        put(w, "}}]");
        break;

    case 1:
        put(w, "\"content\":null");
        break;

    default:
        put_name(w, any_of(texts, 5));
        put_string(w);
    }

    put(w, "},\"finish_reason\":");
    put(w, any_of(finishes, 6));
    put(w, "}");
}


static inline void
put_chat(writer_t *w, const char *holder, int usage_only)
{
    unsigned  i, n, first;

    put(w, "{");
    put_unknown(w);
    first = number_below(2);

    if (first && (usage_only || number_below(10) == 0)) {
        put_usage(w, 0);
        put(w, ",");
    }

    put(w, "\"model\":");
    put_string(w);
    put(w, ",");
    put_unknown(w);
    put_name(w, "choices");
    put(w, "[");

    n = usage_only ? 0 : 1 + number_below(3);

    for (i = 0; i < n; i++) {
        if (i) {
            put(w, ",");
        }

        put_choice(w, holder, i);
    }

    put_space(w);
    put(w, "]");

    if (!first && (usage_only || number_below(10) == 0)) {
        put(w, ",");
        put_usage(w, 0);
    }

    put(w, number_below(40) ? "}" : ",\"error\":{\"message\":\"x\"}}");
}


static inline void
put_response(writer_t *w)
{
    static const char *const  statuses[] = {
        "\"completed\"", "\"failed\"", "\"incomplete\"", "\"in_progress\"",
        "\"cancelled\"", "null"
    };
    static const char *const  details[] = {
        "null", "{\"reason\":\"max_output_tokens\"}",
        "{\"reason\":\"content_filter\"}", "{}"
    };
    static const char *const  items[] = { "message", "function_call", "x" };

    put(w, "{");
    put_unknown(w);
    put_name(w, "status");
    put(w, any_of(statuses, 6));
    put(w, ",\"incomplete_details\":");
    put(w, any_of(details, 4));
    put(w, ",\"model\":");
    put_string(w);
    put(w, ",\"output\":[{\"type\":\"");
    put(w, any_of(items, 3));
    put(w, "\",\"arguments\":");
    put_string(w);
    put(w, ",\"content\":[{\"text\":");
    put_string(w);
    put(w, "}]}],");
    put_usage(w, 1);
    put(w, ",\"error\":null}");
}


static inline void
put_response_event(writer_t *w)
{
    unsigned                  order;
    const char               *type;
    static const char *const  types[] = {
        "response.completed", "response.incomplete", "response.failed",
        "response.in_progress", "error"
    };
    static const char *const  deltas[] = {
        "response.output_text.delta", "response.refusal.delta", ".delta",
        "response.output_text.done", "delta"
    };

    order = number_below(2);
    put(w, "{");
    put_unknown(w);

    type = number_below(3) ? any_of(deltas, 5) : any_of(types, 5);

    if (order) {
        put_name(w, "type");
        put(w, "\"");
        put(w, type);
        put(w, "\",");
    }

    if (number_below(3)) {
        put_name(w, "delta");
        put_string(w);

    } else {
        put_name(w, "response");
        put_response(w);
    }

    if (!order) {
        put(w, ",");
        put_name(w, "type");
        put(w, "\"");
        put(w, type);
        put(w, "\"");
    }

    put(w, "}");
}


/* the text of an event as lines of data */

static inline void
put_event(writer_t *w, const char *text, const char *eol)
{
    char  one[2];

    if (w->odd && number_below(10) == 0) {
        put(w, number_below(2) ? ": comment" : "event: x");
        put(w, eol);
    }

    put(w, number_below(3) ? "data: " : "data:");
    one[1] = '\0';

    for ( /* void */ ; *text; text++) {
        one[0] = *text;
        put(w, one);

        /* an LF between tokens changes nothing, and may be in a string */

        if (w->odd && (*text == ',' || *text == '[') && text[1] == '"'
            && text[-1] != '\\' && number_below(20) == 0)
        {
            put(w, eol);
            put(w, "data: ");
        }
    }

    put(w, eol);
    put(w, eol);
}


static inline void
put_answer(writer_t *w, const usage_form_t *form)
{
    unsigned                  n;
    writer_t                  event;
    const char               *eol;
    static const char *const  eols[] = { "\n", "\r\n", "\r" };

    if (!form->stream) {
        form->responses ? put_response(w) : put_chat(w, "message",
                                                     number_below(2) == 0);
        return;
    }

    if (w->odd && number_below(3) == 0) {
        put(w, "\xef\xbb\xbf");
    }

    memset(&event, 0, sizeof(writer_t));

    for (n = number_below(7) + 1; n; n--) {
        event.len = 0;
        event.odd = w->odd;
        eol = w->odd ? any_of(eols, 3) : "\n";

        if (form->responses) {
            put_response_event(&event);

        } else {
            put_chat(&event, "delta", number_below(4) == 0);
        }

        if (w->odd && number_below(60) == 0) {
            put(&event, "]");
        }

        put_event(w, event.text, eol);
    }

    free(event.text);

    if (number_below(5)) {
        put(w, "data: [DONE]\n\n");
    }
}
