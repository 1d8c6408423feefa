#include "ngx_comet_ward.h"
#include "ngx_comet_layout.h"

#include <string.h>


/* places of a table that an entry may have */

#define NGX_COMET_WARD_PLACES    16

#define NGX_COMET_WARD_SHARE     24      /* of a zone, for each table */
#define NGX_COMET_WARD_LEAST     32      /* entries */
#define NGX_COMET_WARD_MOST      1024
#define NGX_COMET_WARD_BUDGETS   64

/* a breaker that is not closed stays while it is asked */

#define NGX_COMET_WARD_OPEN      600000


typedef struct {
    void    *entries;
    size_t   size;
    size_t   n;
    int    (*busy)(const void *entry, uint64_t now);
} ngx_comet_ward_table_t;


static size_t
ngx_comet_ward_entries(size_t size, size_t entry)
{
    size_t  n;

    n = size / NGX_COMET_WARD_SHARE / entry;

    if (n < NGX_COMET_WARD_LEAST) {
        return NGX_COMET_WARD_LEAST;
    }

    return n < NGX_COMET_WARD_MOST ? n : NGX_COMET_WARD_MOST;
}


size_t
ngx_comet_ward_size(size_t size)
{
    return sizeof(ngx_comet_ward_t)
           + ngx_comet_ward_entries(size, sizeof(ngx_comet_ward_key_t))
             * sizeof(ngx_comet_ward_key_t)
           + ngx_comet_ward_entries(size, sizeof(ngx_comet_ward_breaker_t))
             * sizeof(ngx_comet_ward_breaker_t)
           + NGX_COMET_WARD_BUDGETS * sizeof(ngx_comet_ward_budget_t);
}


static void *
ngx_comet_ward_alloc(ngx_comet_ledger_memory_t *memory, size_t size)
{
    void  *p;

    p = memory->alloc(memory->data, size);

    return p ? memset(p, 0, size) : NULL;
}


uint64_t
ngx_comet_ward_layout(void)
{
    static const size_t  numbers[] = {
        sizeof(ngx_comet_window_t),
        ngx_comet_member(ngx_comet_window_t, slot),
        ngx_comet_member(ngx_comet_window_t, all),
        ngx_comet_member(ngx_comet_window_t, some),

        sizeof(ngx_comet_breaker_t),
        ngx_comet_member(ngx_comet_breaker_t, state),
        ngx_comet_member(ngx_comet_breaker_t, row),
        ngx_comet_member(ngx_comet_breaker_t, good),
        ngx_comet_member(ngx_comet_breaker_t, probe),
        ngx_comet_member(ngx_comet_breaker_t, probes),
        ngx_comet_member(ngx_comet_breaker_t, before),
        ngx_comet_member(ngx_comet_breaker_t, since),
        ngx_comet_member(ngx_comet_breaker_t, window),

        sizeof(ngx_comet_budget_t),
        ngx_comet_member(ngx_comet_budget_t, window),

        sizeof(ngx_comet_key_state_t),
        ngx_comet_member(ngx_comet_key_state_t, calls),
        ngx_comet_member(ngx_comet_key_state_t, bound),
        ngx_comet_member(ngx_comet_key_state_t, rests),
        ngx_comet_member(ngx_comet_key_state_t, out),

        sizeof(ngx_comet_ward_head_t),
        ngx_comet_member(ngx_comet_ward_head_t, id),
        ngx_comet_member(ngx_comet_ward_head_t, used),

        sizeof(ngx_comet_ward_key_t),
        ngx_comet_member(ngx_comet_ward_key_t, head),
        ngx_comet_member(ngx_comet_ward_key_t, state),

        sizeof(ngx_comet_ward_breaker_t),
        ngx_comet_member(ngx_comet_ward_breaker_t, head),
        ngx_comet_member(ngx_comet_ward_breaker_t, state),
        ngx_comet_member(ngx_comet_ward_breaker_t, calls),

        sizeof(ngx_comet_ward_budget_t),
        ngx_comet_member(ngx_comet_ward_budget_t, head),
        ngx_comet_member(ngx_comet_ward_budget_t, state),

        sizeof(ngx_comet_lease_t),
        ngx_comet_member(ngx_comet_lease_t, owner),
        ngx_comet_member(ngx_comet_lease_t, probe),
        ngx_comet_member(ngx_comet_lease_t, key),
        ngx_comet_member(ngx_comet_lease_t, breaker),
        ngx_comet_member(ngx_comet_lease_t, next),

        sizeof(ngx_comet_leases_t),
        ngx_comet_member(ngx_comet_leases_t, next),
        ngx_comet_member(ngx_comet_leases_t, leases),

        sizeof(ngx_comet_ward_t),
        ngx_comet_member(ngx_comet_ward_t, layout),
        ngx_comet_member(ngx_comet_ward_t, keys),
        ngx_comet_member(ngx_comet_ward_t, breakers),
        ngx_comet_member(ngx_comet_ward_t, budgets),
        ngx_comet_member(ngx_comet_ward_t, nkeys),
        ngx_comet_member(ngx_comet_ward_t, nbreakers),
        ngx_comet_member(ngx_comet_ward_t, nbudgets),
        ngx_comet_member(ngx_comet_ward_t, leases),
        ngx_comet_member(ngx_comet_ward_t, free),
        ngx_comet_member(ngx_comet_ward_t, opened),
    };

    return ngx_comet_layout(ngx_comet_ledger_layout(), numbers,
                            sizeof(numbers) / sizeof(numbers[0]));
}


