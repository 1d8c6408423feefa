#include "ngx_comet_text.h"

#include <string.h>


#define NGX_COMET_UNIT_LEN  (sizeof("\\uXXXX") - 1)


static const unsigned char *ngx_comet_text_choose(const unsigned char *p,
    const unsigned char *end);


ngx_comet_text_run_pt  ngx_comet_text_run = ngx_comet_text_choose;


/* threads that meet here all write the same */

static const unsigned char *
ngx_comet_text_choose(const unsigned char *p, const unsigned char *end)
{
    int                    level;
    ngx_comet_text_run_pt  run;

    run = ngx_comet_text_scalar;

    for (level = NGX_COMET_TEXT_LEVELS - 1; level >= 0; level--) {
        if (ngx_comet_text_level((ngx_comet_text_level_e) level)) {
            run = ngx_comet_text_level((ngx_comet_text_level_e) level);
            break;
        }
    }

    ngx_comet_text_run = run;

    return run(p, end);
}


ngx_comet_text_run_pt
ngx_comet_text_level(ngx_comet_text_level_e level)
{
    switch (level) {

    case NGX_COMET_TEXT_SCALAR:
        return ngx_comet_text_scalar;

#if defined(__x86_64__)

    case NGX_COMET_TEXT_SSSE3:
        __builtin_cpu_init();
        return __builtin_cpu_supports("ssse3") ? ngx_comet_text_ssse3 : NULL;

    case NGX_COMET_TEXT_AVX2:
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx2") ? ngx_comet_text_avx2 : NULL;

#elif defined(__aarch64__)

    case NGX_COMET_TEXT_NEON:
        return ngx_comet_text_neon;

#endif

    default:
        return NULL;
    }
}


static ngx_comet_text_e
ngx_comet_text_utf8(const unsigned char **pp, const unsigned char *end)
{
    size_t                i, n;
    unsigned char         low, high;
    const unsigned char  *p;

    p = *pp;
    low = 0x80;
    high = 0xbf;

    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        n = 2;

    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        n = 3;
        low = p[0] == 0xe0 ? 0xa0 : 0x80;
        high = p[0] == 0xed ? 0x9f : 0xbf;

    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        n = 4;
        low = p[0] == 0xf0 ? 0x90 : 0x80;
        high = p[0] == 0xf4 ? 0x8f : 0xbf;

    } else {
        return NGX_COMET_TEXT_UTF8;
    }

    for (i = 1; i < n; i++) {
        *pp = p + i;

        if (p + i == end) {
            return NGX_COMET_TEXT_PART;
        }

        if (p[i] < low || p[i] > high) {
            return NGX_COMET_TEXT_UTF8;
        }

        low = 0x80;
        high = 0xbf;
    }

    *pp = p + n;

    return NGX_COMET_TEXT_WHOLE;
}


