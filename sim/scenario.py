"""What a planner writes down: one place, its people, what may be built, what it costs, what it must achieve.

Every class is frozen data checked once, at the edge, by `microgrid.config.read`. Units are the last word of
each key; a fraction is between 0 and 1. The same classes give the JSON schema (`microgrid schema`).
Rules between keys are in `sim.scenario_rules`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from microgrid.config_document import Location
from microgrid.config_model import Advice, Broken, FileModel, Frozen, enforce
from sim import advice, scenario_rules
from sim.quantities import Count, Fraction, NotNegative, Number, Positive, Priority, Whole

Temperature = Annotated[Number, Field(ge=-60.0, le=60.0)]
TWELVE = Field(min_length=12, max_length=12)
MonthlyFractions = Annotated[tuple[Fraction, ...], TWELVE]
MonthlyTemperatures = Annotated[tuple[Temperature, ...], TWELVE]
MonthlyEnergies = Annotated[tuple[Annotated[Number, Field(ge=0.0, le=12.0)], ...], TWELVE]
Name = Annotated[str, Field(min_length=1)]
Currency = Annotated[str, AfterValidator(scenario_rules.known_currency)]
Timezone = Annotated[str, AfterValidator(scenario_rules.known_timezone)]
Window = Annotated[str, AfterValidator(scenario_rules.readable_window)]

Sizes = Annotated[
    Annotated[NotNegative, Tag("one")]
    | Annotated[
        tuple[NotNegative, ...],
        Field(min_length=1),
        AfterValidator(scenario_rules.rising_sizes),
        Tag("several"),
    ],
    Discriminator(lambda value: "several" if isinstance(value, list | tuple) else "one"),
    Field(description="one number: fixed; [low, high]: searched between; three or more numbers: exactly these"),
]


class Site(Frozen):
    """Where it is and which money is used there."""

    name: Name
    latitude: Annotated[Number, Field(ge=-90.0, le=90.0, description="degrees, north positive")]
    longitude: Annotated[Number, Field(ge=-180.0, le=180.0, description="degrees, east positive")]
    timezone: Annotated[Timezone, Field(description="IANA name, such as Africa/Dar_es_Salaam")]
    currency: Annotated[Currency, Field(description="ISO 4217 code of what customers pay in")]
    altitude_m: Annotated[Number, Field(ge=-450.0, le=6000.0)] = 0.0


class Weather(Frozen):
    """Sun and temperature: twelve monthly means, or a file of measured or typical hours."""

    monthly_ghi_kwh_m2_day: MonthlyEnergies | None = None
    monthly_clearness: MonthlyFractions | None = None
    monthly_temp_c: MonthlyTemperatures | None = None
    daily_temp_range_c: Annotated[Number, Field(ge=0.0, le=40.0)] = 10.0
    wind_m_s: Annotated[Number, Field(ge=0.0, le=60.0)] = 2.0
    file: Annotated[str | None, Field(description="PVGIS, NASA POWER, TMY3, EPW, PVWatts or plain CSV")] = None
    format: Literal["auto", "pvgis", "nasa_power", "tmy3", "epw", "pvwatts", "csv", "pv_profile"] = "auto"
    file_timezone: Annotated[Timezone | None, Field(description="zone of a plain CSV's time stamps")] = None
    fill: Annotated[
        Literal["short", "long"], Field(description="long: gaps over 3 h are filled from neighbouring days")
    ] = "short"
    draws: Annotated[Whole, Field(ge=1, le=1000, description="independent synthetic years")] = 1

    @model_validator(mode="after")
    def _follows_its_rules(self) -> Self:
        enforce(scenario_rules.of_weather(self))
        return self


class HouseholdAppliance(Frozen):
    """One kind of appliance in one kind of home."""

    name: Name
    count: Annotated[Whole, Field(ge=1, le=10_000_000)] = 1
    power_w: Annotated[Number, Field(ge=0.5, le=100_000.0, description="of one of them, in watts")]
    hours_per_day: Annotated[Number, Field(gt=0.0, le=24.0)]
    windows: Annotated[
        tuple[Window, ...],
        Field(min_length=1, max_length=3, description="when it may run, such as 18:00-23:00"),
    ] = ("00:00-24:00",)

    @model_validator(mode="after")
    def _follows_its_rules(self) -> Self:
        enforce(scenario_rules.of_appliance(self))
        return self


class Households(Frozen):
    """A number of like homes: a Multi-Tier Framework tier, or a list of appliances."""

    count: Annotated[Whole, Field(ge=1, le=10_000_000)]
    tier: Annotated[Whole | None, Field(ge=1, le=5)] = None
    appliances: tuple[HouseholdAppliance, ...] = ()
    priority: Priority = "standard"

    @model_validator(mode="after")
    def _follows_its_rules(self) -> Self:
        enforce(scenario_rules.of_households(self))
        return self


class Businesses(Frozen):
    """A number of like businesses or public places from the catalogue."""

    kind: Annotated[
        str,
        AfterValidator(scenario_rules.known_business),
        Field(description="shop, mill, salon, cold_room, clinic, school, church, water_pump, ..."),
    ]
    count: Annotated[Whole, Field(ge=1, le=10_000_000)]
    priority: Annotated[Priority | None, Field(description="default: the kind's own, from the catalogue")] = None


class Demand(Frozen):
    """Who wants power: homes and businesses, or measured loads from files."""

    households: tuple[Households, ...] = ()
    businesses: tuple[Businesses, ...] = ()
    file: Annotated[str | None, Field(description="CSV load: site total, one column per class or per meter")] = None
    survey_file: Annotated[str | None, Field(description="household survey CSV, one row per household")] = None
    ramp_file: Annotated[str | None, Field(description="RAMP input workbook (.xlsx)")] = None
    scale: Annotated[Number, Field(gt=0.0, description="multiplies every load")] = 1.0
    connections_by_month: Annotated[
        tuple[Count, ...],
        Field(description="connected customers in months 1, 2, ...; the rest as the last number"),
    ] = ()
    growth_per_year: Annotated[Number, Field(gt=-1.0, le=1.0)] = 0.0
    appliance_uptake_per_year: Fraction = 0.0

    @model_validator(mode="after")
    def _follows_its_rules(self) -> Self:
        enforce(scenario_rules.of_demand(self))
        return self


class Array(Frozen):
    """One field of panels with its own direction."""

    share: Annotated[Number, Field(gt=0.0, le=1.0, description="of the whole PV size")] = 1.0
    tilt_deg: Annotated[Number | None, Field(ge=0.0, le=90.0, description="default: |latitude|, at least 10")] = None
    azimuth_deg: Annotated[
        Number | None, Field(ge=0.0, le=360.0, description="0 north, 90 east; default: to the equator")
    ] = None
    shading_fraction: Fraction = 0.0
    horizon_deg: Annotated[Number, Field(ge=0.0, le=60.0, description="no beam below this elevation")] = 0.0


class Source(Frozen):
    """A further source given as kW per installed kW: wind, hydro, a neighbour."""

    name: Name
    file: Annotated[str, Field(description="CSV with one column: kW per kW for each step of a year")]
    kw: NotNegative
    cost_per_kw: NotNegative = 0.0
    om_per_kw_year: NotNegative = 0.0
    life_years: Positive = 20.0


class Shedding(Frozen):
    """Below which state of charge a class of customers is limited, and to what; a limit of 0 lets it go."""

    standard_below_soc: Fraction = 0.0
    deferrable_below_soc: Fraction = 0.0
    standard_limit_kw: Annotated[NotNegative, Field(description="for the whole class; in home systems for each")] = 0.0
    deferrable_limit_kw: NotNegative = 0.0

    @model_validator(mode="after")
    def _follows_its_rules(self) -> Self:
        enforce(scenario_rules.of_shedding(self))
        return self


class System(Frozen):
    """What may be built. Sizes are searched by `size` and fixed by `evaluate`."""

    topology: Literal["microgrid", "home_system", "lamp"] = "microgrid"
    coupling: Literal["dc", "ac"] = "dc"
    pv_kw: Sizes
    battery_kwh: Sizes
    inverter_kw: Sizes = 0.0
    genset_kw: Sizes = 0.0
    panel: Annotated[str, AfterValidator(scenario_rules.known_panel)] = "mono_perc"
    battery: Annotated[str, AfterValidator(scenario_rules.known_battery)] = "lfp"
    inverter: Annotated[str, AfterValidator(scenario_rules.known_inverter)] = "off_grid_inverter"
    genset: Annotated[str, AfterValidator(scenario_rules.known_genset)] = "diesel"
    parameters: Annotated[
        dict[Literal["panel", "battery", "inverter", "genset"], dict[str, Number]],
        Field(description="numbers of the catalogue entry to use instead, such as battery: {soc_min: 0.2}"),
    ] = Field(default_factory=dict)
    start_soc: Annotated[Fraction, Field(description="state of charge on the first day")] = 1.0
    controller: Literal["mppt", "pwm"] = "mppt"
    dispatch: Literal["load_following", "cycle_charging"] = "load_following"
    setpoint_soc: Annotated[Fraction, Field(description="cycle charging runs until this state of charge")] = 0.8
    shedding: Shedding = Shedding()
    arrays: Annotated[tuple[Array, ...], Field(min_length=1)] = (Array(),)
    soiling_by_month: Annotated[MonthlyFractions | None, Field(description="share of light lost to dust")] = None
    sources: tuple[Source, ...] = ()
    phases: Literal[1, 3] = 1
    imbalance_fraction: Fraction = 0.0
    check_peaks: Annotated[bool, Field(strict=True, description="refuse units that cannot carry the 1-minute peak")] = (
        True
    )

    @model_validator(mode="after")
    def _follows_its_rules(self) -> Self:
        enforce(scenario_rules.of_system(self))
        return self


class ExchangeRate(Frozen):
    """How many units of the site's currency one unit of the costs' currency buys, and since when.

    In a file the key spells the pair, so that nobody has to guess which way round the number is:
    `exchange_rate: {tzs_per_usd: 2550, on: 2026-11-01}`.
    """

    model_config = ConfigDict(json_schema_extra=scenario_rules.show_pair_in_schema)

    pair: Annotated[str, Field(pattern=r"^[a-z]{3}_per_[a-z]{3}$")]
    per_unit: Positive
    on: datetime.date

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, data: object) -> object:
        return scenario_rules.with_pair(data)


class FixedCosts(Frozen):
    """Paid once, whatever the size."""

    development: NotNegative = 0.0
    powerhouse: NotNegative = 0.0
    logistics: NotNegative = 0.0
    other: NotNegative = 0.0
    contingency_fraction: Fraction = 0.0


class DutyAndVat(Frozen):
    """Taxes on top of each item's price, as fractions of it."""

    pv: Fraction = 0.0
    battery: Fraction = 0.0
    inverter: Fraction = 0.0
    genset: Fraction = 0.0
    connection: Fraction = 0.0
    line: Fraction = 0.0
    fixed: Fraction = 0.0


