"""Rows of f32 lanes that live on the stack of compiled code.

An array from `np.empty` may overlap another as far as the compiler knows, and a loop that writes ten of them is then
not vectorised, silently and at an eighth of the speed. Rows made here lie on the stack at fixed distances, which it
can tell apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

LaneArray = npt.NDArray[np.float32]
LANES = 128  # enough independent chains to hide latency, few enough to stay in the first-level cache


def _lane_rows(_typing_context: Any, count: Any) -> Any:
    """Build the type and the code of `lane_rows`."""
    rows = count.literal_value
    array_type = types.Array(types.float32, 2, "C")

    def build(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        slot = cgutils.alloca_once(builder, ir.ArrayType(ir.FloatType(), rows * LANES))
        slot.align = 64
        block = context.make_array(array_type)(context, builder)
        height, length, width, stride = (context.get_constant(types.intp, n) for n in (rows, LANES, 4, 4 * LANES))
        context.populate_array(
            block,
            data=builder.bitcast(slot, block.data.type),
            shape=[height, length],
            strides=[stride, width],
            itemsize=width,
            meminfo=None,
        )
        return block._getvalue()

    return array_type(types.IntegerLiteral(rows)), build


if TYPE_CHECKING:

    def lane_rows(count: int) -> LaneArray:
        """Return `count` (a literal) uninitialised rows of `LANES` f32 on the stack, as one (count, LANES) array.

        Call it in compiled code, outside loops: the memory is given back when the function returns.
        """
else:
    lane_rows = intrinsic(prefer_literal=True)(_lane_rows)
