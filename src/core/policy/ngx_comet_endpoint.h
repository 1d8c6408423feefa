/*
 * The calls of the API, as data: a row says all that an endpoint is.  Which of
 * them a method and a path stand for.
 */


#ifndef _NGX_COMET_ENDPOINT_H_INCLUDED_
#define _NGX_COMET_ENDPOINT_H_INCLUDED_


#include <stddef.h>

#include "ngx_comet_param.h"


#define NGX_COMET_GET     0x01
#define NGX_COMET_HEAD    0x02
#define NGX_COMET_POST    0x04
#define NGX_COMET_DELETE  0x08


#define NGX_COMET_CAPS    3
#define NGX_COMET_ONE_OF  4
#define NGX_COMET_TIES    2


/* how an answer tells which tokens it used, in a plain body and in a stream */

typedef enum {
    NGX_COMET_FORM_NONE,                      /* it uses none */
    NGX_COMET_FORM_CHAT,
    NGX_COMET_FORM_RESPONSES,
    NGX_COMET_FORMS
} ngx_comet_form_e;


/* what an asterisk in a path stands for */

typedef struct {
    const char                       *name;
    const char                       *more;   /* than letters and digits */
    unsigned                          model:1;    /* lists have a say */
    unsigned                          slashes:1;  /* it may hold some */
} ngx_comet_endpoint_part_t;


/* a parameter is of use where another is true, or where another is not */

typedef struct {
    ngx_comet_param_e                 param;
    ngx_comet_param_e                 needs;
    ngx_comet_param_e                 excludes;
} ngx_comet_tie_t;


/* what is left out is NGX_COMET_PARAM_OTHER, and ends a list */

typedef struct {
    const char                       *name;
    const char                       *path;
    size_t                            head;   /* of it, without asterisk */
    unsigned                          methods;
    const char                       *allow;
    const ngx_comet_endpoint_part_t  *part;   /* or NULL: no asterisk */

    /* of its body, the model first; NULL: it is not judged */

    const ngx_comet_field_t          *fields;
    ngx_comet_param_e                 one_of[NGX_COMET_ONE_OF + 1];
    ngx_comet_tie_t                   ties[NGX_COMET_TIES + 1];
    unsigned                          ruled:1;    /* by comet_param too */
    unsigned                          narrowed:1; /* by rules of providers */
    const char                       *spoken;     /* not by all models */

    /* names of the output cap that are taken for it; the first is right */

    ngx_comet_param_e                 caps[NGX_COMET_CAPS + 1];
    unsigned                          cap_of_model:1; /* that one is right */

    /* of its answer */

    ngx_comet_form_e                  form;
    unsigned                          output:1;   /* the model writes some */
    unsigned                          lists:1;    /* models */
    unsigned                          socket:1;   /* clients try one first */
} ngx_comet_endpoint_t;


/* ends with a NULL name */

extern const ngx_comet_endpoint_t  ngx_comet_endpoint_table[];


/* the entry for the path whatever the method, or NULL */

const ngx_comet_endpoint_t *ngx_comet_endpoint_find(const char *path,
    size_t len);

/* the one that readers take it for who do not mind case or a last slash */

const ngx_comet_endpoint_t *ngx_comet_endpoint_alike(const char *path,
    size_t len);

/* whether a parameter of the name is documented of any */

int ngx_comet_endpoint_knows(const char *param);

/* whether the asterisk stands for what it can stand for */

int ngx_comet_endpoint_part_is_right(const ngx_comet_endpoint_t *endpoint,
    const char *path, size_t len);


#endif /* _NGX_COMET_ENDPOINT_H_INCLUDED_ */
