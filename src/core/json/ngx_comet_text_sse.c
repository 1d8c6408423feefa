#include "ngx_comet_text.h"


#if defined(__x86_64__)


#define NGX_COMET_TEXT_TARGET  __attribute__((target("ssse3")))
#define NGX_COMET_TEXT_RUN     ngx_comet_text_ssse3
#define NGX_COMET_VECTORS      4


#include "ngx_comet_text_block.h"

#include <tmmintrin.h>


typedef __m128i  ngx_comet_vector_t;


#define ngx_comet_vector_table(name)                                          \
    (*(const __m128i *) (const void *) ngx_comet_text_tables.name)

#define ngx_comet_vector_load(p)                                              \
    _mm_loadu_si128((const __m128i *) (const void *) (p))

#define ngx_comet_vector_fill       _mm_set1_epi8
#define ngx_comet_vector_and        _mm_and_si128
#define ngx_comet_vector_or         _mm_or_si128
#define ngx_comet_vector_xor        _mm_xor_si128
#define ngx_comet_vector_equal      _mm_cmpeq_epi8
#define ngx_comet_vector_below      _mm_cmplt_epi8
#define ngx_comet_vector_subtract   _mm_subs_epu8
#define ngx_comet_vector_lookup     _mm_shuffle_epi8
#define ngx_comet_vector_index(v)   (v)
#define ngx_comet_vector_any_high   _mm_movemask_epi8

#define ngx_comet_vector_control(v)                                           \
    _mm_cmpeq_epi8(_mm_max_epu8(v, ngx_comet_vector_table(control)),          \
                   ngx_comet_vector_table(control))

#define ngx_comet_vector_high(v)                                              \
    _mm_and_si128(_mm_srli_epi16(v, 4), ngx_comet_vector_table(half))

#define ngx_comet_vector_before(v, previous, n)                               \
    _mm_alignr_epi8(v, previous, 16 - (n))

#define ngx_comet_vector_is_zero(v)                                           \
    (_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_setzero_si128())) == 0xffff)

#define ngx_comet_vector_none(v, bits)                                        \
    _mm_cmpeq_epi8(_mm_and_si128(v, bits), _mm_setzero_si128())

#define ngx_comet_block_any(block, bits)                                      \
    ~ngx_comet_block_bits_with(block, ngx_comet_vector_none, bits)


ngx_comet_inline uint64_t
ngx_comet_vector_bits(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return (uint64_t) (unsigned) _mm_movemask_epi8(a)
           | (uint64_t) (unsigned) _mm_movemask_epi8(b) << 16
           | (uint64_t) (unsigned) _mm_movemask_epi8(c) << 32
           | (uint64_t) (unsigned) _mm_movemask_epi8(d) << 48;
}


#include "ngx_comet_text_vector.h"


#endif /* __x86_64__ */