class YearlyCosts(Frozen):
    """Paid every year, whatever the size; fractions are of first cost or of revenue as named."""

    staff: NotNegative = 0.0
    security: NotNegative = 0.0
    land: NotNegative = 0.0
    licence: NotNegative = 0.0
    other: NotNegative = 0.0
    sms_and_data: NotNegative = 0.0
    insurance_fraction: Annotated[Fraction, Field(description="of the first cost of equipment, each year")] = 0.0
    mobile_money_fraction: Annotated[Fraction, Field(description="of the revenue collected")] = 0.0


class Costs(Frozen):
    """What things cost, in `currency`, without duty and VAT."""

    currency: Currency | None = None
    exchange_rate: ExchangeRate | None = None
    pv_per_kw: NotNegative
    battery_per_kwh: NotNegative
    inverter_per_kw: NotNegative = 0.0
    genset_per_kw: NotNegative = 0.0
    fuel_per_litre: NotNegative = 0.0
    per_connection: NotNegative = 0.0
    line_per_km: NotNegative = 0.0
    line_km: NotNegative = 0.0
    pv_om_per_kw_year: NotNegative = 0.0
    pv_om_per_kwh: NotNegative = 0.0
    battery_om_per_kwh_year: NotNegative = 0.0
    inverter_om_per_kw_year: NotNegative = 0.0
    genset_om_per_kw_year: NotNegative = 0.0
    genset_om_per_kw_hour: NotNegative = 0.0
    genset_om_per_kwh: NotNegative = 0.0
    genset_start: NotNegative = 0.0
    pv_life_years: Positive | None = None
    battery_life_years: Positive | None = None
    battery_life_cycles: Positive | None = None
    inverter_life_years: Positive | None = None
    genset_life_hours: Positive | None = None
    replacement_fraction: Annotated[
        dict[Literal["pv", "battery", "inverter", "genset"], NotNegative],
        Field(description="price of a replacement over the first price; default 1", default_factory=dict),
    ]
    salvage_fraction: Annotated[
        dict[Literal["pv", "battery", "inverter", "genset"], Fraction],
        Field(description="value of a new unit at resale over its price; default 1", default_factory=dict),
    ]
    fixed: FixedCosts = FixedCosts()
    duty_and_vat: DutyAndVat = DutyAndVat()
    yearly: YearlyCosts = YearlyCosts()


