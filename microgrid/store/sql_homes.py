"""Accounts with all that says who is charged what and supplied where, read from a database in three questions."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from sqlalchemy import Table, select, union

from microgrid.billing.plans import PlanVersion
from microgrid.customers.records import Account, Connection, Enrolment, Fit, Meter, Site
from microgrid.home_ports import Home, Place
from microgrid.store.records import plan_key
from microgrid.store.rows import RowMap
from microgrid.store.sql_session import Session
from microgrid.store.sql_tables import SqlTable
from microgrid.store.sql_text import Among, Texts
from microgrid.store.tables import KEPT

Row = Sequence[Any]
Part = TypeVar("Part")

PARTS_OF_HOMES = ("accounts", "sites", "enrolments", "plans", "connections", "fits")

ACCOUNTS, SITES, ENROLMENTS = KEPT["accounts"], KEPT["sites"], KEPT["enrolments"]
CONNECTIONS, FITS, PLANS, METERS = KEPT["connections"], KEPT["fits"], KEPT["plans"], KEPT["meters"]
ACCOUNT_ROWS: RowMap[Account] = RowMap(Account, "accounts")
ENROLMENT_ROWS: RowMap[Enrolment] = RowMap(Enrolment, "enrolments")
CONNECTION_ROWS: RowMap[Connection] = RowMap(Connection, "connections")
FIT_ROWS: RowMap[Fit] = RowMap(Fit, "fits")
METER_ROWS: RowMap[Meter] = RowMap(Meter, "meters")
SITE_ROWS: RowMap[Site] = RowMap(Site, "sites")
PLAN_ROWS: RowMap[PlanVersion] = RowMap(PlanVersion, "plans", key_of=plan_key)

# There are few sites and plans, and their documents are long: the same row is made into a record once.
read_site = lru_cache(maxsize=1024)(SITE_ROWS.record)
read_plan = lru_cache(maxsize=4096)(PLAN_ROWS.record)


def _spans(*tables: Table) -> list[slice]:
    """Return where the columns of each of several tables stand in a row of all."""
    ends = [0]
    for table in tables:
        ends.append(ends[-1] + len(table.columns))
    return [slice(start, end) for start, end in itertools.pairwise(ends)]


ACCOUNT, SITE, ENROLMENT = _spans(ACCOUNTS, SITES, ENROLMENTS)
CONNECTION, FIT = _spans(CONNECTIONS, FITS)
PLAN_ID = list(ENROLMENTS.columns.keys()).index("plan_id")
ACCOUNT_ID = list(CONNECTIONS.columns.keys()).index("account_id")


class HomeTexts:
    """The statements about homes."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    @cached_property
    def charged(self) -> Among:
        """Return what finds accounts with their sites and enrolments."""
        joined = ACCOUNTS.join(SITES, SITES.c.id == ACCOUNTS.c.site_id)
        joined = joined.outerjoin(ENROLMENTS, ENROLMENTS.c.account_id == ACCOUNTS.c.id)
        rows = select(ACCOUNTS, SITES, ENROLMENTS).select_from(joined).order_by(ACCOUNTS.c.id, ENROLMENTS.c.id)
        return self.texts.among(lambda is_asked: rows.where(is_asked(ACCOUNTS.c.id)))

    @cached_property
    def plans(self) -> Among:
        """Return what finds all versions of plans."""
        rows = select(PLANS).order_by(PLANS.c.id)
        return self.texts.among(lambda is_asked: rows.where(is_asked(PLANS.c.plan_id)))

    @cached_property
    def supplied(self) -> Among:
        """Return what finds the connections of accounts with the meters that are fitted there."""
        current = (FITS.c.connection_id == CONNECTIONS.c.id) & FITS.c.removed_at_us.is_(None)
        rows = select(CONNECTIONS, FITS).select_from(CONNECTIONS.outerjoin(FITS, current))
        ordered = rows.order_by(CONNECTIONS.c.id, FITS.c.id)
        return self.texts.among(lambda is_asked: ordered.where(is_asked(CONNECTIONS.c.account_id)))

    @cached_property
    def named(self) -> Among:
        """Return what finds the accounts that names mean, and their currencies."""
        owned = ACCOUNTS.join(SITES, SITES.c.id == ACCOUNTS.c.site_id)
        placed = owned.join(CONNECTIONS, CONNECTIONS.c.account_id == ACCOUNTS.c.id)
        metered = placed.join(FITS, (FITS.c.connection_id == CONNECTIONS.c.id) & FITS.c.removed_at_us.is_(None))
        found = select(ACCOUNTS.c.id, SITES.c.currency)
        return self.texts.among(
            lambda is_asked: union(
                found.select_from(owned).where(is_asked(ACCOUNTS.c.id)),
                found.select_from(metered).where(is_asked(FITS.c.meter_id)),
            )
        )

    @cached_property
    def places(self) -> Among:
        """Return what finds where meters are and were fitted."""
        joined = FITS.join(CONNECTIONS, CONNECTIONS.c.id == FITS.c.connection_id)
        joined = joined.join(METERS, METERS.c.id == FITS.c.meter_id)
        rows = select(FITS, CONNECTIONS.c.account_id, METERS.c.rated_w).select_from(joined).order_by(FITS.c.id)
        return self.texts.among(lambda is_asked: rows.where(is_asked(FITS.c.meter_id)))


