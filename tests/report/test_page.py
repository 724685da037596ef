"""The report page: what it says, how it is built, and that it needs nothing but itself."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

from sim.inputs import Inputs
from sim.report.page import write_infeasible_report, write_report
from sim.scenario import Scenario
from sim.sizing.evaluate import Evaluation, Study, evaluate, one_design
from sim.sizing.search import Sizing

INPUTS = "site: {name: Mlima}  # as written\n"
EVIL = '<script>alert("x")</script>'


class Page(HTMLParser):
    """A page taken apart: its tags, its texts by tag, and its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in {"meta", "link", "br"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif data.strip():
            self.texts.append((self._open[-1] if self._open else "", data.strip()))

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every tag of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self) -> str:
        """Return everything a reader can read, with ordinary spaces."""
        return re.sub(r"\s+", " ", " ".join(text for tag, text in self.texts if tag != "style"))


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """Return the function that writes a report and reads it back."""

    def write(study: Study, evaluation: Evaluation, sizing: Sizing | None = None, text: str = INPUTS) -> str:
        write_report(tmp_path / "report.html", study, evaluation, sizing, text)
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return write


@pytest.fixture
def page(study: Study, evaluation: Evaluation, sizing_of: Callable[..., Sizing], written: Callable[..., str]) -> Page:
    """Return the report of the village's design, found by a search."""
    return Page(written(study, evaluation, sizing_of(evaluation)))


def figures_of(page: Page) -> list[dict[str, Any]]:
    """Return the figures a page carries; a number that JSON does not know is an error."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    kinds = [attributes.get("type") for attributes in page.all("script")]
    blocks = [script for script, kind in zip(page.scripts, kinds, strict=True) if kind == "application/json"]
    return [json.loads(block, parse_constant=refuse) for block in blocks]


def coloured(value: Any) -> Any:
    """Return a figure with a colour for every CSS variable, as the page's script does."""
    if isinstance(value, dict):
        return {key: coloured(part) for key, part in value.items()}
    if isinstance(value, list):
        return [coloured(part) for part in value]
    return "#123456" if isinstance(value, str) and value.startswith("--") else value


def test_the_answer_comes_first_in_plain_words(page: Page) -> None:
    answer = page.words[page.words.index("Is it enough") : page.words.index("A kWh served costs")]
    assert "Yes. 10 kW of panels, 20 kWh of battery, 5 kW of inverter and 1 kW of generator serve" in answer
    assert re.search(r"A kilowatt-hour served costs 0\.\d+ USD \([\d,]+ TZS\)", answer)
    assert "What limits it: in year 3, the hardest," in answer
    assert "because the battery is empty and the generator too small" in answer
    assert "1,234 designs were tried; of those that meet the goal" in answer
    assert "falls in April" in answer


def test_ten_numbers_follow(page: Page) -> None:
    facts = page.words[page.words.index("A kWh served costs") : page.words.index("Three weeks")]
    assert len([1 for tag, _ in page.tags if tag == "strong"]) == 10
    for label in ("A kWh paid for costs", "Whole-life cost", "Energy not served", "Battery life", "Fuel"):
        assert label in facts


def test_a_design_that_misses_the_goal_is_said_to(
    study: Study, written: Callable[..., str], scenario: Callable[..., Scenario]
) -> None:
    poor = replace(study, scenario=scenario(goal={"unserved_fraction_max": 0.0001}))
    page = Page(written(poor, evaluate(poor, one_design(10.0, 20.0, 2.0, 0.0))))
    assert "Does not meet the goal" in page.words
    assert "No. 10 kW of panels" in page.words
    assert "Inverter and generator together cannot carry the busiest minute (3.6 kW)" in page.words


def test_the_three_weeks_are_found_and_named(page: Page) -> None:
    titles = [text for tag, text in page.texts if tag == "h3"]
    assert titles[0] == "The worst week: 11 April to 17 April"  # days 100 to 106 of the year
    assert [title.split(":")[0] for title in titles[1:3]] == ["A typical week", "The best week"]


