"""Two people, agents and the log of who did what, at the keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from microgrid.__main__ import main
from microgrid.actions import add_account, add_site
from microgrid.cli.serving import open_core
from microgrid.customers.records import Account, Site
from tests.flows.village import START

Captured = pytest.CaptureFixture[str]


class Desk:
    """Who sits at the keyboard, and what the machine answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
        self._set, self._captured = monkeypatch, capsys
        self.told = ""

    def sit(self, name: str, agent_key: str = "") -> None:
        """Let somebody else sit down."""
        self._set.setenv("SUDO_USER", name)
        self._set.setenv("MICROGRID_AGENT_KEY", agent_key)

    def type(self, *words: str, exit_code: int = 0) -> str:
        """Type a command and return what it printed."""
        self._captured.readouterr()
        assert main(list(words)) == exit_code
        out, self.told = self._captured.readouterr()
        return out

    def get(self, *words: str) -> Any:
        """Type a command and return its JSON."""
        return json.loads(self.type(*words))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Desk:
    """Return a keyboard on a folder with one account and one agent."""
    (tmp_path / "organisation.yaml").write_text("database: books.db\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    made = Desk(monkeypatch, capsys)
    made.sit("asha")
    made.type("db", "upgrade")
    made.type("customer", "add", "c-1", "Amina")
    core = open_core(tmp_path)
    add_site(core, Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2), "test")
    add_account(core, Account("K-1", "c-1", "kisiju", START), "test")
    made.type("agent", "add", "A-7", "Juma", "kisiju", "60000")
    return made


def test_a_refund_is_asked_by_one_and_granted_by_another(desk: Desk) -> None:
    desk.type("pay", "record", "17", "5000", "KES", "K-1")
    asked = desk.get("approval", "ask", "refund", "cash:office:17", "--note", "paid twice")["requests"][0]["id"]
    assert f"microgrid approval grant {asked}" in desk.told
    desk.type("approval", "grant", asked, exit_code=2)
    assert "MG-A017" in desk.told
    desk.sit("ben")
    assert [one["id"] for one in desk.get("approval", "list")["requests"]] == [asked]
    assert desk.get("approval", "grant", asked)["requests"][0]["granted"] is True
    assert desk.get("approval", "keep", "cash:office:17", "--note", "kept")["payment"]["status"] == "posted"
    again = desk.get("approval", "ask", "refund", "cash:office:17", "--note", "after all")["requests"][0]["id"]
    assert desk.get("approval", "refuse", again, "--note", "a mistake")["requests"][0]["granted"] is False
    for words in (("write-off", "K-1"), ("refund", "cash:office:17", "--amount-minor", "5")):
        desk.type("approval", "ask", *words, "--note", "x", exit_code=2)
        assert "MG-P005" in desk.told
    desk.type("db", "verify")


def test_cash_changes_hands_when_agent_and_office_agree(desk: Desk) -> None:
    key = desk.type("api-key", "new", "a7", "--for", "sales", "--agent", "A-7").strip()
    assert desk.get("agent", "sell", "A-7", "1", "50000", "K-1")["is_new"] is True
    desk.type("agent", "sell", "A-7", "2", "10001", "K-1", exit_code=2)
    assert "MG-P053" in desk.told
    desk.type("agent", "sell", "A-7", "no number", "1", "K-1", exit_code=2)
    assert desk.get("agent", "overdue", "--days", "0")["agents"][0]["id"] == "A-7"
    desk.type("agent", "offer", "A-7", "h-1", "50000")
    desk.type("agent", "agree", "h-1", "50000", exit_code=2)
    assert "MG-P056" in desk.told
    desk.sit("asha", agent_key="mgk_a7_" + "0" * 32)
    desk.type("agent", "agree", "h-1", "50000", "--as-agent", exit_code=2)
    assert "MG-A042" in desk.told
    desk.sit("asha", agent_key=key)
    assert desk.get("agent", "agree", "h-1", "50000", "--as-agent")["handover"]["agreed_by"] == "agent:A-7"
    desk.type("agent", "sell", "A-7", "3", "700", "K-1", "--as-agent")
    desk.type("agent", "offer", "A-7", "h-2", "700", "--as-agent")
    assert desk.get("agent", "withdraw", "h-2")["handover"]["withdrawn_by"] == "person:asha"
    assert desk.get("agent", "limit", "A-7", "0")["agent"]["float_limit_minor"] == 0
    desk.type("agent", "limit", "A-7", "-1", exit_code=2)
    assert desk.get("agent", "close", "A-7")["agent"]["closed_at"]
    assert desk.get("agent", "show", "A-7")["held_minor"] == 700
    desk.type("db", "verify")


def test_a_key_is_for_a_person_or_for_an_agent(desk: Desk) -> None:
    desk.type("api-key", "new", "k", "--for", "sales", "--agent", "A-7", "--person", "juma", exit_code=2)
    assert "MG-A013" in desk.told
    desk.type("api-key", "new", "k", "--for", "read", "--person", "juma")


def test_the_end_of_the_log_is_written_down_and_checked(desk: Desk) -> None:
    number, seal = desk.type("audit", "head").split()
    assert int(number) > 3
    desk.type("agent", "limit", "A-7", "5")
    assert "The log is whole" in desk.type("audit", "check", number, seal)
    desk.type("audit", "check", number, "0" * 64, exit_code=1)
    assert "not the one written down" in desk.told
    rows = desk.get("audit", "list", "agent:A-7")["rows"]
    assert [row["action"] for row in rows] == ["add agent", "set float limit"]
    assert {row["actor"] for row in rows} == {"person:asha"}
