"""Whatever happens to a meter, in whatever order: a small model of what was paid says what may have flowed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from device import meter as logic
from device.keypad import Keypad
from device.messages import (
    KIND_OF,
    Capability,
    ClockQuality,
    Desired,
    Downlink,
    Event,
    EventKind,
    FailTerms,
    Reported,
    Request,
    RequestKind,
    Result,
)
from device.openpaygo import Kind, Secret, codes, next_count, text_of
from device.signing import MeterKeys
from tests.meter.bench import NOON_S, PLATE, signed, wanted
from tests.meter.fragile import Fragile, fragile

MOST_W, DAY_S, WINDOW_S = 2000, 86_400, 30
BY_TOKEN = replace(PLATE, capabilities=PLATE.capabilities | Capability.KEYPAD)
SECRET = Secret(123_456_789, bytes(range(16)))
CODES = {value: list(islice(codes(SECRET, value), 40)) for value in range(1, 6)}
MOST_TOKENS = 8
STRANGER = MeterKeys((bytes(32), None))


@dataclass
class Service:
    """The model: what was paid and asked for, and all that was ever sent."""

    fail: FailTerms
    is_by_time: bool
    on: bool = True
    paid: int = 0  # Wh, or seconds
    until_s: int = 0
    revision: int = 0
    count: int = 1  # of tokens
    desired: list[Desired] = field(default_factory=list)
    letters: list[Downlink] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    lifted: int = 1  # how often grace and lifeline may have begun

    def ask(self, now_s: int) -> None:
        """Write the newest state, as it is after a payment or an order."""
        self.revision += 1
        cutoff_wh, until_s = (None, self.until_s) if self.is_by_time else (self.paid, None)
        newest = wanted(
            self.revision,
            on=self.on,
            cutoff_wh=cutoff_wh,
            until_s=until_s,
            fail=self.fail,
            service_time_s=now_s,
            not_after_s=now_s + 60 * DAY_S,
            tokens_included=self.count,
        )
        self.desired.append(newest)
        self.letters.append(newest)

    def take(self, units: int, now_s: int) -> None:
        """Take money for so many units: 100 Wh, or an hour."""
        self.paid += units * (3600 if self.is_by_time else 100)
        self.until_s = max(now_s, self.until_s) + units * 3600
        self.lifted += 1


terms = st.builds(
    FailTerms,
    st.sampled_from([0, 0, 600]),
    st.sampled_from([0, 50]),
    st.sampled_from([0, 1800]),
    st.just(False),
    st.just(36_000),
    st.sampled_from([36_000, 50_400, 7200]),
    st.sampled_from([0, 0, 150]),
)
watts = st.sampled_from([0, 10, 45, 300, MOST_W])
spans = st.sampled_from([1, 29, 60, 900, 3600, 6 * 3600, 30 * 3600])


class MeterLife(RuleBasedStateMachine):
    """One meter, its customer, its service, and somebody on the broker who keeps every message."""

    @initialize(fail=terms, is_by_time=st.booleans(), latching=st.booleans())
    def begin(self, fail: FailTerms, *, is_by_time: bool, latching: bool) -> None:
        self.service = Service(fail, is_by_time)
        plate = replace(BY_TOKEN, token_unit_s=3600 if is_by_time else 0)
        self.bench: Fragile = fragile(plate, Keypad(SECRET), latching=latching)
        self.now_s, self.cuts, self.births, self.began_s = NOON_S, 0, 100, NOON_S
        self.revision = self.told_wh = self.clock_s = 0
        self.was_told = 0
        self.come()
        self.pay(2)
        self.deliver()

    # What the service does --------------------------------------------------------------------------------------------

    @rule(units=st.integers(1, 5))
    def pay(self, units: int) -> None:
        self.service.take(units, self.now_s)
        self.service.ask(self.now_s)

    @rule(units=st.integers(1, 5))
    def pay_by_token(self, units: int) -> None:
        if len(self.service.tokens) < MOST_TOKENS:
            self.service.take(units, self.now_s)
            self.service.count = next_count(self.service.count, Kind.ADD)
            self.service.tokens.append(text_of(SECRET, CODES[units][self.service.count - 1][1]))
            self.service.ask(self.now_s)

    @rule(on=st.booleans())
    def order(self, *, on: bool) -> None:
        self.service.on = on
        self.service.ask(self.now_s)

    @rule()
    def deliver(self) -> None:
        self.bench.tell(self.service.desired[-1])

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """Bring any message that was ever sent."""
        self.bench.tell(data.draw(st.sampled_from(self.service.letters)))

    @rule(seconds=spans, is_cut=st.booleans())
    def replay_the_last_time(self, seconds: int, *, is_cut: bool) -> None:
        """Bring the time that was told last once more, a while after it, and perhaps after a reboot."""
        self.come()
        self.use(10, seconds)
        if is_cut:
            self.cut_power(seconds)
        self.bench.tell(self.service.letters[-1])

    @rule(units=st.integers(1, 5))
    def cross(self, units: int) -> None:
        """Let a message overtake a token that was paid for after it."""
        if len(self.service.tokens) < MOST_TOKENS:
            self.pay(units)
            before = self.service.desired[-1]
            self.pay_by_token(units)
            self.bench.type(self.service.tokens[-1])
            self.bench.tell(before)

    @rule(load_w=st.sampled_from([45, MOST_W]))
    def say_the_same_again_and_again(self, load_w: int) -> None:
        for _ in range(8):
            self.service.ask(self.now_s)
            self.deliver()
            self.use(load_w, 900)

    @rule(data=st.data())
    def forge(self, data: st.DataObject) -> None:
        before = self.bench.meter
        message = data.draw(st.sampled_from(self.service.letters))
        newer = replace(message, revision=10**6) if isinstance(message, Desired) else message
        kind = KIND_OF[type(newer)]
        self.bench.meter, effects = logic.on_message(self.bench.meter, kind, signed(newer, STRANGER))
        self.bench.do(effects)
        assert self.bench.meter._replace(flash=before.flash) == before
        assert self.bench.meter.flash.limits == before.flash.limits

    @rule()
    def come(self) -> None:
        """Let the link come up again, and tell the time."""
        self.births += 1
        time = Request(RequestKind.TIME, 1, self.bench.meter.flash.boot, self.births, self.now_s)
        self.service.letters.append(time)
        self.bench.come(self.births, self.now_s)
        assert self.bench.meter.now_s == self.now_s

    # What the customer and the world do -------------------------------------------------------------------------------

    @rule(load_w=watts, seconds=spans)
    def use(self, load_w: int, seconds: int) -> None:
        self.now_s += seconds
        self.bench.run(load_w, seconds)

    @precondition(lambda self: self.service.tokens)
    @rule(data=st.data())
    def press(self, data: st.DataObject) -> None:
        self.bench.type(data.draw(st.sampled_from(self.service.tokens)))

    @rule(seconds=spans)
    def cut_power(self, seconds: int) -> None:
        self.now_s += seconds
        self.cuts += 1
        self.bench.cut_power()
        self.clock_s = self.bench.meter.now_s

    @rule(after=st.integers(0, 6), data=st.data())
    def cut_power_in_the_midst(self, after: int, data: st.DataObject) -> None:
        do = data.draw(st.sampled_from(["tell", "type", "run"]))
        self.cuts += 1
        if do == "tell":
            self.bench.interrupted(lambda bench: bench.tell(self.service.desired[-1]), after)
        elif do == "type" and self.service.tokens:
            self.bench.interrupted(lambda bench: bench.type(self.service.tokens[-1]), after)
        else:
            self.now_s += 3600
            self.bench.interrupted(lambda bench: bench.run(300, 3600), after)
        self.clock_s = self.bench.meter.now_s

    @rule()
    def stick_or_come_loose(self) -> None:
        self.bench.welded = not self.bench.welded

    # What has to hold -------------------------------------------------------------------------------------------------

    @invariant()
    def no_more_flows_than_was_paid_for_and_allowed(self) -> None:
        fail, bench = self.service.fail, self.bench
        trips = sum(isinstance(each, Event) and each.kind == EventKind.OVERLOAD for each in bench.said)
        nights = (self.now_s - self.began_s) // DAY_S + 2
        spare_s = WINDOW_S * (trips + self.cuts + 1) + len(bench.moves)
        if self.service.is_by_time:
            allowed_s = (
                self.service.paid + self.service.lifted * (fail.grace_s + fail.lifeline_s) + 900 * (self.cuts + 1)
            )
            night_s = nights * ((fail.quiet_to_s - fail.quiet_from_s) % DAY_S) if fail.quiet_max_wh else 0
            assert bench.closed_s - bench.stuck_s <= allowed_s + night_s + spare_s
            return
        allowed_ws = 3600 * (self.service.paid + nights * fail.quiet_max_wh)
        allowed_ws += self.service.lifted * (fail.grace_s * MOST_W + fail.lifeline_s * fail.lifeline_w)
        # A power cut forgets 10 Wh of what flowed and so much of its grace, and what flowed in the moment it came.
        allowed_ws += self.cuts * 36_000 + bench.lost_ws + spare_s * MOST_W
        assert bench.true_ws - bench.stuck_ws <= allowed_ws

    @invariant()
    def no_more_is_held_than_was_paid(self) -> None:
        limits = self.bench.meter.flash.limits
        assert limits is not None
        assert limits.cutoff_wh is None or limits.cutoff_wh <= self.service.paid
        assert limits.until_s is None or limits.until_s - self.bench.meter.now_s <= self.service.paid

    @invariant()
    def nothing_that_rises_falls(self) -> None:
        meter, told = self.bench.meter, self.bench.said[self.was_told :]
        self.was_told = len(self.bench.said)
        assert meter.flash.revision >= self.revision
        for report in (each for each in told if isinstance(each, Reported)):
            assert report.register_wh >= self.told_wh
            self.told_wh = report.register_wh
        assert self.clock_s <= meter.now_s <= self.now_s
        self.revision, self.clock_s = meter.flash.revision, meter.now_s

    @invariant()
    def no_number_is_used_twice(self) -> None:
        numbers = self.bench.numbers()
        assert len(numbers) == len(set(numbers))

    @invariant()
    def the_register_never_shows_more_than_flowed(self) -> None:
        assert self.bench.meter.used.total_ws <= self.bench.true_ws

    @invariant()
    def what_it_saved_is_what_it_goes_by(self) -> None:
        assert self.bench.flash == self.bench.meter.flash

    @rule()
    def heal(self) -> None:
        """Everything works again: the meter is as it is desired."""
        self.bench.welded = False
        self.come()
        newest = self.service.desired[-1]
        told = self.bench.tell(newest)
        assert isinstance(told, Reported)
        meter = self.bench.meter
        assert (told.revision, told.result, meter.clock) == (newest.revision, Result.OK, ClockQuality.SET)
        if not newest.on:
            assert not self.bench.is_on()
        elif not self.is_used_up(newest) and not meter.overload.is_open:
            assert self.bench.is_on()
        elif newest.fail.quiet_max_wh == newest.fail.grace_s == newest.fail.lifeline_s == 0:
            assert not self.bench.is_on()

    def is_used_up(self, newest: Desired) -> bool:
        if newest.until_s is not None:
            return self.now_s >= newest.until_s
        return newest.cutoff_wh is not None and self.bench.register_wh() >= newest.cutoff_wh


short = settings(max_examples=150, stateful_step_count=30, deadline=None, derandomize=True)
MeterLife.TestCase.settings = short
TestMeterLife = MeterLife.TestCase


class LongMeterLife(MeterLife):
    """The same for longer."""


LongMeterLife.TestCase.settings = settings(max_examples=800, stateful_step_count=60, deadline=None)
TestLongMeterLife = pytest.mark.long(LongMeterLife.TestCase)
