"""People who sell for cash in the villages, and the cash they hand over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Source = Literal["float", "receivable"]
Side = Literal["agent", "office"]


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who takes cash for us; how much of it at a time is limited."""

    id: str
    name: str
    phone: str | None  # E.164
    site_id: str
    float_limit_minor: int
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """Cash that goes from an agent to the office: one side names the amount, and it counts when the other agrees.

    Its source is the agent's float, or what the agent owes since cash was missing.
    """

    id: str
    agent_id: str
    amount_minor: int
    currency: str
    source: Source
    offered_by: str
    offered_at: datetime
    agreed_by: str = ""
    agreed_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Say whether it waits for the other side."""
        return self.agreed_at is None and self.withdrawn_at is None


def person_of(agent_id: str) -> str:
    """Return how an agent is called where persons are written down."""
    return f"agent:{agent_id}"


def side_of(person: str, agent_id: str) -> Side:
    """Return for which side of a hand-over a person speaks."""
    return "agent" if person == person_of(agent_id) else "office"
