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
    NGX_COMET_ENDPOINT_RESPONSE,
    NGX_COMET_ENDPOINT_RESPONSE_CANCEL,
    NGX_COMET_ENDPOINT_RESPONSE_ITEMS
} ngx_comet_endpoint_e;


typedef struct {
    ngx_comet_endpoint_e   id;
    const char            *name;
    const char            *path;
    size_t                 head;      /* of it, which has no asterisk */
    unsigned               methods;
    const char            *allow;
} ngx_comet_endpoint_t;


/* the entry for the path whatever the method, or NULL */

const ngx_comet_endpoint_t *ngx_comet_endpoint_find(const char *path,
    size_t len);


#endif /* _NGX_COMET_ENDPOINT_H_INCLUDED_ */
