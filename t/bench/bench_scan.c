/*
 * The speed over bodies of several kinds, beside that of memcpy() and cJSON in
 * the same rounds.  All take turns within a round; medians are printed, and
 * the best round of whole bodies, for machines that others use too.
 */


#define _GNU_SOURCE

#include "ngx_comet_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>


#define BENCH_ROUNDS  31
#define BENCH_CHAT    (2 * 1024 * 1024)
#define BENCH_IMAGE   (16 * 1024 * 1024)
#define BENCH_CHUNK   (64 * 1024)


typedef struct {
    const char     *name;
    unsigned char  *body;
    size_t          len;
    size_t          room;
    unsigned char  *copy;
    size_t          chunk;
} bench_t;


typedef void (*bench_pt)(bench_t *b);


static uint64_t  bench_roles;


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


static const char *bench_ascii[] = {
    "\\u0414\\u043e\\u0431\\u0440\\u0438\\u0439 "
    "\\u0434\\u0435\\u043d\\u044c! ",
    "\\u041f\\u0456\\u0434\\u043a\\u0430\\u0436\\u0456\\u0442\\u044c, ",
    "\\u2014 \\u0441\\u043a\\u0430\\u0437\\u0430\\u043b\\u0430 "
    "\\u0432\\u043e\\u043d\\u0430. \\ud83d\\ude00\\n",
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


static void
bench_begin(bench_t *b, const char *name, size_t size)
{
    memset(b, 0, sizeof(bench_t));

    b->name = name;
    b->room = size + 65536;
    b->body = aligned_alloc(4096, (b->room + 4095) / 4096 * 4096);
    b->copy = aligned_alloc(4096, (b->room + 4095) / 4096 * 4096);

    if (b->body == NULL || b->copy == NULL) {
        abort();
    }

    memset(b->copy, 0, b->room);
}


static void
bench_chat(bench_t *b, const char *name, const char **sentences)
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
            bench_add(b, sentences[bench_random((uint32_t) n)]);
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


/* looks at the roles as the gateway does, and at nothing else */

static int
bench_handler(void *data, const ngx_comet_token_t *token)
{
    (void) data;

    if (token->type == NGX_COMET_NAME && token->len == 4
        && memcmp(token->text, "role", 4) == 0)
    {
        return NGX_COMET_SCAN_TEXT;
    }

    if (token->type == NGX_COMET_STRING && token->text) {
        bench_roles += token->text[0] == 'u';
    }

    return NGX_COMET_SCAN_ON;
}


static void
bench_scan(bench_t *b)
{
    size_t            at, n;
    ngx_comet_scan_t  scan;

    ngx_comet_scan_init(&scan, 64, bench_handler, NULL);

    for (at = 0; at < b->len; at += n) {
        n = b->len - at;

        if (b->chunk && n > b->chunk) {
            n = b->chunk;
        }

        if (ngx_comet_scan_feed(&scan, b->body + at, n)) {
            break;
        }
    }

    if (ngx_comet_scan_finish(&scan) != NGX_COMET_SCAN_OK) {
        fprintf(stderr, "%s: %s at %llu\n", b->name,
                ngx_comet_scan_message(&scan),
                (unsigned long long) scan.offset);
        exit(1);
    }
}


static void
bench_whole(bench_t *b)
{
    b->chunk = 0;
    bench_scan(b);
}


static void
bench_chunks(bench_t *b)
{
    b->chunk = BENCH_CHUNK;
    bench_scan(b);
}


static void
bench_memcpy(bench_t *b)
{
    memcpy(b->copy, b->body, b->len);
    __asm__ volatile ("" : : "r" (b->copy) : "memory");
}


static void
bench_cjson(bench_t *b)
{
    cJSON  *root;

    root = cJSON_ParseWithLength((const char *) b->body, b->len);

    if (root == NULL) {
        fprintf(stderr, "%s: cJSON fails\n", b->name);
        exit(1);
    }

    cJSON_Delete(root);
}


static double
bench_time(bench_pt run, bench_t *b)
{
    struct timespec  from, to;

    clock_gettime(CLOCK_MONOTONIC, &from);
    run(b);
    clock_gettime(CLOCK_MONOTONIC, &to);

    return (double) (to.tv_sec - from.tv_sec) * 1e9
           + (double) (to.tv_nsec - from.tv_nsec);
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
bench_run(bench_t *b)
{
    int     i, j;
    double  times[4][BENCH_ROUNDS], speed[4];

    static const bench_pt  runs[] = {
        bench_memcpy, bench_whole, bench_chunks, bench_cjson
    };

    for (i = 0; i < BENCH_ROUNDS; i++) {
        for (j = 0; j < 4; j++) {
            times[j][i] = bench_time(runs[j], b);
        }
    }

    for (j = 0; j < 4; j++) {
        qsort(times[j], BENCH_ROUNDS, sizeof(double), bench_compare);
        speed[j] = (double) b->len / times[j][BENCH_ROUNDS / 2];
    }

    printf("%-12s %8zu %8.2f %8.2f %6.2f %8.2f %6.2f %8.2f %8.2f\n", b->name,
           b->len / 1024, speed[0], speed[1], speed[1] / speed[0],
           speed[2], speed[2] / speed[0], speed[3],
           (double) b->len / times[1][0]);

    free(b->body);
    free(b->copy);
}


int
main(int argc, char *argv[])
{
    int                    level;
    bench_t                b;
    ngx_comet_text_run_pt  run;

    if (argc > 1) {
        level = atoi(argv[1]);
        run = ngx_comet_text_level((ngx_comet_text_level_e) level);

        if (run == NULL) {
            fprintf(stderr, "this machine has no level %d\n", level);
            return 1;
        }

        ngx_comet_text_run = run;
    }

    printf("GB/s; ratios to memcpy; fed whole and by %d KB\n\n"
           "%-12s %8s %8s %8s %6s %8s %6s %8s %8s\n", BENCH_CHUNK / 1024,
           "body", "KB", "memcpy", "whole", "ratio", "chunks", "ratio",
           "cJSON", "best");

    bench_image(&b, "image");
    bench_run(&b);
    bench_chat(&b, "prose", bench_prose);
    bench_run(&b);
    bench_chat(&b, "source", bench_source);
    bench_run(&b);
    bench_chat(&b, "ukrainian", bench_ukrainian);
    bench_run(&b);
    bench_chat(&b, "japanese", bench_japanese);
    bench_run(&b);
    bench_chat(&b, "\\uXXXX", bench_ascii);
    bench_run(&b);

    return 0;
}
