"""`microgrid explain`: the long form of a message's code, offline."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict, dataclass

from ruamel.yaml import YAML

from microgrid.cli.output import emphasised, write, write_json
from microgrid.errors import CATALOGUE_FILE, InvalidInput, Problem


@dataclass(frozen=True, slots=True)
class Entry:
    """What the catalogue says about one code."""

    code: str
    title: str
    why: str
    fix: str


def catalogue() -> dict[str, Entry]:
    """Return every code a message can carry, with its explanation."""
    entries = YAML(typ="safe", pure=True).load(CATALOGUE_FILE.read_text(encoding="utf-8"))
    return {code: Entry(code, entry["title"], entry["why"], entry["fix"]) for code, entry in entries.items()}


def explain(code: str, *, as_json: bool) -> None:
    """Print the entry of one code, or the list of all codes."""
    entries = catalogue()
    chosen = list(entries.values()) if not code else [_entry(code, entries)]
    if as_json:
        write_json("microgrid.explain/1", {"codes": [asdict(entry) for entry in chosen]})
    elif code:
        write(_long(chosen[0]))
    else:
        write("\n".join(f"{entry.code}  {entry.title}" for entry in chosen))


def _entry(code: str, entries: dict[str, Entry]) -> Entry:
    short = re.fullmatch(r"(?:MG)?-?([A-Z])-?(\d{1,3})", code.strip().upper())  # C3 is enough
    asked = f"MG-{short[1]}{int(short[2]):03d}" if short else code.strip().upper()
    if asked in entries:
        return entries[asked]
    from difflib import get_close_matches

    near = get_close_matches(asked, entries, n=1, cutoff=0.7)
    fix = f"did you mean {near[0]}?" if near else "microgrid explain  lists them all"
    raise InvalidInput(Problem("MG-U002", f"there is no code '{code}'", fix=fix))


def _long(entry: Entry) -> str:
    head = emphasised(f"{entry.code}  {entry.title}", sys.stdout)
    return f"{head}\n   why: {entry.why}\n   fix: {entry.fix}"
