#include "ngx_comet_demand.h"


static ngx_comet_demands_t  ngx_comet_demands_none;


static void
ngx_comet_demands_add(ngx_comet_demands_t *demands, ngx_comet_limits_t *limits,
    ngx_comet_tenant_t *tenant)
{
    ngx_uint_t               i;
    ngx_comet_ref_t         *refs;
    ngx_comet_demand_t      *demand;
    ngx_comet_limit_conf_t  *conf;
    const ngx_comet_unit_t  *unit;

    conf = limits->limits.elts;
    refs = ngx_comet_limits_refs(limits, tenant);

    for (i = 0; i < limits->limits.nelts; i++) {
        demand = &demands->list[demands->n++];

        demand->conf = &conf[i];
        demand->ref = &refs[i];
        demand->unit = ngx_comet_kinds[conf[i].limit.kind].unit;

        unit = &ngx_comet_units[demand->unit];

        demand->held = unit->held;
        demand->judged = unit->judged;

        demands->judged |= unit->judged;
        demands->named |= (conf[i].models != NULL);
    }
}


ngx_comet_demands_t *
ngx_comet_demands_of(ngx_pool_t *pool, ngx_comet_policy_conf_t *policy,
    ngx_comet_tenant_t *tenant)
{
    ngx_uint_t            i, n;
    ngx_comet_demands_t  *demands;

    if (policy->demands) {
        return policy->demands;
    }

    n = 0;

    for (i = 0; i < NGX_COMET_LIMIT_KINDS; i++) {
        n += policy->limits[i] ? policy->limits[i]->limits.nelts : 0;
    }

    demands = &ngx_comet_demands_none;

    if (n) {
        demands = ngx_pcalloc(pool, sizeof(ngx_comet_demands_t)
                                    + n * sizeof(ngx_comet_demand_t));
        if (demands == NULL) {
            return NULL;
        }
    }

    for (i = 0; n && i < NGX_COMET_LIMIT_KINDS; i++) {
        if (policy->limits[i]) {
            ngx_comet_demands_add(demands, policy->limits[i], tenant);
        }
    }

    policy->demands = demands;

    return demands;
}
