#include "unit.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ngx_comet_page.h"


#define MEMORY_MAX  (8 * 1024 * 1024)


typedef struct {
    ngx_comet_ledger_t         ledger;
    ngx_comet_ledger_memory_t  memory;
    size_t                     taken;
    size_t                     fail_at;   /* allocation, from 1; 0: none */
    size_t                     n;
    void                      *blocks[65536];
} store_t;


static void *
store_alloc(void *data, size_t size)
{
    store_t  *store = data;

    if (++store->n == store->fail_at) {
        return NULL;
    }

    assert_true(store->n < sizeof(store->blocks) / sizeof(void *));
    store->taken += size;
    assert_true(store->taken <= MEMORY_MAX);

    store->blocks[store->n] = malloc(size);
    assert_non_null(store->blocks[store->n]);

    /* what was there before is not zero */

    return memset(store->blocks[store->n], 0xa5, size);
}


static void
store_give(void *data, void *p)
{
    size_t    i;
    store_t  *store = data;

    for (i = 1; i <= store->n; i++) {
        if (store->blocks[i] == p) {
            free(p);
            store->blocks[i] = NULL;
            return;
        }
    }

    fail_msg("not of this store");
}


static store_t *
store_create(void)
{
    store_t  *store;

    store = calloc(1, sizeof(store_t));
    assert_non_null(store);

    store->memory.alloc = store_alloc;
    store->memory.free = store_give;
    store->memory.data = store;
    store->memory.ledger = &store->ledger;

    return store;
}


static void
store_free(store_t *store)
{
    size_t  i;

    for (i = 0; i <= store->n; i++) {
        free(store->blocks[i]);
    }

    free(store);
}


static void
set(ngx_comet_label_t *labels, ngx_comet_label_e label, const char *text)
{
    labels[label].data = text;
    labels[label].len = strlen(text);
    labels[label].name = NULL;
}


static void
labels_of(ngx_comet_label_t *labels, const char *tenant, const char *code)
{
    set(labels, NGX_COMET_LABEL_TENANT, tenant);
    set(labels, NGX_COMET_LABEL_ENDPOINT, "chat.completions");
    set(labels, NGX_COMET_LABEL_PROVIDER, "openai");
    set(labels, NGX_COMET_LABEL_VERDICT, "pass");
    set(labels, NGX_COMET_LABEL_STATUS, "200");
    set(labels, NGX_COMET_LABEL_CODE, code);
    set(labels, NGX_COMET_LABEL_OUTCOME, "http_503");
    set(labels, NGX_COMET_LABEL_REASON, "timeout");
}


/* where one worker alone counts */

static uint64_t *
own(ngx_comet_tally_t *tally, ngx_comet_series_t *series,
    ngx_comet_series_e kind)
{
    return ngx_comet_tally_values(tally, series, kind, 0);
}


static char *
render(store_t *store, size_t piece)
{
    char              *text;
    size_t             n, used;
    ngx_comet_page_t   page;

    text = malloc(MEMORY_MAX);
    assert_non_null(text);

    ngx_comet_page_init(&page, &store->ledger);

    used = 0;

    while (!page.done) {

        /* of exact size, so that one byte too far is found */

        char  *buf = malloc(piece);

        assert_non_null(buf);

        n = ngx_comet_page_render(&page, buf, piece);
        assert_true(n > 0 && n <= piece && buf[n - 1] == '\n');
        assert_true(used + n < MEMORY_MAX);

        memcpy(text + used, buf, n);
        used += n;
        free(buf);
    }

    assert_int_equal(ngx_comet_page_render(&page, text, piece), 0);
    text[used] = '\0';

    return text;
}


static size_t
lines_with(const char *text, const char *what)
{
    size_t       n;
    const char  *p;

    n = 0;

    for (p = text; (p = strstr(p, what)) != NULL; p++) {
        n++;
    }

    return n;
}


