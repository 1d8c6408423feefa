/*
 * An API sends some thirty lines before its answer, nearly all of them in the
 * same spelling.  One that is whole and in it is read here; whatever is unusual
 * is left to nginx, of which this reads as much, and the same.
 */


#include "ngx_comet_line.h"


/* letters, digits and '-', and as lowercase what they are */

static u_char  ngx_comet_line_lowcase[256] =
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0-\0\0" "0123456789\0\0\0\0\0\0"
    "\0abcdefghijklmnopqrstuvwxyz\0\0\0\0\0"
    "\0abcdefghijklmnopqrstuvwxyz";


/* "Name: value" CRLF, with one space and no control character */

static ngx_uint_t
ngx_comet_line_is_usual(ngx_http_request_t *r, ngx_buf_t *b)
{
    u_char      c, *p, *last, *name, *value;
    ngx_uint_t  hash, n;

    name = b->pos;
    last = b->last;
    hash = 0;

    for (n = 0; n < NGX_HTTP_LC_HEADER_LEN && name + n < last; n++) {

        c = ngx_comet_line_lowcase[name[n]];
        if (c == 0) {
            break;
        }

        hash = ngx_hash(hash, c);
        r->lowcase_header[n] = c;
    }

    value = name + n + 2;

    if (n == 0 || n == NGX_HTTP_LC_HEADER_LEN || last - value < 3
        || value[-2] != ':' || value[-1] != ' ' || *value == ' ')
    {
        return 0;
    }

    for (p = value; p < last && *p >= ' '; p++) { /* void */ }

    if (last - p < 2 || p[0] != CR || p[1] != LF || p == value
        || p[-1] == ' ')
    {
        return 0;
    }

    r->header_name_start = name;
    r->header_name_end = name + n;
    r->header_start = value;
    r->header_end = p;
    r->header_hash = hash;
    r->lowcase_index = n;
    r->invalid_header = 0;

    b->pos = p + 2;

    return 1;
}


ngx_int_t
ngx_comet_line_parse(ngx_http_request_t *r, ngx_buf_t *b)
{
    /* not in the middle of one */

    if (r->state == 0 && ngx_comet_line_is_usual(r, b)) {
        return NGX_OK;
    }

    return ngx_http_parse_header_line(r, b, 1);
}
