#include "mg_meter.h"

#include <string.h>

#include "mg_envelope.h"
#include "mg_limits.h"

#define SCHEMA 1
#define FIRMWARE 1
#define CAPABILITIES 17 /* switch, clock */
#define SAVED_EVERY_WS (10u * MG_WS_PER_WH)
#define INTERVAL_S 900u /* the time is saved so often */
#define SEQ_BLOCK 64u
#define LOW_WH 100u
#define DEEPEST 3
#define MOST_TIME ((uint64_t)1 << 40)
#define MOST_WH ((uint64_t)1 << 48)
#define NOT_ASKED 2

enum { REPORT, TIME, RESEND, DIAGNOSTICS };

/* Sending ------------------------------------------------------------------------------------------------------------ */

static void write_fields(mg_writer *out, const uint64_t *values, int count)
{
    mg_write_head(out, MG_MAP, (uint64_t)count + 1);
    mg_write_head(out, MG_UNSIGNED, 0);
    mg_write_head(out, MG_UNSIGNED, SCHEMA);
    for (int i = 0; i < count; i++) {
        mg_write_head(out, MG_UNSIGNED, (uint64_t)i + 1);
        mg_write_optional(out, values[i]);
    }
}

static void send(mg_meter *meter, const char *kind, const uint64_t *values, int count)
{
    uint8_t bytes[MG_LONGEST_SENT];
    mg_writer out = mg_begin(bytes);
    write_fields(&out, values, count);
    size_t size = mg_seal(meter, kind, bytes, &out);
    if (size)
        meter->hardware.send(meter->hardware.context, kind, bytes, size);
}

static int disagrees(const mg_meter *meter)
{
    return meter->relay != MG_UNKNOWN && (meter->relay == MG_CLOSED) != meter->wanted;
}

static void save(mg_meter *meter)
{
    meter->flash.clock_s = meter->now_s;
    meter->saved_ws = meter->flash.total_ws;
    meter->hardware.save(meter->hardware.context, &meter->flash);
}

static void report(mg_meter *meter, uint8_t result)
{
    const mg_flash *flash = &meter->flash;
    uint64_t left_s = MG_NULL, until_s = flash->held.until_s;
    if (flash->total_ws / MG_WS_PER_WH != meter->saved_ws / MG_WS_PER_WH)
        save(meter); /* no power cut lets a register step back behind what was told */
    if (result == MG_OK && disagrees(meter))
        result = MG_RELAY_DISAGREES;
    if (flash->has_held && until_s != MG_NULL)
        left_s = until_s > meter->now_s ? until_s - meter->now_s : 0;
    const uint64_t values[10] = {
        flash->has_held ? flash->held.revision : 0, meter->relay, flash->total_ws / MG_WS_PER_WH, result,
        meter->now_s, flash->boot, meter->power_w, 0, flash->epoch, left_s,
    };
    send(meter, "reported", values, 10);
}

static void link_values(const mg_meter *meter, int here, uint32_t birth, uint64_t values[8])
{
    const uint64_t told[8] = {meter->flash.boot, (uint64_t)here,      FIRMWARE, CAPABILITIES, birth,
                              meter->next_seq - 1, 0, meter->clock_set};
    memcpy(values, told, sizeof told);
}

static void tell_link(mg_meter *meter)
{
    uint64_t values[8];
    link_values(meter, 1, meter->birth, values);
    send(meter, "link", values, 8);
}

static void tell_event(mg_meter *meter, uint8_t kind, uint64_t value)
{
    if (meter->next_seq >= meter->flash.seq_reserved) {
        meter->flash.seq_reserved = meter->next_seq + SEQ_BLOCK;
        save(meter);
    }
    const uint64_t values[5] = {meter->flash.epoch, meter->next_seq++, kind, value, meter->now_s};
    send(meter, "event", values, 5);
}

/* The relay and the limits ------------------------------------------------------------------------------------------- */

static int supplies(uint8_t stage) { return stage != MG_OFF && stage != MG_DAILY; }

static int is_open_for_overload(const mg_meter *meter) { return meter->closes_in_s >= -1; }

static void move(mg_meter *meter)
{
    meter->asked = meter->wanted;
    meter->hardware.set_relay(meter->hardware.context, meter->wanted);
    meter->relay = (uint8_t)meter->hardware.read_relay(meter->hardware.context);
    if (disagrees(meter))
        tell_event(meter, MG_EVENT_RELAY, meter->power_w);
    report(meter, MG_OK);
}

