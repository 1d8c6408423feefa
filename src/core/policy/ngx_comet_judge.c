#include "ngx_comet_judge.h"

#include <stddef.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>


#define NGX_COMET_DEPTH  256


static void ngx_comet_judge_together(ngx_comet_judge_t *judge);
static void ngx_comet_judge_required(ngx_comet_judge_t *judge);


#define NGX_COMET_IS_ANY                                                      \
    (NGX_COMET_IS_STRING|NGX_COMET_IS_NUMBER|NGX_COMET_IS_BOOL                \
     |NGX_COMET_IS_OBJECT|NGX_COMET_IS_ARRAY)

static const ngx_comet_field_t  ngx_comet_any_element = {
    .types = NGX_COMET_IS_ANY|NGX_COMET_IS_NULL
};

const ngx_comet_field_t  ngx_comet_any_field = {
    .types = NGX_COMET_IS_ANY, .element = &ngx_comet_any_element
};


static inline unsigned char *
ngx_comet_judge_head(ngx_comet_judge_t *judge, const char *name, size_t len)
{
    return &judge->heads[((unsigned char) name[0] + len * 7)
                         % NGX_COMET_HASH_SIZE];
}


static void
ngx_comet_judge_add(ngx_comet_judge_t *judge, const char *name, size_t len,
    const ngx_comet_field_t *field)
{
    unsigned char     *head;
    ngx_comet_slot_t  *slot;

    slot = &judge->slots[judge->nslots++];

    memset(slot, 0, offsetof(ngx_comet_slot_t, name_start));

    head = ngx_comet_judge_head(judge, name, len);
    slot->link = *head;
    *head = (unsigned char) judge->nslots;

    slot->name = name;
    slot->name_len = len;
    slot->field = field;
}


void
ngx_comet_judge_init(ngx_comet_judge_t *judge,
    const ngx_comet_endpoint_t *endpoint, const ngx_comet_policy_t *policy)
{
    const ngx_comet_rule_t   *rule;
    const ngx_comet_field_t  *field;

    memset(judge, 0, offsetof(ngx_comet_judge_t, scan));

    judge->model[0] = '\0';
    judge->param[0] = '\0';
    judge->message[0] = '\0';
    judge->repairs[0] = '\0';

    /* what an operator says of parameters is said of those of other calls */

    if (!endpoint->ruled && policy->rules) {
        judge->bare = *policy;
        judge->bare.rules = NULL;
        policy = &judge->bare;
    }

    judge->policy = policy;
    judge->endpoint = endpoint;
    judge->status = 400;

    judge->root.types = NGX_COMET_IS_OBJECT;
    judge->root.fields = endpoint->fields;

    for (field = judge->root.fields; field->name; field++) {
        judge->known[field->id] = &judge->slots[judge->nslots];
        ngx_comet_judge_add(judge, field->name, field->len, field);
    }

    for (rule = policy->rules; rule && rule->param; rule++) {
        if (judge->nslots < NGX_COMET_PARAM_MAX
            && ngx_comet_judge_slot(judge, rule->param) == NULL)
        {
            ngx_comet_judge_add(judge, rule->param, strlen(rule->param),
                                &ngx_comet_any_field);
        }
    }

    ngx_comet_scan_init(&judge->scan, NGX_COMET_DEPTH, ngx_comet_collect,
                        judge);
}


/* whether nothing that is still to come can save the request */

static int
ngx_comet_judge_hopeless(ngx_comet_judge_t *judge)
{
    if (judge->status == 403) {
        return 1;
    }

    switch (judge->policy->mode) {

    case NGX_COMET_REJECT:
        return judge->violations > 0;

    case NGX_COMET_REPAIR:
        return judge->beyond;

    default:
        return judge->fatal;
    }
}


/* of the parameter, or of whatever may stand in the body: slot is NULL */

static int
ngx_comet_judge_relies(ngx_comet_judge_t *judge, const ngx_comet_slot_t *slot)
{
    const ngx_comet_policy_t  *policy;

    policy = judge->policy;

    if (slot == NULL) {
        return policy->named || policy->sized;
    }

    if (slot == &judge->slots[0]) {
        return policy->named;
    }

    return policy->sized
           && (slot == judge->known[NGX_COMET_PARAM_N]
               || ngx_comet_judge_is_cap(slot->name));
}


/*
 * Two readers may differ about it.  Where lists, limits or prices rely on it,
 * that goes in no mode, and is told in the place of what was only looked at.
 */

