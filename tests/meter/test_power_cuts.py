"""The power may go between any two things a meter does: it forgets no order, gives nothing twice, and heals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import pytest

from device.keypad import Keypad
from device.messages import Capability, Downlink, FailTerms, Relay, Reported, Request, RequestKind
from device.openpaygo import Secret, codes, text_of
from tests.meter.bench import EPOCH, NOON_S, PLATE, wanted
from tests.meter.fragile import Fragile, fragile

BY_TOKEN = replace(PLATE, capabilities=PLATE.capabilities | Capability.KEYPAD)
SECRET = Secret(123_456_789, bytes(range(16)))
TOKEN = text_of(SECRET, next(islice(codes(SECRET, 5), 1, None))[1])
ON = wanted(5, tokens_included=1)
FAIL = FailTerms(grace_s=120, lifeline_w=50, lifeline_s=600)

ASKED = Request(RequestKind.REPORT, 2, 0, 0, NOON_S)
NOTHING = Request(RequestKind.TIME, 2, 0, 0, 0)  # of no coming

Doing = Callable[[Fragile], object]


def tell(*messages: Downlink) -> Doing:
    return lambda bench: [bench.tell(message) for message in messages]


def draw(load_w: int, seconds: int) -> Doing:
    return lambda bench: bench.run(load_w, seconds)


def weld(bench: Fragile) -> None:
    bench.tell(ON)
    bench.welded = True


def used(bench: Fragile) -> None:
    bench.tell(ON)
    bench.run(900, 77)


DOINGS: dict[str, tuple[Doing, Doing]] = {  # what came before, and what is cut short
    "the first state": (tell(NOTHING), tell(ON)),
    "off": (tell(ON), tell(wanted(6, on=False, tokens_included=1))),
    "on": (tell(wanted(5, on=False)), tell(wanted(6, tokens_included=1))),
    "more": (tell(ON), tell(wanted(6, cutoff_wh=3000, tokens_included=1))),
    "used up": (tell(ON), draw(2000, 2000)),
    "used up, with grace": (tell(replace(ON, fail=FAIL)), draw(2000, 2000)),
    "an overload": (tell(replace(ON, power_limit_w=100)), draw(500, 120)),
    "twelve rows": (tell(ON), draw(100, 11_000)),
    "a token": (tell(ON), lambda bench: bench.type(TOKEN)),
    "a token in the dark": (tell(replace(ON, cutoff_wh=0)), lambda bench: bench.type(TOKEN)),
    "the time": (tell(ON), lambda bench: bench.come(99, NOON_S + 5000)),
    "a report": (used, tell(ASKED)),
    "a power cut": (tell(ON), Fragile.cut_power),
    "a welded relay": (weld, tell(wanted(6, on=False, tokens_included=1))),
}


def prepared(before: Doing, *, latching: bool) -> Fragile:
    bench = fragile(BY_TOKEN, Keypad(SECRET), latching=latching)
    bench.come(4711, NOON_S)
    before(bench)
    return bench


def effects_of(before: Doing, doing: Doing, *, latching: bool) -> int:
    bench = prepared(before, latching=latching)
    done = bench.done
    doing(bench)
    return bench.done - done


def registers(bench: Fragile) -> list[int]:
    return [each.register_wh for each in bench.said if isinstance(each, Reported)]


@pytest.mark.parametrize("latching", [False, True])
@pytest.mark.parametrize("name", DOINGS)
def test_the_power_may_go_between_any_two_things(name: str, latching: bool) -> None:
    before, doing = DOINGS[name]
    count = effects_of(before, doing, latching=latching)
    assert count >= 1
    for after in range(count + 1):
        bench = prepared(before, latching=latching)
        held = bench.meter.flash.revision
        gone = bench.interrupted(doing, after)
        assert gone == (after < count)
        assert bench.meter.flash.revision >= held
        assert bench.welded or bench.is_on() == bench.meter.wanted
        assert 0 <= bench.true_ws - bench.meter.used.total_ws <= (10 * 3600 + bench.step_ws) * gone
        assert registers(bench) == sorted(registers(bench))
        heal(bench)
        assert len(bench.numbers()) == len(set(bench.numbers()))
        assert bench.meter.flash.epoch == EPOCH


def heal(bench: Fragile) -> None:
    """Let the service tell the time and the newest state, the customer type the token again, and see light."""
    bench.welded = False
    bench.come(100, NOON_S + 20_000)
    told = bench.tell(wanted(9, cutoff_wh=1500, tokens_included=2))  # the token is in it
    assert isinstance(told, Reported)
    assert told.revision == 9
    bench.type(TOKEN)
    assert bench.meter.left_wh == 1500 - bench.register_wh()
    assert bench.is_on() == (bench.register_wh() < 1500)
    assert bench.reports()[-1].relay == (Relay.CLOSED if bench.is_on() else Relay.OPEN)


@pytest.mark.parametrize("latching", [False, True])
def test_a_token_typed_when_the_power_went_counts_once_when_it_is_typed_again(latching: bool) -> None:
    for after in range(effects_of(tell(ON), lambda bench: bench.type(TOKEN), latching=latching) + 1):
        bench = prepared(tell(ON), latching=latching)
        bench.interrupted(lambda bench: bench.type(TOKEN), after)
        bench.type(TOKEN)
        assert bench.meter.left_wh == 1500


def test_nothing_is_told_or_moved_before_it_is_saved() -> None:
    """What was heard of a meter is what it will be after any power cut."""
    for before, doing in DOINGS.values():
        bench = prepared(before, latching=False)
        doing(bench)
        revisions = [each.revision for each in bench.reports()]
        assert revisions == sorted(revisions)
        assert bench.flash == bench.meter.flash