class SqlHomePart(SqlTable[Part]):
    """A table that homes are read from: whoever changes it has to read them again."""

    def add(self, row: Part) -> None:
        """Insert; raises AlreadyThere when the id is taken."""
        self._session.homes.clear()
        super().add(row)

    def put(self, row: Part) -> None:
        """Insert, or replace the record of the same id."""
        self._session.homes.clear()
        super().put(row)

    def put_all(self, rows: Sequence[Part]) -> None:
        """Insert or replace many records."""
        self._session.homes.clear()
        super().put_all(rows)


class SqlHomes:
    """Accounts, each with everything about them."""

    def __init__(self, session: Session, texts: HomeTexts) -> None:
        self._session = session
        self._texts = texts

    def get_all(self, account_ids: Iterable[str]) -> dict[str, Home]:
        """Return many accounts with everything about them, by account; ids without an account are left out.

        Whoever changes what an account is charged by holds its hot row; so of one that is locked here, what was read
        once is true until this transaction ends or changes it itself.
        """
        ids = sorted({ACCOUNT_ROWS.asked(key) for key in account_ids})
        known = self._session.homes
        found = self._read([key for key in ids if key not in known])
        known.update((key, home) for key, home in found.items() if key in self._session.locked)
        return {key: home for key in ids if (home := found.get(key) or known.get(key)) is not None}

    def named(self, names: Iterable[str]) -> dict[str, str]:
        """Return the accounts that names mean, their own or that of their meter, each with its site's currency."""
        asked = sorted({ACCOUNT_ROWS.asked(name) for name in names})
        return dict(self._session.among(self._texts.named, asked))

    def places(self, meter_ids: Iterable[str]) -> Sequence[Place]:
        """Return where meters are and were fitted, by the id of the fit."""
        asked = sorted({METER_ROWS.asked(meter_id) for meter_id in meter_ids})
        rows = self._session.among(self._texts.places, asked)
        return [Place(FIT_ROWS.record(row[:-2]), row[-2], row[-1]) for row in rows]

    def _read(self, ids: Sequence[str]) -> dict[str, Home]:
        rows = self._session.among(self._texts.charged, ids)
        if not rows:
            return {}
        plans = self._plans({row[ENROLMENT][PLAN_ID] for row in rows} - {None})
        places = _grouped(self._session.among(self._texts.supplied, ids), CONNECTION.start + ACCOUNT_ID)
        return {key: _home(mine, plans, places.get(key, ())) for key, mine in _grouped(rows, 0).items()}

    def _plans(self, plan_ids: set[str]) -> Mapping[str, list[PlanVersion]]:
        found: dict[str, list[PlanVersion]] = {}
        for row in self._session.among(self._texts.plans, sorted(plan_ids)):
            plan = read_plan(tuple(row))
            found.setdefault(plan.plan_id, []).append(plan)
        return found


def _home(rows: Sequence[Row], plans: Mapping[str, list[PlanVersion]], places: Sequence[Row]) -> Home:
    """Return the home of the rows of one account: one row for each enrolment, and one for each fit of a connection."""
    first = rows[0]
    enrolments = tuple(ENROLMENT_ROWS.record(row[ENROLMENT]) for row in rows if row[ENROLMENT][0] is not None)
    plan_ids = dict.fromkeys(one.plan_id for one in enrolments)
    connections = {row[0]: row for row in places}
    return Home(
        ACCOUNT_ROWS.record(first[ACCOUNT]),
        read_site(tuple(first[SITE])),
        enrolments,
        tuple(plan for plan_id in sorted(plan_ids) for plan in plans.get(plan_id, ())),
        tuple(CONNECTION_ROWS.record(row[CONNECTION]) for row in connections.values()),
        tuple(FIT_ROWS.record(row[FIT]) for row in places if row[FIT][0] is not None),
    )


def _grouped(rows: Iterable[Row], place: int) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[place], []).append(row)
    return found
