/* How many tokens of output a call may bring, before its answer tells. */


#ifndef _NGX_COMET_ESTIMATE_H_INCLUDED_
#define _NGX_COMET_ESTIMATE_H_INCLUDED_


#include "ngx_comet_judge.h"


/*
 * The cap it is sent on with, or else the default, for each choice; nothing
 * where a model writes none.
 */

uint64_t ngx_comet_estimate_output(ngx_comet_judge_t *judge,
    uint64_t otherwise);

/* whether the model may reason in tokens that its answer does not show */

int ngx_comet_estimate_hides(ngx_comet_judge_t *judge);


#endif /* _NGX_COMET_ESTIMATE_H_INCLUDED_ */
