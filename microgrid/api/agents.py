"""Routes for cash: agents who sell, and the hand-overs that both sides agree to."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from microgrid import agents, views
from microgrid.api.bodies import Body, Id, Name, Phone, Positive, Whole, plain
from microgrid.api.calls import Call, allowed
from microgrid.api.registry import After, Key, Limit, ToRead
from microgrid.billing import agent_cash
from microgrid.customers.agents import Agent

router = APIRouter()
ToKeepAgents = Annotated[Call, allowed("agents")]
ToSell = Annotated[Call, allowed("sales")]
OfBothSides = Annotated[Call, allowed("sales", "agents")]
OfOne = Annotated[Call, allowed("read", "sales")]
Days = Annotated[int, Query(ge=0, le=366)]
RECEIPT = r"^[A-Za-z0-9][A-Za-z0-9/-]{0,19}$"


class AgentBody(Body):
    """Somebody who sells for cash, and how much of it they may hold."""

    id: Id
    name: Name
    phone: Phone | None = None
    site_id: Id
    float_limit_minor: Whole

    def record(self) -> Agent:
        """Return the record."""
        return Agent(self.id, self.name, self.phone, self.site_id, self.float_limit_minor)


class LimitBody(Body):
    """How much cash an agent may hold from now on."""

    float_limit_minor: Whole


class SaleBody(Body):
    """What an agent is about to take, under the number of the agent's own receipt."""

    receipt: Annotated[str, Field(pattern=RECEIPT)]
    amount_minor: Positive
    reference: Annotated[Name, Field(description="Account, meter or phone of the customer.")]


class HandoverBody(Body):
    """How much cash goes from an agent to the office; `debt` pays back cash that was missing before."""

    id: Id
    amount_minor: Positive
    debt: bool = False


class CountedBody(Body):
    """What the other side has counted."""

    amount_minor: Positive


@router.post("/agents", status_code=201)
def add_agent(body: AgentBody, call: ToKeepAgents) -> Response:
    """Add an agent."""
    return call.once(body, lambda: agents.add_agent(call.core, body.record(), call.actor))


@router.get("/agents")
def list_agents(call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List agents by id."""
    return plain(views.page(call.core, "agents", after, limit))


@router.get("/agents/overdue")
def list_overdue(call: ToRead, days: Days = 7, after: After = "", limit: Limit = 100) -> Any:
    """List agents who have held cash of sales for so many days; go on with `next` until there is none."""
    return plain(agents.overdue_agents(call.core, days, after, limit))


@router.get("/agents/{agent_id}")
def show_agent(agent_id: Key, call: OfOne, after: After = "", limit: Limit = 100) -> Any:
    """Show what an agent holds and owes, and what moved it, oldest line first."""
    return plain(agents.agent(call.core, agent_id, call.person, after, limit))


@router.post("/agents/{agent_id}/limit", status_code=201)
def set_limit(agent_id: Key, body: LimitBody, call: ToKeepAgents) -> Response:
    """Change how much cash an agent may hold."""
    return call.once(body, lambda: agents.set_limit(call.core, agent_id, body.float_limit_minor, call.actor))


@router.post("/agents/{agent_id}/close", status_code=201)
def close_agent(agent_id: Key, call: ToKeepAgents) -> Response:
    """End the selling of an agent."""
    return call.once(None, lambda: agents.close_agent(call.core, agent_id, call.actor))


@router.post("/agents/{agent_id}/sales", status_code=201)
def sell(agent_id: Key, body: SaleBody, call: ToSell) -> Response:
    """Sell for cash; when this is refused, no cash may be taken."""
    asked = agent_cash.Sale(agent_id, body.receipt, body.amount_minor, body.reference)
    return call.once(body, lambda: agents.sell(call.core, asked, call.person).payment)


@router.post("/agents/{agent_id}/handovers", status_code=201)
def offer_handover(agent_id: Key, body: HandoverBody, call: OfBothSides) -> Response:
    """Say how much cash goes to the office; it counts when the other side agrees."""

    def offer() -> Any:
        offered = agents.handover_of(call.core, body.id, agent_id, body.amount_minor, call.person, debt=body.debt)
        return agents.offer_handover(call.core, offered, call.person)

    return call.once(body, offer)


@router.post("/handovers/{handover_id}/agree", status_code=201)
def agree_handover(handover_id: Key, body: CountedBody, call: OfBothSides) -> Response:
    """Agree to a hand-over with the amount counted; another amount is shown and not booked."""
    return call.once(body, lambda: agents.agree_handover(call.core, handover_id, body.amount_minor, call.person))


@router.post("/handovers/{handover_id}/withdraw", status_code=201)
def withdraw_handover(handover_id: Key, call: OfBothSides) -> Response:
    """Take back a hand-over that is not agreed, or decline it."""
    return call.once(None, lambda: agents.withdraw_handover(call.core, handover_id, call.person))
