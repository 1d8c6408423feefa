#include "ngx_comet_mend.h"
#include "ngx_comet_usage_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>


/* what to send before the members of the error */

typedef struct {
    char         text[NGX_COMET_SCAN_DEPTH_MAX + 64];
    size_t       len;
} ngx_comet_mend_t;


static void
ngx_comet_mend_put(ngx_comet_mend_t *mend, const char *text)
{
    size_t  n;

    n = strlen(text);
    memcpy(mend->text + mend->len, text, n);
    mend->len += n;
}


/* 0 if the error can stand in the event that is open */

static int
ngx_comet_mend_json(ngx_comet_mend_t *mend, const ngx_comet_usage_t *usage)
{
    int  n;

    if (usage->done == 0) {
        ngx_comet_mend_put(mend, "{");
        return 0;
    }

    n = usage->scanning
        ? ngx_comet_scan_mend(usage->scan, mend->text + mend->len) : -1;

    if (n < 0) {
        return -1;
    }

    mend->len += (size_t) n;

    return 0;
}


/* returns whether the line of data that it leaves is open */

static int
ngx_comet_mend_event(ngx_comet_mend_t *mend, const ngx_comet_usage_t *usage)
{
    size_t                  len;
    const ngx_comet_sse_t  *sse;

    sse = &usage->sse;

    if (usage->hold_from < sse->offset) {

        /* the event is not sent at all */

        return 0;
    }

    if (ngx_comet_sse_line_start(sse)) {
        ngx_comet_mend_put(mend, sse->cr ? "\n" : "");

        if (sse->lines == 0) {
            return 0;
        }

        ngx_comet_mend_put(mend, "data:");

    } else if (!ngx_comet_sse_in_data(sse)) {
        ngx_comet_mend_put(mend, "\n");

        if (sse->lines == 0) {
            return 0;
        }

        ngx_comet_mend_put(mend, "data:");

    }

    len = mend->len;

    if (usage->reading
        && (len == 0 || !usage->scanning
            || ngx_comet_scan_between(usage->scan))
        && ngx_comet_mend_json(mend, usage) == 0)
    {
        return 1;
    }

    /* the event is whole, or can never be: it ends as it is */

    mend->len = len;

    if (len) {
        mend->len -= sizeof("data:") - 1;
        ngx_comet_mend_put(mend, "\n");

    } else {
        ngx_comet_mend_put(mend, "\n\n");
    }

    return 0;
}


static char *
ngx_comet_mend_members(const ngx_comet_usage_t *usage,
    const ngx_comet_error_t *error)
{
    char   *text;
    cJSON  *root, *object;

    text = ngx_comet_error_print(error);

    if (text == NULL || !usage->form->flat) {
        return text;
    }

    root = cJSON_Parse(text);
    free(text);
    text = NULL;

    object = cJSON_GetObjectItem(root, "error");

    if (object
        && cJSON_AddStringToObject(root, "type", "error")
        && cJSON_AddItemToObject(root, "code", cJSON_Duplicate(
                               cJSON_GetObjectItem(object, "code"), 1))
        && cJSON_AddStringToObject(root, "message", error->message)
        && cJSON_AddNullToObject(root, "param")
        && cJSON_AddNumberToObject(root, "sequence_number",
                                   (double) usage->sequence))
    {
        text = cJSON_PrintUnformatted(root);
    }

    cJSON_Delete(root);

    return text;
}


char *
ngx_comet_mend(ngx_comet_usage_t *usage, const ngx_comet_error_t *error)
{
    int               open;
    char             *text, *members;
    size_t            size;
    const char       *event;
    ngx_comet_mend_t  mend;

    ngx_comet_usage_settle(usage);

    members = ngx_comet_mend_members(usage, error);
    if (members == NULL) {
        return NULL;
    }

    mend.len = 0;
    open = ngx_comet_mend_event(&mend, usage);
    mend.text[mend.len] = '\0';

    event = usage->form->event;
    size = mend.len + strlen(event) + strlen(members) + 16;
    text = malloc(size);

    if (text && open) {
        snprintf(text, size, "%s%s\n%s\n", mend.text, members + 1, event);

    } else if (text) {
        snprintf(text, size, "%s%sdata: %s\n\n", mend.text, event, members);
    }

    free(members);

    return text;
}
