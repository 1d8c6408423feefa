/*
 * Takes objects that are spelled as usual in one step, or in one step as far as
 * they are.  No byte of their string is looked at twice.
 */


#include "ngx_comet_scan_private.h"

#include <string.h>


#define NGX_COMET_USUAL_PLAIN  32
#define NGX_COMET_USUAL_SHORT  64


/* behind the string at p and what follows it, or NULL */

static const unsigned char *
ngx_comet_usual_then(const ngx_comet_head_t *head, const unsigned char *p,
    const unsigned char *end)
{
    if (*p != '"'
        || (size_t) (end - p) <= NGX_COMET_USUAL_SHORT + 2 + head->then_len)
    {
        return NULL;
    }

    p = ngx_comet_text_plain(p + 1, p + 1 + NGX_COMET_USUAL_SHORT);

    return *p == '"' && memcmp(p + 1, head->then, head->then_len) == 0
           ? p + 1 + head->then_len : NULL;
}


/* more than 16 bytes are there, and the first 8 are the same */

const ngx_comet_head_t *
ngx_comet_scan_usual_head(const ngx_comet_scan_t *scan,
    const unsigned char *p, const unsigned char *end,
    const unsigned char **value)
{
    size_t                   len;
    const ngx_comet_head_t  *head;

    if (scan->depth == scan->max_depth) {
        return NULL;
    }

    for (head = scan->usual->heads; head->len; head++) {
        len = head->len;

        if (memcmp(p + 8, head->text + 8, 8) != 0
            || (size_t) (end - p) <= len
            || memcmp(p + len - 8, head->text + len - 8, 8) != 0
            || memcmp(p + 16, head->text + 16, len - 16) != 0)
        {
            continue;
        }

        *value = head->then_len ? ngx_comet_usual_then(head, p + len, end)
                                : p + len;

        if (*value) {
            return head;
        }
    }

    return NULL;
}


/* to where the scanner of strings would get */

static inline const unsigned char *
ngx_comet_usual_text(const unsigned char *p, const unsigned char *end)
{
    if (end - p > NGX_COMET_USUAL_PLAIN) {
        p = ngx_comet_text_plain(p, p + NGX_COMET_USUAL_PLAIN);

        if (*p == '"') {
            return p;
        }
    }

    return ngx_comet_text_run(p, end);
}


static inline int
ngx_comet_usual_call(ngx_comet_scan_t *scan, const ngx_comet_head_t *head,
    ngx_comet_token_e type, const unsigned char *p)
{
    ngx_comet_token_t  token;

    token.type = type;
    token.start = scan->start;
    token.end = ngx_comet_scan_offset(scan, p);
    token.text = NULL;
    token.len = head->kind;
    token.cut = 0;

    return ngx_comet_scan_call(scan, &token);
}


/* a string at p that is good up to last */

static const unsigned char *
ngx_comet_usual_string(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *last, const unsigned char *end)
{
    scan->start = ngx_comet_scan_offset(scan, p);

    if (scan->ask == NGX_COMET_SCAN_SKIP) {
        ngx_comet_scan_quiet_begin(scan, p, scan->ask);
    }

    scan->ask = NGX_COMET_SCAN_ON;
    scan->state = NGX_COMET_IN_STRING;
    scan->name = 0;
    scan->keep = 0;
    scan->cut = 0;
    scan->len = 0;

    return ngx_comet_scan_string(scan, last, end);
}


const unsigned char *
ngx_comet_scan_usual_object(ngx_comet_scan_t *scan,
    const ngx_comet_head_t *head, const unsigned char *value,
    const unsigned char *end)
{
    const unsigned char  *p, *last;

    last = NULL;

    if (*value == '"') {
        last = ngx_comet_usual_text(value + 1, end);

        if (end - last >= 2 && last[0] == '"' && last[1] == '}'
            && !head->open)
        {
            scan->state = NGX_COMET_AT_COMMA;
            p = last + 2;

            return ngx_comet_usual_call(scan, head, NGX_COMET_USUAL, p) < 0
                   ? NULL : p;
        }
    }

    scan->ask = ngx_comet_usual_call(scan, head, NGX_COMET_USUAL_HEAD, value);

    if (scan->ask < 0) {
        return NULL;
    }

    scan->state = NGX_COMET_AT_VALUE;
    ngx_comet_scan_deeper(scan, NGX_COMET_OBJECT, 0);

    if (last && (scan->ask == NGX_COMET_SCAN_ON
                 || scan->ask == NGX_COMET_SCAN_SKIP))
    {
        return ngx_comet_usual_string(scan, value, last, end);
    }

    return value;
}
