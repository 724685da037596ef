"""`microgrid schema`: the JSON schema of each kind of file that people write, and the description of the REST API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from microgrid.cli.output import write, write_json
from microgrid.config_schema import nearest
from microgrid.errors import InvalidInput, Problem

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def show(name: str, *, as_json: bool) -> None:
    """Print the JSON schema of one kind of file; `as_json` wraps it as all answers for programs are."""
    if name not in DESCRIBED:
        near = nearest(name, tuple(DESCRIBED))
        fix = f"did you mean '{near}'?" if near else f"there is: {', '.join(DESCRIBED)}"
        raise InvalidInput(Problem("MG-U006", f"there is no schema '{name}'", fix=fix))
    described = DESCRIBED[name]()
    if as_json:
        write_json("microgrid.schema/1", {"name": name, "json_schema": described})
    else:
        write(json.dumps(described, indent=2, ensure_ascii=False))


def _scenario() -> dict[str, Any]:
    from sim.scenario import Scenario

    return {"$schema": DIALECT, **Scenario.model_json_schema()}


def _plan() -> dict[str, Any]:
    from microgrid.plan_file import PlanFile

    return {"$schema": DIALECT, **PlanFile.model_json_schema()}


def _api() -> dict[str, Any]:
    """Return the description of the REST API (OpenAPI 3.1), which needs no books and no network."""
    from microgrid.api.app import create_app
    from microgrid.cli.serving import NoLink, NoNotifier
    from microgrid.clock import WallClock
    from microgrid.ports import Core
    from microgrid.store.memory import MemoryStore

    return create_app(Core(MemoryStore(), WallClock(), NoLink(), NoNotifier())).openapi()


DESCRIBED: Mapping[str, Callable[[], dict[str, Any]]] = {"scenario": _scenario, "plan": _plan, "api": _api}
