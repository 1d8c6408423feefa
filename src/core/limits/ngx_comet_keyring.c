#include "ngx_comet_keyring.h"

#include <string.h>


/* at most half of the places are taken, so runs are short and end */

int
ngx_comet_keyring_is_full(const ngx_comet_keyring_t *ring)
{
    return 2 * ring->used >= ring->size;
}


size_t
ngx_comet_keyring_next_size(const ngx_comet_keyring_t *ring)
{
    return ring->size ? 2 * ring->size : NGX_COMET_KEYRING_MIN;
}


void
ngx_comet_keyring_grow(ngx_comet_keyring_t *ring, ngx_comet_key_t *keys)
{
    size_t               i;
    ngx_comet_keyring_t  old;

    old = *ring;

    ring->size = ngx_comet_keyring_next_size(&old);
    ring->keys = keys;
    ring->used = 0;

    for (i = 0; i < old.size; i++) {
        if (old.keys[i].value) {
            ngx_comet_keyring_add(ring, old.keys[i].digest,
                                  old.keys[i].value);
        }
    }
}


static size_t
ngx_comet_keyring_place(const ngx_comet_keyring_t *ring,
    const unsigned char *digest)
{
    uint64_t  hash;

    memcpy(&hash, digest, sizeof(hash));

    return (size_t) hash & (ring->size - 1);
}


/* all bytes are compared, wherever the first difference is */

static uint32_t
ngx_comet_keyring_same(const unsigned char *one, const unsigned char *two)
{
    size_t    i;
    uint32_t  differ;

    differ = 0;

    for (i = 0; i < NGX_COMET_DIGEST_LEN; i++) {
        differ |= (uint32_t) (one[i] ^ two[i]);
    }

    return (differ - 1) >> 31;
}


/* goes to the end of the run, found or not */

uint32_t
ngx_comet_keyring_find(const ngx_comet_keyring_t *ring,
    const unsigned char *digest)
{
    size_t    i;
    uint32_t  value;

    if (ring->size == 0) {
        return 0;
    }

    value = 0;
    i = ngx_comet_keyring_place(ring, digest);

    while (ring->keys[i].value) {
        value |= ring->keys[i].value
                 * ngx_comet_keyring_same(ring->keys[i].digest, digest);
        i = (i + 1) & (ring->size - 1);
    }

    return value;
}


uint32_t
ngx_comet_keyring_add(ngx_comet_keyring_t *ring, const unsigned char *digest,
    uint32_t value)
{
    size_t    i;
    uint32_t  other;

    other = ngx_comet_keyring_find(ring, digest);

    if (other) {
        return other;
    }

    i = ngx_comet_keyring_place(ring, digest);

    while (ring->keys[i].value) {
        i = (i + 1) & (ring->size - 1);
    }

    memcpy(ring->keys[i].digest, digest, NGX_COMET_DIGEST_LEN);
    ring->keys[i].value = value;
    ring->used++;

    return 0;
}
