/*
 * Reads bodies as a service in C does: cJSON, by exact name or, with the
 * argument "any", in any case, which is what cJSON does by default.  See
 * read.go.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>


static const char *const  chat[] = {
    "model", "stream", "max_tokens", "max_completion_tokens", "temperature",
    "n", "user", NULL
};

static const char *const  responses[] = {
    "model", "stream", "max_output_tokens", "max_tokens",
    "max_completion_tokens", "temperature", NULL
};


static void
tell(const cJSON *value)
{
    const char  *p;

    if (value == NULL || cJSON_IsNull(value)) {
        printf("null");

    } else if (cJSON_IsString(value)) {
        printf("\"s");

        for (p = value->valuestring; *p; p++) {
            printf("%02x", (unsigned char) *p);
        }

        printf("\"");

    } else if (cJSON_IsBool(value)) {
        printf("\"b%s\"", cJSON_IsTrue(value) ? "true" : "false");

    } else if (cJSON_IsNumber(value)) {
        printf("\"n%.17g\"", value->valuedouble);

    } else {
        printf("\"other\"");
    }
}


static void
tell_all(const cJSON *body, const char *const *name, int any)
{
    size_t  i;

    if (!cJSON_IsObject(body)) {
        printf("\"error\"\n");
        return;
    }

    for (i = 0; name[i]; i++) {
        printf("%s\"%s\":", i ? "," : "{", name[i]);

        tell(any ? cJSON_GetObjectItem(body, name[i])
                 : cJSON_GetObjectItemCaseSensitive(body, name[i]));
    }

    printf("}\n");
}


int
main(int argc, char **argv)
{
    int             any;
    char           *text;
    cJSON          *body;
    size_t          len;
    unsigned char   head[5];

    any = argc > 1 && strcmp(argv[1], "any") == 0;

    while (fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
        len = (size_t) head[1] << 24 | (size_t) head[2] << 16
              | (size_t) head[3] << 8 | head[4];

        text = malloc(len + 1);

        if (text == NULL || fread(text, 1, len, stdin) != len) {
            return 1;
        }

        body = cJSON_ParseWithLength(text, len);
        tell_all(body, head[0] == 'c' ? chat : responses, any);

        cJSON_Delete(body);
        free(text);
    }

    return 0;
}
