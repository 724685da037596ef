"""`microgrid check`: every mistake in a scenario and its data, or what was understood of them."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from microgrid.cli.output import can_draw, emphasised, talk, write, write_json
from microgrid.config import examine, is_folder, placed
from microgrid.config_document import Document
from microgrid.config_repair import Repair, repaired
from microgrid.errors import InvalidInput, Problem, as_json, as_text
from microgrid.files import write_whole
from sim.scenario import Scenario

if TYPE_CHECKING:
    from sim.check import Understanding

BLOCKS = " ▁▂▃▄▅▆▇█"
ASCII_BLOCKS = " .:-=+*#@"


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of checking one file: mistakes, or what was understood together with what looks odd."""

    file: str
    mistakes: tuple[Problem, ...] = ()
    oddities: tuple[Problem, ...] = ()
    understood: Understanding | None = None
    repair: Repair | None = None

    @property
    def exit_code(self) -> int:
        """Return 2 for mistakes, 1 for oddities, 0 when all is well."""
        return 2 if self.mistakes else 1 if self.oddities else 0


def check(path: Path, *, fix: bool, dry_run: bool, as_json: bool) -> int:
    """Check a file, or every scenario in a folder; return the highest exit code."""
    if dry_run and not fix:
        raise InvalidInput(Problem("MG-U001", "--dry-run shows what --fix would do", fix="add --fix"))
    results = [_checked(file, fix=fix, dry_run=dry_run) for file in _files(path)]
    if as_json:
        write_json("microgrid.check/1", {"files": [_for_programs(result) for result in results]})
    else:
        _tell(results)
    return max(result.exit_code for result in results)


def _files(path: Path) -> list[Path]:
    if not is_folder(path):
        return [path]
    named = path / "scenario.yaml"
    found = [named] if named.is_file() else sorted(path.glob("*.yaml"))
    if not found:
        what = f"there is no scenario in the folder '{path.as_posix()}'"
        raise InvalidInput(Problem("MG-C011", what, fix="make one:  microgrid new my-village"))
    return found


def _checked(path: Path, *, fix: bool, dry_run: bool) -> Checked:
    file = path.as_posix()
    try:
        repair = repaired(path, Scenario) if fix else None
        if repair is not None and repair.changed and not dry_run:
            write_whole(path, repair.after)
        examination = examine(path, Scenario)
        if examination.model is None:
            return Checked(file, examination.problems, repair=repair)
        return _understood(examination.model, examination.document, path, repair)
    except InvalidInput as error:
        return Checked(file, error.problems)


def _understood(scenario: Scenario, document: Document, path: Path, repair: Repair | None) -> Checked:
    from sim.check import oddities, understand

    try:
        understood = understand(scenario, path.parent)
    except InvalidInput as error:
        return Checked(path.as_posix(), error.problems, repair=repair)
    odd = placed(document, oddities(scenario, understood))
    return Checked(path.as_posix(), (), odd, understood, repair)


def _tell(results: list[Checked]) -> None:
    for result in results:
        if result.repair is not None:
            talk(result.repair.diff if result.repair.changed else f"{result.file}: nothing to repair")
        if result.mistakes:
            talk(as_text(result.mistakes))
            count = len(result.mistakes)
            talk(f"{result.file}: {count} mistake{'s' if count > 1 else ''}")
        if result.understood is not None:
            write(_story(result.file, result.understood))
        if result.oddities:
            talk(as_text(result.oddities))


def _story(file: str, seen: Understanding) -> str:
    """Return what was understood, in words and with the mean day as a plot of 24 columns."""
    ok = emphasised("OK", sys.stdout, "32;1")
    light = f"{seen.sun_kwh_m2_year:,.0f} kWh/m2 a year, " if seen.sun_kwh_m2_year else ""  # a PV profile has none
    sun = f"{light}{seen.pv_kwh_per_kw_year:,.0f} kWh per kW of panels"
    peak = f"{_kw(seen.peak_kw)} at {seen.peak_hour:02d}:00"
    peak += f", {_kw(seen.peak_minute_kw)} in one minute" if seen.systems == 1 else " in all homes together"
    customers = f"{seen.connections:,} connection{'' if seen.connections == 1 else 's'}"
    lines = [
        f"{ok}  {file}",
        f"  time      {seen.steps:,} steps of {seen.step_minutes} min, {seen.timezone}",
        f"  sun       {sun}, mean {seen.mean_temp_c:.1f} degC",
        f"  demand    {seen.demand_kwh_year:,.0f} kWh a year, {customers}",
        f"  peak      {peak}",
        f"  mean day  |{_plot(seen.mean_day_kw)}|  0 to 24 h, highest {_kw(max(seen.mean_day_kw))}",
    ]
    if seen.most_growth > 1.0:
        lines.append(f"  later     up to {seen.most_growth:.3g} times this load, by connections and growth")
    lines += [f"  note      {note}" for note in seen.notes]
    return "\n".join([*lines, *(f"  filled    {fill}" for fill in seen.fills)])


def _kw(power_kw: float) -> str:
    return f"{power_kw:,.0f} kW" if power_kw >= 100.0 else f"{power_kw:.3g} kW"


def _plot(values: tuple[float, ...]) -> str:
    blocks = BLOCKS if can_draw(sys.stdout) else ASCII_BLOCKS
    highest = max(values) or 1.0
    return "".join(blocks[round(value / highest * (len(blocks) - 1))] for value in values)


def _for_programs(result: Checked) -> dict[str, object]:
    found: dict[str, object] = {
        "file": result.file,
        "ok": not result.mistakes,
        "mistakes": [as_json(problem) for problem in result.mistakes],
        "oddities": [as_json(problem) for problem in result.oddities],
        "understood": asdict(result.understood) if result.understood else None,
    }
    return found | ({"diff": result.repair.diff} if result.repair else {})
