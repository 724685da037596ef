"""The report in a real browser without a network: charts appear, nothing is asked for, nothing sticks out."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sim.components import components_of
from sim.inputs import Inputs
from sim.report.page import write_report
from sim.scenario import Scenario
from sim.sizing.evaluate import Study, evaluate, one_design

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    pytest.skip(
        "no Chromium here; to get it, run as root:  python3 -m microgrid.bootstrap test", allow_module_level=True
    )
HOURS = np.arange(8760.0)
VILLAGE: dict[str, Any] = {
    "site": {"name": "Mlima & <Bonde>", "latitude": -6.0, "longitude": 37.0, "timezone": "UTC", "currency": "TZS"},
    "weather": {"monthly_ghi_kwh_m2_day": [5.0] * 12, "monthly_temp_c": [25.0] * 12},
    "demand": {"households": [{"tier": 2, "count": 20}]},
    "system": {"pv_kw": 10.0, "battery_kwh": 20.0, "inverter_kw": 5.0, "genset_kw": 1.0},
    "costs": {"pv_per_kw": 1250000, "battery_per_kwh": 600000, "fuel_per_litre": 3000},
    "rates": {"discount": 0.08, "real_or_nominal": "real"},
    "goal": {"unserved_fraction_max": 0.05, "years": 3},
    "payg": {"plan": "home_energy", "price_per_kwh": 1000},
    "seed": 7,
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of a small village."""
    scenario = Scenario.model_validate(VILLAGE)
    sun = np.maximum(0.0, np.sin((HOURS % 24.0 - 6.0) / 12.0 * np.pi)) * (0.6 + 0.3 * np.sin(HOURS / 200.0))
    load_w = np.where(HOURS % 24.0 >= 18.0, 4500.0, 500.0)
    inputs = Inputs(
        dt_h=1.0,
        utc_offset_s=0,
        year=2023,
        pv_w_per_w=sun[np.newaxis],
        ghi_w_m2=1000.0 * sun[np.newaxis],
        temp_c=np.full((1, 8760), 25.0),
        source_w=np.zeros(8760),
        loads_w=np.stack([0.2 * load_w, 0.5 * load_w, 0.3 * load_w])[np.newaxis],
        weights=np.ones(1),
        load_factor=np.ones((3, 12)),
        connected_fraction=np.ones((3, 12)),
        connections=20,
        peak_minute_w=3e3,
        peak_three_phase_w=0.0,
        largest_start_w=0.0,
        notes=("a note",),
        fills=("five hours were filled",),
    )
    study = Study(scenario, inputs, components_of(scenario.system), None)
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, study, evaluate(study, one_design(10.0, 20.0, 5.0, 1.0)), None, "seed: 7\n" + "x" * 500)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser of this machine."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--disable-dev-shm-usage"])
        yield started
        started.close()


@dataclass(frozen=True)
class Opened:
    """The report in a window, and what went wrong or was asked for."""

    page: Page
    width: int
    said: list[str]


@pytest.fixture(scope="module", params=[(320, "light"), (1200, "dark")], ids=["phone, light", "desk, dark"])
def opened(browser: Browser, report: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    """Return the report on a phone or a desk, without a network, once its charts are drawn."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    context.set_offline(True)
    page, said = context.new_page(), list[str]()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda asked: said.append(asked.url) if asked.url != report.as_uri() else None)
    page.goto(report.as_uri())
    expect(page.locator(".chart .legend")).to_have_count(6)
    yield Opened(page, width, said)
    context.close()


def text_contrasts(page: Page) -> list[float]:
    """Return the contrast of every colour of text on the page with what lies behind it, as WCAG 2.2 defines it."""
    script = """() => {
      const light = rgb => rgb.map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
      const rgba = text => text.match(/[0-9.]+/g).map(Number);
      const behind = node => { for (; node; node = node.parentElement) {
        const back = rgba(getComputedStyle(node).backgroundColor); if (back[3] !== 0) return back.slice(0, 3); }
        return [255, 255, 255]; };
      const texts = "main p, header p, h1, h2, dt, dd, dd span, a, th, td, caption, summary, pre";
      return [...document.querySelectorAll(texts)]
        .map(node => [light(rgba(getComputedStyle(node).color).slice(0, 3)), light(behind(node))].sort((a, b) => b - a))
        .map(([more, less]) => (more + .05) / (less + .05)); }"""
    contrasts: list[float] = page.evaluate(script)
    return contrasts


def test_charts_are_drawn_and_nothing_is_asked_for(opened: Opened) -> None:
    assert opened.page.locator(".chart svg.main-svg").first.is_visible()
    assert opened.page.title().startswith("Mlima & <Bonde>: 10")
    assert opened.said == []


def test_nothing_sticks_out_even_with_all_tables_open(opened: Opened) -> None:
    for closed in opened.page.locator("details").all():
        closed.evaluate("details => { details.open = true }")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == opened.width


def test_charts_hold_what_was_simulated(opened: Opened) -> None:
    names = opened.page.evaluate("document.getElementById('chart-week-worst').data.map(trace => trace.name)")
    assert {"Sun, used", "Battery out", "Battery in", "Generator", "Not served", "Load"} <= set(names)


def test_charts_follow_the_scheme(opened: Opened) -> None:
    name_of_axis = opened.page.locator("#chart-energy .xtitle")
    opened.page.emulate_media(color_scheme="light")
    expect(name_of_axis).to_have_css("fill", "rgb(27, 31, 36)")
    opened.page.emulate_media(color_scheme="dark")
    expect(name_of_axis).to_have_css("fill", "rgb(233, 236, 239)")
    assert opened.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(opened: Opened, scheme: Any) -> None:
    opened.page.emulate_media(color_scheme=scheme)
    contrasts = text_contrasts(opened.page)
    assert len(contrasts) > 100
    assert min(contrasts) >= 4.5


def test_without_scripts_everything_can_be_read_with_the_keyboard(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("noscript").inner_text().startswith("This page draws its charts")
    assert page.locator(".facts strong").count() == 10
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    hours = page.locator("#chart-week-worst ~ details")
    hours.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(hours.locator("table")).to_be_visible()
    assert hours.locator("tbody tr").count() == 7 * 24
    context.close()
