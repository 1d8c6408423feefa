/* through a body that is there, block by block */


#ifndef _NGX_COMET_WALK_H_INCLUDED_
#define _NGX_COMET_WALK_H_INCLUDED_


#include "ngx_comet_http.h"


typedef struct {
    ngx_pool_t                *pool;
    ngx_log_t                 *log;
    ngx_chain_t               *in;         /* what is left */
    off_t                      done;       /* of its first buf */
    u_char                    *text;
} ngx_comet_walk_t;


typedef struct ngx_comet_turn_s  ngx_comet_turn_t;
typedef void (*ngx_comet_turn_pt)(ngx_http_request_t *r);


void ngx_comet_walk_init(ngx_http_request_t *r, ngx_comet_walk_t *walk);
ngx_int_t ngx_comet_walk_block(ngx_comet_walk_t *walk, ngx_buf_t *block);
void ngx_comet_walk_end(ngx_comet_walk_t *walk);

/* calls the handler again after what else there is to do */

ngx_int_t ngx_comet_turn(ngx_http_request_t *r, ngx_comet_turn_t **turn,
    ngx_comet_turn_pt handler);
void ngx_comet_turn_end(ngx_comet_turn_t **turn);


#endif /* _NGX_COMET_WALK_H_INCLUDED_ */
