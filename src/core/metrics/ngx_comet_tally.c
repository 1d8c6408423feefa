#include "ngx_comet_tally.h"
#include "ngx_comet_layout.h"

#include <string.h>


#define ngx_comet_load(p)       __atomic_load_n(p, __ATOMIC_RELAXED)
#define ngx_comet_add(p, n)     __atomic_fetch_add(p, n, __ATOMIC_RELAXED)
#define ngx_comet_acquire(p)    __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define ngx_comet_publish(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)


static const struct {
    size_t  first;      /* label */
    size_t  labels;
    size_t  values;
    size_t  share;      /* of the limit, in bytes for each bucket */
} ngx_comet_kinds[] = {
    [NGX_COMET_SERIES_REQUESTS] = { NGX_COMET_LABEL_TENANT, 6, 1, 256 },
    [NGX_COMET_SERIES_USAGE] = { NGX_COMET_LABEL_TENANT, 3,
                                 NGX_COMET_USED_VALUES, 1024 },
    [NGX_COMET_SERIES_TIMES] = { NGX_COMET_LABEL_ENDPOINT, 2,
                                 NGX_COMET_TIMES * NGX_COMET_TIME_VALUES,
                                 65536 },
    [NGX_COMET_SERIES_ATTEMPTS] = { NGX_COMET_LABEL_OUTCOME, 1, 1, 65536 },
    [NGX_COMET_SERIES_RETRIES] = { NGX_COMET_LABEL_REASON, 1, 1, 65536 },
};

#define NGX_COMET_NAMES_SHARE  1024
#define NGX_COMET_SHARES_SHARE  1024


const ngx_comet_bound_t  ngx_comet_bounds[NGX_COMET_TIMES][NGX_COMET_BOUNDS] =
{
    [NGX_COMET_TIME_FIRST_TOKEN] = {
        { 100000, "0.1" }, { 250000, "0.25" }, { 500000, "0.5" },
        { 750000, "0.75" }, { 1000000, "1.0" }, { 1500000, "1.5" },
        { 2000000, "2.0" }, { 3000000, "3.0" }, { 5000000, "5.0" },
        { 7500000, "7.5" }, { 10000000, "10.0" }, { 20000000, "20.0" },
        { 30000000, "30.0" }, { 60000000, "60.0" }, { 120000000, "120.0" },
    },
    [NGX_COMET_TIME_DURATION] = {
        { 100000, "0.1" }, { 250000, "0.25" }, { 500000, "0.5" },
        { 1000000, "1.0" }, { 2000000, "2.0" }, { 3000000, "3.0" },
        { 5000000, "5.0" }, { 10000000, "10.0" }, { 20000000, "20.0" },
        { 30000000, "30.0" }, { 60000000, "60.0" }, { 120000000, "120.0" },
        { 180000000, "180.0" }, { 300000000, "300.0" },
        { 600000000, "600.0" },
    },
    [NGX_COMET_TIME_OVERHEAD] = {
        { 10, "0.00001" }, { 20, "0.00002" }, { 50, "0.00005" },
        { 100, "0.0001" }, { 200, "0.0002" }, { 500, "0.0005" },
        { 1000, "0.001" }, { 2000, "0.002" }, { 5000, "0.005" },
        { 10000, "0.01" }, { 20000, "0.02" }, { 50000, "0.05" },
        { 100000, "0.1" }, { 200000, "0.2" }, { 500000, "0.5" },
    },
};


static const struct {
    unsigned  first;
    unsigned  last;
} ngx_comet_statuses[] = {
    { 200, 208 }, { 226, 226 },
    { 300, 308 },
    { 400, 418 }, { 421, 426 }, { 428, 429 }, { 431, 431 }, { 444, 444 },
    { 451, 451 }, { 494, 499 },
    { 500, 508 }, { 510, 511 }, { 520, 527 }, { 529, 530 },
};


static const ngx_comet_label_t  ngx_comet_other = { "other", 5, NULL };


