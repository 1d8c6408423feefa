/* comet_retry: how often a request is tried */


#ifndef _NGX_COMET_RETRIES_H_INCLUDED_
#define _NGX_COMET_RETRIES_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_backoff.h"


typedef struct {
    ngx_uint_t                 attempts;
    ngx_comet_backoff_t        backoff;
    ngx_uint_t                 budget;     /* percent of the calls */
    ngx_uint_t                 on;         /* NGX_COMET_RETRY_... */
} ngx_comet_retries_t;


/* without the directive: one attempt */

extern ngx_comet_retries_t  ngx_comet_retries_default;


char *ngx_comet_retries(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_COMET_RETRIES_H_INCLUDED_ */
