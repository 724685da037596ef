"""Workbooks and load files with wrong bytes or numbers: each a message with a code, never a crash."""

import os
import zipfile
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from microgrid.errors import InvalidInput
from sim.demand.load_csv import read_load_csv
from sim.demand.workbook_cells import open_sheet
from sim.scenario import Site

SITE = Site(name="Kijiji", latitude=0.0, longitude=0.0, timezone="UTC", currency="USD")


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["name", "count"])
    stored = BytesIO()
    book.save(stored)
    return stored.getvalue()


def with_part(name: str, content: bytes) -> bytes:
    changed, source = BytesIO(), zipfile.ZipFile(BytesIO(workbook()))
    with zipfile.ZipFile(changed, "w") as target:
        for part in source.namelist():
            target.writestr(part, content if part == name else source.read(part))
    return changed.getvalue()


def refusals(path: Path) -> set[str]:
    try:
        open_sheet(path)
    except InvalidInput as mistake:
        return {problem.code for problem in mistake.problems}
    return set()


@pytest.mark.parametrize("content", [b"", b"<a><b>", b"<a/>"])
@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"])
def test_broken_parts_are_a_message(tmp_path: Path, part: str, content: bytes) -> None:
    path = tmp_path / "ramp.xlsx"
    path.write_bytes(with_part(part, content))
    found = refusals(path)
    assert found == {"MG-D250"} or (content == b"<a/>" and not found)  # an empty sheet is none of this reader's


def test_a_workbook_of_charts_alone_is_a_message(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    book.create_chartsheet("chart")
    book.save(tmp_path / "ramp.xlsx")
    with pytest.raises(InvalidInput, match="MG-D250"):
        open_sheet(tmp_path / "ramp.xlsx")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for read in (open_sheet, lambda path: read_load_csv(path, SITE, 60)):
        with pytest.raises(InvalidInput, match="no ordinary file"):
            read(tmp_path / "pipe")


def test_a_load_beyond_any_village_is_refused(tmp_path: Path) -> None:
    (tmp_path / "load.csv").write_text("load_kw\n" + "1e308\n" * 8760)
    with pytest.raises(InvalidInput, match=r"MG-D213: column 'load_kw' reaches 1e\+308 kW"):
        read_load_csv(tmp_path / "load.csv", SITE, 60)
