"""`microgrid schema`: the JSON schema of each kind of file that people write."""

from __future__ import annotations

import json

from microgrid.cli.output import write, write_json
from microgrid.config_schema import nearest
from microgrid.errors import InvalidInput, Problem

NAMES = ("scenario",)
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def show(name: str, *, as_json: bool) -> None:
    """Print the JSON schema of one kind of file; `as_json` wraps it as all answers for programs are."""
    if name not in NAMES:
        near = nearest(name, NAMES)
        fix = f"did you mean '{near}'?" if near else f"there is: {', '.join(NAMES)}"
        raise InvalidInput(Problem("MG-U006", f"there is no schema '{name}'", fix=fix))
    from sim.scenario import Scenario

    described = {"$schema": DIALECT, **Scenario.model_json_schema()}
    if as_json:
        write_json("microgrid.schema/1", {"name": name, "json_schema": described})
    else:
        write(json.dumps(described, indent=2, ensure_ascii=False))
