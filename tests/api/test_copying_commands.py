"""A copy of the books and the way back, as an operator types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from microgrid.__main__ import main
from microgrid.cli.alone import only_service
from tests.api.running import make_folder

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def books(tmp_path: Path, capsys: Captured) -> Path:
    folder = make_folder(tmp_path / "books")
    assert main(["pay", "record", "0017", "5000", "KES", "K-1", "--folder", str(folder)]) == 0
    capsys.readouterr()
    return folder


def test_a_copy_is_made_and_brought_back(books: Path, tmp_path: Path, capsys: Captured) -> None:
    copy, options = str(tmp_path / "monday.db"), ["--folder", str(books)]
    assert main(["db", "new-key", str(books)]) == 0
    assert main(["db", "backup", copy, *options]) == 0
    said = capsys.readouterr()
    assert said.out == f"{copy} is written; its books are true.\n"
    assert "secrets.key is not in it" in said.err
    assert main(["db", "backup", copy, *options]) == 2
    assert "MG-L160" in capsys.readouterr().err
    assert main(["pay", "record", "0018", "700", "KES", "K-1", *options]) == 0
    assert main(["db", "restore", copy, *options]) == 2
    assert "MG-L162" in capsys.readouterr().err
    assert main(["db", "restore", copy, "--force", *options]) == 0
    said = capsys.readouterr()
    assert said.out == f"The books of {copy} are true and restored.\n"
    for step in ("books.db.before", "asks the providers", "microgrid db verify", "counts jump ahead"):
        assert step in said.err
    assert main(["db", "verify", str(books)]) == 0
    assert "1 payments" in capsys.readouterr().out


def test_the_proof_is_told_to_programs_too(books: Path, tmp_path: Path, capsys: Captured) -> None:
    copy = tmp_path / "monday.db"
    assert main(["db", "backup", str(copy), "--folder", str(books), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "schema": "microgrid.backup/1",
        "file": str(copy),
        "size_bytes": copy.stat().st_size,
        "proof": {"true": True, "broken": []},
    }


def test_a_copy_of_untrue_books_is_made_and_told(books: Path, tmp_path: Path, capsys: Captured) -> None:
    from sqlalchemy import create_engine, text

    with create_engine(f"sqlite:///{books / 'books.db'}").begin() as connection:
        connection.execute(text("UPDATE payments SET amount_minor = 9"))
    copy = str(tmp_path / "monday.db")
    assert main(["db", "backup", copy, "--folder", str(books)]) == 1
    said = capsys.readouterr()
    assert "its books are NOT true" in said.out
    assert "MG-L109" in said.err
    assert main(["db", "restore", copy, "--folder", str(books), "--force"]) == 2
    assert "MG-L163" in capsys.readouterr().err


def test_books_are_not_restored_under_a_running_service(books: Path, tmp_path: Path, capsys: Captured) -> None:
    copy = str(tmp_path / "monday.db")
    assert main(["db", "backup", copy, "--folder", str(books)]) == 0
    with only_service(books / "books.db"):
        assert main(["db", "restore", copy, "--folder", str(books), "--force"]) == 3
    assert "MG-E072" in capsys.readouterr().err
