#include "ngx_comet_estimate.h"

#include <stdlib.h>
#include <string.h>

#include "ngx_comet_limit.h"


/* what a parameter is sent on as, or -1 */

static double
ngx_comet_estimate_number(ngx_comet_judge_t *judge, ngx_comet_param_e id)
{
    char                    *end;
    double                   number;
    ngx_comet_slot_t        *slot;
    const ngx_comet_rule_t  *rule;

    slot = judge->known[id];

    if (slot == NULL) {
        return -1;
    }

    if (judge->policy->mode != NGX_COMET_OBSERVE) {

        rule = ngx_comet_judge_own(judge, slot->name, NGX_COMET_RULE_SET);

        if (rule) {
            number = strtod(rule->set, &end);
            return end == rule->set ? -1 : number;
        }
    }

    if (judge->policy->mode != NGX_COMET_OBSERVE || slot->fitted) {

        if (slot->drop) {
            return -1;
        }

        if (slot->clamped) {
            return slot->clamp;
        }
    }

    return slot->whole && slot->type == NGX_COMET_IS_NUMBER ? slot->number
                                                            : -1;
}


/* one that goes out under a name which the model does not know caps nothing */

static int
ngx_comet_estimate_caps_it(ngx_comet_judge_t *judge, ngx_comet_param_e id)
{
    if (judge->policy->mode != NGX_COMET_OBSERVE || judge->provider == NULL
        || judge->target)
    {
        return 1;
    }

    if (!judge->endpoint->cap_of_model) {
        return id == judge->endpoint->caps[0];
    }

    return id != NGX_COMET_PARAM_MAX_COMPLETION_TOKENS
           || judge->provider->cap != NGX_COMET_CAP_TOKENS;
}


uint64_t
ngx_comet_estimate_output(ngx_comet_judge_t *judge, uint64_t otherwise)
{
    double                    cap, one, n;
    const ngx_comet_param_e  *id;

    if (!judge->endpoint->output) {
        return 0;
    }

    cap = -1;

    for (id = judge->endpoint->caps; *id; id++) {

        if (!ngx_comet_estimate_caps_it(judge, *id)) {
            continue;
        }

        one = ngx_comet_estimate_number(judge, *id);

        /* less is no cap to some readers */

        if (one >= 1 && one > cap) {
            cap = one;
        }
    }

    if (cap < 0) {
        cap = judge->policy->cap && judge->policy->cap_default
              && judge->endpoint->caps[0]
              && judge->policy->mode != NGX_COMET_OBSERVE
              ? (double) judge->policy->cap : (double) otherwise;
    }

    n = ngx_comet_estimate_number(judge, NGX_COMET_PARAM_N);

    if (n > 1) {
        cap *= n;
    }

    return cap < NGX_COMET_TOKENS_MAX ? (uint64_t) cap : NGX_COMET_TOKENS_MAX;
}


/* a request says more of it than the name of the model */

int
ngx_comet_estimate_hides(ngx_comet_judge_t *judge)
{
    ngx_comet_slot_t        *slot;
    const ngx_comet_rule_t  *rule;

    slot = ngx_comet_judge_slot(judge, "reasoning_effort");

    if (slot == NULL) {
        slot = ngx_comet_judge_slot(judge, "reasoning");
    }

    if (slot && judge->policy->mode != NGX_COMET_OBSERVE) {

        rule = ngx_comet_judge_own(judge, slot->name, NGX_COMET_RULE_SET);

        if (rule) {
            return strcmp(rule->set, "\"none\"") != 0;
        }
    }

    if (slot && slot->drop
        && (judge->policy->mode != NGX_COMET_OBSERVE || slot->fitted))
    {
        slot = NULL;
    }

    if (slot && slot->whole) {

        if (slot->type == NGX_COMET_IS_STRING) {
            return strcmp(slot->text, "none") != 0;
        }

        if (slot->type == NGX_COMET_IS_OBJECT) {
            return 1;
        }
    }

    return judge->provider && judge->provider->reasons;
}
