"""A meter on a bench: whoever runs it does what it asks for, in order, and may cut its power anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from device import meter as logic
from device.codec import decode, encode
from device.keypad import Answer
from device.measuring import next_change_s
from device.messages import KIND_OF, Desired, Downlink, FailTerms, Message, Relay, Reported, Request, RequestKind
from device.rows import Ring
from device.signing import MeterKeys, opened, sealed, topic
from device.state import Effect, Flash, Keep, Meter, Move, Nameplate, Resend, Save, Send
from device.telling import again

KEYS = MeterKeys((bytes(range(32)), None))
PLATE = Nameplate("kisiju", "M-104", KEYS)
NOON_S = 1_772_452_800  # 2026-03-02 12:00 UTC
EPOCH = 7


@dataclass
class Bench:
    """A meter with a load behind its relay."""

    meter: Meter
    flash: Flash
    closed: bool = False
    welded: bool = False
    latching: bool = False  # the relay stays as it is without power
    saves: int = 0
    moves: list[bool] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)
    ring: Ring = field(default_factory=Ring)

    def do(self, effects: tuple[Effect, ...]) -> None:
        """Do what the meter asks for, in order."""
        for effect in effects:
            if isinstance(effect, Save):
                self.flash, self.saves = effect.flash, self.saves + 1
            elif isinstance(effect, Move):
                self.closed = effect.closed or self.welded
                self.moves.append(effect.closed)
                self.meter, more = logic.on_relay(self.meter, Relay(int(self.closed)), 0)
                self.do(more)
            elif isinstance(effect, Send):
                self.said.append(heard(effect.kind, effect.body))
            elif isinstance(effect, Keep):
                self.ring.keep(effect.row)
            elif isinstance(effect, Resend):
                self.do(again(self.meter, self.ring.between(effect.first_seq, effect.last_seq)))

    def tell(self, message: Downlink) -> Message | None:
        """Send a message of the service, and return the last thing the meter says to it."""
        self.meter, effects = logic.on_message(self.meter, KIND_OF[type(message)], signed(message))
        before = len(self.said)
        self.do(effects)
        return self.said[-1] if len(self.said) > before else None

    def run(self, load_w: int, seconds: int) -> None:
        """Let time pass with a load, in the longest steps that miss no limit."""
        while seconds > 0:
            power_w = load_w if self.closed else 0
            step_s = min(seconds, next_change_s(self.meter, power_w))
            self.meter, effects = logic.on_step(self.meter, power_w, step_s)
            self.do(effects)
            seconds -= step_s

    def type(self, digits: str) -> Answer:
        """Press digits on the keypad."""
        self.meter, effects, answer = logic.on_token(self.meter, digits)
        self.do(effects)
        return answer

    def cut_power(self) -> None:
        """Take the power away and give it back."""
        self.meter, effects = logic.boot(self.meter.nameplate, self.flash)
        self.closed = self.welded or (self.latching and self.closed)
        self.do(effects)

    def lose_memory(self, epoch: int) -> None:
        """Take the power away and give it back, with nothing saved but a register that begins anew."""
        self.flash = Flash(epoch)
        self.cut_power()

    def come(self, birth: int, now_s: int | None = None) -> None:
        """Let the link come up, and tell the time."""
        self.meter, effects = logic.on_connect(self.meter, birth)
        self.do(effects)
        if now_s is not None:
            self.tell(Request(RequestKind.TIME, 1, self.meter.flash.boot, birth, now_s))

    def is_on(self) -> bool:
        """Return whether current can flow."""
        return self.closed

    def register_wh(self) -> int:
        """Return what the meter has counted."""
        return self.meter.used.register_wh

    def reports(self) -> list[Reported]:
        """Return every state it reported."""
        return [message for message in self.said if isinstance(message, Reported)]


def heard(kind: str, body: bytes) -> Message:
    """Return what the service reads of a message."""
    return decode(kind, opened(body, KEYS, topic("kisiju", "M-104", kind)))


def signed(message: Downlink, keys: MeterKeys = KEYS) -> bytes:
    """Return the bytes of a message of the service."""
    return sealed(encode(message), keys, topic("kisiju", "M-104", KIND_OF[type(message)]))


def ready(plate: Nameplate = PLATE, flash: Flash | None = None) -> Bench:
    """Return a meter that came, and was told the time: noon."""
    meter, effects = logic.boot(plate, flash or Flash(EPOCH))
    bench = Bench(meter, flash or Flash(EPOCH))
    bench.do(effects)
    bench.meter, effects = logic.on_connect(bench.meter, 4711)
    bench.do(effects)
    bench.tell(Request(RequestKind.TIME, 1, bench.meter.flash.boot, 4711, NOON_S))
    bench.said.clear()
    bench.moves.clear()
    return bench


PAID = Desired(1, True, 1000, None, None, NOON_S, FailTerms(), NOON_S + 60 * 86_400, EPOCH)


def wanted(revision: int = 1, **other: object) -> Desired:
    """Return a desired state: on up to 1,000 Wh but for what is said."""
    return replace(PAID, revision=revision, **other)  # type: ignore[arg-type]  # the test names fields
