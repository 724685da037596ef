"""The tester's conversation with one meter: it plays the service, and takes down everything that is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from device.codec import decode, encode
from device.conformance_bench import Bench
from device.conformance_line import Arrived, Line
from device.fields import MessageError
from device.identity import Identity
from device.messages import (
    KIND_OF,
    ClockQuality,
    Desired,
    Downlink,
    Event,
    EventKind,
    FailTerms,
    Link,
    Message,
    Readings,
    Relay,
    Reported,
    Request,
    RequestKind,
    Result,
)
from device.signing import EnvelopeError, opened, sealed, topic
from device.wording import in_words, result_in_words

DAY_S = 86_400
NOT_AFTER_S = 60 * DAY_S
QUIET = 0.1  # of the time to wait for an answer: when so long nothing comes, nothing is under way
PROFILES = ("T", "S", "M", "G")
FRESH = Reported(0, Relay.OPEN, 0, Result.OK, 0, 0, 0, 0, 0, None)


class CheckFailedError(Exception):
    """A meter did not do what a check asks for; `expected` are the messages that should have come."""

    def __init__(self, why: str, *expected: Message) -> None:
        super().__init__(why)
        self.expected = expected


class SilentError(Exception):
    """Nothing more is heard of the meter."""


class NotTriedError(Exception):
    """A check could not be tried here; the text says what it needs."""


class DeclinedError(Exception):
    """The meter says that it cannot do this, and its profile allows that; the text says what."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the meter; without a message `fault` says why it is none."""

    kind: str
    body: bytes
    message: Message | None
    fault: str = ""
    qos: int = 1
    is_retained: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A message that went either way, for the certificate."""

    is_ours: bool
    kind: str
    body: bytes
    what: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a meter said until it had answered, and how the bench saw its relay."""

    said: tuple[Heard, ...]
    relay: str = "cannot"

    @property
    def reports(self) -> list[Reported]:
        """Return the states it reported."""
        return [each.message for each in self.said if isinstance(each.message, Reported)]

    @property
    def links(self) -> list[Link]:
        """Return its comings and goings."""
        return [each.message for each in self.said if isinstance(each.message, Link)]

    @property
    def batches(self) -> list[Readings]:
        """Return its readings."""
        return [each.message for each in self.said if isinstance(each.message, Readings)]

    def events(self, kind: EventKind) -> list[Event]:
        """Return what it said happened, of one kind."""
        return [each.message for each in self.said if isinstance(each.message, Event) and each.message.kind == kind]

    def __add__(self, later: Exchange) -> Exchange:
        return Exchange((*self.said, *later.said), later.relay)


