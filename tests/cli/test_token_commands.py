"""The maker's list and tokens by commands: every bad row told, nothing half-written, no secret on any screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from device.openpaygo import Secret, codes, text_of
from microgrid.__main__ import main
from microgrid.cli.handover import read_hand_over
from microgrid.errors import InvalidInput
from microgrid.switching.tokens import HandOver

Captured = pytest.CaptureFixture[str]
KEY = "dac86b1a29ab82edc5fbbc41ec9530f6"
HEAD = "serial,starting_code,key,divider,restricted,count,test_code"
ADD_DAYS = ["--days", "3", "--note", "three dark days", "--id", "r-1"]


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Path:
    """Return a folder with books and a key for secrets."""
    (tmp_path / "organisation.yaml").write_text("database: books.db\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["db", "upgrade"]) == 0
    assert main(["db", "new-key"]) == 0
    capsys.readouterr()
    return tmp_path


def a_list(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "delivery.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def printed_code(value: int, count: int) -> str:
    secret = Secret(949214826, bytes.fromhex(KEY))
    return next(text_of(secret, code) for each, code in codes(secret, value) if each == count)


def told(capsys: Captured) -> Any:
    return json.loads(capsys.readouterr().out)


def refused(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(InvalidInput) as error:
        read_hand_over(path)
    assert KEY[:8] not in str(error.value)
    assert "949214826" not in str(error.value)
    return [(problem.line, problem.code, problem.what) for problem in error.value.problems]


def test_from_the_maker_s_list_to_tokens(books: Path, capsys: Captured) -> None:
    path = a_list(books, f"L-1,949214826,{KEY},1,no,1,{printed_code(1, 1)}", f"L-2,5,{'00' * 16},4,yes,7,")
    for _ in range(2):
        assert main(["token", "import", str(path)]) == 0
        captured = capsys.readouterr()
        assert KEY[:8] not in captured.out + captured.err
        assert [row["meter_id"] for row in json.loads(captured.out)["devices"]] == ["L-1", "L-2"]
    assert main(["token", "new", "L-1", *ADD_DAYS]) == 0
    (token,) = told(capsys)["tokens"]
    assert (token["count"], token["gives"], token["source"]) == (2, "3 days", "hand:r-1")
    assert main(["token", "new", "L-1", *ADD_DAYS]) == 0
    assert told(capsys)["tokens"] == [token]
    assert main(["token", "new", "L-1", "--days", "9", "--set", "--note", "put right"]) == 0
    assert told(capsys)["tokens"][0]["kind"] == "set"
    assert main(["token", "new", "L-1", "--sync", "--note", "counts apart"]) == 0
    capsys.readouterr()
    assert main(["token", "typed", "L-1", "2"]) == 0
    assert told(capsys)["device"]["typed_count"] == 2
    assert main(["token", "jump", "--id", "restore-1", "--by", "30"]) == 0
    assert told(capsys)["devices"] == 2
    assert main(["token", "jump", "L-1", "--id", "restore-2", "--by", "1"]) == 0
    assert told(capsys)["device"]["count"] == 5 + 30 + 1
    assert main(["token", "show", "L-1"]) == 0
    assert [each["kind"] for each in told(capsys)["tokens"]] == ["add", "set", "sync"]
    assert main(["db", "verify"]) == 0


def test_a_payment_s_token_and_an_unlock_are_asked_for_by_name(books: Path, capsys: Captured) -> None:
    assert main(["token", "import", str(a_list(books, f"L-1,949214826,{KEY},1,no,1,"))]) == 0
    for words, code in (
        (["--payment", "mpesa:1:X"], "MG-A001"),
        (["--disable", "--note", "she asked"], "MG-K006"),
        (["--disable"], "MG-K058"),
        (["--days", "1"], "MG-K058"),
        ([], "MG-K058"),
        (["--payment", "mpesa:1:X", "--sync"], "MG-K058"),
    ):
        capsys.readouterr()
        assert main(["token", "new", "L-1", *words]) == 2
        assert code in capsys.readouterr().err


def test_every_row_that_cannot_be_used_is_told_with_its_line(tmp_path: Path) -> None:
    path = a_list(
        tmp_path,
        f"L-1,949214826,{KEY},1,no,1,",
        f"L-2,94921482x,{KEY},1,no,1,",
        f"L-3,949214826,{KEY[:-1]},1,no,1,",
        f"L-1,949214826,{KEY},1,no,1,",
        f"L-5,949214826,{KEY},0,no,1,",
        f"L-6,949214826,{KEY},1,perhaps,1,",
        f"L-7,949214826,{KEY},1,no,1,123456789",
        f"L-8,949214826,{KEY},1,no,1,,more",
        "L-9",
    )
    assert [(line, code) for line, code, _ in refused(path)] == [
        (3, "MG-K055"),
        (4, "MG-K002"),
        (5, "MG-K055"),
        (6, "MG-K002"),
        (7, "MG-K055"),
        (8, "MG-K057"),
        (9, "MG-K055"),
        (10, "MG-K055"),
    ]


def test_a_bad_list_writes_nothing(books: Path, capsys: Captured) -> None:
    path = a_list(books, f"L-1,949214826,{KEY},1,no,1,", f"L-2,1,{KEY[:4]},1,no,1,")
    assert main(["token", "import", str(path)]) == 2
    assert "delivery.csv:3: MG-K002" in capsys.readouterr().err
    assert main(["token", "show", "L-1"]) == 2
    assert "MG-A001" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"serial,key\n",
        b"serial,starting_code,key,colour\n",
        b"serial,serial,starting_code,key\n",
        b"\xff\xfe\x00serial",
        b"x" * 10_000_001,
    ],
)
def test_what_is_no_list_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "delivery.csv"
    path.write_bytes(content)
    assert [code for _, code, _ in refused(path)] == ["MG-K055"]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert [code for _, code, _ in refused(tmp_path / "none.csv")] == ["MG-K055"]


def test_columns_come_in_any_order_and_with_either_comma(tmp_path: Path) -> None:
    path = tmp_path / "delivery.csv"
    path.write_bytes(f"\ufeffKey;Serial;Starting_code\r\n{KEY};L-1;949214826\r\n".encode())
    assert read_hand_over(path) == [HandOver("L-1", 949214826, KEY)]
