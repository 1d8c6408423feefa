/*
 * A pattern for names of models: a glob, or ~ and a regular expression.  What
 * allows is exact; what forbids, counts or prices is loose: it does not regard
 * case, and fits if the whole name does or what is behind its last slash.
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
    unsigned     loose:1;
} ngx_comet_pattern_t;


/* 0; or -1 and what is wrong with the expression, and where */

int ngx_comet_pattern_compile(ngx_comet_pattern_t *pattern, const char *text,
    size_t len, unsigned loose, char *error, size_t size);

/*
 * 1, 0, or -1 if it cannot be told: the expression takes too long, or two
 * readers may take the name for different ones.
 */

int ngx_comet_pattern_match(const ngx_comet_pattern_t *pattern,
    const char *text, size_t len);
void ngx_comet_pattern_free(ngx_comet_pattern_t *pattern);


#endif /* _NGX_COMET_PATTERN_H_INCLUDED_ */
