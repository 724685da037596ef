"""Who calls, what the key allows, and answering the same request the same way however often it comes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from microgrid import access
from microgrid.api.bodies import plain
from microgrid.api.reach import refuse_beyond
from microgrid.customers.reach import EVERYTHING, Reach
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import Core

BEARER = HTTPBearer(auto_error=False, description="A key made with `microgrid api-key new`.")
KEY_PATTERN = r"^[\x21-\x7e]{1,128}$"


@dataclass(frozen=True, slots=True)
class Call:
    """One request by a program whose key allows it."""

    core: Core
    actor: str
    address: str  # method and path
    repeat_key: str = ""
    reach: Reach = EVERYTHING
    person: str = ""  # who is behind the key: where two people have to agree, they differ in this

    def once(self, body: BaseModel | None, do: Callable[[], Any], status: int = 201) -> Response:
        """Do what is asked and answer; the same Idempotency-Key and body get the answer of the first time.

        Raises InvalidInput when the key came before with another request.
        """
        if not self.repeat_key:
            return JSONResponse(plain(do()), status)
        asked = self.address + "\n" + (body.model_dump_json() if body is not None else "")
        name = hashlib.sha256(f"{self.actor}\n{self.repeat_key}".encode()).hexdigest()
        known = access.recall(self.core, name)
        if known is None:
            answer = json.dumps(plain(do()), separators=(",", ":"))
            known = access.remember(self.core, name, asked.encode(), f"{status} {answer}")
        if known.body != asked.encode():
            what = f"the Idempotency-Key '{self.repeat_key}' came before with another request"
            raise InvalidInput(Problem("MG-A006", what, why="nothing was done", fix="use a new key for each request"))
        first, _, answer = known.outcome.partition(" ")
        return Response(answer, int(first), media_type="application/json")


async def _body_of(request: Request) -> bytes:
    return await request.body()


def allowed(*scopes: str) -> Any:
    """Return the dependency of a route that needs a key for one of these scopes."""

    def call(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
        body: Annotated[bytes, Depends(_body_of)],
        idempotency_key: Annotated[str | None, Header(pattern=KEY_PATTERN)] = None,
    ) -> Call:
        core: Core = request.app.state.core
        key = access.find_key(core, bearer.credentials if bearer else "")
        if key is None:
            what = "this request has no API key in force"
            raise InvalidInput(Problem("MG-A004", what, fix="send  Authorization: Bearer KEY"))
        if not key.scopes.intersection(scopes):
            asked = " or ".join(f"'{scope}'" for scope in scopes)
            what = f"the key '{key.name}' is not for {asked}, only for {', '.join(sorted(key.scopes))}"
            raise InvalidInput(Problem("MG-A005", what, fix=f"microgrid api-key new NAME --for {scopes[0]}"))
        address, actor = f"{request.method} {request.url.path}", f"api:{key.name}"
        if key.reach.is_bound:
            refuse_beyond(core, key, request, body)
        return Call(core, actor, address, idempotency_key or "", key.reach, key.person or actor)

    return Depends(call)
