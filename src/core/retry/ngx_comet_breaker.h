/*
 * The circuit breaker of one model at one upstream.  It opens by failures,
 * lets single calls through when it has rested, and closes when those go well.
 * Whoever calls holds the lock; time is in milliseconds.
 */


#ifndef _NGX_COMET_BREAKER_H_INCLUDED_
#define _NGX_COMET_BREAKER_H_INCLUDED_


#include "ngx_comet_window.h"


#define NGX_COMET_BREAKER_PROBES     2        /* good ones, to close it */
#define NGX_COMET_BREAKER_PATIENCE   60000    /* then there may be another */


typedef struct {
    uint32_t             failures;  /* in a row; 0: they do not matter */
    uint32_t             share;     /* percent; 0: it does not matter */
    uint32_t             min;       /* calls in the window, for a share */
    uint64_t             window;    /* milliseconds */
    uint64_t             rest;
} ngx_comet_breaker_conf_t;


typedef enum {
    NGX_COMET_BREAKER_CLOSED,
    NGX_COMET_BREAKER_OPEN,
    NGX_COMET_BREAKER_HALF_OPEN
} ngx_comet_breaker_e;


typedef struct {
    ngx_comet_breaker_e  state;
    uint32_t             row;       /* failures */
    uint32_t             good;      /* probes, in a row */
    uint32_t             probe;     /* the one under way, or 0 */
    uint32_t             probes;    /* the number of the last one */
    uint32_t             before;    /* and of the last one before it opened */
    uint64_t             since;     /* of the state, or of the probe */
    ngx_comet_window_t   window;
} ngx_comet_breaker_t;


/*
 * Whether a call may be made: 0, or how long to wait.  Where it is a probe,
 * *probe is its number, else 0; it has to be told with it.
 */

uint64_t ngx_comet_breaker_ask(const ngx_comet_breaker_conf_t *conf,
    ngx_comet_breaker_t *breaker, uint64_t now, uint32_t *probe);

/*
 * What became of a call, as of ngx_comet_outcome_says(); returns 1 if the
 * breaker opened by it, -1 if it closed, else 0.
 */

int ngx_comet_breaker_tell(const ngx_comet_breaker_conf_t *conf,
    ngx_comet_breaker_t *breaker, uint64_t now, uint32_t probe, int says);


#endif /* _NGX_COMET_BREAKER_H_INCLUDED_ */
