"""Leases on an open transaction: signing, what falls due, what money pays of it, paying off early and giving up.

The hot row of an account is locked before any of its contracts is changed. The journals are in `lease_bookings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction

from microgrid.billing.charging import charge_fee, post_accrued
from microgrid.billing.contracts import terms_of
from microgrid.billing.credit import to_post
from microgrid.billing.intake import Due, split
from microgrid.billing.lease_bookings import (
    FALLING_DUE,
    PARTS,
    book_deposit,
    book_fallen_due,
    give_up,
    paid_by,
    pay,
    pay_off,
    take_back,
    undo_payoff,
)
from microgrid.billing.lease_contracts import (
    LeaseContract,
    Part,
    Signature,
    ahead,
    dues,
    named_by,
    settlement,
    with_days,
)
from microgrid.billing.local_time import DAY, day_start, local_day
from microgrid.billing.plans import PPM, LeaseRules, PlanVersion, PostpaidRules
from microgrid.billing.standing import Standing, stand, stand_all
from microgrid.customers.service import add_once, need, unknown
from microgrid.errors import InvalidInput, Problem
from microgrid.kept import Credit
from microgrid.ports import UnitOfWork


def sign(uow: UnitOfWork, asked: Signature, now: datetime) -> LeaseContract:
    """Begin a contract: deposit, fee and what is due already are booked, and credit of the account pays for it.

    The terms are those of the plan on the day it starts. The same again is a success.
    """
    standing = stand(uow, asked.account_id)
    uow.credits.lock((asked.account_id,))
    new = _on_terms(uow, standing, asked, now)
    known = uow.contracts.get(new.id)
    if known is not None:
        return add_once(uow.contracts, _as_signed(known, new), new.id, "contract")
    _refuse_taken_device(uow, new)
    uow.contracts.add(new)
    book_fallen_due(uow, standing, book_deposit(uow, standing, new, now), now)
    plan = need(uow.plans, new.plan, "plan")
    charge_fee(uow, standing, plan, now)
    collect(uow, standing, now)
    return need(uow.contracts, new.id, "contract")


def post_due(uow: UnitOfWork, now: datetime, limit: int) -> Sequence[str]:
    """Book the instalments of contracts whose day has come, pay them from credit, and return the accounts."""
    items = uow.outbox.due(FALLING_DUE, now, limit)
    ids = [item.to for item in items]
    accounts = sorted({one.account_id for one in uow.contracts.get_all(ids).values()})
    uow.credits.lock(accounts)
    standings = stand_all(uow, accounts)
    for contract in uow.contracts.get_all(ids).values():  # as they are now that their accounts are locked
        book_fallen_due(uow, standings[contract.account_id], contract, now)
    for account_id in accounts:
        collect(uow, standings[account_id], now)
    return accounts


def take(uow: UnitOfWork, account_id: str, arrival_id: str, amount_minor: int, now: datetime) -> None:
    """Pay what is due of contracts from money that has just arrived: fees and debts first, then the plan's share."""
    credit = uow.credits.lock((account_id,))[account_id]
    if not credit.instalments_due_minor:
        return
    standing = stand(uow, account_id)
    plan = standing.plan_at(now)
    on_bill = plan is not None and isinstance(plan.rules, PostpaidRules)  # its debt is the bill, and comes last
    debt_minor = 0 if on_bill else min(amount_minor, max(0, amount_minor - credit.available_minor))
    first = [Due("debt", "fee", local_day(now, standing.zone), debt_minor)] if debt_minor else []
    _pay_dues(uow, standing, amount_minor, first, now, arrival_id)


def give_back(
    uow: UnitOfWork, account_id: str, lost_minor: int, arrival_ids: Iterable[str], now: datetime, note: str
) -> None:
    """Take back what money paid of contracts that has itself gone back, named by the journals of its arrival.

    Where the account pays for devices only, a debt that this leaves takes back what was paid last.
    """
    uow.credits.lock((account_id,))
    found = [one for one in uow.contracts.where(account_id=account_id) if one.state != "written_off"]
    for arrival_id in arrival_ids:
        found = [take_back(uow, contract, arrival_id, now, note) for contract in found]
    for contract in found:
        if contract.payoff_booking and _credit(uow, account_id).available_minor < 0:
            undo_payoff(uow, stand(uow, account_id), contract, now)
    if found and pays_devices_only(stand(uow, account_id), now):
        _cover_debt(uow, account_id, lost_minor, now)


