"""What a meter counts: energy, overload, the local day, and a row at the end of each interval."""

from __future__ import annotations

from dataclasses import replace

from device.limits import DAY_S, WS_PER_WH, Stage, Used, is_quiet, local_day, power_limit_w, seconds_to_change
from device.messages import Capability
from device.overload import loaded, seconds_to_trip
from device.rows import ROW_BYTES, ROWS_PER_BATCH, Row, packed
from device.state import Effect, Keep, Meter, Step
from device.telling import flushed, numbered, saved

SAVED_EVERY_WS = 10 * WS_PER_WH  # at most so much is lost in a power cut


def counted(meter: Meter, power_w: int, dt_s: int, voltage_dv: int) -> Step:
    """Return the meter after some seconds at a power, with the rows of the intervals that ended."""
    limits, before_ws = meter.flash.limits, meter.used.total_ws
    limit_w = None if limits is None else power_limit_w(limits, meter.stage)
    after = meter._replace(
        used=_used(meter, power_w, dt_s),
        now_s=meter.now_s + dt_s,
        power_w=power_w,
        overload=loaded(meter.overload, limit_w, power_w, dt_s),
    )
    effects: tuple[Effect, ...] = ()
    if _is_to_be_saved(after, dt_s):
        after, effects = saved(after)
    after, rows = _with_rows(after, before_ws, dt_s, voltage_dv)
    return after, (*effects, *rows)


def next_change_s(meter: Meter, power_w: int) -> int:
    """Return how many seconds at this power a meter may be stepped at once without missing a limit, at least 1."""
    interval_s, limits = meter.nameplate.interval_s, meter.flash.limits
    times: list[int | None] = [interval_s - meter.now_s % interval_s]
    if limits is not None:
        times.append(seconds_to_change(limits, meter.used, meter.now_s, meter.flash.epoch, power_w))
        times.append(seconds_to_trip(meter.overload, power_limit_w(limits, meter.stage), power_w))
    return max(1, min(time for time in times if time is not None))


def _is_to_be_saved(meter: Meter, dt_s: int) -> bool:
    """Return whether an interval has ended, or so much has flowed that it must not be lost."""
    interval_s = meter.nameplate.interval_s
    has_ended = meter.now_s // interval_s != (meter.now_s - dt_s) // interval_s
    return has_ended or meter.used.total_ws - meter.flash.used.total_ws >= SAVED_EVERY_WS


def _used(meter: Meter, power_w: int, dt_s: int) -> Used:
    used, limits = meter.used, meter.flash.limits
    total_ws, now_s, powered_s = used.total_ws + power_w * dt_s, meter.now_s + dt_s, used.powered_s + dt_s
    if limits is None:
        return replace(used, total_ws=total_ws, powered_s=powered_s)
    today = local_day(limits.desired, now_s)
    day_began_ws = used.day_began_ws
    if today != used.day:  # what flowed since the local midnight belongs to the new day
        since_s = min(dt_s, (now_s - limits.desired.day_start_s) % DAY_S)
        day_began_ws = total_ws - power_w * since_s
    if not limits.is_reached(used, meter.now_s, meter.flash.epoch):
        return Used(total_ws, today, day_began_ws, powered_s=powered_s)
    after_s = used.after_s if meter.stage == Stage.QUIET else used.after_s + dt_s
    quiet_ws = used.total_ws if used.quiet_began_ws is None else used.quiet_began_ws
    in_quiet = is_quiet(limits.desired.fail, meter.now_s)
    return Used(total_ws, today, day_began_ws, after_s, quiet_ws if in_quiet else None, powered_s)


def _with_rows(meter: Meter, before_ws: int, dt_s: int, voltage_dv: int) -> Step:
    """Return the meter with a row for each end of an interval that a step has passed."""
    interval_s, begin_s = meter.nameplate.interval_s, meter.now_s - dt_s
    effects: tuple[Effect, ...] = ()
    if not meter.nameplate.capabilities & Capability.RING:
        return meter, effects
    for end_s in range(begin_s - begin_s % interval_s + interval_s, meter.now_s + 1, interval_s):
        at_ws = before_ws + meter.power_w * (end_s - begin_s)
        meter, seq, reserving = numbered(meter)
        row = Row(seq, end_s, at_ws // WS_PER_WH, voltage_dv, meter.relay)
        meter = meter._replace(rows=meter.rows + packed(row))
        effects = (*effects, *reserving, Keep(row))
        if len(meter.rows) == ROWS_PER_BATCH * ROW_BYTES:
            meter, sending = flushed(meter)
            effects = (*effects, *sending)
    return meter, effects
