/*
 * The directives of a location: what is written is looked at here, so that a
 * mistake tells what to write; then a setter of nginx or of the module takes
 * it.
 */


#include "ngx_comet_set.h"
#include "ngx_comet_conf.h"


#define NGX_COMET_CHOICES_LEN  256


static ngx_uint_t ngx_comet_set_is_word(ngx_str_t *value,
    ngx_comet_setter_t *setter);
static ngx_uint_t ngx_comet_set_is_time(ngx_str_t *value,
    ngx_comet_setter_t *setter);
static ngx_uint_t ngx_comet_set_is_size(ngx_str_t *value,
    ngx_comet_setter_t *setter);
static ngx_uint_t ngx_comet_set_is_number(ngx_str_t *value,
    ngx_comet_setter_t *setter);
static ngx_uint_t ngx_comet_set_is_host(ngx_str_t *value,
    ngx_comet_setter_t *setter);
static ngx_uint_t ngx_comet_set_is_name(ngx_str_t *value,
    ngx_comet_setter_t *setter);


typedef ngx_uint_t (*ngx_comet_takes_pt)(ngx_str_t *value,
    ngx_comet_setter_t *setter);


static const struct {
    ngx_comet_takes_pt   takes;
    const char          *usage;
} ngx_comet_set_kinds[] = {
    [NGX_COMET_TAKES_ANYTHING] = { NULL, NULL },
    [NGX_COMET_TAKES_WORD] = { ngx_comet_set_is_word, NULL },
    [NGX_COMET_TAKES_TIME] = { ngx_comet_set_is_time,
                               "a time, as in 500ms, 30s or 10m" },
    [NGX_COMET_TAKES_SIZE] = { ngx_comet_set_is_size,
                               "a size, as in 8k or 1m" },
    [NGX_COMET_TAKES_NUMBER] = { ngx_comet_set_is_number, "a number" },
    [NGX_COMET_TAKES_HOST] = { ngx_comet_set_is_host,
                               "a name alone, as in api.cometapi.com" },
    [NGX_COMET_TAKES_HEADER] = { ngx_comet_set_is_name,
                                 "the name of a header alone, as in X-Team" }
};


static ngx_conf_enum_t  ngx_comet_on_off[] = {
    { ngx_string("on"), 1 },
    { ngx_string("off"), 0 },
    { ngx_null_string, 0 }
};

ngx_comet_setter_t  ngx_comet_takes_flag = {
    ngx_conf_set_enum_slot, NGX_COMET_TAKES_WORD, ngx_comet_on_off, 0
};

ngx_comet_setter_t  ngx_comet_takes_time = {
    ngx_conf_set_msec_slot, NGX_COMET_TAKES_TIME, NULL, 0
};

/* where zero would not be "off" but at once */

ngx_comet_setter_t  ngx_comet_takes_time_above_zero = {
    ngx_conf_set_msec_slot, NGX_COMET_TAKES_TIME, NULL, 1
};

ngx_comet_setter_t  ngx_comet_takes_size = {
    ngx_conf_set_size_slot, NGX_COMET_TAKES_SIZE, NULL, 0
};

ngx_comet_setter_t  ngx_comet_takes_number = {
    ngx_conf_set_num_slot, NGX_COMET_TAKES_NUMBER, NULL, 0
};

ngx_comet_setter_t  ngx_comet_takes_host = {
    ngx_http_set_complex_value_slot, NGX_COMET_TAKES_HOST, NULL, 0
};

ngx_comet_setter_t  ngx_comet_takes_header = {
    ngx_conf_set_str_array_slot, NGX_COMET_TAKES_HEADER, NULL, 0
};


static ngx_uint_t
ngx_comet_set_is_word(ngx_str_t *value, ngx_comet_setter_t *setter)
{
    ngx_conf_enum_t  *word;

    for (word = setter->words; word->name.len; word++) {
        if (word->name.len == value->len
            && ngx_strncasecmp(word->name.data, value->data, value->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_comet_set_is_time(ngx_str_t *value, ngx_comet_setter_t *setter)
{
    ngx_int_t  n;

    n = ngx_parse_time(value, 0);

    return n != NGX_ERROR && n >= setter->low;
}


static ngx_uint_t
ngx_comet_set_is_size(ngx_str_t *value, ngx_comet_setter_t *setter)
{
    return ngx_parse_size(value) != NGX_ERROR;
}


static ngx_uint_t
ngx_comet_set_is_number(ngx_str_t *value, ngx_comet_setter_t *setter)
{
    return ngx_atoi(value->data, value->len) != NGX_ERROR;
}


static ngx_uint_t
ngx_comet_set_is_host(ngx_str_t *value, ngx_comet_setter_t *setter)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] <= ' ' || ngx_strchr("/?#@\"'\\", value->data[i])) {
            return 0;
        }
    }

    return value->len != 0;
}


ngx_uint_t
ngx_comet_set_is_header(ngx_str_t *name)
{
    size_t  i;

    for (i = 0; i < name->len; i++) {
        if (!isalnum(name->data[i]) && !ngx_strchr("-_", name->data[i])) {
            return 0;
        }
    }

    return name->len != 0;
}


static ngx_uint_t
ngx_comet_set_is_name(ngx_str_t *value, ngx_comet_setter_t *setter)
{
    return ngx_comet_set_is_header(value);
}


/* "reject, repair or observe" */

static void
ngx_comet_set_choices(ngx_conf_enum_t *word, ngx_str_t *text)
{
    u_char  *p, *last;

    p = text->data;
    last = p + text->len;

    for ( /* void */ ; word->name.len; word++) {
        p = ngx_slprintf(p, last, "%V%s", &word->name,
                         word[1].name.len == 0 ? ""
                         : word[2].name.len == 0 ? " or " : ", ");
    }

    text->len = p - text->data;
}


static void
ngx_comet_set_usage(ngx_conf_t *cf, ngx_comet_setter_t *setter,
    ngx_str_t *wrong)
{
    u_char      text[NGX_COMET_CHOICES_LEN];
    ngx_str_t  *value, usage;

    value = cf->args->elts;

    usage.data = (u_char *) ngx_comet_set_kinds[setter->kind].usage;

    if (usage.data) {
        usage.len = ngx_strlen(usage.data);

    } else {
        usage.data = text;
        usage.len = NGX_COMET_CHOICES_LEN;
        ngx_comet_set_choices(setter->words, &usage);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"%V\": write %V%s", wrong,
                       &value[0], &usage, setter->low ? ", above 0" : "");
}


char *
ngx_comet_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_loc_conf_t *lcf = conf;

    void                   **part;
    ngx_str_t               *value;
    ngx_uint_t               i;
    ngx_command_t            own;
    ngx_comet_takes_pt       takes;
    ngx_comet_setter_t      *setter;
    ngx_comet_directive_t   *directive;

    directive = cmd->post;
    setter = directive->setter;
    value = cf->args->elts;

    if (cf->cmd_type == NGX_HTTP_LOC_CONF && lcf->said.len == 0) {
        lcf->said = value[0];
        ngx_comet_conf_place(cf, &lcf->said_place);
    }

    takes = ngx_comet_set_kinds[setter->kind].takes;

    for (i = 1; takes && i < cf->args->nelts; i++) {
        if (!takes(&value[i], setter)) {
            ngx_comet_set_usage(cf, setter, &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    own = *cmd;
    own.post = setter->words;

    part = (void **) ((u_char *) conf + directive->part);

    return setter->set(cf, &own, *part);
}
