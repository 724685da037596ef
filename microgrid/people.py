"""What people do about customers beside adding them: their numbers, finding them, and plans that begin in the past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from microgrid import approvals
from microgrid.billing import enrolling
from microgrid.customers import people
from microgrid.customers import service as customers
from microgrid.customers.people import Found
from microgrid.customers.reach import EVERYTHING, Reach, reaches
from microgrid.customers.records import Enrolment, Phone
from microgrid.kept import Approval
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.views import Page, paged

FOUND_MAX = 50


def add_phone(core: Core, customer_id: str, number: str, actor: str) -> Phone:
    """Add a number a customer is known by: whole, masked or hashed."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Phone:
        added = people.add_phone(uow, customer_id, number, now)
        subject = f"customer:{customer_id}"
        customers.note(uow, f"phone:{added.id}:{added.added_at.isoformat()}", now, actor, "add phone", subject)
        return added

    return transact(core.store, flow)


def end_phone(core: Core, phone_id: str, actor: str) -> Phone:
    """Note that a number is no longer a customer's: it finds nobody and suggests nobody from now on."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Phone:
        ended = people.end_phone(uow, phone_id, now)
        key = f"phone:{phone_id}:ended:{_moment(ended.ended_at)}"
        customers.note(uow, key, now, actor, "end phone", f"customer:{ended.customer_id}")
        return ended

    return transact(core.store, flow)


def find(core: Core, text: str, limit: int = 20, reach: Reach = EVERYTHING) -> Sequence[Found]:
    """Return who may be meant by a name, a number, an account or a meter, also misspelt; the surest first."""
    with core.store.read() as uow:
        found = people.find(uow, text, FOUND_MAX)
        return [one for one in found if reaches(uow, reach, "customer", one.customer.id)][:limit]


def feeders(core: Core, site_id: str, after: str, limit: int) -> Page:
    """Return the lines of a village by id."""
    with core.store.read() as uow:
        customers.need(uow.sites, site_id, "site")
        return paged(uow.feeders.page(after, limit + 1, site_id=site_id), limit)


def ask_enrolment(core: Core, enrolment: Enrolment, why: str, person: str) -> Approval:
    """Ask that an account be charged by a plan from a moment in the past, also for what was charged already.

    Another person has to agree; what could not be done now is refused at once.
    """
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Approval:
        customers.need(uow.accounts, enrolment.account_id, "account")
        _try(uow, enrolment, now, person)
        subject = f"account:{enrolment.account_id}"
        return approvals.propose(uow, "enrol", subject, enrolling.request(enrolment), why, person, now)

    return transact(core.store, flow)


class _Tried(Exception):  # noqa: N818 - it went well
    """Undoes what was only tried."""


def _try(uow: UnitOfWork, enrolment: Enrolment, now: datetime, person: str) -> None:
    """Do it and undo it, so that what cannot be done is not asked for."""
    try:
        with uow.savepoint():
            enrolling.enrol_as_agreed(uow, enrolment, now, person)
            raise _Tried
    except _Tried:
        return


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()
