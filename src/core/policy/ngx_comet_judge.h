/*
 * Judges the body of a call while it passes: what is wrong with it, and which
 * bytes to change.  A body is fed in pieces, cut anywhere.
 */


#ifndef _NGX_COMET_JUDGE_H_INCLUDED_
#define _NGX_COMET_JUDGE_H_INCLUDED_


#include "ngx_comet_endpoint.h"
#include "ngx_comet_measure.h"
#include "ngx_comet_model.h"
#include "ngx_comet_scan.h"


typedef enum {
    NGX_COMET_REJECT,
    NGX_COMET_REPAIR,
    NGX_COMET_OBSERVE
} ngx_comet_mode_e;


/* what an operator asks for; all of it outlives the judge */

typedef struct {
    ngx_comet_mode_e               mode;
    const ngx_comet_rule_t        *rules;    /* ends with a NULL param */
    uint64_t                       cap;      /* of output tokens, or 0 */
    unsigned                       cap_default:1;
    unsigned                       models:1; /* admit() has a say */
    unsigned                       named:1;  /* the model is relied upon */
    unsigned                       sized:1;  /* so are the caps and n */
    unsigned                       usage:1;  /* streams are to bring it */

    /* what an operator says of the model, or NULL */

    const ngx_comet_provider_t  *(*provider)(void *data, const char *model,
                                      size_t len);
    int                          (*admit)(void *data, const char *model,
                                      size_t len);

    /* which one it goes to instead, or NULL; the function may be NULL */

    const char                  *(*route)(void *data, const char *model,
                                      size_t len);
    void                        *(*alloc)(void *data, size_t size);
    void                          *data;
} ngx_comet_policy_t;


/* the bytes [offset, offset + length) become the text */

typedef struct {
    uint64_t                       offset;
    uint64_t                       length;
    const char                    *text;
    size_t                         len;
} ngx_comet_edit_t;


typedef enum {
    NGX_COMET_PASS,
    NGX_COMET_REPAIRED,
    NGX_COMET_OBSERVED,
    NGX_COMET_REFUSED
} ngx_comet_verdict_e;


/* a parameter of the top object; how it was sent holds if it was seen */

typedef struct {
    const char                    *name;
    size_t                         name_len;
    const ngx_comet_field_t       *field;

    unsigned                       seen:1;
    unsigned                       whole:1;    /* its end was seen */
    unsigned                       bad:1;      /* said so already */
    unsigned                       truth:1;
    unsigned                       clamped:1;
    unsigned                       drop:1;
    unsigned                       twin:1;     /* of another cap; no wrong */
    unsigned                       told:1;     /* that it was repaired */
    unsigned                       fitted:1;   /* for a route, in any mode */
    unsigned                       link;       /* of the same hash, or 0 */

    uint64_t                       name_start;
    uint64_t                       name_end;
    uint64_t                       value_start;
    uint64_t                       value_end;
    uint64_t                       prev_end;   /* of the member before */
    uint64_t                       next_start; /* of the member behind */
    size_t                         ordinal;

    unsigned                       type;       /* NGX_COMET_IS_... */
    double                         number;
    double                         clamp;      /* what it becomes */
    size_t                         count;      /* of elements */
    size_t                         len;        /* even where text is cut */
    char                           text[64];   /* of a scalar */
} ngx_comet_slot_t;


typedef struct {
    const ngx_comet_field_t       *field;
    uint64_t                       start;      /* of the container */
    const ngx_comet_field_t       *pending;    /* the member being read */
    size_t                         count;
    unsigned                       bit;        /* of it, in .fields */
    unsigned                       seen;
    unsigned                       present;
    unsigned                       needs;      /* bits of .needs */
} ngx_comet_frame_t;


typedef struct ngx_comet_range_s  ngx_comet_range_t;

struct ngx_comet_range_s {
    ngx_comet_slot_t              *slot;
    uint64_t                       start;
    uint64_t                       end;
    double                         clamp;
    unsigned                       developer:1;
    ngx_comet_range_t             *next;
};


/* stream_options and the include_usage in it, as they were sent */

typedef struct {
    uint64_t                       start;      /* of the value */
    uint64_t                       end;
    size_t                         members;    /* of the options */
    unsigned                       there:1;
    unsigned                       no:1;       /* it says no, or null */
} ngx_comet_asks_t;


#define NGX_COMET_FRAMES     8
#define NGX_COMET_MODEL_MAX  256
#define NGX_COMET_SAY_MAX    1024
#define NGX_COMET_HASH_SIZE  64

/* of what is wrong; of places to repair inside of parameters, by kind */

#define NGX_COMET_WRONG_MAX  256

/* of what no body has many of; and one more for so many bytes before it */

#define NGX_COMET_SMALL_MAX    4096
#define NGX_COMET_SMALL_BYTES  32


