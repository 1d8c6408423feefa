/*
 * What all workers know of keys, breakers and budgets: tables of a fixed size.
 * An entry that no call relies on gives way to another one, the one that was
 * asked for longest ago first.  Whoever calls holds the lock.
 *
 * As in the ledger, nothing relies on a change being whole: the calls of keys
 * are counted again from the leases after a worker has died.
 */


#ifndef _NGX_COMET_WARD_H_INCLUDED_
#define _NGX_COMET_WARD_H_INCLUDED_


#include "ngx_comet_breaker.h"
#include "ngx_comet_budget.h"
#include "ngx_comet_ledger.h"
#include "ngx_comet_pool.h"


typedef struct ngx_comet_lease_s   ngx_comet_lease_t;
typedef struct ngx_comet_leases_s  ngx_comet_leases_t;


/* the head of an entry in any table */

typedef struct {
    unsigned char                id[NGX_COMET_ID_LEN];
    uint64_t                     used;      /* when; 0: never */
} ngx_comet_ward_head_t;


typedef struct {
    ngx_comet_ward_head_t        head;
    ngx_comet_key_state_t        state;
} ngx_comet_ward_key_t;


typedef struct {
    ngx_comet_ward_head_t        head;
    ngx_comet_breaker_t          state;
    uint32_t                     calls;     /* probes under way */
} ngx_comet_ward_breaker_t;


typedef struct {
    ngx_comet_ward_head_t        head;
    ngx_comet_budget_t           state;
} ngx_comet_ward_budget_t;


/* an attempt under way */

struct ngx_comet_lease_s {
    uint32_t                     owner;     /* 0: free */
    uint32_t                     probe;
    ngx_comet_ward_key_t        *key;       /* or NULL */
    ngx_comet_ward_breaker_t    *breaker;   /* of a probe, or NULL */
    ngx_comet_lease_t           *next;      /* free one */
};


#define NGX_COMET_LEASES  127               /* in a page of 4 KB */

struct ngx_comet_leases_s {
    ngx_comet_leases_t          *next;
    ngx_comet_lease_t            leases[NGX_COMET_LEASES];
};


struct ngx_comet_ward_s {
    uint64_t                     layout;
    ngx_comet_ward_key_t        *keys;
    ngx_comet_ward_breaker_t    *breakers;
    ngx_comet_ward_budget_t     *budgets;
    size_t                       nkeys;
    size_t                       nbreakers;
    size_t                       nbudgets;
    ngx_comet_leases_t          *leases;
    ngx_comet_lease_t           *free;
    uint64_t                     opened;    /* breakers, so often */
};


/* what the page of metrics tells */

typedef struct {
    uint64_t                     open;
    uint64_t                     half_open;
    uint64_t                     opened;
    uint64_t                     at_rest;   /* keys */
    uint64_t                     out;       /* keys */
} ngx_comet_ward_sum_t;


/* a number for how all of it lies in memory */

uint64_t ngx_comet_ward_layout(void);

/* of a zone of so many bytes, it takes an eighth at most, but what it needs */

ngx_comet_ward_t *ngx_comet_ward_create(ngx_comet_ledger_memory_t *memory,
    size_t size);
size_t ngx_comet_ward_size(size_t size);

/*
 * The entry of this id: it is made where none is, but a breaker only if asked
 * to.  NULL where there is none and no room.
 */

ngx_comet_ward_key_t *ngx_comet_ward_key(ngx_comet_ward_t *ward,
    const unsigned char *id, uint64_t now);
ngx_comet_ward_breaker_t *ngx_comet_ward_breaker(ngx_comet_ward_t *ward,
    const unsigned char *id, uint64_t now, int make);
ngx_comet_ward_budget_t *ngx_comet_ward_budget(ngx_comet_ward_t *ward,
    const unsigned char *id, uint64_t now);

/* an attempt begins and ends; NULL for lack of memory: it is not counted */

ngx_comet_lease_t *ngx_comet_ward_take(ngx_comet_ledger_memory_t *memory,
    ngx_comet_ward_t *ward, uint32_t owner, ngx_comet_ward_key_t *key,
    ngx_comet_ward_breaker_t *breaker, uint32_t probe);
void ngx_comet_ward_give_back(ngx_comet_ward_t *ward,
    ngx_comet_lease_t *lease);

/* the attempts of workers that died are over; before those of the ledger */

void ngx_comet_ward_recover(ngx_comet_ledger_t *ledger,
    int (*dead)(uint32_t owner, uint64_t pid));

/* without the lock: what is seen may be of a moment ago */

ngx_comet_ward_sum_t ngx_comet_ward_sum(const ngx_comet_ward_t *ward,
    uint64_t now);


#endif /* _NGX_COMET_WARD_H_INCLUDED_ */
