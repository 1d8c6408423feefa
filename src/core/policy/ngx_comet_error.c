#include "ngx_comet_error.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "ngx_comet_text.h"


static const ngx_comet_error_t  ngx_comet_status_errors[] = {

    { 400, "invalid_request_error", "bad_request", NULL,
      "The request could not be read as HTTP." },

    { 401, "invalid_request_error", "invalid_api_key", NULL,
      "The API key is missing or not known here." },

    { 403, "permission_error", "forbidden", NULL,
      "This request is not allowed here." },

    { 404, "invalid_request_error", "not_found", NULL,
      "There is no such resource here." },

    { 405, "invalid_request_error", "method_not_allowed", NULL,
      "This method is not allowed here." },

    { 408, "invalid_request_error", "request_timeout", NULL,
      "The request was not received in time." },

    { 413, "invalid_request_error", "request_too_large", NULL,
      "The request body is larger than this server takes. The limit is set "
      "by the nginx directive client_max_body_size." },

    { 415, "invalid_request_error", "unsupported_media_type", NULL,
      "The request body must be plain application/json." },

    { 426, "invalid_request_error", "upgrade_required", NULL,
      "The request asks for another protocol than this server speaks." },

    { 429, "rate_limit_error", "rate_limit_exceeded", NULL,
      "Too many requests. Try again later." },

    { 500, "api_error", "internal_error", NULL,
      "The gateway failed to handle the request." },

    { 502, "api_error", "upstream_unavailable", NULL,
      "The upstream API could not be reached or broke off its answer." },

    { 503, "api_error", "unavailable", NULL,
      "The gateway cannot take the request now. Try again later." },

    { 504, "api_error", "upstream_timeout", NULL,
      "The upstream API did not answer in time." },
};


static const ngx_comet_error_t  ngx_comet_other_client_error = {
    0, "invalid_request_error", NULL, NULL, "The request was refused."
};

static const ngx_comet_error_t  ngx_comet_other_server_error = {
    0, "api_error", NULL, NULL, "The gateway failed to handle the request."
};


ngx_comet_error_t
ngx_comet_error_of_status(int status)
{
    size_t             i, n;
    ngx_comet_error_t  error;

    n = sizeof(ngx_comet_status_errors) / sizeof(ngx_comet_status_errors[0]);

    for (i = 0; i < n; i++) {
        if (ngx_comet_status_errors[i].status == status) {
            return ngx_comet_status_errors[i];
        }
    }

    error = status < 500 ? ngx_comet_other_client_error
                         : ngx_comet_other_server_error;
    error.status = status;

    return error;
}


static cJSON_bool
ngx_comet_error_add(cJSON *object, const char *name, const char *value)
{
    if (value == NULL) {
        return cJSON_AddNullToObject(object, name) != NULL;
    }

    return cJSON_AddStringToObject(object, name, value) != NULL;
}


char *
ngx_comet_error_print(const ngx_comet_error_t *error)
{
    char   *text;
    cJSON  *root, *object;

    root = cJSON_CreateObject();
    object = cJSON_AddObjectToObject(root, "error");
    text = NULL;

    if (object
        && ngx_comet_error_add(object, "message", error->message)
        && ngx_comet_error_add(object, "type", error->type)
        && ngx_comet_error_add(object, "param", error->param)
        && ngx_comet_error_add(object, "code", error->code))
    {
        text = cJSON_PrintUnformatted(root);
    }

    cJSON_Delete(root);

    return text;
}


void
ngx_comet_text_clean(char *text)
{
    unsigned char        *p, *end;
    const unsigned char  *next;

    p = (unsigned char *) text;
    end = p + strlen(text);

    while (p < end) {

        next = p;

        if (*p < 0x80) {
            p++;

        } else if (ngx_comet_text_element(&next, end)
                   == NGX_COMET_TEXT_WHOLE)
        {
            p += next - p;

        } else {
            *p++ = '?';
        }
    }
}
