"""The journals of leases on an open transaction, each with the contract and the account it changes.

A due debits `receivable:lease:<contract>` and credits revenue and tax; money debits the customer's account and credits
that receivable. Whoever calls has locked the account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from microgrid.billing.credit import sold_entries
from microgrid.billing.lease_contracts import LeaseContract, Part, newly_due, next_due_on, settlement, with_money
from microgrid.billing.ledger import Entry, Journal, customer, lease_receivable, mirror
from microgrid.billing.local_time import day_start, local_day
from microgrid.billing.sightings import Alarm
from microgrid.billing.standing import Standing
from microgrid.kept import OutboxItem
from microgrid.ports import UnitOfWork

FALLING_DUE = "instalments"  # the kind of outbox item that says when a contract's next instalment falls due
PARTS: tuple[Part, ...] = ("deposit", "instalment")


def book_deposit(uow: UnitOfWork, standing: Standing, contract: LeaseContract, now: datetime) -> LeaseContract:
    """Book the deposit of a new contract as due."""
    if not contract.terms.deposit_minor:
        return contract
    lines = _sold(standing, contract, contract.terms.deposit_minor)
    return _book_due(uow, contract, "deposit_due", lines, now, day_start(contract.started_on, standing.zone))


def book_fallen_due(uow: UnitOfWork, standing: Standing, contract: LeaseContract, now: datetime) -> LeaseContract:
    """Book the instalments that have fallen due, and plan when the next one will.

    Tax is taken out of each instalment, so that it does not depend on how many are booked at once.
    """
    number = newly_due(contract, local_day(now, standing.zone))
    if number > 0:
        newest = next_due_on(replace(contract, fallen_due=contract.fallen_due + number - 1))
        assert newest is not None
        each = _sold(standing, contract, contract.terms.instalment_minor)
        lines = tuple(Entry(line.account, line.amount_minor * number) for line in each)
        fallen = replace(contract, fallen_due=contract.fallen_due + number)
        contract = _book_due(uow, fallen, "instalment_due", lines, now, day_start(newest, standing.zone))
    plan_next(uow, standing, contract, now)
    return contract


def plan_next(uow: UnitOfWork, standing: Standing, contract: LeaseContract, now: datetime) -> None:
    """Note when the next instalment of a contract falls due, or that none will."""
    next_on = next_due_on(contract)
    item = OutboxItem(f"instalments:{contract.id}", FALLING_DUE, contract.id, "", now, now, done_at=now)
    if next_on is not None:
        item = replace(item, due_at=day_start(next_on, standing.zone), done_at=None)
    uow.outbox.put(item)


def pay(
    uow: UnitOfWork, contract: LeaseContract, part: Part, amount_minor: int, now: datetime, key: str = ""
) -> LeaseContract:
    """Move money from the customer's credit to what is due of a contract; negative money moves back.

    `key` names the journal; without it, it gets the contract's next number.
    """
    if not amount_minor:
        return contract
    lines = (Entry(customer(contract.account_id), amount_minor), Entry(lease_receivable(contract.id), -amount_minor))
    kind = part if amount_minor > 0 else f"{part}_back"
    if key:
        uow.ledger.post(Journal(key, kind, contract.terms.currency, now, now, lines))
    else:
        contract = _numbered(uow, contract, kind, lines, now, now)
    return _moved(uow, contract, part, amount_minor, now)


def paid_by(arrival_id: str, contract_id: str, part: Part) -> str:
    """Return the journal in which money that arrived pays a part of a contract, so that it can go back with it."""
    return f"{part}:{arrival_id}:{contract_id}"


def take_back(uow: UnitOfWork, contract: LeaseContract, arrival_id: str, now: datetime, note: str) -> LeaseContract:
    """Take back what money that has gone back had paid of a contract, if anything; what went back before stays so."""
    for part in PARTS:
        journal = uow.ledger.find(paid_by(arrival_id, contract.id, part))
        key = "" if journal is None else f"reversal:{journal.id}"
        if journal is None or uow.ledger.find(key) is not None:
            continue
        paid_minor = contract.deposit_paid_minor if part == "deposit" else contract.paid_minor
        back_minor = _received(journal, contract)
        if back_minor > paid_minor:  # an earlier debt has taken some of it
            contract = pay(uow, contract, part, -paid_minor, now, key)
        else:
            uow.ledger.post(mirror(journal, key, now, note))
            contract = _moved(uow, contract, part, -back_minor, now)
    return contract


def pay_off(uow: UnitOfWork, standing: Standing, contract: LeaseContract, now: datetime) -> LeaseContract:
    """Book what is not yet due, less its discount, as due now, and pay all that is due from the customer's credit."""
    offer = settlement(contract, local_day(now, standing.zone))
    after = replace(contract, fallen_due=contract.terms.periods, waived_minor=offer.waived_minor)
    if offer.ahead_minor:
        note = f"paid off early, a discount of {offer.waived_minor}"
        after = _book_due(uow, after, "payoff_due", _sold(standing, contract, offer.ahead_minor), now, now, note)
        after = replace(after, payoff_booking=after.bookings)
    after = pay(uow, after, "deposit", after.deposit_owed_minor, now)
    after = pay(uow, after, "instalment", after.instalments_owed_minor, now)
    plan_next(uow, standing, after, now)
    return after


