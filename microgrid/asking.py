"""Asking providers, after the commit that decided it and outside of any transaction; flows hand over how to book.

send_pushes     payments to be asked for on the customers' phones: each sent at most once
enquire_due     what waits for a provider's word, each by the same reference until its end is known
read_lists      the provider's own list of the last two days, once a day: what never reached us otherwise
reverse_due     payments that the provider is to give back

One provider that does not answer holds up no other: the rest of its questions wait for the next tick.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from microgrid.billing import enquiries
from microgrid.billing.payments import Payment
from microgrid.billing.pushes import Push
from microgrid.billing.refunds import GIVE_BACK
from microgrid.billing.sightings import Heard, Seen, Told
from microgrid.errors import MicrogridError
from microgrid.kept import OutboxItem, RawEvent
from microgrid.money_ports import Answered, MoneyProvider
from microgrid.outgoing import FIRST_PAUSE, send_due
from microgrid.ports import Core, UnitOfWork, transact

Hear = Callable[[Core, RawEvent, Heard], object]
Book = Callable[[Core, Sequence[tuple[Seen, RawEvent | None]]], object]

BATCH = 100
PULL = "pull"  # kind of the outbox
REACH = timedelta(hours=48)  # how far back a provider's list goes
EACH_DAY = timedelta(days=1)


def send_pushes(core: Core) -> None:
    """Send the pushes that are due."""
    for item in _due(core, enquiries.SEND):
        send_push(core, item.to)


def send_push(core: Core, push_id: str) -> Push | None:
    """Send one push and return it; nothing when it was sent before, or when its provider is not set up here."""
    with core.store.read() as uow:
        push = uow.pushes.get(push_id)
    provider = core.providers.get(push.line) if push is not None else None
    if provider is None:
        return None
    claimed = transact(core.store, lambda uow: enquiries.claim(uow, push_id, core.clock.now()))
    if claimed is None:
        return None
    taken = provider.push(claimed)
    return transact(core.store, lambda uow: enquiries.take_answer(uow, push_id, taken, core.clock.now()))


def enquire_due(core: Core, hear: Hear, book: Book) -> None:
    """Ask about everything that is due; raises ExceptionGroup at the end for what failed by a fault of ours."""
    turn = _Turn(core, hear, book)
    failed: list[Exception] = []
    for item in _due(core, enquiries.ENQUIRE):
        try:
            said = turn.ask(item.to)
        except Exception as error:  # it comes again later like any other; the queue goes on
            failed.append(error)
            said = f"a bug of ours, {type(error).__name__}: {error}"
        _go_on(core, item.to, said)
    if failed:
        raise ExceptionGroup("some questions to providers could not be asked", failed)


def read_lists(core: Core, book: Book) -> None:
    """Read the list of each provider that has one, once a day; a list that does not come is asked for again."""
    now = core.clock.now()
    for line, provider in core.providers.items():
        with core.store.read() as uow:
            item = uow.outbox.get(f"{PULL}:{line}") or OutboxItem(f"{PULL}:{line}", PULL, line, "", now, now)
        if not provider.lists or item.due_at > now:
            continue
        try:
            _read_list(core, line, provider, book)
        except OSError as error:
            item = replace(item, due_at=now + FIRST_PAUSE, attempts=item.attempts + 1, last_error=str(error))
        else:
            item = replace(item, due_at=now + EACH_DAY, attempts=0, last_error="")
        _keep(core, item)


def reverse_due(core: Core, hear: Hear) -> None:
    """Ask providers to give back the payments that were decided to go back."""
    send_due(core, GIVE_BACK, lambda item: _reverse(core, item.to, hear))


@dataclass
class _Turn:
    """One round of questions: who did not answer is asked no more in it, and each list is read once."""

    core: Core
    hear: Hear
    book: Book
    silent: dict[str, str] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)

    def ask(self, subject: str) -> str:
        """Ask about a payment or push, and return what was said when it was not that money has come."""
        with self.core.store.read() as uow:
            asked = enquiries.about(uow, subject)
        if asked is None:
            return ""
        line = f"{asked.provider}:{asked.shortcode}"
        provider = self.core.providers.get(line)
        if provider is None:
            return f"no keys are set up for {line}"
        if line in self.silent:
            return self.silent[line]
        try:
            return self._ask(provider, line, asked, subject)
        except OSError as error:
            self.silent[line] = str(error)
            return str(error)

    def _ask(self, provider: MoneyProvider, line: str, asked: Payment | Push, subject: str) -> str:
        answer = provider.enquire(asked)
        for heard in answer.heard:
            self.hear(self.core, _raw(self.core, line, f"enquiry:{subject}", answer), heard)
        told = [heard for heard in answer.heard if isinstance(heard, Told)]
        if isinstance(asked, Push) and any(one.state == "see_list" for one in told):
            self._look_in_list(provider, line, asked)
        return "; ".join(one.reason for one in told)

    def _look_in_list(self, provider: MoneyProvider, line: str, push: Push) -> None:
        """Find the payment of a push in the provider's list, or among those that came by themselves."""
        if provider.lists and line not in self.listed:
            self.listed.add(line)
            _read_list(self.core, line, provider, self.book)
        transact(self.core.store, lambda uow: enquiries.link(uow, push.id, self.core.clock.now()))


