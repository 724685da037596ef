"""Panels, batteries, inverters and generators a planner may name, read from `configs/catalogue/`.

Every item is data with a note of its source. Units are the last words of each name; a fraction lies between
0 and 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar, overload

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from microgrid.config_model import Frozen
from microgrid.errors import InvalidInput, Problem
from sim.quantities import Fraction, NotNegative, Positive

Kind = Literal["panels", "batteries", "inverters", "gensets"]
FOLDER = Path(__file__).resolve().parent.parent / "configs" / "catalogue"


class Item(Frozen):
    """What every catalogue entry says of itself."""

    title: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1, description="where the numbers come from")]


class Panel(Item):
    """A kind of photovoltaic module and the controller behaviour that goes with it."""

    temp_coeff_per_c: Annotated[float, Field(gt=-0.02, le=0.0, description="relative change of power")]
    faiman_u0_w_m2_c: Annotated[Positive, Field(description="Faiman's constant heat loss")]
    faiman_u1_w_s_m3_c: Annotated[NotNegative, Field(description="Faiman's heat loss per m/s of wind")]
    losses_fraction: Annotated[Fraction, Field(description="all array losses but soiling and shading")]
    degradation_per_year: Fraction
    life_years: Positive
    mppt_efficiency: Annotated[float, Field(gt=0.0, le=1.0, description="of a tracking charge controller")]
    pwm_voltage_ratio: Annotated[
        float, Field(gt=0.0, le=1.0, description="battery voltage over the module's at maximum power")
    ]


class Derating(Frozen):
    """How much of a battery can be used at one temperature; straight lines between the points."""

    temp_c: float
    capacity_fraction: Annotated[float, Field(ge=0.0, le=1.2)]
    charge_fraction: Annotated[Fraction, Field(description="of the charge rate that is allowed")]


class Ageing(Frozen):
    """How a battery wears out: a fade model, and simple lives for a first look."""

    model: Literal["lfp", "nmc", "cycles_to_failure"]
    life_years: Annotated[Positive, Field(description="calendar or float life at 25 degrees")]
    life_cycles: Annotated[Positive, Field(description="equivalent full cycles of rated energy")]
    end_of_life_fraction: Annotated[float, Field(gt=0.0, lt=1.0, description="of rated energy")] = 0.8
    cycles_a: Annotated[Positive | None, Field(description="cycles to failure at depth D are A D^-B")] = None
    cycles_b: Annotated[float | None, Field(ge=1.0, description="deep cycles cost more than in proportion")] = None

    @model_validator(mode="after")
    def _curve_is_complete(self) -> Self:
        has_curve = self.cycles_a is not None and self.cycles_b is not None
        if has_curve != (self.model == "cycles_to_failure"):
            raise ValueError("cycles_a and cycles_b belong to model cycles_to_failure, and it needs both")
        return self


class Battery(Item):
    """A kind of battery: its window, rates, losses and wear, all per kWh of rated energy."""

    model: Literal["one_tank", "kibam"]
    charge_efficiency: Annotated[float, Field(gt=0.0, le=1.0)]
    discharge_efficiency: Annotated[float, Field(gt=0.0, le=1.0)]
    charge_c_rate: Annotated[Positive, Field(description="kW into the battery per kWh")]
    discharge_c_rate: Annotated[Positive, Field(description="kW out of the battery per kWh")]
    soc_min: Fraction
    soc_max: Fraction
    self_discharge_per_month: Fraction
    kibam_c: Annotated[float | None, Field(gt=0.0, lt=1.0, description="share of the available tank")] = None
    kibam_k_per_h: Annotated[Positive | None, Field(description="rate between the tanks")] = None
    derating: Annotated[tuple[Derating, ...], Field(min_length=1)]
    ageing: Ageing

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if not self.soc_min < self.soc_max:
            raise ValueError("soc_min must be below soc_max")
        temps_c = [point.temp_c for point in self.derating]
        if temps_c != sorted(set(temps_c)):
            raise ValueError("derating points must be in rising order of temp_c")
        if (self.model == "kibam") != (self.kibam_c is not None and self.kibam_k_per_h is not None):
            raise ValueError("kibam_c and kibam_k_per_h belong to model kibam, and it needs both")
        return self


class Inverter(Item):
    """A kind of inverter; its input over rated power is no_load + slope x + curvature x^2 at output x."""

    no_load_fraction: Annotated[Fraction, Field(description="of rated power, drawn while on")]
    slope: Annotated[float, Field(ge=1.0, le=2.0)]
    curvature: NotNegative
    overload_factor: Annotated[float, Field(ge=1.0, description="of rated power for 60 s")]
    surge_factor: Annotated[float, Field(ge=1.0, description="of rated power for surge_s")]
    surge_s: NotNegative
    charger_fraction: Annotated[NotNegative, Field(description="charging power over rated power")]
    charger_efficiency: Annotated[float, Field(gt=0.0, le=1.0)]
    pv_inverter_efficiency: Annotated[float, Field(gt=0.0, le=1.0, description="of AC-coupled panels")]
    life_years: Positive


class Genset(Item):
    """A kind of generator: litres per hour are intercept x rated kW + slope x output kW while it runs."""

    fuel_intercept_l_per_kwh_rated: NotNegative
    fuel_slope_l_per_kwh: Positive
    minimum_load_fraction: Fraction
    life_hours: Positive
    surge_factor: Annotated[float, Field(ge=1.0, description="of rated power while a motor starts")]
    start_litres: NotNegative


AnyItem = TypeVar("AnyItem", bound=Item)


@overload
def load(kind: Literal["panels"], name: str) -> Panel: ...
@overload
def load(kind: Literal["batteries"], name: str) -> Battery: ...
@overload
def load(kind: Literal["inverters"], name: str) -> Inverter: ...
@overload
def load(kind: Literal["gensets"], name: str) -> Genset: ...


def load(kind: Kind, name: str) -> Item:
    """Return one entry of the catalogue, such as `load("batteries", "lfp")`.

    Raises InvalidInput MG-C041 for a name that is not there, with the nearest one as the fix, and MG-C042 for
    a catalogue file that was changed into something that cannot be used.
    """
    items = _items(kind)
    if name not in items:
        raise InvalidInput(_unknown(kind, name, tuple(items)))
    return items[name]


def adjusted(item: AnyItem, numbers: Mapping[str, float]) -> AnyItem:
    """Return an entry of the catalogue with some of its numbers replaced, checked like the file itself.

    `end_of_life_fraction`, `cycles_a` and `cycles_b` are those of a battery's ageing. Raises pydantic's ValidationError
    for numbers that cannot be; `mistakes_in` says them for people.
    """
    ageing = getattr(item, "ageing", None)
    inside = (
        {} if ageing is None else {key: value for key, value in numbers.items() if key in type(ageing).model_fields}
    )
    outside: dict[str, object] = {key: value for key, value in numbers.items() if key not in inside}
    if ageing is not None and inside:
        outside["ageing"] = {**ageing.model_dump(), **inside}
    return type(item).model_validate({**item.model_dump(), **outside})


def mistakes_in(kind: Kind, name: str, numbers: Mapping[str, float]) -> Iterator[tuple[str, str, str]]:
    """Yield the key, what is wrong, and what to type for each number that cannot replace one of an entry."""
    item = _items(kind)[name]
    known = _numbers_of(item)
    unknown = [key for key in numbers if key not in known]
    for key in unknown:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        fix = f"did you mean '{near[0]}'?" if near else f"use one of {', '.join(known)}"
        yield key, f"unknown key '{key}': no such number in the catalogue", fix
    try:
        adjusted(item, {key: value for key, value in numbers.items() if key in known})
    except ValidationError as mistake:
        for error in mistake.errors():
            key = str(error["loc"][-1]) if error["loc"] else ""
            yield (key if key in numbers else ""), f"{key or name}: {error['msg']}", "give a number that can be"


def _numbers_of(item: Item) -> list[str]:
    ageing = getattr(item, "ageing", None)
    values = {**item.model_dump(), **({} if ageing is None else ageing.model_dump())}
    return [key for key, value in values.items() if isinstance(value, float)]


def names(kind: Kind) -> tuple[str, ...]:
    """Return the names of one part of the catalogue in the order of its file."""
    return tuple(_items(kind))


def read(path: Path, model: type[AnyItem]) -> dict[str, AnyItem]:
    """Return the entries of a catalogue file by name; every mistake in it is reported at once (MG-C042)."""
    entries = _entries(path)
    items: dict[str, AnyItem] = {}
    problems: list[Problem] = []
    for name, entry in entries.items():
        try:
            items[str(name)] = model.model_validate(entry)
        except ValidationError as mistake:
            problems.extend(_problems(path, str(name), mistake))
    if problems:
        raise InvalidInput(*problems)
    return items


@cache
def _items(kind: Kind) -> dict[str, Panel] | dict[str, Battery] | dict[str, Inverter] | dict[str, Genset]:
    path = FOLDER / f"{kind}.yaml"
    if kind == "panels":
        return read(path, Panel)
    if kind == "batteries":
        return read(path, Battery)
    if kind == "inverters":
        return read(path, Inverter)
    return read(path, Genset)


def _entries(path: Path) -> dict[object, object]:
    try:
        entries = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as mistake:
        what = f"the catalogue file {path.name} cannot be read: {' '.join(str(mistake).split())}"
        raise InvalidInput(_broken(path, what)) from mistake
    if not isinstance(entries, dict) or not entries:
        raise InvalidInput(_broken(path, f"the catalogue file {path.name} has no named entries"))
    return entries


def _problems(path: Path, name: str, mistake: ValidationError) -> list[Problem]:
    found = []
    for error in mistake.errors():
        key = ".".join(str(part) for part in error["loc"])
        place = f"{name}.{key}" if key else name
        found.append(_broken(path, f"{place}: {error['msg']}"))
    return found


def _broken(path: Path, what: str) -> Problem:
    return Problem(
        code="MG-C042",
        what=what,
        why="catalogue entries are checked like any other file",
        fix="correct that entry, or restore the file as it was delivered",
        file=path.name,
    )


def _unknown(kind: Kind, name: str, known: tuple[str, ...]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    singular = {"panels": "panel", "batteries": "battery", "inverters": "inverter", "gensets": "genset"}[kind]
    return Problem(
        code="MG-C041",
        what=f"there is no {singular} called '{name}' in the catalogue",
        why=f"configs/catalogue/{kind}.yaml has {', '.join(known)}",
        fix=f"did you mean '{near[0]}'?" if near else f"use one of {', '.join(known)}",
    )
