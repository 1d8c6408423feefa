#include "ngx_comet_name.h"

#include <stdint.h>


/* White_Space, Cc and Default_Ignorable_Code_Point of Unicode */

static const struct {
    uint32_t  first;
    uint32_t  last;
} ngx_comet_name_unseen[] = {
    { 0x0000, 0x0020 }, { 0x007f, 0x00a0 }, { 0x00ad, 0x00ad },
    { 0x034f, 0x034f }, { 0x061c, 0x061c }, { 0x115f, 0x1160 },
    { 0x1680, 0x1680 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
    { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f },
    { 0x3000, 0x3000 }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f },
    { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfff8 },
    { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};


/* the character at p, of UTF-8 or of what was to be it */

static uint32_t
ngx_comet_name_character(const unsigned char *p, const unsigned char *end)
{
    uint32_t  c;

    c = *p++;

    if (c >= 0xf0) {
        c &= 0x07;

    } else if (c >= 0xe0) {
        c &= 0x0f;

    } else if (c >= 0xc0) {
        c &= 0x1f;
    }

    while (p < end && (*p & 0xc0) == 0x80) {
        c = (c << 6) | (*p++ & 0x3f);
    }

    return c;
}


static int
ngx_comet_name_is_seen(uint32_t c)
{
    size_t  i, n;

    if (c > ' ' && c < 0x7f) {
        return 1;
    }

    n = sizeof(ngx_comet_name_unseen) / sizeof(ngx_comet_name_unseen[0]);

    for (i = 0; i < n; i++) {
        if (c >= ngx_comet_name_unseen[i].first
            && c <= ngx_comet_name_unseen[i].last)
        {
            return 0;
        }
    }

    return 1;
}


int
ngx_comet_name_usable(const char *name, size_t len)
{
    const unsigned char  *p, *start, *last, *end;

    if (len == 0) {
        return 1;
    }

    start = (const unsigned char *) name;
    end = start + len;

    for (p = start; p < end; p++) {
        if (*p < ' ' || *p == 0x7f) {
            return 0;
        }
    }

    for (last = end - 1; last > start && (*last & 0xc0) == 0x80; last--) {
        /* void */
    }

    return ngx_comet_name_is_seen(ngx_comet_name_character(start, end))
           && ngx_comet_name_is_seen(ngx_comet_name_character(last, end));
}


int
ngx_comet_name_certain(const char *name, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {

        if (name[i] < ' ' || name[i] > '~') {
            return 0;
        }

        if (name[i] == ' '
            && (i == 0 || name[i - 1] == '/'
                || i == len - 1 || name[i + 1] == '/'))
        {
            return 0;
        }
    }

    return 1;
}


/* a slash at the end is no part of a name */

const char *
ngx_comet_name_proper(const char *name, size_t *len)
{
    size_t  i, end;

    for (end = *len; end > 0 && name[end - 1] == '/'; end--) {
        /* void */
    }

    for (i = end; i > 0 && name[i - 1] != '/'; i--) {
        /* void */
    }

    *len = end - i;

    return name + i;
}