static void
test_series(void **state)
{
    store_t             *store;
    ngx_comet_tally_t   *tally;
    ngx_comet_label_t    labels[NGX_COMET_LABELS];
    ngx_comet_series_t  *one, *two;

    (void) state;

    store = store_create();
    tally = ngx_comet_tally_create(&store->memory, 1024 * 1024);
    assert_non_null(tally);
    assert_ptr_equal(store->ledger.tally, tally);

    labels_of(labels, "acme", "");
    assert_null(ngx_comet_tally_find(tally, NGX_COMET_SERIES_REQUESTS,
                                     labels));
    one = ngx_comet_tally_make(&store->memory, NGX_COMET_SERIES_REQUESTS,
                               labels);
    assert_ptr_equal(one, ngx_comet_tally_find(tally,
                                               NGX_COMET_SERIES_REQUESTS,
                                               labels));
    assert_ptr_equal(one, ngx_comet_tally_make(&store->memory,
                                               NGX_COMET_SERIES_REQUESTS,
                                               labels));

    /* the same text in the place of another label is another series */

    labels_of(labels, "", "acme");
    assert_null(ngx_comet_tally_find(tally, NGX_COMET_SERIES_REQUESTS,
                                     labels));
    two = ngx_comet_tally_make(&store->memory, NGX_COMET_SERIES_REQUESTS,
                               labels);
    assert_ptr_not_equal(one, two);

    /* and so is another kind */

    assert_null(ngx_comet_tally_find(tally, NGX_COMET_SERIES_USAGE, labels));

    ngx_comet_tally_add(own(tally, one, NGX_COMET_SERIES_REQUESTS), 0, 3);
    assert_int_equal(ngx_comet_tally_value(tally, one,
                                           NGX_COMET_SERIES_REQUESTS, 0), 3);
    assert_int_equal(ngx_comet_tally_value(tally, two,
                                           NGX_COMET_SERIES_REQUESTS, 0), 0);
    assert_int_equal(tally->overflow, 0);

    store_free(store);
}


static void
test_times(void **state)
{
    char                *text;
    size_t               i, time;
    store_t             *store;
    uint64_t             us;
    ngx_comet_label_t    labels[NGX_COMET_LABELS];
    ngx_comet_series_t  *series;

    (void) state;

    store = store_create();
    assert_non_null(ngx_comet_tally_create(&store->memory, 1024 * 1024));
    labels_of(labels, "", "");
    series = ngx_comet_tally_make(&store->memory, NGX_COMET_SERIES_TIMES,
                                  labels);

    for (time = 0; time < NGX_COMET_TIMES; time++) {
        for (i = 0; i < NGX_COMET_BOUNDS; i++) {
            us = ngx_comet_bounds[time][i].us;

            /* what is written is what is compared with */

            assert_int_equal(us, (uint64_t) (strtod(
                       ngx_comet_bounds[time][i].text, NULL) * 1e6 + 0.5));
            assert_true(i == 0 || us > ngx_comet_bounds[time][i - 1].us);

            ngx_comet_tally_observe(own(store->ledger.tally, series,
                        NGX_COMET_SERIES_TIMES), time, us);
            ngx_comet_tally_observe(own(store->ledger.tally, series,
                        NGX_COMET_SERIES_TIMES), time, us + 1);

            assert_int_equal(ngx_comet_tally_value(store->ledger.tally, series,
                                 NGX_COMET_SERIES_TIMES,
                                 time * NGX_COMET_TIME_VALUES + i),
                             i ? 2 : 1);
        }
    }

    text = render(store, NGX_COMET_PAGE_LINE);

    assert_non_null(strstr(text,
        "comet_overhead_seconds_bucket{endpoint=\"chat.completions\","
        "provider=\"openai\",le=\"0.00002\"} 3\n"));
    assert_non_null(strstr(text,
        "comet_overhead_seconds_bucket{endpoint=\"chat.completions\","
        "provider=\"openai\",le=\"+Inf\"} 30\n"));
    assert_non_null(strstr(text,
        "comet_overhead_seconds_count{endpoint=\"chat.completions\","
        "provider=\"openai\"} 30\n"));
    assert_non_null(strstr(text,
        "comet_overhead_seconds_sum{endpoint=\"chat.completions\","
        "provider=\"openai\"} 1.777775\n"));

    free(text);
    store_free(store);
}


