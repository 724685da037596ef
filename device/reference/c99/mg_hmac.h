/* SHA-256 (FIPS 180-4) and HMAC (RFC 2104), for parts of a message in turn; no memory is allocated. */
#ifndef MG_HMAC_H
#define MG_HMAC_H

#include <stddef.h>
#include <stdint.h>

#define MG_HASH_BYTES 32
#define MG_KEY_BYTES 32

typedef struct {
    uint32_t state[8];
    uint32_t length; /* bytes taken in; messages here are short */
    uint8_t block[64];
} mg_sha256;

typedef struct {
    mg_sha256 inner;
    uint8_t outer_pad[64];
} mg_hmac;

void mg_sha256_begin(mg_sha256 *hash);
void mg_sha256_add(mg_sha256 *hash, const uint8_t *bytes, size_t count);
void mg_sha256_end(mg_sha256 *hash, uint8_t digest[MG_HASH_BYTES]);

void mg_hmac_begin(mg_hmac *mac, const uint8_t key[MG_KEY_BYTES]);
void mg_hmac_add(mg_hmac *mac, const uint8_t *bytes, size_t count);
void mg_hmac_end(mg_hmac *mac, uint8_t digest[MG_HASH_BYTES]);

/* Returns 1 when both are the same; takes equally long wherever they differ. */
int mg_same(const uint8_t *one, const uint8_t *other, size_t count);

#endif
