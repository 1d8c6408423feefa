/*
 * How a stream of events that broke off is brought to an end: with one error
 * in its own form.  If it broke off in the middle of an event, that event is
 * made whole and becomes the error.
 */


#ifndef _NGX_COMET_MEND_H_INCLUDED_
#define _NGX_COMET_MEND_H_INCLUDED_


#include "ngx_comet_error.h"
#include "ngx_comet_usage.h"


/*
 * The text that goes behind what was sent, without what is held back; to be
 * released by free().  NULL if there is no memory.
 */

char *ngx_comet_mend(ngx_comet_usage_t *usage, const ngx_comet_error_t *error);


#endif /* _NGX_COMET_MEND_H_INCLUDED_ */
