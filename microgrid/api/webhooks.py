"""Routes for programs that want to be told: they say where and of what, and see what became of each message."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, SecretStr

from microgrid import views, webhooks
from microgrid.api.bodies import Body, plain
from microgrid.api.calls import Call, allowed
from microgrid.api.registry import After, Limit
from microgrid.customers.subscribers import EVENTS, Subscriber
from microgrid.views import Page
from microgrid.webhooks import Subscription

router = APIRouter()
NAME = r"^[a-z0-9][a-z0-9-]{0,39}$"  # without the colon that parts the ids of deliveries
Named = Annotated[str, Path(pattern=NAME)]
AfterDelivery = Annotated[str, Query(max_length=120)]
ToKeepWebhooks = Annotated[Call, allowed("webhooks")]


class WebhookBody(Body):
    """Where a program is told, of what, and the secret that our messages are signed with."""

    id: Annotated[str, Field(pattern=NAME)]
    url: Annotated[str, Field(max_length=500, description="A public address with TLS; redirects are not followed.")]
    secret: Annotated[
        SecretStr, Field(max_length=120, description="`whsec_` and the base64 of 24 to 64 bytes; kept encrypted.")
    ]
    events: Annotated[list[str], Field(min_length=1, max_length=20, description=f"Of: {', '.join(EVENTS)}.")]
    site_id: Annotated[str, Field(max_length=64, description="Only of this site; without it, of all.")] = ""

    def record(self) -> Subscription:
        """Return what is asked for."""
        return Subscription(self.id, self.url, self.secret.get_secret_value(), tuple(self.events), self.site_id)


@router.post("/webhooks", status_code=201)
def add_webhook(body: WebhookBody, call: ToKeepWebhooks) -> Response:
    """Tell a program when something happens."""
    return call.once(body, lambda: _shown(webhooks.subscribe(call.core, body.record(), call.actor)))


@router.get("/webhooks")
def list_webhooks(call: ToKeepWebhooks, after: After = "", limit: Limit = 100) -> Any:
    """List webhooks by id, also those that were ended; secrets are never shown."""
    found = views.page(call.core, "subscribers", after, limit)
    return plain(Page([_shown(each) for each in found.items], found.next))


@router.get("/webhooks/{webhook_id}/deliveries")
def list_deliveries(webhook_id: Named, call: ToKeepWebhooks, after: AfterDelivery = "", limit: Limit = 100) -> Any:
    """List what a program was and is to be told, with what became of it."""
    found = webhooks.deliveries(call.core, webhook_id, after, limit)
    return plain(Page(found[:limit], found[limit - 1].id if len(found) > limit else None))


@router.delete("/webhooks/{webhook_id}", status_code=200)
def end_webhook(webhook_id: Named, call: ToKeepWebhooks) -> Response:
    """Tell a program nothing more, not even what is still to be sent."""
    return call.once(None, lambda: _shown(webhooks.unsubscribe(call.core, webhook_id, call.actor)), 200)


def _shown(subscriber: Subscriber) -> dict[str, object]:
    """Return what may be shown of a webhook: all but its secret."""
    names = ("id", "url", "events", "site_id", "created_at", "created_by", "ended_at")
    return {name: plain(getattr(subscriber, name)) for name in names}
