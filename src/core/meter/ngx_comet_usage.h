/*
 * The meter: what a call used, read from the answer while it passes.  The
 * answer is fed in pieces, cut anywhere; the results do not depend on the
 * cuts.  It keeps of the answer two short names, and of a stream the fixed part
 * of an event and the start of one that was cut.  More is allocated only while
 * an event is read that a cut has divided, or that is not of its form.
 *
 * If the gateway has asked for a chunk with the usage that its client did not
 * ask for, the meter also tells which bytes are that chunk.
 */


#ifndef _NGX_COMET_USAGE_H_INCLUDED_
#define _NGX_COMET_USAGE_H_INCLUDED_


#include "ngx_comet_alike.h"
#include "ngx_comet_endpoint.h"
#include "ngx_comet_scan.h"
#include "ngx_comet_sse.h"


/* more tokens than this in one answer are not believed */

#define NGX_COMET_USAGE_MAX       1000000000000ULL

/* an event that is longer and still may be the chunk is none */

#define NGX_COMET_USAGE_HOLD_MAX  8192

#define NGX_COMET_USAGE_MODEL     128
#define NGX_COMET_USAGE_FINISH    32
#define NGX_COMET_USAGE_FRAMES    8


typedef enum {
    NGX_COMET_USAGE_INPUT,
    NGX_COMET_USAGE_OUTPUT,
    NGX_COMET_USAGE_CACHED,
    NGX_COMET_USAGE_REASONING,
    NGX_COMET_USAGE_NUMBERS
} ngx_comet_usage_e;


typedef struct ngx_comet_member_s  ngx_comet_member_t;
typedef struct ngx_comet_usage_form_s  ngx_comet_usage_form_t;


/* what comes of the event, or of the plain body, being read */

typedef struct {
    uint64_t                   numbers[NGX_COMET_USAGE_NUMBERS];
    unsigned                   have;       /* bits of them */
    unsigned                   bad;        /* of what is not believed */

    uint64_t                   pieces;
    uint64_t                   bytes;

    const char                *status;     /* of a response */
    unsigned                   usage:1;    /* an object */
    unsigned                   choices:1;  /* an array */
    unsigned                   elements:1; /* with something in it */
    unsigned                   piece:1;    /* this choice has text */
    unsigned                   thought:1;  /* and of it reasoning */
    unsigned                   delta:1;    /* text by the type of the event */
    unsigned                   last:1;     /* by the type of the event */
    unsigned                   ends:1;     /* a choice, an item or a part */
    unsigned                   error:1;
    unsigned                   tools:1;    /* the response calls some */
    unsigned                   model:1;    /* known from here */
    unsigned                   finish:1;
    unsigned                   texts;      /* with something in them */
    unsigned                   nparts;     /* more than there can be: many */
    char                       reason[NGX_COMET_USAGE_FINISH];
} ngx_comet_usage_event_t;


/* how far it is read */

typedef struct {
    ngx_comet_usage_event_t    event;
    unsigned                   arrays;     /* bits of the frames */
    const ngx_comet_member_t  *frames[NGX_COMET_USAGE_FRAMES];
    const ngx_comet_member_t  *member;     /* being read */
    uint64_t                   base;       /* of the tokens in the event */
    ngx_comet_alike_part_t     parts[NGX_COMET_ALIKE_PARTS];
} ngx_comet_usage_read_t;


typedef struct {

    /*
     * The largest of each that a usage told which was complete and believed,
     * or zeros.  Of the input, so much came from a cache: never more than all
     * of it.  Reasoning may exceed the output where an API counts it apart.
     */

    uint64_t                   numbers[NGX_COMET_USAGE_NUMBERS];

    unsigned                   complete:1; /* input and output are known */
    unsigned                   final:1;    /* and nothing is to follow */
    unsigned                   bad:1;      /* the last was not believed */

    /* not of its form, of a stream some event behind the last usage */

    unsigned                   broken:1;
    unsigned                   error:1;    /* it tells of an error */
    unsigned                   ended:1;    /* as its form says */
    unsigned                   closing:1;  /* no text since an end of some */

    uint64_t                   sequence;   /* number of the next event */
    uint64_t                   events;     /* with data, whole */

    /* what was produced as far as it passed, for an estimate */

    uint64_t                   pieces;     /* deltas that bring text */
    uint64_t                   bytes;      /* of text */

    char                       finish[NGX_COMET_USAGE_FINISH];
    char                       model[NGX_COMET_USAGE_MODEL + 1];

    /*
     * Offsets in the answer, after each feed.  The bytes from hold_from on
     * are to be held back; those of [cut_start, cut_end) never go on.  What
     * was held goes on, or never does, as a whole.
     */

    uint64_t                   hold_from;
    uint64_t                   cut_start;
    uint64_t                   cut_end;

    /* the rest is private */

    unsigned                   chunks:1;   /* as its form says */
    unsigned                   stream:1;
    unsigned                   inject:1;
    unsigned                   reading:1;  /* more of it can count */
    unsigned                   scanning:1; /* by the scanner */
    unsigned                   whole:1;    /* the body: all was read */
    unsigned                   passes:1;   /* the event is not the chunk */
    unsigned                   cut:1;      /* the event just ended was */
    unsigned                   cut_lf:1;   /* an LF may belong to it */

    uint64_t                   known_pieces; /* at the last usage */
    uint64_t                   known_bytes;

    unsigned                   done;       /* bytes of "[DONE]" */
    unsigned                   kept;       /* of one that is alike so far */
    unsigned                   saved;      /* of one that is read in pieces */
    uint64_t                   begun;      /* where the event did */
    const unsigned char       *piece;      /* that it began in, or NULL */
    ngx_comet_sse_t            sse;

    const ngx_comet_usage_form_t  *form;

    ngx_comet_alike_t         *alike;      /* or NULL, as those below */
    ngx_comet_usage_read_t    *read;
    ngx_comet_scan_t          *scan;
} ngx_comet_usage_t;


/*
 * Of an answer of the form; a stream of events or a plain body.  Not to be
 * forgotten before ngx_comet_usage_free().
 */

void ngx_comet_usage_init(ngx_comet_usage_t *usage,
    ngx_comet_form_e form, int stream, int inject);

/* returns how many bytes were taken: fewer than len only behind a cut */

size_t ngx_comet_usage_feed(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len);

/* reads what was kept of an event to be compared */

void ngx_comet_usage_settle(ngx_comet_usage_t *usage);

/* the answer ends here: nothing is held any more */

void ngx_comet_usage_finish(ngx_comet_usage_t *usage);

/* can be done at any time; nothing is to be fed any more */

void ngx_comet_usage_free(ngx_comet_usage_t *usage);

/* whether the numbers are what the API counted in the end */

int ngx_comet_usage_exact(const ngx_comet_usage_t *usage);

/*
 * How many tokens of output the text that passed stands for: one for each
 * delta, or one for four bytes, whichever is more; or, if some of it came
 * behind a usage, what that told and so much for the rest.
 */

uint64_t ngx_comet_usage_produced(const ngx_comet_usage_t *usage);


#endif /* _NGX_COMET_USAGE_H_INCLUDED_ */
