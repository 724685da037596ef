"""An account is read with everything about it at once: always as it is stored now, whoever stored it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest

from microgrid.billing.plans import Block, EnergyRules, PlanVersion
from microgrid.customers.records import Account, Connection, Enrolment, Fit, Meter, Site
from microgrid.home_ports import Home
from microgrid.kept import Credit
from microgrid.ports import Store, UnitOfWork, transact
from microgrid.store.sql import SqlStore, open_store

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
SITE = Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2)
PLAN = PlanVersion("home", 1, AT, "KES", EnergyRules((Block(None, 25_000_000),)))
DEARER = replace(PLAN, version=2, effective_from=AT + timedelta(days=30))
ACCOUNT = Account("K-1", "amina", "kisiju", AT)
ENROLMENT = Enrolment("e1", "K-1", "home", AT)
PLACE = Connection("p1", "K-1", "kisiju")
FIT = Fit("f1", "M-1", "p1", 1, AT, 1000)


def settle_in(store: Store) -> None:
    """Add one account with all that belongs to it, and another one that has nothing yet."""
    with store.begin() as uow:
        uow.sites.add(SITE)
        uow.accounts.put_all([ACCOUNT, Account("K-2", "juma", "kisiju", AT)])
        uow.plans.add(PLAN)
        uow.enrolments.add(ENROLMENT)
        uow.connections.add(PLACE)
        uow.meters.add(Meter("M-1"))
        uow.fits.add(FIT)


def home_of(store: Store, account_id: str = "K-1") -> Home:
    with store.read() as uow:
        return uow.homes.get_all([account_id])[account_id]


def test_a_home_is_an_account_with_everything_about_it(store: Store) -> None:
    settle_in(store)
    with store.begin() as uow:
        uow.plans.add(DEARER)
        uow.enrolments.add(Enrolment("e2", "K-1", "night", AT))
        uow.connections.add(Connection("p2", "K-1", "kisiju"))
        uow.fits.put_all([replace(FIT, id="f0", epoch=0, removed_at=AT), replace(FIT, id="f2", connection_id="p2")])
    with store.read() as uow:
        homes = uow.homes.get_all(["K-2", "K-1", "K-9", "K-1"])
    both = (ENROLMENT, Enrolment("e2", "K-1", "night", AT))
    places = (PLACE, Connection("p2", "K-1", "kisiju"))
    assert homes["K-1"] == Home(
        ACCOUNT, SITE, both, (PLAN, DEARER), places, (FIT, replace(FIT, id="f2", connection_id="p2"))
    )
    assert homes["K-2"] == Home(Account("K-2", "juma", "kisiju", AT), SITE, (), (), (), ())
    assert list(homes) == ["K-1", "K-2"]


def test_no_account_is_no_home(store: Store) -> None:
    with store.read() as uow:
        assert uow.homes.get_all([]) == {}
        assert uow.homes.get_all(["K-1"]) == {}


def test_an_account_is_named_by_itself_and_by_the_meter_that_is_fitted_for_it(store: Store) -> None:
    settle_in(store)
    with store.begin() as uow:
        uow.fits.add(replace(FIT, id="f0", meter_id="M-0", removed_at=AT))
        uow.meters.add(Meter("K-2"))
        uow.fits.add(replace(FIT, id="f2", meter_id="K-2"))  # a meter called as another account
        assert uow.homes.named(["K-1"]) == {"K-1": "KES"}
        assert uow.homes.named(["M-1"]) == {"K-1": "KES"}
        assert uow.homes.named(["M-0", "M-9", "X"]) == {}
        assert uow.homes.named(["K-2"]) == {"K-1": "KES", "K-2": "KES"}
        assert uow.homes.named(["K-2", "M-1"]) == {"K-1": "KES", "K-2": "KES"}
        assert uow.homes.named([]) == {}


def test_what_another_program_stores_is_seen_at_once(address: str) -> None:
    here, there = open_store(address), open_store(address)
    settle_in(here)
    assert home_of(here) == home_of(there)
    with there.begin() as uow:
        uow.plans.add(DEARER)
        uow.sites.put(replace(SITE, name="Kisiju ya Pwani"))
        uow.fits.put(replace(FIT, removed_at=AT + timedelta(days=1), last_register_wh=2000))
        uow.enrolments.add(Enrolment("e2", "K-1", "home", AT + timedelta(days=2)))
    seen = home_of(here)
    assert (seen.site.name, seen.plans, seen.fits) == ("Kisiju ya Pwani", (PLAN, DEARER), ())
    assert [one.id for one in seen.enrolments] == ["e1", "e2"]
    for store in (here, there):
        store.close()


def test_a_transaction_sees_what_it_has_changed_itself(store: Store) -> None:
    settle_in(store)
    second = Enrolment("e2", "K-1", "home", AT + timedelta(days=2))
    with store.begin() as uow:
        uow.credits.lock(["K-1"])
        assert uow.homes.get_all(["K-1"])["K-1"].enrolments == (ENROLMENT,)
        uow.enrolments.add(second)
        assert uow.homes.get_all(["K-1"])["K-1"].enrolments == (ENROLMENT, second)
        uow.plans.put_all([DEARER])
        assert uow.homes.get_all(["K-1"])["K-1"].plans == (PLAN, DEARER)
        uow.sites.put(replace(SITE, name="Kisiju ya Pwani"))
        assert uow.homes.get_all(["K-1"])["K-1"].site.name == "Kisiju ya Pwani"


def test_what_was_undone_is_not_seen(store: Store) -> None:
    settle_in(store)

    def move_out(uow: UnitOfWork) -> None:
        with uow.savepoint():
            uow.fits.put(replace(FIT, removed_at=AT, last_register_wh=1000))
            assert uow.homes.get_all(["K-1"])["K-1"].fits == ()
            raise ValueError("somebody thought better of it")

    with store.begin() as uow:
        uow.credits.lock(["K-1"])
        assert uow.homes.get_all(["K-1"])["K-1"].fits == (FIT,)
        with pytest.raises(ValueError, match="thought better"):
            move_out(uow)
        assert uow.homes.get_all(["K-1"])["K-1"].fits == (FIT,)


def test_who_waited_for_an_account_sees_what_was_done_meanwhile(postgres_address: str) -> None:
    """Somebody enrols an account while a payment for it waits: the payment is treated by the new plan."""
    store = open_store(postgres_address)
    settle_in(store)
    begun, second = Event(), Enrolment("e2", "K-1", "night", AT)
    seen: list[tuple[Enrolment, ...]] = []

    def pay(uow: UnitOfWork) -> None:
        seen.append(uow.homes.get_all(["K-1"])["K-1"].enrolments)
        begun.set()
        uow.credits.lock(["K-1"])
        seen.append(uow.homes.get_all(["K-1"])["K-1"].enrolments)

    with store.begin() as uow:
        uow.credits.lock(["K-1"])
        paying = Thread(target=lambda: transact(store, pay))
        paying.start()
        begun.wait()
        uow.enrolments.add(second)
    paying.join()
    store.close()
    assert seen == [(ENROLMENT,), (ENROLMENT, second)]


def test_hot_rows_are_written_once_and_read_as_they_are(sql_store: SqlStore) -> None:
    """Changes of one account in one transaction become one row; who looks before the end sees them all the same."""

    def undone(uow: UnitOfWork) -> None:
        with uow.savepoint():
            uow.credits.put(Credit("K-1", 99))
            uow.credits.lock(["K-2"])
            uow.credits.put(Credit("K-2", 99))
            assert uow.credits.get("K-1").balance_minor == 99
            raise ValueError("somebody thought better of it")

    with sql_store.begin() as uow:
        uow.credits.lock(["K-1"])
        uow.credits.put(Credit("K-1", 1))
        assert (uow.credits.get("K-1"), uow.credits.lock(["K-1"])) == (Credit("K-1", 1), {"K-1": Credit("K-1", 1)})
        with pytest.raises(ValueError, match="thought better"):
            undone(uow)
        assert uow.credits.get("K-1") == Credit("K-1", 1)
        uow.credits.put(Credit("K-1", 2, 5_000_000))
        assert uow.credits.unposted(9) == ["K-1"]
        uow.credits.put(Credit("K-1", 3, 5_000_000))
    with sql_store.read() as uow:
        assert (uow.credits.get("K-1"), uow.credits.get("K-2")) == (Credit("K-1", 3, 5_000_000), Credit("K-2"))


def test_hot_rows_of_a_transaction_that_failed_are_not_written(sql_store: SqlStore) -> None:
    def failing() -> None:
        with sql_store.begin() as uow:
            uow.credits.lock(["K-1"])
            uow.credits.put(Credit("K-1", 1))
            raise ValueError("somebody thought better of it")

    with pytest.raises(ValueError, match="thought better"):
        failing()
    with sql_store.begin() as uow:  # on the same connection
        assert uow.credits.lock(["K-1"]) == {"K-1": Credit("K-1")}
    with sql_store.read() as uow:
        assert uow.credits.get("K-1") == Credit("K-1")
