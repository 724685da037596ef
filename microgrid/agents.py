"""What agents and the office do about cash, one function each: sell, hand over, agree, withdraw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from microgrid.billing import agent_cash, ledger
from microgrid.billing.agent_cash import Sale
from microgrid.billing.service import Receipt
from microgrid.billing.sightings import Seen
from microgrid.customers import service as customers
from microgrid.customers.agents import Agent, Handover, Source
from microgrid.flows import book_seen, send
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.switching import service as switching
from microgrid.switching.service import Order
from microgrid.views import Line, Page, line_of, need_journal

Result = TypeVar("Result")
OPEN_SHOWN = 20


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent with the cash it holds, what it owes, and what moved its float; what it took is positive."""

    agent: Agent
    currency: str
    held_minor: int
    owed_minor: int
    holds_since: datetime | None
    waiting: Sequence[Handover]
    lines: Sequence[Line]
    next: str | None


def add_agent(core: Core, agent: Agent, actor: str) -> Agent:
    """Add somebody who sells for cash."""
    return _do(core, f"agent:{agent.id}:add", actor, "add agent", agent.id, lambda uow, _: agent_cash.add(uow, agent))


def set_limit(core: Core, agent_id: str, float_limit_minor: int, actor: str) -> Agent:
    """Change how much cash an agent may hold."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Agent:
        agent = agent_cash.set_limit(uow, agent_id, float_limit_minor)
        subject = f"agent:{agent_id}"
        key = f"{subject}:limit:{len(uow.audit.where(subject=subject)) + 1}"
        customers.note(uow, key, now, actor, "set float limit", subject, str(float_limit_minor))
        return agent

    return transact(core.store, flow)


def close_agent(core: Core, agent_id: str, actor: str) -> Agent:
    """End the selling of an agent."""
    key = f"agent:{agent_id}:close"
    return _do(core, key, actor, "close agent", agent_id, lambda uow, now: agent_cash.close(uow, agent_id, now))


def sell(core: Core, asked: Sale, actor: str) -> Receipt:
    """Credit a customer with cash that an agent takes, and send the customer the agent's numbered receipt."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Receipt, Sequence[Order]]:
        agent_cash.refuse_other_agent(actor, asked.agent_id)
        payment = agent_cash.sale(uow, asked, now)
        receipt = book_seen(uow, core.keys, Seen(payment, channel="cash"), None, now)
        if receipt.is_new:
            agent_cash.tell_payer(uow, receipt.payment, now)
        customers.note(uow, f"sale:{payment.id}", now, actor, "sell", f"agent:{asked.agent_id}", payment.id)
        return receipt, switching.settle(uow, receipt.touched, now)

    receipt, orders = transact(core.store, flow)
    send(core, orders)
    return receipt


def offer_handover(core: Core, offered: Handover, actor: str) -> Handover:
    """Say how much cash goes from an agent to the office."""
    key = f"handover:{offered.id}:offer"
    return _do(core, key, actor, "offer hand-over", offered.agent_id, lambda uow, _: agent_cash.offer(uow, offered))


def agree_handover(core: Core, handover_id: str, amount_minor: int, person: str) -> Handover:
    """Agree to a hand-over with the amount counted; it is booked when that is the amount offered."""
    return _decide(
        core,
        handover_id,
        person,
        "agree to hand-over",
        lambda uow, now: agent_cash.agree(uow, handover_id, amount_minor, person, now),
    )


def withdraw_handover(core: Core, handover_id: str, person: str) -> Handover:
    """Take back a hand-over that is not agreed, or decline it."""
    return _decide(
        core,
        handover_id,
        person,
        "withdraw hand-over",
        lambda uow, now: agent_cash.withdraw(uow, handover_id, person, now),
    )


def handover_of(core: Core, handover_id: str, agent_id: str, amount_minor: int, person: str, *, debt: bool) -> Handover:
    """Return a hand-over in the currency of its agent; `debt` pays back cash that was missing before."""
    with core.store.read() as uow:
        agent = customers.need(uow.agents, agent_id, "agent")
        currency = customers.need(uow.sites, agent.site_id, "site").currency
    source: Source = "receivable" if debt else "float"
    return Handover(handover_id, agent_id, amount_minor, currency, source, person, core.clock.now())


def agent(core: Core, agent_id: str, person: str, after: str = "", limit: int = 100) -> AgentView:
    """Return an agent with its cash and a part of what moved it, oldest first; agents see themselves alone."""
    agent_cash.refuse_other_agent(person, agent_id)
    with core.store.read() as uow:
        found = customers.need(uow.agents, agent_id, "agent")
        name = ledger.agent_float(agent_id)
        if after:
            need_journal(uow, after)
        journals = uow.ledger.journals_of(name, after, limit + 1)
        waiting = [row for row in uow.handovers.where(agent_id=agent_id) if row.is_open]
        return AgentView(
            found,
            customers.need(uow.sites, found.site_id, "site").currency,
            agent_cash.held_minor(uow, found),
            agent_cash.held_minor(uow, found, "receivable"),
            agent_cash.holds_since(uow, found),
            waiting[-OPEN_SHOWN:],
            [line_of(journal, name, sign=1) for journal in journals[:limit]],
            journals[limit - 1].id if len(journals) > limit else None,
        )


def overdue_agents(core: Core, days: int, after: str, limit: int) -> Page:
    """Return agents, of the next ones by id, who have held cash for so many days without handing any over."""
    now = core.clock.now()
    with core.store.read() as uow:
        rows = uow.agents.page(after, limit + 1)
        late = [row for row in rows[:limit] if agent_cash.is_overdue(uow, row, now, days)]
    return Page(late, rows[limit - 1].id if len(rows) > limit else None)


def _do(
    core: Core, key: str, actor: str, action: str, agent_id: str, do: Callable[[UnitOfWork, datetime], Result]
) -> Result:
    """Do something about an agent and write down who did, once per key."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Result:
        done = do(uow, now)
        customers.note(uow, key, now, actor, action, f"agent:{agent_id}")
        return done

    return transact(core.store, flow)


def _decide(
    core: Core, handover_id: str, person: str, action: str, do: Callable[[UnitOfWork, datetime], Handover]
) -> Handover:
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Handover:
        done = do(uow, now)
        subject = f"agent:{done.agent_id}"
        customers.note(uow, f"{action}:{handover_id}", now, person, action, subject, f"{done.amount_minor}")
        return done

    return transact(core.store, flow)
