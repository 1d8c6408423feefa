/*
 * A rule says what one parameter may be: one kind for what is documented of a
 * provider and for what an operator writes.
 */


#ifndef _NGX_COMET_RULE_H_INCLUDED_
#define _NGX_COMET_RULE_H_INCLUDED_


#include <stddef.h>


typedef enum {
    NGX_COMET_RULE_RANGE,      /* a number from low to high */
    NGX_COMET_RULE_COUNT,      /* not more than high elements */
    NGX_COMET_RULE_VALUES,     /* one of the values */
    NGX_COMET_RULE_OFF,        /* not supported */
    NGX_COMET_RULE_SET,        /* always the value, whatever is sent */
    NGX_COMET_RULE_KINDS
} ngx_comet_rule_e;


typedef struct {
    const char         *param;
    ngx_comet_rule_e    kind;
    double              low;
    double              high;
    const char *const  *values;    /* ends with NULL */
    const char         *set;       /* JSON */
} ngx_comet_rule_t;


#define ngx_comet_rule_range(param, low, high)                                \
    { param, NGX_COMET_RULE_RANGE, low, high, NULL, NULL }

#define ngx_comet_rule_count(param, high)                                     \
    { param, NGX_COMET_RULE_COUNT, 0, high, NULL, NULL }

#define ngx_comet_rule_values(param, values)                                  \
    { param, NGX_COMET_RULE_VALUES, 0, 0, values, NULL }

#define ngx_comet_rule_off(param)                                             \
    { param, NGX_COMET_RULE_OFF, 0, 0, NULL, NULL }

#define ngx_comet_rules_end                                                   \
    { NULL, NGX_COMET_RULE_OFF, 0, 0, NULL, NULL }


/* whether the text is JSON by itself: a number, true, false or null */

int ngx_comet_rule_is_word(const char *text, size_t len);


#endif /* _NGX_COMET_RULE_H_INCLUDED_ */
