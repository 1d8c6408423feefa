/*
 * Feeds an answer to the meter in pieces and takes out what it says, and does
 * the same in a second way that is slow and simple: with the whole answer at
 * hand and cJSON.  Shared by the unit test and the fuzzer.
 */

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_comet_usage.h"


typedef struct {
    int                 responses;
    int                 stream;
    int                 inject;
} usage_form_t;


typedef struct {
    uint64_t            numbers[NGX_COMET_USAGE_NUMBERS];
    int                 complete, final, bad, broken, error, ended, exact;
    int                 closing;
    uint64_t            pieces, bytes, produced;
    uint64_t            known_pieces, known_bytes;
    char                finish[NGX_COMET_USAGE_FINISH];
    char                model[NGX_COMET_USAGE_MODEL + 1];

    unsigned char      *out;       /* what the client gets */
    size_t              len;
} usage_run_t;


/* no event is told by another one */

static int  usage_alone;


static inline void
usage_must(int truth, const char *what)
{
    if (!truth) {
        fprintf(stderr, "not so: %s\n", what);
        abort();
    }
}


static inline void
usage_run_results(usage_run_t *run, const ngx_comet_usage_t *usage)
{
    memcpy(run->numbers, usage->numbers, sizeof(run->numbers));

    run->complete = usage->complete;
    run->final = usage->final;
    run->bad = usage->bad;
    run->broken = usage->broken;
    run->error = usage->error;
    run->ended = usage->ended;
    run->closing = usage->closing;
    run->exact = ngx_comet_usage_exact(usage);
    run->pieces = usage->pieces;
    run->bytes = usage->bytes;
    run->produced = ngx_comet_usage_produced(usage);
    memcpy(run->finish, usage->finish, sizeof(run->finish));
    memcpy(run->model, usage->model, sizeof(run->model));
}


/* the caller keeps it in one lump: it stays, or is sent, or is cut */

static inline void
usage_run_held(const ngx_comet_usage_t *usage, uint64_t held, uint64_t before)
{
    uint64_t  now;

    now = usage->cut_end > usage->cut_start ? usage->cut_start
                                            : usage->hold_from;

    usage_must(held == before || now == held || now >= before,
               "what is held goes together");
}


static inline void
usage_run_forget(ngx_comet_usage_t *usage)
{
    free(usage->alike);
    usage->alike = NULL;
}


/* one piece, in memory of its own; *gone is how much was sent or cut */

static inline void
usage_run_piece(usage_run_t *run, ngx_comet_usage_t *usage,
    const unsigned char *text, size_t from, size_t to, uint64_t *gone)
{
    size_t          n, len;
    unsigned char  *piece, *p;

    len = to - from;
    piece = malloc(len ? len : 1);

    if (piece == NULL) {
        abort();
    }

    if (len) {
        memcpy(piece, text + from, len);
    }

    for (p = piece; len; p += n, len -= n) {

        n = ngx_comet_usage_feed(usage, p, len);

        if (usage_alone) {
            usage_run_forget(usage);
        }

        usage_run_held(usage, *gone, from + (size_t) (p - piece));

        usage_must(n > 0 && n <= len, "something is taken");
        usage_must(n == len || usage->cut_end > usage->cut_start,
                   "feeding stops behind a cut only");
        usage_must(usage->hold_from <= from + (size_t) (p - piece) + n,
                   "held is what has passed");
        usage_must(from + (size_t) (p - piece) + n - usage->hold_from
                   <= NGX_COMET_USAGE_HOLD_MAX, "little is held");

        if (usage->cut_end > usage->cut_start) {
            usage_must(*gone <= usage->cut_start, "a cut is still held");
            memcpy(run->out + run->len, text + *gone,
                   usage->cut_start - *gone);
            run->len += usage->cut_start - *gone;
            *gone = usage->cut_end;
        }

        usage_must(usage->hold_from >= *gone, "what is sent stays sent");
        memcpy(run->out + run->len, text + *gone, usage->hold_from - *gone);
        run->len += usage->hold_from - *gone;
        *gone = usage->hold_from;
    }

    free(piece);
}


/* run->out is to be freed */

