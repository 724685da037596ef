"""What a meter does where rules meet: lost memory, replayed times, tokens beside messages, relays that stick."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from device import meter as logic
from device.keypad import Answer, Keypad
from device.messages import Capability, Event, FailTerms, Reported, Request, RequestKind, Result
from device.openpaygo import Secret, codes, text_of
from device.signing import MeterKeys
from device.state import Flash, Keep, Move, Nameplate, Save, Send
from tests.meter.bench import EPOCH, NOON_S, PLATE, Bench, ready, signed, wanted

HOUR_S, DAY_S = 3600, 86_400
SECRET = Secret(123_456_789, bytes(range(16)))
BY_ENERGY = replace(PLATE, capabilities=PLATE.capabilities | Capability.KEYPAD)
BY_TIME = replace(BY_ENERGY, token_unit_s=DAY_S)


def with_keypad(plate: Nameplate = BY_ENERGY) -> Bench:
    return ready(plate, Flash(EPOCH, keypad=Keypad(SECRET)))


def token(value: int, count: int) -> str:
    code = next(islice(codes(SECRET, value), count - 1, None))[1]
    return text_of(SECRET, code)


def result(bench: Bench, **fields: object) -> Result:
    told = bench.tell(wanted(**fields))  # type: ignore[arg-type]  # the test names fields
    assert isinstance(told, Reported)
    return told.result


# Memory, relay and clock ----------------------------------------------------------------------------------------------


def test_a_meter_that_was_told_nothing_opens_its_relay() -> None:
    bench = ready()
    bench.latching = True
    assert result(bench) == Result.OK
    bench.lose_memory(EPOCH + 1)
    assert bench.moves[-1] is False
    assert not bench.is_on()


def test_after_a_loss_of_memory_a_token_does_not_let_an_old_copy_in() -> None:
    meter, _ = logic.boot(BY_ENERGY, Flash(EPOCH, keypad=Keypad(SECRET)))
    bench = Bench(meter, meter.flash)
    assert bench.type(token(5, 2)) is Answer.ACCEPTED
    assert result(bench, cutoff_wh=10**6) == Result.CLOCK_UNKNOWN
    bench.come(1, NOON_S)
    assert result(bench, cutoff_wh=10**6) == Result.OK


def test_a_time_heard_again_in_the_same_coming_does_not_put_the_clock_back() -> None:
    bench = ready()
    result(bench, cutoff_wh=None, until_s=NOON_S + DAY_S)
    replayed = Request(RequestKind.TIME, 1, bench.meter.flash.boot, 4711, NOON_S)
    for _ in range(5):
        bench.run(100, 10 * HOUR_S)
        bench.tell(replayed)
    assert bench.register_wh() == 2400  # a day at 100 W
    bench.tell(replace(replayed, service_time_s=NOON_S + 60 * HOUR_S))
    assert bench.meter.now_s == NOON_S + 60 * HOUR_S
    assert bench.tell(Request(RequestKind.DIAGNOSTICS, 2, 0, 0, NOON_S)) == bench.said[-1]
    bench.tell(replayed)  # asking who is here is no new coming
    assert bench.meter.now_s == NOON_S + 60 * HOUR_S


def test_a_new_coming_may_put_a_fast_clock_back() -> None:
    bench = ready()
    bench.run(0, 500)
    bench.come(4712, NOON_S + 100)
    assert bench.meter.now_s == NOON_S + 100


def test_the_time_is_saved_every_interval_even_when_nothing_flows() -> None:
    bench = ready(replace(PLATE, capabilities=Capability.SWITCH))
    result(bench, cutoff_wh=None, until_s=NOON_S + 4 * HOUR_S)
    bench.run(0, 3 * HOUR_S)
    bench.cut_power()
    assert bench.meter.now_s == NOON_S + 3 * HOUR_S


def test_a_relay_that_stuck_is_tried_again_when_the_service_asks_again() -> None:
    bench = ready()
    result(bench)
    bench.welded = True
    assert result(bench, revision=2, on=False) == Result.RELAY_DISAGREES
    assert result(bench, revision=2, on=False) == Result.RELAY_DISAGREES
    bench.run(100, HOUR_S)
    assert bench.moves == [True, False, False]  # not by itself
    bench.welded = False
    assert result(bench, revision=2, on=False) == Result.OK
    assert not bench.is_on()
    assert result(bench, revision=2, on=False) == Result.OK
    assert bench.moves == [True, False, False, False]  # and not without need


def test_a_newer_state_of_the_same_kind_tries_a_stuck_relay_too() -> None:
    bench = ready()
    result(bench)
    bench.welded = True
    result(bench, revision=2, on=False)
    bench.welded = False
    assert result(bench, revision=3, on=False) == Result.OK
    assert not bench.is_on()


# What is told ---------------------------------------------------------------------------------------------------------


def test_an_order_to_switch_off_is_no_limit_reached() -> None:
    bench = ready()
    result(bench)
    result(bench, revision=2, on=False)
    assert [message for message in bench.said if isinstance(message, Event)] == []


def test_no_register_that_was_told_is_stepped_back_behind() -> None:
    bench = ready()
    result(bench, cutoff_wh=None)
    highest_wh = 0
    for power_w, seconds in ((700, 11), (4000, 3), (900, 897), (37, 900), (3000, 10)):
        bench.run(power_w, seconds)
        told = bench.tell(Request(RequestKind.REPORT, 3, 0, 0, NOON_S))
        assert isinstance(told, Reported)
        highest_wh = max([highest_wh, told.register_wh, *(row.register_wh for row in bench.ring)])
        bench.cut_power()
        assert bench.register_wh() == highest_wh


def test_what_is_told_of_the_register_is_saved_first() -> None:
    bench = ready()
    result(bench, cutoff_wh=1)
    told: list[bool] = []
    for _ in range(40):
        bench.meter, effects = logic.on_step(bench.meter, 1000 if bench.closed else 0, 1)
        saved_wh = bench.flash.used.register_wh
        for effect in effects:
            saved_wh = effect.flash.used.register_wh if isinstance(effect, Save) else saved_wh
            if isinstance(effect, (Send, Keep, Move)):
                told.append(saved_wh == bench.meter.used.register_wh)
        bench.do(effects)
    assert told
    assert all(told)


# Tokens beside messages -----------------------------------------------------------------------------------------------


def test_one_payment_by_token_and_by_message_counts_once_in_either_order() -> None:
    first = with_keypad()
    result(first, tokens_included=1)
    assert first.type(token(5, 2)) is Answer.ACCEPTED  # 500 Wh
    assert first.meter.left_wh == 1500
    result(first, revision=2, cutoff_wh=1500, tokens_included=2)
    assert first.meter.left_wh == 1500
    other = with_keypad()
    result(other, tokens_included=1)
    result(other, revision=2, cutoff_wh=1500, tokens_included=2)
    assert other.type(token(5, 2)) is Answer.ALREADY_USED
    assert other.meter.left_wh == 1500


def test_a_message_that_does_not_know_of_a_token_takes_nothing_away() -> None:
    bench = with_keypad()
    result(bench, tokens_included=1)
    bench.type(token(5, 2))
    result(bench, revision=2, cutoff_wh=1200, tokens_included=1)  # another payment, without the token
    assert bench.meter.left_wh == 1500
    result(bench, revision=3, cutoff_wh=1700, tokens_included=2)
    assert bench.meter.left_wh == 1700
    result(bench, revision=4, cutoff_wh=900, tokens_included=2)  # a payment went back
    assert bench.meter.left_wh == 900


def test_a_cutoff_of_another_register_is_no_credit_when_limits_are_compared() -> None:
    bench = with_keypad()
    result(bench, cutoff_wh=104_250, epoch=EPOCH + 1, tokens_included=0)
    assert not bench.is_on()
    result(bench, revision=2, cutoff_wh=300, epoch=EPOCH, tokens_included=0)
    assert bench.meter.left_wh == 300


def test_a_token_gives_light_though_the_cutoff_held_is_of_another_register() -> None:
    bench = with_keypad()
    result(bench, cutoff_wh=104_250, epoch=EPOCH + 1, tokens_included=1)
    assert bench.type(token(5, 2)) is Answer.ACCEPTED
    assert (bench.meter.left_wh, bench.is_on()) == (500, True)
    result(bench, revision=2, cutoff_wh=104_900, epoch=EPOCH + 1, tokens_included=1)  # it still does not know
    assert (bench.meter.left_wh, bench.is_on()) == (500, True)
    result(bench, revision=3, cutoff_wh=700, epoch=EPOCH, tokens_included=2)
    assert bench.meter.left_wh == 700


def test_days_typed_in_before_the_time_is_known_keep_their_length() -> None:
    meter, effects = logic.boot(BY_TIME, Flash(EPOCH, keypad=Keypad(SECRET)))
    bench = Bench(meter, meter.flash)
    bench.do(effects)
    assert bench.type(token(2, 2)) is Answer.ACCEPTED  # two days
    bench.run(50, 12 * HOUR_S)
    bench.come(5, NOON_S)
    assert bench.meter.flash.limits is not None
    assert bench.meter.flash.limits.until_s == NOON_S + 36 * HOUR_S
    bench.come(6, NOON_S + 100)  # told once, it is a time like any other
    assert bench.meter.flash.limits is not None
    assert bench.meter.flash.limits.until_s == NOON_S + 36 * HOUR_S
    bench.run(50, 36 * HOUR_S - 101)
    assert bench.is_on()
    bench.run(50, 1)
    assert not bench.is_on()


def test_days_from_the_service_do_not_move_with_the_clock() -> None:
    bench = with_keypad(BY_TIME)
    result(bench, cutoff_wh=None, until_s=NOON_S + DAY_S, tokens_included=1)
    bench.cut_power()
    bench.type(token(1, 2))
    bench.come(5, NOON_S + HOUR_S)
    assert bench.meter.flash.limits is not None
    assert bench.meter.flash.limits.until_s == NOON_S + 2 * DAY_S


def test_adrift_days_meet_a_message_that_does_not_know_of_them() -> None:
    bench = with_keypad(BY_TIME)
    result(bench, cutoff_wh=None, until_s=NOON_S + HOUR_S, tokens_included=1)
    bench.run(50, 2 * HOUR_S)
    bench.cut_power()
    bench.type(token(1, 2))  # a day, an hour after the end
    result(bench, revision=2, cutoff_wh=None, until_s=NOON_S + HOUR_S, tokens_included=1, service_time_s=NOON_S + DAY_S)
    assert bench.meter.flash.limits is not None
    assert (
        bench.meter.flash.limits.until_s == NOON_S + 2 * DAY_S
    )  # the lower bound moved the clock, and the day with it
    bench.come(5, NOON_S + 2 * DAY_S)
    assert bench.meter.flash.limits is not None
    assert bench.meter.flash.limits.until_s == NOON_S + 3 * DAY_S


# Lifeline -------------------------------------------------------------------------------------------------------------


def test_a_lifeline_of_no_watts_is_no_lifeline() -> None:
    bench = ready()
    result(bench, cutoff_wh=0, fail=FailTerms(grace_s=60, lifeline_w=0, lifeline_s=DAY_S))
    bench.run(1000, 60)
    assert not bench.is_on()


def test_a_lifeline_gives_no_more_power_than_was_sold() -> None:
    bench = ready()
    result(bench, cutoff_wh=0, power_limit_w=40, fail=FailTerms(lifeline_w=500, critical=True))
    bench.run(100, 30)
    assert not bench.is_on()


# Keys -----------------------------------------------------------------------------------------------------------------


def test_a_meter_with_short_proofs_takes_and_says_no_others() -> None:
    short = MeterKeys(PLATE.keys.slots, tag_bytes=8)
    bench = Bench(logic.boot(replace(PLATE, keys=short), Flash(EPOCH))[0], Flash(EPOCH))
    bench.meter, effects = logic.on_connect(bench.meter, 1)
    time = Request(RequestKind.TIME, 1, 1, 1, NOON_S)
    for keys, now_s in ((PLATE.keys, 0), (short, NOON_S)):
        bench.meter, more = logic.on_message(bench.meter, "request", signed(time, keys))
        effects = (*effects, *more)
        assert bench.meter.now_s == now_s
    said = [effect.body for effect in effects if isinstance(effect, Send)]
    assert len(said) == 2
    assert all(body.startswith(bytes.fromhex("d18443a10104")) and body[-9] == 0x48 for body in said)
