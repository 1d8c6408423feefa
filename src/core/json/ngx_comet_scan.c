#include "ngx_comet_grammar.h"
#include "ngx_comet_scan_private.h"

#include <string.h>


#define NGX_COMET_SCAN_SHORT  32


static const char  *ngx_comet_scan_messages[] = {
    "no error",
    "the body is empty",
    "a byte order mark",
    "the body ends before the value does",
    "something follows the value",
    "nested too deeply",
    "a value is missing",
    "a name is missing",
    "a colon is missing",
    "a comma or a closing bracket is missing",
    "invalid literal",
    "invalid number",
    "control character in a string",
    "invalid UTF-8",
    "invalid escape",
    "a lone surrogate"
};


void
ngx_comet_scan_init(ngx_comet_scan_t *scan, unsigned max_depth,
    ngx_comet_scan_pt handler, void *data)
{
    /* the bits of a depth are set when it is reached */

    memset(scan, 0, offsetof(ngx_comet_scan_t, objects));

    if (max_depth > NGX_COMET_SCAN_DEPTH_MAX) {
        max_depth = NGX_COMET_SCAN_DEPTH_MAX;
    }

    scan->max_depth = max_depth;
    scan->handler = handler;
    scan->data = data;
}


void
ngx_comet_scan_lenient(ngx_comet_scan_t *scan)
{
    scan->lenient = 1;
}


void
ngx_comet_scan_raw(ngx_comet_scan_t *scan, char *buf, size_t size)
{
    scan->raw = buf;
    scan->raw_size = size;
}


const char *
ngx_comet_scan_message(const ngx_comet_scan_t *scan)
{
    return ngx_comet_scan_messages[scan->error];
}


uint64_t
ngx_comet_scan_begun(const ngx_comet_scan_t *scan)
{
    if (scan->status != NGX_COMET_SCAN_OK
        || scan->state != NGX_COMET_IN_STRING || scan->name || !scan->keep)
    {
        return 0;
    }

    return scan->base - scan->start - 1;
}


static inline const unsigned char *
ngx_comet_scan_open(ngx_comet_scan_t *scan, const unsigned char *p,
    ngx_comet_token_e type)
{
    int                ask;
    ngx_comet_token_t  token;

    if (scan->depth == scan->max_depth) {
        return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_DEPTH);
    }

    ask = NGX_COMET_SCAN_ON;

    if (!scan->quiet) {
        token.type = type;
        token.start = scan->start;
        token.end = scan->start + 1;
        token.text = NULL;
        token.len = 0;
        token.cut = 0;

        ask = ngx_comet_scan_call(scan, &token);

        if (ask < 0) {
            return NULL;
        }

        if (ask == NGX_COMET_SCAN_SKIP) {
            scan->quiet = NGX_COMET_QUIET_REST;
            scan->loud_depth = scan->depth;
        }
    }

    ngx_comet_scan_deeper(scan, type, type == NGX_COMET_ARRAY
                                      && ask == NGX_COMET_SCAN_TEXT);

    scan->state = type == NGX_COMET_OBJECT ? NGX_COMET_AT_MEMBER
                                           : NGX_COMET_AT_ELEMENT;

    return p + 1;
}


static const unsigned char *
ngx_comet_scan_close(ngx_comet_scan_t *scan, const unsigned char *p,
    ngx_comet_token_e type)
{
    scan->start = ngx_comet_scan_offset(scan, p);
    scan->depth--;

    return ngx_comet_scan_value_end(scan, p + 1, type, NULL);
}


static const unsigned char *
ngx_comet_scan_comma(ngx_comet_scan_t *scan, const unsigned char *p)
{
    int  object;

    object = ngx_comet_scan_bit(scan, scan->objects);

    if (*p == ',') {
        scan->state = object ? NGX_COMET_AT_NAME : NGX_COMET_AT_VALUE;
        return p + 1;
    }

    if (object && *p == '}') {
        return ngx_comet_scan_close(scan, p, NGX_COMET_OBJECT_END);
    }

    if (!object && *p == ']') {
        return ngx_comet_scan_close(scan, p, NGX_COMET_ARRAY_END);
    }

    return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_NO_COMMA);
}


