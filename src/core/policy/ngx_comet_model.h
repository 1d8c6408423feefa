/*
 * What the name of a model tells: its provider and its family.
 */


#ifndef _NGX_COMET_MODEL_H_INCLUDED_
#define _NGX_COMET_MODEL_H_INCLUDED_


#include <stddef.h>

#include "ngx_comet_rule.h"


/* the name of the output cap that a family takes on chat */

typedef enum {
    NGX_COMET_CAP_AS_SENT,
    NGX_COMET_CAP_EITHER,
    NGX_COMET_CAP_TOKENS,
    NGX_COMET_CAP_COMPLETION_TOKENS
} ngx_comet_cap_e;


typedef struct ngx_comet_provider_s  ngx_comet_provider_t;

struct ngx_comet_provider_s {
    const char             *name;
    const ngx_comet_rule_t *rules;       /* ends with a NULL param */
    ngx_comet_cap_e         cap;
    unsigned                developer:1; /* knows the role */
    unsigned                responses_only:1;
    unsigned                reasons:1;   /* where nobody sees it */
};


const ngx_comet_provider_t *ngx_comet_model_provider(const char *model,
    size_t len);


#endif /* _NGX_COMET_MODEL_H_INCLUDED_ */
