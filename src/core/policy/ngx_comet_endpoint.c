#include "ngx_comet_endpoint.h"

#include <string.h>


/* "*" is one segment, "**" the rest */

#define ngx_comet_path(start, tail)                                           \
    .path = start tail, .head = sizeof(start) - 1

#define ngx_comet_posted                                                      \
    .methods = NGX_COMET_POST, .allow = "POST"
#define ngx_comet_read                                                        \
    .methods = NGX_COMET_GET|NGX_COMET_HEAD, .allow = "GET, HEAD"


static const ngx_comet_endpoint_part_t  ngx_comet_endpoint_id = {
    .name = "the id of a response", .more = "_-.:="
};

static const ngx_comet_endpoint_part_t  ngx_comet_endpoint_model = {
    .name = "the name of a model", .more = "/.:-_@+",
    .model = 1, .slashes = 1
};


/* the first that fits: what is named stands before what is matched */

const ngx_comet_endpoint_t  ngx_comet_endpoint_table[] = {

    { .name = "chat.completions",
      ngx_comet_path("/v1/chat/completions", ""), ngx_comet_posted,
      .fields = ngx_comet_param_chat,
      .ties = {
          { NGX_COMET_PARAM_STREAM_OPTIONS, .needs = NGX_COMET_PARAM_STREAM },
          { NGX_COMET_PARAM_TOP_LOGPROBS, .needs = NGX_COMET_PARAM_LOGPROBS }
      },
      .ruled = 1, .narrowed = 1, .spoken = "chat completions",
      .caps = {
          NGX_COMET_PARAM_MAX_TOKENS,
          NGX_COMET_PARAM_MAX_COMPLETION_TOKENS
      },
      .cap_of_model = 1,
      .form = NGX_COMET_FORM_CHAT, .output = 1 },

    { .name = "responses",
      ngx_comet_path("/v1/responses", ""), ngx_comet_posted,
      .fields = ngx_comet_param_responses,
      .one_of = {
          NGX_COMET_PARAM_INPUT,
          NGX_COMET_PARAM_PROMPT,
          NGX_COMET_PARAM_CONVERSATION,
          NGX_COMET_PARAM_PREVIOUS_RESPONSE_ID
      },
      .ties = {
          { NGX_COMET_PARAM_STREAM_OPTIONS, .needs = NGX_COMET_PARAM_STREAM },
          { NGX_COMET_PARAM_PREVIOUS_RESPONSE_ID,
            .excludes = NGX_COMET_PARAM_CONVERSATION }
      },
      .ruled = 1,
      .caps = {
          NGX_COMET_PARAM_MAX_OUTPUT_TOKENS,
          NGX_COMET_PARAM_MAX_TOKENS,
          NGX_COMET_PARAM_MAX_COMPLETION_TOKENS
      },
      .form = NGX_COMET_FORM_RESPONSES, .output = 1, .socket = 1 },

    { .name = "models",
      ngx_comet_path("/v1/models", ""), ngx_comet_read,
      .lists = 1 },

    { .name = "models.retrieve",
      ngx_comet_path("/v1/models/", "**"), ngx_comet_read,
      .part = &ngx_comet_endpoint_model },

    { .name = "responses.compact",
      ngx_comet_path("/v1/responses/compact", ""), ngx_comet_posted,
      .fields = ngx_comet_param_bare,
      .form = NGX_COMET_FORM_RESPONSES, .output = 1 },

    { .name = "responses.input_tokens",
      ngx_comet_path("/v1/responses/input_tokens", ""), ngx_comet_posted,
      .fields = ngx_comet_param_bare },

    { .name = "responses.retrieve",
      ngx_comet_path("/v1/responses/", "*"),
      .methods = NGX_COMET_GET|NGX_COMET_HEAD|NGX_COMET_DELETE,
      .allow = "GET, HEAD, DELETE",
      .part = &ngx_comet_endpoint_id },

    { .name = "responses.cancel",
      ngx_comet_path("/v1/responses/", "*/cancel"), ngx_comet_posted,
      .part = &ngx_comet_endpoint_id },

    { .name = "responses.input_items",
      ngx_comet_path("/v1/responses/", "*/input_items"), ngx_comet_read,
      .part = &ngx_comet_endpoint_id },

    { .name = NULL }
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
    size_t                       head;
    const ngx_comet_endpoint_t  *endpoint;

    for (endpoint = ngx_comet_endpoint_table; endpoint->name; endpoint++) {
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
ngx_comet_endpoint_knows(const char *param)
{
    const ngx_comet_endpoint_t  *endpoint;

    for (endpoint = ngx_comet_endpoint_table; endpoint->name; endpoint++) {
        if (ngx_comet_param_find(endpoint->fields, param)) {
            return 1;
        }
    }

    return 0;
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
