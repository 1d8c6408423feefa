#include "ngx_comet_outcome.h"

#include <string.h>

#include "ngx_comet_scan.h"


#define NGX_COMET_AT_FAULT  "invalid_request"

/* an error object stands in no more than the top one */

#define NGX_COMET_AT_FAULT_DEPTH  64

#define ngx_comet_kind(kind)  (1u << NGX_COMET_OUTCOME_##kind)


const ngx_comet_retry_on_t  ngx_comet_retry_ons[] = {

    { "error", NGX_COMET_RETRY_ERROR,
      ngx_comet_kind(CONNECT)|ngx_comet_kind(TLS)|ngx_comet_kind(RESET), 0 },
    { "timeout", NGX_COMET_RETRY_TIMEOUT, ngx_comet_kind(TIMEOUT), 0 },
    { "invalid", NGX_COMET_RETRY_INVALID, ngx_comet_kind(INVALID), 0 },

    { "http_408", NGX_COMET_RETRY_HTTP_408, ngx_comet_kind(STATUS), 408 },
    { "http_429", NGX_COMET_RETRY_HTTP_429, ngx_comet_kind(STATUS), 429 },
    { "http_500", NGX_COMET_RETRY_HTTP_500, ngx_comet_kind(STATUS), 500 },
    { "http_502", NGX_COMET_RETRY_HTTP_502, ngx_comet_kind(STATUS), 502 },
    { "http_503", NGX_COMET_RETRY_HTTP_503, ngx_comet_kind(STATUS), 503 },
    { "http_504", NGX_COMET_RETRY_HTTP_504, ngx_comet_kind(STATUS), 504 },
    { "http_524", NGX_COMET_RETRY_HTTP_524, ngx_comet_kind(STATUS), 524 },
    { "http_529", NGX_COMET_RETRY_HTTP_529, ngx_comet_kind(STATUS), 529 },

    { NULL, 0, 0, 0 }
};


static const char *const  ngx_comet_outcome_names[] = {
    [NGX_COMET_OUTCOME_OK] = "ok",
    [NGX_COMET_OUTCOME_CONNECT] = "connect",
    [NGX_COMET_OUTCOME_TLS] = "tls",
    [NGX_COMET_OUTCOME_RESET] = "reset",
    [NGX_COMET_OUTCOME_TIMEOUT] = "timeout",
    [NGX_COMET_OUTCOME_INVALID] = "invalid",
    [NGX_COMET_OUTCOME_CLIENT] = "client",
};


static int
ngx_comet_outcome_is_status(const ngx_comet_outcome_t *outcome,
    unsigned status)
{
    return outcome->kind == NGX_COMET_OUTCOME_STATUS
           && outcome->status == status;
}


static const ngx_comet_retry_on_t *
ngx_comet_outcome_row(const ngx_comet_outcome_t *outcome)
{
    const ngx_comet_retry_on_t  *row;

    for (row = ngx_comet_retry_ons; row->name; row++) {
        if (row->kinds & 1u << outcome->kind
            && (row->status == 0 || row->status == outcome->status))
        {
            break;
        }
    }

    return row;
}


int
ngx_comet_outcome_asks_body(const ngx_comet_outcome_t *outcome)
{
    return ngx_comet_outcome_is_status(outcome, 500);
}


ngx_comet_retry_e
ngx_comet_outcome_decide(const ngx_comet_outcome_t *outcome, unsigned on,
    int another)
{
    if (another && (ngx_comet_outcome_is_status(outcome, 401)
                    || ngx_comet_outcome_is_status(outcome, 429)))
    {
        return NGX_COMET_RETRY_KEY;
    }

    if (ngx_comet_outcome_asks_body(outcome) && outcome->at_fault) {
        return NGX_COMET_RETRY_PASS;
    }

    return ngx_comet_outcome_row(outcome)->on & on ? NGX_COMET_RETRY_LATER
                                                   : NGX_COMET_RETRY_PASS;
}


