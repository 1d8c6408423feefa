/*
 * Goes over JSON that lies in one piece, by the rules of the scanner: what is
 * passed here passes there too.  What is not may be wrong, or go on behind the
 * end, or be nested too deeply: the scanner knows.
 */


#ifndef _NGX_COMET_SKIM_H_INCLUDED_
#define _NGX_COMET_SKIM_H_INCLUDED_


#include <stddef.h>


/* each returns the first byte behind, or NULL; p is not the end */

const unsigned char *ngx_comet_skim_value(const unsigned char *p,
    const unsigned char *end);
const unsigned char *ngx_comet_skim_number(const unsigned char *p,
    const unsigned char *end);
const unsigned char *ngx_comet_skim_literal(const unsigned char *p,
    const unsigned char *end);

/*
 * From behind the opening quote on; returns the closing one, or NULL.  Sets
 * *plain to the first byte from which on there may be escapes.
 */

const unsigned char *ngx_comet_skim_string(const unsigned char *p,
    const unsigned char *end, const unsigned char **plain);


/* to the first byte that is not white space, or the end */

static inline const unsigned char *
ngx_comet_skim_space(const unsigned char *p, const unsigned char *end)
{
    while (p != end && *p <= ' '
           && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    {
        p++;
    }

    return p;
}


#endif /* _NGX_COMET_SKIM_H_INCLUDED_ */
