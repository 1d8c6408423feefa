/*
 * The tally as a page in the text format of Prometheus, made piece by piece.
 * Everyone may go on counting meanwhile.
 */


#ifndef _NGX_COMET_PAGE_H_INCLUDED_
#define _NGX_COMET_PAGE_H_INCLUDED_


#include "ngx_comet_tally.h"


/* no line is longer */

#define NGX_COMET_PAGE_LINE  5120


/* what is not in the tally */

typedef enum {
    NGX_COMET_SCALAR_IN_FLIGHT,
    NGX_COMET_SCALAR_BREAKERS_OPEN,
    NGX_COMET_SCALAR_BREAKERS_HALF_OPEN,
    NGX_COMET_SCALAR_BREAKERS_OPENED,
    NGX_COMET_SCALAR_KEYS_AT_REST,
    NGX_COMET_SCALAR_KEYS_OUT,
    NGX_COMET_SCALAR_HELD,
    NGX_COMET_SCALAR_LOST,
    NGX_COMET_SCALAR_COUNTERS,
    NGX_COMET_SCALAR_SERIES,
    NGX_COMET_SCALAR_OVERFLOW,
    NGX_COMET_SCALAR_SERIES_BYTES,
    NGX_COMET_SCALAR_SERIES_LIMIT,
    NGX_COMET_SCALAR_ZONE_FREE,
    NGX_COMET_SCALAR_ZONE_SIZE,
    NGX_COMET_SCALARS
} ngx_comet_scalar_e;


typedef struct {
    ngx_comet_tally_t       *tally;
    uint64_t                 scalars[NGX_COMET_SCALARS];

    /* where it is */

    size_t                   family;
    size_t                   line;        /* of a series */
    unsigned                 headed:1;
    unsigned                 done:1;      /* it ends here */
    ngx_comet_tally_walk_t   walk;
    uint64_t                 times[NGX_COMET_TIME_VALUES];
} ngx_comet_page_t;


/* the scalars that ledger and tally know are set */

void ngx_comet_page_init(ngx_comet_page_t *page,
    const ngx_comet_ledger_t *ledger);

/*
 * As many whole lines as surely fit in size, which is at least
 * NGX_COMET_PAGE_LINE; returns their bytes, and 0 at the end.
 */

size_t ngx_comet_page_render(ngx_comet_page_t *page, char *text, size_t size);


#endif /* _NGX_COMET_PAGE_H_INCLUDED_ */
