"""Whether the money is where the books say it is: one payment account and one period, compared and closed.

Each difference is an item that somebody owns, until it is corrected by a journal or explained by a person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from microgrid.billing import closing, settling
from microgrid.billing.differences import DifferenceItem, after_comparing
from microgrid.billing.ledger import Entry, Journal, cash
from microgrid.billing.local_time import DAY, day_start, is_period
from microgrid.billing.month_close import ClosedMonth, MonthClose, month_window
from microgrid.billing.reconcile import Window, open_items
from microgrid.billing.reconciling import Compared, compare
from microgrid.customers.service import add_once, need, note
from microgrid.errors import AlreadyThere, Contradiction, InvalidInput, Problem
from microgrid.flows import send
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.statements import PaymentDesk
from microgrid.switching import service as switching

LONGEST_DAYS = 400
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A period of a payment account: what agrees, what does not, and where the money is.

    cash_minor = statement_minor + in_transit_minor, which is what was apart before, what differs now, and what the
    statement has in another period.
    """

    account: str
    currency: str
    start: datetime
    end: datetime
    matched: int
    ours_only: int
    theirs_only: int
    differs: int
    items: Sequence[DifferenceItem]  # a part of them, by id
    next: str | None
    cash_minor: int
    statement_minor: int | None
    in_transit_minor: int | None
    brought_forward_minor: int
    differences_minor: int
    across_end_minor: int
    gaps: int | None
    law_holds: bool | None


def report(core: Core, window: Window, after: str = "", limit: int = 100) -> Reconciliation:
    """Return how books, messages and statement of a period compare now; nothing is written."""
    now = core.clock.now()
    with core.store.read() as uow:
        found = compare(uow, window)
        items = _items(uow, found, now)
    return _report(found, items, after, limit)


def run(core: Core, window: Window, actor: str, after: str = "", limit: int = 100) -> Reconciliation:
    """Compare a period and keep every difference as an item; items on which all agree now are closed."""
    now = core.clock.now()
    with core.store.read() as uow:  # a long month takes a while, and payments must not wait for it
        found = compare(uow, window)

    def flow(uow: UnitOfWork) -> Reconciliation:
        _keep(uow, found, now)
        subject = f"payment-account:{window.account}"
        period = f"{window.start.isoformat()} to {window.end.isoformat()}"
        note(uow, f"{subject}:compare:{period}:{now.isoformat()}", now, actor, "compare", subject, period)
        return _report(found, _items(uow, found, now), after, limit)

    return transact(core.store, flow)


def own(core: Core, item_id: str, owner: str, actor: str) -> DifferenceItem:
    """Say who settles a difference."""
    return _settle(core, item_id, actor, "own", owner, lambda item, _: replace(item, owner=owner))


def explain(core: Core, item_id: str, reason: str, actor: str) -> DifferenceItem:
    """Close a difference on which no money differs, with the reason a person gives; InvalidInput where money does."""
    return _settle(
        core, item_id, actor, "explain", reason, lambda item, at: settling.explained(item, actor, reason, at)
    )


