"""Keeping the broker's files in step with the books: who may come, and a certificate that never ends unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from microgrid.bridge.broker_folder import BrokerFolder
from microgrid.bridge.certificates import hosts_of, is_due, make_certificate
from microgrid.kept import OutboxItem
from microgrid.ports import Core, transact
from microgrid.switching.provisioning import BROKER, users

AT_ONCE = 10_000
NAME = "broker"  # in its certificate; who comes looks at the hosts


def keep_in_step(core: Core, folder: BrokerFolder) -> bool:
    """Write the broker's list again if devices came or lost their rights; say whether it was told to read it.

    Where no broker was made, nobody waits for a list: it is written whole when one is.
    """
    now = core.clock.now()
    with core.store.read() as uow:
        waiting = uow.outbox.due(BROKER, now, AT_ONCE)
    if not folder.is_made:
        _end(core, waiting, now)
        return False
    return bool(waiting or _is_due(folder, now)) and write_all(core, folder)


def write_all(core: Core, folder: BrokerFolder) -> bool:
    """Write everything the broker reads that changes, and let a running one read it; say whether one did."""
    now = core.clock.now()
    with folder.held():
        with core.store.read() as uow:
            done = uow.outbox.due(BROKER, now, AT_ONCE)  # before the list: what comes between waits
            listed = users(uow)
        changed = folder.write_users(listed)
        changed = _renewed(folder, now) or changed
        told = changed and folder.reload()
    _end(core, done, now)
    return told


def _end(core: Core, done: Sequence[OutboxItem], now: datetime) -> None:
    if done:
        ended = [replace(item, attempts=item.attempts + 1, done_at=now) for item in done]
        transact(core.store, lambda uow: uow.outbox.put_all(ended))


def _is_due(folder: BrokerFolder, now: datetime) -> bool:
    shown = folder.certificate()
    return shown is not None and folder.authority() is not None and is_due(shown, now)


def _renewed(folder: BrokerFolder, now: datetime) -> bool:
    """Make the broker's certificate again in time, for the same hosts."""
    shown, authority = folder.certificate(), folder.authority()
    if shown is None or authority is None or not is_due(shown, now):
        return False
    folder.write_certificate(make_certificate(authority, NAME, hosts_of(shown), now))
    return True
