/*
 * What it costs to let one request in: 10,000 tenants of five limits each,
 * picked at random, as ngx_comet_tenant.c and ngx_comet_admit.c do it; then
 * the same by two processes that share the ledger, and its tenants or not.
 */


#define _GNU_SOURCE

#include "ngx_comet_keyring.h"
#include "ngx_comet_kind.h"
#include "ngx_comet_ledger.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>


#define BENCH_TENANTS   10000
#define BENCH_LIMITS    5
#define BENCH_KEY       51
#define BENCH_BATCH     64
#define BENCH_BATCHES   400
#define BENCH_ROUNDS    31
#define BENCH_PAIRS     15
#define BENCH_FLIGHT    1024     /* calls under way in each process */
#define BENCH_MEMORY    (64 * 1024 * 1024)


typedef struct {
    ngx_comet_limit_t           limit;
    ngx_comet_ref_t             ref;
} bench_limit_t;


typedef struct {
    char                        key[BENCH_KEY + 1];
    bench_limit_t              *limits[BENCH_LIMITS];
} bench_tenant_t;


typedef struct {
    bench_tenant_t             *tenant;
    unsigned char               digest[NGX_COMET_DIGEST_LEN];
    ngx_comet_call_t           *call;
    ngx_comet_entry_t           entries[NGX_COMET_ENTRIES_MAX];
    size_t                      n;
} bench_request_t;


typedef struct {
    unsigned                    ready;
    uint64_t                    refused;
    size_t                      used;
    char                        memory[BENCH_MEMORY];
} bench_shared_t;


enum {
    BENCH_DIGEST,
    BENCH_LOOKUP,
    BENCH_FIRST,
    BENCH_SECOND,
    BENCH_SETTLE,
    BENCH_PARTS
};


static const struct {
    const char         *text;
    ngx_comet_limit_e   kind;
} bench_kinds[BENCH_LIMITS] = {
    { "1gr/m", NGX_COMET_LIMIT_RATE },
    { "100g/m", NGX_COMET_LIMIT_TOKENS },
    { "1g", NGX_COMET_LIMIT_CONCURRENCY },
    { "1000g/30d", NGX_COMET_LIMIT_BUDGET },
    { "1000000/month", NGX_COMET_LIMIT_SPEND },
};


static const char *const  bench_parts[BENCH_PARTS] = {
    "SHA-256 of the key", "lookup of the digest", "admission, first step",
    "admission, second step", "settling"
};


static EVP_MD_CTX                *bench_md;
static uint64_t                   bench_seed = 88172645463325252;
static bench_shared_t            *bench_shared;
static bench_tenant_t           **bench_tenants;
static bench_request_t           *bench_requests;
static ngx_comet_keyring_t        bench_ring;
static ngx_comet_kept_t           bench_kept;
static ngx_comet_ledger_memory_t  bench_memory;

/* the process, and the tenants that it picks from: so many, so far apart */

static uint32_t                   bench_owner = 1;
static size_t                     bench_first, bench_picks = BENCH_TENANTS;
static size_t                     bench_apart = 1;


static uint64_t
bench_random(uint64_t n)
{
    bench_seed ^= bench_seed << 13;
    bench_seed ^= bench_seed >> 7;
    bench_seed ^= bench_seed << 17;

    return (bench_seed >> 11) % n;
}


static void *
bench_calloc(size_t size)
{
    void  *p;

    p = calloc(1, size);

    if (p == NULL) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }

    return p;
}


