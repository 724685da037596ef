"""What goes out after a commit: each kind its own queue, so that one that is down holds up no other.

An item of the outbox is sent at least once, by its id; what fails is tried again, later each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from microgrid.kept import OutboxItem
from microgrid.ports import Core, transact

BATCH = 500
FIRST_PAUSE = timedelta(minutes=5)
MOST_DOUBLINGS = 8  # the longest pause is about 21 hours


def send_due(core: Core, kind: str, send: Callable[[OutboxItem], None], first_pause: timedelta = FIRST_PAUSE) -> None:
    """Send the items of one kind that are due; `send` raises OSError for what is to be tried again.

    Raises ExceptionGroup at the end for what failed by a fault of ours: it is tried again too, and holds up no other.
    """
    now = core.clock.now()
    with core.store.read() as uow:
        due = uow.outbox.due(kind, now, BATCH)
    failed: list[Exception] = []
    tried = [_tried(item, send, now, first_pause, failed) for item in due]
    if tried:
        transact(core.store, lambda uow: uow.outbox.put_all(tried))
    if failed:
        raise ExceptionGroup(f"some of '{kind}' could not be sent", failed)


def send_texts(core: Core) -> None:
    """Send the texts to people that are due."""
    send_due(core, "sms", lambda item: core.notifier.send(item.to, item.body, item.id))


def _tried(
    item: OutboxItem, send: Callable[[OutboxItem], None], now: datetime, first_pause: timedelta, failed: list[Exception]
) -> OutboxItem:
    try:
        send(item)
    except OSError as error:
        said = str(error)
    except Exception as error:
        failed.append(error)
        said = f"a bug of ours, {type(error).__name__}: {error}"
    else:
        return replace(item, attempts=item.attempts + 1, done_at=now)
    later = now + first_pause * 2 ** min(item.attempts, MOST_DOUBLINGS)
    return replace(item, attempts=item.attempts + 1, due_at=later, last_error=said)
