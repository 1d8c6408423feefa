#include "ngx_comet_endpoint.h"

#include <string.h>


/* "*" is one segment, "**" the rest */

#define ngx_comet_path(head, tail)  head tail, sizeof(head) - 1

#define NGX_COMET_READ  (NGX_COMET_GET|NGX_COMET_HEAD)


static const ngx_comet_endpoint_t  ngx_comet_endpoints[] = {

    { NGX_COMET_ENDPOINT_CHAT, "chat.completions",
      ngx_comet_path("/v1/chat/completions", ""), NGX_COMET_POST, "POST" },

    { NGX_COMET_ENDPOINT_RESPONSES, "responses",
      ngx_comet_path("/v1/responses", ""), NGX_COMET_POST, "POST" },

    { NGX_COMET_ENDPOINT_MODELS, "models",
      ngx_comet_path("/v1/models", ""), NGX_COMET_READ, "GET, HEAD" },

    /* names of models may hold slashes */
    { NGX_COMET_ENDPOINT_MODEL, "models.retrieve",
      ngx_comet_path("/v1/models/", "**"), NGX_COMET_READ, "GET, HEAD" },

    { NGX_COMET_ENDPOINT_RESPONSE, "responses.retrieve",
      ngx_comet_path("/v1/responses/", "*"),
      NGX_COMET_READ|NGX_COMET_DELETE, "GET, HEAD, DELETE" },

    { NGX_COMET_ENDPOINT_RESPONSE_CANCEL, "responses.cancel",
      ngx_comet_path("/v1/responses/", "*/cancel"), NGX_COMET_POST, "POST" },

    { NGX_COMET_ENDPOINT_RESPONSE_ITEMS, "responses.input_items",
      ngx_comet_path("/v1/responses/", "*/input_items"),
      NGX_COMET_READ, "GET, HEAD" },
};


static int
ngx_comet_endpoint_match(const char *pattern, const char *path, size_t len)
{
    const char  *end, *segment;

    end = path + len;

    while (*pattern) {

        if (*pattern != '*') {
            if (path == end || *path++ != *pattern++) {
                return 0;
            }

            continue;
        }

        if (pattern[1] == '*') {
            return path != end;
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


const ngx_comet_endpoint_t *
ngx_comet_endpoint_find(const char *path, size_t len)
{
    size_t                       i, n, head;
    const ngx_comet_endpoint_t  *endpoint;

    n = sizeof(ngx_comet_endpoints) / sizeof(ngx_comet_endpoints[0]);

    for (i = 0; i < n; i++) {
        endpoint = &ngx_comet_endpoints[i];
        head = endpoint->head;

        if (len >= head && memcmp(path, endpoint->path, head) == 0
            && ngx_comet_endpoint_match(endpoint->path + head, path + head,
                                        len - head))
        {
            return endpoint;
        }
    }

    return NULL;
}
