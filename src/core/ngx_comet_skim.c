#include "ngx_comet_skim.h"
#include "ngx_comet_text.h"

#include <string.h>


/* brackets open at once: as many as there are bits */

#define NGX_COMET_SKIM_DEPTH  63

/* of a longer string the rest is left to the kernel that is set up for it */

#define NGX_COMET_SKIM_SHORT  32


const unsigned char *
ngx_comet_skim_string(const unsigned char *p, const unsigned char *end,
    const unsigned char **plain)
{
    size_t    n;
    uint64_t  word, found;

    for (n = 0; n < NGX_COMET_SKIM_SHORT && end - p >= 8; n += 8) {

        memcpy(&word, p, 8);
        found = ngx_comet_text_special(word);

        if (found) {
            p += __builtin_ctzll(found) / 8;
            break;
        }

        p += 8;
    }

    *plain = p;

    if (p != end && *p != '"') {
        p = ngx_comet_text_run(p, end);
    }

    return p != end && *p == '"' ? p : NULL;
}


static const unsigned char *
ngx_comet_skim_digits(const unsigned char *p, const unsigned char *end)
{
    const unsigned char  *from;

    from = p;

    while (p != end && *p >= '0' && *p <= '9') {
        p++;
    }

    return p != from && p != end ? p : NULL;
}


const unsigned char *
ngx_comet_skim_number(const unsigned char *p, const unsigned char *end)
{
    if (*p == '-') {
        p++;
    }

    /* an end cannot follow: the number could go on behind it */

    p = p != end && *p == '0' ? p + 1 : ngx_comet_skim_digits(p, end);

    if (p == NULL || p == end) {
        return NULL;
    }

    if (*p == '.') {
        p = ngx_comet_skim_digits(p + 1, end);

        if (p == NULL) {
            return NULL;
        }
    }

    if ((*p | 0x20) == 'e') {
        p++;

        if (p != end && (*p == '-' || *p == '+')) {
            p++;
        }

        p = ngx_comet_skim_digits(p, end);
    }

    return p;
}


const unsigned char *
ngx_comet_skim_literal(const unsigned char *p, const unsigned char *end)
{
    if (end - p < 5) {
        return NULL;
    }

    if (memcmp(p, "null", 4) == 0 || memcmp(p, "true", 4) == 0) {
        return p + 4;
    }

    return memcmp(p, "false", 5) == 0 ? p + 5 : NULL;
}


static const unsigned char *
ngx_comet_skim_scalar(const unsigned char *p, const unsigned char *end)
{
    const unsigned char  *plain;

    if (*p == '"') {
        p = ngx_comet_skim_string(p + 1, end, &plain);
        return p ? p + 1 : NULL;
    }

    return *p == '-' || (*p >= '0' && *p <= '9')
           ? ngx_comet_skim_number(p, end) : ngx_comet_skim_literal(p, end);
}


/* a name and its colon, to the value */

static const unsigned char *
ngx_comet_skim_name(const unsigned char *p, const unsigned char *end)
{
    const unsigned char  *plain;

    if (p == end || *p != '"') {
        return NULL;
    }

    p = ngx_comet_skim_string(p + 1, end, &plain);

    if (p == NULL) {
        return NULL;
    }

    p = ngx_comet_skim_space(p + 1, end);

    return p != end && *p == ':' ? ngx_comet_skim_space(p + 1, end) : NULL;
}


/*
 * The brackets that close behind a value, and the comma; of what is open the
 * lowest bit is the last, set for an object.
 */

static const unsigned char *
ngx_comet_skim_close(const unsigned char *p, const unsigned char *end,
    uint64_t *open)
{
    while (*open != 1) {

        p = ngx_comet_skim_space(p, end);

        if (p == end) {
            return NULL;
        }

        if (*p == ',') {
            p = ngx_comet_skim_space(p + 1, end);
            return *open & 1 ? ngx_comet_skim_name(p, end) : p;
        }

        if (*p != (*open & 1 ? '}' : ']')) {
            return NULL;
        }

        *open >>= 1;
        p++;
    }

    return p;
}


/* behind a bracket that opens, to the first value or behind the end */

static const unsigned char *
ngx_comet_skim_open(const unsigned char *p, const unsigned char *end,
    uint64_t *open)
{
    if (*open >> NGX_COMET_SKIM_DEPTH) {
        return NULL;
    }

    *open = *open << 1 | (*p == '{');

    p = ngx_comet_skim_space(p + 1, end);

    if (p != end && *p == (*open & 1 ? '}' : ']')) {
        *open >>= 1;
        return ngx_comet_skim_close(p + 1, end, open);
    }

    return *open & 1 ? ngx_comet_skim_name(p, end) : p;
}


const unsigned char *
ngx_comet_skim_value(const unsigned char *p, const unsigned char *end)
{
    uint64_t  open;

    open = 1;

    do {

        if (p == end) {
            return NULL;
        }

        if (*p == '{' || *p == '[') {
            p = ngx_comet_skim_open(p, end, &open);

        } else {
            p = ngx_comet_skim_scalar(p, end);

            if (p) {
                p = ngx_comet_skim_close(p, end, &open);
            }
        }

    } while (p && open != 1);

    return p;
}
