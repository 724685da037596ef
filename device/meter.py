"""One meter's whole behaviour, as pure functions: a meter and what happens in, the meter and what is to be done out.

There is no clock and no socket here. What is to be done comes as effects in order, and whoever runs the meter does
them in that order: what must outlive a power cut is saved before the relay moves, and the relay is read back before
anything is reported about it.
"""

from __future__ import annotations

from dataclasses import replace

from device.codec import decode
from device.fields import MessageError
from device.keypad import Answer, Entry, credited_elsewhere, entered
from device.limits import LOW_WH, SUPPLYING, Limits, Stage, Used, as_told, local_day, stage
from device.measuring import counted
from device.messages import (
    Capability,
    ClockQuality,
    Desired,
    EventKind,
    FailTerms,
    Relay,
    Request,
    RequestKind,
    Result,
)
from device.openpaygo import Kind
from device.overload import NO_OVERLOAD
from device.signing import EnvelopeError, opened, topic
from device.state import Effect, Flash, Meter, Move, Nameplate, Resend, Save, Send, Step
from device.telling import SEQ_BLOCK, disagrees, enveloped, event, link, message, report, saved

WH_PER_TOKEN_UNIT = 100
MAINS_DV = 2300


# Life -----------------------------------------------------------------------------------------------------------------


def boot(nameplate: Nameplate, flash: Flash) -> Step:
    """Return a meter that has just got power; it enforces what it held, and counts no time it was off."""
    started = replace(flash, boot=flash.boot + 1, seq_reserved=flash.seq_reserved + SEQ_BLOCK)
    meter = Meter(nameplate, started, flash.used, flash.clock_s, flash.seq_reserved)
    meter, effects = _decided(meter)
    return meter, (Save(started), *effects)


def on_connect(meter: Meter, birth: int) -> Step:
    """Tell that the meter is here; `birth` is a fresh random number."""
    born = meter._replace(birth=birth, is_timed=False)
    return born, (message(born, link(born, here=True)),)


def will(meter: Meter, birth: int) -> bytes:
    """Return the message that the broker is to publish when this coming ends."""
    return enveloped(meter, link(meter._replace(birth=birth), here=False))


# Messages -------------------------------------------------------------------------------------------------------------


def on_message(meter: Meter, kind: str, body: bytes) -> Step:
    """Take in a message of the service: `desired` or `request`, in its envelope; a forged one moves nothing."""
    plate = meter.nameplate
    try:
        told = decode(kind, opened(body, plate.keys, topic(plate.site, plate.meter, kind)))
    except EnvelopeError:
        return report(meter, Result.BAD_MAC) if kind == "desired" else (meter, ())
    except MessageError:
        return report(meter, Result.NOT_CAPABLE) if kind == "desired" else (meter, ())
    if isinstance(told, Desired):
        return _on_desired(meter, told)
    return _on_request(meter, told) if isinstance(told, Request) else (meter, ())


def _on_desired(meter: Meter, desired: Desired) -> Step:
    refused = _refusal(meter, desired)
    if refused == Result.OK and disagrees(meter):
        return _decided(meter._replace(asked=None))  # whoever asks again wants the relay tried again
    if refused is not None:
        return report(meter, refused)
    if meter.clock == ClockQuality.UNKNOWN:
        meter = _at(meter, max(meter.now_s, desired.service_time_s))
    limits = _with_tokens(meter.flash, desired)
    used = _restarted(meter.used, limits, meter.now_s, meter.flash.epoch)
    keypad = meter.flash.keypad
    if keypad is not None:
        keypad = credited_elsewhere(keypad, desired.tokens_included)
    flash = replace(meter.flash, limits=limits, used=used, clock_s=meter.now_s, keypad=keypad)
    asked = None if disagrees(meter) else meter.asked
    return _saved_and_told(meter._replace(flash=flash, used=used, asked=asked, overload=NO_OVERLOAD))


def _refusal(meter: Meter, desired: Desired) -> Result | None:
    held = meter.flash.revision
    if desired.revision <= held:
        return Result.STALE if desired.revision < held else Result.OK
    if not meter.nameplate.capabilities & Capability.SWITCH:
        return Result.NOT_CAPABLE
    if held == 0 and meter.clock == ClockQuality.UNKNOWN:
        return Result.CLOCK_UNKNOWN  # it may be an old copy, and nothing is held that would tell
    return Result.EXPIRED if desired.not_after_s <= meter.now_s else None


