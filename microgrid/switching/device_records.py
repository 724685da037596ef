"""What is kept of devices beside their keys: models, who may come to the broker, and who has taken a meter over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Profile = Literal["T", "S", "M"]
Unit = Literal["none", "day", "100 Wh"]
UserKind = Literal["meter", "gateway"]


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """A kind of device: what it can do, how often it is heard, and what one unit of its tokens means.

    `link` is the way to devices of this model: `mqtt` where they speak our protocol on the broker.
    """

    id: str
    profile: Profile
    expected_contact_s: int | None = None  # None: it is never heard
    unit: Unit = "none"  # what one unit of its tokens means
    link: str = "mqtt"


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """A device that may come to the broker, under its own name and with a password that only it knows.

    The password is kept, sealed, until it was handed out once; then only its hash is left.
    """

    id: str  # the name, which is that of the meter or gateway
    site_id: str
    kind: UserKind
    password_hash: str = field(repr=False)  # as Mosquitto checks it
    sealed_password: bytes = field(repr=False)
    issued_at: datetime
    shown_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The code on the label of a meter, by which whoever has it in the hands takes it over, once; only its hash."""

    id: str  # the meter
    code_hash: str
    site_id: str
    issued_at: datetime
    claimed_at: datetime | None = None
    claimed_by: str = ""