def test_money_adds_up_on_the_page(page: Page, evaluation: Evaluation) -> None:
    npc = float(evaluation.cost.npc[0])
    assert sum(year.discounted for year in evaluation.cash) == pytest.approx(npc)
    bars = next(figure for figure in figures_of(page) if figure["data"][0].get("orientation") == "h")
    assert sum(sum(trace["x"]) for trace in bars["data"]) == pytest.approx(npc, abs=0.5)
    assert f"{npc:,.0f} USD" in page.words.replace("\u00a0", " ")
    assert "USD per kWh TZS per kWh" in page.words
    assert "leaves out revenue, financing, profit and taxes on income" in page.words


def test_energy_adds_up_on_the_page(page: Page, evaluation: Evaluation) -> None:
    bars = next(figure for figure in figures_of(page) if figure["data"][0]["name"] == "Served with sun and battery")
    sums = [sum(trace["y"][year] for trace in bars["data"]) for year in range(3)]
    assert sums == pytest.approx([year.load_kwh for year in evaluation.years], abs=0.02)
    assert "what came in equals what went out" in page.words


def test_it_says_what_it_rests_on(page: Page) -> None:
    for text in ("Typical year.", "2,500 TZS for 1 USD, as on 2026-11-01", "90 % of the energy served is paid for"):
        assert text in page.words.replace("\u00a0", " ")
    for text in ("What was not modelled", "Breakdowns, repairs and theft", hashlib.sha256(INPUTS.encode()).hexdigest()):
        assert text in page.words
    assert "Seed 7" in page.words
    assert ("pre", INPUTS.strip()) in page.texts


def test_long_fills_stand_before_the_numbers(
    scenario: Callable[..., Scenario],
    inputs: Callable[..., Inputs],
    study_of: Callable[[Scenario, Inputs], Study],
    written: Callable[..., str],
) -> None:
    study = study_of(scenario(), inputs(fills=("5 h from 2023-03-01 filled",)))
    page = Page(written(study, evaluate(study, one_design(10.0, 20.0, 5.0, 1.0))))
    assert page.words.index("5 h from 2023-03-01 filled") < page.words.index("A kWh served costs")


def test_many_homes_are_told_apart_from_one(
    scenario: Callable[..., Scenario],
    inputs: Callable[..., Inputs],
    study_of: Callable[[Scenario, Inputs], Study],
    written: Callable[..., str],
) -> None:
    system = {"topology": "home_system", "pv_kw": 3.0, "inverter_kw": 0.0, "genset_kw": 0.0}
    one = inputs()
    homes = {"loads_w": one.loads_w.repeat(2, axis=0) * [[[1.0]], [[0.5]]], "weights": one.weights.repeat(2) * 15.0}
    study = study_of(scenario(system=system), inputs(**homes))
    page = Page(written(study, evaluate(study, one_design(3.0, 10.0, 0.0, 0.0))))
    assert "Each of 30 systems has 3 kW of panels and 10 kWh of battery. Together they serve" in page.words
    assert "in one of the 30 homes, the first of the sample" in page.words


def test_a_system_without_battery_or_engine_has_a_report(
    study: Study, evaluation: Evaluation, written: Callable[..., str]
) -> None:
    page = Page(written(study, evaluate(study, one_design(10.0, 0.0, 5.0, 0.0))))
    assert "the sun does not shine and there is no battery" in page.words
    assert "no battery" in page.words
    assert not any("yaxis2" in figure["layout"] for figure in figures_of(page))
    assert evaluation.design.battery_kwh[0] == 20.0


def test_nothing_served_costs_no_number(study: Study, written: Callable[..., str]) -> None:
    page = Page(written(study, evaluate(study, one_design(0.0, 0.0, 0.0, 0.0))))
    assert "No. Nothing is built, and nothing is served." in page.words
    assert "Nothing is served, so there is no cost per kilowatt-hour." in page.words
    assert "inf" not in re.findall(r"\b\w+\b", page.words)
    assert "nan" not in re.findall(r"\b\w+\b", page.words)


