"""A community's load: who is in it, how it grows, what is refused."""

from pathlib import Path

import numpy as np
import pytest

from microgrid.errors import InvalidInput
from sim.demand.engine import customers_year
from sim.demand.load import described_users, growth_by_month, load_demand, sample_members
from sim.scenario import Businesses, Demand, HouseholdAppliance, Households, Site

SITE = Site(name="Kisiju", latitude=-7.42, longitude=39.33, timezone="Africa/Dar_es_Salaam", currency="TZS")
VILLAGE = Demand(
    households=(Households(tier=2, count=12), Households(tier=3, count=5)),
    businesses=(Businesses(kind="mill", count=1), Businesses(kind="clinic", count=1)),
)
NOWHERE = Path()


def test_a_village_has_its_customers_classes_peak_and_motor() -> None:
    load = load_demand(VILLAGE, SITE, NOWHERE, 60, 20, 7)
    assert load.connections == 19
    assert load.step_s == 3600
    assert load.load_w.shape == (3, 8760)
    assert load.load_w.min() >= 0.0
    assert (load.load_w.sum(axis=1) > 0.0).all()
    assert load.peak_minute_w > load.load_w.sum(axis=0).max()
    assert load.largest_start_w == 5500.0 * 2.0
    assert np.array_equal(load.three_phase_w, load.load_w[2])
    assert load.homes_w is None
    assert load.homes_weight is None
    assert load.growth_by_month.tolist() == [1.0] * 240
    assert load.connected_by_month.tolist() == [19] * 240


def test_the_same_seed_gives_the_same_bytes_and_another_another_year() -> None:
    first, again, other = (load_demand(VILLAGE, SITE, NOWHERE, 60, 1, seed).load_w for seed in (7, 7, 8))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert other.sum() == pytest.approx(first.sum(), rel=0.03)


def test_scale_multiplies_load_and_peak() -> None:
    one = load_demand(VILLAGE, SITE, NOWHERE, 60, 1, 7)
    two = load_demand(VILLAGE.model_copy(update={"scale": 2.0}), SITE, NOWHERE, 60, 1, 7)
    np.testing.assert_array_equal(two.load_w, 2.0 * one.load_w)
    assert two.peak_minute_w == 2.0 * one.peak_minute_w


@pytest.mark.parametrize("step_minutes", [1, 15, 30])
def test_energy_and_peak_do_not_depend_on_the_step(step_minutes: int) -> None:
    hourly = load_demand(VILLAGE, SITE, NOWHERE, 60, 1, 7)
    finer = load_demand(VILLAGE, SITE, NOWHERE, step_minutes, 1, 7)
    assert finer.load_w.sum() * step_minutes == pytest.approx(hourly.load_w.sum() * 60, rel=1e-9)
    assert finer.peak_minute_w == pytest.approx(hourly.peak_minute_w, rel=1e-12)


def test_a_new_group_leaves_the_others_as_they_were() -> None:
    more = VILLAGE.model_copy(
        update={"households": (Households(tier=4, count=2), *VILLAGE.households), "businesses": ()}
    )
    fewer = VILLAGE.model_copy(update={"businesses": ()})
    tier_4 = customers_year(described_users(Demand(households=(Households(tier=4, count=2),))), 7, 60).load_w
    difference = load_demand(more, SITE, NOWHERE, 60, 1, 7).load_w - load_demand(fewer, SITE, NOWHERE, 60, 1, 7).load_w
    np.testing.assert_allclose(difference, tier_4, atol=1e-9)


def test_like_groups_have_numbers_of_their_own() -> None:
    twice = Demand(households=(Households(tier=1, count=1), Households(tier=1, count=1)))
    assert [user.name for user in described_users(twice)] == ["tier 1 homes", "tier 1 homes #2"]
    load = load_demand(twice, SITE, NOWHERE, 60, 1, 7, single_homes=True)
    assert load.homes_w is not None
    assert load.homes_w[0].tobytes() != load.homes_w[1].tobytes()


def test_growth_is_connections_times_habit() -> None:
    demand = VILLAGE.model_copy(
        update={"connections_by_month": (10, 13, 16, 19), "growth_per_year": 0.04, "appliance_uptake_per_year": 0.1}
    )
    multiplier, connected = growth_by_month(demand, 19, 3)
    assert connected.tolist() == [10, 13, 16] + [19] * 33
    assert multiplier[0] == 10 / 19
    assert multiplier[3] == 1.0
    assert multiplier[11] == 1.0
    assert multiplier[12] == pytest.approx(1.04 * 1.1)
    assert multiplier[35] == pytest.approx(1.04**2 * 1.2)


def test_demand_may_shrink_and_a_plan_may_stop_early() -> None:
    demand = VILLAGE.model_copy(update={"connections_by_month": (5, 7), "growth_per_year": -0.5})
    multiplier, connected = growth_by_month(demand, 19, 2)
    assert connected[-1] == 7
    assert multiplier[-1] == pytest.approx(7 / 19 * 0.5)


