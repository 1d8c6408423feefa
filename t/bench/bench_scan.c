/*
 * How fast bodies of several kinds are judged, on each level of the kernels,
 * beside memcpy() and cJSON.  A body comes in pieces of 64 KB, each copied into
 * the one buffer first, as reads do; that is timed as memcpy().  All take turns
 * within a round; medians are printed, and the best rounds, for machines that
 * others use too.
 */


#define _GNU_SOURCE

#include "ngx_comet_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>


#define BENCH_ROUNDS  31
#define BENCH_CHAT    (2 * 1024 * 1024)
#define BENCH_IMAGE   (16 * 1024 * 1024)
#define BENCH_PIECE   (64 * 1024)
#define BENCH_WAYS    (NGX_COMET_TEXT_LEVELS + 2)


typedef struct {
    const char     *name;
    unsigned char  *body;
    size_t          len;
    size_t          room;
} bench_t;


/* where times go: the levels, then these */

enum {
    BENCH_MEMCPY = NGX_COMET_TEXT_LEVELS,
    BENCH_CJSON
};


typedef double  bench_times_t[BENCH_WAYS][BENCH_ROUNDS];


static unsigned char  bench_buffer[BENCH_PIECE] __attribute__((aligned(4096)));


static const char *bench_prose[] = {
    "The committee met on Thursday to discuss the new bridge, and nobody was "
    "quite sure who had invited the engineers. ",
    "Could you explain, in simple terms, why the sky looks blue at noon and "
    "red at sunset? I have read two explanations and they disagree. ",
    "Of course! Light from the sun is scattered by the air, and shorter waves "
    "are scattered more strongly than longer ones. ",
    "It\xe2\x80\x99s worth noting that this isn\xe2\x80\x99t the whole story "
    "\xe2\x80\x94 the eye matters too. ",
    "He said \\\"wait for me\\\" and left the room without his coat. ",
    "First, gather the ingredients: flour, butter, sugar, two eggs, and a "
    "pinch of salt.\\n\\nThen preheat the oven to 180 degrees. ",
    NULL
};


static const char *bench_source[] = {
    "static int\\nmain(int argc, char *argv[])\\n{\\n",
    "    printf(\\\"hello, %s\\\\n\\\", argv[1]);\\n",
    "\\tif (err != nil) {\\n\\t\\treturn fmt.Errorf(\\\"open %q: %w\\\", "
    "name, err)\\n\\t}\\n",
    "    const re = /\\\\d+\\\\.\\\\w*/g;\\n",
    "    for (i = 0; i < n; i++) {\\n        sum += a[i];\\n    }\\n\\n",
    "<div class=\\\"row\\\" id=\\\"x-1\\\">\\n  <p>text</p>\\n</div>\\n",
    "    data = {\\\"a\\\": 1, \\\"b\\\": [\\\"c\\\", \\\"d\\\"]}\\n",
    "# a comment on the next line\\n\\n",
    NULL
};


static const char *bench_ukrainian[] = {
    "Добрий день! Підкажіть, будь ласка, як краще налаштувати сервер для "
    "великої кількості з’єднань. ",
    "Звичайно: спершу перевірте, скільки файлів може відкрити процес, а "
    "потім змініть обмеження.\\n",
    "У лісі було тихо, лише десь далеко стукав дятел, і сонце повільно сідало "
    "за обрій. ",
    "«Чому б і ні?» — відповіла вона, усміхнувшись.\\n\\n",
    NULL
};


static const char *bench_japanese[] = {
    "こんにちは。今日はとても良い天気ですね。散歩に出かけませんか。",
    "サーバーの設定を変更する前に、必ずバックアップを取ってください。\\n",
    "この文章は、文字列の検証の速さを測るために書かれました。",
    "「なぜですか」と彼女は聞いた。\\n\\n",
    "nginx のモジュールは C 言語で書かれています。",
    NULL
};


