/* What is tried again, and what an outcome says of the API. */

#include "unit.h"

#include "ngx_comet_outcome.h"


#define ALL   NGX_COMET_RETRY_ALL

#define PASS   NGX_COMET_RETRY_PASS
#define LATER  NGX_COMET_RETRY_LATER
#define KEY    NGX_COMET_RETRY_KEY


static ngx_comet_outcome_t
outcome_of(ngx_comet_outcome_e kind, unsigned status)
{
    ngx_comet_outcome_t  outcome;

    memset(&outcome, 0, sizeof(outcome));
    outcome.kind = kind;
    outcome.status = status;
    outcome.retry_after = NGX_COMET_RETRY_AFTER_NONE;

    return outcome;
}


static const struct {
    ngx_comet_outcome_e  kind;
    unsigned             status;
    unsigned             on;          /* the only bit that counts */
    ngx_comet_retry_e    alone;
    ngx_comet_retry_e    another;     /* with another key */
    int                  says;
    const char          *name;
    const char          *reason;
} table[] = {
    { NGX_COMET_OUTCOME_OK, 200, 0, PASS, PASS, 1, "ok", "ok" },
    { NGX_COMET_OUTCOME_CLIENT, 0, 0, PASS, PASS, 0, "client", "client" },
    { NGX_COMET_OUTCOME_CLIENT, 503, 0, PASS, PASS, 0, "client", "client" },

    { NGX_COMET_OUTCOME_CONNECT, 0, NGX_COMET_RETRY_ERROR, LATER, LATER, -1,
      "connect", "error" },
    { NGX_COMET_OUTCOME_TLS, 0, NGX_COMET_RETRY_ERROR, LATER, LATER, -1,
      "tls", "error" },
    { NGX_COMET_OUTCOME_RESET, 0, NGX_COMET_RETRY_ERROR, LATER, LATER, -1,
      "reset", "error" },
    { NGX_COMET_OUTCOME_TIMEOUT, 0, NGX_COMET_RETRY_TIMEOUT, LATER, LATER, -1,
      "timeout", "timeout" },
    { NGX_COMET_OUTCOME_INVALID, 0, NGX_COMET_RETRY_INVALID, LATER, LATER, -1,
      "invalid", "invalid" },

    { NGX_COMET_OUTCOME_STATUS, 408, NGX_COMET_RETRY_HTTP_408, LATER, LATER, 0,
      "http_408", "http_408" },
    { NGX_COMET_OUTCOME_STATUS, 429, NGX_COMET_RETRY_HTTP_429, LATER, KEY, 0,
      "http_429", "http_429" },
    { NGX_COMET_OUTCOME_STATUS, 500, NGX_COMET_RETRY_HTTP_500, LATER, LATER,
      -1, "http_500", "http_500" },
    { NGX_COMET_OUTCOME_STATUS, 502, NGX_COMET_RETRY_HTTP_502, LATER, LATER,
      -1, "http_502", "http_502" },
    { NGX_COMET_OUTCOME_STATUS, 503, NGX_COMET_RETRY_HTTP_503, LATER, LATER,
      -1, "http_503", "http_503" },
    { NGX_COMET_OUTCOME_STATUS, 504, NGX_COMET_RETRY_HTTP_504, LATER, LATER,
      -1, "http_504", "http_504" },
    { NGX_COMET_OUTCOME_STATUS, 524, NGX_COMET_RETRY_HTTP_524, LATER, LATER,
      -1, "http_524", "http_524" },
    { NGX_COMET_OUTCOME_STATUS, 529, NGX_COMET_RETRY_HTTP_529, LATER, LATER,
      -1, "http_529", "http_529" },

    { NGX_COMET_OUTCOME_STATUS, 304, 0, PASS, PASS, 1, "http_304",
      "http_304" },
    { NGX_COMET_OUTCOME_STATUS, 400, 0, PASS, PASS, 0, "http_400",
      "http_400" },
    { NGX_COMET_OUTCOME_STATUS, 401, 0, PASS, KEY, 0, "http_401",
      "http_401" },
    { NGX_COMET_OUTCOME_STATUS, 402, 0, PASS, PASS, 0, "http_402",
      "http_402" },
    { NGX_COMET_OUTCOME_STATUS, 403, 0, PASS, PASS, 0, "http_403",
      "http_403" },
    { NGX_COMET_OUTCOME_STATUS, 404, 0, PASS, PASS, 0, "http_404",
      "http_404" },
    { NGX_COMET_OUTCOME_STATUS, 422, 0, PASS, PASS, 0, "http_422",
      "http_422" },
    { NGX_COMET_OUTCOME_STATUS, 501, 0, PASS, PASS, -1, "http_501",
      "http_501" },
    { NGX_COMET_OUTCOME_STATUS, 999, 0, PASS, PASS, -1, "http_999",
      "http_999" },
};

