"""Cash that agents take, hold and hand over, on an open transaction.

An agent's float is an account of the books: sales raise it, hand-overs to the office lower it once both sides agree.
A sale is asked for before the cash is taken, so it may be refused; an agent's row is held meanwhile, so that two sales
at once cannot pass the limit together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from microgrid.billing import ledger
from microgrid.billing.ledger import Entry, Journal
from microgrid.billing.payments import Payment, payment_id
from microgrid.customers.agents import Agent, Handover, Source, person_of, side_of
from microgrid.customers.matching import find_account
from microgrid.customers.records import Site
from microgrid.customers.references import is_typeable
from microgrid.customers.service import absent, add_once, contradiction, need, refuse, unknown
from microgrid.errors import Contradiction, InvalidInput, Problem
from microgrid.kept import OutboxItem
from microgrid.ports import UnitOfWork
from microgrid.switching.reasons import amount_text, moment_text


@dataclass(frozen=True, slots=True)
class Sale:
    """What an agent is about to take from a customer, under the number of the agent's own receipt."""

    agent_id: str
    receipt: str
    amount_minor: int
    reference: str  # account, meter or phone


def add(uow: UnitOfWork, agent: Agent) -> Agent:
    """Add an agent; the same again is a success, also after it was closed."""
    problems = absent((uow.sites, "site", agent.site_id))
    if not is_typeable(agent.id):
        what = f"the agent id {agent.id[:60]!r} cannot be typed on every phone"
        problems.append(Problem("MG-A003", what, fix="use at most 24 capitals, digits and hyphens, such as A-7"))
    refuse(problems)
    known = uow.agents.get(agent.id)
    if known is None:
        return add_once(uow.agents, agent, agent.id, "agent")
    if replace(known, closed_at=None) != agent:
        raise Contradiction(contradiction("MG-A002", "agent", agent.id, known, agent))
    return known


def set_limit(uow: UnitOfWork, agent_id: str, float_limit_minor: int) -> Agent:
    """Let an agent hold at most so much cash from now on."""
    after = replace(_held(uow, agent_id), float_limit_minor=float_limit_minor)
    uow.agents.put(after)
    return after


def close(uow: UnitOfWork, agent_id: str, now: datetime) -> Agent:
    """End the selling of an agent; closed already is a success, and cash can still be handed over."""
    agent = _held(uow, agent_id)
    if agent.closed_at is None:
        agent = replace(agent, closed_at=now)
        uow.agents.put(agent)
    return agent


def sale(uow: UnitOfWork, asked: Sale, now: datetime) -> Payment:
    """Return the payment of a sale that may be made; InvalidInput when the cash must not be taken.

    The same sale again is a success whatever the agent holds by now; the same receipt for another customer is refused.
    """
    agent = _held(uow, asked.agent_id)
    site = need(uow.sites, agent.site_id, "site")
    match = find_account(uow, asked.reference)
    key = payment_id(ledger.CASH, agent.id, asked.receipt)
    known = uow.payments.get(key)
    if match.account_id is None:
        near = f"it may mean {', '.join(match.suggestions)}" if match.suggestions else "ask the customer again"
        what = f"'{asked.reference[:60]}' names no customer"
        raise InvalidInput(Problem("MG-P052", what, "nothing was booked, so take no cash", near))
    if known is None:
        _refuse_sale(uow, agent, site, match.account_id, asked.amount_minor)
    elif known.reference != match.account_id:
        raise Contradiction(
            contradiction("MG-P054", "receipt", key, known, replace(known, reference=match.account_id)),
        )
    made = Payment(
        key, ledger.CASH, agent.id, asked.receipt, asked.amount_minor, site.currency, now, now, match.account_id
    )
    return replace(made, status="posted")


def tell_payer(uow: UnitOfWork, payment: Payment, now: datetime) -> None:
    """Put the numbered receipt of a sale into the outbox, as a text for the customer."""
    account = need(uow.accounts, payment.account_id or "", "account")
    customer, site = uow.customers.get(account.customer_id), need(uow.sites, account.site_id, "site")
    if customer is None or customer.phone is None:
        return
    paid = f"{amount_text(payment.amount_minor, site)} paid for {account.id} on {moment_text(payment.paid_at, site)}"
    text = f"Receipt {payment.receipt} of agent {payment.shortcode}: {paid}."
    uow.outbox.put(OutboxItem(f"receipt:{payment.id}", "sms", customer.phone, text, now, now))


