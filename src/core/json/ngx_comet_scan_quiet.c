/*
 * Goes over what nobody wants tokens of, by the same rules as the rest of the
 * scanner, as long as it is short and lies in the piece as a whole.  All else
 * is left where it begins.
 */


#include "ngx_comet_grammar.h"
#include "ngx_comet_scan_private.h"

#include <string.h>


/* so much can be read behind what is looked at */

#define NGX_COMET_QUIET_SPARE  32


typedef struct {
    ngx_comet_scan_t     *scan;
    const unsigned char  *end;
    const unsigned char  *last;    /* it is gone on up to here */
    unsigned              state;
    unsigned              depth;
    unsigned              object;  /* the container is one */
} ngx_comet_quiet_t;


static inline const unsigned char *
ngx_comet_quiet_space(const unsigned char *p, const unsigned char *last)
{
    while (p < last && ngx_comet_is_space(*p)) {
        p++;
    }

    return p;
}


/* the functions for values return what is behind them, or NULL */

/* p is behind the opening quote */

static inline const unsigned char *
ngx_comet_quiet_string(const unsigned char *p, const unsigned char *end)
{
    uint64_t  special;

    if (*p == '"') {
        return p + 1;
    }

    special = ngx_comet_text_special(p);

    if (special) {
        p += ngx_comet_text_first(special);

        if (*p == '"') {
            return p + 1;
        }
    }

    p = ngx_comet_text_run(p, end);

    return p != end && *p == '"' ? p + 1 : NULL;
}


static inline unsigned
ngx_comet_quiet_object(const ngx_comet_scan_t *scan, unsigned depth)
{
    return scan->objects[(depth - 1) / 64] >> (depth - 1) % 64 & 1;
}


static const unsigned char *
ngx_comet_quiet_open(ngx_comet_quiet_t *q, const unsigned char *p)
{
    uint64_t  *bits;

    if (q->depth == q->scan->max_depth) {
        return NULL;
    }

    bits = &q->scan->objects[q->depth / 64];
    q->object = (*p == '{');

    *bits &= ~((uint64_t) 1 << q->depth % 64);
    *bits |= (uint64_t) q->object << q->depth % 64;

    q->depth++;
    q->state = q->object ? NGX_COMET_AT_MEMBER : NGX_COMET_AT_ELEMENT;

    return p + 1;
}


/* not the container whose end is told */

static inline const unsigned char *
ngx_comet_quiet_close(ngx_comet_quiet_t *q, const unsigned char *p)
{
    if (q->depth - 1 == q->scan->loud_depth || *p != (q->object ? '}' : ']')) {
        return NULL;
    }

    q->depth--;
    q->object = ngx_comet_quiet_object(q->scan, q->depth);
    q->state = NGX_COMET_AT_COMMA;

    return p + 1;
}


/* a name and its colon */

static inline const unsigned char *
ngx_comet_quiet_name(ngx_comet_quiet_t *q, const unsigned char *p)
{
    if (*p != '"') {
        return q->state == NGX_COMET_AT_MEMBER ? ngx_comet_quiet_close(q, p)
                                               : NULL;
    }

    p = ngx_comet_quiet_string(p + 1, q->end);

    if (p == NULL) {
        return NULL;
    }

    p = ngx_comet_quiet_space(p, q->last);

    if (p >= q->last || *p != ':') {
        return NULL;
    }

    q->state = NGX_COMET_AT_VALUE;

    return p + 1;
}


static inline const unsigned char *
ngx_comet_quiet_value(ngx_comet_quiet_t *q, const unsigned char *p)
{
    switch (*p) {

    case '"':
        p = ngx_comet_quiet_string(p + 1, q->end);
        break;

    case '{':
    case '[':
        return ngx_comet_quiet_open(q, p);

    case ']':
        return q->state == NGX_COMET_AT_ELEMENT ? ngx_comet_quiet_close(q, p)
                                                : NULL;

    case 't':
    case 'f':
    case 'n':
        p = ngx_comet_literal_whole(p, q->end);
        break;

    default:
        p = ngx_comet_number_whole(p, q->end);
    }

    if (p) {
        q->state = NGX_COMET_AT_COMMA;
    }

    return p;
}


static inline const unsigned char *
ngx_comet_quiet_step(ngx_comet_quiet_t *q, const unsigned char *p)
{
    switch (q->state) {

    case NGX_COMET_AT_COMMA:
        if (*p != ',') {
            return ngx_comet_quiet_close(q, p);
        }

        q->state = q->object ? NGX_COMET_AT_NAME : NGX_COMET_AT_VALUE;

        return p + 1;

    case NGX_COMET_AT_NAME:
    case NGX_COMET_AT_MEMBER:
        return ngx_comet_quiet_name(q, p);

    case NGX_COMET_AT_VALUE:
    case NGX_COMET_AT_ELEMENT:
        return ngx_comet_quiet_value(q, p);

    default:
        return NULL;
    }
}


const unsigned char *
ngx_comet_scan_quiet(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    ngx_comet_quiet_t     q;
    const unsigned char  *next;

    if (end - p <= NGX_COMET_QUIET_SPARE || scan->depth <= scan->loud_depth) {
        return p;
    }

    q.scan = scan;
    q.end = end;
    q.last = end - NGX_COMET_QUIET_SPARE;
    q.state = scan->state;
    q.depth = scan->depth;
    q.object = ngx_comet_quiet_object(scan, scan->depth);

    for ( /* void */ ; /* void */ ; p = next) {
        p = ngx_comet_quiet_space(p, q.last);

        if (p >= q.last) {
            break;
        }

        next = ngx_comet_quiet_step(&q, p);

        if (next == NULL) {
            break;
        }
    }

    scan->state = q.state;
    scan->depth = q.depth;

    return p;
}
