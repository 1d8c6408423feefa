#include "ngx_comet_ledger.h"

#include <string.h>


static ngx_comet_counter_t *ngx_comet_ledger_counter(
    ngx_comet_ledger_memory_t *memory, ngx_comet_ref_t *ref);
static ngx_comet_call_t *ngx_comet_ledger_call(
    ngx_comet_ledger_memory_t *memory, uint32_t owner);


ngx_comet_ledger_t *
ngx_comet_ledger_create(ngx_comet_ledger_memory_t *memory)
{
    ngx_comet_ledger_t  *ledger;

    ledger = memory->alloc(memory->data, sizeof(ngx_comet_ledger_t));
    if (ledger == NULL) {
        return NULL;
    }

    memset(ledger, 0, sizeof(ngx_comet_ledger_t));

    ledger->layout = NGX_COMET_LEDGER_LAYOUT;
    memory->ledger = ledger;

    return ledger;
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
ngx_comet_ledger_counter(ngx_comet_ledger_memory_t *memory,
    ngx_comet_ref_t *ref)
{
    ngx_comet_counter_t  *counter;

    if (memcmp(ref->counter->id, ref->id, NGX_COMET_ID_LEN) == 0) {
        return ref->counter;
    }

    for (counter = memory->ledger->counters; counter; counter = counter->next)
    {
        if (memcmp(counter->id, ref->id, NGX_COMET_ID_LEN) == 0) {
            break;
        }
    }

    return ngx_comet_ledger_ref(memory, ref, counter) == 0 ? ref->counter
                                                           : NULL;
}


static ngx_comet_call_t *
ngx_comet_ledger_call(ngx_comet_ledger_memory_t *memory, uint32_t owner)
{
    size_t               i;
    ngx_comet_call_t    *call;
    ngx_comet_calls_t   *calls;
    ngx_comet_ledger_t  *ledger;

    ledger = memory->ledger;

    if (ledger->free == NULL) {

        calls = memory->alloc(memory->data, sizeof(ngx_comet_calls_t));
        if (calls == NULL) {
            return NULL;
        }

        memset(calls, 0, sizeof(ngx_comet_calls_t));

        /* no call may be in use where no one would count it again */

        calls->next = ledger->calls;
        __atomic_store_n(&ledger->calls, calls, __ATOMIC_RELEASE);

        for (i = 0; i < NGX_COMET_CALLS; i++) {
            calls->calls[i].next = ledger->free;
            ledger->free = &calls->calls[i];
        }
    }

    call = ledger->free;
    ledger->free = call->next;
    ledger->active++;

    call->nholds = 0;
    __atomic_store_n(&call->owner, owner, __ATOMIC_RELEASE);

    return call;
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
ngx_comet_ledger_place(ngx_comet_ledger_memory_t *memory, uint32_t owner,
    ngx_comet_call_t **call, ngx_comet_entry_t *entries, size_t n)
{
    size_t  i, held;

    held = 0;

    for (i = 0; i < n; i++) {
        held += entries[i].held && !entries[i].probe;
    }

    if (held && *call == NULL) {
        *call = ngx_comet_ledger_call(memory, owner);
        if (*call == NULL) {
            return -1;
        }
    }

    return held && (*call)->nholds + held > NGX_COMET_ENTRIES_MAX ? -1 : 0;
}


/* whoever counts again after a crash must not find half a hold */

static void
ngx_comet_ledger_hold(ngx_comet_call_t *call, ngx_comet_entry_t *entry)
{
    ngx_comet_hold_t   *hold;
    ngx_comet_level_t  *level;

    level = &entry->ref->counter->level;

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
ngx_comet_ledger_release(ngx_comet_hold_t *hold)
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


ngx_comet_admit_e
ngx_comet_ledger_admit(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_clock_t *clock, uint32_t owner, ngx_comet_call_t **call,
    ngx_comet_entry_t *entries, size_t n, int force)
{
    size_t              i;
    ngx_comet_admit_e   rc;
    ngx_comet_level_t  *level;

    rc = ngx_comet_ledger_fits(memory, clock, entries, n);

    if (rc == NGX_COMET_LEDGER_FULL) {
        return rc;
    }

    if (rc == NGX_COMET_ADMITTED || force) {

        if (ngx_comet_ledger_place(memory, owner, call, entries, n) != 0) {
            return NGX_COMET_LEDGER_FULL;
        }

        ngx_comet_ledger_take(clock, *call, entries, n);
    }

    for (i = 0; i < n; i++) {
        level = &entries[i].ref->counter->level;

        entries[i].left = ngx_comet_limit_left(entries[i].limit, level);
        entries[i].reset = ngx_comet_limit_reset(entries[i].limit, level,
                                                 clock);
    }

    return rc;
}


void
ngx_comet_ledger_settle(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_clock_t *clock, ngx_comet_call_t *call,
    ngx_comet_entry_t *entries, size_t n)
{
    size_t                i;
    ngx_comet_ledger_t   *ledger;
    ngx_comet_counter_t  *counter;

    for (i = 0; i < n; i++) {

        if (entries[i].amount == 0) {
            continue;
        }

        counter = ngx_comet_ledger_counter(memory, entries[i].ref);
        if (counter == NULL) {
            continue;
        }

        ngx_comet_limit_roll(entries[i].limit, &counter->level, clock);
        ngx_comet_limit_charge(entries[i].limit, &counter->level, clock,
                               entries[i].amount);
    }

    if (call == NULL) {
        return;
    }

    ledger = memory->ledger;

    for (i = 0; i < call->nholds; i++) {
        ngx_comet_ledger_release(&call->holds[i]);
    }

    call->owner = 0;
    call->next = ledger->free;
    ledger->free = call;
    ledger->active--;
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
    ledger->active = 0;

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
                lost++;
            }

            if (call->owner == 0) {
                call->next = ledger->free;
                ledger->free = call;
                continue;
            }

            ledger->active++;

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
