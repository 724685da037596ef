"""The REST API, joined: a shell around the flows that decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI

from microgrid import __version__, views
from microgrid.api import hooks, money, problems, registry, supply
from microgrid.api.hooks import Hook
from microgrid.api.size_limit import SizeLimit
from microgrid.ports import Core


def create_app(core: Core, payment_hooks: Sequence[Hook] = ()) -> FastAPI:
    """Return the application; its description at /openapi.json needs nothing from elsewhere."""
    app = FastAPI(
        title="microgrid",
        version=__version__,
        summary="Pay-as-you-go off-grid solar: every payment accounted for, supply that follows it.",
        docs_url=None,  # these pages load scripts from the internet
        redoc_url=None,
        responses={422: {"description": "Problems", "content": {problems.MEDIA_TYPE: {}}}},
    )
    app.state.core, app.state.hooks = core, tuple(payment_hooks)
    problems.install(app)
    app.add_middleware(SizeLimit)
    for part in (registry, supply, money, hooks):
        app.include_router(part.router)

    @app.get("/health")
    def health() -> dict[str, object]:
        """Say whether the service can reach its database, and its version."""
        return {"ok": views.reaches_store(core), "version": __version__}

    return app
