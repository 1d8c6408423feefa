#include "ngx_comet_sse.h"

#include <string.h>


enum {
    NGX_COMET_SSE_MARK,            /* at the very start: a byte order mark? */
    NGX_COMET_SSE_LINE,            /* at the start of a line */
    NGX_COMET_SSE_NAME,            /* in what may become "data" */
    NGX_COMET_SSE_SPACE,           /* behind "data:" */
    NGX_COMET_SSE_DATA,
    NGX_COMET_SSE_OTHER            /* a comment or another field */
};


#define NGX_COMET_SSE_WINDOW  1024


static const unsigned char  ngx_comet_sse_mark[] = { 0xef, 0xbb, 0xbf };
static const unsigned char  ngx_comet_sse_name[] = { 'd', 'a', 't', 'a', ':' };


void
ngx_comet_sse_init(ngx_comet_sse_t *sse, ngx_comet_sse_data_pt data,
    ngx_comet_sse_end_pt end, void *ctx)
{
    memset(sse, 0, sizeof(ngx_comet_sse_t));

    sse->data = data;
    sse->end = end;
    sse->ctx = ctx;
}


int
ngx_comet_sse_line_start(const ngx_comet_sse_t *sse)
{
    return sse->state == NGX_COMET_SSE_LINE
           || (sse->state == NGX_COMET_SSE_MARK && sse->matched == 0);
}


int
ngx_comet_sse_between(ngx_comet_sse_t *sse, unsigned char next)
{
    if (sse->state == NGX_COMET_SSE_MARK && sse->matched == 0
        && next != ngx_comet_sse_mark[0])
    {
        sse->state = NGX_COMET_SSE_LINE;
    }

    return sse->state == NGX_COMET_SSE_LINE && !sse->open;
}


int
ngx_comet_sse_in_data(const ngx_comet_sse_t *sse)
{
    return sse->state == NGX_COMET_SSE_SPACE
           || sse->state == NGX_COMET_SSE_DATA;
}


/* in windows: of one kind of line ends there may be none to the end */

const unsigned char *
ngx_comet_sse_line_end(const unsigned char *p, const unsigned char *end)
{
    const unsigned char  *cr, *lf, *last;

    for ( /* void */ ; p < end; p = last) {

        last = end - p > NGX_COMET_SSE_WINDOW ? p + NGX_COMET_SSE_WINDOW : end;

        lf = memchr(p, '\n', (size_t) (last - p));
        cr = memchr(p, '\r', (size_t) ((lf ? lf : last) - p));

        if (cr || lf) {
            return cr ? cr : lf;
        }
    }

    return end;
}


static void
ngx_comet_sse_data_line(ngx_comet_sse_t *sse)
{
    if (sse->lines++) {
        sse->data(sse->ctx, (const unsigned char *) "\n", 1);
    }
}


/* *p is not an end of line */

static void
ngx_comet_sse_byte(ngx_comet_sse_t *sse, unsigned char c)
{
    switch (sse->state) {

    case NGX_COMET_SSE_MARK:

        /* the first bytes of a mark alone are those of an unknown field */

        if (c == ngx_comet_sse_mark[sse->matched]) {

            sse->open = 1;
            sse->start = 0;

            if (++sse->matched == sizeof(ngx_comet_sse_mark)) {
                sse->open = 0;
                sse->state = NGX_COMET_SSE_LINE;
            }

            return;
        }

        if (sse->matched) {
            sse->state = NGX_COMET_SSE_OTHER;
            return;
        }

        /* fall through */

    case NGX_COMET_SSE_LINE:

        if (c != ':' && !sse->open) {
            sse->open = 1;
            sse->start = sse->offset;
        }

        sse->matched = 0;

        /* fall through */

    case NGX_COMET_SSE_NAME:

        if (c != ngx_comet_sse_name[sse->matched]) {
            sse->state = NGX_COMET_SSE_OTHER;
            return;
        }

        sse->state = NGX_COMET_SSE_NAME;

        if (++sse->matched == sizeof(ngx_comet_sse_name)) {
            sse->state = NGX_COMET_SSE_SPACE;
            ngx_comet_sse_data_line(sse);
        }

        return;

    default: /* NGX_COMET_SSE_SPACE */

        sse->state = NGX_COMET_SSE_DATA;
    }
}


/* returns what end() does, or 0 */

static int
ngx_comet_sse_line(ngx_comet_sse_t *sse)
{
    int  rc;

    rc = 0;

    if (ngx_comet_sse_line_start(sse)) {

        rc = sse->open ? sse->end(sse->ctx) : 0;

        sse->open = 0;
        sse->lines = 0;

    } else if (sse->state == NGX_COMET_SSE_NAME
               && sse->matched == sizeof(ngx_comet_sse_name) - 1)
    {
        /* a line that is but "data" */

        ngx_comet_sse_data_line(sse);
    }

    sse->state = NGX_COMET_SSE_LINE;

    return rc;
}


size_t
ngx_comet_sse_feed(ngx_comet_sse_t *sse, const unsigned char *p, size_t len)
{
    const unsigned char  *from, *end, *to;

    from = p;
    end = p + len;

    while (p < end) {

        if (sse->cr) {
            sse->cr = 0;

            if (*p == '\n') {
                p++;
                sse->offset++;
                continue;
            }
        }

        if (*p == '\r' || *p == '\n') {
            sse->cr = (*p == '\r');
            p++;
            sse->offset++;

            if (ngx_comet_sse_line(sse) != 0) {
                break;
            }

            continue;
        }

        if (sse->state == NGX_COMET_SSE_SPACE && *p != ' ') {
            sse->state = NGX_COMET_SSE_DATA;
        }

        if (sse->state < NGX_COMET_SSE_DATA) {
            ngx_comet_sse_byte(sse, *p);
            p++;
            sse->offset++;
            continue;
        }

        to = ngx_comet_sse_line_end(p, end);

        if (sse->state == NGX_COMET_SSE_DATA) {
            sse->data(sse->ctx, p, (size_t) (to - p));
        }

        sse->offset += (uint64_t) (to - p);
        p = to;
    }

    return (size_t) (p - from);
}
