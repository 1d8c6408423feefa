/*
 * A handler that writes down what it gets, and ways to feed a document.
 * Shared by the unit test and the fuzzer.
 */


#ifndef _SCAN_LOG_H_INCLUDED_
#define _SCAN_LOG_H_INCLUDED_


#include "ngx_comet_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


typedef enum {
    SCAN_LOG_ON,
    SCAN_LOG_TEXT,
    SCAN_LOG_SKIP,
    SCAN_LOG_RAW,
    SCAN_LOG_NAMES,           /* by the first letter of the name */
    SCAN_LOG_MIXED,           /* by the offset of the token */
    SCAN_LOG_STOP,            /* at some offset */
    SCAN_LOG_POLICIES
} scan_log_policy_e;


typedef struct {
    scan_log_policy_e     policy;
    unsigned              lenient;
    uint64_t              seed;

    int                   rc;
    ngx_comet_scan_e      error;
    uint64_t              offset;

    char                 *log;
    size_t                len;
    size_t                size;
} scan_log_t;


static const char  scan_log_types[] = "{}[]NS#TF0R";


static inline void
scan_log_write(scan_log_t *log, const void *p, size_t n)
{
    if (log->size - log->len < n) {
        log->size = (log->size + n) * 2;
        log->log = realloc(log->log, log->size);

        if (log->log == NULL) {
            abort();
        }
    }

    if (n) {
        memcpy(log->log + log->len, p, n);
        log->len += n;
    }
}


static inline int
scan_log_ask_name(const ngx_comet_token_t *token)
{
    if (token->type == NGX_COMET_ARRAY) {
        return token->depth % 2 ? NGX_COMET_SCAN_TEXT : NGX_COMET_SCAN_ON;
    }

    if (token->type != NGX_COMET_NAME) {
        return NGX_COMET_SCAN_ON;
    }

    switch (token->text[0]) {

    case 't':
        return NGX_COMET_SCAN_TEXT;

    case 's':
        return NGX_COMET_SCAN_SKIP;

    case 'r':
        return NGX_COMET_SCAN_RAW;

    default:
        return NGX_COMET_SCAN_ON;
    }
}


static inline int
scan_log_ask(const scan_log_t *log, const ngx_comet_token_t *token)
{
    uint64_t  hash;

    hash = (token->start + log->seed) * 0x9e3779b97f4a7c15 >> 40;

    switch (log->policy) {

    case SCAN_LOG_ON:
        return NGX_COMET_SCAN_ON;

    case SCAN_LOG_TEXT:
        return NGX_COMET_SCAN_TEXT;

    case SCAN_LOG_SKIP:
        return NGX_COMET_SCAN_SKIP;

    case SCAN_LOG_RAW:
        return NGX_COMET_SCAN_RAW;

    case SCAN_LOG_NAMES:
        return scan_log_ask_name(token);

    case SCAN_LOG_MIXED:
        return (int) (hash % (token->depth ? 5 : 4));

    default: /* SCAN_LOG_STOP */
        return hash % 8 ? NGX_COMET_SCAN_ON : NGX_COMET_SCAN_STOP;
    }
}


static inline int
scan_log_handler(void *data, const ngx_comet_token_t *token)
{
    int          n;
    char         line[128];
    scan_log_t  *log;

    log = data;

    n = snprintf(line, sizeof(line), "%c%u:%llu-%llu",
                 scan_log_types[token->type], token->depth,
                 (unsigned long long) token->start,
                 (unsigned long long) token->end);
    scan_log_write(log, line, (size_t) n);

    if (token->text) {

        if (token->type != NGX_COMET_RAW && token->text[token->len] != '\0') {
            abort();
        }

        n = snprintf(line, sizeof(line), "=%zu%s ", token->len,
                     token->cut ? "!" : "");
        scan_log_write(log, line, (size_t) n);
        scan_log_write(log, token->text, token->len);

    } else if (token->len || token->cut) {
        abort();
    }

    scan_log_write(log, "\n", 1);

    return scan_log_ask(log, token);
}


static inline void
scan_log_free(scan_log_t *log)
{
    free(log->log);
    log->log = NULL;
    log->len = 0;
    log->size = 0;
}


/*
 * Feeds the document in pieces that end at the cuts; place() gives where a
 * piece is to lie in memory while it is fed.
 */

typedef const unsigned char *(*scan_log_place_pt)(const unsigned char *p,
    size_t len);


static inline void
scan_log_feed(scan_log_t *log, const unsigned char *p, size_t len,
    const size_t *cuts, size_t ncuts, unsigned depth, size_t raw_size,
    scan_log_place_pt place)
{
    char              *raw;
    size_t             i, from, to;
    ngx_comet_scan_t  *scan;

    log->log = NULL;
    log->len = 0;
    log->size = 0;

    scan = malloc(sizeof(ngx_comet_scan_t));
    raw = malloc(raw_size ? raw_size : 1);

    if (scan == NULL || raw == NULL) {
        abort();
    }

    memset(scan, 0xa5, sizeof(ngx_comet_scan_t));
    ngx_comet_scan_init(scan, depth, scan_log_handler, log);
    ngx_comet_scan_raw(scan, raw, raw_size);

    if (log->lenient) {
        ngx_comet_scan_lenient(scan);
    }

    from = 0;
    log->rc = NGX_COMET_SCAN_OK;

    for (i = 0; i <= ncuts && log->rc == NGX_COMET_SCAN_OK; i++) {
        to = i < ncuts ? cuts[i] : len;
        log->rc = ngx_comet_scan_feed(scan, place(p + from, to - from),
                                      to - from);
        from = to;
    }

    if (ngx_comet_scan_finish(scan) != log->rc) {

        if (log->rc != NGX_COMET_SCAN_OK) {
            abort();
        }

        log->rc = scan->status;
    }

    log->error = scan->error;
    log->offset = log->rc == NGX_COMET_SCAN_ERROR ? scan->offset : 0;

    free(raw);
    free(scan);
}


static inline int
scan_log_same(const scan_log_t *a, const scan_log_t *b)
{
    return a->rc == b->rc
           && a->error == b->error
           && a->offset == b->offset
           && a->len == b->len
           && (a->len == 0 || memcmp(a->log, b->log, a->len) == 0);
}


/* lenient takes what strict takes and says the same; else it may go on */

static inline int
scan_log_includes(const scan_log_t *lenient, const scan_log_t *strict)
{
    if (strict->rc != NGX_COMET_SCAN_ERROR) {
        return scan_log_same(lenient, strict);
    }

    switch (strict->error) {

    case NGX_COMET_SCAN_BOM:
    case NGX_COMET_SCAN_NO_VALUE:
    case NGX_COMET_SCAN_BAD_NUMBER:
    case NGX_COMET_SCAN_BAD_UTF8:
    case NGX_COMET_SCAN_BAD_SURROGATE:
        return lenient->error != NGX_COMET_SCAN_BAD_UTF8
               && lenient->error != NGX_COMET_SCAN_BAD_SURROGATE
               && lenient->len >= strict->len
               && (strict->len == 0
                   || memcmp(lenient->log, strict->log, strict->len) == 0);

    default:
        return scan_log_same(lenient, strict);
    }
}


#endif /* _SCAN_LOG_H_INCLUDED_ */
