/*
 * Shell-like patterns: '*' stands for any run of bytes, all else for itself.
 */


#ifndef _NGX_COMET_GLOB_H_INCLUDED_
#define _NGX_COMET_GLOB_H_INCLUDED_


#include <stddef.h>


int ngx_comet_glob_match(const char *pattern, size_t pattern_len,
    const char *text, size_t text_len);

/* the same without regard to the case of ASCII */

int ngx_comet_glob_match_nocase(const char *pattern, size_t pattern_len,
    const char *text, size_t text_len);


#endif /* _NGX_COMET_GLOB_H_INCLUDED_ */
