#include "ngx_comet_pattern.h"

#include <stdio.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH  8
#include <pcre2.h>

#include "ngx_comet_glob.h"
#include "ngx_comet_name.h"


/* a name of a model needs a few dozen; an expression that blows up, any */

#define NGX_COMET_MATCH_LIMIT  10000


int
ngx_comet_pattern_compile(ngx_comet_pattern_t *pattern, const char *text,
    size_t len, unsigned loose, char *error, size_t size)
{
    int                   number;
    size_t                offset;
    unsigned char         said[128];
    pcre2_match_context  *context;

    memset(pattern, 0, sizeof(ngx_comet_pattern_t));

    pattern->text = text;
    pattern->len = len;
    pattern->loose = loose;

    if (len == 0 || text[0] != '~') {
        return 0;
    }

    pattern->code = pcre2_compile((PCRE2_SPTR) text + 1, len - 1,
                                  PCRE2_NEVER_BACKSLASH_C
                                  | (loose ? PCRE2_CASELESS : 0),
                                  &number, &offset, NULL);
    if (pattern->code == NULL) {
        pcre2_get_error_message(number, said, sizeof(said));
        snprintf(error, size, "%s at \"%s\"", (char *) said,
                 text + 1 + offset);
        return -1;
    }

    context = pcre2_match_context_create(NULL);
    pattern->context = context;
    pattern->match = pcre2_match_data_create(1, NULL);

    if (context == NULL || pattern->match == NULL) {
        ngx_comet_pattern_free(pattern);
        snprintf(error, size, "no memory");
        return -1;
    }

    pcre2_set_match_limit(context, NGX_COMET_MATCH_LIMIT);

    return 0;
}


static int
ngx_comet_pattern_fits(const ngx_comet_pattern_t *pattern, const char *text,
    size_t len)
{
    int  rc;

    if (pattern->code == NULL) {
        return pattern->loose
               ? ngx_comet_glob_match_nocase(pattern->text, pattern->len, text,
                                             len)
               : ngx_comet_glob_match(pattern->text, pattern->len, text, len);
    }

    rc = pcre2_match(pattern->code, (PCRE2_SPTR) text, len, 0, 0,
                     pattern->match, pattern->context);

    if (rc == PCRE2_ERROR_NOMATCH) {
        return 0;
    }

    return rc >= 0 ? 1 : -1;
}


int
ngx_comet_pattern_match(const ngx_comet_pattern_t *pattern, const char *text,
    size_t len)
{
    int          rc;
    size_t       n;
    const char  *proper;

    if (!pattern->loose) {
        return ngx_comet_pattern_fits(pattern, text, len);
    }

    if (pattern->len == 1 && pattern->text[0] == '*') {
        return 1;
    }

    if (!ngx_comet_name_certain(text, len)) {
        return -1;
    }

    rc = ngx_comet_pattern_fits(pattern, text, len);

    n = len;
    proper = ngx_comet_name_proper(text, &n);

    return rc == 0 && n != len ? ngx_comet_pattern_fits(pattern, proper, n)
                               : rc;
}


void
ngx_comet_pattern_free(ngx_comet_pattern_t *pattern)
{
    pcre2_match_data_free(pattern->match);
    pcre2_match_context_free(pattern->context);
    pcre2_code_free(pattern->code);
}
