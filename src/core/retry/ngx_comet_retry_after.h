/* the headers by which the API says when to come back */


#ifndef _NGX_COMET_RETRY_AFTER_H_INCLUDED_
#define _NGX_COMET_RETRY_AFTER_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define NGX_COMET_RETRY_AFTER_NONE  (-1)


/*
 * The value of "retry-after-ms", and that of "retry-after": seconds, as SDKs
 * read them, or a date.  Returns milliseconds.  What is no number and no date,
 * has passed, or is too large for a number says nothing.
 */

int64_t ngx_comet_retry_after_ms(const char *value, size_t len);
int64_t ngx_comet_retry_after(const char *value, size_t len, int64_t now);

/* seconds since 1970 of a date in any of the three forms of HTTP, or -1 */

int64_t ngx_comet_http_date(const char *value, size_t len, int64_t now);


#endif /* _NGX_COMET_RETRY_AFTER_H_INCLUDED_ */
