"""The worst, a typical and the best week: who carried the load in every hour, and how full the battery was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.inputs import DAYS_IN_MONTHS, FloatArray
from sim.report import amounts
from sim.report.charts import Chart, Figure, axis, figure, plain, titled
from sim.report.series import local_times, pv_w
from sim.report.shortage import MONTHS
from sim.report.tables import Table
from sim.report.weeks import Week, Weeks, find_weeks, steps_of
from sim.sizing.evaluate import Evaluation, Study

FINEST_MINUTES = 15  # a week in finer steps is drawn as means over this
RULE = (
    "All runs of seven days are put in order: by the energy not served, then by how low the battery falls, then by "
    "what the generator gives, then by the sun. The worst week leads this order, the best ends it, and the typical "
    "one stands in the middle."
)


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """What happened in the steps of a week [W]; the battery's energy as part of all it can hold."""

    times: tuple[str, ...]  # starts of the steps, and the end of the last
    load_w: FloatArray
    unserved_w: FloatArray
    sun_w: FloatArray  # what the panels could give
    source_w: FloatArray
    spilled_w: FloatArray
    genset_w: FloatArray
    discharge_w: FloatArray
    charge_w: FloatArray
    state: FloatArray  # (n,), 0 to 1; empty without a battery


def week_charts(study: Study, evaluation: Evaluation, capacity_wh: float) -> tuple[Chart, ...]:
    """Return the charts of three weeks of the evaluation's year; `capacity_wh` is a full battery's energy then."""
    weeks = weeks_of(study, evaluation)
    return tuple(
        _week_chart(study, evaluation, capacity_wh, kind, getattr(weeks, kind)) for kind in ("worst", "typical", "best")
    )


def weeks_of(study: Study, evaluation: Evaluation) -> Weeks:
    """Return the three weeks of the evaluation's year."""
    steps = evaluation.trajectory
    return find_weeks(steps.unserved_w, steps.energy_wh, steps.genset_w, pv_w(study, evaluation), study.inputs.dt_h)


def flows_of(study: Study, evaluation: Evaluation, week: Week, capacity_wh: float, minutes: int) -> Flows:
    """Return what happened in a week as means over `minutes`, or over the study's step where that is longer."""
    dt_h = study.inputs.dt_h
    each, there = max(1, round(minutes / 60.0 / dt_h)), steps_of(week, dt_h)
    steps, drivers = evaluation.trajectory, evaluation.drivers
    starts = local_times(study)[there][::each].astype("datetime64[m]")
    end = starts[-1] + (starts[1] - starts[0])

    def mean(values: FloatArray) -> FloatArray:
        means: FloatArray = values[there].reshape(-1, each).mean(axis=1)
        return means

    return Flows(
        times=tuple(text.replace("T", " ") for text in np.datetime_as_string(np.append(starts, end)).tolist()),
        load_w=mean(drivers.loads_w.sum(axis=0)),
        unserved_w=mean(steps.unserved_w),
        sun_w=mean(pv_w(study, evaluation)),
        source_w=mean(drivers.ac_source_w),
        spilled_w=mean(steps.spilled_w),
        genset_w=mean(steps.genset_w),
        discharge_w=mean(np.maximum(steps.battery_w, 0.0)),
        charge_w=mean(np.maximum(-steps.battery_w, 0.0)),
        state=steps.energy_wh[there][each - 1 :: each] / capacity_wh if capacity_wh > 0.0 else np.zeros(0),
    )


def _week_chart(study: Study, evaluation: Evaluation, capacity_wh: float, kind: str, week: Week) -> Chart:
    drawn = flows_of(study, evaluation, week, capacity_wh, FINEST_MINUTES)
    hourly = flows_of(study, evaluation, week, capacity_wh, 60)
    name = f"{'A' if kind == 'typical' else 'The'} {kind} week: {_day(week.first_day)} to {_day(week.first_day + 6)}"
    return Chart(f"week-{kind}", name, _summary(week, drawn), week_figure(drawn), _table(hourly))


def week_figure(flows: Flows) -> Figure:
    """Return the chart of a week: what gave power above the line, what charged the battery below it."""
    unit, watts = unit_of(flows)
    traces = [*_areas(flows, watts), *_lines(flows, watts)]
    yaxis, days = titled(unit), {"tickformat": "%-d %b", "hoverformat": "%-d %b %H:%M", "dtick": 86_400_000}
    legend = {"orientation": "h", "y": -0.09, "yanchor": "top", "x": 0, "traceorder": "normal"}
    if not flows.state.size:
        return figure(traces, yaxis=yaxis, xaxis=days, legend=legend)
    ticks = {"tickvals": [0, 50, 100], "ticktext": ["0", "50\u00a0%", "100\u00a0%"]}
    below = axis(domain=[0.0, 0.2], range=[0, 104], **ticks)
    above, days = yaxis | {"domain": [0.28, 1.0]}, days | {"anchor": "y2"}
    return figure([*traces, _state(flows)], yaxis=above, yaxis2=below, xaxis=days, height=470, legend=legend)


