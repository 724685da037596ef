"""What people do with lease contracts: sign, look, pay off early, and give one up when two agree.

As every action: one transaction, who did it written down, and what was decided sent after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from microgrid import approvals
from microgrid.billing import leasing
from microgrid.billing.contracts import days_past_due
from microgrid.billing.lease_contracts import LeaseContract, Settlement, Signature, next_due_on, settlement
from microgrid.billing.local_time import local_day
from microgrid.billing.standing import stand
from microgrid.customers.records import Site
from microgrid.customers.service import need, note
from microgrid.flows import send
from microgrid.kept import Approval
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.switching import service as switching
from microgrid.switching.inputs import explain_contract
from microgrid.switching.service import Order
from microgrid.views import Page

WRITE_OFF = "contract_write_off"  # what approvals call it


@dataclass(frozen=True, slots=True)
class ContractView:
    """A contract as its customer sees it: what is due, when the next sum is, and what buys the device now."""

    contract: LeaseContract
    site: Site
    owed_minor: int
    left_minor: int
    days_past_due: int
    next_due_on: date | None
    payoff: Settlement | None
    why: str


def sign(core: Core, asked: Signature, actor: str) -> LeaseContract:
    """Begin a lease contract on the terms of a plan."""

    def act(uow: UnitOfWork, now: datetime) -> LeaseContract:
        signed = leasing.sign(uow, asked, now)
        note(uow, f"contract:{asked.id}:sign", now, actor, f"sign {signed.plan}", f"contract:{asked.id}")
        return signed

    return _act(core, act)


def pay_off(core: Core, contract_id: str, actor: str) -> LeaseContract:
    """Pay a contract off from the credit of its account, with the discount for what is not yet due."""

    def act(uow: UnitOfWork, now: datetime) -> LeaseContract:
        paid = leasing.settle_early(uow, contract_id, now)
        subject = f"contract:{contract_id}"
        note(uow, f"{subject}:pay-off:{paid.bookings}", now, actor, "pay off contract", subject)
        return paid

    return _act(core, act)


def ask_write_off(core: Core, contract_id: str, why: str, person: str) -> Approval:
    """Ask for a contract to be given up; another person has to agree."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Approval:
        leasing.need_open(uow, contract_id)
        return approvals.propose(uow, WRITE_OFF, f"contract:{contract_id}", {}, why, person, now)

    return transact(core.store, flow)


def contract(core: Core, contract_id: str) -> ContractView:
    """Return a contract; InvalidInput when there is none of this id."""
    now = core.clock.now()
    with core.store.read() as uow:
        found = need(uow.contracts, contract_id, "contract")
        standing = stand(uow, found.account_id)
        today = local_day(now, standing.zone)
        return ContractView(
            found,
            standing.site,
            found.owed_minor,
            found.left_minor if found.state == "open" else 0,
            0 if found.state == "owned" else days_past_due(found.terms, found.started_on, found.paid_minor, today),
            next_due_on(found),
            settlement(found, today) if found.state == "open" else None,
            explain_contract(uow, standing, found, now),
        )


def zone_of(shown: ContractView) -> ZoneInfo:
    """Return the clock of a contract's site."""
    return ZoneInfo(shown.site.timezone)


def contracts(core: Core, account_id: str, state: str, after: str, limit: int) -> Page:
    """Return contracts by id: of an account, or in a state, or all."""
    asked = {"account_id": account_id, "state": state}
    with core.store.read() as uow:
        equal = {name: value for name, value in asked.items() if value}
        rows = uow.contracts.page(after, limit + 1, **equal)
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def _act(core: Core, act: Callable[[UnitOfWork, datetime], LeaseContract]) -> LeaseContract:
    """Do something with a contract, and decide supply for its account."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[LeaseContract, Sequence[Order]]:
        changed = act(uow, now)
        orders = switching.settle(uow, (changed.account_id,), now)
        return need(uow.contracts, changed.id, "contract"), orders

    changed, orders = transact(core.store, flow)
    send(core, orders)
    return changed
