/*
 * The first bytes choose the form of the answer and the cuts, the rest is the
 * answer.  Fed whole and in pieces it must give the same; and the client must
 * get all of it but what the simple splitter finds to be whole events.
 */


#include "usage_run.h"

#include "ngx_comet_mend.h"


#define FUZZ_CUTS    6
#define FUZZ_HEADER  (FUZZ_CUTS * 2 + 1)


int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);


static void
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
}


static void
fuzz_same(const usage_run_t *whole, const usage_form_t *form,
    const unsigned char *p, size_t len, const size_t *cuts, size_t ncuts)
{
    usage_run_t  run;

    usage_run(&run, form, p, len, cuts, ncuts);

    if (!usage_run_same(&run, whole)) {
        usage_run_print("whole", whole);
        usage_run_print("in pieces", &run);
        abort();
    }

    free(run.out);
}


static void
fuzz_believed(const usage_run_t *run)
{
    unsigned  i;

    for (i = 0; i < NGX_COMET_USAGE_NUMBERS; i++) {
        usage_must(run->numbers[i] <= NGX_COMET_USAGE_MAX, "a number");
    }

    usage_must(run->numbers[NGX_COMET_USAGE_CACHED]
               <= run->numbers[NGX_COMET_USAGE_INPUT], "cached");
    usage_must(!run->exact || (run->complete && !run->bad),
               "what is exact is believed");
}


/* what is missing in the output is events, and each has both names */

static void
fuzz_missing(const usage_run_t *run, const usage_form_t *form,
    const unsigned char *p, size_t len)
{
    size_t         at, next, from, out;
    usage_event_t  event;

    if (!form->stream || !form->inject || form->responses) {
        usage_must(run->len == len && memcmp(run->out, p, len) == 0,
                   "nothing is taken out");
        return;
    }

    out = 0;
    from = 0;

    for (at = 0; (next = usage_event_next(&event, p, at, len)); at = next) {

        usage_must(run->len - out >= event.start - from
                   && memcmp(run->out + out, p + from, event.start - from)
                      == 0, "what is between events goes on");

        out += event.start - from;
        from = event.start;

        if (run->len - out >= event.end - from
            && memcmp(run->out + out, p + from, event.end - from) == 0)
        {
            out += event.end - from;

        } else {
            usage_must(event.data && event.len > 2, "the chunk has data");
        }

        from = event.end;
        free(event.text);
    }

    free(event.text);

    usage_must(run->len - out == len - from
               && memcmp(run->out + out, p + from, len - from) == 0,
               "the rest goes on");
}


static int
fuzz_ignore(void *data, const ngx_comet_token_t *token)
{
    (void) data;
    (void) token;

    return NGX_COMET_SCAN_ON;
}


/* what is sent of a stream that breaks off ends with an event that is read */

static void
fuzz_mended(const usage_form_t *form, const unsigned char *p, size_t len)
{
    char               *tail;
    size_t              at, next, n;
    uint64_t            gone;
    usage_run_t         run;
    unsigned char      *text;
    usage_event_t       event;
    ngx_comet_scan_t    scan;
    ngx_comet_error_t   error;
    ngx_comet_usage_t   usage;

    gone = 0;
    memset(&run, 0, sizeof(run));
    run.out = malloc(len + 1);
    usage_must(run.out != NULL, "memory");

    ngx_comet_usage_init(&usage,
                         form->responses ? NGX_COMET_FORM_RESPONSES
                                         : NGX_COMET_FORM_CHAT,
                         1, form->inject);
    usage_run_piece(&run, &usage, p, 0, len, &gone);

    error = ngx_comet_error_of_status(504);
    tail = ngx_comet_mend(&usage, &error);
    usage_must(tail != NULL, "memory");
    ngx_comet_usage_free(&usage);

    n = strlen(tail);
    text = malloc(run.len + n);
    usage_must(text != NULL, "memory");
    memcpy(text, run.out, run.len);
    memcpy(text + run.len, tail, n);
    n += run.len;

    ngx_comet_scan_init(&scan, 1, fuzz_ignore, NULL);

    for (at = 0; (next = usage_event_next(&event, text, at, n)); at = next) {
        ngx_comet_scan_init(&scan, NGX_COMET_SCAN_DEPTH_MAX, fuzz_ignore,
                            NULL);
        ngx_comet_scan_lenient(&scan);
        (void) ngx_comet_scan_feed(&scan, event.text, event.len);
        free(event.text);
    }

    free(event.text);

    usage_must(at == n, "the error ends the stream");
    usage_must(ngx_comet_scan_finish(&scan) == NGX_COMET_SCAN_OK,
               "the error is JSON");
    usage_must(strstr(tail, "\"code\":\"upstream_timeout\"") != NULL,
               "the error is told");

    free(text);
    free(tail);
    free(run.out);
}


int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    size_t        i, cuts[FUZZ_CUTS], each[1024];
    usage_run_t   whole;
    usage_form_t  form;

    if (size < FUZZ_HEADER) {
        return 0;
    }

    form.responses = (data[0] & 1) != 0;
    form.stream = (data[0] & 6) != 0;
    form.inject = (data[0] & 2) != 0;

    size -= FUZZ_HEADER;
    fuzz_cuts(cuts, data + 1, size);
    data += FUZZ_HEADER;

    usage_run(&whole, &form, data, size, NULL, 0);

    fuzz_believed(&whole);
    fuzz_missing(&whole, &form, data, size);
    fuzz_same(&whole, &form, data, size, cuts, FUZZ_CUTS);

    if (size <= sizeof(each) / sizeof(each[0])) {
        for (i = 0; i < size; i++) {
            each[i] = i;
        }

        fuzz_same(&whole, &form, data, size, each, size);

        usage_alone = 1;
        fuzz_same(&whole, &form, data, size, each, size);
        usage_alone = 0;
    }

    if (form.stream) {
        fuzz_mended(&form, data, size);
        fuzz_mended(&form, data, cuts[0]);
    }

    free(whole.out);

    return 0;
}