def collect(uow: UnitOfWork, standing: Standing, now: datetime) -> Credit:
    """Return the credit of an account after it paid what is due of contracts, up to the plan's share.

    Where an account pays for devices only, one whose whole price is there is paid off.
    """
    account_id = standing.account.id
    credit = _credit(uow, account_id)
    if to_post(credit):
        credit = post_accrued(uow, standing, credit, now)
    if credit.available_minor > 0 and credit.instalments_due_minor:
        _pay_dues(uow, standing, credit.available_minor, (), now)
    if pays_devices_only(standing, now):
        _pay_off_what_is_there(uow, standing, now)
        _give_days(uow, standing, now)
    return _credit(uow, account_id)


def settle_early(uow: UnitOfWork, contract_id: str, now: datetime) -> LeaseContract:
    """Pay a contract off from the credit of its account, with the discount for what is not yet due."""
    standing = stand(uow, need(uow.contracts, contract_id, "contract").account_id)
    account_id = standing.account.id
    credit = _credit(uow, account_id)
    if to_post(credit):
        credit = post_accrued(uow, standing, credit, now)
    contract = book_fallen_due(uow, standing, need_open(uow, contract_id), now)
    offer = settlement(contract, local_day(now, standing.zone))
    if credit.available_minor < offer.amount_minor:
        what = f"paying off '{contract_id}' takes {offer.amount_minor}, the account has {credit.available_minor}"
        missing_minor = offer.amount_minor - credit.available_minor
        why = "both in minor units; nothing was booked"
        raise InvalidInput(Problem("MG-P213", what, why, f"let {missing_minor} more be paid to '{account_id}'"))
    return pay_off(uow, standing, contract, now)


def write_off(uow: UnitOfWork, contract_id: str, now: datetime, note: str) -> LeaseContract:
    """Give up what is due of a contract as bad debt; nothing more falls due. Two people must have agreed to it."""
    standing = stand(uow, need(uow.contracts, contract_id, "contract").account_id)
    uow.credits.lock((standing.account.id,))
    contract = book_fallen_due(uow, standing, need_open(uow, contract_id), now)
    return give_up(uow, standing, contract, now, note)


def need_open(uow: UnitOfWork, contract_id: str) -> LeaseContract:
    """Return a contract that is neither paid off nor given up; InvalidInput when it is."""
    contract = need(uow.contracts, contract_id, "contract")
    if contract.state != "open":
        over = "paid off" if contract.state == "owned" else "written off"
        raise InvalidInput(Problem("MG-P215", f"contract '{contract_id}' is {over}", fix="nothing is left to do"))
    return contract


def pays_devices_only(standing: Standing, now: datetime) -> bool:
    """Return whether an account's money is for its devices alone: it buys no energy and no time."""
    plan = standing.plan_at(now)
    return plan is None or isinstance(plan.rules, LeaseRules)


# Inside ---------------------------------------------------------------------------------------------------------------


def _credit(uow: UnitOfWork, account_id: str) -> Credit:
    return uow.credits.lock((account_id,))[account_id]


def _pay_dues(
    uow: UnitOfWork, standing: Standing, amount_minor: int, first: Sequence[Due], now: datetime, arrival_id: str = ""
) -> None:
    """Pay dues of all contracts from an amount in the order of intake."""
    contracts = {one.id: one for one in uow.contracts.where(account_id=standing.account.id)}
    plan = standing.plan_at(now)
    share = Fraction(PPM if plan is None else plan.instalment_share_ppm, PPM)
    sums: dict[tuple[str, Part], int] = {}
    for portion in split(amount_minor, [*first, *(due for one in contracts.values() for due in dues(one))], share):
        if portion.kind == "instalment":
            due = named_by(portion.due_id)
            sums[due] = sums.get(due, 0) + portion.amount_minor
    for (contract_id, part), part_minor in sums.items():
        key = paid_by(arrival_id, contract_id, part) if arrival_id else ""
        contracts[contract_id] = pay(uow, contracts[contract_id], part, part_minor, now, key)


