/*
 * The body as it is sent: the client's own bytes with the edits between.
 *
 * nginx rewinds what was sent for a retry: a buf in memory to its start, and
 * the bufs of a file to where the one before ended, the first to 0.  So each
 * slice of memory begins at its own start, and a file that edits meet is sent
 * as memory, which it is mapped into: ranges of it would not be its own again.
 */


#include "ngx_comet_splice.h"

#include <sys/mman.h>


typedef struct {
    ngx_pool_t          *pool;
    ngx_log_t           *log;
    ngx_chain_t        **ll;
    ngx_comet_edit_t    *edit;
    ngx_comet_edit_t    *last;
    uint64_t             offset;     /* in the body, of the buf */
    uint64_t             skip;       /* still to go, behind its end */
} ngx_comet_splice_t;


typedef struct {
    void                *addr;
    size_t               size;
} ngx_comet_map_t;


static ngx_int_t ngx_comet_splice_bytes(ngx_comet_splice_t *s, u_char *pos,
    u_char *last);
static ngx_int_t ngx_comet_splice_file(ngx_comet_splice_t *s, ngx_buf_t *b);
static u_char *ngx_comet_splice_map(ngx_comet_splice_t *s, ngx_buf_t *b);
static void ngx_comet_splice_unmap(void *data);


ngx_int_t
ngx_comet_splice(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_chain_t *body, ngx_chain_t **ll)
{
    ngx_int_t           rc;
    ngx_comet_splice_t  s;

    ngx_memzero(&s, sizeof(ngx_comet_splice_t));

    s.pool = r->pool;
    s.log = r->connection->log;
    s.edit = ctx->edits;
    s.last = ctx->edits + ctx->nedits;
    s.ll = ll;
    *ll = NULL;

    for ( /* void */ ; body; body = body->next) {

        rc = body->buf->in_file ? ngx_comet_splice_file(&s, body->buf)
                                : ngx_comet_splice_bytes(&s, body->buf->pos,
                                                         body->buf->last);
        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_buf_t *
ngx_comet_splice_buf(ngx_comet_splice_t *s)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_calloc_buf(s->pool);
    cl = ngx_alloc_chain_link(s->pool);

    if (b == NULL || cl == NULL) {
        return NULL;
    }

    cl->buf = b;
    cl->next = NULL;

    *s->ll = cl;
    s->ll = &cl->next;

    return b;
}


static ngx_int_t
ngx_comet_splice_slice(ngx_comet_splice_t *s, u_char *start, u_char *end)
{
    ngx_buf_t  *b;

    if (start == end) {
        return NGX_OK;
    }

    b = ngx_comet_splice_buf(s);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->memory = 1;
    b->start = start;
    b->pos = start;
    b->last = end;
    b->end = end;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_splice_bytes(ngx_comet_splice_t *s, u_char *pos, u_char *last)
{
    size_t             gap, size;
    u_char            *p, *at;
    ngx_comet_edit_t  *edit;

    size = last - pos;
    gap = ngx_min(s->skip, size);
    p = pos + gap;
    s->skip -= gap;

    while (s->edit < s->last && s->edit->offset - s->offset < size) {
        edit = s->edit++;
        at = pos + (edit->offset - s->offset);

        if (ngx_comet_splice_slice(s, p, at) != NGX_OK
            || ngx_comet_splice_slice(s, (u_char *) edit->text,
                                      (u_char *) edit->text + edit->len)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        gap = ngx_min(edit->length, (uint64_t) (last - at));
        p = at + gap;
        s->skip = edit->length - gap;
    }

    s->offset += size;

    return ngx_comet_splice_slice(s, p, last);
}


static ngx_int_t
ngx_comet_splice_file(ngx_comet_splice_t *s, ngx_buf_t *b)
{
    off_t       size;
    u_char     *map;
    ngx_buf_t  *out;

    size = b->file_last - b->file_pos;

    if (size == 0) {
        return NGX_OK;
    }

    if (s->skip
        || (s->edit < s->last
            && s->edit->offset - s->offset < (uint64_t) size))
    {
        map = ngx_comet_splice_map(s, b);
        if (map == NULL) {
            return NGX_ERROR;
        }

        return ngx_comet_splice_bytes(s, map + b->file_pos,
                                      map + b->file_last);
    }

    out = ngx_comet_splice_buf(s);
    if (out == NULL) {
        return NGX_ERROR;
    }

    out->in_file = 1;
    out->file = b->file;
    out->file_pos = b->file_pos;
    out->file_last = b->file_last;

    s->offset += size;

    return NGX_OK;
}


/* the file is the request's own and has no name: nobody makes it shorter */

static u_char *
ngx_comet_splice_map(ngx_comet_splice_t *s, ngx_buf_t *b)
{
    void                *addr;
    ngx_comet_map_t     *map;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(s->pool, sizeof(ngx_comet_map_t));
    if (cln == NULL) {
        return NULL;
    }

    addr = mmap(NULL, (size_t) b->file_last, PROT_READ, MAP_SHARED,
                b->file->fd, 0);

    if (addr == MAP_FAILED) {
        ngx_log_error(NGX_LOG_ALERT, s->log, ngx_errno,
                      "mmap(%O) of a request body failed", b->file_last);
        return NULL;
    }

    map = cln->data;
    map->addr = addr;
    map->size = (size_t) b->file_last;

    cln->handler = ngx_comet_splice_unmap;

    return addr;
}


static void
ngx_comet_splice_unmap(void *data)
{
    ngx_comet_map_t *map = data;

    (void) munmap(map->addr, map->size);
}
