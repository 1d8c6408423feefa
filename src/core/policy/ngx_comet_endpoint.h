/*
 * Which call of the API a method and a path stand for.
 */


#ifndef _NGX_COMET_ENDPOINT_H_INCLUDED_
#define _NGX_COMET_ENDPOINT_H_INCLUDED_


#include <stddef.h>


#define NGX_COMET_GET     0x01
#define NGX_COMET_HEAD    0x02
#define NGX_COMET_POST    0x04
#define NGX_COMET_DELETE  0x08


typedef enum {
    NGX_COMET_ENDPOINT_CHAT,
    NGX_COMET_ENDPOINT_RESPONSES,
    NGX_COMET_ENDPOINT_MODELS,
    NGX_COMET_ENDPOINT_MODEL,
    NGX_COMET_ENDPOINT_COMPACT,
    NGX_COMET_ENDPOINT_INPUT_TOKENS,
    NGX_COMET_ENDPOINT_RESPONSE,
    NGX_COMET_ENDPOINT_RESPONSE_CANCEL,
    NGX_COMET_ENDPOINT_RESPONSE_ITEMS
} ngx_comet_endpoint_e;


/* what an asterisk in a path stands for */

typedef struct {
    const char                       *name;
    const char                       *more;   /* than letters and digits */
} ngx_comet_endpoint_part_t;


typedef struct {
    ngx_comet_endpoint_e              id;
    const char                       *name;
    const char                       *path;
    size_t                            head;   /* of it, without asterisk */
    unsigned                          methods;
    const char                       *allow;
    const ngx_comet_endpoint_part_t  *part;   /* or NULL: no asterisk */
    unsigned                          metered:1;  /* it uses tokens */
} ngx_comet_endpoint_t;


/* the entry for the path whatever the method, or NULL */

const ngx_comet_endpoint_t *ngx_comet_endpoint_find(const char *path,
    size_t len);

/* the one that readers take it for who do not mind case or a last slash */

const ngx_comet_endpoint_t *ngx_comet_endpoint_alike(const char *path,
    size_t len);

/* whether the asterisk stands for what it can stand for */

int ngx_comet_endpoint_part_is_right(const ngx_comet_endpoint_t *endpoint,
    const char *path, size_t len);


#endif /* _NGX_COMET_ENDPOINT_H_INCLUDED_ */