/* Looks at the limits: what changed is saved, told, and the relay moves; returns whether the state was reported. */
static int decide(mg_meter *meter)
{
    const mg_flash *flash = &meter->flash;
    uint8_t was = meter->stage, was_wanted = meter->wanted;
    meter->stage = flash->has_held ? mg_stage(flash, meter->now_s) : MG_OFF;
    meter->wanted = supplies(meter->stage) && !is_open_for_overload(meter);
    int moves = meter->asked != meter->wanted; /* a welded relay is not hammered */
    int trips = is_open_for_overload(meter) && was_wanted;
    int limited = flash->has_held && flash->held.on && meter->stage != was && supplies(was) && meter->stage != MG_FULL;
    if (moves || trips || limited)
        save(meter);
    if (trips)
        tell_event(meter, MG_EVENT_OVERLOAD, meter->power_w);
    else if (limited)
        tell_event(meter, MG_EVENT_LIMIT, flash->total_ws / MG_WS_PER_WH);
    if (moves)
        move(meter);
    else if (trips || limited)
        report(meter, MG_OK);
    return moves || trips || limited;
}

/* Messages ----------------------------------------------------------------------------------------------------------- */

/* Reads a map with whole numbers as rising keys: 0 is the schema, the first `count` others go through `take`. */
static int read_map(mg_reader *in, int count, void (*take)(mg_reader *, uint64_t, void *), void *into)
{
    uint64_t entries, key, before = 0;
    if (mg_read_head(in, &entries) != MG_MAP || entries <= (uint64_t)count)
        return 0;
    for (uint64_t i = 0; i < entries && !in->failed; i++, before = key) {
        uint8_t major = mg_read_head(in, &key);
        if (major == MG_NEGATIVE)
            key |= (uint64_t)1 << 63; /* comes after all others in the deterministic form */
        else if (major != MG_UNSIGNED)
            return 0;
        if ((i && key <= before) || (i <= (uint64_t)count && key != i))
            return 0;
        if (i == 0)
            in->failed |= mg_read_number(in, 255) != SCHEMA;
        else if (i <= (uint64_t)count)
            take(in, key, into);
        else
            mg_skip(in, DEEPEST);
    }
    return !in->failed && in->at == in->end;
}

static void read_fail_policy(mg_reader *in, mg_desired *held)
{
    uint64_t count;
    if (mg_read_head(in, &count) != MG_LIST || count != 7)
        in->failed = 1;
    held->grace_s = (uint32_t)mg_read_number(in, UINT32_MAX);
    held->lifeline_w = (uint32_t)mg_read_number(in, UINT32_MAX);
    held->lifeline_s = (uint32_t)mg_read_number(in, UINT32_MAX);
    held->critical = (uint8_t)mg_read_number(in, 1);
    held->quiet_from_s = (uint32_t)mg_read_number(in, MG_DAY_S);
    held->quiet_to_s = (uint32_t)mg_read_number(in, MG_DAY_S);
    held->quiet_max_wh = (uint32_t)mg_read_number(in, UINT32_MAX);
}

static void take_desired(mg_reader *in, uint64_t key, void *into)
{
    mg_desired *held = into;
    switch (key) {
    case 1: held->revision = (uint32_t)mg_read_number(in, UINT32_MAX); break;
    case 2: held->on = (uint8_t)mg_read_number(in, 1); break;
    case 3: held->cutoff_wh = mg_read_optional(in, MOST_WH); break;
    case 4: held->until_s = mg_read_optional(in, MOST_TIME); break;
    case 5: held->power_limit_w = mg_read_optional(in, UINT32_MAX); break;
    case 6: held->service_time_s = mg_read_number(in, MOST_TIME); break;
    case 7: read_fail_policy(in, held); break;
    case 8: held->not_after_s = mg_read_number(in, MOST_TIME); break;
    case 9: held->epoch = (uint32_t)mg_read_number(in, UINT32_MAX); break;
    case 10: held->tokens = (uint32_t)mg_read_number(in, UINT32_MAX); break;
    case 11: held->daily_wh = mg_read_optional(in, UINT32_MAX); break;
    default: held->day_start_s = (uint32_t)mg_read_number(in, MG_DAY_S); break;
    }
}

static int refusal(const mg_meter *meter, const mg_desired *desired)
{
    uint32_t held = meter->flash.has_held ? meter->flash.held.revision : 0;
    if (desired->revision <= held)
        return desired->revision < held ? MG_STALE : MG_OK;
    if (!meter->flash.has_held && !meter->clock_set)
        return MG_CLOCK_UNKNOWN; /* it may be an old copy, and nothing is held that would tell */
    return desired->not_after_s <= meter->now_s ? MG_EXPIRED : -1;
}

static void on_desired(mg_meter *meter, mg_reader *in)
{
    mg_desired desired;
    if (!read_map(in, 12, take_desired, &desired)) {
        report(meter, MG_NOT_CAPABLE);
        return;
    }
    int refused = refusal(meter, &desired);
    if (disagrees(meter) && (refused < 0 || refused == MG_OK))
        meter->asked = NOT_ASKED; /* whoever asks again wants the relay tried again */
    if (refused == MG_OK && meter->asked == NOT_ASKED) {
        decide(meter);
        return;
    }
    if (refused >= 0) {
        report(meter, (uint8_t)refused);
        return;
    }
    if (!meter->clock_set && desired.service_time_s > meter->now_s)
        meter->now_s = desired.service_time_s;
    meter->flash.held = desired;
    meter->flash.has_held = 1;
    mg_restart(&meter->flash, meter->now_s);
    mg_forget_overload(meter);
    save(meter);
    if (!decide(meter))
        report(meter, MG_OK);
}

