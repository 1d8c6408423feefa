#include "unit.h"

#include "ngx_comet_model.h"
#include "ngx_comet_name.h"
#include "ngx_comet_pattern.h"


#define bytes(text)  text, sizeof(text) - 1

/* the escapes of these are cut short */

#define KELVIN  "\xe2\x84\xaa"
#define LONG_S  "\xc5\xbf"
#define DOT_I   "\xc4\xb0"


static const struct {
    const char  *name;
    size_t       len;
    int          usable;
    int          certain;
} names[] = {
    { bytes("gpt-5.4-pro"), 1, 1 },
    { bytes("GPT-5.4"), 1, 1 },
    { bytes("openai/gpt-5.4"), 1, 1 },
    { bytes("my model"), 1, 1 },
    { bytes("~!@#$%^&*()_+`{}|:\"<>?[]\\;',./"), 1, 1 },
    { bytes(""), 1, 1 },

    /* white space of ASCII and control characters */

    { bytes(" gpt"), 0, 0 },
    { bytes("gpt "), 0, 0 },
    { bytes(" "), 0, 0 },
    { bytes("\tgpt"), 0, 0 },
    { bytes("gpt\n"), 0, 0 },
    { bytes("gpt\r"), 0, 0 },
    { bytes("gpt\v"), 0, 0 },
    { bytes("gpt\0"), 0, 0 },
    { bytes("g\0t"), 0, 0 },
    { bytes("g\x1ft"), 0, 0 },
    { bytes("gpt\x7f"), 0, 0 },
    { bytes("g\x7ft"), 0, 0 },

    /* and of Unicode, which may be within a name */

    { bytes("gpt\xc2\x80"), 0, 0 },
    { bytes("gpt\xc2\x85"), 0, 0 },
    { bytes("gpt\xc2\xa0"), 0, 0 },
    { bytes("\xc2\xa0gpt"), 0, 0 },
    { bytes("gpt\xc2\xa0x"), 1, 0 },
    { bytes("gpt\xc2\xad"), 0, 0 },
    { bytes("gpt\xe1\x9a\x80"), 0, 0 },
    { bytes("\xe2\x80\x80gpt"), 0, 0 },
    { bytes("gpt\xe2\x80\x8a"), 0, 0 },
    { bytes("gpt\xe2\x80\x8b"), 0, 0 },
    { bytes("gpt\xe2\x80\x8d"), 0, 0 },
    { bytes("\xe2\x80\x8egpt"), 0, 0 },
    { bytes("gpt\xe2\x80\xa8"), 0, 0 },
    { bytes("gpt\xe2\x80\xa9"), 0, 0 },
    { bytes("gpt\xe2\x80\xae"), 0, 0 },
    { bytes("gpt\xe2\x80\xaf"), 0, 0 },
    { bytes("gpt\xe2\x81\x9f"), 0, 0 },
    { bytes("gpt\xe2\x81\xa0"), 0, 0 },
    { bytes("gpt\xe3\x80\x80"), 0, 0 },
    { bytes("gpt\xef\xb8\x8f"), 0, 0 },
    { bytes("\xef\xbb\xbfgpt"), 0, 0 },
    { bytes("gpt\xef\xbb\xbf"), 0, 0 },
    { bytes("gpt\xf3\xa0\x80\xa0"), 0, 0 },
    { bytes("g\xe2\x80\x8bt"), 1, 0 },

    /* beside a slash a space may be trimmed too */

    { bytes("openai/ gpt"), 1, 0 },
    { bytes("openai /gpt"), 1, 0 },

    /* letters that some readers fold to those of ASCII, and others */

    { bytes("deepsee" KELVIN), 1, 0 },
    { bytes(LONG_S "onar"), 1, 0 },
    { bytes("gem" DOT_I "ni"), 1, 0 },
    { bytes("gpt-5.4-pr\xc3\xb3"), 1, 0 },
    { bytes("\xef\xbd\x87pt"), 1, 0 },
    { bytes("\xe9\x80\x9a\xe4\xb9\x89"), 1, 0 },
    { bytes("k\xc3\xbchn"), 1, 0 },
    { bytes("\xe2\x80\xa6"), 1, 0 },

    /* what a path may hold */

    { bytes("gpt\xff"), 0, 0 },
    { bytes("\x80"), 0, 0 },
    { bytes("\xe2\x80"), 0, 0 },
    { bytes("\xc3"), 0, 0 },
};


static void
test_names(void **state)
{
    char    *name;
    size_t   i, len;

    (void) state;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        len = names[i].len;

        /* of exact size, so that one byte too far is found */

        name = malloc(len + (len == 0));
        memcpy(name, names[i].name, len);

        if (ngx_comet_name_usable(name, len) != names[i].usable
            || ngx_comet_name_certain(name, len) != names[i].certain)
        {
            fail_msg("name %zu, \"%s\"", i, names[i].name);
        }

        free(name);
    }
}


static void
test_proper(void **state)
{
    size_t       i, len;
    const char  *name;

    static const struct {
        const char  *name;
        const char  *proper;
    } rows[] = {
        { "gpt", "gpt" }, { "openai/gpt", "gpt" }, { "a/b/c", "c" },
        { "/gpt", "gpt" }, { "gpt/", "gpt" }, { "openai/gpt//", "gpt" },
        { "", "" }, { "/", "" }, { "///", "" },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        len = strlen(rows[i].name);
        name = ngx_comet_name_proper(rows[i].name, &len);

        assert_int_equal(len, strlen(rows[i].proper));
        assert_memory_equal(name, rows[i].proper, len);
    }
}


