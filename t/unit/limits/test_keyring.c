#include "unit.h"

#include "ngx_comet_keyring.h"


#define MANY  10000


/* spread as a real digest is, and different for each number */

static void
digest_of(unsigned char *digest, uint64_t n)
{
    size_t    i, k;
    uint64_t  x;

    for (i = 0; i < NGX_COMET_DIGEST_LEN; i += 8) {
        x = (n + 1) * 0x9e3779b97f4a7c15 + i;

        for (k = 0; k < 3; k++) {
            x ^= x >> 31;
            x *= 0xbf58476d1ce4e5b9;
        }

        memcpy(digest + i, &x, 8);
    }
}


static void
make_room(ngx_comet_keyring_t *ring)
{
    ngx_comet_key_t  *old, *keys;

    if (!ngx_comet_keyring_is_full(ring)) {
        return;
    }

    keys = calloc(ngx_comet_keyring_next_size(ring), sizeof(ngx_comet_key_t));
    assert_non_null(keys);

    old = ring->keys;
    ngx_comet_keyring_grow(ring, keys);
    free(old);
}


static void
test_empty(void **state)
{
    unsigned char        digest[NGX_COMET_DIGEST_LEN];
    ngx_comet_keyring_t  ring;

    (void) state;

    memset(&ring, 0, sizeof(ring));
    memset(digest, 0, sizeof(digest));

    assert_true(ngx_comet_keyring_is_full(&ring));
    assert_int_equal(ngx_comet_keyring_find(&ring, digest), 0);

    make_room(&ring);

    assert_int_equal(ring.size, NGX_COMET_KEYRING_MIN);
    assert_false(ngx_comet_keyring_is_full(&ring));

    /* a digest of zeros is no empty place */

    assert_int_equal(ngx_comet_keyring_find(&ring, digest), 0);
    assert_int_equal(ngx_comet_keyring_add(&ring, digest, 7), 0);
    assert_int_equal(ngx_comet_keyring_find(&ring, digest), 7);

    free(ring.keys);
}


static void
test_many(void **state)
{
    uint32_t             n;
    unsigned char        digest[NGX_COMET_DIGEST_LEN];
    ngx_comet_keyring_t  ring;

    (void) state;

    memset(&ring, 0, sizeof(ring));

    for (n = 1; n <= MANY; n++) {
        digest_of(digest, n);
        make_room(&ring);

        assert_int_equal(ngx_comet_keyring_find(&ring, digest), 0);
        assert_int_equal(ngx_comet_keyring_add(&ring, digest, n), 0);
        assert_int_equal(ring.used, n);
        assert_true(2 * ring.used <= ring.size);
    }

    for (n = 1; n <= MANY; n++) {
        digest_of(digest, n);
        assert_int_equal(ngx_comet_keyring_find(&ring, digest), n);

        /* whose it is stays */

        assert_int_equal(ngx_comet_keyring_add(&ring, digest, n + 1), n);
        assert_int_equal(ngx_comet_keyring_find(&ring, digest), n);

        /* every byte counts */

        digest[n % NGX_COMET_DIGEST_LEN] ^= (unsigned char) (1 << n % 8);
        assert_int_equal(ngx_comet_keyring_find(&ring, digest), 0);
    }

    assert_int_equal(ring.used, MANY);

    free(ring.keys);
}


/* a run over the end of the table, of values whose bits would mix */

static void
test_collisions(void **state)
{
    uint32_t             n;
    unsigned char        digest[NGX_COMET_DIGEST_LEN];
    ngx_comet_keyring_t  ring;

    (void) state;

    memset(&ring, 0, sizeof(ring));
    memset(digest, 0xff, sizeof(digest));

    for (n = 1; n <= 500; n++) {
        make_room(&ring);

        digest[NGX_COMET_DIGEST_LEN - 2] = (unsigned char) (n >> 8);
        digest[NGX_COMET_DIGEST_LEN - 1] = (unsigned char) n;

        assert_int_equal(ngx_comet_keyring_find(&ring, digest), 0);
        assert_int_equal(ngx_comet_keyring_add(&ring, digest, UINT32_MAX - n),
                         0);
    }

    for (n = 1; n <= 500; n++) {
        digest[NGX_COMET_DIGEST_LEN - 2] = (unsigned char) (n >> 8);
        digest[NGX_COMET_DIGEST_LEN - 1] = (unsigned char) n;

        assert_int_equal(ngx_comet_keyring_find(&ring, digest),
                         UINT32_MAX - n);
    }

    digest[NGX_COMET_DIGEST_LEN - 2] = 0xff;
    assert_int_equal(ngx_comet_keyring_find(&ring, digest), 0);

    free(ring.keys);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_collisions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
