"""Devices get their secrets, are taken over once, and lose their rights, on an open transaction.

A meter has two keys, by which it and the service prove what they say, and a password at the broker, which proves
nothing but lets it come. All are kept sealed. The label on the meter shows a claim code and never a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from device.signing import MeterKeys
from microgrid.customers.service import contradiction, need, note
from microgrid.errors import Contradiction, InvalidInput, Problem
from microgrid.kept import OutboxItem
from microgrid.ports import Keys, UnitOfWork
from microgrid.switching.claim_codes import code_hash
from microgrid.switching.device_records import BrokerUser, Claim, UserKind
from microgrid.switching.meter_keys import (
    IN_A_TOPIC,
    RESERVED,
    drop_old_key,
    keys_of,
    put_keys,
    revoke_keys,
    rotate_key,
)

BROKER = "broker"  # kind of the outbox: the broker's list of devices is to be written again
SERVICE_USER = "service"
DAY_S = 86_400
_HOW_TO_ADD = {"meter": "microgrid meter add", "gateway": "microgrid broker gateway"}
_HOW_TO_RENEW = {"meter": "microgrid meter renew --password", "gateway": "microgrid broker gateway --renew"}


@dataclass(frozen=True, slots=True)
class Fresh:
    """Secrets for one device, made from this machine's chance by whoever asks for them."""

    keys: tuple[bytes, bytes] = field(repr=False)
    password: str = field(repr=False)
    password_hash: str = field(repr=False)
    claim_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Secrets:
    """All that a device has to be told, once: for the one who puts it into the device."""

    meter_id: str
    site_id: str
    keys: tuple[bytes | None, bytes | None] = field(repr=False)
    sign_with: Literal[0, 1]
    username: str
    password: str = field(repr=False)
    token_unit_s: int | None = None  # what one unit of its keypad tokens means; None: it takes none, or counts energy


def issue(uow: UnitOfWork, keys: Keys, meter_id: str, site_id: str, fresh: Fresh, now: datetime, actor: str) -> bool:
    """Give a meter its keys, its name and password at the broker, and a claim code; say whether it had none yet."""
    meter = need(uow.meters, meter_id, "meter")
    need(uow.sites, site_id, "site")
    if meter.profile == "T":
        what = f"meter '{meter_id}' takes keypad tokens only, so it has no use for keys of messages"
        raise InvalidInput(Problem("MG-M070", what, fix="take over its token key: microgrid token import"))
    known = uow.meter_keys.hold(meter_id)
    if known is not None and known.revoked_at is None and known.site_id == site_id:
        return False
    _refuse_ended(uow, meter_id)
    put_keys(uow, keys, meter_id, site_id, MeterKeys(fresh.keys), now)
    _admit(uow, keys, BrokerUser(meter_id, site_id, "meter", fresh.password_hash, b"", now), fresh.password, now)
    uow.claims.add(Claim(meter_id, code_hash(fresh.claim_code), site_id, now))
    note(uow, f"keys:{meter_id}:issue", now, actor, "issue keys", f"meter:{meter_id}", f"site {site_id}")
    return True


def add_gateway(
    uow: UnitOfWork, keys: Keys, gateway_id: str, site_id: str, fresh: Fresh, now: datetime, actor: str
) -> bool:
    """Let a gateway come to the broker and carry messages of its site; it gets no key. Say whether it is new."""
    need(uow.sites, site_id, "site")
    is_name = IN_A_TOPIC.fullmatch(gateway_id) is not None and gateway_id not in (*RESERVED, SERVICE_USER)
    if not is_name or uow.meters.get(gateway_id) is not None:
        what = f"a gateway cannot be called {gateway_id[:60]!r}"
        why = "it is the name of a meter or a word of the protocol, or it has signs that no topic can have"
        raise InvalidInput(Problem("MG-M071", what, why, "use a name of its own: letters, digits, - and _"))
    given = BrokerUser(gateway_id, site_id, "gateway", fresh.password_hash, b"", now)
    known = uow.broker_users.hold(gateway_id)
    if known is not None:
        if known.site_id != site_id or known.revoked_at is not None:
            raise Contradiction(contradiction("MG-A002", "gateway", gateway_id, known, given))
        return False
    _admit(uow, keys, given, fresh.password, now)
    note(uow, f"gateway:{gateway_id}:add", now, actor, "add gateway", f"gateway:{gateway_id}", f"site {site_id}")
    return True


