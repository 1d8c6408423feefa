/* comet_rate and its kin: what is written, where it counts, what it costs */


#include "ngx_comet_limits.h"
#include "ngx_comet_caller.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_patterns.h"
#include "ngx_comet_tenant.h"

#include <ngx_md5.h>


static ngx_int_t ngx_comet_limits_create_main(ngx_conf_t *cf,
    ngx_comet_main_conf_t *mcf);
static ngx_int_t ngx_comet_limits_place(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_limits_init(ngx_conf_t *cf);
static char *ngx_comet_limit_option(ngx_conf_t *cf,
    ngx_comet_limit_conf_t *conf, ngx_str_t *value);
static ngx_comet_limits_t *ngx_comet_limits_create(ngx_conf_t *cf);
static ngx_uint_t ngx_comet_limits_doubled(ngx_comet_limits_t *limits,
    ngx_comet_limit_conf_t *conf);


ngx_comet_part_t  ngx_comet_limits_part = {
    .create_main_conf = ngx_comet_limits_create_main,
    .merge_loc_conf = ngx_comet_limits_place,
    .check = ngx_comet_limits_init
};


static ngx_int_t
ngx_comet_limits_create_main(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf)
{
    mcf->limited = ngx_pcalloc(cf->pool, sizeof(ngx_comet_limited_t));
    if (mcf->limited == NULL) {
        return NGX_ERROR;
    }

    if (ngx_array_init(&mcf->limited->limits, cf->pool, 4,
                       sizeof(ngx_comet_limits_t *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_array_init(&mcf->limited->prices, cf->pool, 4,
                          sizeof(ngx_comet_price_t));
}


/* the directive of each kind */

char *
ngx_comet_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    char                     *rv;
    ngx_str_t                *value;
    ngx_uint_t                i, kind;
    ngx_comet_limits_t      **limits;
    ngx_comet_limit_conf_t   *lc;

    limits = (ngx_comet_limits_t **) (p + cmd->offset);
    kind = (cmd->offset - offsetof(ngx_comet_policy_conf_t, limits))
           / sizeof(ngx_comet_limits_t *);

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (*limits != NGX_CONF_UNSET_PTR || cf->args->nelts > 2) {
            return "cannot have \"off\" beside another limit";
        }

        *limits = NULL;

        return NGX_CONF_OK;
    }

    if (*limits == NULL) {
        return "cannot have \"off\" beside another limit";
    }

    if (*limits == NGX_CONF_UNSET_PTR) {
        *limits = ngx_comet_limits_create(cf);
        if (*limits == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    lc = ngx_array_push(&(*limits)->limits);
    if (lc == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(lc, sizeof(ngx_comet_limit_conf_t));

    if (ngx_comet_limit_parse(&lc->limit, kind, (char *) value[1].data) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid limit \"%V\" in \"%V\": write it as in %s",
                           &value[1], &value[0],
                           ngx_comet_kinds[kind].usage);
        return NGX_CONF_ERROR;
    }

    lc->text = value[1];
    ngx_comet_conf_place(cf, &lc->place);

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_comet_limit_option(cf, lc, &value[i]);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    lc->told.data = ngx_pnalloc(cf->pool, NGX_COMET_DIGITS_LEN);
    if (lc->told.data == NULL) {
        return NGX_CONF_ERROR;
    }

    /* that of the period; of a larger burst more than that can be left */

    lc->told.len = ngx_comet_digits((char *) lc->told.data,
                                    ngx_max(lc->limit.amount,
                                            lc->limit.capacity));

    if (ngx_comet_limits_doubled(*limits, lc)) {
        return "is there twice for one period; the second would count the "
               "same calls again";
    }

    return NGX_CONF_OK;
}


static char *
ngx_comet_limit_option(ngx_conf_t *cf, ngx_comet_limit_conf_t *conf,
    ngx_str_t *value)
{
    ngx_str_t  pattern;

    if (ngx_strncmp(value->data, "burst=", 6) == 0
        && conf->limit.span == NGX_COMET_SPAN_BUCKET)
    {
        if (ngx_comet_limit_parse_burst(&conf->limit,
                                        (char *) value->data + 6)
            != 0)
        {
            return "has an invalid burst; write burst=N, at least 1";
        }

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "models=", 7) == 0 && conf->models == NULL) {

        conf->models = ngx_palloc(cf->pool, sizeof(ngx_comet_pattern_t));

        pattern.data = value->data + 7;
        pattern.len = value->len - 7;

        return ngx_comet_pattern_set(cf, conf->models, &pattern, 1) == NGX_OK
               ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\": there is \"models=PATTERN\""
                       "%s", value,
                       conf->limit.span == NGX_COMET_SPAN_BUCKET
                       ? " and \"burst=N\"" : "");

    return NGX_CONF_ERROR;
}


static ngx_comet_limits_t *
ngx_comet_limits_create(ngx_conf_t *cf)
{
    ngx_comet_limits_t     *limits, **known;
    ngx_comet_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    limits = ngx_pcalloc(cf->pool, sizeof(ngx_comet_limits_t));
    known = ngx_array_push(&mcf->limited->limits);

    if (limits == NULL || known == NULL
        || ngx_array_init(&limits->limits, cf->pool, 1,
                          sizeof(ngx_comet_limit_conf_t))
           != NGX_OK)
    {
        return NULL;
    }

    *known = limits;
    ngx_comet_conf_place(cf, &limits->place);

    return limits;
}


static ngx_uint_t
ngx_comet_limits_same(ngx_comet_limit_conf_t *one, ngx_comet_limit_conf_t *two)
{
    if (one->limit.span != two->limit.span
        || one->limit.period != two->limit.period)
    {
        return 0;
    }

    if (one->models == NULL || two->models == NULL) {
        return one->models == two->models;
    }

    return one->models->len == two->models->len
           && ngx_memcmp(one->models->text, two->models->text,
                         one->models->len) == 0;
}


static ngx_uint_t
ngx_comet_limits_doubled(ngx_comet_limits_t *limits,
    ngx_comet_limit_conf_t *conf)
{
    ngx_comet_limit_conf_t  *other;

    for (other = limits->limits.elts; other < conf; other++) {
        if (ngx_comet_limits_same(other, conf)) {
            return 1;
        }
    }

    return 0;
}


/* a limit counts where it is written: "SERVER LOCATION", or everywhere */

static ngx_int_t
ngx_comet_limits_place(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    u_char                    *p;
    ngx_uint_t                 i;
    ngx_comet_limits_t        *limits;
    ngx_http_core_loc_conf_t  *core;
    ngx_http_core_srv_conf_t  *server;

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    for (i = 0; i < NGX_COMET_LIMIT_KINDS; i++) {
        limits = conf->policy->limits[i];

        if (limits == NULL || limits == prev->policy->limits[i]) {
            continue;
        }

        limits->scope.len = server->server_name.len + 1 + core->name.len;

        p = ngx_pnalloc(cf->pool, limits->scope.len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        limits->scope.data = p;
        p = ngx_cpymem(p, server->server_name.data, server->server_name.len);
        *p++ = ' ';
        ngx_memcpy(p, core->name.data, core->name.len);
    }

    return NGX_OK;
}


static void
ngx_comet_limits_id(ngx_comet_ref_t *ref, ngx_comet_limits_t *limits,
    ngx_comet_limit_conf_t *conf, ngx_str_t *tenant)
{
    u_char     head[64], *last;
    ngx_md5_t  md5;

    last = ngx_slprintf(head, head + sizeof(head), "%ui %ui %uL %uz %uz ",
                        (ngx_uint_t) conf->limit.kind,
                        (ngx_uint_t) conf->limit.span, conf->limit.period,
                        tenant->len, limits->scope.len);

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, head, last - head);
    ngx_md5_update(&md5, tenant->data, tenant->len);
    ngx_md5_update(&md5, limits->scope.data, limits->scope.len);

    if (conf->models) {
        ngx_md5_update(&md5, conf->models->text, conf->models->len);
    }

    ngx_md5_final(ref->id, &md5);

    /* a call meets limits of one tenant: one shard, so one lock */

    ref->id[0] = (u_char) ngx_crc32_short(tenant->data, tenant->len);
}


static ngx_int_t
ngx_comet_limits_number(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf,
    ngx_comet_limits_t *limits)
{
    ngx_str_t                name;
    ngx_uint_t               i, k, subjects;
    ngx_comet_ref_t         *ref;
    ngx_comet_tenant_t     **tenants;
    ngx_comet_limit_conf_t  *lc;

    lc = limits->limits.elts;
    tenants = mcf->tenants->list.elts;
    subjects = limits->tenant ? 1 : mcf->tenants->list.nelts + 1;

    limits->refs = ngx_pcalloc(cf->pool, subjects * limits->limits.nelts
                                         * sizeof(ngx_comet_ref_t));
    if (limits->refs == NULL) {
        return NGX_ERROR;
    }

    ref = limits->refs;

    for (i = 0; i < subjects; i++) {

        if (limits->tenant) {
            name = limits->tenant->name;

        } else if (i == 0) {
            ngx_str_null(&name);

        } else {
            name = tenants[i - 1]->name;
        }

        for (k = 0; k < limits->limits.nelts; k++) {
            ngx_comet_limits_id(ref++, limits, &lc[k], &name);
        }
    }

    return NGX_OK;
}


/* the policy of a call here, by a tenant or by nobody */

static void
ngx_comet_limits_policy(ngx_comet_policy_conf_t *policy,
    ngx_comet_loc_conf_t *pass, ngx_comet_tenant_t *tenant)
{
    if (tenant) {
        ngx_comet_policy_choose(policy, &tenant->policy, pass->policy);

    } else {
        *policy = *pass->policy;
    }
}


static ngx_int_t
ngx_comet_limits_fit(ngx_conf_t *cf, ngx_comet_loc_conf_t *pass,
    ngx_comet_tenant_t *tenant, ngx_comet_policy_conf_t *policy)
{
    ngx_uint_t  k, n;

    static ngx_str_t  none = ngx_string("");

    n = 0;

    for (k = 0; k < NGX_COMET_LIMIT_KINDS; k++) {
        n += policy->limits[k] ? policy->limits[k]->limits.nelts : 0;
    }

    if (n <= NGX_COMET_ENTRIES_MAX) {
        return NGX_OK;
    }

    ngx_comet_conf_error(cf, &pass->place,
                         "a call%s%s%V%s here would have to fit %ui limits, "
                         "those that it inherits included, and at most %d are "
                         "taken: leave %ui out,",
                         tenant ? " of tenant " : "", tenant ? "\"" : "",
                         tenant ? &tenant->name : &none, tenant ? "\"" : "",
                         n, NGX_COMET_ENTRIES_MAX, n - NGX_COMET_ENTRIES_MAX);

    return NGX_ERROR;
}


/* the least that is reserved of each unit for a call that names no cap */

static void
ngx_comet_limits_least(ngx_comet_main_conf_t *mcf, uint64_t output,
    uint64_t *least)
{
    uint64_t                   amounts[NGX_COMET_UNITS];
    ngx_uint_t                 i;
    ngx_comet_price_t         *price;
    ngx_comet_usage_result_t   usage;

    ngx_memzero(&usage, sizeof(ngx_comet_usage_result_t));
    usage.output = output;

    price = mcf->limited->prices.elts;

    ngx_comet_amounts(least, mcf->limited->prices.nelts ? price : NULL,
                      &usage);

    for (i = 1; i < mcf->limited->prices.nelts; i++) {
        ngx_comet_amounts(amounts, &price[i], &usage);

        least[NGX_COMET_UNIT_MONEY] = ngx_min(least[NGX_COMET_UNIT_MONEY],
                                              amounts[NGX_COMET_UNIT_MONEY]);
    }
}


static void
ngx_comet_limits_suffice(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf,
    ngx_comet_limits_t *limits, uint64_t output)
{
    uint64_t                 least[NGX_COMET_UNITS];
    ngx_uint_t               i;
    ngx_comet_limit_conf_t  *lc;

    lc = limits->limits.elts;
    ngx_comet_limits_least(mcf, output, least);

    for (i = 0; !limits->told && i < limits->limits.nelts; i++) {

        if (lc[i].limit.capacity
            >= least[ngx_comet_kinds[lc[i].limit.kind].unit])
        {
            continue;
        }

        limits->told = 1;

        ngx_comet_conf_warn(cf, &lc[i].place,
                            "\"%s %V\" is less than what is reserved for one "
                            "call that names no cap, %uL output tokens, so "
                            "each is refused: raise it, or reserve less with "
                            "\"comet_max_output_tokens N default;\" or "
                            "\"comet_reserve_output N;\",",
                            ngx_comet_kinds[lc->limit.kind].name,
                            &lc[i].text, output);
    }
}


static ngx_int_t
ngx_comet_limits_check(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf,
    ngx_comet_loc_conf_t *pass, ngx_comet_tenant_t *tenant)
{
    uint64_t                  output;
    ngx_uint_t                k;
    ngx_comet_policy_conf_t   policy;

    ngx_comet_limits_policy(&policy, pass, tenant);

    if (ngx_comet_limits_fit(cf, pass, tenant, &policy) != NGX_OK) {
        return NGX_ERROR;
    }

    output = policy.cap && policy.cap_default
             && policy.mode != NGX_COMET_OBSERVE ? policy.cap : policy.reserve;

    for (k = 0; k < NGX_COMET_LIMIT_KINDS; k++) {
        if (policy.limits[k]) {
            ngx_comet_limits_suffice(cf, mcf, policy.limits[k], output);
        }
    }

    return NGX_OK;
}


/* who may call here, as ngx_comet_caller_identify() has it */

static ngx_int_t
ngx_comet_limits_check_all(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf)
{
    ngx_uint_t              i, k;
    ngx_comet_tenant_t    **tenants;
    ngx_comet_loc_conf_t  **pass;

    pass = mcf->passes.elts;
    tenants = mcf->tenants->list.elts;

    for (i = 0; i < mcf->passes.nelts; i++) {

        if (mcf->tenants->list.nelts == 0 || pass[i]->caller->anonymous) {

            if (ngx_comet_limits_check(cf, mcf, pass[i], NULL) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        for (k = 0; k < mcf->tenants->list.nelts; k++) {
            if (ngx_comet_limits_check(cf, mcf, pass[i], tenants[k])
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static void
ngx_comet_limits_of_tenants(ngx_comet_tenants_t *tenants)
{
    ngx_uint_t            i, k;
    ngx_comet_limits_t   *limits;
    ngx_comet_tenant_t  **tenant;

    tenant = tenants->list.elts;

    for (i = 0; i < tenants->list.nelts; i++) {
        for (k = 0; k < NGX_COMET_LIMIT_KINDS; k++) {
            limits = tenant[i]->policy.limits[k];

            if (limits && limits != NGX_CONF_UNSET_PTR) {
                limits->tenant = tenant[i];
            }
        }
    }
}


static ngx_int_t
ngx_comet_limits_init(ngx_conf_t *cf)
{
    ngx_uint_t               i, kind;
    ngx_comet_limits_t     **limits;
    ngx_comet_main_conf_t   *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    ngx_comet_limits_of_tenants(mcf->tenants);

    limits = mcf->limited->limits.elts;

    for (i = 0; i < mcf->limited->limits.nelts; i++) {

        kind = ((ngx_comet_limit_conf_t *) limits[i]->limits.elts)->limit.kind;

        if (ngx_comet_kinds[kind].unit == NGX_COMET_UNIT_MONEY
            && mcf->limited->prices.nelts == 0)
        {
            ngx_comet_conf_error(cf, &limits[i]->place,
                                 "\"%s\" needs to know what tokens cost: "
                                 "add \"comet_price PATTERN input=N "
                                 "output=N;\" to http",
                                 ngx_comet_kinds[kind].name);
            return NGX_ERROR;
        }

        if (ngx_comet_limits_number(cf, mcf, limits[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_comet_limits_check_all(cf, mcf);
}


ngx_comet_ref_t *
ngx_comet_limits_refs(ngx_comet_limits_t *limits, ngx_comet_tenant_t *tenant)
{
    if (limits->tenant || tenant == NULL) {
        return limits->refs;
    }

    return limits->refs + tenant->index * limits->limits.nelts;
}


/* comet_price PATTERN input=N output=N [cached=N]: for a million tokens */

char *
ngx_comet_price(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_main_conf_t *mcf = conf;

    uint64_t           *price, *prices[3];
    ngx_str_t          *value;
    ngx_uint_t          i, k;
    ngx_comet_price_t  *pc, *before;

    static ngx_str_t  names[] = {
        ngx_string("input="),
        ngx_string("output="),
        ngx_string("cached=")
    };

    pc = ngx_array_push(&mcf->limited->prices);
    if (pc == NULL) {
        return NGX_CONF_ERROR;
    }

    pc->input = NGX_MAX_INT_T_VALUE;
    pc->output = NGX_MAX_INT_T_VALUE;
    pc->cached = NGX_MAX_INT_T_VALUE;

    prices[0] = &pc->input;
    prices[1] = &pc->output;
    prices[2] = &pc->cached;

    value = cf->args->elts;

    if (ngx_comet_pattern_set(cf, &pc->models, &value[1], 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    for (before = mcf->limited->prices.elts; before < pc; before++) {
        if (ngx_comet_pattern_covers(&before->models, &pc->models)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"comet_price %V\" is never reached: the "
                               "first that fits holds, and \"comet_price "
                               "%*s\" before it fits all of these models; "
                               "move it before that one", &value[1],
                               before->models.len, before->models.text);
            return NGX_CONF_ERROR;
        }
    }

    for (i = 2; i < cf->args->nelts; i++) {

        price = NULL;

        for (k = 0; k < 3; k++) {
            if (ngx_strncmp(value[i].data, names[k].data, names[k].len) == 0) {
                price = prices[k];
                break;
            }
        }

        if (price == NULL || *price != NGX_MAX_INT_T_VALUE
            || ngx_comet_money_parse((char *) value[i].data + names[k].len,
                                     NGX_COMET_MONEY / 1000000, 100000, price)
               != 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid price \"%V\" in \"comet_price\": "
                               "write what a million tokens cost, as in "
                               "input=1.25 output=10 cached=0.125, with at "
                               "most 100000 and six decimals",
                               &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    if (pc->input == NGX_MAX_INT_T_VALUE || pc->output == NGX_MAX_INT_T_VALUE)
    {
        return "must have both \"input=\" and \"output=\"";
    }

    if (pc->cached == NGX_MAX_INT_T_VALUE) {
        pc->cached = pc->input;
    }

    return NGX_CONF_OK;
}


/* the first that fits; none before which it cannot be told of another */

const ngx_comet_price_t *
ngx_comet_price_of(ngx_comet_main_conf_t *mcf, const char *model, size_t len)
{
    int                 rc;
    ngx_uint_t          i;
    ngx_comet_price_t  *price;

    price = mcf->limited->prices.elts;

    for (i = 0; i < mcf->limited->prices.nelts; i++) {
        rc = ngx_comet_pattern_match(&price[i].models, model, len);

        if (rc != 0) {
            return rc == 1 ? &price[i] : NULL;
        }
    }

    return NULL;
}


uint64_t
ngx_comet_cost(const ngx_comet_price_t *price,
    const ngx_comet_usage_result_t *usage)
{
    uint64_t  input, cached, output, cost;

    if (price == NULL) {
        return 0;
    }

    cached = ngx_min(usage->cached, usage->input);

    if (__builtin_mul_overflow(usage->input - cached, price->input, &input)
        || __builtin_mul_overflow(cached, price->cached, &cached)
        || __builtin_mul_overflow(usage->output, price->output, &output)
        || __builtin_add_overflow(input, cached, &cost)
        || __builtin_add_overflow(cost, output, &cost))
    {
        return UINT64_MAX;
    }

    return cost;
}


void
ngx_comet_amounts(uint64_t *amounts, const ngx_comet_price_t *price,
    const ngx_comet_usage_result_t *usage)
{
    amounts[NGX_COMET_UNIT_REQUEST] = 0;
    amounts[NGX_COMET_UNIT_TOKEN] = usage->input + usage->output;
    amounts[NGX_COMET_UNIT_CALL] = 0;
    amounts[NGX_COMET_UNIT_MONEY] = ngx_comet_cost(price, usage);
}
