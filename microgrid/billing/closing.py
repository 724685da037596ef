"""Whether a month of a payment account may be closed, on an open transaction, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from microgrid.billing.ledger import cash
from microgrid.billing.month_close import Balances, ClosedMonth, MonthClose, propose_close
from microgrid.billing.reconcile import Window, open_items
from microgrid.billing.reconciling import LONG_AGO, Compared, closed_months
from microgrid.billing.statement_rows import day_keys
from microgrid.errors import Problem
from microgrid.ports import UnitOfWork

SETTLED_AFTER = timedelta(minutes=5)  # longer than any transaction takes: nothing posted before is still to be seen


def propose(
    uow: UnitOfWork, window: Window, found: Compared, given: tuple[int, int] | None, now: datetime
) -> MonthClose:
    """Return everything that stands against closing a month, and what would remove most of it."""
    known = uow.differences.get_all(one.item_id for one in open_items(found.differences))
    explained = {item.id for item in known.values() if item.state == "explained"}
    balances = _balances(found, given)
    proposed = propose_close(
        window, found.differences, found.statement, balances or _none(found), now, explained=explained
    )
    more = [*_no_balances(window, balances), *_gaps(window, found), *_order(uow, window), *_moving(uow, window, now)]
    return replace(proposed, problems=(*proposed.problems, *more))


def since(uow: UnitOfWork, found: Compared, now: datetime) -> list[Problem]:
    """Return what stands against closing a month since it was compared; from here on its rows wait for us."""
    closes = closed_months(uow, found.window.account)
    if closes:
        uow.month_closes.hold(closes[-1].id)
    return [*_order(uow, found.window), *_moving(uow, found.window, now), *_more_rows(uow, found)]


def closed(key: str, found: Compared, timezone: str, now: datetime, actor: str) -> ClosedMonth:
    """Return what is kept of a month that may be closed."""
    return ClosedMonth(
        key,
        found.window.account,
        found.window.currency,
        timezone,
        found.window.start,
        found.window.end,
        found.opening_minor,
        found.cash_minor,
        found.cash_minor - found.across_end_minor,
        len(found.differences) - len(open_items(found.differences)),
        now - SETTLED_AFTER,
        now,
        actor,
    )


def _balances(found: Compared, given: tuple[int, int] | None) -> Balances | None:
    if found.balances is not None or given is None:
        return found.balances
    opening_minor, closing_minor = given
    books = found.opening_minor - found.across_start_minor, found.cash_minor - found.across_end_minor
    return Balances(*books, opening_minor, closing_minor)


def _none(found: Compared) -> Balances:
    """Return the balances of a statement that says none: those the books and its rows lead to."""
    opening_minor = found.opening_minor - found.across_start_minor
    rows_minor = sum(row.amount_minor for row in found.statement)
    return Balances(opening_minor, found.cash_minor - found.across_end_minor, opening_minor, opening_minor + rows_minor)


def _no_balances(window: Window, balances: Balances | None) -> list[Problem]:
    if balances is not None:
        return []
    what = f"the statement of shortcode '{window.shortcode}' says no balances for this month; it was not closed"
    fix = "give the balances of the paper before and after the month, or hand in a statement that has them"
    return [Problem("MG-P064", what, "without them nobody knows whether rows are missing", fix)]


def _gaps(window: Window, found: Compared) -> list[Problem]:
    if found.chain is None or not found.chain.gaps:
        return []
    what = f"rows are missing at {found.chain.gaps} places of the statement of '{window.shortcode}'; it was not closed"
    return [Problem("MG-P064", what, fix="download the statement of the whole month, and hand it in")]


def _order(uow: UnitOfWork, window: Window) -> list[Problem]:
    closes = closed_months(uow, window.account)
    if not closes or closes[-1].end == window.start:
        return []
    what = f"the last month closed of '{window.shortcode}' ends at {closes[-1].end.isoformat()}; it was not closed"
    fix = "close months one after the other, on one clock"
    return [Problem("MG-P065", what, "a month begins where the one before ended", fix)]


def _moving(uow: UnitOfWork, window: Window, now: datetime) -> list[Problem]:
    """Return a problem when something of the month is still being booked."""
    account = cash(window.provider, window.shortcode)
    fresh = uow.history.valued(account, LONG_AGO, window.end, now - SETTLED_AFTER)
    if not fresh:
        return []
    what = f"'{fresh[0].id}' of the month was booked only now; it was not closed"
    fix = f"close it after {(now + SETTLED_AFTER).astimezone(UTC).isoformat(timespec='seconds')}"
    return [Problem("MG-P066", what, "others may be on their way into the books", fix)]


def _more_rows(uow: UnitOfWork, found: Compared) -> list[Problem]:
    """Return a problem when rows of the statement came in since the month was compared."""
    window = found.window
    rows = uow.statement_rows.where_in("day", day_keys(window.account, window.start, window.end))
    ids = {row.id for row in rows if window.start <= row.counts_at < window.end}
    if ids == {row.row_id for row in found.statement}:
        return []
    what = f"a statement of '{window.shortcode}' was handed in meanwhile; the month was not closed"
    return [Problem("MG-P066", what, fix="close it again")]
