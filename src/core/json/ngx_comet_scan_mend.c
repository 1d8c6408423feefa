/*
 * What must follow a JSON text that was cut off, to make it whole.
 */


#include "ngx_comet_scan_private.h"

#include <string.h>


int
ngx_comet_scan_between(const ngx_comet_scan_t *scan)
{
    return scan->state < NGX_COMET_IN_STRING;
}


static int
ngx_comet_scan_mended(const ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    ngx_comet_text_e  rc;

    do {
        rc = ngx_comet_scan_element(scan, &p, end);

    } while (p != end && (rc == NGX_COMET_TEXT_WHOLE
                          || rc == NGX_COMET_TEXT_REPLACED));

    return rc == NGX_COMET_TEXT_WHOLE || rc == NGX_COMET_TEXT_REPLACED;
}


/* the rest of an element that was cut; -1 if it cannot become one */

static int
ngx_comet_scan_mend_element(const ngx_comet_scan_t *scan, unsigned char *p)
{
    unsigned              n, len;
    unsigned char         text[2 * NGX_COMET_ELEMENT_MAX];

    static const char  space[] = "\\u0020";
    static const char  low[] = "\\udc00";

    len = scan->part_len;

    if (len == 0) {
        return 0;
    }

    memcpy(text, scan->part, len);
    n = len;

    if (text[0] == '\\') {

        if (n == 1) {
            text[n++] = '\\';
        }

        if (text[1] == 'u' && n < sizeof(space) - 1) {
            memcpy(text + n, space + n, sizeof(space) - 1 - n);
            n = sizeof(space) - 1;
        }

        if (text[1] == 'u' && (text[2] | 0x20) == 'd'
            && strchr("89abAB", text[3]))
        {
            memcpy(text + n, low + (n - 6), sizeof(low) - 1 - (n - 6));
            n = 12;
        }

    } else {

        if (n == 1) {
            text[n++] = text[0] == 0xe0 ? 0xa0 : text[0] == 0xf0 ? 0x90 : 0x80;
        }

        while (n < (text[0] < 0xe0 ? 2u : text[0] < 0xf0 ? 3u : 4u)) {
            text[n++] = 0x80;
        }
    }

    if (!ngx_comet_scan_mended(scan, text, text + n)) {
        return -1;
    }

    memcpy(p, text + len, n - len);

    return (int) (n - len);
}


/* the rest of a string, of which the name, if it is one, gets a value */

static int
ngx_comet_scan_mend_string(const ngx_comet_scan_t *scan, unsigned char *p)
{
    int  n;

    n = ngx_comet_scan_mend_element(scan, p);

    if (n < 0) {
        return -1;
    }

    p[n++] = '"';

    if (scan->name) {
        memcpy(p + n, ":0", 2);
        n += 2;
    }

    return n;
}


static int
ngx_comet_scan_mend_value(const ngx_comet_scan_t *scan, unsigned char *p)
{
    size_t       n;
    const char  *rest;

    rest = "";

    switch (scan->state) {

    case NGX_COMET_IN_STRING:
        return ngx_comet_scan_mend_string(scan, p);

    case NGX_COMET_IN_NUMBER:
    case NGX_COMET_IN_LITERAL:
        rest = ngx_comet_scan_scalar_rest(scan);
        break;

    case NGX_COMET_AT_COLON:
        rest = ":0";
        break;

    case NGX_COMET_AT_VALUE:
        rest = "0";
        break;

    case NGX_COMET_AT_NAME:
        rest = scan->depth > 1 ? "\"\":0" : "";
        break;
    }

    n = strlen(rest);
    memcpy(p, rest, n);

    return (int) n;
}


int
ngx_comet_scan_mend(const ngx_comet_scan_t *scan, char *buf)
{
    int             n;
    unsigned        depth;
    unsigned char  *p;

    if (scan->status != NGX_COMET_SCAN_OK || scan->depth == 0
        || !(scan->objects[0] & 1))
    {
        return -1;
    }

    p = (unsigned char *) buf;
    n = ngx_comet_scan_mend_value(scan, p);

    if (n < 0) {
        return -1;
    }

    p += n;

    for (depth = scan->depth - 1; depth; depth--) {
        *p++ = scan->objects[depth / 64] >> depth % 64 & 1 ? '}' : ']';
    }

    /* a comma before the next member, where there is none yet */

    if (scan->depth > 1 || (scan->state != NGX_COMET_AT_MEMBER
                            && scan->state != NGX_COMET_AT_NAME))
    {
        *p++ = ',';
    }

    return (int) (p - (unsigned char *) buf);
}
