"""What is known of people and meters comes back as it was, and an older database is brought up to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import text

from microgrid.customers.phones import phone
from microgrid.customers.records import Account, Connection, Feeder, Meter, NameWord, Phone, Site
from microgrid.customers.references import spelling
from microgrid.kept import RawEvent
from microgrid.monitoring.readings import Aside, Reading, aside_id
from microgrid.ports import Store, UnitOfWork, transact
from microgrid.store.opening import changing, migrations, parse, upgrade
from microgrid.store.sql import open_store

AT = datetime(2026, 11, 23, 6, 30, 15, 123457, tzinfo=UTC)
ROW = Reading("M-1", 1, 7, AT, 1234, 56, None)


def test_every_record_of_people_comes_back_as_it_was(store: Store) -> None:
    number = Phone("c-1:+254712000104", "c-1", "+254712000104", "e164", "ab" * 32, "2000104", AT, AT)
    word = NameWord("wanjiku/c-1", "wanjiku", "c-1")
    feeder = Feeder("line-1", "kisiju", "North", 9000)
    place = Connection(
        *("p-1", "K-O1", "kisiju", "critical"),
        critical=True,
        phase=2,
        feeder_id="line-1",
        tier=4,
        customer_class="anchor",
        latitude_microdeg=-7_420_000,
        longitude_microdeg=39_330_000,
        connected_on=date(2026, 2, 28),
    )
    aside = Aside(aside_id(ROW), "M-1", ROW, "MG-M021", "too fast", AT, "service", AT)
    branch = Site("nairobi", "Office", "Africa/Nairobi", "KES", 2, kind="branch", backdating_days_max=9)
    event = RawEvent("r1", "mpesa", AT, "", "", b"", "", 3)
    with store.begin() as uow:
        uow.phones.add(number)
        uow.name_words.add(word)
        uow.feeders.add(feeder)
        uow.connections.add(place)
        uow.asides.add(aside)
        uow.sites.add(branch)
        uow.raw_events.add(event)
        uow.accounts.add(Account("K-O1", "c-1", "kisiju", AT))
        uow.meters.add(Meter("M-I1", "T", 700))
    with store.read() as uow:
        assert uow.phones.where(tail="2000104") == uow.phones.where(hash="ab" * 32) == [number]
        assert uow.name_words.where_in("word", ["wanjiku"]) == [word]
        assert uow.feeders.where(site_id="kisiju") == [feeder]
        assert uow.connections.get("p-1") == place
        assert uow.asides.page(meter_id="M-1") == [aside]
        assert uow.sites.get("nairobi") == branch
        assert uow.raw_events.get("r1") == event
        assert uow.accounts.where(spelling="K01") == [Account("K-O1", "c-1", "kisiju", AT)]
        assert uow.meters.where_in("spelling", ["M11"]) == [Meter("M-I1", "T", 700)]


def test_a_reading_is_found_by_its_number_and_taken_out(store: Store) -> None:
    rows = [Reading("M-1", 1, seq, AT + timedelta(hours=seq), 1000 + seq) for seq in range(5)]
    with store.begin() as uow:
        uow.readings.add_all(rows)
        assert uow.readings.find("M-1", 1, 3) == rows[3]
        assert uow.readings.find("M-1", 2, 3) is None
        uow.readings.remove([rows[2], rows[3]])
        uow.readings.remove([])
        assert uow.readings.neighbours(rows[4]) == (rows[1], None)
        assert uow.readings.between("M-1", 1, AT, AT + timedelta(days=1)) == [rows[0], rows[1], rows[4]]
        assert uow.readings.add_all([rows[2]]) == [rows[2]]
    with store.read() as uow:
        assert uow.readings.find("M-1", 1, 2) == rows[2]
        assert uow.readings.find("M-1", 1, 3) is None


def test_taking_out_is_undone_with_its_transaction(store: Store) -> None:
    with store.begin() as uow:
        uow.readings.add_all([ROW])

    def taken_out_and_broken_off(uow: UnitOfWork) -> None:
        uow.readings.remove([ROW])
        raise RuntimeError("crash")

    with pytest.raises(RuntimeError, match="crash"):
        transact(store, taken_out_and_broken_off)
    with store.begin() as uow:
        with pytest.raises(RuntimeError, match="crash"), uow.savepoint():
            taken_out_and_broken_off(uow)
        assert uow.readings.find("M-1", 1, 7) == ROW


@pytest.mark.parametrize("name", ["K-1O4", "KIO-1", "ABC", "0-0", "I"])
def test_names_of_an_older_database_are_spelt_as_new_ones(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    address = str(tmp_path_factory.mktemp("older") / "books.db")
    with changing(parse(address)) as connection:
        command.upgrade(migrations(connection), "0001")
        meter = {"id": name, "profile": "M"}
        connection.execute(text("INSERT INTO meters (id, profile) VALUES (:id, :profile)"), meter)
        people = "INSERT INTO customers (id, name, phone, language) VALUES ('c', 'Asha Juma', :phone, 'en')"
        connection.execute(text(people), {"phone": "+254712000104"})
        account = {"id": name, "customer": "c", "site": "s", "at": 0}
        insert = "INSERT INTO accounts (id, customer_id, site_id, opened_at_us) VALUES (:id, :customer, :site, :at)"
        connection.execute(text(insert), account)
    upgrade(address)
    store = open_store(address)
    with store.read() as uow:
        assert [row.customer_id for row in uow.name_words.where_in("word", ["asha", "juma"])] == ["c", "c"]
        (known,) = uow.phones.where(number="+254712000104")
        assert known == replace(phone("c", "+254712000104", AT), added_at=known.added_at)
        assert [one.id for one in uow.meters.where(spelling=spelling(name))] == [name]
        assert [one.id for one in uow.accounts.where(spelling=spelling(name))] == [name]
    store.close()
