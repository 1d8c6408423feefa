/* Judges a body in pieces and applies the edits, for tests and fuzzers. */

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngx_comet_judge.h"


typedef struct block_s  block_t;

struct block_s {
    block_t           *next;
};


/* the data of a policy */

typedef struct {
    block_t           *blocks;
    size_t             left;      /* allocations before they fail, if > 0 */
    const char        *admits;    /* the only model, if not NULL */
    const char        *from;      /* the only route, if not NULL, */
    const char        *to;        /* and where it leads */
} arena_t;


static inline const ngx_comet_endpoint_t *
endpoint_of(const char *path)
{
    return ngx_comet_endpoint_find(path, strlen(path));
}


static inline void *
arena_alloc(void *data, size_t size)
{
    block_t  *block;
    arena_t  *arena = data;

    if (arena->left && --arena->left == 0) {
        return NULL;
    }

    block = malloc(sizeof(block_t) + size);
    if (block == NULL) {
        abort();
    }

    block->next = arena->blocks;
    arena->blocks = block;

    return block + 1;
}


static inline void
arena_free(arena_t *arena)
{
    block_t  *next;

    for ( /* void */ ; arena->blocks; arena->blocks = next) {
        next = arena->blocks->next;
        free(arena->blocks);
    }
}


static inline int
arena_admit(void *data, const char *model, size_t len)
{
    arena_t  *arena = data;

    return arena->admits == NULL
           || (len == strlen(arena->admits)
               && memcmp(model, arena->admits, len) == 0);
}


static inline const char *
arena_route(void *data, const char *model, size_t len)
{
    arena_t  *arena = data;

    return arena->from && len == strlen(arena->from)
           && memcmp(model, arena->from, len) == 0
           ? arena->to : NULL;
}


/* of exact size, so that one byte too far is found */

static inline int
feed(ngx_comet_judge_t *judge, const char *p, size_t len)
{
    int   rc;
    char *piece;

    piece = malloc(len + (len == 0));
    if (piece == NULL) {
        abort();
    }

    memcpy(piece, p, len);
    rc = ngx_comet_judge_feed(judge, (unsigned char *) piece, len);
    free(piece);

    return rc;
}


/* the body with the edits, or NULL if they are not sorted or overlap */

static inline char *
apply(const ngx_comet_judge_t *judge, const char *body, size_t len,
    size_t *newlen)
{
    char                    *text, *p;
    size_t                   i, size;
    uint64_t                 at;
    const ngx_comet_edit_t  *edit;

    size = len;
    at = 0;

    for (i = 0; i < judge->nedits; i++) {
        edit = &judge->edits[i];

        if (edit->offset < at || edit->length > len
            || edit->offset > len - edit->length
            || strlen(edit->text) != edit->len)
        {
            return NULL;
        }

        at = edit->offset + edit->length;
        size += edit->len;
    }

    text = malloc(size + 1);
    if (text == NULL) {
        abort();
    }

    p = text;
    at = 0;

    for (i = 0; i < judge->nedits; i++) {
        edit = &judge->edits[i];

        memcpy(p, body + at, edit->offset - at);
        p += edit->offset - at;

        memcpy(p, edit->text, edit->len);
        p += edit->len;

        at = edit->offset + edit->length;
    }

    memcpy(p, body + at, len - at);
    p += len - at;
    *p = '\0';

    *newlen = (size_t) (p - text);

    return text;
}


static inline int
valid(const char *text, size_t len)
{
    cJSON  *json;

    json = cJSON_ParseWithLength(text, len);
    cJSON_Delete(json);

    return json != NULL;
}
