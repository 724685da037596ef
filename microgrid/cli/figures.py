"""`microgrid kpi`: the key figures of a site, or what one of them was counted from."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from microgrid import kpi_views
from microgrid.api.bodies import plain
from microgrid.cli.output import write, write_json
from microgrid.cli.serving import open_core
from microgrid.errors import InvalidInput, Problem
from microgrid.kpi_views import KpiView

ALL = 10**9


def show(folder: Path, site: str, days: tuple[str, str], behind: str, *, as_json: bool) -> None:
    """Show every key figure of a site, or the evidence of one."""
    first, last = (_day(each) for each in days)
    core, period = open_core(folder), {"site": site, "from": days[0], "to": days[1]}
    if behind:
        found = kpi_views.evidence(core, behind, site, first, last, limit=ALL)
        write_json("microgrid.kpi-evidence/1", {**period, "name": behind, "evidence": plain(found.items)})
        return
    figures = kpi_views.all_figures(core, site, first, last)
    if as_json:
        write_json("microgrid.kpis/1", {**period, "kpis": plain(figures)})
        return
    for each in figures:
        write(_line(each))


def _line(figure: KpiView) -> str:
    if figure.value is None:
        return f"{figure.name:<16} {'-':>14}  {figure.reason}"
    return f"{figure.name:<16} {figure.value:>14}  {figure.unit}; {figure.basis}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(Problem("MG-A065", f"'{text}' is no day", fix="write it as 2026-10-01")) from None
