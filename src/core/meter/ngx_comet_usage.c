#include "ngx_comet_skim.h"
#include "ngx_comet_usage_private.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>


#define NGX_COMET_USAGE_DONE_LEN  (sizeof(ngx_comet_usage_done) - 1)

/* it is not "[DONE]" */

#define NGX_COMET_USAGE_NOT_DONE  (NGX_COMET_USAGE_DONE_LEN + 1)


static void ngx_comet_usage_data(void *ctx, const unsigned char *p,
    size_t len);
static int ngx_comet_usage_end(void *ctx);


static const char  ngx_comet_usage_done[] = "[DONE]";


/* nothing is being read any more */

static void
ngx_comet_usage_release(ngx_comet_usage_t *usage)
{
    if (usage->scan) {
        free(usage->scan);
        usage->scan = NULL;
    }

    if (usage->read) {
        free(usage->read);
        usage->read = NULL;
    }

    usage->scanning = 0;
    usage->saved = 0;
}


void
ngx_comet_usage_free(ngx_comet_usage_t *usage)
{
    ngx_comet_usage_release(usage);

    free(usage->alike);
    usage->alike = NULL;
}


static void
ngx_comet_usage_begin(ngx_comet_usage_t *usage)
{
    usage->done = usage->stream ? 0 : NGX_COMET_USAGE_NOT_DONE;
    usage->reading = !(usage->ended && usage->chunks);
    usage->passes = !usage->inject || !usage->reading;
}


void
ngx_comet_usage_init(ngx_comet_usage_t *usage, ngx_comet_form_e form,
    int stream, int inject)
{
    memset(usage, 0, sizeof(ngx_comet_usage_t));

    usage->form = &ngx_comet_usage_forms[form];
    usage->chunks = usage->form->chunks;
    usage->stream = (stream != 0);
    usage->inject = (stream && inject && usage->chunks);

    ngx_comet_sse_init(&usage->sse, ngx_comet_usage_data, ngx_comet_usage_end,
                       usage);
    ngx_comet_usage_begin(usage);
}


static void
ngx_comet_usage_read(ngx_comet_usage_t *usage, ngx_comet_usage_read_t *read)
{
    memset(&read->event, 0, sizeof(ngx_comet_usage_event_t));

    read->arrays = 0;
    read->member = &usage->form->roots[usage->stream];

    usage->read = read;
}


/* returns whether there is memory to read in */

static int
ngx_comet_usage_can_read(ngx_comet_usage_t *usage)
{
    ngx_comet_usage_read_t  *read;

    if (usage->read == NULL) {
        read = malloc(sizeof(ngx_comet_usage_read_t));

        if (read == NULL) {
            return 0;
        }

        ngx_comet_usage_read(usage, read);
    }

    return 1;
}


/* the same for the scanner, which also has room for what is kept */

static int
ngx_comet_usage_can_scan(ngx_comet_usage_t *usage)
{
    if (usage->scan == NULL) {
        usage->scan = malloc(sizeof(ngx_comet_scan_t));
    }

    return usage->scan != NULL;
}


static void
ngx_comet_usage_forget(ngx_comet_usage_t *usage)
{
    if (usage->read && usage->read->event.model) {
        usage->model[0] = '\0';
    }

    if (usage->read && usage->read->event.finish) {
        usage->finish[0] = '\0';
    }
}


void
ngx_comet_usage_undo(ngx_comet_usage_t *usage)
{
    ngx_comet_usage_forget(usage);
    ngx_comet_usage_begin(usage);
    ngx_comet_usage_read(usage, usage->read);
}


/* of an event that is not whole nothing stays */

static void
ngx_comet_usage_drop(ngx_comet_usage_t *usage)
{
    if (usage->stream) {
        ngx_comet_usage_forget(usage);
    }
}


static void
ngx_comet_usage_broken(ngx_comet_usage_t *usage)
{
    usage->broken = 1;
    usage->passes = 1;
    usage->reading = 0;
    usage->scanning = 0;

    ngx_comet_usage_drop(usage);

    free(usage->scan);
    usage->scan = NULL;
    usage->saved = 0;
}


