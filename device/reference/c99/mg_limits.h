/* What a meter may let through now: rules it follows alone, with no network. */
#ifndef MG_LIMITS_H
#define MG_LIMITS_H

#include "mg_meter.h"

#define MG_DAY_S 86400u
#define MG_WS_PER_WH 3600u

int mg_reached(const mg_flash *flash, uint64_t now_s);
int mg_is_quiet(const mg_desired *held, uint64_t now_s);
uint8_t mg_stage(const mg_flash *flash, uint64_t now_s);
uint64_t mg_power_limit_w(const mg_desired *held, uint8_t stage);
void mg_restart(mg_flash *flash, uint64_t now_s); /* grace begins anew only when a limit was lifted */
void mg_count(mg_flash *flash, uint8_t stage, uint64_t now_s, uint32_t power_w, uint32_t seconds);

/* Counts an overload; returns whether the relay is open for it. */
int mg_overload(mg_meter *meter, uint64_t limit_w, uint32_t power_w, uint32_t seconds);
void mg_forget_overload(mg_meter *meter);

#endif
