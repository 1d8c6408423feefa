/*
 * Reads the tokens of an event, or of a plain body: what is looked for is
 * known by its path, and all else is passed over.
 */


#include "ngx_comet_usage_private.h"

#include <string.h>


/* how a response ended, in the words of chat completions */

static const struct {
    const char  *status;
    const char  *finish;
} ngx_comet_usage_statuses[] = {
    { "completed", "stop" },
    { "incomplete", "incomplete" },
    { "failed", "error" },
    { "cancelled", "cancelled" },
    { NULL, NULL }
};


static int
ngx_comet_usage_is(const ngx_comet_token_t *token, const char *text)
{
    return token->len == strlen(text)
           && memcmp(token->text, text, token->len) == 0;
}


static int
ngx_comet_usage_ends(const ngx_comet_token_t *token, const char *text)
{
    size_t  n;

    n = strlen(text);

    return token->len > n
           && memcmp(token->text + token->len - n, text, n) == 0;
}


/* a word that may stand in a log; others are not taken */

static void
ngx_comet_usage_word(char *to, size_t size, const ngx_comet_token_t *token)
{
    size_t         i;
    unsigned char  c;

    if (token->len >= size) {
        return;
    }

    for (i = 0; i < token->len; i++) {
        c = (unsigned char) token->text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
        {
            return;
        }
    }

    memcpy(to, token->text, token->len);
    to[token->len] = '\0';
}


static void
ngx_comet_usage_model(ngx_comet_usage_t *usage, const ngx_comet_token_t *token)
{
    size_t         i;
    unsigned char  c;

    if (usage->model[0] || token->len > NGX_COMET_USAGE_MODEL) {
        return;
    }

    for (i = 0; i < token->len; i++) {
        c = (unsigned char) token->text[i];

        if (c < ' ' || c == 0x7f) {
            return;
        }
    }

    memcpy(usage->model, token->text, token->len);
    usage->model[token->len] = '\0';
    usage->read->event.model = 1;
}


static void
ngx_comet_usage_type(ngx_comet_usage_t *usage, const ngx_comet_token_t *token)
{
    ngx_comet_usage_event_t       *event;
    const ngx_comet_usage_type_t  *type;

    event = &usage->read->event;
    type = token->cut ? NULL : usage->form->types;

    for ( /* void */ ; type && type->name; type++) {

        if (type->end ? ngx_comet_usage_ends(token, type->name)
                      : ngx_comet_usage_is(token, type->name))
        {
            event->delta |= type->delta;
            event->ends |= type->ends;
            event->error |= type->error;

            if (!type->end) {
                event->last = type->last;
            }

            return;
        }
    }
}


static void
ngx_comet_usage_status(ngx_comet_usage_event_t *event,
    const ngx_comet_token_t *token)
{
    size_t  i;

    for (i = 0; ngx_comet_usage_statuses[i].status; i++) {
        if (ngx_comet_usage_is(token, ngx_comet_usage_statuses[i].status)) {
            event->status = ngx_comet_usage_statuses[i].finish;
        }
    }
}


/* a scalar that differs from event to event */

static void
ngx_comet_usage_part(ngx_comet_usage_t *usage, const ngx_comet_token_t *token,
    ngx_comet_alike_e kind)
{
    ngx_comet_alike_part_t  *part;

    if (usage->read->event.nparts++ >= NGX_COMET_ALIKE_PARTS) {
        return;
    }

    part = &usage->read->parts[usage->read->event.nparts - 1];
    part->kind = kind;
    part->start = (size_t) (usage->read->base + token->start);
    part->end = (size_t) (usage->read->base + token->end);
}


/* a long text counts as it is written, with its escapes */

static void
ngx_comet_usage_text(ngx_comet_usage_t *usage, const ngx_comet_token_t *token)
{
    ngx_comet_usage_event_t  *event;

    event = &usage->read->event;

    if (token->len == 0) {
        return;
    }

    if (usage->read->member->is == NGX_COMET_FOR_THOUGHT) {

        /* by both of its names it is told twice */

        if (event->thought) {
            return;
        }

        event->thought = 1;
    }

    event->texts++;
    ngx_comet_usage_part(usage, token, NGX_COMET_ALIKE_TEXT);

    event->bytes += token->cut ? token->end - token->start - 2 : token->len;

    if (!event->piece) {
        event->piece = 1;
        event->pieces++;
    }
}


