/*
 * A pattern for names: a glob, or ~ and a regular expression.
 */


#ifndef _NGX_COMET_PATTERN_H_INCLUDED_
#define _NGX_COMET_PATTERN_H_INCLUDED_


#include <stddef.h>


typedef struct {
    const char  *text;
    size_t       len;
    void        *code;      /* of PCRE2, or NULL for a glob */
    void        *match;
    void        *context;
} ngx_comet_pattern_t;


/* 0; or -1 and what is wrong with the expression, and where */

int ngx_comet_pattern_compile(ngx_comet_pattern_t *pattern, const char *text,
    size_t len, char *error, size_t size);

/* 1, 0, or -1 if the expression takes too long to tell */

int ngx_comet_pattern_match(const ngx_comet_pattern_t *pattern,
    const char *text, size_t len);
void ngx_comet_pattern_free(ngx_comet_pattern_t *pattern);


#endif /* _NGX_COMET_PATTERN_H_INCLUDED_ */