@pytest.mark.parametrize(
    ("planned", "note"),
    [((10, 52), "33 more are taken to use as much"), ((10, 12), "only 12 of the 19 customers described are ever")],
)
def test_a_plan_that_does_not_match_the_customers_is_noted(planned: tuple[int, ...], note: str) -> None:
    load = load_demand(VILLAGE.model_copy(update={"connections_by_month": planned}), SITE, NOWHERE, 60, 1, 7)
    assert any(note in text for text in load.notes)


def test_sample_homes_stand_for_all_homes() -> None:
    load = load_demand(VILLAGE, SITE, NOWHERE, 60, 1, 7, single_homes=True)
    assert load.homes_w is not None
    assert load.homes_weight is not None
    assert load.homes_w.shape == (8, 8760)
    assert load.homes_weight.sum() == pytest.approx(19)
    whole_wh = (load.homes_w * load.homes_weight[:, np.newaxis]).sum()
    assert whole_wh == pytest.approx(load.load_w.sum(), rel=0.05)


@pytest.mark.parametrize("counts", [[1], [60, 25, 1, 1], [2, 1], list(range(1, 13)), [5] * 8, []])
def test_samples_never_name_a_customer_who_is_not_there(counts: list[int]) -> None:
    members, weights = sample_members(counts, 8)
    assert len(members) == len(set(members)) == min(8, sum(counts))
    assert all(member < counts[group] for group, member in members)
    assert sum(weights) == pytest.approx(sum(counts))


def test_measured_files_and_people_are_added_up(tmp_path: Path) -> None:
    rows = [f"{hour % 24 / 10.0:.1f},{hour % 7 / 10.0:.1f}" for hour in range(8760)]
    (tmp_path / "meters.csv").write_text("\n".join(["anna_kw,bakari_kw", *rows]) + "\n", encoding="utf-8")
    both = VILLAGE.model_copy(update={"file": "meters.csv"})
    alone = Demand(file="meters.csv")
    measured = load_demand(alone, SITE, tmp_path, 60, 1, 7)
    load = load_demand(both, SITE, tmp_path, 60, 1, 7)
    village = load_demand(VILLAGE, SITE, tmp_path, 60, 1, 7)
    assert measured.connections == 2
    assert measured.peak_minute_w == measured.load_w.sum(axis=0).max()
    assert measured.largest_start_w == 0.0
    assert load.connections == 21
    np.testing.assert_allclose(load.load_w, measured.load_w + village.load_w, rtol=1e-12)
    assert measured.load_w.sum() == pytest.approx(1000.0 * (365 * 27.6 + sum(h % 7 / 10.0 for h in range(8760))))
    assert village.peak_minute_w < load.peak_minute_w <= village.peak_minute_w + measured.peak_minute_w


def test_a_file_of_sums_takes_its_customers_from_the_plan(tmp_path: Path) -> None:
    (tmp_path / "site.csv").write_text("load_kw\n" + "3.0\n" * 8760, encoding="utf-8")
    unknown = load_demand(Demand(file="site.csv"), SITE, tmp_path, 60, 1, 7, single_homes=True)
    assert unknown.connections == 1
    assert any("counts as one connection" in note for note in unknown.notes)
    assert unknown.homes_w is not None
    assert unknown.homes_w.tolist() == [[3000.0] * 8760]
    planned = load_demand(
        Demand(file="site.csv", connections_by_month=(10, 30)), SITE, tmp_path, 60, 1, 7, single_homes=True
    )
    assert planned.connections == 30
    assert planned.growth_by_month[0] == 10 / 30
    assert planned.homes_w is not None
    assert planned.homes_weight is not None
    assert planned.homes_w[0, 0] == 100.0
    assert planned.homes_weight.tolist() == [30.0]


def test_every_group_with_impossible_windows_is_told_at_once() -> None:
    bulb = HouseholdAppliance(
        name="bulb", power_w=5, hours_per_day=1, windows=("22:00-02:00", "06:00-08:00", "12:00-14:00")
    )
    radio = HouseholdAppliance(name="radio", power_w=5, hours_per_day=1, windows=("08:00-10:00", "09:00-12:00"))
    groups = tuple(Households(count=3, appliances=(appliance,)) for appliance in (bulb, radio))
    with pytest.raises(InvalidInput) as refused:
        load_demand(Demand(households=groups), SITE, NOWHERE, 60, 1, 7)
    problems = refused.value.problems
    assert [problem.code for problem in problems] == ["MG-D241", "MG-D241"]
    assert "4 pieces of a day" in problems[0].what
    assert "overlap" in problems[1].what


def test_a_demand_of_nobody_is_refused() -> None:
    nobody = Demand.model_construct()
    with pytest.raises(InvalidInput, match="MG-D242"):
        load_demand(nobody, SITE, NOWHERE, 60, 1, 7)