ngx_comet_ward_t *
ngx_comet_ward_create(ngx_comet_ledger_memory_t *memory, size_t size)
{
    size_t             i;
    void              *parts[4];
    ngx_comet_ward_t   ward;

    memset(&ward, 0, sizeof(ngx_comet_ward_t));

    ward.layout = ngx_comet_ward_layout();
    ward.nkeys = ngx_comet_ward_entries(size, sizeof(ngx_comet_ward_key_t));
    ward.nbreakers = ngx_comet_ward_entries(size,
                                            sizeof(ngx_comet_ward_breaker_t));
    ward.nbudgets = NGX_COMET_WARD_BUDGETS;

    parts[0] = ngx_comet_ward_alloc(memory, ward.nkeys
                                            * sizeof(ngx_comet_ward_key_t));
    parts[1] = ngx_comet_ward_alloc(memory, ward.nbreakers
                                         * sizeof(ngx_comet_ward_breaker_t));
    parts[2] = ngx_comet_ward_alloc(memory, ward.nbudgets
                                            * sizeof(ngx_comet_ward_budget_t));
    parts[3] = ngx_comet_ward_alloc(memory, sizeof(ngx_comet_ward_t));

    ward.keys = parts[0];
    ward.breakers = parts[1];
    ward.budgets = parts[2];

    if (parts[0] && parts[1] && parts[2] && parts[3]) {
        return memcpy(parts[3], &ward, sizeof(ngx_comet_ward_t));
    }

    for (i = 0; i < 4; i++) {
        if (parts[i]) {
            memory->free(memory->data, parts[i]);
        }
    }

    return NULL;
}


/* another entry may take the place of what is neither busy nor newer */

