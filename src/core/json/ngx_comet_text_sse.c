#include "ngx_comet_text.h"


#if defined(__x86_64__)


#define NGX_COMET_TEXT_TARGET  __attribute__((target("ssse3")))
#define NGX_COMET_TEXT_RUN     ngx_comet_text_ssse3


#include "ngx_comet_text_block.h"

#include <tmmintrin.h>


typedef __m128i  ngx_comet_vector_t;


typedef struct {
    __m128i  a;
    __m128i  b;
    __m128i  c;
    __m128i  d;
} ngx_comet_block_t;


#define ngx_comet_vector_table(name)                                          \
    (*(const __m128i *) (const void *) ngx_comet_text_tables.name)


/* as a signed byte what is not ASCII is below a space too */

static inline __m128i
ngx_comet_vector_special(__m128i v)
{
    return _mm_or_si128(
               _mm_or_si128(
                   _mm_cmpeq_epi8(v, ngx_comet_vector_table(quote)),
                   _mm_cmpeq_epi8(v, ngx_comet_vector_table(backslash))),
               _mm_cmplt_epi8(v, ngx_comet_vector_table(space)));
}


/* without a lookup only plain ASCII is fast */

const unsigned char *
ngx_comet_text_sse2(const unsigned char *p, const unsigned char *end)
{
    __m128i               v;
    unsigned              mask;
    const unsigned char  *next;

    while (end - p >= 16) {

        v = _mm_loadu_si128((const __m128i *) (const void *) p);
        mask = (unsigned) _mm_movemask_epi8(ngx_comet_vector_special(v));

        if (mask == 0) {
            p += 16;
            continue;
        }

        p += __builtin_ctz(mask);

        if (*p == '"') {
            return p;
        }

        next = p;

        if (ngx_comet_text_element(&next, end) != NGX_COMET_TEXT_WHOLE) {
            return p;
        }

        p = next;
    }

    return ngx_comet_text_scalar(p, end);
}


ngx_comet_inline __m128i
ngx_comet_vector_fill(char c)
{
    return _mm_set1_epi8(c);
}


ngx_comet_inline __m128i
ngx_comet_vector_half(__m128i v)
{
    return _mm_and_si128(_mm_srli_epi16(v, 4),
                         ngx_comet_vector_table(half));
}


ngx_comet_inline uint64_t
ngx_comet_block_mask(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return (uint64_t) (unsigned) _mm_movemask_epi8(a)
           | (uint64_t) (unsigned) _mm_movemask_epi8(b) << 16
           | (uint64_t) (unsigned) _mm_movemask_epi8(c) << 32
           | (uint64_t) (unsigned) _mm_movemask_epi8(d) << 48;
}


ngx_comet_inline void
ngx_comet_block_load(ngx_comet_block_t *block, const unsigned char *p)
{
    block->a = _mm_loadu_si128((const __m128i *) (const void *) p);
    block->b = _mm_loadu_si128((const __m128i *) (const void *) (p + 16));
    block->c = _mm_loadu_si128((const __m128i *) (const void *) (p + 32));
    block->d = _mm_loadu_si128((const __m128i *) (const void *) (p + 48));
}


ngx_comet_inline __m128i
ngx_comet_block_last(const ngx_comet_block_t *block)
{
    return block->d;
}