def unit_of(flows: Flows) -> tuple[str, float]:
    """Return the unit a week's powers are shown in, and how many watts it is: kW, or W for a home or a lamp."""
    largest_w = max(float(power_w.max(initial=0.0)) for power_w in (flows.load_w, flows.sun_w, flows.charge_w))
    return ("kW", 1000.0) if largest_w >= 1000.0 else ("W", 1.0)


def _areas(flows: Flows, watts: float) -> list[Figure]:
    areas = [
        ("Sun, used", np.maximum(flows.sun_w - flows.spilled_w, 0.0), "--solar", "", "in"),
        ("Other sources", flows.source_w, "--source", "", "in"),
        ("Battery out", flows.discharge_w, "--battery", "", "in"),
        ("Generator", flows.genset_w, "--genset", "/", "in"),
        ("Not served", flows.unserved_w, "--unserved", "x", "in"),
        ("Battery in", -flows.charge_w, "--charge", "", "out"),
    ]
    return [_area(flows.times, name, power_w / watts, *look) for name, power_w, *look in areas if power_w.any()]


def _lines(flows: Flows, watts: float) -> list[Figure]:
    load, sun = {"color": "--text", "width": 2}, {"color": "--solar-line", "dash": "dot"}
    return [
        _line(flows.times, "Load", flows.load_w / watts, load),
        _line(flows.times, "Sun, all", flows.sun_w / watts, sun),
    ]


def _state(flows: Flows) -> Figure:
    line = _line(flows.times[1:], "Battery, % full", flows.state * 100.0, {"color": "--battery", "width": 2})
    return line | {"yaxis": "y2", "line": line["line"] | {"shape": "linear", "dash": "dash"}}


def _day(day_of_year: int) -> str:
    """Return a day as a heading names it, such as `6 July`; the year is the weather's and means nothing here."""
    ends = np.cumsum(DAYS_IN_MONTHS)
    month = int(np.searchsorted(ends, day_of_year, side="right"))
    return f"{day_of_year - int(ends[month]) + DAYS_IN_MONTHS[month] + 1} {MONTHS[month]}"


def _area(times: tuple[str, ...], name: str, power: FloatArray, color: str, pattern: str, group: str) -> Figure:
    look = {"fillpattern": {"shape": pattern, "fgcolor": "--panel", "fillmode": "overlay"}} if pattern else {}
    line = {"width": 0, "shape": "hv", "color": color}
    return _line(times, name, power, line) | {"stackgroup": group, "fillcolor": color} | look


def _line(times: tuple[str, ...], name: str, values: FloatArray, line: Figure) -> Figure:
    lasting = np.append(values, values[-1]) if len(times) > values.size else values  # a mean lasts to its step's end
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(times),
        "y": plain(lasting),
        "line": {"shape": "hv"} | line,
        "hovertemplate": "%{y:.4~g}",
    }


def _summary(week: Week, flows: Flows) -> str:
    hours = 24.0 * 7.0 / flows.load_w.size
    load_kwh, spilled_kwh = (float(power_w.sum()) * hours / 1000.0 for power_w in (flows.load_w, flows.spilled_w))
    missing = "everything was served"
    if week.unserved_kwh > 0.0005:
        part = amounts.percent(week.unserved_kwh / load_kwh)
        missing = f"{amounts.energy(week.unserved_kwh)} of them ({part}) were not served"
    battery = ""
    if flows.state.size:
        battery = f" The battery fell to {amounts.percent(float(flows.state.min()))} of what it holds."
    engine = f" The generator gave {amounts.energy(week.genset_kwh)}." if week.genset_kwh > 0.0 else ""
    spilled = f"{amounts.energy(spilled_kwh)} were spilled" if spilled_kwh > 0.0005 else "nothing was spilled"
    return (
        f"Customers asked for {amounts.energy(load_kwh)}; {missing}. The sun could give "
        f"{amounts.energy(week.pv_kwh)}; {spilled}.{battery}{engine}"
    )


def _table(flows: Flows) -> Table:
    unit, watts = unit_of(flows)
    columns = {
        "Load": flows.load_w,
        "Not served": flows.unserved_w,
        "Sun, all": flows.sun_w,
        "Other sources": flows.source_w,
        "Spilled": flows.spilled_w,
        "Generator": flows.genset_w,
        "Battery out": flows.discharge_w,
        "Battery in": flows.charge_w,
    }
    kept = {name: values for name, values in columns.items() if values.any() or name in {"Load", "Not served"}}
    texts = [[amounts.fixed(value, 2) for value in (values / watts).tolist()] for values in kept.values()]
    names = [f"{name}, {unit}" for name in kept]
    if flows.state.size:
        texts.append([amounts.fixed(value * 100.0) for value in flows.state.tolist()])
        names.append("Battery at the end, % full")
    rows = zip(flows.times, *texts, strict=False)  # the last time only ends the last hour
    return Table("Means over each hour, from the time given.", ("Time", *names), tuple(rows))
