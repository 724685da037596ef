"""The operator's commands on a folder of books."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from microgrid.__main__ import main
from microgrid.actions import add_account, add_site
from microgrid.cli.serving import NoLink, NoNotifier, open_core, payment_hooks, settings
from microgrid.customers.records import Account, Site
from microgrid.errors import Environment, InvalidInput, Problem
from microgrid.store.memory import MemoryStore
from tests.api.service import make_service
from tests.flows.village import START

Captured = pytest.CaptureFixture[str]
PAYMENTS = """
payments:
  - provider: mpesa
    shortcode: "600638"
    currency: KES
    exponent: 2
    region: KE
    secret_path: 7hX2vQ9rLw4nTz8b
"""


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Path:
    """Return a folder with one account in it."""
    (tmp_path / "organisation.yaml").write_text("database: books.db\n" + PAYMENTS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["db", "upgrade"]) == 0
    assert main(["customer", "add", "c-1", "Amina", "--phone", "+254712000104"]) == 0
    core = open_core(tmp_path)
    add_site(core, Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2), "test")
    add_account(core, Account("K-1", "c-1", "kisiju", START), "test")
    capsys.readouterr()
    return tmp_path


def told(capsys: Captured) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(capsys.readouterr().out)
    return found


def test_a_payment_in_cash_is_recorded_once_moved_and_reversed(books: Path, capsys: Captured) -> None:
    for _ in range(2):
        assert main(["pay", "record", "0017", "5000", "KES", "K-2", "--paid-at", "2026-03-02T10:00+03:00"]) == 0
        assert '"suspense"' in capsys.readouterr().out
    assert main(["pay", "move", "cash:office:0017", "K-1", "--note", "asked"]) == 0
    assert told(capsys)["payment"]["account_id"] == "K-1"
    assert main(["customer", "show", "c-1"]) == 0
    assert '"available_minor": 5000' in capsys.readouterr().out
    assert main(["pay", "reverse", "cash:office:0017", "--note", "sent back"]) == 0
    assert told(capsys)["payment"]["status"] == "reversed"
    assert main(["db", "verify"]) == 0
    assert capsys.readouterr().out == "The books are true: 4 journals, 8 lines, 1 payments.\n"
    assert books.is_dir()


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("words", [["0"], ["5000", "--paid-at", "2026-03-02 10:00"], ["5", "--paid-at", "monday"]])
def test_a_payment_that_cannot_be_meant_is_refused(words: list[str], capsys: Captured) -> None:
    assert main(["pay", "record", "0017", words[0], "KES", "K-1", *words[1:]]) == 2
    assert "MG-P005" in capsys.readouterr().err


def test_untrue_books_are_named_and_the_exit_code_says_so(books: Path, capsys: Captured) -> None:
    assert main(["pay", "record", "0017", "5000", "KES", "K-1"]) == 0
    from sqlalchemy import create_engine, text

    with create_engine(f"sqlite:///{books / 'books.db'}").begin() as connection:
        connection.execute(text("UPDATE credits SET balance_minor = 9"))
    capsys.readouterr()
    assert main(["db", "verify"]) == 1
    assert "K-1" in capsys.readouterr().err
    assert main(["db", "verify", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["true"] is False


@pytest.mark.usefixtures("books")
def test_keys_are_made_and_ended(capsys: Captured) -> None:
    assert main(["api-key", "new", "portal", "--for", "read"]) == 0
    assert capsys.readouterr().out.startswith("mgk_portal_")
    assert main(["api-key", "revoke", "portal"]) == 0
    assert main(["api-key", "new", "portal", "--for", "read"]) == 2
    assert main(["api-key", "new", "other", "--for", "everything"]) == 2
    assert "MG-A013" in capsys.readouterr().err


def test_a_folder_without_settings_is_told(tmp_path: Path, capsys: Captured) -> None:
    assert main(["db", "upgrade", str(tmp_path)]) == 2
    assert "MG-A014" in capsys.readouterr().err


@pytest.mark.parametrize(("old", "new"), [("KES", "KSH"), ("exponent: 2", "exponent: 2\n    allowed_addresses: [x]")])
def test_settings_that_cannot_be_meant_are_told_with_their_line(tmp_path: Path, old: str, new: str) -> None:
    text = ("database: books.db\n" + PAYMENTS).replace(old, new, 1)
    (tmp_path / "organisation.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match="MG-A014"):
        settings(tmp_path)


def test_hooks_follow_the_settings_and_hide_their_secret(books: Path) -> None:
    hooks = payment_hooks(settings(books))
    assert [hook.call for hook in hooks] == ["confirmation", "validation", "stk"]
    assert "7hX2" not in repr(hooks)
    assert "7hX2" not in repr(settings(books))
    assert hooks[0].comes_from("196.201.214.200")
    assert not hooks[0].comes_from("127.0.0.1")


def test_without_a_way_out_nothing_is_lost() -> None:
    service = make_service(MemoryStore())
    NoLink().send("M-1", service.village.desired())
    with pytest.raises(OSError, match="no SMS account"):
        NoNotifier().send("+254712000104", "low", "k")


def test_a_store_out_of_reach_and_a_bug_are_told_as_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    service = make_service(MemoryStore())
    for error, status, code in (
        (Environment(Problem("MG-E060", "the database cannot be reached")), 503, "MG-E060"),
        (ValueError("a bug"), 500, "MG-A011"),
    ):

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(service.village.store, "check", fail)
        service.village.clock.pass_(minutes=1)
        response = service.client.get("/health/ready")
        assert (response.status_code, response.json()["code"]) == (status, code)
        assert "a bug" not in response.text.replace("this is a bug", "")
