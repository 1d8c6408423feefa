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


static cJSON *
ngx_comet_list_entry(const char *name)
{
    cJSON  *entry;

    entry = cJSON_CreateObject();

    if (cJSON_AddStringToObject(entry, "id", name) == NULL
        || cJSON_AddStringToObject(entry, "object", "model") == NULL
        || cJSON_AddNumberToObject(entry, "created", 0) == NULL
        || cJSON_AddStringToObject(entry, "owned_by", "comet_route") == NULL)
    {
        cJSON_Delete(entry);
        return NULL;
    }

    return entry;
}


char *
ngx_comet_list_print(const char *name)
{
    char   *printed;
    cJSON  *entry;

    entry = ngx_comet_list_entry(name);
    printed = entry ? cJSON_PrintUnformatted(entry) : NULL;

    cJSON_Delete(entry);

    return printed;
}


static void
ngx_comet_list_less(cJSON *list, const ngx_comet_list_t *of)
{
    cJSON  *model, *next, *id;

    for (model = list->child; model; model = next) {
        next = model->next;
        id = ngx_comet_list_only(model, "id");

        if (!cJSON_IsString(id)
            || !of->admit(of->data, id->valuestring, strlen(id->valuestring)))
        {
            cJSON_Delete(cJSON_DetachItemViaPointer(list, model));
        }
    }
}


static int
ngx_comet_list_has(cJSON *list, const char *name)
{
    cJSON  *model, *id;

    cJSON_ArrayForEach(model, list) {
        id = cJSON_GetObjectItemCaseSensitive(model, "id");

        if (cJSON_IsString(id) && strcmp(id->valuestring, name) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
ngx_comet_list_more(cJSON *list, const ngx_comet_list_t *of)
{
    cJSON       *entry;
    const char  *name;

    for ( ;; ) {
        name = of->more(of->data);

        if (name == NULL) {
            return 0;
        }

        if (ngx_comet_list_has(list, name)) {
            continue;
        }

        entry = ngx_comet_list_entry(name);

        if (entry == NULL || !cJSON_AddItemToArray(list, entry)) {
            cJSON_Delete(entry);
            return -1;
        }
    }
}


char *
ngx_comet_list_filter(const char *text, size_t len, const ngx_comet_list_t *of)
{
    char   *printed;
    cJSON  *root, *list;

    printed = NULL;
    root = cJSON_ParseWithLength(text, len);
    list = ngx_comet_list_only(root, "data");

    if (cJSON_IsArray(list)) {
        ngx_comet_list_less(list, of);

        if (ngx_comet_list_more(list, of) == 0) {
            printed = cJSON_PrintUnformatted(root);
        }
    }

    cJSON_Delete(root);

    return printed;
}
