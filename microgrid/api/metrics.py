"""`/metrics` in the text format of Prometheus: what waits, what is behind, and how fast answers come.

No label holds a name, a number of a person or a secret address.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from microgrid import __version__
from microgrid.api.calls import BEARER, allowed
from microgrid.clock import stopwatch
from microgrid.counts import Tally
from microgrid.ports import Core
from microgrid.ticking import Ticker

router = APIRouter()
WITH_KEY = allowed("read").dependency
KEPT_S = 15  # a scrape looks at every payment; two that come together share one look
STEPS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Kept(Collector):
    """What the store holds, counted when somebody asks."""

    def __init__(self, core: Core, ticker: Ticker | None) -> None:
        self._core, self._ticker = core, ticker
        self._guard = threading.Lock()
        self._counted: list[Metric] = []
        self._counted_at = core.clock.now()

    def collect(self) -> Iterator[Metric]:
        """Yield all gauges."""
        with self._guard:
            now = self._core.clock.now()
            if not self._counted or (now - self._counted_at).total_seconds() >= KEPT_S:
                self._counted, self._counted_at = list(self._count()), now
            counted = self._counted
        yield from counted
        yield from self._ticked()

    def describe(self) -> list[Metric]:
        """Name nothing beforehand: it would count everything when the service starts."""
        return []

    def _count(self) -> Iterator[Metric]:
        with self._core.store.read() as uow:
            payments, waiting = uow.counts.payments(), uow.counts.waiting()
            unsealed, (in_sync, behind) = uow.counts.unsealed(), uow.counts.twins()
        suspense = [tally for tally in payments if tally.sort[1] == "suspense"]
        yield _counted("microgrid_payments", "Payments that are known.", ("provider", "status"), payments)
        yield self._age("microgrid_suspense_oldest_seconds", "Age of the oldest payment in suspense.", (), suspense)
        yield _counted("microgrid_outbox", "What is still to be sent.", ("kind",), waiting)
        text = "How long the most overdue of what is to be sent has been due."
        yield self._age("microgrid_outbox_overdue_seconds", text, ("kind",), waiting)
        yield _one("microgrid_audit_unsealed", "Audit rows that are not in the chain yet.", unsealed)
        meters = [Tally(("yes",), in_sync), Tally(("no",), behind)]
        yield _counted("microgrid_meters", "Meters by whether they hold what they should.", ("in_sync",), meters)
        yield _counted("microgrid_build", "The version that runs.", ("version",), [Tally((__version__,), 1)])

    def _age(self, name: str, text: str, labels: tuple[str, ...], tallies: Iterable[Tally]) -> Metric:
        """Return how old the oldest of each sort is; 0 for what lies in the future."""
        family = GaugeMetricFamily(name, text, labels=labels)
        now = self._core.clock.now()
        oldest: dict[tuple[str, ...], float] = {(): 0.0} if not labels else {}
        for tally in tallies:
            age_s = max(0.0, (now - tally.oldest).total_seconds()) if tally.oldest is not None else 0.0
            key = tally.sort if labels else ()
            oldest[key] = max(age_s, oldest.get(key, 0.0))
        for key, age_s in oldest.items():
            family.add_metric(key, age_s)
        return family

    def _ticked(self) -> Iterator[Metric]:
        if self._ticker is not None:
            pulse = self._ticker.pulse
            yield _one("microgrid_tick_age_seconds", "How long ago the last tick ended.", self._ticker.age_s())
            yield _one("microgrid_tick_duration_seconds", "How long the last tick took.", pulse.took_s)
            yield _one("microgrid_tick_failed_steps", "Steps of the last tick that failed.", pulse.failed)


class Latency:
    """Stands before an application and measures how long each answer takes, by the route and not by its address."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        text = "Time to the last byte of an answer."
        labels = ("method", "route", "status")
        self.histogram = Histogram("microgrid_request_seconds", text, labels, registry=registry, buckets=STEPS_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note what it took."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        took_s, status = stopwatch(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            self.histogram.labels(scope["method"], _route(scope), status).observe(took_s())


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]) -> Response:
    """Show what waits, what is behind and how fast answers come, for a monitoring system.

    From this machine no key is needed; from elsewhere one for `read`.
    """
    if not _from_here(request):
        WITH_KEY(request=request, bearer=bearer, body=b"")
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)


def make_registry(core: Core, ticker: Ticker | None) -> CollectorRegistry:
    """Return what is measured of one application."""
    registry = CollectorRegistry()
    registry.register(Kept(core, ticker))
    return registry


def _from_here(request: Request) -> bool:
    """Say whether a request comes from this machine, and not through a proxy on it."""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers or request.client is None:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _route(scope: Scope) -> str:
    """Return the template of a route, such as /accounts/{account_id}; what is no route has one name for all."""
    return str(getattr(scope.get("route"), "path", "none"))


def _counted(name: str, text: str, labels: tuple[str, ...], tallies: Iterable[Tally]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for tally in tallies:
        family.add_metric(tally.sort, tally.count)
    return family


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
