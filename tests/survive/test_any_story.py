"""Whatever happens in whatever order, the books say what a book-keeper with a pencil says, and supply follows them."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from microgrid import actions, agents, flows
from microgrid.billing.agent_cash import Sale
from microgrid.billing.payments import Payment, payment_id
from microgrid.billing.plans import Block, EnergyRules, PlanVersion
from microgrid.billing.sightings import Seen
from microgrid.customers.agents import Agent
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.errors import Contradiction, InvalidInput
from microgrid.monitoring.readings import Reading
from microgrid.store.memory import MemoryStore
from microgrid.store.opening import upgrade
from microgrid.store.sql import SqlStore, open_store
from microgrid.switching.sites import CAREFREE, SiteState
from tests.flows.village import START, AnyStore, make_village
from tests.survive import bookkeeper
from tests.survive.bookkeeper import BookKeeper, Fitted, Home, Paid

SITES = {"kisiju": ("Africa/Nairobi", "KES", 2), "bwindi": ("Africa/Kampala", "UGX", 0)}
PRICES = {
    "kisiju-day": 25_000_000,
    "kisiju-night": 9_500_001,
    "bwindi-day": 833_333,
    "bwindi-night": 1_700_000,
}  # millionths of a minor unit for each Wh
HOMES = {"K-104": "kisiju", "K-277": "kisiju", "U-311": "bwindi", "U-482": "bwindi"}
LIMIT = 30_000
CASH = "cash:mpesa:600638"
SUSPENSE = "suspense:mpesa:600638"

names = st.sampled_from(list(HOMES))
references = st.sampled_from([*HOMES, *HOMES, "?", "", "NOBODY"])
amounts = st.integers(1, 20_000)
receipts = st.integers(0, 30).map("R{}".format)
places = st.integers(0, 60)
uses = st.lists(st.tuples(st.integers(0, 600), st.integers(15, 2000)), min_size=1, max_size=4)  # Wh, minutes


@dataclass
class Device:
    """A meter as it truly is: what its register shows, and every row it has written, told or not."""

    meter_id: str
    fit_id: str
    register_wh: int
    rows: list[Reading] = field(default_factory=list)
    told: dict[int, Reading] = field(default_factory=dict)


class AnyStory(RuleBasedStateMachine):
    """Two villages with two kinds of money; what happens in them, and a book-keeper who watches."""

    def __init__(self) -> None:
        super().__init__()
        self.village = make_village(self.open())
        self.keeper = BookKeeper()
        self.devices: dict[str, Device] = {}
        self.retired: list[tuple[Device, Fitted]] = []
        self.numbers = 0
        for site, (zone, currency, exponent) in SITES.items():
            self._settle(site, zone, currency, exponent)
        for name, site in HOMES.items():
            self._move_in(name, site)

    def open(self) -> AnyStore:
        """Return the store in which it all happens."""
        return MemoryStore()

    def teardown(self) -> None:
        """Prove the books when the story is over."""
        self.village.are_books_true()

    # What the world is before anything happens ------------------------------------------------------------------------

    def _settle(self, site: str, zone: str, currency: str, exponent: int) -> None:
        core = self.village.core
        actions.add_site(core, Site(site, site, zone, currency, exponent), "test")
        with self.village.store.begin() as uow:
            uow.site_states.put(SiteState(site, CAREFREE))  # supply ends at exact moments
        for plan in (f"{site}-day", f"{site}-night"):
            rules = EnergyRules((Block(None, PRICES[plan]),))
            actions.add_plan(core, PlanVersion(plan, 1, START - timedelta(days=60), currency, rules), "test")
        agents.add_agent(core, Agent(f"A-{site.upper()}", "Asha", None, site, LIMIT), "test")

    def _move_in(self, name: str, site: str) -> None:
        core, device = self.village.core, Device(f"M-{name}", f"f-{name}", 1000)
        actions.add_customer(core, Customer(f"c-{name}", "Amina"), "test")
        actions.add_account(core, Account(name, f"c-{name}", site, START), "test")
        actions.add_connection(core, Connection(f"p-{name}", name, site), "test")
        actions.add_meter(core, Meter(device.meter_id), "test")
        actions.fit_meter(core, Fit(device.fit_id, device.meter_id, f"p-{name}", 1, START, 1000), "test")
        actions.enrol(core, Enrolment("e-000000-" + name, name, f"{site}-day", START), "test")
        self.devices[name] = device
        prices = {START: PRICES[f"{site}-day"]}
        self.keeper.homes[name] = Home(SITES[site][1], prices, [Fitted((START, 1000))])

    # Money ------------------------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        """Let a minute pass, so that no two things happen at one moment."""
        self.village.clock.pass_(minutes=1)
        return self.village.clock.at

    def _payment(self, receipt: str, amount: int, reference: str, currency: str) -> Payment:
        made = self.village.payment(receipt, amount, reference)
        return replace(made, currency=currency)

    @rule(
        receipt=receipts,
        amount=amounts,
        reference=references,
        currency=st.sampled_from(["KES", "UGX"]),
        promised=st.booleans(),
    )
    def a_payment_comes(self, receipt: str, amount: int, reference: str, currency: str, promised: bool) -> None:
        self._now()
        self._tell(receipt, amount, reference, currency, promised=promised)

    @rule(name=names, receipt=receipts, amount=amounts)
    def a_home_pays(self, name: str, receipt: str, amount: int) -> None:
        self._now()
        self._tell(receipt, amount, name, self.keeper.homes[name].currency, promised=False)

    @rule(place=places, reference=references, promised=st.booleans())
    def a_payment_comes_again(self, place: int, reference: str, promised: bool) -> None:
        self._now()
        mobile = [key for key, one in self.keeper.payments.items() if one.place == CASH]
        if mobile:
            receipt = mobile[place % len(mobile)]
            known = self.keeper.payments[receipt]
            self._tell(receipt, known.amount, reference, known.currency, promised=promised)

    def _tell(self, receipt: str, amount: int, reference: str, currency: str, *, promised: bool) -> None:
        seen = self._payment(receipt, amount, reference, currency)
        seen = replace(seen, status="pending" if promised else "posted")
        told = Paid(CASH, amount, currency, reference)
        agrees = self.keeper.paid(receipt, told, promised=promised)
        assert agrees == _allowed(lambda: flows.on_payment(self.village.core, Seen(seen)), Contradiction)

    @rule(place=places, name=names)
    def a_payment_is_moved(self, place: int, name: str) -> None:
        self._now()
        if self.keeper.payments:
            receipt, known = self._known(place)
            possible = known.state == "here" and known.currency == self.keeper.homes[name].currency
            core, key = self.village.core, self._key(receipt, known)
            assert possible == _allowed(lambda: actions.move_payment(core, key, name, "amina", "asked"))
            known.owner = name if possible else known.owner

    @rule(place=places)
    def a_payment_is_reversed_by_a_person(self, place: int) -> None:
        self._now()
        if self.keeper.payments:
            receipt, known = self._known(place)
            key = self._key(receipt, known)
            done = _allowed(lambda: actions.reverse_payment(self.village.core, key, "amina", "asked"))
            assert done == (known.state != "promised")
            known.state = "gone" if done else known.state

    @rule(receipt=receipts, amount=amounts, reference=references)
    def a_reversal_comes(self, receipt: str, amount: int, reference: str) -> None:
        """A provider says that a payment went back, of which we may never have heard."""
        self._now()
        seen = Seen(self._payment(receipt, amount, reference, "KES"), "reversed")
        agrees = self.keeper.paid(receipt, Paid(CASH, amount, "KES", reference), promised=False)
        assert agrees == _allowed(lambda: flows.on_payment(self.village.core, seen), Contradiction)
        if agrees:
            self.keeper.payments[receipt].state = "gone"

    @rule(name=names, amount=amounts)
    def an_agent_sells(self, name: str, amount: int) -> None:
        self._now()
        agent, currency = f"A-{HOMES[name].upper()}", self.keeper.homes[name].currency
        place, receipt = f"agent_float:{agent}", f"S{self._number()}"
        possible = self.keeper.lies_at(place, currency) + amount <= LIMIT
        sale = Sale(agent, receipt, amount, name)
        assert possible == _allowed(lambda: agents.sell(self.village.core, sale, f"agent:{agent}"))
        if possible:
            self.keeper.paid(receipt, Paid(place, amount, currency, name), promised=False)

    def _known(self, place: int) -> tuple[str, Paid]:
        known = list(self.keeper.payments.items())
        return known[place % len(known)]

    def _key(self, receipt: str, known: Paid) -> str:
        if known.place == CASH:
            return payment_id("mpesa", "600638", receipt)
        return payment_id("cash", known.place.removeprefix("agent_float:"), receipt)

    def _number(self) -> int:
        self.numbers += 1
        return self.numbers

    # Energy -----------------------------------------------------------------------------------------------------------

    @rule(name=names, uses=uses, told=st.sampled_from(["all", "the last", "none"]))
    def a_home_uses(self, name: str, uses: list[tuple[int, int]], told: str) -> None:
        """A meter writes rows, which come at once or later."""
        device, fitted = self.devices[name], self.keeper.homes[name].meters[-1]
        for used_wh, minutes in uses:
            self.village.clock.pass_(minutes=minutes)
            device.register_wh += used_wh
            row = Reading(device.meter_id, 1, len(device.rows) + 1, self._now(), device.register_wh)
            device.rows.append(row)
            if told == "all":
                self._take_in(device, fitted, [row])
        if told == "the last":
            self._take_in(device, fitted, device.rows[-1:])

    @rule(name=names, places=st.lists(places, min_size=1, max_size=8))
    def rows_come_late(self, name: str, places: list[int]) -> None:
        """Rows come in any order, some again, some for the first time, some never."""
        self._now()
        device = self.devices[name]
        rows = [device.rows[place % len(device.rows)] for place in places] if device.rows else []
        self._take_in(device, self.keeper.homes[name].meters[-1], rows)

    @rule(place=places, places=st.lists(places, min_size=1, max_size=8))
    def rows_of_a_retired_meter_come(self, place: int, places: list[int]) -> None:
        self._now()
        if self.retired:
            device, fitted = self.retired[place % len(self.retired)]
            rows = [device.rows[one % len(device.rows)] for one in places] if device.rows else []
            self._take_in(device, fitted, rows)

    def _take_in(self, device: Device, fitted: Fitted, rows: list[Reading]) -> None:
        taken = flows.on_readings(self.village.core, rows)
        fresh = {row.seq: row for row in rows if row.seq not in device.told}
        assert (taken.new, taken.problems) == (len(fresh), ())
        device.told.update(fresh)
        fitted.said.update({row.at: row.register_wh for row in fresh.values()})

    @rule(name=names, place=places, lie_wh=st.sampled_from([-1, 0, 999, 10**12]), again=st.booleans())
    def a_meter_lies(self, name: str, place: int, lie_wh: int, again: bool) -> None:
        """A row says what cannot be, or other than what it said before: it is told, and charges nothing."""
        now, device = self._now(), self.devices[name]
        row = Reading(device.meter_id, 1, 10**6 + self._number(), now, lie_wh if lie_wh > 999 else -1)
        if again and device.told:
            known = sorted(device.told)[place % len(device.told)]
            row = replace(device.told[known], register_wh=lie_wh)
            if row == device.told[known]:
                return
        taken = flows.on_readings(self.village.core, [row])
        assert (taken.new, len(taken.problems)) == (0, 1)

    @rule(name=names, first_wh=st.integers(0, 5000))
    def a_meter_is_swapped(self, name: str, first_wh: int) -> None:
        now, device, home = self._now(), self.devices[name], self.keeper.homes[name]
        number = self._number()
        fresh = Device(f"M-{number}", f"f-{number}", first_wh)
        actions.add_meter(self.village.core, Meter(fresh.meter_id), "test")
        fit = Fit(fresh.fit_id, fresh.meter_id, f"p-{name}", 1, now, first_wh)
        actions.swap_meter(self.village.core, device.fit_id, device.register_wh, fit, "test")
        home.meters[-1].ended = (now, device.register_wh)
        self.retired.append((device, home.meters[-1]))
        home.meters.append(Fitted((now, first_wh)))
        self.devices[name] = fresh

    @rule(name=names, word=st.sampled_from(["day", "night"]))
    def a_plan_changes(self, name: str, word: str) -> None:
        now, plan = self._now(), f"{HOMES[name]}-{word}"
        actions.enrol(self.village.core, Enrolment(f"e-{self._number():06}", name, plan, now), "test")
        self.keeper.homes[name].prices[now] = PRICES[plan]

    @rule(hours=st.integers(0, 60))
    def time_passes(self, hours: int) -> None:
        self.village.clock.pass_(hours=hours)
        self._now()
        with suppress(ExceptionGroup):
            self.village.tick()

    # What must hold ---------------------------------------------------------------------------------------------------

    @invariant()
    def homes_have_what_the_keeper_says(self) -> None:
        for name in HOMES:
            assert self.village.credit_minor(name) == self.keeper.left(name), name

    @invariant()
    def supply_follows_what_is_left(self) -> None:
        """Light while there is money for a whole Wh, none when there is none left at all."""
        for name, home in self.keeper.homes.items():
            left, now = self.keeper.left_micro(name), self.village.clock.at
            with self.village.store.read() as uow:
                desired = uow.twins.get(self.devices[name].meter_id).desired
            assert desired is not None
            if left >= self.keeper.price(home, now):
                assert desired.supply.on, (name, left)
            if left <= 0:
                assert not desired.supply.on, (name, left)

    @invariant()
    def money_lies_where_the_keeper_says(self) -> None:
        with self.village.store.read() as uow:
            for site, (_, currency, _) in SITES.items():
                place = f"agent_float:A-{site.upper()}"
                assert uow.ledger.balance_minor(place, currency) == self.keeper.lies_at(place, currency)
                assert uow.ledger.balance_minor(CASH, currency) == self.keeper.lies_at(CASH, currency)
                assert uow.ledger.balance_minor(SUSPENSE, currency) == -self.keeper.nobodys(currency)


class AnyStoryOnSqlite(AnyStory):
    """The same in a database."""

    def open(self) -> SqlStore:
        """Return an empty store in a file of its own."""
        self.folder = tempfile.TemporaryDirectory()
        address = str(Path(self.folder.name) / "books.db")
        upgrade(address)
        return open_store(address)

    def teardown(self) -> None:
        """Prove the books, and throw them away."""
        super().teardown()
        assert isinstance(self.village.store, SqlStore)
        self.village.store.close()
        self.folder.cleanup()


def _allowed(do: Callable[[], object], refusal: type[Exception] = InvalidInput) -> bool:
    """Do something, and say whether it was allowed."""
    with suppress(refusal):
        do()
        return True
    return False


def told(examples: int, steps: int) -> settings:
    """Return how many stories are told, of how many steps each."""
    quiet = list(HealthCheck)
    return settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=quiet)


def test_short_stories() -> None:
    run_state_machine_as_test(AnyStory, settings=told(25, 40))


@pytest.mark.long
def test_long_stories() -> None:
    run_state_machine_as_test(AnyStory, settings=told(400, 80))


@pytest.mark.long
def test_long_stories_in_a_database() -> None:
    run_state_machine_as_test(AnyStoryOnSqlite, settings=told(40, 60))


def test_the_keeper_knows_nothing_of_the_service() -> None:
    tree = ast.parse(Path(bookkeeper.__file__).read_text(encoding="utf-8"))
    named = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    named += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert not [name for name in named if name.partition(".")[0] in ("microgrid", "device", "sim", "tests")]
