/* a client that hangs up */


#ifndef _NGX_COMET_ABORT_H_INCLUDED_
#define _NGX_COMET_ABORT_H_INCLUDED_


#include "ngx_comet_http.h"


struct ngx_comet_abort_conf_s {
    ngx_uint_t                 left;       /* ngx_comet_left_e */
    ngx_msec_t                 drain;      /* how long, without a client */
};


struct ngx_comet_abort_s {
    ngx_http_event_handler_pt  read;       /* nginx's own, behind ours */
    ngx_http_event_handler_pt  write;
};


extern ngx_comet_part_t  ngx_comet_abort_part;


char *ngx_comet_on_abort(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

void ngx_comet_abort_watch(ngx_http_request_t *r, ngx_comet_ctx_t *ctx);
void ngx_comet_abort_end(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_int_t rc);


#endif /* _NGX_COMET_ABORT_H_INCLUDED_ */
