"""What is true in the end depends on what happened, not on the order in which we were told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid import flows
from microgrid.billing.sightings import Seen
from microgrid.monitoring.readings import Reading
from microgrid.store.memory import MemoryStore
from tests.flows.village import ENERGY, START, Village, make_village

HOMES = ("K-104", "K-200")
Fact = Callable[[Village], object]


def paid(receipt: str, amount_minor: int, home: str) -> Fact:
    return lambda village: village.pay(receipt, amount_minor, home)


def taken_back(receipt: str, amount_minor: int, home: str) -> Fact:
    return lambda village: flows.on_payment(
        village.core, Seen(village.payment(receipt, amount_minor, home), "reversed", channel="c2b")
    )


def used(home: str, hour: int, register_wh: int) -> Fact:
    row = Reading(f"M-{home}", 1, hour, START + timedelta(hours=hour), register_wh)
    return lambda village: flows.on_readings(village.core, [row])


FACTS: tuple[Fact, ...] = (
    paid("R1", 50_000, "K-104"),
    paid("R2", 30_000, "K-200"),
    paid("R3", 700, "?"),
    taken_back("R2", 30_000, "K-200"),
    taken_back("R4", 1_000, "K-104"),
    *(used("K-104", hour, 1000 + 130 * hour) for hour in (1, 5, 9, 20, 33, 50)),
    *(used("K-200", hour, 1000 + 70 * hour) for hour in (2, 30, 31)),
)


EACH = list(range(len(FACTS)))


def after(order: list[int], ticks: frozenset[int]) -> dict[str, Any]:
    """Return how things stand when facts were told in an order, some of them twice, with days ending in between."""
    village = make_village(MemoryStore())
    village.settle_in(ENERGY)
    village.move_in("K-200")
    village.clock.pass_(days=3)
    for place, number in enumerate(order):
        FACTS[number](village)
        if place in ticks:
            village.clock.pass_(days=1)
            village.tick()
    village.clock.at = START + timedelta(days=60)
    village.tick()
    village.are_books_true()
    on = [village.desired(home).supply.on for home in HOMES]
    places = ("cash:mpesa:600638", "suspense:mpesa:600638", "revenue:energy:kisiju")
    balances = [village.balance_minor(place) for place in places]
    with village.store.read() as uow:
        return {
            "left": [uow.credits.get(home).available_minor for home in HOMES],
            "days": [uow.credits.days_of(home, START.date(), START.date() + timedelta(days=9)) for home in HOMES],
            "on": on,
            "balances": balances,
            "payments": [(one.id, one.status, one.account_id) for one in uow.payments.page()],
        }


@cache
def in_order() -> dict[str, Any]:
    return after(EACH, frozenset())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(EACH), max_size=8).flatmap(lambda again: st.permutations([*EACH, *again])),
    st.frozensets(st.integers(0, 20), max_size=5),
)
def test_any_order_ends_at_the_same_books_and_the_same_light(order: list[int], ticks: frozenset[int]) -> None:
    assert after(order, ticks) == in_order()
