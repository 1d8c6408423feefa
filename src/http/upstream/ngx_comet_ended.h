/* what became of an attempt, by what nginx's upstream keeps of it */


#ifndef _NGX_COMET_ENDED_H_INCLUDED_
#define _NGX_COMET_ENDED_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_outcome.h"


/* the head of an answer is there */

void ngx_comet_ended_head(ngx_http_request_t *r, ngx_comet_outcome_t *outcome);

/* it is over, with what nginx finalizes its upstream with */

void ngx_comet_ended(ngx_http_request_t *r, ngx_int_t rc,
    ngx_comet_outcome_t *outcome);


#endif /* _NGX_COMET_ENDED_H_INCLUDED_ */