static void
ngx_comet_usage_string(ngx_comet_usage_t *usage,
    const ngx_comet_token_t *token)
{
    ngx_comet_usage_event_t  *event;

    event = &usage->read->event;

    switch (usage->read->member->is) {

    case NGX_COMET_FOR_MODEL:
        ngx_comet_usage_model(usage, token);
        return;

    case NGX_COMET_FOR_FINISH:
        event->ends = 1;

        if (usage->finish[0] == '\0') {
            ngx_comet_usage_word(usage->finish, sizeof(usage->finish), token);
            event->finish = 1;
        }

        return;

    case NGX_COMET_FOR_STATUS:
        ngx_comet_usage_status(event, token);
        return;

    case NGX_COMET_FOR_REASON:
        ngx_comet_usage_word(event->reason, sizeof(event->reason), token);
        return;

    case NGX_COMET_FOR_TYPE:
        ngx_comet_usage_type(usage, token);
        return;

    case NGX_COMET_FOR_ITEM:
        event->tools |= ngx_comet_usage_is(token, "function_call")
                        || ngx_comet_usage_is(token, "custom_tool_call");
        return;

    case NGX_COMET_FOR_TEXT:
    case NGX_COMET_FOR_THOUGHT:
        ngx_comet_usage_text(usage, token);
        return;

    case NGX_COMET_FOR_PADDING:
        ngx_comet_usage_part(usage, token, NGX_COMET_ALIKE_PADDING);
        return;
    }
}


/* digits only: no sign, no fraction, no exponent */

static int
ngx_comet_usage_number(const ngx_comet_token_t *token, uint64_t *number)
{
    size_t    i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < token->len; i++) {

        if (token->text[i] < '0' || token->text[i] > '9') {
            return 0;
        }

        n = n * 10 + (uint64_t) (token->text[i] - '0');

        if (n > NGX_COMET_USAGE_MAX) {
            return 0;
        }
    }

    *number = n;

    return !token->cut;
}


/* what should be a number, or hold some, and is there */

static void
ngx_comet_usage_count(ngx_comet_usage_t *usage,
    const ngx_comet_token_t *token)
{
    unsigned                  is;
    ngx_comet_usage_event_t  *event;

    is = usage->read->member->is;
    event = &usage->read->event;

    if (is < NGX_COMET_USAGE_NUMBERS && token->type == NGX_COMET_NUMBER
        && ngx_comet_usage_number(token, &event->numbers[is]))
    {
        event->have |= 1u << is;
        return;
    }

    event->bad |= 1u << (is == NGX_COMET_FOR_DETAILS
                         ? usage->read->member->members->is : is);
}


/* of members of one name readers take the last: what was before is forgotten */

static void
ngx_comet_usage_clear(ngx_comet_usage_event_t *event,
    const ngx_comet_member_t *member)
{
    /* as it is but for duplicates */

    if (event->have == 0 && event->bad == 0 && !event->usage) {
        return;
    }

    if (member->is < NGX_COMET_USAGE_NUMBERS) {
        event->numbers[member->is] = 0;

    } else if (member->is == NGX_COMET_FOR_USAGE) {
        event->usage = 0;
    }

    event->have &= ~(1u << member->is);
    event->bad &= ~(1u << member->is);

    for (member = member->members; member && member->len; member++) {
        ngx_comet_usage_clear(event, member);
    }
}


static int
ngx_comet_usage_open(ngx_comet_usage_t *usage, const ngx_comet_token_t *token,
    int array)
{
    const ngx_comet_member_t  *member;

    member = usage->read->member;

    if (member->members == NULL || token->depth + 1 >= NGX_COMET_USAGE_FRAMES
        || (token->type == NGX_COMET_ARRAY) != array)
    {
        return NGX_COMET_SCAN_SKIP;
    }

    usage->read->frames[token->depth + 1] = member;

    if (array) {
        usage->read->arrays |= 1u << (token->depth + 1);

    } else {
        usage->read->arrays &= ~(1u << (token->depth + 1));
    }

    return NGX_COMET_SCAN_ON;
}


