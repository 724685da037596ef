"""Whatever agents and office do in whatever order, no unit of cash appears or is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid import actions, agents, agreements
from microgrid.agreements import Wish
from microgrid.billing.agent_cash import Sale
from microgrid.customers.agents import Agent
from microgrid.errors import InvalidInput
from microgrid.store.memory import MemoryStore
from tests.flows.village import ENERGY, Village, make_village

LIMIT = 1000
ASHA, OFFICE = "agent:A-7", "person:ben"
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["sell", "offer", "agree", "count wrongly", "withdraw", "short", "pay debt", "take back"]),
        st.integers(1, 700),
    ),
    max_size=30,
)


@dataclass
class Notebook:
    """What an honest clerk with a pencil would have written."""

    held: int = 0
    owed: int = 0
    office: int = 0
    sales: dict[str, int] = field(default_factory=dict)
    offers: dict[str, tuple[int, bool]] = field(default_factory=dict)
    numbers: int = 0


def allowed(do: Callable[[], object]) -> bool:
    """Do something and say whether it was allowed."""
    with suppress(InvalidInput):
        do()
        return True
    return False


def step(shop: Village, notes: Notebook, what: str, amount: int) -> None:
    core, name = shop.core, f"{notes.numbers}"
    notes.numbers += 1
    if what == "sell":
        done = allowed(lambda: agents.sell(core, Sale("A-7", name, amount, "K-104"), ASHA))
        assert done == (notes.held + amount <= LIMIT)
        notes.held += amount * done
        notes.sales.update({name: amount} if done else {})
    elif what in ("offer", "pay debt"):
        debt = what == "pay debt"
        offered = agents.handover_of(core, name, "A-7", amount, ASHA, debt=debt)
        done = allowed(lambda: agents.offer_handover(core, offered, ASHA))
        assert done == (amount <= (notes.owed if debt else notes.held))
        notes.offers.update({name: (amount, debt)} if done else {})
    elif what == "short":
        wish = Wish("agent_short", "A-7", "lost", amount)
        done = allowed(lambda: agreements.grant(core, agreements.ask(core, wish, OFFICE).id, "person:carol"))
        assert done == (amount <= notes.held)
        notes.held, notes.owed = notes.held - amount * done, notes.owed + amount * done
    elif what == "take back" and notes.sales:
        name, amount = notes.sales.popitem()
        actions.reverse_payment(core, f"cash:A-7:{name}", OFFICE, "given back")
        notes.held -= amount
    elif notes.offers:
        settle_offer(shop, notes, what)


def settle_offer(shop: Village, notes: Notebook, what: str) -> None:
    name, (amount, debt) = next(iter(notes.offers.items()))
    if what == "count wrongly":
        assert not allowed(lambda: agents.agree_handover(shop.core, name, amount + 1, OFFICE))
    elif what == "withdraw":
        del notes.offers[name]
        agents.withdraw_handover(shop.core, name, OFFICE)
    elif what == "agree":
        done = allowed(lambda: agents.agree_handover(shop.core, name, amount, OFFICE))
        assert done == (amount <= (notes.owed if debt else notes.held))
        if done:
            del notes.offers[name]
            notes.office += amount
            notes.held, notes.owed = notes.held - amount * (not debt), notes.owed - amount * debt


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_cash_adds_up(steps: list[tuple[str, int]]) -> None:
    shop = make_village(MemoryStore())
    shop.settle_in(ENERGY)
    agents.add_agent(shop.core, Agent("A-7", "Asha", None, "kisiju", LIMIT), "test")
    notes = Notebook()
    for what, amount in steps:
        shop.clock.pass_(minutes=1)
        step(shop, notes, what, amount)
    view = agents.agent(shop.core, "A-7", OFFICE)
    assert (view.held_minor, view.owed_minor) == (notes.held, notes.owed)
    assert shop.balance_minor("cash:office") == notes.office
    assert shop.credit_minor() == sum(notes.sales.values()) == notes.held + notes.owed + notes.office
    shop.are_books_true()
