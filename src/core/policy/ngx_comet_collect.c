/*
 * Takes the tokens of a body: checks its form against the tree of fields and
 * keeps what the rules need of the parameters.
 */


#include "ngx_comet_collect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>


#define NGX_COMET_PATH_MAX  128
#define NGX_COMET_NAME_MAX  65


static int ngx_comet_collect_name(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token);
static int ngx_comet_collect_param(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token);
static int ngx_comet_collect_field(ngx_comet_judge_t *judge,
    ngx_comet_frame_t *frame, const ngx_comet_token_t *token);
static int ngx_comet_collect_value(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token);
static int ngx_comet_collect_open(ngx_comet_judge_t *judge,
    const ngx_comet_field_t *field, const ngx_comet_token_t *token);
static int ngx_comet_collect_end(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token);
static int ngx_comet_collect_raw(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token);
static int ngx_comet_collect_usual(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token);
static void ngx_comet_collect_done(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token);


typedef int (*ngx_comet_collect_pt)(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token);

static const ngx_comet_collect_pt  ngx_comet_collectors[] = {
    [NGX_COMET_OBJECT] = ngx_comet_collect_value,
    [NGX_COMET_OBJECT_END] = ngx_comet_collect_end,
    [NGX_COMET_ARRAY] = ngx_comet_collect_value,
    [NGX_COMET_ARRAY_END] = ngx_comet_collect_end,
    [NGX_COMET_NAME] = ngx_comet_collect_name,
    [NGX_COMET_STRING] = ngx_comet_collect_value,
    [NGX_COMET_NUMBER] = ngx_comet_collect_value,
    [NGX_COMET_TRUE] = ngx_comet_collect_value,
    [NGX_COMET_FALSE] = ngx_comet_collect_value,
    [NGX_COMET_NULL] = ngx_comet_collect_value,
    [NGX_COMET_RAW] = ngx_comet_collect_raw,
    [NGX_COMET_USUAL] = ngx_comet_collect_usual,
    [NGX_COMET_USUAL_HEAD] = ngx_comet_collect_usual
};


static const unsigned  ngx_comet_token_types[] = {
    [NGX_COMET_OBJECT] = NGX_COMET_IS_OBJECT,
    [NGX_COMET_ARRAY] = NGX_COMET_IS_ARRAY,
    [NGX_COMET_STRING] = NGX_COMET_IS_STRING,
    [NGX_COMET_NUMBER] = NGX_COMET_IS_NUMBER,
    [NGX_COMET_TRUE] = NGX_COMET_IS_BOOL,
    [NGX_COMET_FALSE] = NGX_COMET_IS_BOOL,
    [NGX_COMET_NULL] = NGX_COMET_IS_NULL
};


/* what is in a parameter is of no more interest if only the log is told */

static int
ngx_comet_collect_rest(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token)
{
    if (judge->policy->mode != NGX_COMET_OBSERVE) {
        judge->enough = judge->beyond
                        || judge->policy->mode == NGX_COMET_REJECT;
        return 0;
    }

    return judge->depth > 1 && token->type != NGX_COMET_OBJECT_END
           && token->type != NGX_COMET_ARRAY_END;
}


int
ngx_comet_collect(void *data, const ngx_comet_token_t *token)
{
    ngx_comet_judge_t *judge = data;

    if (judge->enough) {
        return NGX_COMET_SCAN_STOP;
    }

    if (ngx_comet_judge_full(judge) && ngx_comet_collect_rest(judge, token)) {
        return NGX_COMET_SCAN_REST;
    }

    return ngx_comet_collectors[token->type](judge, token);
}


static int
ngx_comet_collect_raw(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token)
{
    if (judge->depth == 1 && judge->slot) {
        judge->slot->value_start = token->start;
    }

    ngx_comet_collect_done(judge, token);

    return NGX_COMET_SCAN_ON;
}


/* where the value being read stands: messages[3].role */