static void take_request(mg_reader *in, uint64_t key, void *into)
{
    uint64_t *values = into;
    uint64_t count;
    if (key < 6) {
        values[key] = mg_read_number(in, key == 1 ? DIAGNOSTICS : key == 5 ? MOST_TIME : UINT32_MAX);
    } else if (in->at < in->end && *in->at == 0xf6) {
        in->at++;
    } else {
        if (mg_read_head(in, &count) != MG_LIST || count != 2)
            in->failed = 1;
        uint64_t first = mg_read_number(in, UINT32_MAX);
        in->failed |= mg_read_number(in, UINT32_MAX) < first;
    }
}

static void on_request(mg_meter *meter, mg_reader *in)
{
    uint64_t values[6];
    if (!read_map(in, 6, take_request, values))
        return;
    int is_time = values[1] == TIME && values[3] == meter->flash.boot && values[4] == meter->birth;
    if (values[1] == DIAGNOSTICS) {
        tell_link(meter);
    } else if (values[1] == REPORT || (is_time && meter->timed && values[5] <= meter->now_s)) {
        report(meter, MG_OK); /* a time that is not ahead is an old message of this coming */
    } else if (is_time) {
        meter->now_s = values[5];
        meter->clock_set = meter->timed = 1;
        save(meter);
        if (!decide(meter))
            report(meter, MG_OK);
    }
}

/* Life --------------------------------------------------------------------------------------------------------------- */

void mg_boot(mg_meter *meter, const mg_flash *flash)
{
    meter->flash = *flash;
    meter->flash.boot++;
    meter->next_seq = flash->seq_reserved ? flash->seq_reserved : 1;
    meter->flash.seq_reserved = meter->next_seq + SEQ_BLOCK;
    meter->now_s = flash->clock_s;
    meter->birth = meter->power_w = 0;
    meter->clock_set = meter->timed = meter->wanted = 0;
    meter->stage = MG_OFF;
    meter->relay = MG_UNKNOWN;
    meter->asked = NOT_ASKED;
    if (!flash->has_held)
        meter->flash.quiet_began_ws = MG_NULL;
    mg_forget_overload(meter);
    save(meter);
    decide(meter);
}

void mg_connected(mg_meter *meter, uint32_t birth)
{
    meter->birth = birth;
    meter->timed = 0;
    tell_link(meter);
}

size_t mg_will(mg_meter *meter, uint32_t birth, uint8_t bytes[MG_LONGEST_SENT])
{
    uint64_t values[8];
    mg_writer out = mg_begin(bytes);
    link_values(meter, 0, birth, values);
    write_fields(&out, values, 8);
    return mg_seal(meter, "link", bytes, &out);
}

void mg_message(mg_meter *meter, const char *kind, const uint8_t *bytes, size_t count)
{
    mg_reader payload;
    int is_desired = strcmp(kind, "desired") == 0;
    if (!is_desired && strcmp(kind, "request") != 0)
        return;
    if (!mg_open(meter, kind, bytes, count, &payload)) {
        if (is_desired)
            report(meter, MG_BAD_MAC);
    } else if (is_desired) {
        on_desired(meter, &payload);
    } else {
        on_request(meter, &payload);
    }
}

static uint64_t left_wh(const mg_flash *flash)
{
    uint64_t register_wh = flash->total_ws / MG_WS_PER_WH;
    if (!flash->has_held || flash->held.cutoff_wh == MG_NULL)
        return MG_NULL;
    return flash->held.cutoff_wh > register_wh ? flash->held.cutoff_wh - register_wh : 0;
}

void mg_step(mg_meter *meter, uint32_t power_w, uint32_t seconds)
{
    uint64_t had_wh = left_wh(&meter->flash);
    mg_overload(meter, meter->flash.has_held ? mg_power_limit_w(&meter->flash.held, meter->stage) : MG_NULL, power_w,
                seconds);
    mg_count(&meter->flash, meter->stage, meter->now_s, power_w, seconds);
    meter->now_s += seconds;
    meter->power_w = power_w;
    if (meter->flash.total_ws - meter->saved_ws >= SAVED_EVERY_WS ||
        meter->now_s / INTERVAL_S != (meter->now_s - seconds) / INTERVAL_S)
        save(meter);
    if (had_wh != MG_NULL && had_wh > LOW_WH && left_wh(&meter->flash) <= LOW_WH)
        tell_event(meter, MG_EVENT_LOW, left_wh(&meter->flash));
    decide(meter);
}

void mg_sensor(mg_meter *meter, uint8_t event, uint64_t value) { tell_event(meter, event, value); }
