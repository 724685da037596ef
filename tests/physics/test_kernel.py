"""The f32 twin of a kernel is the same formula with every number in single precision."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from sim.physics.battery import OneTank, one_tank_limits
from sim.physics.dispatch import Loads, Sources
from sim.physics.inverter import Inverter, ac_from_dc_w, pvwatts_ac_w
from sim.physics.kernel import cache_folder, drop_broken, has_room, lanes_of, source_fingerprint
from sim.physics.operation import Plant, State, step
from sim.physics.pv import cell_temperature_c, pv_power_w


class Usage(NamedTuple):
    total: int
    used: int
    free: int


numba: Any = pytest.importorskip("numba")

CASES: list[tuple[Callable[..., Any], tuple[float, ...]]] = [
    (pv_power_w, (900.0, 30.0, 100.0, -0.003)),
    (cell_temperature_c, (900.0, 20.0, 5.0, 25.0, 6.84)),
    (pvwatts_ac_w, (50.0, 100.0, 0.95)),
]


def single(value: Any) -> Any:
    """Return a number, or every number of a tuple, in single precision."""
    if isinstance(value, tuple):
        return (
            type(value)(*(single(part) for part in value)) if hasattr(value, "_fields") else tuple(map(single, value))
        )
    return value if value is None else np.float32(value)


def result_type(function: Callable[..., Any], arguments: tuple[Any, ...]) -> str:
    """Return the type a function has when compiled with these arguments."""

    def call(*values: Any) -> Any:
        return function(*values)

    compiled = numba.njit(call)
    compiled(*arguments)
    return str(compiled.nopython_signatures[0].return_type)


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_a_twin_stays_in_single_precision(function: Callable[..., Any], arguments: tuple[float, ...]) -> None:
    assert result_type(lanes_of(function), single(arguments)) == "float32"
    assert result_type(function, arguments) == "float64"
    assert function(*arguments) == pytest.approx(float(lanes_of(function)(*single(arguments))), rel=1e-6)


def test_without_the_twin_one_literal_turns_a_lane_into_double() -> None:
    assert result_type(pv_power_w, single((900.0, 30.0, 100.0, -0.003))) == "float64"


def test_twins_call_twins() -> None:
    inverter = Inverter(1000.0, 10.0, 1.02, 3e-5, 500.0, 0.9)
    assert result_type(lanes_of(ac_from_dc_w), (np.float32(300.0), single(inverter))) == "float32"
    tank = OneTank(100.0, 1000.0, 0.97, 0.97, 500.0, 500.0, 1.0)
    limits = result_type(lanes_of(one_tank_limits), single((500.0, tank, 1.0, 1.0, 1.0)))
    assert "float64" not in limits
    assert "float32" in limits


def test_a_whole_step_of_any_plant_stays_in_single_precision(
    plant_name: str, plant_at: Callable[[str, float], Plant], start_of: Callable[[Plant], State]
) -> None:
    plant = plant_at(plant_name, 1.0)
    arguments = (start_of(plant), Loads(1.0, 2.0, 3.0), Sources(1.0, 2.0), plant, 1.0, 1.0, 1.0)
    found = result_type(lanes_of(step), tuple(single(argument) for argument in arguments))
    assert "float32" in found
    assert "float64" not in found
    assert "int" not in found


def test_the_cache_lies_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MICROGRID_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("MICROGRID_CACHE")
    assert cache_folder().name == "microgrid"


def test_the_fingerprint_names_the_source_and_nothing_else() -> None:
    assert source_fingerprint() == source_fingerprint()
    assert len(source_fingerprint()) == 16


def test_machine_code_cut_short_is_thrown_away(tmp_path: Path) -> None:
    whole = pickle.dumps(("stamp", {}))
    for name, content in {"a.nbi": whole, "b.nbi": whole[:-4], "c.nbc": b"", "d.nbc": whole, "e.txt": b""}.items():
        (tmp_path / name).write_bytes(content)
    drop_broken(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nbi", "d.nbc", "e.txt"]
    drop_broken(tmp_path / "not there")


def test_a_full_disk_gets_no_machine_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_room(tmp_path / "not" / "there")
    full = Usage(total=10, used=10, free=0)
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: full)
    assert not has_room(tmp_path / "not" / "there")
