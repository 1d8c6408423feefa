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


/* "Name: value" CRLF, with one space */

static ngx_uint_t
ngx_comet_line_is_usual(ngx_http_request_t *r, ngx_buf_t *b)
{
    u_char      c, *p, *end, *name, *value, *last;
    ngx_uint_t  hash, n;

    name = b->pos;
    end = name + ngx_min(b->last - name, NGX_HTTP_LC_HEADER_LEN);
    hash = 0;
    n = 0;

    for (p = name; p < end; p++) {

        c = ngx_comet_line_lowcase[*p];
        if (c == 0) {
            break;
        }

        hash = ngx_hash(hash, c);
        r->lowcase_header[n++] = c;
    }

    /* one character of a value, and the end, at least */

    if (n == 0 || b->last - p < 5 || p[0] != ':' || p[1] != ' '
        || p[2] == ' ')
    {
        return 0;
    }

    value = p + 2;
    last = memchr(value, CR, b->last - value - 1);

    if (last == NULL || last == value || last[1] != LF || last[-1] == ' '
        || memchr(value, LF, last - value)
        || memchr(value, '\0', last - value))
    {
        return 0;
    }

    r->header_name_start = name;
    r->header_name_end = p;
    r->header_start = value;
    r->header_end = last;
    r->header_hash = hash;
    r->lowcase_index = n;
    r->invalid_header = 0;

    b->pos = last + 2;

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