static uint32_t
bench_random(uint32_t n)
{
    static uint64_t  state = 88172645463325252;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return (uint32_t) (state >> 16) % n;
}


static void
bench_add(bench_t *b, const char *text)
{
    size_t  n;

    n = strlen(text);

    if (b->len + n >= b->room) {
        abort();
    }

    memcpy(b->body + b->len, text, n + 1);
    b->len += n;
}


/* each character that is not ASCII as json.dumps() of Python writes it */

static void
bench_add_escaped(bench_t *b, const char *text)
{
    char                  escape[16];
    unsigned              code, more;
    const unsigned char  *p;

    for (p = (const unsigned char *) text; *p; /* void */ ) {
        more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
        code = more ? *p & (0x3f >> more) : *p;

        for (p++; more; more--, p++) {
            code = code << 6 | (*p & 0x3f);
        }

        if (code < 0x80) {
            snprintf(escape, sizeof(escape), "%c", (char) code);

        } else if (code < 0x10000) {
            snprintf(escape, sizeof(escape), "\\u%04x", code);

        } else {
            snprintf(escape, sizeof(escape), "\\u%04x\\u%04x",
                     0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
        }

        bench_add(b, escape);
    }
}


static void
bench_begin(bench_t *b, const char *name, size_t size)
{
    memset(b, 0, sizeof(bench_t));

    b->name = name;
    b->room = size + 65536;
    b->body = malloc(b->room);

    if (b->body == NULL) {
        abort();
    }
}


static void
bench_chat(bench_t *b, const char *name, const char **sentences,
    void (*add)(bench_t *b, const char *text))
{
    size_t    n, end;
    unsigned  i;

    bench_begin(b, name, BENCH_CHAT);

    for (n = 0; sentences[n]; n++) {
        /* void */
    }

    bench_add(b, "{\"model\":\"gpt-4o\",\"temperature\":0.7,\"messages\":[");

    for (i = 0; b->len < BENCH_CHAT; i++) {

        bench_add(b, i ? "," : "");
        bench_add(b, i % 2 ? "{\"role\":\"assistant\",\"content\":\""
                           : "{\"role\":\"user\",\"content\":\"");

        end = b->len + 200 + bench_random(3800);

        while (b->len < end) {
            add(b, sentences[bench_random((uint32_t) n)]);
        }

        bench_add(b, "\"}");
    }

    bench_add(b, "],\"stream\":true}");
}


static void
bench_image(bench_t *b, const char *name)
{
    size_t  i;

    static const char  digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    bench_begin(b, name, BENCH_IMAGE);

    bench_add(b, "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\","
                 "\"content\":[{\"type\":\"image_url\",\"image_url\":"
                 "{\"url\":\"data:image/png;base64,");

    for (i = 0; i < BENCH_IMAGE; i++) {
        b->body[b->len++] = (unsigned char) digits[bench_random(64)];
    }

    bench_add(b, "\"}}]}]}");
}


static double
bench_now(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}


static void *
bench_alloc(void *data, size_t size)
{
    (void) data;
    (void) size;

    return NULL;
}


/* returns how long it took; *copied is how long the reads did */

static double
bench_judge(bench_t *b, double *copied)
{
    size_t                    at, n;
    double                    from, read, took;
    ngx_comet_policy_t        policy;
    static ngx_comet_judge_t  judge;

    memset(&policy, 0, sizeof(ngx_comet_policy_t));
    policy.alloc = bench_alloc;

    from = bench_now();
    ngx_comet_judge_init(&judge, NGX_COMET_ENDPOINT_CHAT, &policy);
    took = bench_now() - from;

    *copied = 0;

    for (at = 0; at < b->len; at += n) {
        n = b->len - at < BENCH_PIECE ? b->len - at : BENCH_PIECE;

        from = bench_now();
        memcpy(bench_buffer, b->body + at, n);
        read = bench_now();
        (void) ngx_comet_judge_feed(&judge, bench_buffer, n);
        took += bench_now() - read;

        *copied += read - from;
    }

    from = bench_now();

    if (ngx_comet_judge_finish(&judge) != 0
        || judge.verdict != NGX_COMET_PASS)
    {
        fprintf(stderr, "%s: %s\n", b->name, judge.message);
        exit(1);
    }

    return took + bench_now() - from;
}


static double
bench_cjson(bench_t *b)
{
    cJSON   *root;
    double   from, took;

    from = bench_now();
    root = cJSON_ParseWithLength((const char *) b->body, b->len);
    took = bench_now() - from;

    if (root == NULL) {
        fprintf(stderr, "%s: cJSON fails\n", b->name);
        exit(1);
    }

    cJSON_Delete(root);

    return took;
}


static int
bench_compare(const void *a, const void *b)
{
    double  x, y;

    x = *(const double *) a;
    y = *(const double *) b;

    return (x > y) - (x < y);
}


static void
bench_run(bench_t *b, bench_times_t times)
{
    int                     i, level;
    ngx_comet_text_run_pt   run;

    for (i = 0; i < BENCH_ROUNDS; i++) {

        for (level = 0; level < NGX_COMET_TEXT_LEVELS; level++) {
            run = ngx_comet_text_level((ngx_comet_text_level_e) level);

            if (run) {
                ngx_comet_text_run = run;
                times[level][i] = bench_judge(b, &times[BENCH_MEMCPY][i]);
            }
        }

        times[BENCH_CJSON][i] = bench_cjson(b);
    }

    for (i = 0; i < BENCH_WAYS; i++) {
        qsort(times[i], BENCH_ROUNDS, sizeof(double), bench_compare);
    }
}


static void
bench_print(const char *title, const bench_t *bodies, bench_times_t *times,
    size_t nbodies, int round)
{
    int     way;
    size_t  i;

    static const char *const  names[] = {
        [NGX_COMET_TEXT_SCALAR] = "plain C",
        [NGX_COMET_TEXT_SSSE3] = "SSSE3",
        [NGX_COMET_TEXT_AVX2] = "AVX2",
        [NGX_COMET_TEXT_NEON] = "NEON",
        [BENCH_MEMCPY] = "memcpy",
        [BENCH_CJSON] = "cJSON"
    };

    printf("%-14s %8s", title, "KB");

    for (way = 0; way < BENCH_WAYS; way++) {
        if (times[0][way][0]) {
            printf(" %8s", names[way]);
        }
    }

    printf("\n");

    for (i = 0; i < nbodies; i++) {
        printf("%-14s %8zu", bodies[i].name, bodies[i].len / 1024);

        for (way = 0; way < BENCH_WAYS; way++) {
            if (times[0][way][0]) {
                printf(" %8.2f", (double) bodies[i].len
                                 / times[i][way][round]);
            }
        }

        printf("\n");
    }
}


int
main(void)
{
    size_t  i;

    static bench_t        b[7];
    static bench_times_t  times[7];

    bench_image(&b[0], "image");
    bench_chat(&b[1], "prose", bench_prose, bench_add);
    bench_chat(&b[2], "source", bench_source, bench_add);
    bench_chat(&b[3], "ukrainian", bench_ukrainian, bench_add);
    bench_chat(&b[4], "japanese", bench_japanese, bench_add);
    bench_chat(&b[5], "\\u ukrainian", bench_ukrainian, bench_add_escaped);
    bench_chat(&b[6], "\\u japanese", bench_japanese, bench_add_escaped);

    for (i = 0; i < 7; i++) {
        bench_run(&b[i], times[i]);
    }

    printf("GB/s, judged in pieces of %d KB\n\n", BENCH_PIECE / 1024);
    bench_print("median", b, times, 7, BENCH_ROUNDS / 2);
    printf("\n");
    bench_print("best", b, times, 7, 0);

    return 0;
}
