/*
 * The value of a number as JSON writes it, to the nearest double; what is
 * nearer to zero than 1e-22 becomes that, with its sign.
 */


#ifndef _NGX_COMET_NUMBER_H_INCLUDED_
#define _NGX_COMET_NUMBER_H_INCLUDED_


double ngx_comet_number(const char *text);


#endif /* _NGX_COMET_NUMBER_H_INCLUDED_ */
