/*
 * What bodies cost that are made to be dear, beside one long text and a chat
 * of short messages of their size: fed by 64 KB, as reads are, in each mode.
 * Of each mode the best round counts, and the dearest mode is printed.
 */


#define _GNU_SOURCE

#include "hostile.h"

#include <time.h>


#define BENCH_ROUNDS  5
#define BENCH_SIZE    (8 * 1024 * 1024)


typedef struct {
    double  whole;
    double  longest;       /* of the steps between reads */
    size_t  bytes;
} bench_cost_t;


static double
bench_now(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

    return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}


static double
bench_step(double from, bench_cost_t *cost)
{
    double  now;

    now = bench_now();

    cost->whole += now - from;

    if (now - from > cost->longest) {
        cost->longest = now - from;
    }

    return bench_now();
}


static void
bench_once(hostile_t *h, ngx_comet_mode_e mode, bench_cost_t *cost)
{
    int     rc;
    size_t  at;
    double  from;

    static hostile_run_t  run;

    memset(cost, 0, sizeof(bench_cost_t));
    hostile_begin(&run, h, mode);

    from = bench_now();

    for (at = 0, rc = 0; rc == 0 && at < h->len; at += HOSTILE_PIECE) {
        rc = hostile_feed(&run, at);
        from = bench_step(from, cost);
    }

    if (ngx_comet_judge_finish(&run.judge) != 0) {
        abort();
    }

    bench_step(from, cost);
    cost->bytes = run.allocated;

    hostile_end(&run);
}


static void
bench_shape(const hostile_shape_t *shape, ngx_comet_mode_e mode,
    bench_cost_t *best)
{
    int           i;
    hostile_t     h;
    bench_cost_t  cost;

    hostile_make(&h, shape, BENCH_SIZE);

    for (i = 0; i < BENCH_ROUNDS; i++) {
        bench_once(&h, mode, &cost);

        if (i == 0 || cost.whole < best->whole) {
            best->whole = cost.whole;
        }

        if (i == 0 || cost.longest < best->longest) {
            best->longest = cost.longest;
        }

        best->bytes = cost.bytes;
    }

    free(h.body);
}


static ngx_comet_mode_e
bench_modes(const hostile_shape_t *shape, bench_cost_t *worst)
{
    ngx_comet_mode_e  mode, dearest;
    bench_cost_t      cost;

    dearest = NGX_COMET_REJECT;

    for (mode = NGX_COMET_REJECT; mode <= NGX_COMET_OBSERVE; mode++) {
        bench_shape(shape, mode, &cost);

        if (mode == NGX_COMET_REJECT || cost.whole > worst->whole) {
            *worst = cost;
            dearest = mode;
        }
    }

    return dearest;
}


static void
bench_named(const char *name, bench_cost_t *cost)
{
    const hostile_shape_t  *shape;

    for (shape = hostile_shapes; strcmp(shape->name, name) != 0; shape++) {
        /* void */
    }

    (void) bench_modes(shape, cost);
}


/* those whose name begins so, if it is given */

int
main(int argc, char *argv[])
{
    double                  worst;
    bench_cost_t            text, chat, cost;
    ngx_comet_mode_e        mode;
    const hostile_shape_t  *shape;

    static const char  *modes[] = { "reject", "repair", "observe" };

    bench_named("plain text", &text);
    bench_named("short messages", &chat);

    printf("8 MB, fed by %d KB; ratios to one long text and to a chat of short "
           "messages\n\n%-26s %-8s %8s %8s %6s %10s %10s\n",
           HOSTILE_PIECE / 1024, "body", "mode", "ms", "text", "chat",
           "a step, ms", "allocated");

    worst = 0;

    for (shape = hostile_shapes; shape->name; shape++) {

        if (argc > 1 && strncmp(shape->name, argv[1], strlen(argv[1])) != 0) {
            continue;
        }

        mode = bench_modes(shape, &cost);

        printf("%-26s %-8s %8.2f %8.1f %6.2f %10.3f %10zu\n", shape->name,
               modes[mode], cost.whole / 1e6, cost.whole / text.whole,
               cost.whole / chat.whole, cost.longest / 1e6, cost.bytes);

        if (cost.whole > worst * chat.whole) {
            worst = cost.whole / chat.whole;
        }
    }

    printf("\nthe dearest takes %.2f times a chat of short messages\n", worst);

    return 0;
}
