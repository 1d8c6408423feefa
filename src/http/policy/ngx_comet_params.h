/* rules of an operator for parameters */


#ifndef _NGX_COMET_PARAMS_H_INCLUDED_
#define _NGX_COMET_PARAMS_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_rule.h"


/* a value to set may hold variables */

typedef struct {
    ngx_comet_rule_t           rule;
    ngx_http_complex_value_t  *value;
} ngx_comet_param_t;


/* NAME RULE, as the arguments of a directive */

char *ngx_comet_rule(ngx_conf_t *cf, ngx_array_t **params);


#endif /* _NGX_COMET_PARAMS_H_INCLUDED_ */