static void
test_labels_are_escaped(void **state)
{
    char               *text;
    char                longest[200];
    store_t            *store;
    ngx_comet_label_t   labels[NGX_COMET_LABELS];

    (void) state;

    store = store_create();
    assert_non_null(ngx_comet_tally_create(&store->memory, 1024 * 1024));

    labels_of(labels, "a\"b\\c\nd\te\x7f", "\xe6\x97\xa5\xff\xe6\x97");
    ngx_comet_tally_make(&store->memory, NGX_COMET_SERIES_REQUESTS, labels);

    /* the longest line there can be */

    memset(longest, 0xff, sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';

    for (size_t i = 0; i < NGX_COMET_LABELS; i++) {
        set(labels, i, longest);
    }

    ngx_comet_tally_make(&store->memory, NGX_COMET_SERIES_REQUESTS, labels);
    ngx_comet_tally_make(&store->memory, NGX_COMET_SERIES_USAGE, labels);
    ngx_comet_tally_make(&store->memory, NGX_COMET_SERIES_TIMES, labels);

    text = render(store, NGX_COMET_PAGE_LINE);

    assert_non_null(strstr(text,
        "comet_requests_total{tenant=\"a\\\"b\\\\c\\nd\\\\x09e\\\\x7f\","
        "endpoint=\"chat.completions\",provider=\"openai\",verdict=\"pass\","
        "status=\"200\",code=\"\xe6\x97\xa5\\\\xff\\\\xe6\\\\x97\"} 0\n"));
    assert_int_equal(lines_with(text, "\\\\xff\",code=\"\\\\xff"), 1);

    free(text);
    store_free(store);
}


static void
test_usage_is_printed_exactly(void **state)
{
    char                *text;
    store_t             *store;
    uint64_t            *values;
    ngx_comet_label_t    labels[NGX_COMET_LABELS];
    ngx_comet_series_t  *series;

    (void) state;

    store = store_create();
    assert_non_null(ngx_comet_tally_create(&store->memory, 1024 * 1024));
    labels_of(labels, "acme", "");
    series = ngx_comet_tally_make(&store->memory, NGX_COMET_SERIES_USAGE,
                                  labels);

    values = own(store->ledger.tally, series, NGX_COMET_SERIES_USAGE);

    ngx_comet_tally_add(values, NGX_COMET_USED_COST,
                        7 * NGX_COMET_MONEY + 20000000001);
    ngx_comet_tally_add(values, NGX_COMET_USED_CACHED, 5);
    ngx_comet_tally_add(values, NGX_COMET_USED_CACHED, UINT64_MAX - 6);
    assert_int_equal(ngx_comet_tally_value(store->ledger.tally, series,
                                           NGX_COMET_SERIES_USAGE,
                                           NGX_COMET_USED_CACHED),
                     UINT64_MAX - 1);

    /* no more than there can be, and never less than before */

    ngx_comet_tally_add(values, NGX_COMET_USED_CACHED, UINT64_MAX);

    text = render(store, NGX_COMET_PAGE_LINE);

    assert_non_null(strstr(text, "\"openai\"} 7.020000000001\n"));
    assert_non_null(strstr(text, ",kind=\"cached\"} 18446744073709551615\n"));
    assert_int_equal(lines_with(text, "\"other\""), 0);

    free(text);
    store_free(store);
}


/* many series: the limit holds, and every piece size gives the same page */

static void
test_what_finds_no_room(void **state)
{
    char                *text, *again, name[32];
    size_t               i, sum, overflow;
    store_t             *store;
    ngx_comet_tally_t   *tally;
    ngx_comet_label_t    labels[NGX_COMET_LABELS];
    ngx_comet_series_t  *series;
    ngx_comet_tally_walk_t  walk;

    (void) state;

    store = store_create();
    tally = ngx_comet_tally_create(&store->memory, 1024 * 1024);
    assert_non_null(tally);

    for (i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "team-%zu", i);
        labels_of(labels, name, "");

        series = ngx_comet_tally_find(tally, NGX_COMET_SERIES_REQUESTS,
                                      labels);
        if (series == NULL) {
            series = ngx_comet_tally_make(&store->memory,
                                          NGX_COMET_SERIES_REQUESTS, labels);
        }

        ngx_comet_tally_add(own(tally, series, NGX_COMET_SERIES_REQUESTS), 0,
                            1);
    }

    assert_true(tally->used <= tally->limit);
    assert_true(store->taken <= 1024 * 1024 / 4);
    assert_true(tally->full);

    overflow = tally->overflow;
    assert_int_equal(tally->series - NGX_COMET_SERIES_KINDS, 10000 - overflow);
    assert_int_equal(ngx_comet_tally_value(tally,
                         tally->tables[NGX_COMET_SERIES_REQUESTS].other,
                         NGX_COMET_SERIES_REQUESTS, 0), overflow);

    /* those that are there are still counted in theirs */

    labels_of(labels, "team-0", "");
    series = ngx_comet_tally_find(tally, NGX_COMET_SERIES_REQUESTS, labels);
    assert_ptr_not_equal(series,
                         tally->tables[NGX_COMET_SERIES_REQUESTS].other);

    sum = 0;
    memset(&walk, 0, sizeof(walk));

    while ((series = ngx_comet_tally_next(tally, NGX_COMET_SERIES_REQUESTS,
                                          &walk)) != NULL)
    {
        sum += ngx_comet_tally_value(tally, series, NGX_COMET_SERIES_REQUESTS,
                                     0);
    }

    assert_int_equal(sum, 10000);

    text = render(store, NGX_COMET_PAGE_LINE);
    again = render(store, 65536);
    assert_string_equal(text, again);
    assert_int_equal(lines_with(text, "\ncomet_requests_total{"),
                     10000 - overflow + 1);

    free(text);
    free(again);
    store_free(store);
}