/* what a pattern of a list of what is allowed says, and one of the others */

static const struct {
    const char  *pattern;
    const char  *name;
    int          exact;
    int          loose;
} matches[] = {
    { "gpt-*-pro", "gpt-5.4-pro", 1, 1 },
    { "gpt-*-pro", "GPT-5.4-PRO", 0, 1 },
    { "GPT-*-Pro", "gpt-5.4-pro", 0, 1 },
    { "gpt-*-pro", "gpt-5.4-Pro", 0, 1 },
    { "gpt-*-pro", "gpt-5.4-mini", 0, 0 },
    { "*", "GPT", 1, 1 },
    { "*", "\xe9\x80\x9a", 1, 1 },
    { "*", " gpt", 1, 1 },
    { "[gpt]*", "{gpt}-5", 0, 0 },
    { "gpt@*", "gpt`5", 0, 0 },

    /* a vendor before the name, and slashes behind it */

    { "gpt-*-pro", "openai/gpt-5.4-pro", 0, 1 },
    { "gpt-*-pro", "OpenAI/GPT-5.4-PRO", 0, 1 },
    { "gpt-*-pro", "a/b/gpt-5.4-pro/", 0, 1 },
    { "gpt-*-pro", "gpt-5.4-pro/", 0, 1 },
    { "gpt-*-pro", "/gpt-5.4-pro", 0, 1 },
    { "openai/*", "OpenAI/gpt", 0, 1 },
    { "openai/*", "gpt", 0, 0 },
    { "gpt-5", "gpt-5/x", 0, 0 },

    /* names of which two readers may think differently */

    { "gpt-*-pro", "gpt-5.4-pro ", 0, -1 },
    { "gpt-*-pro", "gpt-5.4-pro\xc2\xa0", 0, -1 },
    { "gpt-*-pro", "openai/ gpt-5.4-pro", 0, -1 },
    { "gpt-*-pro", "gpt-5.4-pr\xc3\xb3", 0, -1 },
    { "deepseek*", "deepsee" KELVIN "-v3", 0, -1 },
    { "deepsee*", "deepsee" KELVIN "-v3", 1, -1 },

    /* expressions */

    { "~^gpt-.*-pro$", "GPT-5.4-PRO", 0, 1 },
    { "~^gpt-.*-pro$", "openai/gpt-5.4-pro", 0, 1 },
    { "~^gpt-.*-pro$", "openai/gpt-5.4-mini", 0, 0 },
    { "~^gpt-.*-pro$", "gpt-5.4-pr\xc3\xb3", 0, -1 },
    { "~(?-i)PRO", "gpt-5.4-pro", 0, 0 },
    { "~(?i)^GPT", "gpt-5.4-pro", 1, 1 },
    { "~^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", -1, -1 },
};


static int
match(const char *text, unsigned loose, const char *name)
{
    int                  rc;
    char                 error[128];
    ngx_comet_pattern_t  pattern;

    assert_int_equal(ngx_comet_pattern_compile(&pattern, text, strlen(text),
                                               loose, error, sizeof(error)),
                     0);

    rc = ngx_comet_pattern_match(&pattern, name, strlen(name));

    ngx_comet_pattern_free(&pattern);

    return rc;
}


static void
test_patterns(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
        if (match(matches[i].pattern, 0, matches[i].name) != matches[i].exact
            || match(matches[i].pattern, 1, matches[i].name)
               != matches[i].loose)
        {
            fail_msg("%s %s", matches[i].pattern, matches[i].name);
        }
    }
}


/* a family is known in any case */

static void
test_families(void **state)
{
    size_t                       i;
    const ngx_comet_provider_t  *provider;

    static const struct {
        const char       *name;
        const char       *provider;
        ngx_comet_cap_e   cap;
        unsigned          responses_only;
    } rows[] = {
        { "O3-Mini", "openai", NGX_COMET_CAP_COMPLETION_TOKENS, 0 },
        { "O1-PRO", "openai", NGX_COMET_CAP_COMPLETION_TOKENS, 1 },
        { "OpenAI/O1-Pro/", "openai", NGX_COMET_CAP_COMPLETION_TOKENS, 1 },
        { "GPT-5.4", "openai", NGX_COMET_CAP_COMPLETION_TOKENS, 0 },
        { "Gpt-10", "openai", NGX_COMET_CAP_COMPLETION_TOKENS, 0 },
        { "GPT-4.1", "openai", NGX_COMET_CAP_EITHER, 0 },
        { "GPT-4o", "openai", NGX_COMET_CAP_TOKENS, 0 },
        { "ChatGPT-4o-latest", "openai", NGX_COMET_CAP_TOKENS, 0 },
        { "Claude-X", "claude", NGX_COMET_CAP_TOKENS, 0 },
        { "anthropic/CLAUDE-X", "claude", NGX_COMET_CAP_TOKENS, 0 },
        { "Models/Gemini-X", "gemini", NGX_COMET_CAP_TOKENS, 0 },
        { "Olmo", "other", NGX_COMET_CAP_AS_SENT, 0 },
        { "O3x", "other", NGX_COMET_CAP_AS_SENT, 0 },
        { "", "other", NGX_COMET_CAP_AS_SENT, 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        provider = ngx_comet_model_provider(rows[i].name,
                                            strlen(rows[i].name));

        assert_string_equal(provider->name, rows[i].provider);
        assert_int_equal(provider->cap, rows[i].cap);
        assert_int_equal(provider->responses_only, rows[i].responses_only);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_proper),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_families),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