#define ROWS  (sizeof(table) / sizeof(table[0]))


static void
test_table(void **state)
{
    char                 text[NGX_COMET_OUTCOME_NAME];
    size_t               i;
    ngx_comet_outcome_t  outcome;

    (void) state;

    for (i = 0; i < ROWS; i++) {
        outcome = outcome_of(table[i].kind, table[i].status);

        assert_int_equal(ngx_comet_outcome_decide(&outcome, ALL, 0),
                         table[i].alone);
        assert_int_equal(ngx_comet_outcome_decide(&outcome, ALL, 1),
                         table[i].another);
        assert_int_equal(ngx_comet_outcome_says(&outcome), table[i].says);
        assert_string_equal(ngx_comet_outcome_name(&outcome, text),
                            table[i].name);
        assert_string_equal(ngx_comet_outcome_reason(&outcome, text),
                            table[i].reason);
    }
}


static void
test_what_is_not_configured_passes(void **state)
{
    size_t               i;
    unsigned             on;
    ngx_comet_retry_e    rc;
    ngx_comet_outcome_t  outcome;

    (void) state;

    for (i = 0; i < ROWS; i++) {
        outcome = outcome_of(table[i].kind, table[i].status);

        for (on = 1; on <= ALL; on <<= 1) {
            rc = on == table[i].on ? LATER : PASS;
            assert_int_equal(ngx_comet_outcome_decide(&outcome, on, 0), rc);
        }

        assert_int_equal(ngx_comet_outcome_decide(&outcome,
                                                  ALL & ~table[i].on, 0),
                         PASS);
    }
}


static void
test_names_of_the_directive(void **state)
{
    size_t                       n;
    unsigned                     all;
    const ngx_comet_retry_on_t  *row;

    (void) state;

    n = 0;
    all = 0;

    for (row = ngx_comet_retry_ons; row->name; row++) {
        assert_int_equal(all & row->on, 0);
        all |= row->on;
        n++;
    }

    assert_int_equal(n, 11);
    assert_int_equal(all, ALL);
}


static void
test_a_request_at_fault_is_not_tried_again(void **state)
{
    ngx_comet_outcome_t  outcome;

    (void) state;

    outcome = outcome_of(NGX_COMET_OUTCOME_STATUS, 500);
    assert_true(ngx_comet_outcome_asks_body(&outcome));

    outcome.at_fault = 1;
    assert_int_equal(ngx_comet_outcome_decide(&outcome, ALL, 0), PASS);
    assert_int_equal(ngx_comet_outcome_decide(&outcome, ALL, 1), PASS);
    assert_int_equal(ngx_comet_outcome_says(&outcome), 0);

    /* of these the status says it; a wrong key is a request at fault too */

    outcome.status = 401;
    assert_false(ngx_comet_outcome_asks_body(&outcome));
    assert_int_equal(ngx_comet_outcome_decide(&outcome, ALL, 1), KEY);

    outcome.status = 503;
    assert_false(ngx_comet_outcome_asks_body(&outcome));
    assert_int_equal(ngx_comet_outcome_decide(&outcome, ALL, 0), LATER);

    outcome = outcome_of(NGX_COMET_OUTCOME_RESET, 500);
    assert_false(ngx_comet_outcome_asks_body(&outcome));
}


static void
test_waits(void **state)
{
    ngx_comet_backoff_t  backoff = { 500, 8000 };
    ngx_comet_outcome_t  outcome;

    (void) state;

    outcome = outcome_of(NGX_COMET_OUTCOME_STATUS, 429);
    assert_int_equal(ngx_comet_outcome_wait(&outcome, &backoff, 2, UINT32_MAX),
                     1000);

    outcome.retry_after = 0;
    assert_int_equal(ngx_comet_outcome_wait(&outcome, &backoff, 2, UINT32_MAX),
                     1000);

    outcome.retry_after = 3;
    assert_int_equal(ngx_comet_outcome_wait(&outcome, &backoff, 2, UINT32_MAX),
                     3);

    outcome.retry_after = 8000;
    assert_int_equal(ngx_comet_outcome_wait(&outcome, &backoff, 1, 0), 8000);

    outcome.retry_after = 8001;
    assert_int_equal(ngx_comet_outcome_wait(&outcome, &backoff, 1, 0), -1);
}


