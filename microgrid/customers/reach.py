"""What a key that is bound to sites or meters may touch, on an open transaction: nothing of anybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from microgrid.customers.service import fitted, unknown
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import UnitOfWork
from microgrid.switching.claim_codes import code_hash

Sites = frozenset[str]
Touched = tuple[str, str]  # a kind of thing and its id
NOBODYS: Sites = frozenset()  # of things of the whole organisation


@dataclass(frozen=True, slots=True)
class Reach:
    """The sites and the meters a key is bound to; where none is named, it reaches all."""

    sites: frozenset[str] = frozenset()
    meters: frozenset[str] = frozenset()

    @property
    def is_bound(self) -> bool:
        """Say whether anything is out of reach."""
        return bool(self.sites or self.meters)

    def told(self) -> str:
        """Return in words what a key is bound to."""
        named = [f"site '{one}'" for one in sorted(self.sites)] + [f"meter '{one}'" for one in sorted(self.meters)]
        return " and ".join(named)


EVERYTHING = Reach()


def refuse_unknown(uow: UnitOfWork, reach: Reach) -> None:
    """Refuse a reach that names sites or meters that are not there; every mistake at once."""
    missing = [unknown("site", key) for key in sorted(reach.sites) if uow.sites.get(key) is None]
    missing += [unknown("meter", key) for key in sorted(reach.meters) if uow.meters.get(key) is None]
    if missing:
        raise InvalidInput(*missing)


def refuse_beyond(uow: UnitOfWork, reach: Reach, touched: Iterable[Touched], name: str) -> None:
    """Refuse a request that touches what a key is not bound to, or nothing that is anybody's."""
    things = list(touched)
    strange = [f"{kind} '{key[:60]}'" for kind, key in things if not reaches(uow, reach, kind, key)]
    if not things:
        strange = ["what concerns the whole organisation"]
    if strange:
        what = f"the key '{name}' is bound to {reach.told()}, and this touches {', '.join(strange)}"
        raise InvalidInput(Problem("MG-A026", what, fix="use a key that is bound to it, or to nothing"))


def reaches(uow: UnitOfWork, reach: Reach, kind: str, key: str) -> bool:
    """Say whether a thing is within reach; what is not there yet is."""
    if reach.meters and not (kind in METERS and METERS[kind](key) in reach.meters):
        return False
    sites = SITES_OF[kind](uow, key) if reach.sites else None
    return sites is None or bool(sites & reach.sites)


def within(uow: UnitOfWork, reach: Reach, kind: str, rows: Sequence[Any]) -> Sequence[Any]:
    """Return those of some records, each with its id, that are within reach."""
    return [row for row in rows if reaches(uow, reach, kind, row.id)] if reach.is_bound else rows


# Each returns the sites a thing belongs to: nothing where there is no such thing yet, NOBODYS where it is no site's.


def _of_site(_: UnitOfWork, key: str) -> Sites | None:
    return frozenset({key})


def _of_account(uow: UnitOfWork, key: str) -> Sites | None:
    found = uow.accounts.get(key)
    return None if found is None else frozenset({found.site_id})


def _of_connection(uow: UnitOfWork, key: str) -> Sites | None:
    found = uow.connections.get(key)
    return None if found is None else frozenset({found.site_id})


def _of_feeder(uow: UnitOfWork, key: str) -> Sites | None:
    found = uow.feeders.get(key)
    return None if found is None else frozenset({found.site_id})


def _of_meter(uow: UnitOfWork, key: str) -> Sites | None:
    """Return where a meter is fitted, or was last; one that never was is in store, for every site to take."""
    fits = uow.fits.where(meter_id=key)
    last = fitted(fits) or sorted(fits, key=lambda fit: fit.epoch)[-1:]
    connections = uow.connections.get_all({fit.connection_id for fit in last})
    return frozenset(one.site_id for one in connections.values()) if connections else None


def _of_fitted_meter(uow: UnitOfWork, key: str) -> Sites | None:
    """Return where a meter is fitted; rows of one that is fitted nowhere would be charged wherever it comes to."""
    return _of_meter(uow, key) or NOBODYS


def _of_claim(uow: UnitOfWork, code: str) -> Sites | None:
    found = uow.claims.where(code_hash=code_hash(code))
    return frozenset(one.site_id for one in found) if found else None


def _of_reading(uow: UnitOfWork, key: str) -> Sites | None:
    return _of_fitted_meter(uow, _meter_of(key))


def _of_fit(uow: UnitOfWork, key: str) -> Sites | None:
    found = uow.fits.get(key)
    return None if found is None else _of_connection(uow, found.connection_id)


def _of_payment(uow: UnitOfWork, key: str) -> Sites | None:
    found = uow.payments.get(key)
    if found is None:
        return None
    return NOBODYS if found.account_id is None else _of_account(uow, found.account_id)


def _of_customer(uow: UnitOfWork, key: str) -> Sites | None:
    accounts = uow.accounts.where(customer_id=key)
    return frozenset(account.site_id for account in accounts) if accounts else None


def _of_enrolment(uow: UnitOfWork, key: str) -> Sites | None:
    found = uow.enrolments.get(key)
    return None if found is None else _of_account(uow, found.account_id)


def _of_contract(uow: UnitOfWork, key: str) -> Sites | None:
    found = uow.contracts.get(key)
    return None if found is None else _of_account(uow, found.account_id)


def _of_outage(uow: UnitOfWork, key: str) -> Sites | None:
    found = uow.outages.get(key)
    return None if found is None else frozenset({found.site_id})


def _of_phone(uow: UnitOfWork, key: str) -> Sites | None:
    found = uow.phones.get(key)
    return None if found is None else _of_customer(uow, found.customer_id)


def _meter_of(reading_id: str) -> str:
    return reading_id.partition(":")[0]


def _itself(key: str) -> str:
    return key


METERS: Mapping[str, Callable[[str], str]] = {"meter": _itself, "fitted meter": _itself, "reading": _meter_of}
SITES_OF: Mapping[str, Callable[[UnitOfWork, str], Sites | None]] = {
    "site": _of_site,
    "customer": _of_customer,
    "phone": _of_phone,
    "account": _of_account,
    "enrolment": _of_enrolment,
    "feeder": _of_feeder,
    "connection": _of_connection,
    "meter": _of_meter,
    "fitted meter": _of_fitted_meter,
    "reading": _of_reading,
    "fit": _of_fit,
    "payment": _of_payment,
    "contract": _of_contract,
    "outage": _of_outage,
    "claim": _of_claim,
}
