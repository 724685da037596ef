"""What a file of users gives: the groups of customers in it, and what was assumed to understand them."""

from __future__ import annotations

from dataclasses import dataclass

from sim.demand.appliances import User


@dataclass(frozen=True, slots=True)
class UserList:
    """Groups of customers read from a file, and every assumption made on the way, one sentence each."""

    users: tuple[User, ...]
    notes: tuple[str, ...]
