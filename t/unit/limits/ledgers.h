/* For tests of the ledger: memory with an end, and what must always hold. */

#include "limit_case.h"
#include "ngx_comet_ledger.h"


#define ARENA_SIZE    (256 * 1024)
#define ARENA_CHUNKS  1024


/* as a slab: nothing is cleared, what is freed is for the next of its size */

typedef struct {
    size_t      used;
    size_t      left;             /* allocations before they fail, if > 0 */
    size_t      nfree;
    struct {
        void   *p;
        size_t  size;
    }           chunks[ARENA_CHUNKS];
    size_t      nchunks;
    void       *freed[ARENA_CHUNKS];
    uint64_t    memory[ARENA_SIZE / sizeof(uint64_t)];
} arena_t;


static inline void *
arena_alloc(void *data, size_t size)
{
    void     *p;
    size_t    i, k;
    arena_t  *arena = data;

    if (arena->left && --arena->left == 0) {
        arena->left = 1;
        return NULL;
    }

    for (i = 0; i < arena->nfree; i++) {
        for (k = 0; k < arena->nchunks; k++) {

            if (arena->chunks[k].p == arena->freed[i]
                && arena->chunks[k].size == size)
            {
                p = arena->freed[i];
                arena->freed[i] = arena->freed[--arena->nfree];

                return memset(p, 0xa5, size < 64 ? size : 64);
            }
        }
    }

    if (size > ARENA_SIZE - arena->used || arena->nchunks == ARENA_CHUNKS) {
        return NULL;
    }

    p = (char *) arena->memory + arena->used;
    arena->used += (size + 7) / 8 * 8;

    arena->chunks[arena->nchunks].p = p;
    arena->chunks[arena->nchunks++].size = size;

    return memset(p, 0xa5, size < 64 ? size : 64);
}


static inline void
arena_release(void *data, void *p)
{
    size_t    k;
    arena_t  *arena = data;

    for (k = 0; arena->chunks[k].p != p; k++) {
        assert_true(k < arena->nchunks);
    }

    arena->freed[arena->nfree++] = p;
}


/* what this process keeps */

static ngx_comet_kept_t  kept;


static inline void
ledger_on(ngx_comet_ledger_memory_t *memory, arena_t *arena)
{
    arena->used = 0;
    arena->left = 0;
    arena->nfree = 0;
    arena->nchunks = 0;

    memset(memory, 0, sizeof(ngx_comet_ledger_memory_t));

    memory->alloc = arena_alloc;
    memory->free = arena_release;
    memory->data = arena;
    memory->kept = &kept;

    memset(&kept, 0, sizeof(kept));

    assert_non_null(ngx_comet_ledger_create(memory));
}


static inline void
ref_named(ngx_comet_ref_t *ref, uint32_t n)
{
    memset(ref, 0, sizeof(ngx_comet_ref_t));
    memcpy(ref->id, "counter", 7);
    memcpy(ref->id + 8, &n, sizeof(n));
}


static inline ngx_comet_counter_t *
counter_named(ngx_comet_ledger_memory_t *memory, const ngx_comet_ref_t *ref)
{
    ngx_comet_counter_t  *counter;

    for (counter = memory->ledger->counters; counter; counter = counter->next)
    {
        if (memcmp(counter->id, ref->id, NGX_COMET_ID_LEN) == 0) {
            return counter;
        }
    }

    return NULL;
}


/* as a configuration is loaded */

static inline void
load(ngx_comet_ledger_memory_t *memory, ngx_comet_ref_t *refs, size_t n)
{
    size_t  i;

    ngx_comet_ledger_begin(memory);

    for (i = 0; i < n; i++) {
        assert_int_equal(ngx_comet_ledger_ref(memory, &refs[i],
                                              counter_named(memory, &refs[i])),
                         0);
    }

    ngx_comet_ledger_end(memory);
}


/*
 * What is reserved is what calls hold, and each call is somewhere, once: under
 * way, with a process that keeps it, or free.
 */

static inline size_t
check_ledger(ngx_comet_ledger_memory_t *memory)
{
    size_t                i, k, free, own, active;
    uint64_t              sum, counters;
    ngx_comet_call_t     *call;
    ngx_comet_calls_t    *calls;
    ngx_comet_ledger_t   *ledger;
    ngx_comet_counter_t  *counter;

    ledger = memory->ledger;
    counters = 0;

    for (counter = ledger->counters; counter; counter = counter->next) {
        sum = 0;
        counters++;

        for (calls = ledger->calls; calls; calls = calls->next) {
            for (i = 0; i < NGX_COMET_CALLS; i++) {
                call = &calls->calls[i];

                for (k = 0; call->owner && k < call->nholds; k++) {
                    sum += call->holds[k].counter == counter
                           ? call->holds[k].amount : 0;
                }
            }
        }

        assert_int_equal(counter->level.reserved, sum);
    }

    assert_int_equal(ledger->ncounters, counters);

    free = 0;
    own = 0;
    active = 0;

    for (calls = ledger->calls; calls; calls = calls->next) {
        for (i = 0; i < NGX_COMET_CALLS; i++) {
            call = &calls->calls[i];

            active += call->nholds != 0;
            own += call->owner && call->nholds == 0;
            free += call->owner == 0;

            assert_true(call->owner || call->nholds == 0);
            assert_int_equal(call->shards != 0, call->nholds != 0);
        }
    }

    for (call = ledger->free; call; call = call->next) {
        assert_int_equal(call->owner, 0);
        assert_true(free > 0);
        free--;
    }

    assert_int_equal(free, 0);
    assert_int_equal(ngx_comet_ledger_active(ledger), active);

    /* of this process and of others */

    for (call = memory->kept->calls; call; call = call->next) {
        assert_true(call->owner != 0);
        assert_int_equal(call->nholds, 0);
        assert_true(own > 0);
        own--;
    }

    return active;
}


/* the end of a call that took something else than was reserved */

static inline void
arena_settle(ngx_comet_ledger_memory_t *memory, const ngx_comet_clock_t *clock,
    ngx_comet_call_t *call, const ngx_comet_entry_t *entries,
    const uint64_t *taken, size_t n)
{
    size_t             i;
    ngx_comet_entry_t  ended[NGX_COMET_ENTRIES_MAX];

    for (i = 0; i < n; i++) {
        ended[i] = entries[i];
        ended[i].amount = taken[i];
    }

    ngx_comet_ledger_settle(memory, clock, call, ended, n);
}
