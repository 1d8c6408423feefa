/* a request on its way through the gate */


#ifndef _NGX_COMET_GATE_H_INCLUDED_
#define _NGX_COMET_GATE_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_walk.h"


struct ngx_comet_gate_s {
    ngx_int_t                  rc;         /* what the phases are told */
    ngx_comet_policy_t         policy;
    ngx_comet_judge_t         *judge;      /* while the body passes */
    ngx_pool_cleanup_t        *cleanup;    /* of it */
    ngx_comet_walk_t          *again;      /* if the body is read once more */
    ngx_comet_turn_t          *turn;
    unsigned                   scanned:1;
};


extern ngx_comet_part_t  ngx_comet_gate_part;


#endif /* _NGX_COMET_GATE_H_INCLUDED_ */
