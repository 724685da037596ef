"""Books that were put back to what they were a day ago learn again what happened since, from those who know it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from device.keypad import Answer, entered
from microgrid import flows, keypads, reconciliation
from microgrid.billing.payments import Payment
from microgrid.billing.pushes import Push, Taken
from microgrid.billing.sightings import Seen
from microgrid.money_ports import Answered
from microgrid.monitoring.readings import Reading
from microgrid.store.backup import back_up, restore
from microgrid.store.sql import SqlStore, open_store
from microgrid.switching.supply import Reported
from microgrid.switching.token_records import GivenToken
from tests.flows.lamps import keypad
from tests.flows.papers import Paper, desk
from tests.flows.village import START, Village
from tests.survive.story import HOMES, LAMP, LINE, found, village_on

CASH = "cash:mpesa:600638"
DAY = timedelta(days=1)


@dataclass
class Lister:
    """A provider that remembers every payment, and gives its list to who asks for it."""

    payments: list[Payment] = field(default_factory=list)
    lists: bool = True
    currency: str = "KES"

    def check(self, push: Push) -> None:
        raise NotImplementedError(push.id)

    def push(self, push: Push) -> Taken:
        raise NotImplementedError(push.id)

    def enquire(self, about: Payment | Push) -> Answered:
        raise NotImplementedError(about.id)

    def reverse(self, payment: Payment) -> Answered:
        raise NotImplementedError(payment.id)

    def pull(self, since: datetime, until: datetime) -> Iterator[Answered]:
        found = [one for one in self.payments if since <= one.paid_at <= until]
        yield Answered(b"all of two days", tuple(Seen(one, channel="pull") for one in found))

    def close(self) -> None:
        """Let go of nothing."""


@dataclass
class Past:
    """A village of which a copy was made, and what everybody else remembers of it."""

    village: Village
    folder: Path
    provider: Lister
    paper: Paper = field(default_factory=Paper)
    rows: list[Reading] = field(default_factory=list)

    def pays(self, receipt: str, amount_minor: int, reference: str) -> None:
        payment = self.village.payment(receipt, amount_minor, reference)
        self.provider.payments.append(payment)
        self.paper.paid(receipt, amount_minor, self.village.clock.at, reference)
        flows.on_payment(self.village.core, Seen(payment, channel="c2b"))

    def uses(self, register_wh: int) -> None:
        row = Reading("M-K-104", 1, len(self.rows) + 1, self.village.clock.at, register_wh)
        self.rows.append(row)
        flows.on_readings(self.village.core, [row])

    def later(self, **time: int) -> None:
        self.village.clock.pass_(**time)

    def again(self, store: SqlStore) -> Village:
        """Return the village on other books, at the same moment."""
        village = joined(store, self.folder, self.provider)
        village.clock.at = self.village.clock.at
        return village


def joined(store: SqlStore, folder: Path, provider: Lister) -> Village:
    """Return the village on books, with its provider."""
    village = village_on(store, folder)
    village.core = replace(village.core, providers={LINE: provider})
    return village


def books(village: Village) -> dict[str, int]:
    """Return where the money lies, and what everybody has left."""
    places = {name: village.balance_minor(name) for name in (CASH, "suspense:mpesa:600638")}
    return places | {home: village.credit_minor(home) for home in HOMES}


def a_day_that_is_lost(past: Past) -> None:
    past.later(hours=2)
    past.pays("R3", 20_000, "K-104")
    past.pays("R4", 900, "nobody")
    past.pays("R5", 20_000, "T-400")
    past.pays("R6", 3_500, "L-300")
    past.later(hours=12)
    past.uses(2300)
    past.later(hours=1)


@pytest.mark.parametrize("told_by", ["list", "statement"])
def test_a_day_old_copy_learns_what_it_missed(address: str, tmp_path: Path, told_by: str) -> None:
    store, provider = open_store(address), Lister(lists=told_by == "list")
    past = Past(joined(store, tmp_path, provider), tmp_path, provider)
    found(past.village)
    past.pays("R1", 50_000, "K-104")
    past.pays("R2", 30_000, "T-400")
    past.uses(1200)
    back_up(address, tmp_path / "copy")
    a_day_that_is_lost(past)
    expected, revision = books(past.village), past.village.desired().revision
    given = tokens(past.village)
    store.close()

    restore(address, tmp_path / "copy", force=True)
    reopened = open_store(address)
    village = past.again(reopened)
    assert books(village) != expected
    assert keypads.jump_all(village.core, "restore-1", 60, "test") == 1
    village.tick()  # reads the provider's list, where it has one
    taken = past.paper.hand_in(village)
    assert taken.refused == ()
    flows.on_readings(village.core, past.rows)
    assert books(village) == expected
    compared = reconciliation.run(village.core, desk().window(START - DAY, START + DAY * 2), "bookkeeper")
    assert (compared.matched, compared.items, compared.in_transit_minor) == (6, [], 0)
    overtakes(village, revision)
    takes_new_tokens_only(village, given)
    village.are_books_true()
    reopened.close()


def tokens(village: Village) -> list[GivenToken]:
    """Return the tokens that were given out for the lamp."""
    with village.store.read() as uow:
        return list(uow.tokens.where(serial=LAMP.serial))


def overtakes(village: Village, revision: int) -> None:
    """Let the meter say which order it holds: what is desired now comes after that."""
    now = village.clock.at
    flows.on_reported(village.core, "M-K-104", Reported(revision + 3, True, 2300, 1, now, now))
    assert village.desired().revision == revision + 4


def takes_new_tokens_only(village: Village, given: list[GivenToken]) -> None:
    """Type all tokens into the lamp, those of the lost day first: no count was given out twice."""
    lamp = keypad(LAMP)
    new = [token for token in tokens(village) if token.count > given[0].count]
    assert len(new) == 1
    for token in (*given, *new):
        lamp, entry = entered(lamp, token.digits, 0)
        assert entry.answer is Answer.ACCEPTED
    assert new[0].count > given[-1].count
