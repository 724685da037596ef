"""Whatever happens on the way, in the end each meter does what was paid for, and nobody is charged for more.

The course of things is drawn: payments, hours, messages lost, doubled, shuffled, replayed and made up, power cuts, lost
memories, and a broker that forgets. Then all heals, and everything must be right within a minute.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from device.signing import topic
from microgrid.store.memory import MemoryStore
from tests.bridge.field import SITE, Field, make_field

METER = "M-K-104"
LOAD_W = 400
INTERVAL_WH = LOAD_W // 4
LOST_AT_A_CUT_WH = 10
PRICE_MINOR = 25

MOVES = st.one_of(
    st.tuples(st.just("pay"), st.integers(1, 60_000)),
    st.tuples(st.just("hours"), st.integers(1, 12)),
    st.tuples(st.just("minutes"), st.integers(1, 50)),
    st.tuples(st.sampled_from(["go", "come", "cut power", "broker forgets", "broker away", "broker back"]), st.just(0)),
    st.tuples(st.just("lose"), st.integers(1, 6)),
    st.tuples(st.just("copies"), st.integers(1, 4)),
    st.tuples(st.just("replay"), st.integers(0, 10**6)),
    st.tuples(st.just("shuffle"), st.integers(0, 10**6)),
    st.tuples(st.just("junk"), st.binary(max_size=40)),
    st.tuples(st.just("clock"), st.integers(0, 2**31)),
)


class Story:
    """A village to which things happen."""

    def __init__(self) -> None:
        self.place: Field = make_field(MemoryStore())
        self.radio = self.place.install(load_w=LOAD_W)
        self.paid_minor = self.payments = self.cuts = 0
        self.radio.come()
        self.place.settle()

    def happen(self, move: str, much: Any) -> None:
        """Let one thing happen."""
        hub, device = self.place.hub, self.radio.device
        if move == "pay":
            self.payments, self.paid_minor = self.payments + 1, self.paid_minor + much
            self.place.village.pay(f"R{self.payments}", much)
        elif move in ("hours", "minutes"):
            self.place.run(much * (3600 if move == "hours" else 60), 300 if move == "hours" else 60)
        elif move == "come" and not self.radio.is_here and not hub.is_away:
            self.radio.come()
        elif move == "go" and self.radio.is_here:
            self.radio.go()
        elif move == "cut power":
            self.cuts += 1
            self.radio.say(device.cut_power())
        elif move == "clock":
            device.set_clock(much)
        elif move == "replay" and hub.seen:
            hub.publish(*hub.seen[much % len(hub.seen)], retain=False)
        elif move == "junk":
            for kind in ("desired", "request", "reported", "readings", "event", "link"):
                hub.publish(topic(SITE, METER, kind), much, retain=False)
        else:
            self._weather(move, much)

    def _weather(self, move: str, much: Any) -> None:
        hub = self.place.hub
        if move == "lose":
            hub.to_lose = much
        elif move == "copies":
            hub.copies = much
        elif move == "shuffle":
            hub.shuffle(np.random.default_rng(much))
        elif move == "broker forgets":
            hub.lose_memory()
        elif move in ("broker away", "broker back"):
            hub.is_away = move == "broker away"

    def heal(self) -> None:
        """Let service, broker and meter be connected, and a minute pass."""
        hub = self.place.hub
        hub.is_away, hub.to_lose, hub.copies = False, 0, 1
        if self.radio.is_here:
            self.radio.go()
        self.place.settle()
        self.radio.come()
        self.place.run(60, 5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(MOVES, max_size=25))
@example([("pay", 50_000), ("broker away", 0), ("hours", 9), ("pay", 50_000), ("clock", 0), ("come", 0)])
def test_in_the_end_everything_is_right(moves: list[tuple[str, Any]]) -> None:
    story = Story()
    for move, much in moves:
        story.happen(move, much)
    story.heal()
    check(story)


@pytest.mark.long
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(MOVES, max_size=40))
def test_in_the_end_everything_is_right_however_often_it_is_tried(moves: list[tuple[str, Any]]) -> None:
    story = Story()
    for move, much in moves:
        story.happen(move, much)
    story.heal()
    check(story)


def check(story: Story) -> None:
    """Hold the meter against what was paid."""
    place, device = story.place, story.radio.device
    twin = place.twin()
    used_wh = device.meter.used.register_wh - 1000
    bought_wh = story.paid_minor // PRICE_MINOR
    assert used_wh <= bought_wh + INTERVAL_WH
    if twin.desired is None:
        assert (device.closed, story.paid_minor) == (False, 0)
        return
    assert twin.confirmed
    limits = device.meter.flash.limits
    assert limits is not None
    assert limits.desired.revision == twin.desired.revision
    left_wh = bought_wh - used_wh
    if left_wh > INTERVAL_WH:
        assert device.closed
    if left_wh <= 0:
        assert not device.closed
    place.village.are_books_true()
