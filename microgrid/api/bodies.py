"""What requests carry: checked here once, with every mistake said, then frozen records."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from microgrid.billing import plans
from microgrid.billing.plans import PlanVersion
from microgrid.currency import CODES
from microgrid.customers import records
from microgrid.monitoring.readings import Reading
from microgrid.switching.supply import FailPolicy

LARGEST = 2**62  # of a number: sums of two still fit into a database
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _printable(text: str) -> str:
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


Id = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_printable)]
Text = Annotated[str, Field(max_length=200), AfterValidator(_printable)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_range)]
Stamp = Annotated[AwareDatetime, AfterValidator(_utc)]
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

    def record(self) -> records.Site:
        """Return the record."""
        policy = FailPolicy(**self.fail_policy.model_dump())
        return records.Site(self.id, self.name, self.timezone, self.currency, self.exponent, policy)


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

    def record(self) -> records.Connection:
        """Return the record."""
        return records.Connection(self.id, self.account_id, self.site_id, self.priority, self.critical, self.phase)


class MeterBody(Body):
    """A device that measures and switches."""

    id: Id
    profile: Literal["T", "S", "M"] = "M"

    def record(self) -> records.Meter:
        """Return the record."""
        return records.Meter(self.id, self.profile)


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


class BlockBody(Body):
    """A step of a block tariff; the last one has no upper end."""

    up_to_wh: Positive | None = None
    price_milli_minor_per_kwh: Small


class BandBody(Body):
    """A time-of-use band of the local day."""

    from_minute: Minute
    to_minute: Minute
    price_milli_minor_per_kwh: Small


class EnergyBody(Body):
    """Per kWh."""

    kind: Literal["energy"]
    blocks: Annotated[list[BlockBody], Field(min_length=1, max_length=20)]
    bands: Annotated[list[BandBody], Field(max_length=48)] = []
    free_wh_per_month: Small = 0

    def record(self) -> plans.EnergyRules:
        """Return the rules."""
        return plans.EnergyRules(
            tuple(plans.Block(**block.model_dump()) for block in self.blocks),
            tuple(plans.Band(**band.model_dump()) for band in self.bands),
            self.free_wh_per_month,
        )


class TimeBody(Body):
    """Per day, week or month of supply."""

    kind: Literal["time"]
    price_minor: Positive
    days: Annotated[int, Field(ge=1, le=366, strict=True)]
    power_limit_w: Small | None = None
    daily_wh: Small | None = None

    def record(self) -> plans.TimeRules:
        """Return the rules."""
        return plans.TimeRules(self.price_minor, self.days, self.power_limit_w, self.daily_wh)


class PostpaidBody(Body):
    """Energy on credit, billed each local month."""

    kind: Literal["postpaid"]
    energy: EnergyBody
    due_days: Annotated[int, Field(ge=0, le=365, strict=True)]
    grace_days: Annotated[int, Field(ge=0, le=365, strict=True)]
    credit_limit_minor: Whole

    def record(self) -> plans.PostpaidRules:
        """Return the rules."""
        return plans.PostpaidRules(self.energy.record(), self.due_days, self.grace_days, self.credit_limit_minor)


class LeaseBody(Body):
    """Lease to own."""

    kind: Literal["lease"]
    deposit_minor: Whole
    instalment_minor: Positive
    days: Annotated[int, Field(ge=1, le=366, strict=True)]
    instalments: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    grace_days: Annotated[int, Field(ge=0, le=365, strict=True)] = 0

    def record(self) -> plans.LeaseRules:
        """Return the rules."""
        return plans.LeaseRules(self.deposit_minor, self.instalment_minor, self.days, self.instalments, self.grace_days)


class TaxBody(Body):
    """Tax on sales in millionths, in the price or on top of it."""

    rate_ppm: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] = 0
    included: bool = True


class PlanBody(Body):
    """One version of a plan, in force from a moment until the next version."""

    plan_id: Id
    version: Annotated[int, Field(ge=1, le=100_000, strict=True)] = 1
    effective_from: Moment
    currency: Currency
    rules: Annotated[EnergyBody | TimeBody | PostpaidBody | LeaseBody, Field(discriminator="kind")]
    tax: TaxBody = TaxBody()
    connection_fee_minor: Whole = 0
    warn_below_minor: Whole = 0

    def record(self) -> PlanVersion:
        """Return the record."""
        return PlanVersion(
            self.plan_id,
            self.version,
            self.effective_from,
            self.currency,
            self.rules.record(),
            plans.Tax(self.tax.rate_ppm, self.tax.included),
            self.connection_fee_minor,
            self.warn_below_minor,
        )


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
        return {each.name: plain(getattr(value, each.name), zone) for each in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(each, zone) for key, each in value.items()}
    return [plain(each, zone) for each in value] if isinstance(value, (tuple, list)) else value
