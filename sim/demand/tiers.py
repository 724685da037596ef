"""Homes by Multi-Tier Framework tier, and businesses: the catalogue's people and places as users.

The data lie in `configs/catalogue/`: `appliances.yaml`, `tiers.yaml`, `businesses.yaml`. A planner may add a
kind of business or of appliance there; no code knows their names.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, TypeAdapter
from ruamel.yaml import YAML

from microgrid.config_model import Frozen
from sim.demand.appliances import DAY_MIN, Appliance, DutyCycle, User, each_alone, window_min, window_minutes
from sim.quantities import Count, Fraction, NotNegative, Positive, Priority

if TYPE_CHECKING:
    from sim.scenario import HouseholdAppliance, Households

FOLDER = Path(__file__).resolve().parent.parent.parent / "configs" / "catalogue"
TIGHT = 0.5  # share of its windows above which an appliance is placed without loss rather than at leisure
USE_JITTER = 0.2  # daily use varies by this fraction where the catalogue or the planner says nothing else
WINDOW_JITTER = 0.1
USUAL_CYCLE_MIN = 10

Windows = tuple[tuple[int, int], ...]


class CatalogueAppliance(Frozen):
    """One kind of appliance with its usual power and hours."""

    title: str
    power_w: Positive
    hours_per_day: Annotated[float, Field(gt=0.0, le=24.0)]
    windows: Annotated[tuple[str, ...], Field(min_length=1, max_length=3)]
    minimum_cycle_min: Annotated[int, Field(ge=1)] = USUAL_CYCLE_MIN
    occasional_use: Fraction = 1.0
    start_factor: Annotated[float, Field(ge=1.0)] = 1.0
    on_min: Count = 0
    off_min: Count = 0


class Use(Frozen):
    """How one home or business uses a kind of appliance; what is left out is as usual for the kind."""

    kind: str
    number: Annotated[int, Field(ge=1)] = 1
    power_w: Positive | None = None
    hours_per_day: Annotated[float | None, Field(gt=0.0, le=24.0)] = None
    windows: tuple[str, ...] = ()
    occasional_use: Fraction | None = None
    weekdays: Literal["all", "weekday", "weekend"] = "all"
    months: tuple[int, ...] = ()


class TierLimits(Frozen):
    """What a home must at least be able to draw to count as this tier."""

    power_w: NotNegative
    energy_wh_day: NotNegative
    hours_day: NotNegative
    evening_hours: NotNegative


class Tier(Frozen):
    """One tier of the Multi-Tier Framework: its limits and one ordinary home in it."""

    title: str
    limits: TierLimits
    appliances: tuple[Use, ...]


class Business(Frozen):
    """One kind of business or public place."""

    title: str
    priority: Priority
    three_phase: bool = False
    months: tuple[int, ...] = ()
    appliances: tuple[Use, ...]


def tier_user(tier: int, count: int, name: str, priority: Priority = "standard") -> User:
    """Return `count` ordinary homes of one tier, 1 to 5."""
    return User(name, count, used_appliances(tier_catalogue()[tier].appliances, ()), priority)


def business_user(kind: str, count: int, name: str, priority: Priority | None = None) -> User:
    """Return `count` businesses of one kind; raises KeyError for a kind the catalogue does not have."""
    entry = business_catalogue()[kind]
    uses = used_appliances(entry.appliances, entry.months)
    return User(name, count, uses, priority or entry.priority, three_phase=entry.three_phase)


def listed_user(homes: Households, name: str) -> User:
    """Return homes whose appliances a planner listed; raises ValueError for impossible windows."""
    appliances = tuple(piece for listed in homes.appliances for piece in _listed(listed))
    return User(name, homes.count, appliances, homes.priority)


def plain_appliances(
    name: str, number: int, power_w: float, hours_per_day: float, windows: Windows, kind: str | None = None
) -> tuple[Appliance, ...]:
    """Return `number` pieces that are each on for `hours_per_day` a day within windows of minutes.

    Their mean energy is number x power x hours. `kind` names the catalogue's appliance whose shortest use and
    motor start are taken; without one, or with an unknown one, ordinary values are. Hours that fill the
    windows are steady.
    """
    usual = appliance_catalogue().get(kind or name)
    use_min, open_min = float(round(hours_per_day * 60.0)), window_minutes(windows)
    tight = use_min > TIGHT * open_min
    cycle_min = min(usual.minimum_cycle_min if usual else USUAL_CYCLE_MIN, max(1, int(use_min / 2.0)))
    one = Appliance(
        name=name,
        number=number,
        power_w=power_w,
        windows=windows,
        daily_use_min=min(use_min, open_min),
        minimum_cycle_min=1 if tight else cycle_min,
        window_jitter=0.0 if tight else WINDOW_JITTER,
        use_jitter=max(0.0, min(USE_JITTER, open_min / max(use_min, 1.0) - 1.0)),
        flat=use_min >= open_min,
        start_factor=usual.start_factor if usual else 1.0,
    )
    return each_alone(one)


def windows_min(texts: tuple[str, ...]) -> Windows:
    """Return times such as `18:00-23:00` as minutes of the day, one past midnight as two windows.

    Raises ValueError that names the first text that is not a time of day, windows that overlap, or more than
    three.
    """
    windows = sorted(part for text in texts for part in _window_parts(text))
    if any(first[1] > second[0] for first, second in pairwise(windows)):
        raise ValueError(f"the windows {', '.join(texts)} overlap")
    if len(windows) > 3:
        raise ValueError(f"the windows {', '.join(texts)} are {len(windows)} pieces of a day, at most 3 are possible")
    return tuple(windows)


@cache
def appliance_catalogue() -> dict[str, CatalogueAppliance]:
    """Return the appliances by name, such as `led_bulb`."""
    return TypeAdapter(dict[str, CatalogueAppliance]).validate_python(_read(FOLDER / "appliances.yaml"))


@cache
def tier_catalogue() -> dict[int, Tier]:
    """Return the tiers by number, 1 to 5."""
    return TypeAdapter(dict[int, Tier]).validate_python(_read(FOLDER / "tiers.yaml"))


@cache
def business_catalogue() -> dict[str, Business]:
    """Return the businesses by kind, such as `mill`."""
    return TypeAdapter(dict[str, Business]).validate_python(_read(FOLDER / "businesses.yaml"))


def example_village() -> tuple[User, ...]:
    """Return RAMP's published example village of 134 customers, the engine's yardstick."""
    users = _read(FOLDER / "ramp_village.yaml")["users"]
    return TypeAdapter(tuple[User, ...]).validate_python(users)


def _read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def used_appliances(uses: tuple[Use, ...], months: tuple[int, ...]) -> tuple[Appliance, ...]:
    """Return the appliances that uses stand for, each piece of its own, in the months given (none: all year)."""
    return tuple(piece for use in uses for piece in _pieces(use, months))


def _pieces(use: Use, months: tuple[int, ...]) -> tuple[Appliance, ...]:
    usual = appliance_catalogue()[use.kind]
    windows = windows_min(use.windows or usual.windows)
    hours = use.hours_per_day or usual.hours_per_day
    power_w = use.power_w or usual.power_w
    plain = plain_appliances(use.kind, use.number, power_w, hours, windows)
    often = usual.occasional_use if use.occasional_use is None else use.occasional_use
    return tuple(_with_habits(piece, usual, often, use, use.months or months) for piece in plain)


def _with_habits(
    piece: Appliance, usual: CatalogueAppliance, often: float, use: Use, months: tuple[int, ...]
) -> Appliance:
    cycles: tuple[DutyCycle, ...] = ()
    if usual.on_min:
        cycles = (DutyCycle(piece.power_w, usual.on_min, 0.0, usual.off_min, jitter=0.2),)
    return replace(
        piece,
        occasional_use=often,
        weekdays=use.weekdays,
        months=months,
        duty_cycles=cycles,
    )


def _listed(listed: HouseholdAppliance) -> tuple[Appliance, ...]:
    return plain_appliances(
        listed.name, listed.count, listed.power_w, listed.hours_per_day, windows_min(listed.windows)
    )


def _window_parts(text: str) -> Windows:
    window = window_min(text)
    if window is None:
        raise ValueError(f"'{text}' is not two times of day, such as 18:00-23:00")
    start, end = window
    if start < end:
        return (window,)
    return ((start, DAY_MIN), (0, end)) if end else ((start, DAY_MIN),)
