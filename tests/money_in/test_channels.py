"""One payment seen by many channels, in any order and as often as they like, is one posting."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations
from threading import Thread

import numpy as np
import pytest

from microgrid import flows, payment_requests
from microgrid.billing.sightings import Heard
from microgrid.errors import MicrogridError
from microgrid.kept import RawEvent
from microgrid.providers import mpesa, mpesa_results, sms_receipt, statement
from microgrid.providers.emulators import mpesa as emulated
from microgrid.providers.emulators import mpesa_answers, sms
from microgrid.providers.emulators.faults import FaultPlan, Happened, Intended, Wallet
from microgrid.providers.hearing import PROVEN, heard
from microgrid.providers.payment_facts import PaymentAccount, RawRequest
from microgrid.store.memory import MemoryStore
from tests.flows.village import ENERGY, START, Village, make_village

ACCOUNT = PaymentAccount("mpesa", "600638", "KES", 2, "KE")
WALLET = Wallet(ACCOUNT, START)
HOMES = tuple(f"K-{number}" for number in range(200, 208))
CASH = "cash:mpesa:600638"
Told = tuple[bytes, Callable[[RawRequest], Heard]]


def by_stk(one: Happened) -> Told:
    return emulated.stk_body(one, WALLET), lambda raw: heard(mpesa.read_stk_callback(raw, ACCOUNT), raw, ACCOUNT)


def by_c2b(one: Happened) -> Told:
    return emulated.c2b_body(one, WALLET), lambda raw: heard(mpesa.read_confirmation(raw, ACCOUNT), raw, ACCOUNT)


def by_sms(one: Happened) -> Told:
    def read(raw: RawRequest) -> Heard:
        return heard(sms_receipt.read_sms_receipt(raw, "MPESA", ACCOUNT), raw, ACCOUNT)

    return sms.text_of_receipt(one, WALLET), read


def by_statement(one: Happened) -> Told:
    def read(raw: RawRequest) -> Heard:
        rows = statement.read_statement(raw.body, ACCOUNT)
        assert isinstance(rows, statement.Statement)
        (row,) = statement.sightings(rows, ACCOUNT)
        return heard(row, raw, ACCOUNT, PROVEN)

    return mpesa_answers.statement_file(np.random.default_rng(1), [one], WALLET), read


def by_list(one: Happened) -> Told:
    def read(raw: RawRequest) -> Heard:
        (row,) = mpesa_results.read_pull(raw, ACCOUNT)
        return heard(row, raw, ACCOUNT, PROVEN)

    return mpesa_answers.pull_page([one], WALLET, 0, 10**9, 0), read


CHANNELS = (by_stk, by_c2b, by_statement, by_sms)


def happened(count: int, references: Sequence[str]) -> list[Happened]:
    """Return payments that customers made."""
    chance = np.random.default_rng(7)
    intended = []
    for n in range(count):
        amount_minor = 100 * int(chance.integers(1, 900))
        reference = references[n % len(references)]
        intended.append(Intended(n, f"+2547120{n:05}", amount_minor, reference, ("JANE",), asked=True))
    return list(emulated.schedule(chance, intended, FaultPlan(), WALLET).happened)


def tell(village: Village, told: Told) -> flows.Verdict:
    """Let a message come in."""
    body, read = told
    now = village.clock.now()
    raw = RawEvent(hashlib.sha256(body).hexdigest(), "mpesa:600638", now, "10.0.0.1", "{}", body, "")
    return flows.on_message(village.core, raw, lambda: read(RawRequest(body, now)))


def channels(village: Village, one: Happened) -> list[str]:
    seen = payment_requests.sightings(village.core, f"mpesa:600638:{one.receipt}")
    return [row.channel for row in seen]


def test_all_orders_of_four_sightings_are_one_posting() -> None:
    (one,) = happened(1, ("K-104",))
    for order in permutations(CHANNELS):
        village = make_village(MemoryStore())
        village.settle_in(ENERGY)
        for by in order:
            tell(village, by(one))
            village.clock.pass_(minutes=1)
        assert village.credit_minor() == village.balance_minor(CASH) == one.intended.amount_minor
        assert channels(village, one) == [by.__name__.removeprefix("by_") for by in order]
        village.are_books_true()


def test_a_channel_that_repeats_itself_is_written_down_once(home: Village) -> None:
    (one,) = happened(1, ("K-104",))
    for _ in range(3):
        tell(home, by_c2b(one))
        home.clock.pass_(minutes=1)
    tell(home, by_list(one))
    (first, second) = payment_requests.sightings(home.core, f"mpesa:600638:{one.receipt}")
    assert (first.channel, first.seen_at, second.channel) == ("c2b", START, "pull")
    with home.store.read() as uow:
        kept = uow.raw_events.get(first.raw_event_id)
    assert kept is not None
    assert kept.body == emulated.c2b_body(one, WALLET)


def test_sightings_that_differ_in_money_keep_the_first_and_call_for_a_person(home: Village) -> None:
    (one,) = happened(1, ("K-104",))
    tell(home, by_c2b(one))
    lie = replace(one, intended=replace(one.intended, amount_minor=one.intended.amount_minor + 100))
    tell(home, by_sms(lie))
    assert home.credit_minor() == one.intended.amount_minor
    (alarm,) = payment_requests.alarms(home.core, "", 10, settled=False).items
    assert str(lie.intended.amount_minor) in alarm.what
    assert channels(home, one) == ["c2b"]
    home.are_books_true()


def deliver(village: Village, payments: Sequence[Happened], threads: int) -> None:
    """Tell of each payment one to five times by any channel, in any order, on many threads."""
    chance = np.random.default_rng(11)
    copies = [(one, int(chance.integers(4))) for one in payments for _ in range(int(chance.integers(1, 6)))]
    told = [CHANNELS[by](one) for one, by in copies]
    # The end of a push that somebody else began names no account; the payer's own message does.
    told += [by_c2b(one) for one, by in copies if CHANNELS[by] is by_stk]
    chance.shuffle(told)
    failed: list[BaseException] = []

    def work(mine: Sequence[Told]) -> None:
        try:
            for each in mine:
                tell(village, each)
        except (MicrogridError, AssertionError, OSError) as error:
            failed.append(error)

    workers = [Thread(target=work, args=(told[start::threads],)) for start in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []


def books(village: Village) -> tuple[int, int, dict[str, int]]:
    suspense = village.balance_minor("suspense:mpesa:600638")
    return village.balance_minor(CASH), suspense, {name: village.credit_minor(name) for name in HOMES}


def single_delivery(payments: Sequence[Happened]) -> tuple[int, int, dict[str, int]]:
    """Return the books after each payment came once, told by its payer."""
    total = sum(one.intended.amount_minor for one in payments)
    credit = {
        name: sum(one.intended.amount_minor for one in payments if one.intended.reference == name) for name in HOMES
    }
    return total, sum(credit.values()) - total, credit


def check(village: Village, count: int) -> None:
    village.settle_in(ENERGY)
    for name in HOMES:
        village.move_in(name)
    payments = happened(count, (*HOMES, "nobody at all"))
    deliver(village, payments, 8)
    assert books(village) == single_delivery(payments)
    village.are_books_true()


def test_many_payments_by_four_channels_on_eight_threads(village: Village) -> None:
    check(village, 100)


@pytest.mark.long
def test_ten_thousand_payments_by_four_channels_on_eight_threads(village: Village) -> None:
    check(village, 10_000)
