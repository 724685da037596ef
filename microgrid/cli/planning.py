"""`microgrid size` and `microgrid evaluate`: from a scenario to a design, its money, its report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from microgrid.cli.output import talk, write, write_json
from microgrid.clock import stopwatch
from microgrid.config import locate, read
from microgrid.config_document import LARGEST
from microgrid.errors import InvalidInput, Problem
from microgrid.files import outputs_apart, said_plainly
from sim.scenario import Scenario

if TYPE_CHECKING:
    from sim.sizing.evaluate import Evaluation, Study
    from sim.sizing.search import Sizing
    from sim.sizing.why import Infeasible

FEASIBLE, INFEASIBLE = 0, 1


def size(path: Path, report: Path | None, *, as_json: bool) -> int:
    """Search the ranges of a scenario and tell the cheapest design that meets its goal, or why there is none."""
    study, text = _study(path, {"--report": report})
    elapsed_s = stopwatch()
    from sim.sizing.search import size as search

    sizing = search(study, _progress())
    seconds = elapsed_s()
    why = _why(study, sizing)
    if report is not None:
        _report_size(report, study, sizing, why, text)
    if as_json:
        from sim.sizing.answers import size_answer

        write_json("microgrid.size/1", size_answer(study, sizing, why, seconds))
    elif why is not None:
        write(_infeasible_text(why))
    elif sizing.best is not None:
        from sim.sizing.telling import size_text

        write(size_text(study, sizing))
    talk(f"{sizing.searched:,} designs, {sizing.candidate_years:,} design-years in {seconds:.1f} s")
    return FEASIBLE if why is None else INFEASIBLE


def evaluate(
    path: Path,
    sizes: dict[str, float | None],
    year: int,
    series: Path | None,
    report: Path | None,
    *,
    require_goal: bool,
    as_json: bool,
) -> int:
    """Run one design through its project and tell what it does and costs; with `require_goal`, 1 when it misses it."""
    study, text = _study(path, {"--series": series, "--report": report})
    from sim.sizing.evaluate import evaluate as run
    from sim.sizing.evaluate import one_design

    years = study.scenario.goal.years
    if not 1 <= year <= years:
        raise InvalidInput(Problem("MG-U010", f"--year must be 1 to {years}, got {year}", fix="--year 1"))
    evaluation = run(study, one_design(**_sizes(study.scenario, sizes)), year)
    if series is not None:
        from sim.report.series import write_series

        with said_plainly(series):
            series.parent.mkdir(parents=True, exist_ok=True)
            write_series(series, study, evaluation)
        talk(f"series: {series}")
    if report is not None:
        from sim.report.page import write_report

        with said_plainly(report):
            report.parent.mkdir(parents=True, exist_ok=True)
            write_report(report, study, evaluation, None, text)
        talk(f"report: {report}")
    _tell(study, evaluation, as_json=as_json)
    from sim.sizing.search import meets_goal

    return INFEASIBLE if require_goal and not meets_goal(study, evaluation) else FEASIBLE


def _tell(study: Study, evaluation: Evaluation, *, as_json: bool) -> None:
    if as_json:
        from sim.sizing.answers import evaluate_answer

        write_json("microgrid.evaluate/1", evaluate_answer(study, evaluation))
    else:
        from sim.sizing.telling import evaluate_text

        write(evaluate_text(study, evaluation))


def _study(path: Path, outputs: dict[str, Path | None]) -> tuple[Study, str]:
    """Return a scenario made ready, and the text of its file; refuse outputs that would destroy something."""
    file = locate(path)
    scenario = read(file, Scenario)
    from sim.loading import data_files

    outputs_apart(outputs, (file, *data_files(scenario, file.parent)))
    from sim.sizing.evaluate import study_of

    study = study_of(scenario, file.parent)
    for fill in study.inputs.fills:
        talk(f"filled: {fill}")
    return study, file.read_text(encoding="utf-8")


def _sizes(scenario: Scenario, given: dict[str, float | None]) -> dict[str, float]:
    """Return the sizes to run: those given, else those the scenario fixes; every open one is one mistake."""
    sizes: dict[str, float] = {}
    problems: list[Problem] = []
    for name, size_given in given.items():
        written = getattr(scenario.system, name)
        option = f"--{name.replace('_', '-')}"
        if size_given is not None and not 0.0 <= size_given <= LARGEST:
            problems.append(_no_size(option, size_given))
        elif size_given is not None:
            sizes[name] = size_given
        elif isinstance(written, tuple):
            what = f"{option} is missing: the scenario gives a range, {list(written)}"
            problems.append(Problem("MG-U012", what, fix=f"add  {option} {written[len(written) // 2]:g}"))
        else:
            sizes[name] = written
    if problems:
        raise InvalidInput(*problems)
    return sizes


def _no_size(option: str, size: float) -> Problem:
    if size < 0.0:
        return Problem("MG-U011", f"{option} must not be negative, got {size:g}", fix=f"{option} 0")
    return Problem("MG-U011", f"{option} must be a number that can be built, got {size:g}", fix=f"{option} 20")


def _why(study: Study, sizing: Sizing) -> Infeasible | None:
    if sizing.best is not None:
        return None
    from sim.sizing.why import why_infeasible

    return why_infeasible(study, sizing)


def _report_size(path: Path, study: Study, sizing: Sizing, why: Infeasible | None, text: str) -> None:
    from sim.report.page import write_infeasible_report, write_report

    with said_plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if sizing.best is not None:
            write_report(path, study, sizing.best, sizing, text)
        elif why is not None:
            write_infeasible_report(path, study, sizing, (why.tightest, *why.would_fit), text)
    talk(f"report: {path}")


def _infeasible_text(why: Infeasible) -> str:
    lines = [f"MG-S004: {why.what}", f"   tightest:  {why.tightest}"]
    lines += [f"   would fit: {change}" for change in why.would_fit]
    return "\n".join(lines)


def _progress() -> Callable[[int, int, float], None]:
    """Return what tells progress: a bar for a person at a terminal, a line each tenth for a file, to stderr."""
    bar, last = sys.stderr.isatty(), [-1]

    def tell(done: int, total: int, best: float) -> None:
        tenth = 10 * done // total
        known = "" if best == float("inf") else f"   best {best:,.3f}"
        if bar:
            filled = 30 * done // total
            sys.stderr.write(f"\rSizing  {'━' * filled}{'╌' * (30 - filled)}  {done:,}/{total:,}{known}\x1b[K")
            sys.stderr.write("\n" if done == total else "")
            sys.stderr.flush()
        elif tenth > last[0]:
            talk(f"sizing: {done:,} of {total:,} designs{known}")
        last[0] = tenth

    return tell