static void *
ngx_comet_ward_find(const ngx_comet_ward_table_t *table,
    const unsigned char *id, uint64_t now, int make)
{
    size_t                  i;
    uint64_t                hash;
    ngx_comet_ward_head_t  *head, *oldest;

    memcpy(&hash, id, sizeof(uint64_t));

    oldest = NULL;

    for (i = 0; i < NGX_COMET_WARD_PLACES; i++) {

        head = (ngx_comet_ward_head_t *) ((char *) table->entries
                                 + (hash + i) % table->n * table->size);

        if (head->used && memcmp(head->id, id, NGX_COMET_ID_LEN) == 0) {
            head->used = now + 1;
            return head;
        }

        if ((oldest == NULL || head->used < oldest->used)
            && !(head->used && table->busy(head, now)))
        {
            oldest = head;
        }
    }

    if (!make || oldest == NULL) {
        return NULL;
    }

    /* whoever dies meanwhile leaves an entry that is not used */

    __atomic_store_n(&oldest->used, 0, __ATOMIC_RELEASE);

    memset((char *) oldest + sizeof(ngx_comet_ward_head_t), 0,
           table->size - sizeof(ngx_comet_ward_head_t));
    memcpy(oldest->id, id, NGX_COMET_ID_LEN);

    __atomic_store_n(&oldest->used, now + 1, __ATOMIC_RELEASE);

    return oldest;
}


static int
ngx_comet_ward_key_busy(const void *entry, uint64_t now)
{
    const ngx_comet_ward_key_t  *key = entry;

    return key->state.calls || key->state.rests > now;
}


static int
ngx_comet_ward_breaker_busy(const void *entry, uint64_t now)
{
    const ngx_comet_ward_breaker_t  *breaker = entry;

    return breaker->calls
           || (breaker->state.state != NGX_COMET_BREAKER_CLOSED
               && now < breaker->head.used + NGX_COMET_WARD_OPEN);
}


static int
ngx_comet_ward_budget_busy(const void *entry, uint64_t now)
{
    (void) entry;
    (void) now;

    return 0;
}


ngx_comet_ward_key_t *
ngx_comet_ward_key(ngx_comet_ward_t *ward, const unsigned char *id,
    uint64_t now)
{
    ngx_comet_ward_table_t  table = {
        ward->keys, sizeof(ngx_comet_ward_key_t), ward->nkeys,
        ngx_comet_ward_key_busy
    };

    return ngx_comet_ward_find(&table, id, now, 1);
}


ngx_comet_ward_breaker_t *
ngx_comet_ward_breaker(ngx_comet_ward_t *ward, const unsigned char *id,
    uint64_t now, int make)
{
    ngx_comet_ward_table_t  table = {
        ward->breakers, sizeof(ngx_comet_ward_breaker_t), ward->nbreakers,
        ngx_comet_ward_breaker_busy
    };

    return ngx_comet_ward_find(&table, id, now, make);
}


ngx_comet_ward_budget_t *
ngx_comet_ward_budget(ngx_comet_ward_t *ward, const unsigned char *id,
    uint64_t now)
{
    ngx_comet_ward_table_t  table = {
        ward->budgets, sizeof(ngx_comet_ward_budget_t), ward->nbudgets,
        ngx_comet_ward_budget_busy
    };

    return ngx_comet_ward_find(&table, id, now, 1);
}


static ngx_comet_lease_t *
ngx_comet_ward_lease(ngx_comet_ledger_memory_t *memory, ngx_comet_ward_t *ward)
{
    size_t               i;
    ngx_comet_lease_t   *lease;
    ngx_comet_leases_t  *leases;

    if (ward->free == NULL) {

        leases = ngx_comet_ward_alloc(memory, sizeof(ngx_comet_leases_t));
        if (leases == NULL) {
            return NULL;
        }

        /* no lease may be in use where no one would count it again */

        leases->next = ward->leases;
        __atomic_store_n(&ward->leases, leases, __ATOMIC_RELEASE);

        for (i = 0; i < NGX_COMET_LEASES; i++) {
            leases->leases[i].next = ward->free;
            ward->free = &leases->leases[i];
        }
    }

    lease = ward->free;
    ward->free = lease->next;

    return lease;
}


/* what a lease relies on, also when it is counted again */

static void
ngx_comet_ward_count(ngx_comet_lease_t *lease)
{
    if (lease->key) {
        lease->key->state.calls++;
    }

    if (lease->breaker) {
        lease->breaker->calls++;
    }
}