def _read_list(core: Core, line: str, provider: MoneyProvider, book: Book) -> None:
    """Book every payment of a provider's own list; each page is kept as it came."""
    now = core.clock.now()
    for page in provider.pull(now - REACH, now):
        seen = [(heard, None) for heard in page.heard if isinstance(heard, Seen)]
        outcome = f"a list of {len(page.heard)} rows, {len(seen)} of them payments"
        _keep(core, replace(_raw(core, line, PULL, page), outcome=outcome))
        if seen:
            book(core, seen)


def _reverse(core: Core, payment_id: str, hear: Hear) -> None:
    with core.store.read() as uow:
        payment = uow.payments.get(payment_id)
    if payment is None or payment.status == "reversed":  # it went back meanwhile
        return
    line = f"{payment.provider}:{payment.shortcode}"
    provider = core.providers.get(line)
    if provider is None:
        raise OSError(f"no keys are set up for {line}")
    try:
        answer = provider.reverse(payment)
    except MicrogridError as error:  # it cannot be asked for: a person has to send the money back
        reason = "; ".join(problem.what for problem in error.problems)
        answer = Answered(b"", (Told("kept", reason, payment_id=payment_id, proven=True),))
    for heard in answer.heard:
        hear(core, _raw(core, line, f"{GIVE_BACK}:{payment_id}", answer), heard)


def _due(core: Core, kind: str) -> Iterator[OutboxItem]:
    """Yield what is due of a kind, each once."""
    known: set[str] = set()
    while True:
        with core.store.read() as uow:
            found = [item for item in uow.outbox.due(kind, core.clock.now(), BATCH) if item.id not in known]
        if not found:
            return
        known.update(item.id for item in found)
        yield from found


def _go_on(core: Core, subject: str, said: str) -> None:
    transact(core.store, lambda uow: enquiries.go_on(uow, subject, core.clock.now(), said))


def _keep(core: Core, row: OutboxItem | RawEvent) -> None:
    def keep(uow: UnitOfWork) -> None:
        if isinstance(row, OutboxItem):
            uow.outbox.put(row)
        else:
            uow.raw_events.put(row)

    transact(core.store, keep)


def _raw(core: Core, line: str, call: str, answer: Answered) -> RawEvent:
    """Return an answer as a message that is kept; the same words about the same thing are one."""
    digest = hashlib.sha256(f"{call}\n".encode() + answer.body).hexdigest()[:32]
    return RawEvent(f"{line}:{call.partition(':')[0]}:{digest}", line, core.clock.now(), "", "{}", answer.body, "")
