"""Whether the service runs, for whoever restarts it; and whether it can work, for whoever sends to it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from microgrid import __version__
from microgrid.api.problems import problem_response
from microgrid.errors import MicrogridError, Problem
from microgrid.ports import Core
from microgrid.ticking import Ticker

router = APIRouter()
LATE = 5  # periods after which a tick is missed
KEPT_S = 5  # anybody may ask, and an answer writes to the store


@dataclass(frozen=True, slots=True)
class _Looked:
    at: datetime
    problems: tuple[Problem, ...]


class Readiness:
    """Looks whether the service can work, at most every few seconds."""

    def __init__(self, core: Core, ticker: Ticker | None) -> None:
        self._core, self._ticker = core, ticker
        self._guard = threading.Lock()
        self._looked: _Looked | None = None

    def problems(self) -> Sequence[Problem]:
        """Return what keeps the service from working, or nothing."""
        with self._guard:
            now = self._core.clock.now()
            if self._looked is None or (now - self._looked.at).total_seconds() >= KEPT_S:
                self._looked = _Looked(now, (*self._of_store(), *self._of_tick()))
            return self._looked.problems

    def _of_store(self) -> tuple[Problem, ...]:
        try:
            self._core.store.check()
        except MicrogridError as error:
            return error.problems
        return ()

    def _of_tick(self) -> tuple[Problem, ...]:
        if self._ticker is None or self._ticker.age_s() <= LATE * self._ticker.every_s:
            return ()
        what = f"the last tick ended {self._ticker.age_s():.0f} s ago, and one is due every {self._ticker.every_s} s"
        why = "charges and supply orders wait for it"
        return (Problem("MG-E070", what, why, "look for the last error in the service's log, then start it again"),)


@router.get("/health")
def health() -> dict[str, object]:
    """Say that the service runs, and its version."""
    return {"ok": True, "version": __version__}


@router.get("/health/ready", responses={503: {"description": "It cannot work now."}})
def ready(request: Request) -> JSONResponse:
    """Say whether the service can work: its database takes writes, its tables fit, its clock ticks."""
    readiness: Readiness = request.app.state.readiness
    problems = readiness.problems()
    if problems:
        return problem_response(503, *problems)
    return JSONResponse({"ok": True, "version": __version__})
