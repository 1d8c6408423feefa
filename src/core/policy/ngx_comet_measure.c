#include "ngx_comet_measure.h"

#include <string.h>


#define NGX_COMET_BLOCK          4096
#define NGX_COMET_SAMPLE         64       /* has a space in it, or a dot */

#define NGX_COMET_TEXT_BYTES     4        /* for a token */
#define NGX_COMET_ENCODED_BYTES  512


/* compilers make of it what the machine has */

#define NGX_COMET_VECTOR  16

typedef unsigned char  ngx_comet_measure_vector_t
    __attribute__((vector_size(NGX_COMET_VECTOR)));


/* whether all bytes are letters, digits, "/" or "+"; "/" is before "0" */

static inline int
ngx_comet_measure_is_base64(ngx_comet_measure_vector_t v)
{
    uint64_t                    halves[2];
    ngx_comet_measure_vector_t  found;

    found = (ngx_comet_measure_vector_t)
            (((v | 0x20) - 'a' <= 'z' - 'a') | (v - '/' <= '9' - '/')
             | (v == '+'));

    memcpy(halves, &found, NGX_COMET_VECTOR);

    return (halves[0] & halves[1]) == UINT64_MAX;
}


static int
ngx_comet_measure_is_encoded(const unsigned char *p, size_t len)
{
    ngx_comet_measure_vector_t  v;

    for ( /* void */ ; len >= NGX_COMET_VECTOR; len -= NGX_COMET_VECTOR) {
        memcpy(&v, p, NGX_COMET_VECTOR);

        if (!ngx_comet_measure_is_base64(v)) {
            return 0;
        }

        p += NGX_COMET_VECTOR;
    }

    if (len == 0) {
        return 1;
    }

    memset(&v, 'A', NGX_COMET_VECTOR);
    memcpy(&v, p, len);

    return ngx_comet_measure_is_base64(v);
}


static unsigned
ngx_comet_measure_place(const ngx_comet_measure_t *measure)
{
    uint64_t  mixed;

    mixed = (measure->bytes + measure->seed) * 0x9e3779b97f4a7c15;

    return (unsigned) (mixed >> 32) % (NGX_COMET_BLOCK - NGX_COMET_SAMPLE);
}


void
ngx_comet_measure_feed(ngx_comet_measure_t *measure, const unsigned char *p,
    size_t len)
{
    size_t  at, n, next;

    while (len) {

        at = measure->bytes % NGX_COMET_BLOCK;

        if (at == 0) {
            measure->plain = 0;
            measure->sample = ngx_comet_measure_place(measure);
        }

        if (at < measure->sample) {
            next = measure->sample;

        } else if (at < measure->sample + NGX_COMET_SAMPLE
                   && !measure->plain)
        {
            next = measure->sample + NGX_COMET_SAMPLE;

        } else {
            next = NGX_COMET_BLOCK;
        }

        n = next - at < len ? next - at : len;

        if (next == measure->sample + NGX_COMET_SAMPLE) {
            if (!ngx_comet_measure_is_encoded(p, n)) {
                measure->plain = 1;

            } else if (at + n == next) {
                measure->encoded++;
            }
        }

        measure->bytes += n;
        p += n;
        len -= n;
    }
}


uint64_t
ngx_comet_measure_tokens(const ngx_comet_measure_t *measure)
{
    uint64_t  encoded;

    encoded = measure->encoded * NGX_COMET_BLOCK;

    if (encoded > measure->bytes) {
        encoded = measure->bytes;
    }

    return (measure->bytes - encoded) / NGX_COMET_TEXT_BYTES
           + encoded / NGX_COMET_ENCODED_BYTES + 1;
}
