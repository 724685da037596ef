"""What requests carry: checked here once, with every mistake said, then frozen records."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from microgrid.billing.local_time import is_period
from microgrid.billing.plans import PlanVersion
from microgrid.currency import CODES
from microgrid.customers import records
from microgrid.monitoring.readings import Reading
from microgrid.plan_file import PlanFile
from microgrid.switching.supply import FailPolicy

LARGEST = 2**62  # of a number: sums of two still fit into a database
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def printable(text: str) -> str:
    """Return a text that can be shown; refuses control characters."""
    if not text.isprintable():
        raise ValueError("only printable characters can be kept")
    return text


def _zone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no time zone of this name, write it as Africa/Nairobi") from None
    return name


def _currency(code: str) -> str:
    if code not in CODES:
        raise ValueError("no currency of ISO 4217")
    return code


def _in_range(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("a moment between the years 2000 and 2200")
    return moment.astimezone(UTC)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment between the years 1 and 9999") from None


def _day_in_range(day: date) -> date:
    if not is_period(day, day, 1):
        raise ValueError("a day between the years 2000 and 2200")
    return day


Id = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(printable)]
Text = Annotated[str, Field(max_length=200), AfterValidator(printable)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(printable)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_range)]
Stamp = Annotated[AwareDatetime, AfterValidator(_utc)]
Day = Annotated[date, AfterValidator(_day_in_range)]
Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, AfterValidator(_currency)]
Phone = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]
Whole = Annotated[int, Field(ge=0, le=LARGEST, strict=True)]
Positive = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
Small = Annotated[int, Field(ge=0, le=2**31, strict=True)]
Minute = Annotated[int, Field(ge=0, le=1440, strict=True)]


class Body(BaseModel):
    """What every request body has in common: no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FailPolicyBody(Body):
    """What a meter does alone after prepaid energy or time ends."""

    grace_s: Small = 0
    lifeline_w: Small = 0
    lifeline_s: Small = 0
    critical: bool = False
    quiet_from_s: Annotated[int, Field(ge=0, le=86_400, strict=True)] = 0
    quiet_to_s: Annotated[int, Field(ge=0, le=86_400, strict=True)] = 0
    quiet_max_wh: Small = 0


class SiteBody(Body):
    """A village or branch; currency, exponent and zone never change."""

    id: Id
    name: Name
    timezone: Zone
    currency: Currency
    exponent: Annotated[int, Field(ge=0, le=4, strict=True)]
    fail_policy: FailPolicyBody = FailPolicyBody()
    kind: Literal["grid", "branch"] = "grid"
    backdating_days_max: Annotated[int, Field(ge=0, le=36_500, strict=True)] = 45

    def record(self) -> records.Site:
        """Return the record."""
        policy = FailPolicy(**self.fail_policy.model_dump())
        frozen = (self.id, self.name, self.timezone, self.currency, self.exponent)
        return records.Site(*frozen, policy, self.kind, self.backdating_days_max)


class CustomerBody(Body):
    """A person or business that pays."""

    id: Id
    name: Name
    phone: Phone | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = "en"

    def record(self) -> records.Customer:
        """Return the record."""
        return records.Customer(self.id, self.name, self.phone, self.language)


class AccountBody(Body):
    """What a customer pays into, at one site; the id is what people type as reference."""

    id: Id
    customer_id: Id
    site_id: Id
    opened_at: Moment

    def record(self) -> records.Account:
        """Return the record."""
        return records.Account(self.id, self.customer_id, self.site_id, self.opened_at)


class ConnectionBody(Body):
    """A place where supply is delivered, paid from one account."""

    id: Id
    account_id: Id
    site_id: Id
    priority: Literal["critical", "standard", "deferrable"] = "standard"
    critical: bool = False
    phase: Annotated[int, Field(ge=1, le=3, strict=True)] = 1
    feeder_id: Id | None = None
    tier: Annotated[int, Field(ge=1, le=5, strict=True)] | None = None
    customer_class: Literal["household", "business", "institution", "anchor"] = "household"
    latitude_microdeg: Annotated[int, Field(ge=-90_000_000, le=90_000_000, strict=True)] | None = None
    longitude_microdeg: Annotated[int, Field(ge=-180_000_000, le=180_000_000, strict=True)] | None = None
    connected_on: date | None = None

    def record(self) -> records.Connection:
        """Return the record."""
        return records.Connection(**self.model_dump())


class MeterBody(Body):
    """A device that measures and switches."""

    id: Id
    profile: Literal["T", "S", "M"] = "M"
    rated_w: Annotated[int, Field(ge=1, le=10_000_000, strict=True)] | None = None
    model_id: Annotated[str, Field(max_length=64), AfterValidator(printable)] = ""  # says what it can do

    def record(self) -> records.Meter:
        """Return the record."""
        return records.Meter(self.id, self.profile, self.rated_w, self.model_id)


class FitBody(Body):
    """A meter at a connection from a register reading on."""

    id: Id
    meter_id: Id
    connection_id: Id
    epoch: Small = 1
    fitted_at: Moment
    first_register_wh: Whole

    def record(self) -> records.Fit:
        """Return the record."""
        return records.Fit(
            self.id, self.meter_id, self.connection_id, self.epoch, self.fitted_at, self.first_register_wh
        )


class RemovalBody(Body):
    """A meter taken off its connection, with its last register."""

    removed_at: Moment
    last_register_wh: Whole


class EnrolmentBody(Body):
    """From when an account is charged by a plan."""

    id: Id
    account_id: Id
    plan_id: Id
    from_at: Moment

    def record(self) -> records.Enrolment:
        """Return the record."""
        return records.Enrolment(self.id, self.account_id, self.plan_id, self.from_at)


class PlanBody(PlanFile):
    """One version of a plan, in force from a moment until the next version."""

    plan_id: Id
    version: Annotated[int, Field(ge=1, le=100_000, strict=True)] = 1
    effective_from: Moment

    def record(self) -> PlanVersion:
        """Return the record."""
        return self.version_of(self.plan_id, self.version, self.effective_from)


class ReadingBody(Body):
    """One row of a meter: its cumulative register at a moment."""

    epoch: Small = 1
    seq: Whole
    at: Stamp  # a meter's clock may be wrong by decades; one such row does not keep the others out
    register_wh: Whole
    power_w: Small | None = None
    voltage_dv: Small | None = None

    def record(self, meter_id: str) -> Reading:
        """Return the record of a meter."""
        return Reading(meter_id, self.epoch, self.seq, self.at, self.register_wh, self.power_w, self.voltage_dv)


class ReadingsBody(Body):
    """Rows of one meter, in any order, as often as one likes."""

    readings: Annotated[list[ReadingBody], Field(min_length=1, max_length=2000)]


class MoveBody(Body):
    """Where the money of a payment belongs, and why."""

    account_id: Id
    note: Name


class ReverseBody(Body):
    """Why a payment goes back to its payer."""

    note: Name


def plain(value: Any, zone: tzinfo = UTC) -> Any:
    """Return a record as JSON data; moments carry the offset of the zone."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name), zone) for each in fields(value) if each.repr}
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(each, zone) for key, each in value.items()}
    return [plain(each, zone) for each in value] if isinstance(value, (tuple, list)) else value
