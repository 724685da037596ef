"""Each vector: a message, and what is expected of a meter that hears it, said by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

from device.codec import encode
from device.messages import (
    ClockQuality,
    Desired,
    Event,
    EventKind,
    FailTerms,
    Link,
    Readings,
    Relay,
    Reported,
    Request,
    RequestKind,
    Result,
    Uplink,
)
from device.signing import MeterKeys, sealed, topic
from device.vector_broken import BROKEN_ENVELOPES, BROKEN_PAYLOADS
from device.vector_states import (
    BIRTH,
    DAY_S,
    EPOCH,
    KEY,
    KEYS,
    METER,
    NEIGHBOUR,
    NEIGHBOURS_KEY,
    NOON_S,
    OTHER_KEY,
    PAID,
    SHORT_PROOF,
    SITE,
    TIME,
    proven,
)

U32, WH, TIME_S = 2**32 - 1, 2**48, 2**40
OFF = replace(PAID, revision=6, on=False)
MORE = replace(PAID, revision=6, cutoff_wh=2000)
OURS, ABOUT_REQUEST = topic(SITE, METER, "desired"), topic(SITE, METER, "request")
TERMS, POWER, DAILY = "terms after a limit", "power limit", "daily limit"


@dataclass(frozen=True, slots=True)
class Case:
    """A message and what is expected: the answer, how the relay is then, and the revision held.

    `is_taken`: the message changed what the meter holds, or was answered as it asked. `result` is what the meter
    reports, else the kind of message it says, else "nothing".
    """

    what: str
    state: str
    kind: str
    message: bytes
    result: str
    relay: str
    revision: int
    is_taken: bool = True
    needs: tuple[str, ...] = ()


def _taken(
    what: str,
    state: str,
    desired: Desired,
    *needs: str,
    relay: str = "closed",
    keys: MeterKeys = KEYS,
) -> Case:
    return Case(what, state, "desired", proven(desired, keys), "ok", relay, desired.revision, needs=needs)


def _after_limit(what: str, fail: FailTerms) -> Case:
    return _taken(what, "ended", replace(PAID, revision=6, fail=fail), TERMS)


def _unknown(what: str, tail: str) -> Case:
    """Return a desired state with one key more, behind all others."""
    body = encode(MORE)
    payload = bytes([body[0] + 1]) + body[1:] + bytes.fromhex(tail)
    return Case(what, "on", "desired", sealed(payload, KEYS, OURS), "ok", "closed", 6)


LARGEST = replace(
    PAID,
    revision=U32,
    cutoff_wh=WH,
    until_s=TIME_S,
    power_limit_w=U32,
    fail=FailTerms(U32, U32, U32, critical=True, quiet_from_s=DAY_S, quiet_to_s=DAY_S, quiet_max_wh=U32),
    not_after_s=TIME_S,
    epoch=U32,
    tokens_included=U32,
    daily_wh=U32,
    day_start_s=DAY_S,
)
TAKEN = (
    _taken("the first state: on until 1,000 Wh", "timed", replace(PAID, revision=1)),
    _taken("the first state: off", "timed", replace(PAID, revision=1, on=False), relay="open"),
    _taken("off", "on", OFF, relay="open"),
    _taken("on again", "off", MORE),
    _taken("paid before the end: further", "half", MORE),
    _taken("paid after the end: on again", "ended", MORE),
    _taken("a cutoff the register has passed", "half", replace(MORE, cutoff_wh=499), relay="open"),
    _taken("a cutoff the register shows", "half", replace(MORE, cutoff_wh=500), relay="open"),
    _taken("paid by time", "timed", replace(PAID, cutoff_wh=None, until_s=NOON_S + DAY_S)),
    _taken("paid until now", "timed", replace(PAID, cutoff_wh=None, until_s=NOON_S), relay="open"),
    _taken("energy left, and no time", "on", replace(MORE, until_s=NOON_S - 1), relay="open"),
    _taken("neither limit: not prepaid", "ended", replace(MORE, cutoff_wh=None)),
    _taken("revisions were skipped, to the last there is", "on", replace(MORE, revision=U32)),
    _taken("may be accepted for one more second", "on", replace(MORE, not_after_s=NOON_S + 1)),
    _taken("a cutoff of another register epoch counts as reached", "on", replace(MORE, epoch=8), relay="open"),
    _taken("another register epoch, and no cutoff", "on", replace(MORE, epoch=8, cutoff_wh=None)),
    _unknown("an unknown key 13 is passed over", "0d01"),
    _unknown("an unknown key 40 with a list, a map and texts", "182884016161416281a10220"),
    _unknown("an unknown key -1 with the largest number", "201bffffffffffffffff"),
    _taken("after a reboot without a clock, a newer state", "rebooted", MORE),
    _taken("service time puts an unset clock forward", "rebooted", replace(MORE, service_time_s=NOON_S + 9000)),
    _taken("service time never puts a clock back", "rebooted", replace(MORE, service_time_s=NOON_S - 9000)),
    _taken("service time does not move a clock that is set", "on", replace(MORE, service_time_s=NOON_S + 9000)),
    _taken("a power limit", "on", replace(MORE, power_limit_w=500), POWER),
    _taken("energy of a day", "on", replace(MORE, daily_wh=300, day_start_s=75_600), DAILY),
    _taken("no energy of a day", "on", replace(MORE, daily_wh=0), DAILY, relay="open"),
    _after_limit("grace after the end", FailTerms(grace_s=600)),
    _after_limit("lifeline after the end", FailTerms(lifeline_w=50, lifeline_s=3600)),
    _after_limit("critical: never off", FailTerms(lifeline_w=50, critical=True)),
    _after_limit(
        "in quiet hours, up to 50 Wh more", FailTerms(quiet_from_s=36_000, quiet_to_s=50_400, quiet_max_wh=50)
    ),
    _after_limit("in quiet hours past midnight", FailTerms(quiet_from_s=43_200, quiet_to_s=3600, quiet_max_wh=50)),
    _taken("the largest value of every key", "on", LARGEST, TERMS, POWER, DAILY),
    _taken("a key of the other slot", "two keys", OFF, relay="open", keys=MeterKeys((KEY, OTHER_KEY), 1)),
    _taken("a proof of 8 bytes", "short proof", OFF, relay="open", keys=SHORT_PROOF),
    _taken(
        "a message that knows of the token decides",
        "typed",
        replace(MORE, cutoff_wh=1200, tokens_included=2),
        relay="open",
    ),
    _taken(
        "one that does not know of it takes nothing away", "typed", replace(MORE, cutoff_wh=1200, tokens_included=1)
    ),
)


def _refused(what: str, message: bytes, result: str, state: str = "on") -> Case:
    relay, revision = ("open", 0) if state == "here" else ("closed", 5)
    return Case(what, state, "desired", message, result, relay, revision, is_taken=False)


def _foreign(what: str, key: bytes, about: str) -> Case:
    return _refused(what, sealed(encode(OFF), MeterKeys((key, None)), about), "not proven")


NOT_TAKEN = (
    _refused("a revision that is held already", proven(replace(PAID, on=False)), "ok"),
    _refused("an older revision", proven(replace(OFF, revision=4)), "stale"),
    _refused("expired a second ago", proven(replace(OFF, not_after_s=NOON_S - 1)), "expired"),
    _refused("expiring now", proven(replace(OFF, not_after_s=NOON_S)), "expired"),
    _refused("nothing held and no clock: it may be an old copy", proven(PAID), "clock unknown", "here"),
    _foreign("the key of a neighbour", NEIGHBOURS_KEY, OURS),
    _foreign("proven for the topic of a neighbour", KEY, topic(SITE, NEIGHBOUR, "desired")),
    _foreign("proven for the same meter of another site", KEY, topic("other", METER, "desired")),
    _foreign("proven for another kind", KEY, topic(SITE, METER, "request")),
    _foreign("proven for the other direction", KEY, topic(SITE, METER, "reported")),
    _refused("a key slot that is empty", proven(OFF, MeterKeys((KEY, OTHER_KEY), 1)), "not proven"),
    _refused("a short proof where long ones are agreed", proven(OFF, SHORT_PROOF), "not proven"),
    _refused("a long proof where short ones are agreed", proven(OFF), "not proven", "short proof"),
    *(_refused(what, message, "not proven") for what, message in BROKEN_ENVELOPES),
    *(_refused(what, sealed(payload, KEYS, OURS), "not capable") for what, payload in BROKEN_PAYLOADS),
)


def _asked(what: str, state: str, request: Request, result: str, *, is_taken: bool = True) -> Case:
    relay, revision = ("open", 0) if state == "here" else ("closed", 5)
    return Case(what, state, "request", proven(request), result, relay, revision, is_taken)


def _asked_in_vain(what: str, message: bytes) -> Case:
    return Case(what, "on", "request", message, "nothing", "closed", 5, is_taken=False)


ASKED = (
    _asked("report", "on", Request(RequestKind.REPORT, 2, 0, 0, NOON_S), "ok"),
    _asked("the time, with boot and number of this coming", "here", TIME, "ok"),
    _asked("a later time in the same coming", "later", replace(TIME, service_time_s=NOON_S + 700), "ok"),
    _asked("the same time again puts no clock back", "later", TIME, "ok", is_taken=False),
    _asked(
        "the time of another coming",
        "on",
        replace(TIME, birth=BIRTH + 1, service_time_s=NOON_S + 9),
        "nothing",
        is_taken=False,
    ),
    _asked(
        "the time of another boot", "on", replace(TIME, boot=2, service_time_s=NOON_S + 9), "nothing", is_taken=False
    ),
    _asked("the time of the coming before the reboot", "rebooted", TIME, "nothing", is_taken=False),
    _asked(
        "the time after the reboot", "rebooted", replace(TIME, boot=2, birth=4712, service_time_s=NOON_S + 99), "ok"
    ),
    _asked("who is here", "on", Request(RequestKind.DIAGNOSTICS, 2, 0, 0, NOON_S), "link"),
    _asked("rows 2 and 3 again", "rows", Request(RequestKind.RESEND, 2, 0, 0, NOON_S, (2, 3)), "readings"),
    _asked(
        "rows that are not there",
        "rows",
        Request(RequestKind.RESEND, 2, 0, 0, NOON_S, (90, 99)),
        "nothing",
        is_taken=False,
    ),
    _asked_in_vain("a request with the key of a neighbour", proven(TIME, MeterKeys((NEIGHBOURS_KEY, None)))),
    _asked_in_vain("a desired state on the topic of requests", proven(OFF)),
    _asked_in_vain("an unknown kind 4", sealed(b"\xa7\x00\x01\x01\x04" + encode(TIME)[5:], KEYS, ABOUT_REQUEST)),
    _asked_in_vain(
        "rows from 3 to 2", sealed(encode(Request(RequestKind.RESEND, 2, 0, 0, 0, (3, 2))), KEYS, ABOUT_REQUEST)
    ),
)
CASES = (*TAKEN, *ASKED, *NOT_TAKEN)

_SEEN = Reported(5, Relay.CLOSED, 104_250, Result.OK, NOON_S, 3, 320, 2, EPOCH, 86_399)
_BATCH = Readings(
    EPOCH, 17, NOON_S - 9900, 103_000, 900, 2304, (80, 81, 79, 0, 0, 0, 90, 85, 85, 80, 80),
    (-4, 2, 0, 31, 0, 0, -31, 1, 0, 0, 2), None, ((4, 1800),), ((4, 0), (7, 1)), None, 0, 5,
)  # fmt: skip
_HERE = Link(3, here=True, firmware=1, capabilities=17, birth=BIRTH, last_seq=29, tokens=0, clock=ClockQuality.UNKNOWN)
SAYINGS: tuple[tuple[str, str, Uplink], ...] = (
    ("a report", "on", _SEEN),
    (
        "a report of a welded relay, not prepaid by time",
        "on",
        replace(_SEEN, result=Result.RELAY_DISAGREES, seconds_left=None),
    ),
    ("twelve rows, with a gap and two moves of the relay", "on", _BATCH),
    (
        "one row",
        "on",
        replace(_BATCH, register_deltas_wh=(), voltage_deltas_dv=None, time_exceptions=None, relay_changes=None),
    ),
    ("a limit was reached", "on", Event(EPOCH, 30, EventKind.LIMIT_REACHED, 104_250, NOON_S)),
    ("here", "on", _HERE),
    ("gone: the will of the same coming", "on", replace(_HERE, here=False)),
    ("a report with a proof of 8 bytes", "short proof", _SEEN),
)
