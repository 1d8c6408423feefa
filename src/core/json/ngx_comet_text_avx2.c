#include "ngx_comet_text.h"


#if defined(__x86_64__)


#define NGX_COMET_TEXT_TARGET  __attribute__((target("avx2")))
#define NGX_COMET_TEXT_RUN     ngx_comet_text_avx2


#include "ngx_comet_text_block.h"

#include <immintrin.h>


typedef __m256i  ngx_comet_vector_t;


typedef struct {
    __m256i  a;
    __m256i  b;
} ngx_comet_block_t;


#define ngx_comet_vector_table(name)                                          \
    _mm256_broadcastsi128_si256(*(const __m128i *)                            \
                                (const void *) ngx_comet_text_tables.name)


/* the bytes n places before those of v */

#define ngx_comet_vector_before(v, previous, n)                               \
    _mm256_alignr_epi8(v, _mm256_permute2x128_si256(previous, v, 0x21),       \
                       16 - (n))


ngx_comet_inline __m256i
ngx_comet_vector_fill(char c)
{
    return _mm256_set1_epi8(c);
}


ngx_comet_inline __m256i
ngx_comet_vector_half(__m256i v)
{
    return _mm256_and_si256(_mm256_srli_epi16(v, 4),
                            ngx_comet_vector_table(half));
}


ngx_comet_inline uint64_t
ngx_comet_block_mask(__m256i a, __m256i b)
{
    return (uint32_t) _mm256_movemask_epi8(a)
           | (uint64_t) (uint32_t) _mm256_movemask_epi8(b) << 32;
}


ngx_comet_inline void
ngx_comet_block_load(ngx_comet_block_t *block, const unsigned char *p)
{
    block->a = _mm256_loadu_si256((const __m256i *) (const void *) p);
    block->b = _mm256_loadu_si256((const __m256i *) (const void *) (p + 32));
}


ngx_comet_inline __m256i
ngx_comet_block_last(const ngx_comet_block_t *block)
{
    return block->b;
}


/* as a signed byte what is not ASCII is below a space too */

ngx_comet_inline __m256i
ngx_comet_vector_special(__m256i v)
{
    return _mm256_or_si256(
               _mm256_or_si256(
                   _mm256_cmpeq_epi8(v, ngx_comet_vector_table(quote)),
                   _mm256_cmpeq_epi8(v, ngx_comet_vector_table(backslash))),
               _mm256_cmpgt_epi8(ngx_comet_vector_table(space), v));
}


ngx_comet_inline int
ngx_comet_block_plain(const ngx_comet_block_t *block)
{
    return _mm256_movemask_epi8(
               _mm256_or_si256(ngx_comet_vector_special(block->a),
                               ngx_comet_vector_special(block->b)))
           == 0;
}


ngx_comet_inline uint64_t
ngx_comet_block_special(const ngx_comet_block_t *block)
{
    return ngx_comet_block_mask(ngx_comet_vector_special(block->a),
                                ngx_comet_vector_special(block->b));
}


ngx_comet_inline int
ngx_comet_block_any_high(const ngx_comet_block_t *block)
{
    return _mm256_movemask_epi8(_mm256_or_si256(block->a, block->b));
}


ngx_comet_inline int
ngx_comet_block_any_control(const ngx_comet_block_t *block)
{
    __m256i  least, control;

    control = ngx_comet_vector_table(control);
    least = _mm256_min_epu8(block->a, block->b);

    return _mm256_movemask_epi8(
               _mm256_cmpeq_epi8(_mm256_max_epu8(least, control), control));
}


ngx_comet_inline uint64_t
ngx_comet_block_control(const ngx_comet_block_t *block)
{
    __m256i  control;

    control = ngx_comet_vector_table(control);

    return ngx_comet_block_mask(
               _mm256_cmpeq_epi8(_mm256_max_epu8(block->a, control), control),
               _mm256_cmpeq_epi8(_mm256_max_epu8(block->b, control), control));
}


ngx_comet_inline uint64_t
ngx_comet_block_equal(const ngx_comet_block_t *block, __m256i v)
{
    return ngx_comet_block_mask(_mm256_cmpeq_epi8(block->a, v),
                                _mm256_cmpeq_epi8(block->b, v));
}


ngx_comet_inline uint64_t
ngx_comet_block_usual(const ngx_comet_block_t *block)
{
    __m256i  usual;

    usual = ngx_comet_vector_table(usual);

    return ngx_comet_block_mask(
               _mm256_cmpeq_epi8(_mm256_shuffle_epi8(usual, block->a),
                                 block->a),
               _mm256_cmpeq_epi8(_mm256_shuffle_epi8(usual, block->b),
                                 block->b));
}


ngx_comet_inline __m256i
ngx_comet_vector_classes(__m256i v)
{
    return _mm256_and_si256(
               _mm256_shuffle_epi8(ngx_comet_vector_table(class_low), v),
               _mm256_shuffle_epi8(ngx_comet_vector_table(class_high),
                                   ngx_comet_vector_half(v)));
}


ngx_comet_inline void
ngx_comet_block_classes(ngx_comet_block_t *classes,
    const ngx_comet_block_t *block)
{
    classes->a = ngx_comet_vector_classes(block->a);
    classes->b = ngx_comet_vector_classes(block->b);
}


ngx_comet_inline uint64_t
ngx_comet_block_class(const ngx_comet_block_t *classes, unsigned char class)
{
    __m256i  bits, zero;

    bits = _mm256_set1_epi8((char) class);
    zero = _mm256_setzero_si256();

    return ~ngx_comet_block_mask(
               _mm256_cmpeq_epi8(_mm256_and_si256(classes->a, bits), zero),
               _mm256_cmpeq_epi8(_mm256_and_si256(classes->b, bits), zero));
}


ngx_comet_inline __m256i
ngx_comet_vector_utf8(__m256i v, __m256i previous)
{
    __m256i  first, pairs, third, fourth;

    first = ngx_comet_vector_before(v, previous, 1);

    pairs = _mm256_and_si256(
                _mm256_and_si256(
                    _mm256_shuffle_epi8(ngx_comet_vector_table(first_high),
                                        ngx_comet_vector_half(first)),
                    _mm256_shuffle_epi8(
                        ngx_comet_vector_table(first_low),
                        _mm256_and_si256(first,
                                         ngx_comet_vector_table(half)))),
                _mm256_shuffle_epi8(ngx_comet_vector_table(second_high),
                                    ngx_comet_vector_half(v)));

    third = _mm256_subs_epu8(ngx_comet_vector_before(v, previous, 2),
                             ngx_comet_vector_table(third));
    fourth = _mm256_subs_epu8(ngx_comet_vector_before(v, previous, 3),
                              ngx_comet_vector_table(fourth));

    return _mm256_xor_si256(
               pairs,
               _mm256_and_si256(_mm256_or_si256(third, fourth),
                                ngx_comet_vector_table(continuation)));
}


ngx_comet_inline uint64_t
ngx_comet_block_utf8(const ngx_comet_block_t *block, __m256i previous)
{
    __m256i  a, b, any, zero;

    a = ngx_comet_vector_utf8(block->a, previous);
    b = ngx_comet_vector_utf8(block->b, block->a);
    any = _mm256_or_si256(a, b);

    if (_mm256_testz_si256(any, any)) {
        return 0;
    }

    zero = _mm256_setzero_si256();

    return ~ngx_comet_block_mask(_mm256_cmpeq_epi8(a, zero),
                                 _mm256_cmpeq_epi8(b, zero));
}


#include "ngx_comet_text_run.h"


#endif /* __x86_64__ */