static void
ngx_comet_collect_path(ngx_comet_judge_t *judge, char *path)
{
    int                 n;
    size_t              len;
    unsigned            i;
    ngx_comet_frame_t  *frame;

    len = 0;
    path[0] = '\0';

    for (i = 0; i < judge->depth; i++) {
        frame = &judge->frames[i];
        n = 0;

        if (i == 0) {
            n = snprintf(path, NGX_COMET_PATH_MAX, "%s",
                         judge->slot ? judge->slot->name : "");

        } else if (frame->field->element) {
            n = snprintf(path + len, NGX_COMET_PATH_MAX - len, "[%zu]",
                         frame->count ? frame->count - 1 : 0);

        } else if (frame->pending && frame->pending->name) {
            n = snprintf(path + len, NGX_COMET_PATH_MAX - len, ".%s",
                         frame->pending->name);
        }

        len += (size_t) n;

        if (len >= NGX_COMET_PATH_MAX) {
            return;
        }
    }
}


void
ngx_comet_collect_wrong(ngx_comet_judge_t *judge, const char *code,
    const char *fmt, ...)
{
    char                path[NGX_COMET_PATH_MAX], text[256];
    va_list             args;
    ngx_comet_frame_t  *frame;

    judge->beyond = 1;

    if (judge->slot) {
        judge->slot->bad = 1;
    }

    if (ngx_comet_judge_full(judge)) {
        return;
    }

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    ngx_comet_collect_path(judge, path);
    frame = judge->depth ? &judge->frames[judge->depth - 1] : NULL;

    if (frame && frame->field->member && frame->pending) {
        ngx_comet_judge_say(judge, path, code, "%s[\"%s\"] %s", path,
                            judge->member, text);

    } else {
        ngx_comet_judge_say(judge, path, code, "%s %s",
                            path[0] ? path : "the body", text);
    }
}


/* a value that readers of JSON may disagree about, of a parameter if slot */

static void
ngx_comet_collect_ambiguous(ngx_comet_judge_t *judge,
    const ngx_comet_slot_t *slot, const char *name, const char *what)
{
    char  path[NGX_COMET_PATH_MAX], text[NGX_COMET_PATH_MAX];

    judge->beyond = 1;

    if (slot) {
        ngx_comet_judge_uncertain(judge, slot);
    }

    if (ngx_comet_judge_full(judge)) {
        return;
    }

    ngx_comet_collect_path(judge, path);
    snprintf(text, sizeof(text), "%.80s%s%s", path, path[0] ? "." : "", name);

    ngx_comet_judge_say(judge, text, "ambiguous_parameter", "%s %s", text,
                        what);
}


/*
 * Counts names that are not known or known already, and values that stand in a
 * list or under any name: each costs far more than its bytes.  Stops where
 * there are too many of them for the bytes before their container.
 */

static int
ngx_comet_collect_small(ngx_comet_judge_t *judge, uint64_t start)
{
    if (++judge->small <= NGX_COMET_SMALL_MAX + start / NGX_COMET_SMALL_BYTES)
    {
        return NGX_COMET_SCAN_ON;
    }

    ngx_comet_judge_uncertain(judge, NULL);
    ngx_comet_collect_wrong(judge, "too_many_members",
                            "has too many small members: at most %d are "
                            "taken, and one more for each %d bytes before it",
                            NGX_COMET_SMALL_MAX, NGX_COMET_SMALL_BYTES);

    return NGX_COMET_SCAN_STOP;
}


/* over the value of a name that is not looked at */

static int
ngx_comet_collect_passed(ngx_comet_judge_t *judge)
{
    uint64_t  start;

    start = judge->frames[judge->depth - 1].start;

    return ngx_comet_collect_small(judge, start) == NGX_COMET_SCAN_ON
           ? NGX_COMET_SCAN_SKIP : NGX_COMET_SCAN_STOP;
}


void
ngx_comet_collect_keep(char *to, size_t size, const ngx_comet_token_t *token)
{
    size_t  n;

    n = token->len < size - 1 ? token->len : size - 1;

    memcpy(to, token->text, n);
    to[n] = '\0';
}


static int
ngx_comet_collect_name(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token)
{
    ngx_comet_frame_t  *frame;

    frame = &judge->frames[judge->depth - 1];

    if (frame->field->member) {
        frame->count++;
        frame->pending = NULL;

        if (ngx_comet_collect_small(judge, frame->start) != NGX_COMET_SCAN_ON) {
            return NGX_COMET_SCAN_STOP;
        }

        if (frame->field->name_max
            && (token->cut
                || ngx_comet_characters(token->text, token->len)
                   > frame->field->name_max))
        {
            ngx_comet_collect_wrong(judge, "invalid_value",
                                    "has a name of more than %zu characters",
                                    frame->field->name_max);
        }

        frame->pending = frame->field->member;
        ngx_comet_collect_keep(judge->member, sizeof(judge->member), token);

        return NGX_COMET_SCAN_TEXT;
    }

    if (judge->depth == 1) {
        return ngx_comet_collect_param(judge, token);
    }

    return ngx_comet_collect_field(judge, frame, token);
}


