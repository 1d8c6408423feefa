#include "ngx_comet_endpoint.h"

#include <string.h>


/* "*" is one segment, "**" the rest */

#define ngx_comet_path(head, tail)  head tail, sizeof(head) - 1

#define NGX_COMET_READ  (NGX_COMET_GET|NGX_COMET_HEAD)


static const ngx_comet_endpoint_part_t  ngx_comet_endpoint_id = {
    "the id of a response", "_-.:="
};

/* names of models may hold slashes */

static const ngx_comet_endpoint_part_t  ngx_comet_endpoint_model = {
    "the name of a model", "/.:-_@+"
};


/* the first that fits: what is named stands before what is matched */

static const ngx_comet_endpoint_t  ngx_comet_endpoints[] = {

    { NGX_COMET_ENDPOINT_CHAT, "chat.completions",
      ngx_comet_path("/v1/chat/completions", ""),
      NGX_COMET_POST, "POST", NULL, 1 },

    { NGX_COMET_ENDPOINT_RESPONSES, "responses",
      ngx_comet_path("/v1/responses", ""), NGX_COMET_POST, "POST", NULL, 1 },

    { NGX_COMET_ENDPOINT_MODELS, "models",
      ngx_comet_path("/v1/models", ""), NGX_COMET_READ, "GET, HEAD", NULL, 0 },

    { NGX_COMET_ENDPOINT_MODEL, "models.retrieve",
      ngx_comet_path("/v1/models/", "**"), NGX_COMET_READ, "GET, HEAD",
      &ngx_comet_endpoint_model, 0 },

    { NGX_COMET_ENDPOINT_COMPACT, "responses.compact",
      ngx_comet_path("/v1/responses/compact", ""),
      NGX_COMET_POST, "POST", NULL, 1 },

    /* it counts tokens and uses none */
    { NGX_COMET_ENDPOINT_INPUT_TOKENS, "responses.input_tokens",
      ngx_comet_path("/v1/responses/input_tokens", ""),
      NGX_COMET_POST, "POST", NULL, 0 },

    { NGX_COMET_ENDPOINT_RESPONSE, "responses.retrieve",
      ngx_comet_path("/v1/responses/", "*"),
      NGX_COMET_READ|NGX_COMET_DELETE, "GET, HEAD, DELETE",
      &ngx_comet_endpoint_id, 0 },

    { NGX_COMET_ENDPOINT_RESPONSE_CANCEL, "responses.cancel",
      ngx_comet_path("/v1/responses/", "*/cancel"), NGX_COMET_POST, "POST",
      &ngx_comet_endpoint_id, 0 },

    { NGX_COMET_ENDPOINT_RESPONSE_ITEMS, "responses.input_items",
      ngx_comet_path("/v1/responses/", "*/input_items"),
      NGX_COMET_READ, "GET, HEAD", &ngx_comet_endpoint_id, 0 },
};


static int
ngx_comet_endpoint_match(const char *pattern, const char *path, size_t len,
    int fold)
{
    int          c;
    const char  *end, *segment;

    end = path + len;

    while (*pattern) {

        if (*pattern != '*') {

            if (path == end) {
                return 0;
            }

            c = *path++;

            if (fold && c >= 'A' && c <= 'Z') {
                c |= 0x20;
            }

            if (c != *pattern++) {
                return 0;
            }

            continue;
        }

        if (pattern[1] == '*') {
            return path != end && end[-1] != '/';
        }

        for (segment = path; path != end && *path != '/'; path++) {
            /* void */
        }

        if (path == segment) {
            return 0;
        }

        pattern++;
    }

    return path == end;
}


static const ngx_comet_endpoint_t *
ngx_comet_endpoint_of(const char *path, size_t len, int fold)
{
    size_t                       i, n, head;
    const ngx_comet_endpoint_t  *endpoint;

    n = sizeof(ngx_comet_endpoints) / sizeof(ngx_comet_endpoints[0]);

    for (i = 0; i < n; i++) {
        endpoint = &ngx_comet_endpoints[i];
        head = fold ? 0 : endpoint->head;

        if (len >= head && memcmp(path, endpoint->path, head) == 0
            && ngx_comet_endpoint_match(endpoint->path + head, path + head,
                                        len - head, fold))
        {
            return endpoint;
        }
    }

    return NULL;
}


const ngx_comet_endpoint_t *
ngx_comet_endpoint_find(const char *path, size_t len)
{
    return ngx_comet_endpoint_of(path, len, 0);
}


const ngx_comet_endpoint_t *
ngx_comet_endpoint_alike(const char *path, size_t len)
{
    while (len && path[len - 1] == '/') {
        len--;
    }

    return ngx_comet_endpoint_of(path, len, 1);
}


int
ngx_comet_endpoint_part_is_right(const ngx_comet_endpoint_t *endpoint,
    const char *path, size_t len)
{
    int          c;
    const char  *p, *more, *end;

    if (endpoint->part == NULL) {
        return 1;
    }

    more = endpoint->part->more;
    end = path + len;

    for (p = path + endpoint->head; p < end; p++) {
        c = *p;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9')
            || (c != '\0' && strchr(more, c) != NULL))
        {
            continue;
        }

        /* or else it is the end of the part */

        return c == '/';
    }

    return 1;
}
