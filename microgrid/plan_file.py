"""What people write to describe a plan, in a file or in a request: checked here once, with every mistake said."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from microgrid.billing import plans
from microgrid.billing.plans import ClassTax, Levy, PlanVersion, Tax
from microgrid.config_model import FileModel, Frozen, refusal
from microgrid.currency import CODES

Whole = Annotated[int, Field(ge=0, le=2**62, strict=True)]
Positive = Annotated[int, Field(ge=1, le=2**62, strict=True)]
Small = Annotated[int, Field(ge=0, le=2**31, strict=True)]
Limit = Annotated[int, Field(ge=1, le=2**31, strict=True)]
Minute = Annotated[int, Field(ge=0, le=1440, strict=True)]
Days = Annotated[int, Field(ge=0, le=366, strict=True)]
Ppm = Annotated[int, Field(ge=0, le=plans.PPM, strict=True)]
CustomerClass = Literal["household", "business", "institution", "anchor"]


def _currency(code: str) -> str:
    if code not in CODES:
        raise refusal("MG-P204", f"'{code}' is no currency of ISO 4217", fix="use its code, such as KES")
    return code


class BlockBody(Frozen):
    """A step of a block tariff; the last one has no upper end."""

    up_to_wh: Positive | None = None
    price_milli_minor_per_kwh: Annotated[Small, Field(description="Thousandths of a minor unit; 25000000 is KES 250.")]


class BandBody(Frozen):
    """A time-of-use band of the local day."""

    from_minute: Minute
    to_minute: Minute
    price_milli_minor_per_kwh: Small


class EnergyBody(Frozen):
    """Per kWh."""

    kind: Literal["energy"]
    blocks: Annotated[tuple[BlockBody, ...], Field(min_length=1, max_length=20)]
    bands: Annotated[tuple[BandBody, ...], Field(max_length=48)] = ()
    free_wh_per_month: Small = 0
    power_limit_w: Limit | None = None
    daily_wh: Limit | None = None

    def record(self) -> plans.EnergyRules:
        """Return the rules."""
        return plans.EnergyRules(
            tuple(plans.Block(**block.model_dump()) for block in self.blocks),
            tuple(plans.Band(**band.model_dump()) for band in self.bands),
            self.free_wh_per_month,
            self.power_limit_w,
            self.daily_wh,
        )


class TimeBody(Frozen):
    """Per day, week or month of supply; an outage longer than `pause_after_s` uses up no paid time."""

    kind: Literal["time"]
    price_minor: Positive
    days: Annotated[int, Field(ge=1, le=366, strict=True)]
    power_limit_w: Limit | None = None
    daily_wh: Limit | None = None
    pause_after_s: Small | None = None

    def record(self) -> plans.TimeRules:
        """Return the rules."""
        return plans.TimeRules(**self.model_dump(exclude={"kind"}))


class PostpaidBody(Frozen):
    """Energy on credit, billed each local month."""

    kind: Literal["postpaid"]
    energy: EnergyBody
    due_days: Days
    grace_days: Days
    credit_limit_minor: Whole

    def record(self) -> plans.PostpaidRules:
        """Return the rules."""
        return plans.PostpaidRules(self.energy.record(), self.due_days, self.grace_days, self.credit_limit_minor)


class LeaseBody(Frozen):
    """Lease to own: an instalment each so many days, or each so many months."""

    kind: Literal["lease"]
    deposit_minor: Whole
    instalment_minor: Positive
    days: Days = 0
    months: Annotated[int, Field(ge=0, le=12, strict=True)] = 0
    instalments: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    grace_days: Days = 0
    deposit_days: Days = 0
    payoff_discount_basis_points: Annotated[int, Field(ge=0, le=10_000, strict=True)] = 0

    @model_validator(mode="after")
    def _one_period(self) -> LeaseBody:
        if (self.days > 0) == (self.months > 0):
            raise refusal("MG-P211", "an instalment pays `days` or `months`", fix="write one of them, above zero")
        return self

    def record(self) -> plans.LeaseRules:
        """Return the rules."""
        return plans.LeaseRules(**self.model_dump(exclude={"kind"}))


class LevyBody(Frozen):
    """A further charge of the state on sales, with a line of its own in the books."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    rate_ppm: Ppm


class TaxBody(Frozen):
    """Tax and levies on sales in millionths of the net price, in the price or on top of it."""

    rate_ppm: Ppm = 0
    included: bool = True
    levies: Annotated[tuple[LevyBody, ...], Field(max_length=10)] = ()

    def record(self) -> Tax:
        """Return the record."""
        return Tax(self.rate_ppm, self.included, tuple(Levy(levy.name, levy.rate_ppm) for levy in self.levies))


class PlanFile(FileModel):
    """What a plan charges; `microgrid tariff` says for which plan and from when on."""

    currency: Annotated[str, AfterValidator(_currency), Field(description="ISO 4217.")]
    rules: Annotated[EnergyBody | TimeBody | PostpaidBody | LeaseBody, Field(discriminator="kind")]
    tax: TaxBody = TaxBody()
    class_taxes: Annotated[
        dict[CustomerClass, TaxBody], Field(description="In place of `tax`, for classes of connections.")
    ] = Field(default_factory=dict)
    connection_fee_minor: Whole = 0
    warn_below_minor: Annotated[Whole, Field(description="Credit below which a customer is warned by SMS.")] = 0
    instalment_share_ppm: Annotated[
        Ppm, Field(description="Of each payment, at most so much pays instalments of appliances.")
    ] = plans.PPM

    def version_of(self, plan_id: str, version: int, effective_from: datetime) -> PlanVersion:
        """Return this as a version of a plan."""
        return PlanVersion(
            plan_id,
            version,
            effective_from,
            self.currency,
            self.rules.record(),
            self.tax.record(),
            self.connection_fee_minor,
            self.warn_below_minor,
            self.instalment_share_ppm,
            tuple(ClassTax(key, tax.record()) for key, tax in sorted(self.class_taxes.items())),
        )
