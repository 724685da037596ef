"""An emulated M-Pesa with every fault at once: the statement finds exactly what our books have wrong, and mends it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from microgrid import flows, reconciliation, statements
from microgrid.kept import RawEvent
from microgrid.providers import mpesa
from microgrid.providers.emulators import mpesa as emulator
from microgrid.providers.emulators.faults import FaultPlan, Intended, Schedule, Wallet, all_faults
from microgrid.providers.emulators.mpesa_answers import statement_file
from microgrid.providers.hearing import heard
from microgrid.providers.origin import MPESA_ADDRESSES, comes_from
from microgrid.providers.payment_facts import PaymentAccount
from microgrid.reconciliation import Reconciliation
from tests.flows.papers import desk
from tests.flows.village import START, Village

KENYA = PaymentAccount("mpesa", "600638", "KES", 2, "KE")
WALLET = Wallet(KENYA, START, other_references=("K-200",))
DAYS = (START - timedelta(days=1), START + timedelta(days=9))
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 20))]


def run_of(chance: np.random.Generator, plan: FaultPlan, count: int = 25) -> Schedule:
    """Return customers who pay one after the other, and all that becomes of it."""
    paying = [Intended(60 * i, f"+25470837{4000 + i}", 100 * (10 + i), "K-104", ("JANE", "DOE")) for i in range(count)]
    return emulator.schedule(chance, paying, plan, WALLET)


def deliver(village: Village, run: Schedule) -> set[str]:
    """Let every message arrive that comes from the provider, and return the receipts booked."""
    for number, delivery in enumerate(run.deliveries):
        if delivery.what != "c2b_confirmation" or not comes_from(delivery.source_address, MPESA_ADDRESSES):
            continue
        message = delivery.received(WALLET)
        raw = RawEvent(f"r{number}", "mpesa:600638", message.received_at, "", "{}", message.body, "")
        hear = heard(mpesa.read_confirmation(message, KENYA), message, KENYA)
        flows.on_message(village.core, raw, lambda hear=hear: hear)  # type: ignore[misc]  # each message its own
    with village.store.read() as uow:
        return {payment.receipt for payment in uow.payments.page("", 1000) if payment.provider == "mpesa"}


def compare(village: Village, content: bytes) -> Reconciliation:
    raw = statements.paper(desk(), "statement", content, village.clock.now())
    assert statements.take_statement(village.core, desk(), raw, "bookkeeper").refused == ()
    return reconciliation.run(village.core, desk().window(*DAYS), "bookkeeper", limit=1000)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_differs_is_what_went_wrong_and_nothing_else(home: Village, seed: int) -> None:
    home.move_in("K-200")
    chance = np.random.default_rng(seed)
    run = run_of(chance, all_faults(0.25))
    booked = deliver(home, run)
    content = statement_file(chance, run.happened, WALLET, charge_minor=5)
    found = compare(home, content)
    missing = {one.receipt for one in run.happened if one.paid and "statement_missing" in one.struck}
    returned = {one.receipt for one in run.happened if one.reversed_at_s is not None}
    forged = booked - set(run.paid_minor)
    expected = {receipt for receipt in missing if receipt in booked or receipt in returned} | forged
    assert {(item.about, item.receipt, item.kind) for item in found.items} == {
        ("payment", receipt, "ours_only") for receipt in expected
    }
    assert found.differences_minor == sum(item.ledger_minor or 0 for item in found.items)
    home.are_books_true()
    for receipt in sorted(forged):  # the provider knows nothing of them
        reconciliation.correct(home.core, desk(), f"mpesa:600638:payment:{receipt}", "asked the provider", "ben")
    left = reconciliation.run(home.core, desk().window(*DAYS), "bookkeeper", limit=1000)
    assert {item.receipt for item in left.items} == expected - forged
    home.are_books_true()


def test_a_run_without_faults_gives_nothing_to_do(home: Village) -> None:
    chance = np.random.default_rng(7)
    run = run_of(chance, FaultPlan())
    deliver(home, run)
    found = compare(home, statement_file(chance, run.happened, WALLET))
    assert (found.items, found.matched, found.cash_minor) == ([], 25, sum(run.paid_minor.values()))
    home.are_books_true()


def test_when_no_message_ever_came_the_statement_books_all(home: Village) -> None:
    chance = np.random.default_rng(8)
    run = run_of(chance, FaultPlan(drop_callback=1.0, customer_reversal=0.3))
    assert deliver(home, run) == set()
    found = compare(home, statement_file(chance, run.happened, WALLET, charge_minor=5))
    assert found.items == []
    stayed = [one for one in run.happened if one.reversed_at_s is None]
    assert home.credit_minor() == sum(one.intended.amount_minor for one in stayed)
    assert found.cash_minor == home.credit_minor() - 5 * len(run.happened)
    home.are_books_true()
