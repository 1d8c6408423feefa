/* comet_metrics */


#ifndef _NGX_COMET_METRICS_H_INCLUDED_
#define _NGX_COMET_METRICS_H_INCLUDED_


#include "ngx_comet_http.h"


struct ngx_comet_metrics_conf_s {
    ngx_comet_place_t          place;
    unsigned                   here:1;
};


extern ngx_comet_part_t  ngx_comet_metrics_part;


char *ngx_comet_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_COMET_METRICS_H_INCLUDED_ */
