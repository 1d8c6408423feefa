/*
 * The first bytes choose the policy of the handler and the cuts, the rest is
 * the document.  Fed whole by the scalar functions and fed in pieces by each
 * level it must give the same, strict or lenient; and lenient it must give what
 * it gives strict, unless that is an error.
 */


#include "scan_log.h"


#define FUZZ_CUTS    6
#define FUZZ_HEADER  (FUZZ_CUTS * 2 + 3)


int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);


static unsigned char  *fuzz_piece;


/* a copy of its own, so that one byte too far or too early is found */

static const unsigned char *
fuzz_place(const unsigned char *p, size_t len)
{
    free(fuzz_piece);
    fuzz_piece = malloc(len ? len : 1);

    if (fuzz_piece == NULL) {
        abort();
    }

    if (len) {
        memcpy(fuzz_piece, p, len);
    }

    return fuzz_piece;
}


static size_t
fuzz_cuts(size_t *cuts, const unsigned char *data, size_t len)
{
    size_t  i, j, cut;

    for (i = 0; i < FUZZ_CUTS; i++) {
        cut = (size_t) (data[2 * i] << 8 | data[2 * i + 1]) % (len + 1);

        for (j = i; j && cuts[j - 1] > cut; j--) {
            cuts[j] = cuts[j - 1];
        }

        cuts[j] = cut;
    }

    return FUZZ_CUTS;
}


static void
fuzz_level(int level, const scan_log_t *whole, const unsigned char *p,
    size_t len, const size_t *cuts, size_t ncuts, unsigned depth, size_t raw)
{
    scan_log_t             log;
    ngx_comet_text_run_pt  run;

    run = ngx_comet_text_level((ngx_comet_text_level_e) level);

    if (run == NULL) {
        return;
    }

    ngx_comet_text_run = run;

    log = *whole;
    scan_log_feed(&log, p, len, cuts, ncuts, depth, raw, fuzz_place);

    if (!scan_log_same(&log, whole)) {
        fprintf(stderr, "level %d differs:\n%.*s\nrc %d error %d at %llu, "
                "whole:\n%.*s\nrc %d error %d at %llu\n", level,
                (int) log.len, log.log, log.rc, (int) log.error,
                (unsigned long long) log.offset,
                (int) whole->len, whole->log, whole->rc, (int) whole->error,
                (unsigned long long) whole->offset);
        abort();
    }

    scan_log_free(&log);
}


/* what is fed in single bytes takes no short way */

static void
fuzz_bytes(const scan_log_t *whole, const unsigned char *p, size_t len,
    unsigned depth, size_t raw)
{
    size_t  i, *cuts;

    cuts = malloc((len + 1) * sizeof(size_t));

    if (cuts == NULL) {
        abort();
    }

    for (i = 0; i < len; i++) {
        cuts[i] = i;
    }

    fuzz_level(0, whole, p, len, cuts, len, depth, raw);
    free(cuts);
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    int          level;
    size_t       cuts[FUZZ_CUTS], ncuts, raw;
    unsigned     depth;
    scan_log_t   whole, lenient;

    if (size < FUZZ_HEADER) {
        return 0;
    }

    memset(&whole, 0, sizeof(scan_log_t));
    whole.policy = data[0] % SCAN_LOG_POLICIES;
    whole.seed = data[0];
    depth = data[1] % 32;
    raw = data[2];

    data += 3;
    size -= FUZZ_HEADER;
    ncuts = fuzz_cuts(cuts, data, size);
    data += FUZZ_CUTS * 2;

    ngx_comet_text_run = ngx_comet_text_scalar;
    scan_log_feed(&whole, data, size, NULL, 0, depth, raw, fuzz_place);

    fuzz_bytes(&whole, data, size, depth, raw);

    lenient = whole;
    lenient.lenient = 1;
    scan_log_feed(&lenient, data, size, NULL, 0, depth, raw, fuzz_place);

    if (!scan_log_includes(&lenient, &whole)) {
        fprintf(stderr, "lenient differs:\n%.*s\nstrict:\n%.*s\n",
                (int) lenient.len, lenient.log, (int) whole.len, whole.log);
        abort();
    }

    for (level = 0; level < NGX_COMET_TEXT_LEVELS; level++) {
        fuzz_level(level, &whole, data, size, NULL, 0, depth, raw);
        fuzz_level(level, &whole, data, size, cuts, ncuts, depth, raw);
        fuzz_level(level, &lenient, data, size, NULL, 0, depth, raw);
        fuzz_level(level, &lenient, data, size, cuts, ncuts, depth, raw);
    }

    scan_log_free(&whole);
    scan_log_free(&lenient);

    return 0;
}
