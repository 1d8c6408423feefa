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
    ngx_comet_token_t     token;
} ngx_comet_usage_skim_t;


static const unsigned char *ngx_comet_usage_skim_container(
    ngx_comet_usage_skim_t *skim, const unsigned char *p);


static inline ngx_comet_token_t *
ngx_comet_usage_skim_token(ngx_comet_usage_skim_t *skim,
    ngx_comet_token_e type, const unsigned char *p, const unsigned char *end)
{
    skim->token.type = type;
    skim->token.start = (uint64_t) (p - skim->from);
    skim->token.end = (uint64_t) (end - skim->from);
    skim->token.cut = 0;

    return &skim->token;
}


/* what the text from p to end is with escapes, if it has some from rest on */

static void
ngx_comet_usage_skim_escaped(ngx_comet_token_t *token, char *room,
    size_t size, const unsigned char *p, const unsigned char *end,
    const unsigned char *rest)
{
    if (memchr(rest, '\\', (size_t) (end - rest))) {
        token->text = room;
        token->cut = 0;
        token->len = ngx_comet_text_unescape(room, size, p, end, &token->cut);
    }
}


/* a name and its colon, to the value; *ask is what the value is read for */

static inline const unsigned char *
ngx_comet_usage_skim_name(ngx_comet_usage_skim_t *skim,
    const unsigned char *p, int *ask)
{
    char                  room[NGX_COMET_USAGE_NAME];
    ngx_comet_token_t    *token;
    const unsigned char  *from, *rest;

    if (*p != '"') {
        return NULL;
    }

    from = p + 1;
    p = ngx_comet_skim_string(from, skim->end, &rest);

    if (p == NULL) {
        return NULL;
    }

    token = &skim->token;
    token->text = (const char *) from;
    token->len = (size_t) (p - from);

    if (p != rest) {
        ngx_comet_usage_skim_escaped(token, room, sizeof(room), from, p, rest);
    }

    *ask = ngx_comet_usage_name(skim->usage, token);

    return ngx_comet_skim_colon(p);
}


/* a text of more than there is room for counts as it is written */

static void
ngx_comet_usage_skim_text(ngx_comet_usage_skim_t *skim,
    const unsigned char *p, const unsigned char *end,
    const unsigned char *rest)
{
    char  room[NGX_COMET_TEXT_MAX];

    ngx_comet_usage_skim_escaped(&skim->token, room, sizeof(room), p, end,
                                 rest);
    (void) ngx_comet_usage_value(skim->usage, &skim->token);
}


static inline const unsigned char *
ngx_comet_usage_skim_string(ngx_comet_usage_skim_t *skim,
    const unsigned char *from, int ask)
{
    ngx_comet_token_t    *token;
    const unsigned char  *p, *rest;

    p = ngx_comet_skim_string(from + 1, skim->end, &rest);

    if (p == NULL || ask == NGX_COMET_SCAN_SKIP) {
        return p ? p + 1 : NULL;
    }

    token = ngx_comet_usage_skim_token(skim, NGX_COMET_STRING, from, p + 1);
    token->text = (const char *) from + 1;
    token->len = (size_t) (p - from - 1);

    /* the scanner would not keep more */

    token->cut = (token->len > NGX_COMET_TEXT_MAX);

    if (p != rest && ask == NGX_COMET_SCAN_TEXT) {
        ngx_comet_usage_skim_text(skim, from + 1, p, rest);

    } else {
        (void) ngx_comet_usage_value(skim->usage, token);
    }

    return p + 1;
}


/* a number or a literal; true is as good as false */

static inline const unsigned char *
ngx_comet_usage_skim_plain(ngx_comet_usage_skim_t *skim,
    const unsigned char *from)
{
    ngx_comet_token_e     type;
    ngx_comet_token_t    *token;
    const unsigned char  *p;

    if (*from <= '9') {
        type = NGX_COMET_NUMBER;
        p = ngx_comet_number_whole(from, skim->end);

    } else {
        type = *from == 'n' ? NGX_COMET_NULL : NGX_COMET_TRUE;
        p = ngx_comet_literal_whole(from, skim->end);
    }

    if (p) {
        token = ngx_comet_usage_skim_token(skim, type, from, p);
        token->text = (const char *) from;
        token->len = (size_t) (p - from);

        (void) (type == NGX_COMET_NULL
                ? ngx_comet_usage_token(skim->usage, token)
                : ngx_comet_usage_value(skim->usage, token));
    }

    return p;
}


