"""Meters that take tokens, on an open transaction: their secrets sealed, their counts only rising.

Whoever changes a device holds the twin of its meter first, so that two of them take their turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from device.openpaygo import KEY_BYTES, SYNC_FORWARD_COUNTS, Secret, code_of, codes, value_of
from microgrid.customers.service import need
from microgrid.errors import Contradiction, InvalidInput, Problem
from microgrid.ports import Keys, UnitOfWork
from microgrid.switching.supply import Twin
from microgrid.switching.token_records import GivenToken, KeptDevice, TokenUnit, token_id
from microgrid.switching.tokens import HandOver, Token, TokenDevice, jump_after_restore, new_device, typed

CODE_BYTES = 4
ENERGY_LASTS = timedelta(days=7)  # so long after it was given out, a token for energy is taken as typed
BY_HAND = "hand:"  # how the source of a token begins that no payment paid for


@dataclass(frozen=True, slots=True)
class Held:
    """A device that nobody else changes until this transaction ends: as it is kept, with its secret, and its twin."""

    kept: KeptDevice
    device: TokenDevice
    twin: Twin


@dataclass(frozen=True, slots=True)
class Reason:
    """What tokens are given for, and by whom."""

    source: str  # the payment, the request of a person, or the agreement of two
    actor: str
    at: datetime
    unit: TokenUnit = "none"
    note: str = ""
    assumed_typed_at: datetime | None = None


def register(uow: UnitOfWork, keys: Keys, given: HandOver, now: datetime) -> KeptDevice:
    """Keep what the maker hands over of a meter; the same again is a success, another secret is refused.

    Raises InvalidInput with all that cannot be used; no message shows a secret.
    """
    device = new_device(given)
    meter = need(uow.meters, device.serial, "meter")
    twin = uow.twins.get(meter.id)
    known = uow.token_devices.hold(meter.id)
    if known is not None:
        _refuse_other(opened(known, keys), device)
        return known
    sealed = keys.seal(_secret_bytes(device.secret), _owner(meter.id))
    kept = KeptDevice(
        meter.id,
        sealed,
        device.divider,
        device.secret.restricted,
        device.secret.extended,
        device.count,
        device.typed_count,
        (),
        now,
    )
    uow.token_devices.add(kept)
    uow.twins.put(replace(twin, token_count=device.count, token_only=meter.profile == "T"))
    return kept


def proves(given: HandOver, test_code: str) -> bool:
    """Return whether a token that the maker printed beside a meter was made with what is handed over of it."""
    secret = new_device(given).secret
    code = code_of(secret, test_code)
    if code is None:
        return False
    near = islice(codes(secret, value_of(secret, code)), given.count + SYNC_FORWARD_COUNTS)
    return any(each == code for _, each in near)


def hold(uow: UnitOfWork, keys: Keys, meter_id: str) -> Held:
    """Hold the device of a meter; InvalidInput when the meter takes no tokens, or its secret does not open."""
    refuse_without(uow, meter_id)
    twin = uow.twins.get(meter_id)
    kept = uow.token_devices.hold(meter_id)
    assert kept is not None, "a device is never taken away"
    return Held(kept, opened(kept, keys), twin)


def refuse_without(uow: UnitOfWork, meter_id: str) -> None:
    """Refuse a request for a meter that is not there, or takes no tokens."""
    need(uow.meters, meter_id, "meter")
    if uow.token_devices.get(meter_id) is None:
        what = f"meter '{meter_id}' has no token device, so no token can be made for it"
        fix = "take over its key from the maker's list: microgrid token import FILE"
        raise InvalidInput(Problem("MG-K050", what, fix=fix))


def keep(uow: UnitOfWork, held: Held, device: TokenDevice) -> KeptDevice:
    """Keep a held device after its counts changed."""
    kept = replace(held.kept, count=device.count, typed_count=device.typed_count, outstanding=device.outstanding)
    uow.token_devices.put(kept)
    if held.twin.token_count != device.count:
        uow.twins.put(replace(held.twin, token_count=device.count))
    return kept


def give_out(
    uow: UnitOfWork, held: Held, device: TokenDevice, tokens: Sequence[Token], why: Reason
) -> Sequence[GivenToken]:
    """Keep tokens and the device they were drawn from, before anybody sees them."""
    given = [
        GivenToken(
            token_id(token.serial, token.count),
            token.serial,
            token.count,
            token.kind.value,
            token.value,
            why.unit,
            token.digits,
            why.source,
            why.at,
            why.actor,
            why.note,
            why.assumed_typed_at,
        )
        for token in tokens
    ]
    for one in given:
        uow.tokens.add(one)  # a count that was given out before stops everything here
    keep(uow, held, device)
    return given


def up_to_date(uow: UnitOfWork, held: Held, now: datetime) -> TokenDevice:
    """Return a held device with all that must have been typed by now, or is in limits that its meter holds."""
    device = held.device
    desired = held.twin.desired
    if desired is not None and held.twin.in_sync and desired.tokens_included:
        for count in (each for each in device.outstanding if each <= desired.tokens_included):
            device = typed(device, count)
        device = replace(device, typed_count=max(device.typed_count, desired.tokens_included))
    ids = [token_id(device.serial, count) for count in device.outstanding]
    for token in uow.tokens.get_all(ids).values() if ids else ():
        if token.assumed_typed_at is not None and token.assumed_typed_at <= now:
            device = typed(device, token.count)
    return device


def take_typed(uow: UnitOfWork, keys: Keys, meter_id: str, count: int) -> KeptDevice:
    """Take in that a meter holds a token of this count; one we do not know of was given out before a restore."""
    held = hold(uow, keys, meter_id)
    furthest = held.device.count + SYNC_FORWARD_COUNTS
    if count > furthest:
        what = f"meter '{meter_id}' cannot hold a token of count {count}; the newest given out is {held.device.count}"
        why = f"no meter looks further than {SYNC_FORWARD_COUNTS} counts ahead"
        raise InvalidInput(Problem("MG-K053", what, why, "read the count off the meter again"))
    return keep(uow, held, typed(held.device, count))


def jump(uow: UnitOfWork, keys: Keys, meter_id: str, counts: int) -> KeptDevice:
    """Let the counts of a meter jump ahead after the books were restored: no count is given out twice."""
    held = hold(uow, keys, meter_id)
    return keep(uow, held, jump_after_restore(held.device, counts))


def opened(kept: KeptDevice, keys: Keys) -> TokenDevice:
    """Return a device with its secret."""
    secret = keys.unseal(kept.sealed, _owner(kept.id))
    key, code = secret[:KEY_BYTES], int.from_bytes(secret[KEY_BYTES:], "big")
    return TokenDevice(
        kept.id,
        Secret(code, key, kept.restricted, kept.extended),
        kept.divider,
        kept.count,
        kept.typed_count,
        kept.outstanding,
    )


def sum_of(tokens: Iterable[GivenToken]) -> int:
    """Return the units that tokens carry together."""
    return sum(token.value for token in tokens)


def _secret_bytes(secret: Secret) -> bytes:
    return secret.key + secret.starting_code.to_bytes(CODE_BYTES, "big")


def _owner(meter_id: str) -> str:
    return f"meter:{meter_id}"


def _refuse_other(known: TokenDevice, given: TokenDevice) -> None:
    """Refuse a second hand-over that differs, naming what differs and showing no secret."""
    differs = [
        name
        for name, one, other in (
            ("key", known.secret.key, given.secret.key),
            ("starting code", known.secret.starting_code, given.secret.starting_code),
            ("divider", known.divider, given.divider),
            ("restricted", known.secret.restricted, given.secret.restricted),
            ("extended", known.secret.extended, given.secret.extended),
        )
        if one != other
    ]
    if given.count > known.count:
        differs.append(f"count ({given.count}, the newest given out here is {known.count})")
    if differs:
        what = f"meter '{known.serial}' is there already with another {', another '.join(differs)}; nothing was changed"
        fix = "compare with the maker's list; a meter that got a new key gets a new id as well"
        raise Contradiction(Problem("MG-K051", what, fix=fix))
