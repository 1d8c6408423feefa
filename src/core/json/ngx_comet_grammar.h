/*
 * What numbers, literals and white space are.  No byte at the end or behind it
 * is read.
 */


#ifndef _NGX_COMET_GRAMMAR_H_INCLUDED_
#define _NGX_COMET_GRAMMAR_H_INCLUDED_


#include <stddef.h>
#include <string.h>


/* how far a number is; from ZERO on it may end; the last three are its end */

enum {
    NGX_COMET_NUMBER_START,
    NGX_COMET_NUMBER_MINUS,
    NGX_COMET_NUMBER_POINT,
    NGX_COMET_NUMBER_E,
    NGX_COMET_NUMBER_SIGN,
    NGX_COMET_NUMBER_ZERO,
    NGX_COMET_NUMBER_INTEGER,
    NGX_COMET_NUMBER_FRACTION,
    NGX_COMET_NUMBER_EXPONENT,
    NGX_COMET_NUMBER_OVER,
    NGX_COMET_NUMBER_BAD,
    NGX_COMET_NUMBER_INFINITE      /* "-I": bad to strict readers */
};


/* goes on with a number, up to the byte that ends it or the end */

const unsigned char *ngx_comet_number_go(unsigned *number,
    const unsigned char *p, const unsigned char *end);

static inline int
ngx_comet_is_space(unsigned char c)
{
    return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}


static inline int
ngx_comet_is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}


/* behind what ends before the end; otherwise NULL */

static inline const unsigned char *
ngx_comet_digits_whole(const unsigned char *p, const unsigned char *end)
{
    if (p == end || !ngx_comet_is_digit(*p)) {
        return NULL;
    }

    do {
        p++;
    } while (p != end && ngx_comet_is_digit(*p));

    return p == end ? NULL : p;
}


/* by the table a list of numbers takes a fifth more instructions */

static inline const unsigned char *
ngx_comet_number_whole(const unsigned char *p, const unsigned char *end)
{
    p += (*p == '-');

    if (p != end && *p == '0') {
        p++;

        if (p == end || ngx_comet_is_digit(*p)) {
            return NULL;
        }

    } else {
        p = ngx_comet_digits_whole(p, end);
    }

    if (p && *p == '.') {
        p = ngx_comet_digits_whole(p + 1, end);
    }

    if (p && (*p | 0x20) == 'e') {
        p++;
        p += p != end && (*p == '-' || *p == '+');
        p = ngx_comet_digits_whole(p, end);
    }

    return p;
}


static inline const unsigned char *
ngx_comet_literal_whole(const unsigned char *p, const unsigned char *end)
{
    if (end - p < 5) {
        return NULL;
    }

    if (memcmp(p, "null", 4) == 0 || memcmp(p, "true", 4) == 0) {
        return p + 4;
    }

    return memcmp(p, "false", 5) == 0 ? p + 5 : NULL;
}


#endif /* _NGX_COMET_GRAMMAR_H_INCLUDED_ */
