"""What the control plane asks of providers of money; it is asked over the network, so never inside a transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from microgrid.billing.payments import Payment
from microgrid.billing.pushes import Push, Taken
from microgrid.billing.sightings import Heard


@dataclass(frozen=True, slots=True)
class Answered:
    """What a provider answered to a question of ours: its words as they came, and what they mean."""

    body: bytes
    heard: tuple[Heard, ...]


class MoneyProvider(Protocol):
    """One payment account of ours at a provider. Its questions raise OSError when no answer came."""

    @property
    def currency(self) -> str:
        """Return the currency of the account."""

    @property
    def lists(self) -> bool:
        """Tell whether the provider gives us its own list of payments."""

    def check(self, push: Push) -> None:
        """Refuse what the provider would refuse: InvalidInput with every reason. Nothing is sent."""

    def push(self, push: Push) -> Taken:
        """Ask a customer to pay. Never raises for what the network does: an answer that got lost is ambiguous."""

    def enquire(self, about: Payment | Push) -> Answered:
        """Ask how a payment, or our request for one, stands."""

    def reverse(self, payment: Payment) -> Answered:
        """Ask the provider to give a payment back; asking twice gives back once."""

    def pull(self, since: datetime, until: datetime) -> Iterator[Answered]:
        """Yield the pages of the provider's own list of payments between two moments."""

    def close(self) -> None:
        """Let go of the connection."""


Providers = Mapping[str, MoneyProvider]  # by payment account, `provider:shortcode`