static void
ngx_comet_usage_scan(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len)
{
    if (!usage->scanning) {

        if (!ngx_comet_usage_can_read(usage)
            || !ngx_comet_usage_can_scan(usage))
        {
            ngx_comet_usage_broken(usage);
            return;
        }

        ngx_comet_scan_init(usage->scan, NGX_COMET_SCAN_DEPTH_MAX,
                            ngx_comet_usage_token, usage);
        ngx_comet_scan_lenient(usage->scan);
        usage->scanning = 1;
    }

    usage->read->base = usage->sse.offset - usage->scan->base - usage->begun;

    if (ngx_comet_scan_feed(usage->scan, p, len) != NGX_COMET_SCAN_OK) {
        ngx_comet_usage_broken(usage);
    }
}


/* whether the event, or the body, is a JSON text */

static int
ngx_comet_usage_is_whole(ngx_comet_usage_t *usage)
{
    return usage->scanning
           && ngx_comet_scan_finish(usage->scan) == NGX_COMET_SCAN_OK;
}


/* the bytes of the event, which ends here, or NULL if they are not at hand */

static const unsigned char *
ngx_comet_usage_bytes(const ngx_comet_usage_t *usage)
{
    if (usage->piece) {
        return usage->piece;
    }

    return usage->sse.offset - usage->begun <= usage->saved
           ? ngx_comet_scan_spare(usage->scan) : NULL;
}


/* all of the event was read */

static void
ngx_comet_usage_event(ngx_comet_usage_t *usage)
{
    unsigned                  nparts;
    const unsigned char      *bytes;
    ngx_comet_usage_event_t  *event;

    event = &usage->read->event;
    bytes = ngx_comet_usage_bytes(usage);

    usage->cut = !usage->passes && event->usage && event->choices
                 && usage->sse.offset - usage->sse.start
                    <= NGX_COMET_USAGE_HOLD_MAX;

    /* what stands before an event is not held back with it */

    nparts = bytes && !usage->cut
             && usage->sse.start == usage->begun
             ? ngx_comet_usage_simple(usage) : 0;

    if (nparts) {
        ngx_comet_alike_learn(&usage->alike, bytes,
                              (size_t) (usage->sse.offset - usage->begun),
                              usage->read->parts, nparts);
    }

    ngx_comet_usage_take(usage);
}


static void
ngx_comet_usage_data(void *ctx, const unsigned char *p, size_t len)
{
    ngx_comet_usage_t *usage = ctx;

    unsigned  done;

    if (!usage->reading) {
        return;
    }

    done = usage->done;

    while (done < NGX_COMET_USAGE_DONE_LEN && len
           && *p == (unsigned char) ngx_comet_usage_done[done])
    {
        done++;
        p++;
        len--;
    }

    if (done == NGX_COMET_USAGE_DONE_LEN) {
        usage->ended |= usage->chunks;
        usage->reading = 0;
        usage->passes = 1;
        return;
    }

    usage->done = done;

    if (len == 0) {
        return;
    }

    if (done < NGX_COMET_USAGE_DONE_LEN) {
        usage->done = NGX_COMET_USAGE_NOT_DONE;
        ngx_comet_usage_scan(usage,
                             (const unsigned char *) ngx_comet_usage_done,
                             done);
    }

    if (usage->reading) {
        ngx_comet_usage_scan(usage, p, len);
    }
}


static int
ngx_comet_usage_end(void *ctx)
{
    ngx_comet_usage_t *usage = ctx;

    usage->cut = 0;
    usage->events += usage->sse.lines > 0;

    if (usage->reading && usage->done) {
        if (ngx_comet_usage_is_whole(usage)) {
            ngx_comet_usage_event(usage);

        } else {
            usage->broken = 1;
            ngx_comet_usage_drop(usage);
        }
    }

    ngx_comet_usage_release(usage);
    ngx_comet_usage_begin(usage);

    return 1;
}


/* as ngx_comet_usage_end() would, for an event that is alike */

static void
ngx_comet_usage_alike(ngx_comet_usage_t *usage,
    const ngx_comet_alike_found_t *found)
{
    usage->events++;
    usage->pieces += found->bytes > 0;
    usage->bytes += found->bytes;
    usage->closing &= (found->bytes == 0);

    if (found->numbered) {
        usage->sequence = found->number + 1;
    }
}


void
ngx_comet_usage_settle(ngx_comet_usage_t *usage)
{
    size_t  n;

    n = usage->kept;

    if (n) {
        usage->kept = 0;
        usage->saved = (unsigned) n;
        usage->sse.offset -= n;
        usage->begun = usage->sse.offset;
        (void) ngx_comet_sse_feed(&usage->sse,
                                  ngx_comet_scan_spare(usage->scan), n);
    }
}


