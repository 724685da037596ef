"""An emulated provider behind HTTP: it issues tokens, takes requests, keeps books by a clock, and calls us back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from microgrid.clock import Clock
from microgrid.providers.emulators.faults import Delivery, FaultPlan, Happened, Wallet, compact

LOST = 502, b"<html>Bad Gateway</html>"  # after the request was done
Post = Callable[["Call"], object]
Answer = tuple[int, bytes]
Handler = Callable[[Request, bytes], Answer]


@dataclass(frozen=True, slots=True)
class Call:
    """A message the provider sends us: when, where to, and what."""

    at_s: int
    url: str
    delivery: Delivery
    method: str = "POST"
    overtakes: bool = False  # the answer to the request that caused it


@dataclass
class Desk:
    """What every emulated provider has: books, a clock, tokens that end, answers that get lost, calls that wait."""

    wallet: Wallet
    plan: FaultPlan
    chance: np.random.Generator
    clock: Clock
    loses: Callable[[str, int], bool] = lambda _path, _count: False  # the answer to the n-th request to a path
    token_calls: int = 1_000_000  # how many requests one token is good for
    early: Post | None = None  # sends a call before the answer to the request that caused it
    happened: list[Happened] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    waiting: list[Call] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _token: int = 0
    _token_used: int = 0

    @property
    def now_s(self) -> int:
        """Return the second of the run."""
        return int((self.clock.now() - self.wallet.epoch).total_seconds())

    def book(self) -> list[Happened]:
        """Return what has happened until now."""
        return [one for one in self.happened if one.paid_at_s <= self.now_s]

    def add(self, calls: Sequence[Call]) -> None:
        """Let calls wait until they are due."""
        with self.lock:
            self.waiting += calls

    def due(self) -> list[Call]:
        """Return the calls whose time has come, in order, and forget them."""
        with self.lock:
            found = sorted((call for call in self.waiting if call.at_s <= self.now_s), key=lambda call: call.at_s)
            self.waiting = [call for call in self.waiting if call.at_s > self.now_s]
        return found

    def issue(self, _request: Request, _body: bytes) -> Answer:
        """Answer a request for an access token."""
        self._token, self._token_used = self._token + 1, 0
        return 200, compact({"access_token": f"token-{self._token}", "expires_in": "3599"})

    def accepts(self, request: Request) -> bool:
        """Tell whether a request bears the token in force."""
        self._token_used += 1
        right = request.headers.get("authorization") == f"Bearer token-{self._token}"
        return right and self._token_used <= self.token_calls


def served(desk: Desk, token_path: str, handlers: Mapping[str, Handler], refused: Answer) -> Starlette:
    """Return the application of a provider; `handlers` by method and path, `refused` the answer to a wrong token."""
    routes = [_route(desk, f"POST {token_path}", desk.issue, None), _route(desk, f"GET {token_path}", desk.issue, None)]
    return Starlette(routes=[*routes, *(_route(desk, name, handler, refused) for name, handler in handlers.items())])


def _route(desk: Desk, name: str, handler: Handler, refused: Answer | None) -> Route:
    method, _, path = name.partition(" ")

    async def answer(request: Request) -> Response:
        body = await request.body()
        if refused is not None and not desk.accepts(request):
            return Response(refused[1], refused[0])
        desk.counts[path] += 1
        count = desk.counts[path]
        done = handler(request, body)
        await _send_early(desk)
        status, content = LOST if desk.loses(path, count) else done
        return Response(content, status)

    return Route(path, answer, methods=[method])


async def _send_early(desk: Desk) -> None:
    """Send the calls that overtake the answer."""
    post = desk.early
    if post is None:
        return
    with desk.lock:
        eager = [call for call in desk.waiting if call.overtakes]
        desk.waiting = [call for call in desk.waiting if not call.overtakes]
    for call in eager:
        await run_in_threadpool(post, call)
