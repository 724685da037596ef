"""What two people have to agree to, joined: one asks, another grants it, and it is done as it was asked.

`_perform` is the one place that says what each action does. What is asked is checked when it is asked for and again
when it is granted; what cannot be done any more is refused then, and the request stays open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from microgrid import approvals, tariffs
from microgrid.billing import agent_cash, bad_debt, enrolling, leasing, refunds
from microgrid.customers import service as customers
from microgrid.errors import InvalidInput, Problem
from microgrid.flows import send
from microgrid.kept import Approval
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.switching import service as switching
from microgrid.switching import token_requests
from microgrid.switching.service import Order
from microgrid.views import Page

Action = Literal["refund", "write_off", "agent_short", "unlock"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What one person asks for: of a payment to go back, of a debt or missing cash how much is given up."""

    action: Action
    subject: str  # id of the payment, the account, the agent or the meter
    why: str
    amount_minor: int | None = None  # a payment goes back whole


def ask(core: Core, wish: Wish, person: str) -> Approval:
    """Ask for something that needs a second person; refused at once when it could not be done now."""
    now = core.clock.now()
    request = {} if wish.amount_minor is None else {"amount_minor": wish.amount_minor}
    noun = {"refund": "payment", "write_off": "account", "agent_short": "agent", "unlock": "meter"}[wish.action]

    def flow(uow: UnitOfWork) -> Approval:
        _check(uow, wish, person)
        return approvals.propose(uow, wish.action, f"{noun}:{wish.subject}", request, wish.why, person, now)

    return transact(core.store, flow)


def grant(core: Core, approval_id: str, person: str) -> Approval:
    """Agree to what somebody else asked for, and do it; granted before by the same person is a success."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Approval, Sequence[Order]]:
        asked = uow.approvals.hold(approval_id)
        granted = approvals.decide(uow, approval_id, person, now, granted=True)
        touched = () if asked == granted else _perform(core, uow, granted, now)
        return granted, switching.settle(uow, touched, now)

    granted, orders = transact(core.store, flow)
    send(core, orders)
    return granted


def refuse(core: Core, approval_id: str, person: str, why: str) -> Approval:
    """Refuse what somebody asked for, or take back what one asked for oneself; nothing is done."""
    now = core.clock.now()
    return transact(core.store, lambda uow: approvals.decide(uow, approval_id, person, now, granted=False, why=why))


def keep_payment(core: Core, payment_id: str, person: str, why: str) -> None:
    """Give a payment whose refund did not come about to its account again."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Sequence[Order]:
        touched = refunds.keep(uow, payment_id, now, why)
        subject = f"payment:{payment_id}"
        key = f"{subject}:{len(uow.audit.where(subject=subject)) + 1}"
        customers.note(uow, key, now, person, "keep payment", subject, why)
        return switching.settle(uow, touched, now)

    send(core, transact(core.store, flow))


def waiting(core: Core, after: str, limit: int) -> Page:
    """Return what waits for a second person, by id."""
    with core.store.read() as uow:
        rows = uow.approvals.page(after, limit + 1, granted=None)
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def approval(core: Core, approval_id: str) -> Approval:
    """Return what was asked for, and who decided; InvalidInput when there is none of this id."""
    with core.store.read() as uow:
        return customers.need(uow.approvals, approval_id, "request")


def _check(uow: UnitOfWork, wish: Wish, person: str) -> None:
    """Refuse what could not be done now."""
    match wish.action:
        case "refund":
            refunds.check(uow, wish.subject)
        case "write_off":
            bad_debt.check(uow, wish.subject, wish.amount_minor or 0)
        case "agent_short":
            agent_cash.check_shortage(uow, wish.subject, wish.amount_minor or 0)
        case "unlock":
            token_requests.check_unlock(uow, wish.subject, person)


def _perform(core: Core, uow: UnitOfWork, granted: Approval, now: datetime) -> Sequence[str]:
    """Do what was granted, under the id of the request; return the accounts whose credit may have changed."""
    subject = granted.subject.partition(":")[2]
    match granted.action:
        case "refund":
            payment = customers.need(uow.payments, subject, "payment")
            by_provider = f"{payment.provider}:{payment.shortcode}" in core.providers
            return refunds.owe_back(uow, subject, now, granted.note, by_provider=by_provider)
        case "enrol":
            enrolling.enrol_as_agreed(uow, enrolling.requested(approvals.read(granted)), now, granted.asked_by)
            return (subject,)
        case "write_off":
            return bad_debt.write_off(uow, subject, _amount_minor(granted), granted.id, now, granted.note)
        case "agent_short":
            agent_cash.book_shortage(uow, subject, _amount_minor(granted), granted.id, now, granted.note)
        case "contract_write_off":
            return (leasing.write_off(uow, subject, now, granted.note).account_id,)
        case "tariff":
            tariffs.put_in_force(uow, granted, now)
        case "unlock":
            token_requests.unlock(uow, core.keys, subject, granted, now)
        case other:
            what = f"request '{granted.id}' asks for '{other}', which this version cannot do"
            raise InvalidInput(Problem("MG-A043", what, "nothing was done", "grant it with the version that asked"))
    return ()


def _amount_minor(granted: Approval) -> int:
    return int(str(approvals.read(granted)["amount_minor"]))
