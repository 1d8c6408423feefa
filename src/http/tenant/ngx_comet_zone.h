/* the ledger in shared memory */


#ifndef _NGX_COMET_ZONE_H_INCLUDED_
#define _NGX_COMET_ZONE_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_ledger.h"


struct ngx_comet_zone_s {
    ngx_shm_zone_t            *shm;
    ngx_comet_place_t          place;
    ngx_comet_ledger_memory_t  memory;
    ngx_uint_t                 metrics;    /* somebody wants to see them */
    ngx_uint_t                 ward;       /* there is health to look after */
};


extern ngx_comet_part_t  ngx_comet_zone_part;


char *ngx_comet_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* for series of comet_metrics */

void ngx_comet_zone_lock(ngx_comet_zone_t *zone);
void ngx_comet_zone_unlock(ngx_comet_zone_t *zone);

void ngx_comet_zone_clock(ngx_comet_clock_t *clock);


#endif /* _NGX_COMET_ZONE_H_INCLUDED_ */
