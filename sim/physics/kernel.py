"""One physics, written once: plain Python, compiled in f64 loops, inlined over f32 lanes of candidates.

A `kernel` is a pure, branch-free function of scalars and named tuples. Called from Python it is ordinary Python
(SimPy does this); called from a `compiled` function it is inlined as f64; inside the sweep, `lanes_of(kernel)` is the
same source with every number read as f32, because one literal like `1.0` would silently turn a whole loop of f32
lanes into f64 and halve its speed.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import os
import pickle
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import platformdirs

numba: Any
try:
    import numba
except ModuleNotFoundError:  # the bare install: kernels stay plain Python
    numba = None

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Mark a pure scalar function as physics: plain when called, inlined when compiled.

    The f32 twin is made here, from the same source, and only here.
    """
    if numba is None:
        return function
    marked: Any = inlined(function)
    marked.lanes = inlined(_single_precision(function))
    return cast(Function, marked)


def inlined(function: Function) -> Function:
    """Mark a function as part of whatever compiled loop calls it; one call left over would stop vectorisation."""
    return function if numba is None else cast(Function, numba.extending.register_jitable(forceinline=True)(function))


def lanes_of(function: Function) -> Function:
    """Return the f32 twin of a kernel, for use inside a loop over f32 lanes."""
    return cast(Function, getattr(function, "lanes", function))


def compiled(function: Function) -> Function:
    """Compile a loop over kernels in f64, bit-equal to plain Python; without numba return it as it is."""
    return function if numba is None else cast(Function, numba.njit(**_OPTIONS)(function))


def compiled_lanes(function: Function) -> Function:
    """Compile a loop over f32 lanes; sums and products may be fused and regrouped, the sign of zero is free."""
    return (
        function
        if numba is None
        else cast(Function, numba.njit(fastmath={"arcp", "contract", "nsz", "reassoc"}, **_OPTIONS)(function))
    )


def _single_precision(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` compiled from its own source with each number read as f32 and each kernel as its twin."""
    source, first_line = inspect.getsourcelines(function)
    tree = _F32Literals().visit(ast.parse(textwrap.dedent("".join(source))))
    definition = tree.body[0]
    definition.decorator_list, definition.returns = [], None
    for argument in definition.args.args:
        argument.annotation = None
    ast.increment_lineno(ast.fix_missing_locations(tree), first_line - 1)
    scope = {name: _as_f32(value) for name, value in function.__globals__.items()}
    scope["_f32"] = np.float32
    exec(compile(tree, inspect.getfile(function), "exec"), scope)  # noqa: S102  our own source, read above
    return cast(Callable[..., Any], scope[function.__name__])


class _F32Literals(ast.NodeTransformer):
    """Wraps every number of a kernel in `_f32(...)`."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Return the literal as an f32; leave text and truth values."""
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            return node
        name = ast.Name("_f32", ast.Load())
        return ast.copy_location(ast.Call(name, [ast.Constant(float(node.value))], []), node)


def _as_f32(value: Any) -> Any:
    """Return a module's number as f32 and a kernel as its twin."""
    return np.float32(value) if isinstance(value, float) else getattr(value, "lanes", value)


def processors() -> int:
    """Return how many processors this program was given, each good for one thread."""
    given = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(given(0)) if given is not None else os.cpu_count() or 1


def source_fingerprint() -> str:
    """Return a hash of everything of ours that may be compiled, so that no stale machine code is ever run."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Return the folder for machine code and prepared inputs: `MICROGRID_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("MICROGRID_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("microgrid", appauthor=False))


def compiled_folder() -> Path:
    """Return the folder for the machine code of exactly this source; beginning a new one removes all but the last two.

    numba keys its cache on the file of the outer function alone, so a changed kernel in another file would go unseen.
    """
    parent = cache_folder() / "compiled"
    folder = parent / source_fingerprint()
    if not folder.exists() and parent.is_dir():
        by_age = sorted((old for old in parent.iterdir() if old.is_dir()), key=lambda old: old.stat().st_mtime)
        for old in by_age[:-2]:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def drop_broken(folder: Path) -> None:
    """Remove machine code that a power cut left short, so that it is compiled anew; numba would stop at it."""
    for path in (*folder.rglob("*.nbi"), *folder.rglob("*.nbc")):
        try:
            with path.open("rb") as stored:
                stored.seek(max(0, path.stat().st_size - 1))
                whole = stored.read() == pickle.STOP
            if not whole:
                path.unlink(missing_ok=True)
        except OSError:  # another process has just replaced it, or it is not ours to remove
            continue


def has_room(folder: Path) -> bool:
    """Tell whether machine code fits on the disk of a folder that need not be there; numba stops at a full one."""
    there = next((parent for parent in (folder, *folder.parents) if parent.exists()), None)
    return there is not None and shutil.disk_usage(there).free > ROOM_BYTES


ROOM_BYTES = 30_000_000  # all of it takes a few million
_OPTIONS: dict[str, Any] = {"cache": has_room(compiled_folder()), "nogil": True, "error_model": "numpy"}
if numba is not None:
    numba.config.CACHE_DIR = str(compiled_folder())
    drop_broken(Path(numba.config.CACHE_DIR))
