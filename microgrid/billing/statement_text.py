"""The statement of an account on paper and for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from microgrid.billing.statement_of_account import AccountStatement, day_in_words

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet takes a text for a formula


def amount_text(amount_minor: int, exponent: int) -> str:
    """Return minor units as people write them: 125050 with two decimals is 1250.50."""
    whole, part = divmod(abs(amount_minor), 10**exponent)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole}.{part:0{exponent}}" if exponent else f"{sign}{whole}"


def cell(text: str) -> str:
    """Return a text for a spreadsheet, so that none typed by somebody runs there as a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def as_csv(statement: AccountStatement) -> str:
    """Return a statement as CSV: the opening balance, each line, the closing balance."""
    exponent, currency = statement.site.exponent, statement.site.currency
    rows: list[tuple[str, ...]] = [("booked_on", "for_day", "what", f"amount_{currency}", f"balance_{currency}")]
    rows.append(
        (statement.first.isoformat(), "", "Opening balance", "", amount_text(statement.opening_minor, exponent))
    )
    for line in statement.lines:
        amounts = amount_text(line.amount_minor, exponent), amount_text(line.balance_minor, exponent)
        rows.append((line.day.isoformat(), line.value_day.isoformat(), cell(line.words), *amounts))
    rows.append((statement.last.isoformat(), "", "Closing balance", "", amount_text(statement.closing_minor, exponent)))
    return _written(rows)


def as_text(statement: AccountStatement) -> str:
    """Return a statement as a page of text."""
    exponent, currency = statement.site.exponent, statement.site.currency
    period = f"{day_in_words(statement.first)} to {day_in_words(statement.last)}"
    head = f"Account {statement.account_id}, {statement.customer_name}\n{period}, amounts in {currency}\n"
    rows = [("", "Opening balance", "", amount_text(statement.opening_minor, exponent))]
    for line in statement.lines:
        amounts = amount_text(line.amount_minor, exponent), amount_text(line.balance_minor, exponent)
        rows.append((line.day.isoformat(), line.words, *amounts))
    rows.append(("", "Closing balance", "", amount_text(statement.closing_minor, exponent)))
    if statement.used_not_posted_minor:
        left_minor = statement.closing_minor - statement.used_not_posted_minor
        rows.append(("", "Used and not booked yet", amount_text(-statement.used_not_posted_minor, exponent), ""))
        rows.append(("", "Left", "", amount_text(left_minor, exponent)))
    return "\n".join((head, *_aligned(rows), "", *_energy(statement))) + "\n"


def _energy(statement: AccountStatement) -> list[str]:
    """Return the energy of each day, and the sum."""
    head = ("Day", "Wh used", "Wh free", "Wh estimated")
    rows = [(day.day.isoformat(), str(day.used_wh), str(day.free_wh), str(day.estimated_wh)) for day in statement.days]
    used_wh, free_wh = sum(day.used_wh for day in statement.days), sum(day.free_wh for day in statement.days)
    estimated_wh = sum(day.estimated_wh for day in statement.days)
    return _aligned([head, *rows, ("Sum", str(used_wh), str(free_wh), str(estimated_wh))], texts=1)


def _aligned(rows: list[tuple[str, str, str, str]], texts: int = 2) -> list[str]:
    """Return rows as columns: the first ones are texts, to the left, and the others amounts, to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    padded = (
        [each.ljust(widths[i]) if i < texts else each.rjust(widths[i]) for i, each in enumerate(row)] for row in rows
    )
    return ["  ".join(cells).rstrip() for cells in padded]


def _written(rows: Iterable[tuple[str, ...]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
