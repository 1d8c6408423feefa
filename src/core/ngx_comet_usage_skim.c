/*
 * Reads an event, or a plain body, that lies in one piece and is as it should
 * be, with far less work than the scanner has.  What is not is left to that,
 * from its start.
 */


#include "ngx_comet_skim.h"
#include "ngx_comet_usage_private.h"

#include <string.h>


#define NGX_COMET_USAGE_NAME  64


typedef struct {
    ngx_comet_usage_t    *usage;
    const unsigned char  *from;
    const unsigned char  *end;
    unsigned              depth;
} ngx_comet_usage_skim_t;


static const unsigned char *ngx_comet_usage_skim_value(
    ngx_comet_usage_skim_t *skim, const unsigned char *p, int ask);


static int
ngx_comet_usage_skim_token(ngx_comet_usage_skim_t *skim,
    ngx_comet_token_t *token, ngx_comet_token_e type, const unsigned char *p,
    const unsigned char *end)
{
    token->type = type;
    token->depth = skim->depth;
    token->start = (uint64_t) (p - skim->from);
    token->end = (uint64_t) (end - skim->from);

    return ngx_comet_usage_token(skim->usage, token);
}


/* a name, to the value behind it; *ask is what it is read for */

static const unsigned char *
ngx_comet_usage_skim_name(ngx_comet_usage_skim_t *skim,
    const unsigned char *p, int *ask)
{
    char                  room[NGX_COMET_USAGE_NAME];
    ngx_comet_token_t     token;
    const unsigned char  *from, *end, *plain;

    end = skim->end;

    if (p == end || *p != '"') {
        return NULL;
    }

    from = p + 1;
    p = ngx_comet_skim_string(from, end, &plain);

    if (p == NULL) {
        return NULL;
    }

    token.text = (const char *) from;
    token.len = (size_t) (p - from);
    token.cut = 0;

    if (p != plain && memchr(plain, '\\', (size_t) (p - plain))) {
        token.text = room;
        token.len = ngx_comet_text_unescape(room, sizeof(room), from, p,
                                            &token.cut);
    }

    token.depth = skim->depth;
    *ask = ngx_comet_usage_name(skim->usage, &token);

    p = ngx_comet_skim_space(p + 1, end);

    return p != end && *p == ':' ? ngx_comet_skim_space(p + 1, end) : NULL;
}


static const unsigned char *
ngx_comet_usage_skim_object(ngx_comet_usage_skim_t *skim,
    const unsigned char *p)
{
    int                   ask;
    const unsigned char  *end;

    end = skim->end;
    p = ngx_comet_skim_space(p, end);

    if (p != end && *p == '}') {
        return p + 1;
    }

    for ( ;; ) {

        p = ngx_comet_usage_skim_name(skim, p, &ask);

        if (p == NULL || p == end) {
            return NULL;
        }

        p = ask == NGX_COMET_SCAN_SKIP
            ? ngx_comet_skim_value(p, end)
            : ngx_comet_usage_skim_value(skim, p, ask);

        if (p == NULL) {
            return NULL;
        }

        p = ngx_comet_skim_space(p, end);

        if (p == end || *p != ',') {
            return p != end && *p == '}' ? p + 1 : NULL;
        }

        p = ngx_comet_skim_space(p + 1, end);
    }
}


static const unsigned char *
ngx_comet_usage_skim_array(ngx_comet_usage_skim_t *skim,
    const unsigned char *p)
{
    const unsigned char  *end;

    end = skim->end;
    p = ngx_comet_skim_space(p, end);

    if (p != end && *p == ']') {
        return p + 1;
    }

    for ( ;; ) {

        if (p == end) {
            return NULL;
        }

        p = ngx_comet_usage_skim_value(skim, p, NGX_COMET_SCAN_ON);

        if (p == NULL) {
            return NULL;
        }

        p = ngx_comet_skim_space(p, end);

        if (p == end || *p != ',') {
            return p != end && *p == ']' ? p + 1 : NULL;
        }

        p = ngx_comet_skim_space(p + 1, end);
    }
}


static const unsigned char *
ngx_comet_usage_skim_container(ngx_comet_usage_skim_t *skim,
    const unsigned char *p)
{
    int                object;
    ngx_comet_token_t  token;

    object = (*p == '{');

    if (ngx_comet_usage_skim_token(skim, &token, object ? NGX_COMET_OBJECT
                                                        : NGX_COMET_ARRAY,
                                   p, p + 1)
        == NGX_COMET_SCAN_SKIP)
    {
        return ngx_comet_skim_value(p, skim->end);
    }

    skim->depth++;

    p = object ? ngx_comet_usage_skim_object(skim, p + 1)
               : ngx_comet_usage_skim_array(skim, p + 1);

    skim->depth--;

    return p;
}


