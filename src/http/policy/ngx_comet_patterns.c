#include "ngx_comet_patterns.h"


static void
ngx_comet_pattern_cleanup(void *data)
{
    ngx_comet_pattern_free(data);
}


char *
ngx_comet_patterns(ngx_conf_t *cf, ngx_array_t **list, unsigned loose)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (*list == NGX_CONF_UNSET_PTR) {
        *list = ngx_array_create(cf->pool, 4, sizeof(ngx_comet_pattern_t));
        if (*list == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_comet_pattern_set(cf, ngx_array_push(*list), &value[i], loose)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


u_char *
ngx_comet_pattern_alien(ngx_str_t *text)
{
    u_char  *p, *last;

    last = text->data + text->len;

    for (p = text->data; p < last; p++) {
        if (*p <= ' ' || ngx_strchr("?[]{}()|^$\\,;!\"'", *p)) {
            return p;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_comet_pattern_check(ngx_conf_t *cf, ngx_str_t *text)
{
    u_char     *alien;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (text->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" has an empty pattern", &value[0]);
        return NGX_ERROR;
    }

    if (text->data[0] == '~') {

        if (text->len == 1 || text->data[1] == '*') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid regular expression \"%V\" in \"%V\": "
                               "write it as in ~^o[0-9], or in any case as in "
                               "~(?i)^o[0-9]", text, &value[0]);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    alien = ngx_comet_pattern_alien(text);

    if (alien == NULL) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid pattern \"%V\" in \"%V\": \"%c\" means "
                       "nothing in it, only \"*\" does; write patterns apart, "
                       "as in gpt-5* claude-*, or a regular expression, as in "
                       "~^(gpt-5|claude-)", text, &value[0], *alien);

    return NGX_ERROR;
}


ngx_int_t
ngx_comet_pattern_set(ngx_conf_t *cf, ngx_comet_pattern_t *pattern,
    ngx_str_t *text, unsigned loose)
{
    char                 error[128];
    ngx_str_t           *value;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_comet_pattern_t));

    if (pattern == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    value = cf->args->elts;

    if (ngx_comet_pattern_check(cf, text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_comet_pattern_compile(pattern, (char *) text->data, text->len,
                                  loose, error, sizeof(error))
        != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid regular expression \"%V\" in \"%V\": %s",
                           text, &value[0], error);
        return NGX_ERROR;
    }

    /* the pattern itself may move with its array */

    *(ngx_comet_pattern_t *) cln->data = *pattern;
    cln->handler = ngx_comet_pattern_cleanup;

    return NGX_OK;
}


ngx_uint_t
ngx_comet_pattern_covers(ngx_comet_pattern_t *pattern,
    ngx_comet_pattern_t *other)
{
    size_t  i;

    if (pattern->code) {
        return 0;
    }

    for (i = 0; i < pattern->len && pattern->text[i] == '*'; i++) {
        /* void */
    }

    /* an asterisk of the other can only be met by one of the pattern */

    return i == pattern->len
           || (other->code == NULL
               && ngx_comet_pattern_match(pattern, other->text, other->len)
                  == 1);
}