static int
at_fault(const char *body)
{
    int     rc;
    char   *copy;
    size_t  len;

    len = strlen(body);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, body, len);

    rc = ngx_comet_outcome_at_fault(copy, len);
    free(copy);

    return rc;
}


static void
test_error_bodies(void **state)
{
    size_t  i;

    static const char *const  yes[] = {
        "{\"error\":{\"type\":\"invalid_request_error\"}}",
        "{\"error\":{\"message\":\"m\",\"code\":\"invalid_request\"}}",
        "{\"error\":{\"code\":null,\"type\":\"invalid_request_body\","
        "\"x\":[1]}}",
        " { \"error\" : { \"type\" : \"invalid\\u005frequest_error\" } } ",
        "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\"}}",
        "{\"error\":{\"type\":\"a\",\"type\":\"invalid_request\"}}",
        "{\"error\":\"text\",\"code\":\"invalid_request\"}",
        "{\"error\":{\"type\":\"t\"},\"code\":\"invalid_request\"}",
        "{\"\\u0065rror\":{\"type\":\"invalid_request_error\"}}",

        /* it is cut off behind that */
        "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"inv",
    };

    static const char *const  no[] = {
        "",
        "invalid_request_error",
        "\"invalid_request_error\"",
        "null",
        "{}",
        "{\"error\":{\"message\":\"invalid_request_error\"}}",
        "{\"error\":{\"type\":\"api_error\",\"code\":\"bad_response\"}}",
        "{\"error\":{\"type\":\"not_an_invalid_request\"}}",
        "{\"error\":{\"type\":\"Invalid_request_error\"}}",
        "{\"error\":{\"type\":\"invalid_reques\"}}",
        "{\"error\":{\"type\":[\"invalid_request_error\"]}}",
        "{\"error\":{\"type\":{\"type\":\"invalid_request_error\"}}}",
        "{\"error\":{\"code\":{\"code\":\"invalid_request\"}}}",
        "{\"error\":{\"inner\":{\"type\":\"invalid_request_error\"}}}",
        "{\"error\":[{\"type\":\"invalid_request_error\"}]}",
        "{\"data\":{\"type\":\"invalid_request_error\"}}",
        "{\"data\":{\"error\":{\"type\":\"invalid_request_error\"}}}",
        "{\"Error\":{\"type\":\"invalid_request_error\"}}",
        "[{\"error\":{\"type\":\"invalid_request_error\"}}]",
        "{\"error\":{\"type\":500}}",

        /* what is not JSON says nothing from there on */
        "{\"a\" \"b\",\"error\":{\"type\":\"invalid_request_error\"}}",
        "<html>{\"error\":{\"type\":\"invalid_request_error\"}}",
        "{\"error\":{\"message\":\"cut, \\\"type\\\":\\\"invalid_request_er",
    };

    (void) state;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        assert_true(at_fault(yes[i]));
    }

    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        assert_false(at_fault(no[i]));
    }
}


static void
test_a_long_error_body(void **state)
{
    char    *body, *p;
    size_t   size;

    static const char  head[] = "{\"error\":{\"message\":\"";
    static const char  tail[] = "\",\"type\":\"invalid_request_error\"}}";
    static const char  deep[] = "{\"error\":{\"param\":";

    (void) state;

    size = 65536;
    body = malloc(size);
    assert_non_null(body);

    memset(body, 'm', size);
    memcpy(body, head, sizeof(head) - 1);
    memcpy(body + size - (sizeof(tail) - 1), tail, sizeof(tail) - 1);

    assert_true(ngx_comet_outcome_at_fault(body, size));
    assert_false(ngx_comet_outcome_at_fault(body, size - 30));

    p = body + sizeof(deep) - 1;
    memset(body, '[', size);
    memcpy(body, deep, sizeof(deep) - 1);
    assert_false(ngx_comet_outcome_at_fault(body, size));

    memset(p, '{', (size_t) (body + size - p));
    assert_false(ngx_comet_outcome_at_fault(body, size));

    free(body);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_what_is_not_configured_passes),
        cmocka_unit_test(test_names_of_the_directive),
        cmocka_unit_test(test_a_request_at_fault_is_not_tried_again),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_error_bodies),
        cmocka_unit_test(test_a_long_error_body),
    };

    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
