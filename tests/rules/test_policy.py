"""What a connection is told: who may order it, what credit allows, and never more than is paid."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from microgrid.billing.credit import MICRO
from microgrid.billing.plans import (
    Block,
    EnergyRules,
    PlanVersion,
)
from microgrid.customers.records import Connection, Site
from microgrid.kept import Credit
from microgrid.switching.policy import (
    AccountView,
    OperatorOrder,
    cutoff_wh,
    decide_supply,
    fail_policy,
    jitter_s,
    needs_new_revision,
    with_end,
)
from microgrid.switching.reasons import amount_text, kwh_text, moment_text
from microgrid.switching.sites import SitePolicy
from microgrid.switching.supply import Desired, FailPolicy, Supply

NOON = datetime(2026, 3, 3, 9, tzinfo=UTC)  # 12:00 in Nairobi, a Tuesday
MIDNIGHT = datetime(2026, 3, 2, 21, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
KISIJU = Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2)
HOUSE = Connection("house", "amina", "kisiju")
CLINIC = Connection("clinic", "amina", "kisiju", priority="critical", critical=True)
MILL = Connection("mill", "amina", "kisiju", priority="deferrable")
FLAT = PlanVersion("flat", 1, START, "KES", EnergyRules((Block(None, 25_000_000),)))  # KES 250 a kWh
RICH, EMPTY, DEBT = Credit("amina", 5000), Credit("amina", 0), Credit("amina", -1250)
VIEW = AccountView(HOUSE, KISIJU, RICH, FLAT, register_wh=10_000, supplied=True)


def told(view: AccountView, now: datetime = NOON) -> Supply:
    return decide_supply(view, now)


# Who decides -----------------------------------------------------------------------------


def test_paid_energy_is_supplied_to_the_register_it_reaches() -> None:
    assert told(VIEW) == Supply(on=True, cutoff_wh=10_200, reason="KES 50.00 left, enough for at least 0.2 kWh.")


def test_used_up_credit_ends_supply_and_says_so() -> None:
    off = told(replace(VIEW, credit=EMPTY))
    assert (off.on, off.reason) == (False, "Supply is off because the credit is used up: KES 0.00 left.")
    assert told(replace(VIEW, credit=DEBT)).reason == "Supply is off because the credit is used up: KES 12.50 to pay."


@pytest.mark.parametrize("on", [True, False])
def test_an_operators_order_comes_before_everything(on: bool) -> None:
    order = OperatorOrder("on" if on else "off", "The line is being repaired.")
    worst = replace(
        VIEW, order=order, credit=DEBT if on else RICH, danger="a wire is down", tampered=True, shed_level=3
    )
    assert told(worst) == Supply(on=on, reason="The line is being repaired.")


def test_safety_and_tamper_come_before_credit() -> None:
    assert told(replace(VIEW, danger="a wire is down")).reason == "Supply is off for your safety: a wire is down."
    assert not told(replace(VIEW, tampered=True)).on
    assert not told(replace(VIEW, danger="a wire is down", connection=CLINIC)).on


def test_a_limit_ordered_by_a_person_stands_beside_credit() -> None:
    order = OperatorOrder("limit", "A second fridge waits for a larger cable.", 60)
    limited = told(replace(VIEW, order=order))
    assert (limited.on, limited.power_limit_w, limited.cutoff_wh) == (True, 60, 10_200)
    assert not told(replace(VIEW, order=order, credit=EMPTY)).on


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (MILL, [(True, None), (False, None), (False, None), (False, None)]),
        (HOUSE, [(True, None), (True, None), (True, 50), (False, None)]),
        (CLINIC, [(True, None), (True, None), (True, None), (True, 100)]),
    ],
)
def test_the_village_sheds_by_priority(connection: Connection, expected: list[tuple[bool, int | None]]) -> None:
    levels = [told(replace(VIEW, connection=connection, shed_level=level)) for level in range(4)]
    assert [(supply.on, supply.power_limit_w) for supply in levels] == expected
    assert levels[3].reason == "The village saves energy now because the battery is low."


def test_shedding_never_gives_what_credit_does_not() -> None:
    assert told(replace(VIEW, credit=EMPTY, shed_level=2)).reason.startswith("Supply is off because the credit")


def test_a_clinic_is_limited_and_never_cut() -> None:
    for view in (replace(VIEW, credit=DEBT), replace(VIEW, tampered=True), replace(VIEW, plan=None)):
        kept = told(replace(view, connection=CLINIC, supplied=False))
        assert (kept.on, kept.power_limit_w, kept.cutoff_wh, kept.until) == (True, 100, None, None)
    assert told(replace(VIEW, credit=EMPTY, connection=CLINIC)).reason == (
        "Only 100 W are supplied because the credit is used up: KES 0.00 left."
    )


def test_an_account_without_a_plan_is_off() -> None:
    assert told(replace(VIEW, plan=None)).reason == "Supply is off because no plan is chosen for this account yet."


# When credit ends -----------------------------------------------------------------------------


def test_nobody_is_cut_in_quiet_hours_or_soon_after_an_outage() -> None:
    night = SitePolicy(quiet_from_minute=22 * 60, quiet_to_minute=6 * 60)
    dark = replace(VIEW, credit=EMPTY, policy=night)
    assert told(dark, MIDNIGHT).on
    assert told(dark, MIDNIGHT + timedelta(hours=5, minutes=59)).on
    assert not told(dark, MIDNIGHT + timedelta(hours=6)).on
    assert not told(replace(dark, supplied=False), MIDNIGHT).on  # who is off stays off
    after = replace(VIEW, credit=EMPTY, policy=SitePolicy(no_cut_after_outage_s=7200), outage_ended_at=NOON)
    spared = told(after, NOON + timedelta(hours=1))
    assert (spared.on, spared.cutoff_wh, spared.until) == (True, None, NOON + timedelta(hours=2))
    assert spared.reason == (
        "Supply stays on until Tue 3 Mar 2026 14:00 after the outage, although the credit is used up: KES 0.00 left."
    )
    assert not told(after, NOON + timedelta(hours=2)).on


def test_grace_and_lifeline_of_the_site_run_from_the_moment_credit_ended() -> None:
    site = replace(KISIJU, fail_policy=FailPolicy(grace_s=3600, lifeline_w=20, lifeline_s=3600))
    view = replace(VIEW, site=site, credit=EMPTY)
    ended = with_end(EMPTY, view, NOON)
    assert ended.cut_since == NOON
    assert with_end(ended, view, NOON + timedelta(hours=1)) == ended
    kept = told(replace(view, credit=ended), NOON + timedelta(minutes=119))
    assert (kept.on, kept.cutoff_wh) == (True, 10_000)  # the meter itself keeps grace and lifeline after its cutoff
    assert not told(replace(view, credit=ended), NOON + timedelta(minutes=120)).on
    paid = replace(ended, balance_minor=100)
    assert with_end(paid, replace(view, credit=paid), NOON).cut_since is None


def test_in_grace_the_cutoff_stays_where_credit_ended() -> None:
    used = [
        replace(VIEW, register_wh=10_200 + wh, credit=replace(RICH, accrued_micro=(200 + wh) * 25 * MICRO))
        for wh in (0, 3, 40)
    ]
    assert [cutoff_wh(view) for view in used] == [10_200, 10_200, 10_200]


def test_the_meter_is_told_quiet_hours_in_utc_and_who_is_critical() -> None:
    night = SitePolicy(quiet_from_minute=22 * 60, quiet_to_minute=6 * 60, quiet_max_wh=300)
    rule = fail_policy(HOUSE, KISIJU, night, NOON)
    assert (rule.quiet_from_s, rule.quiet_to_s, rule.quiet_max_wh) == (19 * 3600, 3 * 3600, 300)
    assert fail_policy(HOUSE, KISIJU, SitePolicy(), NOON) == KISIJU.fail_policy
    kept = fail_policy(CLINIC, KISIJU, SitePolicy(), NOON)
    assert (kept.critical, kept.lifeline_w) == (True, 100)


def test_a_mass_cut_is_spread_evenly_and_always_in_the_same_way() -> None:
    delays = [jitter_s(f"house-{n}", 600) for n in range(500)]
    assert delays == [jitter_s(f"house-{n}", 600) for n in range(500)]
    assert max(sum(1 for delay in delays if minute * 60 <= delay < minute * 60 + 60) for minute in range(10)) <= 75
    assert min(delays) >= 0
    assert max(delays) < 600
    assert jitter_s("house", 0) == 0


# When the meter is told -----------------------------------------------------------------------------


HELD = Desired(4, Supply(on=True, cutoff_wh=12_000), FailPolicy(), 7, 0, NOON)


def test_small_moves_of_the_cutoff_are_not_worth_a_revision() -> None:
    def moved(wh: int, register_wh: int = 10_000) -> bool:
        return needs_new_revision(HELD, Supply(on=True, cutoff_wh=12_000 + wh), register_wh, interval_wh=30)

    assert not moved(0, 12_000)
    assert not moved(100)  # 5 % of the 2000 Wh that remain
    assert not moved(-100)
    assert moved(101)
    assert moved(-101)
    assert not moved(50, 11_900)
    assert moved(51, 11_900)
    assert moved(1, 11_970)  # within one interval's use of the cutoff
    assert moved(1, 12_500)


def test_everything_else_that_a_meter_keeps_is_worth_one() -> None:
    same = Supply(on=True, cutoff_wh=12_000, reason="another sentence")
    assert needs_new_revision(None, same, 0)
    assert not needs_new_revision(HELD, same, 0, epoch=7, fail=FailPolicy())
    assert needs_new_revision(HELD, same, 0, epoch=8)
    assert needs_new_revision(HELD, same, 0, fail=FailPolicy(grace_s=1))
    for other in (
        replace(same, on=False),
        replace(same, power_limit_w=50),
        replace(same, daily_wh=1),
        replace(same, until=NOON),
        replace(same, cutoff_wh=None),
    ):
        assert needs_new_revision(HELD, other, 0)


# Warnings and words -----------------------------------------------------------------------------


def test_amounts_energy_and_moments_are_written_as_people_read_them() -> None:
    tanzania = replace(KISIJU, currency="TZS", exponent=0)
    bahrain = replace(KISIJU, currency="BHD", exponent=3)
    assert [amount_text(125_050, site) for site in (KISIJU, tanzania, bahrain)] == [
        "KES 1,250.50",
        "TZS 125,050",
        "BHD 125.050",
    ]
    assert amount_text(-5, KISIJU) == "KES -0.05"
    assert [kwh_text(wh) for wh in (0, 99, 100, 1999, 1_234_567)] == [
        "0 Wh",
        "99 Wh",
        "0.1 kWh",
        "1.9 kWh",
        "1,234.5 kWh",
    ]
    assert moment_text(NOON, KISIJU) == "Tue 3 Mar 2026 12:00"