def hand_out(uow: UnitOfWork, keys: Keys, meter_id: str, now: datetime, actor: str) -> Secrets:
    """Return the secrets of a meter for whoever puts them into it, once; who asked is written down."""
    held = keys_of(uow, keys, meter_id)
    user = _unseen(uow, meter_id, "meter")
    password = keys.unseal(user.sealed_password, _owner(meter_id)).decode()
    _seen(uow, user, now)
    note(uow, f"keys:{meter_id}:show", now, actor, "show keys", f"meter:{meter_id}")
    unit_s = _token_unit_s(uow, meter_id)
    return Secrets(meter_id, user.site_id, held.slots, _slot(held), user.id, password, unit_s)


def hand_out_gateway(uow: UnitOfWork, keys: Keys, gateway_id: str, now: datetime, actor: str) -> str:
    """Return the password of a gateway, once; who asked is written down."""
    user = _unseen(uow, gateway_id, "gateway")
    password = keys.unseal(user.sealed_password, _owner(gateway_id)).decode()
    _seen(uow, user, now)
    note(uow, f"gateway:{gateway_id}:show", now, actor, "show password", f"gateway:{gateway_id}")
    return password


def claim(uow: UnitOfWork, code: str, now: datetime, actor: str) -> Claim:
    """Take a meter over by the code on its label; the same person again is a success, another one is refused."""
    found = next(iter(uow.claims.where(code_hash=code_hash(code))), None)
    known = None if found is None else uow.claims.hold(found.id)
    if known is None:
        what = "no meter has this claim code"
        raise InvalidInput(Problem("MG-M073", what, fix="read the label again: three groups of four signs"))
    if known.claimed_at is not None:
        if known.claimed_by == actor:
            return known
        what = f"meter '{known.id}' was claimed by {known.claimed_by} on {known.claimed_at:%Y-%m-%d %H:%M} UTC"
        why = "a meter is claimed once; two labels with one code are a copy"
        raise InvalidInput(Problem("MG-M074", what, why, "ask who did, and look at the meter before it is fitted"))
    claimed = replace(known, claimed_at=now, claimed_by=actor)
    uow.claims.put(claimed)
    note(uow, f"claim:{known.id}", now, actor, "claim meter", f"meter:{known.id}")
    return claimed


def renew(
    uow: UnitOfWork, keys: Keys, meter_id: str, key: bytes, now: datetime, actor: str, *, instead: bool = False
) -> Secrets:
    """Put a fresh key beside the one in use and return it alone; both count until the meter has used the fresh one.

    A fresh key that waits for its meter is lost by another one, so that is done only when it is asked for (`instead`).
    """
    row = uow.meter_keys.get(meter_id)
    if row is not None and row.awaits_fresh and not instead:
        what = f"meter '{meter_id}' has a fresh key already, which it has not used yet"
        why = "another one would end the key that waits for it"
        raise InvalidInput(Problem("MG-M075", what, why, "put that key into the meter; if it is lost, add --instead"))
    changed = rotate_key(uow, keys, meter_id, key, now)
    note(uow, f"keys:{meter_id}:renew:{now.isoformat()}", now, actor, "renew key", f"meter:{meter_id}")
    if changed.sign_with == 0:
        return Secrets(meter_id, changed.site_id, (None, key), 1, changed.mqtt_user, "")
    return Secrets(meter_id, changed.site_id, (key, None), 0, changed.mqtt_user, "")


def new_password(
    uow: UnitOfWork, device_id: str, password_hash: str, now: datetime, actor: str, *, noun: UserKind = "meter"
) -> None:
    """Give a device another password in place of the old one, which ends at once; whoever asks shows it."""
    user = _known(uow, device_id, noun)
    uow.broker_users.put(replace(user, password_hash=password_hash, sealed_password=b"", shown_at=now))
    _write_again(uow, device_id, now)
    note(uow, f"password:{device_id}:{now.isoformat()}", now, actor, "new password", f"{noun}:{device_id}")


def drop_old(uow: UnitOfWork, keys: Keys, meter_id: str, now: datetime, actor: str) -> None:
    """Forget the key that a meter used before, once it has used the fresh one."""
    row = uow.meter_keys.get(meter_id)
    if row is not None and row.awaits_fresh:
        what = f"meter '{meter_id}' has not used its fresh key yet"
        raise InvalidInput(Problem("MG-M075", what, "without its old key nothing it says could be proven"))
    drop_old_key(uow, keys, meter_id, now)
    note(uow, f"keys:{meter_id}:drop:{now.isoformat()}", now, actor, "drop old key", f"meter:{meter_id}")


