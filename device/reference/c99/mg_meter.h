/* A meter of profile S (switch and cumulative register) that speaks device protocol 1.
 *
 * The logic has no clock, no radio and no memory of its own: whoever runs it counts seconds and watts, carries bytes,
 * and gives four callbacks. What must outlive a power cut is saved before the relay moves, and the relay is read back
 * before anything is reported about it. Nothing is allocated. */
#ifndef MG_METER_H
#define MG_METER_H

#include "mg_cbor.h"
#include "mg_hmac.h"

#define MG_LONGEST_ID 32
#define MG_LONGEST_MESSAGE 512
#define MG_LONGEST_SENT 160

enum { MG_OPEN = 0, MG_CLOSED = 1, MG_UNKNOWN = 2 };
enum { MG_OK, MG_STALE, MG_BAD_MAC, MG_EXPIRED, MG_CLOCK_UNKNOWN, MG_RELAY_DISAGREES, MG_NOT_CAPABLE };
enum { MG_OFF, MG_FULL, MG_QUIET, MG_GRACE, MG_LIFELINE, MG_DAILY }; /* why supply is as it is */
enum { MG_EVENT_TAMPER = 1, MG_EVENT_OVERLOAD = 3, MG_EVENT_LIMIT = 5, MG_EVENT_LOW = 6, MG_EVENT_RELAY = 7 };

typedef struct {
    uint64_t cutoff_wh, until_s, power_limit_w, daily_wh; /* MG_NULL: none */
    uint64_t service_time_s, not_after_s;
    uint32_t revision, epoch, tokens, day_start_s;
    uint32_t grace_s, lifeline_w, lifeline_s, quiet_from_s, quiet_to_s, quiet_max_wh;
    uint8_t on, critical;
} mg_desired;

/* What outlives a power cut. `total_ws` is all energy of the epoch in watt seconds. */
typedef struct {
    mg_desired held;
    uint64_t total_ws, day_began_ws, quiet_began_ws, clock_s; /* quiet_began_ws MG_NULL: not in quiet hours */
    uint32_t epoch, boot, seq_reserved, day, after_s;
    uint8_t has_held;
} mg_flash;

typedef struct {
    void *context;
    void (*save)(void *context, const mg_flash *flash);
    void (*set_relay)(void *context, int closed);
    int (*read_relay)(void *context);
    void (*send)(void *context, const char *kind, const uint8_t *bytes, size_t count);
} mg_hardware;

typedef struct {
    mg_hardware hardware;
    const char *site, *id;
    const uint8_t *keys[2]; /* a slot without a key is NULL */
    uint8_t sign_with;
    mg_flash flash;
    uint64_t saved_ws, now_s;
    uint32_t next_seq, birth, power_w;
    uint32_t window_ws, window_s, above_s, calm_s; /* overload: the mean of this half minute */
    int32_t closes_in_s;                           /* open for overload: seconds, or until asked */
    uint8_t trips, clock_set, timed, stage, relay, wanted, asked; /* timed: since this coming */
} mg_meter;

/* Power came: what was held is enforced. `flash` of a new meter is all zero but for its epoch. */
void mg_boot(mg_meter *meter, const mg_flash *flash);
/* The link is up: says who is here; `birth` is a fresh random number. */
void mg_connected(mg_meter *meter, uint32_t birth);
/* The message that the broker shall publish when the link is lost; returns its size. */
size_t mg_will(mg_meter *meter, uint32_t birth, uint8_t bytes[MG_LONGEST_SENT]);
/* A message of the service came: `kind` is "desired" or "request". */
void mg_message(mg_meter *meter, const char *kind, const uint8_t *bytes, size_t count);
/* Some seconds have passed at a power, whatever the relay is said to be; steps of a second miss no limit. */
void mg_step(mg_meter *meter, uint32_t power_w, uint32_t seconds);
/* A sensor noticed something, such as MG_EVENT_TAMPER. */
void mg_sensor(mg_meter *meter, uint8_t event, uint64_t value);

#endif
