"""Tiers and businesses: the catalogue's homes lie in their tier, and hours mean what they say."""

import numpy as np
import pytest

from sim.demand.appliances import Appliance, User, each_alone, faults, largest_power_w
from sim.demand.engine import customers_year
from sim.demand.tiers import (
    appliance_catalogue,
    business_catalogue,
    business_user,
    listed_user,
    plain_appliances,
    tier_catalogue,
    tier_user,
    windows_min,
)
from sim.quantities import PRIORITIES
from sim.scenario import HouseholdAppliance, Households

TIERS = (1, 2, 3, 4, 5)
LIMITS_WH = (12.0, 200.0, 1000.0, 3400.0, 8200.0, 20_000.0)  # ESMAP 2015; above tier 5 there is none


def daily_wh(user: User) -> float:
    return float(customers_year((user,), 11, 60).load_w.sum()) / 365.0 / user.count


@pytest.mark.parametrize("tier", TIERS)
def test_a_home_uses_more_than_its_tier_and_less_than_the_next_asks(tier: int) -> None:
    limits = tier_catalogue()[tier].limits
    assert limits.energy_wh_day == LIMITS_WH[tier - 1]
    assert LIMITS_WH[tier - 1] < daily_wh(tier_user(tier, 20, "homes")) < LIMITS_WH[tier]


@pytest.mark.parametrize("tier", TIERS)
def test_a_home_can_draw_what_its_tier_asks(tier: int) -> None:
    home = tier_user(tier, 1, "home")
    assert sum(largest_power_w(piece) for piece in home.appliances) >= tier_catalogue()[tier].limits.power_w


@pytest.mark.parametrize("tier", TIERS)
def test_a_home_has_light_in_the_evening_as_long_as_its_tier_asks(tier: int) -> None:
    bulbs = [piece for piece in tier_user(tier, 1, "home").appliances if piece.name.startswith("led_bulb")]
    evening_min = sum(max(0, min(end, 1380) - max(start, 1080)) for start, end in bulbs[0].windows)
    assert evening_min >= 60.0 * tier_catalogue()[tier].limits.evening_hours


def test_every_business_asked_for_is_there_with_its_priority() -> None:
    wanted = {
        "shop": "standard", "mill": "deferrable", "salon": "standard", "cold_room": "standard",
        "clinic": "critical", "school": "standard", "church": "standard", "water_pump": "deferrable",
        "battery_charging": "deferrable",
    }  # fmt: skip
    assert wanted.items() <= {kind: entry.priority for kind, entry in business_catalogue().items()}.items()


@pytest.mark.parametrize("kind", sorted(business_catalogue()))
def test_every_business_can_be_run_and_uses_something_believable(kind: str) -> None:
    user = business_user(kind, 2, kind)
    assert not [fault for appliance in user.appliances for fault in faults(appliance)]
    assert 500.0 < daily_wh(user) < 40_000.0


@pytest.mark.parametrize("kind", sorted(appliance_catalogue()))
def test_every_catalogue_appliance_can_be_run(kind: str) -> None:
    entry = appliance_catalogue()[kind]
    windows = windows_min(entry.windows)
    pieces = plain_appliances(kind, 2, entry.power_w, entry.hours_per_day, windows)
    assert not [fault for piece in pieces for fault in faults(piece)]


@pytest.mark.parametrize("kind", ["mill", "water_pump", "cold_room"])
def test_motors_start_above_their_running_current(kind: str) -> None:
    assert max(appliance.start_factor for appliance in business_user(kind, 1, kind).appliances) >= 3.0


def test_the_mill_is_on_three_phases_and_the_shop_is_not() -> None:
    assert business_user("mill", 1, "mill").three_phase
    assert not business_user("shop", 1, "shop").three_phase


def test_the_planner_may_change_a_business_priority() -> None:
    assert business_user("shop", 1, "shop", "critical").priority == "critical"
    assert set(PRIORITIES) == {"critical", "standard", "deferrable"}


@pytest.mark.parametrize("hours", [0.1, 1.0, 2.4, 2.6, 4.0, 4.9, 5.0])
@pytest.mark.parametrize("number", [1, 3])
def test_energy_is_number_times_power_times_hours(hours: float, number: int) -> None:
    pieces = plain_appliances("thing", number, 20.0, hours, ((1080, 1380),))
    wh = daily_wh(User("home", 30, pieces))
    assert len(pieces) == number
    assert wh == pytest.approx(number * 20.0 * hours, rel=0.011)


def test_an_appliance_that_is_always_on_is_exact() -> None:
    assert daily_wh(User("home", 1, plain_appliances("router", 1, 10.0, 24.0, ((0, 1440),)))) == 240.0


def test_listed_appliances_become_homes() -> None:
    homes = Households(
        count=7,
        priority="critical",
        appliances=(
            HouseholdAppliance(name="bulb", count=3, power_w=6.0, hours_per_day=4.0, windows=("18:00-23:00",)),
            HouseholdAppliance(name="freezer", power_w=100.0, hours_per_day=10.0, windows=("22:00-09:00",)),
        ),
    )
    user = listed_user(homes, "homes")
    assert (user.count, user.priority) == (7, "critical")
    assert [piece.name for piece in user.appliances] == ["bulb 1", "bulb 2", "bulb 3", "freezer"]
    assert user.appliances[3].windows == ((0, 540), (1320, 1440))
    assert user.appliances[3].start_factor == appliance_catalogue()["freezer"].start_factor
    assert user.appliances[0].start_factor == 1.0


def test_pieces_alone_are_numbered() -> None:
    pair = Appliance("fan", 2, 40.0, ((0, 600),), 60.0)
    assert [(piece.name, piece.number) for piece in each_alone(pair)] == [("fan 1", 1), ("fan 2", 1)]


@pytest.mark.parametrize(
    ("texts", "windows"),
    [
        (("18:00-23:00",), ((1080, 1380),)),
        (("00:00-24:00",), ((0, 1440),)),
        (("22:00-02:00",), ((0, 120), (1320, 1440))),
        (("22:00-00:00",), ((1320, 1440),)),
        (("18:00-23:00", "6:00-8:00"), ((360, 480), (1080, 1380))),
    ],
)
def test_times_of_day(texts: tuple[str, ...], windows: tuple[tuple[int, int], ...]) -> None:
    assert windows_min(texts) == windows


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("6pm-11pm",), "'6pm-11pm' is not two times of day"),
        (("18:00-18:00",), "not two times of day"),
        (("25:00-26:00",), "not two times of day"),
        (("18:00-23:00", "22:00-23:30"), "overlap"),
        (("22:00-02:00", "06:00-08:00", "12:00-14:00"), "4 pieces of a day"),
    ],
)
def test_impossible_times_are_refused(texts: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        windows_min(texts)


def test_faults_are_all_told_at_once() -> None:
    wrong = Appliance("x", 0, -1.0, ((10, 5),), 50.0, window_jitter=2.0, months=(13,), preference=9, start_factor=0.5)
    told = "\n".join(faults(wrong))
    for word in ("number is 0", "power is negative", "window 10-5", "window_jitter", "months", "preference", "start_f"):
        assert word in told
    assert np.all([not list(faults(piece)) for piece in tier_user(3, 1, "home").appliances])
