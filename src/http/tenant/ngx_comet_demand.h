/* the limits that a policy has, as a call is asked for them */


#ifndef _NGX_COMET_DEMAND_H_INCLUDED_
#define _NGX_COMET_DEMAND_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_limits.h"


typedef struct {
    ngx_comet_limit_conf_t    *conf;
    ngx_comet_ref_t           *ref;
    ngx_comet_unit_e           unit;
    unsigned                   held:1;     /* as of its unit */
    unsigned                   judged:1;
} ngx_comet_demand_t;


struct ngx_comet_demands_s {
    ngx_uint_t                 n;
    unsigned                   judged:1;   /* one of them is */
    unsigned                   named:1;    /* one is of some models */
    ngx_comet_demand_t         list[];
};


/* of a policy, which is that of one tenant or of nobody; made once */

ngx_comet_demands_t *ngx_comet_demands_of(ngx_pool_t *pool,
    ngx_comet_policy_conf_t *policy, ngx_comet_tenant_t *tenant);


#endif /* _NGX_COMET_DEMAND_H_INCLUDED_ */
