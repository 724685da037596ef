"""Keys that belong together or exclude each other: the code, the place and the sentence of each broken rule."""

from collections.abc import Callable

import pytest

from microgrid.errors import Problem
from sim.demand.appliances import window_min

Spoil = Callable[..., tuple[Problem, ...]]

MONTHS = "  monthly_ghi_kwh_m2_day: [5.6, 5.8, 5.4, 4.7, 4.6, 4.7, 4.7, 5.0, 5.5, 5.8, 5.9, 5.7]\n"
TEMPERATURES = "  monthly_temp_c: [28, 28, 28, 27, 26, 25, 24, 24, 25, 26, 27, 28]\n"
HOMES = "{tier: 2, count: 60}"
RATE = "exchange_rate: {tzs_per_usd: 2550, on: 2026-11-01}"
SYSTEM = "  pv_kw: [5, 80]\n"

BROKEN = [
    ([(MONTHS, ""), (TEMPERATURES, "  wind_m_s: 3\n")], "MG-C030", 7, "weather has no source of sun"),
    (
        [(MONTHS, MONTHS + "  file: tmy.csv\n")],
        "MG-C031",
        9,
        "weather has two sources of sun: monthly_ghi_kwh_m2_day and file",
    ),
    ([(TEMPERATURES, "")], "MG-C032", 8, "monthly_temp_c is missing in weather"),
    (
        [(MONTHS, "  file: tmy.csv\n  draws: 3\n")],
        "MG-C033",
        9,
        "draws: 3 asks for synthetic years, but the weather comes from a file",
    ),
    (
        [("  households:\n    - {tier: 2, count: 60}\n", "")],
        "MG-C040",
        10,
        "demand names nobody who uses power",
    ),
    (
        [(HOMES, "{count: 3, appliances: [{name: tv, power_w: 20, hours_per_day: 3, windows: [evening]}]}")],
        "MG-C043",
        12,
        "'evening' is not a time window",
    ),
    (
        [
            (
                HOMES,
                "{count: 3, appliances: [{name: tv, power_w: 20, hours_per_day: 6, windows: ['18:00-23:00']}]}",
            )
        ],
        "MG-C044",
        12,
        "tv runs 6 hours a day in windows of 5 hours",
    ),
    ([(HOMES, "{count: 3}")], "MG-C045", 12, "these homes have neither a tier nor appliances"),
    (
        [(HOMES, "{tier: 1, count: 3, appliances: [{name: tv, power_w: 20, hours_per_day: 3}]}")],
        "MG-C045",
        12,
        "these homes have both a tier and appliances",
    ),
    (
        [(SYSTEM, SYSTEM + "  arrays: [{share: 0.6}, {share: 0.5}]\n")],
        "MG-C050",
        16,
        "the shares of the arrays add up to 1.1, not 1",
    ),
    (
        [(SYSTEM, SYSTEM + "  topology: lamp\n")],
        "MG-C051",
        18,
        "a lamp has no inverter",
    ),
    (
        [(SYSTEM, SYSTEM + "  topology: home_system\n  genset_kw: 2\n"), ("  inverter_kw: 15\n", "")],
        "MG-C051",
        17,
        "a home system has no generator",
    ),
    (
        [(SYSTEM, SYSTEM + "  topology: home_system\n  coupling: ac\n"), ("  inverter_kw: 15\n", "")],
        "MG-C051",
        17,
        "a home system has no AC bus",
    ),
    (
        [
            (SYSTEM, SYSTEM + "  topology: home_system\n  sources: [{name: wind, file: wind.csv, kw: 1}]\n"),
            ("  inverter_kw: 15\n", ""),
        ],
        "MG-C051",
        17,
        "a home system has no further sources",
    ),
    (
        [("inverter_kw: 15", "inverter_kw: 0")],
        "MG-C052",
        17,
        "a microgrid with inverter_kw: 0 cannot feed its homes",
    ),
    (
        [(SYSTEM, SYSTEM + "  shedding: {standard_below_soc: 0.4, deferrable_below_soc: 0.3}\n")],
        "MG-C053",
        16,
        "standard customers would be let go before deferrable ones",
    ),
    ([(SYSTEM, "  pv_kw: 0\n")], "MG-C055", 15, "nothing in this system makes electricity"),
    (
        [("real_or_nominal: real", "real_or_nominal: nominal")],
        "MG-C060",
        25,
        "a nominal discount rate needs inflation",
    ),
    (
        [("currency: USD", "currency: TZS")],
        "MG-C023",
        21,
        "an exchange rate is given, but costs and site are both in TZS",
    ),
    (
        [(RATE, "exchange_rate: {per_unit: 2550, on: 2026-11-01}")],
        "MG-C023",
        21,
        "an exchange rate needs one pair of currencies",
    ),
    (
        [("tzs_per_usd: 2550", "tzs_per_usd: -1")],
        "MG-C003",
        21,
        "tzs_per_usd must be a number above 0, got -1",
    ),
    ([(", on: 2026-11-01", "")], "MG-C002", 21, "the key 'on' is missing in costs.exchange_rate"),
    (
        [("battery: lfp", "battery: lfp\n  soiling_by_month: [3,3,3,3,3,3,3,3,3,3,3,3]")],
        "MG-C003",
        19,
        "system.soiling_by_month, value 1 (January) must be between 0 and 1, got 3",
    ),
    (
        [("  growth_per_year: 0.04\n", "  businesses: [{kind: shopp, count: 1}]\n")],
        "MG-C041",
        13,
        "there is no business called 'shopp' in the catalogue",
    ),
]


