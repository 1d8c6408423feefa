#include "ngx_comet_list.h"

#include <string.h>

#include <cjson/cJSON.h>


char *
ngx_comet_list_filter(const char *text, size_t len,
    int (*admit)(void *data, const char *model, size_t len), void *data)
{
    char   *printed;
    cJSON  *root, *list, *model, *next, *id;

    printed = NULL;
    root = cJSON_ParseWithLength(text, len);
    list = cJSON_GetObjectItemCaseSensitive(root, "data");

    if (!cJSON_IsArray(list)) {
        goto done;
    }

    for (model = list->child; model; model = next) {
        next = model->next;
        id = cJSON_GetObjectItemCaseSensitive(model, "id");

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