/*
 * The end of a string that is short and plain and lies in the piece as a
 * whole, as most names do; otherwise NULL.
 */

static inline const unsigned char *
ngx_comet_scan_short(const unsigned char *p, const unsigned char *end)
{
    const unsigned char  *last;

    if (end - p <= NGX_COMET_SCAN_SHORT) {
        return NULL;
    }

    last = ngx_comet_text_plain(p, p + NGX_COMET_SCAN_SHORT);

    return *last == '"' ? last : NULL;
}


static inline const unsigned char *
ngx_comet_scan_string_begin(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end, unsigned name, unsigned keep)
{
    const unsigned char  *last;

    p++;
    scan->cut = 0;

    if (keep) {
        last = ngx_comet_scan_short(p, end);

        if (last) {
            memcpy(scan->text, p, NGX_COMET_SCAN_SHORT);
            scan->len = (size_t) (last - p);
            scan->text[scan->len] = '\0';

            return name ? ngx_comet_scan_name_end(scan, last + 1)
                        : ngx_comet_scan_value_end(scan, last + 1,
                                                   NGX_COMET_STRING,
                                                   scan->text);
        }
    }

    scan->state = NGX_COMET_IN_STRING;
    scan->name = name;
    scan->keep = keep;
    scan->len = 0;

    return ngx_comet_scan_string(scan, p, end);
}


static const unsigned char *
ngx_comet_scan_name(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    if (*p != '"') {
        return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_NO_NAME);
    }

    scan->start = ngx_comet_scan_offset(scan, p);
    p = ngx_comet_scan_string_begin(scan, p, end, 1, !scan->quiet);

    /* most often at once */

    if (p && p != end && *p == ':' && scan->state == NGX_COMET_AT_COLON) {
        scan->state = NGX_COMET_AT_VALUE;
        p++;
    }

    return p;
}


static const unsigned char *
ngx_comet_scan_value(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    int                      ask;
    unsigned                 keep;
    const unsigned char     *value;
    const ngx_comet_head_t  *head;

    ask = scan->ask;

    scan->ask = NGX_COMET_SCAN_ON;
    scan->start = ngx_comet_scan_offset(scan, p);

    if (ask == NGX_COMET_SCAN_SKIP || ask == NGX_COMET_SCAN_RAW) {
        ngx_comet_scan_quiet_begin(scan, p, ask);
    }

    switch (*p) {

    case '"':
        keep = !scan->quiet
               && (ask == NGX_COMET_SCAN_TEXT
                   || (scan->depth && ngx_comet_scan_bit(scan, scan->texts)));

        return ngx_comet_scan_string_begin(scan, p, end, 0, keep);

    case '{':
        if (ngx_comet_scan_is_usual(scan, p, end) && !scan->quiet) {
            head = ngx_comet_scan_usual_head(scan, p, end, &value);

            if (head) {
                return ngx_comet_scan_usual_object(scan, head, value, end);
            }
        }

        return ngx_comet_scan_open(scan, p, NGX_COMET_OBJECT);

    case '[':
        return ngx_comet_scan_open(scan, p, NGX_COMET_ARRAY);

    case 't':
        return ngx_comet_scan_literal_begin(scan, p, end,
                                            NGX_COMET_LITERAL_TRUE);

    case 'f':
        return ngx_comet_scan_literal_begin(scan, p, end,
                                            NGX_COMET_LITERAL_FALSE);

    case 'n':
        return ngx_comet_scan_literal_begin(scan, p, end,
                                            NGX_COMET_LITERAL_NULL);
    }

    if (*p == '-' || ngx_comet_is_digit(*p)) {
        return ngx_comet_scan_number_begin(scan, p, end);
    }

    if (scan->lenient && (*p == 'N' || *p == 'I')) {
        return ngx_comet_scan_literal_begin(scan, p, end, *p == 'N'
                                            ? NGX_COMET_LITERAL_NAN
                                            : NGX_COMET_LITERAL_INFINITY);
    }

    return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_NO_VALUE);
}


/* nothing has come but white space, and what may become a mark */

