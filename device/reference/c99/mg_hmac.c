#include "mg_hmac.h"

#include <string.h>

static const uint32_t ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t START[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t turned(uint32_t word, int bits) { return (word >> bits) | (word << (32 - bits)); }

static uint32_t small_0(uint32_t w) { return turned(w, 7) ^ turned(w, 18) ^ (w >> 3); }
static uint32_t small_1(uint32_t w) { return turned(w, 17) ^ turned(w, 19) ^ (w >> 10); }
static uint32_t large_0(uint32_t w) { return turned(w, 2) ^ turned(w, 13) ^ turned(w, 22); }
static uint32_t large_1(uint32_t w) { return turned(w, 6) ^ turned(w, 11) ^ turned(w, 25); }

/* The schedule is kept in a ring of 16 words, so that a block costs 64 bytes of stack and not 256. */
static void compress(mg_sha256 *hash)
{
    uint32_t w[16], v[8];
    for (int i = 0; i < 16; i++) {
        const uint8_t *at = hash->block + 4 * i;
        w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    memcpy(v, hash->state, sizeof v);
    for (int i = 0; i < 64; i++) {
        if (i >= 16)
            w[i & 15] += small_0(w[(i + 1) & 15]) + w[(i + 9) & 15] + small_1(w[(i + 14) & 15]);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        uint32_t first = v[7] + large_1(v[4]) + choice + ROUND[i] + w[i & 15];
        uint32_t second = large_0(v[0]) + majority;
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += first;
        v[0] = first + second;
    }
    for (int i = 0; i < 8; i++)
        hash->state[i] += v[i];
}

void mg_sha256_begin(mg_sha256 *hash)
{
    memcpy(hash->state, START, sizeof START);
    hash->length = 0;
}

void mg_sha256_add(mg_sha256 *hash, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hash->block[hash->length++ & 63] = bytes[i];
        if ((hash->length & 63) == 0)
            compress(hash);
    }
}

void mg_sha256_end(mg_sha256 *hash, uint8_t digest[MG_HASH_BYTES])
{
    uint32_t bits = hash->length * 8;
    uint8_t one = 0x80, zero = 0, tail[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int i = 0; i < 4; i++)
        tail[4 + i] = (uint8_t)(bits >> (24 - 8 * i));
    mg_sha256_add(hash, &one, 1);
    while ((hash->length & 63) != 56)
        mg_sha256_add(hash, &zero, 1);
    mg_sha256_add(hash, tail, sizeof tail);
    for (int i = 0; i < MG_HASH_BYTES; i++)
        digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

void mg_hmac_begin(mg_hmac *mac, const uint8_t key[MG_KEY_BYTES])
{
    uint8_t inner_pad[64];
    for (int i = 0; i < 64; i++) {
        uint8_t byte = i < MG_KEY_BYTES ? key[i] : 0;
        inner_pad[i] = byte ^ 0x36;
        mac->outer_pad[i] = byte ^ 0x5c;
    }
    mg_sha256_begin(&mac->inner);
    mg_sha256_add(&mac->inner, inner_pad, sizeof inner_pad);
}

void mg_hmac_add(mg_hmac *mac, const uint8_t *bytes, size_t count) { mg_sha256_add(&mac->inner, bytes, count); }

void mg_hmac_end(mg_hmac *mac, uint8_t digest[MG_HASH_BYTES])
{
    mg_sha256_end(&mac->inner, digest);
    mg_sha256_begin(&mac->inner);
    mg_sha256_add(&mac->inner, mac->outer_pad, sizeof mac->outer_pad);
    mg_sha256_add(&mac->inner, digest, MG_HASH_BYTES);
    mg_sha256_end(&mac->inner, digest);
}

int mg_same(const uint8_t *one, const uint8_t *other, size_t count)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < count; i++)
        difference |= one[i] ^ other[i];
    return difference == 0;
}