static inline void
usage_run(usage_run_t *run, const usage_form_t *form,
    const unsigned char *text, size_t len, const size_t *cuts, size_t ncuts)
{
    size_t              i, from;
    uint64_t            gone;
    ngx_comet_usage_t  *usage;

    usage = malloc(sizeof(ngx_comet_usage_t));
    memset(run, 0, sizeof(usage_run_t));
    run->out = malloc(len + 1);

    if (usage == NULL || run->out == NULL) {
        abort();
    }

    /* whatever the memory held before */

    memset(usage, 0xa5, sizeof(ngx_comet_usage_t));

    ngx_comet_usage_init(usage,
                         form->responses ? NGX_COMET_FORM_RESPONSES
                                         : NGX_COMET_FORM_CHAT,
                         form->stream, form->inject);
    gone = 0;
    from = 0;

    for (i = 0; i < ncuts; i++) {
        usage_run_piece(run, usage, text, from, cuts[i], &gone);
        from = cuts[i];
    }

    usage_run_piece(run, usage, text, from, len, &gone);

    ngx_comet_usage_finish(usage);

    usage_must(usage->hold_from == len, "nothing is held in the end");
    memcpy(run->out + run->len, text + gone, len - gone);
    run->len += len - gone;

    usage_run_results(run, usage);
    free(usage);
}


static inline int
usage_run_same(const usage_run_t *a, const usage_run_t *b)
{
    return memcmp(a->numbers, b->numbers, sizeof(a->numbers)) == 0
           && a->complete == b->complete && a->final == b->final
           && a->bad == b->bad && a->broken == b->broken
           && a->error == b->error && a->ended == b->ended
           && a->closing == b->closing
           && a->exact == b->exact && a->pieces == b->pieces
           && a->bytes == b->bytes && a->produced == b->produced
           && strcmp(a->finish, b->finish) == 0
           && strcmp(a->model, b->model) == 0
           && a->len == b->len && memcmp(a->out, b->out, a->len) == 0;
}


static inline void
usage_run_print(const char *name, const usage_run_t *run)
{
    fprintf(stderr, "%s: in %llu out %llu cached %llu reasoning %llu "
            "complete %d final %d bad %d broken %d error %d ended %d "
            "exact %d closing %d pieces %llu bytes %llu finish \"%s\" "
            "model \"%s\" %zu bytes\n%.*s\n",
            name, (unsigned long long) run->numbers[0],
            (unsigned long long) run->numbers[1],
            (unsigned long long) run->numbers[2],
            (unsigned long long) run->numbers[3], run->complete, run->final,
            run->bad, run->broken, run->error, run->ended, run->exact,
            run->closing,
            (unsigned long long) run->pieces,
            (unsigned long long) run->bytes, run->finish, run->model,
            run->len, (int) run->len, run->out);
}


/* an event of a stream, found the simple way */

typedef struct {
    size_t              start;     /* of its first field */
    size_t              end;       /* behind the blank line */
    size_t              measured;  /* but for an LF behind the last CR */
    int                 data;
    unsigned char      *text;
    size_t              len;
} usage_event_t;


static inline size_t
usage_eol(const unsigned char *p, size_t at, size_t len)
{
    return p[at] == '\r' && at + 1 < len && p[at + 1] == '\n' ? at + 2
                                                              : at + 1;
}


/* returns where to look for the next, or 0; event->text is to be freed */

static inline size_t
usage_event_next(usage_event_t *event, const unsigned char *p, size_t at,
    size_t len)
{
    int     open;
    size_t  from, end;

    memset(event, 0, sizeof(usage_event_t));
    event->text = malloc(len + 1);
    open = 0;

    if (event->text == NULL) {
        abort();
    }

    if (at == 0 && len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        at = 3;
    }

    for ( ;; ) {

        for (end = at; end < len && p[end] != '\r' && p[end] != '\n'; end++) {
            /* void */
        }

        if (end == at && end < len) {

            if (open) {
                event->measured = end + 1;
                event->end = usage_eol(p, end, len);
                return event->end;
            }

            at = usage_eol(p, end, len);
            continue;
        }

        if (end > at && p[at] != ':' && !open) {
            open = 1;
            event->start = at;
        }

        if (end - at >= 4 && memcmp(p + at, "data", 4) == 0
            && (end - at == 4 || p[at + 4] == ':'))
        {
            from = end - at == 4 ? end : at + 5;

            if (from < end && p[from] == ' ') {
                from++;
            }

            if (event->data++) {
                event->text[event->len++] = '\n';
            }

            memcpy(event->text + event->len, p + from, end - from);
            event->len += end - from;
        }

        if (end == len) {
            return 0;
        }

        at = usage_eol(p, end, len);
    }
}