static int
ngx_comet_usage_element(ngx_comet_usage_t *usage,
    const ngx_comet_token_t *token)
{
    usage->read->member = usage->read->frames[token->depth];

    if (usage->read->member->is == NGX_COMET_FOR_CHOICES) {
        usage->read->event.elements = 1;
        usage->read->event.piece = 0;
        usage->read->event.thought = 0;
        usage->passes = 1;
    }

    return ngx_comet_usage_open(usage, token, 0);
}


/* of a member that is looked for, not null and of any type */

int
ngx_comet_usage_value(ngx_comet_usage_t *usage,
    const ngx_comet_token_t *token)
{
    int                        array;
    uint64_t                   sequence;
    const ngx_comet_member_t  *member;

    member = usage->read->member;
    array = member->array;

    switch (member->is) {

    case NGX_COMET_FOR_INPUT:
    case NGX_COMET_FOR_OUTPUT:
    case NGX_COMET_FOR_CACHED:
    case NGX_COMET_FOR_REASONING:
        ngx_comet_usage_count(usage, token);
        break;

    case NGX_COMET_FOR_DETAILS:
        if (token->type != NGX_COMET_OBJECT) {
            ngx_comet_usage_count(usage, token);
        }

        break;

    case NGX_COMET_FOR_USAGE:
        usage->read->event.usage = (token->type == NGX_COMET_OBJECT);

        if (!usage->read->event.usage) {
            usage->passes = 1;
            ngx_comet_usage_count(usage, token);
        }

        break;

    case NGX_COMET_FOR_CHOICES:
        usage->read->event.choices = (token->type == NGX_COMET_ARRAY);

        if (!usage->read->event.choices) {
            usage->passes = 1;
        }

        break;

    case NGX_COMET_FOR_ERROR:
        usage->read->event.error = 1;
        usage->passes = 1;
        break;

    case NGX_COMET_FOR_MORE:
        usage->passes = 1;
        break;

    case NGX_COMET_FOR_SEQUENCE:
        if (token->type == NGX_COMET_NUMBER
            && ngx_comet_usage_number(token, &sequence))
        {
            usage->sequence = sequence + 1;
            ngx_comet_usage_part(usage, token, NGX_COMET_ALIKE_NUMBER);
        }

        break;
    }

    if (token->type == NGX_COMET_STRING) {
        ngx_comet_usage_string(usage, token);
        return NGX_COMET_SCAN_ON;
    }

    return token->type == NGX_COMET_OBJECT || token->type == NGX_COMET_ARRAY
           ? ngx_comet_usage_open(usage, token, array)
           : NGX_COMET_SCAN_ON;
}


static inline const ngx_comet_member_t *
ngx_comet_usage_find(const ngx_comet_member_t *member, const char *text,
    size_t len)
{
    while (member->len
           && !ngx_comet_name_is(text, len, member->name, member->len))
    {
        member++;
    }

    return member;
}


/* of a name that is not looked for, whether its value is */

static int
ngx_comet_usage_other(ngx_comet_usage_t *usage, const ngx_comet_token_t *token)
{
    if (usage->passes || token->depth != 1
        || ngx_comet_usage_find(ngx_comet_usage_envelope, token->text,
                                token->len)->len)
    {
        return NGX_COMET_SCAN_SKIP;
    }

    usage->read->member = &ngx_comet_usage_more;

    return NGX_COMET_SCAN_ON;
}


int
ngx_comet_usage_name(ngx_comet_usage_t *usage, const ngx_comet_token_t *token)
{
    const ngx_comet_member_t  *member;

    member = ngx_comet_usage_find(usage->read->frames[token->depth]->members,
                                  token->text, token->len);

    if (member->len == 0) {
        return ngx_comet_usage_other(usage, token);
    }

    usage->read->member = member;

    if (member->is <= NGX_COMET_FOR_USAGE) {
        ngx_comet_usage_clear(&usage->read->event, member);
    }

    return member->is == NGX_COMET_FOR_PADDING ? NGX_COMET_SCAN_ON
                                               : NGX_COMET_SCAN_TEXT;
}


