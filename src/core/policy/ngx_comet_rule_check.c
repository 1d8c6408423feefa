#include "ngx_comet_rule_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_comet_endpoint.h"
#include "ngx_comet_near.h"


#define NGX_COMET_TYPES_LEN  80


/* what the endpoints that know a parameter take, together */

typedef struct {
    unsigned                   types;
    int                        whole;     /* of numbers, whole ones only */
    int                        tagged;    /* an object that a word tells */
    const char *const         *values;
} ngx_comet_known_t;


static void
ngx_comet_known_add(ngx_comet_known_t *known, const char *name,
    const ngx_comet_field_t *field)
{
    const ngx_comet_field_t  *tag;

    field = ngx_comet_param_find(field, name);

    if (field == NULL) {
        return;
    }

    known->types |= field->types;
    known->whole |= (field->flags & NGX_COMET_INTEGER) != 0;

    if (field->values) {
        known->values = field->values;
    }

    for (tag = field->fields; tag && tag->name; tag++) {
        if (tag->flags & NGX_COMET_TAG) {
            known->tagged = 1;
            known->values = tag->values;
        }
    }
}


static unsigned
ngx_comet_word_type(const char *word)
{
    if (!ngx_comet_rule_is_word(word, strlen(word))) {
        return NGX_COMET_IS_STRING;
    }

    return *word == 't' || *word == 'f' ? NGX_COMET_IS_BOOL
           : *word == 'n' ? NGX_COMET_IS_NULL
           : NGX_COMET_IS_NUMBER;
}


static int
ngx_comet_word_is_whole(const char *word)
{
    return strpbrk(word, ".eE") == NULL;
}


static const char *
ngx_comet_value_hint(const ngx_comet_known_t *known)
{
    if (known->types & NGX_COMET_IS_NUMBER) {
        return "write numbers, or LOW..HIGH";
    }

    return known->types & NGX_COMET_IS_BOOL ? "write true or false"
                                            : "write off, or leave it out";
}


static int
ngx_comet_rule_check_value(const ngx_comet_rule_t *rule,
    const ngx_comet_known_t *known, const char *value, char *text, size_t size)
{
    char                name[NGX_COMET_TYPES_LEN];
    unsigned            type;
    const char *const  *other;

    type = ngx_comet_word_type(value);

    if (!(known->types & NGX_COMET_IS_STRING) && !known->tagged
        && (!(known->types & type)
            || (type == NGX_COMET_IS_NUMBER && known->whole
                && !ngx_comet_word_is_whole(value))))
    {
        ngx_comet_param_types(name, sizeof(name), known->types);
        snprintf(text, size, "\"%s\" is no value of %s, which is %s%s; %s",
                 value, rule->param, name,
                 known->whole ? " that is whole" : "",
                 ngx_comet_value_hint(known));
        return -1;
    }

    for (other = known->values; other && *other; other++) {
        if (strcmp(*other, value) == 0) {
            return 0;
        }
    }

    for (other = known->values; other && *other; other++) {
        if (ngx_comet_word_is_near(value, *other)) {
            snprintf(text, size, "\"%s\" is not documented, but \"%s\" is: is "
                     "that meant?", value, *other);
            return 1;
        }
    }

    return 0;
}


static int
ngx_comet_rule_check_range(const ngx_comet_rule_t *rule,
    const ngx_comet_known_t *known, char *text, size_t size)
{
    char  name[NGX_COMET_TYPES_LEN];

    if (!(known->types & (NGX_COMET_IS_NUMBER|NGX_COMET_IS_ARRAY))) {
        ngx_comet_param_types(name, sizeof(name), known->types);
        snprintf(text, size, "%s is %s, and only a number or a list has a "
                 "range; write values, or off", rule->param, name);
        return -1;
    }

    if (known->whole && ceil(rule->low) > rule->high) {
        snprintf(text, size, "%s is a whole number, and there is none in this "
                 "range", rule->param);
        return -1;
    }

    return 0;
}


static int
ngx_comet_rule_check_set(const ngx_comet_rule_t *rule,
    const ngx_comet_known_t *known, char *text, size_t size)
{
    char      name[NGX_COMET_TYPES_LEN], sent[NGX_COMET_TYPES_LEN];
    unsigned  type;

    type = rule->set ? ngx_comet_word_type(rule->set) : NGX_COMET_IS_STRING;

    if (type == NGX_COMET_IS_NULL
        || ((known->types & type)
            && (type != NGX_COMET_IS_NUMBER || !known->whole
                || ngx_comet_word_is_whole(rule->set))))
    {
        return 0;
    }

    ngx_comet_param_types(name, sizeof(name), known->types);
    ngx_comet_param_types(sent, sizeof(sent), type);

    snprintf(text, size, "it would be sent as %s, but %s is %s%s", sent,
             rule->param, name, known->whole ? " that is whole" : "");

    return -1;
}


int
ngx_comet_rule_check(const ngx_comet_rule_t *rule, char *text, size_t size)
{
    int                          rc;
    size_t                       i;
    const char                  *near;
    ngx_comet_known_t            known;
    const ngx_comet_endpoint_t  *endpoint;

    memset(&known, 0, sizeof(known));

    for (endpoint = ngx_comet_endpoint_table; endpoint->name; endpoint++) {
        ngx_comet_known_add(&known, rule->param, endpoint->fields);
    }

    if (known.types == 0) {
        near = ngx_comet_param_near(rule->param);

        if (near) {
            snprintf(text, size, "the API documents no such parameter, but "
                     "\"%s\": is that meant?", near);
        }

        return near != NULL;
    }

    switch (rule->kind) {

    case NGX_COMET_RULE_RANGE:
        return ngx_comet_rule_check_range(rule, &known, text, size);

    case NGX_COMET_RULE_SET:
        return ngx_comet_rule_check_set(rule, &known, text, size);

    case NGX_COMET_RULE_VALUES:

        rc = 0;

        for (i = 0; rc == 0 && rule->values[i]; i++) {
            rc = ngx_comet_rule_check_value(rule, &known, rule->values[i],
                                            text, size);
        }

        return rc;

    default:
        return 0;
    }
}
