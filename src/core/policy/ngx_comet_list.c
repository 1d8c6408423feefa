#include "ngx_comet_list.h"

#include <string.h>

#include <cjson/cJSON.h>


/* the only member of the name; two readers may take another of several */

static cJSON *
ngx_comet_list_only(cJSON *object, const char *name)
{
    cJSON  *member, *found;

    found = NULL;

    cJSON_ArrayForEach(member, object) {

        if (member->string == NULL || strcmp(member->string, name) != 0) {
            continue;
        }

        if (found) {
            return NULL;
        }

        found = member;
    }

    return found;
}


char *
ngx_comet_list_filter(const char *text, size_t len,
    int (*admit)(void *data, const char *model, size_t len), void *data)
{
    char   *printed;
    cJSON  *root, *list, *model, *next, *id;

    printed = NULL;
    root = cJSON_ParseWithLength(text, len);
    list = ngx_comet_list_only(root, "data");

    if (!cJSON_IsArray(list)) {
        goto done;
    }

    for (model = list->child; model; model = next) {
        next = model->next;
        id = ngx_comet_list_only(model, "id");

        if (!cJSON_IsString(id)
            || !admit(data, id->valuestring, strlen(id->valuestring)))
        {
            cJSON_Delete(cJSON_DetachItemViaPointer(list, model));
        }
    }

    printed = cJSON_PrintUnformatted(root);

done:

    cJSON_Delete(root);

    return printed;
}