class Rates(Frozen):
    """How future money is valued; there is no hidden default."""

    discount: Annotated[Number, Field(gt=-0.5, lt=1.0)]
    real_or_nominal: Literal["real", "nominal"]
    inflation: Annotated[Number, Field(gt=-0.5, lt=1.0, description="needed when the discount rate is nominal")] = 0.0
    fuel_escalation: Annotated[Number, Field(gt=-0.5, lt=1.0, description="above inflation, per year")] = 0.0

    @model_validator(mode="after")
    def _follows_its_rules(self) -> Self:
        enforce(scenario_rules.of_rates(self))
        return self


class Goal(Frozen):
    """What a design must achieve, and what makes one better than another."""

    unserved_fraction_max: Annotated[Number, Field(ge=0.0, lt=1.0, description="of the energy asked for")]
    years: Annotated[Whole, Field(ge=1, le=50)]
    objective: Literal["lcoe", "npc"] = "lcoe"


class Payg(Frozen):
    """How customers pay; the village simulation uses it."""

    plan: Name
    price_per_kwh: NotNegative = 0.0
    customers: str = "steady"
    paid_fraction: Annotated[Fraction, Field(description="of served energy that is paid for")] = 1.0


class Scenario(FileModel):
    """A planner's whole file."""

    site: Site
    weather: Weather
    demand: Demand
    system: System
    costs: Costs
    rates: Rates
    goal: Goal
    payg: Payg | None = None
    step_minutes: Literal[60, 30, 15, 10, 5, 1] = 60
    seed: Annotated[Whole, Field(ge=0, lt=2**63, description="any whole number; the same one repeats a result")]

    @model_validator(mode="after")
    def _follows_its_rules(self) -> Self:
        enforce(self.broken_rules(dict(self)))
        return self

    @classmethod
    def broken_rules(cls, sections: Mapping[str, object]) -> Iterator[Broken]:
        """Yield each broken rule between sections: costs and payments in different currencies."""
        yield from scenario_rules.between(sections)

    @classmethod
    def advice(cls, location: Location, value: object, data: object) -> Advice | None:
        """Return what planners usually mean by a value that was refused."""
        return advice.for_value(location, value, data)
