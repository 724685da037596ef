"""Emulated meters on a real broker come, obey, report, and come back from whatever befalls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

import pytest

from benchmarks import private_broker
from benchmarks.raw_desk import NOON_S
from device import accidents
from device.faults import Fault, Mishap
from device.messages import Event, EventKind, Link, Readings, Relay, Request, RequestKind
from device.radio import Radio
from device.rows import rows_of
from device.station import Place
from tests.bridge.fleets import LOAD_W, World, village

METERS = 50
HOUR_S = 3600
Founding = Callable[[AbstractContextManager[World | None]], World]


@pytest.fixture
def founded() -> Iterator[Founding]:
    """Return what begins a village, and ends it after the test."""
    with ExitStack() as stack:

        def begin(found: AbstractContextManager[World | None]) -> World:
            world = stack.enter_context(found)
            if world is None:
                pytest.skip(f"NOT RUN ON A BROKER: no Mosquitto here; to run: {private_broker.HOW}")
            return world

        yield begin


def births(world: World, name: str) -> list[Link]:
    """Return how often a meter came."""
    return [told for told in world.desk.said[name] if isinstance(told, Link) and told.here]


def batches(world: World, name: str) -> list[Readings]:
    """Return the readings a meter sent."""
    return [told for told in world.desk.said.get(name, []) if isinstance(told, Readings)]


def test_meters_come_obey_and_report_what_they_measured(founded: Founding) -> None:
    world = founded(village(METERS))
    world.want_all(1)
    world.go_on(world.desk.is_settled)
    assert world.fleet.counts.comings == world.desk.births == METERS
    assert {told.relay for told in world.desk.reported.values()} == {Relay.CLOSED}
    world.want_all(2, on=False)
    world.go_on(world.desk.is_settled)
    assert [each.device.closed for each in world.fleet.stations] == [False] * METERS
    assert (world.fleet.counts.goings, world.fleet.counts.dropped) == (0, 0)


def test_meters_come_through_tls_and_hear_everything_that_came_in_one_piece(founded: Founding) -> None:
    world = founded(village(10, tls=True))
    world.want_all(1)
    world.go_on(world.desk.is_settled)
    for revision in range(2, 12):  # several messages in one record of TLS
        for name in world.names:
            world.desk.want(name, revision, on=revision % 2 == 1)
    world.go_on(world.desk.is_settled)
    assert world.fleet.counts.goings == 0


def test_all_come_back_after_the_broker_lost_everything_and_do_what_was_wanted_meanwhile(founded: Founding) -> None:
    world = founded(village(METERS))
    world.want_all(1)
    world.go_on(world.desk.is_settled)
    world.broker.kill()
    world.go_on(lambda: world.fleet.counts.goings == METERS)
    assert all(each.device.closed for each in world.fleet.stations)  # they obey the last state alone
    world.broker.start()
    world.desk_comes_back()
    world.want_all(2, on=False)
    world.go_on(world.desk.is_settled)
    assert world.are_all_here()
    assert world.desk.births == 2 * METERS


def test_a_wrong_password_is_refused_and_tried_again_ever_more_rarely(founded: Founding) -> None:
    world = founded(village(1))
    world.go_on(world.are_all_here)
    world.broker.allow({"service": "open sesame"}, ["user service", "topic readwrite mg/#"])
    world.broker.reread()
    world.fleet.reboot(world.station("M-1"))
    world.go_on(lambda: world.fleet.counts.refused == 1)
    assert world.station("M-1").place is Place.WAITING


def test_two_devices_of_one_name_throw_each_other_out_until_one_goes(founded: Founding) -> None:
    world = founded(village(2))
    world.want_all(1)
    world.go_on(world.desk.is_settled)
    accidents.befall(world.fleet, world.station("M-1"), Mishap(0, "M-1", Fault.CLONE))
    world.go_on(lambda: world.fleet.counts.goings >= 3)
    assert len({told.birth for told in births(world, "M-1")}) >= 3
    assert len(births(world, "M-2")) == 1
    world.fleet.remove(world.fleet.stations[-1])
    world.want_all(2, on=False)
    world.go_on(world.desk.is_settled)


def test_a_dead_connection_is_found_by_the_meter_which_then_hears_what_it_missed(founded: Founding) -> None:
    world = founded(village(2, keepalive_s=1))
    world.want_all(1)
    world.go_on(world.desk.is_settled)
    device = world.station("M-1").device
    world.fleet.silence(world.station("M-1"))
    world.want_all(2, on=False)
    world.go_on(lambda: world.desk.has_obeyed("M-2"))
    assert world.station("M-1").place is Place.SILENT
    assert device.closed
    world.go_on(world.desk.is_settled)
    assert not world.station("M-1").device.closed
    assert world.desk.wills == 1  # for the dead connection, found by the broker or thrown out by the new one


def test_a_broker_that_hangs_is_left_and_found_again(founded: Founding) -> None:
    world = founded(village(3, keepalive_s=1))
    world.go_on(world.are_all_here)
    world.broker.freeze()
    world.go_on(lambda: world.fleet.counts.goings == 3)
    world.broker.thaw()
    world.want_all(1)
    world.go_on(world.desk.is_settled)


def test_a_router_that_forgets_idle_connections_costs_time_and_nothing_else(founded: Founding) -> None:
    world = founded(village(1, keepalive_s=2, radio=Radio(forgets_after_s=1)))
    world.want_all(1)
    world.go_on(world.desk.is_settled)
    station = world.station("M-1")
    world.go_on(lambda: station.place is Place.SILENT)
    world.want_all(2, on=False)
    world.go_on(world.desk.is_settled)
    assert world.fleet.counts.comings >= 2


def test_a_radio_that_loses_repeats_and_mixes_up_messages_changes_no_end(founded: Founding) -> None:
    radio = Radio((0, 50), loss=0.2, repeats=0.2, in_order=False)
    world = founded(village(10, radio=radio))
    world.go_on(world.are_all_here)

    def settled_after_asking_again() -> bool:
        world.go_on_for(0.2)
        for name, wanted in world.desk.wanted.items():
            if not world.desk.has_obeyed(name):
                world.desk.send(name, Request(RequestKind.DIAGNOSTICS, 2, 0, 0, NOON_S))  # it says again who it is
                world.desk.send(name, wanted)
        return world.desk.is_settled()

    for revision in (1, 2, 3):
        world.want_all(revision, on=revision % 2 == 0)
        world.go_on(settled_after_asking_again)
    assert [each.device.closed for each in world.fleet.stations] == [False] * 10
    assert world.fleet.counts.lost_on_the_way > 0


def test_an_accelerated_meter_ends_paid_energy_alone_and_sends_its_rows(founded: Founding) -> None:
    world = founded(village(1, speed=3600))
    world.desk.want("M-1", 1, cutoff_wh=250)
    station = world.station("M-1")
    world.go_on(lambda: station.device.closed)
    world.go_on(lambda: not station.device.closed)
    world.go_on(lambda: "M-1" in world.desk.reported and world.desk.reported["M-1"].relay == Relay.OPEN)
    assert station.device.meter.used.register_wh == 250
    assert station.device.flowed_ws == 250 * HOUR_S
    kinds = [told.kind for told in world.desk.said["M-1"] if isinstance(told, Event)]
    assert EventKind.LIMIT_REACHED in kinds
    world.go_on(lambda: len(batches(world, "M-1")) >= 2)
    rows = [row for batch in batches(world, "M-1") for row in rows_of(batch)]
    assert [row.register_wh for row in rows] == sorted(row.register_wh for row in rows)
    assert rows[-1].register_wh <= 250 + LOAD_W


def test_a_meter_that_lost_its_memory_comes_with_other_registers_and_takes_nothing_old(founded: Founding) -> None:
    world = founded(village(1))
    world.want_all(1)
    world.go_on(world.desk.is_settled)
    station, before = world.station("M-1"), world.desk.reported["M-1"]
    accidents.befall(world.fleet, station, Mishap(0, "M-1", Fault.MEMORY))
    world.go_on(lambda: world.desk.reported["M-1"].epoch != before.epoch)
    assert station.device.closed is False  # the limit was for other registers
    world.desk.want("M-1", 2, cutoff_wh=1000)
    world.go_on(world.desk.is_settled)
    assert station.device.closed


def test_who_stops_a_fleet_sees_every_meter_go(founded: Founding) -> None:
    world = founded(village(METERS))
    world.go_on(lambda: world.desk.births == METERS)
    world.fleet.stop()
    while any(told.here for told in world.desk.links.values()):
        world.desk.turn(10.0)
    assert world.desk.births == METERS


def test_planned_faults_begin_and_end_at_their_moments(founded: Founding) -> None:
    world = founded(village(2, speed=60))
    welded = Mishap(0, "M-1", Fault.WELDED, 120)
    planned = accidents.plan(
        world.fleet, [welded, replace(welded, meter="M-2", fault=Fault.RADIO), replace(welded, meter="M-9")]
    )
    assert planned == 2
    world.go_on(lambda: world.station("M-1").device.hardware.is_welded and world.station("M-2").place is Place.OFF)
    world.go_on(lambda: not world.station("M-1").device.hardware.is_welded and world.are_all_here())
