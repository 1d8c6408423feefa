/*
 * The body of a level, which ngx_comet_text_vector.h lets look at a block.
 *
 * Branches that a text would often mispredict cost more than the work they
 * save, so the masks of a block are made whether it has escapes or not.
 */


#define NGX_COMET_PLAIN_MANY  8


/*
 * Of a run of backslashes each second byte is escaped, and so is the byte
 * behind the run if their number is odd.  The subtraction carries through
 * each run from its first bit; against the odd bits of the mask it leaves
 * those that are off by one from the start of their run.
 */

ngx_comet_inline uint64_t
ngx_comet_text_escaped(uint64_t backslash)
{
    uint64_t  odd;

    odd = 0xaaaaaaaaaaaaaaaa;

    return (((backslash << 1 | odd) - backslash) ^ odd) ^ backslash;
}


/*
 * Of the escapes "\uXXXX" those that are wrong or go beyond the block.  Of a
 * pair that is not whole the high surrogate is one of them.
 */

ngx_comet_inline uint64_t
ngx_comet_text_units(const ngx_comet_block_t *block, uint64_t unit)
{
    uint64_t           hex, whole, surrogate, high, low;
    ngx_comet_block_t  classes;

    ngx_comet_block_classes(&classes, block);

    hex = ngx_comet_block_class(&classes, NGX_COMET_HEX);
    whole = unit & hex >> 1 & hex >> 2 & hex >> 3 & hex >> 4;

    surrogate = whole & ngx_comet_block_class(&classes, NGX_COMET_D) >> 1;
    high = surrogate & ngx_comet_block_class(&classes, NGX_COMET_8_B) >> 2;
    low = surrogate & ngx_comet_block_class(&classes, NGX_COMET_C_F) >> 2;

    return (unit ^ whole) | (high & ~(low >> 6)) | (low & ~(high << 6));
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
 * An element that the masks do not pass is left to ngx_comet_text_element(),
 * unless it may just go beyond the block; the next block begins behind it, or
 * with it.  Zeros stand behind the end of the bytes: they are bad in a string,
 * so what the bytes end with is always looked at.
 */

NGX_COMET_TEXT_TARGET const unsigned char *
NGX_COMET_TEXT_RUN(const unsigned char *p, const unsigned char *end)
{
    int                   high, control, tail;
    uint64_t              quote, backslash, escaped, ours, unit, bad;
    unsigned              n, plain;
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
    plain = 0;
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
        high = ngx_comet_block_any_high(&block);
        control = ngx_comet_block_any_control(&block);

        escaped = ngx_comet_text_escaped(backslash);
        bad = escaped & ~(quote | backslash | ngx_comet_block_usual(&block));

        plain = quote | backslash | (unsigned) high ? 0 : plain + 1;

        /* what lies behind the closing quote is no concern of ours */

        quote &= ~escaped;
        ours = quote ^ (quote - 1);

        if (bad & ours) {
            unit = bad & ngx_comet_block_equal(&block,
                                               ngx_comet_vector_fill('u'));
            bad &= ~ngx_comet_block_equal(&block, ngx_comet_vector_fill('b'));
            bad = (bad ^ unit) | ngx_comet_text_units(&block, unit);
        }

        if (high | tail) {
            bad |= ngx_comet_block_utf8(&block, last);
            tail = src[NGX_COMET_BLOCK - 1] >= 0x80;
        }

        if (control) {
            bad |= ngx_comet_block_control(&block);
        }

        bad |= backslash & ~escaped & (uint64_t) 1 << 63;
        bad &= ours;

        if (bad == 0) {

            if (quote) {
                return p + __builtin_ctzll(quote);
            }

            last = ngx_comet_block_last(&block);
            p += NGX_COMET_BLOCK;

            if (plain == NGX_COMET_PLAIN_MANY) {
                p = ngx_comet_text_blocks(p, end);
                plain = 0;
            }

            continue;
        }

        n = (unsigned) __builtin_ctzll(bad);

        p = escaped >> n & 1 ? p + n - 1 : ngx_comet_text_back(from, p + n);
        from = p;
        tail = 0;
        last = ngx_comet_vector_fill(0);

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