/*
 * Of the names that are relied upon, none may come in a shape that some reader
 * takes for it and another does not: in other case, or with a NUL behind.
 */

static void
ngx_comet_collect_disguised(ngx_comet_judge_t *judge,
    const ngx_comet_slot_t *slot, const char *name,
    const ngx_comet_token_t *token)
{
    char  what[192];

    what[0] = '\0';

    if (slot) {
        ngx_comet_judge_uncertain(judge, slot);
    }

    if (!ngx_comet_judge_full(judge)) {
        snprintf(what, sizeof(what), "is written \"%.64s%s\", which only some "
                 "readers take for it: write \"%s\"", token->text,
                 strlen(token->text) < token->len ? "\\u0000" : "", name);
    }

    ngx_comet_collect_ambiguous(judge, slot, name, what);
}


static int
ngx_comet_collect_param(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token)
{
    int                n;
    char               folded[NGX_COMET_NAME_MAX];
    ngx_comet_slot_t  *slot;

    if (judge->slot && judge->slot->next_start == 0) {
        judge->slot->next_start = token->start;
    }

    judge->slot = NULL;
    judge->members++;

    slot = ngx_comet_judge_named(judge, token->text, token->len);

    if (slot) {

        if (slot->seen) {
            ngx_comet_collect_ambiguous(judge, slot, slot->name,
                                        "is there more than once");
            return ngx_comet_collect_passed(judge);
        }

        slot->seen = 1;
        slot->next_start = 0;
        slot->type = 0;
        slot->count = 0;
        slot->len = 0;
        slot->text[0] = '\0';

        slot->ordinal = judge->members;
        slot->name_start = token->start;
        slot->name_end = token->end;
        slot->prev_end = judge->prev_end;

        judge->slot = slot;
        judge->frames[0].pending = slot->field;

        return ngx_comet_judge_replaces(judge, slot) ? NGX_COMET_SCAN_SKIP
                                                     : NGX_COMET_SCAN_TEXT;
    }

    n = ngx_comet_name_alike(token->text, token->len, folded, sizeof(folded));
    slot = n < 0 ? NULL : ngx_comet_judge_named(judge, folded, (size_t) n);

    if (slot) {
        ngx_comet_collect_disguised(judge, slot, slot->name, token);
    }

    return ngx_comet_collect_passed(judge);
}


static int
ngx_comet_collect_field(ngx_comet_judge_t *judge, ngx_comet_frame_t *frame,
    const ngx_comet_token_t *token)
{
    int                       n;
    char                      folded[NGX_COMET_NAME_MAX];
    unsigned                  bit;
    const ngx_comet_field_t  *field;

    frame->pending = NULL;

    if (frame->field->fields->flags & NGX_COMET_USAGE) {
        judge->asks.members++;
    }

    bit = 1;

    for (field = frame->field->fields; field->name; field++, bit <<= 1) {

        if (!ngx_comet_name_is(token->text, token->len, field->name,
                               field->len))
        {
            continue;
        }

        if (frame->seen & bit) {
            ngx_comet_collect_ambiguous(judge, NULL, field->name,
                                        "is there more than once");
            return ngx_comet_collect_passed(judge);
        }

        frame->seen |= bit;
        frame->bit = bit;
        frame->pending = field;

        return field->values
               || (field->flags & (NGX_COMET_ASKS|NGX_COMET_USAGE))
               ? NGX_COMET_SCAN_TEXT : NGX_COMET_SCAN_ON;
    }

    n = ngx_comet_name_alike(token->text, token->len, folded, sizeof(folded));

    for (field = frame->field->fields; n >= 0 && field->name; field++) {
        if ((size_t) n == field->len && memcmp(folded, field->name, field->len)
                                        == 0)
        {
            ngx_comet_collect_disguised(judge, NULL, field->name, token);
        }
    }

    return ngx_comet_collect_passed(judge);
}


