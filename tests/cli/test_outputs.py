"""Where commands may write: never over what they read, a folder, a device or each other's output."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from microgrid.__main__ import main
from microgrid.errors import Environment, InvalidInput
from microgrid.files import content_of, outputs_apart, require_ordinary, said_plainly, write_whole

Captured = pytest.CaptureFixture[str]
ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = "import sys; from microgrid.__main__ import main; sys.exit(main(sys.argv[1:]))"


def test_a_pipe_is_never_written_over(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # stands for /dev/null, which root could replace by a file
    with pytest.raises(InvalidInput, match=r"MG-U013: .* is no ordinary file, and writing would replace it"):
        write_whole(pipe, "text")
    assert pipe.is_fifo()
    with pytest.raises(OSError, match="no ordinary file"):
        content_of(pipe)


def test_a_folder_is_never_written_over(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"MG-U013: .* is a folder"):
        require_ordinary(tmp_path)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    write_whole(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.txt", "target.txt"]


def test_a_name_too_long_is_said_and_the_longest_is_written(tmp_path: Path) -> None:
    with pytest.raises(Environment, match=r"MG-E003: .* cannot be written: file name too long"):
        write_whole(tmp_path / ("a" * 300), "text")
    longest = tmp_path / ("a" * 250)
    write_whole(longest, "text")
    assert longest.read_text() == "text"


def test_a_file_in_place_of_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "report.html"
    with pytest.raises(Environment, match="MG-E003"), said_plainly(place):
        place.parent.mkdir(parents=True, exist_ok=True)


def test_all_wrong_outputs_are_named_at_once(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.touch()
    outputs = {"--series": tmp_path / "." / "scenario.yaml", "--report": tmp_path}
    with pytest.raises(InvalidInput) as caught:
        outputs_apart(outputs, (scenario,))
    assert [problem.code for problem in caught.value.problems] == ["MG-U013", "MG-U013"]
    with pytest.raises(InvalidInput, match="is what --series writes already"):
        outputs_apart({"--series": tmp_path / "x", "--report": tmp_path / "x"}, (scenario,))


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_no_crash(closed: int) -> None:
    command = ["sh", "-c", f'exec "$0" -c "$1" explain {closed}>&-', sys.executable, COMMAND]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs the device that is always full")
def test_talk_that_nobody_can_read_stops_nothing() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "explain", "X9"], cwd=ROOT, stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert done.returncode == 2


@pytest.mark.parametrize("command", ["check", "size", "evaluate"])
def test_names_that_lead_nowhere_are_said(command: str, tmp_path: Path, capsys: Captured) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for name in (loop, loop / "below", tmp_path / ("a" * 300)):
        assert main([command, str(name)]) == 2
        assert "MG-C013: " in capsys.readouterr().err
