"""What all charts of a report share: a title, a sentence that says what it shows, the figure, and the same as a table.

Figures are plain Plotly dictionaries. A colour is the name of a CSS variable of the page, such as `--solar`: the page
puts in the colour of the scheme the reader uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.report.tables import Table

Figure = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart of a report."""

    name: str  # unique on its page, and part of the page's ids
    title: str
    summary: str
    figure: Figure
    table: Table


def figure(traces: list[Figure], **layout: Any) -> Figure:
    """Return a figure with the look that all charts share; `layout` adds to it."""
    shared = {
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "--text"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 58, "r": 12, "t": 8, "b": 40},
        "height": 400,
        "legend": {"orientation": "h", "y": -0.16, "yanchor": "top", "x": 0, "traceorder": "normal"},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "--panel", "bordercolor": "--line", "font": {"color": "--text"}},
    }
    axes = {name: axis() | layout.pop(name, {}) for name in ("xaxis", "yaxis")}
    return {"data": traces, "layout": shared | axes | layout}


def axis(**settings: Any) -> Figure:
    """Return an axis in the colours of the page."""
    colors = {"gridcolor": "--line", "linecolor": "--muted", "zerolinecolor": "--muted"}
    digits = {"separatethousands": True, "exponentformat": "none", "automargin": True}
    return colors | digits | {"title": {"standoff": 8}} | settings


def titled(text: str) -> Figure:
    """Return the setting that names an axis."""
    return {"title": {"text": text, "standoff": 8}}


def plain(values: npt.ArrayLike, decimals: int = 3) -> list[float]:
    """Return numbers as a figure holds them: rounded, so that the page stays small and is the same everywhere."""
    rounded: list[float] = (np.round(np.asarray(values, dtype=np.float64), decimals) + 0.0).tolist()
    return rounded
