#include "ngx_comet_path.h"

#include <stdint.h>
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


/* letters, digits and -_~!$&'()*+,=:@ */

static const uint32_t  ngx_comet_path_plain[8] = {
    0x00000000, 0x27ff3fd2, 0x87ffffff, 0x47fffffe
};


static int
ngx_comet_path_is_plain(unsigned c)
{
    return c - 'a' < 26 || ((ngx_comet_path_plain[c >> 5] >> (c & 31)) & 1);
}


static const char *
ngx_comet_path_run(const char *p, const char *end)
{
    while (p < end && ngx_comet_path_is_plain((unsigned char) *p)) {
        p++;
    }

    return p;
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
    int          c, last;
    const char  *p, *run, *end;

    last = 0;
    end = path + len;

    for (p = path; p < end; /* void */ ) {

        run = p;
        p = ngx_comet_path_run(p, end);

        if (p > run) {
            last = 0;
            continue;
        }

        c = (unsigned char) *p++;

        if (c != '/' && c != '.') {
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
    const char              *run;
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

        run = reader.p;
        reader.p = ngx_comet_path_run(run, reader.end);

        if (reader.p > run) {
            last = 0;
            continue;
        }

        c = ngx_comet_path_read(&reader);

        if (ngx_comet_path_is_plain(c)) {
            last = c;
            continue;
        }

        if ((c != '/' && c != '.') || (c == '/' && reader.escaped && !slash)) {
            return ngx_comet_path_name(c);
        }

        if (c == '/' && last == '.') {
            break;
        }

        last = c;
    }

    return last == '.' ? "a dot at the end of a segment" : NULL;
}
