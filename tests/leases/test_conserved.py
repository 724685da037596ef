"""Whatever happens to contracts, no unit is created or lost, and the contracts say what the books say."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid import actions, agreements, flows, leases
from microgrid.billing.lease_contracts import Signature
from microgrid.billing.plans import LeaseRules, PlanVersion, Rules, Tax, TimeRules
from microgrid.errors import InvalidInput
from microgrid.store.memory import MemoryStore
from tests.flows.village import ENERGY, START, Village, make_village

FAN = LeaseRules(700, 333, 1, 6, grace_days=1, deposit_days=1, payoff_discount_basis_points=777)
TV = LeaseRules(0, 1000, 7, 3)
SUPPLIES: list[Rules] = [ENERGY, FAN, TimeRules(500, 1)]
ACCOUNTS = ("K-104", "K-200")

deeds = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(1, 4000), st.sampled_from(ACCOUNTS)),
        st.tuples(st.just("reverse"), st.integers(0, 9)),
        st.tuples(st.just("move"), st.integers(0, 9), st.sampled_from(ACCOUNTS)),
        st.tuples(st.just("days"), st.integers(1, 4)),
        st.tuples(st.just("use"), st.integers(0, 40), st.sampled_from(ACCOUNTS)),
        st.tuples(st.just("sign"), st.sampled_from(("fan", "tv")), st.sampled_from(ACCOUNTS)),
        st.tuples(st.just("pay off"), st.integers(0, 3)),
        st.tuples(st.just("give up"), st.integers(0, 3)),
    ),
    max_size=25,
)


class World:
    """A village of two homes in which anything may happen."""

    def __init__(self, rules: Rules, share_ppm: int) -> None:
        self.village = make_village(MemoryStore())
        self.village.settle_in(rules, fee_minor=150)
        self.village.move_in("K-200")
        for name, lease in (("fan", FAN), ("tv", TV)):
            plan = PlanVersion(name, 1, START, "KES", lease, Tax(160_000, included=name == "tv"))
            actions.add_plan(self.village.core, plan, "test")
        if share_ppm < 1_000_000:
            with self.village.store.begin() as uow:
                home = uow.plans.get("home@1")
                assert home is not None
                uow.plans.put(PlanVersion("home", 1, home.effective_from, "KES", rules, instalment_share_ppm=share_ppm))
        self.payments: list[str] = []
        self.signed: list[str] = []
        self.registers = dict.fromkeys(ACCOUNTS, 1000)

    def do(self, deed: tuple[Any, ...]) -> None:
        """Do something; what cannot be done is refused and changes nothing."""
        with suppress(InvalidInput):
            getattr(self, f"_{deed[0].replace(' ', '_')}")(*deed[1:])

    def _pay(self, amount_minor: int, account: str) -> None:
        receipt = f"P{len(self.payments)}"
        self.payments.append(self.village.pay(receipt, amount_minor, account).payment.id)

    def _reverse(self, number: int) -> None:
        if number < len(self.payments):
            actions.reverse_payment(self.village.core, self.payments[number], "test", "back")

    def _move(self, number: int, account: str) -> None:
        if number < len(self.payments):
            actions.move_payment(self.village.core, self.payments[number], account, "test", "meant for another")

    def _days(self, days: int) -> None:
        self.village.clock.pass_(days=days)
        flows.on_tick(self.village.core)

    def _use(self, energy_wh: int, account: str) -> None:
        self.registers[account] += energy_wh
        self.village.clock.pass_(minutes=15)
        self.village.use(self.registers[account], account)

    def _sign(self, plan: str, account: str) -> None:
        key = f"C{len(self.signed)}"
        today = (self.village.clock.at + timedelta(hours=3)).date()
        leases.sign(self.village.core, Signature(key, account, plan, today), "test")
        self.signed.append(key)

    def _pay_off(self, number: int) -> None:
        if number < len(self.signed):
            leases.pay_off(self.village.core, self.signed[number], "test")

    def _give_up(self, number: int) -> None:
        if number < len(self.signed):
            asked = leases.ask_write_off(self.village.core, self.signed[number], "moved away", "amina")
            agreements.grant(self.village.core, asked.id, "juma")


def assert_contracts_say_what_the_books_say(village: Village) -> None:
    with village.store.read() as uow:
        for account in ACCOUNTS:
            owed_minor = 0
            for one in uow.contracts.where(account_id=account):
                assert one.owed_minor == uow.ledger.balance_minor(f"receivable:lease:{one.id}", "KES")
                assert 0 <= one.paid_minor <= one.terms.financed_minor
                assert 0 <= one.deposit_paid_minor <= one.terms.deposit_minor
                assert (one.state == "owned") == one.is_paid_off or one.state == "written_off"
                owed_minor += one.owed_minor
            assert uow.credits.get(account).instalments_due_minor == owed_minor
    village.are_books_true()


worlds = given(st.sampled_from(SUPPLIES), st.sampled_from([0, 333_333, 1_000_000]), deeds)


@settings(max_examples=25)
@worlds
def test_every_unit_is_accounted_for(rules: Rules, share_ppm: int, done: list[tuple[Any, ...]]) -> None:
    check_every_unit(rules, share_ppm, done)


@pytest.mark.long
@settings(max_examples=500)
@worlds
def test_every_unit_of_many_villages_is_accounted_for(
    rules: Rules, share_ppm: int, done: list[tuple[Any, ...]]
) -> None:
    check_every_unit(rules, share_ppm, done)


def check_every_unit(rules: Rules, share_ppm: int, done: list[tuple[Any, ...]]) -> None:
    """Let all this happen, and prove the books and the contracts."""
    world = World(rules, share_ppm)
    for deed in done:
        world.do(deed)
    assert_contracts_say_what_the_books_say(world.village)


@settings(max_examples=20)
@given(st.lists(st.integers(1, 1500), min_size=1, max_size=12), st.data())
def test_paid_and_taken_back_ends_where_it_began(amounts: list[int], choose: st.DataObject) -> None:
    world = World(FAN, 1_000_000)
    for amount_minor in amounts:
        world.do(("pay", amount_minor, "K-104"))
    for number in choose.draw(st.permutations(range(len(amounts)))):
        world.do(("reverse", number))
    with world.village.store.read() as uow:
        contract = uow.contracts.get("e-K-104")
        assert contract is not None
        assert (contract.state, contract.paid_minor, contract.deposit_paid_minor) == ("open", 0, 0)
        assert uow.credits.get("K-104").available_minor == -150  # the connection fee
    assert not world.village.desired().supply.on
    assert_contracts_say_what_the_books_say(world.village)
