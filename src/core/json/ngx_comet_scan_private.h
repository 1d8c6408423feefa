/*
 * What the files of the scanner share.
 *
 * The functions that take p return where to go on, or NULL if the status is
 * no longer NGX_COMET_SCAN_OK.
 */


#ifndef _NGX_COMET_SCAN_PRIVATE_H_INCLUDED_
#define _NGX_COMET_SCAN_PRIVATE_H_INCLUDED_


#include "ngx_comet_scan.h"


/* where the scanner stands */

enum {
    NGX_COMET_AT_START,
    NGX_COMET_AT_VALUE,
    NGX_COMET_AT_ELEMENT,          /* the first one, or "]" */
    NGX_COMET_AT_MEMBER,           /* the first one, or "}" */
    NGX_COMET_AT_NAME,
    NGX_COMET_AT_COLON,
    NGX_COMET_AT_COMMA,            /* or a closing bracket */
    NGX_COMET_AT_END,
    NGX_COMET_IN_STRING,
    NGX_COMET_IN_NUMBER,
    NGX_COMET_IN_LITERAL
};


enum {
    NGX_COMET_LITERAL_TRUE,
    NGX_COMET_LITERAL_FALSE,
    NGX_COMET_LITERAL_NULL,
    NGX_COMET_LITERAL_NAN,
    NGX_COMET_LITERAL_INFINITY,
    NGX_COMET_LITERAL_MINUS_INFINITY
};


/* why it keeps quiet */

enum {
    NGX_COMET_LOUD,
    NGX_COMET_QUIET_VALUE,
    NGX_COMET_QUIET_RAW,
    NGX_COMET_QUIET_REST
};


static inline uint64_t
ngx_comet_scan_offset(const ngx_comet_scan_t *scan, const unsigned char *p)
{
    return scan->base + (uint64_t) (p - scan->piece);
}


static inline int
ngx_comet_scan_bit(const ngx_comet_scan_t *scan, const uint64_t *bits)
{
    return bits[(scan->depth - 1) / 64] >> (scan->depth - 1) % 64 & 1;
}


static inline int
ngx_comet_scan_call(ngx_comet_scan_t *scan, ngx_comet_token_t *token)
{
    int  ask;

    token->depth = scan->depth;

    ask = scan->handler(scan->data, token);

    if (ask < 0) {
        scan->status = NGX_COMET_SCAN_STOPPED;
    }

    if (ask == NGX_COMET_SCAN_REST) {
        scan->quiet = NGX_COMET_QUIET_REST;
        scan->loud_depth = token->depth - 1;
        return NGX_COMET_SCAN_ON;
    }

    return ask;
}


/* events */

const unsigned char *ngx_comet_scan_fail(ngx_comet_scan_t *scan,
    const unsigned char *p, ngx_comet_scan_e error);
const unsigned char *ngx_comet_scan_quiet_value(ngx_comet_scan_t *scan,
    const unsigned char *p, ngx_comet_token_t *token);
void ngx_comet_scan_quiet_begin(ngx_comet_scan_t *scan,
    const unsigned char *p, int ask);
void ngx_comet_scan_raw_copy(ngx_comet_scan_t *scan, const unsigned char *p);

/* as far as it gets, maybe nowhere */

const unsigned char *ngx_comet_scan_quiet(ngx_comet_scan_t *scan,
    const unsigned char *p, const unsigned char *end);

/* opens a container inside of the one that is open */

static inline void
ngx_comet_scan_deeper(ngx_comet_scan_t *scan, ngx_comet_token_e type,
    unsigned text)
{
    unsigned  i;
    uint64_t  bit;

    i = scan->depth / 64;
    bit = (uint64_t) 1 << scan->depth % 64;

    scan->depth++;

    if (type == NGX_COMET_OBJECT) {
        scan->objects[i] |= bit;

    } else {
        scan->objects[i] &= ~bit;
    }

    if (text) {
        scan->texts[i] |= bit;

    } else {
        scan->texts[i] &= ~bit;
    }
}


/* how an object is spelled as usual, and where its value is, or NULL */

const ngx_comet_head_t *ngx_comet_scan_usual_head(const ngx_comet_scan_t *scan,
    const unsigned char *p, const unsigned char *end,
    const unsigned char **value);
const unsigned char *ngx_comet_scan_usual_object(ngx_comet_scan_t *scan,
    const ngx_comet_head_t *head, const unsigned char *value,
    const unsigned char *end);

/* whether it may be, at little cost; only then its head may be asked for */

static inline int
ngx_comet_scan_is_usual(const ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    return scan->usual && end - p > 16
           && (scan->usual->tenth & ngx_comet_usual_bit(p[9]))
           && memcmp(p, scan->usual->heads->text, 8) == 0;
}


/* scalars: each is begun once and gone on with behind a cut */

const unsigned char *ngx_comet_scan_string(ngx_comet_scan_t *scan,
    const unsigned char *p, const unsigned char *end);
const unsigned char *ngx_comet_scan_number_begin(ngx_comet_scan_t *scan,
    const unsigned char *p, const unsigned char *end);
const unsigned char *ngx_comet_scan_number(ngx_comet_scan_t *scan,
    const unsigned char *p, const unsigned char *end);
ngx_comet_text_e ngx_comet_scan_element(const ngx_comet_scan_t *scan,
    const unsigned char **pp, const unsigned char *end);
const char *ngx_comet_scan_scalar_rest(const ngx_comet_scan_t *scan);
int ngx_comet_scan_number_finish(ngx_comet_scan_t *scan);
const unsigned char *ngx_comet_scan_literal_begin(ngx_comet_scan_t *scan,
    const unsigned char *p, const unsigned char *end, unsigned literal);
const unsigned char *ngx_comet_scan_literal(ngx_comet_scan_t *scan,
    const unsigned char *p, const unsigned char *end);


/* the value, a scalar or the end of a container, ends at p */

static inline const unsigned char *
ngx_comet_scan_value_end(ngx_comet_scan_t *scan, const unsigned char *p,
    ngx_comet_token_e type, const char *text)
{
    ngx_comet_token_t  token;

    scan->state = scan->depth ? NGX_COMET_AT_COMMA : NGX_COMET_AT_END;

    token.type = type;
    token.start = scan->start;
    token.end = ngx_comet_scan_offset(scan, p);
    token.text = text;
    token.len = text ? scan->len : 0;
    token.cut = text ? scan->cut : 0;

    if (scan->quiet) {
        return ngx_comet_scan_quiet_value(scan, p, &token);
    }

    return ngx_comet_scan_call(scan, &token) < 0 ? NULL : p;
}


/* p is behind the closing quote */

static inline const unsigned char *
ngx_comet_scan_name_end(ngx_comet_scan_t *scan, const unsigned char *p)
{
    ngx_comet_token_t  token;

    scan->state = NGX_COMET_AT_COLON;

    if (scan->quiet) {
        return p;
    }

    token.type = NGX_COMET_NAME;
    token.start = scan->start;
    token.end = ngx_comet_scan_offset(scan, p);
    token.text = scan->text;
    token.len = scan->len;
    token.cut = scan->cut;

    scan->ask = ngx_comet_scan_call(scan, &token);

    return scan->ask < 0 ? NULL : p;
}


#endif /* _NGX_COMET_SCAN_PRIVATE_H_INCLUDED_ */
