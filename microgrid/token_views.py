"""What people ask to see of tokens: those of a meter, those of a payment, and what still waits to be given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from microgrid.customers.records import Site
from microgrid.customers.service import need
from microgrid.keypads import Device, device_of
from microgrid.ports import Core, UnitOfWork
from microgrid.switching.token_records import GivenToken
from microgrid.switching.token_requests import accounts_of, home_of
from microgrid.switching.token_sales import WAITING
from microgrid.switching.token_texts import worth_text


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as its customer reads it; whether it was typed is known only where a meter says so."""

    meter_id: str
    count: int
    kind: str
    gives: str
    digits: str
    source: str
    issued_at: datetime
    actor: str
    note: str
    may_be_typed: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payment whose tokens could not be given yet, and why."""

    payment_id: str
    why: str
    tried_again_at: datetime


@dataclass(frozen=True, slots=True)
class TokensView:
    """The tokens of a meter, oldest first, and what waits for it."""

    device: Device | None
    tokens: Sequence[TokenView]
    next: str | None
    waiting: Sequence[Waiting]
    site: Site | None


def of_meter(core: Core, meter_id: str, after: str = "", limit: int = 100) -> TokensView:
    """Return the tokens given out for a meter; InvalidInput when there is no such meter."""
    with core.store.read() as uow:
        need(uow.meters, meter_id, "meter")
        kept = uow.token_devices.get(meter_id)
        rows = uow.tokens.page(after, limit + 1, serial=meter_id)
        home = home_of(uow, meter_id)
        return TokensView(
            None if kept is None else device_of(kept),
            _shown(uow, rows[:limit]),
            rows[limit - 1].id if len(rows) > limit else None,
            _waiting(uow, meter_id),
            None if home is None else home.site,
        )


def of_source(core: Core, source: str) -> Sequence[TokenView]:
    """Return the tokens that were given for a payment, a request or an agreement."""
    with core.store.read() as uow:
        return _shown(uow, uow.tokens.where(source=source))


def shown(core: Core, tokens: Sequence[GivenToken]) -> Sequence[TokenView]:
    """Return tokens as their customer reads them."""
    with core.store.read() as uow:
        return _shown(uow, tokens)


def _shown(uow: UnitOfWork, tokens: Sequence[GivenToken]) -> Sequence[TokenView]:
    devices = uow.token_devices.get_all({token.serial for token in tokens})
    return [
        TokenView(
            token.serial,
            token.count,
            token.kind,
            worth_text(token, devices[token.serial].divider),
            token.spaced,
            token.source,
            token.issued_at,
            token.actor,
            token.note,
            token.count > devices[token.serial].typed_count or token.count in devices[token.serial].outstanding,
        )
        for token in tokens
    ]


def _waiting(uow: UnitOfWork, meter_id: str) -> Sequence[Waiting]:
    items = [item for key in accounts_of(uow, meter_id) for item in uow.outbox.where(kind=WAITING, to=key)]
    return [Waiting(item.body, item.last_error, item.due_at) for item in items if item.done_at is None]
