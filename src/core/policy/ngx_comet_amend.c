/*
 * What is to change in a body that passes: the name of the output cap, what
 * an operator sets, and the repairs.
 */


#include "ngx_comet_judge.h"
#include "ngx_comet_number.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>


static void ngx_comet_amend_to(ngx_comet_judge_t *judge);
static void ngx_comet_amend_cap(ngx_comet_judge_t *judge);
static int ngx_comet_amend_caps(ngx_comet_judge_t *judge,
    ngx_comet_param_e right);
static void ngx_comet_amend_limit(ngx_comet_judge_t *judge,
    ngx_comet_param_e id);
static void ngx_comet_amend_cap_set(ngx_comet_judge_t *judge,
    const ngx_comet_rule_t *rule);
static void ngx_comet_amend_sets(ngx_comet_judge_t *judge);
static void ngx_comet_amend_usage(ngx_comet_judge_t *judge);
static void ngx_comet_amend_repairs(ngx_comet_judge_t *judge);
static void ngx_comet_amend_ranges(ngx_comet_judge_t *judge);
static void ngx_comet_amend_drops(ngx_comet_judge_t *judge);
static char *ngx_comet_amend_text(ngx_comet_judge_t *judge,
    const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


static char *
ngx_comet_amend_text(ngx_comet_judge_t *judge, const char *fmt, ...)
{
    int      n;
    char    *text;
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    text = judge->policy->alloc(judge->policy->data, (size_t) n + 1);
    if (text == NULL) {
        judge->failed = 1;
        return NULL;
    }

    va_start(args, fmt);
    vsnprintf(text, (size_t) n + 1, fmt, args);
    va_end(args);

    return text;
}


/*
 * A parameter that was sent is renamed and changed, or dropped; what a rule
 * sets, an output cap and usage are put in.
 */

static ngx_comet_edit_t *
ngx_comet_amend_room(ngx_comet_judge_t *judge)
{
    size_t                   i, n;
    ngx_comet_range_t       *range;
    const ngx_comet_rule_t  *rule;

    n = 3;

    for (rule = judge->policy->rules; rule && rule->param; rule++) {
        n++;
    }

    for (i = 0; i < judge->nslots; i++) {
        n += judge->slots[i].seen ? 2 : 0;
    }

    for (range = judge->ranges; range; range = range->next) {
        n++;
    }

    return judge->policy->alloc(judge->policy->data,
                                n * sizeof(ngx_comet_edit_t));
}


static void
ngx_comet_amend_put(ngx_comet_judge_t *judge, uint64_t start, uint64_t end,
    const char *text)
{
    ngx_comet_edit_t  *edit;

    /* what is only looked at is changed by a route alone */

    if (text == NULL
        || (judge->policy->mode == NGX_COMET_OBSERVE && judge->target == NULL))
    {
        return;
    }

    if (judge->edits == NULL) {
        judge->edits = ngx_comet_amend_room(judge);
        if (judge->edits == NULL) {
            judge->failed = 1;
            return;
        }
    }

    edit = &judge->edits[judge->nedits++];
    edit->offset = start;
    edit->length = end - start;
    edit->text = text;
    edit->len = strlen(text);
}


static int
ngx_comet_amend_compare(const void *one, const void *two)
{
    const ngx_comet_edit_t *a = one;
    const ngx_comet_edit_t *b = two;

    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }

    /* what is put in goes before what is replaced there */

    if (a->length != b->length) {
        return a->length < b->length ? -1 : 1;
    }

    return strcmp(a->text, b->text);
}


