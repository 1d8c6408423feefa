/*
 * Goes over JSON that lies in one piece, by the rules of the scanner: what is
 * passed here passes there too.  What is not may be wrong, or go on behind the
 * end, or be nested too deeply: the scanner knows.
 *
 * The piece must end with a closing brace.  So behind any other byte there is
 * one more, and the end has to be looked for only behind a brace and within
 * strings.
 */


#ifndef _NGX_COMET_SKIM_H_INCLUDED_
#define _NGX_COMET_SKIM_H_INCLUDED_


#include "ngx_comet_grammar.h"
#include "ngx_comet_text.h"


/* p is not the end; returns what is behind, which may be it, or NULL */

const unsigned char *ngx_comet_skim_value(const unsigned char *p,
    const unsigned char *end);

/* as ngx_comet_skim_string(), of a string that is not short */

const unsigned char *ngx_comet_skim_long(const unsigned char *p,
    const unsigned char *end, const unsigned char **rest);


/*
 * From behind the opening quote to the closing one, or NULL.  Before *rest
 * there are no escapes.
 */

static inline const unsigned char *
ngx_comet_skim_string(const unsigned char *p, const unsigned char *end,
    const unsigned char **rest)
{
    uint64_t  found;

    if (end - p >= NGX_COMET_TEXT_STEP) {
        found = ngx_comet_text_special(p);

        if (found && p[ngx_comet_text_first(found)] == '"') {
            p += ngx_comet_text_first(found);
            *rest = p;
            return p;
        }
    }

    return ngx_comet_skim_long(p, end, rest);
}


static inline const unsigned char *
ngx_comet_skim_space(const unsigned char *p)
{
    while (ngx_comet_is_space(*p)) {
        p++;
    }

    return p;
}


/* from the closing quote of a name to the value, or NULL */

static inline const unsigned char *
ngx_comet_skim_colon(const unsigned char *p)
{
    if (p[1] == ':' && p[2] > ' ') {
        return p + 2;
    }

    p = ngx_comet_skim_space(p + 1);

    return *p == ':' ? ngx_comet_skim_space(p + 1) : NULL;
}


#endif /* _NGX_COMET_SKIM_H_INCLUDED_ */
