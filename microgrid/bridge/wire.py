"""Our records as messages of the device protocol, and its messages as our records; nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import cbor2

from device import messages
from device.codec import decode, encode
from device.fields import LARGEST_WH
from device.messages import ClockQuality, FailTerms, Relay, RequestKind
from device.rows import rows_of
from device.signing import MeterKeys, opened, sealed
from microgrid.switching.meter_records import EventKind
from microgrid.switching.supply import Desired, Result
from microgrid.switching.told import Ask, AskKind, Batch, Coming, Happening, Report, Row, Told

PREFIX = "mg/1"
UPLINKS = ("link", "reported", "event", "readings")
DAY_S = 86_400
DEEPEST = 4
LAST_S = 253_402_300_799  # the end of the year 9999: later moments have no name
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

RESULTS: Final[dict[messages.Result, Result]] = {
    messages.Result.OK: "ok",
    messages.Result.STALE: "stale",
    messages.Result.BAD_MAC: "bad_mac",
    messages.Result.EXPIRED: "expired",
    messages.Result.CLOCK_UNKNOWN: "clock_unknown",
    messages.Result.RELAY_DISAGREES: "relay_disagrees",
    messages.Result.NOT_CAPABLE: "not_capable",
}
EVENTS: Final[dict[messages.EventKind, EventKind]] = {
    messages.EventKind.TAMPER: "tamper",
    messages.EventKind.TOKEN_TYPED: "token_typed",
    messages.EventKind.OVERLOAD: "overload",
    messages.EventKind.BROWN_OUT: "brown_out",
    messages.EventKind.LIMIT_REACHED: "limit_reached",
    messages.EventKind.LOW_CREDIT: "low_credit",
    messages.EventKind.RELAY_DISAGREES: "relay_disagrees",
}
ASKS: Final[dict[AskKind, RequestKind]] = {
    "report": RequestKind.REPORT,
    "time": RequestKind.TIME,
    "resend": RequestKind.RESEND,
    "diagnostics": RequestKind.DIAGNOSTICS,
}
RELAYS: Final[dict[Relay, bool | None]] = {Relay.OPEN: False, Relay.CLOSED: True, Relay.UNKNOWN: None}


@dataclass(frozen=True, slots=True)
class Topic:
    """Whom a message is from and of what kind."""

    site: str
    meter: str
    kind: str

    def __str__(self) -> str:
        """Return the topic as it is written."""
        return f"{PREFIX}/{self.site}/{self.meter}/{self.kind}"


def topic_of(text: str) -> Topic | None:
    """Return the parts of a topic that a meter speaks under, or nothing when it is another one."""
    parts = text.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != PREFIX or parts[4] not in UPLINKS:
        return None
    return Topic(*parts[2:])


def gateway_of(topic: str) -> str:
    """Return which gateway speaks under a topic, or nothing: `mg/1/{site}/gateway/{id}/up`."""
    parts = topic.split("/")
    is_one = len(parts) == 6 and "/".join(parts[:2]) == PREFIX and (parts[3], parts[5]) == ("gateway", "up")
    return parts[4] if is_one else ""


def carried(topic: str, body: bytes) -> list[tuple[str, bytes]]:
    """Return what a gateway carries for its meters, as topics of theirs with bodies.

    Raises ValueError when it is no list of meters, kinds and messages. The gateway proves nothing: its meters do.
    """
    try:
        found = cbor2.loads(body, max_depth=DEEPEST, allow_indefinite=False)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"a gateway's message is no CBOR: {str(error)[:80]}") from None
    if not isinstance(found, list) or not all(map(_is_carried, found)):
        raise ValueError("a gateway's message is no list of meters, kinds and messages")
    site = topic.split("/")[2]
    return [(f"{PREFIX}/{site}/{meter}/{kind}", message) for meter, kind, message in found]


def down_topic(topic: Topic, gateway: str) -> str:
    """Return where a message to a meter is published: its own topic, or that of the gateway that carries it."""
    return f"{PREFIX}/{topic.site}/gateway/{gateway}/{topic.meter}/{topic.kind}" if gateway else str(topic)


def desired_message(desired: Desired, wire_epoch: int, zone: ZoneInfo, now: datetime) -> messages.Desired:
    """Return a desired supply as it is told; `wire_epoch` is what the meter calls the register it counts with."""
    supply, fail = desired.supply, desired.fail_policy
    return messages.Desired(
        revision=desired.revision,
        on=supply.on,
        cutoff_wh=None if supply.cutoff_wh is None else min(max(0, supply.cutoff_wh), LARGEST_WH),
        until_s=None if supply.until is None else seconds(supply.until),
        power_limit_w=supply.power_limit_w,
        service_time_s=seconds(now),
        fail=FailTerms(
            fail.grace_s,
            fail.lifeline_w,
            fail.lifeline_s,
            fail.critical,
            fail.quiet_from_s,
            fail.quiet_to_s,
            fail.quiet_max_wh,
        ),
        not_after_s=seconds(desired.not_after),
        epoch=wire_epoch,
        tokens_included=desired.tokens_included,
        daily_wh=supply.daily_wh,
        day_start_s=day_start_s(zone, now),
    )


def ask_message(ask: Ask, number: int, now: datetime) -> messages.Request:
    """Return a question as it is asked."""
    return messages.Request(ASKS[ask.kind], number, ask.boot, ask.birth, seconds(now), ask.seqs)


def proven(message: messages.Downlink, keys: MeterKeys, topic: Topic) -> bytes:
    """Return the bytes of a message of ours in its envelope, proven for its topic."""
    return sealed(encode(message), keys, str(topic))


def heard(topic: Topic, body: bytes, keys: MeterKeys, *, retained: bool = False, gateway: str = "") -> Told:
    """Return what a meter tells; EnvelopeError or MessageError (both ValueError) when it is no proven message."""
    message = decode(topic.kind, opened(body, keys, str(topic)))
    if isinstance(message, messages.Link):
        return replace(_coming(topic.meter, message), retained=retained, gateway=gateway)
    if isinstance(message, messages.Reported):
        return _report(topic.meter, message)
    if isinstance(message, messages.Event):
        at, kind = moment(message.time_s), EVENTS[message.kind]
        return Happening(topic.meter, message.epoch, message.seq, kind, message.value, at)
    if isinstance(message, messages.Readings):
        return Batch(topic.meter, message.epoch, _rows(message))
    raise ValueError(f"a meter does not send messages of kind {topic.kind!r}")


def seconds(at: datetime) -> int:
    """Return a moment in seconds since 1970, rounded down."""
    return max(0, (at - EPOCH) // timedelta(seconds=1))


def moment(time_s: int) -> datetime:
    """Return the moment of seconds since 1970; a clock beyond all calendars is at their end."""
    return datetime.fromtimestamp(min(time_s, LAST_S), UTC)


def day_start_s(zone: ZoneInfo, now: datetime) -> int:
    """Return the second of the UTC day at which the local day begins."""
    offset = now.astimezone(zone).utcoffset()
    assert offset is not None, "a zone knows its offset"
    return -int(offset.total_seconds()) % DAY_S


def _is_carried(one: object) -> bool:
    if not isinstance(one, list) or len(one) != 3:
        return False
    meter, kind, message = one
    return type(meter) is str and kind in UPLINKS and type(message) is bytes


def _coming(meter_id: str, link: messages.Link) -> Coming:
    return Coming(
        meter_id,
        link.here,
        link.boot,
        link.birth,
        link.firmware,
        link.capabilities,
        link.last_seq,
        link.tokens,
        link.clock == ClockQuality.SET,
    )


def _report(meter_id: str, reported: messages.Reported) -> Report:
    return Report(
        meter_id,
        reported.epoch,
        reported.revision,
        RELAYS[reported.relay],
        reported.register_wh,
        RESULTS[reported.result],
        moment(reported.time_s),
        reported.boot,
        reported.power_w,
        reported.tokens,
    )


def _rows(batch: messages.Readings) -> tuple[Row, ...]:
    """Return the rows of a batch; power only where it is told, so that a row sent again is the same row."""
    powers, has_voltage = dict(batch.power_w or ()), batch.first_voltage_dv is not None
    return tuple(
        Row(row.seq, moment(row.time_s), row.register_wh, powers.get(place), row.voltage_dv if has_voltage else None)
        for place, row in enumerate(rows_of(batch))
    )