int64_t
ngx_comet_outcome_wait(const ngx_comet_outcome_t *outcome,
    const ngx_comet_backoff_t *backoff, unsigned attempt, uint32_t random)
{
    /* "0" asks for no time: it is not to come back at once */

    if (outcome->retry_after <= 0) {
        return (int64_t) ngx_comet_backoff_wait(backoff, attempt, random);
    }

    return (uint64_t) outcome->retry_after > backoff->max
           ? -1 : outcome->retry_after;
}


int
ngx_comet_outcome_says(const ngx_comet_outcome_t *outcome)
{
    switch (outcome->kind) {

    case NGX_COMET_OUTCOME_OK:
        return 1;

    case NGX_COMET_OUTCOME_CLIENT:
        return 0;

    case NGX_COMET_OUTCOME_STATUS:

        if (outcome->status < 400) {
            return 1;
        }

        return outcome->status >= 500 && !outcome->at_fault ? -1 : 0;

    default:
        return -1;
    }
}


typedef struct {
    unsigned             error:1;     /* what comes belongs to it */
    unsigned             at_fault:1;
} ngx_comet_error_body_t;


static int
ngx_comet_error_body_name(ngx_comet_error_body_t *body,
    const ngx_comet_token_t *token)
{
    if (token->depth == 1) {
        body->error = (strcmp(token->text, "error") == 0);

        if (body->error) {
            return NGX_COMET_SCAN_ON;
        }
    }

    return strcmp(token->text, "type") == 0 || strcmp(token->text, "code") == 0
           ? NGX_COMET_SCAN_TEXT : NGX_COMET_SCAN_SKIP;
}


static int
ngx_comet_error_body_token(void *data, const ngx_comet_token_t *token)
{
    ngx_comet_error_body_t *body = data;

    switch (token->type) {

    case NGX_COMET_NAME:
        return ngx_comet_error_body_name(body, token);

    case NGX_COMET_OBJECT:
        return token->depth == 0 || (token->depth == 1 && body->error)
               ? NGX_COMET_SCAN_ON : NGX_COMET_SCAN_SKIP;

    case NGX_COMET_ARRAY:
        return NGX_COMET_SCAN_SKIP;

    case NGX_COMET_STRING:

        if (token->text
            && strncmp(token->text, NGX_COMET_AT_FAULT,
                       sizeof(NGX_COMET_AT_FAULT) - 1)
               == 0)
        {
            body->at_fault = 1;
            return NGX_COMET_SCAN_STOP;
        }

        return NGX_COMET_SCAN_ON;

    default:
        return NGX_COMET_SCAN_ON;
    }
}


int
ngx_comet_outcome_at_fault(const char *text, size_t len)
{
    ngx_comet_scan_t        scan;
    ngx_comet_error_body_t  body;

    memset(&body, 0, sizeof(ngx_comet_error_body_t));

    ngx_comet_scan_init(&scan, NGX_COMET_AT_FAULT_DEPTH,
                        ngx_comet_error_body_token, &body);
    ngx_comet_scan_lenient(&scan);

    ngx_comet_scan_feed(&scan, (const unsigned char *) text, len);

    return body.at_fault;
}


const char *
ngx_comet_outcome_name(const ngx_comet_outcome_t *outcome,
    char text[NGX_COMET_OUTCOME_NAME])
{
    unsigned  status;

    if (outcome->kind != NGX_COMET_OUTCOME_STATUS) {
        return ngx_comet_outcome_names[outcome->kind];
    }

    status = outcome->status < 1000 ? outcome->status : 0;

    memcpy(text, "http_000", sizeof("http_000"));

    text[5] = (char) ('0' + status / 100);
    text[6] = (char) ('0' + status / 10 % 10);
    text[7] = (char) ('0' + status % 10);

    return text;
}


const char *
ngx_comet_outcome_reason(const ngx_comet_outcome_t *outcome,
    char text[NGX_COMET_OUTCOME_NAME])
{
    const ngx_comet_retry_on_t  *row;

    row = ngx_comet_outcome_row(outcome);

    return row->name ? row->name : ngx_comet_outcome_name(outcome, text);
}
