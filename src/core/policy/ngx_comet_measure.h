/*
 * How many tokens a body may be, from its bytes alone.  What is encoded in
 * base64, images mostly, is far fewer tokens than text of its size.
 */


#ifndef _NGX_COMET_MEASURE_H_INCLUDED_
#define _NGX_COMET_MEASURE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


typedef struct {
    uint64_t  bytes;
    uint64_t  encoded;      /* blocks of them */
    uint32_t  seed;         /* of the places to look at */
    unsigned  sample;       /* in this one */
    unsigned  plain:1;      /* something else was found there */
} ngx_comet_measure_t;


/* in pieces, cut anywhere; begins as zeroes, but for the seed */

void ngx_comet_measure_feed(ngx_comet_measure_t *measure,
    const unsigned char *p, size_t len);
uint64_t ngx_comet_measure_tokens(const ngx_comet_measure_t *measure);


#endif /* _NGX_COMET_MEASURE_H_INCLUDED_ */
