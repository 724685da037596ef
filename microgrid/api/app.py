"""The REST API, joined: a shell around the flows that decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI

from microgrid import __version__
from microgrid.api import (
    agents,
    asking,
    contracts,
    control,
    description,
    health,
    hooks,
    kpis,
    meters,
    metrics,
    money,
    papers,
    people,
    plans,
    problems,
    reconciliation,
    registry,
    sites,
    supply,
    tokens,
    webhooks,
)
from microgrid.api.health import Readiness
from microgrid.api.hooks import Hook
from microgrid.api.metrics import Latency, make_registry
from microgrid.api.size_limit import SizeLimit
from microgrid.group_commit import GroupCommit
from microgrid.ports import Core
from microgrid.statements import PaymentDesk
from microgrid.ticking import Ticker

PARTS = (
    registry,
    plans,
    contracts,
    sites,
    people,
    supply,
    meters,
    asking,
    money,
    papers,
    reconciliation,
    agents,
    control,
    tokens,
    kpis,
    webhooks,
    hooks,
    health,
    metrics,
)


def create_app(
    core: Core,
    payment_hooks: Sequence[Hook] = (),
    ticker: Ticker | None = None,
    desks: Sequence[PaymentDesk] = (),
) -> FastAPI:
    """Return the application; its description at /openapi.json needs nothing from elsewhere."""
    app = FastAPI(
        title="microgrid",
        version=__version__,
        summary="Pay-as-you-go off-grid solar: every payment accounted for, supply that follows it.",
        docs_url=None,  # these pages load scripts from the internet
        redoc_url=None,
        responses={422: {"description": "Problems", "content": {problems.MEDIA_TYPE: {}}}},
    )
    app.state.core, app.state.hooks, app.state.desks = core, tuple(payment_hooks), tuple(desks)
    app.state.book = GroupCommit(core).book
    app.state.metrics = make_registry(core, ticker)
    app.state.readiness = Readiness(core, ticker)
    problems.install(app)
    app.add_middleware(SizeLimit)
    app.add_middleware(Latency, registry=app.state.metrics)
    for part in PARTS:
        app.include_router(part.router)
    description.install(app)
    return app
