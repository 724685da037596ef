"""A lease as it was signed and as far as it is paid: what is due of it, what was paid, and who pays which ahead.

An instalment that falls due becomes a receivable; money of the customer's account pays receivables. So arrears of a
fridge never eat the credit for light, and light never eats what was paid for the fridge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from heapq import heapify, heappop, heapreplace
from typing import Literal
from zoneinfo import ZoneInfo

from microgrid.billing.contracts import LeaseTerms, days_paid_for, due_by, is_paid_off, payoff, period_start
from microgrid.billing.intake import Due
from microgrid.billing.local_time import days_later
from microgrid.billing.plans import Tax

ContractState = Literal["open", "owned", "written_off"]
Part = Literal["deposit", "instalment"]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a customer signs: a lease plan, or one version of it, from a local day on, for a device or for none."""

    id: str
    account_id: str
    plan: str
    started_on: date
    device: str | None = None


@dataclass(frozen=True, slots=True)
class LeaseContract:
    """What a customer signed, for ever, and how far it is paid now.

    `plan` is the id of the plan version whose terms were signed. `device` is the meter or serial number whose supply
    follows this contract; without one, every connection of the account does that no other contract names.
    """

    id: str
    account_id: str
    plan: str
    terms: LeaseTerms  # what the customer pays, tax included
    tax: Tax
    started_on: date
    signed_at: datetime
    device: str | None = None
    state: ContractState = "open"
    deposit_paid_minor: int = 0
    fallen_due: int = 0  # instalments that became receivables
    paid_minor: int = 0  # applied to instalments
    waived_minor: int = 0
    written_off_minor: int = 0
    bookings: int = 0  # journals so far
    payoff_booking: int = 0  # which of them paid it off early
    days_given: int = 0  # of supply, counted when they were paid
    lasts_until: datetime | None = None  # when they end
    unlocked_at: datetime | None = None
    written_off_at: datetime | None = None

    @property
    def deposit_owed_minor(self) -> int:
        """Return what is still to be paid of the deposit."""
        return self.terms.deposit_minor - self.deposit_paid_minor

    @property
    def instalments_owed_minor(self) -> int:
        """Return what fell due of the instalments and is not paid."""
        return self.fallen_due * self.terms.instalment_minor - self.waived_minor - self.paid_minor

    @property
    def owed_minor(self) -> int:
        """Return what the books show as receivable: due, and neither paid nor given up."""
        return self.deposit_owed_minor + self.instalments_owed_minor - self.written_off_minor

    @property
    def left_minor(self) -> int:
        """Return what is to be paid until the device is the customer's own, due or not."""
        return self.deposit_owed_minor + self.terms.financed_minor - self.paid_minor - self.waived_minor

    @property
    def is_paid_off(self) -> bool:
        """Return whether deposit and instalments are paid."""
        return not self.deposit_owed_minor and is_paid_off(self.terms, self.paid_minor, self.waived_minor)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What ends a contract early: the sum to pay, of which so much is not due yet, and the discount it earns."""

    amount_minor: int
    ahead_minor: int
    waived_minor: int


def newly_due(contract: LeaseContract, day: date) -> int:
    """Return how many more instalments have fallen due by a local day; none of a contract that is over."""
    if contract.state != "open":
        return 0
    return due_by(contract.terms, contract.started_on, day) // contract.terms.instalment_minor - contract.fallen_due


def next_due_on(contract: LeaseContract) -> date | None:
    """Return the day on which the next instalment falls due, or None when all have or the contract is over."""
    if contract.state != "open" or contract.fallen_due >= contract.terms.periods:
        return None
    return period_start(contract.terms, contract.started_on, contract.fallen_due)


def dues(contract: LeaseContract) -> Iterable[Due]:
    """Yield what is due and not paid: the deposit, then instalment by instalment, each named `contract#number`."""
    if contract.state != "open":
        return
    if contract.deposit_owed_minor:
        yield Due(f"{contract.id}#0", "instalment", contract.started_on, contract.deposit_owed_minor)
    first, part_minor = divmod(contract.paid_minor, contract.terms.instalment_minor)
    left_minor = contract.instalments_owed_minor  # less than the rest, where some was waived
    for number in range(first, contract.fallen_due):
        amount_minor = min(left_minor, contract.terms.instalment_minor - part_minor)
        if not amount_minor:
            return
        due_on = period_start(contract.terms, contract.started_on, number)
        yield Due(f"{contract.id}#{number + 1}", "instalment", due_on, amount_minor)
        left_minor, part_minor = left_minor - amount_minor, 0


def named_by(due_id: str) -> tuple[str, Part]:
    """Return the contract that a due belongs to, and which part of it."""
    contract_id, _, number = due_id.rpartition("#")
    return contract_id, "deposit" if number == "0" else "instalment"


def with_money(contract: LeaseContract, part: Part, amount_minor: int) -> LeaseContract:
    """Return a contract after money was applied to its deposit or its instalments; negative money is taken back.

    Raises ValueError for more than is due, or than was paid.
    """
    if part == "deposit":
        after = replace(contract, deposit_paid_minor=contract.deposit_paid_minor + amount_minor)
    else:
        after = replace(contract, paid_minor=contract.paid_minor + amount_minor)
    parts = (after.deposit_paid_minor, after.deposit_owed_minor, after.paid_minor, after.instalments_owed_minor)
    if min(parts) < 0:
        raise ValueError(f"{amount_minor} cannot be applied to the {part} of contract '{contract.id}'")
    return after


def with_days(contract: LeaseContract, ahead_minor: int, now: datetime, zone: ZoneInfo) -> LeaseContract:
    """Return a contract whose device is supplied for the days that are paid: who was without light gets them from now.

    `ahead_minor` is credit for instalments to come. Days taken back by a reversal go as far as they are not used.
    """
    paid_minor = contract.paid_minor + ahead_minor
    days = 0 if contract.deposit_owed_minor else days_paid_for(contract.terms, contract.started_on, paid_minor)
    more = days - contract.days_given
    if not more:
        return contract
    ends_at = max(now, contract.lasts_until or now)
    return replace(contract, days_given=days, lasts_until=max(now, days_later(ends_at, more, zone)))


def settlement(contract: LeaseContract, day: date) -> Settlement:
    """Return what it takes to own the device on a day: everything due, and the rest with its discount."""
    offer = payoff(contract.terms, contract.started_on, contract.paid_minor, day)
    fallen_minor = contract.fallen_due * contract.terms.instalment_minor
    ahead_minor = contract.terms.financed_minor - fallen_minor - offer.waived_minor
    return Settlement(contract.deposit_owed_minor + offer.amount_minor, ahead_minor, offer.waived_minor)


def ahead(contracts: Sequence[LeaseContract], credit_minor: int) -> Mapping[str, int]:
    """Return which part of an account's credit each contract has for instalments to come, by contract.

    The next instalments are served in the order of their days, so that all devices stay on equally long; who has one
    contract has all of the credit for it.
    """
    open_ones = {one.id: one for one in contracts if one.state == "open"}
    left_minor = max(0, credit_minor)
    if len(open_ones) == 1:
        return dict.fromkeys(open_ones, left_minor)
    found = dict.fromkeys(open_ones, 0)
    coming = [(_due_on(one, one.fallen_due), key, one.fallen_due) for key, one in open_ones.items()]
    waiting = [entry for entry in coming if entry[2] < open_ones[entry[1]].terms.periods]
    heapify(waiting)
    while waiting and left_minor:
        _, key, number = waiting[0]
        contract = open_ones[key]
        part_minor = min(left_minor, contract.terms.instalment_minor)
        found[key] += part_minor
        left_minor -= part_minor
        if number + 1 < contract.terms.periods:
            heapreplace(waiting, (_due_on(contract, number + 1), key, number + 1))
        else:
            heappop(waiting)
    return found


def _due_on(contract: LeaseContract, number: int) -> date:
    return period_start(contract.terms, contract.started_on, number)
