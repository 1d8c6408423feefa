/*
 * What may stand between the quotes of a JSON string.
 *
 * An element is one character in UTF-8 or one escape; two \u escapes that
 * make a surrogate pair are one element.
 */


#ifndef _NGX_COMET_TEXT_H_INCLUDED_
#define _NGX_COMET_TEXT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif


/* the longest element is a surrogate pair, "\ud83d\ude00" */

#define NGX_COMET_ELEMENT_MAX  12


typedef enum {
    NGX_COMET_TEXT_WHOLE,
    NGX_COMET_TEXT_PART,           /* good so far, but the bytes ran out */
    NGX_COMET_TEXT_CONTROL,
    NGX_COMET_TEXT_UTF8,
    NGX_COMET_TEXT_ESCAPE,
    NGX_COMET_TEXT_SURROGATE,
    NGX_COMET_TEXT_REPLACED        /* by readers that take it, with U+FFFD */
} ngx_comet_text_e;


typedef enum {
    NGX_COMET_TEXT_SCALAR,
    NGX_COMET_TEXT_SSSE3,
    NGX_COMET_TEXT_AVX2,
    NGX_COMET_TEXT_NEON,
    NGX_COMET_TEXT_LEVELS
} ngx_comet_text_level_e;


typedef const unsigned char *(*ngx_comet_text_run_pt)(const unsigned char *p,
    const unsigned char *end);


/*
 * Goes over whole and valid elements as far as they last: the result points
 * to the closing quote, to an element that is bad or cut short, or to the end.
 * The bytes must begin with an element.  No byte behind the end is read.
 *
 * The pointer is set at the first call to the fastest function this machine
 * can run; all of them return the same.
 */

extern ngx_comet_text_run_pt  ngx_comet_text_run;

/* the function of that level, or NULL if this machine cannot run it */

ngx_comet_text_run_pt ngx_comet_text_level(ngx_comet_text_level_e level);


/*
 * Of NGX_COMET_TEXT_STEP bytes, which are read, the first one that is not
 * plain, by ngx_comet_text_first(), or 0: plain is ASCII but controls, quotes
 * and backslashes.
 */

#if defined(__SSE2__)

#define NGX_COMET_TEXT_STEP          16
#define ngx_comet_text_first(found)  ((unsigned) __builtin_ctz(found))

static inline unsigned
ngx_comet_text_special(const unsigned char *p)
{
    __m128i  bytes, quotes, escapes, others;

    bytes = _mm_loadu_si128((const __m128i *) (const void *) p);
    quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    escapes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    others = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));

    return (unsigned) _mm_movemask_epi8(
                      _mm_or_si128(_mm_or_si128(quotes, escapes), others));
}

#else

#define NGX_COMET_TEXT_STEP          8
#define ngx_comet_text_first(found)  ((unsigned) __builtin_ctzll(found) / 8)
#define ngx_comet_text_each(c)       ((uint64_t) (c) * 0x0101010101010101)

static inline uint64_t
ngx_comet_text_special(const unsigned char *p)
{
    uint64_t  word, quote, backslash;

    memcpy(&word, p, 8);

#if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
    word = __builtin_bswap64(word);
#endif

    quote = word ^ ngx_comet_text_each('"');
    backslash = word ^ ngx_comet_text_each('\\');

    return (word
            | (word - ngx_comet_text_each(0x20))
            | (quote - ngx_comet_text_each(1))
            | (backslash - ngx_comet_text_each(1)))
           & ngx_comet_text_each(0x80);
}

#endif


/*
 * Over plain bytes, as far as there are enough for a step; to one that is not
 * plain, or to one of the last.
 */

static inline const unsigned char *
ngx_comet_text_plain(const unsigned char *p, const unsigned char *end)
{
    uint64_t  found;

    while (end - p >= NGX_COMET_TEXT_STEP) {
        found = ngx_comet_text_special(p);

        if (found) {
            return p + ngx_comet_text_first(found);
        }

        p += NGX_COMET_TEXT_STEP;
    }

    return p;
}


/*
 * Judges the element at *pp, which is not the closing quote and not the end,
 * and moves *pp behind it, or to the first byte that cannot be.
 */

ngx_comet_text_e ngx_comet_text_element(const unsigned char **pp,
    const unsigned char *end);

/*
 * The same by lenient readers: a lone surrogate, and as many bytes as begin a
 * character that does not go on, are an element that is replaced.
 */

ngx_comet_text_e ngx_comet_text_lenient(const unsigned char **pp,
    const unsigned char *end);

/*
 * Writes out whole and valid elements as UTF-8; stops before the first
 * character that does not fit, and then sets *cut.  Returns the length.
 */

size_t ngx_comet_text_unescape(char *dst, size_t size, const unsigned char *p,
    const unsigned char *end, unsigned *cut);

/*
 * Whether a text is a name; a byte of both can be read even if they are empty.
 * A call takes longer than to compare most names in two steps.
 */

static inline int
ngx_comet_name_is(const char *text, size_t text_len, const char *name,
    size_t len)
{
    if (text_len != len || text[0] != name[0]) {
        return 0;
    }

    if (len < 4 || len > 16) {
        return memcmp(text, name, len) == 0;
    }

    if (len <= 8) {
        return memcmp(text, name, 4) == 0
               && memcmp(text + len - 4, name + len - 4, 4) == 0;
    }

    return memcmp(text, name, 8) == 0
           && memcmp(text + len - 8, name + len - 8, 8) == 0;
}


/*
 * Folds the case of a name as encoding/json of Go does when it looks for the
 * field that a name stands for, as far as names of ASCII are looked for:
 * besides A-Z, U+212A KELVIN SIGN becomes "k", U+017F LONG S becomes "s".
 * All else is kept, so two names outside of ASCII that differ in case only
 * still differ.  The result is not longer than the name and not terminated.
 * Returns its length, or -1 if it does not fit.
 */

int ngx_comet_name_fold(const char *name, size_t len, char *out, size_t size);

/*
 * What some readers may take a name for that has a zero behind it: a name of
 * small letters in other case, or one that ends at a NUL.  Returns its length,
 * without the zero behind it, or -1 if it can only be what it is.
 */

int ngx_comet_name_alike(const char *name, size_t len, char *out,
    size_t size);


/* the levels, for ngx_comet_text.c only */

const unsigned char *ngx_comet_text_scalar(const unsigned char *p,
    const unsigned char *end);
const unsigned char *ngx_comet_text_ssse3(const unsigned char *p,
    const unsigned char *end);
const unsigned char *ngx_comet_text_avx2(const unsigned char *p,
    const unsigned char *end);
const unsigned char *ngx_comet_text_neon(const unsigned char *p,
    const unsigned char *end);


#endif /* _NGX_COMET_TEXT_H_INCLUDED_ */
