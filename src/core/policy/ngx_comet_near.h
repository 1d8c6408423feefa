/* words that are meant for others */


#ifndef _NGX_COMET_NEAR_H_INCLUDED_
#define _NGX_COMET_NEAR_H_INCLUDED_


/* the documented name that one which is not may have been meant for, or NULL */

const char *ngx_comet_param_near(const char *name);

/* whether two words differ by a slip of the pen */

int ngx_comet_word_is_near(const char *word, const char *other);


#endif /* _NGX_COMET_NEAR_H_INCLUDED_ */
