/*
 * The body of a level, which ngx_comet_text_vector.h lets look at a block.
 *
 * Branches that a text would often mispredict cost more than the work they
 * save, so the masks of a block are made whether it has escapes or not.  What
 * one block leaves to the next is carried on: to begin the next one elsewhere
 * would have it wait for all the work on the one before.
 */


/* what else is done takes no registers from the main loop */

#define ngx_comet_text_apart                                                  \
    static NGX_COMET_TEXT_TARGET __attribute__((noinline))


/*
 * Of a run of backslashes each second byte is escaped, and so is the byte
 * behind the run if their number is odd.  The subtraction carries through
 * each run from its first bit; against the odd bits of the mask it leaves
 * those that are off by one from the start of their run.  *carry is whether
 * the first byte is escaped, and becomes the same of the next block.
 */

ngx_comet_inline uint64_t
ngx_comet_text_escaped(uint64_t backslash, uint64_t *carry)
{
    uint64_t  odd, first, escapes, escaped;

    odd = 0xaaaaaaaaaaaaaaaa;
    first = backslash & ~*carry;
    escapes = ((first << 1 | odd) - first) ^ odd;
    escaped = escapes ^ (backslash | *carry);

    *carry = (escapes & backslash) >> 63;

    return escaped;
}


/* the bits n places behind those of the block and of the one before */

ngx_comet_inline uint64_t
ngx_comet_text_behind(uint64_t bits, uint64_t before, unsigned n)
{
    return bits << n | before >> (64 - n);
}


/* what the escapes of a block leave to the next one */

typedef struct {
    uint64_t  escaped;         /* its first byte is */
    uint64_t  unit;            /* the "u" of each "\u" */
    uint64_t  d;               /* each digit "d" */
    uint64_t  high;            /* the second digit of each high surrogate */
} ngx_comet_units_t;


/* bits of what is bad in a block, and the closing quote */

ngx_comet_inline uint64_t
ngx_comet_text_units_bad(const ngx_comet_block_t *block,
    ngx_comet_units_t *units, uint64_t *quote)
{
    uint64_t           backslash, escaped, unit, hex, d, high, low, bad;
    ngx_comet_units_t  before;
    ngx_comet_block_t  classes;

    before = *units;

    *quote = ngx_comet_block_equal(block, ngx_comet_vector_table(quote));
    backslash = ngx_comet_block_equal(block,
                                      ngx_comet_vector_table(backslash));

    escaped = ngx_comet_text_escaped(backslash, &units->escaped);
    unit = escaped & ngx_comet_block_equal(block, ngx_comet_vector_fill('u'));

    bad = escaped & ~(*quote | backslash | unit | ngx_comet_block_usual(block));
    *quote &= ~escaped;

    ngx_comet_block_classes(&classes, block);

    hex = ngx_comet_block_class(&classes, NGX_COMET_HEX);
    d = ngx_comet_block_class(&classes, NGX_COMET_D);

    bad |= (ngx_comet_text_behind(unit, before.unit, 1)
            | ngx_comet_text_behind(unit, before.unit, 2)
            | ngx_comet_text_behind(unit, before.unit, 3)
            | ngx_comet_text_behind(unit, before.unit, 4)) & ~hex;

    units->unit = unit;
    units->d = d;
    units->high = 0;

    /* so begin surrogates, and most Hangul */

    d = ngx_comet_text_behind(unit, before.unit, 2)
        & ngx_comet_text_behind(d, before.d, 1);

    if (d | before.high) {
        high = d & ngx_comet_block_class(&classes, NGX_COMET_8_B);
        low = d & ngx_comet_block_class(&classes, NGX_COMET_C_F);

        bad |= (low & ~ngx_comet_text_behind(high, before.high, 6))
               | (high << 6 & ~low) >> 6
               | ((before.high >> 58 & ~low) != 0);

        units->high = high;
    }

    return bad;
}


/* the start of the element that p is in or behind, where a block ends */

ngx_comet_inline const unsigned char *
ngx_comet_text_units_back(const ngx_comet_units_t *units,
    const unsigned char *p)
{
    if (units->high >> 56) {
        return p - __builtin_clzll(units->high) - 4;
    }

    if (units->unit >> 60) {
        return p - __builtin_clzll(units->unit) - 2;
    }

    return p - units->escaped;
}


/*
 * Goes over blocks of ASCII with escapes "\uXXXX", to the closing quote or as
 * far as there are some, and then to the start of an element.
 */

