"""Tokens that a person asks for, on an open transaction: without a payment, so each says who wanted it and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from device.openpaygo import Kind
from microgrid.billing.plans import EnergyRules, LeaseRules, PlanVersion, TimeRules
from microgrid.billing.standing import standing_of
from microgrid.customers.service import fitted, note
from microgrid.errors import Contradiction, InvalidInput, Problem
from microgrid.home_ports import Home
from microgrid.kept import Approval
from microgrid.ports import Keys, UnitOfWork
from microgrid.switching.token_devices import (
    BY_HAND,
    ENERGY_LASTS,
    Held,
    Reason,
    give_out,
    hold,
    refuse_without,
    sum_of,
    up_to_date,
)
from microgrid.switching.token_records import GivenToken, TokenUnit
from microgrid.switching.token_texts import tell
from microgrid.switching.tokens import WH_PER_UNIT, Release, encode, grant, release_problems

ANOTHER = "whoever agrees"  # a second person, who is not known yet when the first one asks


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token that a person asks for; the same id again is the same request. A sync carries neither days nor energy."""

    id: str
    kind: Literal["add", "set", "sync"]
    note: str
    days: int | None = None
    energy_wh: int | None = None


def hand_out(
    uow: UnitOfWork, keys: Keys, meter_id: str, wanted: Wanted, actor: str, now: datetime
) -> Sequence[GivenToken]:
    """Return the tokens of a request, those given before or new ones; InvalidInput with all that speaks against it."""
    held = hold(uow, keys, meter_id)
    unit = _unit(wanted, _plan(uow, meter_id, now))
    units = (wanted.days or 0) * held.device.divider + (wanted.energy_wh or 0) // WH_PER_UNIT
    source = f"{BY_HAND}{wanted.id}"
    earlier = uow.tokens.where(source=source)
    if earlier:
        _refuse_other(earlier, meter_id, wanted, units)
        return earlier
    over_at = now + (timedelta(days=wanted.days) if wanted.days is not None else ENERGY_LASTS)
    why = Reason(source, actor, now, unit, wanted.note, over_at if held.twin.token_only else None)
    given = _drawn(uow, held, wanted, units, why)
    tell(uow, home_of(uow, meter_id), given, now)
    note(uow, f"token:{source}", now, actor, f"token {wanted.kind}", f"meter:{meter_id}", wanted.note)
    return given


def check_unlock(uow: UnitOfWork, meter_id: str, person: str) -> None:
    """Refuse to ask for a meter to be unlocked for ever while something is still to be paid for it."""
    refuse_without(uow, meter_id)
    problems = release_problems(meter_id, release_of(uow, meter_id, person, ANOTHER))
    if problems:
        raise InvalidInput(*problems)


def unlock(uow: UnitOfWork, keys: Keys, meter_id: str, agreed: Approval, now: datetime) -> Sequence[GivenToken]:
    """Return the token that unlocks a meter for ever, as two people agreed; its contract must be paid off."""
    held = hold(uow, keys, meter_id)
    source = f"approval:{agreed.id}"
    earlier = uow.tokens.where(source=source)
    if earlier:
        return earlier
    release = release_of(uow, meter_id, agreed.asked_by, agreed.decided_by)
    token, device = encode(up_to_date(uow, held, now), Kind.DISABLE, release=release)
    why = Reason(source, agreed.decided_by, now, note=agreed.note)
    given = give_out(uow, held, device, (token,), why)
    tell(uow, home_of(uow, meter_id), given, now)
    return given


def release_of(uow: UnitOfWork, meter_id: str, asked_by: str, agreed_by: str) -> Release:
    """Return who wants a meter unlocked for ever, and what is left to pay of the contracts it is leased by."""
    leased = uow.contracts.where_in("account_id", accounts_of(uow, meter_id))
    signed = [one for one in leased if one.state != "written_off"]
    named = [one for one in signed if one.device == meter_id]
    contracts = named or [one for one in signed if one.device is None]
    names, left_minor = ", ".join(one.id for one in contracts), sum(one.left_minor for one in contracts)
    return Release(meter_id, names, asked_by, agreed_by, left_minor)


def accounts_of(uow: UnitOfWork, meter_id: str) -> Sequence[str]:
    """Return the account that a meter supplies, or nothing where it is fitted nowhere."""
    fits = fitted(uow.fits.where(meter_id=meter_id))
    connections = uow.connections.get_all({fit.connection_id for fit in fits})
    return sorted({connection.account_id for connection in connections.values()})


def home_of(uow: UnitOfWork, meter_id: str) -> Home | None:
    """Return the account that a meter supplies with all that is known of it, or nothing."""
    return next(iter(uow.homes.get_all(accounts_of(uow, meter_id)).values()), None)


def _plan(uow: UnitOfWork, meter_id: str, now: datetime) -> PlanVersion | None:
    home = home_of(uow, meter_id)
    return None if home is None else standing_of(home).plan_at(now)


def _drawn(uow: UnitOfWork, held: Held, wanted: Wanted, units: int, why: Reason) -> Sequence[GivenToken]:
    device = up_to_date(uow, held, why.at)
    if wanted.kind == "add":
        made, device = grant(device, why.source, units)
        return give_out(uow, held, device, made.tokens, why)
    token, device = encode(device, Kind(wanted.kind), units)
    return give_out(uow, held, device, (token,), why)


def _unit(wanted: Wanted, plan: PlanVersion | None) -> TokenUnit:
    """Return what a token carries; InvalidInput when the request does not say it, or the plan sells the other."""
    if wanted.kind == "sync":
        _refuse(wanted, "carries neither days nor energy", wrong=(wanted.days, wanted.energy_wh) != (None, None))
        return "none"
    _refuse(wanted, "carries either days or energy", wrong=(wanted.days is None) == (wanted.energy_wh is None))
    rules = None if plan is None else plan.rules
    if wanted.energy_wh is None:
        _refuse(wanted, "would carry days, and the plan sells energy", wrong=isinstance(rules, EnergyRules))
        return "time"
    uneven = wanted.energy_wh % WH_PER_UNIT != 0
    _refuse(wanted, f"carries energy in steps of {WH_PER_UNIT} Wh, not {wanted.energy_wh} Wh", wrong=uneven)
    sells_time = isinstance(rules, TimeRules | LeaseRules)
    _refuse(wanted, "would carry energy, and the plan sells days", wrong=sells_time)
    return "energy"


def _refuse(wanted: Wanted, what: str, *, wrong: bool) -> None:
    if wrong:
        said = f"a token to {wanted.kind} {what}; none was made"
        raise InvalidInput(Problem("MG-K058", said, fix="ask for `days` or for `energy_wh`, and neither with a sync"))


def _refuse_other(earlier: Sequence[GivenToken], meter_id: str, wanted: Wanted, units: int) -> None:
    """Refuse a request whose id came before with another content."""
    known = (earlier[0].serial, earlier[0].kind, sum_of(earlier), earlier[0].note)
    asked = (meter_id, wanted.kind, units, wanted.note)
    if known != asked:
        before, now = (f"{row[1]} {row[2]} units for '{row[0]}' ({row[3]})" for row in (known, asked))
        what = f"request '{wanted.id}' made tokens to {before}, but {now} is asked for; no other token was made"
        raise Contradiction(Problem("MG-K008", what, fix="use a new id for another request"))
