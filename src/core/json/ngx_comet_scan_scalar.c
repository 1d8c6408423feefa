#include "ngx_comet_grammar.h"
#include "ngx_comet_scan_private.h"

#include <string.h>


static void
ngx_comet_scan_number_keep(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    size_t  n;

    if (scan->quiet) {
        return;
    }

    n = (size_t) (end - p);

    if (n > NGX_COMET_NUMBER_MAX - scan->len) {
        n = NGX_COMET_NUMBER_MAX - scan->len;
        scan->cut = 1;
    }

    memcpy(scan->text + scan->len, p, n);
    scan->len += n;
}


static const unsigned char *
ngx_comet_scan_number_end(ngx_comet_scan_t *scan, const unsigned char *p)
{
    scan->text[scan->len] = '\0';

    return ngx_comet_scan_value_end(scan, p, NGX_COMET_NUMBER, scan->text);
}


/* p is behind the sign */

static const unsigned char *
ngx_comet_scan_infinity(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    scan->state = NGX_COMET_IN_LITERAL;
    scan->literal = NGX_COMET_LITERAL_MINUS_INFINITY;
    scan->matched = 1;

    return ngx_comet_scan_literal(scan, p, end);
}


const unsigned char *
ngx_comet_scan_number(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    const unsigned char  *from;

    from = p;
    p = ngx_comet_number_go(&scan->number, from, end);

    switch (scan->number) {

    case NGX_COMET_NUMBER_OVER:
        ngx_comet_scan_number_keep(scan, from, p);
        return ngx_comet_scan_number_end(scan, p);

    case NGX_COMET_NUMBER_INFINITE:
        if (scan->lenient) {
            return ngx_comet_scan_infinity(scan, p, end);
        }

        /* fall through */

    case NGX_COMET_NUMBER_BAD:
        return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_BAD_NUMBER);
    }

    ngx_comet_scan_number_keep(scan, from, p);

    return p;
}


const unsigned char *
ngx_comet_scan_number_begin(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    const unsigned char  *last;

    scan->state = NGX_COMET_IN_NUMBER;
    scan->number = NGX_COMET_NUMBER_START;
    scan->len = 0;
    scan->cut = 0;

    last = ngx_comet_number_whole(p, end);

    if (last) {
        ngx_comet_scan_number_keep(scan, p, last);
        return ngx_comet_scan_number_end(scan, last);
    }

    return ngx_comet_scan_number(scan, p, end);
}


/* a number at the top has no end of its own; returns 0 if it is not whole */

int
ngx_comet_scan_number_finish(ngx_comet_scan_t *scan)
{
    if (scan->depth || scan->number < NGX_COMET_NUMBER_ZERO) {
        return 0;
    }

    (void) ngx_comet_scan_number_end(scan, scan->piece);

    return 1;
}


static const struct {
    const char           *text;
    ngx_comet_token_e     type;
} ngx_comet_scan_literals[] = {
    [NGX_COMET_LITERAL_TRUE] = { "true", NGX_COMET_TRUE },
    [NGX_COMET_LITERAL_FALSE] = { "false", NGX_COMET_FALSE },
    [NGX_COMET_LITERAL_NULL] = { "null", NGX_COMET_NULL },

    /* to lenient readers only */

    [NGX_COMET_LITERAL_NAN] = { "NaN", NGX_COMET_NUMBER },
    [NGX_COMET_LITERAL_INFINITY] = { "Infinity", NGX_COMET_NUMBER },
    [NGX_COMET_LITERAL_MINUS_INFINITY] = { "-Infinity", NGX_COMET_NUMBER }
};


static const unsigned char *
ngx_comet_scan_string_fail(ngx_comet_scan_t *scan, const unsigned char *p,
    ngx_comet_text_e rc)
{
    switch (rc) {

    case NGX_COMET_TEXT_CONTROL:
        return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_BAD_CONTROL);

    case NGX_COMET_TEXT_UTF8:
        return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_BAD_UTF8);

    case NGX_COMET_TEXT_ESCAPE:
        return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_BAD_ESCAPE);

    default: /* NGX_COMET_TEXT_SURROGATE */
        return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_BAD_SURROGATE);
    }
}


static void
ngx_comet_scan_string_keep(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    if (scan->keep && !scan->cut) {
        scan->len += ngx_comet_text_unescape(scan->text + scan->len,
                                             NGX_COMET_TEXT_MAX - scan->len,
                                             p, end, &scan->cut);
    }
}