def test_the_page_is_well_built(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    references = [attributes["href"] for attributes in page.all("a")]
    assert {reference.removeprefix("#") for reference in references} <= set(ids)
    named = [attributes[name] for _, attributes in page.tags for name in ("aria-labelledby",) if name in attributes]
    assert set(" ".join(named).split()) <= set(ids)
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert len(page.all("table")) == len(page.all("caption"))
    assert {attributes["scope"] for attributes in page.all("th")} == {"col", "row"}


def test_every_chart_has_a_sentence_and_a_table(page: Page) -> None:
    charts = [attributes for attributes in page.all("div") if attributes.get("class") == "chart"]
    assert len(charts) == len(page.all("figcaption")) == len(figures_of(page)) == 7
    assert all(chart["role"] == "img" and chart["aria-labelledby"] for chart in charts)
    assert len(page.all("summary")) == 7 + 2  # one under each chart, the operation of each year, and the inputs


def test_plotly_knows_every_word_of_the_figures(page: Page) -> None:
    for figure in figures_of(page):
        Figure(coloured(figure))  # raises ValueError for what it does not know


def test_the_page_loads_nothing_and_runs_only_its_own_scripts(page: Page) -> None:
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert attributes.get(name, "#").startswith(("#", "data:"))
    style = "".join(text for tag, text in page.texts if tag == "style")
    assert not re.search(r"@import|url\(|https?:", style)
    running = [
        script for script, attributes in zip(page.scripts, page.all("script"), strict=True) if "type" not in attributes
    ]
    assert running[0] == get_plotlyjs()
    assert len(running) == 2
    assert not re.search(r"https?:|fetch|XMLHttpRequest|import", running[1])
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in running]
    assert policy.startswith("default-src 'none'; script-src " + " ".join(f"'sha256-{text}'" for text in hashes))


def test_words_of_the_planner_are_never_taken_for_the_page(
    scenario: Callable[..., Scenario],
    inputs: Callable[..., Inputs],
    study_of: Callable[[Scenario, Inputs], Study],
    sizing_of: Callable[..., Sizing],
    written: Callable[..., str],
) -> None:
    study = study_of(scenario(site={"name": EVIL}), inputs(notes=(EVIL,), fills=(EVIL,)))
    design = evaluate(study, one_design(10.0, 20.0, 5.0, 1.0))
    text = written(study, design, sizing_of(design), f"{EVIL}</pre>")
    assert EVIL not in text
    assert Page(text).words.count(EVIL) >= 4


def test_the_same_study_gives_the_same_bytes(
    study: Study, evaluation: Evaluation, sizing_of: Callable[..., Sizing], written: Callable[..., str]
) -> None:
    assert written(study, evaluation, sizing_of(evaluation)) == written(study, evaluation, sizing_of(evaluation))


def test_weeks_are_those_of_the_hardest_year_whichever_was_asked_for(
    study: Study, evaluation: Evaluation, written: Callable[..., str]
) -> None:
    assert evaluation.year == 1
    assert written(study, evaluation) == written(study, evaluate(study, evaluation.design, 3))


def test_nothing_that_fits_is_a_report_of_what_was_tried(
    study: Study, sizing_of: Callable[..., Sizing], tmp_path: Path
) -> None:
    reasons = ("unserved energy at most 5 % (best found 30 %)", "system.genset_kw: up to 10 (kW)")
    write_infeasible_report(tmp_path / "none.html", study, sizing_of(None), reasons, INPUTS)
    page = Page((tmp_path / "none.html").read_text(encoding="utf-8"))
    assert "No design meets the goal" in page.words
    assert "1,234 designs were tried" in page.words
    assert "34 were refused because they cannot carry the busiest minute" in page.words
    for reason in reasons:
        assert reason in page.words
    assert "Chosen" not in json.dumps(figures_of(page))
    assert "The designs that leave least unserved." in page.words


def test_a_search_that_refused_every_design_unseen_has_a_report(
    study: Study, sizing_of: Callable[..., Sizing], tmp_path: Path
) -> None:
    tried = sizing_of(None)
    nobody = tried.candidates.picked(tried.candidates.npc < 0.0)
    empty = replace(tried, candidates=nobody, pareto=nobody, too_weak=tried.searched)
    write_infeasible_report(tmp_path / "none.html", study, empty, ("the AC side is too weak",), INPUTS)
    page = Page((tmp_path / "none.html").read_text(encoding="utf-8"))
    assert "1,234 were refused" in page.words
    assert figures_of(page) == []
