#include "ngx_comet_measure.h"


#define NGX_COMET_BLOCK          4096
#define NGX_COMET_SAMPLE         64       /* has a space in it, or a dot */

#define NGX_COMET_TEXT_BYTES     4        /* for a token */
#define NGX_COMET_ENCODED_BYTES  512


static int
ngx_comet_measure_is_base64(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
           || (c >= '0' && c <= '9') || c == '+' || c == '/';
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

        if (at >= measure->sample && at < measure->sample + NGX_COMET_SAMPLE
            && !measure->plain)
        {
            if (!ngx_comet_measure_is_base64(*p)) {
                measure->plain = 1;

            } else if (at == measure->sample + NGX_COMET_SAMPLE - 1) {
                measure->encoded++;
            }

            n = 1;

        } else {
            next = at < measure->sample ? measure->sample : NGX_COMET_BLOCK;
            n = next - at < len ? next - at : len;
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
