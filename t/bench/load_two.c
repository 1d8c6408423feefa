/*
 * HTTP/2 of the load generator.  A request is a file of frames, all of stream
 * 0, which get the number of their stream when they are sent.  A connection
 * has one stream at a time.
 */


#define _GNU_SOURCE

#include "load.h"


#define TWO_DATA           0
#define TWO_HEADERS        1
#define TWO_RST_STREAM     3
#define TWO_SETTINGS       4
#define TWO_PING           6
#define TWO_GOAWAY         7
#define TWO_WINDOW_UPDATE  8

#define TWO_END_STREAM     1
#define TWO_ACK            1

#define TWO_FIRST_WINDOW   4
#define TWO_WINDOW         0x7fffffff
#define TWO_USUAL_WINDOW   65535


static uint32_t
two_number(const unsigned char *p, unsigned n)
{
    uint32_t  value;

    for (value = 0; n; n--) {
        value = value << 8 | *p++;
    }

    return value;
}


static void
two_put_number(char *p, uint32_t value, unsigned n)
{
    while (n--) {
        p[n] = (char) (value & 0xff);
        value >>= 8;
    }
}


static void
two_put(load_conn_t *c, unsigned type, unsigned flags, uint32_t stream,
    const void *payload, size_t len)
{
    char        *p;
    load_two_t  *two;

    two = &c->two;

    if (two->out_len + 9 + len > sizeof(two->out)) {
        fprintf(stderr, "load: too many frames of the connection's own\n");
        exit(1);
    }

    p = two->out + two->out_len;

    two_put_number(p, (uint32_t) len, 3);
    p[3] = (char) type;
    p[4] = (char) flags;
    two_put_number(p + 5, stream, 4);

    memcpy(p + 9, payload, len);
    two->out_len += 9 + len;
}


static void
two_put_window(load_conn_t *c, uint32_t more)
{
    char  payload[4];

    two_put_number(payload, more, 4);
    two_put(c, TWO_WINDOW_UPDATE, 0, 0, payload, 4);
}


void
load_two_frames(load_class_t *class)
{
    size_t                at, len;
    const unsigned char  *p;

    for (at = 0; at + 9 <= class->len; at = class->frames[class->nframes++].end)
    {
        class->frames = realloc(class->frames, (class->nframes + 1)
                                               * sizeof(load_frame_t));
        net_must(class->frames != NULL, "realloc");

        p = (unsigned char *) class->request + at;
        len = two_number(p, 3);

        class->frames[class->nframes].at = at;
        class->frames[class->nframes].end = at + 9 + len;
        class->frames[class->nframes].data = p[3] == TWO_DATA ? len : 0;
    }
}


void
load_two_open(load_conn_t *c)
{
    load_two_t  *two;
    char         payload[6];

    static const char  preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    two = &c->two;
    memset(two, 0, sizeof(load_two_t));

    two->window = TWO_USUAL_WINDOW;
    two->first_window = TWO_USUAL_WINDOW;

    two->out_len = sizeof(preface) - 1;
    memcpy(two->out, preface, two->out_len);

    two_put_number(payload, TWO_FIRST_WINDOW, 2);
    two_put_number(payload + 2, TWO_WINDOW, 4);
    two_put(c, TWO_SETTINGS, 0, 0, payload, 6);
    two_put_window(c, TWO_WINDOW - TWO_USUAL_WINDOW);
}


/* frames go whole, as far as the windows of the peer let them */

static void
two_grant(load_conn_t *c)
{
    load_two_t    *two;
    load_class_t  *class;
    load_frame_t  *frame;

    two = &c->two;
    class = c->class;

    while (two->frame < class->nframes) {
        frame = &class->frames[two->frame];

        if ((int64_t) frame->data > two->window
            || (int64_t) frame->data > two->stream_window)
        {
            return;
        }

        two->window -= (int64_t) frame->data;
        two->stream_window -= (int64_t) frame->data;
        two->frame++;
        c->granted = frame->end;
    }
}


void
load_two_begin(load_conn_t *c)
{
    load_two_t  *two;

    two = &c->two;

    two->stream = two->stream ? two->stream + 2 : 1;
    two->stream_window = two->first_window;
    two->frame = 0;

    c->stamp = two->stream;
    c->granted = 0;

    two_grant(c);
}


void
load_two_stamp(load_conn_t *c)
{
    size_t         i;
    load_class_t  *class;

    class = c->class;

    for (i = 0; i < class->nframes; i++) {
        two_put_number(class->request + class->frames[i].at + 5, c->stamp, 4);
    }
}


/* as nginx writes it: first of all, from the static table or as digits */

