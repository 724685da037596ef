"""The service as it really runs, with `broker` in organisation.yaml: money serves on while the broker is away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import private_broker
from benchmarks.private_broker import Broker
from device.emulated import Emulated
from device.fleet import Fleet
from device.identity import Identity
from device.loads import Steady
from device.station import Broker as Reached
from microgrid.__main__ import main
from microgrid.bridge.wire import seconds
from microgrid.cli.bridging import bridge_of
from microgrid.clock import WallClock, stopwatch
from microgrid.config import read
from microgrid.errors import Environment, InvalidInput
from microgrid.organisation import Organisation
from microgrid.sealing import SealedKeys, read_key_file
from microgrid.store.memory import MemoryStore
from microgrid.store.sql import open_store
from microgrid.switching.meter_keys import put_keys
from tests.api.running import SECRET_PATH, SETTINGS, Running, make_folder, running
from tests.api.service import confirmation
from tests.bridge.field import SITE
from tests.bridge.live import ADMIN, acl_of, new_flash, plate_of
from tests.flows.village import ENERGY, make_village

NAME = "K-104"
PATIENCE_S = 60.0


@dataclass
class Served:
    """A service, its broker and one meter."""

    service: Running
    broker: Broker
    fleet: Fleet

    def pay(self, receipt: str, amount: str) -> None:
        status, _ = self.service.ask(f"/hooks/{SECRET_PATH}/confirmation", json.dumps(confirmation(receipt, amount)))
        assert status == 200

    def go_on(self, until: Callable[[], bool]) -> None:
        took_s = stopwatch()
        while not until():
            self.fleet.turn(0.01)
            assert took_s() < PATIENCE_S, self.service.said

    def cutoff_wh(self) -> int | None:
        limits = self.fleet.stations[0].device.meter.flash.limits
        return None if limits is None else limits.cutoff_wh


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Run a service with a broker and one meter."""
    words = {f"M-{NAME}": "secret", ADMIN[0]: ADMIN[1]}
    with private_broker.broker(words, acl_of([NAME])) as broker:
        if broker is None:
            pytest.skip(f"NOT RUN WITH A BROKER: no Mosquitto here; to run: {private_broker.HOW}")
        settings = f"broker: {{port: {broker.port}, password_file: broker.password}}\n"
        books = make_folder(folder / "books", SETTINGS + settings)
        assert main(["db", "new-key", str(books)]) == 0
        (books / "broker.password").write_text(ADMIN[1] + "\n")
        fill(books)
        reached = Reached(private_broker.HOST, broker.port, first_wait_s=0.5)
        now_s = seconds(WallClock().now())
        fleet = Fleet(reached, np.random.default_rng(7), stopwatch(), now_s)
        device = Emulated(plate_of(NAME), new_flash(NAME), Steady(100), now_s, 96)
        fleet.add(Identity(device.meter.nameplate, f"M-{NAME}", "secret"), device)
        try:
            with running(books) as service:
                yield Served(service, broker, fleet)
        finally:
            fleet.stop()


def fill(books: Path) -> None:
    """Add one home, and the keys of its meter."""
    store, keys = open_store(str(books / "books.db")), read_key_file(books)
    assert keys is not None
    village = make_village(store, keys=keys)
    village.settle_in(ENERGY, NAME)
    with store.begin() as uow:
        put_keys(uow, keys, f"M-{NAME}", SITE, plate_of(NAME).keys, village.clock.now())
    store.close()


def test_money_serves_on_while_the_broker_is_away_and_the_meter_catches_up(tmp_path: Path) -> None:
    with served(tmp_path) as world:
        world.go_on(lambda: world.fleet.stations[0].device.knows_the_time)
        world.pay("RKT1", "500")
        world.go_on(lambda: world.cutoff_wh() == 3000)
        world.broker.kill()
        world.pay("RKT2", "500")
        world.pay("RKT3", "500")
        world.broker.start()
        world.go_on(lambda: world.cutoff_wh() == 7000)
        assert world.fleet.stations[0].device.closed
        assert world.service.end() == 0
    said = "\n".join(world.service.said)
    assert "meters are reached by the broker at 127.0.0.1:" in said
    assert "lost the broker" in said
    assert ADMIN[1] not in said
    assert main(["db", "verify", str(tmp_path / "books")]) == 0


@pytest.mark.parametrize(
    ("broker", "why"),
    [
        ("{port: 8883, host: mqtt.example.org, password_file: p}", "would travel to 'mqtt.example.org' open"),
        ("{port: 8883, key_file: me.key}", "a key_file without a certificate_file"),
        ("{port: 8883, certificate_file: me.crt}", "needs an authority_file"),
        ("{port: 0}", "port"),
        ("{port: 8883, version: 4}", "version"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, broker: str, why: str) -> None:
    path = tmp_path / "organisation.yaml"
    path.write_text(f"database: books.db\nbroker: {broker}\n")
    with pytest.raises(InvalidInput, match=why) as refused:
        read(path, Organisation)
    assert "example" not in broker or refused.value.problems[0].code == "MG-M063"


def test_everything_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "organisation.yaml"
    path.write_text("database: books.db\nbroker: {port: 8883, password_file: p, authority_file: ca.crt}\n")
    settings, core = read(path, Organisation).broker, make_village(MemoryStore()).core
    assert settings is not None
    with pytest.raises(Environment) as refused:
        bridge_of(core, settings, tmp_path)
    assert [problem.code for problem in refused.value.problems] == ["MG-M063", "MG-M063", "MG-A015"]
    (tmp_path / "p").write_text("word\n")
    with pytest.raises(Environment) as refused:
        bridge_of(replace(core, keys=SealedKeys(bytes(32))), settings, tmp_path)
    assert ["ca.crt" in problem.what for problem in refused.value.problems] == [True]
