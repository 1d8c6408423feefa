#define NGX_COMET_TEXT_TARGET

#include "ngx_comet_text_block.h"


#define ngx_comet_four(c)     c, c, c, c
#define ngx_comet_eight(c)    ngx_comet_four(c), ngx_comet_four(c)
#define ngx_comet_sixteen(c)  ngx_comet_eight(c), ngx_comet_eight(c)


/*
 * J. Keiser, D. Lemire: Validating UTF-8 In Less Than One Instruction Per
 * Byte, 2021.  What may be wrong with two neighbours is what the halves of the
 * first and the high half of the second all name; two continuation bytes are
 * right where an earlier byte asks for the second of them.
 */

#define SHORT      0x01
#define LONG       0x02
#define OVER3      0x04
#define LARGE      0x08
#define SURROGATE  0x10
#define OVER2      0x20
#define OVER4      0x40          /* or too large, by more */
#define CONTS      0x80

#define ANY        (SHORT|LONG|CONTS)
#define BEYOND     (ANY|LARGE|OVER4)
#define SECOND     (LONG|CONTS|OVER2)


const ngx_comet_text_tables_t  ngx_comet_text_tables = {

    { ngx_comet_sixteen('"') },
    { ngx_comet_sixteen('\\') },
    { ngx_comet_sixteen(' ') },
    { ngx_comet_sixteen(0x1f) },

    /* other places hold what no byte with that low half equals */

    { 0xff, 0, 'r', 0, 't', 0, 'f', 0, 0, 0, 0, 0, 0, 0, 'n', '/' },

    { 0, 0, 0,
      NGX_COMET_0_7|NGX_COMET_8_9,
      NGX_COMET_A_B|NGX_COMET_C_F|NGX_COMET_D,
      0,
      NGX_COMET_A_B|NGX_COMET_C_F|NGX_COMET_D,
      0, ngx_comet_eight(0) },

    { NGX_COMET_0_7,
      NGX_COMET_0_7|NGX_COMET_A_B,
      NGX_COMET_0_7|NGX_COMET_A_B,
      NGX_COMET_0_7|NGX_COMET_C_F,
      NGX_COMET_0_7|NGX_COMET_C_F|NGX_COMET_D,
      NGX_COMET_0_7|NGX_COMET_C_F,
      NGX_COMET_0_7|NGX_COMET_C_F,
      NGX_COMET_0_7,
      NGX_COMET_8_9, NGX_COMET_8_9, 0, 0, ngx_comet_four(0) },

    { ngx_comet_sixteen(0x0f) },

    { ngx_comet_eight(LONG),
      ngx_comet_four(CONTS),
      SHORT|OVER2,
      SHORT,
      SHORT|OVER3|SURROGATE,
      SHORT|LARGE|OVER4 },

    { ANY|OVER2|OVER3|OVER4,
      ANY|OVER2,
      ANY,
      ANY,
      ANY|LARGE,
      ngx_comet_eight(BEYOND),
      BEYOND|SURROGATE,
      BEYOND, BEYOND },

    { ngx_comet_eight(SHORT),
      SECOND|OVER3|OVER4,
      SECOND|OVER3|LARGE,
      SECOND|SURROGATE|LARGE,
      SECOND|SURROGATE|LARGE,
      ngx_comet_four(SHORT) },

    { ngx_comet_sixteen(0xe0 - 0x80) },
    { ngx_comet_sixteen(0xf0 - 0x80) },
    { ngx_comet_sixteen(0x80) }
};