def correct(core: Core, desk: PaymentDesk, item_id: str, reason: str, actor: str) -> DifferenceItem:
    """Book what brings the books to what the statement says of a movement, and close its difference."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[DifferenceItem, Sequence[switching.Order]]:
        item = _open_item(uow, item_id)
        window = desk.window(item.at, item.at + MOMENT)
        _refuse_other_account(item, desk)
        touched = settling.correct(uow, window, item, reason, now)
        note(uow, f"difference:{item_id}:correct:{now.isoformat()}", now, actor, "correct", _subject(item), reason)
        _keep(uow, compare(uow, window), now)
        after = need(uow.differences, item_id, "difference")
        closed = replace(after, closed_by=actor, note=reason) if after.state == "corrected" else after
        uow.differences.put(closed)
        return closed, switching.settle(uow, touched, now)

    closed, orders = transact(core.store, flow)
    send(core, orders)
    return closed


def book_opening(core: Core, desk: PaymentDesk, amount_minor: int, at: datetime, actor: str) -> Journal:
    """Book what was on a payment account before its first row in these books, once."""
    if not amount_minor:
        what = f"an opening of 0 for {desk.account} would book nothing"
        raise InvalidInput(Problem("MG-P074", what, fix="leave it out, or give what was there"))
    now = core.clock.now()
    key = f"opening:{desk.account}"
    entries = (Entry(cash(desk.provider, desk.shortcode), amount_minor), Entry(key, -amount_minor))
    journal = Journal(key, "opening", desk.currency, now, at, entries)

    def flow(uow: UnitOfWork) -> Journal:
        known = uow.ledger.find(key)
        if known is not None and (known.entries, known.value_at) == (journal.entries, journal.value_at):
            return known
        try:
            uow.ledger.post(journal)
        except AlreadyThere:
            what = f"the opening of {desk.account} is booked with {known.entries[0].amount_minor if known else ''}"
            fix = "leave it, and settle what differs since"
            raise Contradiction(Problem("MG-P067", what, "an account is opened once", fix)) from None
        note(uow, key, now, actor, "open", f"payment-account:{desk.account}", str(amount_minor))
        return journal

    return transact(core.store, flow)


def days(core: Core, desk: PaymentDesk, first: date, last: date, timezone: str = "") -> Window:
    """Return the period of some days of a payment account, both included, on the clock of its sites or another one."""
    if not is_period(first, last, LONGEST_DAYS):
        what = f"from {first.isoformat()} to {last.isoformat()} is no period of 1 to {LONGEST_DAYS} days"
        raise InvalidInput(
            Problem("MG-P069", what, fix="name the first and the last day, such as 2026-10-01 2026-10-31")
        )
    with core.store.read() as uow:
        zone = ZoneInfo(zone_of(uow, desk.currency, timezone))
    return desk.window(day_start(first, zone), day_start(last + DAY, zone))


def propose(
    core: Core, desk: PaymentDesk, month: date, timezone: str = "", balances: tuple[int, int] | None = None
) -> MonthClose:
    """Return what stands against closing a month, and what would remove it; nothing is written."""
    now = core.clock.now()
    with core.store.read() as uow:
        window = _month(uow, desk, month, timezone)
        return closing.propose(uow, window, compare(uow, window), balances, now)


def close_month(
    core: Core,
    desk: PaymentDesk,
    month: date,
    actor: str,
    timezone: str = "",
    balances: tuple[int, int] | None = None,
) -> ClosedMonth:
    """Close a month on which books and statement agree, for ever; closed already is a success.

    `balances` are those of the statement before and after the month, where its rows say none. Raises InvalidInput
    with everything that stands against it.
    """
    now, key = core.clock.now(), f"{desk.account} {month:%Y-%m}"
    with core.store.read() as uow:  # a long month takes a while, and payments must not wait for it
        known = uow.month_closes.get(key)
        if known is not None:
            return known
        window = _month(uow, desk, month, timezone)
        found = compare(uow, window)
        proposed = closing.propose(uow, window, found, balances, now)
        closed = closing.closed(key, found, zone_of(uow, desk.currency, timezone), now, actor)
    if not proposed.may_close:
        raise InvalidInput(*proposed.problems)

    def flow(uow: UnitOfWork) -> ClosedMonth:
        problems = closing.since(uow, found, now)
        if problems:
            raise InvalidInput(*problems)
        add_once(uow.month_closes, closed, key, "closed month")
        note(uow, f"close:{key}", now, actor, "close month", f"payment-account:{desk.account}", key)
        return closed

    return transact(core.store, flow)


def zone_of(uow: UnitOfWork, currency: str, timezone: str) -> str:
    """Return on whose clock the months of a payment account run: as said, else that of all sites of its currency."""
    if timezone:
        return timezone
    found, after = set[str](), ""
    while page := uow.sites.page(after, 500):
        found |= {site.timezone for site in page if site.currency == currency}
        after = page[-1].id
    if len(found) == 1:
        return found.pop()
    what = f"sites in {currency} have {len(found)} clocks, so it is not clear when a month begins"
    raise InvalidInput(Problem("MG-P068", what, fix="name the zone, such as Africa/Nairobi"))


def _month(uow: UnitOfWork, desk: PaymentDesk, month: date, timezone: str) -> Window:
    zone = ZoneInfo(zone_of(uow, desk.currency, timezone))
    return month_window(desk.provider, desk.shortcode, desk.currency, month, zone)


def _keep(uow: UnitOfWork, found: Compared, now: datetime) -> None:
    """Store what changed about the differences of a period."""
    window, account = found.window, found.window.account
    known = uow.differences.get_all(one.item_id for one in open_items(found.differences))
    waiting = uow.differences.where(account=account, state="open")
    known |= {item.id: item for item in waiting if window.start <= item.at < window.end}
    changed = after_comparing(known.values(), found.differences, account, now)
    gone = known.keys() - {one.item_id for one in found.differences}
    agreed = [replace(known[key], state="corrected", closed_at=now, closed_by="the books") for key in sorted(gone)]
    uow.differences.put_all([*changed, *agreed])


def _items(uow: UnitOfWork, found: Compared, now: datetime) -> list[DifferenceItem]:
    """Return the differences of a period as they stand, with what people said about them."""
    known = uow.differences.get_all(one.item_id for one in open_items(found.differences))
    fresh = after_comparing(known.values(), open_items(found.differences), found.window.account, now)
    changed = {item.id: item for item in fresh}
    return [changed.get(key) or known[key] for key in sorted(changed.keys() | known.keys())]


def _report(found: Compared, items: Sequence[DifferenceItem], after: str, limit: int) -> Reconciliation:
    kinds = [one.kind for one in found.differences]
    rest = [item for item in items if item.id > after]
    is_known = found.chain is not None
    return Reconciliation(
        found.window.account,
        found.window.currency,
        found.window.start,
        found.window.end,
        kinds.count("matched"),
        kinds.count("ours_only"),
        kinds.count("theirs_only"),
        kinds.count("differs"),
        rest[:limit],
        rest[limit - 1].id if len(rest) > limit else None,
        found.cash_minor,
        found.chain.closing_minor if found.chain else None,
        found.in_transit_minor if is_known else None,
        found.brought_forward_minor,
        found.differences_minor,
        found.across_end_minor,
        found.chain.gaps if found.chain else None,
        found.law_holds,
    )


def _settle(
    core: Core,
    item_id: str,
    actor: str,
    action: str,
    detail: str,
    change: Callable[[DifferenceItem, datetime], DifferenceItem],
) -> DifferenceItem:
    """Change one item and write down who did; changed so already is a success."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> DifferenceItem:
        uow.differences.hold(item_id)
        before = need(uow.differences, item_id, "difference")
        after = change(before, now)
        if after != before:
            uow.differences.put(after)
            note(uow, f"difference:{item_id}:{action}:{now.isoformat()}", now, actor, action, _subject(after), detail)
        return after

    return transact(core.store, flow)


def _open_item(uow: UnitOfWork, item_id: str) -> DifferenceItem:
    uow.differences.hold(item_id)
    item = need(uow.differences, item_id, "difference")
    if item.state == "corrected":
        what = f"nothing differs any more on '{item.id}'"
        raise InvalidInput(Problem("MG-P063", what, fix="compare the period again to see what is open"))
    return item


def _refuse_other_account(item: DifferenceItem, desk: PaymentDesk) -> None:
    if item.account != desk.account:
        what = f"difference '{item.id}' is about {item.account}, not about {desk.account}"
        raise InvalidInput(Problem("MG-A001", what, fix=f"name the payment account {item.account}"))


def _subject(item: DifferenceItem) -> str:
    return f"difference:{item.id}"
