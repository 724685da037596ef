"""Meters that do one thing wrong: each is the emulated one, with somebody between it and the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from device.codec import decode, encode
from device.conformance_stand import EmulatedOnStand, Said
from device.fields import MessageError
from device.identity import Identity
from device.keypad import Keypad
from device.messages import KIND_OF, Desired, Event, Link, Message, Readings, Relay, Reported, Request, RequestKind
from device.signing import EnvelopeError, opened, parts, sealed, topic

Change = Callable[[Any], Any]


class Sabotaged(EmulatedOnStand):
    """A meter that hears and says what somebody makes of it; nothing in place of a message keeps it back."""

    def __init__(self, identity: Identity, *, heard: Change | None = None, said: Change | None = None) -> None:
        super().__init__(identity, "M", 7)
        self._identity, self._heard, self._change = identity, heard, said

    def come(self, birth: int) -> Said:
        return self._changed(super().come(birth))

    def hear(self, kind: str, body: bytes) -> Said:
        message = None if self._heard is None else self._message(kind, body)
        if message is None or self._heard is None:
            return self._changed(super().hear(kind, body))
        changed = self._heard(message)
        return [] if changed is None else self._changed(super().hear(kind, self._sealed(changed)))

    def run(self, power_w: int, seconds: int) -> Said:
        return self._changed(super().run(power_w, seconds))

    def _changed(self, said: Said) -> Said:
        if self._change is None:
            return said
        found = [(kind, self._change(self._message(kind, body))) for kind, body in said]
        return [(kind, self._sealed(message)) for kind, message in found if message is not None]

    def _message(self, kind: str, body: bytes) -> Message | None:
        try:
            return decode(kind, opened(body, self._identity.plate.keys, self._about(kind)))
        except (EnvelopeError, MessageError):
            return None

    def _sealed(self, message: Message) -> bytes:
        kind = KIND_OF[type(message)]
        return sealed(encode(message), self._identity.plate.keys, self._about(kind))

    def _about(self, kind: str) -> str:
        return topic(self._identity.plate.site, self._identity.plate.meter, kind)


class BelievesAnybody(Sabotaged):
    """It opens every envelope that has the form of one, whoever made it and for whatever topic."""

    def hear(self, kind: str, body: bytes) -> Said:
        try:
            _, payload, _ = parts(body)
        except EnvelopeError:
            return super().hear(kind, body)
        return super().hear(kind, sealed(payload, self._identity.plate.keys, self._about(kind)))


class Forgets(Sabotaged):
    """It saves nothing but its epoch."""

    def cut(self) -> None:
        self.forget(7)


class HasNoWill(Sabotaged):
    """What the broker publishes for it says that it is here."""

    def will(self, birth: int) -> bytes:
        return self.come(birth)[0][1]


class ComesAsBefore(Sabotaged):
    """The number of its coming is not random."""

    def come(self, birth: int) -> Said:  # noqa: ARG002 - always the same
        return super().come(1)

    def will(self, birth: int) -> bytes:  # noqa: ARG002 - always the same
        return super().will(1)


class TakesTokensTwice(Sabotaged):
    """Its keypad remembers no token."""

    def type(self, digits: str) -> Said | None:
        secret = self._identity.secret
        assert secret is not None
        meter = self._meter.meter
        self._meter.meter = meter._replace(flash=replace(meter.flash, keypad=Keypad(secret)))
        return super().type(digits)


class LosesItsRegister(Sabotaged):
    """After each power cut it counts from 50 Wh less."""

    def cut(self) -> None:
        used = self._meter.flash.used
        fewer = replace(used, total_ws=max(0, used.total_ws - 50 * 3600))
        self._meter.flash = replace(self._meter.flash, used=fewer)
        super().cut()


class GoesBackInTime(Sabotaged):
    """It takes a time that was told before, and the service time of a desired state, for the time."""

    def hear(self, kind: str, body: bytes) -> Said:
        self._meter.meter = self._meter.meter._replace(is_timed=False)
        message = self._message(kind, body)
        if isinstance(message, Desired):
            self._meter.set_clock(message.service_time_s)
        return super().hear(kind, body)


class WritesItsOwnWay(Sabotaged):
    """It writes a report with one byte too many."""

    def hear(self, kind: str, body: bytes) -> Said:
        return [(kind, body + b"\x00" if kind == "reported" else body) for kind, body in super().hear(kind, body)]


def desired(change: Callable[[Desired], Desired]) -> Change:
    """Change what the meter is told."""
    return lambda message: change(message) if isinstance(message, Desired) else message


def later(message: Desired) -> Desired:
    """Give an hour more."""
    return message if message.until_s is None else replace(message, until_s=message.until_s + 3600)


def more(message: Desired) -> Desired:
    """Give 50 Wh more."""
    return message if message.cutoff_wh is None else replace(message, cutoff_wh=message.cutoff_wh + 50)


def always_closed(message: Message) -> Message:
    """Say that the relay is closed, whatever it is."""
    return replace(message, relay=Relay.CLOSED) if isinstance(message, Reported) else message


def one_number(message: Message) -> Message:
    """Give every event the same number."""
    return replace(message, seq=1) if isinstance(message, Event) else message


def no_events(message: Message) -> Message | None:
    """Tell nothing at once."""
    return None if isinstance(message, Event) else message


def no_rows_again(message: Message) -> Message | None:
    """Hear no wish for rows."""
    return None if isinstance(message, Request) and message.kind == RequestKind.RESEND else message


def rows_of_any_moment(message: Message) -> Message:
    """Write rows for moments beside the quarter of an hour."""
    return replace(message, first_time_s=message.first_time_s + 7) if isinstance(message, Readings) else message


def nothing_to_say(message: Message) -> Message:
    """Say that it can do nothing."""
    return replace(message, capabilities=0) if isinstance(message, Link) else message
