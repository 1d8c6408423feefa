/*
 * Whether a parameter fits the model that a call goes to.  Where a route leads
 * to another model than the one that was named, what only that one's rules
 * forbid is no violation of the client's: it is made to fit in every mode, or,
 * where that cannot be, the call is for another target.
 */


#include "ngx_comet_judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>


static void ngx_comet_fit_not(ngx_comet_judge_t *judge, const char *param,
    const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));


static const ngx_comet_provider_t *
ngx_comet_fit_provider(ngx_comet_judge_t *judge, const char *model, size_t len,
    int *described)
{
    const ngx_comet_policy_t    *policy;
    const ngx_comet_provider_t  *provider;

    policy = judge->policy;

    provider = policy->provider ? policy->provider(policy->data, model, len)
                                : NULL;

    *described = (provider != NULL);

    return provider ? provider : ngx_comet_model_provider(model, len);
}


/* the first of them is told, behind the body */

static void
ngx_comet_fit_not(ngx_comet_judge_t *judge, const char *param,
    const char *fmt, ...)
{
    va_list  args;

    if (judge->misfit) {
        return;
    }

    judge->misfit = param;

    va_start(args, fmt);
    vsnprintf(judge->why, sizeof(judge->why), fmt, args);
    va_end(args);
}


static void
ngx_comet_fit_route(ngx_comet_judge_t *judge, const char *target)
{
    int     described;
    size_t  len;

    len = strlen(target);

    if (len == judge->model_len && memcmp(target, judge->model, len) == 0) {
        return;
    }

    judge->target = target;
    judge->named = judge->provider;
    judge->named_described = judge->described;

    judge->provider = ngx_comet_fit_provider(judge, target, len, &described);
    judge->described = (described != 0);
}


/* lists are asked about the name that the client gave */

void
ngx_comet_fit_model(ngx_comet_judge_t *judge)
{
    int                        described;
    const char                *target;
    const ngx_comet_policy_t  *policy;

    static const char  fmt[] = "the model %s does not speak %s: call "
                               "/v1/responses instead";

    policy = judge->policy;

    judge->provider = ngx_comet_fit_provider(judge, judge->model,
                                             judge->model_len, &described);
    judge->described = (described != 0);

    if (policy->models
        && !policy->admit(policy->data, judge->model, judge->model_len))
    {
        judge->violations = 0;
        judge->message[0] = '\0';

        ngx_comet_judge_say(judge, "model", "model_not_allowed",
                            "the model %s is not allowed here", judge->model);
        judge->status = 403;
        judge->enough = 1;
        return;
    }

    target = policy->route ? policy->route(policy->data, judge->model,
                                           judge->model_len)
                           : NULL;
    if (target) {
        ngx_comet_fit_route(judge, target);
    }

    if (judge->endpoint->spoken == NULL || !judge->provider->responses_only) {
        return;
    }

    if (judge->target && !judge->named->responses_only) {
        ngx_comet_fit_not(judge, "model", fmt, judge->target,
                          judge->endpoint->spoken);
        return;
    }

    judge->beyond = 1;
    ngx_comet_judge_say(judge, "model", "unsupported_value", fmt,
                        ngx_comet_judge_sent(judge), judge->endpoint->spoken);
}


static int
ngx_comet_fit_bounds(const ngx_comet_slot_t *slot,
    const ngx_comet_rule_t *rule, double *low, double *high)
{
    *low = rule ? rule->low : slot->field->low;
    *high = rule ? rule->high : slot->field->high;

    /* to some readers a cap of 0 is none */

    if (rule && *low < 1 && *high >= 1 && ngx_comet_judge_is_cap(slot->name)) {
        *low = 1;
    }

    return (rule || *low < *high)
           && (slot->number < *low || slot->number > *high);
}


static void
ngx_comet_fit_range(ngx_comet_judge_t *judge, ngx_comet_slot_t *slot,
    const ngx_comet_rule_t *rule, const ngx_comet_rule_t *named)
{
    double       low, high, from, to;
    const char  *code;

    if (!ngx_comet_fit_bounds(slot, rule, &low, &high)) {
        return;
    }

    slot->clamped = 1;
    slot->clamp = slot->number < low ? low : high;

    if (judge->target && !ngx_comet_fit_bounds(slot, named, &from, &to)) {
        slot->fitted = 1;
        return;
    }

    code = rule ? "unsupported_value" : "invalid_value";

    if (low == high) {
        ngx_comet_judge_say(judge, slot->name, code,
                            "%s is %.24s, but %s takes only %.15g",
                            slot->name, slot->text,
                            ngx_comet_judge_sent(judge), low);

    } else if (high > 1e15) {
        ngx_comet_judge_say(judge, slot->name, code,
                            "%s is %.24s, but must be %.0f or %s",
                            slot->name, slot->text, slot->clamp,
                            slot->clamp == low ? "more" : "less");

    } else {
        ngx_comet_judge_say(judge, slot->name, code,
                            "%s is %.24s, but %s takes %.15g to %.15g",
                            slot->name, slot->text,
                            ngx_comet_judge_sent(judge), low, high);
    }
}


