#include "ngx_comet_ledger.h"
#include "ngx_comet_layout.h"

#include <string.h>


#define NGX_COMET_LEDGER_SEED   0x636f6d6574
#define NGX_COMET_SHARDS_ALL    UINT64_MAX

/* calls that a process keeps for itself, before it gives a page of them back */

#define NGX_COMET_KEPT_MAX      (2 * NGX_COMET_CALLS)

#define ngx_comet_shard(id)     (1ULL << (id)[0] % NGX_COMET_SHARDS)


static ngx_comet_counter_t *ngx_comet_ledger_counter(
    ngx_comet_ledger_memory_t *memory, ngx_comet_ref_t *ref);


uint64_t
ngx_comet_ledger_layout(void)
{
    static const size_t  numbers[] = {
        sizeof(ngx_comet_level_t),
        ngx_comet_member(ngx_comet_level_t, used),
        ngx_comet_member(ngx_comet_level_t, reserved),
        ngx_comet_member(ngx_comet_level_t, since),

        sizeof(ngx_comet_counter_t),
        ngx_comet_member(ngx_comet_counter_t, id),
        ngx_comet_member(ngx_comet_counter_t, level),
        ngx_comet_member(ngx_comet_counter_t, next),
        ngx_comet_member(ngx_comet_counter_t, generation),

        sizeof(ngx_comet_hold_t),
        ngx_comet_member(ngx_comet_hold_t, counter),
        ngx_comet_member(ngx_comet_hold_t, amount),

        sizeof(ngx_comet_call_t),
        ngx_comet_member(ngx_comet_call_t, owner),
        ngx_comet_member(ngx_comet_call_t, nholds),
        ngx_comet_member(ngx_comet_call_t, shards),
        ngx_comet_member(ngx_comet_call_t, next),
        ngx_comet_member(ngx_comet_call_t, holds),

        sizeof(ngx_comet_calls_t),
        ngx_comet_member(ngx_comet_calls_t, next),
        ngx_comet_member(ngx_comet_calls_t, calls),

        sizeof(ngx_comet_lock_t),
        ngx_comet_member(ngx_comet_lock_t, mutex),
        ngx_comet_member(ngx_comet_lock_t, line),

        sizeof(ngx_comet_ledger_t),
        ngx_comet_member(ngx_comet_ledger_t, layout),
        ngx_comet_member(ngx_comet_ledger_t, locks),
        ngx_comet_member(ngx_comet_ledger_t, lock),
        ngx_comet_member(ngx_comet_ledger_t, generation),
        ngx_comet_member(ngx_comet_ledger_t, counters),
        ngx_comet_member(ngx_comet_ledger_t, ncounters),
        ngx_comet_member(ngx_comet_ledger_t, calls),
        ngx_comet_member(ngx_comet_ledger_t, free),
        ngx_comet_member(ngx_comet_ledger_t, lost),
        ngx_comet_member(ngx_comet_ledger_t, tally),
        ngx_comet_member(ngx_comet_ledger_t, ward),
        ngx_comet_member(ngx_comet_ledger_t, owners),
    };

    return ngx_comet_layout(NGX_COMET_LEDGER_SEED, numbers,
                            sizeof(numbers) / sizeof(numbers[0]));
}


ngx_comet_ledger_t *
ngx_comet_ledger_create(ngx_comet_ledger_memory_t *memory)
{
    int                  rc;
    size_t               i;
    ngx_comet_ledger_t  *ledger;

    ledger = memory->alloc(memory->data, sizeof(ngx_comet_ledger_t));
    if (ledger == NULL) {
        return NULL;
    }

    memset(ledger, 0, sizeof(ngx_comet_ledger_t));

    ledger->layout = ngx_comet_ledger_layout();

    rc = ngx_comet_lock_create(&ledger->lock);

    for (i = 0; rc == 0 && i < NGX_COMET_SHARDS; i++) {
        rc = ngx_comet_lock_create(&ledger->locks[i]);
    }

    if (rc != 0) {
        memory->free(memory->data, ledger);
        return NULL;
    }

    memory->ledger = ledger;

    return ledger;
}


/* always from the first to the last: nobody waits for who waits for him */

static void
ngx_comet_ledger_lock_shards(ngx_comet_ledger_t *ledger, uint64_t shards)
{
    for ( /* void */ ; shards; shards &= shards - 1) {
        ngx_comet_lock(&ledger->locks[__builtin_ctzll(shards)]);
    }
}


static void
ngx_comet_ledger_unlock_shards(ngx_comet_ledger_t *ledger, uint64_t shards)
{
    for ( /* void */ ; shards; shards &= shards - 1) {
        ngx_comet_unlock(&ledger->locks[__builtin_ctzll(shards)]);
    }
}


