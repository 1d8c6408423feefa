#include "ngx_comet_path.h"

#include <string.h>


typedef struct {
    const char  *p;
    const char  *end;
    int          escaped;      /* the character that was read */
} ngx_comet_path_reader_t;


static const struct {
    int          c;
    const char  *name;
} ngx_comet_path_names[] = {
    { '\\', "a backslash" },
    { ';', "a semicolon" },
    { '#', "a number sign" },
    { '?', "an escaped question mark" },
    { '%', "an escaped percent sign" },
    { '/', "an escaped slash" },
    { ' ', "a space" },
    { 0, NULL }
};


static int
ngx_comet_path_has(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9')
           || (c != '\0' && strchr("-._~!$&'()*+,=:@/", c) != NULL);
}


static const char *
ngx_comet_path_name(int c)
{
    size_t  i;

    for (i = 0; ngx_comet_path_names[i].name; i++) {
        if (ngx_comet_path_names[i].c == c) {
            return ngx_comet_path_names[i].name;
        }
    }

    if (c < 0x20 || c == 0x7f) {
        return "a control character";
    }

    return c < 0x80 ? "a character that is none of a path"
                    : "a character that is not ASCII";
}


static int
ngx_comet_path_digit(int c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


static int
ngx_comet_path_read(ngx_comet_path_reader_t *reader)
{
    int          c, high, low;
    const char  *p;

    p = reader->p;
    c = (unsigned char) *p++;
    reader->escaped = 0;

    if (c == '%' && reader->end - p >= 2) {

        high = ngx_comet_path_digit((unsigned char) p[0]);
        low = ngx_comet_path_digit((unsigned char) p[1]);

        if (high >= 0 && low >= 0) {
            c = high * 16 + low;
            p += 2;
            reader->escaped = 1;
        }
    }

    reader->p = p;

    return c;
}


/*
 * As it is judged, nothing is escaped, and slashes that were doubled are one.
 * A dot at an end of a segment is one of a dot segment, or others drop it.
 */

const char *
ngx_comet_path_wrong(const char *path, size_t len)
{
    int     c, last;
    size_t  i;

    last = 0;

    for (i = 0; i < len; i++) {
        c = (unsigned char) path[i];

        if (!ngx_comet_path_has(c)) {
            return ngx_comet_path_name(c);
        }

        if (c == '/' && last == '/') {
            return "two slashes in a row";
        }

        if (c == '/' && last == '.') {
            break;
        }

        last = c;
    }

    return last == '.' ? "a dot at the end of a segment" : NULL;
}


const char *
ngx_comet_path_sent_wrong(const char *target, size_t len, int slash)
{
    int                      c, last;
    ngx_comet_path_reader_t  reader;

    if (memchr(target, '#', len)) {
        return ngx_comet_path_name('#');
    }

    reader.p = target;
    reader.end = memchr(target, '?', len);

    if (reader.end == NULL) {
        reader.end = target + len;
    }

    last = 0;

    while (reader.p < reader.end) {

        c = ngx_comet_path_read(&reader);

        if (!ngx_comet_path_has(c) || (c == '/' && reader.escaped && !slash)) {
            return ngx_comet_path_name(c);
        }

        if (c == '/' && last == '.') {
            break;
        }

        last = c;
    }

    return last == '.' ? "a dot at the end of a segment" : NULL;
}
