"""Slips of a planner in a hurry: one message each, exactly as printed."""

from collections.abc import Callable

import pytest

from microgrid.errors import Problem

Spoil = Callable[..., tuple[Problem, ...]]

# what was typed instead of what, and what is answered
SLIPS = [
    (
        "latitude and longitude swapped",
        [("latitude: -7.42", "latitude: -97.42"), ("longitude: 39.33", "longitude: -7.42")],
        """\
site.yaml:3:13: MG-C003: site.latitude must be between -90 and 90, got -97.42
   3 |   latitude: -97.42
     |             ^^^^^^
   fix: did you swap latitude and longitude?  latitude: -7.42, longitude: -97.42""",
    ),
    (
        "per cent for a fraction",
        [("unserved_fraction_max: 0.02", "unserved_fraction_max: 2")],
        """\
site.yaml:26:31: MG-C003: goal.unserved_fraction_max must be at least 0 and below 1, got 2
  26 | goal: {unserved_fraction_max: 2, years: 20}
     |                               ^
   why: it is a fraction, not per cent
   fix: unserved_fraction_max: 0.02""",
    ),
    (
        "one per cent is not everything",
        [("unserved_fraction_max: 0.02", "unserved_fraction_max: 1")],
        """\
site.yaml:26:31: MG-C003: goal.unserved_fraction_max must be at least 0 and below 1, got 1
  26 | goal: {unserved_fraction_max: 1, years: 20}
     |                               ^
   why: it is a fraction, not per cent
   fix: unserved_fraction_max: 0.01""",
    ),
    (
        "a per cent sign",
        [("growth_per_year: 0.04", "growth_per_year: 4 %")],
        """\
site.yaml:13:20: MG-C004: demand.growth_per_year must be a number, got '4 %'
  13 |   growth_per_year: 4 %
     |                    ^^^
   why: it is a fraction, not per cent
   fix: growth_per_year: 0.04""",
    ),
    (
        "kW for W",
        [
            (
                "{tier: 2, count: 60}",
                "{count: 60, appliances: [{name: bulb, power_w: 0.06, hours_per_day: 5}]}",
            )
        ],
        """\
site.yaml:12:54: MG-C003: demand.households.appliances.power_w must be between 0.5 and 100000, got 0.06
  12 |     - {count: 60, appliances: [{name: bulb, power_w: 0.06, hours_per_day: 5}]}
     |                                                      ^^^^
   why: it looks like kW; appliances are in W
   fix: power_w: 60""",
    ),
    (
        "text where a number belongs",
        [("pv_per_kw: 520", "pv_per_kw: cheap")],
        """\
site.yaml:22:14: MG-C004: costs.pv_per_kw must be a number, got 'cheap'
  22 |   pv_per_kw: cheap
     |              ^^^^^""",
    ),
    (
        "a unit behind the number",
        [("inverter_kw: 15", "inverter_kw: 15 kW")],
        """\
site.yaml:17:16: MG-C004: system.inverter_kw must be a number or a list, got '15 kW'
  17 |   inverter_kw: 15 kW
     |                ^^^^^
   why: the unit is part of the key's name
   fix: write the number alone:  inverter_kw: 15""",
    ),
    (
        "a negative size",
        [("battery_kwh: [10, 400]", "battery_kwh: -60")],
        """\
site.yaml:16:16: MG-C003: system.battery_kwh must be at least 0, got -60
  16 |   battery_kwh: -60
     |                ^^^
   fix: remove the minus sign:  battery_kwh: 60""",
    ),
    (
        "thirteen months",
        [("26, 27, 28]", "26, 27, 28, 28]")],
        """\
site.yaml:9:19: MG-C006: weather.monthly_temp_c needs 12 numbers, one for each month, got 13
   9 |   monthly_temp_c: [28, 28, 28, 27, 26, 25, 24, 24, 25, 26, 27, 28, 28]
     |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^""",
    ),
    (
        "the sum of a month for the mean of a day",
        [("[5.6, 5.8", "[5.6, 162")],
        """\
site.yaml:8:33: MG-C003: weather.monthly_ghi_kwh_m2_day, value 2 (February) must be between 0 and 12, got 162
   8 |   monthly_ghi_kwh_m2_day: [5.6, 162, 5.4, 4.7, 4.6, 4.7, 4.7, 5.0, 5.5, 5.8, 5.9, 5.7]
     |                                 ^^^
   why: it looks like the sum of a month; the mean of a day is needed
   fix: 5.79  (162 divided by 28 days)""",
    ),
    (
        "a range upside down",
        [("pv_kw: [5, 80]", "pv_kw: [80, 5]")],
        """\
site.yaml:15:10: MG-C034: the range [80, 5] does not rise
  15 |   pv_kw: [80, 5]
     |          ^^^^^^^
   why: sizes go from the lowest to the highest
   fix: [5, 80]""",
    ),
    (
        "a misspelt key, with the missing key it causes",
        [("latitude: -7.42", "lattitude: -7.42")],
        """\
site.yaml:3:3: MG-C001: unknown key 'lattitude' in site
   3 |   lattitude: -7.42
     |   ^^^^^^^^^
   fix: did you mean 'latitude'?  (microgrid check --fix will rename it)""",
    ),
    (
        "a missing key",
        [("  latitude: -7.42\n", "")],
        """\
site.yaml:1:1: MG-C002: the key 'latitude' is missing in site
   1 | site:
     | ^^^^
   fix: add  latitude: ...  (degrees, north positive)""",
    ),
    (
        "a key without a value",
        [("pv_per_kw: 520", "pv_per_kw:")],
        """\
site.yaml:22:3: MG-C002: costs.pv_per_kw has no value
  22 |   pv_per_kw:
     |   ^^^^^^^^^""",
    ),
    (
        "a key of another section",
        [("  growth_per_year: 0.04\n", "  growth_per_year: 0.04\n  unserved_fraction_max: 0.1\n")],
        """\
site.yaml:14:3: MG-C001: unknown key 'unserved_fraction_max' in demand
  14 |   unserved_fraction_max: 0.1
     |   ^^^^^^^^^^^^^^^^^^^^^
   fix: it belongs in 'goal'""",
    ),
    (
        "another unit in the key",
        [("battery_kwh: [10, 400]", "battery_wh: 60000")],
        """\
site.yaml:16:3: MG-C001: unknown key 'battery_wh' in system
  16 |   battery_wh: 60000
     |   ^^^^^^^^^^
   fix: did you mean 'battery_kwh'? Mind the unit: the number may have to change too""",
    ),
    (
        "a word that is nearly right",
        [("real_or_nominal: real", "real_or_nominal: reall")],
        """\
site.yaml:25:42: MG-C005: rates.real_or_nominal must be one of real, nominal, got 'reall'
  25 | rates: {discount: 0.09, real_or_nominal: reall}
     |                                          ^^^^^
   fix: did you mean 'real'?""",
    ),
    (
        "a decimal comma",
        [("pv_per_kw: 520", "pv_per_kw: 520,5")],
        """\
site.yaml:22:14: MG-C004: costs.pv_per_kw must be a number, got '520,5'
  22 |   pv_per_kw: 520,5
     |              ^^^^^
   why: a decimal point is needed, not a comma
   fix: pv_per_kw: 520.5""",
    ),
    (
        "a separator for thousands",
        [("pv_per_kw: 520", "pv_per_kw: 1,520")],
        """\
site.yaml:22:14: MG-C004: costs.pv_per_kw must be a number, got '1,520'
  22 |   pv_per_kw: 1,520
     |              ^^^^^
   why: a number is written without separators
   fix: pv_per_kw: 1520 (or 1.520 if the comma was a decimal point)""",
    ),
    (
        "true where a number belongs",
        [("pv_per_kw: 520", "pv_per_kw: true")],
        """\
site.yaml:22:14: MG-C004: costs.pv_per_kw must be a number, got true
  22 |   pv_per_kw: true
     |              ^^^^""",
    ),
    (
        "half a home",
        [("count: 60}", "count: 60.5}")],
        """\
site.yaml:12:24: MG-C004: demand.households.count must be a whole number, got 60.5
  12 |     - {tier: 2, count: 60.5}
     |                        ^^^^""",
    ),
    (
        "one section where a list belongs",
        [("households:\n    - {tier: 2, count: 60}", "households: {tier: 2, count: 60}")],
        """\
site.yaml:11:15: MG-C004: demand.households must be a list, got a section of keys
  11 |   households: {tier: 2, count: 60}
     |               ^^^^^^^^^^^^^^^^^^^^
   fix: begin each item with '- ', or put the section in [ ]""",
    ),
    (
        "a date that does not exist",
        [("on: 2026-11-01", "on: 2026-13-01")],
        """\
site.yaml:21:42: MG-C007: this value cannot be read: month must be in 1..12
  21 |   exchange_rate: {tzs_per_usd: 2550, on: 2026-13-01}
     |                                          ^^^^^^^^^^""",
    ),
    (
        "a city for a time zone",
        [("timezone: Africa/Dar_es_Salaam", "timezone: Dar es Salaam")],
        """\
site.yaml:5:13: MG-C020: there is no time zone 'Dar es Salaam'
   5 |   timezone: Dar es Salaam
     |             ^^^^^^^^^^^^^
   fix: did you mean 'Africa/Dar_es_Salaam'?""",
    ),
    (
        "a currency's sign for its code",
        [("currency: TZS", "currency: TSh")],
        """\
site.yaml:6:13: MG-C021: there is no currency 'TSh'
   6 |   currency: TSh
     |             ^^^
   fix: did you mean 'TZS'?""",
    ),
    (
        "a name that is not in the catalogue",
        [("battery: lfp", "battery: lpf")],
        """\
site.yaml:18:12: MG-C041: there is no battery called 'lpf' in the catalogue
  18 |   battery: lpf
     |            ^^^
   fix: did you mean 'lfp'?""",
    ),
    (
        "an exchange rate the wrong way round",
        [("tzs_per_usd: 2550", "usd_per_tzs: 0.0004")],
        """\
site.yaml:21:32: MG-C023: the exchange rate is usd_per_tzs, but tzs_per_usd is needed
  21 |   exchange_rate: {usd_per_tzs: 0.0004, on: 2026-11-01}
     |                                ^^^^^^
   why: costs are in USD and the site pays in TZS
   fix: tzs_per_usd: 2500""",
    ),
    (
        "no exchange rate",
        [("  exchange_rate: {tzs_per_usd: 2550, on: 2026-11-01}\n", "")],
        """\
site.yaml:20:13: MG-C022: costs are in USD but the site pays in TZS, and there is no exchange rate
  20 |   currency: USD
     |             ^^^
   why: results are shown in both
   fix: add  exchange_rate: {tzs_per_usd: ..., on: 2026-11-01}  with the day it was read""",
    ),
]


@pytest.mark.parametrize(("changes", "message"), [slip[1:] for slip in SLIPS], ids=[slip[0] for slip in SLIPS])
def test_slip_is_answered(spoil: Spoil, changes: list[tuple[str, str]], message: str) -> None:
    assert "\n\n".join(str(problem) for problem in spoil(*changes)) == message


def test_right_scenario_has_no_problem(spoil: Spoil) -> None:
    assert spoil() == ()
