/*
 * Looks at the answer of a call as it is relayed and knows in the end what it
 * used.  The bytes go on at once; only where the gateway asked for a chunk of
 * usage on its own, copies of what may become that chunk are held back.
 */


#include "ngx_comet_meter.h"


#define NGX_COMET_HELD_SIZE    512

/* of the output that was reserved: what unseen reasoning is taken to be */

#define NGX_COMET_METER_SHARE  4


typedef struct {
    ngx_comet_meter_t         *meter;
    ngx_chain_t               *out;
    ngx_chain_t              **ll;
} ngx_comet_meter_out_t;


static ngx_int_t ngx_comet_meter_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_meter_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_meter_init(ngx_conf_t *cf);
static ngx_int_t ngx_comet_meter_header_filter(ngx_http_request_t *r);
static void ngx_comet_meter_cleanup(void *data);
static ngx_uint_t ngx_comet_meter_applies(ngx_http_request_t *r,
    ngx_comet_ctx_t *ctx);
static ngx_int_t ngx_comet_meter_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static void ngx_comet_meter_look(ngx_http_request_t *r,
    ngx_comet_meter_t *meter, ngx_chain_t *in);
static ngx_int_t ngx_comet_meter_send(ngx_http_request_t *r,
    ngx_comet_meter_t *meter, ngx_chain_t *in);
static ngx_int_t ngx_comet_meter_split(ngx_http_request_t *r,
    ngx_comet_meter_out_t *out, ngx_buf_t *b);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


ngx_comet_part_t  ngx_comet_meter_part = {
    .create_loc_conf = ngx_comet_meter_create,
    .merge_loc_conf = ngx_comet_meter_merge,
    .postconfiguration = ngx_comet_meter_init
};


static ngx_int_t
ngx_comet_meter_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    lcf->meter = ngx_pcalloc(cf->pool, sizeof(ngx_comet_meter_conf_t));
    if (lcf->meter == NULL) {
        return NGX_ERROR;
    }

    lcf->meter->usage = NGX_CONF_UNSET;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_meter_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_conf_merge_value(conf->meter->usage, prev->meter->usage, 1);

    return NGX_OK;
}


static ngx_int_t
ngx_comet_meter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_comet_meter_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_comet_meter_body_filter;

    return NGX_OK;
}


static ngx_uint_t
ngx_comet_meter_is_stream(ngx_str_t *type)
{
    u_char  c;

    static ngx_str_t  stream = ngx_string("text/event-stream");

    if (type->len < stream.len
        || (ngx_memcmp(type->data, stream.data, stream.len) != 0
            && ngx_strncasecmp(type->data, stream.data, stream.len) != 0))
    {
        return 0;
    }

    c = type->len == stream.len ? ';' : type->data[stream.len];

    return c == ';' || c == ' ' || c == '\t';
}


/* what the client does not take any more is as if it were sent */

static ngx_uint_t
ngx_comet_meter_reads_on(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    return ctx->draining
           || (r->connection->error && ctx->watch
               && ctx->watch->left(r, ctx));
}


static void
ngx_comet_meter_came(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    if (ctx->watch) {
        ctx->watch->came(r, ctx);
    }
}


static void
ngx_comet_meter_over(ngx_comet_ctx_t *ctx)
{
    if (ctx->watch) {
        ctx->watch->over(ctx);
    }
}


static ngx_int_t
ngx_comet_meter_header_filter(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    ngx_comet_ctx_t     *ctx;
    ngx_comet_meter_t   *meter;
    ngx_pool_cleanup_t  *cln;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx == NULL || !ngx_comet_meter_applies(r, ctx)) {

        if (ctx && r == r->main) {
            ngx_comet_meter_over(ctx);
        }

        return ngx_http_next_header_filter(r);
    }

    /* nginx does not read the answer of a "mirror" or an "auth_request" */

    if (r != r->main) {
        ctx->unmetered = 1;
        return ngx_http_next_header_filter(r);
    }

    /* it was not asked for; nothing that is compressed can be read here */

    if (r->headers_out.content_encoding
        && r->headers_out.content_encoding->hash
        && ngx_strcasecmp(r->headers_out.content_encoding->value.data,
                          (u_char *) "identity")
           != 0)
    {
        ctx->unmetered = 1;
        ngx_comet_meter_over(ctx);
        return ngx_http_next_header_filter(r);
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_comet_meter_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_comet_meter_cleanup;
    meter = cln->data;

    meter->stream = ngx_comet_meter_is_stream(&r->headers_out.content_type);
    meter->done = 0;
    meter->held = NULL;
    meter->free = NULL;
    meter->busy = NULL;
    meter->first = -1;

    ngx_comet_usage_init(&meter->usage, ctx->endpoint->form, meter->stream,
                         ctx->usage_added);

    ctx->meter = meter;
    r->filter_need_in_memory = 1;

    ngx_comet_meter_came(r, ctx);

    /* a chunk may be taken out, or an error be told behind what came */

    if (meter->stream) {
        ngx_http_clear_content_length(r);
        ngx_http_clear_accept_ranges(r);
        ngx_http_clear_etag(r);
    }

    rc = ngx_http_next_header_filter(r);

    if (rc == NGX_ERROR && ngx_comet_meter_reads_on(r, ctx)) {
        rc = NGX_OK;
    }

    return rc;
}


