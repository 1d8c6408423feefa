#include "ngx_comet_retries.h"
#include "ngx_comet_outcome.h"


#define NGX_COMET_ATTEMPTS_MAX  10


typedef struct {
    ngx_str_t     name;         /* with its "=" */
    ngx_int_t   (*read)(ngx_str_t *value, void *to);
    size_t        offset;
    const char   *remedy;
} ngx_comet_retries_word_t;


static ngx_int_t ngx_comet_retries_attempts(ngx_str_t *value, void *to);
static ngx_int_t ngx_comet_retries_time(ngx_str_t *value, void *to);
static ngx_int_t ngx_comet_retries_share(ngx_str_t *value, void *to);
static ngx_int_t ngx_comet_retries_on(ngx_str_t *value, void *to);


ngx_comet_retries_t  ngx_comet_retries_default = {
    1, { 500, 8000 }, 20, NGX_COMET_RETRY_ALL
};


static ngx_comet_retries_word_t  ngx_comet_retries_words[] = {

    { ngx_string("attempts="), ngx_comet_retries_attempts,
      offsetof(ngx_comet_retries_t, attempts),
      "write how many attempts a request has in all, from 1 to 10, as in "
      "attempts=3" },

    { ngx_string("base="), ngx_comet_retries_time,
      offsetof(ngx_comet_retries_t, backoff.base),
      "write a time above 0, as in base=500ms" },

    { ngx_string("max="), ngx_comet_retries_time,
      offsetof(ngx_comet_retries_t, backoff.max),
      "write a time above 0, as in max=8s" },

    { ngx_string("budget="), ngx_comet_retries_share,
      offsetof(ngx_comet_retries_t, budget),
      "write which share of the calls may be retries, from 1% to 100%, as in "
      "budget=20%" },

    { ngx_string("on="), ngx_comet_retries_on,
      offsetof(ngx_comet_retries_t, on),
      "write what is tried again, as in on=error,timeout,http_429; the "
      "words are error, timeout, invalid and http_408, 429, 500, 502, 503, "
      "504, 524 and 529" },

    { ngx_null_string, NULL, 0, NULL }
};


static ngx_int_t
ngx_comet_retries_attempts(ngx_str_t *value, void *to)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n < 1 || n > NGX_COMET_ATTEMPTS_MAX) {
        return NGX_ERROR;
    }

    *(ngx_uint_t *) to = n;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_retries_time(ngx_str_t *value, void *to)
{
    ngx_int_t  ms;

    ms = ngx_parse_time(value, 0);

    if (ms == NGX_ERROR || ms == 0) {
        return NGX_ERROR;
    }

    *(uint64_t *) to = ms;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_retries_share(ngx_str_t *value, void *to)
{
    ngx_int_t  n;

    if (value->len < 2 || value->data[value->len - 1] != '%') {
        return NGX_ERROR;
    }

    n = ngx_atoi(value->data, value->len - 1);

    if (n < 1 || n > 100) {
        return NGX_ERROR;
    }

    *(ngx_uint_t *) to = n;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_retries_on(ngx_str_t *value, void *to)
{
    u_char                      *p, *last, *end;
    ngx_uint_t                   on;
    const ngx_comet_retry_on_t  *row;

    on = 0;
    last = value->data + value->len;

    for (p = value->data; p <= last; p = end + 1) {

        end = ngx_strlchr(p, last, ',');
        if (end == NULL) {
            end = last;
        }

        for (row = ngx_comet_retry_ons; row->name; row++) {
            if (ngx_strlen(row->name) == (size_t) (end - p)
                && ngx_strncmp(row->name, p, end - p) == 0)
            {
                break;
            }
        }

        if (row->name == NULL) {
            return NGX_ERROR;
        }

        on |= row->on;
    }

    *(ngx_uint_t *) to = on;

    return NGX_OK;
}


static char *
ngx_comet_retries_read(ngx_conf_t *cf, ngx_comet_retries_t *retries,
    ngx_str_t *argument, ngx_uint_t *seen)
{
    ngx_str_t                  value;
    ngx_uint_t                 bit;
    ngx_comet_retries_word_t  *word;

    for (word = ngx_comet_retries_words; word->name.len; word++) {

        if (argument->len < word->name.len
            || ngx_strncmp(argument->data, word->name.data, word->name.len)
               != 0)
        {
            continue;
        }

        bit = 1 << (word - ngx_comet_retries_words);

        if (*seen & bit) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate \"%V\" in \"comet_retry\"",
                               argument);
            return NGX_CONF_ERROR;
        }

        *seen |= bit;

        value.data = argument->data + word->name.len;
        value.len = argument->len - word->name.len;

        if (word->read(&value, (char *) retries + word->offset) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\" in \"comet_retry\": %s",
                               argument, word->remedy);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid word \"%V\" in \"comet_retry\": write \"off\", "
                       "or some of attempts=3 base=500ms max=8s budget=20%% "
                       "on=error,timeout,http_429", argument);
    return NGX_CONF_ERROR;
}


char *
ngx_comet_retries(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t            *value;
    ngx_uint_t            i, seen;
    ngx_comet_retries_t  *retries, **to;

    to = (ngx_comet_retries_t **) ((char *) conf + cmd->offset);

    if (*to != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    retries = ngx_palloc(cf->pool, sizeof(ngx_comet_retries_t));
    if (retries == NULL) {
        return NGX_CONF_ERROR;
    }

    *retries = ngx_comet_retries_default;
    *to = retries;

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    retries->attempts = 3;
    seen = 0;

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_comet_retries_read(cf, retries, &value[i], &seen)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (retries->backoff.base > retries->backoff.max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "in \"comet_retry\" \"base\" is more than \"max\": "
                           "the first wait is up to base, each further one "
                           "up to twice that, and none more than max");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
