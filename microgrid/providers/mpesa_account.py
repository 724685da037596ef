"""Our M-Pesa shortcode, asked over HTTPS: push, state of a push or receipt, reversal, and the list of two days."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from microgrid.billing.payments import Payment
from microgrid.billing.pushes import Push, Taken
from microgrid.billing.sightings import Told
from microgrid.clock import Clock
from microgrid.money_ports import Answered
from microgrid.providers import mpesa_requests
from microgrid.providers.hearing import PROVEN, heard
from microgrid.providers.mpesa_requests import PULL_PAGE, Daraja
from microgrid.providers.mpesa_results import read_pull, read_stk_query
from microgrid.providers.payment_facts import HttpAnswer, HttpRequest, Phone, RawRequest, Unreadable
from microgrid.providers.pushing import or_waiting, sent
from microgrid.providers.sending import Line

MOST_PAGES = 1000  # of one list: 100,000 payments in two days
DESCRIPTION = "Top up"


class MpesaAccount:
    """The `MoneyProvider` of one shortcode; `daraja.callback_url` is the address under which all its calls come in."""

    def __init__(self, daraja: Daraja, line: Line, clock: Clock, *, lists: bool = False) -> None:
        self._daraja, self._line, self._clock, self._lists = daraja, line, clock, lists

    @property
    def lists(self) -> bool:
        """Tell whether the list of payments has been opened to us."""
        return self._lists

    @property
    def currency(self) -> str:
        """Return the currency of the account."""
        return self._daraja.account.currency

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()

    def check(self, push: Push) -> None:
        """Refuse what the provider would refuse, and nothing else."""
        self._push_request("", push)

    def push(self, push: Push) -> Taken:
        """Ask a customer to pay; the answer comes to an address of this push alone."""
        return sent(lambda: self._line.ask(lambda token: self._push_request(token, push)), mpesa_requests.read_answer)

    def enquire(self, about: Payment | Push) -> Answered:
        """Ask for the state of a push, which is told at once, or of a receipt, which is told later to our address."""
        return self._enquire_push(about) if isinstance(about, Push) else self._enquire_receipt(about)

    def reverse(self, payment: Payment) -> Answered:
        """Ask to give a payment back; how that ended comes later, to our address."""
        daraja = self._answered_at("reversal", payment.receipt)
        answer = self._line.ask(
            lambda token: mpesa_requests.reversal(daraja, token, payment.receipt, payment.amount_minor)
        )
        taken = mpesa_requests.read_answer(answer)
        if taken.outcome == "ambiguous" or taken.action == "retry_later":
            raise OSError(taken.reason)
        state = Told("kept", taken.reason, payment.id, proven=True)
        asked = Told("waiting", "asked to give it back", payment.id, proven=True)
        return Answered(answer.body, (state if taken.outcome == "refused" else asked,))

    def pull(self, since: datetime, until: datetime) -> Iterator[Answered]:
        """Yield the pages of the provider's list of payments to this shortcode; OSError when one does not come."""
        for page in range(MOST_PAGES):
            offset = page * PULL_PAGE
            answer = self._line.ask(
                lambda token, offset=offset: mpesa_requests.pull_query(self._daraja, token, since, until, offset)  # type: ignore[misc]  # bound now
            )
            raw = self._raw(answer)
            rows = read_pull(raw, self._daraja.account)
            if answer.status != 200 or (len(rows) == 1 and isinstance(rows[0], Unreadable) and not rows[0].line):
                raise OSError(f"the list of payments did not come: HTTP {answer.status}")
            yield Answered(answer.body, tuple(heard(row, raw, self._daraja.account, PROVEN) for row in rows))
            if len(rows) < PULL_PAGE:
                return

    def _enquire_push(self, push: Push) -> Answered:
        if not push.request_id:
            reason = "the answer to our request was lost, and with it the provider's name of it"
            return Answered(b"", (Told("see_list", reason, request_id=push.id, proven=True),))
        answer = self._line.ask(
            lambda token: mpesa_requests.stk_query(self._daraja, token, push.request_id, self._clock.now())
        )
        raw = self._raw(answer)
        found = heard(read_stk_query(raw, self._daraja.account), raw, self._daraja.account, PROVEN, push.id)
        return Answered(answer.body, (or_waiting(found, push),))

    def _enquire_receipt(self, payment: Payment) -> Answered:
        daraja = self._answered_at("status", payment.receipt)
        name = question_token(self._daraja, payment.receipt)
        answer = self._line.ask(lambda token: mpesa_requests.transaction_status(daraja, token, payment.receipt, name))
        taken = mpesa_requests.read_answer(answer)
        reason = "asked; the answer comes to our address" if taken.outcome == "accepted" else taken.reason
        return Answered(answer.body, (Told("waiting", reason, payment.id, proven=True),))

    def _push_request(self, token: str, push: Push) -> HttpRequest:
        daraja = replace(self._daraja, callback_url=f"{self._daraja.callback_url}/stk/{push.id}")
        payer = Phone("e164", push.phone)
        return mpesa_requests.stk_push(
            daraja, token, payer, push.amount_minor, push.reference, DESCRIPTION, self._clock.now()
        )

    def _answered_at(self, call: str, receipt: str) -> Daraja:
        """Return the account with addresses for answers that nobody knows who was not asked this question."""
        root, name = self._daraja.callback_url, question_token(self._daraja, receipt)
        return replace(self._daraja, callback_url=f"{root}/{call}/{name}", timeout_url=f"{root}/timeout/{name}")

    def _raw(self, answer: HttpAnswer) -> RawRequest:
        return RawRequest(answer.body, self._clock.now())


def question_token(daraja: Daraja, receipt: str) -> str:
    """Return the part of an address that proves that an answer about a receipt answers a question of ours."""
    key = daraja.keys.consumer_secret.encode()
    return hmac.new(key, f"{daraja.account.shortcode}:{receipt}".encode(), hashlib.sha256).hexdigest()[:32]


def answers_us(daraja: Daraja, receipt: str, token: str) -> bool:
    """Tell whether an answer about a receipt came to the address that only its question named."""
    return hmac.compare_digest(question_token(daraja, receipt), token)
