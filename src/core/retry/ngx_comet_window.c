#include "ngx_comet_window.h"

#include <string.h>


/*
 * Forgets what is too old.  Workers see the time a little apart, so it may have
 * been the next slot for another one; a slot further ahead is of a window whose
 * span was another one.
 */

static size_t
ngx_comet_window_turn(ngx_comet_window_t *window, uint64_t span, uint64_t now)
{
    size_t    i;
    uint64_t  slot;

    slot = span < NGX_COMET_WINDOW_SLOTS
           ? now : now / (span / NGX_COMET_WINDOW_SLOTS);

    if (slot + 1 == window->slot) {
        slot = window->slot;
    }

    if (slot < window->slot
        || slot - window->slot >= NGX_COMET_WINDOW_SLOTS)
    {
        memset(window, 0, sizeof(ngx_comet_window_t));
        window->slot = slot;
    }

    while (window->slot != slot) {
        window->slot++;
        i = window->slot % NGX_COMET_WINDOW_SLOTS;
        window->all[i] = 0;
        window->some[i] = 0;
    }

    return slot % NGX_COMET_WINDOW_SLOTS;
}


void
ngx_comet_window_add(ngx_comet_window_t *window, uint64_t span, uint64_t now,
    uint32_t all, uint32_t some)
{
    size_t  i;

    i = ngx_comet_window_turn(window, span, now);

    window->all[i] += all;
    window->some[i] += some;
}


ngx_comet_window_sum_t
ngx_comet_window_sum(ngx_comet_window_t *window, uint64_t span, uint64_t now)
{
    size_t                  i;
    ngx_comet_window_sum_t  sum;

    (void) ngx_comet_window_turn(window, span, now);

    sum.all = 0;
    sum.some = 0;

    for (i = 0; i < NGX_COMET_WINDOW_SLOTS; i++) {
        sum.all += window->all[i];
        sum.some += window->some[i];
    }

    return sum;
}
