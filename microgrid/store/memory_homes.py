"""Accounts with all that says who is charged what and supplied where, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from microgrid.home_ports import Home, Place

if TYPE_CHECKING:
    from microgrid.store.unit import Unit


class MemoryHomes:
    """Accounts, each with everything about them, put together from their tables."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def get_all(self, account_ids: Iterable[str]) -> dict[str, Home]:
        """Return many accounts with everything about them, by account; ids without an account are left out."""
        found = {}
        for account in self._unit.accounts.get_all(account_ids).values():
            site = self._unit.sites.get(account.site_id)
            if site is None:
                continue
            enrolments = self._unit.enrolments.where(account_id=account.id)
            plans = self._unit.plans.where_in("plan_id", {one.plan_id for one in enrolments})
            connections = self._unit.connections.where(account_id=account.id)
            fits = self._unit.fits.where_in("connection_id", [one.id for one in connections])
            current = tuple(fit for fit in fits if fit.removed_at is None)
            found[account.id] = Home(account, site, tuple(enrolments), tuple(plans), tuple(connections), current)
        return found

    def named(self, names: Iterable[str]) -> dict[str, str]:
        """Return the accounts that names mean, their own or that of their meter, each with its site's currency."""
        asked = set(names)
        fits = self._unit.fits.where_in("meter_id", asked)
        places = self._unit.connections.get_all({fit.connection_id for fit in fits if fit.removed_at is None})
        accounts = self._unit.accounts.get_all(asked | {place.account_id for place in places.values()})
        sites = self._unit.sites.get_all({account.site_id for account in accounts.values()})
        return {key: sites[one.site_id].currency for key, one in accounts.items() if one.site_id in sites}

    def places(self, meter_ids: Iterable[str]) -> Sequence[Place]:
        """Return where meters are and were fitted, by the id of the fit."""
        fits = self._unit.fits.where_in("meter_id", set(meter_ids))
        connections = self._unit.connections.get_all({fit.connection_id for fit in fits})
        meters = self._unit.meters.get_all({fit.meter_id for fit in fits})
        return [
            Place(fit, connections[fit.connection_id].account_id, meters[fit.meter_id].rated_w)
            for fit in fits
            if fit.connection_id in connections and fit.meter_id in meters
        ]