def _pay_off_what_is_there(uow: UnitOfWork, standing: Standing, now: datetime) -> None:
    """Pay off the contracts whose whole price is there as credit, the one that began first before others."""
    today = local_day(now, standing.zone)
    for contract in _by_start(uow, standing.account.id):
        if contract.state != "open" or _credit(uow, contract.account_id).available_minor <= 0:
            continue
        if settlement(contract, today).amount_minor <= _credit(uow, contract.account_id).available_minor:
            pay_off(uow, standing, contract, now)


def _give_days(uow: UnitOfWork, standing: Standing, now: datetime) -> None:
    """Let the devices of an account be supplied for the days that are paid, now or ahead."""
    contracts = uow.contracts.where(account_id=standing.account.id)
    parts = ahead(contracts, _credit(uow, standing.account.id).available_minor)
    after = [with_days(contract, parts.get(contract.id, 0), now, standing.zone) for contract in contracts]
    uow.contracts.put_all([new for new, old in zip(after, contracts, strict=True) if new != old])


def _cover_debt(uow: UnitOfWork, account_id: str, most_minor: int, now: datetime) -> None:
    """Take back what was paid for an account's devices, the newest first, until its debt is covered."""
    debt_minor = min(most_minor, max(0, -_credit(uow, account_id).available_minor))
    for contract in reversed(_by_start(uow, account_id)):
        if contract.state == "written_off":
            continue
        for part in reversed(PARTS):
            paid_minor = contract.deposit_paid_minor if part == "deposit" else contract.paid_minor
            back_minor = min(debt_minor, paid_minor)
            contract = pay(uow, contract, part, -back_minor, now)  # noqa: PLW2901 - as it now is
            debt_minor -= back_minor


def _by_start(uow: UnitOfWork, account_id: str) -> Sequence[LeaseContract]:
    return sorted(uow.contracts.where(account_id=account_id), key=lambda one: (one.started_on, one.id))


def _on_terms(uow: UnitOfWork, standing: Standing, asked: Signature, now: datetime) -> LeaseContract:
    """Return what is asked for with the terms of its plan, as this customer is taxed."""
    plan = _lease_plan(uow, standing, asked).for_class(standing.customer_class)
    assert isinstance(plan.rules, LeaseRules)
    terms = terms_of(plan.rules, plan.currency, plan.tax)
    return LeaseContract(asked.id, asked.account_id, plan.id, terms, plan.tax, asked.started_on, now, asked.device)


def _lease_plan(uow: UnitOfWork, standing: Standing, asked: Signature) -> PlanVersion:
    """Return the plan version that is signed: the one named, or the newest that is in force on the day it starts."""
    named = uow.plans.get(asked.plan)
    begins_by = day_start(asked.started_on + DAY, standing.zone)
    versions = [named] if named else uow.plans.where(plan_id=asked.plan)
    in_force = [one for one in versions if one.effective_from < begins_by]
    if not in_force:
        raise InvalidInput(unknown(f"plan in force on {asked.started_on}", asked.plan))
    plan = max(in_force, key=lambda one: (one.effective_from, one.version))
    if not isinstance(plan.rules, LeaseRules) or plan.currency != standing.site.currency:
        what = f"plan '{plan.id}' is no lease in {standing.site.currency}, so no contract can be signed on it"
        raise InvalidInput(Problem("MG-P212", what, fix="choose a lease plan in the currency of the account's site"))
    return plan


def _as_signed(known: LeaseContract, asked: LeaseContract) -> LeaseContract:
    """Return what is asked for as it would stand now, so that the same contract asked for again is the same."""
    signed = ("account_id", "plan", "terms", "tax", "started_on", "device")
    return replace(known, **{name: getattr(asked, name) for name in signed})


def _refuse_taken_device(uow: UnitOfWork, contract: LeaseContract) -> None:
    if contract.device is None:
        return
    others = [one for one in uow.contracts.where(device=contract.device) if one.state == "open"]
    if others:
        what = f"device '{contract.device}' is under contract '{others[0].id}' already"
        raise InvalidInput(Problem("MG-P214", what, fix="end that contract first, or name another device"))