uint64_t
ngx_comet_tally_layout(void)
{
    static const size_t  numbers[] = {
        offsetof(ngx_comet_name_t, text),
        ngx_comet_member(ngx_comet_name_t, next),
        ngx_comet_member(ngx_comet_name_t, len),

        offsetof(ngx_comet_series_t, words),
        sizeof(((ngx_comet_series_t *) 0)->words[0]),
        ngx_comet_member(ngx_comet_series_t, next),

        sizeof(ngx_comet_series_table_t),
        ngx_comet_member(ngx_comet_series_table_t, buckets),
        ngx_comet_member(ngx_comet_series_table_t, mask),
        ngx_comet_member(ngx_comet_series_table_t, other),

        offsetof(ngx_comet_share_t, values),
        ngx_comet_member(ngx_comet_share_t, next),
        ngx_comet_member(ngx_comet_share_t, series),
        ngx_comet_member(ngx_comet_share_t, owner),

        sizeof(ngx_comet_tally_t),
        ngx_comet_member(ngx_comet_tally_t, layout),
        ngx_comet_member(ngx_comet_tally_t, names),
        ngx_comet_member(ngx_comet_tally_t, mask),
        ngx_comet_member(ngx_comet_tally_t, tables),
        ngx_comet_member(ngx_comet_tally_t, shares),
        ngx_comet_member(ngx_comet_tally_t, shares_mask),
        ngx_comet_member(ngx_comet_tally_t, limit),
        ngx_comet_member(ngx_comet_tally_t, used),
        ngx_comet_member(ngx_comet_tally_t, full),
        ngx_comet_member(ngx_comet_tally_t, series),
        ngx_comet_member(ngx_comet_tally_t, overflow),
        ngx_comet_member(ngx_comet_tally_t, in_flight),

        NGX_COMET_LABELS, NGX_COMET_SERIES_KINDS, NGX_COMET_USED_VALUES,
        NGX_COMET_TIMES, NGX_COMET_TIME_VALUES
    };

    return ngx_comet_layout(ngx_comet_ledger_layout(), numbers,
                            sizeof(numbers) / sizeof(numbers[0]));
}


/* what an allocator of powers of two and pages takes for it */

static uint64_t
ngx_comet_tally_size(size_t size)
{
    uint64_t  n;

    if (size > 2048) {
        return (size + 4095) / 4096 * 4096;
    }

    for (n = 8; n < size; n *= 2) { /* void */ }

    return n;
}


static void *
ngx_comet_tally_alloc(ngx_comet_ledger_memory_t *memory,
    ngx_comet_tally_t *tally, size_t size)
{
    void      *p;
    uint64_t   taken;

    taken = ngx_comet_tally_size(size);

    if (tally->used + taken > tally->limit) {
        tally->full = 1;
        return NULL;
    }

    p = memory->alloc(memory->data, size);
    if (p == NULL) {
        return NULL;
    }

    tally->used += taken;
    memset(p, 0, size);

    return p;
}


/* FNV-1a */

static uint64_t
ngx_comet_tally_hash(const char *text, size_t len)
{
    size_t    i;
    uint64_t  hash;

    hash = 0xcbf29ce484222325;

    for (i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char) text[i]) * 0x100000001b3;
    }

    return hash ^ (hash >> 32);
}


static ngx_comet_name_t **
ngx_comet_tally_name(ngx_comet_tally_t *tally, const ngx_comet_label_t *label,
    ngx_comet_name_t **found)
{
    size_t              len;
    ngx_comet_name_t   *name, **bucket;

    len = label->len < NGX_COMET_LABEL_MAX ? label->len : NGX_COMET_LABEL_MAX;

    bucket = &tally->names[ngx_comet_tally_hash(label->data, len)
                           & tally->mask];

    for (name = ngx_comet_acquire(bucket); name; name = name->next) {
        if (name->len == len && memcmp(name->text, label->data, len) == 0) {
            break;
        }
    }

    *found = name;

    return bucket;
}


static ngx_comet_name_t *
ngx_comet_tally_make_name(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_label_t *label)
{
    size_t               len;
    ngx_comet_name_t    *name, **bucket;
    ngx_comet_tally_t   *tally;

    tally = memory->ledger->tally;
    bucket = ngx_comet_tally_name(tally, label, &name);

    if (name) {
        return name;
    }

    len = label->len < NGX_COMET_LABEL_MAX ? label->len : NGX_COMET_LABEL_MAX;

    name = ngx_comet_tally_alloc(memory, tally,
                                 sizeof(ngx_comet_name_t) + len);
    if (name == NULL) {
        return NULL;
    }

    name->len = len;
    memcpy(name->text, label->data, len);
    name->next = *bucket;

    ngx_comet_publish(bucket, name);

    return name;
}


/* by labels whose names are known */