def undo_payoff(uow: UnitOfWork, standing: Standing, contract: LeaseContract, now: datetime) -> LeaseContract:
    """Take back an early payoff whose money has gone back: instalments fall due one by one again, without discount."""
    journal = uow.ledger.find(_key(contract, contract.payoff_booking))
    assert journal is not None
    ahead_minor = -_received(journal, contract)
    each_minor = contract.terms.instalment_minor
    fallen_due = (contract.terms.financed_minor - contract.waived_minor - ahead_minor) // each_minor
    most_minor = fallen_due * each_minor
    contract = pay(uow, contract, "instalment", -max(0, contract.paid_minor - most_minor), now)
    uow.ledger.post(mirror(journal, f"reversal:{journal.id}", now, "the money it was paid off with went back"))
    due_changed(uow, contract.account_id, -ahead_minor)
    after = replace(contract, state="open", unlocked_at=None, waived_minor=0, fallen_due=fallen_due, payoff_booking=0)
    uow.contracts.put(after)
    return book_fallen_due(uow, standing, after, now)


def give_up(uow: UnitOfWork, standing: Standing, contract: LeaseContract, now: datetime, note: str) -> LeaseContract:
    """Book what is due of a contract as bad debt; nothing more of it falls due."""
    owed_minor = contract.owed_minor
    after = replace(contract, state="written_off", written_off_at=now, written_off_minor=owed_minor)
    if owed_minor:
        lines = (Entry(f"bad_debt:{standing.site.id}", owed_minor), Entry(lease_receivable(contract.id), -owed_minor))
        after = _numbered(uow, after, "write_off", lines, now, now, note)
    uow.contracts.put(after)
    due_changed(uow, contract.account_id, -owed_minor)
    return after


def due_changed(uow: UnitOfWork, account_id: str, amount_minor: int, paid_minor: int = 0) -> None:
    """Store by how much what is due of an account's contracts changed, and what of it was paid from its credit."""
    credit = uow.credits.lock((account_id,))[account_id]
    due_minor, balance_minor = credit.instalments_due_minor + amount_minor, credit.balance_minor - paid_minor
    uow.credits.put(replace(credit, instalments_due_minor=due_minor, balance_minor=balance_minor))


def _moved(uow: UnitOfWork, contract: LeaseContract, part: Part, amount_minor: int, now: datetime) -> LeaseContract:
    """Store a contract and its account after money moved between them; who has paid all owns the device."""
    after = with_money(contract, part, amount_minor)
    if after.is_paid_off and after.state == "open":
        after = replace(after, state="owned", unlocked_at=now)
        _call_for_unlock(uow, after, now)
    elif not after.is_paid_off and after.state == "owned":
        after = replace(after, state="open", unlocked_at=None)
    uow.contracts.put(after)
    due_changed(uow, after.account_id, -amount_minor, amount_minor)
    return after


def _call_for_unlock(uow: UnitOfWork, contract: LeaseContract, now: datetime) -> None:
    """Call for two people where the customer's own device still asks for tokens; no message of ours reaches it."""
    meter_ids = [contract.device] if contract.device is not None else _meters_of(uow, contract.account_id)
    for meter_id in sorted(uow.token_devices.get_all(meter_ids)):
        what = f"contract '{contract.id}' is paid off: two people have to unlock meter '{meter_id}' for ever"
        uow.alarms.put(Alarm(f"unlock:{contract.id}:{meter_id}", f"contract:{contract.id}", what, now))


def _meters_of(uow: UnitOfWork, account_id: str) -> list[str]:
    return [fit.meter_id for home in uow.homes.get_all((account_id,)).values() for fit in home.fits]


def _book_due(
    uow: UnitOfWork,
    contract: LeaseContract,
    kind: str,
    lines: Sequence[Entry],
    now: datetime,
    value_at: datetime,
    note: str = "",
) -> LeaseContract:
    after = _numbered(uow, contract, kind, lines, now, value_at, note)
    uow.contracts.put(after)
    due_changed(uow, contract.account_id, lines[0].amount_minor)
    return after


def _numbered(
    uow: UnitOfWork,
    contract: LeaseContract,
    kind: str,
    lines: Sequence[Entry],
    now: datetime,
    value_at: datetime,
    note: str = "",
) -> LeaseContract:
    """Post a journal of a contract under its next number, and return the contract that counts it."""
    after = replace(contract, bookings=contract.bookings + 1)
    key = _key(contract, after.bookings)
    uow.ledger.post(Journal(key, kind, contract.terms.currency, now, value_at, tuple(lines), note=note))
    return after


def _key(contract: LeaseContract, number: int) -> str:
    return f"lease:{contract.id}:{number:06}"


def _sold(standing: Standing, contract: LeaseContract, amount_minor: int) -> tuple[Entry, ...]:
    return sold_entries(lease_receivable(contract.id), standing.site.id, "appliance", amount_minor, contract.tax)


def _received(journal: Journal, contract: LeaseContract) -> int:
    """Return what a journal took away from what is due of a contract; negative when it added to it."""
    return -sum(entry.amount_minor for entry in journal.entries if entry.account == lease_receivable(contract.id))
