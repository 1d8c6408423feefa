#include "ngx_comet_scan_private.h"

#include <string.h>


const unsigned char *
ngx_comet_scan_fail(ngx_comet_scan_t *scan, const unsigned char *p,
    ngx_comet_scan_e error)
{
    scan->status = NGX_COMET_SCAN_ERROR;
    scan->error = error;
    scan->offset = ngx_comet_scan_offset(scan, p);

    return NULL;
}


void
ngx_comet_scan_raw_copy(ngx_comet_scan_t *scan, const unsigned char *p)
{
    size_t  n;

    n = (size_t) (p - scan->raw_from);

    if (n > scan->raw_size - scan->raw_len) {
        n = scan->raw_size - scan->raw_len;
        scan->raw_cut = 1;
    }

    if (n) {
        memcpy(scan->raw + scan->raw_len, scan->raw_from, n);
        scan->raw_len += n;
    }
}


/* a value has ended at p, maybe the one that was to be skipped */

const unsigned char *
ngx_comet_scan_quiet_value(ngx_comet_scan_t *scan, const unsigned char *p,
    ngx_comet_token_t *token)
{
    if (scan->depth != scan->loud_depth) {
        return p;
    }

    if (scan->quiet != NGX_COMET_QUIET_REST) {
        token->type = NGX_COMET_RAW;
        token->start = scan->quiet_start;
        token->text = NULL;
        token->len = 0;
        token->cut = 0;
    }

    if (scan->quiet == NGX_COMET_QUIET_RAW) {
        ngx_comet_scan_raw_copy(scan, p);

        token->text = scan->raw;
        token->len = scan->raw_len;
        token->cut = scan->raw_cut;
    }

    scan->quiet = NGX_COMET_LOUD;

    return ngx_comet_scan_call(scan, token) < 0 ? NULL : p;
}


void
ngx_comet_scan_quiet_begin(ngx_comet_scan_t *scan, const unsigned char *p,
    int ask)
{
    scan->quiet_start = scan->start;
    scan->loud_depth = scan->depth;

    if (ask == NGX_COMET_SCAN_SKIP) {
        scan->quiet = NGX_COMET_QUIET_VALUE;
        return;
    }

    scan->quiet = NGX_COMET_QUIET_RAW;
    scan->raw_from = p;
    scan->raw_len = 0;
    scan->raw_cut = 0;
}
