"""Each thing outside is down in turn: the books, supply and everything else go on, and what waited is made good."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from microgrid import agents
from microgrid.billing.agent_cash import Sale
from microgrid.billing.payments import Payment
from microgrid.billing.pushes import Push
from microgrid.money_ports import Answered
from microgrid.store.memory import MemoryStore
from microgrid.switching.supply import Desired
from microgrid.switching.told import Ask
from tests.flows.village import Village
from tests.survive.story import SELLER, Post, Provider, ending, found, live, village_on

OUT = OSError("nobody answers")


@dataclass
class Switch:
    """Whether something is down, and how it fails then."""

    error: Exception | None = OUT

    def check(self) -> None:
        if self.error is not None:
            raise self.error


@dataclass
class NoMeters:
    """A way to meters that may be down."""

    post: Post
    down: Switch

    def send(self, meter_id: str, desired: Desired) -> None:
        self.down.check()
        self.post.note("order", meter_id, str(desired.revision), str(desired.supply.on))

    def request(self, meter_id: str, ask: Ask) -> None:
        raise NotImplementedError(meter_id, ask)


@dataclass
class NoPeople:
    """A way to people that may be down, for all or for one of them."""

    post: Post
    down: Switch
    whom: str = ""
    asked: list[str] = field(default_factory=list)

    def send(self, to: str, text: str, key: str) -> None:
        self.asked.append(key)
        if to.endswith(self.whom):
            self.down.check()
        self.post.note("text", key, to, text)


@dataclass(frozen=True)
class NoProvider(Provider):
    """A provider that may be down."""

    down: Switch = field(default_factory=Switch)

    def enquire(self, about: Payment | Push) -> Answered:
        self.down.check()
        return super().enquire(about)

    def reverse(self, payment: Payment) -> Answered:
        self.down.check()
        return super().reverse(payment)


def village_without(what: str, down: Switch, folder: Path) -> Village:
    village = village_on(MemoryStore(), folder)
    post = Post(folder / "sent")
    parts: dict[str, Any] = {
        "link": NoMeters(post, down),
        "notifier": NoPeople(post, down),
        "providers": {"mpesa:600638": NoProvider(post, down=down)},
    }
    village.core = replace(village.core, **{what: parts[what]})
    found(village)
    return village


def all_up(folder: Path) -> tuple[dict[str, Any], set[tuple[str, ...]]]:
    """Return how the story ends, and what people are told, when nothing is down."""
    folder.mkdir()
    village = village_on(MemoryStore(), folder)
    found(village)
    live(village, folder)
    return ending(village), texts(folder)


def texts(folder: Path) -> set[tuple[str, ...]]:
    return {words for words in Post(folder / "sent").noted() if words[0] == "text"}


def come_back(village: Village, down: Switch) -> None:
    """Let what was down work again, and let two days pass."""
    down.error = None
    for _ in range(48):
        village.clock.pass_(hours=1)
        village.tick()


@pytest.mark.parametrize("what", ["link", "notifier"])
def test_without_a_way_to_meters_or_people_the_books_are_the_same(what: str, tmp_path: Path) -> None:
    expected, told = all_up(tmp_path / "up")
    down = Switch()
    village = village_without(what, down, tmp_path)
    live(village, tmp_path)
    ended = ending(village)
    del ended["told"], expected["told"]
    assert ended == expected
    come_back(village, down)
    assert told <= texts(tmp_path)
    for meter in ("M-K-200", "M-9"):
        wanted = ending(village)["desired"][meter]
        orders = [words for words in Post(tmp_path / "sent").noted() if words[:2] == ("order", meter)]
        assert orders[-1][2:] == (str(wanted.revision), str(wanted.supply.on))
    village.are_books_true()


def test_without_the_provider_what_waits_for_its_word_waits_and_all_else_goes_on(tmp_path: Path) -> None:
    expected, _ = all_up(tmp_path / "up")
    down = Switch()
    village = village_without("providers", down, tmp_path)
    live(village, tmp_path, minutes_max=80)
    assert states(village) == {**states_of(expected), "R3": "pending", "R2": "refunding"}
    assert ending(village)["tokens"] == expected["tokens"]
    village.are_books_true()
    come_back(village, down)
    assert states(village) == states_of(expected)
    village.are_books_true()


def test_one_text_that_cannot_be_sent_by_a_fault_of_ours_holds_up_no_other(tmp_path: Path) -> None:
    poison = Switch(ValueError("no such letter"))
    village = village_on(MemoryStore(), tmp_path)
    people = NoPeople(Post(tmp_path / "sent"), poison, whom="+254712000101")
    village.core = replace(village.core, notifier=people)
    found(village)
    for number, home in enumerate(("K-104", "K-200", "L-300")):
        agents.sell(village.core, Sale("A-7", f"{number}", 900, home), SELLER)
    with pytest.raises(ExceptionGroup) as told:
        village.tick()
    assert told.value.subgroup(ValueError) is not None
    village.clock.pass_(minutes=1)
    village.tick()  # the poisoned one waits, with the reason, and no other is sent twice
    assert [key for _, key, *_ in sorted(texts(tmp_path))] == ["receipt:cash:A-7:0", "receipt:cash:A-7:2"]
    assert len(people.asked) == 3
    with village.store.read() as uow:
        (waiting,) = uow.outbox.due("sms", village.clock.at.replace(year=2027), 9)
    assert (waiting.to, waiting.attempts) == ("+254712000101", 1)
    assert waiting.last_error == "a bug of ours, ValueError: no such letter"
    come_back(village, poison)
    assert (len(texts(tmp_path)), len(people.asked)) == (3, 4)


def states(village: Village) -> dict[str, str]:
    return states_of(ending(village))


def states_of(ended: dict[str, Any]) -> dict[str, str]:
    """Return what became of each payment, by its receipt."""
    return {payment.receipt: payment.status for payment in ended["payments"]}
