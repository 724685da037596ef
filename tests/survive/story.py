"""One story of a village, step by step, that a process may live through until it is killed, and another go on with."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from microgrid import actions, agents, agreements, flows, keypads, leases
from microgrid.agreements import Wish
from microgrid.billing.agent_cash import Sale
from microgrid.billing.lease_contracts import Signature
from microgrid.billing.payments import Payment
from microgrid.billing.plans import Block, EnergyRules, LeaseRules, PlanVersion, Rules, Tax, TimeRules
from microgrid.billing.pushes import Push, Taken
from microgrid.billing.sightings import Seen
from microgrid.customers.agents import Agent
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.money_ports import Answered
from microgrid.monitoring.readings import Reading
from microgrid.ports import Core
from microgrid.sealing import SealedKeys
from microgrid.store.sql import open_store
from microgrid.store.sql_session import Session
from microgrid.switching.sites import CAREFREE, SiteState
from microgrid.switching.supply import Desired, Reported
from microgrid.switching.tokens import HandOver
from microgrid.switching.told import Ask
from tests.flows.village import ENERGY, START, AnyStore, HandClock, Sent, Village

LINE = "mpesa:600638"
ASHA, BEN, SELLER = "person:asha", "person:ben", "agent:A-7"
LAMP = HandOver("M-T-400", 949214826, "dac86b1a29ab82edc5fbbc41ec9530f6")
PLANS: dict[str, Rules] = {
    "home": ENERGY,
    "cheap": EnergyRules((Block(None, 20_000_000),)),
    "solar": LeaseRules(2000, 500, 1, 10, grace_days=1, deposit_days=2),
    "lamp": TimeRules(price_minor=10_000, days=1),
}
HOMES = {"K-104": "home", "K-200": "home", "L-300": "solar", "T-400": "lamp"}


@dataclass(frozen=True)
class Post:
    """Writes down what goes out in the moment it goes, so that it is known also of a process that was killed."""

    file: Path

    def note(self, *words: str) -> None:
        with self.file.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(words) + "\n")

    def noted(self) -> list[tuple[str, ...]]:
        """Return all that went out."""
        return [tuple(json.loads(line)) for line in self.file.read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True)
class Meters:
    """The way to meters."""

    post: Post

    def send(self, meter_id: str, desired: Desired) -> None:
        self.post.note("order", meter_id, str(desired.revision), str(desired.supply.on))

    def request(self, meter_id: str, ask: Ask) -> None:
        self.post.note("ask", meter_id, ask.kind)


@dataclass(frozen=True)
class People:
    """The way to people."""

    post: Post

    def send(self, to: str, text: str, key: str) -> None:
        self.post.note("text", key, to, text)


@dataclass(frozen=True)
class Provider:
    """Confirms every payment it is asked about, and gives back every one that is to go back."""

    post: Post
    lists: bool = False
    currency: str = "KES"

    def check(self, push: Push) -> None:
        """Let every push pass."""

    def push(self, push: Push) -> Taken:
        raise NotImplementedError(push.id)

    def enquire(self, about: Payment | Push) -> Answered:
        assert isinstance(about, Payment)
        self.post.note("enquiry", about.id)
        return Answered(b"it was paid", (Seen(replace(about, status="posted"), channel="enquiry"),))

    def reverse(self, payment: Payment) -> Answered:
        self.post.note("reversal", payment.id)
        return Answered(b"it went back", (Seen(payment, "reversed", channel="enquiry"),))

    def pull(self, since: datetime, until: datetime) -> Iterator[Answered]:
        raise NotImplementedError(since, until)

    def close(self) -> None:
        """Let go of nothing."""


def village_on(store: AnyStore, folder: Path) -> Village:
    """Return the village of the story; what it sends is written into a folder."""
    post, clock = Post(folder / "sent"), HandClock()
    keys = SealedKeys(bytes(32))
    core = Core(store, clock, Meters(post), People(post), keys=keys, providers={LINE: Provider(post)})
    return Village(core, store, clock, Sent())


def found(village: Village) -> None:
    """Found the village: four homes, one for each way to pay, and an agent."""
    core = village.core
    actions.add_site(core, Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2), "test")
    with village.store.begin() as uow:
        uow.site_states.put(SiteState("kisiju", CAREFREE))  # supply ends at exact moments
    for plan, rules in PLANS.items():
        actions.add_plan(core, PlanVersion(plan, 1, START - timedelta(days=60), "KES", rules, Tax(160_000)), "test")
    for number, (home, plan) in enumerate(HOMES.items()):
        actions.add_customer(core, Customer(f"c-{home}", "Amina", f"+25471200010{number}"), "test")
        actions.add_account(core, Account(home, f"c-{home}", "kisiju", START), "test")
        actions.add_connection(core, Connection(f"p-{home}", home, "kisiju"), "test")
        actions.add_meter(core, Meter(f"M-{home}", "T" if plan == "lamp" else "S"), "test")
        actions.fit_meter(core, Fit(f"f-{home}", f"M-{home}", f"p-{home}", 1, START, 1000), "test")
        actions.enrol(core, Enrolment(f"e-{home}", home, plan, START), "test")
    actions.add_meter(core, Meter("M-9"), "test")
    agents.add_agent(core, Agent("A-7", "Asha", None, "kisiju", 100_000), "test")
    keypads.add_device(core, LAMP, "test")


def read(meter: str, seq: int, minute: int, register_wh: int) -> Callable[[Village], object]:
    row = Reading(meter, 1, seq, START + timedelta(minutes=minute), register_wh)
    return lambda village: flows.on_readings(village.core, [row])


def pay(receipt: str, amount_minor: int, reference: str = "K-104", **other: str) -> Callable[[Village], object]:
    return lambda village: village.pay(receipt, amount_minor, reference, **other)


def swap(village: Village) -> None:
    follows = Fit("f-9", "M-9", "p-K-104", 1, START + timedelta(minutes=60), 0)
    actions.swap_meter(village.core, "f-K-104", 1300, follows, "test")


def hand_over(village: Village) -> None:
    offered = agents.handover_of(village.core, "h-1", "A-7", 9_000, SELLER, debt=False)
    agents.offer_handover(village.core, offered, SELLER)


def report(village: Village) -> None:
    revision = village.desired("K-200").revision
    now = village.clock.at
    flows.on_reported(village.core, "M-K-200", Reported(revision, True, 1000, 1, now, now))


# Minutes after the start, and what happens then. Every step may be repeated: it was done or it is done now.
STORY: tuple[tuple[int, Callable[[Village], object]], ...] = (
    (1, pay("R1", 50_000)),
    (2, pay("R1", 50_000)),
    (3, pay("R2", 3_000, "?")),
    (4, pay("R3", 7_000, "K-200", status="pending")),
    (15, lambda village: flows.on_tick(village.core)),
    (16, read("M-K-104", 2, 16, 1200)),
    (17, read("M-K-104", 1, 10, 1050)),
    (18, lambda village: actions.move_payment(village.core, f"{LINE}:R2", "K-200", ASHA, "asked by phone")),
    (20, pay("R4", 3_500, "L-300")),
    (21, pay("R5", 30_000, "T-400")),
    (22, lambda village: agents.sell(village.core, Sale("A-7", "0017", 9_000, "K-200"), SELLER)),
    (23, hand_over),
    (24, lambda village: agents.agree_handover(village.core, "h-1", 9_000, BEN)),
    (25, report),
    (26, lambda village: leases.sign(village.core, Signature("fan", "K-200", "solar", date(2026, 3, 2)), ASHA)),
    (30, lambda village: flows.on_tick(village.core)),
    (60, swap),
    (61, pay("R6", 4_000, "K-200")),
    (62, lambda village: agreements.ask(village.core, Wish("refund", f"{LINE}:R2", "not hers"), ASHA)),
    (63, lambda village: agreements.grant(village.core, f"refund:payment:{LINE}:R2:1", BEN)),
    (64, lambda village: flows.on_tick(village.core)),
    (70, read("M-9", 1, 70, 400)),
    (71, lambda village: actions.reverse_payment(village.core, f"{LINE}:R1", ASHA, "the payer asked for it")),
    (
        80,
        lambda village: actions.enrol(
            village.core, Enrolment("e-2", "K-200", "cheap", START + timedelta(minutes=80)), ASHA
        ),
    ),
    (1440, lambda village: flows.on_tick(village.core)),
    (1441, read("M-K-200", 1, 1441, 1100)),
    (2880, lambda village: flows.on_tick(village.core)),
)


def live(village: Village, folder: Path, minutes_max: int = 9999) -> None:
    """Live through the story from where the process before stopped, to its end or up to some minute."""
    place = folder / "place"
    first = int(place.read_text(encoding="utf-8")) if place.exists() else 0
    for number, (minutes, step) in enumerate(STORY[first:], first):
        if minutes > minutes_max:
            break
        place.write_text(str(number), encoding="utf-8")
        village.clock.at = START + timedelta(minutes=minutes)
        step(village)


def die(address: str, folder: str, die_at: int, how: str) -> None:
    """Live through the story until the process is killed just before or after a commit; 0: count them all."""
    store = open_store(address)
    close, commits = Session.close, [0]

    def dying(self: Session, end: str) -> None:
        counted = end == "COMMIT" and self.writing
        commits[0] += counted
        now = counted and commits[0] == die_at
        if now and how == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        close(self, end)
        if now:
            os.kill(os.getpid(), signal.SIGKILL)

    Session.close = dying  # type: ignore[method-assign]  # the process dies of it
    live(village_on(store, Path(folder)), Path(folder))
    (Path(folder) / "commits").write_text(str(commits[0]), encoding="utf-8")


def ending(village: Village) -> dict[str, Any]:
    """Return how the story ended: the books, the credit, what meters should do, and who did what."""
    with village.store.read() as uow:
        meters = [f"M-{home}" for home in HOMES] + ["M-9"]
        return {
            "journals": uow.ledger.page(limit=500),
            "payments": uow.payments.page(),
            "credits": [uow.credits.get(home) for home in HOMES],
            "desired": {meter: uow.twins.get(meter).desired for meter in meters},
            "tokens": uow.tokens.where(serial=LAMP.serial),
            "contracts": uow.contracts.page(),
            "handovers": uow.handovers.page(),
            "done": sorted((row.at, row.actor, row.action, row.subject, row.detail) for row in uow.audit.page()),
            "told": [(item.id, item.body) for item in uow.outbox.page(limit=500) if item.done_at is not None],
        }
