#include "ngx_comet_skim.h"


/* brackets open at once: as many as there are bits, less one */

#define NGX_COMET_SKIM_DEPTH  63


const unsigned char *
ngx_comet_skim_long(const unsigned char *p, const unsigned char *end,
    const unsigned char **rest)
{
    p = ngx_comet_text_plain(p, end);
    *rest = p;

    if (p != end && *p == '"') {
        return p;
    }

    p = ngx_comet_text_run(p, end);

    return p != end && *p == '"' ? p : NULL;
}


static inline const unsigned char *
ngx_comet_skim_scalar(const unsigned char *p, const unsigned char *end)
{
    const unsigned char  *rest;

    if (*p == '"') {
        p = ngx_comet_skim_string(p + 1, end, &rest);
        return p ? p + 1 : NULL;
    }

    return *p <= '9' ? ngx_comet_number_whole(p, end)
                     : ngx_comet_literal_whole(p, end);
}


/* a name and its colon, to the value */

static const unsigned char *
ngx_comet_skim_name(const unsigned char *p, const unsigned char *end)
{
    const unsigned char  *rest;

    if (*p != '"') {
        return NULL;
    }

    p = ngx_comet_skim_string(p + 1, end, &rest);

    return p ? ngx_comet_skim_colon(p) : NULL;
}


/*
 * The brackets that close behind a value, and the comma.  For what is open
 * there is a bit each, the last one lowest and set for an object; one more
 * stands above them.
 */

static const unsigned char *
ngx_comet_skim_close(const unsigned char *p, const unsigned char *end,
    uint64_t *open)
{
    while (*open != 1) {

        if (p == end) {
            return NULL;
        }

        p = ngx_comet_skim_space(p);

        if (*p == ',') {
            p = ngx_comet_skim_space(p + 1);
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


/* a bracket that opens: to the first value, or behind the end */

static const unsigned char *
ngx_comet_skim_open(const unsigned char *p, const unsigned char *end,
    uint64_t *open)
{
    if (*open >> NGX_COMET_SKIM_DEPTH) {
        return NULL;
    }

    *open = *open << 1 | (*p == '{');

    p = ngx_comet_skim_space(p + 1);

    if (*p == (*open & 1 ? '}' : ']')) {
        *open >>= 1;
        return ngx_comet_skim_close(p + 1, end, open);
    }

    return *open & 1 ? ngx_comet_skim_name(p, end) : p;
}


const unsigned char *
ngx_comet_skim_value(const unsigned char *p, const unsigned char *end)
{
    uint64_t  open;

    if (*p != '{' && *p != '[') {
        return ngx_comet_skim_scalar(p, end);
    }

    open = 1;

    do {

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
