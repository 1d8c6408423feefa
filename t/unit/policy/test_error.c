#include "unit.h"

#include <cjson/cJSON.h>

#include "ngx_comet_error.h"


static void
test_statuses(void **state)
{
    int                status;
    ngx_comet_error_t  error;

    (void) state;

    for (status = 400; status < 600; status++) {
        error = ngx_comet_error_of_status(status);

        assert_int_equal(error.status, status);
        assert_non_null(error.message);
        assert_non_null(error.type);
    }

    assert_string_equal(ngx_comet_error_of_status(429).type,
                        "rate_limit_error");
    assert_string_equal(ngx_comet_error_of_status(403).type,
                        "permission_error");
    assert_string_equal(ngx_comet_error_of_status(504).type, "api_error");
    assert_string_equal(ngx_comet_error_of_status(418).type,
                        "invalid_request_error");
    assert_non_null(strstr(ngx_comet_error_of_status(413).message,
                           "client_max_body_size"));
}


static void
test_print(void **state)
{
    char               *text;
    cJSON              *root, *object;
    ngx_comet_error_t   error;

    (void) state;

    memset(&error, 0, sizeof(error));
    error.type = "t";
    error.param = "a\"b\\c\n\x01";
    error.message = "\xd0\xbf";

    text = ngx_comet_error_print(&error);
    assert_non_null(text);
    assert_null(strchr(text, '\n'));

    root = cJSON_Parse(text);
    assert_non_null(root);

    object = cJSON_GetObjectItem(root, "error");
    assert_int_equal(cJSON_GetArraySize(object), 4);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(object, "code")));
    assert_string_equal(cJSON_GetObjectItem(object, "param")->valuestring,
                        error.param);
    assert_string_equal(cJSON_GetObjectItem(object, "message")->valuestring,
                        error.message);

    cJSON_Delete(root);
    free(text);
}


static int   allocations_left;


static void *
failing_malloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}


static void
test_print_without_memory(void **state)
{
    int                n;
    char              *text;
    cJSON_Hooks        hooks;
    ngx_comet_error_t  error;

    (void) state;

    error = ngx_comet_error_of_status(404);

    hooks.malloc_fn = failing_malloc;
    hooks.free_fn = free;
    cJSON_InitHooks(&hooks);

    for (n = 0, text = NULL; text == NULL; n++) {
        assert_true(n < 100);
        allocations_left = n;
        text = ngx_comet_error_print(&error);
    }

    assert_true(n > 4);
    free(text);

    cJSON_InitHooks(NULL);
}


static void
test_clean(void **state)
{
    size_t       i;
    char         text[32];

    static const char  *cases[][2] = {
        { "", "" },
        { "plain", "plain" },
        { "\xd0\xbf\xe4\xbd\xa0\xf0\x9f\x98\x80",
          "\xd0\xbf\xe4\xbd\xa0\xf0\x9f\x98\x80" },
        { "a\xff", "a?" },
        { "\xc0\xaf", "??" },
        { "\xe0\x80\xaf", "???" },
        { "\xed\xa0\x80", "???" },
        { "\xf4\x90\x80\x80", "????" },
        { "\xe4\xbd", "??" },
        { "\xf0\x9f\x98", "???" },
        { "\x80z", "?z" },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        strcpy(text, cases[i][0]);
        ngx_comet_text_clean(text);
        assert_string_equal(text, cases[i][1]);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_print_without_memory),
        cmocka_unit_test(test_clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