@dataclass(slots=True)
class Session:
    """A conversation with a meter.

    `now` is a clock that only goes forward [s]; `start_s` is what time it is when that clock shows 0 (seconds since
    1970). A bench may let time pass faster than that. `tokens` is the count of the newest token given to the meter.
    """

    identity: Identity
    profile: str
    line: Line
    bench: Bench
    now: Callable[[], float]
    start_s: int
    wait_s: float = 5.0
    tokens: int = 1
    link: Link | None = None
    state: Reported = FRESH
    revision: int = 0
    heard: list[Heard] = field(default_factory=list)
    trail: list[Entry] = field(default_factory=list)
    _skipped_s: float = 0.0
    _number: int = 0

    # What is known ----------------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> int:
        """Return what time it is for the meter."""
        return self.start_s + int(self.now() + self._skipped_s)

    @property
    def coming(self) -> Link:
        """Return what the meter said when it came."""
        if self.link is None:
            raise CheckFailedError("the meter has not said that it is here")
        return self.link

    def about(self, kind: str, *, site: str = "", meter: str = "") -> str:
        """Return the canonical topic of a kind of message, of this meter or of another one."""
        plate = self.identity.plate
        return topic(site or plate.site, meter or plate.meter, kind)

    def question(self, kind: RequestKind, **fields: Any) -> Request:
        """Return a question to the meter as it is now."""
        self._number += 1
        boot, birth = (0, 0) if self.link is None else (self.link.boot, self.link.birth)
        return replace(Request(kind, self._number, boot, birth, self.now_s), **fields)

    def bytes_of(self, message: Message) -> bytes:
        """Return a message as the holder of the meter's keys writes it."""
        kind = KIND_OF[type(message)]
        return sealed(encode(message), self.identity.plate.keys, self.about(kind))

    def desired(self, **fields: Any) -> Desired:
        """Return the next desired state: on, without limits, but for what is said."""
        state = self.state
        base = Desired(
            revision=self.revision + 1,
            on=True,
            cutoff_wh=None,
            until_s=None,
            power_limit_w=None,
            service_time_s=state.time_s,
            fail=FailTerms(),
            not_after_s=max(state.time_s, self.now_s) + NOT_AFTER_S,
            epoch=state.epoch,
            tokens_included=state.tokens,
        )
        return replace(base, **fields)

    # What is said and done --------------------------------------------------------------------------------------------

    def begin(self) -> bool:
        """Wait until the meter says that it is here, or ask whether it is; return whether it answers."""
        said = self._until(lambda link: link.here, is_kept_enough=True)
        self._take_down(said)
        self.drain()
        answer = self.ask(RequestKind.REPORT)
        self.revision = max(self.revision, self.state.revision)
        return any(each.message is not None for each in answer.said)

    def settle(self) -> None:
        """Find out where the meter stands, so that a check does not suffer from the one before."""
        if self.link is not None and self.link.clock == ClockQuality.UNKNOWN:
            self.tell_time()
        if not self.ask(RequestKind.REPORT).said:
            raise SilentError("the meter does not answer any more")
        self.revision = max(self.revision, self.state.revision)

    def drain(self) -> None:
        """Take in whatever is still under way, such as answers to questions that were put long ago."""
        while (arrived := self.line.next(self.wait_s * QUIET)) is not None:
            self._take_down((self._understood(arrived),))

    def tell(self, desired: Desired, *, retain: bool = False) -> Exchange:
        """Tell a desired state, and return what the meter says to it."""
        self._send(desired, retain=retain)
        return self.hear()

    def supply(self, *, may_decline: str = "", **fields: Any) -> Reported:
        """Tell the next desired state, which the meter has to take; return what it reports.

        With `may_decline` a meter of profile S may say that it cannot do that, and then changes nothing.
        """
        desired = self.desired(**fields)
        exchange = self.tell(desired, retain=True)
        results = [report.result for report in exchange.reports]
        if may_decline and self.profile == "S" and results[-1:] == [Result.NOT_CAPABLE]:
            raise DeclinedError(f"it answers 'not capable': {may_decline}")
        self.revision = desired.revision
        why = "a newer desired state that it can keep has to be taken, held and answered"
        return self.expect(exchange, why, revision=desired.revision, result=Result.OK)

    def say(self, kind: str, body: bytes, what: str) -> Exchange:
        """Send bytes on a topic of the meter, and return what it says to them."""
        self.trail.append(Entry(is_ours=True, kind=kind, body=body, what=what))
        self.line.publish(kind, body)
        return self.hear()

    def ask(self, kind: RequestKind, **fields: Any) -> Exchange:
        """Ask something, and return what the meter says until it has answered."""
        self._send(self.question(kind, **fields))
        return self.hear()

    def tell_time(self, time_s: int | None = None, **fields: Any) -> Exchange:
        """Tell the time, as an answer to the meter's last coming."""
        told = self.now_s if time_s is None else time_s
        return self.ask(RequestKind.TIME, service_time_s=told, **fields)

    def do(self, line: str) -> str:
        """Let the bench do something, and return how it sees the relay; a bench that cannot ends the check."""
        before = self.now()
        relay = self.bench.do(line)
        verb, _, seconds = line.partition(" ")
        if relay == "cannot":
            raise NotTriedError(f"needs a bench that can {'put a load on the meter' if verb.isdecimal() else verb}")
        if verb.isdecimal():
            self._skipped_s += max(0.0, int(seconds) - (self.now() - before))
        return relay

    def run(self, power_w: int, seconds: int) -> Exchange:
        """Let time pass with a load behind the relay, and return what the meter said meanwhile."""
        return self.hear(self.do(f"{power_w} {seconds}"))

    def cut(self, line: str = "cut") -> Exchange:
        """Cut the power, wait for the meter to come back, and return all it and its will said."""
        before = self.coming
        relay = self.do(line)
        self.link = None
        said = self._until(lambda link: link.here and (link.boot, link.birth) != (before.boot, before.birth))
        self._take_down(said)
        return Exchange(said) + self.hear(relay)

    def hear(self, relay: str = "cannot") -> Exchange:
        """Return what the meter says until it answers who it is, which it does after all that came before."""
        self._send(self.question(RequestKind.DIAGNOSTICS))
        birth = None if self.link is None else self.link.birth
        said = self._until(lambda link: link.here and birth in (None, link.birth))
        self._take_down(said)
        return Exchange(said, relay)

    # What is expected -------------------------------------------------------------------------------------------------

    def expect(self, exchange: Exchange, why: str, **fields: Any) -> Reported:
        """Return the last report of an exchange, whose fields are to be as said."""
        found = exchange.reports[-1] if exchange.reports else None
        wanted = replace(found or self.state, **fields)
        if found is None:
            raise CheckFailedError(f"{why}: it reported nothing", wanted)
        if found != wanted:
            raise CheckFailedError(f"{why}: it reported {_differences(found, fields)}", wanted)
        return found

    def expect_relay(self, exchange: Exchange, wanted: str, why: str) -> None:
        """Fail when the bench sees the relay otherwise."""
        if exchange.relay not in (wanted, "cannot"):
            raise CheckFailedError(f"{why}: the bench sees the relay {exchange.relay}")

    # How --------------------------------------------------------------------------------------------------------------

    def _send(self, message: Downlink, *, retain: bool = False) -> None:
        kind, body = KIND_OF[type(message)], self.bytes_of(message)
        self.trail.append(Entry(is_ours=True, kind=kind, body=body, what=words_of(message)))
        self.line.publish(kind, body, retain=retain)

    def _until(self, is_last: Callable[[Link], bool], *, is_kept_enough: bool = False) -> tuple[Heard, ...]:
        """Return what comes up to a certain link message, or until nothing comes any more."""
        said: list[Heard] = []
        while (arrived := self.line.next(self.wait_s)) is not None:
            said.append(self._understood(arrived))
            message = said[-1].message
            if isinstance(message, Link) and is_last(message) and (is_kept_enough or not said[-1].is_retained):
                break
        return tuple(said)

    def _understood(self, arrived: Arrived) -> Heard:
        message, fault = None, ""
        try:
            message = decode(arrived.kind, opened(arrived.body, self.identity.plate.keys, self.about(arrived.kind)))
        except (EnvelopeError, MessageError) as error:
            fault = str(error)
        return Heard(arrived.kind, arrived.body, message, fault, arrived.qos, arrived.is_retained)

    def _take_down(self, said: tuple[Heard, ...]) -> None:
        self.heard += said
        for each in said:
            words = each.fault if each.message is None else words_of(each.message)
            self.trail.append(Entry(is_ours=False, kind=each.kind, body=each.body, what=words))
            if isinstance(each.message, Link) and each.message.here:
                self.link = each.message
            elif isinstance(each.message, Reported):
                self.state = each.message
                self.tokens = max(self.tokens, each.message.tokens)


def words_of(message: Message) -> str:
    """Return a message in a line of words."""
    fields = in_words(message)
    return ", ".join(f"{name} {_plain(value)}" for name, value in fields.items() if name != "message")


def _plain(value: object) -> str:
    """Return a value without the signs of a programming language."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, dict):
        return f"({', '.join(f'{name} {_plain(each)}' for name, each in value.items())})"
    return f"({', '.join(map(_plain, value))})" if isinstance(value, list) else str(value)


def _differences(found: Reported, wanted: dict[str, Any]) -> str:
    """Return the fields that are not as wanted, in words."""
    told = []
    for name, value in wanted.items():
        given = getattr(found, name)
        if given != value:
            told.append(f"{name} {_word(given)} where {_word(value)} is due")
    return ", ".join(told)


def _word(value: object) -> str:
    if isinstance(value, Result):
        return repr(result_in_words(value))
    return value.name.lower() if isinstance(value, Relay) else str(value)