void
ngx_comet_ledger_lock(ngx_comet_ledger_t *ledger)
{
    ngx_comet_ledger_lock_shards(ledger, NGX_COMET_SHARDS_ALL);
    ngx_comet_lock(&ledger->lock);
}


void
ngx_comet_ledger_unlock(ngx_comet_ledger_t *ledger)
{
    ngx_comet_unlock(&ledger->lock);
    ngx_comet_ledger_unlock_shards(ledger, NGX_COMET_SHARDS_ALL);
}


int
ngx_comet_ledger_timedlock(ngx_comet_ledger_t *ledger, unsigned ms)
{
    size_t            i;
    struct timespec   until;

    (void) clock_gettime(CLOCK_REALTIME, &until);

    until.tv_sec += ms / 1000;
    until.tv_nsec += (long) (ms % 1000) * 1000000;

    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }

    for (i = 0; i < NGX_COMET_SHARDS; i++) {
        if (ngx_comet_timedlock(&ledger->locks[i], &until) != 0) {
            break;
        }
    }

    if (i == NGX_COMET_SHARDS
        && ngx_comet_timedlock(&ledger->lock, &until) == 0)
    {
        return 0;
    }

    while (i) {
        ngx_comet_unlock(&ledger->locks[--i]);
    }

    return -1;
}


void
ngx_comet_ledger_begin(ngx_comet_ledger_memory_t *memory)
{
    memory->ledger->generation++;
    memory->before = memory->ledger->counters;
}


int
ngx_comet_ledger_ref(ngx_comet_ledger_memory_t *memory, ngx_comet_ref_t *ref,
    ngx_comet_counter_t *known)
{
    ngx_comet_ledger_t   *ledger;
    ngx_comet_counter_t  *counter;

    ledger = memory->ledger;
    counter = known;

    if (counter == NULL) {
        counter = memory->alloc(memory->data, sizeof(ngx_comet_counter_t));
        if (counter == NULL) {
            return -1;
        }

        memset(counter, 0, sizeof(ngx_comet_counter_t));
        memcpy(counter->id, ref->id, NGX_COMET_ID_LEN);

        counter->next = ledger->counters;
        __atomic_store_n(&ledger->counters, counter, __ATOMIC_RELEASE);
        ledger->ncounters++;
    }

    counter->generation = ledger->generation;
    ref->counter = counter;

    return 0;
}


/*
 * What no configuration names any more is not rolled, so it looks used up to
 * a tenant that comes back; after a thousand reloads it is forgotten.
 */

static int
ngx_comet_ledger_is_idle(ngx_comet_ledger_t *ledger,
    ngx_comet_counter_t *counter)
{
    return counter->generation != ledger->generation
           && counter->level.reserved == 0
           && (counter->level.used == 0
               || counter->generation + 1000 < ledger->generation);
}


void
ngx_comet_ledger_end(ngx_comet_ledger_memory_t *memory)
{
    ngx_comet_ledger_t    *ledger;
    ngx_comet_counter_t  **link, *counter;

    ledger = memory->ledger;
    link = &ledger->counters;

    while (*link) {
        counter = *link;

        if (!ngx_comet_ledger_is_idle(ledger, counter)) {
            link = &counter->next;
            continue;
        }

        *link = counter->next;
        ledger->ncounters--;

        memset(counter->id, 0, NGX_COMET_ID_LEN);
        memory->free(memory->data, counter);
    }
}


void
ngx_comet_ledger_undo(ngx_comet_ledger_memory_t *memory)
{
    ngx_comet_ledger_t   *ledger;
    ngx_comet_counter_t  *counter;

    ledger = memory->ledger;

    while (ledger->counters != memory->before) {
        counter = ledger->counters;

        ledger->counters = counter->next;
        ledger->ncounters--;

        memset(counter->id, 0, NGX_COMET_ID_LEN);
        memory->free(memory->data, counter);
    }
}


/* workers of an older configuration outlive the counters of theirs */

static ngx_comet_counter_t *
ngx_comet_ledger_found(ngx_comet_ledger_memory_t *memory,
    ngx_comet_ref_t *ref)
{
    int                   rc;
    ngx_comet_counter_t  *counter;

    ngx_comet_lock(&memory->ledger->lock);

    for (counter = memory->ledger->counters; counter; counter = counter->next)
    {
        if (memcmp(counter->id, ref->id, NGX_COMET_ID_LEN) == 0) {
            break;
        }
    }

    rc = ngx_comet_ledger_ref(memory, ref, counter);

    ngx_comet_unlock(&memory->ledger->lock);

    return rc == 0 ? ref->counter : NULL;
}


