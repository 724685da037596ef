"""Vectors for makers of meters: messages as bytes, the state a meter is in before, and what it is to do.

`python3 -m device.vectors > docs/reference/device-vectors.json` writes them. What is expected of each message is said
by hand in `device.vector_cases`; here a meter is brought there, hears the message, and must do as was said.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from device import meter as logic
from device.codec import decode, encode
from device.fields import MessageError
from device.messages import KIND_OF, Relay, Reported, Uplink
from device.rows import Ring
from device.signing import EnvelopeError, opened, sealed, topic
from device.state import Effect, Flash, Keep, Meter, Move, Resend, Save, Send
from device.telling import again
from device.vector_cases import CASES, SAYINGS, Case
from device.vector_states import EPOCH, STATES, State
from device.vector_steps import Connect, Draw, Happening, Hear, Type
from device.wording import in_words, result_in_words

SCHEMA = "microgrid.device-vectors/1"
ABOUT = (
    "Bring a meter into the state before by its steps, in order; then let it hear the message on its topic.",
    "steps: boot (with nothing saved but the register epoch), connect (publish link with this random number), hear (a "
    "message), draw (so many watts for so many seconds, counted in steps of a second), cut_power (off, and on again), "
    "type (digits on the keypad).",
    "effect: result is the answer in the report; relay, revision held and clock_s (the meter's time) are as they stand "
    "afterwards; says is all it publishes, byte for byte. A meter may skip what needs something it cannot do.",
    "Nothing that is not taken may change revision held, relay or clock.",
)


@dataclass(slots=True)
class Stand:
    """A meter with a relay behind it, which does what the meter asks for, in order."""

    meter: Meter
    flash: Flash
    is_closed: bool = False
    said: list[Send] = field(default_factory=list)
    ring: Ring = field(default_factory=Ring)

    def do(self, effects: Iterable[Effect]) -> None:
        """Do what the meter asks for."""
        for effect in effects:
            if isinstance(effect, Save):
                self.flash = effect.flash
            elif isinstance(effect, Move):
                self.is_closed = effect.closed
                self.meter, more = logic.on_relay(self.meter, Relay(int(effect.closed)), self.meter.power_w)
                self.do(more)
            elif isinstance(effect, Send):
                self.said.append(effect)
            elif isinstance(effect, Keep):
                self.ring.keep(effect.row)
            elif isinstance(effect, Resend):
                self.do(again(self.meter, self.ring.between(effect.first_seq, effect.last_seq)))

    def let(self, happening: Happening) -> None:
        """Let something happen to the meter."""
        if isinstance(happening, Draw):
            for _ in range(happening.seconds):
                self.meter, effects = logic.on_step(self.meter, happening.power_w if self.is_closed else 0, 1)
                self.do(effects)
            return
        if isinstance(happening, Connect):
            self.meter, effects = logic.on_connect(self.meter, happening.birth)
        elif isinstance(happening, Hear):
            self.meter, effects = logic.on_message(self.meter, happening.kind, happening.message)
        elif isinstance(happening, Type):
            self.meter, effects, _ = logic.on_token(self.meter, happening.digits)
        else:
            self.is_closed = False
            self.meter, effects = logic.boot(self.meter.nameplate, self.flash)
        self.do(effects)


def stood(state: State) -> Stand:
    """Return a meter in a state: booted, and all its steps done."""
    flash = Flash(EPOCH, keypad=state.keypad)
    meter, effects = logic.boot(state.plate, flash)
    stand = Stand(meter, flash)
    stand.do(effects)
    for step in state.steps:
        stand.let(step)
    return stand


def document() -> dict[str, object]:
    """Return all vectors, for programs; ValueError where our meter does not do what a case says."""
    return {
        "schema": SCHEMA,
        "about": ABOUT,
        "states": {name: _state(state) for name, state in STATES.items()},
        "vectors": [_vector(f"V{number:03d}", case) for number, case in enumerate(CASES, start=1)],
        "sayings": [_saying(what, state, message) for what, state, message in SAYINGS],
    }


def text() -> str:
    """Return the document as it is kept: JSON with a line for each vector, so that a change shows in its place."""
    parts = [f" {json.dumps(name)}: {_lines(part)}" for name, part in document().items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(part: object) -> str:
    if isinstance(part, dict):
        entries = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in part.items()]
        return "{\n  " + ",\n  ".join(entries) + "\n }"
    if isinstance(part, list | tuple):
        return "[\n  " + ",\n  ".join(map(json.dumps, part)) + "\n ]"
    return json.dumps(part)


def _state(state: State) -> dict[str, object]:
    plate, stand = state.plate, stood(state)
    keypad = state.keypad and {"starting_code": state.keypad.secret.starting_code, "key": state.keypad.secret.key.hex()}
    return {
        "what": state.what,
        "needs": state.needs,
        "site": plate.site,
        "meter": plate.meter,
        "epoch": EPOCH,
        "capabilities": plate.capabilities,
        "keys": [key and key.hex() for key in plate.keys.slots],
        "sign_with": plate.keys.sign_with,
        "proof_bytes": plate.keys.tag_bytes,
        "token_secret": keypad,
        "steps": [{"do": "boot"}, *map(_step, state.steps)],
        "stands": {**_stands(stand), "register_wh": stand.meter.used.register_wh},
    }


def _step(step: Happening) -> dict[str, object]:
    if isinstance(step, Connect):
        return {"do": "connect", "birth": step.birth}
    if isinstance(step, Hear):
        return {"do": "hear", "kind": step.kind, "message": step.message.hex()}
    if isinstance(step, Draw):
        return {"do": "draw", "power_w": step.power_w, "seconds": step.seconds}
    return {"do": "type", "digits": step.digits} if isinstance(step, Type) else {"do": "cut_power"}


def _vector(name: str, case: Case) -> dict[str, object]:
    state = STATES[case.state]
    stand = stood(state)
    said_before = len(stand.said)
    stand.let(Hear(case.kind, case.message))
    said = stand.said[said_before:]
    found = (_result(state, said), _stands(stand)["relay"], stand.meter.flash.revision)
    if found != (case.result, case.relay, case.revision):
        raise ValueError(f"{name}, {case.what}: {found}, and not what was said")
    return {
        "id": name,
        "what": case.what,
        "needs": sorted({*state.needs, *case.needs}),
        "state": case.state,
        "topic": topic(state.plate.site, state.plate.meter, case.kind),
        "message": case.message.hex(),
        "means": _meaning(state, case.kind, case.message),
        "is_taken": case.is_taken,
        "effect": {
            "result": case.result,
            **_stands(stand),
            "says": [{"kind": each.kind, "message": each.body.hex()} for each in said],
        },
    }


def _stands(stand: Stand) -> dict[str, object]:
    relay = "closed" if stand.is_closed else "open"
    return {"relay": relay, "revision": stand.meter.flash.revision, "clock_s": stand.meter.now_s}


def _result(state: State, said: list[Send]) -> str:
    """Return what the meter answered: the result it reported, else the kind of what it said, else nothing."""
    reports = [each for each in said if each.kind == "reported"]
    if not reports:
        return said[-1].kind if said else "nothing"
    about = topic(state.plate.site, state.plate.meter, "reported")
    reported = decode("reported", opened(reports[-1].body, state.plate.keys, about))
    assert isinstance(reported, Reported)
    return result_in_words(reported.result)


def _meaning(state: State, kind: str, message: bytes) -> dict[str, object] | None:
    about = topic(state.plate.site, state.plate.meter, kind)
    try:
        return in_words(decode(kind, opened(message, state.plate.keys, about)))
    except (EnvelopeError, MessageError):
        return None


def _saying(what: str, name: str, message: Uplink) -> dict[str, object]:
    """Return a message of a meter as bytes, for who writes its encoder."""
    plate, kind = STATES[name].plate, KIND_OF[type(message)]
    about = topic(plate.site, plate.meter, kind)
    body = sealed(encode(message), plate.keys, about)
    return {"what": what, "state": name, "topic": about, "means": in_words(message), "message": body.hex()}


if __name__ == "__main__":
    sys.stdout.write(text())
