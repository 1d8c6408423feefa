#include "ngx_comet_budget.h"


void
ngx_comet_budget_call(ngx_comet_budget_t *budget, uint64_t now)
{
    ngx_comet_window_add(&budget->window, NGX_COMET_BUDGET_WINDOW, now, 1, 0);
}


int
ngx_comet_budget_take(ngx_comet_budget_t *budget, uint64_t now,
    unsigned percent)
{
    uint64_t                share;
    ngx_comet_window_sum_t  sum;

    if (percent == 0) {
        return 0;
    }

    sum = ngx_comet_window_sum(&budget->window, NGX_COMET_BUDGET_WINDOW, now);
    share = sum.all * percent / 100;

    if (share < NGX_COMET_BUDGET_MIN) {
        share = NGX_COMET_BUDGET_MIN;
    }

    if (sum.some >= share) {
        return 0;
    }

    ngx_comet_window_add(&budget->window, NGX_COMET_BUDGET_WINDOW, now, 0, 1);

    return 1;
}
