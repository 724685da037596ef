#include "mg_limits.h"

#define MEAN_S 30u
#define INRUSH_S 2u
#define CALM_S 900u
#define NOT_OPEN -2
#define UNTIL_ASKED -1

static const int32_t RECLOSE_AFTER_S[3] = {60, 300, 900};

int mg_reached(const mg_flash *flash, uint64_t now_s)
{
    const mg_desired *held = &flash->held;
    if (held->cutoff_wh != MG_NULL)
        if (flash->epoch != held->epoch || flash->total_ws / MG_WS_PER_WH >= held->cutoff_wh)
            return 1;
    return held->until_s != MG_NULL && now_s >= held->until_s;
}

int mg_is_quiet(const mg_desired *held, uint64_t now_s)
{
    uint32_t from_s = held->quiet_from_s, to_s = held->quiet_to_s, second = (uint32_t)(now_s % MG_DAY_S);
    return from_s <= to_s ? from_s <= second && second < to_s : second >= from_s || second < to_s;
}

static int may_use_quiet(const mg_flash *flash, uint64_t now_s)
{
    const mg_desired *held = &flash->held;
    uint64_t began_ws = flash->quiet_began_ws == MG_NULL ? flash->total_ws : flash->quiet_began_ws;
    if (held->quiet_max_wh == 0 || !mg_is_quiet(held, now_s))
        return 0;
    return flash->total_ws - began_ws < (uint64_t)held->quiet_max_wh * MG_WS_PER_WH;
}

uint8_t mg_stage(const mg_flash *flash, uint64_t now_s)
{
    const mg_desired *held = &flash->held;
    if (!held->on)
        return MG_OFF;
    if (!mg_reached(flash, now_s)) {
        uint64_t today_ws = flash->total_ws - flash->day_began_ws;
        if (held->daily_wh == MG_NULL || today_ws < held->daily_wh * MG_WS_PER_WH)
            return MG_FULL;
        return held->critical ? MG_LIFELINE : MG_DAILY;
    }
    if (may_use_quiet(flash, now_s))
        return MG_QUIET;
    if (flash->after_s < held->grace_s)
        return MG_GRACE;
    int has_lifeline = held->lifeline_w && flash->after_s - held->grace_s < held->lifeline_s;
    return held->critical || has_lifeline ? MG_LIFELINE : MG_OFF;
}

uint64_t mg_power_limit_w(const mg_desired *held, uint8_t stage)
{
    int is_lower = held->lifeline_w && held->lifeline_w < held->power_limit_w; /* MG_NULL is above all */
    return stage == MG_LIFELINE && is_lower ? held->lifeline_w : held->power_limit_w;
}

static uint32_t local_day(const mg_desired *held, uint64_t now_s)
{
    return now_s < held->day_start_s ? UINT32_MAX : (uint32_t)((now_s - held->day_start_s) / MG_DAY_S);
}

void mg_restart(mg_flash *flash, uint64_t now_s)
{
    uint32_t today = local_day(&flash->held, now_s);
    if (today != flash->day)
        flash->day_began_ws = flash->total_ws;
    flash->day = today;
    if (!mg_reached(flash, now_s)) {
        flash->after_s = 0;
        flash->quiet_began_ws = MG_NULL;
    }
}

void mg_count(mg_flash *flash, uint8_t stage, uint64_t now_s, uint32_t power_w, uint32_t seconds)
{
    const mg_desired *held = &flash->held;
    uint64_t used_ws = (uint64_t)power_w * seconds, after_s = now_s + seconds;
    int reached = flash->has_held && mg_reached(flash, now_s);
    int quiet = reached && mg_is_quiet(held, now_s);
    uint32_t today = local_day(held, after_s);
    if (flash->has_held && today != flash->day) { /* what flowed since the local midnight belongs to the new day */
        uint32_t since_s = (uint32_t)((after_s - held->day_start_s) % MG_DAY_S);
        flash->day_began_ws = flash->total_ws + used_ws - (uint64_t)power_w * (since_s < seconds ? since_s : seconds);
        flash->day = today;
    }
    if (quiet && flash->quiet_began_ws == MG_NULL)
        flash->quiet_began_ws = flash->total_ws;
    if (!quiet)
        flash->quiet_began_ws = MG_NULL;
    if (!reached)
        flash->after_s = 0;
    else if (stage != MG_QUIET && flash->after_s < UINT32_MAX - seconds)
        flash->after_s += seconds;
    flash->total_ws += used_ws;
}

void mg_forget_overload(mg_meter *meter)
{
    meter->window_ws = meter->window_s = meter->above_s = meter->calm_s = 0;
    meter->trips = 0;
    meter->closes_in_s = NOT_OPEN;
}

int mg_overload(mg_meter *meter, uint64_t limit_w, uint32_t power_w, uint32_t seconds)
{
    if (meter->closes_in_s != NOT_OPEN) {
        if (meter->closes_in_s != UNTIL_ASKED)
            meter->closes_in_s = meter->closes_in_s > (int32_t)seconds ? meter->closes_in_s - (int32_t)seconds : 0;
        if (meter->closes_in_s == 0)
            meter->closes_in_s = NOT_OPEN;
        return meter->closes_in_s != NOT_OPEN;
    }
    if (limit_w == MG_NULL) {
        mg_forget_overload(meter);
        return 0;
    }
    meter->above_s = power_w > limit_w ? meter->above_s + seconds : 0;
    uint32_t counts_w = meter->above_s == 0 || meter->above_s >= INRUSH_S ? power_w : (uint32_t)limit_w;
    meter->window_s += seconds;
    meter->window_ws += counts_w * seconds;
    if (meter->window_s < MEAN_S)
        return 0;
    int tripped = meter->window_ws > limit_w * meter->window_s;
    meter->calm_s = tripped ? 0 : meter->calm_s + meter->window_s;
    meter->window_ws = meter->window_s = 0;
    if (tripped) {
        meter->closes_in_s = meter->trips < 3 ? RECLOSE_AFTER_S[meter->trips] : UNTIL_ASKED;
        meter->trips++;
        meter->above_s = 0;
    } else if (meter->calm_s >= CALM_S) {
        meter->trips = 0;
    }
    return tripped;
}