int
ngx_comet_amend(ngx_comet_judge_t *judge)
{
    if (judge->provider == NULL) {
        return 0;
    }

    ngx_comet_amend_to(judge);
    ngx_comet_amend_cap(judge);

    if (judge->policy->mode != NGX_COMET_OBSERVE) {
        ngx_comet_amend_sets(judge);
        ngx_comet_amend_usage(judge);
    }

    if (judge->policy->mode == NGX_COMET_REPAIR || judge->target) {
        ngx_comet_amend_repairs(judge);
    }

    ngx_comet_amend_drops(judge);

    if (judge->nedits) {
        qsort(judge->edits, judge->nedits, sizeof(ngx_comet_edit_t),
              ngx_comet_amend_compare);
    }

    return judge->failed ? -1 : 0;
}


/* the name of a target needs no escapes */

static void
ngx_comet_amend_to(ngx_comet_judge_t *judge)
{
    ngx_comet_slot_t  *slot;

    if (judge->target) {
        slot = &judge->slots[0];

        ngx_comet_amend_put(judge, slot->value_start, slot->value_end,
                            ngx_comet_amend_text(judge, "\"%s\"",
                                                 judge->target));
    }
}


/* the one that the model takes, if not any */

static ngx_comet_param_e
ngx_comet_amend_cap_of(ngx_comet_judge_t *judge)
{
    if (!judge->endpoint->cap_of_model) {
        return judge->endpoint->caps[0];
    }

    switch (judge->provider->cap) {

    case NGX_COMET_CAP_TOKENS:
        return NGX_COMET_PARAM_MAX_TOKENS;

    case NGX_COMET_CAP_COMPLETION_TOKENS:
    case NGX_COMET_CAP_EITHER:
        return NGX_COMET_PARAM_MAX_COMPLETION_TOKENS;

    default:
        return NGX_COMET_PARAM_OTHER;
    }
}


static int
ngx_comet_amend_is_cap(ngx_comet_slot_t *slot)
{
    return slot && slot->whole && !slot->bad && !slot->drop
           && slot->type == NGX_COMET_IS_NUMBER;
}


static void
ngx_comet_amend_cap(ngx_comet_judge_t *judge)
{
    ngx_comet_param_e        right;
    const ngx_comet_rule_t  *rule;

    if (judge->endpoint->caps[0] == NGX_COMET_PARAM_OTHER) {
        return;
    }

    right = ngx_comet_amend_cap_of(judge);
    rule = ngx_comet_judge_own(judge, "max_tokens", NGX_COMET_RULE_SET);

    if (rule && judge->policy->mode != NGX_COMET_OBSERVE) {
        ngx_comet_amend_cap_set(judge, rule);
        return;
    }

    if (right != NGX_COMET_PARAM_OTHER
        && (rule == NULL || judge->target)
        && ngx_comet_amend_caps(judge, right) != 0)
    {
        return;
    }

    if (rule == NULL) {
        ngx_comet_amend_limit(judge, right == NGX_COMET_PARAM_OTHER
                                     ? judge->endpoint->caps[0] : right);
    }
}


/*
 * One cap remains, under the name that the model takes.  A null that stands
 * under the name of a renamed one would be a duplicate, and goes.
 */

static int
ngx_comet_amend_caps(ngx_comet_judge_t *judge, ngx_comet_param_e right)
{
    ngx_comet_slot_t         *slot, *kept, *taken;
    const ngx_comet_param_e  *id;

    taken = judge->known[right];
    kept = ngx_comet_amend_is_cap(taken) ? taken : NULL;

    for (id = judge->endpoint->caps; *id; id++) {
        slot = judge->known[*id];

        if (slot == kept || !ngx_comet_amend_is_cap(slot)) {
            continue;
        }

        if (kept == NULL) {
            kept = slot;
            continue;
        }

        if (slot->number != kept->number) {
            judge->beyond = 1;
            ngx_comet_judge_say(judge, slot->name, "invalid_value",
                                "%s is %.24s and %s is %.24s: send one of "
                                "them, %s", kept->name, kept->text,
                                slot->name, slot->text, taken->name);
            return -1;
        }

        slot->drop = 1;
        slot->twin = 1;
    }

    if (kept && kept != taken
        && (!judge->endpoint->cap_of_model
            || judge->provider->cap != NGX_COMET_CAP_EITHER))
    {
        if (taken->whole) {
            taken->drop = 1;
            taken->twin = 1;
        }

        ngx_comet_amend_put(judge, kept->name_start, kept->name_end,
                            ngx_comet_amend_text(judge, "\"%s\"", taken->name));
    }

    return 0;
}