/* each allocation fails in turn */

static void
test_without_memory(void **state)
{
    size_t               i, k, created;
    store_t             *store;
    ngx_comet_tally_t   *tally;
    ngx_comet_label_t    labels[NGX_COMET_LABELS];
    ngx_comet_series_t  *series;

    (void) state;

    labels_of(labels, "acme", "none");

    for (i = 1; i < 32; i++) {
        store = store_create();
        store->fail_at = i;

        tally = ngx_comet_tally_create(&store->memory, 1024 * 1024);

        if (tally == NULL) {
            assert_null(store->ledger.tally);

            /* what is left of it is as small as names and series are */

            for (k = 1; k <= store->n; k++) {
                assert_true(store->blocks[k] == NULL
                            || malloc_usable_size(store->blocks[k]) <= 512);
            }

            store_free(store);
            continue;
        }

        created = store->n;

        for (k = 0; k < NGX_COMET_SERIES_KINDS; k++) {
            series = ngx_comet_tally_make(&store->memory, k, labels);
            assert_non_null(series);
            ngx_comet_tally_add(own(tally, series, k), 0, 1);

            /* what failed once is tried again */

            series = ngx_comet_tally_make(&store->memory, k, labels);
            assert_ptr_not_equal(series, tally->tables[k].other);
        }

        assert_int_equal(tally->overflow,
                         i > created && i <= store->n);
        store_free(store);
    }

    store = store_create();
    assert_null(ngx_comet_tally_create(&store->memory, 16384));
    store_free(store);
}


/* memory that a process leaves as it was when it was killed */

typedef struct {
    ngx_comet_ledger_t         ledger;
    ngx_comet_ledger_memory_t  memory;
    uint64_t                   rounds;
    size_t                     used;
    char                       text[4 * 1024 * 1024];
} shared_t;


static void *
shared_alloc(void *data, size_t size)
{
    void      *p;
    shared_t  *shared = data;

    if (shared->used + size > sizeof(shared->text)) {
        return NULL;
    }

    p = shared->text + shared->used;
    shared->used += (size + 7) / 8 * 8;

    return p;
}


static void
shared_count(shared_t *shared, size_t from, uint32_t owner)
{
    char                 name[32];
    size_t               i, kind;
    ngx_comet_label_t    labels[NGX_COMET_LABELS];
    ngx_comet_series_t  *series;

    for (i = from; i < 4000; i++) {
        snprintf(name, sizeof(name), "team-%zu", i);
        labels_of(labels, name, name);

        for (kind = 0; kind < NGX_COMET_SERIES_KINDS; kind++) {
            series = ngx_comet_tally_make(&shared->memory, kind, labels);
            ngx_comet_tally_add(ngx_comet_tally_make_values(&shared->memory,
                                                            series, kind,
                                                            owner),
                                0, 1);
        }

        __atomic_fetch_add(&shared->rounds, 1, __ATOMIC_SEQ_CST);
    }
}


