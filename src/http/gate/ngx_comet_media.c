#include "ngx_comet_media.h"
#include "ngx_comet_refuse.h"


/* white space stands around a semicolon and nowhere else */

static u_char *
ngx_comet_media_skip(u_char *p, u_char *last)
{
    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    return p;
}


/* application/json, in UTF-8: an API may believe another charset */

static ngx_uint_t
ngx_comet_media_type(ngx_str_t *type)
{
    u_char      *p, *last;
    ngx_str_t   *charset;

    static ngx_str_t  json = ngx_string("application/json");
    static ngx_str_t  charsets[] = {
        ngx_string("charset=utf-8"),
        ngx_string("charset=\"utf-8\""),
        ngx_null_string
    };

    /* as nearly all send it */

    if (type->len == json.len
        && ngx_memcmp(type->data, json.data, json.len) == 0)
    {
        return 1;
    }

    if (type->len < json.len
        || ngx_strncasecmp(type->data, json.data, json.len) != 0)
    {
        return 0;
    }

    last = type->data + type->len;
    p = ngx_comet_media_skip(type->data + json.len, last);

    if (p == last) {
        return 1;
    }

    if (*p != ';') {
        return 0;
    }

    p = ngx_comet_media_skip(p + 1, last);

    if (p == last) {
        return 1;
    }

    for (charset = charsets; charset->len; charset++) {

        if ((size_t) (last - p) >= charset->len
            && ngx_strncasecmp(p, charset->data, charset->len) == 0)
        {
            return ngx_comet_media_skip(p + charset->len, last) == last;
        }
    }

    return 0;
}


/* the gate and the API must read the same text */

ngx_int_t
ngx_comet_media_check(ngx_http_request_t *r)
{
    ngx_uint_t        i, types, encoded;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    types = 0;
    encoded = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == sizeof("content-type") - 1
                && ngx_strncmp(h[i].lowcase_key, "content-type", 12) == 0)
            {
                types++;
            }

            if (h[i].key.len == sizeof("content-encoding") - 1
                && ngx_strncmp(h[i].lowcase_key, "content-encoding", 16) == 0
                && ngx_strcasecmp(h[i].value.data, (u_char *) "identity") != 0)
            {
                encoded = 1;
            }
        }
    }

    if (types == 1 && !encoded && r->headers_in.content_type
        && ngx_comet_media_type(&r->headers_in.content_type->value))
    {
        return NGX_OK;
    }

    return ngx_comet_refuse(r,
                            ngx_comet_error_of_status(
                                            NGX_HTTP_UNSUPPORTED_MEDIA_TYPE),
                            encoded
                            ? "The request body must not be compressed: send "
                              "it without Content-Encoding."
                            : "The request body must be JSON: send it with "
                              "one Content-Type, application/json.");
}
