"""The other emulated providers, read by our readers: exactly the money that moved, whatever goes wrong."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace

import numpy as np
import pytest

from microgrid.providers import airtel, momo, sms_receipt, webhook
from microgrid.providers.emulators import airtel as airtel_emulator
from microgrid.providers.emulators import momo as momo_emulator
from microgrid.providers.emulators import mpesa as mpesa_emulator
from microgrid.providers.emulators import mpesa_answers
from microgrid.providers.emulators import sms as sms_emulator
from microgrid.providers.emulators import webhook as webhook_emulator
from microgrid.providers.emulators.faults import (
    FaultPlan,
    Intended,
    Wallet,
    all_faults,
    moment,
)
from microgrid.providers.payment_facts import (
    Asked,
    HttpAnswer,
    RawRequest,
    Sighting,
    Unreadable,
)

Credited = Callable[[Iterable[Sighting]], dict[str, int]]
Payments = Callable[..., list[Intended]]
WalletOf = Callable[..., Wallet]
SEEDS = [1, 2, 3]
LONG_SEEDS = [pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 60)]


@pytest.mark.parametrize("seed", [*SEEDS, *LONG_SEEDS])
def test_messages_of_the_same_payments_name_the_same_receipts(
    wallet: WalletOf, intended: Payments, credited: Credited, seed: int
) -> None:
    pesa = wallet("mpesa")
    schedule = mpesa_emulator.schedule(np.random.default_rng(seed), intended(60, 12_345), FaultPlan(fails=0.2), pesa)
    by_sms = sms_emulator.schedule(np.random.default_rng(seed), schedule.happened, FaultPlan(swap=0.3), pesa)
    found = [
        sms_receipt.read_sms_receipt(delivery.received(pesa), delivery.source_address, pesa.account)
        for delivery in by_sms.deliveries
    ]
    seen = [one for one in found if isinstance(one, Sighting)]
    assert len(seen) == len(found)
    assert credited(seen) == schedule.paid_minor
    rwanda = wallet("momo", "RWF", 0, "RW")
    rwandan = momo_emulator.schedule(np.random.default_rng(seed), intended(60, 500, "+25078837"), FaultPlan(), rwanda)
    texts = sms_emulator.schedule(np.random.default_rng(seed), rwandan.happened, FaultPlan(), rwanda)
    read = [
        sms_receipt.read_sms_receipt(one.received(rwanda), one.source_address, rwanda.account)
        for one in texts.deliveries
    ]
    assert credited(one for one in read if isinstance(one, Sighting)) == rwandan.paid_minor


@pytest.mark.parametrize("retries", ["once", "persistent"])
@pytest.mark.parametrize("seed", [*SEEDS, *LONG_SEEDS])
def test_momo_payments_are_what_the_enquiry_says(
    wallet: WalletOf, intended: Payments, credited: Credited, seed: int, retries: momo_emulator.Retries
) -> None:
    mtn = wallet("momo", "UGX", 0, "UG")
    payments = intended(80, 500, "+25677000")
    schedule = momo_emulator.schedule(np.random.default_rng(seed), payments, all_faults(0.3), mtn, retries)
    book = {one.request_id: one for one in schedule.happened}
    asked = {delivery.request_id for delivery in schedule.deliveries if delivery.what == "push_answer"}
    assert asked == set(book)
    for delivery in schedule.deliveries:
        if delivery.what == "push_answer":
            answer = momo.read_push_answer(HttpAnswer(delivery.http_status, delivery.body), delivery.request_id)
            assert answer.outcome != "refused" or answer.action == "retry_later"
    called = [
        momo.read_payment(delivery.received(mtn), mtn.account, delivery.request_id)
        for delivery in schedule.deliveries
        if delivery.what == "callback"
    ]
    assert all(isinstance(one, Sighting) for one in called)
    known = []
    for request_id, one in book.items():
        status, body = momo_emulator.enquiry_answer(book, request_id, mtn, one.paid_at_s - 1)
        early = momo.read_payment(RawRequest(body, moment(mtn, one.paid_at_s)), mtn.account, request_id)
        assert isinstance(early, Sighting)
        assert (status, early.status) == (200, "pending")
        _, body = momo_emulator.enquiry_answer(book, request_id, mtn, one.paid_at_s)
        late = momo.read_payment(RawRequest(body, moment(mtn, one.paid_at_s)), mtn.account, request_id)
        assert isinstance(late, Sighting)
        known.append(late)
    assert credited(known) == schedule.paid_minor
    assert momo_emulator.enquiry_answer(book, "none", mtn, 0)[0] == 404


def test_momo_without_faults_calls_back_what_was_paid(wallet: WalletOf, intended: Payments, credited: Credited) -> None:
    mtn = wallet("momo", "UGX", 0, "UG")
    schedule = momo_emulator.schedule(
        np.random.default_rng(1), intended(30, 500, "+25677000"), FaultPlan(fails=0.3), mtn
    )
    called = [
        momo.read_payment(delivery.received(mtn), mtn.account, delivery.request_id)
        for delivery in schedule.deliveries
        if delivery.what == "callback"
    ]
    seen = [one for one in called if isinstance(one, Sighting)]
    assert credited(seen) == schedule.paid_minor
    assert len([one for one in seen if one.status == "failed"]) == 30 - len(schedule.paid_minor)


def test_momo_retries_in_both_ways_its_pages_describe(wallet: WalletOf, intended: Payments) -> None:
    assert list(momo_emulator.retry_times_s("once", 86_400)) == [0]
    times_s = list(momo_emulator.retry_times_s("persistent", 86_400))
    assert times_s[:3] == [0, 2, 3]
    assert len([at_s for at_s in times_s if at_s < 60]) == 21
    assert times_s == sorted(set(times_s))
    assert times_s[-1] - times_s[-2] == 3600
    mtn = wallet("momo", "UGX", 0, "UG")
    plan = FaultPlan(drop_callback=1.0)
    once, persistent = (
        momo_emulator.schedule(np.random.default_rng(1), intended(5, 500, "+25677000"), plan, mtn, retries)
        for retries in ("once", "persistent")
    )
    assert [one for one in once.deliveries if one.what == "callback"] == []
    assert len([one for one in persistent.deliveries if one.what == "callback"]) == 5


@pytest.mark.parametrize("seed", [*SEEDS, *LONG_SEEDS])
def test_airtel_callbacks_credit_nothing_and_enquiries_all(
    wallet: WalletOf, intended: Payments, credited: Credited, seed: int
) -> None:
    uganda = wallet("airtel", "UGX", 0, "UG")
    schedule = airtel_emulator.schedule(
        np.random.default_rng(seed), intended(80, 500, "+25670000"), all_faults(0.3), uganda
    )
    book = {one.request_id: one for one in schedule.happened}
    known: list[Sighting] = []
    for delivery in schedule.deliveries:
        if delivery.what == "callback":
            assert airtel.hash_matches(delivery.received(uganda), b"shared")
            called = airtel.read_callback(delivery.received(uganda), uganda.account)
            assert isinstance(called, Sighting)
            assert (called.status, called.request_id in book) == ("ambiguous", True)
        else:
            answer = airtel.read_push_answer(HttpAnswer(delivery.http_status, delivery.body), delivery.request_id)
            assert answer.outcome != "refused" or answer.action == "retry_later"
    for request_id, one in book.items():
        asked = Asked(request_id, one.intended.amount_minor, one.intended.reference)
        for at_s, statuses in ((one.paid_at_s - 1, {"pending"}), (one.paid_at_s, {"paid", "failed"})):
            body = airtel_emulator.enquiry_answer(book, request_id, at_s)
            found = airtel.read_enquiry(RawRequest(body, moment(uganda, at_s)), uganda.account, asked)
            assert isinstance(found, Sighting)
            assert found.status in statuses
            known.append(found)
    assert credited(known) == schedule.paid_minor
    nothing = airtel_emulator.enquiry_answer(book, "NONE", 0)
    assert isinstance(
        airtel.read_enquiry(RawRequest(nothing, uganda.epoch), uganda.account, Asked("NONE", 5, "M")), Unreadable
    )


@pytest.mark.parametrize("seed", [*SEEDS, *LONG_SEEDS])
def test_signed_webhooks_are_true_or_refused(
    wallet: WalletOf, intended: Payments, credited: Credited, seed: int
) -> None:
    bank = wallet("webhook")
    plan = replace(all_faults(0.3), drop_callback=0.0)
    schedule = webhook_emulator.schedule(np.random.default_rng(seed), intended(80, 12_345), plan, bank)
    found = [webhook.read_webhook(one.received(bank), bank.account, (b"shared",)) for one in schedule.deliveries]
    refused = [one.reason for one in found if isinstance(one, Unreadable)]
    seen = [one for one in found if isinstance(one, Sighting)]
    assert any("wrong" in reason for reason in refused)
    assert credited(seen) == schedule.paid_minor


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_gives_the_same_bytes(wallet: WalletOf, intended: Payments, seed: int) -> None:
    plan, payments = all_faults(0.3), intended(30, 500)
    for emulator in (mpesa_emulator, momo_emulator, airtel_emulator, webhook_emulator):
        runs = [
            emulator.schedule(np.random.default_rng(chosen), payments, plan, wallet("mpesa"))
            for chosen in (seed, seed, seed + 100)
        ]
        assert runs[0] == runs[1]
        assert runs[0] != runs[2]


@pytest.mark.parametrize("fault", [entry.name for entry in fields(FaultPlan)])
def test_every_fault_changes_what_some_emulator_sends(wallet: WalletOf, intended: Payments, fault: str) -> None:
    """No fault of the plan is only a name."""
    with_fault, payments, pesa = FaultPlan(**{fault: 1.0}), intended(6, 500), wallet("mpesa")
    assert any(
        sent(name, with_fault, payments, pesa) != sent(name, FaultPlan(), payments, pesa)
        for name in ("mpesa", "momo", "airtel", "webhook", "statement")
    )


def sent(name: str, plan: FaultPlan, payments: Sequence[Intended], pesa: Wallet) -> object:
    emulators = {"momo": momo_emulator, "airtel": airtel_emulator, "webhook": webhook_emulator}
    if name in emulators:
        return emulators[name].schedule(np.random.default_rng(1), payments, plan, pesa).deliveries
    schedule = mpesa_emulator.schedule(np.random.default_rng(1), payments, plan, pesa)
    if name == "mpesa":
        return schedule.deliveries
    return mpesa_answers.statement_file(np.random.default_rng(1), schedule.happened, pesa)


def test_a_chance_outside_zero_to_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="late"):
        FaultPlan(late=1.5)