static int
ngx_comet_fit_listed(const ngx_comet_slot_t *slot,
    const ngx_comet_rule_t *rule)
{
    size_t  i;

    for (i = 0; rule && rule->values[i]; i++) {
        if (strlen(rule->values[i]) == slot->len
            && slot->len < sizeof(slot->text)
            && memcmp(rule->values[i], slot->text, slot->len) == 0)
        {
            return 1;
        }
    }

    return rule == NULL;
}


static void
ngx_comet_fit_list(ngx_comet_judge_t *judge, ngx_comet_slot_t *slot,
    const ngx_comet_rule_t *rule, const ngx_comet_rule_t *named)
{
    const char  *quote, *text;

    static const char  fmt[] = "%s is %s%.40s%s, but %s takes %s";

    if (ngx_comet_fit_listed(slot, rule)) {
        return;
    }

    quote = "\"";
    text = slot->text;

    if (slot->len == 0 && slot->type != NGX_COMET_IS_STRING) {
        quote = "";
        text = slot->type == NGX_COMET_IS_ARRAY ? "an array" : "an object";
    }

    if (judge->target && ngx_comet_fit_listed(slot, named)) {
        ngx_comet_fit_not(judge, slot->name, fmt, slot->name, quote, text,
                          quote, judge->target,
                          ngx_comet_judge_values(judge, rule->values));
        return;
    }

    judge->beyond = 1;
    ngx_comet_judge_say(judge, slot->name, "unsupported_value", fmt,
                        slot->name, quote, text, quote,
                        ngx_comet_judge_sent(judge),
                        ngx_comet_judge_values(judge, rule->values));
}


static int
ngx_comet_fit_is_long(const ngx_comet_slot_t *slot,
    const ngx_comet_rule_t *rule, size_t *max)
{
    *max = rule ? (size_t) rule->high : slot->field->max;

    return slot->type == NGX_COMET_IS_ARRAY && (rule || *max)
           && slot->count > *max;
}


static void
ngx_comet_fit_count(ngx_comet_judge_t *judge, ngx_comet_slot_t *slot,
    const ngx_comet_rule_t *rule, const ngx_comet_rule_t *named)
{
    size_t  max, other;

    static const char  fmt[] = "%s has %zu elements, but %s takes at most %zu";

    if (!ngx_comet_fit_is_long(slot, rule, &max)) {
        return;
    }

    if (judge->target && !ngx_comet_fit_is_long(slot, named, &other)) {
        ngx_comet_fit_not(judge, slot->name, fmt, slot->name, slot->count,
                          judge->target, max);
        return;
    }

    judge->beyond = 1;
    ngx_comet_judge_say(judge, slot->name, "unsupported_value", fmt,
                        slot->name, slot->count, ngx_comet_judge_sent(judge),
                        max);
}


void
ngx_comet_fit_param(ngx_comet_judge_t *judge, ngx_comet_slot_t *slot)
{
    const ngx_comet_rule_t  *rules[NGX_COMET_RULE_KINDS],
                            *named[NGX_COMET_RULE_KINDS];

    if (slot->bad || slot->type == NGX_COMET_IS_NULL) {
        return;
    }

    ngx_comet_judge_rules(judge, slot->name, rules);

    if (rules[NGX_COMET_RULE_SET]) {
        return;
    }

    if (judge->target) {
        ngx_comet_judge_rules_named(judge, slot->name, named);
    } else {
        memset(named, 0, sizeof(named));
    }

    /* false asks for nothing */

    if (rules[NGX_COMET_RULE_OFF]
        && (slot->type != NGX_COMET_IS_BOOL || slot->truth))
    {
        slot->drop = 1;

        if (judge->target && named[NGX_COMET_RULE_OFF] == NULL) {
            slot->fitted = 1;
            return;
        }

        ngx_comet_judge_say(judge, slot->name, "unsupported_parameter",
                            "%s is not supported by %s", slot->name,
                            ngx_comet_judge_sent(judge));
        return;
    }

    if (slot->type == NGX_COMET_IS_NUMBER) {
        ngx_comet_fit_range(judge, slot, rules[NGX_COMET_RULE_RANGE],
                            named[NGX_COMET_RULE_RANGE]);

    } else if (slot->field == &ngx_comet_any_field
               && slot->type != NGX_COMET_IS_ARRAY
               && ngx_comet_judge_own(judge, slot->name, NGX_COMET_RULE_RANGE))
    {
        judge->beyond = 1;
        ngx_comet_judge_say(judge, slot->name, "invalid_type",
                            "%s must be a number", slot->name);
    }

    ngx_comet_fit_count(judge, slot, rules[NGX_COMET_RULE_COUNT],
                        named[NGX_COMET_RULE_COUNT]);
    ngx_comet_fit_list(judge, slot, rules[NGX_COMET_RULE_VALUES],
                       named[NGX_COMET_RULE_VALUES]);
}


/* a call that is refused otherwise is not for another target either */

void
ngx_comet_fit_end(ngx_comet_judge_t *judge)
{
    if (judge->misfit == NULL) {
        return;
    }

    judge->unfit = !judge->beyond
                   && (judge->violations == 0
                       || judge->policy->mode == NGX_COMET_REPAIR)
                   && judge->policy->mode != NGX_COMET_OBSERVE;

    judge->beyond = 1;
    ngx_comet_judge_say(judge, judge->misfit, "unsupported_value", "%s",
                        judge->why);
}
