#include "mg_cbor.h"

#include <string.h>

#define NULL_BYTE 0xf6

static uint64_t follow(mg_reader *in, int count)
{
    uint64_t value = 0;
    if (in->end - in->at < count) {
        in->failed = 1;
        return 0;
    }
    while (count--)
        value = value << 8 | *in->at++;
    return value;
}

uint8_t mg_read_head(mg_reader *in, uint64_t *value)
{
    static const uint64_t SHORTER_HOLDS[4] = {23, 0xff, 0xffff, 0xffffffff};
    uint8_t first = (uint8_t)follow(in, 1), information = first & 31, major = first >> 5;
    *value = information;
    if (major == MG_SIMPLE)
        in->failed |= information < 20 || information > 22; /* false, true and null */
    else if (information > 27)
        in->failed = 1;
    else if (information > 23) {
        *value = follow(in, 1 << (information - 24));
        in->failed |= *value <= SHORTER_HOLDS[information - 24];
    }
    return major;
}

uint64_t mg_read_number(mg_reader *in, uint64_t most)
{
    uint64_t value;
    if (mg_read_head(in, &value) != MG_UNSIGNED || value > most)
        in->failed = 1;
    return value;
}

uint64_t mg_read_optional(mg_reader *in, uint64_t most)
{
    if (in->at < in->end && *in->at == NULL_BYTE) {
        in->at++;
        return MG_NULL;
    }
    return mg_read_number(in, most);
}

void mg_skip(mg_reader *in, int depth)
{
    uint64_t value;
    uint8_t major = mg_read_head(in, &value);
    if (major == MG_BYTES || major == MG_TEXT) {
        if ((uint64_t)(in->end - in->at) < value)
            in->failed = 1;
        else
            in->at += value;
    } else if (major == MG_LIST || major == MG_MAP) {
        if (depth == 0 || value > (uint64_t)(in->end - in->at))
            in->failed = 1;
        for (uint64_t left = major == MG_MAP ? 2 * value : value; left && !in->failed; left--)
            mg_skip(in, depth - 1);
    } else if (major == 6) {
        in->failed = 1;
    }
}

static void put(mg_writer *out, uint64_t value, int count)
{
    if (out->end - out->at < count) {
        out->failed = 1;
        return;
    }
    while (count--)
        *out->at++ = (uint8_t)(value >> (8 * count));
}

void mg_write_head(mg_writer *out, uint8_t major, uint64_t value)
{
    int power = value < 24 ? -1 : value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= 0xffffffff ? 2 : 3;
    put(out, (uint64_t)major << 5 | (power < 0 ? value : (uint64_t)(24 + power)), 1);
    if (power >= 0)
        put(out, value, 1 << power);
}

void mg_write_optional(mg_writer *out, uint64_t value)
{
    if (value == MG_NULL)
        put(out, NULL_BYTE, 1);
    else
        mg_write_head(out, MG_UNSIGNED, value);
}

void mg_write_bytes(mg_writer *out, const uint8_t *bytes, size_t count)
{
    if ((size_t)(out->end - out->at) < count) {
        out->failed = 1;
        return;
    }
    memcpy(out->at, bytes, count);
    out->at += count;
}
