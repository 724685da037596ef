"""Routes for key figures: what lenders and operators ask of a site, with everything behind each figure."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query

from microgrid import kpi_views
from microgrid.api.bodies import plain
from microgrid.api.registry import Limit, ToRead

router = APIRouter()
SiteId = Annotated[str, Query(alias="site", min_length=1, max_length=64)]
From = Annotated[date, Query(alias="from", description="First local day of the site.", examples=["2026-10-01"])]
To = Annotated[date, Query(alias="to", description="Last local day, included.", examples=["2026-10-31"])]
Shown = Annotated[int, Query(ge=0, le=10**9, description="The `next` of the part before.")]


@router.get("/kpis")
def show_kpis(call: ToRead, site: SiteId, first: From, last: To) -> Any:
    """Show the key figures of a site over some days; one that cannot be counted is null and says why."""
    found = kpi_views.all_figures(call.core, site, first, last)
    asked = f"?site={quote(site)}&from={first.isoformat()}&to={last.isoformat()}"
    return {"items": [{**plain(each), "evidence": f"/kpis/{each.name}/evidence{asked}"} for each in found]}


@router.get("/kpis/{name}/evidence")
def show_evidence(
    name: Annotated[str, Path(max_length=40)],
    call: ToRead,
    site: SiteId,
    first: From,
    last: To,
    after: Shown = 0,
    limit: Limit = 100,
) -> Any:
    """List the contracts, accounts or connections a key figure was counted from, with their journals."""
    return plain(kpi_views.evidence(call.core, name, site, first, last, after, limit))
