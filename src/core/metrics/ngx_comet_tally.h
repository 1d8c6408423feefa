/*
 * What calls have come to, in the memory that all workers share.  A series is
 * made once and never freed, so it can be found, counted in and read without
 * a lock; only who makes one holds it.
 *
 * Of several workers each counts in a share of its own, on cache lines of its
 * own; one that finds no room for it counts in the series itself.  Shares stay
 * when a worker ends: who has its slot next goes on with them.
 */


#ifndef _NGX_COMET_TALLY_H_INCLUDED_
#define _NGX_COMET_TALLY_H_INCLUDED_


#include "ngx_comet_ledger.h"


#define NGX_COMET_LABEL_MAX      128      /* bytes, the rest is cut off */


typedef enum {
    NGX_COMET_LABEL_TENANT,
    NGX_COMET_LABEL_ENDPOINT,
    NGX_COMET_LABEL_PROVIDER,
    NGX_COMET_LABEL_VERDICT,
    NGX_COMET_LABEL_STATUS,
    NGX_COMET_LABEL_CODE,
    NGX_COMET_LABEL_OUTCOME,
    NGX_COMET_LABEL_REASON,
    NGX_COMET_LABELS
} ngx_comet_label_e;


typedef enum {
    NGX_COMET_SERIES_REQUESTS,
    NGX_COMET_SERIES_USAGE,
    NGX_COMET_SERIES_TIMES,
    NGX_COMET_SERIES_ATTEMPTS,
    NGX_COMET_SERIES_RETRIES,
    NGX_COMET_SERIES_KINDS
} ngx_comet_series_e;


/* the values of NGX_COMET_SERIES_USAGE */

typedef enum {
    NGX_COMET_USED_INPUT,
    NGX_COMET_USED_OUTPUT,
    NGX_COMET_USED_CACHED,
    NGX_COMET_USED_REASONING,
    NGX_COMET_USED_COST,                  /* in 1/NGX_COMET_MONEY */
    NGX_COMET_USED_REPAIRS,
    NGX_COMET_USED_ESTIMATED,             /* calls */
    NGX_COMET_USED_UNKNOWN,               /* calls */
    NGX_COMET_USED_ABORTED,               /* calls */
    NGX_COMET_USED_VALUES
} ngx_comet_used_e;


/* those of NGX_COMET_SERIES_TIMES */

typedef enum {
    NGX_COMET_TIME_FIRST_TOKEN,
    NGX_COMET_TIME_DURATION,
    NGX_COMET_TIME_OVERHEAD,
    NGX_COMET_TIMES
} ngx_comet_time_e;


#define NGX_COMET_BOUNDS         15

/* how often up to each bound, more often than the last, and the sum in us */

#define NGX_COMET_TIME_VALUES    (NGX_COMET_BOUNDS + 2)


typedef struct {
    uint64_t                     us;
    const char                  *text;    /* in seconds */
} ngx_comet_bound_t;


typedef struct ngx_comet_name_s    ngx_comet_name_t;
typedef struct ngx_comet_series_s  ngx_comet_series_t;


struct ngx_comet_name_s {
    ngx_comet_name_t            *next;
    uint64_t                     len;
    char                         text[];
};


typedef struct {
    const char                  *data;
    size_t                       len;
    ngx_comet_name_t            *name;    /* NULL until it is found */
} ngx_comet_label_t;


/* first the labels, which are names, then the values */

struct ngx_comet_series_s {
    ngx_comet_series_t          *next;
    union {
        const ngx_comet_name_t  *name;
        uint64_t                 value;
    }                            words[];
};


typedef struct {
    ngx_comet_series_t         **buckets;
    size_t                       mask;
    ngx_comet_series_t          *other;   /* for all that find no room */
} ngx_comet_series_table_t;


typedef struct ngx_comet_share_s  ngx_comet_share_t;

struct ngx_comet_share_s {
    ngx_comet_share_t            *next;
    const ngx_comet_series_t    *series;
    uint64_t                     owner;
    uint64_t                     values[];
};


