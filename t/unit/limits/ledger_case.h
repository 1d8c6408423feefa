/* For tests of the ledger: a tenant with a limit of each kind. */

#include "ledgers.h"


#define LIMITS  5


static arena_t                    arena;
static ngx_comet_ledger_memory_t  memory;
static ngx_comet_limit_t          limits[LIMITS];
static ngx_comet_ref_t            refs[LIMITS];
static ngx_comet_entry_t          entries[LIMITS];
static ngx_comet_clock_t          now;


enum { RATES, TOKEN, GAUGES, BUDGETS, SPENT };


static const struct {
    ngx_comet_limit_e  kind;
    const char        *text;
    unsigned           held;
} kinds[LIMITS] = {
    { RATE, "60r/m", 0 },
    { TOKENS, "6000/m", 1 },
    { CALLS, "3", 1 },
    { BUDGET, "10000/30d", 1 },
    { SPEND, "50/day", 1 },
};


static inline void
ask(size_t i, uint64_t amount)
{
    memset(&entries[i], 0, sizeof(ngx_comet_entry_t));

    entries[i].limit = &limits[i];
    entries[i].ref = &refs[i];
    entries[i].amount = amount;
    entries[i].held = kinds[i].held;
}


static inline int
setup(void **state)
{
    size_t  i;

    (void) state;

    ledger_on(&memory, &arena);

    for (i = 0; i < LIMITS; i++) {
        assert_int_equal(parse(&limits[i], kinds[i].kind, kinds[i].text), 0);
        ref_named(&refs[i], (uint32_t) i);
        ask(i, 1);
    }

    limits[RATES].capacity = 4;

    now.steady = 1000000;
    now.wall = 1700000000;

    load(&memory, refs, LIMITS);
    memory.ledger->owners[0] = 100;

    return 0;
}


static inline ngx_comet_admit_e
admit(ngx_comet_call_t **call, size_t n)
{
    return ngx_comet_ledger_admit(&memory, &now, 1, call, entries, n, 0);
}


static inline ngx_comet_level_t *
level(size_t i)
{
    return &refs[i].counter->level;
}


/* as it was found, of the limit that entry i has */

static inline uint64_t
left(size_t i)
{
    return ngx_comet_limit_left(entries[i].limit, &entries[i].level);
}
