#include "ngx_comet_text.h"


#if defined(__aarch64__)


#define NGX_COMET_TEXT_TARGET
#define NGX_COMET_TEXT_RUN     ngx_comet_text_neon
#define NGX_COMET_VECTORS      4


#include "ngx_comet_text_block.h"

#include <arm_neon.h>


typedef uint8x16_t  ngx_comet_vector_t;


#define ngx_comet_vector_table(name)  vld1q_u8(ngx_comet_text_tables.name)
#define ngx_comet_vector_load         vld1q_u8
#define ngx_comet_vector_fill(c)      vdupq_n_u8((uint8_t) (c))
#define ngx_comet_vector_and          vandq_u8
#define ngx_comet_vector_or           vorrq_u8
#define ngx_comet_vector_xor          veorq_u8
#define ngx_comet_vector_equal        vceqq_u8
#define ngx_comet_vector_subtract     vqsubq_u8
#define ngx_comet_vector_lookup       vqtbl1q_u8
#define ngx_comet_vector_high(v)      vshrq_n_u8(v, 4)
#define ngx_comet_vector_is_zero(v)   (vmaxvq_u8(v) == 0)
#define ngx_comet_vector_any_high(v)  (vmaxvq_u8(v) >= 0x80)

#define ngx_comet_vector_index(v)                                             \
    vandq_u8(v, ngx_comet_vector_table(half))

#define ngx_comet_vector_below(v, w)                                          \
    vcltq_s8(vreinterpretq_s8_u8(v), vreinterpretq_s8_u8(w))

#define ngx_comet_vector_control(v)                                           \
    vcltq_u8(v, ngx_comet_vector_table(space))

#define ngx_comet_vector_before(v, previous, n)                               \
    vextq_u8(previous, v, 16 - (n))

#define ngx_comet_block_any(block, bits)                                      \
    ngx_comet_block_bits_with(block, vtstq_u8, bits)


/* keeps one bit of each byte and adds up neighbours */

ngx_comet_inline uint64_t
ngx_comet_vector_bits(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d)
{
    uint8x16_t  bits;

    bits = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));

    a = vpaddq_u8(vandq_u8(a, bits), vandq_u8(b, bits));
    c = vpaddq_u8(vandq_u8(c, bits), vandq_u8(d, bits));
    a = vpaddq_u8(a, c);
    a = vpaddq_u8(a, a);

    return vgetq_lane_u64(vreinterpretq_u64_u8(a), 0);
}


#include "ngx_comet_text_vector.h"


#endif /* __aarch64__ */
