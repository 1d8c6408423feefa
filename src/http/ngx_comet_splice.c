/*
 * The body as it is sent: the client's own bytes with the edits between.
 *
 * nginx rewinds what was sent for a retry: a buf in memory to its start, and
 * the bufs of a file to where the one before ended, the first to 0.  So each
 * slice of memory begins at its own start, and a file is sent without gaps:
 * what is to go from a file is overwritten there, with white space at the end.
 */


#include "ngx_comet_http.h"


typedef struct {
    ngx_http_request_t  *request;
    ngx_chain_t        **ll;
    ngx_comet_edit_t    *edit;
    ngx_comet_edit_t    *last;
    uint64_t             offset;     /* in the body, of the buf */
    uint64_t             skip;       /* still to go, behind its end */
} ngx_comet_splice_t;


/* what a file held; of the handle a copy, because writing moves its offset */

typedef struct {
    ngx_file_t           file;
    off_t                at;
    size_t               size;
    u_char              *text;
} ngx_comet_patch_t;


static ngx_int_t ngx_comet_splice_memory(ngx_comet_splice_t *s, ngx_buf_t *b);
static ngx_int_t ngx_comet_splice_file(ngx_comet_splice_t *s, ngx_buf_t *b);
static ngx_int_t ngx_comet_splice_overwrite(ngx_comet_splice_t *s,
    ngx_buf_t *b, ngx_comet_edit_t *edit);
static void ngx_comet_splice_patched(void *data);


static ngx_buf_t *
ngx_comet_splice_buf(ngx_comet_splice_t *s)
{
    ngx_chain_t  *cl;

    cl = ngx_alloc_chain_link(s->request->pool);
    if (cl == NULL) {
        return NULL;
    }

    cl->buf = ngx_calloc_buf(s->request->pool);
    cl->next = NULL;

    *s->ll = cl;
    s->ll = &cl->next;

    return cl->buf;
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


ngx_int_t
ngx_comet_splice(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_chain_t *body, ngx_chain_t **ll)
{
    ngx_int_t           rc;
    ngx_comet_splice_t  s;

    s.request = r;
    s.ll = ll;
    s.edit = ctx->edits;
    s.last = ctx->edits + ctx->nedits;
    s.offset = 0;
    s.skip = 0;

    for ( /* void */ ; body; body = body->next) {

        rc = body->buf->in_file ? ngx_comet_splice_file(&s, body->buf)
                                : ngx_comet_splice_memory(&s, body->buf);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        s.offset += ngx_buf_size(body->buf);
    }

    *s.ll = NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_splice_memory(ngx_comet_splice_t *s, ngx_buf_t *b)
{
    size_t             gap;
    u_char            *p, *at;
    ngx_comet_edit_t  *edit;

    gap = ngx_min(s->skip, (uint64_t) (b->last - b->pos));
    p = b->pos + gap;
    s->skip -= gap;

    while (s->edit < s->last
           && s->edit->offset - s->offset < (uint64_t) (b->last - b->pos))
    {
        edit = s->edit++;
        at = b->pos + (edit->offset - s->offset);

        if (ngx_comet_splice_slice(s, p, at) != NGX_OK
            || ngx_comet_splice_slice(s, (u_char *) edit->text,
                                      (u_char *) edit->text + edit->len)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        gap = ngx_min(edit->length, (uint64_t) (b->last - at));
        p = at + gap;
        s->skip = edit->length - gap;
    }

    return ngx_comet_splice_slice(s, p, b->last);
}


static ngx_int_t
ngx_comet_splice_file(ngx_comet_splice_t *s, ngx_buf_t *b)
{
    off_t              pos, upto;
    size_t             n;
    ngx_buf_t         *slice;
    ngx_comet_edit_t  *edit;

    pos = b->file_pos;

    for ( ;; ) {

        edit = NULL;
        upto = b->file_last;

        if (s->edit < s->last
            && (off_t) (s->edit->offset - s->offset)
               < b->file_last - b->file_pos)
        {
            edit = s->edit++;
            upto = b->file_pos + (off_t) (edit->offset + edit->length
                                          - s->offset);

            if (ngx_comet_splice_overwrite(s, b, edit) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        if (upto > pos) {
            slice = ngx_comet_splice_buf(s);
            if (slice == NULL) {
                return NGX_ERROR;
            }

            slice->in_file = 1;
            slice->file = b->file;
            slice->file_pos = pos;
            slice->file_last = upto;

            pos = upto;
        }

        if (edit == NULL) {
            return NGX_OK;
        }

        n = ngx_min(edit->len, (size_t) edit->length);

        if (ngx_comet_splice_slice(s, (u_char *) edit->text + n,
                                   (u_char *) edit->text + edit->len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
ngx_comet_splice_overwrite(ngx_comet_splice_t *s, ngx_buf_t *b,
    ngx_comet_edit_t *edit)
{
    off_t                at;
    size_t               n, size;
    u_char              *text;
    ngx_pool_cleanup_t  *cln;
    ngx_comet_patch_t   *patch;

    size = (size_t) edit->length;
    at = b->file_pos + (off_t) (edit->offset - s->offset);

    if (size == 0) {
        return NGX_OK;
    }

    /* a subrequest shares the file with a request that may be sending it */

    if (s->request != s->request->main) {
        ngx_log_error(NGX_LOG_ERR, s->request->connection->log, 0,
                      "a subrequest cannot change a body that is in a file");
        return NGX_ERROR;
    }

    /* the cleanup does nothing but outlive the context */

    cln = ngx_pool_cleanup_add(s->request->pool, sizeof(ngx_comet_patch_t));
    text = ngx_pnalloc(s->request->pool, 2 * size);

    if (cln == NULL || text == NULL) {
        return NGX_ERROR;
    }

    patch = cln->data;
    patch->file = *b->file;
    patch->at = at;
    patch->size = size;
    patch->text = text + size;

    if (ngx_read_file(&patch->file, patch->text, size, at) != (ssize_t) size) {
        return NGX_ERROR;
    }

    cln->handler = ngx_comet_splice_patched;

    n = ngx_min(edit->len, size);
    ngx_memcpy(text, edit->text, n);
    ngx_memset(text + n, ' ', size - n);

    if (ngx_write_file(&patch->file, text, size, at) != (ssize_t) size) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_comet_splice_patched(void *data)
{
    /* the file goes with the request */
}


/*
 * An internal redirect takes the context with its edits away, and leaves the
 * file with what was written over it.
 */

ngx_int_t
ngx_comet_splice_restore(ngx_http_request_t *r)
{
    ngx_comet_patch_t   *patch;
    ngx_pool_cleanup_t  *cln;

    if (r != r->main) {
        return NGX_OK;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_comet_splice_patched) {
            continue;
        }

        patch = cln->data;
        cln->handler = NULL;

        if (ngx_write_file(&patch->file, patch->text, patch->size, patch->at)
            != (ssize_t) patch->size)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