static void
test_killed_in_the_middle(void **state)
{
    int                     i;
    pid_t                   pid;
    size_t                  n, values;
    shared_t               *shared;
    uint64_t                rounds;
    ngx_comet_label_t       labels[NGX_COMET_LABELS];
    ngx_comet_series_t     *series;
    ngx_comet_tally_walk_t  walk;

    (void) state;

    shared = mmap(NULL, sizeof(shared_t), PROT_READ|PROT_WRITE,
                  MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);

    shared->memory.alloc = shared_alloc;
    shared->memory.data = shared;
    shared->memory.ledger = &shared->ledger;

    assert_non_null(ngx_comet_tally_create(&shared->memory,
                                           sizeof(shared->text)));

    for (i = 0; i < 40; i++) {
        rounds = __atomic_load_n(&shared->rounds, __ATOMIC_SEQ_CST);

        pid = fork();
        assert_true(pid != -1);

        if (pid == 0) {
            for ( ;; ) {
                shared_count(shared, (size_t) i * 100, i % 3);
            }
        }

        while (__atomic_load_n(&shared->rounds, __ATOMIC_SEQ_CST)
               < rounds + 20)
        {
            assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
            usleep(100);
        }

        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }

    /* each series is found where the walk found it: none is there twice */

    memset(&walk, 0, sizeof(walk));
    labels_of(labels, "", "");
    n = 0;
    values = 0;

    while ((series = ngx_comet_tally_next(shared->ledger.tally,
                                          NGX_COMET_SERIES_USAGE, &walk))
           != NULL)
    {
        const ngx_comet_name_t  *name;

        name = ngx_comet_tally_label(series, NGX_COMET_SERIES_USAGE,
                                     NGX_COMET_LABEL_TENANT);
        assert_true(name->len >= 5 && name->len < 32);

        if (series != shared->ledger.tally->tables[NGX_COMET_SERIES_USAGE]
                      .other)
        {
            labels[NGX_COMET_LABEL_TENANT].data = name->text;
            labels[NGX_COMET_LABEL_TENANT].len = name->len;
            labels[NGX_COMET_LABEL_TENANT].name = NULL;

            assert_ptr_equal(series,
                             ngx_comet_tally_find(shared->ledger.tally,
                                                  NGX_COMET_SERIES_USAGE,
                                                  labels));
        }

        n++;
        values += ngx_comet_tally_value(shared->ledger.tally, series,
                                        NGX_COMET_SERIES_USAGE, 0);
    }

    /* a killed process may have counted once more than it could tell */

    assert_true(n > 100);
    assert_true(values >= shared->rounds && values <= shared->rounds + 40);

    munmap(shared, sizeof(shared_t));
}


/* each owner counts in its own, and all are read together */

static void
test_shares(void **state)
{
    char                *text;
    size_t               kind, owner;
    store_t             *store;
    uint64_t            *values, *others[4];
    ngx_comet_label_t    labels[NGX_COMET_LABELS];
    ngx_comet_tally_t   *tally;
    ngx_comet_series_t  *series;

    (void) state;

    store = store_create();
    tally = ngx_comet_tally_create(&store->memory, 1024 * 1024);
    assert_non_null(tally);

    for (kind = 0; kind < NGX_COMET_SERIES_KINDS; kind++) {
        labels_of(labels, "acme", "");
        series = ngx_comet_tally_make(&store->memory, kind, labels);
        others[0] = own(tally, series, kind);

        for (owner = 1; owner < 4; owner++) {
            assert_null(ngx_comet_tally_values(tally, series, kind, owner));
            others[owner] = ngx_comet_tally_make_values(&store->memory, series,
                                                        kind, owner);
        }

        for (owner = 0; owner < 4; owner++) {

            /* whoever has the slot next goes on with it */

            values = ngx_comet_tally_values(tally, series, kind, owner);
            assert_ptr_equal(values, others[owner]);
            assert_ptr_equal(values,
                             ngx_comet_tally_make_values(&store->memory,
                                                         series, kind, owner));
            assert_true(owner == 0 || values != others[owner - 1]);

            ngx_comet_tally_add(values, 0, 10 + owner);
        }

        assert_int_equal(ngx_comet_tally_value(tally, series, kind, 0), 46);
    }

    text = render(store, NGX_COMET_PAGE_LINE);
    assert_non_null(strstr(text, "status=\"200\",code=\"\"} 46\n"));
    assert_non_null(strstr(text, ",kind=\"input\"} 46\n"));
    free(text);

    /* no sum goes round, either */

    ngx_comet_tally_add(others[1], 0, UINT64_MAX);
    assert_int_equal(ngx_comet_tally_value(tally, series,
                                           NGX_COMET_SERIES_KINDS - 1, 0),
                     UINT64_MAX);

    store_free(store);
}


/* half of the room is for series; who has no share counts in the series */

