/*
 * The list of models, less those that are not allowed, and with names that the
 * gateway gives to some.
 */


#ifndef _NGX_COMET_LIST_H_INCLUDED_
#define _NGX_COMET_LIST_H_INCLUDED_


#include <stddef.h>


/*
 * JSON texts, to be released by free(); NULL if there is no memory, or the list
 * is not in the documented form.  More is called until it returns NULL; what
 * is in the list already is not put there again.
 */

typedef struct {
    int         (*admit)(void *data, const char *model, size_t len);
    const char *(*more)(void *data);
    void         *data;
} ngx_comet_list_t;


char *ngx_comet_list_filter(const char *text, size_t len,
    const ngx_comet_list_t *of);

/* one that the gateway names */

char *ngx_comet_list_print(const char *name);


#endif /* _NGX_COMET_LIST_H_INCLUDED_ */
