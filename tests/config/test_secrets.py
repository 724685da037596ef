"""No message about the settings shows a secret, whatever is wrong with the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from microgrid.config import hidden_keys, read
from microgrid.errors import InvalidInput
from microgrid.organisation import Organisation

SECRETS = ("hunter2", "7hX2vQ9rLw4nTz8b", "topsecretkey")
GOOD = """database: postgresql://books:hunter2@host/books
payments:
  - provider: mpesa
    shortcode: "600638"
    currency: KES
    exponent: 2
    region: KE
    secret_path: 7hX2vQ9rLw4nTz8b
    keys:
      consumer_key_env: NAME
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("secret_path: 7hX2vQ9rLw4nTz8b", "secret_path: 7hX2vQ9rLw4nTz8b/confirmation"),
        ("secret_path: 7hX2vQ9rLw4nTz8b", "secret_path: [7hX2vQ9rLw4nTz8b]"),
        ("secret_path: 7hX2vQ9rLw4nTz8b", "secret_path:\n      7hX2vQ9rLw4nTz8b!"),
        ("secret_path: 7hX2vQ9rLw4nTz8b", "secret_path: {a: 7hX2vQ9rLw4nTz8b}"),
        ("secret_path: 7hX2vQ9rLw4nTz8b", 'secret_path: "7hX2vQ9rLw4nTz8b'),
        ("secret_path: 7hX2vQ9rLw4nTz8b", "secret_path: 7hX2vQ9rLw4nTz8b: x"),
        ("secret_path", "secret_pth"),
        ("secret_path", "secretly"),
        ("secret_path", "wholly_other"),
        ("region: KE", "secret_path: topsecretkey\n    region: KE"),
        ("exponent: 2", "exponent: {secret_path: topsecretkey, b: 3}"),
        ("database: postgresql", "database: [postgresql"),
        ("database: postgresql://books:hunter2@host/books", 'database: {"x": "hunter2"}'),
        ("database:", "databse:"),
        ("database:", "datebase: x\ndatabase:"),
        ("database: postgresql://books:hunter2@host/books", "database: |\n  postgresql://books:hunter2@host\n\t/books"),
        ("consumer_key_env: NAME", "consumer_key: topsecretkey"),
        ("consumer_key_env: NAME", "consumer_key: [topsecretkey"),
    ],
)
def test_what_is_wrong_is_told_and_the_secret_is_not(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "organisation.yaml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        read(path, Organisation)
    told = str(caught.value) + repr(caught.value.problems)
    assert "MG-" in told
    assert not [secret for secret in SECRETS if secret in told], told


def test_the_place_is_shown_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "organisation.yaml"
    path.write_text(GOOD.replace("7hX2vQ9rLw4nTz8b", "short"), encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        read(path, Organisation)
    (problem,) = caught.value.problems
    assert (problem.line, problem.source) == (8, "    secret_path: ***")
    assert "got ***" in problem.what


def test_other_lines_are_shown_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "organisation.yaml"
    path.write_text(GOOD.replace("region: KE", "region: kenya"), encoding="utf-8")
    with pytest.raises(InvalidInput, match="region: kenya"):
        read(path, Organisation)


def test_what_is_left_out_of_the_text_is_hidden() -> None:
    assert {"database", "secret_path", "keys"} <= hidden_keys(Organisation)
