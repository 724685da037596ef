"""The books and statements of accounts, written for people and for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from microgrid import views
from microgrid.api.bodies import plain
from microgrid.billing.export_books import Span, beancount, lines_of_csv
from microgrid.billing.ledger import Journal
from microgrid.billing.statement_text import as_csv, as_text
from microgrid.cli.output import talk, write, write_json
from microgrid.cli.serving import open_core, settings
from microgrid.customers.records import Site
from microgrid.errors import InvalidInput, Problem
from microgrid.files import outputs_apart, write_parts
from microgrid.ports import UnitOfWork

PAGE = 1000  # journals in memory at once


def show_statement(folder: Path, account: str, first: str, last: str, form: str) -> None:
    """Print the statement of an account."""
    found = views.account_statement(open_core(folder), account, _day(first), _day(last))
    if form == "json":
        write_json("microgrid.account-statement/1", {**plain(found, views.zone(found.site)), "adds_up": found.adds_up})
    else:
        write(as_csv(found) if form == "csv" else as_text(found))


def export_books(folder: Path, file: Path, form: str, first: str, last: str, zone: str) -> None:
    """Write the books to a file, part by part, as of one moment."""
    outputs_apart({"FILE": file}, [folder / "organisation.yaml"])
    core, exponents = open_core(folder), {each.currency: each.exponent for each in settings(folder).payments}
    with core.store.read() as uow:
        exponents |= {site.currency: site.exponent for site in _sites(uow)}
        days = (_day(text) if text else None for text in (first, last))
        span = Span(_zone(zone), exponents, *days)
        written = beancount if form == "beancount" else lines_of_csv
        write_parts(file, written(_journals(uow), span))
    talk(f"the books are in {file.as_posix()}")


def _journals(uow: UnitOfWork) -> Iterator[Journal]:
    after = ""
    while page := uow.ledger.page(after, PAGE):
        yield from page
        after = page[-1].id


def _sites(uow: UnitOfWork) -> Iterator[Site]:
    after = ""
    while page := uow.sites.page(after, PAGE):
        yield from page
        after = page[-1].id


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(Problem("MG-P069", f"'{text}' is no day", fix="write it as 2026-10-31")) from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fix = "write it as Africa/Nairobi"
        raise InvalidInput(Problem("MG-P068", f"there is no time zone '{name[:60]}'", fix=fix)) from None