static const unsigned char *
ngx_comet_scan_start(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    uint64_t                    at;
    static const unsigned char  mark[] = { 0xef, 0xbb, 0xbf };

    at = ngx_comet_scan_offset(scan, p);

    if (scan->lenient && at < sizeof(mark) && at == scan->matched
        && *p == mark[at])
    {
        scan->matched++;
        return p + 1;
    }

    /* no value begins with these: the first byte of a mark will do */

    if ((at == 0 && (*p == 0xef || *p >= 0xfe))
        || scan->matched % sizeof(mark))
    {
        return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_BOM);
    }

    return ngx_comet_scan_value(scan, p, end);
}


/* *p is not white space */

static const unsigned char *
ngx_comet_scan_token(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    switch (scan->state) {

    case NGX_COMET_AT_COMMA:
        return ngx_comet_scan_comma(scan, p);

    case NGX_COMET_AT_COLON:
        if (*p != ':') {
            return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_NO_COLON);
        }

        scan->state = NGX_COMET_AT_VALUE;

        return p + 1;

    case NGX_COMET_AT_MEMBER:
        if (*p == '}') {
            return ngx_comet_scan_close(scan, p, NGX_COMET_OBJECT_END);
        }

        /* fall through */

    case NGX_COMET_AT_NAME:
        return ngx_comet_scan_name(scan, p, end);

    case NGX_COMET_AT_ELEMENT:
        if (*p == ']') {
            return ngx_comet_scan_close(scan, p, NGX_COMET_ARRAY_END);
        }

        break;

    case NGX_COMET_AT_START:
        return ngx_comet_scan_start(scan, p, end);

    case NGX_COMET_AT_END:
        return ngx_comet_scan_fail(scan, p, NGX_COMET_SCAN_TRAILING);

    default: /* NGX_COMET_AT_VALUE */
        break;
    }

    return ngx_comet_scan_value(scan, p, end);
}


/* goes on with a scalar that the last cut has divided */

static const unsigned char *
ngx_comet_scan_resume(ngx_comet_scan_t *scan, const unsigned char *p,
    const unsigned char *end)
{
    switch (scan->state) {

    case NGX_COMET_IN_STRING:
        return ngx_comet_scan_string(scan, p, end);

    case NGX_COMET_IN_NUMBER:
        return ngx_comet_scan_number(scan, p, end);

    case NGX_COMET_IN_LITERAL:
        return ngx_comet_scan_literal(scan, p, end);

    default:
        return p;
    }
}


int
ngx_comet_scan_feed(ngx_comet_scan_t *scan, const unsigned char *p, size_t len)
{
    const unsigned char  *end, *next;

    if (scan->status != NGX_COMET_SCAN_OK || len == 0) {
        return scan->status;
    }

    end = p + len;
    scan->piece = p;
    scan->raw_from = p;

    p = ngx_comet_scan_resume(scan, p, end);

    while (p != end) {

        if (p == NULL) {
            return scan->status;
        }

        if (ngx_comet_is_space(*p)) {
            p++;
            continue;
        }

        if (scan->quiet) {
            next = ngx_comet_scan_quiet(scan, p, end);

            if (next != p) {
                p = next;
                continue;
            }
        }

        p = ngx_comet_scan_token(scan, p, end);
    }

    if (scan->quiet == NGX_COMET_QUIET_RAW) {
        ngx_comet_scan_raw_copy(scan, end);
    }

    scan->piece = end;
    scan->base += len;

    return NGX_COMET_SCAN_OK;
}


int
ngx_comet_scan_finish(ngx_comet_scan_t *scan)
{
    if (scan->status != NGX_COMET_SCAN_OK) {
        return scan->status;
    }

    if (scan->state == NGX_COMET_AT_END
        || (scan->state == NGX_COMET_IN_NUMBER
            && ngx_comet_scan_number_finish(scan)))
    {
        return scan->status;
    }

    (void) ngx_comet_scan_fail(scan, scan->piece,
                               scan->state == NGX_COMET_AT_START
                               ? NGX_COMET_SCAN_EMPTY
                               : NGX_COMET_SCAN_TRUNCATED);

    return scan->status;
}