ngx_comet_lease_t *
ngx_comet_ward_take(ngx_comet_ledger_memory_t *memory, ngx_comet_ward_t *ward,
    uint32_t owner, ngx_comet_ward_key_t *key,
    ngx_comet_ward_breaker_t *breaker, uint32_t probe)
{
    ngx_comet_lease_t  *lease;

    lease = ngx_comet_ward_lease(memory, ward);
    if (lease == NULL) {
        return NULL;
    }

    lease->key = key;
    lease->breaker = probe ? breaker : NULL;
    lease->probe = probe;

    __atomic_store_n(&lease->owner, owner, __ATOMIC_RELEASE);

    ngx_comet_ward_count(lease);

    return lease;
}


/* after a crash, until leases are counted again, fewer may be counted */

void
ngx_comet_ward_give_back(ngx_comet_ward_t *ward, ngx_comet_lease_t *lease)
{
    if (lease->key && lease->key->state.calls) {
        lease->key->state.calls--;
    }

    if (lease->breaker && lease->breaker->calls) {
        lease->breaker->calls--;
    }

    __atomic_store_n(&lease->owner, 0, __ATOMIC_RELEASE);

    lease->next = ward->free;
    ward->free = lease;
}


/* its caller died with it: the next call may be one */

static void
ngx_comet_ward_lose(ngx_comet_lease_t *lease)
{
    if (lease->breaker && lease->breaker->state.probe == lease->probe) {
        lease->breaker->state.probe = 0;
    }

    lease->owner = 0;
}


void
ngx_comet_ward_recover(ngx_comet_ledger_t *ledger,
    int (*dead)(uint32_t owner, uint64_t pid))
{
    size_t               i;
    unsigned char        gone[NGX_COMET_OWNERS_MAX];
    ngx_comet_ward_t    *ward;
    ngx_comet_lease_t   *lease;
    ngx_comet_leases_t  *leases;

    ward = ledger->ward;

    if (ward == NULL) {
        return;
    }

    for (i = 0; i < NGX_COMET_OWNERS_MAX; i++) {
        gone[i] = ledger->owners[i] == 0
                  || dead((uint32_t) i + 1, ledger->owners[i]);
    }

    for (i = 0; i < ward->nkeys; i++) {
        ward->keys[i].state.calls = 0;
    }

    for (i = 0; i < ward->nbreakers; i++) {
        ward->breakers[i].calls = 0;
    }

    ward->free = NULL;

    for (leases = ward->leases; leases; leases = leases->next) {
        for (i = 0; i < NGX_COMET_LEASES; i++) {

            lease = &leases->leases[i];

            if (lease->owner && gone[lease->owner - 1]) {
                ngx_comet_ward_lose(lease);
            }

            if (lease->owner) {
                ngx_comet_ward_count(lease);

            } else {
                lease->next = ward->free;
                ward->free = lease;
            }
        }
    }
}


ngx_comet_ward_sum_t
ngx_comet_ward_sum(const ngx_comet_ward_t *ward, uint64_t now)
{
    size_t                       i;
    ngx_comet_ward_sum_t         sum;
    const ngx_comet_key_state_t  *key;

    memset(&sum, 0, sizeof(ngx_comet_ward_sum_t));

    sum.opened = ward->opened;

    for (i = 0; i < ward->nbreakers; i++) {

        if (ward->breakers[i].head.used == 0) {
            continue;
        }

        sum.open += (ward->breakers[i].state.state == NGX_COMET_BREAKER_OPEN);
        sum.half_open += (ward->breakers[i].state.state
                          == NGX_COMET_BREAKER_HALF_OPEN);
    }

    for (i = 0; i < ward->nkeys; i++) {

        key = &ward->keys[i].state;

        if (ward->keys[i].head.used) {
            sum.out += key->out;
            sum.at_rest += (!key->out && key->rests > now);
        }
    }

    return sum;
}
