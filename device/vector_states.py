"""The states a meter is in before it hears the message of a vector, and the keys of these meters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from device.codec import encode
from device.keypad import Keypad
from device.messages import KIND_OF, Capability, Desired, Downlink, FailTerms, Request, RequestKind
from device.openpaygo import Secret, codes, text_of
from device.signing import MeterKeys, sealed, topic
from device.state import Nameplate
from device.vector_steps import Connect, CutPower, Draw, Happening, Hear, Type

SITE, METER, NEIGHBOUR = "kisiju", "M-104", "M-105"
KEY, OTHER_KEY, NEIGHBOURS_KEY = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
KEYS = MeterKeys((KEY, None))
EPOCH, BIRTH = 7, 4711
NOON_S = 1_772_452_800  # 2026-03-02 12:00 UTC
DAY_S = 86_400

PAID = Desired(
    revision=5,
    on=True,
    cutoff_wh=1000,
    until_s=None,
    power_limit_w=None,
    service_time_s=NOON_S,
    fail=FailTerms(),
    not_after_s=NOON_S + 60 * DAY_S,
    epoch=EPOCH,
)
TIME = Request(RequestKind.TIME, 1, 1, BIRTH, NOON_S)
SECRET = Secret(123_456_789, bytes(range(16)))
SWITCH = Nameplate(SITE, METER, KEYS, Capability.SWITCH | Capability.CLOCK)
WITH_ROWS = replace(SWITCH, capabilities=SWITCH.capabilities | Capability.RING)
WITH_KEYPAD = replace(SWITCH, capabilities=SWITCH.capabilities | Capability.KEYPAD)
TWO_KEYS = MeterKeys((KEY, OTHER_KEY))
SHORT_PROOF = MeterKeys((KEY, None), tag_bytes=8)


@dataclass(frozen=True, slots=True)
class State:
    """What a meter is and what has happened to it; `needs` names what not every meter can do."""

    what: str
    steps: tuple[Happening, ...]
    plate: Nameplate = SWITCH
    keypad: Keypad | None = None
    needs: tuple[str, ...] = ()


def proven(message: Downlink, keys: MeterKeys = KEYS) -> bytes:
    """Return a message as the service sends it."""
    return sealed(encode(message), keys, topic(SITE, METER, KIND_OF[type(message)]))


def _hear(message: Downlink, keys: MeterKeys = KEYS) -> Hear:
    return Hear(KIND_OF[type(message)], proven(message, keys))


def _token(value: int, count: int) -> Type:
    return Type(text_of(SECRET, next(islice(codes(SECRET, value), count - 1, None))[1]))


_HERE = (Connect(BIRTH),)
_TIMED = (*_HERE, _hear(TIME))
_ON = (*_TIMED, _hear(PAID))
_ENDED = (*_ON, Draw(1200, 3100))
_TYPED = (*_TIMED, _hear(replace(PAID, tokens_included=1)), _token(5, 2), Draw(1300, 3600))

STATES = {
    "here": State("it came, and was told neither the time nor what to do", _HERE),
    "timed": State("it was told the time, noon, and nothing else", _TIMED),
    "on": State("revision 5: on until the register shows 1,000 Wh", _ON),
    "off": State("revision 5: off", (*_TIMED, _hear(replace(PAID, on=False)))),
    "half": State("half of the 1,000 Wh are used", (*_ON, Draw(500, 3600))),
    "ended": State("the 1,000 Wh are used, and it has opened", _ENDED),
    "later": State("on, and ten minutes have passed", (*_ON, Draw(0, 600))),
    "rebooted": State(
        "on, 60 Wh used, then a power cut and a new coming", (*_ON, Draw(360, 600), CutPower(), Connect(4712))
    ),
    "rows": State("three rows of 300 Wh in its ring", (*_ON, Draw(1200, 2700)), WITH_ROWS, needs=("rows",)),
    "typed": State(
        "500 Wh typed on the keypad beside the 1,000, and 1,300 used", _TYPED, WITH_KEYPAD, Keypad(SECRET), ("keypad",)
    ),
    "two keys": State("a key in either slot", _ON, replace(SWITCH, keys=TWO_KEYS), needs=("two keys",)),
    "short proof": State(
        "proofs of 8 bytes both ways",
        (*_HERE, _hear(TIME, SHORT_PROOF), _hear(PAID, SHORT_PROOF)),
        replace(SWITCH, keys=SHORT_PROOF),
        needs=("short proof",),
    ),
}