int
ngx_comet_usage_token(void *ctx, const ngx_comet_token_t *token)
{
    ngx_comet_usage_t *usage = ctx;

    switch (token->type) {

    case NGX_COMET_NAME:
        return ngx_comet_usage_name(usage, token);

    case NGX_COMET_RAW:
    case NGX_COMET_OBJECT_END:
    case NGX_COMET_ARRAY_END:
        return NGX_COMET_SCAN_ON;

    default:
        break;
    }

    if (token->depth == 0) {

        if (token->type != NGX_COMET_OBJECT) {
            usage->passes = 1;
        }

        return ngx_comet_usage_open(usage, token, 0);
    }

    if (usage->read->arrays & (1u << token->depth)) {
        return ngx_comet_usage_element(usage, token);
    }

    if (token->type == NGX_COMET_NULL) {

        if (usage->read->member->is == NGX_COMET_FOR_USAGE
            || usage->read->member->is == NGX_COMET_FOR_CHOICES)
        {
            usage->passes = 1;
        }

        return NGX_COMET_SCAN_ON;
    }

    return ngx_comet_usage_value(usage, token);
}


static void
ngx_comet_usage_finished(ngx_comet_usage_t *usage)
{
    size_t                    n;
    const char               *finish;
    ngx_comet_usage_event_t  *event;

    event = &usage->read->event;
    finish = event->status;

    if (finish == NULL || (usage->stream && !event->last)) {
        return;
    }

    if (strcmp(finish, "incomplete") == 0 && event->reason[0]) {
        finish = strcmp(event->reason, "max_output_tokens") == 0
                 ? "length" : event->reason;

    } else if (strcmp(finish, "stop") == 0 && event->tools) {
        finish = "tool_calls";
    }

    n = strlen(finish);
    memcpy(usage->finish, finish, n + 1);
}


/* some APIs tell a usage before all, with no choices either */

static int
ngx_comet_usage_last(const ngx_comet_usage_t *usage)
{
    if (!usage->chunks) {
        return usage->read->event.last;
    }

    return !usage->read->event.elements
           && (usage->pieces || usage->finish[0]);
}


static void
ngx_comet_usage_numbers(ngx_comet_usage_t *usage)
{
    unsigned                  i;
    uint64_t                 *numbers;
    const unsigned            both = 1u << NGX_COMET_USAGE_INPUT
                                     | 1u << NGX_COMET_USAGE_OUTPUT;
    ngx_comet_usage_event_t  *event;

    event = &usage->read->event;
    numbers = event->numbers;

    if (event->bad) {
        usage->bad = 1;
        return;
    }

    if (!event->usage || (event->have & both) != both) {
        return;
    }

    usage->bad = 0;
    usage->broken = 0;
    usage->complete = 1;
    usage->known_pieces = usage->pieces;
    usage->known_bytes = usage->bytes;

    usage->final |= !usage->stream || ngx_comet_usage_last(usage);

    if (numbers[NGX_COMET_USAGE_CACHED] > numbers[NGX_COMET_USAGE_INPUT]) {
        numbers[NGX_COMET_USAGE_CACHED] = numbers[NGX_COMET_USAGE_INPUT];
    }

    for (i = 0; i < NGX_COMET_USAGE_NUMBERS; i++) {
        if (numbers[i] > usage->numbers[i]) {
            usage->numbers[i] = numbers[i];
        }
    }
}


/* it brought one text, and nothing else came of it */

unsigned
ngx_comet_usage_simple(const ngx_comet_usage_t *usage)
{
    const ngx_comet_usage_event_t  *event;

    event = &usage->read->event;

    if (event->texts != 1 || event->nparts > NGX_COMET_ALIKE_PARTS
        || usage->sse.lines != 1 || (!usage->chunks && !event->delta)
        || event->usage || event->have || event->bad || event->error
        || event->last || event->status || event->model || event->ends)
    {
        return 0;
    }

    return event->nparts;
}


/* the event is whole */

void
ngx_comet_usage_take(ngx_comet_usage_t *usage)
{
    ngx_comet_usage_event_t  *event;

    event = &usage->read->event;

    if (usage->chunks || !usage->stream || event->delta) {
        usage->pieces += event->pieces;
        usage->bytes += event->bytes;
        usage->closing &= (event->pieces == 0);
    }

    usage->closing |= event->ends;
    usage->error |= event->error;
    usage->ended |= event->last;

    ngx_comet_usage_finished(usage);
    ngx_comet_usage_numbers(usage);
}
