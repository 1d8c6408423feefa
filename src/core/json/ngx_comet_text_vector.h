/*
 * The windows onto a block that ngx_comet_text_run.h looks through, for any
 * set of instructions.  The file that includes this one has defined
 * NGX_COMET_VECTORS, of which a block has 2 or 4, the type ngx_comet_vector_t
 * and
 *
 *   ngx_comet_vector_load        reads a vector
 *   ngx_comet_vector_fill        a vector of one byte
 *   ngx_comet_vector_table       a vector of ngx_comet_text_tables
 *   ngx_comet_vector_and         and so on, of all bits or of each byte
 *   ngx_comet_vector_below       as signed bytes
 *   ngx_comet_vector_control     whether a byte is below 0x20
 *   ngx_comet_vector_high        the high half of each byte
 *   ngx_comet_vector_lookup      in a table, by an index in each byte
 *   ngx_comet_vector_index       the low half of each byte; of what is not
 *                                ASCII maybe an index that finds zero
 *   ngx_comet_vector_before      the bytes n places before
 *   ngx_comet_vector_is_zero     whether no bit is set
 *   ngx_comet_vector_any_high    whether the highest bit of some byte is
 *   ngx_comet_vector_bits        a bit of each byte of a block's vectors, each
 *                                of all ones or zeros
 *   ngx_comet_block_any          a bit of each byte that has some of the bits
 */


#define ngx_comet_vector_itself(v)  (v)


#if (NGX_COMET_VECTORS == 4)

typedef struct {
    ngx_comet_vector_t  a;
    ngx_comet_vector_t  b;
    ngx_comet_vector_t  c;
    ngx_comet_vector_t  d;
} ngx_comet_block_t;

#define ngx_comet_block_bits(block, f)                                        \
    ngx_comet_vector_bits(f((block)->a), f((block)->b),                       \
                          f((block)->c), f((block)->d))

#define ngx_comet_block_bits_with(block, f, w)                                \
    ngx_comet_vector_bits(f((block)->a, w), f((block)->b, w),                 \
                          f((block)->c, w), f((block)->d, w))

#define ngx_comet_block_join(block, op, f)                                    \
    op(op(f((block)->a), f((block)->b)), op(f((block)->c), f((block)->d)))

#else

typedef struct {
    ngx_comet_vector_t  a;
    ngx_comet_vector_t  b;
} ngx_comet_block_t;

#define ngx_comet_block_bits(block, f)                                        \
    ngx_comet_vector_bits(f((block)->a), f((block)->b))

#define ngx_comet_block_bits_with(block, f, w)                                \
    ngx_comet_vector_bits(f((block)->a, w), f((block)->b, w))

#define ngx_comet_block_join(block, op, f)                                    \
    op(f((block)->a), f((block)->b))

#endif


ngx_comet_inline void
ngx_comet_block_load(ngx_comet_block_t *block, const unsigned char *p)
{
    const size_t  n = NGX_COMET_BLOCK / NGX_COMET_VECTORS;

    block->a = ngx_comet_vector_load(p);
    block->b = ngx_comet_vector_load(p + n);

#if (NGX_COMET_VECTORS == 4)
    block->c = ngx_comet_vector_load(p + 2 * n);
    block->d = ngx_comet_vector_load(p + 3 * n);
#endif
}


ngx_comet_inline ngx_comet_vector_t
ngx_comet_block_last(const ngx_comet_block_t *block)
{
#if (NGX_COMET_VECTORS == 4)
    return block->d;
#else
    return block->b;
#endif
}


/* as a signed byte what is not ASCII is below a space too */

ngx_comet_inline ngx_comet_vector_t
ngx_comet_vector_special(ngx_comet_vector_t v)
{
    return ngx_comet_vector_or(
               ngx_comet_vector_or(
                   ngx_comet_vector_equal(v, ngx_comet_vector_table(quote)),
                   ngx_comet_vector_equal(v,
                                          ngx_comet_vector_table(backslash))),
               ngx_comet_vector_below(v, ngx_comet_vector_table(space)));
}


ngx_comet_inline int
ngx_comet_block_plain(const ngx_comet_block_t *block)
{
    return !ngx_comet_vector_any_high(
               ngx_comet_block_join(block, ngx_comet_vector_or,
                                    ngx_comet_vector_special));
}


ngx_comet_inline uint64_t
ngx_comet_block_special(const ngx_comet_block_t *block)
{
    return ngx_comet_block_bits(block, ngx_comet_vector_special);
}


ngx_comet_inline ngx_comet_vector_t
ngx_comet_vector_odd(ngx_comet_vector_t v)
{
    return ngx_comet_vector_below(v, ngx_comet_vector_table(space));
}


/* control or not ASCII */