def _with_tokens(flash: Flash, desired: Desired) -> Limits:
    """Return the limits of a desired state; what tokens gave that it does not know of is not taken away."""
    told, held = as_told(desired), flash.limits
    if flash.keypad is None or held is None or desired.tokens_included >= flash.keypad.count:
        return told
    until_s = _higher(told.until_s, held.until_s)
    cutoff_wh, epoch = told.cutoff_wh, told.epoch
    if held.cutoff_wh is None or (held.epoch == flash.epoch and epoch != flash.epoch and cutoff_wh is not None):
        cutoff_wh, epoch = held.cutoff_wh, held.epoch
    elif held.epoch == flash.epoch:
        cutoff_wh = _higher(cutoff_wh, held.cutoff_wh)
    return Limits(desired, cutoff_wh, until_s, epoch, held.is_adrift and until_s == held.until_s)


def _restarted(used: Used, limits: Limits, now_s: int, epoch: int) -> Used:
    """Return what counts against new limits: grace begins anew only when they give something."""
    today = local_day(limits.desired, now_s)
    began_ws = used.day_began_ws if today == used.day else used.total_ws
    if limits.is_reached(used, now_s, epoch):
        return replace(used, day=today, day_began_ws=began_ws)
    return Used(used.total_ws, today, began_ws, powered_s=used.powered_s)


def _on_request(meter: Meter, request: Request) -> Step:
    if request.kind == RequestKind.RESEND:
        return meter, () if request.seqs is None else (Resend(*request.seqs),)
    if request.kind == RequestKind.DIAGNOSTICS:
        return meter, (message(meter, link(meter, here=True)),)
    if request.kind == RequestKind.REPORT:
        return report(meter)
    if (request.boot, request.birth) != (meter.flash.boot, meter.birth):
        return meter, ()  # the time of another coming: an old message
    if meter.is_timed and request.service_time_s <= meter.now_s:
        return report(meter)  # an old message of this coming
    meter = _at(meter, request.service_time_s)._replace(clock=ClockQuality.SET, is_timed=True)
    limits = meter.flash.limits and replace(meter.flash.limits, is_adrift=False)
    return _saved_and_told(meter._replace(flash=replace(meter.flash, used=meter.used, limits=limits)))


def _at(meter: Meter, now_s: int) -> Meter:
    """Return the meter after its clock was put to a time."""
    limits = meter.flash.limits and meter.flash.limits.moved(now_s - meter.now_s)
    return meter._replace(now_s=now_s, flash=replace(meter.flash, clock_s=now_s, limits=limits))


def _saved_and_told(meter: Meter) -> Step:
    """Save, look at the limits, and answer: at once, or when the relay was read back."""
    saving = Save(meter.flash)
    meter, effects = _decided(meter)
    if any(map(_answers, effects)):
        return meter, (saving, *effects)
    meter, telling = report(meter)
    return meter, (saving, *effects, *telling)


def _answers(effect: Effect) -> bool:
    """Return whether the state is reported by this: at once, or when the relay was read back."""
    return isinstance(effect, Move) or (isinstance(effect, Send) and effect.kind == "reported")


# Measurement and relay ------------------------------------------------------------------------------------------------


def on_step(meter: Meter, power_w: int, dt_s: int, voltage_dv: int = MAINS_DV) -> Step:
    """Count what flowed for some seconds at a power, whatever the relay is said to be, and act on the limits.

    Who steps no further than `measuring.next_change_s` misses no limit; a longer step is counted in full all the same.
    Raises ValueError for a power below zero or no time.
    """
    if power_w < 0 or dt_s < 1:
        raise ValueError(f"a meter cannot count {power_w} W for {dt_s} s")
    had_wh = meter.left_wh
    meter, effects = counted(meter, power_w, dt_s, voltage_dv)
    left_wh = meter.left_wh
    if had_wh is not None and left_wh is not None and left_wh <= LOW_WH < had_wh:
        meter, telling = event(meter, EventKind.LOW_CREDIT, max(0, left_wh))
        effects = (*effects, *telling)
    meter, more = _decided(meter)
    return meter, (*effects, *more)


def on_sensor(meter: Meter, kind: EventKind, value: int) -> Step:
    """Tell what a sensor of the meter noticed: its cover was opened, the voltage broke down."""
    return event(meter, kind, value)


def on_relay(meter: Meter, measured: Relay, power_w: int) -> Step:
    """Take in how the relay was read back after a `Move`, and report it; one that disagrees is told as such."""
    telling: tuple[Effect, ...] = ()
    read = meter._replace(relay=measured, power_w=power_w)
    if disagrees(read):
        read, telling = event(read, EventKind.RELAY_DISAGREES, power_w)
    read, reporting = report(read)
    return read, (*telling, *reporting)