ngx_comet_inline int
ngx_comet_block_plain(const ngx_comet_block_t *block)
{
    return _mm_movemask_epi8(
               _mm_or_si128(
                   _mm_or_si128(ngx_comet_vector_special(block->a),
                                ngx_comet_vector_special(block->b)),
                   _mm_or_si128(ngx_comet_vector_special(block->c),
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
    return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(block->a, block->b),
                                          _mm_or_si128(block->c, block->d)));
}


ngx_comet_inline __m128i
ngx_comet_vector_control(__m128i v)
{
    __m128i  control;

    control = ngx_comet_vector_table(control);

    return _mm_cmpeq_epi8(_mm_max_epu8(v, control), control);
}


ngx_comet_inline int
ngx_comet_block_any_control(const ngx_comet_block_t *block)
{
    return _mm_movemask_epi8(ngx_comet_vector_control(
                                 _mm_min_epu8(
                                     _mm_min_epu8(block->a, block->b),
                                     _mm_min_epu8(block->c, block->d))));
}


ngx_comet_inline uint64_t
ngx_comet_block_control(const ngx_comet_block_t *block)
{
    return ngx_comet_block_mask(ngx_comet_vector_control(block->a),
                                ngx_comet_vector_control(block->b),
                                ngx_comet_vector_control(block->c),
                                ngx_comet_vector_control(block->d));
}


ngx_comet_inline uint64_t
ngx_comet_block_equal(const ngx_comet_block_t *block, __m128i v)
{
    return ngx_comet_block_mask(_mm_cmpeq_epi8(block->a, v),
                                _mm_cmpeq_epi8(block->b, v),
                                _mm_cmpeq_epi8(block->c, v),
                                _mm_cmpeq_epi8(block->d, v));
}


ngx_comet_inline __m128i
ngx_comet_vector_usual(__m128i v)
{
    return _mm_cmpeq_epi8(_mm_shuffle_epi8(ngx_comet_vector_table(usual), v),
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


ngx_comet_inline __m128i
ngx_comet_vector_classes(__m128i v)
{
    return _mm_and_si128(
               _mm_shuffle_epi8(ngx_comet_vector_table(class_low), v),
               _mm_shuffle_epi8(ngx_comet_vector_table(class_high),
                                ngx_comet_vector_half(v)));
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
ngx_comet_block_nonzero(const ngx_comet_block_t *block)
{
    return ~ngx_comet_block_equal(block, _mm_setzero_si128());
}


ngx_comet_inline uint64_t
ngx_comet_block_class(const ngx_comet_block_t *classes, unsigned char class)
{
    __m128i            bits;
    ngx_comet_block_t  found;

    bits = _mm_set1_epi8((char) class);

    found.a = _mm_and_si128(classes->a, bits);
    found.b = _mm_and_si128(classes->b, bits);
    found.c = _mm_and_si128(classes->c, bits);
    found.d = _mm_and_si128(classes->d, bits);

    return ngx_comet_block_nonzero(&found);
}


ngx_comet_inline __m128i
ngx_comet_vector_utf8(__m128i v, __m128i previous)
{
    __m128i  first, pairs, third, fourth;

    first = _mm_alignr_epi8(v, previous, 15);

    pairs = _mm_and_si128(
                _mm_and_si128(
                    _mm_shuffle_epi8(ngx_comet_vector_table(first_high),
                                     ngx_comet_vector_half(first)),
                    _mm_shuffle_epi8(
                        ngx_comet_vector_table(first_low),
                        _mm_and_si128(first, ngx_comet_vector_table(half)))),
                _mm_shuffle_epi8(ngx_comet_vector_table(second_high),
                                 ngx_comet_vector_half(v)));

    third = _mm_subs_epu8(_mm_alignr_epi8(v, previous, 14),
                          ngx_comet_vector_table(third));
    fourth = _mm_subs_epu8(_mm_alignr_epi8(v, previous, 13),
                           ngx_comet_vector_table(fourth));

    return _mm_xor_si128(
               pairs,
               _mm_and_si128(_mm_or_si128(third, fourth),
                             ngx_comet_vector_table(continuation)));
}


ngx_comet_inline uint64_t
ngx_comet_block_utf8(const ngx_comet_block_t *block, __m128i previous)
{
    ngx_comet_block_t  bad;

    bad.a = ngx_comet_vector_utf8(block->a, previous);
    bad.b = ngx_comet_vector_utf8(block->b, block->a);
    bad.c = ngx_comet_vector_utf8(block->c, block->b);
    bad.d = ngx_comet_vector_utf8(block->d, block->c);

    return ngx_comet_block_nonzero(&bad);
}


#include "ngx_comet_text_run.h"


#endif /* __x86_64__ */
