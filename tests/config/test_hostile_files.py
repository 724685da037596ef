"""Files made to break the reader: endless, very deep, very wide, or with what would write over a terminal."""

from pathlib import Path

import pytest

from microgrid.config import review
from microgrid.config_document import parse, read_document
from microgrid.errors import InvalidInput, Problem
from sim.scenario import Scenario


def refusal(text: str) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as caught:
        parse(text, "site.yaml")
    return caught.value.problems


@pytest.mark.parametrize("text", ["a: " + "[" * 3000 + "]" * 3000, "a: " + "[" * 60 + "]" * 60])
def test_depth_has_an_end(text: str) -> None:
    assert [problem.code for problem in refusal(text)] == ["MG-C016"]


def test_aliases_of_aliases_have_an_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]  # ten thousand million words
    assert [problem.code for problem in refusal("\n".join(lines))] == ["MG-C016"]


def test_a_file_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    large = tmp_path / "load.yaml"
    large.write_text("a: 1\n" * 250_000)
    with pytest.raises(InvalidInput, match=r"MG-C013: .* is larger than 1,000 kB"):
        read_document(large, "load.yaml")


def test_very_many_mistakes_are_said_soon() -> None:
    text = "".join(f"key_{number}: 1\n" for number in range(4000))
    assert 90 < len(review(parse(text, "site.yaml"), Scenario).problems) < 120


@pytest.mark.parametrize(
    "word", ['"\\e[31m"', '"\\0"', '"a\\nb"', '"\\ud800"', '"\\u202e"', '"\\x9b"', "|\n    two\n    lines"]
)
def test_text_that_cannot_be_shown_is_refused(good: str, word: str) -> None:
    problems = refusal(good.replace("name: Kisiju", f"name: {word}"))
    assert [(problem.code, problem.line) for problem in problems] == [("MG-C014", 2)]


def test_such_text_is_refused_as_a_key_too() -> None:
    (problem,) = refusal('"\\e[31m": 1\n')
    assert problem.code == "MG-C014"


def test_a_message_never_writes_over_the_terminal() -> None:
    problem = Problem("MG-D204", "'\x1b[31m' is no number", file="a\nb", line=3, source="\x1b]0;x\x07 1 \x9b")
    text = str(problem)
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in text.replace("\n", ""))
    assert "\\x1b[31m" in text
    assert len(str(Problem("MG-D204", "x" * 100_000))) < 1000


@pytest.mark.parametrize("number", ["1" + "0" * 400, "-1" + "0" * 400, "1e300", "-1e300", "1.7e308", "1" + "0" * 20])
@pytest.mark.parametrize("place", ["latitude: -7.42", "inverter_kw: 15", "pv_per_kw: 520"])
def test_numbers_beyond_anything_real_are_refused(good: str, place: str, number: str) -> None:
    key = place.split(":", maxsplit=1)[0]
    problems = refusal(good.replace(place, f"{key}: {number}"))
    assert [problem.code for problem in problems] == ["MG-C015"]


@pytest.mark.parametrize("value", ["!!int ''", "!!bool maybe", "!!float x", "!!timestamp x", "2026-99-99"])
def test_a_value_yaml_cannot_make_is_refused(good: str, value: str) -> None:
    problems = refusal(good.replace("seed: 7", f"seed: {value}"))
    assert [problem.code for problem in problems] == ["MG-C007"]


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_lines_are_counted_as_yaml_counts_them(good: str, end: str) -> None:
    spoilt = good.replace("seed: 7", "seed: x").replace("\n", end)
    (problem,) = review(parse(spoilt, "site.yaml"), Scenario).problems
    assert problem.source == "seed: x"


def codes_of(text: str) -> list[str]:
    return [problem.code for problem in review(parse(text, "site.yaml"), Scenario).problems]


def test_a_grid_of_a_million_million_designs_is_refused(good: str) -> None:
    thousand = f"[{', '.join(str(size) for size in range(1, 1001))}]"
    sizes = good.replace("[5, 80]", thousand).replace("[10, 400]", thousand).replace("inverter_kw: 15", "INVERTER")
    assert codes_of(sizes.replace("INVERTER", "inverter_kw: 15")) == []  # a million
    assert codes_of(sizes.replace("INVERTER", "inverter_kw: [10, 15]")) == ["MG-C056"]
    assert codes_of(sizes.replace("INVERTER", f"inverter_kw: {thousand}\n  genset_kw: {thousand}")) == ["MG-C056"]


def test_more_customers_than_can_be_followed_are_refused(good: str) -> None:
    assert codes_of(good.replace("count: 60", "count: 100000")) == []
    assert codes_of(good.replace("count: 60", "count: 100001")) == ["MG-C047"]
    assert codes_of(good.replace("growth_per_year: 0.04", "connections_by_month: [10000001]")) == ["MG-C003"]
