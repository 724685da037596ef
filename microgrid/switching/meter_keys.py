"""The keys that a meter and the service prove their messages with, on an open transaction: sealed at rest, two slots.

A key is changed without losing a message: the fresh one goes into the other slot, both are taken until the meter has
shown that it holds the fresh one, and only then is the old one dropped.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from device.signing import KEY_BYTES, SLOTS, MeterKeys, rotated
from microgrid.customers.service import need
from microgrid.errors import Contradiction, InvalidInput, Problem
from microgrid.ports import Keys, UnitOfWork
from microgrid.switching.meter_records import MeterKeysRow

IN_A_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
RESERVED = ("gateway", "shed")


def put_keys(
    uow: UnitOfWork, keys: Keys, meter_id: str, site_id: str, given: MeterKeys, now: datetime, mqtt_user: str = ""
) -> MeterKeysRow:
    """Keep the first keys of a meter; the same again is a success, others are refused: see `rotate_key`."""
    need(uow.meters, meter_id, "meter")
    _refuse_names(site_id, meter_id)
    known = uow.meter_keys.hold(meter_id)
    if known is None:
        sealed = keys.seal(_written(given), _owner(meter_id))
        user = mqtt_user or meter_id
        row = MeterKeysRow(meter_id, site_id, sealed, given.sign_with, given.tag_bytes, user, now, now)
        uow.meter_keys.add(row)
        return row
    if known.site_id != site_id or opened_keys(known, keys) != given:
        what = f"meter '{meter_id}' has keys already, at site '{known.site_id}', and others came; nothing was changed"
        fix = "give it a fresh key beside the old one instead, or a new id"
        raise Contradiction(Problem("MG-M061", what, fix=fix))
    return known


def keys_of(uow: UnitOfWork, keys: Keys, meter_id: str) -> MeterKeys:
    """Return the keys of a meter; InvalidInput when it has none, or no longer."""
    return opened_keys(_held(uow, meter_id), keys)


def rotate_key(uow: UnitOfWork, keys: Keys, meter_id: str, fresh: bytes, now: datetime) -> MeterKeysRow:
    """Put a fresh key into the slot that is not signed with; from now on messages with either are taken."""
    row = _held(uow, meter_id)
    return _changed(uow, keys, replace(row, awaits_fresh=True), rotated(opened_keys(row, keys), fresh), now)


def sign_with_slot(uow: UnitOfWork, keys: Keys, meter_id: str, slot: int, now: datetime) -> MeterKeysRow:
    """Sign with another slot, once the meter has shown that it holds its key; there is no way back to the old one."""
    row = _held(uow, meter_id)
    if row.sign_with == slot or not row.awaits_fresh:
        return row
    before = opened_keys(row, keys)
    if slot not in range(SLOTS) or before.slots[slot] is None:
        what = f"meter '{meter_id}' has no key in slot {slot}"
        raise InvalidInput(Problem("MG-M060", what, fix="give it a fresh key first"))
    return _changed(uow, keys, replace(row, awaits_fresh=False), replace(before, sign_with=slot), now)


def drop_old_key(uow: UnitOfWork, keys: Keys, meter_id: str, now: datetime) -> MeterKeysRow:
    """Forget the key in the slot that is not signed with; messages with it are refused from now on."""
    row = _held(uow, meter_id)
    before = opened_keys(row, keys)
    first, second = (key if slot == before.sign_with else None for slot, key in enumerate(before.slots))
    return _changed(uow, keys, row, replace(before, slots=(first, second)), now)


def revoke_keys(uow: UnitOfWork, meter_id: str, now: datetime) -> MeterKeysRow:
    """End the keys of a meter: nothing it says is taken any more, and nothing is sent to it."""
    row = replace(_held(uow, meter_id), revoked_at=now)
    uow.meter_keys.put(row)
    return row


def opened_keys(row: MeterKeysRow, keys: Keys) -> MeterKeys:
    """Return the keys of a row; InvalidInput when they were sealed with another key of the service."""
    plain = keys.unseal(row.sealed, _owner(row.id))
    try:
        return _read(plain, row.sign_with, row.tag_bytes)
    except ValueError as error:
        fix = "restore the books from a backup; they were changed by hand"
        raise InvalidInput(
            Problem("MG-M060", f"the keys of meter '{row.id}' cannot be read: {error}", fix=fix)
        ) from None


def _held(uow: UnitOfWork, meter_id: str) -> MeterKeysRow:
    row = uow.meter_keys.hold(meter_id)
    if row is None or row.revoked_at is not None:
        ended = "" if row is None else " any more"
        what = f"meter '{meter_id}' has no keys{ended}"
        raise InvalidInput(Problem("MG-M060", what, fix=f"issue them: microgrid meter add {meter_id}"))
    return row


def _changed(uow: UnitOfWork, keys: Keys, row: MeterKeysRow, after: MeterKeys, now: datetime) -> MeterKeysRow:
    sealed = keys.seal(_written(after), _owner(row.id))
    changed = replace(row, sealed=sealed, sign_with=after.sign_with, changed_at=now)
    uow.meter_keys.put(changed)
    return changed


def _written(keys: MeterKeys) -> bytes:
    """Return both slots as bytes: which of them hold a key, and the keys."""
    held = bytes(key is not None for key in keys.slots)
    return held + b"".join(key or bytes(KEY_BYTES) for key in keys.slots)


def _read(plain: bytes, sign_with: int, tag_bytes: int) -> MeterKeys:
    if len(plain) != SLOTS + KEY_BYTES * SLOTS or sign_with not in range(SLOTS):
        raise ValueError(f"they have {len(plain)} bytes")
    first, second = (
        plain[start : start + KEY_BYTES] if plain[slot] else None
        for slot, start in enumerate(range(SLOTS, len(plain), KEY_BYTES))
    )
    return MeterKeys((first, second), sign_with, 8 if tag_bytes == 8 else 32)


def _owner(meter_id: str) -> str:
    return f"meter:{meter_id}"


def _refuse_names(site_id: str, meter_id: str) -> None:
    """Refuse names that cannot stand in a topic, each with the reason."""
    why = "brokers part topics at slashes and have signs for 'any'; `gateway` and `shed` mean something else"
    fix = "use 1 to 32 letters, digits, hyphens and underscores"
    problems = [
        Problem("MG-M062", f"the {noun} id {name[:60]!r} cannot stand in the topic of a meter", why, fix)
        for noun, name in (("site", site_id), ("meter", meter_id))
        if IN_A_TOPIC.fullmatch(name) is None or name in RESERVED
    ]
    if problems:
        raise InvalidInput(*problems)
