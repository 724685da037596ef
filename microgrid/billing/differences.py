"""What does not agree between books, messages and statement: each an item that somebody owns until it is closed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from microgrid.billing.reconcile import About, Difference, Kind

State = Literal["open", "corrected", "explained"]


@dataclass(frozen=True, slots=True)
class DifferenceItem:
    """One movement on which the sources do not agree, as it was last compared.

    It is closed when they agree again (corrected), or by a person with a reason where no money differs (explained).
    """

    id: str  # payment account, what it is about, receipt: the same however often it is compared
    account: str
    state: State
    kind: Kind
    about: About
    receipt: str
    at: datetime
    ledger_minor: int | None
    told_minor: tuple[int, ...]
    statement_minor: int | None
    what_to_do: str
    owner: str  # the role that settles it, or the person who took it on
    behind: tuple[str, ...]  # journals, messages and rows
    found_at: datetime
    closed_at: datetime | None = None
    closed_by: str = ""
    note: str = ""

    @property
    def difference_minor(self) -> int:
        """Return what our books hold more than the statement."""
        return (self.ledger_minor or 0) - (self.statement_minor or 0)


def after_comparing(
    known: Iterable[DifferenceItem], compared: Sequence[Difference], account: str, now: datetime
) -> list[DifferenceItem]:
    """Return the items that change when a period was compared: new ones, changed ones, and those that agree now.

    What a person explained stays so as long as nothing about it changes.
    """
    by_id = {item.id: item for item in known}
    changed: list[DifferenceItem] = []
    for one in compared:
        before = by_id.get(one.item_id)
        after = _agreed(before, now) if one.kind == "matched" else _open(before, one, account, now)
        if after is not None and after != before:
            changed.append(after)
    return changed


def _agreed(before: DifferenceItem | None, now: datetime) -> DifferenceItem | None:
    if before is None or before.state == "corrected":
        return before
    return replace(before, state="corrected", closed_at=now, closed_by="the books")


def _open(before: DifferenceItem | None, one: Difference, account: str, now: datetime) -> DifferenceItem:
    fresh = DifferenceItem(
        one.item_id,
        account,
        "open",
        one.kind,
        one.about,
        one.receipt,
        one.at,
        one.ledger_minor,
        one.callbacks_minor,
        one.statement_minor,
        one.what_to_do,
        one.owner,
        one.behind,
        now,
    )
    if before is None or before.state == "corrected":
        return fresh
    kept = replace(fresh, owner=before.owner, found_at=before.found_at)
    explained = replace(
        kept, state=before.state, closed_at=before.closed_at, closed_by=before.closed_by, note=before.note
    )
    return explained if _facts(before) == _facts(kept) else kept


def _facts(item: DifferenceItem) -> tuple[object, ...]:
    return item.kind, item.ledger_minor, item.told_minor, item.statement_minor
