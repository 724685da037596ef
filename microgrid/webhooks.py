"""Programs that are told what happens: who is, who no longer is, and the sending, which no program can hold up.

What is told is written down by `announcing` in the transaction in which it happens. A delivery is sent at least once,
in no promised order; what is not taken is tried again, later each time, and given up after some days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from microgrid.announcing import DELIVERY, delivery_id
from microgrid.customers import service as customers
from microgrid.customers.subscribers import EVENTS, Message, Subscriber, secret_bytes, signed
from microgrid.errors import Contradiction, InvalidInput, MicrogridError, Problem
from microgrid.kept import OutboxItem
from microgrid.ports import Core, Keys, UnitOfWork, transact

MOST_SUBSCRIBERS = 20  # in force: each of them costs a row per event
SENT_AT_ONCE = 500
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=12)
MOST_ATTEMPTS = 18  # about four days


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a program asks for: where it is to be told, of what, and the secret that our messages are signed with."""

    id: str
    url: str
    secret: str
    events: tuple[str, ...]
    site_id: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one subscriber, and what became of it."""

    id: str
    created_at: datetime
    attempts: int
    due_at: datetime
    done_at: datetime | None
    last_error: str


def subscribe(core: Core, asked: Subscription, actor: str) -> Subscriber:
    """Tell a program of events from now on; the same again is a success, InvalidInput lists every mistake."""
    problems = [*_mistakes(asked), *_refused_address(core, asked.url)]
    secret = secret_bytes(asked.secret)
    if problems or secret is None:
        raise InvalidInput(*problems)
    now = core.clock.now()
    sealed = core.keys.seal(secret, _owner(asked.id))
    made = Subscriber(asked.id, asked.url, sealed, tuple(sorted(set(asked.events))), asked.site_id, now, actor)

    def flow(uow: UnitOfWork) -> Subscriber:
        known = uow.subscribers.hold(asked.id)
        if known is not None:
            return _same(known, made, core.keys)
        _refuse_more(uow, asked)
        uow.subscribers.add(made)
        customers.note(uow, f"webhook:{made.id}:new", now, actor, "add webhook", f"webhook:{made.id}", made.url)
        return made

    return transact(core.store, flow)


def unsubscribe(core: Core, subscriber_id: str, actor: str) -> Subscriber:
    """Tell a program nothing more, not even what is still to be sent; ended already is a success."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Subscriber:
        known = uow.subscribers.hold(subscriber_id)
        if known is None:
            raise InvalidInput(customers.unknown("webhook", subscriber_id))
        if known.ended_by:
            return known
        ended = replace(known, ended_at=now, ended_by=actor)
        uow.subscribers.put(ended)
        customers.note(uow, f"webhook:{ended.id}:end", now, actor, "end webhook", f"webhook:{ended.id}")
        return ended

    return transact(core.store, flow)


def deliveries(core: Core, subscriber_id: str, after: str, limit: int) -> Sequence[Delivery]:
    """Return the next deliveries to a subscriber by id, one more than asked for when there are more."""
    prefix = delivery_id(subscriber_id)
    with core.store.read() as uow:
        customers.need(uow.subscribers, subscriber_id, "webhook")
        found = uow.outbox.page(max(after, prefix), limit + 1)
    mine = (item for item in found if item.id.startswith(prefix))
    return [
        Delivery(item.id, item.created_at, item.attempts, item.due_at, item.done_at, item.last_error) for item in mine
    ]


def send_webhooks(core: Core) -> None:
    """Send the deliveries that are due, side by side; those of ended subscribers are dropped."""
    now = core.clock.now()
    with core.store.read() as uow:
        due = uow.outbox.due(DELIVERY, now, SENT_AT_ONCE)
        subscribers = uow.subscribers.get_all({item.to for item in due})
    if not due:
        return
    done, messages = _prepared(core, due, subscribers, now)
    answers = core.poster.post_all(list(messages.values()))
    for item, answer in zip(_of(due, messages), answers, strict=True):
        if answer is not None:
            done.append(_tried(item, answer, now))
    if done:
        transact(core.store, lambda uow: uow.outbox.put_all(done))