static uint64_t
bench_clock(clockid_t id)
{
    struct timespec  ts;

    clock_gettime(id, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


/* as a slab of nginx: whole pages, or pieces of powers of two */

static void *
bench_alloc(void *data, size_t size)
{
    size_t           place;
    bench_shared_t  *shared = data;

    for (place = 64; place < size && place < 2048; place *= 2) { /* void */ }

    if (place < size) {
        place = (size + 4095) / 4096 * 4096;
        shared->used = (shared->used + 4095) / 4096 * 4096;
    }

    if (place > BENCH_MEMORY - shared->used) {
        return NULL;
    }

    shared->used += place;

    return shared->memory + shared->used - place;
}


static void
bench_now(ngx_comet_clock_t *clock)
{
    static uint64_t  requests;

    clock->steady = 1000000 + ++requests / 256;
    clock->wall = 1700000000 + (int64_t) (requests / 256000);
}


static void
bench_digest(bench_request_t *r, const char *key)
{
    if (EVP_DigestInit_ex(bench_md, NULL, NULL) != 1
        || EVP_DigestUpdate(bench_md, key, BENCH_KEY) != 1
        || EVP_DigestFinal_ex(bench_md, r->digest, NULL) != 1)
    {
        fprintf(stderr, "no SHA-256\n");
        exit(1);
    }
}


static void
bench_add_tenant(size_t n)
{
    size_t            i;
    bench_request_t   r;
    bench_tenant_t   *tenant;
    ngx_comet_key_t  *old;

    tenant = bench_calloc(sizeof(bench_tenant_t));
    bench_tenants[n] = tenant;

    snprintf(tenant->key, sizeof(tenant->key), "sk-%048zu", n * 7919);

    if (ngx_comet_keyring_is_full(&bench_ring)) {
        old = bench_ring.keys;
        ngx_comet_keyring_grow(&bench_ring, bench_calloc(
                               ngx_comet_keyring_next_size(&bench_ring)
                               * sizeof(ngx_comet_key_t)));
        free(old);
    }

    bench_digest(&r, tenant->key);
    ngx_comet_keyring_add(&bench_ring, r.digest, (uint32_t) n + 1);

    for (i = 0; i < BENCH_LIMITS; i++) {
        tenant->limits[i] = bench_calloc(sizeof(bench_limit_t));

        /* the first byte is the shard's */

        memcpy(tenant->limits[i]->ref.id, r.digest, NGX_COMET_ID_LEN);
        tenant->limits[i]->ref.id[1] = (unsigned char) i;

        if (ngx_comet_limit_parse(&tenant->limits[i]->limit,
                                  bench_kinds[i].kind, bench_kinds[i].text)
            != 0
            || ngx_comet_ledger_ref(&bench_memory, &tenant->limits[i]->ref,
                                    NULL)
               != 0)
        {
            fprintf(stderr, "%s: not taken\n", bench_kinds[i].text);
            exit(1);
        }

        if (bench_kinds[i].kind == NGX_COMET_LIMIT_RATE) {
            tenant->limits[i]->limit.capacity = 1000000000;
        }
    }
}


/* as the two steps of ngx_comet_admit.c */

static size_t
bench_ask(bench_tenant_t *tenant, ngx_comet_entry_t *entries, uint64_t amount)
{
    size_t              i, n;
    ngx_comet_entry_t  *entry;

    const ngx_comet_unit_t  *unit;

    n = 0;

    for (i = 0; i < BENCH_LIMITS; i++) {

        unit = ngx_comet_kind_unit(bench_kinds[i].kind);

        if (amount && !unit->judged) {
            continue;
        }

        entry = &entries[n++];
        memset(entry, 0, sizeof(ngx_comet_entry_t));

        entry->limit = &tenant->limits[i]->limit;
        entry->ref = &tenant->limits[i]->ref;
        entry->held = unit->held;
        entry->probe = amount == 0 && unit->judged;
        entry->amount = amount && unit->judged ? amount : 1;
    }

    return n;
}


static void
bench_admit(bench_request_t *r, uint64_t amount)
{
    size_t              i, n;
    ngx_comet_clock_t   clock;
    ngx_comet_admit_e   rc;
    ngx_comet_entry_t   entries[NGX_COMET_ENTRIES_MAX];

    n = bench_ask(r->tenant, entries, amount);
    bench_now(&clock);

    rc = ngx_comet_ledger_admit(&bench_memory, &clock, bench_owner, &r->call,
                                entries, n, 0);

    if (rc != NGX_COMET_ADMITTED) {
        __atomic_add_fetch(&bench_shared->refused, 1, __ATOMIC_RELAXED);
    }

    for (i = 0; i < n; i++) {
        if (!entries[i].probe && entries[i].held) {
            r->entries[r->n++] = entries[i];
        }
    }
}


static void
bench_settle(bench_request_t *r)
{
    size_t             i;
    ngx_comet_clock_t  clock;

    if (r->call == NULL) {
        return;
    }

    for (i = 0; i < r->n; i++) {
        r->entries[i].amount = r->entries[i].limit->kind
                               == NGX_COMET_LIMIT_CONCURRENCY ? 0 : 700;
    }

    bench_now(&clock);

    ngx_comet_ledger_settle(&bench_memory, &clock, r->call, r->entries, r->n);

    r->call = NULL;
}


static void
bench_part(bench_request_t *r, size_t part, const char *key)
{
    uint32_t  index;

    switch (part) {

    case BENCH_DIGEST:
        bench_digest(r, key);
        break;

    case BENCH_LOOKUP:
        index = ngx_comet_keyring_find(&bench_ring, r->digest);
        r->tenant = bench_tenants[index - 1];
        break;

    case BENCH_FIRST:
        r->n = 0;
        bench_admit(r, 0);
        break;

    case BENCH_SECOND:
        bench_admit(r, 1000);
        break;

    default:
        bench_settle(r);
    }
}


/* a batch does one part after the other; it settles the oldest calls first */

static void
bench_run(uint64_t *spent, size_t batches)
{
    size_t            i, k, part;
    uint64_t          start;
    const char       *keys[BENCH_BATCH];
    bench_request_t  *r;

    static const size_t  order[BENCH_PARTS] = {
        BENCH_SETTLE, BENCH_DIGEST, BENCH_LOOKUP, BENCH_FIRST, BENCH_SECOND
    };

    for (i = 0; i < batches; i++) {
        r = &bench_requests[i * BENCH_BATCH % BENCH_FLIGHT];

        for (k = 0; k < BENCH_BATCH; k++) {
            keys[k] = bench_tenants[bench_first + bench_apart
                                    * bench_random(bench_picks)]->key;
        }

        for (part = 0; part < BENCH_PARTS; part++) {
            start = bench_clock(CLOCK_THREAD_CPUTIME_ID);

            for (k = 0; k < BENCH_BATCH; k++) {
                bench_part(&r[k], order[part], keys[k]);
            }

            spent[order[part]] += bench_clock(CLOCK_THREAD_CPUTIME_ID) - start;
        }
    }
}


static int
bench_compare(const void *one, const void *two)
{
    double  a, b;

    a = *(const double *) one;
    b = *(const double *) two;

    return (a > b) - (a < b);
}


static double
bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof(double), bench_compare);

    return values[n / 2];
}


