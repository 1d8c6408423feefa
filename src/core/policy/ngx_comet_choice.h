/*
 * One of several by weight, always the same one for the same seed.
 */


#ifndef _NGX_COMET_CHOICE_H_INCLUDED_
#define _NGX_COMET_CHOICE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


typedef struct {
    uint64_t  id;
    uint64_t  weight;    /* above zero */
} ngx_comet_choice_t;


/* the same in every process; the seed is 0 or another one's hash */

uint64_t ngx_comet_choice_hash(uint64_t seed, const void *text, size_t len);

/*
 * Of n > 0.  Seeds go elsewhere only as far as weights have changed: to those
 * that weigh more than before, and from those that weigh less.
 */

size_t ngx_comet_choose(const ngx_comet_choice_t *choices, size_t n,
    uint64_t seed);


#endif /* _NGX_COMET_CHOICE_H_INCLUDED_ */