static ngx_comet_series_t **
ngx_comet_tally_lookup(ngx_comet_tally_t *tally, ngx_comet_series_e kind,
    const ngx_comet_label_t *labels, ngx_comet_series_t **found)
{
    size_t                     i, n;
    uint64_t                   hash;
    ngx_comet_series_t        *series, **bucket;
    ngx_comet_series_table_t  *table;

    n = ngx_comet_kinds[kind].labels;
    labels += ngx_comet_kinds[kind].first;
    hash = 0;

    for (i = 0; i < n; i++) {
        hash = (hash ^ (uintptr_t) labels[i].name) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
    }

    table = &tally->tables[kind];
    bucket = &table->buckets[hash & table->mask];

    for (series = ngx_comet_acquire(bucket); series; series = series->next) {

        for (i = 0; i < n && series->words[i].name == labels[i].name; i++) {
            /* void */
        }

        if (i == n) {
            break;
        }
    }

    *found = series;

    return bucket;
}


ngx_comet_series_t *
ngx_comet_tally_find(ngx_comet_tally_t *tally, ngx_comet_series_e kind,
    ngx_comet_label_t *labels)
{
    ngx_comet_label_t   *label, *last;
    ngx_comet_series_t  *series;

    label = &labels[ngx_comet_kinds[kind].first];
    last = label + ngx_comet_kinds[kind].labels;

    for ( /* void */ ; label < last; label++) {

        if (label->name == NULL) {
            ngx_comet_tally_name(tally, label, &label->name);
        }

        if (label->name == NULL) {
            break;
        }
    }

    series = NULL;

    if (label == last) {
        ngx_comet_tally_lookup(tally, kind, labels, &series);
    }

    if (series == NULL && ngx_comet_load(&tally->full)) {
        ngx_comet_add(&tally->overflow, 1);
        return tally->tables[kind].other;
    }

    return series;
}


static ngx_comet_series_t *
ngx_comet_tally_insert(ngx_comet_ledger_memory_t *memory,
    ngx_comet_series_e kind, ngx_comet_label_t *labels)
{
    size_t               i, n, first;
    ngx_comet_tally_t   *tally;
    ngx_comet_series_t  *series, **bucket;

    tally = memory->ledger->tally;
    first = ngx_comet_kinds[kind].first;
    n = ngx_comet_kinds[kind].labels;

    for (i = first; i < first + n; i++) {
        labels[i].name = ngx_comet_tally_make_name(memory, &labels[i]);
        if (labels[i].name == NULL) {
            return NULL;
        }
    }

    bucket = ngx_comet_tally_lookup(tally, kind, labels, &series);

    if (series) {
        return series;
    }

    series = ngx_comet_tally_alloc(memory, tally,
                                   sizeof(ngx_comet_series_t)
                                   + (n + ngx_comet_kinds[kind].values)
                                     * sizeof(series->words[0]));
    if (series == NULL) {
        return NULL;
    }

    for (i = 0; i < n; i++) {
        series->words[i].name = labels[first + i].name;
    }

    series->next = *bucket;

    /* whoever dies before this has made none, after it a whole one */

    ngx_comet_publish(bucket, series);
    ngx_comet_add(&tally->series, 1);

    return series;
}


ngx_comet_series_t *
ngx_comet_tally_make(ngx_comet_ledger_memory_t *memory,
    ngx_comet_series_e kind, ngx_comet_label_t *labels)
{
    ngx_comet_tally_t   *tally;
    ngx_comet_series_t  *series;

    series = ngx_comet_tally_insert(memory, kind, labels);

    if (series == NULL) {
        tally = memory->ledger->tally;
        ngx_comet_add(&tally->overflow, 1);
        series = tally->tables[kind].other;
    }

    return series;
}


static void *
ngx_comet_tally_buckets(ngx_comet_ledger_memory_t *memory,
    ngx_comet_tally_t *tally, size_t share, size_t *mask)
{
    size_t  n;

    for (n = 16; n < tally->limit / share; n *= 2) { /* void */ }

    *mask = n - 1;

    return ngx_comet_tally_alloc(memory, tally, n * sizeof(void *));
}


/* for lack of room: its parts; the few names that it has are small */

static void
ngx_comet_tally_undo(ngx_comet_ledger_memory_t *memory,
    ngx_comet_tally_t *tally)
{
    size_t  i, n;
    void   *parts[NGX_COMET_SERIES_KINDS + 4];

    n = 0;
    parts[n++] = tally->in_flight;
    parts[n++] = tally->names;
    parts[n++] = tally->shares;

    for (i = 0; i < NGX_COMET_SERIES_KINDS; i++) {
        parts[n++] = tally->tables[i].buckets;
    }

    parts[n++] = tally;

    for (i = 0; i < n; i++) {
        if (parts[i]) {
            memory->free(memory->data, parts[i]);
        }
    }
}