def held_minor(uow: UnitOfWork, agent: Agent, source: Source = "float") -> int:
    """Return the cash an agent holds for us, or what it owes since cash was missing."""
    currency = need(uow.sites, agent.site_id, "site").currency
    return uow.ledger.balance_minor(_account(agent.id, source), currency)


def offer(uow: UnitOfWork, offered: Handover) -> Handover:
    """Keep what one side says goes to the office, until the other side agrees."""
    agent = _held(uow, offered.agent_id)
    refuse_other_agent(offered.offered_by, agent.id)
    known = uow.handovers.get(offered.id)
    if known is not None:
        asked = replace(offered, offered_at=known.offered_at)
        plain = replace(known, agreed_by="", agreed_at=None, withdrawn_by="", withdrawn_at=None)
        if plain != asked:
            raise Contradiction(contradiction("MG-A002", "hand-over", offered.id, plain, asked))
        return known
    _refuse_more(uow, agent, offered.source, offered.amount_minor)
    return add_once(uow.handovers, offered, offered.id, "hand-over")


def agree(uow: UnitOfWork, handover_id: str, amount_minor: int, person: str, now: datetime) -> Handover:
    """Book a hand-over when the other side counts the same amount; a different one is shown, and nothing is booked."""
    agent, handover = _both(uow, handover_id)
    refuse_other_agent(person, agent.id)
    if handover.agreed_at is not None and (handover.agreed_by, handover.amount_minor) == (person, amount_minor):
        return handover
    _refuse_closed(handover)
    if side_of(person, agent.id) == side_of(handover.offered_by, agent.id):
        what = f"hand-over '{handover_id}' was offered by {handover.offered_by}, so {person} cannot agree to it"
        other = "the office" if side_of(person, agent.id) == "agent" else "the agent, with the agent's own key"
        raise InvalidInput(Problem("MG-P056", what, "both sides stand for the amount", f"it needs {other}"))
    if amount_minor != handover.amount_minor:
        what = f"{handover.offered_by} said {handover.amount_minor}, {person} counted {amount_minor} minor units"
        fix = "count together; withdraw this hand-over and offer the amount that is there"
        raise InvalidInput(Problem("MG-P055", what, "the hand-over was not booked", fix))
    _refuse_more(uow, agent, handover.source, amount_minor)
    lines = (Entry(ledger.office_cash(), amount_minor), Entry(_account(agent.id, handover.source), -amount_minor))
    key = f"handover:{handover_id}"
    uow.ledger.post(Journal(key, "handover", handover.currency, now, handover.offered_at, lines))
    agreed = replace(handover, agreed_by=person, agreed_at=now)
    uow.handovers.put(agreed)
    return agreed


def withdraw(uow: UnitOfWork, handover_id: str, person: str, now: datetime) -> Handover:
    """Take back a hand-over that is not agreed, or decline it; withdrawn already is a success."""
    agent, handover = _both(uow, handover_id)
    refuse_other_agent(person, agent.id)
    if handover.withdrawn_at is not None:
        return handover
    _refuse_closed(handover)
    withdrawn = replace(handover, withdrawn_by=person, withdrawn_at=now)
    uow.handovers.put(withdrawn)
    return withdrawn


def check_shortage(uow: UnitOfWork, agent_id: str, amount_minor: int) -> Agent:
    """Return an agent that holds at least so much by the books, held; InvalidInput when it holds less."""
    agent = _held(uow, agent_id)
    _refuse_more(uow, agent, "float", amount_minor)
    return agent


def book_shortage(uow: UnitOfWork, agent_id: str, amount_minor: int, journal_id: str, now: datetime, note: str) -> None:
    """Let an agent owe cash that is missing; the customers who paid it keep their credit."""
    agent = check_shortage(uow, agent_id, amount_minor)
    currency = need(uow.sites, agent.site_id, "site").currency
    lines = (
        Entry(ledger.agent_receivable(agent_id), amount_minor),
        Entry(ledger.agent_float(agent_id), -amount_minor),
    )
    uow.ledger.post(Journal(journal_id, "shortage", currency, now, now, lines, note=note))