static int
ngx_comet_collect_body(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token)
{
    if (token->type != NGX_COMET_OBJECT) {
        ngx_comet_judge_uncertain(judge, NULL);
        ngx_comet_collect_wrong(judge, "invalid_type",
                                "must be a JSON object");
        return NGX_COMET_SCAN_STOP;
    }

    judge->body_start = token->end;

    return ngx_comet_collect_open(judge, &judge->root, token);
}


static void
ngx_comet_collect_slot(ngx_comet_slot_t *slot, const ngx_comet_token_t *token)
{
    slot->type = ngx_comet_token_types[token->type];
    slot->value_start = token->start;
    slot->truth = (token->type == NGX_COMET_TRUE);

    if (slot->type == NGX_COMET_IS_BOOL) {
        slot->len = slot->truth ? sizeof("true") - 1 : sizeof("false") - 1;
        memcpy(slot->text, slot->truth ? "true" : "false", slot->len + 1);
    }
}


static int
ngx_comet_collect_mismatch(ngx_comet_judge_t *judge,
    const ngx_comet_field_t *field, const ngx_comet_token_t *token)
{
    char  list[128];

    if (judge->depth == 1 && judge->slot) {
        ngx_comet_judge_uncertain(judge, judge->slot);
    }

    ngx_comet_param_types(list, sizeof(list), field->types);
    ngx_comet_collect_wrong(judge, "invalid_type", "must be %s", list);

    if (token->type == NGX_COMET_OBJECT || token->type == NGX_COMET_ARRAY) {
        judge->skipping = 1;
        return NGX_COMET_SCAN_SKIP;
    }

    ngx_comet_collect_done(judge, token);

    return NGX_COMET_SCAN_ON;
}


static int
ngx_comet_collect_value(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token)
{
    ngx_comet_frame_t        *frame;
    const ngx_comet_field_t  *field;

    if (judge->depth == 0) {
        return ngx_comet_collect_body(judge, token);
    }

    frame = &judge->frames[judge->depth - 1];
    field = frame->field->element;

    if (field) {
        frame->count++;

        if (!(field->types & (NGX_COMET_IS_OBJECT|NGX_COMET_IS_ARRAY))
            && ngx_comet_collect_small(judge, frame->start)
               != NGX_COMET_SCAN_ON)
        {
            return NGX_COMET_SCAN_STOP;
        }

    } else {
        field = frame->pending;
    }

    if (judge->depth == 1 && judge->slot) {
        ngx_comet_collect_slot(judge->slot, token);
    }

    if (field->flags & NGX_COMET_USAGE) {
        ngx_comet_amend_asks(&judge->asks, token);
    }

    if (token->type == NGX_COMET_NULL && !frame->field->element) {
        ngx_comet_collect_done(judge, token);
        return NGX_COMET_SCAN_ON;
    }

    if (!(field->types & ngx_comet_token_types[token->type])) {
        return ngx_comet_collect_mismatch(judge, field, token);
    }

    frame->present |= frame->bit;

    switch (token->type) {

    case NGX_COMET_OBJECT:
    case NGX_COMET_ARRAY:
        return ngx_comet_collect_open(judge, field, token);

    case NGX_COMET_STRING:
        if (token->text) {
            ngx_comet_collect_string(judge, field, token);
        }

        break;

    case NGX_COMET_NUMBER:
        ngx_comet_collect_number(judge, field, token);
        break;

    default:
        break;
    }

    ngx_comet_collect_done(judge, token);

    return NGX_COMET_SCAN_ON;
}


/* how elements of the container that is open are usually spelled */

static inline void
ngx_comet_collect_form(ngx_comet_judge_t *judge,
    const ngx_comet_frame_t *frame)
{
    const ngx_comet_form_t  *form;

    form = frame->field->form;
    ngx_comet_scan_usual(&judge->scan, form ? &form->usual : NULL);
}


static inline ngx_comet_frame_t *
ngx_comet_collect_deeper(ngx_comet_judge_t *judge,
    const ngx_comet_field_t *field, const ngx_comet_token_t *token)
{
    ngx_comet_frame_t  *frame;

    frame = &judge->frames[judge->depth++];
    memset(frame, 0, sizeof(ngx_comet_frame_t));
    frame->field = field;
    frame->start = token->start;

    ngx_comet_collect_form(judge, frame);

    return frame;
}


