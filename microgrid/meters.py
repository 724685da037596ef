"""What people do with meters: give them keys, take them over, order what they supply, ask them.

As every action: one transaction, who did it written down, and what was decided sent after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeVar

from microgrid import actions
from microgrid.customers import service as customers
from microgrid.customers.records import Fit, Meter
from microgrid.customers.service import fitted
from microgrid.errors import Contradiction, InvalidInput, MicrogridError, Problem
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.switching import provisioning
from microgrid.switching.device_records import Claim, DeviceModel
from microgrid.switching.provisioning import Fresh, Secrets
from microgrid.switching.service import UNSEEN
from microgrid.switching.supply import Desired
from microgrid.switching.told import Ask
from microgrid.trying import on_trial

Result = TypeVar("Result")
OrderKind = Literal["on", "off", "none", "limit"]


@dataclass(frozen=True, slots=True)
class OrderOf:
    """What a person orders of one meter: on, off, no more than a limit, or by its credit alone again (`none`)."""

    kind: OrderKind
    reason: str
    power_limit_w: int | None = None


@dataclass(frozen=True, slots=True)
class Successor:
    """A meter that takes the place of another one: its register then, and when that is, if not now."""

    meter_id: str
    first_register_wh: int
    fitted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """What became of an order: where the meter is fitted, and what is desired of it before and after.

    `desired` is the same as `before` where the order changes nothing of what the meter is told.
    """

    meter_id: str
    connection_id: str
    before: Desired | None
    desired: Desired | None
    written: bool

    @property
    def is_new(self) -> bool:
        """Return whether the meter is told anything new."""
        return self.desired is not None and self.desired != self.before


def add_model(core: Core, model: DeviceModel, actor: str) -> DeviceModel:
    """Add a kind of device; what one of a name can do never changes."""

    def add(uow: UnitOfWork, now: datetime) -> DeviceModel:
        added = customers.add_once(uow.device_models, model, model.id, "device model")
        customers.note(uow, f"model:{model.id}:add", now, actor, "add device model", f"model:{model.id}")
        return added

    return _act(core, add)


def issue(core: Core, site_id: str, wanted: Sequence[tuple[Meter, Fresh]], actor: str) -> Sequence[str]:
    """Add meters unless they are there, and give them their secrets: all of them, or none and why.

    Returns those that had none yet; the others keep theirs.
    """

    def give(uow: UnitOfWork, now: datetime) -> Sequence[str]:
        new: list[str] = []
        problems: list[Problem] = []
        for meter, fresh in wanted:
            try:
                _added(uow, meter, now, actor)
                if provisioning.issue(uow, core.keys, meter.id, site_id, fresh, now, actor):
                    new.append(meter.id)
            except MicrogridError as error:
                problems += [problem for problem in error.problems if problem not in problems]
        customers.refuse(problems)
        return new

    return _act(core, give)


def hand_out(core: Core, meter_ids: Sequence[str], actor: str) -> Sequence[Secrets]:
    """Return the secrets of meters for whoever puts them in, once, and all of them or none."""

    def show(uow: UnitOfWork, now: datetime) -> Sequence[Secrets]:
        return [provisioning.hand_out(uow, core.keys, meter_id, now, actor) for meter_id in meter_ids]

    return _act(core, show)


def claim(core: Core, code: str, actor: str) -> Claim:
    """Take a meter over by the code on its label, once."""
    return _act(core, lambda uow, now: provisioning.claim(uow, code, now, actor))


def renew(
    core: Core, meter_id: str, fresh: Fresh, actor: str, *, with_password: bool = False, instead: bool = False
) -> Secrets:
    """Give a meter a fresh key beside the one it uses, and a fresh password in place of its old one if asked to."""

    def give(uow: UnitOfWork, now: datetime) -> Secrets:
        given = provisioning.renew(uow, core.keys, meter_id, fresh.keys[0], now, actor, instead=instead)
        if not with_password:
            return given
        provisioning.new_password(uow, meter_id, fresh.password_hash, now, actor)
        return replace(given, password=fresh.password)

    return _act(core, give)


def drop_old_key(core: Core, meter_id: str, actor: str) -> None:
    """Forget the key that a meter used before its fresh one."""
    _act(core, lambda uow, now: provisioning.drop_old(uow, core.keys, meter_id, now, actor))


def revoke(core: Core, device_id: str, actor: str, why: str) -> None:
    """End the rights of a meter or gateway for ever."""
    _act(core, lambda uow, now: provisioning.revoke(uow, device_id, now, actor, why))


def add_gateway(core: Core, gateway_id: str, site_id: str, fresh: Fresh, actor: str, *, renewed: bool = False) -> str:
    """Let a gateway carry messages of its site, and return its password, once; `renewed`: another password."""

    def add(uow: UnitOfWork, now: datetime) -> str:
        is_new = provisioning.add_gateway(uow, core.keys, gateway_id, site_id, fresh, now, actor)
        if not is_new and renewed:
            provisioning.new_password(uow, gateway_id, fresh.password_hash, now, actor, noun="gateway")
            return fresh.password
        return provisioning.hand_out_gateway(uow, core.keys, gateway_id, now, actor)

    return _act(core, add)


def order(core: Core, meter_id: str, wanted: OrderOf, actor: str, *, write: bool = True) -> Ordered:
    """Order what a meter supplies; with `write` false, only say what it would be told."""
    connection_id, before = _place(core, meter_id)
    acting, trial = (core, None) if write else on_trial(core)
    actions.order_supply(acting, connection_id, wanted.kind, actor, wanted.reason, wanted.power_limit_w)
    if trial is not None:
        return Ordered(meter_id, connection_id, before, trial.orders.get(meter_id, before), written=False)
    with core.store.read() as uow:
        return Ordered(meter_id, connection_id, before, uow.twins.get(meter_id).desired, written=True)


def swap(
    core: Core, meter_id: str, last_register_wh: int, follows: Successor, actor: str, *, write: bool = True
) -> Fit:
    """Replace a meter by another one at its place; with `write` false, only say whether that can be done."""
    with core.store.read() as uow:
        fit = _fit(uow, meter_id)
        epoch = max((one.epoch for one in uow.fits.where(meter_id=follows.meter_id)), default=0) + 1
    fitted_at = follows.fitted_at or core.clock.now()
    key = f"{follows.meter_id}:{epoch}"
    made = Fit(key, follows.meter_id, fit.connection_id, epoch, fitted_at, follows.first_register_wh)
    acting = core if write else on_trial(core)[0]
    return actions.swap_meter(acting, fit.id, last_register_wh, made, actor)


def ask(core: Core, meter_id: str, kind: Literal["report", "time"], actor: str) -> datetime:
    """Ask a meter to report, or tell it the time; return when that was asked for."""

    def put(uow: UnitOfWork, now: datetime) -> Ask:
        customers.need(uow.meters, meter_id, "meter")
        _refuse_unseen(uow, meter_id)
        row, contact = uow.meter_keys.get(meter_id), uow.contacts.get(meter_id)
        if row is None or row.revoked_at is not None:
            what = f"meter '{meter_id}' has no keys, so that it cannot be asked"
            raise InvalidInput(Problem("MG-M060", what, fix=f"issue them: microgrid meter add {meter_id}"))
        if kind == "time" and contact is None:
            what = f"meter '{meter_id}' was never heard, so that it cannot be told the time"
            raise InvalidInput(Problem("MG-M078", what, "it is told when it comes", "see whether it has power"))
        note = f"ask:{meter_id}:{now.isoformat()}"
        customers.note(uow, note, now, actor, f"ask for {kind}", f"meter:{meter_id}")
        return Ask("report") if contact is None or kind == "report" else Ask("time", contact.boot, contact.birth)

    asked_at = core.clock.now()
    core.link.request(meter_id, _act(core, put))
    return asked_at


# Inside ---------------------------------------------------------------------------------------------------------------


def _act(core: Core, act: Callable[[UnitOfWork, datetime], Result]) -> Result:
    now = core.clock.now()
    return transact(core.store, lambda uow: act(uow, now))


def _added(uow: UnitOfWork, meter: Meter, now: datetime, actor: str) -> None:
    """Add a meter unless it is there; one that is there without a model gets the one that is named."""
    known = uow.meters.get(meter.id)
    if known is None:
        customers.add_meter(uow, meter)
        customers.note(uow, f"meter:{meter.id}:add", now, actor, "add meter", f"meter:{meter.id}")
    elif meter.model_id and known.model_id != meter.model_id:
        model = customers.need(uow.device_models, meter.model_id, "device model")
        given = replace(known, model_id=model.id, profile=model.profile)
        if known.model_id or given.profile != known.profile:
            raise Contradiction(customers.contradiction("MG-A002", "meter", meter.id, known, given))
        uow.meters.put(given)


def _place(core: Core, meter_id: str) -> tuple[str, Desired | None]:
    """Return where a meter is fitted and what is desired of it; InvalidInput where no order can reach anybody."""
    with core.store.read() as uow:
        customers.need(uow.meters, meter_id, "meter")
        _refuse_unseen(uow, meter_id)
        return _fit(uow, meter_id).connection_id, uow.twins.get(meter_id).desired


def _fit(uow: UnitOfWork, meter_id: str) -> Fit:
    customers.need(uow.meters, meter_id, "meter")
    found = fitted(uow.fits.where(meter_id=meter_id))
    if not found:
        what = f"meter '{meter_id}' is fitted nowhere, so that it supplies nobody"
        raise InvalidInput(Problem("MG-M079", what, fix="fit it to a connection first"))
    return found[0]


def _refuse_unseen(uow: UnitOfWork, meter_id: str) -> None:
    if uow.twins.get(meter_id).token_only:
        what = f"meter '{meter_id}' cannot be reached: {UNSEEN}"
        raise InvalidInput(Problem("MG-M080", what, fix=f"make a token to type in: microgrid token new {meter_id}"))
