"""`microgrid agent`: people who sell for cash, and the cash they hand over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.groups.options import FolderOption

agent = typer.Typer(help="People who sell for cash, and the cash they hand over.", no_args_is_help=True)
AgentId = Annotated[str, typer.Argument(help="Id of the agent, such as A-7.")]
Amount = Annotated[int, typer.Argument(help="In minor units: 50000 for KES 500.")]
HandoverId = Annotated[str, typer.Argument(help="Id of the hand-over.")]
AsAgent = Annotated[
    bool,
    typer.Option("--as-agent", help="The agent says so: asks for the agent's own key, or reads MICROGRID_AGENT_KEY."),
]


@agent.command("add")
def agent_add(
    agent_id: AgentId,
    name: Annotated[str, typer.Argument(help="Name of the agent.")],
    site: Annotated[str, typer.Argument(help="Where the agent sells.")],
    limit_minor: Annotated[int, typer.Argument(help="How much cash the agent may hold, in minor units.")],
    *,
    phone: Annotated[str | None, typer.Option(help="With country code, such as +254712000104.")] = None,
    folder: FolderOption = Path(),
) -> None:
    """Add an agent."""
    from microgrid.cli import agent_desk

    agent_desk.add(folder, agent_id, name, site, limit_minor, phone)


@agent.command("show")
def agent_show(agent_id: AgentId, *, folder: FolderOption = Path()) -> None:
    """Show what an agent holds and owes, and the first lines booked."""
    from microgrid.cli import agent_desk

    agent_desk.show(folder, agent_id)


@agent.command("limit")
def agent_limit(agent_id: AgentId, limit_minor: Amount, *, folder: FolderOption = Path()) -> None:
    """Change how much cash an agent may hold."""
    from microgrid.cli import agent_desk

    agent_desk.set_limit(folder, agent_id, limit_minor)


@agent.command("close")
def agent_close(agent_id: AgentId, *, folder: FolderOption = Path()) -> None:
    """End the selling of an agent; cash can still be handed over."""
    from microgrid.cli import agent_desk

    agent_desk.close(folder, agent_id)


@agent.command("sell")
def agent_sell(
    agent_id: AgentId,
    receipt: Annotated[str, typer.Argument(help="Number of the agent's own receipt.")],
    amount_minor: Amount,
    reference: Annotated[str, typer.Argument(help="Account, meter or phone of the customer.")],
    *,
    as_agent: AsAgent = False,
    folder: FolderOption = Path(),
) -> None:
    """Credit a customer with cash an agent is about to take; when this is refused, no cash may be taken."""
    from microgrid.cli import agent_desk

    agent_desk.sell(folder, agent_id, receipt, amount_minor, reference, as_agent=as_agent)


@agent.command("offer")
def agent_offer(
    agent_id: AgentId,
    handover: HandoverId,
    amount_minor: Amount,
    *,
    debt: Annotated[bool, typer.Option("--debt", help="Pays back cash that was missing before.")] = False,
    as_agent: AsAgent = False,
    folder: FolderOption = Path(),
) -> None:
    """Say how much cash goes from an agent to the office."""
    from microgrid.cli import agent_desk

    agent_desk.offer(folder, agent_id, handover, amount_minor, debt=debt, as_agent=as_agent)


@agent.command("agree")
def agent_agree(
    handover: HandoverId, amount_minor: Amount, *, as_agent: AsAgent = False, folder: FolderOption = Path()
) -> None:
    """Agree to a hand-over with the amount counted; another amount is shown and not booked."""
    from microgrid.cli import agent_desk

    agent_desk.agree(folder, handover, amount_minor, as_agent=as_agent)


@agent.command("withdraw")
def agent_withdraw(handover: HandoverId, *, as_agent: AsAgent = False, folder: FolderOption = Path()) -> None:
    """Take back a hand-over that is not agreed, or decline it."""
    from microgrid.cli import agent_desk

    agent_desk.withdraw(folder, handover, as_agent=as_agent)


@agent.command("overdue")
def agent_overdue(
    *,
    days: Annotated[int, typer.Option(help="Without a hand-over for so many days.", min=0)] = 7,
    folder: FolderOption = Path(),
) -> None:
    """List agents who have held cash of sales for too long."""
    from microgrid.cli import agent_desk

    agent_desk.list_overdue(folder, days)