def revoke(uow: UnitOfWork, device_id: str, now: datetime, actor: str, why: str) -> None:
    """End the rights of a meter or gateway for ever: it cannot come, and nothing it says is taken."""
    user = uow.broker_users.hold(device_id)
    row = uow.meter_keys.hold(device_id)
    if user is None and row is None:
        raise InvalidInput(Problem("MG-M060", f"'{device_id[:60]}' has no keys and no password", fix="correct its id"))
    if row is not None and row.revoked_at is None:
        revoke_keys(uow, device_id, now)
    if user is not None and user.revoked_at is None:
        uow.broker_users.put(replace(user, revoked_at=now, sealed_password=b""))
        _write_again(uow, device_id, now)
    subject = f"{'meter' if user is None else user.kind}:{device_id}"
    note(uow, f"keys:{device_id}:revoke", now, actor, "revoke", subject, why)


def users(uow: UnitOfWork, limit: int = 1000) -> Sequence[BrokerUser]:
    """Return everybody who may come to the broker, by name."""
    found: list[BrokerUser] = []
    while page := uow.broker_users.page(found[-1].id if found else "", limit):
        found += page
        if len(page) < limit:
            break
    return [user for user in found if user.revoked_at is None]


def _admit(uow: UnitOfWork, keys: Keys, user: BrokerUser, password: str, now: datetime) -> None:
    sealed = keys.seal(password.encode(), _owner(user.id))
    uow.broker_users.add(replace(user, sealed_password=sealed))
    _write_again(uow, user.id, now)


def _write_again(uow: UnitOfWork, device_id: str, now: datetime) -> None:
    """Let the broker's list of devices be written again after the commit."""
    uow.outbox.put(OutboxItem(f"{BROKER}:{device_id}:{now.isoformat()}", BROKER, device_id, "", now, now))


def _refuse_ended(uow: UnitOfWork, meter_id: str) -> None:
    user = uow.broker_users.get(meter_id)
    if user is not None and user.revoked_at is not None:
        what = f"the keys of meter '{meter_id}' were revoked on {user.revoked_at:%Y-%m-%d %H:%M} UTC"
        why = "what ended once stays ended, so that nobody can bring it back unseen"
        raise InvalidInput(Problem("MG-M076", what, why, "add the meter under a new id"))


def _known(uow: UnitOfWork, device_id: str, noun: UserKind) -> BrokerUser:
    user = uow.broker_users.hold(device_id)
    if user is None or user.revoked_at is not None or user.kind != noun:
        ended = "" if user is None else " any more"
        what = f"{noun} '{device_id[:60]}' has no password at the broker{ended}"
        raise InvalidInput(Problem("MG-M060", what, fix=f"issue one first: {_HOW_TO_ADD[noun]} {device_id[:60]}"))
    return user


def _unseen(uow: UnitOfWork, device_id: str, noun: UserKind) -> BrokerUser:
    user = _known(uow, device_id, noun)
    if user.shown_at is not None:
        what = f"the secrets of {noun} '{device_id}' were handed out on {user.shown_at:%Y-%m-%d %H:%M} UTC"
        why = "they are shown once, so that nobody reads them unseen; the password is no longer kept"
        raise InvalidInput(Problem("MG-M072", what, why, f"make fresh ones: {_HOW_TO_RENEW[noun]} {device_id}"))
    return user


def _seen(uow: UnitOfWork, user: BrokerUser, now: datetime) -> None:
    uow.broker_users.put(replace(user, shown_at=now, sealed_password=b""))


def _token_unit_s(uow: UnitOfWork, meter_id: str) -> int | None:
    """Return how long supply goes on for one unit of a meter's tokens, where its model says that they give time."""
    meter, device = uow.meters.get(meter_id), uow.token_devices.get(meter_id)
    model = None if meter is None or not meter.model_id else uow.device_models.get(meter.model_id)
    if model is None or model.unit != "day":
        return None
    return DAY_S if device is None else DAY_S // device.divider


def _slot(keys: MeterKeys) -> Literal[0, 1]:
    return 1 if keys.sign_with else 0


def _owner(device_id: str) -> str:
    return f"broker:{device_id}"