static unsigned
two_status(const unsigned char *p, size_t n)
{
    static const unsigned  indexed[] = { 200, 204, 206, 304, 400, 404, 500 };

    while (n && (*p & 0xe0) == 0x20) {
        p++;
        n--;
    }

    if (n && *p >= 0x88 && *p < 0x88 + 7) {
        return indexed[*p - 0x88];
    }

    if (n >= 5 && (*p & 0x0f) == 8 && p[1] == 3) {
        return (unsigned) (p[2] - '0') * 100 + (unsigned) (p[3] - '0') * 10
               + (unsigned) (p[4] - '0');
    }

    return 0;
}


static void
two_settings(load_conn_t *c)
{
    size_t       i;
    int64_t      value;
    load_two_t  *two;

    two = &c->two;

    if (two->head[4] & TWO_ACK) {
        return;
    }

    for (i = 0; i + 6 <= two->keep_len; i += 6) {

        if (two_number(two->keep + i, 2) == TWO_FIRST_WINDOW) {
            value = two_number(two->keep + i + 2, 4);
            two->stream_window += value - two->first_window;
            two->first_window = value;
        }
    }

    two_put(c, TWO_SETTINGS, TWO_ACK, 0, "", 0);
}


static void
two_gone(load_conn_t *c, uint64_t now)
{
    c->keep = 0;

    if (c->busy) {
        load_finish(c, now, 0);
    }
}


/* a frame is whole */

static void
two_frame(load_conn_t *c, uint64_t now)
{
    int          own;
    load_two_t  *two;

    two = &c->two;
    own = two_number(two->head + 5, 4) == two->stream && c->busy;

    switch (two->head[3]) {

    case TWO_HEADERS:
        if (own) {
            c->status = two_status(two->keep, two->keep_len);
            c->keep = 1;
        }

        /* fall through */

    case TWO_DATA:
        if (own && (two->head[4] & TWO_END_STREAM)) {
            load_finish(c, now, 1);
        }

        return;

    case TWO_RST_STREAM:
        if (own) {
            two_gone(c, now);
        }

        return;

    case TWO_SETTINGS:
        two_settings(c);
        return;

    case TWO_PING:
        if (!(two->head[4] & TWO_ACK)) {
            two_put(c, TWO_PING, TWO_ACK, 0, two->keep, 8);
        }

        return;

    case TWO_GOAWAY:
        two_gone(c, now);
        return;

    case TWO_WINDOW_UPDATE:
        if (two_number(two->head + 5, 4) == 0) {
            two->window += two_number(two->keep, 4);

        } else if (own) {
            two->stream_window += two_number(two->keep, 4);
        }

        return;
    }
}


static void
two_payload(load_conn_t *c, const char *p, size_t n, uint64_t now)
{
    size_t       room;
    load_two_t  *two;

    two = &c->two;
    two->left -= n;

    room = sizeof(two->keep) - two->keep_len;
    room = n < room ? n : room;
    memcpy(two->keep + two->keep_len, p, room);
    two->keep_len += room;

    if (two->head[3] != TWO_DATA) {
        return;
    }

    if (!c->first && n >= 5 && memcmp(p, "data:", 5) == 0) {
        c->stream = 1;
    }

    load_data(c, p, n, now);

    two->taken += n;

    if (two->taken > TWO_WINDOW / 4) {
        two_put_window(c, (uint32_t) two->taken);
        two->taken = 0;
    }
}


/* bytes of a frame's head, or of its payload */

static size_t
two_piece(load_conn_t *c, const char *p, size_t n, uint64_t now)
{
    size_t       len;
    load_two_t  *two;

    two = &c->two;

    if (two->head_len < 9) {
        len = 9 - two->head_len;
        len = n < len ? n : len;

        memcpy(two->head + two->head_len, p, len);
        two->head_len += len;

        if (two->head_len == 9) {
            two->left = two_number(two->head, 3);
            two->keep_len = 0;
        }

        return len;
    }

    len = n < two->left ? n : two->left;
    two_payload(c, p, len, now);

    return len;
}


void
load_two_take(load_conn_t *c, const char *p, size_t n, uint64_t now)
{
    size_t       len;
    unsigned     opened;
    load_two_t  *two;

    two = &c->two;
    opened = c->opened;
    c->class->bytes += n;

    while (n) {
        len = two_piece(c, p, n, now);
        p += len;
        n -= len;

        if (two->head_len == 9 && two->left == 0) {
            two->head_len = 0;
            two_frame(c, now);

            if (c->fd < 0 || c->opened != opened) {
                return;
            }
        }
    }

    if (c->busy) {
        two_grant(c);
    }

    if (two->out_len || c->sent < c->granted) {
        load_write(c);
    }
}
