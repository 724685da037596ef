"""Under which topics and with which keys meters are spoken to; what was opened once is kept until the books differ."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from device.signing import MeterKeys
from microgrid.errors import InvalidInput
from microgrid.ports import Keys, UnitOfWork
from microgrid.switching.meter_keys import opened_keys
from microgrid.switching.meter_records import MeterKeysRow


@dataclass(frozen=True, slots=True)
class Address:
    """Where a meter is spoken to; without keys it has none, and `why` says so."""

    site: str
    keys: MeterKeys | None = field(repr=False)
    why: str = ""


class Keyring:
    """Addresses of meters, read anew for each batch of messages and unsealed only where they have changed."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._opened: dict[str, tuple[MeterKeysRow, Address]] = {}
        self._guard = threading.Lock()

    def addresses(self, uow: UnitOfWork, meter_ids: Iterable[str]) -> dict[str, Address]:
        """Return the addresses of meters by id; those we know no keys of are left out."""
        return {row.id: self._address(row) for row in uow.meter_keys.get_all(meter_ids).values()}

    def _address(self, row: MeterKeysRow) -> Address:
        with self._guard:
            known = self._opened.get(row.id)
        if known is not None and known[0] == row:
            return known[1]
        address = self._made(row)
        with self._guard:
            self._opened[row.id] = (row, address)
        return address

    def _made(self, row: MeterKeysRow) -> Address:
        if row.revoked_at is not None:
            return Address(row.site_id, None, "its keys have ended")
        try:
            return Address(row.site_id, opened_keys(row, self._keys))
        except InvalidInput as error:
            return Address(row.site_id, None, error.problems[0].what)


def zones(uow: UnitOfWork, site_ids: Iterable[str]) -> dict[str, ZoneInfo]:
    """Return the clocks of sites; a site that is not in the books keeps UTC."""
    asked = set(site_ids)
    known = uow.sites.get_all(asked)
    return {site: ZoneInfo(known[site].timezone if site in known else "UTC") for site in asked}
