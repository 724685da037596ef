"""Programs that use the service: their keys, and the answers kept for requests that come again."""

from __future__ import annotations

from collections.abc import Sequence

from microgrid.customers import keys, reach
from microgrid.customers import service as customers
from microgrid.customers.agents import person_of
from microgrid.customers.keys import ApiKey
from microgrid.customers.reach import EVERYTHING, Reach, Touched
from microgrid.errors import AlreadyThere, InvalidInput, Problem
from microgrid.kept import RawEvent
from microgrid.ports import Core, UnitOfWork, transact

AGENT = person_of("")


def add_key(
    core: Core,
    name: str,
    secret: str,
    scopes: Sequence[str],
    actor: str,
    person: str = "",
    bound: Reach = EVERYTHING,
) -> str:
    """Put a key in force and return what the program sends; it is shown once.

    `person` says who uses it: where two people have to agree, all keys of one person count as one. A key that is bound
    to sites or meters by `bound` touches nothing else.
    """
    row = keys.made(name, secret, scopes, core.clock.now(), actor, person, bound)

    def flow(uow: UnitOfWork) -> None:
        reach.refuse_unknown(uow, bound)
        if person.startswith(AGENT):
            customers.need(uow.agents, person.removeprefix(AGENT), "agent")
        try:
            uow.audit.add(row)
        except AlreadyThere:
            what = f"there is a key '{name}' already, or there was one"
            raise InvalidInput(Problem("MG-A013", what, fix="choose another name")) from None

    transact(core.store, flow)
    return keys.token(name, secret)


def revoke_key(core: Core, name: str, actor: str) -> None:
    """End a key for ever; ended already is a success."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> None:
        if not uow.audit.where(subject=keys.subject(name)):
            raise InvalidInput(customers.unknown("API key", name))
        row = keys.revoked(name, now, actor)
        customers.note(uow, row.id, row.at, row.actor, row.action, row.subject)

    transact(core.store, flow)


def find_key(core: Core, token: str) -> ApiKey | None:
    """Return the key in force that a token proves, or nothing."""
    parts = keys.parts(token)
    if parts is None:
        return None
    with core.store.read() as uow:
        return keys.in_force(*parts, uow.audit.where(subject=keys.subject(parts[0])))


def refuse_beyond(core: Core, key: ApiKey, touched: Sequence[Touched]) -> None:
    """Refuse a request that touches what its key is not bound to."""
    with core.store.read() as uow:
        reach.refuse_beyond(uow, key.reach, touched, key.name)


def recall(core: Core, key: str) -> RawEvent | None:
    """Return the request that came before under a key for repeats, with its answer."""
    with core.store.read() as uow:
        return uow.raw_events.get(f"repeat:{key}")


def remember(core: Core, key: str, asked: bytes, answer: str) -> RawEvent:
    """Keep the answer to a request under its key for repeats, and return what is kept: the first one."""
    event = RawEvent(f"repeat:{key}", "api", core.clock.now(), "", "", asked, answer)

    def flow(uow: UnitOfWork) -> RawEvent:
        try:
            uow.raw_events.add(event)
        except AlreadyThere:
            return uow.raw_events.get(event.id) or event
        return event

    return transact(core.store, flow)
