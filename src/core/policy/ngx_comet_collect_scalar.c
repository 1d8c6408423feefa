/*
 * What a string or a number says, where the rules need it.
 */


#include "ngx_comet_collect.h"
#include "ngx_comet_name.h"
#include "ngx_comet_number.h"

#include <math.h>
#include <string.h>


static void
ngx_comet_collect_text(ngx_comet_slot_t *slot, const ngx_comet_token_t *token)
{
    slot->len = token->len;
    ngx_comet_collect_keep(slot->text, sizeof(slot->text), token);
}


static void
ngx_comet_collect_model(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token)
{
    ngx_comet_collect_keep(judge->model, sizeof(judge->model), token);
    judge->model_len = token->len;

    /* it goes into logs too, and may go into headers */

    if (token->len >= sizeof(judge->model)
        || !ngx_comet_name_usable(token->text, token->len))
    {
        ngx_comet_judge_uncertain(judge, judge->slot);
        ngx_comet_collect_wrong(judge, "invalid_value",
                                "must be the name of a model, of at most 255 "
                                "bytes, without control characters, and "
                                "without white space at an end");
    }
}


/* an operator's list takes the place of the documented one */

static const char *const *
ngx_comet_collect_values(ngx_comet_judge_t *judge,
    const ngx_comet_field_t *field)
{
    if (judge->depth == 1 && judge->slot
        && ngx_comet_judge_own(judge, judge->slot->name,
                               NGX_COMET_RULE_VALUES))
    {
        return NULL;
    }

    return field->values;
}


void
ngx_comet_collect_string(ngx_comet_judge_t *judge,
    const ngx_comet_field_t *field, const ngx_comet_token_t *token)
{
    unsigned                 i;
    const char *const       *values;
    ngx_comet_frame_t       *frame;
    const ngx_comet_need_t  *need;

    frame = &judge->frames[judge->depth - 1];

    if (judge->depth == 1 && judge->slot) {
        ngx_comet_collect_text(judge->slot, token);

        if (field == judge->slots[0].field) {
            ngx_comet_collect_model(judge, token);
        }

    } else if ((field->flags & NGX_COMET_TAG) && judge->slot) {
        ngx_comet_collect_text(judge->slot, token);
    }

    if ((field->flags & NGX_COMET_NONEMPTY) && token->len == 0) {
        ngx_comet_collect_wrong(judge, "invalid_value", "must not be empty");
    }

    if (field->max && judge->depth != 0 && !field->element
        && (token->cut
            || ngx_comet_characters(token->text, token->len) > field->max))
    {
        ngx_comet_collect_wrong(judge, "invalid_value",
                                "has more than %zu characters", field->max);
    }

    values = ngx_comet_collect_values(judge, field);

    for (i = 0; values && values[i]; i++) {
        if (ngx_comet_collect_same(token, values[i])) {
            break;
        }
    }

    if (values && values[i] == NULL) {
        ngx_comet_collect_wrong(judge, "invalid_value",
                                "is \"%.40s\", but must be %s", token->text,
                                ngx_comet_judge_values(judge, values));
    }

    if ((field->flags & NGX_COMET_ROLE)
        && (judge->policy->mode == NGX_COMET_REPAIR || judge->policy->route)
        && ngx_comet_collect_same(token, "developer"))
    {
        ngx_comet_range_role(judge, token);
    }

    if (!(field->flags & NGX_COMET_ASKS)) {
        return;
    }

    need = frame->field->needs;

    for (i = 0; need[i].tag; i++) {
        if (ngx_comet_collect_same(token, need[i].value)
            && strcmp(need[i].tag, field->name) == 0)
        {
            frame->needs |= 1u << i;
        }
    }
}


void
ngx_comet_collect_number(ngx_comet_judge_t *judge,
    const ngx_comet_field_t *field, const ngx_comet_token_t *token)
{
    double  number;

    number = token->cut ? HUGE_VAL : ngx_comet_number(token->text);

    /* what is wrong may pass too, and is reserved for */

    if (judge->depth == 1 && judge->slot) {
        judge->slot->number = number;
    }

    if (!isfinite(number)) {
        ngx_comet_judge_uncertain(judge, NULL);
        ngx_comet_collect_wrong(judge, "invalid_value",
                                "is a number that readers may not hold");
        return;
    }

    if ((field->flags & NGX_COMET_INTEGER)
        && strpbrk(token->text, ".eE") != NULL)
    {
        ngx_comet_collect_wrong(judge, "invalid_type",
                                "is %.40s, but must be an integer",
                                token->text);
        return;
    }

    if (judge->depth == 1 && judge->slot) {
        ngx_comet_collect_text(judge->slot, token);
        return;
    }

    if (field->low < field->high
        && (number < field->low || number > field->high))
    {
        ngx_comet_range_number(judge, field, number, token);
    }
}
