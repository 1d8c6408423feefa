#include "unit.h"

#include <stdio.h>

#include "ngx_comet_endpoint.h"
#include "ngx_comet_glob.h"
#include "ngx_comet_path.h"


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
    { "/v1/responses/compact", "responses.compact", NGX_COMET_POST },
    { "/v1/responses/input_tokens", "responses.input_tokens",
      NGX_COMET_POST },
    { "/v1/responses/compact/cancel", "responses.cancel", NGX_COMET_POST },
    { "/v1/responses/Compact", "responses.retrieve",
      READ|NGX_COMET_DELETE },
    { "/v1/models/gpt-5/", NULL, 0 },
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

        if (endpoint->part == NULL) {
            assert_null(ngx_comet_path_wrong(endpoint->path,
                                             strlen(endpoint->path)));
            assert_null(ngx_comet_path_sent_wrong(endpoint->path,
                                                  strlen(endpoint->path), 0));
        }
    }
}


static const struct {
    const char  *path;
    const char  *name;
} alikes[] = {
    { "/V1/Chat/COMPLETIONS//", "chat.completions" },
    { "/v1/responses/", "responses" },
    { "/v1/Responses/Compact/", "responses.compact" },
    { "/V1/responses/resp_A/", "responses.retrieve" },
    { "/v1/models/GPT-5/", "models.retrieve" },
    { "/v1/chat/completion", NULL },
    { "/v1/", NULL },
    { "/", NULL },
};


static void
test_alikes(void **state)
{
    size_t                       i;
    const ngx_comet_endpoint_t  *endpoint;

    (void) state;

    for (i = 0; i < sizeof(alikes) / sizeof(alikes[0]); i++) {

        endpoint = ngx_comet_endpoint_alike(alikes[i].path,
                                            strlen(alikes[i].path));

        if (alikes[i].name == NULL) {
            assert_null(endpoint);
            continue;
        }

        assert_non_null(endpoint);
        assert_string_equal(endpoint->name, alikes[i].name);
    }
}


static const struct {
    const char  *path;
    int          right;
} parts[] = {
    { "/v1/models/vendor/gpt-5.4:free@1+x_y", 1 },
    { "/v1/models/gpt=5", 0 },
    { "/v1/models/gpt!", 0 },
    { "/v1/responses/resp_0-9aZ.:=", 1 },
    { "/v1/responses/resp@1", 0 },
    { "/v1/responses/resp_1/cancel", 1 },
    { "/v1/responses/resp~1/cancel", 0 },
    { "/v1/responses/$/input_items", 0 },
    { "/v1/chat/completions", 1 },
};


static void
test_parts(void **state)
{
    size_t                       i, len;
    const ngx_comet_endpoint_t  *endpoint;

    (void) state;

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        len = strlen(parts[i].path);

        endpoint = ngx_comet_endpoint_find(parts[i].path, len);
        assert_non_null(endpoint);
        assert_int_equal(ngx_comet_endpoint_part_is_right(endpoint,
                                                          parts[i].path, len),
                         parts[i].right);
    }
}


static const struct {
    const char  *sent;
    int          slash;
    const char  *wrong;
} sent[] = {
    { "/v1/models", 0, NULL },
    { "/v1//models", 0, NULL },
    { "/v1/models?a=%2F;\\x/../..", 0, NULL },
    { "/v1/a-b._~!$&'()*+,=:@9", 0, NULL },
    { "/v1/%61%3A%5f%2e5", 0, NULL },
    { "/v1/models/a%2Fb", 1, NULL },
    { "/v1/models/a%2fb", 0, "an escaped slash" },
    { "/v1/models/..%2fb", 1, "a dot at the end of a segment" },
    { "/v1/models/..\\files", 1, "a backslash" },
    { "/v1/models/..%5cfiles", 1, "a backslash" },
    { "/v1/chat/completions;x=1", 0, "a semicolon" },
    { "/v1/chat/completions%3bx=1", 0, "a semicolon" },
    { "/v1/chat/completions%20", 0, "a space" },
    { "/v1/chat/completions%09", 0, "a control character" },
    { "/v1/chat/completions%7f", 0, "a control character" },
    { "/v1/chat/completions%00", 0, "a control character" },
    { "/v1/chat/completions%C2%A0", 0, "a character that is not ASCII" },
    { "/v1/chat/completions.", 0, "a dot at the end of a segment" },
    { "/v1/chat/completions%2E", 0, "a dot at the end of a segment" },
    { "/v1./chat", 0, "a dot at the end of a segment" },
    { "/v1/../v1/models", 0, "a dot at the end of a segment" },
    { "/v1/./models", 0, "a dot at the end of a segment" },
    { "/v1/%2e./models", 0, "a dot at the end of a segment" },
    { "/v1/..?x", 0, "a dot at the end of a segment" },
    { "/v1/models%3Fx", 0, "an escaped question mark" },
    { "/v1/models#x", 0, "a number sign" },
    { "/v1/models?a#x", 0, "a number sign" },
    { "/v1/models%23x", 0, "a number sign" },
    { "/v1/models%252e", 0, "an escaped percent sign" },
    { "/v1/models%", 0, "an escaped percent sign" },
    { "/v1/models%4", 0, "an escaped percent sign" },
    { "/v1/models%zz", 0, "an escaped percent sign" },
    { "/v1/<x>", 0, "a character that is none of a path" },
    { "/v1/a|b", 0, "a character that is none of a path" },
    { "/v1/a\"b", 0, "a character that is none of a path" },
};


static void
test_paths(void **state)
{
    size_t       i, len;
    char        *path;
    const char  *wrong;

    (void) state;

    for (i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {

        len = strlen(sent[i].sent);
        path = malloc(len);
        assert_non_null(path);
        path = memcpy(path, sent[i].sent, len);

        wrong = ngx_comet_path_sent_wrong(path, len, sent[i].slash);
        free(path);

        if (sent[i].wrong == NULL) {
            assert_null(wrong);
            continue;
        }

        assert_non_null(wrong);
        assert_string_equal(wrong, sent[i].wrong);
    }

    assert_null(ngx_comet_path_wrong("/v1/models/a.b", 14));
    assert_null(ngx_comet_path_wrong("/", 1));
    assert_string_equal(ngx_comet_path_wrong("/v1//models", 11),
                        "two slashes in a row");
    assert_string_equal(ngx_comet_path_wrong("/v1/a./b", 8),
                        "a dot at the end of a segment");
    assert_string_equal(ngx_comet_path_wrong("/v1/a.", 6),
                        "a dot at the end of a segment");
    assert_string_equal(ngx_comet_path_wrong("/v1/a%41", 8),
                        "an escaped percent sign");
}


/* whatever is sent and passes is read by the module as by any other reader */

static void
test_every_character(void **state)
{
    int   c, right;
    char  plain[] = "/v1/x?y", escaped[16];

    (void) state;

    for (c = 0; c < 256; c++) {

        right = c && (strchr("-_~!$&'()*+,=:@", c) != NULL
                      || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
                      || (c >= 'A' && c <= 'Z'));

        snprintf(escaped, sizeof(escaped), "/v1/%%%02x", c);

        assert_int_equal(ngx_comet_path_sent_wrong(escaped, strlen(escaped), 0)
                         == NULL, right);

        plain[4] = (char) c;

        assert_int_equal(ngx_comet_path_sent_wrong(plain, 7, 0) == NULL,
                         right || c == '/' || c == '?');
        assert_int_equal(ngx_comet_path_wrong(plain, 5) == NULL, right);
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
        cmocka_unit_test(test_alikes),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_every_character),
        cmocka_unit_test(test_globs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
