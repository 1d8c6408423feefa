/*
 * How the name of a model is spelt.  Whoever serves it may trim it, fold its
 * case or look it up in a database that knows accents as no difference.
 */


#ifndef _NGX_COMET_NAME_H_INCLUDED_
#define _NGX_COMET_NAME_H_INCLUDED_


#include <stddef.h>


#define ngx_comet_name_lower(c)                                               \
    ((c) >= 'A' && (c) <= 'Z' ? (c) | 0x20 : (c))


/*
 * Whether it may be a name: no control characters, and nothing at an end that
 * is white space or is not seen, of all that Unicode has.
 */

int ngx_comet_name_usable(const char *name, size_t len);

/*
 * Whether all readers that do not regard case agree on what it equals: it is
 * of printable ASCII, with no space at an end or beside a slash.
 */

int ngx_comet_name_certain(const char *name, size_t len);

/* the last segment of vendor/name, and its length */

const char *ngx_comet_name_proper(const char *name, size_t *len);


#endif /* _NGX_COMET_NAME_H_INCLUDED_ */
