#include "ngx_comet_text.h"


#if defined(__aarch64__)


#define NGX_COMET_TEXT_TARGET
#define NGX_COMET_TEXT_RUN     ngx_comet_text_neon


#include "ngx_comet_text_block.h"

#include <arm_neon.h>


typedef uint8x16_t  ngx_comet_vector_t;


typedef struct {
    uint8x16_t  a;
    uint8x16_t  b;
    uint8x16_t  c;
    uint8x16_t  d;
} ngx_comet_block_t;


#define ngx_comet_vector_table(name)  vld1q_u8(ngx_comet_text_tables.name)


ngx_comet_inline uint8x16_t
ngx_comet_vector_fill(char c)
{
    return vdupq_n_u8((uint8_t) c);
}


/* bytes of all ones or zeros: keeps one bit of each and adds up neighbours */

ngx_comet_inline uint64_t
ngx_comet_block_mask(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
    uint8x16_t  bits;

    bits = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));

    a = vpaddq_u8(vandq_u8(a, bits), vandq_u8(b, bits));
    c = vpaddq_u8(vandq_u8(c, bits), vandq_u8(d, bits));
    a = vpaddq_u8(a, c);
    a = vpaddq_u8(a, a);

    return vgetq_lane_u64(vreinterpretq_u64_u8(a), 0);
}


ngx_comet_inline void
ngx_comet_block_load(ngx_comet_block_t *block, const unsigned char *p)
{
    block->a = vld1q_u8(p);
    block->b = vld1q_u8(p + 16);
    block->c = vld1q_u8(p + 32);
    block->d = vld1q_u8(p + 48);
}


ngx_comet_inline uint8x16_t
ngx_comet_block_last(const ngx_comet_block_t *block)
{
    return block->d;
}


/* as a signed byte what is not ASCII is below a space too */

ngx_comet_inline uint8x16_t
ngx_comet_vector_special(uint8x16_t v)
{
    return vorrq_u8(
               vorrq_u8(vceqq_u8(v, ngx_comet_vector_table(quote)),
                        vceqq_u8(v, ngx_comet_vector_table(backslash))),
               vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(' ')));
}


ngx_comet_inline int
ngx_comet_block_plain(const ngx_comet_block_t *block)
{
    return vmaxvq_u8(vorrq_u8(vorrq_u8(ngx_comet_vector_special(block->a),
                                       ngx_comet_vector_special(block->b)),
                              vorrq_u8(ngx_comet_vector_special(block->c),
                                       ngx_comet_vector_special(block->d))))
           == 0;
}


ngx_comet_inline uint64_t
ngx_comet_block_special(const ngx_comet_block_t *block)
{
    return ngx_comet_block_mask(ngx_comet_vector_special(block->a),
                                ngx_comet_vector_special(block->b),
                                ngx_comet_vector_special(block->c),
                                ngx_comet_vector_special(block->d));
}


ngx_comet_inline int
ngx_comet_block_any_high(const ngx_comet_block_t *block)
{
    return vmaxvq_u8(vorrq_u8(vorrq_u8(block->a, block->b),
                              vorrq_u8(block->c, block->d)))
           >= 0x80;
}


ngx_comet_inline int
ngx_comet_block_any_control(const ngx_comet_block_t *block)
{
    return vminvq_u8(vminq_u8(vminq_u8(block->a, block->b),
                              vminq_u8(block->c, block->d)))
           < 0x20;
}


ngx_comet_inline uint64_t
ngx_comet_block_control(const ngx_comet_block_t *block)
{
    uint8x16_t  space;

    space = ngx_comet_vector_table(space);

    return ngx_comet_block_mask(
               vcltq_u8(block->a, space), vcltq_u8(block->b, space),
               vcltq_u8(block->c, space), vcltq_u8(block->d, space));
}


ngx_comet_inline uint64_t
ngx_comet_block_equal(const ngx_comet_block_t *block, uint8x16_t v)
{
    return ngx_comet_block_mask(vceqq_u8(block->a, v), vceqq_u8(block->b, v),
                                vceqq_u8(block->c, v), vceqq_u8(block->d, v));
}


