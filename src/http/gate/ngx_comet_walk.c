/*
 * Goes through a body that nginx has read, in blocks.  A large one is gone
 * through a block a turn of the event loop, so that it does not hold the
 * worker.
 */


#include "ngx_comet_walk.h"


#define NGX_COMET_BLOCK_SIZE  65536

/* ms; a worker that is to exit waits for timers, not for posted events */
#define NGX_COMET_TURN_GUARD  60000


struct ngx_comet_turn_s {
    ngx_event_t               event;
    ngx_http_request_t       *request;
    void                     *ctx;
    ngx_comet_turn_pt         handler;
};


static ngx_int_t ngx_comet_walk_read(ngx_comet_walk_t *walk, ngx_buf_t *from,
    ngx_buf_t *block);
static void ngx_comet_walk_skip(ngx_comet_walk_t *walk);
static void ngx_comet_turn_event(ngx_event_t *ev);
static void ngx_comet_turn_cleanup(void *data);


void
ngx_comet_walk_init(ngx_http_request_t *r, ngx_comet_walk_t *walk)
{
    walk->pool = r->pool;
    walk->log = r->connection->log;
    walk->in = r->request_body->bufs;
    walk->done = 0;
    walk->text = NULL;

    ngx_comet_walk_skip(walk);
}


/* NGX_AGAIN with a block that others follow, NGX_OK with the last one */

ngx_int_t
ngx_comet_walk_block(ngx_comet_walk_t *walk, ngx_buf_t *block)
{
    off_t       size;
    ngx_buf_t  *b;

    ngx_memzero(block, sizeof(ngx_buf_t));

    if (walk->in == NULL) {
        return NGX_OK;
    }

    b = walk->in->buf;

    if (b->in_file) {
        if (ngx_comet_walk_read(walk, b, block) != NGX_OK) {
            return NGX_ERROR;
        }

    } else {
        size = ngx_min(ngx_buf_size(b) - walk->done, NGX_COMET_BLOCK_SIZE);

        block->pos = b->pos + walk->done;
        block->last = block->pos + size;
    }

    walk->done += block->last - block->pos;

    ngx_comet_walk_skip(walk);

    return walk->in ? NGX_AGAIN : NGX_OK;
}


static ngx_int_t
ngx_comet_walk_read(ngx_comet_walk_t *walk, ngx_buf_t *from, ngx_buf_t *block)
{
    size_t      size;
    ssize_t     n;
    ngx_file_t  file;

    if (walk->text == NULL) {
        walk->text = ngx_palloc(walk->pool, NGX_COMET_BLOCK_SIZE);
        if (walk->text == NULL) {
            return NGX_ERROR;
        }
    }

    /* reading moves the offset of the handle, which is not ours */

    file = *from->file;
    size = (size_t) ngx_min(ngx_buf_size(from) - walk->done,
                            NGX_COMET_BLOCK_SIZE);

    n = ngx_read_file(&file, walk->text, size, from->file_pos + walk->done);

    if (n == 0) {
        ngx_log_error(NGX_LOG_ERR, walk->log, 0,
                      "the file of a request body ends early");
    }

    if (n <= 0) {
        return NGX_ERROR;
    }

    block->pos = walk->text;
    block->last = walk->text + n;

    return NGX_OK;
}


static void
ngx_comet_walk_skip(ngx_comet_walk_t *walk)
{
    while (walk->in && walk->done >= ngx_buf_size(walk->in->buf)) {
        walk->in = walk->in->next;
        walk->done = 0;
    }
}


void
ngx_comet_walk_end(ngx_comet_walk_t *walk)
{
    if (walk->text) {
        ngx_pfree(walk->pool, walk->text);
        walk->text = NULL;
    }
}


ngx_int_t
ngx_comet_turn(ngx_http_request_t *r, ngx_comet_turn_t **place,
    ngx_comet_turn_pt handler)
{
    ngx_event_t         *ev;
    ngx_comet_turn_t    *turn;
    ngx_http_cleanup_t  *cln;

    turn = *place;

    if (turn == NULL) {

        turn = ngx_pcalloc(r->pool, sizeof(ngx_comet_turn_t));
        cln = ngx_http_cleanup_add(r, 0);

        if (turn == NULL || cln == NULL) {
            return NGX_ERROR;
        }

        turn->request = r;
        turn->ctx = ngx_http_get_module_ctx(r, ngx_comet_module);
        turn->handler = handler;
        turn->event.handler = ngx_comet_turn_event;
        turn->event.data = turn;
        turn->event.log = r->connection->log;

        cln->handler = ngx_comet_turn_cleanup;
        cln->data = turn;

        *place = turn;
    }

    ev = &turn->event;

    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_COMET_TURN_GUARD);
    }

    ngx_post_event(ev, &ngx_posted_next_events);

    return NGX_OK;
}


static void
ngx_comet_turn_event(ngx_event_t *ev)
{
    ngx_comet_turn_t    *turn;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    turn = ev->data;
    r = turn->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    /* or a post_action has the request now */

    if (ngx_http_get_module_ctx(r, ngx_comet_module) != turn->ctx) {
        ngx_comet_turn_cleanup(turn);
        return;
    }

    turn->handler(r);

    ngx_http_run_posted_requests(c);
}


void
ngx_comet_turn_end(ngx_comet_turn_t **turn)
{
    if (*turn) {
        ngx_comet_turn_cleanup(*turn);
        *turn = NULL;
    }
}


static void
ngx_comet_turn_cleanup(void *data)
{
    ngx_comet_turn_t *turn = data;

    ngx_event_t  *ev;

    ev = &turn->event;

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (ev->posted) {
        ngx_delete_posted_event(ev);
    }
}
