"""How well contracts are paid: the five PERFORM ratios (2026 guide) and the figures lenders ask for.

A portfolio's figure is the sum of numerators over the sum of denominators, never a mean of ratios. Contracts
stay in whatever became of them, written off or not, and are measured against the terms first signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from microgrid.billing.contracts import (
    ContractLine,
    LeaseTerms,
    accrued_by,
    due_by,
    months_later,
    owned_on,
    period_start,
)
from microgrid.billing.figures import Evidence, Figure, figure

LEFT_OUT = "deposits, fees, penalties, subsidies and money paid ahead are left out"


@dataclass(frozen=True, slots=True)
class Contract:
    """One lease as PERFORM sees it: the original terms and every journal line on it, in any order."""

    contract_id: str
    terms: LeaseTerms
    started_on: date
    lines: tuple[ContractLine, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """What one account owes in all, and how many days it is past due; credit is no receivable and counts as 0."""

    contract_id: str
    owed_minor: int
    days_past_due: int
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteOff:
    """A debt given up on a local day; one taken back is negative."""

    contract_id: str
    line_id: str
    day: date
    amount_minor: int


def paid_against_plan(contracts: Sequence[Contract], day: date) -> Figure:
    """Return RR PvP: of what was due by that day, the part paid."""
    evidence = (_against_due(contract, day) for contract in _started(contracts, day))
    return figure("RR PvP", "fraction", f"all contracts since their start; {LEFT_OUT}", evidence)


def paid_against_financed(contracts: Sequence[Contract], day: date) -> Figure:
    """Return RR PvFin: of all that was financed, the part that was due and is paid."""
    evidence = (
        Evidence(paid.of, paid.numerator, contract.terms.financed_minor, paid.lines)
        for contract in _started(contracts, day)
        for paid in [_against_due(contract, day)]
    )
    return figure("RR PvFin", "fraction", f"all contracts since their start; {LEFT_OUT}", evidence)


def paid_against_plan_at_day(contracts: Sequence[Contract], day: date, contract_day: int = 90) -> Figure:
    """Return RR PvP@90d: the same, each contract cut at its day 90; younger contracts are in neither half."""
    cuts = ((contract, contract.started_on + timedelta(days=contract_day)) for contract in _started(contracts, day))
    evidence = (_against_due(contract, cut) for contract, cut in cuts if cut <= day)
    basis = f"contracts that reached day {contract_day}, cut there; {LEFT_OUT}"
    return figure(f"RR PvP@{contract_day}d", "fraction", basis, evidence)


def paid_by_twice_term(contracts: Sequence[Contract], day: date) -> Figure:
    """Return RR PvP@2x: paid by twice the term over due in one term, of contracts that reached twice their term."""
    evidence = (
        _against_due(contract, twice_term_on(contract))
        for contract in _started(contracts, day)
        if twice_term_on(contract) <= day
    )
    return figure("RR PvP@2x", "fraction", f"contracts that reached twice their term; {LEFT_OUT}", evidence)


def owned_by_twice_term(contracts: Sequence[Contract], day: date) -> Figure:
    """Return OR@2x: of the contracts that reached twice their term, the part fully paid by then."""
    evidence = (_owned(contract) for contract in _started(contracts, day) if twice_term_on(contract) <= day)
    return figure("OR@2x", "fraction", "contracts that reached twice their term, written-off ones too", evidence)


def twice_term_on(contract: Contract) -> date:
    """Return the day on which a contract has run for twice its term."""
    return period_start(contract.terms, contract.started_on, 2 * contract.terms.periods)


def collection_rate(contracts: Sequence[Contract], first: date, last: date) -> Figure:
    """Return what was paid on instalments in a period over what fell due in it, both days included.

    Arrears paid in the period are in, so a good month may pass 1; deposits are out.
    """
    _one_currency(contracts)
    evidence = (_collected(contract, first, last) for contract in contracts if contract.started_on <= last)
    return figure("collection rate", "fraction", "instalments paid in the period, arrears too; no deposits", evidence)


def portfolio_at_risk(balances: Iterable[Balance], more_than_days: int) -> Figure:
    """Return PAR30, PAR90 and so on: the whole balance of accounts later than so many days over all receivables."""
    evidence = (Evidence(one.contract_id, _at_risk(one, more_than_days), _owed(one), one.lines) for one in balances)
    return figure(f"PAR{more_than_days}", "fraction", "whole balances over gross receivables", evidence)


def lagged_portfolio_at_risk(now: Sequence[Balance], before: Sequence[Balance], more_than_days: int) -> Figure:
    """Return what is at risk now over the receivables one lag ago, so that growth cannot hide arrears."""
    evidence = [Evidence(one.contract_id, _at_risk(one, more_than_days), 0, one.lines) for one in now]
    evidence += [Evidence(one.contract_id, 0, _owed(one), one.lines) for one in before]
    name, basis = f"lagged PAR{more_than_days}", "balances at risk now over gross receivables one lag ago"
    return figure(name, "fraction", basis, evidence)


def mean_days_past_due(balances: Iterable[Balance]) -> Figure:
    """Return how many days the contracts that owe something are past due, those in time counted with 0."""
    evidence = (Evidence(one.contract_id, one.days_past_due, 1, one.lines) for one in balances if _owed(one))
    return figure("days past due", "days/contract", "contracts that owe something, in time or late", evidence)


def write_off_ratio(write_offs: Iterable[WriteOff], receivables: Sequence[tuple[date, int]], last: date) -> Figure:
    """Return the write-offs of the twelve months that end on a day over the mean of the receivables handed in.

    `receivables` are gross sums on days of those months, such as each month's end.
    """
    first = months_later(last + timedelta(days=1), -12)
    given_up = (one for one in write_offs if first <= one.day <= last)
    evidence = [Evidence(one.contract_id, one.amount_minor, 0, (one.line_id,)) for one in given_up]
    in_year = [(day, owed_minor) for day, owed_minor in receivables if first <= day <= last]
    evidence += [Evidence(day.isoformat(), 0, Fraction(owed_minor, len(in_year))) for day, owed_minor in in_year]
    return figure("write-off ratio", "fraction", "twelve months over mean gross receivables", evidence)


def cohort_repayment(monthly_default: Fraction, collected: Fraction, months: int) -> Fraction:
    """Return the part of what is financed that a cohort repays, for planning.

    Each month `monthly_default` of the remaining contracts stop for good, and the others pay `collected` of what
    is due.
    """
    stays = 1 - monthly_default
    return sum((collected * stays**month for month in range(1, months + 1)), start=Fraction(0)) / months


def _against_due(contract: Contract, cut: date) -> Evidence:
    """Return instalments applied by a day over what was due by then; more than was due is paid ahead."""
    lines = [line for line in contract.lines if line.kind == "instalment" and line.day <= cut]
    due_minor = accrued_by(contract.terms, contract.started_on, cut)
    applied_minor = min(sum(line.amount_minor for line in lines), due_minor)
    return Evidence(contract.contract_id, applied_minor, due_minor, tuple(line.line_id for line in lines))


def _owned(contract: Contract) -> Evidence:
    until = [line for line in contract.lines if line.day <= twice_term_on(contract)]
    owned = owned_on(contract.terms, until) is not None
    return Evidence(contract.contract_id, int(owned), 1, tuple(line.line_id for line in until))


def _collected(contract: Contract, first: date, last: date) -> Evidence:
    lines = [line for line in contract.lines if line.kind == "instalment" and first <= line.day <= last]
    before_minor = due_by(contract.terms, contract.started_on, first - timedelta(days=1))
    due_minor = due_by(contract.terms, contract.started_on, last) - before_minor
    paid_minor = sum(line.amount_minor for line in lines)
    return Evidence(contract.contract_id, paid_minor, due_minor, tuple(line.line_id for line in lines))


def _owed(balance: Balance) -> int:
    return max(balance.owed_minor, 0)


def _at_risk(balance: Balance, more_than_days: int) -> int:
    return _owed(balance) if balance.days_past_due > more_than_days else 0


def _started(contracts: Sequence[Contract], day: date) -> list[Contract]:
    _one_currency(contracts)
    return [contract for contract in contracts if contract.started_on <= day]


def _one_currency(contracts: Sequence[Contract]) -> None:
    currencies = sorted({contract.terms.currency for contract in contracts})
    if len(currencies) > 1:
        raise ValueError(f"one figure counts money of one currency, not of {', '.join(currencies)}")