ngx_comet_inline int
ngx_comet_block_any_odd(const ngx_comet_block_t *block)
{
    return ngx_comet_vector_any_high(
               ngx_comet_block_join(block, ngx_comet_vector_or,
                                    ngx_comet_vector_odd));
}


ngx_comet_inline uint64_t
ngx_comet_block_odd(const ngx_comet_block_t *block)
{
    return ngx_comet_block_bits(block, ngx_comet_vector_odd);
}


ngx_comet_inline uint64_t
ngx_comet_block_equal(const ngx_comet_block_t *block, ngx_comet_vector_t v)
{
    return ngx_comet_block_bits_with(block, ngx_comet_vector_equal, v);
}


ngx_comet_inline ngx_comet_vector_t
ngx_comet_vector_usual(ngx_comet_vector_t v)
{
    return ngx_comet_vector_equal(
               ngx_comet_vector_lookup(ngx_comet_vector_table(usual),
                                       ngx_comet_vector_index(v)),
               v);
}


ngx_comet_inline uint64_t
ngx_comet_block_usual(const ngx_comet_block_t *block)
{
    return ngx_comet_block_bits(block, ngx_comet_vector_usual);
}


ngx_comet_inline ngx_comet_vector_t
ngx_comet_vector_classes(ngx_comet_vector_t v)
{
    return ngx_comet_vector_and(
               ngx_comet_vector_lookup(ngx_comet_vector_table(class_low),
                                       ngx_comet_vector_index(v)),
               ngx_comet_vector_lookup(ngx_comet_vector_table(class_high),
                                       ngx_comet_vector_high(v)));
}


ngx_comet_inline void
ngx_comet_block_classes(ngx_comet_block_t *classes,
    const ngx_comet_block_t *block)
{
    classes->a = ngx_comet_vector_classes(block->a);
    classes->b = ngx_comet_vector_classes(block->b);

#if (NGX_COMET_VECTORS == 4)
    classes->c = ngx_comet_vector_classes(block->c);
    classes->d = ngx_comet_vector_classes(block->d);
#endif
}


ngx_comet_inline uint64_t
ngx_comet_block_class(const ngx_comet_block_t *classes, unsigned char class)
{
    return ngx_comet_block_any(classes, ngx_comet_vector_fill((char) class));
}


ngx_comet_inline ngx_comet_vector_t
ngx_comet_vector_utf8(ngx_comet_vector_t v, ngx_comet_vector_t previous)
{
    ngx_comet_vector_t  first, pairs, third, fourth;

    first = ngx_comet_vector_before(v, previous, 1);

    pairs = ngx_comet_vector_and(
                ngx_comet_vector_and(
                    ngx_comet_vector_lookup(ngx_comet_vector_table(first_high),
                                            ngx_comet_vector_high(first)),
                    ngx_comet_vector_lookup(
                        ngx_comet_vector_table(first_low),
                        ngx_comet_vector_and(first,
                                             ngx_comet_vector_table(half)))),
                ngx_comet_vector_lookup(ngx_comet_vector_table(second_high),
                                        ngx_comet_vector_high(v)));

    third = ngx_comet_vector_subtract(ngx_comet_vector_before(v, previous, 2),
                                      ngx_comet_vector_table(third));
    fourth = ngx_comet_vector_subtract(ngx_comet_vector_before(v, previous, 3),
                                       ngx_comet_vector_table(fourth));

    return ngx_comet_vector_xor(
               pairs,
               ngx_comet_vector_and(ngx_comet_vector_or(third, fourth),
                                    ngx_comet_vector_table(continuation)));
}


/* control characters, and what is not UTF-8 */

ngx_comet_inline ngx_comet_vector_t
ngx_comet_vector_bad(ngx_comet_vector_t v, ngx_comet_vector_t previous)
{
    return ngx_comet_vector_or(ngx_comet_vector_utf8(v, previous),
                               ngx_comet_vector_control(v));
}


ngx_comet_inline uint64_t
ngx_comet_block_bad(const ngx_comet_block_t *block,
    ngx_comet_vector_t previous)
{
    ngx_comet_block_t  bad;

    bad.a = ngx_comet_vector_bad(block->a, previous);
    bad.b = ngx_comet_vector_bad(block->b, block->a);

#if (NGX_COMET_VECTORS == 4)
    bad.c = ngx_comet_vector_bad(block->c, block->b);
    bad.d = ngx_comet_vector_bad(block->d, block->c);
#endif

    if (ngx_comet_vector_is_zero(
            ngx_comet_block_join(&bad, ngx_comet_vector_or,
                                 ngx_comet_vector_itself)))
    {
        return 0;
    }

    return ~ngx_comet_block_equal(&bad, ngx_comet_vector_fill(0));
}


#include "ngx_comet_text_run.h"
