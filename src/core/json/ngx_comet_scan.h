/*
 * A scanner of JSON, RFC 8259, that is fed with pieces cut anywhere.  It is
 * strict: what it takes, every reader takes.
 * Events, errors and their offsets do not depend on the cuts.  It allocates
 * nothing; what it keeps fits in ngx_comet_scan_t.
 */


#ifndef _NGX_COMET_SCAN_H_INCLUDED_
#define _NGX_COMET_SCAN_H_INCLUDED_


#include "ngx_comet_text.h"


#define NGX_COMET_SCAN_DEPTH_MAX  1024
#define NGX_COMET_TEXT_MAX        2112
#define NGX_COMET_NUMBER_MAX      128


/* what feeding returns; the last two stay */

#define NGX_COMET_SCAN_OK         0
#define NGX_COMET_SCAN_ERROR      -1
#define NGX_COMET_SCAN_STOPPED    -2


/* what a handler asks for; after other tokens than said it means to go on */

#define NGX_COMET_SCAN_ON    0

/* after a name: its string with text; after an array: all its own strings */
#define NGX_COMET_SCAN_TEXT  1

/*
 * After a name: no token of its value but one NGX_COMET_RAW without text;
 * after an object or an array: no token of the rest but the end.
 */
#define NGX_COMET_SCAN_SKIP  2

/* after a name: the same, but NGX_COMET_RAW has the bytes of the value */
#define NGX_COMET_SCAN_RAW   3

/* or anything below zero */
#define NGX_COMET_SCAN_STOP  -1

/* after any token but the top value's: no other of the container around it */
#define NGX_COMET_SCAN_REST  4


typedef enum {
    NGX_COMET_OBJECT,
    NGX_COMET_OBJECT_END,
    NGX_COMET_ARRAY,
    NGX_COMET_ARRAY_END,
    NGX_COMET_NAME,
    NGX_COMET_STRING,
    NGX_COMET_NUMBER,
    NGX_COMET_TRUE,
    NGX_COMET_FALSE,
    NGX_COMET_NULL,
    NGX_COMET_RAW,
    NGX_COMET_USUAL,
    NGX_COMET_USUAL_HEAD
} ngx_comet_token_e;


typedef enum {
    NGX_COMET_SCAN_NO_ERROR,
    NGX_COMET_SCAN_EMPTY,
    NGX_COMET_SCAN_BOM,
    NGX_COMET_SCAN_TRUNCATED,
    NGX_COMET_SCAN_TRAILING,
    NGX_COMET_SCAN_DEPTH,
    NGX_COMET_SCAN_NO_VALUE,
    NGX_COMET_SCAN_NO_NAME,
    NGX_COMET_SCAN_NO_COLON,
    NGX_COMET_SCAN_NO_COMMA,
    NGX_COMET_SCAN_BAD_LITERAL,
    NGX_COMET_SCAN_BAD_NUMBER,
    NGX_COMET_SCAN_BAD_CONTROL,
    NGX_COMET_SCAN_BAD_UTF8,
    NGX_COMET_SCAN_BAD_ESCAPE,
    NGX_COMET_SCAN_BAD_SURROGATE
} ngx_comet_scan_e;


/*
 * A token takes the bytes [start, end) of the body: a string with its quotes,
 * an object or an array the opening bracket, their end the closing one.  The
 * depth is the number of containers open around it: 0 for the top value and
 * its end.  The text is valid during the call only and has a terminating zero,
 * except that of NGX_COMET_RAW:
 *
 *   NGX_COMET_NAME    always, unescaped
 *   NGX_COMET_STRING  unescaped, if asked for; otherwise NULL
 *   NGX_COMET_NUMBER  always, as it stands
 *   NGX_COMET_RAW     as it stands, if asked for; otherwise NULL
 *   others            NULL
 *
 * The length of those that are usual is the kind of their head.
 */

typedef struct {
    ngx_comet_token_e     type;
    unsigned              depth;
    uint64_t              start;
    uint64_t              end;
    const char           *text;
    size_t                len;
    unsigned              cut;      /* the text is the first part only */
} ngx_comet_token_t;


typedef int (*ngx_comet_scan_pt)(void *data, const ngx_comet_token_t *token);


/*
 * How objects are spelled in most bodies: from the bracket up to the value of a
 * member.  Before that one there may be another string, short and plain: then
 * the text goes up to it, and what is behind it goes on.  In a list the first 8
 * bytes are the same; the tenth tells most of what is not in it; of two that
 * begin alike the longer one is the first.
 */

typedef struct {
    char                  text[56];   /* more than 16 */
    size_t                len;        /* or 0 behind the last one */
    char                  then[20];
    size_t                then_len;   /* or 0 */
    unsigned              kind;       /* what the handler is told */
    unsigned              open;       /* that is no object without more */
} ngx_comet_head_t;