/*
 * What an operator allows at most, and sends if nothing is said.  Some readers
 * take a cap of 0 for none.
 */

static void
ngx_comet_amend_limit(ngx_comet_judge_t *judge, ngx_comet_param_e id)
{
    double                    number;
    uint64_t                  cap;
    unsigned                  found;
    ngx_comet_slot_t         *slot;
    const ngx_comet_rule_t   *rule, *rules[NGX_COMET_RULE_KINDS];
    const ngx_comet_param_e  *cap_id;

    cap = judge->policy->cap;

    if (cap == 0) {
        return;
    }

    found = 0;

    for (cap_id = judge->endpoint->caps; *cap_id; cap_id++) {
        slot = judge->known[*cap_id];

        if (!ngx_comet_amend_is_cap(slot)) {
            continue;
        }

        found = 1;
        number = slot->clamped ? slot->clamp : slot->number;

        if (number < 1) {
            slot->clamped = 1;
            slot->clamp = 1;

            ngx_comet_judge_say(judge, slot->name, "invalid_value",
                                "%s is %.24s, but at least 1 is needed here",
                                slot->name, slot->text);

        } else if (number > (double) cap) {
            slot->clamped = 1;
            slot->clamp = (double) cap;

            ngx_comet_judge_say(judge, slot->name, "invalid_value",
                                "%s is %.24s, but at most %llu is allowed "
                                "here", slot->name, slot->text,
                                (unsigned long long) cap);
        }
    }

    if (found || !judge->policy->cap_default
        || judge->policy->mode == NGX_COMET_OBSERVE)
    {
        return;
    }

    slot = judge->known[id];
    ngx_comet_judge_rules(judge, slot->name, rules);

    if (rules[NGX_COMET_RULE_OFF]) {
        return;
    }

    rule = rules[NGX_COMET_RULE_RANGE];

    if (rule && rule->high >= 1 && rule->high < (double) cap) {
        cap = (uint64_t) rule->high;
    }

    if (slot->whole && slot->type == NGX_COMET_IS_NULL && !slot->drop) {
        ngx_comet_amend_put(judge, slot->value_start, slot->value_end,
                            ngx_comet_amend_text(judge, "%llu",
                                                 (unsigned long long) cap));
        return;
    }

    ngx_comet_amend_put(judge, judge->body_start, judge->body_start,
                        ngx_comet_amend_text(judge, "\"%s\":%llu,", slot->name,
                                             (unsigned long long) cap));
}


static void
ngx_comet_amend_set(ngx_comet_judge_t *judge, ngx_comet_slot_t *slot,
    const char *value)
{
    if (slot->whole) {
        ngx_comet_amend_put(judge, slot->value_start, slot->value_end, value);

    } else {
        ngx_comet_amend_put(judge, judge->body_start, judge->body_start,
                            ngx_comet_amend_text(judge, "\"%s\":%s,",
                                                 slot->name, value));
    }
}


/* the operator's own cap: the only one, under the name that the model takes */

static void
ngx_comet_amend_cap_set(ngx_comet_judge_t *judge, const ngx_comet_rule_t *rule)
{
    ngx_comet_slot_t         *slot;
    ngx_comet_param_e         right;
    const ngx_comet_param_e  *id;

    right = ngx_comet_amend_cap_of(judge);

    if (right == NGX_COMET_PARAM_OTHER) {
        right = judge->endpoint->caps[0];

        for (id = judge->endpoint->caps; *id; id++) {
            if (strcmp(rule->param, judge->known[*id]->name) == 0) {
                right = *id;
            }
        }
    }

    for (id = judge->endpoint->caps; *id; id++) {
        slot = judge->known[*id];

        if (*id == right) {
            ngx_comet_amend_set(judge, slot, rule->set);

        } else if (slot->whole) {
            slot->drop = 1;
            slot->twin = 1;
        }
    }
}


