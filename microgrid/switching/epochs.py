"""Which register epoch of ours a meter means, on an open transaction: numbered in the order in which they first came.

A meter draws a random number for its register when it has lost its memory; a fit at a connection has a number of ours.
When a meter begins a new epoch where it hangs, its fit ends with the last register known and another one begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from microgrid.billing import asides, charging
from microgrid.billing.enquiries import raise_alarm
from microgrid.customers import fits
from microgrid.customers.records import Fit
from microgrid.customers.service import need, note
from microgrid.errors import MicrogridError
from microgrid.ports import UnitOfWork
from microgrid.switching.meter_records import MeterEpoch

CLOCK_NEAR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Epochs:
    """The register epochs of some meters, oldest first, and where the meters are or were fitted."""

    known: Mapping[str, tuple[MeterEpoch, ...]]
    fits: Mapping[str, tuple[Fit, ...]]

    def number(self, meter_id: str, wire_epoch: int, at: datetime) -> int:
        """Return our number of what a meter calls an epoch; one that was fitted anew meanwhile has several."""
        numbers = [epoch.number for epoch in self.known[meter_id] if epoch.wire_epoch == wire_epoch]
        if len(numbers) == 1:
            return numbers[0]
        begun = {fit.epoch for fit in self.fits.get(meter_id, ()) if fit.fitted_at <= at}
        return max((number for number in numbers if number in begun), default=numbers[0])

    def is_newest(self, meter_id: str, wire_epoch: int) -> bool:
        """Return whether a meter counts with this epoch now."""
        return self.known[meter_id][-1].wire_epoch == wire_epoch

    def to_end(self, meter_id: str) -> Fit | None:
        """Return the fit that goes on although its meter has begun another epoch."""
        fit = _open_fit(self.fits.get(meter_id, ()))
        return fit if fit is not None and fit.epoch < self.known[meter_id][-1].number else None


def arrived(uow: UnitOfWork, told: Iterable[tuple[str, int]], now: datetime) -> Epochs:
    """Return the epochs of meters after those they name have come; pairs of a meter and what it calls its epoch."""
    pairs = list(dict.fromkeys(told))
    meter_ids = {meter_id for meter_id, _ in pairs}
    known, fitted_at = _by_meter(uow.meter_epochs.where_in("meter_id", meter_ids)), _fits(uow, meter_ids)
    for meter_id, wire_epoch in pairs:
        if _next_number(known.get(meter_id, ()), fitted_at.get(meter_id, ()), wire_epoch) is None:
            continue
        uow.meters.hold(meter_id)  # another worker may number it at this moment
        before = _by_meter(uow.meter_epochs.where(meter_id=meter_id)).get(meter_id, ())
        number = _next_number(before, fitted_at.get(meter_id, ()), wire_epoch)
        if number is not None:
            fresh = MeterEpoch(f"{meter_id}:{number}", meter_id, number, wire_epoch, now)
            uow.meter_epochs.add(fresh)
            before = (*before, fresh)
        known[meter_id] = before
    return Epochs(known, fitted_at)


def wire_epoch_of(known: Sequence[MeterEpoch], number: int) -> int | None:
    """Return what a meter calls the epoch of an order, or nothing while it has not been heard in it.

    A meter that was fitted anew goes on counting with what it had.
    """
    if not known:
        return None
    newest = max(known, key=lambda epoch: epoch.number)
    if number > newest.number:
        return newest.wire_epoch
    return next((epoch.wire_epoch for epoch in known if epoch.number == number), None)


def begin_anew(uow: UnitOfWork, fit: Fit, epoch: MeterEpoch, register_wh: int, at: datetime, now: datetime) -> str:
    """End the fit of a meter that has begun a new epoch, begin another with the register it tells; return the account.

    When that cannot be, a person is called, and nothing is charged by the new epoch until the fit is put right.
    """
    account_id = need(uow.connections, fit.connection_id, "connection").account_id
    try:
        with uow.savepoint(), charging.rewriting(uow, account_id):
            _refit(uow, fit, epoch, register_wh, at, now)
    except MicrogridError as error:
        why = "; ".join(problem.what for problem in error.problems)
        what = f"meter '{fit.meter_id}' has begun a new register, and its fit could not follow: {why}"
        raise_alarm(uow, f"epoch:{epoch.id}", f"meter:{fit.meter_id}", what, now)
    return account_id


def _refit(uow: UnitOfWork, fit: Fit, epoch: MeterEpoch, register_wh: int, at: datetime, now: datetime) -> None:
    last = uow.readings.between(fit.meter_id, fit.epoch, fit.fitted_at, now)[-1:]
    shown = [(fit.fitted_at, fit.first_register_wh), *((row.at, row.register_wh) for row in last)]
    reported = uow.twins.get(fit.meter_id).reported
    if reported is not None and reported.epoch == fit.epoch:
        shown.append((reported.received_at, reported.register_wh))
    last_at, last_wh = max(when for when, _ in shown), max(wh for _, wh in shown)
    begun_at = at if last_at <= at <= now + CLOCK_NEAR else max(now, last_at)
    uow.meters.hold(fit.meter_id)
    fits.remove_meter(uow, fit.id, begun_at, last_wh, now)
    follows = Fit(f"{fit.id}@{epoch.number}", fit.meter_id, fit.connection_id, epoch.number, begun_at, register_wh)
    fits.fit_meter(uow, follows, now)
    asides.examine(uow, follows, now)
    detail = f"register epoch {fit.epoch} ended at {last_wh} Wh, {epoch.number} began at {register_wh} Wh"
    meter = f"meter:{fit.meter_id}"
    note(uow, f"fit:{follows.id}", now, meter, "begin register anew", meter, detail)


def refitted(uow: UnitOfWork, epochs: Epochs, meter_ids: Iterable[str]) -> Epochs:
    """Return the epochs after fits of some meters have changed."""
    return replace(epochs, fits={**epochs.fits, **_fits(uow, set(meter_ids))})


def _next_number(known: Sequence[MeterEpoch], fitted_at: Sequence[Fit], wire_epoch: int) -> int | None:
    """Return the number that an epoch gets now, or nothing when it has one: that of a fit that waits for its meter."""
    newest = known[-1] if known else None
    fit = _open_fit(fitted_at)
    waiting = fit.epoch if fit is not None and (newest is None or fit.epoch > newest.number) else None
    if all(epoch.wire_epoch != wire_epoch for epoch in known):
        taken = [epoch.number for epoch in known] + [each.epoch for each in fitted_at]
        return max(taken, default=0) + 1 if waiting is None else waiting
    return waiting if newest is not None and newest.wire_epoch == wire_epoch else None


def _open_fit(fitted_at: Iterable[Fit]) -> Fit | None:
    return next((fit for fit in fitted_at if fit.removed_at is None), None)


def _fits(uow: UnitOfWork, meter_ids: Iterable[str]) -> dict[str, tuple[Fit, ...]]:
    found: dict[str, tuple[Fit, ...]] = {}
    for fit in uow.fits.where_in("meter_id", meter_ids):
        found[fit.meter_id] = (*found.get(fit.meter_id, ()), fit)
    return found


def _by_meter(epochs: Iterable[MeterEpoch]) -> dict[str, tuple[MeterEpoch, ...]]:
    found: dict[str, tuple[MeterEpoch, ...]] = {}
    for epoch in sorted(epochs, key=lambda each: each.number):
        found[epoch.meter_id] = (*found.get(epoch.meter_id, ()), epoch)
    return found
