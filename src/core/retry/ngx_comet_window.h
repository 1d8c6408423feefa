/* how many there were of two kinds in the last so many milliseconds */


#ifndef _NGX_COMET_WINDOW_H_INCLUDED_
#define _NGX_COMET_WINDOW_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define NGX_COMET_WINDOW_SLOTS  10


typedef struct {
    uint64_t             slot;     /* the last one, counted from time 0 */
    uint32_t             all[NGX_COMET_WINDOW_SLOTS];
    uint32_t             some[NGX_COMET_WINDOW_SLOTS];
} ngx_comet_window_t;


typedef struct {
    uint64_t             all;
    uint64_t             some;
} ngx_comet_window_sum_t;


/* span: milliseconds, at least one for each slot; time may go back a little */

void ngx_comet_window_add(ngx_comet_window_t *window, uint64_t span,
    uint64_t now, uint32_t all, uint32_t some);
ngx_comet_window_sum_t ngx_comet_window_sum(ngx_comet_window_t *window,
    uint64_t span, uint64_t now);


#endif /* _NGX_COMET_WINDOW_H_INCLUDED_ */
