/* what the files of the load generator share */


#ifndef _BENCH_LOAD_H_INCLUDED_
#define _BENCH_LOAD_H_INCLUDED_


#include "net.h"
#include "tls.h"
#include "series.h"


#define LOAD_CLASSES  4
#define LOAD_HEAD     8192
#define LOAD_LINE     1024
#define LOAD_PIECE    65536


typedef struct load_class_s  load_class_t;
typedef struct load_conn_s   load_conn_t;


typedef struct {
    size_t         at;
    size_t         end;
    size_t         data;            /* of it, by which a window shrinks */
} load_frame_t;


struct load_class_s {
    char          *name;
    char          *request;
    size_t         len;
    unsigned       conns;
    uint64_t       n;
    double         seconds;
    double         rate;
    unsigned       ramp;
    unsigned       status;

    unsigned       tls;
    unsigned       two;             /* HTTP/2: see load_two.c */
    unsigned       vary;
    uint64_t       number;
    char          *digits;          /* that are other ones each time */

    load_frame_t  *frames;
    size_t         nframes;
    uint32_t       stamped;         /* what the request now has in it */

    uint64_t       until;
    uint64_t       started;
    uint64_t       sent;
    uint64_t       done;
    uint64_t       errors;
    uint64_t       connects;
    uint64_t       bytes;
    uint64_t       events;
    uint64_t       last;
    unsigned       statuses[600];

    load_conn_t   *all;
    load_conn_t   *idle;

    series_t       latency;
    series_t       first;
    series_t       delay;
};


typedef enum {
    LOAD_HEADER = 0,
    LOAD_LENGTH,
    LOAD_CHUNK,
    LOAD_CHUNK_DATA,
    LOAD_TRAILER,
    LOAD_CLOSE,
    LOAD_DONE
} load_state_e;


/* a connection of HTTP/2: one stream at a time */

typedef struct {
    uint32_t       stream;
    size_t         frame;           /* of the request, the next to be granted */
    int64_t        window;          /* of the connection, for what is sent */
    int64_t        stream_window;
    int64_t        first_window;    /* of a stream */
    size_t         taken;           /* and not given back to the peer yet */

    unsigned char  head[9];
    size_t         head_len;
    size_t         left;            /* of the frame's payload */
    unsigned char  keep[64];        /* its first bytes */
    size_t         keep_len;

    char           out[128];        /* frames of the connection's own */
    size_t         out_len;
} load_two_t;


struct load_conn_s {
    int            fd;
    int            armed;
    int            busy;
    unsigned       opened;          /* how often */
    SSL           *ssl;
    load_class_t  *class;
    load_conn_t   *next;

    size_t         sent;
    size_t         granted;         /* so much of the request may be sent */
    uint32_t       stamp;
    uint64_t       begin;
    uint64_t       fresh;

    load_state_e   state;
    unsigned       status;
    unsigned       keep:1;
    unsigned       stream:1;
    unsigned       over:1;
    unsigned       first:1;
    size_t         left;

    size_t         head_len;
    size_t         line_len;
    char           head[LOAD_HEAD + 1];
    char           line[LOAD_LINE + 1];

    load_two_t     two;
};


void load_write(load_conn_t *c);
void load_finish(load_conn_t *c, uint64_t now, int good);

void load_data(load_conn_t *c, const char *p, size_t n, uint64_t now);
void load_take(load_conn_t *c, const char *p, size_t n, uint64_t now);

void load_two_frames(load_class_t *class);
void load_two_open(load_conn_t *c);
void load_two_begin(load_conn_t *c);
void load_two_stamp(load_conn_t *c);
void load_two_take(load_conn_t *c, const char *p, size_t n, uint64_t now);


#endif /* _BENCH_LOAD_H_INCLUDED_ */