ngx_comet_tally_t *
ngx_comet_tally_create(ngx_comet_ledger_memory_t *memory, size_t size)
{
    size_t              i;
    ngx_comet_label_t   labels[NGX_COMET_LABELS];
    ngx_comet_tally_t   first, *tally;

    memset(&first, 0, sizeof(ngx_comet_tally_t));
    first.layout = ngx_comet_tally_layout();
    first.limit = size / 4;

    tally = ngx_comet_tally_alloc(memory, &first, sizeof(ngx_comet_tally_t));
    if (tally == NULL) {
        return NULL;
    }

    *tally = first;

    tally->in_flight = ngx_comet_tally_alloc(memory, tally,
                                   NGX_COMET_OWNERS_MAX * sizeof(uint32_t));
    tally->names = ngx_comet_tally_buckets(memory, tally,
                                           NGX_COMET_NAMES_SHARE,
                                           &tally->mask);

    tally->shares = ngx_comet_tally_buckets(memory, tally,
                                           NGX_COMET_SHARES_SHARE,
                                           &tally->shares_mask);

    if (tally->in_flight == NULL || tally->names == NULL
        || tally->shares == NULL)
    {
        ngx_comet_tally_undo(memory, tally);
        return NULL;
    }

    for (i = 0; i < NGX_COMET_LABELS; i++) {
        labels[i] = ngx_comet_other;
    }

    memory->ledger->tally = tally;

    for (i = 0; i < NGX_COMET_SERIES_KINDS; i++) {

        tally->tables[i].buckets
            = ngx_comet_tally_buckets(memory, tally, ngx_comet_kinds[i].share,
                                      &tally->tables[i].mask);

        if (tally->tables[i].buckets) {
            tally->tables[i].other = ngx_comet_tally_insert(memory, i, labels);
        }

        if (tally->tables[i].other == NULL) {
            memory->ledger->tally = NULL;
            ngx_comet_tally_undo(memory, tally);
            return NULL;
        }
    }

    return tally;
}


static uint64_t *
ngx_comet_tally_own(const ngx_comet_series_t *series, ngx_comet_series_e kind)
{
    return (uint64_t *) &series->words[ngx_comet_kinds[kind].labels].value;
}


static ngx_comet_share_t **
ngx_comet_tally_shares(const ngx_comet_tally_t *tally,
    const ngx_comet_series_t *series)
{
    uint64_t  hash;

    hash = (uintptr_t) series * 0x9e3779b97f4a7c15;

    return &tally->shares[(hash >> 32) & tally->shares_mask];
}


static size_t
ngx_comet_tally_share_size(ngx_comet_series_e kind)
{
    size_t  size;

    size = sizeof(ngx_comet_share_t)
           + ngx_comet_kinds[kind].values * sizeof(uint64_t);

    return size < NGX_COMET_CACHELINE ? NGX_COMET_CACHELINE : size;
}


/* one half of the room is for series, whatever it is that has to be counted */

static int
ngx_comet_tally_has_room(const ngx_comet_tally_t *tally,
    ngx_comet_series_e kind)
{
    return ngx_comet_load(&tally->used)
           + ngx_comet_tally_size(ngx_comet_tally_share_size(kind))
           <= tally->limit / 2;
}


uint64_t *
ngx_comet_tally_values(ngx_comet_tally_t *tally, ngx_comet_series_t *series,
    ngx_comet_series_e kind, uint32_t owner)
{
    ngx_comet_share_t  *share;

    if (owner == 0) {
        return ngx_comet_tally_own(series, kind);
    }

    share = ngx_comet_acquire(ngx_comet_tally_shares(tally, series));

    for ( /* void */ ; share; share = share->next) {
        if (share->series == series && share->owner == owner) {
            return share->values;
        }
    }

    return ngx_comet_tally_has_room(tally, kind)
           ? NULL : ngx_comet_tally_own(series, kind);
}


uint64_t *
ngx_comet_tally_make_values(ngx_comet_ledger_memory_t *memory,
    ngx_comet_series_t *series, ngx_comet_series_e kind, uint32_t owner)
{
    uint64_t           *values;
    ngx_comet_share_t   *share, **bucket;
    ngx_comet_tally_t  *tally;

    tally = memory->ledger->tally;
    values = ngx_comet_tally_values(tally, series, kind, owner);

    if (values) {
        return values;
    }

    share = ngx_comet_tally_alloc(memory, tally,
                                 ngx_comet_tally_share_size(kind));
    if (share == NULL) {
        return ngx_comet_tally_own(series, kind);
    }

    bucket = ngx_comet_tally_shares(tally, series);

    share->series = series;
    share->owner = owner;
    share->next = *bucket;

    ngx_comet_publish(bucket, share);

    return share->values;
}


/* one that went round would look as if it had begun anew */

