#include "ngx_comet_choice.h"

#include <math.h>


/* every bit of what comes out hangs on every bit of what comes in */

static uint64_t
ngx_comet_choice_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9;
    x ^= x >> 27;
    x *= 0x94d049bb133111eb;
    x ^= x >> 31;

    return x;
}


uint64_t
ngx_comet_choice_hash(uint64_t seed, const void *text, size_t len)
{
    size_t                i;
    const unsigned char  *p;

    p = text;
    seed ^= 0xcbf29ce484222325 + len;

    for (i = 0; i < len; i++) {
        seed = (seed ^ p[i]) * 0x100000001b3;
    }

    return ngx_comet_choice_mix(seed);
}


/*
 * Each has a time of its own for the seed, drawn as from a clock that ticks
 * as fast as it weighs: who is first is chosen in proportion to the weights,
 * and none of the others changes the time of any.
 */

size_t
ngx_comet_choose(const ngx_comet_choice_t *choices, size_t n, uint64_t seed)
{
    size_t    i, first;
    double    even, time, least;

    first = 0;
    least = HUGE_VAL;

    for (i = 0; i < n; i++) {

        /* 53 bits and a half: never 0, never 1 */

        even = (double) (ngx_comet_choice_mix(seed ^ choices[i].id) >> 11);
        time = -log((even + 0.5) / 9007199254740992.0)
               / (double) choices[i].weight;

        if (time < least) {
            least = time;
            first = i;
        }
    }

    return first;
}
