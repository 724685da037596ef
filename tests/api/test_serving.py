"""The service starts with a word on where it is, stops when it is told to, and is alone on its books and port."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
from pathlib import Path

import pytest

from microgrid.__main__ import main
from microgrid.cli.alone import listening_at, only_service
from microgrid.cli.logs import Lines, Objects
from microgrid.cli.serving import books_file
from microgrid.errors import Environment
from tests.api.running import SECRET_PATH, SETTINGS, make_folder, running, start
from tests.api.service import confirmation


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "books")


def test_the_service_says_where_it_is_and_ends_when_told_to(books: Path) -> None:
    with running(books) as service:
        assert service.ask("/health") == (200, '{"ok":true,"version":"0.1.0"}')
        assert service.ask("/health/ready")[0] == 200
        status, _ = service.ask(f"/hooks/{SECRET_PATH}/confirmation", json.dumps(confirmation("RKT1", "500")))
        assert status == 200
        assert "microgrid_payments{" in service.ask("/metrics")[1]
        code = service.end()
    said = "\n".join(service.said)
    assert code == 0
    assert f"/hooks/{SECRET_PATH[:3]}***/confirmation" in said
    assert SECRET_PATH not in said
    assert "next:  microgrid api-key new NAME" in said
    assert "stopped; everything that was answered is in the books" in said
    assert main(["db", "verify", str(books)]) == 0


def test_each_event_is_one_json_object(books: Path) -> None:
    with running(books, "--log", "json") as service:
        service.ask("/health")
        service.end()
    events = [json.loads(line) for line in service.said]
    assert {"at", "level", "logger", "event"} <= set(events[0])
    assert events[0]["event"].startswith("listening at http://127.0.0.1:")
    assert events[-1]["event"].startswith("stopped")


def test_a_second_service_on_the_same_books_is_told(books: Path, tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(books)
    with running(books) as service:
        second = start(tmp_path / "other")
        _, said = second.communicate(timeout=60)
        assert (second.returncode, "MG-E072" in said, f"(process {service.process.pid})" in said) == (3, True, True)


def test_a_port_that_is_taken_is_told(books: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        assert main(["serve", str(books), "--port", str(port)]) == 3
        with pytest.raises(Environment, match=r"MG-E071.*is taken by another program"), listening_at("127.0.0.1", port):
            pass
    with listening_at("127.0.0.1", port):
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_told(host: str) -> None:
    with pytest.raises(Environment, match=r"MG-E071.*nothing can listen"), listening_at(host, 0):
        pass


def test_books_are_free_again_when_the_service_has_ended(tmp_path: Path) -> None:
    for _ in range(2):
        first, second = only_service(tmp_path / "books.db"), only_service(tmp_path / "books.db")
        with first, pytest.raises(Environment, match="MG-E072"), second:
            pass
    with only_service(None), only_service(None):
        pass


def test_the_file_of_the_books_is_known_however_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "books.db"
    assert books_file(str(file)) == books_file(f"sqlite:///{file}") == file
    assert books_file("postgresql://user:word@host/name") is None


def test_settings_may_open_the_way_to_our_own_networks_only_as_networks(tmp_path: Path) -> None:
    for networks, code in (("[10.0.0.0/8]", 0), ("[ours]", 2)):
        (tmp_path / "organisation.yaml").write_text(f"{SETTINGS}webhook_networks: {networks}\n", encoding="utf-8")
        assert main(["db", "upgrade", str(tmp_path)]) == code


def record(error: Exception | None = None) -> logging.LogRecord:
    try:
        if error is not None:
            raise error
    except ValueError as raised:
        info = (type(raised), raised, raised.__traceback__)
        return logging.LogRecord("microgrid.tick", logging.ERROR, "x.py", 1, "a step\nof %s", ("ours",), info)
    return logging.LogRecord("microgrid.tick", logging.INFO, "x.py", 1, "all is %s", ("well",), None)


def test_an_event_is_one_line_whatever_it_holds() -> None:
    line = Lines().format(record(ValueError("two\nlines")))
    assert "error microgrid.tick: a step | of ours [ValueError: two | lines at api/test_serving.py:" in line
    assert "\n" not in line
    told = json.loads(Objects().format(record(ValueError("two\nlines"))))
    assert (told["level"], told["event"]) == ("error", "a step\nof ours")
    assert "Traceback" in told["trace"]
    assert json.loads(Objects().format(record()))["event"] == "all is well"


def test_a_service_without_tables_is_told_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "organisation.yaml").write_text(SETTINGS, encoding="utf-8")
    process = start(tmp_path)
    assert isinstance(process, subprocess.Popen)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "microgrid db upgrade" in said