static void
ngx_comet_amend_sets(ngx_comet_judge_t *judge)
{
    size_t                   i;
    ngx_comet_slot_t        *slot;
    const ngx_comet_rule_t  *rule;

    for (i = 0; judge->policy->rules && i < judge->nslots; i++) {
        slot = &judge->slots[i];
        rule = ngx_comet_judge_own(judge, slot->name, NGX_COMET_RULE_SET);

        if (rule && !ngx_comet_judge_is_cap(slot->name)) {
            ngx_comet_amend_set(judge, slot, rule->set);
        }
    }
}


/* what some reader takes for false, though it is another type */

static int
ngx_comet_amend_no(const ngx_comet_token_t *token)
{
    unsigned                  i;
    static const char *const  words[] = {
        "", "0", "f", "false", "n", "no", "off", NULL
    };

    switch (token->type) {

    case NGX_COMET_FALSE:
    case NGX_COMET_NULL:
        return 1;

    case NGX_COMET_NUMBER:
        return ngx_comet_number(token->text) == 0;

    case NGX_COMET_STRING:
        for (i = 0; words[i]; i++) {
            if (token->len == strlen(words[i])
                && strcasecmp(token->text, words[i]) == 0)
            {
                return 1;
            }
        }

        return 0;

    default:
        return 0;
    }
}


void
ngx_comet_amend_asks(ngx_comet_asks_t *asks, const ngx_comet_token_t *token)
{
    asks->there = 1;
    asks->no = (unsigned) ngx_comet_amend_no(token);
    asks->start = token->start;
    asks->end = token->end;
}


/* some streams bring their usage only if it is asked for */

static void
ngx_comet_amend_usage(ngx_comet_judge_t *judge)
{
    ngx_comet_asks_t        *asks;
    ngx_comet_slot_t        *slot;
    const ngx_comet_rule_t  *rules[NGX_COMET_RULE_KINDS];

    if (!judge->policy->usage
        || !ngx_comet_judge_true(judge, NGX_COMET_PARAM_STREAM))
    {
        return;
    }

    slot = judge->known[NGX_COMET_PARAM_STREAM_OPTIONS];

    if (slot == NULL || slot->field->fields == NULL
        || !(slot->field->fields->flags & NGX_COMET_USAGE))
    {
        return;
    }

    ngx_comet_judge_rules(judge, slot->name, rules);

    if (rules[NGX_COMET_RULE_SET] || rules[NGX_COMET_RULE_OFF]) {
        return;
    }

    asks = &judge->asks;

    if (slot->bad || (asks->there && !asks->no)) {
        return;
    }

    judge->usage_added = 1;

    if (!slot->whole) {
        ngx_comet_amend_put(judge, judge->body_start, judge->body_start,
                            "\"stream_options\":{\"include_usage\":true},");

    } else if (slot->type == NGX_COMET_IS_NULL) {
        ngx_comet_amend_put(judge, slot->value_start, slot->value_end,
                            "{\"include_usage\":true}");

    } else if (asks->there) {
        ngx_comet_amend_put(judge, asks->start, asks->end, "true");

    } else {
        ngx_comet_amend_put(judge, slot->value_start + 1,
                            slot->value_start + 1,
                            asks->members ? "\"include_usage\":true,"
                                          : "\"include_usage\":true");
    }
}


/* as short as it can be without another value to come out */

static const char *
ngx_comet_amend_number(ngx_comet_judge_t *judge, const ngx_comet_slot_t *slot)
{
    char  text[32];

    if (slot->field->flags & NGX_COMET_INTEGER) {
        return ngx_comet_amend_text(judge, "%.0f", slot->clamp);
    }

    snprintf(text, sizeof(text), "%.15g", slot->clamp);

    return ngx_comet_amend_text(judge, "%.*g",
                                strtod(text, NULL) == slot->clamp ? 15 : 17,
                                slot->clamp);
}


