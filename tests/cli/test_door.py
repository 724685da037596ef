"""What the door of the command line does when things go wrong outside our own rules."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from microgrid import __main__ as door
from microgrid.errors import Environment, InvalidInput, Problem

ROOT = Path(__file__).resolve().parent.parent.parent
HEAVY = {"numba", "numpy", "openpyxl", "pandas", "plotly", "pvlib", "ruamel", "scipy", "sim"}


def run(code: str, *arguments: str, stdout: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python code in a fresh process, in the repository."""
    out = subprocess.PIPE if stdout is None else stdout
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=out, stderr=subprocess.PIPE, text=True, check=False
    )


COMMAND = "import sys; from microgrid.__main__ import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize("arguments", [["--help"], ["size", "--help"], ["check", "--help"], ["version"]])
def test_start_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from microgrid.__main__ import main; main(sys.argv[1:]);"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = run(code, *arguments)
    assert HEAVY & set(done.stderr.splitlines()[-1].split()) == set()


def test_pipe_without_reader_ends_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, "schema"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_full_disk_behind_the_output_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        done = run(COMMAND, "schema", stdout=full.fileno())
    assert done.returncode == 3
    assert done.stderr.startswith("MG-E002: the disk is full: 'the output' was not written\n")
    assert "Exception ignored" not in done.stderr


def test_output_has_no_colour_in_a_pipe() -> None:
    done = run(COMMAND, "explain", "MG-C003")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout


def test_old_terminal_shows_a_question_mark_not_a_traceback() -> None:
    code = "import sys; sys.stderr.reconfigure(encoding='ascii'); " + COMMAND.removeprefix("import sys; ")
    done = run(code, "explain", "é")
    assert done.returncode == 2
    assert done.stderr.startswith("MG-U002: there is no code '?'")


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(_arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr(door, "_run", fail)


@pytest.mark.parametrize(
    ("error", "exit_code", "message"),
    [
        (InvalidInput(Problem("MG-C003", "too much")), 2, "MG-C003: too much\n"),
        (Environment(Problem("MG-E002", "full")), 3, "MG-E002: full\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (OSError(errno.ENOSPC, "full", "out.csv"), 3, "MG-E002: the disk is full: 'out.csv' was not written\n"),
        (PermissionError(errno.EACCES, "no", "out.csv"), 3, "MG-E003: 'out.csv' cannot be written: permission denied"),
        (
            ModuleNotFoundError("No module named 'pvlib'", name="pvlib.iotools"),
            3,
            "MG-E001: the package 'pvlib' is missing\n   why: it belongs to the extra 'plan', which is not installed\n",
        ),
    ],
)
def test_every_failure_is_one_message_and_one_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    exit_code: int,
    message: str,
) -> None:
    raising(monkeypatch, error)
    assert door.main(["check"]) == exit_code
    captured = capsys.readouterr()
    assert captured.err.startswith(message)
    assert captured.out == ""


@pytest.mark.parametrize("error", [RuntimeError("oh"), ModuleNotFoundError("x", name="sim.nowhere"), OSError("odd")])
def test_bug_of_ours_says_how_to_report_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    raising(monkeypatch, error)
    assert door.main(["check"]) == 70
    text = capsys.readouterr().err
    assert text.startswith("Traceback")
    assert text.endswith("microgrid version --full\n")


def test_missing_extra_is_said_to_programs_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, ModuleNotFoundError("x", name="numba"))
    assert door.main(["check", "--json"]) == 3
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["code"] == "MG-E001"
    assert "install" in problem["fix"] or "bootstrap" in problem["fix"]


def test_interrupt_inside_a_command_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    from microgrid.cli import about

    def interrupted(**_options: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(about, "version", interrupted)
    assert door.main(["version"]) == 130


def test_too_little_memory_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run_out(_arguments: list[str]) -> int:
        raise MemoryError

    monkeypatch.setattr(door, "_run", run_out)
    assert door.main(["size", "--json"]) == Environment.exit_code
    out, err = capsys.readouterr()
    assert json.loads(out)["problems"][0]["code"] == "MG-E004"
    assert "nothing was written" in err
