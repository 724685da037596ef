"""The bookkeeper's commands: statements in, suspense matched, a month closed, books out."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from beancount import loader

from microgrid.__main__ import main
from microgrid.actions import add_account, add_site
from microgrid.cli.serving import open_core
from microgrid.customers.records import Account, Site
from tests.api.test_operator_commands import PAYMENTS
from tests.flows.papers import Paper
from tests.flows.village import START

Captured = pytest.CaptureFixture[str]
ACCOUNT = "mpesa:600638"


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Path:
    """Return a folder with two accounts and a statement in it."""
    (tmp_path / "organisation.yaml").write_text("database: books.db\n" + PAYMENTS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["db", "upgrade"]) == 0
    assert main(["customer", "add", "c-1", "Amina", "--phone", "+254712000104"]) == 0
    core = open_core(tmp_path)
    add_site(core, Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2), "test")
    for key in ("K-104", "K-200"):
        add_account(core, Account(key, "c-1", "kisiju", START), "test")
    paper = Paper().paid("RKT1", 50_000).charged("RKT1", 500).paid("RKT2", 10_000, reference="K-105")
    (tmp_path / "march.csv").write_bytes(paper.text())
    capsys.readouterr()
    return tmp_path


def told(capsys: Captured) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("books")
def test_a_month_from_paper_to_closed(capsys: Captured) -> None:
    for booked in (2, 0):
        assert main(["pay", "import", "march.csv", "--account", ACCOUNT]) == 0
        assert told(capsys)["payments_booked"] == booked
    assert main(["pay", "reconcile", ACCOUNT, "--month", "2026-03"]) == 0
    assert told(capsys)["law_holds"] is True
    assert main(["pay", "reconcile", ACCOUNT, "--month", "2026-03", "--close"]) == 2  # booked only a moment ago
    assert "MG-P066" in capsys.readouterr().err
    assert main(["db", "verify"]) == 0


def test_differences_are_listed_corrected_and_explained(books: Path, capsys: Captured) -> None:
    (books / "other.csv").write_bytes(Paper().paid("RKT1", 50_000).swept("RKX1", 100).text())
    assert main(["pay", "import", "other.csv", "--account", ACCOUNT]) == 0
    assert main(["pay", "reconcile", ACCOUNT, "--month", "2026-03"]) == 1
    assert "book the transfer 'RKX1'" in capsys.readouterr().err
    item = f"{ACCOUNT}:transfer:RKX1"
    assert main(["pay", "explain", item, "--note", "?"]) == 2
    assert main(["pay", "correct", item, "--note", "to the bank"]) == 0
    assert main(["pay", "reconcile", ACCOUNT, "--month", "2026-03"]) == 0
    assert main(["db", "verify"]) == 0


@pytest.mark.usefixtures("books")
def test_suspense_is_walked_through_on_a_terminal(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["pay", "import", "march.csv", "--account", ACCOUNT]) == 0
    capsys.readouterr()
    assert main(["pay", "match", "--json"]) == 0
    assert '"suggestions": [\n        "K-104"' in capsys.readouterr().out
    answers = {"9\n": "no suggestion 9", "K-999\n": "no account 'K-999'", "\n": "1 left", "q\n": "0 payments moved"}
    for typed, said in answers.items():
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert main(["pay", "match"]) == 0
        assert said in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n"))
    assert main(["pay", "match"]) == 0
    assert told(capsys)["moved"] == 1
    assert main(["pay", "move-back", f"{ACCOUNT}:RKT2", "--note", "no"]) == 0
    assert main(["pay", "match"]) == 0  # nothing is typed: nothing is moved
    assert main(["db", "verify"]) == 0


def test_statements_and_books_go_out(books: Path, capsys: Captured) -> None:
    assert main(["pay", "import", "march.csv", "--account", ACCOUNT]) == 0
    capsys.readouterr()
    span = ["--from", "2026-01-01", "--to", "2026-12-31"]
    assert main(["account", "statement", "K-104", *span]) == 0
    assert "Closing balance" in capsys.readouterr().out
    assert main(["account", "statement", "K-104", *span, "--format", "json"]) == 0
    assert told(capsys)["adds_up"] is True
    assert main(["account", "statement", "K-104", *span, "--format", "csv"]) == 0
    assert main(["account", "statement", "K-104", "--from", "today", "--to", "2026-12-31"]) == 2
    assert main(["db", "export", "books.beancount", "--zone", "Africa/Nairobi"]) == 0
    _, errors, _ = loader.load_file(str(books / "books.beancount"))
    assert errors == []
    assert main(["db", "export", "books.csv", "--format", "csv"]) == 0
    assert len((books / "books.csv").read_text().splitlines()) == 7
    assert main(["db", "export", "x.csv", "--zone", "Mars"]) == 2
    assert main(["db", "export", "organisation.yaml"]) == 2
    assert not (books / "x.csv").exists()


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["import", "march.csv", "--account", "mpesa:1"], "MG-A001"),
        (["import", "nothing.csv", "--account", ACCOUNT], "MG-P061"),
        (["import", "organisation.yaml", "--account", ACCOUNT], "MG-P061"),
        (["receipt", "hello", "--account", ACCOUNT, "--sender", "MPESA"], "MG-P062"),
        (["reconcile", ACCOUNT, "--month", "march"], "MG-P069"),
        (["correct", f"{ACCOUNT}:payment:X", "--note", "?"], "MG-A001"),
    ],
)
def test_what_cannot_be_meant_is_told(words: list[str], code: str, capsys: Captured) -> None:
    assert main(["pay", *words]) == 2
    assert code in capsys.readouterr().err


@pytest.mark.usefixtures("books")
def test_refused_rows_are_told_and_the_exit_code_says_so(books: Path, capsys: Captured) -> None:
    paper = Paper().paid("RKT1", 50_000).paid("RKT2", 100)
    paper.rows[1] = paper.rows[1].replace("1.00", "one")
    (books / "torn.csv").write_bytes(paper.text())
    assert main(["pay", "import", "torn.csv", "--account", ACCOUNT]) == 1
    assert "line 6 was refused" in capsys.readouterr().err
    text = (
        "RKT1ABCD Confirmed. on 2/3/26 at 9:00 AM Ksh500.00 received from AMINA JUMA 254712000104. "
        "Account Number K-104 New Utility balance is Ksh500.00"
    )
    assert main(["pay", "receipt", text, "--account", ACCOUNT, "--sender", "MPESA"]) == 0