static inline const cJSON *
usage_get(const cJSON *object, const char *name)
{
    return cJSON_IsObject(object)
           ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}


static inline uint64_t
usage_model_text(const cJSON *value)
{
    return cJSON_IsString(value) ? strlen(value->valuestring) : 0;
}


static inline int
usage_model_given(const cJSON *value)
{
    return value && !cJSON_IsNull(value);
}


static inline void
usage_model_number(int *bad, const cJSON *value, unsigned i,
    uint64_t *numbers, unsigned *have)
{
    if (!usage_model_given(value)) {
        return;
    }

    if (!cJSON_IsNumber(value) || value->valuedouble < 0
        || value->valuedouble > NGX_COMET_USAGE_MAX
        || value->valuedouble != (double) (uint64_t) value->valuedouble)
    {
        *bad = 1;
        return;
    }

    numbers[i] = (uint64_t) value->valuedouble;
    *have |= 1u << i;
}


static inline void
usage_model_details(int *bad, const cJSON *details, const char *name,
    unsigned i, uint64_t *numbers, unsigned *have)
{
    if (cJSON_IsObject(details)) {
        usage_model_number(bad, usage_get(details, name), i, numbers, have);

    } else if (usage_model_given(details)) {
        *bad = 1;
    }
}


static inline void
usage_model_usage(usage_run_t *run, const usage_form_t *form,
    const cJSON *usage, int final)
{
    int            r, bad;
    unsigned       i, have;
    uint64_t       numbers[NGX_COMET_USAGE_NUMBERS];

    static const char *const  names[2][4] = {
        { "prompt_tokens", "completion_tokens", "prompt_tokens_details",
          "completion_tokens_details" },
        { "input_tokens", "output_tokens", "input_tokens_details",
          "output_tokens_details" }
    };

    if (!cJSON_IsObject(usage)) {
        run->bad |= usage_model_given(usage);
        return;
    }

    r = form->responses;
    have = 0;
    bad = 0;
    memset(numbers, 0, sizeof(numbers));

    usage_model_number(&bad, usage_get(usage, names[r][0]), 0, numbers,
                       &have);
    usage_model_number(&bad, usage_get(usage, names[r][1]), 1, numbers,
                       &have);
    usage_model_details(&bad, usage_get(usage, names[r][2]), "cached_tokens",
                        2, numbers, &have);
    usage_model_details(&bad, usage_get(usage, names[r][3]),
                        "reasoning_tokens", 3, numbers, &have);

    run->bad |= bad;

    if ((have & 3) != 3 || bad) {
        return;
    }

    if (numbers[2] > numbers[0]) {
        numbers[2] = numbers[0];
    }

    run->bad = 0;
    run->broken = 0;
    run->complete = 1;
    run->final |= final;
    run->known_pieces = run->pieces;
    run->known_bytes = run->bytes;

    for (i = 0; i < NGX_COMET_USAGE_NUMBERS; i++) {
        if (numbers[i] > run->numbers[i]) {
            run->numbers[i] = numbers[i];
        }
    }
}


static inline void
usage_model_name(usage_run_t *run, const cJSON *value)
{
    if (run->model[0] == '\0' && cJSON_IsString(value)
        && strpbrk(value->valuestring, "\n\t") == NULL
        && strlen(value->valuestring) <= NGX_COMET_USAGE_MODEL)
    {
        snprintf(run->model, sizeof(run->model), "%s", value->valuestring);
    }
}


