"""Who is supplied where: frozen records with ids that come from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from microgrid.customers.references import spelling
from microgrid.switching.supply import FailPolicy

Priority = Literal["critical", "standard", "deferrable"]
CustomerClass = Literal["household", "business", "institution", "anchor"]
SiteKind = Literal["grid", "branch"]
PhoneKind = Literal["e164", "masked", "hashed"]

PREPAID = FailPolicy()  # when credit ends, supply ends


@dataclass(frozen=True, slots=True)
class Site:
    """A village with a grid, or a branch that looks after home systems; its currency and zone never change."""

    id: str
    name: str
    timezone: str
    currency: str
    exponent: int  # minor units in one unit: 10 ** exponent; frozen here because libraries' tables change
    fail_policy: FailPolicy = PREPAID
    kind: SiteKind = "grid"
    backdating_days_max: int = 45  # how far back a fit or an enrolment may begin


@dataclass(frozen=True, slots=True)
class Customer:
    """A person or business that pays."""

    id: str
    name: str
    phone: str | None = None  # E.164
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Phone:
    """A number a customer is known by: whole, with its middle hidden, or only its hash.

    The hash of a whole number is kept too, so that a payment that shows only a hash can be suggested to somebody.
    """

    id: str  # customer_id:number
    customer_id: str
    number: str  # E.164, or as the provider gave it
    kind: PhoneKind
    hash: str  # SHA-256 of the digits with country code; empty for a masked number
    tail: str  # last digits of a whole number, by which people find it however they write its beginning
    added_at: datetime
    ended_at: datetime | None = None  # the number has gone to somebody else


@dataclass(frozen=True, slots=True)
class NameWord:
    """A word of a customer's name without accents, in small letters: names are found by how a word begins."""

    id: str  # word/customer_id, so that words with one beginning lie side by side
    word: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class Account:
    """What a customer pays into, at one site."""

    id: str
    customer_id: str
    site_id: str
    opened_at: datetime
    closed_at: datetime | None = None
    spelling: str = field(default="", repr=False)  # of the id, by which references are found however they are typed

    def __post_init__(self) -> None:
        """Spell the id where nobody has yet."""
        if not self.spelling:
            object.__setattr__(self, "spelling", spelling(self.id))


@dataclass(frozen=True, slots=True)
class Enrolment:
    """From when an account is charged by a plan, until the next enrolment."""

    id: str
    account_id: str
    plan_id: str
    from_at: datetime


@dataclass(frozen=True, slots=True)
class Feeder:
    """A line from the powerhouse; what hangs on it goes dark together."""

    id: str
    site_id: str
    name: str
    power_limit_w: int | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A place where supply is delivered, paid from one account."""

    id: str
    account_id: str
    site_id: str
    priority: Priority = "standard"
    critical: bool = False  # a clinic: limited, never cut
    phase: int = 1
    feeder_id: str | None = None
    tier: int | None = None  # of the Multi-Tier Framework, 1 to 5
    customer_class: CustomerClass = "household"
    latitude_microdeg: int | None = None  # millionths of a degree, north positive
    longitude_microdeg: int | None = None  # east positive
    connected_on: date | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    """A device that measures and switches."""

    id: str
    profile: Literal["T", "S", "M"] = "M"
    rated_w: int | None = None  # more than this it cannot have measured; without: what no home can use
    model_id: str = ""  # of `DeviceModel`; without: what is usual for its profile
    spelling: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Spell the id where nobody has yet."""
        if not self.spelling:
            object.__setattr__(self, "spelling", spelling(self.id))


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