ngx_comet_inline uint8x16_t
ngx_comet_vector_low(uint8x16_t v)
{
    return vandq_u8(v, ngx_comet_vector_table(half));
}


ngx_comet_inline uint8x16_t
ngx_comet_vector_usual(uint8x16_t v)
{
    return vceqq_u8(vqtbl1q_u8(ngx_comet_vector_table(usual),
                               ngx_comet_vector_low(v)),
                    v);
}


ngx_comet_inline uint64_t
ngx_comet_block_usual(const ngx_comet_block_t *block)
{
    return ngx_comet_block_mask(ngx_comet_vector_usual(block->a),
                                ngx_comet_vector_usual(block->b),
                                ngx_comet_vector_usual(block->c),
                                ngx_comet_vector_usual(block->d));
}


ngx_comet_inline uint8x16_t
ngx_comet_vector_classes(uint8x16_t v)
{
    return vandq_u8(vqtbl1q_u8(ngx_comet_vector_table(class_low),
                               ngx_comet_vector_low(v)),
                    vqtbl1q_u8(ngx_comet_vector_table(class_high),
                               vshrq_n_u8(v, 4)));
}


ngx_comet_inline void
ngx_comet_block_classes(ngx_comet_block_t *classes,
    const ngx_comet_block_t *block)
{
    classes->a = ngx_comet_vector_classes(block->a);
    classes->b = ngx_comet_vector_classes(block->b);
    classes->c = ngx_comet_vector_classes(block->c);
    classes->d = ngx_comet_vector_classes(block->d);
}


ngx_comet_inline uint64_t
ngx_comet_block_class(const ngx_comet_block_t *classes, unsigned char class)
{
    uint8x16_t  v;

    v = vdupq_n_u8(class);

    return ngx_comet_block_mask(
               vtstq_u8(classes->a, v), vtstq_u8(classes->b, v),
               vtstq_u8(classes->c, v), vtstq_u8(classes->d, v));
}


ngx_comet_inline uint8x16_t
ngx_comet_vector_utf8(uint8x16_t v, uint8x16_t previous)
{
    uint8x16_t  first, pairs, third, fourth;

    first = vextq_u8(previous, v, 15);

    pairs = vandq_u8(
                vandq_u8(
                    vqtbl1q_u8(ngx_comet_vector_table(first_high),
                               vshrq_n_u8(first, 4)),
                    vqtbl1q_u8(ngx_comet_vector_table(first_low),
                               ngx_comet_vector_low(first))),
                vqtbl1q_u8(ngx_comet_vector_table(second_high),
                           vshrq_n_u8(v, 4)));

    third = vqsubq_u8(vextq_u8(previous, v, 14),
                      ngx_comet_vector_table(third));
    fourth = vqsubq_u8(vextq_u8(previous, v, 13),
                       ngx_comet_vector_table(fourth));

    return veorq_u8(pairs,
                    vandq_u8(vorrq_u8(third, fourth),
                             ngx_comet_vector_table(continuation)));
}


ngx_comet_inline uint64_t
ngx_comet_block_utf8(const ngx_comet_block_t *block, uint8x16_t previous)
{
    ngx_comet_block_t  bad;

    bad.a = ngx_comet_vector_utf8(block->a, previous);
    bad.b = ngx_comet_vector_utf8(block->b, block->a);
    bad.c = ngx_comet_vector_utf8(block->c, block->b);
    bad.d = ngx_comet_vector_utf8(block->d, block->c);

    if (vmaxvq_u8(vorrq_u8(vorrq_u8(bad.a, bad.b), vorrq_u8(bad.c, bad.d)))
        == 0)
    {
        return 0;
    }

    return ~ngx_comet_block_equal(&bad, vdupq_n_u8(0));
}


#include "ngx_comet_text_run.h"


#endif /* __aarch64__ */