@pytest.mark.parametrize(("changes", "code", "line", "what"), BROKEN, ids=[row[3][:40] for row in BROKEN])
def test_broken_rule_is_said_at_its_place(
    spoil: Spoil, changes: list[tuple[str, str]], code: str, line: int, what: str
) -> None:
    problem = spoil(*changes)[0]
    assert (problem.code, problem.line, problem.what) == (code, line, what)


@pytest.mark.parametrize(
    "changes",
    [
        [("inverter_kw: 15", "inverter: none")],
        [("inverter_kw: 15", "inverter_kw: [0, 5, 10]")],
        [("real_or_nominal: real", "real_or_nominal: nominal, inflation: 0")],
        [("currency: USD\n  " + RATE, "pv_om_per_kwh: 0")],
        [(HOMES, "{count: 3, appliances: [{name: tv, power_w: 20, hours_per_day: 6, windows: ['20:00-02:00']}]}")],
        [(SYSTEM, SYSTEM + "  arrays: [{share: 0.5, azimuth_deg: 90}, {share: 0.5, azimuth_deg: 270}]\n")],
        [(MONTHS, "  monthly_clearness: [0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5]\n")],
        [(MONTHS + TEMPERATURES, "  file: tmy.csv\n")],
        [("tzs_per_usd", "TZS_per_USD")],
    ],
)
def test_allowed_variant_is_accepted(spoil: Spoil, changes: list[tuple[str, str]]) -> None:
    assert spoil(*changes) == ()


def test_rules_between_sections_are_said_although_another_section_is_wrong(spoil: Spoil) -> None:
    problems = spoil(("tzs_per_usd", "kes_per_usd"), ("years: 20", "years: 0"))
    assert [problem.code for problem in problems] == ["MG-C023", "MG-C003"]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("18:00-23:30", (1080, 1410)),
        (" 6:00 - 24:00 ", (360, 1440)),
        ("22:00-02:00", (1320, 120)),
        ("08:00-08:00", None),
        ("24:00-02:00", None),
        ("18:60-20:00", None),
        ("18-20", None),
    ],
)
def test_window_is_read_in_minutes(text: str, minutes: tuple[int, int] | None) -> None:
    assert window_min(text) == minutes
