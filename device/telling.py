"""What a meter says: its messages, proven, and their sequence numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from device.codec import encode
from device.limits import seconds_left
from device.messages import KIND_OF, Event, EventKind, Link, Message, Relay, Reported, Result
from device.rows import Row, batches, unpacked
from device.signing import sealed, topic
from device.state import Effect, Meter, Save, Send, Step

SEQ_BLOCK = 64  # sequence numbers reserved at once
FIRMWARE = 1


def report(meter: Meter, result: Result = Result.OK) -> Step:
    """Tell the state a meter is in; a relay that disagrees is said so.

    A register is saved before it is told, so that no power cut lets it step back behind what was heard.
    """
    effects: tuple[Effect, ...] = ()
    if meter.used.register_wh != meter.flash.used.register_wh:
        meter, effects = saved(meter)
    return meter, (*effects, message(meter, _state(meter, result)))


def saved(meter: Meter) -> Step:
    """Write down what was counted and what time it is, where that is not written down yet."""
    if (meter.flash.used, meter.flash.clock_s) == (meter.used, meter.now_s):
        return meter, ()
    flash = replace(meter.flash, used=meter.used, clock_s=meter.now_s)
    return meter._replace(flash=flash), (Save(flash),)


def _state(meter: Meter, result: Result) -> Reported:
    flash, limits = meter.flash, meter.flash.limits
    if result == Result.OK and disagrees(meter):
        result = Result.RELAY_DISAGREES
    return Reported(
        flash.revision,
        meter.relay,
        meter.used.register_wh,
        result,
        meter.now_s,
        flash.boot,
        meter.power_w,
        _tokens(meter),
        flash.epoch,
        None if limits is None else seconds_left(limits, meter.now_s),
    )


def disagrees(meter: Meter) -> bool:
    """Return whether the relay was read back as something else than it should be."""
    return meter.relay != Relay.UNKNOWN and (meter.relay == Relay.CLOSED) != meter.wanted


def link(meter: Meter, *, here: bool) -> Link:
    """Return what a meter says of itself when it comes, and what the broker says for it when it goes."""
    plate, flash = meter.nameplate, meter.flash
    last_seq, tokens = meter.next_seq - 1, _tokens(meter)
    return Link(flash.boot, here, FIRMWARE, plate.capabilities, meter.birth, last_seq, tokens, meter.clock)


def event(meter: Meter, kind: EventKind, value: int) -> Step:
    """Tell what happened; rows that wait go first, so that numbers rise in the order of things."""
    meter, before = flushed(meter)
    meter, seq, reserving = numbered(meter)
    happened = Event(meter.flash.epoch, seq, kind, value, meter.now_s)
    return meter, (*before, *reserving, message(meter, happened))


def again(meter: Meter, rows: Sequence[Row]) -> tuple[Send, ...]:
    """Return rows of the ring as messages, for a `Resend`."""
    found = batches(rows, meter.flash.epoch, meter.nameplate.interval_s, meter.flash.revision)
    return tuple(message(meter, batch) for batch in found)


def flushed(meter: Meter) -> Step:
    """Return the meter after it sent the rows that wait for their batch to fill."""
    return (meter._replace(rows=b""), again(meter, [*unpacked(meter.rows)])) if meter.rows else (meter, ())


def numbered(meter: Meter) -> tuple[Meter, int, tuple[Effect, ...]]:
    """Return a meter that has used a sequence number, and the saving when a new block of them is needed."""
    seq = meter.next_seq
    if seq < meter.flash.seq_reserved:
        return meter._replace(next_seq=seq + 1), seq, ()
    flash = replace(meter.flash, seq_reserved=seq + SEQ_BLOCK, used=meter.used, clock_s=meter.now_s)
    return meter._replace(flash=flash, next_seq=seq + 1), seq, (Save(flash),)


def message(meter: Meter, told: Message) -> Send:
    """Return a message in its envelope."""
    return Send(KIND_OF[type(told)], enveloped(meter, told))


def enveloped(meter: Meter, told: Message) -> bytes:
    """Return the bytes of a message, proven for its topic."""
    plate = meter.nameplate
    return sealed(encode(told), plate.keys, topic(plate.site, plate.meter, KIND_OF[type(told)]))


def _tokens(meter: Meter) -> int:
    return 0 if meter.flash.keypad is None else meter.flash.keypad.count