typedef struct {
    const ngx_comet_head_t   *heads;
    uint32_t                  tenth;  /* bytes of them, as bits */
} ngx_comet_usual_t;

#define ngx_comet_usual_bit(c)  ((uint32_t) 1 << ((c) & 0x1f))


typedef struct {
    ngx_comet_scan_pt     handler;
    void                 *data;

    int                   status;
    ngx_comet_scan_e      error;
    uint64_t              offset;     /* of the byte that is wrong */

    /* the rest is private */

    const unsigned char  *piece;      /* being fed */
    uint64_t              base;       /* offset of its first byte */
    uint64_t              start;      /* of the token begun */

    unsigned              state;
    unsigned              depth;
    unsigned              max_depth;
    unsigned              lenient;
    int                   ask;        /* for the value behind the name */
    const ngx_comet_usual_t  *usual;

    unsigned              quiet;      /* no tokens */
    unsigned              loud_depth; /* up to the end at this depth */
    uint64_t              quiet_start;

    char                 *raw;
    size_t                raw_size;
    size_t                raw_len;
    unsigned              raw_cut:1;
    const unsigned char  *raw_from;   /* what is not copied yet */

    unsigned              name;       /* the string is a name */
    unsigned              keep;       /* its text is wanted */
    unsigned              cut;
    size_t                len;        /* of the text */

    unsigned              number;
    unsigned              literal;
    unsigned              matched;

    unsigned              part_len;   /* an element that a cut has divided */
    unsigned char         part[NGX_COMET_ELEMENT_MAX];

    uint64_t              objects[NGX_COMET_SCAN_DEPTH_MAX / 64];
    uint64_t              texts[NGX_COMET_SCAN_DEPTH_MAX / 64];

    char                  text[NGX_COMET_TEXT_MAX + 1];
} ngx_comet_scan_t;


/*
 * The end of the text lies idle until a string that is longer than this comes:
 * the first bytes may be kept there, before they are fed together or after.
 */

#define NGX_COMET_SCAN_SPARE      640

#define ngx_comet_scan_spare(scan)                                            \
    ((unsigned char *) (scan)->text + NGX_COMET_TEXT_MAX - NGX_COMET_SCAN_SPARE)


/* the depth of "[]" is 1; not more than NGX_COMET_SCAN_DEPTH_MAX */

void ngx_comet_scan_init(ngx_comet_scan_t *scan, unsigned max_depth,
    ngx_comet_scan_pt handler, void *data);

/*
 * Before the first piece: from now on what is taken besides is what common
 * readers of answers take.  Lone surrogates and bytes that are no UTF-8 become
 * U+FFFD in the text; NaN, Infinity and -Infinity are numbers; a byte order
 * mark may stand before the value.
 */

void ngx_comet_scan_lenient(ngx_comet_scan_t *scan);

/*
 * Where to copy values to that NGX_COMET_SCAN_RAW asks for; each overwrites
 * the one before.  A handler may call it at a name.  Without a buffer such a
 * value comes cut, with a length of 0.
 */

void ngx_comet_scan_raw(ngx_comet_scan_t *scan, char *buf, size_t size);

/*
 * From now on objects that are spelled so may come as one token: as
 * NGX_COMET_USUAL, if a string that needs no text is all that follows the head,
 * and otherwise as NGX_COMET_USUAL_HEAD, after which the handler asks as after
 * the last name.  They may as well come as all the tokens that they have, to
 * which the handler must do the same.  NULL ends it.  A handler may call it.
 */

static inline void
ngx_comet_scan_usual(ngx_comet_scan_t *scan, const ngx_comet_usual_t *usual)
{
    scan->usual = usual;
}


int ngx_comet_scan_feed(ngx_comet_scan_t *scan, const unsigned char *p,
    size_t len);
int ngx_comet_scan_finish(ngx_comet_scan_t *scan);

/* bytes of the string, asked for with text, that has begun and not ended */

uint64_t ngx_comet_scan_begun(const ngx_comet_scan_t *scan);

/* whether white space may come next */

int ngx_comet_scan_between(const ngx_comet_scan_t *scan);

/*
 * Writes what makes a text that was cut off whole but for the closing bracket
 * of its object, and a comma if another member needs one before it.  Returns
 * how much that is, at most NGX_COMET_SCAN_DEPTH_MAX + 32, or -1 if the text is
 * not an object that has begun.
 */

int ngx_comet_scan_mend(const ngx_comet_scan_t *scan, char *buf);

const char *ngx_comet_scan_message(const ngx_comet_scan_t *scan);


#endif /* _NGX_COMET_SCAN_H_INCLUDED_ */
