/* what follows when an attempt at the API has failed */


#ifndef _NGX_COMET_RETRY_H_INCLUDED_
#define _NGX_COMET_RETRY_H_INCLUDED_


#include "ngx_comet_attempt.h"


typedef enum {
    NGX_COMET_NEXT_SAME,       /* the same once more */
    NGX_COMET_NEXT_TARGET,     /* the next of the route */
    NGX_COMET_NEXT_NONE        /* no more: the client is told */
} ngx_comet_next_e;


struct ngx_comet_retry_s {
    ngx_comet_next_e           next;
    ngx_comet_outcome_t        outcome;    /* of the last attempt */
    ngx_uint_t                 attempts;   /* that began */
    ngx_uint_t                 tries;      /* of them, of this target */
    ngx_uint_t                 keys;       /* changed for it, at once */
    const char                *why;        /* there was another one */
    char                       reason[NGX_COMET_OUTCOME_NAME];
    unsigned                   declined:1; /* by the health of the API */
};


extern ngx_comet_part_t  ngx_comet_retry_part;


/* the body is read: the first attempt */

void ngx_comet_retry_first(ngx_http_request_t *r);


#endif /* _NGX_COMET_RETRY_H_INCLUDED_ */
