/*
 * The documented form of requests, as data: trees of fields.
 */


#ifndef _NGX_COMET_PARAM_H_INCLUDED_
#define _NGX_COMET_PARAM_H_INCLUDED_


#include <stddef.h>

#include "ngx_comet_scan.h"


#define NGX_COMET_IS_STRING  0x01
#define NGX_COMET_IS_NUMBER  0x02
#define NGX_COMET_IS_BOOL    0x04
#define NGX_COMET_IS_OBJECT  0x08
#define NGX_COMET_IS_ARRAY   0x10
#define NGX_COMET_IS_NULL    0x20

#define NGX_COMET_REQUIRED   0x01
#define NGX_COMET_INTEGER    0x02
#define NGX_COMET_NONEMPTY   0x04
#define NGX_COMET_ROLE       0x08
#define NGX_COMET_TAG        0x10    /* stands for the parameter in a rule */
#define NGX_COMET_ASKS       0x20    /* for other members: a tag of needs */
#define NGX_COMET_USAGE      0x40    /* asks for that of a stream */


/* the parameters that are asked for by name */

typedef enum {
    NGX_COMET_PARAM_OTHER,
    NGX_COMET_PARAM_STREAM,
    NGX_COMET_PARAM_STREAM_OPTIONS,
    NGX_COMET_PARAM_LOGPROBS,
    NGX_COMET_PARAM_TOP_LOGPROBS,
    NGX_COMET_PARAM_N,
    NGX_COMET_PARAM_MAX_TOKENS,
    NGX_COMET_PARAM_MAX_COMPLETION_TOKENS,
    NGX_COMET_PARAM_MAX_OUTPUT_TOKENS,
    NGX_COMET_PARAM_INPUT,
    NGX_COMET_PARAM_PROMPT,
    NGX_COMET_PARAM_CONVERSATION,
    NGX_COMET_PARAM_PREVIOUS_RESPONSE_ID,
    NGX_COMET_PARAM_IDS
} ngx_comet_param_e;


typedef struct ngx_comet_field_s  ngx_comet_field_t;


/* where the member tag is value, the member needs must be there */

typedef struct {
    const char                *tag;
    const char                *value;
    const char                *needs;
} ngx_comet_need_t;


/*
 * What is in a head of a kind: fields, by their bits, that are right, and the
 * name of a last one.
 */

typedef struct {
    unsigned                   present;
    unsigned                   null;
    unsigned                   needs;     /* bits of .needs */
    const ngx_comet_field_t   *last;      /* NULL: not one of the fields */
} ngx_comet_begun_t;


/* the usual spelling of objects */

typedef struct {
    ngx_comet_usual_t          usual;
    const ngx_comet_begun_t   *taken;     /* by kind */
} ngx_comet_form_t;


struct ngx_comet_field_s {
    const char                *name;
    size_t                     len;
    unsigned                   types;     /* null is allowed besides */
    unsigned                   flags;
    ngx_comet_param_e          id;

    double                     low;       /* of a number, where low < high */
    double                     high;
    const char *const         *values;    /* of a string */
    size_t                     max;       /* elements, members or characters */
    size_t                     name_max;  /* characters of a member's name */

    const ngx_comet_field_t   *fields;    /* known members of an object */
    const ngx_comet_field_t   *element;   /* each in an array */
    const ngx_comet_field_t   *member;    /* each in an object, any name */
    const ngx_comet_need_t    *needs;
    const ngx_comet_form_t    *form;      /* elements as usual, as objects */
};


/* more than any table has, rows for rules of an operator included */

#define NGX_COMET_PARAM_MAX  64


/* the trees: each begins with the model and ends with a NULL name */

extern const ngx_comet_field_t  ngx_comet_param_chat[];
extern const ngx_comet_field_t  ngx_comet_param_responses[];
extern const ngx_comet_field_t  ngx_comet_param_bare[];

/* the field of a tree that has the name, or NULL */

const ngx_comet_field_t *ngx_comet_param_find(const ngx_comet_field_t *field,
    const char *name);

/* in words: "a string or null" */

void ngx_comet_param_types(char *text, size_t size, unsigned types);


#endif /* _NGX_COMET_PARAM_H_INCLUDED_ */