void
ngx_comet_judge_uncertain(ngx_comet_judge_t *judge,
    const ngx_comet_slot_t *slot)
{
    if (judge->fatal || judge->status == 403
        || !ngx_comet_judge_relies(judge, slot))
    {
        return;
    }

    judge->fatal = 1;

    if (judge->policy->mode == NGX_COMET_OBSERVE) {
        judge->violations = 0;
        judge->message[0] = '\0';
    }
}


static void
ngx_comet_judge_invalid(ngx_comet_judge_t *judge)
{
    judge->beyond = 1;

    ngx_comet_judge_uncertain(judge, NULL);
    ngx_comet_judge_say(judge, "", "invalid_json",
                        "the body is not valid JSON: %s at byte %llu",
                        ngx_comet_scan_message(&judge->scan),
                        (unsigned long long) judge->scan.offset);
}


int
ngx_comet_judge_feed(ngx_comet_judge_t *judge, const unsigned char *p,
    size_t len)
{
    ngx_comet_measure_feed(&judge->measure, p, len);

    if (judge->scan.status == NGX_COMET_SCAN_OK
        && ngx_comet_scan_feed(&judge->scan, p, len) == NGX_COMET_SCAN_ERROR)
    {
        ngx_comet_judge_invalid(judge);
    }

    return ngx_comet_judge_hopeless(judge) ? -1 : 0;
}


static void
ngx_comet_judge_end(ngx_comet_judge_t *judge)
{
    int  hopeless, rc;

    if (judge->scan.status != NGX_COMET_SCAN_OK) {
        return;
    }

    /* whoever was refused early has not sent the rest */

    hopeless = ngx_comet_judge_hopeless(judge);
    rc = ngx_comet_scan_finish(&judge->scan);

    if (rc == NGX_COMET_SCAN_OK) {
        ngx_comet_judge_required(judge);
        ngx_comet_judge_together(judge);
        ngx_comet_fit_end(judge);

        if (ngx_comet_amend(judge) != 0) {
            judge->failed = 1;
        }

    } else if (rc == NGX_COMET_SCAN_ERROR && !hopeless) {
        ngx_comet_judge_invalid(judge);
    }
}


int
ngx_comet_judge_finish(ngx_comet_judge_t *judge)
{
    ngx_comet_judge_end(judge);

    /* nothing that lists and prices could have been asked about */

    if (judge->provider == NULL && judge->policy->named
        && (judge->violations
            || (judge->slots[0].field->flags & NGX_COMET_REQUIRED)))
    {
        judge->fatal = 1;
    }

    if (judge->failed) {
        return -1;
    }

    if (ngx_comet_judge_hopeless(judge)) {
        judge->verdict = NGX_COMET_REFUSED;

    } else if (judge->policy->mode == NGX_COMET_OBSERVE
               && judge->violations)
    {
        judge->verdict = NGX_COMET_OBSERVED;

    } else {
        judge->verdict = judge->repairs[0] ? NGX_COMET_REPAIRED
                                           : NGX_COMET_PASS;
    }

    if (judge->verdict == NGX_COMET_REFUSED) {
        judge->nedits = 0;
        judge->usage_added = 0;
        judge->repairs[0] = '\0';
        judge->nrepairs = 0;
    }

    return 0;
}


/* a byte can be read behind the name, even if it is empty */

ngx_comet_slot_t *
ngx_comet_judge_named(ngx_comet_judge_t *judge, const char *name, size_t len)
{
    unsigned           i;
    ngx_comet_slot_t  *slot;

    for (i = *ngx_comet_judge_head(judge, name, len); i; i = slot->link) {
        slot = &judge->slots[i - 1];

        if (slot->name_len == len && memcmp(slot->name, name, len) == 0) {
            return slot;
        }
    }

    return NULL;
}


ngx_comet_slot_t *
ngx_comet_judge_slot(ngx_comet_judge_t *judge, const char *name)
{
    return ngx_comet_judge_named(judge, name, strlen(name));
}


/* there and not null, in what is sent on; NULL: the endpoint has none */

static int
ngx_comet_judge_given(ngx_comet_judge_t *judge, const ngx_comet_slot_t *slot)
{
    const ngx_comet_rule_t  *rule;

    if (slot == NULL) {
        return 0;
    }

    rule = ngx_comet_judge_own(judge, slot->name, NGX_COMET_RULE_SET);

    if (rule && !(slot->field->flags & NGX_COMET_REQUIRED)) {
        return strcmp(rule->set, "null") != 0;
    }

    return slot->whole && slot->type != NGX_COMET_IS_NULL;
}


