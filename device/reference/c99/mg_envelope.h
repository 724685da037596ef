/* Messages that prove who sent them: COSE_Mac0 (RFC 9052) with HMAC 256/256, bound to the topic they are for. */
#ifndef MG_ENVELOPE_H
#define MG_ENVELOPE_H

#include "mg_meter.h"

/* Opens an envelope: returns whether it is proven for this meter and kind; the payload lies within `bytes`. */
int mg_open(const mg_meter *meter, const char *kind, const uint8_t *bytes, size_t count, mg_reader *payload);

/* Leaves room for the head of an envelope, and closes it around what was written; returns its size, 0 on failure. */
mg_writer mg_begin(uint8_t bytes[MG_LONGEST_SENT]);
size_t mg_seal(const mg_meter *meter, const char *kind, uint8_t bytes[MG_LONGEST_SENT], mg_writer *payload);

#endif
