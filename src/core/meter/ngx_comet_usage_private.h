/*
 * Between the files of the meter.
 */


#ifndef _NGX_COMET_USAGE_PRIVATE_H_INCLUDED_
#define _NGX_COMET_USAGE_PRIVATE_H_INCLUDED_


#include "ngx_comet_usage.h"


/* what the value of a member is for; the numbers come first */

enum {
    NGX_COMET_FOR_INPUT = NGX_COMET_USAGE_INPUT,
    NGX_COMET_FOR_OUTPUT = NGX_COMET_USAGE_OUTPUT,
    NGX_COMET_FOR_CACHED = NGX_COMET_USAGE_CACHED,
    NGX_COMET_FOR_REASONING = NGX_COMET_USAGE_REASONING,
    NGX_COMET_FOR_DETAILS,
    NGX_COMET_FOR_USAGE,
    NGX_COMET_FOR_CHOICES,
    NGX_COMET_FOR_MODEL,
    NGX_COMET_FOR_FINISH,
    NGX_COMET_FOR_STATUS,
    NGX_COMET_FOR_REASON,
    NGX_COMET_FOR_TYPE,
    NGX_COMET_FOR_ITEM,
    NGX_COMET_FOR_ERROR,
    NGX_COMET_FOR_SEQUENCE,
    NGX_COMET_FOR_PADDING,
    NGX_COMET_FOR_TEXT,
    NGX_COMET_FOR_THOUGHT,          /* text that may come by two names */
    NGX_COMET_FOR_MORE,             /* than is in the chunk with the usage */
    NGX_COMET_FOR_HOLDER            /* of others */
};


/* a member by its path; of an array, what its elements hold */

struct ngx_comet_member_s {
    const char                *name;
    unsigned short             len;
    unsigned char              is;
    unsigned char              array;
    const ngx_comet_member_t  *members;
};


/* a type of an event, or how some end; the first that fits */

typedef struct {
    const char                *name;
    unsigned                   end:1;      /* of the type is the name */
    unsigned                   delta:1;    /* its text is new */
    unsigned                   ends:1;     /* an item or a part */
    unsigned                   last:1;     /* nothing follows */
    unsigned                   error:1;
} ngx_comet_usage_type_t;


/* how an answer tells what was used */

struct ngx_comet_usage_form_s {
    ngx_comet_member_t             roots[2];  /* of a body, of an event */

    /*
     * A stream is of chunks, with the usage in one of its own if it is asked
     * for, and "[DONE]" at the end; or else of events that have types.
     */

    unsigned                       chunks:1;
    const ngx_comet_usage_type_t  *types;     /* ends with a NULL name */

    /* of an error in a stream */

    const char                    *event;     /* lines before its data */
    unsigned                       flat:1;    /* with its members outside */
};


extern const ngx_comet_usage_form_t  ngx_comet_usage_forms[NGX_COMET_FORMS];

/* what else is in the chunk with the usage, as it is in all others */

extern const ngx_comet_member_t  ngx_comet_usage_envelope[];

/* any other */

extern const ngx_comet_member_t  ngx_comet_usage_more;


/* a handler of the scanner */

int ngx_comet_usage_token(void *ctx, const ngx_comet_token_t *token);

/*
 * The same for a name, of whose token depth, text and length are looked at, and
 * for the value of a member that it asked for, if that is not null.
 */

int ngx_comet_usage_name(ngx_comet_usage_t *usage,
    const ngx_comet_token_t *token);
int ngx_comet_usage_value(ngx_comet_usage_t *usage,
    const ngx_comet_token_t *token);

/* of an event that is whole, its parts if one alike can be told by it, or 0 */

unsigned ngx_comet_usage_simple(const ngx_comet_usage_t *usage);

/* takes back what came of an event that has begun */

void ngx_comet_usage_undo(ngx_comet_usage_t *usage);

/*
 * Whether the piece is a whole body, or how long the event is that it begins
 * with: then all its tokens were handled.  If it is 0, none were.
 */

int ngx_comet_usage_skim_body(ngx_comet_usage_t *usage,
    const unsigned char *p, size_t len);
size_t ngx_comet_usage_skim_event(ngx_comet_usage_t *usage,
    const unsigned char *p, size_t len);

/* the event, or the body, is whole */

void ngx_comet_usage_take(ngx_comet_usage_t *usage);


#endif /* _NGX_COMET_USAGE_PRIVATE_H_INCLUDED_ */
