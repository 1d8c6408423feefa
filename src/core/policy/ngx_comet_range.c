/*
 * What can be repaired inside of a parameter: numbers out of their range and
 * roles, where they stand.
 */


#include "ngx_comet_judge.h"


/* NULL without memory */

static ngx_comet_range_t *
ngx_comet_range_add(ngx_comet_judge_t *judge, const ngx_comet_token_t *token)
{
    ngx_comet_range_t  *range;

    range = judge->policy->alloc(judge->policy->data,
                                 sizeof(ngx_comet_range_t));
    if (range == NULL) {
        judge->failed = 1;
        return NULL;
    }

    range->slot = judge->slot;
    range->start = token->start;
    range->end = token->end;
    range->clamp = 0;
    range->developer = 0;
    range->next = judge->ranges;
    judge->ranges = range;

    return range;
}


/* whether the model takes the role may be known only behind it */

void
ngx_comet_range_role(ngx_comet_judge_t *judge, const ngx_comet_token_t *token)
{
    ngx_comet_range_t  *range;

    if (judge->provider && judge->provider->developer) {
        return;
    }

    if (judge->nroles == NGX_COMET_WRONG_MAX) {
        judge->unkept = 1;
        return;
    }

    range = ngx_comet_range_add(judge, token);

    if (range) {
        range->developer = 1;
        judge->nroles++;
    }
}


void
ngx_comet_range_number(ngx_comet_judge_t *judge,
    const ngx_comet_field_t *field, double number,
    const ngx_comet_token_t *token)
{
    ngx_comet_range_t  *range;

    ngx_comet_judge_say(judge, judge->slot->name, "invalid_value",
                        "%s has %.40s, but takes %g to %g",
                        judge->slot->name, token->text, field->low,
                        field->high);

    if (judge->policy->mode != NGX_COMET_REPAIR) {
        return;
    }

    if (judge->nclamps == NGX_COMET_WRONG_MAX) {
        ngx_comet_judge_crowded(judge, judge->slot->name);
        return;
    }

    range = ngx_comet_range_add(judge, token);

    if (range) {
        range->clamp = number < field->low ? field->low : field->high;
        judge->nclamps++;
    }
}