int
ngx_comet_judge_true(ngx_comet_judge_t *judge, ngx_comet_param_e id)
{
    ngx_comet_slot_t        *slot;
    const ngx_comet_rule_t  *rule;

    slot = judge->known[id];

    if (slot == NULL) {
        return 0;
    }

    rule = ngx_comet_judge_own(judge, slot->name, NGX_COMET_RULE_SET);

    if (rule) {
        return strcmp(rule->set, "true") == 0;
    }

    return slot->truth && !slot->drop;
}


static void
ngx_comet_append(char *text, size_t size, const char *separator,
    const char *fmt, va_list args)
{
    size_t  len;

    len = strlen(text);

    if (len == size - 1) {
        return;
    }

    if (len) {
        len += (size_t) snprintf(text + len, size - len, "%s", separator);
    }

    if (len < size) {
        vsnprintf(text + len, size - len, fmt, args);
    }
}


void
ngx_comet_judge_say(ngx_comet_judge_t *judge, const char *param,
    const char *code, const char *fmt, ...)
{
    va_list  args;

    if (judge->status == 403 || ngx_comet_judge_full(judge)) {
        return;
    }

    if (judge->violations++ == 0) {
        snprintf(judge->param, sizeof(judge->param), "%s", param);
        judge->code = code;
    }

    va_start(args, fmt);
    ngx_comet_append(judge->message, sizeof(judge->message), "; ", fmt, args);
    va_end(args);
}


/* what was said so far could have been repaired */

void
ngx_comet_judge_crowded(ngx_comet_judge_t *judge, const char *param)
{
    judge->beyond = 1;
    judge->enough = 1;

    if (judge->status == 403) {
        return;
    }

    judge->violations = 0;
    judge->message[0] = '\0';

    ngx_comet_judge_say(judge, param, "too_many_repairs",
                        "%s has more than %d values to repair, which is more "
                        "than are repaired", param, NGX_COMET_WRONG_MAX);
}


void
ngx_comet_judge_repaired(ngx_comet_judge_t *judge, const char *fmt, ...)
{
    va_list  args;

    judge->nrepairs++;

    va_start(args, fmt);
    ngx_comet_append(judge->repairs, sizeof(judge->repairs), ", ", fmt, args);
    va_end(args);
}


const char *
ngx_comet_judge_values(ngx_comet_judge_t *judge, const char *const *values)
{
    size_t  i, len;

    len = 0;
    judge->list[0] = '\0';

    for (i = 0; values[i] && len < sizeof(judge->list); i++) {
        len += (size_t) snprintf(judge->list + len, sizeof(judge->list) - len,
                                 "%s\"%s\"",
                                 i == 0 ? "" : values[i + 1] ? ", " : " or ",
                                 values[i]);
    }

    return judge->list;
}


size_t
ngx_comet_characters(const char *text, size_t len)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < len; i++) {
        n += ((unsigned char) text[i] & 0xc0) != 0x80;
    }

    return n;
}


/* all names of the output cap, which is renamed to what the model takes */

int
ngx_comet_judge_is_cap(const char *param)
{
    return param[0] == 'm'
           && (strcmp(param, "max_tokens") == 0
               || strcmp(param, "max_completion_tokens") == 0
               || strcmp(param, "max_output_tokens") == 0);
}


/* the first rule of each kind for the parameter, where none is found yet */

static void
ngx_comet_judge_find(const ngx_comet_rule_t **rules,
    const ngx_comet_rule_t *rule, const char *param)
{
    for ( /* void */ ; rule && rule->param; rule++) {
        if (rule->param[0] == param[0] && rules[rule->kind] == NULL
            && (strcmp(rule->param, param) == 0
                || (ngx_comet_judge_is_cap(rule->param)
                    && ngx_comet_judge_is_cap(param))))
        {
            rules[rule->kind] = rule;
        }
    }
}


/* a rule of the operator */

const ngx_comet_rule_t *
ngx_comet_judge_own(ngx_comet_judge_t *judge, const char *param,
    ngx_comet_rule_e kind)
{
    const ngx_comet_rule_t  *rules[NGX_COMET_RULE_KINDS];

    if (judge->policy->rules == NULL) {
        return NULL;
    }

    memset(rules, 0, sizeof(rules));
    ngx_comet_judge_find(rules, judge->policy->rules, param);

    return rules[kind];
}


/* whether it does not matter what is sent */

int
ngx_comet_judge_replaces(ngx_comet_judge_t *judge,
    const ngx_comet_slot_t *slot)
{
    if (judge->policy->mode == NGX_COMET_OBSERVE
        && ngx_comet_judge_relies(judge, slot))
    {
        return 0;
    }

    return !(slot->field->flags & NGX_COMET_REQUIRED)
           && ngx_comet_judge_own(judge, slot->name, NGX_COMET_RULE_SET);
}


