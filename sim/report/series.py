"""Every step of a year as a table that a spreadsheet opens and a program adds up."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from microgrid.files import write_whole
from sim.inputs import FloatArray
from sim.quantities import PRIORITIES
from sim.sizing.evaluate import Evaluation, Study
from sim.sizing.plant import panels_left

DECIMALS = 3  # of a watt and a watt-hour: a sum over n steps is exact to n x 0.0005


def write_series(path: Path, study: Study, evaluation: Evaluation) -> None:
    """Write a CSV file with one row for each step of the evaluation's year; whole, or not at all.

    Rows are labelled at the start of the step in the site's standard time: `time` is ISO 8601 with the offset,
    `local_time` the same moment as spreadsheets read it. Powers are means over the step, the battery's energy is that
    at its end. Where there are many homes, the rows are those of the first sample home. In every row, to the rounding
    of 0.001 W, pv + source + genset + battery = served + spilled + inverter loss + charger loss, and load = served +
    unserved. Raises Environment when the disk is full or the place may not be written to.
    """
    columns = series_of(study, evaluation)
    times = np.char.replace(local_times(study), "T", " ")
    offset = offset_text(study.inputs.utc_offset_s)
    values = np.round(np.array(list(columns.values())), DECIMALS) + 0.0  # + 0.0 makes a negative zero plain
    row = ",".join([f"%s{offset}", "%s", *[f"%.{DECIMALS}f"] * len(columns)])
    steps = zip(np.char.replace(times, " ", "T"), times, *values.tolist(), strict=True)
    lines = [",".join(["time", "local_time", *columns]), *(row % step for step in steps)]
    write_whole(path, "\n".join(lines) + "\n")


def series_of(study: Study, evaluation: Evaluation) -> dict[str, FloatArray]:
    """Return what happened in each step by column name [W, Wh]; `battery_w` is positive when discharging."""
    drivers, steps = evaluation.drivers, evaluation.trajectory
    return {
        **{f"load_{name}_w": drivers.loads_w[index] for index, name in enumerate(PRIORITIES)},
        **{f"served_{name}_w": steps.served_w[index] for index, name in enumerate(PRIORITIES)},
        "unserved_w": steps.unserved_w,
        "pv_w": pv_w(study, evaluation),
        "source_w": drivers.ac_source_w,
        "genset_w": steps.genset_w,
        "battery_w": steps.battery_w,
        "battery_energy_wh": steps.energy_wh,
        "spilled_w": steps.spilled_w,
        "inverter_loss_w": steps.dc_used_w - steps.inverter_w,
        "charger_loss_w": steps.charger_ac_w - steps.charger_dc_w,
    }


def pv_w(study: Study, evaluation: Evaluation) -> FloatArray:
    """Return what the panels, as old as they are in the evaluation's year, could give in each step [W]."""
    left = panels_left(study.parts, study.scenario.costs, evaluation.year - 1)
    return evaluation.drivers.pv_w_per_w * (float(evaluation.design.pv_kw[0]) * 1000.0 * left)


def local_times(study: Study) -> np.typing.NDArray[np.str_]:
    """Return the start of each step on the site's clock as text, such as `2025-07-06T14:00:00`."""
    inputs = study.inputs
    step_s = round(inputs.dt_h * 3600.0)
    first = np.datetime64(f"{inputs.year}-01-01", "s")
    return np.datetime_as_string(first + np.arange(inputs.steps_per_day * 365) * np.timedelta64(step_s, "s"))


def offset_text(utc_offset_s: int) -> str:
    """Return an offset from UTC as ISO 8601 writes it, such as `+05:30`."""
    minutes = abs(utc_offset_s) // 60
    return f"{'-' if utc_offset_s < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