static int
ngx_comet_text_hex(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


/* "\uXXXX" from its backslash on */

static ngx_comet_text_e
ngx_comet_text_unit(const unsigned char **pp, const unsigned char *end,
    unsigned *unit)
{
    int       i, digit;
    unsigned  value;

    *pp += 2;
    value = 0;

    for (i = 0; i < 4; i++) {

        if (*pp == end) {
            return NGX_COMET_TEXT_PART;
        }

        digit = ngx_comet_text_hex(**pp);

        if (digit < 0) {
            return NGX_COMET_TEXT_ESCAPE;
        }

        value = value << 4 | (unsigned) digit;
        (*pp)++;
    }

    *unit = value;

    return NGX_COMET_TEXT_WHOLE;
}


/* what must follow a high surrogate */

static ngx_comet_text_e
ngx_comet_text_pair(const unsigned char **pp, const unsigned char *end)
{
    size_t                i;
    unsigned              unit;
    ngx_comet_text_e      rc;
    const unsigned char  *p;

    p = *pp;

    for (i = 0; i < 2; i++) {
        *pp = p + i;

        if (p + i == end) {
            return NGX_COMET_TEXT_PART;
        }

        if (p[i] != "\\u"[i]) {
            return NGX_COMET_TEXT_SURROGATE;
        }
    }

    *pp = p;
    rc = ngx_comet_text_unit(pp, end, &unit);

    if (rc == NGX_COMET_TEXT_WHOLE && (unit & 0xfc00) != 0xdc00) {
        (*pp)--;
        return NGX_COMET_TEXT_SURROGATE;
    }

    return rc;
}


static ngx_comet_text_e
ngx_comet_text_escape(const unsigned char **pp, const unsigned char *end)
{
    unsigned              unit;
    ngx_comet_text_e      rc;
    const unsigned char  *p;

    p = *pp + 1;

    if (p == end) {
        *pp = p;
        return NGX_COMET_TEXT_PART;
    }

    switch (*p) {

    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        *pp = p + 1;
        return NGX_COMET_TEXT_WHOLE;

    case 'u':
        break;

    default:
        *pp = p;
        return NGX_COMET_TEXT_ESCAPE;
    }

    rc = ngx_comet_text_unit(pp, end, &unit);

    if (rc != NGX_COMET_TEXT_WHOLE || (unit & 0xf800) != 0xd800) {
        return rc;
    }

    if (unit & 0x0400) {
        (*pp)--;
        return NGX_COMET_TEXT_SURROGATE;
    }

    return ngx_comet_text_pair(pp, end);
}


ngx_comet_text_e
ngx_comet_text_element(const unsigned char **pp, const unsigned char *end)
{
    unsigned char  c;

    c = **pp;

    if (c >= 0x80) {
        return ngx_comet_text_utf8(pp, end);
    }

    if (c == '\\') {
        return ngx_comet_text_escape(pp, end);
    }

    if (c < 0x20) {
        return NGX_COMET_TEXT_CONTROL;
    }

    (*pp)++;

    return NGX_COMET_TEXT_WHOLE;
}


ngx_comet_text_e
ngx_comet_text_lenient(const unsigned char **pp, const unsigned char *end)
{
    ngx_comet_text_e      rc;
    const unsigned char  *from;

    from = *pp;
    rc = ngx_comet_text_element(pp, end);

    switch (rc) {

    case NGX_COMET_TEXT_SURROGATE:
        *pp = from + NGX_COMET_UNIT_LEN;
        return NGX_COMET_TEXT_REPLACED;

    case NGX_COMET_TEXT_UTF8:
        *pp += (*pp == from);
        return NGX_COMET_TEXT_REPLACED;

    default:
        return rc;
    }
}


const unsigned char *
ngx_comet_text_scalar(const unsigned char *p, const unsigned char *end)
{
    const unsigned char  *next;

    for ( ;; ) {

        if (p != end && *p < 0x80 && *p != '\\') {
            p = ngx_comet_text_plain(p, end);
        }

        next = p;

        if (p == end
            || *p == '"'
            || ngx_comet_text_element(&next, end) != NGX_COMET_TEXT_WHOLE)
        {
            return p;
        }

        p = next;
    }
}


static size_t
ngx_comet_text_encode(char *dst, unsigned code)
{
    if (code < 0x80) {
        dst[0] = (char) code;
        return 1;
    }

    if (code < 0x800) {
        dst[0] = (char) (0xc0 | code >> 6);
        dst[1] = (char) (0x80 | (code & 0x3f));
        return 2;
    }

    if (code < 0x10000) {
        dst[0] = (char) (0xe0 | code >> 12);
        dst[1] = (char) (0x80 | (code >> 6 & 0x3f));
        dst[2] = (char) (0x80 | (code & 0x3f));
        return 3;
    }

    dst[0] = (char) (0xf0 | code >> 18);
    dst[1] = (char) (0x80 | (code >> 12 & 0x3f));
    dst[2] = (char) (0x80 | (code >> 6 & 0x3f));
    dst[3] = (char) (0x80 | (code & 0x3f));

    return 4;
}


/* the character of a valid escape; moves *pp behind it */

static unsigned
ngx_comet_text_decode(const unsigned char **pp, const unsigned char *end)
{
    unsigned              unit, low;
    const unsigned char  *p;

    p = *pp;

    if (p[1] == 'u') {
        (void) ngx_comet_text_unit(pp, end, &unit);

        if ((unit & 0xfc00) != 0xd800) {
            return unit;
        }

        (void) ngx_comet_text_unit(pp, end, &low);

        return 0x10000 + ((unit & 0x03ff) << 10) + (low & 0x03ff);
    }

    *pp = p + 2;

    switch (p[1]) {

    case 'b':
        return '\b';

    case 'f':
        return '\f';

    case 'n':
        return '\n';

    case 'r':
        return '\r';

    case 't':
        return '\t';

    default:
        return p[1];
    }
}


size_t
ngx_comet_text_unescape(char *dst, size_t size, const unsigned char *p,
    const unsigned char *end, unsigned *cut)
{
    char                  code[4];
    size_t                n, len;
    const unsigned char  *escape;

    len = 0;

    while (p != end) {

        if (*p == '\\') {
            n = ngx_comet_text_encode(code, ngx_comet_text_decode(&p, end));

            if (n > size - len) {
                *cut = 1;
                break;
            }

            memcpy(dst + len, code, n);
            len += n;

            continue;
        }

        n = (size_t) (end - p);

        if (n > size - len) {
            n = size - len;
        }

        escape = memchr(p, '\\', n);

        if (escape) {
            n = (size_t) (escape - p);

        } else if (p + n != end && p[n] != '\\') {
            *cut = 1;

            while (n && (p[n] & 0xc0) == 0x80) {
                n--;
            }
        }

        memcpy(dst + len, p, n);
        len += n;
        p += n;

        if (*cut) {
            break;
        }
    }

    return len;
}


int
ngx_comet_name_fold(const char *name, size_t len, char *out, size_t size)
{
    char    c;
    size_t  i, n;

    n = 0;

    for (i = 0; i < len; i++) {
        c = name[i];

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;

        } else if (len - i >= 3 && memcmp(&name[i], "\xe2\x84\xaa", 3) == 0) {
            c = 'k';
            i += 2;

        } else if (len - i >= 2 && memcmp(&name[i], "\xc5\xbf", 2) == 0) {
            c = 's';
            i++;
        }

        if (n == size) {
            return -1;
        }

        out[n++] = c;
    }

    return (int) n;
}


static int
ngx_comet_name_is_odd(const char *name, size_t len)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < len; i++) {
        c = (unsigned char) name[i];

        if (c == '\0' || c >= 0x80 || (c >= 'A' && c <= 'Z')) {
            return 1;
        }
    }

    return 0;
}


int
ngx_comet_name_alike(const char *name, size_t len, char *out, size_t size)
{
    int  n;

    if (!ngx_comet_name_is_odd(name, len)) {
        return -1;
    }

    n = ngx_comet_name_fold(name, strlen(name), out, size - 1);

    if (n >= 0) {
        out[n] = '\0';
    }

    return n;
}
