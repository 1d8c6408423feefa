#include "ngx_comet_endpoint.h"


#define NGX_COMET_READ  (NGX_COMET_GET|NGX_COMET_HEAD)


static const ngx_comet_endpoint_t  ngx_comet_endpoints[] = {

    { NGX_COMET_ENDPOINT_CHAT, "chat.completions",
      "/v1/chat/completions", NGX_COMET_POST, "POST" },

    { NGX_COMET_ENDPOINT_RESPONSES, "responses",
      "/v1/responses", NGX_COMET_POST, "POST" },

    { NGX_COMET_ENDPOINT_MODELS, "models",
      "/v1/models", NGX_COMET_READ, "GET, HEAD" },

    /* names of models may hold slashes */
    { NGX_COMET_ENDPOINT_MODEL, "models.retrieve",
      "/v1/models/**", NGX_COMET_READ, "GET, HEAD" },

    { NGX_COMET_ENDPOINT_RESPONSE, "responses.retrieve",
      "/v1/responses/*", NGX_COMET_READ|NGX_COMET_DELETE,
      "GET, HEAD, DELETE" },

    { NGX_COMET_ENDPOINT_RESPONSE_CANCEL, "responses.cancel",
      "/v1/responses/*/cancel", NGX_COMET_POST, "POST" },

    { NGX_COMET_ENDPOINT_RESPONSE_ITEMS, "responses.input_items",
      "/v1/responses/*/input_items", NGX_COMET_READ, "GET, HEAD" },
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
    size_t  i, n;

    n = sizeof(ngx_comet_endpoints) / sizeof(ngx_comet_endpoints[0]);

    for (i = 0; i < n; i++) {
        if (ngx_comet_endpoint_match(ngx_comet_endpoints[i].path, path, len)) {
            return &ngx_comet_endpoints[i];
        }
    }

    return NULL;
}