static inline void
usage_model_chat(usage_run_t *run, const usage_form_t *form,
    const cJSON *root)
{
    int           ends;
    uint64_t      bytes, more;
    const cJSON  *choices, *choice, *message, *calls, *call, *finish;

    ends = 0;
    choices = usage_get(root, "choices");

    usage_model_name(run, usage_get(root, "model"));
    run->error |= usage_model_given(usage_get(root, "error"));

    if (!cJSON_IsArray(choices)) {
        choices = NULL;
    }

    cJSON_ArrayForEach(choice, choices) {
        message = usage_get(choice, form->stream ? "delta" : "message");
        finish = usage_get(choice, "finish_reason");
        calls = usage_get(message, "tool_calls");

        if (cJSON_IsString(finish) && run->finish[0] == '\0') {
            snprintf(run->finish, sizeof(run->finish), "%s",
                     finish->valuestring);
        }

        ends |= cJSON_IsString(finish);

        bytes = usage_model_text(usage_get(message, "content"))
                + usage_model_text(usage_get(message, "refusal"))
                + usage_model_text(usage_get(message, "reasoning_content"));

        if (usage_model_text(usage_get(message, "reasoning_content")) == 0) {
            bytes += usage_model_text(usage_get(message, "reasoning"));
        }

        cJSON_ArrayForEach(call, calls) {
            call = (cJSON *) call;
            more = usage_model_text(usage_get(usage_get(call, "function"),
                                              "name"));
            bytes += more + usage_model_text(usage_get(
                                       usage_get(call, "function"),
                                       "arguments"));
        }

        run->bytes += bytes;
        run->pieces += bytes > 0;
        run->closing &= bytes == 0;
    }

    run->closing |= ends;

    usage_model_usage(run, form, usage_get(root, "usage"),
                      !form->stream
                      || ((choices == NULL || choices->child == NULL)
                          && (run->pieces || run->finish[0])));
}


static inline const char *
usage_model_string(const cJSON *value)
{
    return cJSON_IsString(value) ? value->valuestring : "";
}


static inline void
usage_model_status(usage_run_t *run, const cJSON *response)
{
    int          tools;
    const char  *status, *reason, *type;
    const cJSON *item;

    tools = 0;
    status = usage_model_string(usage_get(response, "status"));
    reason = usage_model_string(usage_get(usage_get(response,
                                                    "incomplete_details"),
                                          "reason"));

    cJSON_ArrayForEach(item, usage_get(response, "output")) {
        type = usage_model_string(usage_get(item, "type"));
        tools |= strcmp(type, "function_call") == 0
                 || strcmp(type, "custom_tool_call") == 0;
    }

    if (strcmp(status, "completed") == 0) {
        status = tools ? "tool_calls" : "stop";

    } else if (strcmp(status, "incomplete") == 0) {
        status = strcmp(reason, "max_output_tokens") == 0 ? "length"
                 : reason[0] ? reason : "incomplete";

    } else if (strcmp(status, "failed") == 0) {
        status = "error";

    } else if (strcmp(status, "cancelled") != 0) {
        return;
    }

    snprintf(run->finish, sizeof(run->finish), "%s", status);
}


static inline void
usage_model_output(usage_run_t *run, const cJSON *response)
{
    uint64_t      bytes;
    const cJSON  *item, *part;

    bytes = 0;

    cJSON_ArrayForEach(item, usage_get(response, "output")) {
        bytes += usage_model_text(usage_get(item, "name"))
                 + usage_model_text(usage_get(item, "arguments"));

        cJSON_ArrayForEach(part, usage_get(item, "content")) {
            bytes += usage_model_text(usage_get(part, "text"))
                     + usage_model_text(usage_get(part, "refusal"));
        }

        cJSON_ArrayForEach(part, usage_get(item, "summary")) {
            bytes += usage_model_text(usage_get(part, "text"));
        }
    }

    run->bytes += bytes;
    run->pieces += bytes > 0;
}


static inline void
usage_model_responses(usage_run_t *run, const usage_form_t *form,
    const cJSON *root)
{
    int           last;
    size_t        len;
    uint64_t      bytes;
    const char   *type;
    const cJSON  *response;

    run->error |= usage_model_given(usage_get(root, "error"));

    if (!form->stream) {
        usage_model_name(run, usage_get(root, "model"));
        usage_model_status(run, root);
        usage_model_output(run, root);
        usage_model_usage(run, form, usage_get(root, "usage"), 1);
        return;
    }

    type = usage_model_string(usage_get(root, "type"));
    response = usage_get(root, "response");
    len = strlen(type);

    last = strcmp(type, "response.completed") == 0
           || strcmp(type, "response.incomplete") == 0
           || strcmp(type, "response.failed") == 0;

    run->ended |= last;
    run->error |= strcmp(type, "response.failed") == 0
                  || strcmp(type, "error") == 0
                  || usage_model_given(usage_get(response, "error"));

    if (len > 6 && strcmp(type + len - 6, ".delta") == 0) {
        bytes = usage_model_text(usage_get(root, "delta"));
        run->bytes += bytes;
        run->pieces += bytes > 0;
        run->closing &= bytes == 0;
    }

    run->closing |= len > 5 && strcmp(type + len - 5, ".done") == 0;

    usage_model_name(run, usage_get(response, "model"));

    if (last) {
        usage_model_status(run, response);
    }

    usage_model_usage(run, form, usage_get(response, "usage"), last);
}


