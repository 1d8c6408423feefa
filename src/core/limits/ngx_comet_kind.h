/*
 * The kinds of limits: all that tells one from another is a row here.  The
 * number of a kind is part of what identifies a counter.
 */


#ifndef _NGX_COMET_KIND_H_INCLUDED_
#define _NGX_COMET_KIND_H_INCLUDED_


#include "ngx_comet_limit.h"


#define NGX_COMET_MONEY_MAX  1000000            /* units */


typedef struct {
    const char          *much;      /* there are too ... */
    unsigned             held:1;    /* reserved until the call ends */
    unsigned             judged:1;  /* how much is known with the body */
} ngx_comet_unit_t;


/* the rest of a limit, behind its amount; 0, or -1 */

typedef int (*ngx_comet_kind_form_pt)(ngx_comet_limit_t *limit,
    const char *text);


typedef struct {
    const char              *name;  /* of the directive */
    const char              *usage;
    ngx_comet_unit_e         unit;
    ngx_comet_kind_form_pt   form;
    const char              *code;  /* of its error: used up for long; or NULL:
                                       that of the status, and try again */
} ngx_comet_kind_t;


extern const ngx_comet_unit_t  ngx_comet_units[NGX_COMET_UNITS];
extern const ngx_comet_kind_t  ngx_comet_kinds[NGX_COMET_LIMIT_KINDS];


#define ngx_comet_kind_unit(kind)                                             \
    (&ngx_comet_units[ngx_comet_kinds[kind].unit])


/* as in a directive; 0, or -1 where it is not written like that */

int ngx_comet_limit_parse(ngx_comet_limit_t *limit, ngx_comet_limit_e kind,
    const char *text);
int ngx_comet_limit_parse_burst(ngx_comet_limit_t *limit, const char *text);
int ngx_comet_tokens_parse(const char *text, uint64_t *tokens);
int ngx_comet_money_parse(const char *text, uint64_t unit, uint64_t max,
    uint64_t *money);

#define NGX_COMET_AMOUNT_LEN    40

size_t ngx_comet_amount(char *text, size_t size, ngx_comet_unit_e unit,
    uint64_t amount);


#endif /* _NGX_COMET_KIND_H_INCLUDED_ */
