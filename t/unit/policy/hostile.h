/* Bodies that are made to be dear, for the test of bounds and the bench. */


#ifndef _HOSTILE_H_INCLUDED_
#define _HOSTILE_H_INCLUDED_


#include "ngx_comet_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define HOSTILE_PIECE  (64 * 1024)


/* the head, the unit again and again, joined by commas, and the tail */

typedef struct {
    const char              *name;
    const char              *endpoint;
    const char              *head;
    const char              *unit;     /* with %u: its number */
    const char              *tail;
    const char              *join;
} hostile_shape_t;


typedef struct {
    const hostile_shape_t   *shape;
    char                    *body;
    size_t                   len;
    size_t                   units;
} hostile_t;


#define HOSTILE_CHAT       "/v1/chat/completions"
#define HOSTILE_RESPONSES  "/v1/responses"

#define HOSTILE_M     "{\"model\":\"claude-x\","
#define HOSTILE_HI    HOSTILE_M "\"messages\":[{\"role\":\"user\"}]"
#define HOSTILE_R     "{\"model\":\"m\",\"input\":\"x\""

#define HOSTILE_TEXT                                                          \
    "The committee met on Thursday to discuss the new bridge, and nobody "    \
    "was quite sure who had invited the engineers. "


static const hostile_shape_t  hostile_shapes[] = {
    { "plain text", HOSTILE_CHAT,
      HOSTILE_M "\"messages\":[{\"role\":\"user\",\"content\":\"",
      HOSTILE_TEXT, "\"}]}", "" },
    { "plain messages", HOSTILE_CHAT, HOSTILE_M "\"messages\":[",
      "{\"role\":\"user\",\"content\":\"" HOSTILE_TEXT HOSTILE_TEXT
      HOSTILE_TEXT HOSTILE_TEXT HOSTILE_TEXT HOSTILE_TEXT HOSTILE_TEXT "\"}",
      "]}", "," },
    { "usual messages", HOSTILE_CHAT, HOSTILE_M "\"messages\":[",
      "{\"role\":\"user\",\"content\":\"hello there\"}", "]}", "," },
    { "short messages", HOSTILE_CHAT, HOSTILE_M "\"messages\":[",
      "{\"content\":\"hello there\",\"role\":\"user\"}", "]}", "," },
    { "escapes", HOSTILE_CHAT,
      HOSTILE_M "\"messages\":[{\"role\":\"user\",\"content\":\"",
      "\\n", "\"}]}", "" },
    { "escapes u", HOSTILE_CHAT,
      HOSTILE_M "\"messages\":[{\"role\":\"user\",\"content\":\"",
      "\\u0041", "\"}]}", "" },
    { "surrogates", HOSTILE_CHAT,
      HOSTILE_M "\"messages\":[{\"role\":\"user\",\"content\":\"",
      "\\ud83d\\ude00", "\"}]}", "" },
    { "utf-8", HOSTILE_CHAT,
      HOSTILE_M "\"messages\":[{\"role\":\"user\",\"content\":\"",
      "a\xc3\xa9" "a\xe3\x81\x82" "a\xf0\x9f\x98\x80", "\"}]}", "" },
    { "plain, escapes", HOSTILE_CHAT,
      HOSTILE_M "\"messages\":[{\"role\":\"user\",\"content\":\"",
      "aaaa\\\"", "\"}]}", "" },
    { "white space", HOSTILE_CHAT, HOSTILE_M, " ",
      "\"messages\":[{\"role\":\"user\"}]}", "" },
    { "bias out of range", HOSTILE_CHAT, HOSTILE_HI ",\"logit_bias\":{",
      "\"1\":200", "}}", "," },
    { "bias in range", HOSTILE_CHAT, HOSTILE_HI ",\"logit_bias\":{",
      "\"1\":1", "}}", "," },
    { "bias tiny", HOSTILE_CHAT, HOSTILE_HI ",\"logit_bias\":{",
      "\"1\":1e-307", "}}", "," },
    { "bias small", HOSTILE_CHAT, HOSTILE_HI ",\"logit_bias\":{",
      "\"1\":1e-30", "}}", "," },
    { "bias of many digits", HOSTILE_CHAT, HOSTILE_HI ",\"logit_bias\":{",
      "\"1\":99.999999999999999", "}}", "," },
    { "bias of strings", HOSTILE_CHAT, HOSTILE_HI ",\"logit_bias\":{",
      "\"1\":\"\"", "}}", "," },
    { "names A", HOSTILE_CHAT, HOSTILE_HI ",", "\"A\":0", "}", "," },
    { "names a", HOSTILE_CHAT, HOSTILE_HI ",", "\"a\":0", "}", "," },
    { "names empty", HOSTILE_CHAT, HOSTILE_HI ",", "\"\":0", "}", "," },
    { "names escaped", HOSTILE_CHAT, HOSTILE_HI ",", "\"\\u0041\":0", "}",
      "," },
    { "names \\u017f", HOSTILE_CHAT, HOSTILE_HI ",", "\"\xc5\xbf\":0", "}",
      "," },
    { "names alike", HOSTILE_CHAT, HOSTILE_HI ",", "\"N\":0", "}", "," },
    { "names like long ones", HOSTILE_CHAT, HOSTILE_HI ",",
      "\"Max_completion_tokenz\":0", "}", "," },
    { "names of 60", HOSTILE_CHAT, HOSTILE_HI ",",
      "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\":0",
      "}", "," },
    { "names numbered", HOSTILE_CHAT, HOSTILE_HI ",", "\"t%u\":0", "}", "," },
    { "a param again", HOSTILE_CHAT, HOSTILE_HI ",", "\"n\":0", "}", "," },
    { "user again", HOSTILE_CHAT, HOSTILE_HI ",", "\"user\":0", "}", "," },
    { "messages of numbers", HOSTILE_CHAT, HOSTILE_M "\"messages\":[", "1",
      "]}", "," },
    { "messages empty", HOSTILE_CHAT, HOSTILE_M "\"messages\":[", "{}", "]}",
      "," },
    { "messages of lists", HOSTILE_CHAT, HOSTILE_M "\"messages\":[", "[]",
      "]}", "," },
    { "role developer", HOSTILE_CHAT, HOSTILE_M "\"messages\":[",
      "{\"role\":\"developer\"}", "]}", "," },
    { "role x", HOSTILE_CHAT, HOSTILE_M "\"messages\":[",
      "{\"role\":\"x\"}", "]}", "," },
    { "role tool", HOSTILE_CHAT, HOSTILE_M "\"messages\":[",
      "{\"role\":\"tool\"}", "]}", "," },
    { "role again", HOSTILE_CHAT, HOSTILE_M "\"messages\":[{",
      "\"role\":0", "}]}", "," },
    { "roles disguised", HOSTILE_CHAT, HOSTILE_M "\"messages\":[{",
      "\"Role\":0", "}]}", "," },
    { "names in a message", HOSTILE_CHAT, HOSTILE_M "\"messages\":[{",
      "\"A\":0", "}]}", "," },
    { "parts of numbers", HOSTILE_CHAT,
      HOSTILE_M "\"messages\":[{\"role\":\"user\",\"content\":[", "1", "]}]}",
      "," },
    { "parts empty", HOSTILE_CHAT,
      HOSTILE_M "\"messages\":[{\"role\":\"user\",\"content\":[", "{}",
      "]}]}", "," },
    { "parts", HOSTILE_CHAT,
      HOSTILE_M "\"messages\":[{\"role\":\"user\",\"content\":[",
      "{\"type\":\"text\",\"text\":\"\"}", "]}]}", "," },
    { "details", HOSTILE_CHAT,
      HOSTILE_M "\"messages\":[{\"role\":\"user\",\"content\":[",
      "{\"type\":\"\",\"image_url\":{\"detail\":\"x\"}}", "]}]}", "," },
    { "stop", HOSTILE_CHAT, HOSTILE_HI ",\"stop\":[", "\"\"", "]}", "," },
    { "stop of numbers", HOSTILE_CHAT, HOSTILE_HI ",\"stop\":[", "0", "]}",
      "," },
    { "tools of numbers", HOSTILE_CHAT, HOSTILE_HI ",\"tools\":[", "0", "]}",
      "," },
    { "tools empty", HOSTILE_CHAT, HOSTILE_HI ",\"tools\":[", "{}", "]}",
      "," },
    { "tools without", HOSTILE_CHAT, HOSTILE_HI ",\"tools\":[",
      "{\"type\":\"function\"}", "]}", "," },
    { "format disguised", HOSTILE_CHAT, HOSTILE_HI ",\"response_format\":{",
      "\"Type\":0", "}}", "," },
    { "stream options", HOSTILE_CHAT,
      HOSTILE_HI ",\"stream\":true,\"stream_options\":{", "\"a\":0", "}}",
      "," },
    { "the model last", HOSTILE_CHAT, "{\"logit_bias\":{", "\"1\":200",
      "}}", "," },
    { "unknown numbers", HOSTILE_CHAT, HOSTILE_HI ",\"x\":[", "0", "]}",
      "," },
    { "unknown literals", HOSTILE_CHAT, HOSTILE_HI ",\"x\":[", "null", "]}",
      "," },
    { "unknown strings", HOSTILE_CHAT, HOSTILE_HI ",\"x\":[", "\"\"", "]}",
      "," },
    { "unknown names", HOSTILE_CHAT, HOSTILE_HI ",\"x\":{", "\"a\":0", "}}",
      "," },
    { "unknown lists", HOSTILE_CHAT, HOSTILE_HI ",\"x\":[", "[]", "]}",
      "," },
    { "unknown objects", HOSTILE_CHAT, HOSTILE_HI ",\"x\":[",
      "{\"a\":{\"a\":{\"a\":{}}}}", "]}", "," },
    { "nested deeply", HOSTILE_CHAT, HOSTILE_HI ",\"x\":[",
      "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
      "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
      "]}", "," },
    { "a long number", HOSTILE_CHAT, HOSTILE_HI ",\"x\":1", "1", "}", "" },
    { "a long number that counts", HOSTILE_CHAT,
      HOSTILE_HI ",\"temperature\":1", "1", "}", "" },
    { "a long name", HOSTILE_CHAT, HOSTILE_HI ",\"", "A", "\":0}", "" },
    { "long names", HOSTILE_CHAT, HOSTILE_HI ",",
      "\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\":0", "}", "," },
    { "a long model", HOSTILE_CHAT, "{\"model\":\"", "\\n",
      "\",\"messages\":[{\"role\":\"user\"}]}", "" },
    { "a long role", HOSTILE_CHAT, HOSTILE_M "\"messages\":[{\"role\":\"",
      "\\n", "\"}]}", "" },
    { "metadata", HOSTILE_RESPONSES, HOSTILE_R ",\"metadata\":{",
      "\"a\":\"\"", "}}", "," },
    { "metadata of numbers", HOSTILE_RESPONSES, HOSTILE_R ",\"metadata\":{",
      "\"a\":0", "}}", "," },
    { "metadata, long names", HOSTILE_RESPONSES, HOSTILE_R ",\"metadata\":{",
      "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaa\":\"\"", "}}", "," },
    { "include", HOSTILE_RESPONSES, HOSTILE_R ",\"include\":[", "\"\"", "]}",
      "," },
    { "include of numbers", HOSTILE_RESPONSES, HOSTILE_R ",\"include\":[",
      "0", "]}", "," },
    { "tools of responses", HOSTILE_RESPONSES, HOSTILE_R ",\"tools\":[",
      "{\"type\":\"function\"}", "]}", "," },
    { "text disguised", HOSTILE_RESPONSES, HOSTILE_R ",\"text\":{",
      "\"Format\":0", "}}", "," },
    { "names of responses", HOSTILE_RESPONSES, HOSTILE_R ",", "\"A\":0", "}",
      "," },
    { NULL, HOSTILE_CHAT, NULL, NULL, NULL, NULL }
};


