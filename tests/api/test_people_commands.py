"""The operator's commands about people, their meters and their keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from microgrid import actions
from microgrid.__main__ import main
from microgrid.cli.serving import listening, open_core, settings
from microgrid.customers.records import Connection, Fit, Meter, Site
from microgrid.flows import on_readings
from microgrid.monitoring.readings import Reading

Captured = pytest.CaptureFixture[str]
HEAD = "customer_id,name,site_id,account_id,phone,meter_id\n"
GOOD = HEAD + 'c-1,"Neema, the miller",kisiju,K-1,+254733000001,M-1\nc-2,Juma,kisiju,K-2,,\n'


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Path:
    """Return a folder with one site in it."""
    (tmp_path / "organisation.yaml").write_text("database: books.db\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["db", "upgrade"]) == 0
    site = Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2, backdating_days_max=36_500)
    actions.add_site(open_core(tmp_path), site, "test")
    capsys.readouterr()
    return tmp_path


def told(capsys: Captured) -> Any:
    return json.loads(capsys.readouterr().out)


def write(books: Path, text: str) -> str:
    (books / "people.csv").write_text(text, encoding="utf-8")
    return "people.csv"


def test_a_file_is_tried_brought_in_and_known(books: Path, capsys: Captured) -> None:
    file = write(books, GOOD)
    for words, new, known, written in ((["--dry-run"], 2, 0, False), ([], 2, 0, True), ([], 0, 2, True)):
        assert main(["customer", "import", file, *words]) == 0
        done = told(capsys)
        assert (done["new"], done["known"], done["written"], done["refused"]) == (new, known, written, [])
    assert main(["customer", "find", "neem miller"]) == 0
    (found,) = told(capsys)["customers"]
    assert (found["customer"]["id"], found["by"], found["accounts"][0]["id"]) == ("c-1", "name", "K-1")
    assert main(["db", "verify"]) == 0


def test_refused_lines_are_told_and_nothing_is_written(books: Path, capsys: Captured) -> None:
    file = write(books, GOOD + "c-3,Asha,kisiju,0712000104,x,\n")
    assert main(["customer", "import", file]) == 2
    shown = capsys.readouterr()
    done = json.loads(shown.out)
    assert [(one["line"], one["code"]) for one in done["refused"]] == [(4, "MG-A031")]
    assert "people.csv:4: MG-A031: phone is 'x'" in shown.err
    assert (done["new"], done["written"]) == (2, False)
    assert main(["customer", "show", "c-1"]) == 2


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("customer_id,name\n", "this column is missing: 'site_id'"),
        (HEAD.replace("phone", "fone"), "there is no column 'fone'"),
        (HEAD.replace("phone", "name"), "this column is there twice: 'name'"),
        (HEAD + "c-1,Neema\n", "this line has 2 cells"),
        (HEAD + '"c-1', "this line has 1 cells"),
    ],
)
def test_a_file_that_is_no_list_of_customers_is_refused(books: Path, capsys: Captured, text: str, said: str) -> None:
    assert main(["customer", "import", write(books, text)]) == 2
    shown = capsys.readouterr().err
    assert "MG-A030" in shown
    assert said in shown


def test_a_file_that_cannot_be_read_is_told(books: Path, capsys: Captured) -> None:
    assert main(["customer", "import", "nothing.csv"]) == 2
    (books / "latin.csv").write_bytes(HEAD.encode() + b"c-1,\xe9,kisiju,K-1,,\n")
    assert main(["customer", "import", "latin.csv"]) == 2
    assert capsys.readouterr().err.count("MG-A030") == 2


def test_a_spreadsheets_file_with_semicolons_is_read(books: Path, capsys: Captured) -> None:
    text = "\ufeff" + GOOD.replace('"Neema, the miller"', "Neema").replace(",", ";")
    assert main(["customer", "import", write(books, text)]) == 0
    assert told(capsys)["new"] == 2


def test_numbers_lines_and_rows_set_aside(books: Path, capsys: Captured) -> None:
    assert main(["customer", "import", write(books, GOOD)]) == 0
    assert main(["customer", "phone", "c-1", "+254733999999"]) == 0
    assert main(["feeder", "add", "line-1", "kisiju", "North", "--power-limit-w", "9000"]) == 0
    capsys.readouterr()
    assert main(["customer", "end-phone", "c-1:+254733999999"]) == 0
    assert told(capsys)["phone"]["ended_at"]
    core = open_core(books)
    actions.add_connection(core, Connection("p-9", "K-1", "kisiju", feeder_id="line-1"), "test")
    actions.add_meter(core, Meter("M-9"), "test")
    now = core.clock.now()
    actions.fit_meter(core, Fit("f-9", "M-9", "p-9", 1, now, 0), "test")
    on_readings(core, [Reading("M-9", 1, 1, now, 400)])
    assert main(["reading", "aside", "M-9:1:1", "--why", "a slip"]) == 0
    capsys.readouterr()
    assert main(["reading", "asides", "M-9"]) == 0
    assert [one["reason"] for one in told(capsys)["asides"]] == ["a slip"]
    assert main(["reading", "aside", "M-9", "--why", "a slip"]) == 2
    assert "MG-M026" in capsys.readouterr().err


def test_a_key_is_bound_to_a_site_that_is_there(books: Path, capsys: Captured) -> None:
    assert main(["api-key", "new", "gateway", "--for", "readings", "--site", "kisiju"]) == 0
    assert main(["api-key", "new", "other", "--for", "readings", "--site", "mars", "--meter", "M-9"]) == 2
    assert capsys.readouterr().err.count("MG-A001") == 2
    with open_core(books).store.read() as uow:
        (row,) = uow.audit.where(subject="api-key:gateway")
    assert json.loads(row.detail)["sites"] == ["kisiju"]


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("words", "mistakes"),
    [
        (["", "5000", "KES", "K-1"], 1),
        (["  ", "5000", "KES", "K-1"], 1),
        (["00\n17", "5000", "KES", "K-1"], 1),
        (["x" * 41, "5000", "KES", "K-1"], 1),
        (["0017", "5000", "XXX", "K-1"], 1),
        (["0017", "5000", "kes", "K-1"], 1),
        (["0017", str(10**15 + 1), "KES", "K-1"], 1),
        (["0017", "5000", "KES", "K\x07"], 1),
        (["0017", "5000", "KES", "K-1", "--paid-at", "1999-12-31T10:00+03:00"], 1),
        (["0017", "5000", "KES", "K-1", "--paid-at", "2199-12-31T10:00+03:00"], 1),
        (["", "0", "XXX", "K-1", "--paid-at", "monday"], 4),
    ],
)
def test_every_mistake_of_a_recorded_payment_is_told_at_once(words: list[str], mistakes: int, capsys: Captured) -> None:
    assert main(["pay", "record", *words]) == 2
    assert capsys.readouterr().err.count("MG-P005") == mistakes


def test_the_service_takes_only_so_many_calls_at_once(books: Path) -> None:
    assert listening(settings(books), "127.0.0.1", 8080)["limit_concurrency"] == 1000