def last_handover(uow: UnitOfWork, agent_id: str) -> Handover | None:
    """Return the newest hand-over of an agent's float that both sides agreed to."""
    rows = uow.handovers.where(agent_id=agent_id)
    agreed = [(row.agreed_at, row) for row in rows if row.agreed_at is not None and row.source == "float"]
    return max(agreed, key=lambda pair: pair[0])[1] if agreed else None


def holds_since(uow: UnitOfWork, agent: Agent) -> datetime | None:
    """Return since when an agent has taken cash that was not handed over, or nothing when it holds none."""
    if held_minor(uow, agent) <= 0:
        return None
    last = last_handover(uow, agent.id)
    after = f"handover:{last.id}" if last is not None else ""
    first = uow.ledger.journals_of(ledger.agent_float(agent.id), after, 1)
    if first:
        return first[0].posted_at
    return None if last is None else last.agreed_at


def is_overdue(uow: UnitOfWork, agent: Agent, now: datetime, days: int) -> bool:
    """Say whether an agent holds cash of sales and has handed over none for so many days."""
    since = holds_since(uow, agent)
    return since is not None and now - since >= timedelta(days=days)


def refuse_other_agent(person: str, agent_id: str) -> None:
    """Refuse an agent who acts for another one."""
    if person.startswith(person_of("")) and person != person_of(agent_id):
        what = f"{person} cannot act for agent '{agent_id}'"
        raise InvalidInput(Problem("MG-A042", what, fix="use the agent's own key"))


def _refuse_sale(uow: UnitOfWork, agent: Agent, site: Site, account_id: str, amount_minor: int) -> None:
    problems: list[Problem] = []
    why = "nothing was booked, so take no cash"
    account = need(uow.accounts, account_id, "account")
    if agent.closed_at is not None:
        what = f"agent '{agent.id}' was closed on {moment_text(agent.closed_at, site)}"
        problems.append(Problem("MG-P052", what, why, "let another agent sell, or the office"))
    if need(uow.sites, account.site_id, "site").currency != site.currency:
        what = f"account '{account_id}' is not kept in {site.currency}, in which agent '{agent.id}' sells"
        problems.append(Problem("MG-P052", what, why, "let an agent of the customer's own site sell"))
    held = held_minor(uow, agent)
    if held + amount_minor > agent.float_limit_minor:
        limit = amount_text(agent.float_limit_minor, site)
        what = f"agent '{agent.id}' holds {amount_text(held, site)}; the limit is {limit}"
        what += f", so {amount_text(amount_minor, site)} more cannot be taken"
        problems.append(Problem("MG-P053", what, why, "hand over the cash to the office first"))
    refuse(problems)


def _refuse_more(uow: UnitOfWork, agent: Agent, source: Source, amount_minor: int) -> None:
    held = held_minor(uow, agent, source)
    if amount_minor > held:
        verb = "holds" if source == "float" else "owes"
        what = f"agent '{agent.id}' {verb} {held} by the books, less than {amount_minor} minor units"
        fix = "record the sales that are missing first, or name the right amount"
        raise InvalidInput(Problem("MG-P057", what, "nothing was booked", fix))


def _refuse_closed(handover: Handover) -> None:
    if not handover.is_open:
        done = "agreed to" if handover.agreed_at is not None else "withdrawn"
        by = handover.agreed_by or handover.withdrawn_by
        what = f"hand-over '{handover.id}' of {handover.amount_minor} minor units was {done} by {by}"
        raise InvalidInput(Problem("MG-P056", what, fix="offer a new one"))


def _both(uow: UnitOfWork, handover_id: str) -> tuple[Agent, Handover]:
    """Return a hand-over and its agent, both held, the agent first, as sales do."""
    agent = _held(uow, need(uow.handovers, handover_id, "hand-over").agent_id)
    handover = uow.handovers.hold(handover_id)
    assert handover is not None
    return agent, handover


def _held(uow: UnitOfWork, agent_id: str) -> Agent:
    agent = uow.agents.hold(agent_id)
    if agent is None:
        raise InvalidInput(unknown("agent", agent_id))
    return agent


def _account(agent_id: str, source: Source) -> str:
    return ledger.agent_float(agent_id) if source == "float" else ledger.agent_receivable(agent_id)
