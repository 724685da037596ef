"""A folder with books, and a service with its meters beside the keyboard; they share nothing but the books."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from device.emulated import Emulated
from device.identity import Identity, identities_of
from device.loads import Steady
from device.state import Flash
from microgrid import actions, meter_flows
from microgrid.billing.payments import Payment, payment_id
from microgrid.billing.plans import PlanVersion
from microgrid.billing.sightings import Seen
from microgrid.bridge.inbox import Inbox
from microgrid.bridge.inprocess import Hub
from microgrid.bridge.keyring import Keyring
from microgrid.bridge.outgoing import Outgoing
from microgrid.bridge.wire import UPLINKS, seconds
from microgrid.cli.serving import open_core
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.flows import on_payment
from microgrid.ports import Core
from tests.bridge.field import Radio
from tests.flows.village import ENERGY

SITE = "kisiju"
TURN_S = 0.01


def settle_in(folder: Path, names: tuple[str, ...] = ("K-104",)) -> Core:
    """Put homes with meters and a paid account into the books of a folder."""
    core = open_core(folder)
    now = core.clock.now() - timedelta(hours=1)
    actions.add_site(core, Site(SITE, "Kisiju", "Africa/Nairobi", "KES", 2), "test")
    actions.add_plan(core, PlanVersion("home", 1, now, "KES", ENERGY), "test")
    for name in names:
        actions.add_customer(core, Customer(f"c-{name}", "Amina"), "test")
        actions.add_account(core, Account(name, f"c-{name}", SITE, now), "test")
        actions.add_connection(core, Connection(f"p-{name}", name, SITE), "test")
        actions.add_meter(core, Meter(f"M-{name}"), "test")
        actions.fit_meter(core, Fit(f"f-{name}", f"M-{name}", f"p-{name}", 1, now, 1000), "test")
        actions.enrol(core, Enrolment(f"e-{name}", name, "home", now), "test")
        key, amount_minor = payment_id("mpesa", "600638", name), 100_000
        paid = Payment(key, "mpesa", "600638", name, amount_minor, "KES", now, now, name, status="posted")
        on_payment(core, Seen(paid))
    return core


@dataclass
class Beside:
    """A service with its own connection to the books, and emulated meters that reach it."""

    core: Core
    hub: Hub
    outgoing: Outgoing
    inbox: Inbox
    radios: dict[str, Radio] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    failed: list[BaseException] = field(default_factory=list)

    def switch_on(self, line: str) -> Radio:
        """Put the secrets of a line into a meter, and give it power."""
        (identity,) = identities_of([line])
        radio = Radio(self.hub, device_of(identity, seconds(self.core.clock.now())))
        self.radios[identity.plate.meter] = radio
        return radio

    def work(self) -> None:
        """Do what a service does, until told to stop."""
        try:
            while not self.stop.wait(TURN_S):
                while self.hub.deliver() + self.inbox.work() + self.outgoing.work():
                    pass
                self.outgoing.write_down()
                meter_flows.send_again(self.core)
        except BaseException as error:
            self.failed.append(error)
            raise


def device_of(identity: Identity, at_s: int) -> Emulated:
    """Return an emulated meter whose register shows 1 kWh."""
    used = replace(Flash(7000).used, total_ws=1000 * 3600)
    return Emulated(identity.plate, Flash(7000, used=used), Steady(100), at_s)


def make_service(folder: Path) -> Beside:
    """Return a service on the books of a folder, not yet at work."""
    core, hub = open_core(folder), Hub()
    keyring = Keyring(core.keys)
    outgoing = Outgoing(core, hub, keyring)
    core = replace(core, link=outgoing)
    inbox = Inbox(core, keyring)
    for kind in UPLINKS:
        hub.listen(f"mg/1/+/+/{kind}", inbox.put)
    return Beside(core, hub, outgoing, inbox)


@contextmanager
def at_work(service: Beside) -> Iterator[None]:
    """Let a service work in a thread of its own for a while."""
    thread = threading.Thread(target=service.work)
    thread.start()
    try:
        yield
    finally:
        service.stop.set()
        thread.join()
        service.stop.clear()
        assert service.failed == []
