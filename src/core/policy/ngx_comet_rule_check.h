/* whether a rule of an operator can be meant */


#ifndef _NGX_COMET_RULE_CHECK_H_INCLUDED_
#define _NGX_COMET_RULE_CHECK_H_INCLUDED_


#include <stddef.h>

#include "ngx_comet_rule.h"


/*
 * Whether the parameter can be what a rule of an operator asks for, where a
 * value to set that is not known yet is a string: 0; or -1 and why it cannot;
 * or 1 and which name or value, not unlike, is the documented one.
 */

#define NGX_COMET_RULE_TEXT_LEN  256

int ngx_comet_rule_check(const ngx_comet_rule_t *rule, char *text,
    size_t size);


#endif /* _NGX_COMET_RULE_CHECK_H_INCLUDED_ */