def _prepared(
    core: Core, due: Sequence[OutboxItem], subscribers: Mapping[str, Subscriber], now: datetime
) -> tuple[list[OutboxItem], dict[str, Message]]:
    """Return the deliveries that are over without sending, and the messages of the others by delivery."""
    over: list[OutboxItem] = []
    messages: dict[str, Message] = {}
    for item in due:
        subscriber = subscribers.get(item.to)
        if subscriber is None or subscriber.ended_by:
            over.append(replace(item, done_at=now, last_error="not sent: the webhook was ended"))
            continue
        try:
            secret = core.keys.unseal(subscriber.sealed_secret, _owner(subscriber.id))
        except MicrogridError as error:
            over.append(_tried(item, error.problems[0].what, now))
            continue
        event_id = item.id.removeprefix(delivery_id(subscriber.id))
        messages[item.id] = signed(subscriber.url, item.body.encode(), event_id, secret, now)
    return over, messages


def _of(due: Sequence[OutboxItem], messages: Mapping[str, Message]) -> list[OutboxItem]:
    return [item for item in due if item.id in messages]


def _tried(item: OutboxItem, error: str, now: datetime) -> OutboxItem:
    """Return a delivery after an attempt: done, due again later, or given up."""
    tried = replace(item, attempts=item.attempts + 1, last_error=error)
    if not error:
        return replace(tried, done_at=now)
    if tried.attempts >= MOST_ATTEMPTS:
        return replace(tried, done_at=now, last_error=f"given up after {tried.attempts} attempts: {error}")
    return replace(tried, due_at=now + min(FIRST_PAUSE * 2**item.attempts, LONGEST_PAUSE))


def _mistakes(asked: Subscription) -> list[Problem]:
    problems = []
    strange = sorted(set(asked.events) - set(EVENTS))
    if strange or not asked.events:
        what = f"there is no event {', '.join(strange)}" if strange else "no event is asked for"
        problems.append(Problem("MG-A060", what, fix=f"choose from {', '.join(EVENTS)}"))
    if secret_bytes(asked.secret) is None:
        what = "the secret is not `whsec_` and the base64 of 24 to 64 bytes"
        problems.append(Problem("MG-A061", what, fix='make one: echo "whsec_$(openssl rand -base64 32)"'))
    return problems


def _refused_address(core: Core, url: str) -> list[Problem]:
    refusal = _no_address(url) or core.poster.refusal(url)
    fix = "give a public https address, or allow its network under `webhook_networks` in organisation.yaml"
    return [Problem("MG-A062", f"nothing is sent to this address: {refusal}", fix=fix)] if refusal else []


def _no_address(url: str) -> str:
    """Return what keeps a text from being the address of a receiver, or nothing."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        known = None
    if not known or not url.isascii() or not url.isprintable() or " " in url:
        return "it is no https address"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "it holds a password or a fragment, which do not belong there"
    return ""


def _refuse_more(uow: UnitOfWork, asked: Subscription) -> None:
    if asked.site_id:
        customers.need(uow.sites, asked.site_id, "site")
    if len(uow.subscribers.where(ended_by="")) >= MOST_SUBSCRIBERS:
        what = f"there are {MOST_SUBSCRIBERS} webhooks already, and each costs a row per event"
        raise InvalidInput(Problem("MG-A063", what, fix="end one that nobody needs: DELETE /webhooks/ID"))


def _same(known: Subscriber, asked: Subscriber, keys: Keys) -> Subscriber:
    """Return the stored subscriber when it is what is asked for; its secret is compared, and never shown."""
    owner = _owner(known.id)
    same_secret = keys.unseal(known.sealed_secret, owner) == keys.unseal(asked.sealed_secret, owner)
    stored, given = _shown(known, known, same_secret=True), _shown(asked, known, same_secret=same_secret)
    if stored != given:
        raise Contradiction(customers.contradiction("MG-A002", "webhook", known.id, stored, given))
    return known


@dataclass(frozen=True, slots=True)
class _Shown:
    url: str
    events: tuple[str, ...]
    site_id: str
    secret: str
    ended_by: str


def _shown(subscriber: Subscriber, known: Subscriber, *, same_secret: bool) -> _Shown:
    """Return what the owner of a webhook may see of it; an ended one is not taken up again."""
    secret = "the stored one" if same_secret else "another one"
    ended_by = known.ended_by if subscriber is known else ""
    return _Shown(subscriber.url, subscriber.events, subscriber.site_id, secret, ended_by)


def _owner(subscriber_id: str) -> str:
    return f"webhook:{subscriber_id}"
