"""Key figures over the API and on the command line: the same, with what is behind them one question away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from microgrid.__main__ import main
from microgrid.store.sql import open_store
from tests.api.running import make_folder
from tests.api.service import Program, Service
from tests.flows.village import ENERGY, make_village

PERIOD = "site=kisiju&from=2026-03-01&to=2026-03-31"


def test_a_figure_leads_to_what_is_behind_it(service: Service, anybody: Program) -> None:
    service.village.pay("RKT1", 50_000)
    answer = anybody.get(f"/kpis?{PERIOD}")
    found = {each["name"]: each for each in answer.json()["items"]}
    assert (found["active-ratio"]["value"], found["active-ratio"]["reason"]) == ("1.000000", "")
    assert (found["par30"]["value"], found["par30"]["reason"]) == (None, "nothing was owed on any contract")
    behind = anybody.get(found["active-ratio"]["evidence"]).json()
    line = "payment:mpesa:600638:RKT1"
    assert behind == {
        "items": [{"of": "K-104", "numerator": "1", "denominator": "1", "lines": [line]}],
        "next": None,
    }


def test_questions_that_cannot_be_meant_are_refused(service: Service, anybody: Program) -> None:
    assert service.client.get(f"/kpis?{PERIOD}").status_code == 401
    assert service.program("payments").get(f"/kpis?{PERIOD}").status_code == 403
    assert anybody.get("/kpis?site=nowhere&from=2026-03-01&to=2026-03-31").status_code == 404
    for path in (
        "/kpis?site=kisiju&from=2026-03-31&to=2026-03-01",
        "/kpis?site=kisiju&from=soon&to=2026-03-01",
        "/kpis?site=kisiju",
        f"/kpis/par45/evidence?{PERIOD}",
        f"/kpis/par30/evidence?{PERIOD}&after=-1",
    ):
        assert anybody.get(path).status_code == 422, path


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = make_folder(tmp_path / "books")
    store = open_store(str(folder / "books.db"))
    village = make_village(store)
    village.settle_in(ENERGY)
    village.pay("RKT1", 50_000)
    store.close()
    return folder


def test_the_command_says_each_figure_or_why_there_is_none(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["kpi", str(books), "--site", "kisiju", "--from", "2026-03-01", "--to", "2026-03-31"]
    capsys.readouterr()
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "active-ratio           1.000000  fraction; open accounts; paid within 30 days" in lines
    assert "par30                         -  nothing was owed on any contract" in lines
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], len(told["kpis"])) == ("microgrid.kpis/1", len(lines))
    assert main([*words, "--behind", "active-ratio"]) == 0
    behind = json.loads(capsys.readouterr().out)
    assert [each["of"] for each in behind["evidence"]] == ["K-104"]
    assert main(["kpi", str(books), "--site", "kisiju", "--from", "March", "--to", "2026-03-31"]) == 2
    assert "MG-A065" in capsys.readouterr().err