def _decided(meter: Meter) -> Step:
    """Return the meter after it looked at its limits: what changed is saved, told, and the relay moves.

    A relay is asked once for the same, so that a welded one is not hammered.
    """
    after = _supplied(meter)
    news, is_to_move = _news(after, meter), after.asked != after.wanted
    if news is None and not is_to_move:
        return after, ()
    after, effects = saved(after)
    if news is not None:
        after, telling = event(after, *news)
        effects = (*effects, *telling)
    if is_to_move:
        return after._replace(relay=Relay.UNKNOWN, asked=after.wanted), (*effects, Move(after.wanted))
    after, telling = report(after)
    return after, (*effects, *telling)


def _supplied(meter: Meter) -> Meter:
    """Return the meter knowing whether it is to supply, and why; who was told nothing supplies nothing."""
    limits, overload = meter.flash.limits, meter.overload
    if overload.closes_in_s == 0:
        overload = replace(overload, closes_in_s=None)
    now = Stage.OFF if limits is None else stage(limits, meter.used, meter.now_s, meter.flash.epoch)
    wanted = now in SUPPLYING and not overload.is_open
    if (now, wanted, overload) == (meter.stage, meter.wanted, meter.overload):
        return meter  # as nearly always: nothing is copied
    return meter._replace(stage=now, wanted=wanted, overload=overload)


def _news(meter: Meter, before: Meter) -> tuple[EventKind, int] | None:
    """Return what is to be told at once: that a limit has begun to act."""
    if meter.overload.is_open and before.wanted:
        return EventKind.OVERLOAD, meter.power_w
    limits = meter.flash.limits
    is_allowed = limits is not None and limits.desired.on
    if is_allowed and meter.stage != before.stage and before.stage in SUPPLYING and meter.stage != Stage.FULL:
        return EventKind.LIMIT_REACHED, meter.used.register_wh
    return None


# Keypad ---------------------------------------------------------------------------------------------------------------


def on_token(meter: Meter, typed: str) -> tuple[Meter, tuple[Effect, ...], Answer]:
    """Take in digits from the keypad: an accepted token changes the limits and is told to the service."""
    if meter.flash.keypad is None:
        return meter, (), Answer.WRONG
    keypad, entry = entered(meter.flash.keypad, typed, meter.used.powered_s)
    flash = replace(meter.flash, keypad=keypad, clock_s=meter.now_s, used=meter.used)
    if entry.answer != Answer.ACCEPTED:
        return meter._replace(flash=flash), (Save(flash),), entry.answer
    limits = _credited(meter, flash.limits or _locked(meter.nameplate, flash.epoch), entry)
    used = _restarted(meter.used, limits, meter.now_s, flash.epoch)
    flash = replace(flash, limits=limits, used=used)
    meter, telling = event(meter._replace(flash=flash, used=used), EventKind.TOKEN_TYPED, entry.count)
    meter, effects = _decided(meter)
    return meter, (Save(flash), *telling, *effects), entry.answer


def _credited(meter: Meter, limits: Limits, entry: Entry) -> Limits:
    """Return limits with what a token gives; where supply is without end, only setting makes an end."""
    if entry.kind == Kind.DISABLE:
        return replace(limits, cutoff_wh=None, until_s=None)
    is_setting, unit_s = entry.kind == Kind.SET, meter.nameplate.token_unit_s
    if not is_setting and entry.kind != Kind.ADD:
        return limits
    if unit_s and (is_setting or limits.until_s is not None):
        return _with_time(meter, limits, 0 if is_setting else limits.until_s or 0, entry.value * unit_s)
    if not unit_s and (is_setting or limits.cutoff_wh is not None):
        is_kept = not is_setting and limits.epoch == meter.flash.epoch
        begin_wh = limits.cutoff_wh or 0 if is_kept else meter.used.register_wh
        cutoff_wh = begin_wh + entry.value * WH_PER_TOKEN_UNIT
        return replace(limits, cutoff_wh=cutoff_wh, epoch=meter.flash.epoch)
    return limits


def _with_time(meter: Meter, limits: Limits, kept_until_s: int, more_s: int) -> Limits:
    """Return limits with more paid time, after what is left of it or from now on."""
    if kept_until_s > meter.now_s:
        return replace(limits, until_s=kept_until_s + more_s)
    return replace(limits, until_s=meter.now_s + more_s, is_adrift=meter.clock == ClockQuality.UNKNOWN)


def _locked(plate: Nameplate, epoch: int) -> Limits:
    """Return the limits of a meter that nobody has told anything: on as far as tokens reach."""
    cutoff_wh, until_s = (None, 0) if plate.token_unit_s else (0, None)
    nobody = FailTerms()
    told = Desired(
        revision=0,
        on=True,
        cutoff_wh=cutoff_wh,
        until_s=until_s,
        power_limit_w=None,
        service_time_s=0,
        fail=nobody,
        not_after_s=0,
        epoch=epoch,
    )
    return as_told(told)


def _higher(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)
