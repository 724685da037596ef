/* The part of CBOR (RFC 8949) that the device protocol uses: whole numbers, null, lists and maps, in the deterministic
 * form. A reader or writer that meets an error stays in it, so that it is asked once, at the end. */
#ifndef MG_CBOR_H
#define MG_CBOR_H

#include <stddef.h>
#include <stdint.h>

enum { MG_UNSIGNED = 0, MG_NEGATIVE = 1, MG_BYTES = 2, MG_TEXT = 3, MG_LIST = 4, MG_MAP = 5, MG_SIMPLE = 7 };

#define MG_NULL UINT64_MAX /* what an optional number holds when it is null */

typedef struct {
    const uint8_t *at, *end;
    uint8_t failed;
} mg_reader;

typedef struct {
    uint8_t *at, *end;
    uint8_t failed;
} mg_writer;

/* Reads the head of an item: its major type, and its value or count. Only the shortest form is taken. */
uint8_t mg_read_head(mg_reader *in, uint64_t *value);
uint64_t mg_read_number(mg_reader *in, uint64_t most);
uint64_t mg_read_optional(mg_reader *in, uint64_t most); /* MG_NULL for null */
void mg_skip(mg_reader *in, int depth);                   /* one item of any kind but floats and tags */

void mg_write_head(mg_writer *out, uint8_t major, uint64_t value);
void mg_write_optional(mg_writer *out, uint64_t value);
void mg_write_bytes(mg_writer *out, const uint8_t *bytes, size_t count);

#endif