/*
 * Of an event that is read in pieces the bytes are put together, so that others
 * can be told by it.  They lie where the scanner gets to after more of them.
 */

static void
ngx_comet_usage_save(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len)
{
    size_t  n;

    n = NGX_COMET_SCAN_SPARE - usage->saved;

    if (n > len) {
        n = len;
    }

    memcpy(ngx_comet_scan_spare(usage->scan) + usage->saved, p, n);
    usage->saved += (unsigned) n;
}


/* between events, or in one that is read from its start or not at all */

static size_t
ngx_comet_usage_split(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len)
{
    if (usage->saved) {
        ngx_comet_usage_save(usage, p, len);
    }

    return ngx_comet_sse_feed(&usage->sse, p, len);
}


/*
 * The event was cut, and is alike so far: the rest is compared if it comes,
 * and if not, all is read from the start.  No event ends in what is kept.
 */

static size_t
ngx_comet_usage_keep(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len)
{
    size_t                    n, whole;
    unsigned char            *kept;
    ngx_comet_alike_found_t   found;

    kept = ngx_comet_scan_spare(usage->scan);

    n = NGX_COMET_SCAN_SPARE - usage->kept;

    if (n > len) {
        n = len;
    }

    memcpy(kept + usage->kept, p, n);

    whole = ngx_comet_alike_match(usage->alike, kept, usage->kept + n,
                                  &found);

    if (whole) {
        n = whole - usage->kept;
        usage->kept = 0;
        ngx_comet_usage_release(usage);
        ngx_comet_usage_alike(usage, &found);
        ngx_comet_sse_skip(&usage->sse, p, n);
        return n;
    }

    if (found.more && n == len) {
        usage->kept += (unsigned) n;
        usage->sse.offset += n;
        return n;
    }

    ngx_comet_usage_settle(usage);

    return 0;
}


/* the event that the piece begins with, if that can be read so */

static size_t
ngx_comet_usage_in_place(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len)
{
    size_t                  n;
    ngx_comet_usage_read_t  read;

    ngx_comet_usage_read(usage, &read);

    n = ngx_comet_usage_skim_event(usage, p, len);

    if (n) {
        usage->events++;
        ngx_comet_usage_event(usage);
        usage->sse.lines = 0;
        ngx_comet_usage_begin(usage);
    }

    usage->read = NULL;

    return n;
}


/* returns how many bytes were taken, an event at most */

static size_t
ngx_comet_usage_feed_event(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len)
{
    size_t                    n;
    ngx_comet_sse_t          *sse;
    ngx_comet_alike_found_t   found;

    sse = &usage->sse;

    if (usage->kept) {
        return ngx_comet_usage_keep(usage, p, len);
    }

    if (!ngx_comet_sse_between(sse, *p) || !usage->reading) {
        return ngx_comet_usage_split(usage, p, len);
    }

    if (sse->cr && *p == '\n') {
        return ngx_comet_sse_feed(sse, p, 1);
    }

    found.more = 0;
    n = usage->alike ? ngx_comet_alike_match(usage->alike, p, len, &found) : 0;

    if (n) {
        ngx_comet_usage_alike(usage, &found);
        ngx_comet_sse_skip(sse, p, n);
        return n;
    }

    if (found.more && len <= NGX_COMET_SCAN_SPARE
        && ngx_comet_usage_can_scan(usage))
    {
        return ngx_comet_usage_keep(usage, p, len);
    }

    usage->begun = sse->offset;
    usage->piece = p;

    n = found.more ? 0 : ngx_comet_usage_in_place(usage, p, len);

    if (n == 0) {
        n = ngx_comet_sse_feed(sse, p, len);
    }

    usage->piece = NULL;

    if (sse->open && usage->reading && len <= NGX_COMET_SCAN_SPARE
        && ngx_comet_usage_can_scan(usage))
    {
        ngx_comet_usage_save(usage, p, len);
    }

    return n;
}


