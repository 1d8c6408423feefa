/*
 * The body as it is sent: the client's own bytes with the edits between.
 *
 * nginx rewinds what was sent for a retry: a buf in memory to its start, and
 * the bufs of a file to where the one before ended, the first to 0.  So each
 * slice of memory begins at its own start, and of a file with edits a copy is
 * made, which is sent whole: the client's file is not this request's alone.
 */


#include "ngx_comet_splice.h"
#include "ngx_comet_walk.h"


typedef struct {
    ngx_pool_t          *pool;
    ngx_chain_t        **ll;
    ngx_chain_t         *free;
    ngx_comet_edit_t    *edit;
    ngx_comet_edit_t    *last;
    uint64_t             offset;     /* in the body, of the buf */
    uint64_t             skip;       /* still to go, behind its end */
} ngx_comet_splice_t;


struct ngx_comet_copy_s {
    ngx_comet_splice_t   splice;
    ngx_comet_walk_t     walk;
    ngx_temp_file_t      temp;
};


static void ngx_comet_splice_init(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_splice_t *s);
static ngx_int_t ngx_comet_splice_memory(ngx_comet_splice_t *s, ngx_buf_t *b);
static ngx_int_t ngx_comet_splice_file(ngx_comet_splice_t *s, ngx_file_t *file,
    off_t pos, off_t last);
static ngx_comet_copy_t *ngx_comet_splice_copy_init(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_splice_write(ngx_comet_copy_t *copy,
    ngx_buf_t *block);


ngx_int_t
ngx_comet_splice(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_chain_t *body, ngx_chain_t **ll)
{
    ngx_int_t           rc;
    ngx_buf_t          *b;
    ngx_temp_file_t    *temp;
    ngx_comet_splice_t  s;

    ngx_comet_splice_init(r, ctx, &s);

    s.ll = ll;
    *ll = NULL;

    if (ctx->edited && ctx->edited->copy) {
        temp = &ctx->edited->copy->temp;
        return ngx_comet_splice_file(&s, &temp->file, 0, temp->offset);
    }

    for ( /* void */ ; body; body = body->next) {
        b = body->buf;

        rc = b->in_file ? ngx_comet_splice_file(&s, b->file, b->file_pos,
                                                b->file_last)
                        : ngx_comet_splice_memory(&s, b);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_comet_splice_init(ngx_http_request_t *r, ngx_comet_ctx_t *ctx,
    ngx_comet_splice_t *s)
{
    ngx_memzero(s, sizeof(ngx_comet_splice_t));

    s->pool = r->pool;

    if (ctx->edited) {
        s->edit = ctx->edited->edits;
        s->last = s->edit + ctx->edited->n;
    }
}


static ngx_buf_t *
ngx_comet_splice_buf(ngx_comet_splice_t *s)
{
    ngx_chain_t  *cl;

    cl = ngx_chain_get_free_buf(s->pool, &s->free);
    if (cl == NULL) {
        return NULL;
    }

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


static ngx_int_t
ngx_comet_splice_memory(ngx_comet_splice_t *s, ngx_buf_t *b)
{
    size_t             gap, size;
    u_char            *p, *at;
    ngx_comet_edit_t  *edit;

    size = b->last - b->pos;
    gap = ngx_min(s->skip, size);
    p = b->pos + gap;
    s->skip -= gap;

    while (s->edit < s->last && s->edit->offset - s->offset < size) {
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

    s->offset += size;

    return ngx_comet_splice_slice(s, p, b->last);
}


static ngx_int_t
ngx_comet_splice_file(ngx_comet_splice_t *s, ngx_file_t *file, off_t pos,
    off_t last)
{
    ngx_buf_t  *b;

    if (pos == last) {
        return NGX_OK;
    }

    b = ngx_comet_splice_buf(s);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->in_file = 1;
    b->file = file;
    b->file_pos = pos;
    b->file_last = last;

    return NGX_OK;
}


/*
 * Where edits meet a body that is in a file, or partly so: copies a block of
 * it with the edits.  NGX_AGAIN if there is more, NGX_OK if there is none.
 */

ngx_int_t
ngx_comet_splice_copy(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_buf_t            block;
    ngx_chain_t         *cl;
    ngx_comet_edited_t  *edited;

    edited = ctx->edited;

    if (edited == NULL) {
        return NGX_OK;
    }

    if (edited->copy == NULL) {

        for (cl = r->request_body->bufs; cl; cl = cl->next) {
            if (cl->buf->in_file) {
                break;
            }
        }

        if (cl == NULL) {
            return NGX_OK;
        }

        edited->copy = ngx_comet_splice_copy_init(r, ctx);
        if (edited->copy == NULL) {
            return NGX_ERROR;
        }
    }

    rc = ngx_comet_walk_block(&edited->copy->walk, &block);

    if (rc != NGX_ERROR
        && ngx_comet_splice_write(edited->copy, &block) != NGX_OK)
    {
        rc = NGX_ERROR;
    }

    if (rc != NGX_AGAIN) {
        ngx_comet_walk_end(&edited->copy->walk);
    }

    return rc;
}


static ngx_comet_copy_t *
ngx_comet_splice_copy_init(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    ngx_temp_file_t           *temp;
    ngx_comet_copy_t          *copy;
    ngx_http_core_loc_conf_t  *clcf;

    copy = ngx_pcalloc(r->pool, sizeof(ngx_comet_copy_t));
    if (copy == NULL) {
        return NULL;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_comet_splice_init(r, ctx, &copy->splice);
    ngx_comet_walk_init(r, &copy->walk);

    /* without a name once it is open, and closed with the pool */

    temp = &copy->temp;
    temp->file.fd = NGX_INVALID_FILE;
    temp->file.log = r->connection->log;
    temp->path = clcf->client_body_temp_path;
    temp->pool = r->pool;

    return copy;
}


static ngx_int_t
ngx_comet_splice_write(ngx_comet_copy_t *copy, ngx_buf_t *block)
{
    ssize_t              n;
    ngx_chain_t         *out, **ll;
    ngx_comet_splice_t  *s;

    s = &copy->splice;
    s->ll = &out;
    out = NULL;

    if (ngx_comet_splice_memory(s, block) != NGX_OK) {
        return NGX_ERROR;
    }

    if (out == NULL) {
        return NGX_OK;
    }

    n = ngx_write_chain_to_temp_file(&copy->temp, out);

    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    copy->temp.offset += n;

    for (ll = &s->free; *ll; ll = &(*ll)->next) { /* void */ }

    *ll = out;

    return NGX_OK;
}
