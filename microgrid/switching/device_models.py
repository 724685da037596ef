"""What devices of a kind do, on an open transaction: how often each is heard when all is well."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from microgrid.customers.records import Meter
from microgrid.ports import UnitOfWork
from microgrid.switching.progress import expected_contact


def expected_contacts(uow: UnitOfWork, meters: Iterable[Meter]) -> dict[str, timedelta | None]:
    """Return for each meter how often it is heard, by its model or else its profile; nothing where it never is."""
    rows = list(meters)
    models = uow.device_models.get_all({row.model_id for row in rows if row.model_id})
    return {row.id: expected_contact(row.profile, models.get(row.model_id)) for row in rows}
