"""What people do about money that is to come: ask a customer to pay, and settle what needed a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from microgrid import asking
from microgrid.billing import enquiries
from microgrid.billing.pushes import Push
from microgrid.billing.sightings import Alarm, Sighted
from microgrid.customers.records import Account, Site
from microgrid.customers.service import need, note, unknown
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.views import Page, paged


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks a customer to pay; what is left empty is taken from the account."""

    id: str  # a UUID of whoever asks: the same request again asks nobody twice
    account_id: str
    amount_minor: int
    phone: str = ""
    line: str = ""  # the payment account, such as mpesa:600638
    reference: str = ""


def ask_to_pay(core: Core, wanted: Wanted, actor: str) -> Push:
    """Ask a customer to pay on their phone: kept first, sent after the commit, and followed until its end is known."""
    with core.store.read() as uow:
        known = uow.pushes.get(wanted.id)
        push = _repeated(known, wanted) if known is not None else _push(core, uow, wanted, actor)
    if known is None:
        core.providers[push.line].check(push)

    def flow(uow: UnitOfWork) -> Push:
        kept = enquiries.ask_to_pay(uow, push)
        note(uow, f"ask:{push.id}", push.asked_at, actor, "ask to pay", f"account:{push.account_id}", push.id)
        return kept

    kept = transact(core.store, flow)
    return asking.send_push(core, push.id) or kept


def settle_alarm(core: Core, alarm_id: str, actor: str, remark: str) -> Alarm:
    """Mark as dealt with what needed a person, with what was done about it."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Alarm:
        alarm = enquiries.settle_alarm(uow, alarm_id, now, actor, remark)
        note(uow, f"settle:{alarm_id}", now, actor, "settle alarm", alarm.subject, remark)
        return alarm

    return transact(core.store, flow)


def show(core: Core, push_id: str) -> Push:
    """Return a payment request; InvalidInput when there is none of this id."""
    with core.store.read() as uow:
        return need(uow.pushes, push_id, "payment request")


def page(core: Core, after: str, limit: int) -> Page:
    """Return the next payment requests by id."""
    with core.store.read() as uow:
        return paged(uow.pushes.page(after, limit + 1), limit)


def alarms(core: Core, after: str, limit: int, *, settled: bool) -> Page:
    """Return what needs a person by id; `settled` shows also what somebody dealt with."""
    with core.store.read() as uow:
        found = uow.alarms.page(after, limit + 1) if settled else uow.alarms.page(after, limit + 1, settled_by="")
        return paged(found, limit)


def sightings(core: Core, payment_id: str) -> Sequence[Sighted]:
    """Return by which channels a payment was seen, the first time first."""
    with core.store.read() as uow:
        return sorted(uow.sightings.where(payment_id=payment_id), key=lambda one: (one.seen_at, one.id))


def _push(core: Core, uow: UnitOfWork, wanted: Wanted, actor: str) -> Push:
    """Return the push somebody wants; InvalidInput with everything that keeps it from being asked for."""
    account = uow.accounts.get(wanted.account_id)
    if account is None:
        raise InvalidInput(unknown("account", wanted.account_id))
    site = need(uow.sites, account.site_id, "site")
    line, problems = _line(core, wanted, site)
    phone = wanted.phone or _phone_of(uow, account)
    if not phone:
        what = f"the customer of account '{account.id}' has no phone number"
        problems.append(Problem("MG-P028", what, "nobody can be asked to pay", "give the number, as +254712000104"))
    if account.closed_at is not None:
        problems.append(Problem("MG-P028", f"account '{account.id}' is closed", fix="ask for another account"))
    if problems:
        raise InvalidInput(*problems)
    provider, _, shortcode = line.partition(":")
    return Push(
        wanted.id,
        provider,
        shortcode,
        account.id,
        phone,
        wanted.amount_minor,
        site.currency,
        wanted.reference or account.id,
        core.clock.now(),
        actor,
    )


def _line(core: Core, wanted: Wanted, site: Site) -> tuple[str, list[Problem]]:
    """Return the payment account to ask through: the one named, or the only one in the currency of the site."""
    fitting = sorted(line for line, provider in core.providers.items() if provider.currency == site.currency)
    if wanted.line in fitting or (not wanted.line and len(fitting) == 1):
        return wanted.line or fitting[0], []
    named = f"'{wanted.line}' is no payment account that can ask" if wanted.line else "no payment account was named"
    why = f"accounts in {site.currency} with keys: {', '.join(fitting) or 'none'}"
    fix = "name one of them" if fitting else "add its keys to organisation.yaml and start the service again"
    return "", [Problem("MG-P027", f"{named} for {site.currency}", why, fix)]


def _phone_of(uow: UnitOfWork, account: Account) -> str:
    return need(uow.customers, account.customer_id, "customer").phone or ""


def _repeated(known: Push, wanted: Wanted) -> Push:
    """Return a request that came before as it comes now; a field left empty means what it meant the first time."""
    provider, _, shortcode = (wanted.line or known.line).partition(":")
    return replace(
        known,
        provider=provider,
        shortcode=shortcode,
        account_id=wanted.account_id,
        amount_minor=wanted.amount_minor,
        phone=wanted.phone or known.phone,
        reference=wanted.reference or known.reference,
    )
