#include "ngx_comet_backoff.h"


uint64_t
ngx_comet_backoff_bound(const ngx_comet_backoff_t *backoff, unsigned attempt)
{
    unsigned  doubled;
    uint64_t  max;

    doubled = attempt ? attempt - 1 : 0;
    max = backoff->max < UINT32_MAX ? backoff->max : UINT32_MAX;

    if (doubled >= 32 || backoff->base > max >> doubled) {
        return max;
    }

    return backoff->base << doubled;
}


uint64_t
ngx_comet_backoff_wait(const ngx_comet_backoff_t *backoff, unsigned attempt,
    uint32_t random)
{
    return (ngx_comet_backoff_bound(backoff, attempt) + 1) * random >> 32;
}
