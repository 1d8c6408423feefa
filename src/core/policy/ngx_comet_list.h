/*
 * The list of models, less those that are not allowed.
 */


#ifndef _NGX_COMET_LIST_H_INCLUDED_
#define _NGX_COMET_LIST_H_INCLUDED_


#include <stddef.h>


/*
 * The JSON text, to be released by free(); NULL if the list is not in the
 * documented form or there is no memory.
 */

char *ngx_comet_list_filter(const char *text, size_t len,
    int (*admit)(void *data, const char *model, size_t len), void *data);


#endif /* _NGX_COMET_LIST_H_INCLUDED_ */