static void
bench_one(void)
{
    size_t    i, part;
    double    median, spent[BENCH_PARTS + 1][BENCH_ROUNDS];
    uint64_t  ns[BENCH_PARTS];

    memset(ns, 0, sizeof(ns));
    bench_run(ns, BENCH_BATCHES);

    for (i = 0; i < BENCH_ROUNDS; i++) {
        memset(ns, 0, sizeof(ns));
        bench_run(ns, BENCH_BATCHES);

        spent[BENCH_PARTS][i] = 0;

        for (part = 0; part < BENCH_PARTS; part++) {
            spent[part][i] = (double) ns[part] / BENCH_BATCHES / BENCH_BATCH;
            spent[BENCH_PARTS][i] += spent[part][i];
        }
    }

    printf("%-24s %8s %8s\n", "CPU of a request, ns", "median", "best");

    for (part = 0; part <= BENCH_PARTS; part++) {
        median = bench_median(spent[part], BENCH_ROUNDS);

        printf("%-24s %8.0f %8.0f\n",
               part < BENCH_PARTS ? bench_parts[part] : "all of it", median,
               spent[part][0]);
    }
}


/* as many digests, which share nothing: what two processors are worth now */

static void
bench_alone(void)
{
    size_t  i;

    for (i = 0; i < 4 * BENCH_BATCHES * BENCH_BATCH; i++) {
        bench_digest(&bench_requests[0],
                     bench_tenants[bench_random(BENCH_TENANTS)]->key);
    }
}


static void
bench_any(void)
{
    size_t    i;
    uint64_t  ns[BENCH_PARTS];

    memset(bench_requests, 0, BENCH_FLIGHT * sizeof(bench_request_t));
    memset(ns, 0, sizeof(ns));

    bench_run(ns, 4 * BENCH_BATCHES);

    for (i = 0; i < BENCH_FLIGHT; i++) {
        bench_settle(&bench_requests[i]);
    }
}


