"""What people do with meters that take tokens: take over their keys, ask for tokens, tell what was typed.

As every action: one transaction, who did it written down, and what was decided sent after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from microgrid.customers import service as customers
from microgrid.customers.records import Meter
from microgrid.errors import InvalidInput, MicrogridError, Problem
from microgrid.flows import send
from microgrid.ports import Core, UnitOfWork, transact
from microgrid.switching import service as switching
from microgrid.switching import token_devices, token_sales
from microgrid.switching.token_records import GivenToken, KeptDevice
from microgrid.switching.token_requests import Wanted, accounts_of, hand_out
from microgrid.switching.tokens import HandOver

Result = TypeVar("Result")
BATCH = 500


@dataclass(frozen=True, slots=True)
class Device:
    """A meter that takes tokens, without its secret; `outstanding` is how many may still be typed."""

    meter_id: str
    divider: int
    restricted: bool
    extended: bool
    count: int
    typed_count: int
    outstanding: int


def device_of(kept: KeptDevice) -> Device:
    """Return a kept device without its secret."""
    counts = (kept.count, kept.typed_count, len(kept.outstanding))
    return Device(kept.id, kept.divider, kept.restricted, kept.extended, *counts)


def add_device(core: Core, given: HandOver, actor: str) -> Device:
    """Take over the starting code and the key of a meter; tokens that waited for them are given now."""
    return _act(core, given.serial, lambda uow, now: _registered(uow, core, given, actor, now))


def add_devices(core: Core, rows: Sequence[HandOver], actor: str) -> Sequence[Device]:
    """Take over a whole delivery, or nothing of it: raises InvalidInput with what is wrong with every row.

    A meter that is not there yet is added as one that takes tokens only.
    """
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> Sequence[Device]:
        added: list[Device] = []
        problems: list[Problem] = []
        for given in rows:
            try:
                if uow.meters.get(given.serial) is None:
                    _added_meter(uow, given.serial, actor, now)
                added.append(_registered(uow, core, given, actor, now))
            except MicrogridError as error:
                problems += error.problems
        if problems:
            raise InvalidInput(*problems)
        return added

    return transact(core.store, flow)


def give_for_payment(core: Core, meter_id: str, payment_id: str, actor: str) -> Sequence[GivenToken]:
    """Return the tokens of a payment for a meter: the same ones however often and by whomever they are asked for."""

    def act(uow: UnitOfWork, now: datetime) -> Sequence[GivenToken]:
        payment = uow.payments.hold(payment_id)
        if payment is None:
            raise InvalidInput(customers.unknown("payment", payment_id))
        if payment.status != "posted" or payment.account_id not in accounts_of(uow, meter_id):
            what = f"payment '{payment_id}' is {payment.status}, for {payment.account_id or 'no account'}"
            what = f"{what}: it buys nothing for meter '{meter_id}'"
            raise InvalidInput(Problem("MG-K056", what, fix="move the payment to the account of this meter first"))
        token_devices.hold(uow, core.keys, meter_id)
        given = token_sales.sell(uow, core.keys, payment, now, meter_id)
        customers.note(uow, f"token:{payment_id}:{meter_id}", now, actor, "token for payment", f"meter:{meter_id}")
        return [token for token in given if token.serial == meter_id]

    return _act(core, meter_id, act)


def give_by_hand(core: Core, meter_id: str, wanted: Wanted, actor: str) -> Sequence[GivenToken]:
    """Give a token without a payment: to make good for something, to put a meter right, or to bring counts together."""
    return _act(core, meter_id, lambda uow, now: hand_out(uow, core.keys, meter_id, wanted, actor, now))


def tell_typed(core: Core, meter_id: str, count: int, actor: str) -> Device:
    """Take in that a token of this count was typed, as the meter or its customer says."""

    def act(uow: UnitOfWork, now: datetime) -> Device:
        kept = token_devices.take_typed(uow, core.keys, meter_id, count)
        customers.note(uow, f"typed:{meter_id}:{count}", now, actor, "token typed", f"meter:{meter_id}", str(count))
        return device_of(kept)

    return _act(core, meter_id, act)


def jump(core: Core, jump_id: str, meter_id: str, counts: int, actor: str) -> Device:
    """Let the counts of a meter jump ahead after the books were restored from a copy, once per id."""

    def act(uow: UnitOfWork, now: datetime) -> Device:
        held = token_devices.hold(uow, core.keys, meter_id)
        key = f"jump:{jump_id}:{meter_id}"
        if uow.audit.get(key) is not None:
            return device_of(held.kept)
        kept = token_devices.jump(uow, core.keys, meter_id, counts)
        customers.note(uow, key, now, actor, "token counts jump", f"meter:{meter_id}", str(counts))
        return device_of(kept)

    return _act(core, meter_id, act)


def jump_all(core: Core, jump_id: str, counts: int, actor: str) -> int:
    """Let the counts of every meter jump ahead, each in a transaction of its own; return how many there are."""
    number, after = 0, ""
    while True:
        with core.store.read() as uow:
            rows = uow.token_devices.page(after, BATCH)
        for kept in rows:
            jump(core, jump_id, kept.id, counts, actor)
        number += len(rows)
        if len(rows) < BATCH:
            return number
        after = rows[-1].id


# Inside ---------------------------------------------------------------------------------------------------------------


def _act(core: Core, meter_id: str, act: Callable[[UnitOfWork, datetime], Result]) -> Result:
    """Do something with the tokens of a meter; what waited for it is given, and supply is decided again."""
    now = core.clock.now()

    def flow(uow: UnitOfWork) -> tuple[Result, Sequence[switching.Order]]:
        account_ids = accounts_of(uow, meter_id)
        uow.credits.lock(account_ids)
        done = act(uow, now)
        for account_id in account_ids:
            token_sales.give_now(uow, core.keys, account_id, now)
        return done, switching.settle(uow, account_ids, now)

    done, orders = transact(core.store, flow)
    send(core, orders)
    return done


def _registered(uow: UnitOfWork, core: Core, given: HandOver, actor: str, now: datetime) -> Device:
    kept = token_devices.register(uow, core.keys, given, now)
    customers.note(uow, f"token-device:{kept.id}:add", now, actor, "add token device", f"meter:{kept.id}")
    return device_of(kept)


def _added_meter(uow: UnitOfWork, meter_id: str, actor: str, now: datetime) -> None:
    customers.add_meter(uow, Meter(meter_id, "T"))
    customers.note(uow, f"meter:{meter_id}:add", now, actor, "add meter", f"meter:{meter_id}")
