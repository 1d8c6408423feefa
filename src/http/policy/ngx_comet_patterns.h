/* patterns in a configuration */


#ifndef _NGX_COMET_PATTERNS_H_INCLUDED_
#define _NGX_COMET_PATTERNS_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_pattern.h"


/* the first character that other patterns have, and no name; or NULL */

u_char *ngx_comet_pattern_alien(ngx_str_t *text);

/* whether all that fits the one fits the other, as far as it can be told */

ngx_uint_t ngx_comet_pattern_covers(ngx_comet_pattern_t *pattern,
    ngx_comet_pattern_t *other);

char *ngx_comet_patterns(ngx_conf_t *cf, ngx_array_t **list, unsigned loose);
ngx_int_t ngx_comet_pattern_set(ngx_conf_t *cf, ngx_comet_pattern_t *pattern,
    ngx_str_t *text, unsigned loose);


#endif /* _NGX_COMET_PATTERNS_H_INCLUDED_ */
