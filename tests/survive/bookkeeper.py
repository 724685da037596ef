"""A second pair of books, kept with a pencil: plain sums from first principles, sharing no code with the service.

Nothing is kept but what happened. What somebody has left is added up anew each time it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

MICRO = 1_000_000
MICROSECOND = timedelta(microseconds=1)


@dataclass
class Paid:
    """Money that came by one receipt; `owner` is an account, or empty: nobody knows whose it is."""

    place: str  # where the money lies
    amount: int
    currency: str
    reference: str
    owner: str = ""
    state: str = "here"  # or "promised", or "gone"


@dataclass
class Fitted:
    """A meter at a home: where its register began, all that it said, and where it ended."""

    began: tuple[datetime, int]
    said: dict[datetime, int] = field(default_factory=dict)
    ended: tuple[datetime, int] | None = None

    def shown(self) -> list[tuple[datetime, int]]:
        """Return every register that was seen, in order."""
        last_at = self.ended[0] if self.ended else datetime.max.replace(tzinfo=self.began[0].tzinfo)
        between = sorted((at, wh) for at, wh in self.said.items() if self.began[0] <= at <= last_at)
        return [self.began, *between, *([self.ended] if self.ended else [])]


@dataclass
class Home:
    """An account: the money it uses, its prices from each moment on, and its meters one after the other."""

    currency: str
    prices: dict[datetime, int]  # millionths of a minor unit for each Wh
    meters: list[Fitted]


@dataclass
class BookKeeper:
    """Everything that happened."""

    homes: dict[str, Home] = field(default_factory=dict)
    payments: dict[str, Paid] = field(default_factory=dict)

    def paid(self, receipt: str, told: Paid, *, promised: bool) -> bool:
        """Write down a payment; False when it was told before with another amount."""
        known = self.payments.get(receipt)
        if known is None or (known.state == "promised" and not promised):
            told.reference = told.reference or (known.reference if known else "")
            told.owner, told.state = ("", "promised") if promised else (self.whose(told), "here")
            self.payments[receipt] = told
            return True
        if (known.amount, known.currency) != (told.amount, told.currency):
            return False
        if known.state == "here" and not known.owner and not known.reference:
            known.reference = told.reference
            known.owner = self.whose(known)
        return True

    def whose(self, payment: Paid) -> str:
        """Return whose a payment is by its reference: of a home that uses the same money."""
        home = self.homes.get(payment.reference)
        return payment.reference if home and home.currency == payment.currency else ""

    def left_micro(self, name: str) -> int:
        """Return what a home has left, in millionths: all it paid, less all it used at the price of its time."""
        return self.all_paid(name) * MICRO - self.all_used(name)

    def left(self, name: str) -> int:
        """Return what a home has left, in whole minor units: what it used counts as soon as it is a whole one."""
        return self.all_paid(name) - self.all_used(name) // MICRO

    def all_paid(self, name: str) -> int:
        """Return all the money of a home."""
        return sum(one.amount for one in self.payments.values() if one.state == "here" and one.owner == name)

    def all_used(self, name: str) -> int:
        """Return what all the energy of a home cost, in millionths."""
        home = self.homes[name]
        return sum(self.cost(home, b, a) for meter in home.meters for b, a in pairwise(meter.shown()))

    def cost(self, home: Home, before: tuple[datetime, int], after: tuple[datetime, int]) -> int:
        """Return what the energy between two registers cost; a straight line tells what it was where prices change."""
        cuts = [at for at in sorted(home.prices) if before[0] < at < after[0]]
        whole = (after[0] - before[0]) // MICROSECOND
        cost, (start, shown) = 0, before
        for end in [*cuts, after[0]]:
            passed = (end - before[0]) // MICROSECOND
            until = before[1] + (after[1] - before[1]) * passed // whole if whole else after[1]
            cost += (until - shown) * self.price(home, start)
            start, shown = end, until
        return cost

    def price(self, home: Home, at: datetime) -> int:
        """Return what a Wh costs at a moment."""
        return home.prices[max(moment for moment in home.prices if moment <= at)]

    def lies_at(self, place: str, currency: str) -> int:
        """Return how much money lies at a place."""
        here = (one for one in self.payments.values() if one.state == "here" and one.place == place)
        return sum(one.amount for one in here if one.currency == currency)

    def nobodys(self, currency: str) -> int:
        """Return how much money came of which nobody knows whose it is."""
        here = (one for one in self.payments.values() if one.state == "here" and not one.owner)
        return sum(one.amount for one in here if one.currency == currency)
