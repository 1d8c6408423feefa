/*
 * Splits a stream of text/event-stream that is fed with pieces cut anywhere.
 * Payload is handed on as it passes and never kept; what is found does not
 * depend on the cuts.
 */


#ifndef _NGX_COMET_SSE_H_INCLUDED_
#define _NGX_COMET_SSE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* a part of the data of an event; its lines come joined by LF */

typedef void (*ngx_comet_sse_data_pt)(void *ctx, const unsigned char *p,
    size_t len);

/* the blank line behind an event; feeding stops there if it returns not 0 */

typedef int (*ngx_comet_sse_end_pt)(void *ctx);


typedef struct {
    ngx_comet_sse_data_pt  data;
    ngx_comet_sse_end_pt   end;
    void                  *ctx;

    uint64_t               offset;     /* of the next byte */
    uint64_t               start;      /* of the event's first field */
    uint64_t               lines;      /* of data, in this event */
    unsigned               open:1;     /* the event has begun */

    /* the next byte, if it is LF, belongs to the end of line before it */

    unsigned               cr:1;

    /* the rest is private */

    unsigned               state;
    unsigned               matched;
} ngx_comet_sse_t;


void ngx_comet_sse_init(ngx_comet_sse_t *sse, ngx_comet_sse_data_pt data,
    ngx_comet_sse_end_pt end, void *ctx);

/* returns how many bytes were taken: fewer than len only if end() said so */

size_t ngx_comet_sse_feed(ngx_comet_sse_t *sse, const unsigned char *p,
    size_t len);

/* whether what comes next in the line is data */

int ngx_comet_sse_in_data(const ngx_comet_sse_t *sse);

/*
 * Whether an event can begin with this byte; it is not one of the mark that a
 * stream may begin with.
 */

int ngx_comet_sse_between(ngx_comet_sse_t *sse, unsigned char next);

/* the end of the line that begins at p, or the end */

const unsigned char *ngx_comet_sse_line_end(const unsigned char *p,
    const unsigned char *end);

/* goes on behind an event that was read elsewhere; between events only */

static inline void
ngx_comet_sse_skip(ngx_comet_sse_t *sse, const unsigned char *p, size_t len)
{
    sse->offset += len;
    sse->cr = (p[len - 1] == '\r');
}

/* whether nothing of a line has come yet */

int ngx_comet_sse_line_start(const ngx_comet_sse_t *sse);


#endif /* _NGX_COMET_SSE_H_INCLUDED_ */
