"""Who is supplied where: frozen records with ids that come from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from microgrid.switching.supply import FailPolicy

Priority = Literal["critical", "standard", "deferrable"]

PREPAID = FailPolicy()  # when credit ends, supply ends


@dataclass(frozen=True, slots=True)
class Site:
    """A village or branch. Its currency, exponent and zone never change."""

    id: str
    name: str
    timezone: str
    currency: str
    exponent: int  # minor units in one unit: 10 ** exponent; frozen here because libraries' tables change
    fail_policy: FailPolicy = PREPAID


@dataclass(frozen=True, slots=True)
class Customer:
    """A person or business that pays."""

    id: str
    name: str
    phone: str | None = None  # E.164
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Account:
    """What a customer pays into, at one site."""

    id: str
    customer_id: str
    site_id: str
    opened_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """From when an account is charged by a plan, until the next enrolment."""

    id: str
    account_id: str
    plan_id: str
    from_at: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """A place where supply is delivered, paid from one account."""

    id: str
    account_id: str
    site_id: str
    priority: Priority = "standard"
    critical: bool = False  # a clinic: limited, never cut
    phase: int = 1


@dataclass(frozen=True, slots=True)
class Meter:
    """A device that measures and switches."""

    id: str
    profile: Literal["T", "S", "M"] = "M"


@dataclass(frozen=True, slots=True)
class Fit:
    """A meter at a connection during one register epoch; a swap or a reset begins another."""

    id: str
    meter_id: str
    connection_id: str
    epoch: int
    fitted_at: datetime
    first_register_wh: int
    removed_at: datetime | None = None
    last_register_wh: int | None = None
