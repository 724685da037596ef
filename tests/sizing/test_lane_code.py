"""What the compiler made of the sweep: single precision throughout, and vectors.

Both are lost silently, at three to eight times the time: by one literal of double precision, one call that is not
inlined, or rows of memory that may overlap.
"""

from __future__ import annotations

import platform
import re
from typing import Any, cast

import numpy as np
import pytest

from sim.physics.operation import Drivers
from sim.sizing.lane_loop import ROWS, Parts, Shared, Tally, run_blocks
from sim.sizing.lanes import LANES
from sim.sizing.sweep import lane_drivers

numba: Any = pytest.importorskip("numba")

X86 = platform.machine().lower() in {"x86_64", "amd64"}
VARIANTS = {
    "load-following": Parts(None, None, None, None),
    "kibam": Parts(None, 1, None, None),
    "cycle charging": Parts(None, None, 1, None),
    "all": Parts(1, 1, 1, 1),
}
ARITHMETIC = re.compile(r"= (?:tail )?(fadd|fsub|fmul|fdiv|frem|fneg|fcmp|select|call|fpext|fptrunc)\b(.*)")
FUNCTION = re.compile(r"^define [^@]*@\"?(_ZN\w*run_blocks[^\"(]*)[^\n]*\{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
PACKED = re.compile(r"\tv?(?:add|sub|mul|div|min|max|sqrt|cmp\w*|fn?m(?:add|sub)\d+)ps\b")


@pytest.fixture(scope="module", params=VARIANTS)
def code(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return the optimised intermediate code of the sweep's loop and the assembly around it, compiled afresh.

    Code from the cache cannot be inspected. What wraps the loop for Python is left out of the first.
    """
    loop: Any = run_blocks
    options = {name: value for name, value in loop.targetoptions.items() if name != "nopython"}
    fresh = numba.njit(**options)(loop.py_func)
    day = np.zeros(24)
    drivers = lane_drivers(Drivers(np.zeros((3, 24)), day, day, day, day))
    shared = Shared(*(cast(float, np.float32(0.5)) for _ in Shared._fields))
    rows = np.zeros((ROWS, LANES), dtype=np.float32)
    state, totals = np.zeros((3, LANES), dtype=np.float32), np.zeros((len(Tally._fields), LANES))
    fresh(drivers, rows, shared, VARIANTS[request.param], state, totals, 0, 1, 24)
    (signature,) = fresh.signatures
    bodies = [match.group(2) for match in FUNCTION.finditer(fresh.inspect_llvm(signature)) if "cpython" not in match[1]]
    (body,) = bodies
    return body, fresh.inspect_asm(signature)


def test_the_only_double_arithmetic_is_the_sum_of_the_year(code: tuple[str, str]) -> None:
    with_double = {match[1] for match in ARITHMETIC.finditer(code[0]) if "double" in match[2]}
    assert with_double == {"fadd", "fpext"}  # a day's sum is widened and added


def test_no_whole_number_becomes_a_float_in_the_loop(code: tuple[str, str]) -> None:
    assert "sitofp" not in code[0]


def test_every_result_of_a_step_is_stored_as_a_vector(code: tuple[str, str]) -> None:
    """Energy, running and a sum for each total; fewer would mean that a part of the loop runs lane by lane."""
    assert len(re.findall(r"store <\d+ x float>", code[0])) >= 2 + len(Tally._fields)
    assert re.search(r"call[^\n]*<\d+ x float> @llvm\.sqrt", code[0])
    in_vectors = [match for match in ARITHMETIC.finditer(code[0]) if re.search(r"<\d+ x float>", match[2])]
    assert len(in_vectors) > 50


@pytest.mark.skipif(not X86, reason="these are the names of packed instructions on x86; run this on such a machine")
def test_the_machine_code_is_packed(code: tuple[str, str]) -> None:
    assert len(PACKED.findall(code[1])) > 50


def test_the_loop_asks_for_no_memory(code: tuple[str, str]) -> None:
    assert not re.search(r"call .*NRT_(MemInfo_alloc|Allocate)", code[0])
