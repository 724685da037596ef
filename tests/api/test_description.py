"""The API describes itself without a network: every route, every body with an example that is taken as it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from microgrid.__main__ import main
from microgrid.api.app import create_app
from microgrid.store.memory import MemoryStore
from tests.flows.village import make_village


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(make_village(MemoryStore()).core).openapi()


def bodies(document: dict[str, Any]) -> set[str]:
    """Return the names of the bodies that routes take."""
    routes = (route for methods in document["paths"].values() for route in methods.values())
    text = json.dumps([route.get("requestBody", {}) for route in routes])
    return set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', text))


def models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for below in base.__subclasses__():
        yield below
        yield from models(below)


def test_each_body_has_an_example_that_is_taken(document: dict[str, Any]) -> None:
    by_name = {model.__name__: model for model in models(BaseModel) if model.__module__.startswith("microgrid.")}
    for name in sorted(bodies(document)):
        examples = document["components"]["schemas"][name].get("examples")
        assert examples, f"{name} has no example: give its fields one in microgrid/api/description.py"
        for example in examples:
            assert by_name[name.rpartition("__")[2]].model_validate_json(json.dumps(example))


def test_nothing_of_it_lies_elsewhere_or_is_secret(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert set(re.findall(r'"\$ref": "([^"#]*)', text)) == {""}
    assert "/hooks/" not in text
    assert document["openapi"].startswith("3.1")
    assert all(each.get("summary") for path in document["paths"].values() for each in path.values())


def test_it_is_printed_without_books(capsys: pytest.CaptureFixture[str], document: dict[str, Any]) -> None:
    assert main(["schema", "api"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(document))
    assert main(["schema", "apj"]) == 2
    assert "did you mean 'api'?" in capsys.readouterr().err