static const unsigned char *
ngx_comet_scan_string_end(ngx_comet_scan_t *scan, const unsigned char *p)
{
    if (!scan->keep) {
        return scan->name ? ngx_comet_scan_name_end(scan, p)
                          : ngx_comet_scan_value_end(scan, p,
                                                     NGX_COMET_STRING, NULL);
    }

    scan->text[scan->len] = '\0';

    return scan->name ? ngx_comet_scan_name_end(scan, p)
                      : ngx_comet_scan_value_end(scan, p, NGX_COMET_STRING,
                                                 scan->text);
}


ngx_comet_text_e
ngx_comet_scan_element(const ngx_comet_scan_t *scan,
    const unsigned char **pp, const unsigned char *end)
{
    return scan->lenient ? ngx_comet_text_lenient(pp, end)
                         : ngx_comet_text_element(pp, end);
}


static void
ngx_comet_scan_string_replaced(ngx_comet_scan_t *scan)
{
    static const unsigned char  replacement[] = { 0xef, 0xbf, 0xbd };

    ngx_comet_scan_string_keep(scan, replacement,
                               replacement + sizeof(replacement));
}


/*
 * Goes on with the element that the last cut has divided.  That there is one to
 * replace may be told by a byte behind it: then this one is looked at again,
 * behind what of an escape has come before it.
 */

static const unsigned char *
ngx_comet_scan_string_part(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    ngx_comet_text_e      rc;
    const unsigned char  *part;

    while (p != end) {
        scan->part[scan->part_len++] = *p;

        part = scan->part;
        rc = ngx_comet_scan_element(scan, &part, scan->part + scan->part_len);

        if (rc == NGX_COMET_TEXT_WHOLE) {
            ngx_comet_scan_string_keep(scan, scan->part, part);
            scan->part_len = 0;
            return p + 1;
        }

        if (rc == NGX_COMET_TEXT_REPLACED) {
            ngx_comet_scan_string_replaced(scan);
            scan->part_len -= (unsigned) (part - scan->part);

            if (scan->part_len == 0) {
                return p + 1;
            }

            scan->part_len--;
            memmove(scan->part, part, scan->part_len);

            if (scan->part_len == 0) {
                return p;
            }

            continue;
        }

        if (rc != NGX_COMET_TEXT_PART) {
            return ngx_comet_scan_string_fail(scan, p, rc);
        }

        p++;
    }

    return p;
}


const unsigned char *
ngx_comet_scan_string(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    ngx_comet_text_e      rc;
    const unsigned char  *from;

    if (scan->part_len) {
        p = ngx_comet_scan_string_part(scan, p, end);

        if (p == NULL || p == end) {
            return p;
        }
    }

    for ( ;; ) {

        from = p;
        p = ngx_comet_text_run(p, end);

        ngx_comet_scan_string_keep(scan, from, p);

        if (p == end) {
            return p;
        }

        if (*p == '"') {
            return ngx_comet_scan_string_end(scan, p + 1);
        }

        from = p;
        rc = ngx_comet_scan_element(scan, &p, end);

        if (rc != NGX_COMET_TEXT_REPLACED) {
            break;
        }

        ngx_comet_scan_string_replaced(scan);
    }

    if (rc != NGX_COMET_TEXT_PART) {
        return ngx_comet_scan_string_fail(scan, p, rc);
    }

    scan->part_len = (unsigned) (end - from);
    memcpy(scan->part, from, scan->part_len);

    return end;
}


const unsigned char *
ngx_comet_scan_literal(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    const char         *text;
    ngx_comet_token_e   type;

    text = ngx_comet_scan_literals[scan->literal].text;

    while (text[scan->matched]) {

        if (p == end) {
            return p;
        }

        if (*p != (unsigned char) text[scan->matched]) {
            return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_BAD_LITERAL);
        }

        p++;
        scan->matched++;
    }

    type = ngx_comet_scan_literals[scan->literal].type;

    if (type != NGX_COMET_NUMBER) {
        return ngx_comet_scan_value_end(scan, p, type, NULL);
    }

    scan->len = scan->matched;
    scan->cut = 0;

    return ngx_comet_scan_value_end(scan, p, type, text);
}


const unsigned char *
ngx_comet_scan_literal_begin(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end, unsigned literal)
{
    scan->state = NGX_COMET_IN_LITERAL;
    scan->literal = literal;
    scan->matched = 0;

    return ngx_comet_scan_literal(scan, p, end);
}


/* what a number or a literal lacks */

const char *
ngx_comet_scan_scalar_rest(const ngx_comet_scan_t *scan)
{
    if (scan->state == NGX_COMET_IN_NUMBER) {
        return scan->number < NGX_COMET_NUMBER_ZERO ? "0" : "";
    }

    return ngx_comet_scan_literals[scan->literal].text + scan->matched;
}
