/*
 * How many calls may be tried again: a share of those that there are, so that
 * an outage is not made worse, and a few in any case.  Whoever calls holds the
 * lock; time is in milliseconds.
 */


#ifndef _NGX_COMET_BUDGET_H_INCLUDED_
#define _NGX_COMET_BUDGET_H_INCLUDED_


#include "ngx_comet_window.h"


#define NGX_COMET_BUDGET_WINDOW  10000
#define NGX_COMET_BUDGET_MIN     10       /* retries in a window */


typedef struct {
    ngx_comet_window_t   window;
} ngx_comet_budget_t;


/* a call, however often it is tried */

void ngx_comet_budget_call(ngx_comet_budget_t *budget, uint64_t now);

/* 1: one more attempt may be made, and is counted */

int ngx_comet_budget_take(ngx_comet_budget_t *budget, uint64_t now,
    unsigned percent);


#endif /* _NGX_COMET_BUDGET_H_INCLUDED_ */
