"""Every code a message carries is in the catalogue, every code of the catalogue is used, and some test meets it."""

import re
from pathlib import Path

import pytest

from microgrid.cli.explaining import catalogue

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = re.compile(r"MG-[A-Z]\d{3}")


def codes_in(folders: tuple[str, ...]) -> set[str]:
    files = (path for folder in folders for path in (ROOT / folder).rglob("*.py") if path != Path(__file__))
    return {code for path in files for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_raised_codes_and_catalogue_are_the_same() -> None:
    assert codes_in(("microgrid", "sim", "device")) == set(catalogue())


def test_every_code_is_met_by_a_test() -> None:
    assert set(catalogue()) - codes_in(("tests",)) == set()


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_entry_is_a_title_a_reason_and_a_remedy(code: str) -> None:
    entry = catalogue()[code]
    assert re.fullmatch(r"MG-[ACDEKLMPSU]\d{3}", code)
    assert entry.title
    assert not entry.title.endswith(".")
    assert entry.why.endswith(".")
    assert entry.fix.endswith(".")


def test_no_code_is_listed_twice() -> None:
    text = (ROOT / "microgrid" / "errors.yaml").read_text(encoding="utf-8")
    listed = re.findall(r"^(MG-[A-Z]\d{3}):", text, flags=re.MULTILINE)
    assert len(listed) == len(set(listed))