static void
ngx_comet_meter_cleanup(void *data)
{
    ngx_comet_meter_t *meter = data;

    ngx_comet_usage_free(&meter->usage);
}


static ngx_uint_t
ngx_comet_meter_applies(ngx_http_request_t *r, ngx_comet_ctx_t *ctx)
{
    return ctx->relaying
           && ctx->endpoint
           && ctx->endpoint->form != NGX_COMET_FORM_NONE
           && r->headers_out.status / 100 == 2
           && ctx->meter == NULL;
}


static ngx_int_t
ngx_comet_meter_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t           rc;
    ngx_comet_ctx_t    *ctx;
    ngx_comet_meter_t  *meter;

    ctx = ngx_http_get_module_ctx(r, ngx_comet_module);

    if (ctx == NULL || ctx->meter == NULL || r != r->main) {
        return ngx_http_next_body_filter(r, in);
    }

    meter = ctx->meter;

    if (meter->usage.inject && !ctx->draining) {
        rc = ngx_comet_meter_send(r, meter, in);

    } else {
        ngx_comet_meter_look(r, meter, in);
        rc = ctx->draining ? NGX_OK : ngx_http_next_body_filter(r, in);
    }

    if (in) {
        ngx_comet_meter_came(r, ctx);
    }

    if (rc == NGX_ERROR && ngx_comet_meter_reads_on(r, ctx)) {
        rc = NGX_OK;
    }

    if (ctx->draining && ngx_comet_meter_is_lost(meter)) {
        rc = NGX_ERROR;
    }

    /* what nobody reads is as if it were sent */

    for ( /* void */ ; in && ctx->draining; in = in->next) {
        in->buf->pos = in->buf->last;
    }

    return rc;
}


static void
ngx_comet_meter_first(ngx_http_request_t *r, ngx_comet_meter_t *meter)
{
    if (meter->first >= 0 || !meter->stream || meter->usage.pieces == 0) {
        return;
    }

    meter->first = (ngx_msec_int_t) ngx_comet_elapsed(r);
}


ngx_uint_t
ngx_comet_meter_is_lost(ngx_comet_meter_t *meter)
{
    return !meter->stream && (meter->usage.bad || meter->usage.broken);
}


void
ngx_comet_meter_finish(ngx_comet_meter_t *meter)
{
    if (!meter->done) {
        meter->done = 1;
        ngx_comet_usage_finish(&meter->usage);
    }
}


static void
ngx_comet_meter_look(ngx_http_request_t *r, ngx_comet_meter_t *meter,
    ngx_chain_t *in)
{
    u_char     *p;
    ngx_buf_t  *b;

    for ( /* void */ ; in && !meter->done; in = in->next) {
        b = in->buf;

        if (ngx_buf_in_memory(b)) {

            for (p = b->pos; p < b->last; /* void */ ) {
                p += ngx_comet_usage_feed(&meter->usage, p, b->last - p);
            }

            ngx_comet_meter_first(r, meter);
        }

        if (b->last_buf) {
            ngx_comet_meter_finish(meter);
        }
    }
}


static ngx_int_t
ngx_comet_meter_link(ngx_http_request_t *r, ngx_comet_meter_out_t *out,
    ngx_buf_t *b)
{
    ngx_chain_t  *cl;

    /* a link of its own: the others are the upstream's */

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = NULL;

    *out->ll = cl;
    out->ll = &cl->next;

    return NGX_OK;
}


static ngx_chain_t *
ngx_comet_meter_buf(ngx_http_request_t *r, ngx_comet_meter_t *meter)
{
    ngx_buf_t    *b;
    u_char       *start, *end;
    ngx_chain_t  *cl;

    cl = ngx_chain_get_free_buf(r->pool, &meter->free);
    if (cl == NULL) {
        return NULL;
    }

    b = cl->buf;
    start = b->start;
    end = b->end;

    ngx_memzero(b, sizeof(ngx_buf_t));

    b->start = start;
    b->end = end;
    b->pos = start;
    b->last = start;
    b->memory = 1;
    b->flush = 1;
    b->tag = (ngx_buf_tag_t) &ngx_comet_meter_init;

    return cl;
}


/* a copy of what may have to be left out */