typedef struct {
    const ngx_comet_policy_t      *policy;
    ngx_comet_policy_t             bare;       /* where it has no rules */
    const ngx_comet_endpoint_t    *endpoint;

    ngx_comet_field_t              root;
    uint64_t                       small;      /* members and elements */
    unsigned                       depth;      /* of frames */
    unsigned                       skipping:1;
    unsigned                       enough:1;   /* no more is looked at */

    size_t                         nslots;
    unsigned char                  heads[NGX_COMET_HASH_SIZE];
    ngx_comet_slot_t              *known[NGX_COMET_PARAM_IDS];
    ngx_comet_slot_t              *slot;       /* being read */
    size_t                         members;
    uint64_t                       body_start; /* behind the bracket */
    uint64_t                       prev_end;

    ngx_comet_range_t             *ranges;     /* to repair, last first */
    size_t                         nclamps;
    size_t                         nroles;
    unsigned                       unkept:1;   /* roles beyond their number */
    ngx_comet_asks_t               asks;

    const ngx_comet_provider_t    *provider;   /* once the model is known */
    size_t                         model_len;

    /* of a route, where it goes to another model than it names */

    const char                    *target;     /* or NULL */
    const ngx_comet_provider_t    *named;      /* of the name */
    const char                    *misfit;     /* its parameter: in the way */

    /* what was found */

    unsigned                       failed:1;   /* no memory */
    unsigned                       fatal:1;    /* in every mode */
    unsigned                       beyond:1;   /* repair */
    unsigned                       described:1; /* by an operator: the model */
    unsigned                       named_described:1;
    unsigned                       unfit:1;    /* for the target alone */
    unsigned                       usage_added:1;
    size_t                         violations;
    size_t                         nrepairs;
    int                            status;
    const char                    *code;

    ngx_comet_measure_t            measure;
    ngx_comet_verdict_e            verdict;
    ngx_comet_edit_t              *edits;      /* by offset */
    size_t                         nedits;

    /* large: not cleared as a whole, the texts begin empty */

    ngx_comet_scan_t               scan;
    ngx_comet_frame_t              frames[NGX_COMET_FRAMES];
    ngx_comet_slot_t               slots[NGX_COMET_PARAM_MAX];
    char                           model[NGX_COMET_MODEL_MAX];
    char                           member[65]; /* as its client named it */
    char                           param[128];
    char                           message[NGX_COMET_SAY_MAX];
    char                           repairs[NGX_COMET_SAY_MAX];
    char                           list[256];  /* scratch */
    char                           why[256];   /* of a misfit */
} ngx_comet_judge_t;


void ngx_comet_judge_init(ngx_comet_judge_t *judge,
    const ngx_comet_endpoint_t *endpoint, const ngx_comet_policy_t *policy);

/* 0, or -1 when no more of the body can change that it is refused */

int ngx_comet_judge_feed(ngx_comet_judge_t *judge, const unsigned char *p,
    size_t len);

/* 0 and the verdict, or -1 without memory */

int ngx_comet_judge_finish(ngx_comet_judge_t *judge);


/* between the files of the judge */

ngx_comet_slot_t *ngx_comet_judge_slot(ngx_comet_judge_t *judge,
    const char *name);
ngx_comet_slot_t *ngx_comet_judge_named(ngx_comet_judge_t *judge,
    const char *name, size_t len);
void ngx_comet_judge_uncertain(ngx_comet_judge_t *judge,
    const ngx_comet_slot_t *slot);
void ngx_comet_judge_say(ngx_comet_judge_t *judge, const char *param,
    const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void ngx_comet_judge_crowded(ngx_comet_judge_t *judge, const char *param);
void ngx_comet_judge_repaired(ngx_comet_judge_t *judge, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *ngx_comet_judge_values(ngx_comet_judge_t *judge,
    const char *const *values);
size_t ngx_comet_characters(const char *text, size_t len);
const ngx_comet_rule_t *ngx_comet_judge_own(ngx_comet_judge_t *judge,
    const char *param, ngx_comet_rule_e kind);
int ngx_comet_judge_replaces(ngx_comet_judge_t *judge,
    const ngx_comet_slot_t *slot);
void ngx_comet_judge_rules(ngx_comet_judge_t *judge, const char *param,
    const ngx_comet_rule_t **rules);
void ngx_comet_judge_rules_named(ngx_comet_judge_t *judge, const char *param,
    const ngx_comet_rule_t **rules);
int ngx_comet_judge_true(ngx_comet_judge_t *judge, ngx_comet_param_e id);
int ngx_comet_judge_is_cap(const char *param);
void ngx_comet_judge_params(ngx_comet_judge_t *judge);
void ngx_comet_fit_model(ngx_comet_judge_t *judge);
void ngx_comet_fit_param(ngx_comet_judge_t *judge, ngx_comet_slot_t *slot);
void ngx_comet_fit_end(ngx_comet_judge_t *judge);
void ngx_comet_range_role(ngx_comet_judge_t *judge,
    const ngx_comet_token_t *token);
void ngx_comet_range_number(ngx_comet_judge_t *judge,
    const ngx_comet_field_t *field, double number,
    const ngx_comet_token_t *token);
int ngx_comet_collect(void *data, const ngx_comet_token_t *token);
void ngx_comet_amend_asks(ngx_comet_asks_t *asks,
    const ngx_comet_token_t *token);
int ngx_comet_amend(ngx_comet_judge_t *judge);


/* what an operator's rule may name besides the documented parameters */

extern const ngx_comet_field_t  ngx_comet_any_field;


/* the model that it goes to */

static inline const char *
ngx_comet_judge_sent(const ngx_comet_judge_t *judge)
{
    return judge->target ? judge->target : judge->model;
}


/* nothing more is said */

static inline int
ngx_comet_judge_full(const ngx_comet_judge_t *judge)
{
    return judge->violations == NGX_COMET_WRONG_MAX;
}


#endif /* _NGX_COMET_JUDGE_H_INCLUDED_ */
