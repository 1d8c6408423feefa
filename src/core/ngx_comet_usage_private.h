/*
 * Between the files of the meter.
 */


#ifndef _NGX_COMET_USAGE_PRIVATE_H_INCLUDED_
#define _NGX_COMET_USAGE_PRIVATE_H_INCLUDED_


#include "ngx_comet_usage.h"


const ngx_comet_member_t *ngx_comet_usage_root(const ngx_comet_usage_t *usage);

/* a handler of the scanner */

int ngx_comet_usage_token(void *ctx, const ngx_comet_token_t *token);

/* the event, or the body, is whole */

void ngx_comet_usage_take(ngx_comet_usage_t *usage);


#endif /* _NGX_COMET_USAGE_PRIVATE_H_INCLUDED_ */
