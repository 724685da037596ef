"""An emulated meter: what its home gets, what breaks, and what it keeps in files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from device.chance import Chance
from device.codec import decode
from device.emulated import NO_MEMORY, Emulated, Memory
from device.faults import DAY_S, LASTING, Fault, Mishap, drawn
from device.keypad import Keypad
from device.loads import Load, Steady, repeating
from device.messages import ClockQuality, Event, EventKind, Message, Reported, Request, RequestKind
from device.openpaygo import Secret
from device.radio import LONGEST_WAIT_S, RADIOS, Radio, delays_s, wait_s
from device.saved import Folder, SavedError, flash_of, text_of
from device.signing import opened, topic
from device.state import Flash, Send
from device.timers import Timers
from tests.meter.bench import EPOCH, KEYS, NOON_S, PLATE, signed, wanted

HOUR_S = 3600
SECRET = Secret(123_456_789, bytes(range(16)))


def running(load: Load | None = None, memory: Memory = NO_MEMORY, flash: Flash | None = None) -> Emulated:
    """Return a meter that knows the time and may supply up to 1,000 Wh to a home that draws 100 W."""
    device = Emulated(PLATE, flash or Flash(EPOCH), load or Steady(100), NOON_S, 96, memory)
    device.connect(4711)
    device.hear("request", signed(Request(RequestKind.TIME, 1, device.meter.flash.boot, 4711, NOON_S)))
    device.hear("desired", signed(wanted()))
    return device


def said(sends: list[Send]) -> list[Message]:
    """Return what a meter said."""
    return [decode(send.kind, opened(send.body, KEYS, topic("kisiju", "M-104", send.kind))) for send in sends]


def test_a_home_gets_what_was_paid_for_and_no_more_however_long_nobody_looks() -> None:
    device = running()
    heard = said(device.advance(NOON_S + 100 * HOUR_S))
    assert device.flowed_ws == 1000 * HOUR_S
    assert device.closed is False
    assert EventKind.LIMIT_REACHED in [told.kind for told in heard if isinstance(told, Event)]


def test_a_load_that_changes_is_counted_step_by_step() -> None:
    device = running(repeating([0, 200, 50], HOUR_S))
    device.advance(NOON_S + 6 * HOUR_S)
    assert device.meter.used.total_ws == 2 * 250 * HOUR_S


def test_a_welded_relay_goes_on_feeding_and_the_meter_says_so() -> None:
    device = running()
    device.suffer(Mishap(0, "M-104", Fault.WELDED), EPOCH)
    heard = said(device.hear("desired", signed(wanted(2, on=False))))
    assert [told.kind for told in heard if isinstance(told, Event)] == [EventKind.RELAY_DISAGREES]
    device.advance(NOON_S + HOUR_S)
    assert device.flowed_ws == device.meter.used.total_ws == 100 * HOUR_S
    device.suffer(Mishap(0, "M-104", Fault.WELDED), EPOCH, ends=True)
    device.hear("desired", signed(wanted(3, on=False)))
    assert device.closed is False


@pytest.mark.parametrize(("percent", "counted_w"), [(100, 0), (25, 75)])
def test_a_bypass_feeds_the_home_past_the_meter(percent: int, counted_w: int) -> None:
    device = running()
    device.suffer(Mishap(0, "M-104", Fault.BYPASS, amount=percent), EPOCH)
    device.advance(NOON_S + HOUR_S)
    assert device.flowed_ws == 100 * HOUR_S
    assert device.meter.used.total_ws == counted_w * HOUR_S


def test_a_stuck_register_counts_nothing() -> None:
    device = running()
    device.suffer(Mishap(0, "M-104", Fault.REGISTER), EPOCH)
    device.advance(NOON_S + HOUR_S)
    assert (device.flowed_ws, device.meter.used.total_ws) == (100 * HOUR_S, 0)


def test_a_fast_clock_runs_ahead_and_counts_no_energy_twice() -> None:
    device = running(Steady(10))
    device.suffer(Mishap(0, "M-104", Fault.DRIFT, amount=60), EPOCH)
    device.advance(NOON_S + 2 * DAY_S)
    assert device.meter.now_s == NOON_S + 2 * DAY_S + 120
    assert device.meter.used.total_ws == 10 * 2 * DAY_S


def test_a_clock_that_fell_back_gives_no_time_away() -> None:
    device = running()
    device.hear("desired", signed(wanted(2, cutoff_wh=None, until_s=NOON_S + HOUR_S)))
    device.suffer(Mishap(0, "M-104", Fault.CLOCK), EPOCH)
    assert device.meter.now_s == 0
    device.connect(4712)
    device.hear("request", signed(Request(RequestKind.TIME, 1, device.meter.flash.boot, 4712, NOON_S + 2 * HOUR_S)))
    assert device.closed is False


def test_brown_outs_are_told_once_and_lose_at_most_ten_watt_hours() -> None:
    device = running()
    device.advance(NOON_S + HOUR_S)
    heard = said(device.suffer(Mishap(0, "M-104", Fault.BROWN_OUT, amount=5), EPOCH))
    told = [each for each in heard if isinstance(each, Event)]
    assert [(each.kind, each.value) for each in told] == [(EventKind.BROWN_OUT, 5)]
    assert device.meter.clock == ClockQuality.UNKNOWN
    assert device.meter.used.register_wh >= 90
    assert device.flowed_ws == 100 * HOUR_S  # the home had it all the same


def test_a_meter_in_a_folder_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 96)
    device = running(memory=folder)
    device.advance(NOON_S + 2 * HOUR_S)
    device.put_down()
    kept = folder.flash("M-104")
    assert kept is not None
    again = Emulated(PLATE, kept, Steady(100), NOON_S + 3 * HOUR_S, 96, folder)
    assert again.meter.used == device.meter.used
    assert again.flash.limits == device.flash.limits
    assert list(again.ring) == list(device.ring)
    assert len(again.ring) == 8
    again.lose_memory(9)
    assert again.flowed_ws == 200 * HOUR_S
    assert folder.flash("M-104") == again.flash
    assert list(folder.rows("M-104")) == []


def test_a_folder_keeps_the_newest_rows_and_passes_over_half_a_row(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 4)
    device = running(memory=folder)
    device.advance(NOON_S + 30 * 900)
    file = tmp_path / "M-104.rows"
    with file.open("ab") as opened_file:
        opened_file.write(b"half")
    assert [row.time_s for row in folder.rows("M-104")] == [NOON_S + number * 900 for number in range(27, 31)]
    assert file.stat().st_size < 9 * 14


def test_what_is_saved_comes_back_as_it_was_and_without_the_secret() -> None:
    flash = running().flash
    typed = replace(flash, keypad=Keypad(SECRET, 9, frozenset({4, 6}), 2, 500))
    assert flash_of(text_of(typed), SECRET) == typed
    assert flash_of(text_of(flash)) == flash
    assert SECRET.key.hex() not in text_of(typed)
    assert str(SECRET.starting_code) not in text_of(typed)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"epoch": 1}', "null", '{"epoch":1,"limits":1,"keypad":null,"used":{}}']
)
def test_what_is_no_saved_meter_is_refused(text: str) -> None:
    with pytest.raises(SavedError, match="no saved meter"):
        flash_of(text)


def test_faults_by_chance_are_the_same_for_the_same_seed_and_as_many_as_asked_for() -> None:
    names = [f"M-{number}" for number in range(200)]
    first, second = (drawn(np.random.default_rng(3), names, 365, 2.0) for _ in range(2))
    assert first == second
    assert 300 < len(first) < 500
    assert list(first) == sorted(first, key=lambda mishap: mishap.at_s)
    assert {mishap.fault for mishap in first} == set(Fault)
    assert all((mishap.for_s is not None) == (mishap.fault in LASTING) for mishap in first)


def test_a_radio_loses_and_repeats_as_many_as_it_should_in_its_time() -> None:
    chance = np.random.default_rng(5)
    radio = Radio((300, 2000), loss=0.1, repeats=0.2)
    found = [delays_s(radio, chance) for _ in range(20_000)]
    assert 0.09 < found.count(()) / len(found) < 0.11
    assert 0.17 < sum(len(each) == 2 for each in found) / len(found) < 0.19
    assert all(0.3 <= each <= 2.0 for delays in found for each in delays)
    assert delays_s(RADIOS["clear"], chance) == (0.0,)


class Always:
    """Chance that always says the same."""

    def __init__(self, number: float) -> None:
        self.number = number

    def random(self) -> float:
        return self.number


def test_waits_grow_from_five_seconds_to_ten_minutes_and_only_the_first_may_be_none() -> None:
    late: Chance = Always(0.999999)
    assert [round(wait_s(tries, late)) for tries in (0, 1, 2, 6, 7, 100)] == [5, 10, 20, 320, 600, 600]
    assert [wait_s(tries, Always(0.0)) for tries in (0, 1, 2, 100)] == [0, 5, 10, 300]
    assert wait_s(10_000, late) <= LONGEST_WAIT_S


def test_timers_give_what_is_due_in_order_and_leave_the_rest() -> None:
    timers: Timers[str] = Timers()
    for moment_s, name in ((3.0, "c"), (1.0, "a"), (2.0, "b"), (1.0, "a too")):
        timers.at(moment_s, name)
    assert timers.wait_s(0.5, 10.0) == 0.5
    assert timers.due(2.0) == ["a", "a too", "b"]
    assert (len(timers), timers.wait_s(2.0, 0.25), timers.wait_s(9.0, 0.25)) == (1, 0.25, 0.0)


def test_a_timer_set_again_at_once_does_not_hold_up_the_world() -> None:
    timers: Timers[str] = Timers()
    timers.at(1.0, "again")
    seen = []
    for name in timers.due(5.0):
        seen.append(name)
        timers.at(1.0, name)
    assert seen == ["again"]


def test_reports_tell_the_register_the_home_was_counted_at() -> None:
    device = running()
    device.advance(NOON_S + HOUR_S)
    heard = said(device.hear("request", signed(Request(RequestKind.REPORT, 2, 0, 0, NOON_S))))
    assert [told.register_wh for told in heard if isinstance(told, Reported)] == [100]
