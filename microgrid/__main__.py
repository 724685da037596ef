"""The door of the command line: runs one command and turns whatever went wrong into a message and a code.

Exit codes: 0 ok, 1 finding or infeasible, 2 usage or bad input, 3 this machine, 70 a bug of ours,
130 interrupted, 141 the reader of the output went away. Asked for `--json`, it prints problems as one JSON
object on standard output, besides the text on standard error:
`{"schema": "microgrid.problems/1", "exit_code": 2, "problems": [...]}`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from microgrid.errors import Environment, MicrogridError, Problem, as_json, as_text

USAGE = 2
BUG = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130

_EXTRAS = {
    **dict.fromkeys(("jinja2", "llvmlite", "numba", "openpyxl", "pandas", "plotly", "pvlib", "scipy"), "plan"),
    "psycopg": "postgres",
    "distributed": "cluster",
    "pymodbus": "modbus",
    "power_grid_model": "network",
    "authlib": "oidc",
}

_NO_MEMORY = Problem(
    "MG-E004",
    "there is not enough memory on this machine for that",
    "nothing was written",
    "use longer steps, fewer sizes or a shorter project",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of the command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _open_streams()
    try:
        return _run(given or ["--help"])
    except MicrogridError as error:
        return _report(error.problems, error.exit_code, given)
    except ModuleNotFoundError as error:
        missing = _missing_extra(error)
        return _report((missing,), Environment.exit_code, given) if missing else _report_bug()
    except KeyboardInterrupt:
        return _interrupted()
    except (OSError, MemoryError) as error:
        return _report_machine(error, given)
    except Exception:  # the last place that can say something useful
        return _report_bug()


def _open_streams() -> None:
    """Let any terminal show what it can, and give streams that were closed a place to go."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # started with `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - until the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter shows '?', never a traceback


def _run(arguments: list[str]) -> int:
    from typer.exceptions import TyperException
    from typer.main import get_command

    from microgrid.cli.app import app

    try:
        result = get_command(app).main(arguments, prog_name="microgrid", standalone_mode=False)
    except TyperException as error:
        return _report((_usage_problem(error),), USAGE, arguments)
    return _interrupted() if result == INTERRUPTED else int(result or 0)


def _usage_problem(error: Exception) -> Problem:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "microgrid"
    what = str(getattr(error, "format_message", error.__str__)()).strip()
    return Problem("MG-U001", what[:1].lower() + what[1:].rstrip("."), fix=f"{command} --help")


def _report(problems: tuple[Problem, ...], exit_code: int, arguments: Sequence[str]) -> int:
    from microgrid.cli.output import talk, write_json

    talk(as_text(problems))
    if "--json" in arguments:
        listed = [as_json(problem) for problem in problems]
        write_json("microgrid.problems/1", {"exit_code": exit_code, "problems": listed})
    return exit_code


def _report_machine(error: OSError | MemoryError, arguments: Sequence[str]) -> int:
    from microgrid.cli.output import BROKEN_PIPE, stop_writing
    from microgrid.files import disk_problem

    if isinstance(error, MemoryError):
        return _report((_NO_MEMORY,), Environment.exit_code, arguments)
    if isinstance(error, BrokenPipeError):
        stop_writing()
        return BROKEN_PIPE
    problem = disk_problem(error)
    if problem and error.filename is None:  # standard output itself: what is left in its buffer cannot go anywhere
        stop_writing()
    return _report((problem,), Environment.exit_code, arguments) if problem else _report_bug()


def _missing_extra(error: ModuleNotFoundError) -> Problem | None:
    package = (error.name or "").split(".")[0]
    extra = _EXTRAS.get(package)
    if extra is None:
        return None
    what = f"the package '{package}' is missing"
    why = f"it belongs to the extra '{extra}', which is not installed"
    return Problem("MG-E001", what, why, _install_command(extra))


def _install_command(extra: str) -> str:
    root = Path(__file__).resolve().parent.parent
    if not (root / "pyproject.toml").is_file():
        return f"{sys.executable} -m pip install 'payg-microgrid[{extra}]'"
    if extra == "plan" and Path(sys.prefix).is_relative_to(root):
        return f"cd {root} && python3 -m microgrid.bootstrap demo"
    return f"python3 -m pip --python {sys.executable} install '{root}[{extra}]'"


def _interrupted() -> int:
    sys.stderr.write("interrupted\n")
    return INTERRUPTED


def _report_bug() -> int:
    import traceback

    traceback.print_exc()
    sys.stderr.write(
        "\nThis is a bug of microgrid, not a mistake of yours; no file was left half written.\n"
        "Please report the lines above together with the output of:  microgrid version --full\n"
    )
    return BUG


if __name__ == "__main__":
    sys.exit(main())
