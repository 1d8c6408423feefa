/*
 * The one form of a path that every reader takes for the same: letters,
 * digits and a few other characters, between single slashes.
 */


#ifndef _NGX_COMET_PATH_H_INCLUDED_
#define _NGX_COMET_PATH_H_INCLUDED_


#include <stddef.h>


/* of a path as it is judged: NULL, or what is in it, in words */

const char *ngx_comet_path_wrong(const char *path, size_t len);

/* of a target as it was sent, with its query; slash: it may be escaped */

const char *ngx_comet_path_sent_wrong(const char *target, size_t len,
    int slash);


#endif /* _NGX_COMET_PATH_H_INCLUDED_ */
