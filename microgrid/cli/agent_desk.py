"""Commands for agents and their cash."""

from __future__ import annotations

import os
import re
from pathlib import Path

import typer

from microgrid import access, agents
from microgrid.api.agents import RECEIPT
from microgrid.api.bodies import plain
from microgrid.billing.agent_cash import Sale
from microgrid.cli.operating import above_zero, actor
from microgrid.cli.output import write_json
from microgrid.cli.serving import open_core
from microgrid.customers.agents import Agent, Handover
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import Core

PAGE = 500


def add(folder: Path, agent_id: str, name: str, site: str, limit_minor: int, phone: str | None) -> None:
    """Add an agent."""
    _limit(limit_minor)
    _tell(agents.add_agent(open_core(folder), Agent(agent_id, name, phone, site, limit_minor), actor()))


def show(folder: Path, agent_id: str) -> None:
    """Show an agent with its cash."""
    write_json("microgrid.agent/1", plain(agents.agent(open_core(folder), agent_id, actor())))


def set_limit(folder: Path, agent_id: str, limit_minor: int) -> None:
    """Change how much cash an agent may hold."""
    _tell(agents.set_limit(open_core(folder), agent_id, _limit(limit_minor), actor()))


def close(folder: Path, agent_id: str) -> None:
    """End the selling of an agent."""
    _tell(agents.close_agent(open_core(folder), agent_id, actor()))


def sell(folder: Path, agent_id: str, receipt: str, amount_minor: int, reference: str, *, as_agent: bool) -> None:
    """Sell for cash."""
    if re.fullmatch(RECEIPT, receipt) is None:
        what = f"{receipt[:60]!r} is no number of a receipt"
        raise InvalidInput(Problem("MG-P005", what, fix="use at most 20 letters, digits, hyphens and slashes"))
    core = open_core(folder)
    asked = Sale(agent_id, receipt, above_zero(amount_minor), reference)
    sold = agents.sell(core, asked, _person(core, as_agent=as_agent))
    write_json("microgrid.payment/1", {"payment": plain(sold.payment), "is_new": sold.is_new})


def offer(folder: Path, agent_id: str, handover_id: str, amount_minor: int, *, debt: bool, as_agent: bool) -> None:
    """Say how much cash goes to the office."""
    core = open_core(folder)
    person = _person(core, as_agent=as_agent)
    offered = agents.handover_of(core, handover_id, agent_id, above_zero(amount_minor), person, debt=debt)
    _show(agents.offer_handover(core, offered, person))


def agree(folder: Path, handover_id: str, amount_minor: int, *, as_agent: bool) -> None:
    """Agree to a hand-over with the amount counted."""
    core = open_core(folder)
    _show(agents.agree_handover(core, handover_id, above_zero(amount_minor), _person(core, as_agent=as_agent)))


def withdraw(folder: Path, handover_id: str, *, as_agent: bool) -> None:
    """Take back a hand-over that is not agreed, or decline it."""
    core = open_core(folder)
    _show(agents.withdraw_handover(core, handover_id, _person(core, as_agent=as_agent)))


def list_overdue(folder: Path, days: int) -> None:
    """List agents who have held cash of sales for too long."""
    core = open_core(folder)
    found: list[Agent] = []
    after = ""
    while True:
        page = agents.overdue_agents(core, days, after, PAGE)
        found += page.items
        if page.next is None:
            break
        after = page.next
    write_json("microgrid.agents/1", {"agents": plain(found)})


def _person(core: Core, *, as_agent: bool) -> str:
    """Return who speaks: the person at the keyboard, or an agent who proves it with its own key."""
    if not as_agent:
        return actor()
    token = os.environ.get("MICROGRID_AGENT_KEY") or typer.prompt("Key of the agent", hide_input=True, err=True)
    key = access.find_key(core, token)
    if key is None or not key.person.startswith(access.AGENT):
        what = "this is not the key of an agent"
        raise InvalidInput(Problem("MG-A042", what, fix="make one: microgrid api-key new NAME --for sales --agent A-7"))
    return key.person


def _limit(limit_minor: int) -> int:
    if limit_minor < 0:
        raise InvalidInput(Problem("MG-P005", f"{limit_minor} is no limit", fix="give minor units, zero or more"))
    return limit_minor


def _tell(found: Agent) -> None:
    write_json("microgrid.agent/1", {"agent": plain(found)})


def _show(found: Handover) -> None:
    write_json("microgrid.handover/1", {"handover": plain(found)})
