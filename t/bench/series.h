/* times in nanoseconds, and what is told of them */


#ifndef _BENCH_SERIES_H_INCLUDED_
#define _BENCH_SERIES_H_INCLUDED_


#include "net.h"


typedef struct {
    uint64_t  *at;
    size_t     n;
    size_t     room;
} series_t;


static inline void
series_add(series_t *s, uint64_t value)
{
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 4096;
        s->at = realloc(s->at, s->room * sizeof(uint64_t));
        net_must(s->at != NULL, "realloc");
    }

    s->at[s->n++] = value;
}


static inline int
series_compare(const void *a, const void *b)
{
    uint64_t  x, y;

    x = *(const uint64_t *) a;
    y = *(const uint64_t *) b;

    return (x > y) - (x < y);
}


/* microseconds */

static inline void
series_print(const char *name, series_t *s)
{
    size_t    i;
    unsigned  j;

    static const double  parts[] = { 0.5, 0.9, 0.99, 1.0 };
    static const char   *names[] = { "p50", "p90", "p99", "max" };

    qsort(s->at, s->n, sizeof(uint64_t), series_compare);

    printf(",\"%s\":{\"n\":%zu", name, s->n);

    for (j = 0; j < 4 && s->n; j++) {
        i = (size_t) (parts[j] * (double) s->n);
        i = i < s->n ? i : s->n - 1;
        printf(",\"%s\":%.1f", names[j], (double) s->at[i] / 1000);
    }

    printf("}");
}


#endif /* _BENCH_SERIES_H_INCLUDED_ */
