"""Errors as `application/problem+json` (RFC 9457), with the codes of our catalogue."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from microgrid.errors import Contradiction, Environment, MicrogridError, Problem, as_json

MEDIA_TYPE = "application/problem+json"
STATUS_OF_CODE = {
    "MG-A001": 404,
    "MG-A004": 401,
    "MG-A005": 403,
    "MG-A006": 409,
    "MG-A009": 413,
    "MG-A026": 403,
}
SHOWN = 60  # characters of what was sent
log = logging.getLogger("microgrid.api")


def install(app: FastAPI) -> None:
    """Let an application answer every failure as a problem."""
    app.add_exception_handler(MicrogridError, _ours)
    app.add_exception_handler(RequestValidationError, _body)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(Exception, _bug)


def problem_response(status: int, *problems: Problem) -> JSONResponse:
    """Return problems as an answer: the first gives the title, all of them are listed."""
    first = problems[0]
    content: dict[str, Any] = {
        "type": f"urn:microgrid:{first.code}",
        "title": first.what,
        "status": status,
        "code": first.code,
        "problems": [as_json(problem) for problem in problems],
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(content, status, headers, MEDIA_TYPE)


def status_of(error: MicrogridError) -> int:
    """Return the HTTP status of an error of ours."""
    if isinstance(error, Contradiction):
        return 409
    if isinstance(error, Environment):
        return 503
    return STATUS_OF_CODE.get(error.problems[0].code, 422)


def _ours(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MicrogridError)
    return problem_response(status_of(error), *error.problems)


def _body(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response(422, *(_mistake(each) for each in error.errors()))


def _mistake(found: dict[str, Any]) -> Problem:
    place = ".".join(str(part) for part in found["loc"][1:]) or str(found["loc"][0])
    given = "" if isinstance(found.get("input"), (dict, list)) else f" (given: {str(found.get('input'))[:SHOWN]!r})"
    said = str(found["msg"]).encode("utf-8", "replace").decode()
    return Problem("MG-A007", f"{place}: {said}{given}".encode("utf-8", "replace").decode())


def _framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    what = f"{request.method} {request.url.path[:SHOWN]}: {error.detail}"
    if error.status_code == 413:
        return problem_response(413, Problem("MG-A009", what, fix="send it in smaller parts"))
    response = problem_response(error.status_code, Problem("MG-A008", what, fix="see /openapi.json for what there is"))
    response.headers.update(error.headers or {})
    return response


def _bug(_request: Request, error: Exception) -> JSONResponse:
    log.error("a request failed", exc_info=error)
    return problem_response(500, Problem("MG-A011", "this is a bug of ours; what happened is in the service's log"))
