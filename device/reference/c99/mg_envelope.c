#include "mg_envelope.h"

#include <string.h>

#define HEAD_BYTES 10
#define ROOM (HEAD_BYTES + 2) /* the payload's own head has two bytes: it is longer than 23 and shorter than 256 */

static const uint8_t HEAD[HEAD_BYTES - 1] = {0xd1, 0x84, 0x43, 0xa1, 0x01, 0x05, 0xa1, 0x04, 0x41};
static const uint8_t TAG_HEAD[2] = {0x58, 0x20};
static const uint8_t PROVEN[] = {0x84, 0x64, 'M', 'A', 'C', '0', 0x43, 0xa1, 0x01, 0x05};

static void add_byte_string_head(mg_hmac *mac, size_t count)
{
    uint8_t bytes[3];
    mg_writer out = {bytes, bytes + sizeof bytes, 0};
    mg_write_head(&out, MG_BYTES, count);
    mg_hmac_add(mac, bytes, (size_t)(out.at - bytes));
}

static void prove(const mg_meter *meter, uint8_t slot, const char *kind, const uint8_t *payload, size_t count,
                  uint8_t tag[MG_HASH_BYTES])
{
    const char *parts[6] = {"mg/1/", meter->site, "/", meter->id, "/", kind};
    mg_hmac mac;
    size_t length = 0;
    mg_hmac_begin(&mac, meter->keys[slot]);
    mg_hmac_add(&mac, PROVEN, sizeof PROVEN);
    for (int i = 0; i < 6; i++)
        length += strlen(parts[i]);
    add_byte_string_head(&mac, length);
    for (int i = 0; i < 6; i++)
        mg_hmac_add(&mac, (const uint8_t *)parts[i], strlen(parts[i]));
    add_byte_string_head(&mac, count);
    mg_hmac_add(&mac, payload, count);
    mg_hmac_end(&mac, tag);
}

int mg_open(const mg_meter *meter, const char *kind, const uint8_t *bytes, size_t count, mg_reader *payload)
{
    uint8_t tag[MG_HASH_BYTES];
    uint64_t length;
    mg_reader in = {bytes + HEAD_BYTES, bytes + count, 0};
    if (count < HEAD_BYTES || count > MG_LONGEST_MESSAGE || memcmp(bytes, HEAD, sizeof HEAD) != 0)
        return 0;
    uint8_t slot = bytes[HEAD_BYTES - 1];
    if (slot > 1 || meter->keys[slot] == NULL || mg_read_head(&in, &length) != MG_BYTES || in.failed)
        return 0;
    if ((uint64_t)(in.end - in.at) != length + sizeof TAG_HEAD + MG_HASH_BYTES)
        return 0;
    if (memcmp(in.at + length, TAG_HEAD, sizeof TAG_HEAD) != 0)
        return 0;
    *payload = (mg_reader){in.at, in.at + length, 0};
    prove(meter, slot, kind, in.at, (size_t)length, tag);
    return mg_same(tag, in.at + length + sizeof TAG_HEAD, sizeof tag);
}

mg_writer mg_begin(uint8_t bytes[MG_LONGEST_SENT])
{
    return (mg_writer){bytes + ROOM, bytes + MG_LONGEST_SENT - sizeof TAG_HEAD - MG_HASH_BYTES, 0};
}

size_t mg_seal(const mg_meter *meter, const char *kind, uint8_t bytes[MG_LONGEST_SENT], mg_writer *payload)
{
    size_t length = (size_t)(payload->at - (bytes + ROOM)), head = length < 24 ? 1 : 2;
    uint8_t *start = bytes + HEAD_BYTES;
    mg_writer out = {start, bytes + ROOM, 0};
    if (payload->failed)
        return 0;
    memmove(start + head, bytes + ROOM, length);
    mg_write_head(&out, MG_BYTES, length);
    memcpy(bytes, HEAD, sizeof HEAD);
    bytes[HEAD_BYTES - 1] = meter->sign_with;
    memcpy(start + head + length, TAG_HEAD, sizeof TAG_HEAD);
    prove(meter, meter->sign_with, kind, start + head, length, start + head + length + sizeof TAG_HEAD);
    return HEAD_BYTES + head + length + sizeof TAG_HEAD + MG_HASH_BYTES;
}
