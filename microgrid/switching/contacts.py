"""How a meter is heard: its comings and goings, and which of its rows are missing. Pure rules; nothing is stored here.

Numbers of rows rise by one, except that a meter may skip some when it starts. So a gap is asked for a few times and
then given up: a register is cumulative, and a row that never comes costs resolution, never money.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from device.messages import Capability
from microgrid.switching.meter_records import Contact, Gap
from microgrid.switching.told import Ask, Coming

RING_ROWS = 2880  # what a meter keeps
ASKED_AGAIN = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))  # then a gap is given up
UNDER_WAY = timedelta(seconds=30)  # how long rows may come in another order than they were sent
MOST_GAPS = 16
MOST_BIRTHS = 4  # within `FLAPPING`: more than one device, or a very bad link
FLAPPING = timedelta(minutes=1)
DRIFT_S = 60  # a clock further off than this is set again when its meter comes
REGISTER_EVERY = timedelta(hours=1)  # of a meter that keeps no rows
TIMED_AGAIN = timedelta(minutes=1)
NOT_NEWS = timedelta(minutes=1)  # a meter that was heard so lately is not written down again for that alone


def heard(before: Contact | None, meter_id: str, now: datetime) -> Contact:
    """Return a contact after some message of its meter."""
    return Contact(meter_id, now) if before is None else replace(before, heard_at=now, here=True)


def came(before: Contact | None, coming: Coming, now: datetime) -> tuple[Contact, bool]:
    """Return a contact after its meter came or went, and whether that was a birth.

    A farewell counts only for the coming it belongs to: the broker may say it long after the meter is back.
    """
    same = before is not None and (before.boot, before.birth) == (coming.boot, coming.birth)
    if not coming.here:
        after = before or Contact(coming.meter_id, now, here=False)
        return (replace(after, here=False), False) if same or before is None else (after, False)
    known = before or Contact(coming.meter_id, now)
    lately = tuple(at for at in known.births if now - at < FLAPPING)
    after = replace(
        known,
        heard_at=known.heard_at if same and coming.retained else now,
        here=True,
        boot=coming.boot,
        birth=coming.birth,
        firmware=coming.firmware,
        capabilities=coming.capabilities,
        tokens=coming.tokens,
        clock_set=coming.clock_set,
        gateway=coming.gateway,
        births=lately if same else (*lately, now)[-2 * MOST_BIRTHS :],
    )
    return _ahead(after, coming.last_seq, now), not same


def is_flapping(contact: Contact) -> bool:
    """Return whether a meter has come so often lately that two devices may answer to its name."""
    return len(contact.births) >= MOST_BIRTHS


def keeps_rows(contact: Contact) -> bool:
    """Return whether a meter keeps rows of its own; of one that has never come nobody knows, and it is taken as one."""
    return contact.capabilities == 0 or bool(contact.capabilities & Capability.RING)


def owes_register(contact: Contact, now: datetime) -> bool:
    """Return whether a meter without rows is here and has not said for long what its register shows."""
    return contact.here and not keeps_rows(contact) and now - contact.heard_at >= REGISTER_EVERY


def timed(
    contact: Contact, now: datetime, *, is_refusing: bool = False, is_birth: bool = False
) -> tuple[Contact, bool]:
    """Return a contact, and whether its meter is to be told the time: its clock is not set, far off, or in its way.

    A clock that is only off is not told again within a minute: one that goes forward alone cannot be helped.
    """
    if is_refusing or (is_birth and (not contact.clock_set or contact.clock_off_s > DRIFT_S)):
        return replace(contact, timed_at=now), True
    if contact.clock_off_s <= DRIFT_S or (contact.timed_at is not None and now - contact.timed_at < TIMED_AGAIN):
        return contact, False
    return replace(contact, timed_at=now), True


def with_rows(contact: Contact, wire_epoch: int, seqs: Iterable[tuple[int, int]], now: datetime) -> Contact:
    """Return a contact after rows or events came, as first and last numbers; of its newest epoch."""
    if contact.wire_epoch != wire_epoch:
        contact = replace(contact, wire_epoch=wire_epoch, seen_to=0, missing=())
    for first, last in sorted(seqs):
        contact = _ahead(contact, first - 1, now + UNDER_WAY)
        gaps = contact.missing
        if gaps and first <= gaps[-1].last_seq:
            gaps = _few(part for gap in gaps for part in _without(gap, first, last))
        contact = replace(contact, seen_to=max(contact.seen_to, last), missing=gaps)
    return contact


def asks(contact: Contact, now: datetime) -> tuple[Contact, tuple[Ask, ...]]:
    """Return a contact after it is asked for what is due of its gaps, and the questions."""
    due = [gap for gap in contact.missing if gap.next_ask_at <= now]
    if not due:
        return contact, ()
    later = tuple(_asked(gap, now) if gap in due else gap for gap in contact.missing)
    kept = tuple(gap for gap in later if gap.asked <= len(ASKED_AGAIN))
    asked = tuple(Ask("resend", seqs=(gap.first_seq, gap.last_seq)) for gap in due if gap.asked < len(ASKED_AGAIN))
    return replace(contact, missing=kept), asked


def is_news(before: Contact | None, after: Contact) -> bool:
    """Return whether a contact says more than that its meter was heard again a moment later."""
    if before is None:
        return True
    return after.heard_at - before.heard_at >= NOT_NEWS or replace(after, heard_at=before.heard_at) != before


def _ahead(contact: Contact, to_seq: int, ask_at: datetime) -> Contact:
    """Return a contact that misses everything up to a number that it has not seen."""
    if to_seq <= contact.seen_to:
        return contact
    first = max(contact.seen_to + 1, to_seq - RING_ROWS + 1)
    missing = _few((*contact.missing, Gap(first, to_seq, ask_at)))
    return replace(contact, seen_to=to_seq, missing=missing)


def _few(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Return gaps in order, the oldest made into one where they are many."""
    found = tuple(gaps)
    spare = len(found) - MOST_GAPS
    return found if spare <= 0 else (replace(found[spare], first_seq=found[0].first_seq), *found[spare + 1 :])


def _without(gap: Gap, first: int, last: int) -> tuple[Gap, ...]:
    """Return what is left of a gap after some rows came."""
    if last < gap.first_seq or first > gap.last_seq:
        return (gap,)
    before = (replace(gap, last_seq=first - 1),) if gap.first_seq < first else ()
    after = (replace(gap, first_seq=last + 1),) if last < gap.last_seq else ()
    return (*before, *after)


def _asked(gap: Gap, now: datetime) -> Gap:
    pause = ASKED_AGAIN[min(gap.asked, len(ASKED_AGAIN) - 1)]
    return replace(gap, asked=gap.asked + 1, next_ask_at=now + pause)