static void
ngx_comet_usage_skim_escaped(ngx_comet_usage_skim_t *skim,
    const unsigned char *p, const unsigned char *end)
{
    char               room[NGX_COMET_TEXT_MAX];
    ngx_comet_token_t  token;

    token.cut = 0;
    token.text = room;
    token.len = ngx_comet_text_unescape(room, sizeof(room), p + 1, end,
                                        &token.cut);

    (void) ngx_comet_usage_skim_token(skim, &token, NGX_COMET_STRING, p,
                                      end + 1);
}


static const unsigned char *
ngx_comet_usage_skim_string(ngx_comet_usage_skim_t *skim,
    const unsigned char *from, int ask)
{
    ngx_comet_token_t     token;
    const unsigned char  *p, *plain;

    p = ngx_comet_skim_string(from + 1, skim->end, &plain);

    if (p == NULL) {
        return NULL;
    }

    if (ask == NGX_COMET_SCAN_TEXT && p != plain
        && memchr(plain, '\\', (size_t) (p - plain)))
    {
        ngx_comet_usage_skim_escaped(skim, from, p);
        return p + 1;
    }

    token.text = ask == NGX_COMET_SCAN_TEXT ? (const char *) from + 1 : NULL;
    token.len = token.text ? (size_t) (p - from - 1) : 0;
    token.cut = token.len > NGX_COMET_TEXT_MAX;

    (void) ngx_comet_usage_skim_token(skim, &token, NGX_COMET_STRING, from,
                                      p + 1);

    return p + 1;
}


static const unsigned char *
ngx_comet_usage_skim_value(ngx_comet_usage_skim_t *skim,
    const unsigned char *p, int ask)
{
    ngx_comet_token_t     token;
    ngx_comet_token_e     type;
    const unsigned char  *from;

    from = p;

    switch (*p) {

    case '"':
        return ngx_comet_usage_skim_string(skim, p, ask);

    case '{':
    case '[':
        return ngx_comet_usage_skim_container(skim, p);

    case 't':
        type = NGX_COMET_TRUE;
        break;

    case 'f':
        type = NGX_COMET_FALSE;
        break;

    case 'n':
        type = NGX_COMET_NULL;
        break;

    default:
        type = NGX_COMET_NUMBER;
    }

    p = type == NGX_COMET_NUMBER ? ngx_comet_skim_number(p, skim->end)
                                 : ngx_comet_skim_literal(p, skim->end);

    if (p == NULL) {
        return NULL;
    }

    token.text = (const char *) from;
    token.len = (size_t) (p - from);
    token.cut = 0;

    (void) ngx_comet_usage_skim_token(skim, &token, type, from, p);

    return p;
}


/* the object at p, and white space to the end: whether it is that */

static int
ngx_comet_usage_skim(ngx_comet_usage_t *usage, const unsigned char *from,
    const unsigned char *p, const unsigned char *end)
{
    uint64_t                sequence;
    ngx_comet_usage_skim_t  skim;

    sequence = usage->sequence;

    skim.usage = usage;
    skim.from = from;
    skim.end = end;
    skim.depth = 0;

    usage->base = 0;

    p = ngx_comet_usage_skim_container(&skim, p);

    if (p && ngx_comet_skim_space(p, end) == end) {
        return 1;
    }

    usage->sequence = sequence;
    ngx_comet_usage_undo(usage);

    return 0;
}


int
ngx_comet_usage_skim_body(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len)
{
    const unsigned char  *end, *last;

    end = p + len;
    p = ngx_comet_skim_space(p, end);

    /* the object ends with the piece, or it ends in another one */

    for (last = end; last != p && last[-1] <= ' '; last--) { /* void */ }

    if (p == end || *p != '{' || last[-1] != '}') {
        return 0;
    }

    return ngx_comet_usage_skim(usage, p, p, end);
}


/* behind the end of a line that begins at p, or the end */

static const unsigned char *
ngx_comet_usage_skim_next(const unsigned char *p, const unsigned char *end)
{
    if (*p == '\r' && p + 1 != end && p[1] == '\n') {
        p++;
    }

    return p + 1;
}


size_t
ngx_comet_usage_skim_event(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len)
{
    ngx_comet_sse_t      *sse;
    const unsigned char  *from, *end, *to, *next, *start;

    from = p;
    end = p + len;
    start = NULL;

    for ( ;; ) {

        to = ngx_comet_sse_line_end(p, end);

        if (to == end || to == p) {
            return 0;
        }

        next = ngx_comet_usage_skim_next(to, end);

        if (start == NULL && *p != ':') {
            start = p;
        }

        if (*p == 'd') {
            break;
        }

        p = next;
    }

    /* the line of data must be the last one of the event */

    if (next == end || (*next != '\n' && *next != '\r')
        || to - p < 7 || memcmp(p, "data:", 5) != 0)
    {
        return 0;
    }

    p += p[5] == ' ' ? 6 : 5;

    if (*p != '{' || !ngx_comet_usage_skim(usage, from, p, to)) {
        return 0;
    }

    sse = &usage->sse;

    sse->start = sse->offset + (uint64_t) (start - from);
    sse->lines = 1;

    ngx_comet_sse_skip(sse, from, (size_t) (next + 1 - from));

    return (size_t) (next + 1 - from);
}