static ngx_comet_counter_t *
ngx_comet_ledger_counter(ngx_comet_ledger_memory_t *memory,
    ngx_comet_ref_t *ref)
{
    if (memcmp(ref->counter->id, ref->id, NGX_COMET_ID_LEN) == 0) {
        return ref->counter;
    }

    return ngx_comet_ledger_found(memory, ref);
}


static int
ngx_comet_ledger_page(ngx_comet_ledger_memory_t *memory)
{
    size_t               i;
    ngx_comet_calls_t   *calls;
    ngx_comet_ledger_t  *ledger;

    ledger = memory->ledger;

    calls = memory->alloc(memory->data, sizeof(ngx_comet_calls_t));
    if (calls == NULL) {
        return -1;
    }

    memset(calls, 0, sizeof(ngx_comet_calls_t));

    /* no call may be in use where no one would count it again */

    calls->next = ledger->calls;
    __atomic_store_n(&ledger->calls, calls, __ATOMIC_RELEASE);

    for (i = 0; i < NGX_COMET_CALLS; i++) {
        calls->calls[i].next = ledger->free;
        ledger->free = &calls->calls[i];
    }

    return 0;
}


/* as many calls as a page has, to have no lock to take for most of them */

static void
ngx_comet_ledger_fetch(ngx_comet_ledger_memory_t *memory, uint32_t owner)
{
    ngx_comet_call_t    *call;
    ngx_comet_kept_t    *kept;
    ngx_comet_ledger_t  *ledger;

    kept = memory->kept;
    ledger = memory->ledger;

    kept->n = 0;
    kept->calls = NULL;

    ngx_comet_lock(&ledger->lock);

    if (ledger->free == NULL) {
        (void) ngx_comet_ledger_page(memory);
    }

    while (ledger->free && kept->n < NGX_COMET_CALLS) {
        call = ledger->free;
        ledger->free = call->next;

        __atomic_store_n(&call->owner, owner, __ATOMIC_RELEASE);

        call->next = kept->calls;
        kept->calls = call;
        kept->n++;
    }

    ngx_comet_unlock(&ledger->lock);
}


/* whoever was taken for dead has lost what it kept */

static int
ngx_comet_ledger_has_call(ngx_comet_ledger_memory_t *memory, uint32_t owner)
{
    ngx_comet_call_t  *call;

    call = memory->kept->calls;

    if (call == NULL || call->owner != owner || call->nholds) {
        ngx_comet_ledger_fetch(memory, owner);
    }

    return memory->kept->calls != NULL;
}


static ngx_comet_call_t *
ngx_comet_ledger_call(ngx_comet_ledger_memory_t *memory)
{
    ngx_comet_call_t  *call;

    call = memory->kept->calls;

    memory->kept->calls = call->next;
    memory->kept->n--;

    return call;
}


/* and the other way round: others may need them */

static void
ngx_comet_ledger_keep(ngx_comet_ledger_memory_t *memory,
    ngx_comet_call_t *call)
{
    ngx_comet_kept_t    *kept;
    ngx_comet_ledger_t  *ledger;

    kept = memory->kept;
    ledger = memory->ledger;

    call->next = kept->calls;
    kept->calls = call;

    if (++kept->n < NGX_COMET_KEPT_MAX) {
        return;
    }

    ngx_comet_lock(&ledger->lock);

    while (kept->n > NGX_COMET_KEPT_MAX - NGX_COMET_CALLS) {
        call = ngx_comet_ledger_call(memory);

        call->next = ledger->free;
        call->owner = 0;
        ledger->free = call;
    }

    ngx_comet_unlock(&ledger->lock);
}


static ngx_comet_admit_e
ngx_comet_ledger_fits(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_clock_t *clock, ngx_comet_entry_t *entries, size_t n)
{
    size_t                i;
    ngx_comet_admit_e     rc;
    ngx_comet_counter_t  *counter;

    rc = NGX_COMET_ADMITTED;

    for (i = 0; i < n; i++) {

        counter = ngx_comet_ledger_counter(memory, entries[i].ref);
        if (counter == NULL) {
            return NGX_COMET_LEDGER_FULL;
        }

        ngx_comet_limit_roll(entries[i].limit, &counter->level, clock);

        entries[i].wait = ngx_comet_limit_wait(entries[i].limit,
                                               &counter->level, clock,
                                               entries[i].amount);

        if (entries[i].wait) {
            rc = NGX_COMET_LIMITED;
        }
    }

    return rc;
}


/* room for all that is to be held, before any of it is */

