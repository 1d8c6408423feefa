/* an answer in HTTP/1.1, and the events of a stream in either version */


#define _GNU_SOURCE

#include "load.h"


static void
load_line(load_conn_t *c, uint64_t now)
{
    char      *p;
    uint64_t   at;
    unsigned   i;

    if (c->line_len < 5 || memcmp(c->line, "data:", 5) != 0) {
        return;
    }

    if (memmem(c->line, c->line_len, "[DONE]", 6)) {
        c->over = 1;
        return;
    }

    c->class->events++;

    if (!c->first) {
        c->first = 1;
        series_add(&c->class->first, now - c->begin);
    }

    p = memmem(c->line, c->line_len, "@T", 2);

    if (p == NULL || p + 18 > c->line + c->line_len) {
        return;
    }

    for (at = 0, i = 2; i < 18; i++) {
        at = at * 10 + (uint64_t) (p[i] - '0');
    }

    series_add(&c->class->delay, now > at ? now - at : 0);
}


void
load_data(load_conn_t *c, const char *p, size_t n, uint64_t now)
{
    size_t       len, room;
    const char  *end;

    if (!c->stream) {
        return;
    }

    while (n) {
        end = memchr(p, '\n', n);
        len = end ? (size_t) (end - p) : n;

        room = LOAD_LINE - c->line_len;
        room = len < room ? len : room;
        memcpy(c->line + c->line_len, p, room);
        c->line_len += room;

        if (end) {
            load_line(c, now);
            c->line_len = 0;
            len++;
        }

        p += len;
        n -= len;
    }
}


static void
load_head(load_conn_t *c)
{
    char  *value;

    c->head[c->head_len] = '\0';
    c->status = (unsigned) strtoul(c->head + 9, NULL, 10);
    c->keep = strcasestr(c->head, "\r\nConnection: close") == NULL;
    c->stream = strcasestr(c->head, "text/event-stream") != NULL;

    if (strcasestr(c->head, "\r\nTransfer-Encoding: chunked")) {
        c->state = LOAD_CHUNK;
        c->left = 0;
        c->head_len = 0;
        return;
    }

    value = strcasestr(c->head, "\r\nContent-Length:");

    if (value) {
        c->left = strtoul(value + 17, NULL, 10);
        c->state = c->left ? LOAD_LENGTH : LOAD_DONE;
        return;
    }

    c->state = LOAD_CLOSE;
    c->keep = 0;
}


/* a line of the framing, up to LF, kept in c->head; bytes taken */

static size_t
load_frame(load_conn_t *c, const char *p, size_t n)
{
    size_t       len;
    const char  *end;

    end = memchr(p, '\n', n);
    len = end ? (size_t) (end - p) + 1 : n;

    net_must(c->head_len + len < LOAD_HEAD, "the head of an answer");
    memcpy(c->head + c->head_len, p, len);
    c->head_len += len;

    if (end == NULL) {
        return len;
    }

    if (c->state == LOAD_HEADER) {
        if (c->head_len >= 4
            && memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4) == 0)
        {
            load_head(c);
        }

        return len;
    }

    c->head[c->head_len] = '\0';

    if (c->state == LOAD_TRAILER) {
        c->state = c->head_len == 2 ? LOAD_DONE : LOAD_TRAILER;

    } else if (c->head_len > 2) {
        c->left = strtoul(c->head, NULL, 16);
        c->state = c->left ? LOAD_CHUNK_DATA : LOAD_TRAILER;
    }

    c->head_len = 0;

    return len;
}


void
load_take(load_conn_t *c, const char *p, size_t n, uint64_t now)
{
    size_t  len;

    c->class->bytes += n;

    while (n && c->state != LOAD_DONE) {

        switch (c->state) {

        case LOAD_LENGTH:
        case LOAD_CHUNK_DATA:
            len = n < c->left ? n : c->left;
            load_data(c, p, len, now);
            c->left -= len;

            if (c->left == 0) {
                c->state = c->state == LOAD_LENGTH ? LOAD_DONE : LOAD_CHUNK;
            }

            break;

        case LOAD_CLOSE:
            len = n;
            load_data(c, p, n, now);
            break;

        default:
            len = load_frame(c, p, n);
        }

        p += len;
        n -= len;
    }

    if (c->state == LOAD_DONE) {
        load_finish(c, now, n == 0);
    }
}
