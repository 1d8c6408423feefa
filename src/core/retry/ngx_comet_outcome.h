/*
 * What became of an attempt, and what follows from it.  A table says what is
 * tried again.
 */


#ifndef _NGX_COMET_OUTCOME_H_INCLUDED_
#define _NGX_COMET_OUTCOME_H_INCLUDED_


#include "ngx_comet_backoff.h"
#include "ngx_comet_retry_after.h"


typedef enum {
    NGX_COMET_OUTCOME_OK,          /* a status under 400 */
    NGX_COMET_OUTCOME_CONNECT,
    NGX_COMET_OUTCOME_TLS,
    NGX_COMET_OUTCOME_RESET,
    NGX_COMET_OUTCOME_TIMEOUT,
    NGX_COMET_OUTCOME_INVALID,     /* no HTTP */
    NGX_COMET_OUTCOME_STATUS,
    NGX_COMET_OUTCOME_CLIENT,      /* went away: says nothing about the API */
    NGX_COMET_OUTCOME_KINDS
} ngx_comet_outcome_e;


typedef struct {
    ngx_comet_outcome_e  kind;
    unsigned             status;          /* or 0 */
    int64_t              retry_after;     /* milliseconds, or -1 */
    unsigned             at_fault:1;      /* the request, by the error's body */
} ngx_comet_outcome_t;


/* what is configured with on=: bits */

#define NGX_COMET_RETRY_ERROR     0x0001
#define NGX_COMET_RETRY_TIMEOUT   0x0002
#define NGX_COMET_RETRY_INVALID   0x0004
#define NGX_COMET_RETRY_HTTP_408  0x0008
#define NGX_COMET_RETRY_HTTP_429  0x0010
#define NGX_COMET_RETRY_HTTP_500  0x0020
#define NGX_COMET_RETRY_HTTP_502  0x0040
#define NGX_COMET_RETRY_HTTP_503  0x0080
#define NGX_COMET_RETRY_HTTP_504  0x0100
#define NGX_COMET_RETRY_HTTP_524  0x0200
#define NGX_COMET_RETRY_HTTP_529  0x0400

#define NGX_COMET_RETRY_ALL       0x07ff


typedef struct {
    const char          *name;            /* NULL: the end of the table */
    unsigned             on;
    unsigned             kinds;           /* bits of ngx_comet_outcome_e */
    unsigned             status;          /* or 0 */
} ngx_comet_retry_on_t;


extern const ngx_comet_retry_on_t  ngx_comet_retry_ons[];


typedef enum {
    NGX_COMET_RETRY_PASS,          /* it is the client's answer */
    NGX_COMET_RETRY_LATER,         /* after a back-off */
    NGX_COMET_RETRY_KEY            /* at once, with another key */
} ngx_comet_retry_e;


/* another: the pool has another key that is not at rest */

ngx_comet_retry_e ngx_comet_outcome_decide(const ngx_comet_outcome_t *outcome,
    unsigned on, int another);

/*
 * How long to wait after attempt number 1, 2, …: what the API says, or the
 * back-off; -1 where the API says more than the most that is waited.
 */

int64_t ngx_comet_outcome_wait(const ngx_comet_outcome_t *outcome,
    const ngx_comet_backoff_t *backoff, unsigned attempt, uint32_t random);

/* of the API's health: 1 well, -1 not, 0 it says nothing */

int ngx_comet_outcome_says(const ngx_comet_outcome_t *outcome);

/* whether the body has to be looked at: what a status says is not enough */

int ngx_comet_outcome_asks_body(const ngx_comet_outcome_t *outcome);

/*
 * Whether an error body says that the request is at fault: its type or code
 * begins with "invalid_request".  JSON in one piece; what is not says no.
 */

int ngx_comet_outcome_at_fault(const char *body, size_t len);

/*
 * "ok", "connect", "tls", "reset", "timeout", "invalid", "client", or a status
 * as in "http_429"; text has room for what is not constant.
 */

#define NGX_COMET_OUTCOME_NAME  16

const char *ngx_comet_outcome_name(const ngx_comet_outcome_t *outcome,
    char text[NGX_COMET_OUTCOME_NAME]);

/* the same as on= names it, "error" for all that failed before an answer */

const char *ngx_comet_outcome_reason(const ngx_comet_outcome_t *outcome,
    char text[NGX_COMET_OUTCOME_NAME]);


#endif /* _NGX_COMET_OUTCOME_H_INCLUDED_ */