static int
ngx_comet_ledger_place(ngx_comet_ledger_memory_t *memory,
    ngx_comet_call_t **call, size_t held)
{
    if (held == 0) {
        return 0;
    }

    if (*call) {
        return (*call)->nholds + held <= NGX_COMET_ENTRIES_MAX ? 0 : -1;
    }

    if (memory->kept->calls == NULL || held > NGX_COMET_ENTRIES_MAX) {
        return -1;
    }

    *call = ngx_comet_ledger_call(memory);

    return 0;
}


/* whoever counts again after a crash must not find half a hold */

static void
ngx_comet_ledger_hold(ngx_comet_call_t *call, ngx_comet_entry_t *entry)
{
    ngx_comet_hold_t   *hold;
    ngx_comet_level_t  *level;

    level = &entry->ref->counter->level;

    call->shards |= ngx_comet_shard(entry->ref->id);

    hold = &call->holds[call->nholds];
    hold->counter = entry->ref->counter;
    hold->amount = entry->amount;

    if (hold->amount > UINT64_MAX - level->reserved) {
        hold->amount = UINT64_MAX - level->reserved;
    }

    __atomic_store_n(&call->nholds, call->nholds + 1, __ATOMIC_RELEASE);

    level->reserved += hold->amount;
}


/* after a crash, until calls are counted again, less may be reserved */

static void
ngx_comet_ledger_free_hold(ngx_comet_hold_t *hold)
{
    ngx_comet_level_t  *level;

    level = &hold->counter->level;

    level->reserved -= hold->amount < level->reserved ? hold->amount
                                                      : level->reserved;
}


static void
ngx_comet_ledger_take(const ngx_comet_clock_t *clock, ngx_comet_call_t *call,
    ngx_comet_entry_t *entries, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {

        if (entries[i].probe) {
            continue;
        }

        if (entries[i].held) {
            ngx_comet_ledger_hold(call, &entries[i]);

        } else {
            ngx_comet_limit_charge(entries[i].limit,
                                   &entries[i].ref->counter->level, clock,
                                   entries[i].amount);
        }
    }
}


static ngx_comet_admit_e
ngx_comet_ledger_admit_locked(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_clock_t *clock, ngx_comet_call_t **call,
    ngx_comet_entry_t *entries, size_t n, size_t held, int force)
{
    size_t             i;
    ngx_comet_admit_e  rc;

    rc = ngx_comet_ledger_fits(memory, clock, entries, n);

    if (rc == NGX_COMET_LEDGER_FULL) {
        return rc;
    }

    if (rc == NGX_COMET_ADMITTED || force) {

        if (ngx_comet_ledger_place(memory, call, held) != 0) {
            return NGX_COMET_LEDGER_FULL;
        }

        ngx_comet_ledger_take(clock, *call, entries, n);
    }

    for (i = 0; i < n; i++) {
        entries[i].level = entries[i].ref->counter->level;
    }

    return rc;
}


ngx_comet_admit_e
ngx_comet_ledger_admit(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_clock_t *clock, uint32_t owner, ngx_comet_call_t **call,
    ngx_comet_entry_t *entries, size_t n, int force)
{
    size_t             i, held;
    uint64_t           shards;
    ngx_comet_admit_e  rc;

    held = 0;
    shards = 0;

    for (i = 0; i < n; i++) {
        held += entries[i].held && !entries[i].probe;
        shards |= ngx_comet_shard(entries[i].ref->id);
    }

    if (held && *call == NULL) {
        (void) ngx_comet_ledger_has_call(memory, owner);
    }

    ngx_comet_ledger_lock_shards(memory->ledger, shards);

    rc = ngx_comet_ledger_admit_locked(memory, clock, call, entries, n, held,
                                       force);

    ngx_comet_ledger_unlock_shards(memory->ledger, shards);

    return rc;
}


static void
ngx_comet_ledger_charge(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_clock_t *clock, ngx_comet_entry_t *entry)
{
    ngx_comet_counter_t  *counter;

    if (entry->amount == 0) {
        return;
    }

    counter = ngx_comet_ledger_counter(memory, entry->ref);
    if (counter == NULL) {
        return;
    }

    ngx_comet_limit_roll(entry->limit, &counter->level, clock);
    ngx_comet_limit_charge(entry->limit, &counter->level, clock,
                           entry->amount);
}


/* all that the call holds too */

static uint64_t
ngx_comet_ledger_shards(const ngx_comet_call_t *call,
    const ngx_comet_entry_t *entries, size_t n)
{
    size_t    i;
    uint64_t  shards;

    shards = call ? call->shards : 0;

    for (i = 0; i < n; i++) {
        shards |= ngx_comet_shard(entries[i].ref->id);
    }

    return shards;
}