ngx_comet_text_apart const unsigned char *
ngx_comet_text_units(const unsigned char *p, const unsigned char *end)
{
    uint64_t           bad, quote;
    ngx_comet_block_t  block;
    ngx_comet_units_t  units, next;

    memset(&units, 0, sizeof(ngx_comet_units_t));

    for ( /* void */ ; end - p >= NGX_COMET_BLOCK; p += NGX_COMET_BLOCK) {

        next = units;
        ngx_comet_block_load(&block, p);
        bad = ngx_comet_text_units_bad(&block, &next, &quote);

        if (ngx_comet_block_any_odd(&block)) {
            bad |= ngx_comet_block_odd(&block);
        }

        if (bad & (quote ^ (quote - 1))) {
            break;
        }

        if (quote && next.high >> 58 == 0) {
            return p + __builtin_ctzll(quote);
        }

        if (quote || next.unit == 0) {
            break;
        }

        units = next;
    }

    return ngx_comet_text_units_back(&units, p);
}


/* goes over plain blocks, up to the first byte that needs care */

ngx_comet_inline const unsigned char *
ngx_comet_text_blocks(const unsigned char *p, const unsigned char *end)
{
    ngx_comet_block_t  block;

    for ( /* void */ ; end - p >= NGX_COMET_BLOCK; p += NGX_COMET_BLOCK) {
        ngx_comet_block_load(&block, p);

        if (!ngx_comet_block_plain(&block)) {
            return p + __builtin_ctzll(ngx_comet_block_special(&block));
        }
    }

    return p;
}


/* the start of the character that the bytes before p end with, if not ASCII */

static const unsigned char *
ngx_comet_text_back(const unsigned char *from, const unsigned char *p)
{
    int  i;

    for (i = 1; i <= 3 && p - from >= i && p[-i] >= 0x80; i++) {
        if (p[-i] >= 0xc0) {
            return p - i;
        }
    }

    return p;
}


/*
 * An element that the masks do not pass is left to others, unless it may just
 * go beyond the block; the next block begins behind it, or with it.  Zeros
 * stand behind the end of the bytes: they are bad in a string, so what the
 * bytes end with is always looked at.
 */

NGX_COMET_TEXT_TARGET const unsigned char *
NGX_COMET_TEXT_RUN(const unsigned char *p, const unsigned char *end)
{
    int                   tail;
    uint64_t              quote, backslash, escaped, bad, carry;
    unsigned              n;
    unsigned char         rest[NGX_COMET_BLOCK];
    ngx_comet_block_t     block;
    ngx_comet_vector_t    last;
    const unsigned char  *from, *src;

    p = ngx_comet_text_blocks(p, end);

    if (p != end && *p == '"') {
        return p;
    }

    from = p;
    tail = 0;
    carry = 0;
    last = ngx_comet_vector_fill(0);

    for ( ;; ) {

        src = p;

        if (end - p < NGX_COMET_BLOCK) {
            memset(rest, 0, NGX_COMET_BLOCK);
            memcpy(rest, p, (size_t) (end - p));
            src = rest;
        }

        ngx_comet_block_load(&block, src);

        quote = ngx_comet_block_equal(&block, ngx_comet_vector_table(quote));
        backslash = ngx_comet_block_equal(&block,
                                          ngx_comet_vector_table(backslash));

        escaped = ngx_comet_text_escaped(backslash, &carry);
        bad = escaped & ~(quote | backslash | ngx_comet_block_usual(&block));
        quote &= ~escaped;

        if (ngx_comet_block_any_odd(&block) | tail) {
            bad |= ngx_comet_block_bad(&block, last);
            tail = src[NGX_COMET_BLOCK - 1] >= 0x80;
        }

        /* what lies behind the closing quote is no concern of ours */

        bad &= quote ^ (quote - 1);

        if (bad == 0) {

            if (quote) {
                return p + __builtin_ctzll(quote);
            }

            last = ngx_comet_block_last(&block);
            p += NGX_COMET_BLOCK;

            continue;
        }

        n = (unsigned) __builtin_ctzll(bad);

        p = escaped >> n & 1 ? p + n - 1 : ngx_comet_text_back(from, p + n);
        from = p;
        tail = 0;
        carry = 0;
        last = ngx_comet_vector_fill(0);

        if (src != rest && escaped >> n & 1 && p[1] == 'u') {
            p = ngx_comet_text_units(p, end);

            if (p != from) {
                from = p;
                continue;
            }
        }

        if (n > NGX_COMET_BLOCK - NGX_COMET_ELEMENT_MAX && src != rest) {
            continue;
        }

        if (p == end
            || ngx_comet_text_element(&from, end) != NGX_COMET_TEXT_WHOLE)
        {
            return p;
        }

        p = from;
    }
}