static void
test_shares_without_room(void **state)
{
    size_t               n;
    store_t             *store;
    uint64_t            *values;
    uint32_t             owner;
    ngx_comet_label_t    labels[NGX_COMET_LABELS];
    ngx_comet_tally_t   *tally;
    ngx_comet_series_t  *series;

    (void) state;

    store = store_create();
    tally = ngx_comet_tally_create(&store->memory, 1024 * 1024);
    assert_non_null(tally);

    labels_of(labels, "", "");
    series = ngx_comet_tally_make(&store->memory, NGX_COMET_SERIES_TIMES,
                                  labels);
    n = 0;

    for (owner = 1; owner <= NGX_COMET_OWNERS_MAX; owner++) {
        values = ngx_comet_tally_make_values(&store->memory, series,
                                             NGX_COMET_SERIES_TIMES, owner);
        n += values != own(tally, series, NGX_COMET_SERIES_TIMES);

        assert_ptr_equal(values,
                         ngx_comet_tally_values(tally, series,
                                                NGX_COMET_SERIES_TIMES,
                                                owner));
        ngx_comet_tally_add(values, 0, 1);
    }

    assert_true(n > 100 && n < NGX_COMET_OWNERS_MAX);
    assert_true(tally->used <= tally->limit / 2);
    assert_false(tally->full);
    assert_int_equal(ngx_comet_tally_value(tally, series,
                                           NGX_COMET_SERIES_TIMES, 0),
                     NGX_COMET_OWNERS_MAX);
    assert_int_equal(ngx_comet_tally_value(tally, series,
                                           NGX_COMET_SERIES_TIMES, 1), 0);

    /* nor does one that fails to be allocated */

    labels_of(labels, "acme", "");
    series = ngx_comet_tally_make(&store->memory, NGX_COMET_SERIES_REQUESTS,
                                  labels);
    store->fail_at = store->n + 1;
    values = ngx_comet_tally_make_values(&store->memory, series,
                                         NGX_COMET_SERIES_REQUESTS, 1);
    assert_ptr_equal(values, own(tally, series, NGX_COMET_SERIES_REQUESTS));

    store_free(store);
}


/* neighbours are in lines of their own, and each slot has its place */

static void
test_places(void **state)
{
    size_t  i, line, place;
    char    seen[NGX_COMET_OWNERS_MAX];

    (void) state;

    memset(seen, 0, sizeof(seen));
    line = NGX_COMET_CACHELINE / sizeof(uint32_t);

    for (i = 0; i < NGX_COMET_OWNERS_MAX; i++) {
        place = ngx_comet_tally_place(i);

        assert_true(place < NGX_COMET_OWNERS_MAX);
        assert_int_equal(seen[place], 0);
        seen[place] = 1;

        assert_true(i == 0 || place / line
                              != ngx_comet_tally_place(i - 1) / line);
    }
}


static int
dead(uint32_t owner, uint64_t pid)
{
    return owner == 2 && pid == 77;
}


static void
test_in_flight(void **state)
{
    store_t            *store;
    ngx_comet_tally_t  *tally;

    (void) state;

    store = store_create();

    /* without a tally there is nothing to do */

    ngx_comet_tally_recover(&store->ledger, dead);

    tally = ngx_comet_tally_create(&store->memory, 1024 * 1024);
    assert_non_null(tally);

    store->ledger.owners[0] = 76;
    store->ledger.owners[1] = 77;
    tally->in_flight[ngx_comet_tally_place(0)] = 3;
    tally->in_flight[ngx_comet_tally_place(1)] = 4;
    tally->in_flight[ngx_comet_tally_place(NGX_COMET_OWNERS_MAX - 1)] = 5;

    assert_int_equal(ngx_comet_tally_in_flight(tally), 12);
    ngx_comet_tally_recover(&store->ledger, dead);
    assert_int_equal(ngx_comet_tally_in_flight(tally), 8);

    store_free(store);
}


static void
test_statuses(void **state)
{
    char                text[3];
    size_t              known;
    unsigned            status;
    ngx_comet_label_t   label;

    (void) state;

    known = 0;

    for (status = 0; status < 100000; status++) {
        label = ngx_comet_tally_status(status, text);

        if (label.len == 3) {
            known++;
            assert_int_equal((label.data[0] - '0') * 100
                             + (label.data[1] - '0') * 10
                             + label.data[2] - '0', status);

        } else {
            assert_int_equal(label.len, 5);
            assert_memory_equal(label.data, "other", 5);
        }
    }

    assert_true(known < 80);

    assert_int_equal(ngx_comet_tally_status(200, text).len, 3);
    assert_int_equal(ngx_comet_tally_status(429, text).len, 3);
    assert_int_equal(ngx_comet_tally_status(499, text).len, 3);
    assert_int_equal(ngx_comet_tally_status(599, text).len, 5);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_labels_are_escaped),
        cmocka_unit_test(test_usage_is_printed_exactly),
        cmocka_unit_test(test_what_finds_no_room),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_killed_in_the_middle),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_shares_without_room),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_statuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