static inline void
hostile_make(hostile_t *h, const hostile_shape_t *shape, size_t size)
{
    char      unit[1024];
    size_t    n, room;
    unsigned  i;

    room = size + sizeof(unit) + strlen(shape->head) + strlen(shape->tail);

    h->shape = shape;
    h->body = malloc(room + 1);

    if (h->body == NULL) {
        abort();
    }

    h->len = (size_t) sprintf(h->body, "%s", shape->head);

    for (i = 0; h->len < size; i++) {
        n = (size_t) snprintf(unit, sizeof(unit), shape->unit, i);

        if (i) {
            h->body[h->len] = shape->join[0];
            h->len += strlen(shape->join);
        }

        memcpy(h->body + h->len, unit, n);
        h->len += n;
    }

    h->units = i;

    h->len += (size_t) sprintf(h->body + h->len, "%s", shape->tail);
}


typedef struct hostile_block_s  hostile_block_t;

struct hostile_block_s {
    hostile_block_t         *next;
};


typedef struct {
    const hostile_t         *hostile;
    ngx_comet_judge_t        judge;
    ngx_comet_policy_t       policy;
    hostile_block_t         *blocks;
    size_t                   allocations;
    size_t                   allocated;
} hostile_run_t;


static inline void *
hostile_alloc(void *data, size_t size)
{
    hostile_run_t    *run = data;
    hostile_block_t  *block;

    block = malloc(sizeof(hostile_block_t) + size);
    if (block == NULL) {
        abort();
    }

    block->next = run->blocks;
    run->blocks = block;
    run->allocations++;
    run->allocated += size;

    return block + 1;
}


static inline void
hostile_begin(hostile_run_t *run, const hostile_t *h, ngx_comet_mode_e mode)
{
    memset(run, 0, sizeof(hostile_run_t));

    run->hostile = h;
    run->policy.mode = mode;
    run->policy.alloc = hostile_alloc;
    run->policy.data = run;

    ngx_comet_judge_init(&run->judge,
                         ngx_comet_endpoint_find(h->shape->endpoint,
                                            strlen(h->shape->endpoint)),
                         &run->policy);
}


static inline int
hostile_feed(hostile_run_t *run, size_t at)
{
    size_t  n;

    n = run->hostile->len - at;
    n = n < HOSTILE_PIECE ? n : HOSTILE_PIECE;

    return ngx_comet_judge_feed(&run->judge,
                                (unsigned char *) run->hostile->body + at, n);
}


static inline void
hostile_end(hostile_run_t *run)
{
    hostile_block_t  *next;

    for ( /* void */ ; run->blocks; run->blocks = next) {
        next = run->blocks->next;
        free(run->blocks);
    }
}


#endif /* _HOSTILE_H_INCLUDED_ */
