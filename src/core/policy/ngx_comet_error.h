/*
 * The error object that the SDKs of OpenAI understand.
 */


#ifndef _NGX_COMET_ERROR_H_INCLUDED_
#define _NGX_COMET_ERROR_H_INCLUDED_


#include <stddef.h>


typedef struct {
    int          status;
    const char  *type;
    const char  *code;        /* may be NULL */
    const char  *param;       /* may be NULL */
    const char  *message;
} ngx_comet_error_t;


/* what to say of an HTTP status for which nothing better is known */

ngx_comet_error_t ngx_comet_error_of_status(int status);

/* the JSON text, to be released by free(); NULL if there is no memory */

char *ngx_comet_error_print(const ngx_comet_error_t *error);

/* replaces what is not UTF-8 by '?', in place */

void ngx_comet_text_clean(char *text);


#endif /* _NGX_COMET_ERROR_H_INCLUDED_ */