/* an operator's rule goes before the provider's of the same parameter */

static void
ngx_comet_judge_rules_of(ngx_comet_judge_t *judge,
    const ngx_comet_provider_t *provider, unsigned described,
    const char *param, const ngx_comet_rule_t **rules)
{
    memset(rules, 0, NGX_COMET_RULE_KINDS * sizeof(rules[0]));

    ngx_comet_judge_find(rules, judge->policy->rules, param);

    /* what is documented of models is so of chat, an operator may mean all */

    if (judge->endpoint->narrowed
        || (described
            && (strcmp(param, "temperature") == 0
                || strcmp(param, "top_p") == 0)))
    {
        ngx_comet_judge_find(rules, provider->rules, param);
    }
}


void
ngx_comet_judge_rules(ngx_comet_judge_t *judge, const char *param,
    const ngx_comet_rule_t **rules)
{
    ngx_comet_judge_rules_of(judge, judge->provider, judge->described, param,
                             rules);
}


/* those of the model that was asked for, where it goes to another one */

void
ngx_comet_judge_rules_named(ngx_comet_judge_t *judge, const char *param,
    const ngx_comet_rule_t **rules)
{
    ngx_comet_judge_rules_of(judge, judge->named, judge->named_described,
                             param, rules);
}


/* the slot just read; with the model, all that came before it */

void
ngx_comet_judge_params(ngx_comet_judge_t *judge)
{
    ngx_comet_slot_t  *slot;

    if (judge->provider) {
        ngx_comet_fit_param(judge, judge->slot);
        return;
    }

    slot = &judge->slots[0];

    if (!slot->whole || slot->type != NGX_COMET_IS_STRING || slot->bad) {
        return;
    }

    ngx_comet_fit_model(judge);

    for ( /* void */ ; slot < judge->slots + judge->nslots; slot++) {
        if (slot->whole) {
            ngx_comet_fit_param(judge, slot);
        }
    }
}


static void
ngx_comet_judge_missing(ngx_comet_judge_t *judge, const ngx_comet_slot_t *slot)
{
    judge->beyond = 1;
    ngx_comet_judge_say(judge, slot->name, "missing_required_parameter",
                        "%s is missing", slot->name);
}


static void
ngx_comet_judge_required(ngx_comet_judge_t *judge)
{
    size_t                    i;
    ngx_comet_slot_t         *slot;
    const ngx_comet_param_e  *one_of;

    for (i = 0; i < judge->nslots; i++) {
        slot = &judge->slots[i];

        if ((slot->field->flags & NGX_COMET_REQUIRED)
            && !ngx_comet_judge_given(judge, slot))
        {
            ngx_comet_judge_missing(judge, slot);
        }
    }

    one_of = judge->endpoint->one_of;

    if (*one_of == NGX_COMET_PARAM_OTHER) {
        return;
    }

    slot = judge->known[*one_of];

    for ( /* void */ ; *one_of; one_of++) {
        if (ngx_comet_judge_given(judge, judge->known[*one_of])) {
            return;
        }
    }

    ngx_comet_judge_missing(judge, slot);
}


static void
ngx_comet_judge_companion(ngx_comet_judge_t *judge, ngx_comet_slot_t *slot,
    ngx_comet_param_e companion)
{
    if (ngx_comet_judge_own(judge, slot->name, NGX_COMET_RULE_SET)
        || slot->drop || ngx_comet_judge_true(judge, companion))
    {
        return;
    }

    slot->drop = 1;

    if (judge->known[companion]->fitted) {
        slot->fitted = 1;
        return;
    }

    ngx_comet_judge_say(judge, slot->name, "invalid_value",
                        "%s is allowed only when %s is true", slot->name,
                        judge->known[companion]->name);
}


static void
ngx_comet_judge_together(ngx_comet_judge_t *judge)
{
    ngx_comet_slot_t       *slot, *other;
    const ngx_comet_tie_t  *tie;

    for (tie = judge->endpoint->ties; tie->param; tie++) {
        slot = judge->known[tie->param];

        if (!ngx_comet_judge_given(judge, slot)) {
            continue;
        }

        if (tie->needs) {
            ngx_comet_judge_companion(judge, slot, tie->needs);
            continue;
        }

        other = judge->known[tie->excludes];

        if (ngx_comet_judge_given(judge, other)) {
            judge->beyond = 1;
            ngx_comet_judge_say(judge, slot->name, "invalid_value",
                                "%s and %s exclude each other", slot->name,
                                other->name);
        }
    }
}