/* the value of a member */

static inline const unsigned char *
ngx_comet_usage_skim_value(ngx_comet_usage_skim_t *skim,
    const unsigned char *p, int ask)
{
    if (*p == '"') {
        return ngx_comet_usage_skim_string(skim, p, ask);
    }

    if (ask == NGX_COMET_SCAN_SKIP) {
        return ngx_comet_skim_value(p, skim->end);
    }

    if (*p == '{' || *p == '[') {
        return ngx_comet_usage_skim_container(skim, p);
    }

    return ngx_comet_usage_skim_plain(skim, p);
}


/* of a value that is no container it counts that it is there */

static inline const unsigned char *
ngx_comet_usage_skim_element(ngx_comet_usage_skim_t *skim,
    const unsigned char *p)
{
    if (*p == '{' || *p == '[') {
        return ngx_comet_usage_skim_container(skim, p);
    }

    (void) ngx_comet_usage_token(skim->usage,
                   ngx_comet_usage_skim_token(skim, NGX_COMET_STRING, p, p));

    return ngx_comet_skim_value(p, skim->end);
}


static inline const unsigned char *
ngx_comet_usage_skim_member(ngx_comet_usage_skim_t *skim,
    const unsigned char *p)
{
    int  ask;

    p = ngx_comet_usage_skim_name(skim, p, &ask);

    return p ? ngx_comet_usage_skim_value(skim, p, ask) : NULL;
}


/* what is in a container that closes so; p is behind its opening bracket */

static const unsigned char *
ngx_comet_usage_skim_inside(ngx_comet_usage_skim_t *skim,
    const unsigned char *p, unsigned char close)
{
    p = ngx_comet_skim_space(p);

    if (*p == close) {
        return p + 1;
    }

    for ( ;; ) {

        p = close == '}' ? ngx_comet_usage_skim_member(skim, p)
                         : ngx_comet_usage_skim_element(skim, p);

        if (p == NULL || p == skim->end) {
            return NULL;
        }

        if (*p == ',' && p[1] > ' ') {
            p++;
            continue;
        }

        p = ngx_comet_skim_space(p);

        if (*p != ',') {
            return *p == close ? p + 1 : NULL;
        }

        p = ngx_comet_skim_space(p + 1);
    }
}


static const unsigned char *
ngx_comet_usage_skim_container(ngx_comet_usage_skim_t *skim,
    const unsigned char *p)
{
    ngx_comet_token_t  *token;

    token = ngx_comet_usage_skim_token(skim, *p == '{' ? NGX_COMET_OBJECT
                                                       : NGX_COMET_ARRAY,
                                       p, p + 1);

    if (ngx_comet_usage_token(skim->usage, token) == NGX_COMET_SCAN_SKIP) {
        return ngx_comet_skim_value(p, skim->end);
    }

    token->depth++;
    p = ngx_comet_usage_skim_inside(skim, p + 1, *p == '{' ? '}' : ']');
    token->depth--;

    return p;
}


/* whether there is an object from p to end, and no more but white space */

static int
ngx_comet_usage_skim(ngx_comet_usage_t *usage, const unsigned char *from,
    const unsigned char *p, const unsigned char *end)
{
    uint64_t                sequence;
    ngx_comet_usage_skim_t  skim;

    while (end != p && end[-1] <= ' ' && ngx_comet_is_space(end[-1])) {
        end--;
    }

    /* if it ends elsewhere there is no need to look */

    if (p == end || *p != '{' || end[-1] != '}') {
        return 0;
    }

    sequence = usage->sequence;

    skim.usage = usage;
    skim.from = from;
    skim.end = end;
    skim.token.depth = 0;

    usage->read->base = 0;

    if (ngx_comet_usage_skim_container(&skim, p) == end) {
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
    const unsigned char  *end;

    for (end = p + len; p != end && ngx_comet_is_space(*p); p++) {
        /* void */
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

    if (!ngx_comet_usage_skim(usage, from, p, to)) {
        return 0;
    }

    sse = &usage->sse;

    sse->start = sse->offset + (uint64_t) (start - from);
    sse->lines = 1;

    ngx_comet_sse_skip(sse, from, (size_t) (next + 1 - from));

    return (size_t) (next + 1 - from);
}
