"""Rules that types cannot say: which keys belong together, which exclude each other, which names exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from microgrid.config_document import LARGEST
from microgrid.config_model import Broken, BrokenRulesError, refusal
from microgrid.config_schema import nearest, surely
from microgrid.currency import CODES
from sim.catalogue import mistakes_in, names
from sim.demand.appliances import DAY_MIN, window_min
from sim.demand.tiers import business_catalogue

if TYPE_CHECKING:
    from sim.scenario import (
        Costs,
        Demand,
        HouseholdAppliance,
        Households,
        Rates,
        Shedding,
        Site,
        System,
        Weather,
    )

CUSTOMERS_MAX = 100_000
DESIGNS_MAX = 1_000_000
RANGE_STEPS = 21  # at most, in which the search tries a range
NO_INVERTER = "none"  # as the inverter's name: loads hang on the DC bus
_SIGNS = {"$": "USD", "US$": "USD", "€": "EUR", "TSH": "TZS", "KSH": "KES", "USH": "UGX", "CFA": "XOF"}
_PAIR = re.compile(r"[A-Za-z]{3}_per_[A-Za-z]{3}")


def known_currency(code: str) -> str:
    """Return an ISO 4217 code, or refuse one that does not exist."""
    if code in CODES:
        return code
    asked = code.upper()
    of_country = [known for known in sorted(CODES) if known[:2] == asked[:2]]
    near = _SIGNS.get(asked, of_country[0] if len(of_country) == 1 else asked if asked in CODES else "")
    fix = f"did you mean '{near}'?" if near else "use the three letters of ISO 4217, such as TZS, KES or USD"
    sure = near if near == asked else ""
    raise refusal("MG-C021", f"there is no currency '{code}'", fix=fix, replacement=sure)


def known_timezone(name: str) -> str:
    """Return the name of a time zone, or refuse one that does not exist."""
    if _is_timezone(name):
        return name
    near = nearest(name, available_timezones()) or nearest(name, _zones_by_city())
    near = _zones_by_city().get(near, near)
    fix = f"did you mean '{near}'?" if near else "use a name such as Africa/Dar_es_Salaam or Asia/Kolkata"
    sure = near if _letters(name) in {_letters(near), _letters(near.rsplit("/", maxsplit=1)[-1])} else ""
    raise refusal("MG-C020", f"there is no time zone '{name}'", fix=fix, replacement=sure)


def readable_window(text: str) -> str:
    """Return a time window such as 18:00-23:00, or refuse what cannot be read as one."""
    if window_min(text) is None:
        raise refusal("MG-C043", f"'{text}' is not a time window", fix="write start and end, such as 18:00-23:00")
    return text


def known_panel(name: str) -> str:
    """Return the name of a panel of the catalogue, or refuse one that is not there."""
    return _known_part("panel", "panels", name)


def known_battery(name: str) -> str:
    """Return the name of a battery of the catalogue, or refuse one that is not there."""
    return _known_part("battery", "batteries", name)


def known_inverter(name: str) -> str:
    """Return the name of an inverter of the catalogue, or `none`, or refuse one that is not there."""
    return name if name == NO_INVERTER else _known_part("inverter", "inverters", name)


def known_genset(name: str) -> str:
    """Return the name of a generator of the catalogue, or refuse one that is not there."""
    return _known_part("genset", "gensets", name)


def known_business(kind: str) -> str:
    """Return the name of a business of the catalogue, or refuse one that is not there."""
    return _known("business", kind, tuple(business_catalogue()))


def rising_sizes(sizes: tuple[float, ...]) -> tuple[float, ...]:
    """Return the sizes of a search, or refuse those that do not rise."""
    if all(low < high for low, high in pairwise(sizes)):
        return sizes
    text = ", ".join(f"{size:g}" for size in sorted(set(sizes)))
    what = f"the range [{', '.join(f'{size:g}' for size in sizes)}] does not rise"
    raise refusal("MG-C034", what, "sizes go from the lowest to the highest", f"[{text}]", f"[{text}]")


def of_weather(weather: Weather) -> Iterator[Broken]:
    """Yield what is wrong between the keys of the weather: exactly one source, with what it needs."""
    means = ("monthly_ghi_kwh_m2_day", "monthly_clearness")
    given = [name for name in (*means, "file") if getattr(weather, name) is not None]
    if not given:
        fix = "add  monthly_ghi_kwh_m2_day: [12 numbers]  or  file: weather.csv"
        yield Broken((), "MG-C030", "weather has no source of sun", "one is needed", fix)
    for name in given[1:]:
        what = f"weather has two sources of sun: {given[0]} and {name}"
        yield Broken((name,), "MG-C031", what, "only one can be used", f"remove {given[0]} or {name}")
    if given and given[0] in means and weather.monthly_temp_c is None:
        what = "monthly_temp_c is missing in weather"
        fix = "add  monthly_temp_c: [12 numbers]"
        yield Broken((given[0],), "MG-C032", what, "panels lose power when they are hot", fix)
    if weather.file is not None and weather.draws > 1:
        what = f"draws: {weather.draws} asks for synthetic years, but the weather comes from a file"
        fix = "remove draws, or use monthly means instead of the file"
        yield Broken(("draws",), "MG-C033", what, "a file holds one year", fix)


def of_appliance(appliance: HouseholdAppliance) -> Iterator[Broken]:
    """Yield what is wrong between the keys of an appliance: its hours fit into its windows."""
    windows = [window for text in appliance.windows if (window := window_min(text))]
    open_h = sum((end - start) % DAY_MIN or DAY_MIN for start, end in windows) / 60
    if appliance.hours_per_day > open_h + 1e-9:
        what = f"{appliance.name} runs {appliance.hours_per_day:g} hours a day in windows of {open_h:g} hours"
        yield Broken(("hours_per_day",), "MG-C044", what, fix=f"at most {open_h:g}, or longer windows")


def of_households(households: Households) -> Iterator[Broken]:
    """Yield what is wrong between the keys of a kind of home: a tier or appliances, never both."""
    if households.tier is None and not households.appliances:
        fix = "add  tier: 2  (1 to 5), or a list of appliances"
        yield Broken((), "MG-C045", "these homes have neither a tier nor appliances", fix=fix)
    if households.tier is not None and households.appliances:
        what = "these homes have both a tier and appliances"
        yield Broken(("tier",), "MG-C045", what, "a tier stands for a list of appliances", "remove one of the two")


def of_demand(demand: Demand) -> Iterator[Broken]:
    """Yield what is wrong with the demand as a whole: there must be somebody."""
    sources = (demand.households, demand.businesses, demand.file, demand.survey_file, demand.ramp_file)
    if not any(sources):
        fix = "add  households: [{tier: 2, count: 60}]  or  file: load.csv"
        yield Broken((), "MG-C040", "demand names nobody who uses power", fix=fix)
    described = sum(homes.count for homes in demand.households) + sum(place.count for place in demand.businesses)
    if described > CUSTOMERS_MAX:
        what = f"{described:,} customers are described; at most {CUSTOMERS_MAX:,} can be simulated one by one"
        fix = "describe a tenth of them, with  scale: 10"
        yield Broken((), "MG-C047", what, "each is followed through every minute of a year", fix)


def of_shedding(shedding: Shedding) -> Iterator[Broken]:
    """Yield what is wrong with the shedding order: deferrable customers are let go first."""
    if shedding.standard_below_soc > shedding.deferrable_below_soc:
        what = "standard customers would be let go before deferrable ones"
        fix = f"deferrable_below_soc must be at least {shedding.standard_below_soc:g}"
        yield Broken(("standard_below_soc",), "MG-C053", what, "the fuller battery limit acts first", fix)


def of_system(system: System) -> Iterator[Broken]:
    """Yield what is wrong between the keys of the system: shares, and parts that the topology cannot have."""
    total = sum(array.share for array in system.arrays)
    if abs(total - 1.0) > 1e-6:
        yield Broken(("arrays",), "MG-C050", f"the shares of the arrays add up to {total:g}, not 1")
    yield from _of_parameters(system)
    if system.topology == "microgrid":
        yield from _of_microgrid(system)
    else:
        yield from _of_single_home(system)
    yield from _of_ranges(system)
    if not any((largest(system.pv_kw), largest(system.genset_kw), *(source.kw for source in system.sources))):
        yield Broken(("pv_kw",), "MG-C055", "nothing in this system makes electricity", fix="pv_kw: [5, 80]")


def of_rates(rates: Rates) -> Iterator[Broken]:
    """Yield what is wrong with the rates: a nominal discount rate needs the inflation in it."""
    if rates.real_or_nominal == "nominal" and "inflation" not in rates.model_fields_set:
        why = "a nominal rate contains inflation, and it has to be taken out"
        fix = "add  inflation: 0.05  (0 if there is none)"
        yield Broken(("real_or_nominal",), "MG-C060", "a nominal discount rate needs inflation", why, fix)


def between(sections: Mapping[str, Any]) -> Iterator[Broken]:
    """Yield what is wrong between sections that are right in themselves."""
    site, costs = sections.get("site"), sections.get("costs")
    if site is not None and costs is not None:
        yield from _of_currencies(site, costs)


def largest(sizes: float | tuple[float, ...]) -> float:
    """Return the largest size of a choice of sizes."""
    return max(sizes) if isinstance(sizes, tuple) else sizes


def with_pair(data: object) -> object:
    """Return an exchange rate with its pair as a value of its own; in a file the key spells the pair."""
    if not isinstance(data, Mapping) or "pair" in data:
        return data
    pairs = [str(key) for key in data if _PAIR.fullmatch(str(key))]
    if len(pairs) != 1:
        what = "an exchange rate needs one pair of currencies" + (f", got {len(pairs)}" if pairs else "")
        fix = "write it as  exchange_rate: {tzs_per_usd: 2550, on: 2026-11-01}"
        raise BrokenRulesError(Broken((), "MG-C023", what, "the key says which way round the number is", fix))
    pair = pairs[0]
    rate = data[pair]
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= LARGEST:
        raise BrokenRulesError(Broken((pair,), "MG-C003", f"{pair} must be a number above 0, got {rate!r}"))
    rest = {key: value for key, value in data.items() if key != pair}
    return {**rest, "pair": pair.lower(), "per_unit": rate}


def show_pair_in_schema(schema: dict[str, Any]) -> None:
    """Describe an exchange rate in the JSON schema as a person writes it: one pair and its date."""
    number = {"type": "number", "exclusiveMinimum": 0, "description": "site's currency per costs' currency"}
    schema["properties"] = {"on": {"type": "string", "format": "date"}}
    schema["patternProperties"] = {"^[A-Za-z]{3}_per_[A-Za-z]{3}$": number}
    schema["required"] = ["on"]
    schema["minProperties"] = 2


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        return False
    return True


def _zones_by_city() -> dict[str, str]:
    return {zone.rsplit("/", maxsplit=1)[-1]: zone for zone in sorted(available_timezones()) if "/" in zone}


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _of_microgrid(system: System) -> Iterator[Broken]:
    if largest(system.inverter_kw) == 0.0 and system.inverter != NO_INVERTER:
        what = "a microgrid with inverter_kw: 0 cannot feed its homes"
        why = "homes of a microgrid use alternating current"
        fix = f"inverter_kw: [5, 40], or  inverter: {NO_INVERTER}  when every load is on the DC bus"
        yield Broken(("inverter_kw",), "MG-C052", what, why, fix)


def _of_single_home(system: System) -> Iterator[Broken]:
    word = system.topology.replace("_", " ")
    if largest(system.genset_kw) > 0.0:
        yield Broken(("genset_kw",), "MG-C051", f"a {word} has no generator", fix="remove genset_kw")
    if largest(system.inverter_kw) > 0.0:
        why = "its loads run on direct current"
        yield Broken(("inverter_kw",), "MG-C051", f"a {word} has no inverter", why, "remove inverter_kw")
    if system.coupling == "ac":
        yield Broken(("coupling",), "MG-C051", f"a {word} has no AC bus", fix="remove coupling")
    if system.sources:
        why = "each home would have all of them, paid for only once"
        yield Broken(("sources",), "MG-C051", f"a {word} has no further sources", why, "remove sources")


def _of_ranges(system: System) -> Iterator[Broken]:
    sizes = (system.pv_kw, system.battery_kwh, system.inverter_kw, system.genset_kw)
    tried = (len(listed) if isinstance(listed, tuple) else 1 for listed in sizes)
    designs = prod(RANGE_STEPS if count == 2 else count for count in tried)
    if designs > DESIGNS_MAX:
        what = f"these sizes make {designs:,} designs; at most {DESIGNS_MAX:,} are searched"
        fix = "write [low, high] and let the search choose its steps, or list fewer sizes"
        yield Broken(("pv_kw",), "MG-C056", what, "every combination is run through every year", fix)


def _of_parameters(system: System) -> Iterator[Broken]:
    for part, numbers in system.parameters.items():
        name = getattr(system, part)
        if name == NO_INVERTER:
            what = "there is no inverter, so it has no parameters"
            yield Broken(("parameters", part), "MG-C046", what, fix="remove them, or name an inverter")
            continue
        for key, what, fix in mistakes_in(PARTS[part], name, numbers):
            at = ("parameters", part, key) if key else ("parameters", part)
            yield Broken(at, "MG-C046", what, f"{part} '{name}' comes from the catalogue", fix)


def _of_currencies(site: Site, costs: Costs) -> Iterator[Broken]:
    theirs = costs.currency or site.currency
    pair = f"{site.currency}_per_{theirs}".lower()
    rate = costs.exchange_rate
    if theirs != site.currency and rate is None:
        what = f"costs are in {theirs} but the site pays in {site.currency}, and there is no exchange rate"
        fix = f"add  exchange_rate: {{{pair}: ..., on: 2026-11-01}}  with the day it was read"
        yield Broken(("costs", "currency"), "MG-C022", what, "results are shown in both", fix)
    elif rate is not None and theirs == site.currency:
        what = f"an exchange rate is given, but costs and site are both in {theirs}"
        fix = "remove exchange_rate, or write the currency of the costs"
        yield Broken(("costs", "exchange_rate"), "MG-C023", what, fix=fix)
    elif rate is not None and rate.pair != pair:
        turned = rate.pair == f"{theirs}_per_{site.currency}".lower()
        number = f"{1 / rate.per_unit:.6g}" if turned else "..."
        what = f"the exchange rate is {rate.pair}, but {pair} is needed"
        why = f"costs are in {theirs} and the site pays in {site.currency}"
        yield Broken(("costs", "exchange_rate", rate.pair), "MG-C023", what, why, f"{pair}: {number}")


PARTS: dict[str, Literal["panels", "batteries", "inverters", "gensets"]] = {
    "panel": "panels",
    "battery": "batteries",
    "inverter": "inverters",
    "genset": "gensets",
}


def _known_part(word: str, kind: Literal["panels", "batteries", "inverters", "gensets"], name: str) -> str:
    return _known(word, name, names(kind))


def _known(word: str, name: str, known: tuple[str, ...]) -> str:
    if name in known:
        return name
    near = nearest(name, known)
    fix = f"did you mean '{near}'?" if near else f"use one of {', '.join(known)}"
    what = f"there is no {word} called '{name}' in the catalogue"
    raise refusal("MG-C041", what, fix=fix, replacement=near if near and surely(name, near) else "")
