"""Charging an account by a plan from a moment on; what was charged already changes only if two people agree."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from microgrid.billing import charging, leasing
from microgrid.billing.lease_contracts import Signature
from microgrid.billing.local_time import local_day
from microgrid.billing.plans import LeaseRules
from microgrid.billing.standing import stand
from microgrid.customers import service as customers
from microgrid.customers.records import Enrolment
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import UnitOfWork


def enrol(uow: UnitOfWork, enrolment: Enrolment, now: datetime, actor: str) -> None:
    """Charge an account by a plan, and post the plan's connection fee once.

    Raises InvalidInput when it would change what the account was charged already.
    """
    known = uow.enrolments.get(enrolment.id) is not None
    charged_micro = _accrued_micro(uow, enrolment.account_id)
    _put_in_force(uow, enrolment, now, actor)
    changed_micro = _accrued_micro(uow, enrolment.account_id) - charged_micro
    if charged_micro and changed_micro and not known:
        what = f"enrolment '{enrolment.id}' begins at {enrolment.from_at.isoformat()}, and would change what account "
        what += f"'{enrolment.account_id}' was charged since by {changed_micro // 1_000_000:+} minor units"
        why = "what was used keeps its price, or a debt could be wiped away by one person"
        raise InvalidInput(Problem("MG-A025", what, why, "let it begin now, or ask for it with a second person"))


def enrol_as_agreed(uow: UnitOfWork, enrolment: Enrolment, now: datetime, actor: str) -> None:
    """Charge an account by a plan as two people have agreed, also for what was charged already."""
    _put_in_force(uow, enrolment, now, actor)


def request(enrolment: Enrolment) -> Mapping[str, object]:
    """Return all that is needed to do this when another person has agreed."""
    fields = {"id": enrolment.id, "account_id": enrolment.account_id, "plan_id": enrolment.plan_id}
    return {**fields, "from_at": enrolment.from_at.isoformat()}


def requested(request: Mapping[str, object]) -> Enrolment:
    """Return the enrolment that was asked for."""
    words = {name: str(text) for name, text in request.items()}
    return Enrolment(words["id"], words["account_id"], words["plan_id"], datetime.fromisoformat(words["from_at"]))


def _put_in_force(uow: UnitOfWork, enrolment: Enrolment, now: datetime, actor: str) -> None:
    account_id = enrolment.account_id
    with charging.rewriting(uow, account_id):
        customers.add_enrolment(uow, enrolment, now)
    subject = f"account:{account_id}"
    customers.note(uow, f"enrolment:{enrolment.id}", now, actor, f"enrol {enrolment.plan_id}", subject)
    standing = stand(uow, account_id)
    plan = standing.plan_at(max(enrolment.from_at, now))
    if plan is not None:
        charging.charge_fee(uow, standing, plan, now)
    if plan is not None and isinstance(plan.rules, LeaseRules):
        started_on = local_day(enrolment.from_at, standing.zone)
        leasing.sign(uow, Signature(enrolment.id, account_id, enrolment.plan_id, started_on), now)


def _accrued_micro(uow: UnitOfWork, account_id: str) -> int:
    return uow.credits.lock((account_id,))[account_id].accrued_micro