static ngx_int_t
ngx_comet_meter_hold(ngx_http_request_t *r, ngx_comet_meter_t *meter,
    u_char *p, u_char *end)
{
    size_t         n;
    ngx_buf_t     *b;
    ngx_chain_t   *cl, **ll;

    for (ll = &meter->held; *ll && (*ll)->next; ll = &(*ll)->next) {
        /* void */
    }

    while (p < end) {

        if (*ll && (*ll)->buf->last == (*ll)->buf->end) {
            ll = &(*ll)->next;
        }

        if (*ll == NULL) {
            cl = ngx_comet_meter_buf(r, meter);
            if (cl == NULL) {
                return NGX_ERROR;
            }

            b = cl->buf;

            if (b->start == NULL) {
                b->start = ngx_palloc(r->pool, NGX_COMET_HELD_SIZE);
                if (b->start == NULL) {
                    return NGX_ERROR;
                }

                b->end = b->start + NGX_COMET_HELD_SIZE;
                b->pos = b->start;
                b->last = b->start;
            }

            cl->next = NULL;
            *ll = cl;
        }

        b = (*ll)->buf;
        n = ngx_min(end - p, b->end - b->last);
        b->last = ngx_cpymem(b->last, p, n);
        p += n;
    }

    return NGX_OK;
}


static void
ngx_comet_meter_release(ngx_comet_meter_out_t *out)
{
    *out->ll = out->meter->held;
    out->meter->held = NULL;

    while (*out->ll) {
        out->ll = &(*out->ll)->next;
    }
}


void
ngx_comet_meter_drop(ngx_comet_meter_t *meter)
{
    ngx_chain_t  *cl, *next;

    for (cl = meter->held; cl; cl = next) {
        next = cl->next;
        cl->buf->pos = cl->buf->start;
        cl->buf->last = cl->buf->start;
        cl->next = meter->free;
        meter->free = cl;
    }

    meter->held = NULL;
}


/*
 * The bytes of a buf that go on, as slices of it.  The last slice is the buf
 * itself: when it is sent those before it are, and its memory is free.
 */