static void
bench_own(void)
{
    bench_first = bench_owner - 1;
    bench_picks = BENCH_TENANTS / 2;
    bench_apart = 2;

    bench_any();
}


/* each one of its own: one key, one shard */

static void
bench_own_one(void)
{
    bench_first = bench_owner;
    bench_picks = 1;

    bench_any();
}


static void
bench_same(void)
{
    bench_picks = 1;

    bench_any();
}


/* runs a nanosecond by n processes, which begin together; CPU of a run */

static double
bench_together(void (*work)(void), unsigned n, double *cpu)
{
    unsigned       i;
    uint64_t       start;
    struct rusage  usage;

    *cpu = 0;
    bench_shared->ready = 0;

    for (i = 0; i < n; i++) {

        if (fork() == 0) {
            bench_seed += 1000 * i;
            bench_owner = i + 1;
            memset(&bench_kept, 0, sizeof(bench_kept));

            __atomic_add_fetch(&bench_shared->ready, 1, __ATOMIC_RELEASE);

            while (__atomic_load_n(&bench_shared->ready, __ATOMIC_ACQUIRE) < n)
            {
                sched_yield();
            }

            work();
            _exit(0);
        }
    }

    start = bench_clock(CLOCK_MONOTONIC);

    while (wait4(-1, NULL, 0, &usage) != -1) {
        *cpu += (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
                  / 1e6;
    }

    *cpu /= n;

    return (double) n / (double) (bench_clock(CLOCK_MONOTONIC) - start);
}


static void
bench_pair(const char *name, void (*work)(void))
{
    size_t  i;
    double  ratios[BENCH_PAIRS], costs[BENCH_PAIRS], one, two, median;

    for (i = 0; i < BENCH_PAIRS; i++) {
        ratios[i] = 1 / bench_together(work, 1, &one);
        ratios[i] *= bench_together(work, 2, &two);
        costs[i] = two / one;
    }

    median = bench_median(ratios, BENCH_PAIRS);

    printf("%-24s %8.2f %8.2f %8.2f\n", name, median, ratios[BENCH_PAIRS - 1],
           bench_median(costs, BENCH_PAIRS));
}


static void
bench_two(void)
{
    size_t  i;

    for (i = 0; i < BENCH_FLIGHT; i++) {
        bench_settle(&bench_requests[i]);
    }

    printf("\n%-24s %8s %8s %8s\n", "two processes to one", "median", "best",
           "CPU");

    bench_pair("any of all tenants", bench_any);
    bench_pair("each its own half", bench_own);
    bench_pair("each one of its own", bench_own_one);
    bench_pair("the same one", bench_same);
    bench_pair("SHA-256, nothing shared", bench_alone);
}


int
main(void)
{
    size_t  i;

    bench_shared = mmap(NULL, sizeof(bench_shared_t), PROT_READ|PROT_WRITE,
                        MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    bench_md = EVP_MD_CTX_new();

    if (bench_shared == MAP_FAILED || bench_md == NULL
        || EVP_DigestInit_ex(bench_md, EVP_sha256(), NULL) != 1)
    {
        fprintf(stderr, "no memory, or no SHA-256\n");
        return 1;
    }

    bench_memory.alloc = bench_alloc;
    bench_memory.data = bench_shared;
    bench_memory.kept = &bench_kept;

    if (ngx_comet_ledger_create(&bench_memory) == NULL) {
        return 1;
    }

    bench_tenants = bench_calloc(BENCH_TENANTS * sizeof(bench_tenant_t *));
    bench_requests = bench_calloc(BENCH_FLIGHT * sizeof(bench_request_t));

    ngx_comet_ledger_begin(&bench_memory);

    for (i = 0; i < BENCH_TENANTS; i++) {
        bench_add_tenant(i);
    }

    bench_one();
    bench_two();

    if (bench_shared->refused) {
        printf("%llu requests were refused: the figures are wrong\n",
               (unsigned long long) bench_shared->refused);
        return 1;
    }

    return 0;
}
