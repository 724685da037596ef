"""The same over a real Mosquitto, with threads and sockets, and everything that happens to brokers and links."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from benchmarks import private_broker
from device.emulated import Emulated
from device.loads import Steady
from device.open_files import make_room
from device.radio import Radio
from device.signing import topic
from microgrid.bridge.running import Bridge
from microgrid.bridge.wire import seconds
from microgrid.clock import stopwatch
from microgrid.store.memory import MemoryStore
from microgrid.store.opening import upgrade
from microgrid.store.sql import open_store
from tests.bridge.field import SITE
from tests.bridge.live import ADMIN, Live, live, new_flash, plate_of
from tests.bridge.visitors import Client
from tests.flows.village import AnyStore

Make = Callable[..., Live]


@pytest.fixture
def village() -> Iterator[Make]:
    """Return what runs a village until the test is over."""
    with ExitStack() as stack:

        def make(meters: int, store: AnyStore | None = None, **other: object) -> Live:
            made = stack.enter_context(live(store or MemoryStore(), meters, **other))  # type: ignore[arg-type]  # as the test says
            if made is None:
                pytest.skip(f"NOT RUN WITH A BROKER: no Mosquitto here; to run: {private_broker.HOW}")
            return made

        yield make


def bought_wh(world: Live) -> dict[str, int | None]:
    """Return up to which register each meter may go."""
    limits = {name: world.station(name).device.meter.flash.limits for name in world.names}
    return {name: None if each is None else each.cutoff_wh for name, each in limits.items()}


def all_hold(world: Live, cutoff_wh: int) -> bool:
    return set(bought_wh(world).values()) == {cutoff_wh}


@pytest.mark.parametrize("version", [4, 5])
def test_payments_become_light_over_a_broker(village: Make, version: int) -> None:
    world = village(5, version=version)
    world.go_on(world.are_heard)
    world.pay_all("R", 100_000)
    world.go_on(world.are_confirmed)
    assert world.are_on()
    world.village.are_books_true()


def test_a_broker_killed_in_mid_burst_loses_nothing_that_was_paid(village: Make, tmp_path: Path) -> None:
    address = str(tmp_path / "books.db")
    upgrade(address)
    world = village(20, open_store(address))
    world.go_on(world.are_heard)
    for number, name in enumerate(world.names):
        world.village.pay(f"R{number}", 100_000, name)
        if number == 10:
            world.broker.kill()  # it keeps nothing
    world.go_on_for(0.5)
    world.broker.start()
    world.go_on(lambda: all_hold(world, 5000) and world.are_confirmed())
    assert world.are_on()
    world.village.are_books_true()


def test_a_connection_that_died_unnoticed_delays_light_by_its_keepalive_at_most(village: Make) -> None:
    world = village(3, keepalive_s=2)
    world.go_on(world.are_heard)
    world.fleet.silence(world.station("K-101"))
    world.pay_all("R", 100_000)
    world.go_on(lambda: world.are_on(["K-102", "K-103"]))
    assert not world.is_on("K-101")
    took_s = stopwatch()
    world.go_on(lambda: world.is_on("K-101"))
    assert took_s() < 20
    world.go_on(world.are_confirmed)


def test_a_broker_that_says_success_and_drops_is_not_believed(village: Make) -> None:
    world = village(30, settings=("max_queued_messages 2", "max_inflight_messages 2"))
    world.go_on(world.are_heard)
    world.pay_all("R", 100_000)
    with world.village.store.begin():  # nobody can take anything in meanwhile
        world.go_on_for(1.0)
    world.go_on(world.are_confirmed)
    assert world.are_on()


def test_what_meters_say_while_the_bridge_is_away_is_kept_for_it(village: Make) -> None:
    world = village(3)
    world.go_on(world.are_heard)
    world.pay_all("R", 100_000)
    world.go_on(world.are_confirmed)
    assert world.bridge.stop(10)
    for name in world.names:
        station = world.station(name)
        station.device.draw(Steady(50_000))
        world.fleet.look_at(station)
    world.go_on_for(0.5)
    again = Bridge(world.offline, world.access)
    again.start()
    try:
        world.fleet.after(0, lambda: None)
        world.go_on(lambda: not again.well().waiting_in and again.well().is_up)
        world.go_on(world.are_confirmed)
    finally:
        assert again.stop(10)


def test_two_devices_under_one_name_are_noticed(village: Make) -> None:
    world = village(1)
    world.go_on(world.are_heard)
    twin = Emulated(plate_of("K-101"), new_flash("K-101x"), Steady(100), seconds(world.village.clock.now()), 96)
    world.fleet.add_twin(world.station("K-101"), twin)

    def is_noticed() -> bool:
        with world.village.store.read() as uow:
            return any(alarm.id.startswith("flapping:") for alarm in uow.alarms.where(subject="meter:M-K-101"))

    world.go_on(is_noticed)


@pytest.mark.long  # a state lost several times is sent again only after half a minute, then two
def test_a_bad_link_delivers_all_the_same(village: Make) -> None:
    radio = Radio((0, 200), loss=0.1, repeats=0.2, in_order=False)
    world = village(10, radio=radio, speed=20)
    world.go_on(lambda: world.bridge.well().is_up)
    for number in range(5):
        world.pay_all(f"R{number}", 20_000)
    world.go_on(lambda: all_hold(world, 5000) and world.are_confirmed())
    world.village.are_books_true()


def check_poison(world: Live, count: int) -> None:
    """Let whoever operates the broker say any bytes at all under every topic."""
    world.go_on(world.are_heard)
    chance = np.random.default_rng(3)
    hostile = Client(*ADMIN, world.broker.port).come()
    kinds = ("desired", "request", "reported", "readings", "event", "link")
    for number in range(count):
        body = chance.bytes(int(chance.integers(0, 600)))
        about = topic(SITE, f"M-{world.names[number % len(world.names)]}", kinds[number % len(kinds)])
        hostile.mqtt.publish(about, body, qos=1, retain=number % 7 == 0)
    hostile.say(topic(SITE, "M-K-101", "reported"), b"\x00" * 256 * 1024)
    hostile.go()
    world.pay_all("R", 100_000)
    world.go_on(lambda: all_hold(world, 5000) and world.are_confirmed())
    assert world.are_on()
    with world.village.store.read() as uow:
        assert 1 <= len(uow.dead_letters.page(limit=1000)) <= 20 * 4 * len(world.names)
    world.village.are_books_true()


def test_poison_is_kept_apart_and_money_goes_on(village: Make) -> None:
    check_poison(village(3), 300)


@pytest.mark.long
def test_much_poison_is_kept_apart_and_money_goes_on(village: Make) -> None:
    check_poison(village(3), 20_000)


def check_storm(world: Live, within_s: float) -> None:
    """Kill the broker, pay, and let it come back with everybody knocking at once."""
    world.go_on(world.are_heard)
    world.broker.kill()
    for name in world.names[::10]:
        world.village.pay(f"S{name}", 100_000, name)
    world.go_on_for(1.0)
    world.broker.start()
    took_s = stopwatch()
    world.go_on(lambda: all(world.is_on(name) for name in world.names[::10]))
    world.go_on(lambda: all(each.is_here for each in world.fleet.stations))
    assert took_s() < within_s


def test_a_storm_of_meters_that_come_back_at_once_is_weathered(village: Make) -> None:
    check_storm(village(100), 30)


@pytest.mark.long
def test_a_storm_of_five_thousand_meters_is_weathered(village: Make) -> None:
    make_room(5_000)
    check_storm(village(5_000), 60)
