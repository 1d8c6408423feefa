/*
 * Who a digest belongs to: a table that is looked up in constant time, found
 * or not.
 */


#ifndef _NGX_COMET_KEYRING_H_INCLUDED_
#define _NGX_COMET_KEYRING_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define NGX_COMET_DIGEST_LEN  32


typedef struct {
    unsigned char         digest[NGX_COMET_DIGEST_LEN];
    uint32_t              value;                    /* 0: an empty place */
} ngx_comet_key_t;


typedef struct {
    ngx_comet_key_t      *keys;
    size_t                size;                     /* a power of two, or 0 */
    size_t                used;
} ngx_comet_keyring_t;


/* whether a larger table is due before the next one is added */

int ngx_comet_keyring_is_full(const ngx_comet_keyring_t *ring);

/* takes everything over into the place for twice as many, cleared */

#define NGX_COMET_KEYRING_MIN  16

size_t ngx_comet_keyring_next_size(const ngx_comet_keyring_t *ring);
void ngx_comet_keyring_grow(ngx_comet_keyring_t *ring, ngx_comet_key_t *keys);

/* 0, or whose it is already */

uint32_t ngx_comet_keyring_add(ngx_comet_keyring_t *ring,
    const unsigned char *digest, uint32_t value);

/* whose it is, or 0 */

uint32_t ngx_comet_keyring_find(const ngx_comet_keyring_t *ring,
    const unsigned char *digest);


#endif /* _NGX_COMET_KEYRING_H_INCLUDED_ */