/* whether there is nothing in it but what the chunk with the usage has */

static inline int
usage_model_alone(const cJSON *root)
{
    unsigned                  i;
    const cJSON              *item;
    static const char *const  names[] = {
        "id", "object", "created", "model", "choices", "usage",
        "service_tier", "system_fingerprint", "obfuscation", NULL
    };

    cJSON_ArrayForEach(item, root) {
        for (i = 0; names[i] && strcmp(names[i], item->string); i++) {
            /* void */
        }

        if (names[i] == NULL && !cJSON_IsNull(item)) {
            return 0;
        }
    }

    return 1;
}


/* one JSON text; returns whether it is the chunk that must not go on */

static inline int
usage_model_text_of(usage_run_t *run, const usage_form_t *form,
    const unsigned char *text, size_t len)
{
    int           cut;
    cJSON        *root;
    const cJSON  *choices;

    root = cJSON_ParseWithLengthOpts((const char *) text, len + 1, NULL, 1);

    if (root == NULL) {
        run->broken = 1;
        return 0;
    }

    if (form->responses) {
        usage_model_responses(run, form, root);

    } else {
        usage_model_chat(run, form, root);
    }

    choices = usage_get(root, "choices");
    cut = cJSON_IsArray(choices) && choices->child == NULL
          && cJSON_IsObject(usage_get(root, "usage"))
          && usage_model_alone(root);

    cJSON_Delete(root);

    return cut;
}


static inline void
usage_model_stream(usage_run_t *run, const usage_form_t *form,
    const unsigned char *text, size_t len)
{
    int            cut;
    size_t         at, next, sent;
    usage_event_t  event;

    sent = 0;

    for (at = 0; (next = usage_event_next(&event, text, at, len)); at = next) {

        event.text[event.len] = '\0';
        cut = 0;

        if (event.len >= 6 && memcmp(event.text, "[DONE]", 6) == 0) {
            run->ended |= !form->responses;

        } else if (event.len && (form->responses || !run->ended)) {
            cut = usage_model_text_of(run, form, event.text, event.len);
        }

        if (cut && form->inject && !form->responses
            && event.measured - event.start <= NGX_COMET_USAGE_HOLD_MAX)
        {
            memcpy(run->out + run->len, text + sent, event.start - sent);
            run->len += event.start - sent;
            sent = event.end;
        }

        free(event.text);
    }

    if (event.len >= 6 && memcmp(event.text, "[DONE]", 6) == 0) {
        run->ended |= !form->responses;
    }

    free(event.text);

    memcpy(run->out + run->len, text + sent, len - sent);
    run->len += len - sent;
}


static inline uint64_t
usage_model_tokens(uint64_t pieces, uint64_t bytes)
{
    return (bytes + 3) / 4 > pieces ? (bytes + 3) / 4 : pieces;
}


/* the same by the simple way; run->out is to be freed */

static inline void
usage_model(usage_run_t *run, const usage_form_t *form,
    const unsigned char *text, size_t len)
{
    uint64_t        more;
    unsigned char  *copy;

    memset(run, 0, sizeof(usage_run_t));
    run->out = malloc(len + 1);
    copy = malloc(len + 1);

    if (run->out == NULL || copy == NULL) {
        abort();
    }

    memcpy(copy, text, len);
    copy[len] = '\0';

    if (form->stream) {
        usage_model_stream(run, form, copy, len);

    } else {
        (void) usage_model_text_of(run, form, copy, len);
        run->ended = !run->broken;
        memcpy(run->out, text, len);
        run->len = len;
    }

    run->produced = usage_model_tokens(run->pieces, run->bytes);

    if (run->complete && run->pieces != run->known_pieces) {
        more = run->numbers[1]
               + usage_model_tokens(run->pieces - run->known_pieces,
                                    run->bytes - run->known_bytes);
        run->produced = more > run->produced ? more : run->produced;
    }

    run->exact = run->complete && !run->bad
                 && run->pieces == run->known_pieces
                 && (run->final || (run->ended && !run->broken));

    free(copy);
}
