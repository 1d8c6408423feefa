#include "ngx_comet_text.h"


#if defined(__x86_64__)


#define NGX_COMET_TEXT_TARGET  __attribute__((target("avx2")))
#define NGX_COMET_TEXT_RUN     ngx_comet_text_avx2
#define NGX_COMET_VECTORS      2


#include "ngx_comet_text_block.h"

#include <immintrin.h>


typedef __m256i  ngx_comet_vector_t;


#define ngx_comet_vector_table(name)                                          \
    _mm256_broadcastsi128_si256(*(const __m128i *)                            \
                                (const void *) ngx_comet_text_tables.name)

#define ngx_comet_vector_load(p)                                              \
    _mm256_loadu_si256((const __m256i *) (const void *) (p))

#define ngx_comet_vector_fill         _mm256_set1_epi8
#define ngx_comet_vector_and          _mm256_and_si256
#define ngx_comet_vector_or           _mm256_or_si256
#define ngx_comet_vector_xor          _mm256_xor_si256
#define ngx_comet_vector_equal        _mm256_cmpeq_epi8
#define ngx_comet_vector_below(v, w)  _mm256_cmpgt_epi8(w, v)
#define ngx_comet_vector_subtract     _mm256_subs_epu8
#define ngx_comet_vector_lookup       _mm256_shuffle_epi8
#define ngx_comet_vector_index(v)     (v)
#define ngx_comet_vector_any_high     _mm256_movemask_epi8
#define ngx_comet_vector_is_zero(v)   _mm256_testz_si256(v, v)

#define ngx_comet_vector_control(v)                                           \
    _mm256_cmpeq_epi8(_mm256_max_epu8(v, ngx_comet_vector_table(control)),    \
                      ngx_comet_vector_table(control))

#define ngx_comet_vector_high(v)                                              \
    _mm256_and_si256(_mm256_srli_epi16(v, 4), ngx_comet_vector_table(half))

#define ngx_comet_vector_before(v, previous, n)                               \
    _mm256_alignr_epi8(v, _mm256_permute2x128_si256(previous, v, 0x21),       \
                       16 - (n))

#define ngx_comet_vector_none(v, bits)                                        \
    _mm256_cmpeq_epi8(_mm256_and_si256(v, bits), _mm256_setzero_si256())

#define ngx_comet_block_any(block, bits)                                      \
    ~ngx_comet_block_bits_with(block, ngx_comet_vector_none, bits)


ngx_comet_inline uint64_t
ngx_comet_vector_bits(__m256i a, __m256i b)
{
    return (uint32_t) _mm256_movemask_epi8(a)
           | (uint64_t) (uint32_t) _mm256_movemask_epi8(b) << 32;
}


#include "ngx_comet_text_vector.h"


#endif /* __x86_64__ */