static int
ngx_comet_collect_open(ngx_comet_judge_t *judge,
    const ngx_comet_field_t *field, const ngx_comet_token_t *token)
{
    if (token->type == NGX_COMET_OBJECT ? !field->fields && !field->member
                                        : !field->element)
    {
        judge->skipping = 1;
        return NGX_COMET_SCAN_SKIP;
    }

    (void) ngx_comet_collect_deeper(judge, field, token);

    return NGX_COMET_SCAN_ON;
}


/* does for an element, or for its head, what its tokens would do one by one */

static int
ngx_comet_collect_usual(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token)
{
    ngx_comet_frame_t        *frame;
    const ngx_comet_begun_t  *taken;

    if (judge->enough) {
        return NGX_COMET_SCAN_STOP;
    }

    frame = &judge->frames[judge->depth - 1];
    frame->count++;

    taken = &frame->field->form->taken[token->len];

    /* the last name is none of the fields */

    if (taken->last == NULL
        && ngx_comet_collect_small(judge, token->start) != NGX_COMET_SCAN_ON)
    {
        return NGX_COMET_SCAN_STOP;
    }

    if (token->type == NGX_COMET_USUAL) {
        return NGX_COMET_SCAN_ON;
    }

    frame = ngx_comet_collect_deeper(judge, frame->field->element, token);
    frame->present = taken->present;
    frame->seen = taken->present | taken->null;
    frame->needs = taken->needs;

    if (taken->last == NULL) {
        return NGX_COMET_SCAN_SKIP;
    }

    frame->bit = 1u << (taken->last - frame->field->fields);
    frame->seen |= frame->bit;
    frame->pending = taken->last;

    return NGX_COMET_SCAN_ON;
}


static void
ngx_comet_collect_close(ngx_comet_judge_t *judge, ngx_comet_frame_t *frame)
{
    unsigned                  i;
    ngx_comet_slot_t         *slot;
    const ngx_comet_need_t   *need;
    const ngx_comet_field_t  *field, *missing;

    frame->pending = NULL;

    for (field = frame->field->fields; field && field->name; field++) {
        if ((field->flags & NGX_COMET_REQUIRED)
            && !(frame->present & (1u << (field - frame->field->fields))))
        {
            ngx_comet_collect_wrong(judge, "missing_required_parameter",
                                    "has no %s", field->name);
        }
    }

    need = frame->needs ? frame->field->needs : NULL;

    for (i = 0; need && need[i].tag; i++) {

        if (!(frame->needs & (1u << i))) {
            continue;
        }

        for (missing = frame->field->fields; missing->name; missing++) {
            if (strcmp(missing->name, need[i].needs) == 0
                && !(frame->present
                     & (1u << (missing - frame->field->fields))))
            {
                ngx_comet_collect_wrong(judge, "missing_required_parameter",
                                        "has no %s, which its %s \"%s\" needs",
                                        need[i].needs, need[i].tag,
                                        need[i].value);
            }
        }
    }

    slot = judge->depth == 1 ? judge->slot : NULL;

    if (slot) {
        slot->count = frame->count;
    }

    if ((frame->field->flags & NGX_COMET_NONEMPTY) && frame->count == 0) {
        ngx_comet_collect_wrong(judge, "invalid_value", "must not be empty");
    }

    if (frame->field->member && frame->field->max
        && frame->count > frame->field->max)
    {
        ngx_comet_collect_wrong(judge, "invalid_value",
                                "has %zu members, but at most %zu are taken",
                                frame->count, frame->field->max);
    }
}


static int
ngx_comet_collect_end(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token)
{
    ngx_comet_frame_t  *frame;

    if (judge->skipping) {
        judge->skipping = 0;
        ngx_comet_collect_done(judge, token);
        return NGX_COMET_SCAN_ON;
    }

    frame = &judge->frames[--judge->depth];

    if (judge->depth) {
        ngx_comet_collect_form(judge, frame - 1);
        ngx_comet_collect_close(judge, frame);
        ngx_comet_collect_done(judge, token);
    }

    return NGX_COMET_SCAN_ON;
}


static void
ngx_comet_collect_done(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token)
{
    if (judge->depth != 1) {
        return;
    }

    judge->prev_end = token->end;

    if (judge->slot) {
        judge->slot->value_end = token->end;
        judge->slot->whole = 1;

        /* at once, so that what is found does not depend on the cuts */

        ngx_comet_judge_params(judge);
    }
}
