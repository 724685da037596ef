"""What a site earns and sells per connection, who pays, and what is lost on the way; peers' worked numbers."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from microgrid.billing.site_kpis import (
    EnabledDays,
    Energy,
    Income,
    Paying,
    active_ratio,
    capacity_use,
    days_without_payment,
    default_rate,
    enabled_ratio,
    energy_per_connection,
    income_per_connection,
    losses,
)

TODAY = date(2026, 11, 23)
CONNECTIONS = [f"c{n}" for n in range(150)]
MONTH = Fraction(1)


def paid_ago(account: str, days: int | None) -> Paying:
    last = None if days is None else TODAY - timedelta(days=days)
    return Paying(account, date(2026, 1, 1), last, "" if last is None else f"p-{account}")


def test_active_ratio_counts_open_accounts_that_paid_in_thirty_days() -> None:
    accounts = [paid_ago(f"a{n}", 29) for n in range(820)] + [paid_ago(f"b{n}", 30) for n in range(100)]
    accounts += [paid_ago(f"n{n}", None) for n in range(80)]
    accounts += [Paying("not yet open", TODAY + timedelta(days=1), None)]
    ratio = active_ratio(accounts, TODAY)
    assert (ratio.value, ratio.shown(0, times=100)) == (Fraction(820, 1000), Decimal(82))
    assert ratio.lines[0] == "p-a0"
    assert active_ratio([], TODAY).value is None


def test_enabled_ratio_adds_days_up() -> None:
    ratio = enabled_ratio([EnabledDays("a", 25_000, 29_000), EnabledDays("b", 500, 1000)])
    assert (ratio.value, ratio.shown(0, times=100)) == (Fraction(25_500, 30_000), Decimal(85))


def test_default_is_reaching_so_many_days_without_being_enabled() -> None:
    accounts = [EnabledDays(str(days), 0, 200, not_enabled_for=days) for days in (0, 89, 90, 180)]
    assert default_rate(accounts, 90).value == Fraction(1, 2)
    assert default_rate(accounts, 180).value == Fraction(1, 4)


def test_days_without_payment_are_a_distribution() -> None:
    days = [0, 1, 3, 5, 6, 8, 12, 20, 34, 90]
    spread = days_without_payment([*(paid_ago(f"a{n}", n) for n in days), paid_ago("never", None)], TODAY)
    assert spread.quantile(Fraction(1, 2)) == 6
    assert spread.quantile(Fraction(9, 10)) == 34
    assert (spread.quantile(Fraction(0)), spread.quantile(Fraction(1))) == (0, 90)
    assert spread.days[-1] == (90, "a90")
    assert spread.never_paid == ("never",)
    assert days_without_payment([], TODAY).quantile(Fraction(1, 2)) is None


def test_income_and_energy_per_connection() -> None:
    income = [
        Income("j1", "c0", "energy", 60_000),
        Income("j2", "gone", "energy", 6000),
        Income("j3", "c1", "fees", 9900),
        Income("j4", "c1", "appliance", 5000),
    ]
    arpu = income_per_connection(income, CONNECTIONS, MONTH, {"energy"})
    assert (arpu.value, arpu.shown(2), arpu.unit) == (Fraction(440), Decimal("440.00"), "minor/connection/month")
    assert arpu.basis == "income of energy, tax out, over active connections"
    assert arpu.lines == ("j1", "j2")
    assert income_per_connection(income, CONNECTIONS, MONTH, {"energy", "fees"}, who="all").value == Fraction(
        75_900, 150
    )
    assert income_per_connection(income, [], MONTH, {"energy"}).value is None
    acpu = energy_per_connection([Energy("m1", 900_000), Energy("m2", 15_000)], CONNECTIONS, MONTH)
    assert (acpu.value, acpu.unit) == (Fraction(6100), "Wh/connection/month")
    assert energy_per_connection([Energy("m1", 915_000)], CONNECTIONS, Fraction(1, 2)).value == 12_200


def test_losses_and_use_of_the_array() -> None:
    lost = losses([Energy("feeder", 1_010_000)], [Energy("m1", 900_000), Energy("m2", 15_000)])
    assert (lost.value, lost.shown(1, times=100)) == (Fraction(95, 1010), Decimal("9.4"))
    assert lost.behind == ("feeder", "m1", "m2")
    wrong_meter = losses([Energy("feeder", 900)], [Energy("m1", 1000)])
    assert wrong_meter.value == Fraction(-1, 9)
    use = capacity_use([Energy("feeder", 1_010_000)], [Energy("array", 1_500_000)])
    assert use.shown(0, times=100) == Decimal(67)
