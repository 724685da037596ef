"""Our MTN MoMo collection account, asked over HTTPS: requests to pay, and how they stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from microgrid.billing.payments import Payment
from microgrid.billing.pushes import Push, Taken
from microgrid.billing.sightings import Told
from microgrid.clock import Clock
from microgrid.money_ports import Answered
from microgrid.providers import momo
from microgrid.providers.hearing import PROVEN, heard
from microgrid.providers.momo import Momo
from microgrid.providers.payment_facts import HttpRequest, Phone, RawRequest
from microgrid.providers.push_problems import no_way_back
from microgrid.providers.pushing import knows_requests_only, or_waiting, sent
from microgrid.providers.sending import Line

NEVER_CAME_AFTER = timedelta(minutes=10)  # a request the provider does not know by then has not reached it


class MomoAccount:
    """The `MoneyProvider` of one collection account."""

    lists = False

    def __init__(self, settings: Momo, line: Line, clock: Clock) -> None:
        self._momo, self._line, self._clock = settings, line, clock

    @property
    def currency(self) -> str:
        """Return the currency of the account."""
        return self._momo.account.currency

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
            lambda answer: momo.read_push_answer(answer, push.id),
        )

    def enquire(self, about: Payment | Push) -> Answered:
        """Ask how a push stands; a receipt cannot be asked about here."""
        if isinstance(about, Payment):
            return knows_requests_only(about)
        answer = self._line.ask(lambda token: momo.enquire(self._momo, token, about.id))
        raw = RawRequest(answer.body, self._clock.now())
        if answer.status == 404:
            never_came = raw.received_at - about.asked_at > NEVER_CAME_AFTER
            return Answered(answer.body, (_not_known(about, "failed" if never_came else "waiting"),))
        found = momo.read_payment(raw, self._momo.account, about.id, raw_kind="enquiry")
        said = heard(found, raw, self._momo.account, PROVEN, about.id)
        return Answered(answer.body, (or_waiting(said, about),))

    def reverse(self, payment: Payment) -> Answered:
        """Refuse: collections have no way back; InvalidInput says what to do."""
        raise no_way_back(payment)

    def pull(self, since: datetime, until: datetime) -> Iterator[Answered]:  # noqa: ARG002 - as the port says
        """Yield nothing: this provider has no list."""
        yield from ()

    def _push_request(self, token: str, push: Push) -> HttpRequest:
        payer = Phone("e164", push.phone)
        return momo.request_to_pay(self._momo, token, push.id, payer, push.amount_minor, push.reference)


def _not_known(push: Push, state: Literal["failed", "waiting"]) -> Told:
    return Told(state, "the provider does not know this request", request_id=push.id, proven=True)
