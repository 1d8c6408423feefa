/* limits and prices, as they are written */


#ifndef _NGX_COMET_LIMITS_H_INCLUDED_
#define _NGX_COMET_LIMITS_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_kind.h"
#include "ngx_comet_ledger.h"
#include "ngx_comet_pattern.h"
#include "ngx_comet_policy.h"


typedef struct {
    ngx_comet_limit_t          limit;
    ngx_comet_pattern_t       *models;     /* or NULL: of any */
    ngx_str_t                  text;       /* as it is written */
    ngx_comet_place_t          place;
    ngx_str_t                  told;       /* to clients, in digits */
} ngx_comet_limit_conf_t;


/* the limits of one kind, as they stand at one place */

struct ngx_comet_limits_s {
    ngx_array_t                limits;     /* of ngx_comet_limit_conf_t */
    ngx_comet_tenant_t        *tenant;     /* whose they are, or NULL */
    ngx_str_t                  scope;      /* or where they are counted */
    ngx_comet_ref_t           *refs;       /* for each tenant, each limit */
    ngx_comet_place_t          place;
    ngx_uint_t                 told;       /* that one is too small */
};


/* money for a token, in 1/NGX_COMET_MONEY */

typedef struct {
    ngx_comet_pattern_t        models;
    uint64_t                   input;
    uint64_t                   output;
    uint64_t                   cached;
} ngx_comet_price_t;


struct ngx_comet_limited_s {
    ngx_array_t                limits;     /* of ngx_comet_limits_t * */
    ngx_array_t                prices;     /* of ngx_comet_price_t */
};


extern ngx_comet_part_t  ngx_comet_limits_part;


char *ngx_comet_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_comet_price(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

ngx_comet_ref_t *ngx_comet_limits_refs(ngx_comet_limits_t *limits,
    ngx_comet_tenant_t *tenant);

const ngx_comet_price_t *ngx_comet_price_of(ngx_comet_main_conf_t *mcf,
    const char *model, size_t len);
uint64_t ngx_comet_cost(const ngx_comet_price_t *price,
    const ngx_comet_usage_result_t *usage);

/* by unit: what a call is charged at its end, beside what it took at once */

void ngx_comet_amounts(uint64_t *amounts, const ngx_comet_price_t *price,
    const ngx_comet_usage_result_t *usage);


#endif /* _NGX_COMET_LIMITS_H_INCLUDED_ */