struct ngx_comet_tally_s {
    uint64_t                     layout;
    ngx_comet_name_t           **names;
    size_t                       mask;
    ngx_comet_series_table_t     tables[NGX_COMET_SERIES_KINDS];
    ngx_comet_share_t           **shares;
    size_t                       shares_mask;

    uint64_t                     limit;   /* bytes */
    uint64_t                     used;
    uint64_t                     full;    /* nothing will fit any more */
    uint64_t                     series;
    uint64_t                     overflow; /* counted in no series of theirs */

    uint32_t                    *in_flight; /* by ngx_comet_tally_place() */
};


typedef struct {
    size_t                       bucket;
    ngx_comet_series_t          *series;
} ngx_comet_tally_walk_t;


extern const ngx_comet_bound_t
    ngx_comet_bounds[NGX_COMET_TIMES][NGX_COMET_BOUNDS];


uint64_t ngx_comet_tally_layout(void);

/* of a zone of so many bytes, it takes a quarter at most */

ngx_comet_tally_t *ngx_comet_tally_create(ngx_comet_ledger_memory_t *memory,
    size_t size);

/* NULL if it is to be made */

ngx_comet_series_t *ngx_comet_tally_find(ngx_comet_tally_t *tally,
    ngx_comet_series_e kind, ngx_comet_label_t *labels);

/* under the lock: finds or makes it, or gives that of all others */

ngx_comet_series_t *ngx_comet_tally_make(ngx_comet_ledger_memory_t *memory,
    ngx_comet_series_e kind, ngx_comet_label_t *labels);

/* where an owner counts, 0 if it is the only one; NULL if it is to be made */

uint64_t *ngx_comet_tally_values(ngx_comet_tally_t *tally,
    ngx_comet_series_t *series, ngx_comet_series_e kind, uint32_t owner);

/* under the lock: finds or makes it, or gives that of the series */

uint64_t *ngx_comet_tally_make_values(ngx_comet_ledger_memory_t *memory,
    ngx_comet_series_t *series, ngx_comet_series_e kind, uint32_t owner);

void ngx_comet_tally_add(uint64_t *values, size_t value, uint64_t amount);
void ngx_comet_tally_observe(uint64_t *values, ngx_comet_time_e time,
    uint64_t us);

/* begins with a zeroed walk and ends with NULL */

ngx_comet_series_t *ngx_comet_tally_next(ngx_comet_tally_t *tally,
    ngx_comet_series_e kind, ngx_comet_tally_walk_t *walk);

const ngx_comet_name_t *ngx_comet_tally_label(
    const ngx_comet_series_t *series, ngx_comet_series_e kind,
    ngx_comet_label_e label);

/* of all owners */

uint64_t ngx_comet_tally_value(const ngx_comet_tally_t *tally,
    const ngx_comet_series_t *series, ngx_comet_series_e kind, size_t value);
int ngx_comet_tally_is_unused(const ngx_comet_tally_t *tally,
    const ngx_comet_series_t *series, ngx_comet_series_e kind);

/* neighbours in lines of their own, of NGX_COMET_OWNERS_MAX numbers */

#define NGX_COMET_TALLY_LINES                                                 \
    (NGX_COMET_OWNERS_MAX / (NGX_COMET_CACHELINE / sizeof(uint32_t)))

#define ngx_comet_tally_place(slot)                                           \
    ((slot) % NGX_COMET_TALLY_LINES                                           \
     * (NGX_COMET_CACHELINE / sizeof(uint32_t))                               \
     + (slot) / NGX_COMET_TALLY_LINES)

/* of owners that died, nothing is in flight; returns the sum of the others */

void ngx_comet_tally_recover(ngx_comet_ledger_t *ledger,
    int (*dead)(uint32_t owner, uint64_t pid));
uint64_t ngx_comet_tally_in_flight(const ngx_comet_tally_t *tally);

/* a status as a label: what HTTP or nginx knows, or "other" */

ngx_comet_label_t ngx_comet_tally_status(unsigned status, char text[3]);


#endif /* _NGX_COMET_TALLY_H_INCLUDED_ */
