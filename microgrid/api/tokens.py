"""Routes for meters with a keypad: their keys, the tokens given out for them, and what was typed."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BeforeValidator, Field, SecretStr, field_serializer

from microgrid import agreements, keypads, token_views, views
from microgrid.agreements import Wish
from microgrid.api.bodies import Body, Id, Name, plain
from microgrid.api.calls import Call, allowed
from microgrid.api.registry import After, Key, Limit, ToKeepMeters, ToRead
from microgrid.switching.token_requests import Wanted
from microgrid.switching.tokens import HandOver

router = APIRouter()
ToGive = Annotated[Call, allowed("payments")]
ToTell = Annotated[Call, allowed("readings", "meters")]

# Whatever was sent as a secret is taken as one, so that no answer about a mistake repeats it.
Secret = Annotated[SecretStr, BeforeValidator(lambda given: given if isinstance(given, str) else str(given))]
Units = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
Count = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]


class DeviceBody(Body):
    """What the maker hands over of a meter; its secrets are kept sealed and shown nowhere."""

    starting_code: Secret
    key: Secret
    divider: Annotated[int, Field(ge=1, le=255, strict=True)] = 1
    restricted: bool = False
    extended: bool = False
    count: Count = 1

    @field_serializer("starting_code", "key")
    def _hidden(self, _secret: SecretStr) -> str:
        """Tell two requests apart without showing what is secret in them."""
        both = f"{self.starting_code.get_secret_value()}:{self.key.get_secret_value()}"
        return hashlib.sha256(both.encode(errors="replace")).hexdigest()

    def record(self, meter_id: str) -> HandOver:
        """Return the record of a meter."""
        given = self.starting_code.get_secret_value().strip()
        code = int(given) if given.isascii() and given.isdigit() and len(given) <= 9 else -1
        forms = (self.divider, self.count, self.restricted, self.extended)
        return HandOver(meter_id, code, self.key.get_secret_value(), *forms)


class PaidBody(Body):
    """The tokens of a payment: the same ones however often they are asked for."""

    kind: Literal["payment"]
    payment_id: Annotated[str, Field(min_length=1, max_length=200)]


class HandBody(Body):
    """A token without a payment: days or energy to add or to set, or a sync of the counts."""

    kind: Literal["add", "set", "sync"]
    id: Id
    days: Units | None = None
    energy_wh: Annotated[int, Field(ge=0, le=100_000_000, strict=True)] | None = None
    note: Name

    def wanted(self) -> Wanted:
        """Return the request."""
        return Wanted(self.id, self.kind, self.note, self.days, self.energy_wh)


class UnlockBody(Body):
    """Unlock for ever: another person has to agree, and the contract must be paid off."""

    kind: Literal["disable"]
    note: Name


class TypedBody(Body):
    """The count of a token that was typed, as the meter shows or reports it."""

    count: Count


Asked = Annotated[PaidBody | HandBody | UnlockBody, Field(discriminator="kind")]


@router.post("/meters/{meter_id}/token-device", status_code=201)
def add_device(meter_id: Key, body: DeviceBody, call: ToKeepMeters) -> Response:
    """Take over the starting code and the key of a meter."""
    return call.once(body, lambda: keypads.add_device(call.core, body.record(meter_id), call.actor))


@router.post("/meters/{meter_id}/tokens", status_code=201, responses={202: {"description": "Another person decides"}})
def give(meter_id: Key, body: Asked, call: ToGive) -> Response:
    """Give tokens: those of a payment, one by hand, or, once another person agrees, one that unlocks for ever."""
    if isinstance(body, UnlockBody):
        wish = Wish("unlock", meter_id, body.note)
        return call.once(body, lambda: agreements.ask(call.core, wish, call.person), 202)
    if isinstance(body, PaidBody):
        payment_id = body.payment_id
        return call.once(
            body, lambda: _shown(call, keypads.give_for_payment(call.core, meter_id, payment_id, call.actor))
        )
    wanted = body.wanted()
    return call.once(body, lambda: _shown(call, keypads.give_by_hand(call.core, meter_id, wanted, call.actor)))


@router.get("/meters/{meter_id}/tokens")
def list_tokens(meter_id: Key, call: ToRead, after: After = "", limit: Limit = 100) -> Any:
    """List the tokens of a meter, oldest first, and the payments whose tokens could not be given yet."""
    shown = token_views.of_meter(call.core, meter_id, after, limit)
    return plain(shown, views.zone(shown.site))


@router.post("/meters/{meter_id}/typed", status_code=201)
def tell_typed(meter_id: Key, body: TypedBody, call: ToTell) -> Response:
    """Tell that a token was typed, as the meter or its customer says."""
    return call.once(body, lambda: keypads.tell_typed(call.core, meter_id, body.count, call.actor))


def _shown(call: Call, given: Any) -> dict[str, Any]:
    return {"tokens": token_views.shown(call.core, given)}