static uint64_t
ngx_comet_tally_sum(uint64_t one, uint64_t two)
{
    uint64_t  sum;

    return __builtin_add_overflow(one, two, &sum) ? UINT64_MAX : sum;
}


void
ngx_comet_tally_add(uint64_t *values, size_t value, uint64_t amount)
{
    uint64_t  *counter, old, sum;

    counter = &values[value];
    old = ngx_comet_load(counter);

    do {
        sum = ngx_comet_tally_sum(old, amount);

    } while (!__atomic_compare_exchange_n(counter, &old, sum, 1,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}


void
ngx_comet_tally_observe(uint64_t *values, ngx_comet_time_e time, uint64_t us)
{
    size_t  i, base;

    base = time * NGX_COMET_TIME_VALUES;

    for (i = 0; i < NGX_COMET_BOUNDS && us > ngx_comet_bounds[time][i].us;
         i++)
    {
        /* void */
    }

    ngx_comet_tally_add(values, base + i, 1);
    ngx_comet_tally_add(values, base + NGX_COMET_BOUNDS + 1, us);
}


ngx_comet_series_t *
ngx_comet_tally_next(ngx_comet_tally_t *tally, ngx_comet_series_e kind,
    ngx_comet_tally_walk_t *walk)
{
    ngx_comet_series_t        *series;
    ngx_comet_series_table_t  *table;

    table = &tally->tables[kind];
    series = walk->series ? walk->series->next : NULL;

    while (series == NULL && walk->bucket <= table->mask) {
        series = ngx_comet_acquire(&table->buckets[walk->bucket++]);
    }

    walk->series = series;

    return series;
}


const ngx_comet_name_t *
ngx_comet_tally_label(const ngx_comet_series_t *series,
    ngx_comet_series_e kind, ngx_comet_label_e label)
{
    size_t  i;

    i = label - ngx_comet_kinds[kind].first;

    return i < ngx_comet_kinds[kind].labels ? series->words[i].name : NULL;
}


uint64_t
ngx_comet_tally_value(const ngx_comet_tally_t *tally,
    const ngx_comet_series_t *series, ngx_comet_series_e kind, size_t value)
{
    uint64_t           n;
    ngx_comet_share_t  *share;

    n = ngx_comet_load(&ngx_comet_tally_own(series, kind)[value]);

    share = ngx_comet_acquire(ngx_comet_tally_shares(tally, series));

    for ( /* void */ ; share; share = share->next) {
        if (share->series == series) {
            n = ngx_comet_tally_sum(n, ngx_comet_load(&share->values[value]));
        }
    }

    return n;
}


int
ngx_comet_tally_is_unused(const ngx_comet_tally_t *tally,
    const ngx_comet_series_t *series, ngx_comet_series_e kind)
{
    size_t  i;

    if (series != tally->tables[kind].other) {
        return 0;
    }

    for (i = 0; i < ngx_comet_kinds[kind].values; i++) {
        if (ngx_comet_tally_value(tally, series, kind, i)) {
            return 0;
        }
    }

    return 1;
}


void
ngx_comet_tally_recover(ngx_comet_ledger_t *ledger,
    int (*dead)(uint32_t owner, uint64_t pid))
{
    size_t              i;
    ngx_comet_tally_t  *tally;

    tally = ledger->tally;

    for (i = 0; tally && i < NGX_COMET_OWNERS_MAX; i++) {
        if (ledger->owners[i] && dead((uint32_t) i + 1, ledger->owners[i])) {
            __atomic_store_n(&tally->in_flight[ngx_comet_tally_place(i)], 0,
                             __ATOMIC_RELAXED);
        }
    }
}


uint64_t
ngx_comet_tally_in_flight(const ngx_comet_tally_t *tally)
{
    size_t    i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < NGX_COMET_OWNERS_MAX; i++) {
        n += ngx_comet_load(&tally->in_flight[i]);
    }

    return n;
}


ngx_comet_label_t
ngx_comet_tally_status(unsigned status, char text[3])
{
    size_t             i, n;
    ngx_comet_label_t  label;

    n = sizeof(ngx_comet_statuses) / sizeof(ngx_comet_statuses[0]);

    for (i = 0; i < n; i++) {
        if (status >= ngx_comet_statuses[i].first
            && status <= ngx_comet_statuses[i].last)
        {
            text[0] = (char) ('0' + status / 100);
            text[1] = (char) ('0' + status / 10 % 10);
            text[2] = (char) ('0' + status % 10);

            label.data = text;
            label.len = 3;
            label.name = NULL;

            return label;
        }
    }

    return ngx_comet_other;
}