/* whether the parameter is changed to what it has to be */

static int
ngx_comet_amend_mends(ngx_comet_judge_t *judge, const ngx_comet_slot_t *slot)
{
    return judge->policy->mode == NGX_COMET_REPAIR || slot->fitted;
}


static void
ngx_comet_amend_repairs(ngx_comet_judge_t *judge)
{
    size_t             i;
    const char        *text;
    ngx_comet_slot_t  *slot;

    for (i = 0; i < judge->nslots; i++) {
        slot = &judge->slots[i];

        if (!ngx_comet_amend_mends(judge, slot)) {
            continue;
        }

        if (slot->clamped && !slot->drop) {
            text = ngx_comet_amend_number(judge, slot);

            ngx_comet_judge_repaired(judge, "%s=%s", slot->name,
                                     text ? text : "");
            ngx_comet_amend_put(judge, slot->value_start, slot->value_end,
                                text);
        }

        if (slot->drop && !slot->twin) {
            ngx_comet_judge_repaired(judge, "%s=dropped", slot->name);
        }
    }

    ngx_comet_amend_ranges(judge);
}


static void
ngx_comet_amend_ranges(ngx_comet_judge_t *judge)
{
    ngx_comet_slot_t   *slot;
    ngx_comet_range_t  *range;

    if (judge->unkept && !judge->provider->developer) {
        ngx_comet_judge_crowded(judge, "messages");
        return;
    }

    for (range = judge->ranges; range; range = range->next) {
        slot = range->slot;

        if (slot->drop
            || (range->developer && judge->provider->developer)
            || ngx_comet_judge_own(judge, slot->name, NGX_COMET_RULE_SET))
        {
            continue;
        }

        if (!slot->told) {
            slot->told = 1;
            ngx_comet_judge_repaired(judge, "%s%s", slot->name,
                                     range->developer ? ".role=system"
                                                      : "=clamped");
        }

        ngx_comet_amend_put(judge, range->start, range->end,
                            range->developer
                            ? "\"system\""
                            : ngx_comet_amend_text(judge, "%.15g",
                                                   range->clamp));
    }
}


static int
ngx_comet_amend_by_ordinal(const void *one, const void *two)
{
    const ngx_comet_slot_t *const *a = one;
    const ngx_comet_slot_t *const *b = two;

    return (*a)->ordinal < (*b)->ordinal ? -1 : (*a)->ordinal > (*b)->ordinal;
}


/*
 * A run of dropped members takes the comma before it with it, or the one
 * behind it where no member is before.
 */

static void
ngx_comet_amend_drops(ngx_comet_judge_t *judge)
{
    size_t             i, k, n;
    ngx_comet_slot_t  *first, *last, *dropped[NGX_COMET_PARAM_MAX];

    n = 0;

    for (i = 0; i < judge->nslots; i++) {
        if (judge->slots[i].drop
            && (judge->slots[i].twin
                || ngx_comet_amend_mends(judge, &judge->slots[i])))
        {
            dropped[n++] = &judge->slots[i];
        }
    }

    if (n == 0) {
        return;
    }

    qsort(dropped, n, sizeof(dropped[0]), ngx_comet_amend_by_ordinal);

    for (i = 0; i < n; i = k) {

        for (k = i + 1; k < n; k++) {
            if (dropped[k]->ordinal != dropped[k - 1]->ordinal + 1) {
                break;
            }
        }

        first = dropped[i];
        last = dropped[k - 1];

        if (first->ordinal == 1) {
            ngx_comet_amend_put(judge, first->name_start,
                                last->next_start ? last->next_start
                                                 : last->value_end, "");
        } else {
            ngx_comet_amend_put(judge, first->prev_end, last->value_end, "");
        }
    }
}
