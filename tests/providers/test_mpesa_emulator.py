"""An emulated M-Pesa, read by our readers: exactly the money that moved, whatever goes wrong."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid.providers import mpesa, mpesa_results, sms_receipt, statement
from microgrid.providers.emulators import mpesa as mpesa_emulator
from microgrid.providers.emulators import mpesa_answers
from microgrid.providers.emulators import sms as sms_emulator
from microgrid.providers.emulators.faults import (
    FaultPlan,
    Intended,
    Schedule,
    Wallet,
    all_faults,
    moment,
)
from microgrid.providers.mpesa_requests import read_answer
from microgrid.providers.origin import MPESA_ADDRESSES, comes_from
from microgrid.providers.payment_facts import (
    HttpAnswer,
    Phone,
    RawRequest,
    Sighting,
    Unreadable,
)

Credited = Callable[[Iterable[Sighting]], dict[str, int]]
Payments = Callable[..., list[Intended]]
WalletOf = Callable[..., Wallet]
SEEDS = [1, 2, 3]
LONG_SEEDS = [pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 60)]


def mpesa_seen(schedule: Schedule, pesa: Wallet) -> list[Sighting]:
    read = {
        "c2b_confirmation": mpesa.read_confirmation,
        "c2b_validation": mpesa.read_validation,
        "stk_callback": mpesa.read_stk_callback,
    }
    found = [
        read[delivery.what](delivery.received(pesa), pesa.account)
        for delivery in schedule.deliveries
        if delivery.what in read and comes_from(delivery.source_address, MPESA_ADDRESSES)
    ]
    assert not [one for one in found if isinstance(one, Unreadable)]
    return [one for one in found if isinstance(one, Sighting)]


def confirmed(seen: Iterable[Sighting], schedule: Schedule, pesa: Wallet) -> list[Sighting]:
    """Ask the emulated provider about every payment seen, and keep what it says."""
    book = mpesa_answers.books(schedule.happened)
    raw = [
        RawRequest(mpesa_answers.status_result(book, one.receipt, pesa), pesa.epoch + timedelta(days=9))
        for one in seen
        if one.status == "paid"
    ]
    answers = [mpesa_results.read_transaction_status(one, pesa.account) for one in raw]
    return [one for one in answers if isinstance(one, Sighting)]


def pulled(schedule: Schedule, pesa: Wallet) -> list[Sighting]:
    """Pull all pages until one is empty."""
    found: list[Sighting] = []
    for offset in range(0, 10_000, 100):
        page = mpesa_answers.pull_page(schedule.happened, pesa, 0, 10**9, offset)
        rows = mpesa_results.read_pull(RawRequest(page, pesa.epoch + timedelta(days=9)), pesa.account)
        assert not [row for row in rows if isinstance(row, Unreadable)]
        found += [row for row in rows if isinstance(row, Sighting)]
        if not rows:
            break
    return found


def test_without_faults_every_payment_arrives_as_it_was_meant(
    wallet: WalletOf, intended: Payments, credited: Credited
) -> None:
    pesa, payments = wallet("mpesa"), intended(20, 100)
    schedule = mpesa_emulator.schedule(np.random.default_rng(1), payments, FaultPlan(), pesa)
    seen = mpesa_seen(schedule, pesa)
    assert credited(seen) == schedule.paid_minor
    confirmations = [one for one in seen if one.raw_kind == "c2b_confirmation"]
    assert [(one.amount_minor, one.reference, one.names, one.payer) for one in confirmations] == [
        (one.amount_minor, one.reference, one.names, Phone("e164", one.phone)) for one in payments
    ]
    times = [one.paid_at for one in confirmations]
    assert times == [moment(pesa, one.paid_at_s) for one in schedule.happened]
    # An asked payment is seen twice under one receipt: by its push and as a payment to the shortcode.
    assert len([one for one in seen if one.raw_kind == "stk_callback"]) == 10
    assert {one.receipt for one in seen if one.status == "paid"} == {one.receipt for one in confirmations}


@pytest.mark.parametrize("seed", [*SEEDS, *LONG_SEEDS])
def test_with_every_fault_confirmed_mpesa_payments_are_true_ones(
    wallet: WalletOf, intended: Payments, credited: Credited, seed: int
) -> None:
    pesa = wallet("mpesa")
    schedule = mpesa_emulator.schedule(np.random.default_rng(seed), intended(120, 100), all_faults(0.3), pesa)
    true = schedule.paid_minor
    seen = mpesa_seen(schedule, pesa)
    assert set(credited(seen)) - set(true), "no forged payment came through: the test would prove nothing"
    known = credited(confirmed(seen, schedule, pesa))
    assert known.items() <= true.items()
    # Whatever was dropped or came from the wrong address is in the list of payments.
    assert credited([*confirmed(seen, schedule, pesa), *pulled(schedule, pesa)]) == true


def test_when_no_callback_ever_comes_the_list_has_everything(
    wallet: WalletOf, intended: Payments, credited: Credited
) -> None:
    pesa = wallet("mpesa")
    plan = FaultPlan(drop_callback=1.0, wrong_reference=0.5)
    schedule = mpesa_emulator.schedule(np.random.default_rng(5), intended(230, 100), plan, pesa)
    assert [one for one in mpesa_seen(schedule, pesa) if one.status == "paid"] == []
    assert credited(pulled(schedule, pesa)) == schedule.paid_minor
    assert len(schedule.paid_minor) == 230


@pytest.mark.parametrize("seed", SEEDS)
def test_pushes_that_end_are_told_by_query(wallet: WalletOf, intended: Payments, seed: int) -> None:
    pesa = wallet("mpesa")
    schedule = mpesa_emulator.schedule(np.random.default_rng(seed), intended(40, 100), FaultPlan(fails=0.5), pesa)
    book = mpesa_answers.books(schedule.happened)
    for one in schedule.happened:
        if one.request_id:
            raw = RawRequest(mpesa_answers.stk_query_answer(book, one.request_id), pesa.epoch)
            found = mpesa_results.read_stk_query(raw, pesa.account)
            assert isinstance(found, Sighting)
            assert found.status in (("pending",) if one.paid else ("failed", "ambiguous"))
    never = RawRequest(mpesa_answers.stk_query_answer(book, "ws_CO_none"), pesa.epoch)
    assert isinstance(mpesa_results.read_stk_query(never, pesa.account), Unreadable)


def test_lost_answers_and_old_tokens_are_told_apart(wallet: WalletOf, intended: Payments) -> None:
    pesa = wallet("mpesa")
    plan = FaultPlan(lost_answer=0.5, token_expiry=0.5)
    schedule = mpesa_emulator.schedule(np.random.default_rng(1), intended(60, 100), plan, pesa)
    answers = [
        (delivery.http_status, read_answer(HttpAnswer(delivery.http_status, delivery.body)))
        for delivery in schedule.deliveries
        if delivery.what == "push_answer"
    ]
    assert {(status, answer.outcome, answer.action) for status, answer in answers} == {
        (200, "accepted", "enquire"),
        (404, "refused", "retry_later"),
        (502, "ambiguous", "enquire"),
    }


@pytest.mark.parametrize("seed", [*SEEDS, *LONG_SEEDS])
def test_a_statement_differs_from_the_books_by_exactly_its_faults(
    wallet: WalletOf, intended: Payments, credited: Credited, seed: int
) -> None:
    pesa = wallet("mpesa")
    plan = replace(all_faults(0.2), statement_missing=0.1, statement_extra=0.1)
    schedule = mpesa_emulator.schedule(np.random.default_rng(seed), intended(120, 12_345), plan, pesa)
    file = mpesa_answers.statement_file(np.random.default_rng(seed), schedule.happened, pesa, charge_minor=550)
    read = statement.read_statement(file, pesa.account)
    assert isinstance(read, statement.Statement)
    assert read.unreadable == ()
    stated = credited(statement.sightings(read, pesa.account))
    true = schedule.paid_minor
    missing = {one.receipt for one in schedule.happened if one.paid and "statement_missing" in one.struck}
    extra = [one for one in schedule.happened if "statement_extra" in one.struck]
    assert set(true) - set(stated) == missing
    assert len(set(stated) - set(true)) == len(extra)
    assert all(stated[receipt] == amount for receipt, amount in true.items() if receipt not in missing)
    reversed_minor = {
        one.linked_receipt: one.amount_minor
        for one in statement.sightings(read, pesa.account)
        if one.status == "reversed"
    }
    assert reversed_minor == {
        one.receipt: one.intended.amount_minor for one in schedule.happened if one.reversed_at_s is not None
    }
    charges = sum(row.withdrawn_minor for row in read.rows if row.kind == "charge")
    assert charges == 550 * (len(true) - len(missing))


def test_a_reversal_goes_through_once(wallet: WalletOf, intended: Payments) -> None:
    pesa = wallet("mpesa")
    plan = FaultPlan(customer_reversal=0.5)
    schedule = mpesa_emulator.schedule(np.random.default_rng(1), intended(20, 100), plan, pesa)
    book = mpesa_answers.books(schedule.happened)
    for one in schedule.happened:
        raw = RawRequest(mpesa_answers.reversal_result(book, one.receipt, pesa), pesa.epoch + timedelta(days=9))
        found = mpesa_results.read_reversal(raw, pesa.account)
        assert isinstance(found, Sighting)
        if one.reversed_at_s is None:
            assert (found.status, found.linked_receipt) == ("reversed", one.receipt)
            assert found.amount_minor == one.intended.amount_minor
        else:
            assert found.status == "ambiguous"
    unknown = mpesa_results.read_reversal(
        RawRequest(mpesa_answers.reversal_result(book, "QNONE", pesa), pesa.epoch), pesa.account
    )
    assert isinstance(unknown, Sighting)
    assert unknown.status == "failed"


@pytest.mark.parametrize("seed", SEEDS)
def test_five_sightings_of_a_payment_name_one_receipt(
    wallet: WalletOf, intended: Payments, credited: Credited, seed: int
) -> None:
    """Push, payment to the shortcode, list, statement and message: in any order, the money is there once."""
    pesa, chance = wallet("mpesa"), np.random.default_rng(seed)
    payments = [replace(one, asked=True) for one in intended(30, 12_300)]
    schedule = mpesa_emulator.schedule(chance, payments, FaultPlan(repeat=0.5, late=0.5), pesa)
    messages = sms_emulator.schedule(chance, schedule.happened, FaultPlan(repeat=0.5), pesa)
    by_sms = [sms_receipt.read_sms_receipt(one.received(pesa), "MPESA", pesa.account) for one in messages.deliveries]
    file = statement.read_statement(mpesa_answers.statement_file(chance, schedule.happened, pesa), pesa.account)
    assert isinstance(file, statement.Statement)
    seen = [
        *mpesa_seen(schedule, pesa),
        *pulled(schedule, pesa),
        *statement.sightings(file, pesa.account),
        *(one for one in by_sms if isinstance(one, Sighting)),
    ]
    kinds = {"stk_callback", "c2b_confirmation", "pull", "statement", "sms"}
    for receipt in schedule.paid_minor:
        assert {one.raw_kind for one in seen if one.receipt == receipt} == kinds | {"c2b_validation"}
    assert credited([seen[index] for index in chance.permutation(len(seen))]) == schedule.paid_minor


def test_one_fault_does_not_move_the_chances_of_others(wallet: WalletOf, intended: Payments) -> None:
    pesa, payments = wallet("mpesa"), intended(40, 100)
    plan = FaultPlan(fails=0.2, wrong_reference=0.3)
    for fault in ("repeat", "late", "drop_callback", "customer_reversal", "forged"):
        runs = [
            mpesa_emulator.schedule(np.random.default_rng(1), payments, chosen, pesa)
            for chosen in (plan, replace(plan, **{fault: 0.5}))
        ]
        receipts = [[(one.receipt, one.code, one.typed_reference) for one in run.happened] for run in runs]
        assert receipts[0] == receipts[1]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8), st.sampled_from([0, 2]), st.integers(0, 2**32))
def test_any_amount_survives_the_way_there_and_back(
    wallet: WalletOf, intended: Payments, credited: Credited, amounts: list[int], exponent: int, seed: int
) -> None:
    pesa = wallet("mpesa", exponent=exponent)
    payments = [replace(one, amount_minor=amount) for one, amount in zip(intended(8, 1), amounts, strict=False)]
    schedule = mpesa_emulator.schedule(np.random.default_rng(seed), payments, FaultPlan(number_as_text=0.5), pesa)
    file = statement.read_statement(
        mpesa_answers.statement_file(np.random.default_rng(1), schedule.happened, pesa), pesa.account
    )
    assert isinstance(file, statement.Statement)
    by_channel = [mpesa_seen(schedule, pesa), pulled(schedule, pesa), statement.sightings(file, pesa.account)]
    assert all(credited(seen) == schedule.paid_minor for seen in by_channel)
    assert sorted(schedule.paid_minor.values()) == sorted(one.amount_minor for one in payments)


def test_pushed_numbers_are_numbers_unless_that_fault_strikes(wallet: WalletOf, intended: Payments) -> None:
    pesa = wallet("mpesa")
    for chance, kinds in ((0.0, {int, float}), (1.0, {str})):
        schedule = mpesa_emulator.schedule(
            np.random.default_rng(1), intended(2, 100), FaultPlan(number_as_text=chance), pesa
        )
        (body,) = (json.loads(one.body) for one in schedule.deliveries if one.what == "stk_callback")
        callback = body["Body"]["stkCallback"]
        values = {item["Name"]: item.get("Value") for item in callback["CallbackMetadata"]["Item"]}
        assert {type(callback["ResultCode"]), type(values["Amount"]), type(values["PhoneNumber"])} == kinds
