#include "unit.h"

#include "ngx_comet_endpoint.h"
#include "ngx_comet_glob.h"


typedef struct {
    const char  *path;
    const char  *name;
    unsigned     methods;
} row_t;


#define READ  (NGX_COMET_GET|NGX_COMET_HEAD)

static const row_t  rows[] = {
    { "/v1/chat/completions", "chat.completions", NGX_COMET_POST },
    { "/v1/responses", "responses", NGX_COMET_POST },
    { "/v1/models", "models", READ },
    { "/v1/models/gpt-5", "models.retrieve", READ },
    { "/v1/models/vendor/gpt-5", "models.retrieve", READ },
    { "/v1/responses/resp_1", "responses.retrieve",
      READ|NGX_COMET_DELETE },
    { "/v1/responses/resp_1/cancel", "responses.cancel", NGX_COMET_POST },
    { "/v1/responses/resp_1/input_items", "responses.input_items", READ },
    { "", NULL, 0 },
    { "/", NULL, 0 },
    { "/v1", NULL, 0 },
    { "/v1/chat/completions/", NULL, 0 },
    { "/v1/chat/completion", NULL, 0 },
    { "/v1/models/", NULL, 0 },
    { "/v1/responses/", NULL, 0 },
    { "/v1/responses//cancel", NULL, 0 },
    { "/v1/responses/a/cancel/", NULL, 0 },
    { "/v1/responses/a/b", NULL, 0 },
    { "/V1/models", NULL, 0 },
};


static void
test_endpoints(void **state)
{
    size_t                       i;
    char                        *path;
    const ngx_comet_endpoint_t  *endpoint;

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {

        /* of exact size, so that one byte too far is found */

        path = malloc(strlen(rows[i].path) + (rows[i].path[0] == 0));
        assert_non_null(path);
        path = memcpy(path, rows[i].path, strlen(rows[i].path));

        endpoint = ngx_comet_endpoint_find(path, strlen(rows[i].path));
        free(path);

        if (rows[i].name == NULL) {
            assert_null(endpoint);
            continue;
        }

        assert_non_null(endpoint);
        assert_string_equal(endpoint->name, rows[i].name);
        assert_int_equal(endpoint->methods, rows[i].methods);
    }
}


static int
glob(const char *pattern, const char *text)
{
    return ngx_comet_glob_match(pattern, strlen(pattern), text, strlen(text));
}


static void
test_globs(void **state)
{
    char  text[4097];

    (void) state;

    assert_true(glob("", ""));
    assert_true(glob("*", ""));
    assert_true(glob("*", "anything"));
    assert_true(glob("gpt-5*", "gpt-5"));
    assert_true(glob("gpt-5*", "gpt-5.4-mini"));
    assert_true(glob("*-mini", "gpt-5.4-mini"));
    assert_true(glob("a*b*c", "a-b-b-c"));
    assert_true(glob("**a**", "bab"));
    assert_true(glob("/v1/images/*", "/v1/images/x/y"));

    assert_false(glob("", "a"));
    assert_false(glob("a", ""));
    assert_false(glob("gpt-5*", "gpt-4"));
    assert_false(glob("*-mini", "gpt-mini-x"));
    assert_false(glob("a*b*c", "a-c-b"));
    assert_false(glob("a?c", "abc"));

    /* what blows up a matcher that backtracks */

    memset(text, 'a', 4096);
    text[4096] = '\0';

    assert_false(glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab", text));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_globs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