/* whoever counts again after a crash may find a hold twice, of a dead owner */

static void
ngx_comet_ledger_let_go(ngx_comet_call_t *call,
    const ngx_comet_counter_t *counter)
{
    size_t            i;
    ngx_comet_hold_t  hold;

    for (i = 0; i < call->nholds; i++) {

        if (call->holds[i].counter != counter) {
            continue;
        }

        hold = call->holds[i];
        call->holds[i] = call->holds[call->nholds - 1];

        __atomic_store_n(&call->nholds, call->nholds - 1, __ATOMIC_RELEASE);

        ngx_comet_ledger_free_hold(&hold);
        return;
    }
}


void
ngx_comet_ledger_release(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_clock_t *clock, ngx_comet_call_t *call,
    ngx_comet_entry_t *entries, size_t n)
{
    size_t    i;
    uint64_t  shards;

    shards = ngx_comet_ledger_shards(call, entries, n);

    ngx_comet_ledger_lock_shards(memory->ledger, shards);

    for (i = 0; i < n; i++) {
        ngx_comet_ledger_charge(memory, clock, &entries[i]);

        if (call) {
            ngx_comet_ledger_let_go(call, entries[i].ref->counter);
        }
    }

    ngx_comet_ledger_unlock_shards(memory->ledger, shards);
}


void
ngx_comet_ledger_settle(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_clock_t *clock, ngx_comet_call_t *call,
    ngx_comet_entry_t *entries, size_t n)
{
    size_t    i;
    uint64_t  shards;

    shards = ngx_comet_ledger_shards(call, entries, n);

    ngx_comet_ledger_lock_shards(memory->ledger, shards);

    for (i = 0; i < n; i++) {
        ngx_comet_ledger_charge(memory, clock, &entries[i]);
    }

    for (i = 0; call && i < call->nholds; i++) {
        ngx_comet_ledger_free_hold(&call->holds[i]);
    }

    if (call) {
        call->shards = 0;
        call->nholds = 0;
    }

    ngx_comet_ledger_unlock_shards(memory->ledger, shards);

    if (call) {
        ngx_comet_ledger_keep(memory, call);
    }
}


size_t
ngx_comet_ledger_recover(ngx_comet_ledger_memory_t *memory,
    int (*dead)(uint32_t owner, uint64_t pid))
{
    size_t                i, k, lost;
    unsigned char         gone[NGX_COMET_OWNERS_MAX];
    ngx_comet_call_t     *call;
    ngx_comet_calls_t    *calls;
    ngx_comet_ledger_t   *ledger;
    ngx_comet_counter_t  *counter;

    ledger = memory->ledger;

    /* one answer for all calls of an owner: it may end meanwhile */

    for (i = 0; i < NGX_COMET_OWNERS_MAX; i++) {
        gone[i] = ledger->owners[i]
                  && dead((uint32_t) i + 1, ledger->owners[i]);
    }

    lost = 0;
    ledger->free = NULL;

    for (counter = ledger->counters; counter; counter = counter->next) {
        counter->level.reserved = 0;
    }

    for (calls = ledger->calls; calls; calls = calls->next) {
        for (i = 0; i < NGX_COMET_CALLS; i++) {

            call = &calls->calls[i];

            if (call->owner && (ledger->owners[call->owner - 1] == 0
                                || gone[call->owner - 1]))
            {
                call->owner = 0;
                lost += call->nholds != 0;
            }

            if (call->owner == 0) {
                call->nholds = 0;
                call->shards = 0;
                call->next = ledger->free;
                ledger->free = call;
                continue;
            }

            for (k = 0; k < call->nholds; k++) {
                call->holds[k].counter->level.reserved
                    += call->holds[k].amount;
            }
        }
    }

    for (i = 0; i < NGX_COMET_OWNERS_MAX; i++) {
        if (gone[i]) {
            ledger->owners[i] = 0;
        }
    }

    ledger->lost += lost;

    return lost;
}


uint64_t
ngx_comet_ledger_active(const ngx_comet_ledger_t *ledger)
{
    size_t                    i;
    uint64_t                  n;
    const ngx_comet_calls_t  *calls;

    n = 0;

    calls = __atomic_load_n(&ledger->calls, __ATOMIC_ACQUIRE);

    for ( /* void */ ; calls; calls = calls->next) {
        for (i = 0; i < NGX_COMET_CALLS; i++) {
            n += __atomic_load_n(&calls->calls[i].nholds, __ATOMIC_RELAXED)
                 != 0;
        }
    }

    return n;
}
