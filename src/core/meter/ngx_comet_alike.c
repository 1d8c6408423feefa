#include "ngx_comet_alike.h"
#include "ngx_comet_text.h"

#include <stdlib.h>


/* a text with escapes that is longer is read in full */

#define NGX_COMET_ALIKE_ESCAPED  256

/* of a longer string the rest is left to the kernel that is set up for it */

#define NGX_COMET_ALIKE_SHORT    64

#define NGX_COMET_ALIKE_STEP     64

/* digits of a number that is surely believed */

#define NGX_COMET_ALIKE_DIGITS   12


/* room for so much, or NULL */

static ngx_comet_alike_t *
ngx_comet_alike_room(ngx_comet_alike_t *alike, size_t size)
{
    if (alike && size <= alike->size && size <= NGX_COMET_ALIKE_SIZE) {
        return alike;
    }

    free(alike);

    if (size > NGX_COMET_ALIKE_SIZE) {
        return NULL;
    }

    /* the next one may be a little longer */

    size = size / NGX_COMET_ALIKE_STEP * NGX_COMET_ALIKE_STEP
           + NGX_COMET_ALIKE_STEP;

    alike = malloc(offsetof(ngx_comet_alike_t, text) + size);

    if (alike) {
        alike->size = (uint16_t) size;
    }

    return alike;
}


void
ngx_comet_alike_learn(ngx_comet_alike_t **learned, const unsigned char *p,
    size_t len, const ngx_comet_alike_part_t *parts, unsigned nparts)
{
    size_t              at, n, start, quote, used;
    unsigned            i;
    ngx_comet_alike_t  *alike;

    used = len;

    for (i = 0; i < nparts; i++) {
        quote = parts[i].kind != NGX_COMET_ALIKE_NUMBER;
        used -= parts[i].end - parts[i].start - 2 * quote;
    }

    *learned = ngx_comet_alike_room(*learned, used);
    alike = *learned;

    if (alike == NULL) {
        return;
    }

    at = 0;
    used = 0;

    for (i = 0; i <= nparts; i++) {
        quote = i < nparts && parts[i].kind != NGX_COMET_ALIKE_NUMBER;
        start = i < nparts ? parts[i].start + quote : len;
        n = start - at;

        memcpy(alike->text + used, p + at, n);
        alike->fixed[i] = (uint16_t) n;
        used += n;

        if (i < nparts) {
            alike->kinds[i] = (unsigned char) parts[i].kind;
            at = parts[i].end - quote;
        }
    }

    alike->nparts = nparts;
}


/* over what is short and plain, as most strings are */

static inline const unsigned char *
ngx_comet_alike_plain(const unsigned char *p, const unsigned char *end)
{
    return ngx_comet_text_plain(p, end - p > NGX_COMET_ALIKE_SHORT
                                   ? p + NGX_COMET_ALIKE_SHORT : end);
}


/* returns the closing quote, or NULL */

static const unsigned char *
ngx_comet_alike_string(const unsigned char *p, const unsigned char *end,
    ngx_comet_alike_found_t *found)
{
    if (p != end && *p != '"') {
        p = ngx_comet_text_run(p, end);
    }

    if (p != end && *p == '"') {
        return p;
    }

    found->more = (p == end
                   || ngx_comet_text_element(&p, end) == NGX_COMET_TEXT_PART);

    return NULL;
}


/* a text that is long or not plain */

static const unsigned char *
ngx_comet_alike_rest(const unsigned char *from, const unsigned char *rest,
    const unsigned char *end, ngx_comet_alike_found_t *found)
{
    char                  room[NGX_COMET_ALIKE_ESCAPED];
    unsigned              cut;
    const unsigned char  *p;

    p = ngx_comet_alike_string(rest, end, found);

    if (p == NULL) {
        return NULL;
    }

    found->bytes = (size_t) (p - from);

    if (memchr(rest, '\\', (size_t) (p - rest))) {

        if (found->bytes > sizeof(room)) {
            return NULL;
        }

        cut = 0;
        found->bytes = ngx_comet_text_unescape(room, sizeof(room), from, p,
                                               &cut);
    }

    return p;
}


static inline const unsigned char *
ngx_comet_alike_text(const unsigned char *from, const unsigned char *end,
    ngx_comet_alike_found_t *found)
{
    const unsigned char  *p;

    p = ngx_comet_alike_plain(from, end);

    if (p == end || *p != '"') {
        return ngx_comet_alike_rest(from, p, end, found);
    }

    found->bytes = (size_t) (p - from);

    return p;
}


static const unsigned char *
ngx_comet_alike_number(const unsigned char *p, const unsigned char *end,
    ngx_comet_alike_found_t *found)
{
    size_t                n;
    uint64_t              number;
    const unsigned char  *from;

    from = p;
    number = 0;

    for ( /* void */ ; p != end && *p >= '0' && *p <= '9'; p++) {
        number = number * 10 + (uint64_t) (*p - '0');
    }

    n = (size_t) (p - from);

    if (p == end) {
        found->more = (n <= NGX_COMET_ALIKE_DIGITS);
        return NULL;
    }

    if (n == 0 || n > NGX_COMET_ALIKE_DIGITS || (n > 1 && *from == '0')) {
        return NULL;
    }

    found->number = number;
    found->numbered = 1;

    return p;
}


static inline const unsigned char *
ngx_comet_alike_part(unsigned kind, const unsigned char *p,
    const unsigned char *end, ngx_comet_alike_found_t *found)
{
    switch (kind) {

    case NGX_COMET_ALIKE_TEXT:
        return ngx_comet_alike_text(p, end, found);

    case NGX_COMET_ALIKE_NUMBER:
        return ngx_comet_alike_number(p, end, found);

    default: /* NGX_COMET_ALIKE_PADDING */
        return ngx_comet_alike_string(ngx_comet_alike_plain(p, end), end,
                                      found);
    }
}


size_t
ngx_comet_alike_match(const ngx_comet_alike_t *alike, const unsigned char *p,
    size_t len, ngx_comet_alike_found_t *found)
{
    size_t                n;
    unsigned              i;
    const unsigned char  *from, *end, *text;

    from = p;
    end = p + len;
    text = alike->text;

    found->bytes = 0;
    found->numbered = 0;
    found->more = 0;

    for (i = 0; /* void */ ; i++) {
        n = alike->fixed[i];

        if ((size_t) (end - p) < n) {
            found->more = (memcmp(p, text, (size_t) (end - p)) == 0);
            return 0;
        }

        if (memcmp(p, text, n) != 0) {
            return 0;
        }

        p += n;
        text += n;

        if (i == alike->nparts) {
            return (size_t) (p - from);
        }

        p = ngx_comet_alike_part(alike->kinds[i], p, end, found);
        if (p == NULL) {
            return 0;
        }
    }
}
