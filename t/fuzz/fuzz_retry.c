/*
 * The first byte chooses what the rest is: the value of a header that says when
 * to come back, or an error body.  What a reader says is within its bounds, and
 * the same for the same bytes whatever stands behind them.
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_comet_outcome.h"


#define FUZZ_NOW  784111777


int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);


static void
fuzz_header(const char *value, size_t len)
{
    int64_t              ms, date, wait;
    ngx_comet_outcome_t  outcome;
    ngx_comet_backoff_t  backoff = { 500, 8000 };

    date = ngx_comet_http_date(value, len, FUZZ_NOW);
    ms = ngx_comet_retry_after_ms(value, len);

    if (date < -62198755200 || date > 253402300800 || ms < -1) {
        abort();
    }

    memset(&outcome, 0, sizeof(outcome));
    outcome.kind = NGX_COMET_OUTCOME_STATUS;
    outcome.status = 429;
    outcome.retry_after = ngx_comet_retry_after(value, len, FUZZ_NOW);

    wait = ngx_comet_outcome_wait(&outcome, &backoff, 9, UINT32_MAX);

    if (outcome.retry_after < -1 || wait < -1 || wait > 8000) {
        abort();
    }
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    int    fault;
    char  *piece;

    if (size < 2) {
        return 0;
    }

    /* a copy of its own, so that one byte too far is found */

    piece = malloc(size - 1);
    if (piece == NULL) {
        abort();
    }

    memcpy(piece, data + 1, size - 1);

    if (data[0] & 1) {
        fuzz_header(piece, size - 1);

    } else {
        fault = ngx_comet_outcome_at_fault(piece, size - 1);

        if (fault && memchr(piece, '{', size - 1) == NULL) {
            abort();
        }
    }

    free(piece);

    return 0;
}
