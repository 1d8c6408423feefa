/*
 * What the levels that go over strings in blocks of 64 bytes share.
 */


#ifndef _NGX_COMET_TEXT_BLOCK_H_INCLUDED_
#define _NGX_COMET_TEXT_BLOCK_H_INCLUDED_


#include "ngx_comet_text.h"

#include <string.h>


#define NGX_COMET_BLOCK  64

#define ngx_comet_inline                                                      \
    static inline NGX_COMET_TEXT_TARGET __attribute__((always_inline))


/* the classes of hexadecimal digits: a byte has those that both halves name */

#define NGX_COMET_0_7  0x01
#define NGX_COMET_8_9  0x02
#define NGX_COMET_A_B  0x04
#define NGX_COMET_C_F  0x08
#define NGX_COMET_D    0x10

#define NGX_COMET_8_B  (NGX_COMET_8_9|NGX_COMET_A_B)
#define NGX_COMET_HEX  (NGX_COMET_0_7|NGX_COMET_8_B|NGX_COMET_C_F)


/*
 * All is here that the loops compare with or look up.  It stands in another
 * file for compilers to load it: they tend to make what they know anew in
 * each turn, at a higher cost.
 */

typedef struct {
    unsigned char  quote[16];
    unsigned char  backslash[16];
    unsigned char  space[16];
    unsigned char  control[16];         /* the last one */

    unsigned char  usual[16];           /* escapes, by their low half */
    unsigned char  class_high[16];
    unsigned char  class_low[16];

    unsigned char  half[16];
    unsigned char  first_high[16];
    unsigned char  first_low[16];
    unsigned char  second_high[16];
    unsigned char  third[16];           /* 0x80 below the bytes that ask for */
    unsigned char  fourth[16];          /*   a third one, or for a fourth */
    unsigned char  continuation[16];
} __attribute__((aligned(16))) ngx_comet_text_tables_t;


extern const ngx_comet_text_tables_t  ngx_comet_text_tables;


#endif /* _NGX_COMET_TEXT_BLOCK_H_INCLUDED_ */
