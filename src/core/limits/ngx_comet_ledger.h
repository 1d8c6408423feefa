/*
 * The memory that all workers share: what each tenant has taken, and which
 * calls are under way.
 *
 * Limits of different tenants are in different shards, each with a lock.  A
 * counter, and what calls hold of it, is changed under the lock of its shard;
 * what all share, the lists of counters and of calls, under the last of the
 * locks.  They are taken in the order that they have.
 *
 * Nothing here relies on a change being whole: what calls have reserved is
 * counted again from the calls themselves after a worker has died.
 */


#ifndef _NGX_COMET_LEDGER_H_INCLUDED_
#define _NGX_COMET_LEDGER_H_INCLUDED_


#include "ngx_comet_limit.h"
#include "ngx_comet_lock.h"


#define NGX_COMET_ENTRIES_MAX    16               /* limits of one call */
#define NGX_COMET_OWNERS_MAX     1024
#define NGX_COMET_ID_LEN         16
#define NGX_COMET_SHARDS         64               /* a bit each */


typedef struct ngx_comet_counter_s  ngx_comet_counter_t;
typedef struct ngx_comet_call_s     ngx_comet_call_t;
typedef struct ngx_comet_calls_s    ngx_comet_calls_t;
typedef struct ngx_comet_tally_s    ngx_comet_tally_t;
typedef struct ngx_comet_ward_s     ngx_comet_ward_t;


/* counters of one tenant have the same first byte: it tells their shard */

struct ngx_comet_counter_s {
    unsigned char                id[NGX_COMET_ID_LEN];
    ngx_comet_level_t            level;
    ngx_comet_counter_t         *next;
    uint64_t                     generation;  /* of who last asked for it */
};


typedef struct {
    ngx_comet_counter_t         *counter;
    uint64_t                     amount;
} ngx_comet_hold_t;


struct ngx_comet_call_s {
    uint32_t                     owner;       /* 0: free */
    uint32_t                     nholds;      /* 0: kept by its owner */
    uint64_t                     shards;      /* of what it holds */
    ngx_comet_call_t            *next;        /* of those without holds */
    ngx_comet_hold_t             holds[NGX_COMET_ENTRIES_MAX];
};


#define NGX_COMET_CALLS  14                   /* in a page of 4 KB */

struct ngx_comet_calls_s {
    ngx_comet_calls_t           *next;
    ngx_comet_call_t             calls[NGX_COMET_CALLS];
};


typedef struct {
    uint64_t                     layout;
    ngx_comet_lock_t             locks[NGX_COMET_SHARDS];
    ngx_comet_lock_t             lock;        /* after those */
    uint64_t                     generation;
    ngx_comet_counter_t         *counters;
    uint64_t                     ncounters;
    ngx_comet_calls_t           *calls;
    ngx_comet_call_t            *free;
    uint64_t                     lost;        /* with workers that died */
    ngx_comet_tally_t           *tally;       /* or NULL */
    ngx_comet_ward_t            *ward;        /* or NULL */
    uint64_t                     owners[NGX_COMET_OWNERS_MAX];  /* pids */
} ngx_comet_ledger_t;


/* where a counter is; the counter may have become another one's */

typedef struct {
    unsigned char                id[NGX_COMET_ID_LEN];
    ngx_comet_counter_t         *counter;
} ngx_comet_ref_t;


/* one limit on one call */

typedef struct {
    const ngx_comet_limit_t     *limit;
    ngx_comet_ref_t             *ref;
    uint64_t                     amount;
    uint64_t                     wait;        /* found: 0, or why not now */
    ngx_comet_level_t            level;       /* found: afterwards */
    unsigned char                probe;       /* only look whether it fits */
    unsigned char                held;        /* reserved until the end */
} ngx_comet_entry_t;


typedef void *(*ngx_comet_ledger_alloc_pt)(void *data, size_t size);
typedef void (*ngx_comet_ledger_free_pt)(void *data, void *p);


/* of one process: calls that are its own and hold nothing */

typedef struct {
    ngx_comet_call_t            *calls;
    size_t                       n;
} ngx_comet_kept_t;


typedef struct {
    ngx_comet_ledger_t          *ledger;
    ngx_comet_kept_t            *kept;
    ngx_comet_counter_t         *before;      /* the last one, at begin */
    ngx_comet_ledger_alloc_pt    alloc;
    ngx_comet_ledger_free_pt     free;
    void                        *data;
} ngx_comet_ledger_memory_t;


typedef enum {
    NGX_COMET_ADMITTED,
    NGX_COMET_LIMITED,
    NGX_COMET_LEDGER_FULL
} ngx_comet_admit_e;


/* a number for how all of it lies in memory */

uint64_t ngx_comet_ledger_layout(void);

ngx_comet_ledger_t *ngx_comet_ledger_create(ngx_comet_ledger_memory_t *memory);

/* all of the locks; 0, or -1 if one is not let go of in these milliseconds */

void ngx_comet_ledger_lock(ngx_comet_ledger_t *ledger);
int ngx_comet_ledger_timedlock(ngx_comet_ledger_t *ledger, unsigned ms);
void ngx_comet_ledger_unlock(ngx_comet_ledger_t *ledger);

/*
 * A configuration's counters: begin, one ref for each, end.  What no one asked
 * for and has nothing to remember is freed.  If there is no room for all, undo
 * frees those that were made, under the same locks: all of them.
 */

void ngx_comet_ledger_begin(ngx_comet_ledger_memory_t *memory);
int ngx_comet_ledger_ref(ngx_comet_ledger_memory_t *memory,
    ngx_comet_ref_t *ref, ngx_comet_counter_t *known);
void ngx_comet_ledger_end(ngx_comet_ledger_memory_t *memory);
void ngx_comet_ledger_undo(ngx_comet_ledger_memory_t *memory);

/*
 * All entries or none; *call is created where something is to be held.  When
 * forced, it is taken though it does not fit.  Takes the locks that it needs.
 */

ngx_comet_admit_e ngx_comet_ledger_admit(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_clock_t *clock, uint32_t owner, ngx_comet_call_t **call,
    ngx_comet_entry_t *entries, size_t n, int force);

/* some of what a call holds, by what it really took of it; it goes on */

void ngx_comet_ledger_release(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_clock_t *clock, ngx_comet_call_t *call,
    ngx_comet_entry_t *entries, size_t n);

/* the end of a call: the amounts are what it really took; the same of locks */

void ngx_comet_ledger_settle(ngx_comet_ledger_memory_t *memory,
    const ngx_comet_clock_t *clock, ngx_comet_call_t *call,
    ngx_comet_entry_t *entries, size_t n);

/* the calls of workers that died are undone: how many; under all locks */

size_t ngx_comet_ledger_recover(ngx_comet_ledger_memory_t *memory,
    int (*dead)(uint32_t owner, uint64_t pid));

/* calls that hold something, as it is being changed by others */

uint64_t ngx_comet_ledger_active(const ngx_comet_ledger_t *ledger);


#endif /* _NGX_COMET_LEDGER_H_INCLUDED_ */