static ngx_int_t
ngx_comet_meter_slice(ngx_http_request_t *r, ngx_comet_meter_out_t *out,
    u_char *from, u_char *to, u_char **pos, u_char **last)
{
    ngx_chain_t  *cl;

    if (from == to) {
        return NGX_OK;
    }

    if (*pos == *last) {
        *pos = from;
        *last = to;
        return NGX_OK;
    }

    if (*last == from) {
        *last = to;
        return NGX_OK;
    }

    cl = ngx_comet_meter_buf(r, out->meter);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf->pos = *pos;
    cl->buf->last = *last;
    cl->next = NULL;

    *out->ll = cl;
    out->ll = &cl->next;

    *pos = from;
    *last = to;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_meter_split(ngx_http_request_t *r, ngx_comet_meter_out_t *out,
    ngx_buf_t *b)
{
    u_char             *p, *end, *from, *to, *pos, *last;
    uint64_t            before;
    ngx_comet_usage_t  *usage;

    usage = &out->meter->usage;

    end = b->last;
    pos = b->pos;
    last = b->pos;

    for (p = b->pos; p < end; p = to) {

        before = usage->sse.offset;
        to = p + ngx_comet_usage_feed(usage, p, end - p);
        from = to;

        if (usage->cut_end > usage->cut_start) {

            if (usage->cut_start < before) {
                ngx_comet_meter_drop(out->meter);
                from = p;

            } else {
                from = p + (usage->cut_start - before);
            }

        } else if (usage->hold_from < before) {

            if (ngx_comet_meter_hold(r, out->meter, p, to) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;

        } else if (usage->hold_from < usage->sse.offset) {
            from = p + (usage->hold_from - before);
        }

        /* of what was held nothing is cut here, and it goes first */

        ngx_comet_meter_release(out);

        if (ngx_comet_meter_slice(r, out, p, from, &pos, &last) != NGX_OK) {
            return NGX_ERROR;
        }

        if (usage->hold_from < usage->sse.offset
            && ngx_comet_meter_hold(r, out->meter, from, to) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    b->pos = pos;
    b->last = last;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_meter_send(ngx_http_request_t *r, ngx_comet_meter_t *meter,
    ngx_chain_t *in)
{
    ngx_int_t               rc;
    ngx_buf_t              *b;
    ngx_uint_t              data;
    ngx_chain_t            *cl;
    ngx_comet_meter_out_t   out;

    out.meter = meter;
    out.out = NULL;
    out.ll = &out.out;

    for (cl = in; cl; cl = cl->next) {
        b = cl->buf;
        data = (ngx_buf_in_memory(b) && b->pos < b->last);

        if (data && !meter->done) {

            if (ngx_comet_meter_split(r, &out, b) != NGX_OK) {
                return NGX_ERROR;
            }

            ngx_comet_meter_first(r, meter);
        }

        if (b->last_buf) {
            ngx_comet_meter_finish(meter);
            ngx_comet_meter_release(&out);
        }

        /* what is left of a buf with nothing in it are its flags */

        if (data && b->pos == b->last) {

            if (!b->last_buf && !b->last_in_chain) {
                continue;
            }

            b->memory = 0;
            b->temporary = 0;
            b->mmap = 0;
            b->sync = 1;
        }

        if (ngx_comet_meter_link(r, &out, b) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (in && out.out == NULL && !r->connection->buffered) {
        return NGX_OK;
    }

    rc = ngx_http_next_body_filter(r, out.out);

    ngx_chain_update_chains(r->pool, &meter->free, &meter->busy, &out.out,
                            (ngx_buf_tag_t) &ngx_comet_meter_init);

    return rc;
}


static void
ngx_comet_meter_estimate(ngx_comet_ctx_t *ctx, ngx_comet_usage_result_t *res)
{
    uint64_t            produced;
    ngx_comet_usage_t  *usage;

    res->input = ctx->input;

    if (ctx->meter == NULL) {
        return;
    }

    usage = &ctx->meter->usage;
    produced = ngx_comet_usage_produced(usage);

    if (usage->complete) {
        res->input = usage->numbers[NGX_COMET_USAGE_INPUT];
        res->output = usage->numbers[NGX_COMET_USAGE_OUTPUT];
        res->cached = usage->numbers[NGX_COMET_USAGE_CACHED];
        res->reasoning = usage->numbers[NGX_COMET_USAGE_REASONING];
    }

    res->output = ngx_max(res->output, produced);
}


/* what it was let in with */

static void
ngx_comet_meter_reserved(ngx_comet_ctx_t *ctx, ngx_comet_usage_result_t *res)
{
    res->metered = NGX_COMET_METERED_UNKNOWN;

    res->input = ngx_max(res->input, ctx->reserved.input);
    res->output = ngx_max(res->output, ctx->reserved.output);
}


/*
 * The client has gone, and what was used is not known.  In the middle of a
 * stream it is what has passed, and a share of what was reserved where the
 * model reasons unseen.  Else the answer may have used all of it.
 */

static void
ngx_comet_meter_left(ngx_comet_ctx_t *ctx, ngx_comet_usage_result_t *res)
{
    ngx_uint_t  stream, over;

    stream = ctx->meter ? ctx->meter->stream : ctx->stream;
    over = (ctx->meter && ctx->meter->usage.closing
            && ctx->meter->usage.finish[0]);

    if (ctx->left == NGX_COMET_LEFT_RESERVED
        || (ctx->left == NGX_COMET_LEFT_KNOWN && (!stream || over)))
    {
        ngx_comet_meter_reserved(ctx, res);
        return;
    }

    res->metered = NGX_COMET_METERED_ESTIMATE;

    if (ctx->left == NGX_COMET_LEFT_KNOWN && ctx->hides) {
        res->output = ngx_max(res->output,
                              ctx->reserved.output / NGX_COMET_METER_SHARE);
    }
}


static void
ngx_comet_meter_answered(ngx_comet_ctx_t *ctx, ngx_comet_usage_result_t *res)
{
    ngx_comet_usage_t  *usage;

    usage = &ctx->meter->usage;

    if (ngx_comet_usage_exact(usage)) {
        res->metered = NGX_COMET_METERED_EXACT;
        res->output = usage->numbers[NGX_COMET_USAGE_OUTPUT];

    } else if (usage->bad || usage->broken) {
        ngx_comet_meter_reserved(ctx, res);

    } else if (ctx->hung_up && !usage->ended) {
        ngx_comet_meter_left(ctx, res);

    } else {
        res->metered = NGX_COMET_METERED_ESTIMATE;
    }
}


void
ngx_comet_meter_result(ngx_comet_ctx_t *ctx, ngx_comet_usage_result_t *res)
{
    ngx_memzero(res, sizeof(ngx_comet_usage_result_t));

    if (ctx == NULL || !ctx->gated || ctx->endpoint == NULL
        || ctx->endpoint->form == NGX_COMET_FORM_NONE)
    {
        res->metered = NGX_COMET_METERED_NOT;
        return;
    }

    /* refused, failed before an answer, or an answer that is an error */

    if (ctx->meter == NULL && !ctx->unmetered
        && (ctx->relaying || !ctx->hung_up || !ctx->sent))
    {
        res->metered = NGX_COMET_METERED_EXACT;
        return;
    }

    ngx_comet_meter_estimate(ctx, res);

    if (ctx->meter) {
        ngx_comet_meter_answered(ctx, res);

    } else if (ctx->unmetered) {
        ngx_comet_meter_reserved(ctx, res);

    } else {
        ngx_comet_meter_left(ctx, res);
    }
}
