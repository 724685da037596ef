"""Our Airtel Money merchant account, asked over HTTPS: pushes, and how they stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from microgrid.billing.payments import Payment
from microgrid.billing.pushes import Push, Taken
from microgrid.clock import Clock
from microgrid.money_ports import Answered
from microgrid.providers import airtel
from microgrid.providers.airtel import Airtel
from microgrid.providers.hearing import PROVEN, heard
from microgrid.providers.payment_facts import Asked, HttpRequest, Phone, RawRequest
from microgrid.providers.push_problems import no_way_back
from microgrid.providers.pushing import knows_requests_only, or_waiting, sent
from microgrid.providers.sending import Line


class AirtelAccount:
    """The `MoneyProvider` of one merchant account."""

    lists = False

    def __init__(self, settings: Airtel, line: Line, clock: Clock) -> None:
        self._airtel, self._line, self._clock = settings, line, clock

    @property
    def currency(self) -> str:
        """Return the currency of the account."""
        return self._airtel.account.currency

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()

    def check(self, push: Push) -> None:
        """Refuse what the provider would refuse, and nothing else."""
        self._push_request("", push)

    def push(self, push: Push) -> Taken:
        """Ask a customer to pay, under our own id of the push."""
        return sent(
            lambda: self._line.ask(lambda token: self._push_request(token, push)),
            lambda answer: airtel.read_push_answer(answer, push.id),
        )

    def enquire(self, about: Payment | Push) -> Answered:
        """Ask how a push stands; a receipt cannot be asked about here."""
        if isinstance(about, Payment):
            return knows_requests_only(about)
        answer = self._line.ask(lambda token: airtel.enquire(self._airtel, token, about.id))
        raw = RawRequest(answer.body, self._clock.now())
        asked = Asked(about.id, about.amount_minor, about.reference, Phone("e164", about.phone))
        found = airtel.read_enquiry(raw, self._airtel.account, asked)
        said = heard(found, raw, self._airtel.account, PROVEN, about.id)
        return Answered(answer.body, (or_waiting(said, about),))

    def reverse(self, payment: Payment) -> Answered:
        """Refuse: giving back is done on the provider's portal; InvalidInput says so."""
        raise no_way_back(payment)

    def pull(self, since: datetime, until: datetime) -> Iterator[Answered]:  # noqa: ARG002 - as the port says
        """Yield nothing: this provider has no list."""
        yield from ()

    def _push_request(self, token: str, push: Push) -> HttpRequest:
        payer = Phone("e164", push.phone)
        return airtel.push(self._airtel, token, push.id, payer, push.amount_minor, push.reference)
