"""Keys of programs that use the service: each may do only what it was given for, and only its hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from microgrid.customers.reach import EVERYTHING, Reach
from microgrid.errors import InvalidInput, Problem
from microgrid.kept import AuditRow

SCOPES = ("read", "customers", "meters", "readings", "plans", "payments", "webhooks", "approvals", "agents", "sales")
PREFIX = "mgk"
_PERSON = re.compile(r"(person|agent):[A-Za-z0-9._-]{1,40}")
MADE, REVOKED = "api-key new", "api-key revoke"
_TOKEN = re.compile(rf"{PREFIX}_([a-z0-9-]{{1,40}})_([A-Za-z0-9_-]{{32,86}})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in force: its name, what it may do and where, and the person who uses it, where that is one person."""

    name: str
    scopes: frozenset[str]
    person: str = ""  # person:... or agent:...
    reach: Reach = EVERYTHING


def subject(name: str) -> str:
    """Return what the audit log calls a key; a key is in force as long as its rows say so."""
    return f"api-key:{name}"


def token(name: str, secret: str) -> str:
    """Return what a program sends: shown once, never kept."""
    return f"{PREFIX}_{name}_{secret}"


def parts(text: str) -> tuple[str, str] | None:
    """Return name and secret of a token, or nothing when it is none."""
    found = _TOKEN.fullmatch(text)
    return (found[1], found[2]) if found else None


def made(
    name: str,
    secret: str,
    scopes: Sequence[str],
    at: datetime,
    actor: str,
    person: str = "",
    reach: Reach = EVERYTHING,
) -> AuditRow:
    """Return the row that puts a key in force; InvalidInput for a name or scope that is none."""
    problems = []
    if parts(token(name, secret)) is None:
        problems.append(Problem("MG-A013", f"'{name}' is no name of a key", fix="use small letters, digits, hyphens"))
    strange = sorted(set(scopes) - set(SCOPES))
    if strange or not scopes:
        what = f"a key cannot be given for {', '.join(strange) or 'nothing'}"
        problems.append(Problem("MG-A013", what, fix=f"choose from {', '.join(SCOPES)}"))
    if person and not _PERSON.fullmatch(person):
        what = f"'{person[:60]}' is no person"
        problems.append(Problem("MG-A013", what, fix="use at most 40 letters, digits, dots, hyphens"))
    if person.startswith("agent:") and set(scopes) - {"sales"}:
        what = "the key of an agent is for 'sales' alone"
        problems.append(Problem("MG-A013", what, why="else one person could agree with itself", fix="--for sales"))
    if problems:
        raise InvalidInput(*problems)
    bound = {"sites": sorted(reach.sites), "meters": sorted(reach.meters)}
    detail = json.dumps({"sha256": _hash(secret), "scopes": sorted(set(scopes)), "person": person, **bound})
    return AuditRow(f"{subject(name)}:new", at, actor, MADE, subject(name), detail)


def revoked(name: str, at: datetime, actor: str) -> AuditRow:
    """Return the row that ends a key for ever."""
    return AuditRow(f"{subject(name)}:revoke", at, actor, REVOKED, subject(name), "")


def in_force(name: str, secret: str, rows: Iterable[AuditRow]) -> ApiKey | None:
    """Return the key of a name and secret by its audit rows, or nothing; takes as long for a near miss."""
    by_action = {row.action: row for row in rows}
    row = by_action.get(MADE)
    if row is None or REVOKED in by_action:
        return None
    kept = json.loads(row.detail)
    # The secret has 192 random bits, so that a slow hash would protect nothing more.
    if not hmac.compare_digest(_hash(secret), str(kept["sha256"])):
        return None
    reach = Reach(frozenset(kept.get("sites", ())), frozenset(kept.get("meters", ())))
    return ApiKey(name, frozenset(kept["scopes"]), str(kept.get("person", "")), reach)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