static size_t
ngx_comet_usage_feed_stream(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len)
{
    size_t            n;
    uint64_t          start;
    ngx_comet_sse_t  *sse;

    sse = &usage->sse;

    usage->cut_start = sse->offset;
    usage->cut_end = sse->offset;

    if (usage->cut_lf) {
        usage->cut_lf = 0;

        if (*p == '\n') {
            (void) ngx_comet_sse_feed(sse, p, 1);
            usage->cut_end = sse->offset;
            usage->hold_from = sse->offset;
            return 1;
        }
    }

    usage->cut = 0;
    n = 0;

    do {
        n += ngx_comet_usage_feed_event(usage, p + n, len - n);
    } while (n < len && !usage->cut);

    usage->hold_from = sse->offset;

    if (usage->cut) {
        usage->cut_start = sse->start;
        usage->cut_end = sse->offset;
        usage->cut_lf = sse->cr;
        return n;
    }

    if (usage->kept && !usage->passes) {
        usage->hold_from = sse->offset - usage->kept;

    } else if (sse->open && !usage->passes) {
        start = sse->start;

        if (sse->offset - start > NGX_COMET_USAGE_HOLD_MAX) {
            usage->passes = 1;

        } else {
            usage->hold_from = start;
        }
    }

    return n;
}


static void
ngx_comet_usage_feed_body(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len)
{
    if (!usage->reading) {
        return;
    }

    if (usage->whole) {

        for ( /* void */ ; len; p++, len--) {
            if (!ngx_comet_is_space(*p)) {
                ngx_comet_usage_broken(usage);
                return;
            }
        }

        return;
    }

    usage->whole = usage->sse.offset == 0 && ngx_comet_usage_can_read(usage)
                   && ngx_comet_usage_skim_body(usage, p, len);

    if (!usage->whole) {
        ngx_comet_usage_scan(usage, p, len);
    }
}


size_t
ngx_comet_usage_feed(ngx_comet_usage_t *usage, const unsigned char *p,
    size_t len)
{
    if (len == 0) {
        return 0;
    }

    if (usage->stream) {
        return ngx_comet_usage_feed_stream(usage, p, len);
    }

    ngx_comet_usage_feed_body(usage, p, len);

    usage->sse.offset += len;
    usage->hold_from = usage->sse.offset;
    usage->cut_start = usage->sse.offset;
    usage->cut_end = usage->sse.offset;

    return len;
}


void
ngx_comet_usage_finish(ngx_comet_usage_t *usage)
{
    uint64_t  begun;

    ngx_comet_usage_settle(usage);

    usage->hold_from = usage->sse.offset;
    usage->passes = 1;

    if (usage->stream) {
        ngx_comet_usage_drop(usage);
        ngx_comet_usage_begin(usage);
        ngx_comet_usage_free(usage);
        return;
    }

    begun = usage->reading && usage->scanning
            && (usage->read->member->is == NGX_COMET_FOR_TEXT
                || usage->read->member->is == NGX_COMET_FOR_THOUGHT)
            ? ngx_comet_scan_begun(usage->scan) : 0;

    if (usage->reading && (usage->whole || ngx_comet_usage_is_whole(usage))) {
        usage->ended = 1;
        ngx_comet_usage_take(usage);

    } else if (usage->read) {

        /* what passed of a body that is cut or broken */

        usage->pieces += usage->read->event.pieces;
        usage->bytes += usage->read->event.bytes + begun;
    }

    usage->reading = 0;
    ngx_comet_usage_free(usage);
}


int
ngx_comet_usage_exact(const ngx_comet_usage_t *usage)
{
    return usage->complete && !usage->bad
           && usage->pieces == usage->known_pieces
           && (usage->final || (usage->ended && !usage->broken));
}


static uint64_t
ngx_comet_usage_tokens(uint64_t pieces, uint64_t bytes)
{
    uint64_t  tokens;

    tokens = bytes / 4 + (bytes % 4 != 0);

    return pieces > tokens ? pieces : tokens;
}


uint64_t
ngx_comet_usage_produced(const ngx_comet_usage_t *usage)
{
    uint64_t  all, known;

    all = ngx_comet_usage_tokens(usage->pieces, usage->bytes);

    if (!usage->complete || usage->pieces == usage->known_pieces) {
        return all;
    }

    known = usage->numbers[NGX_COMET_USAGE_OUTPUT]
            + ngx_comet_usage_tokens(usage->pieces - usage->known_pieces,
                                     usage->bytes - usage->known_bytes);

    return all > known ? all : known;
}
