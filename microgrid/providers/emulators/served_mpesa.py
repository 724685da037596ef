"""An emulated M-Pesa behind HTTP: customers pay, pushes end on the phone, and questions are answered later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request

from microgrid.providers.emulators import mpesa, mpesa_answers
from microgrid.providers.emulators.desk import Answer, Call, Desk, served
from microgrid.providers.emulators.faults import Delivery, Happened, Intended, What, compact
from microgrid.providers.wire_text import NAIROBI, json_object, minor_units, text_of

Fields = Mapping[str, object]
WRONG_TOKEN = 404, compact({"requestId": "1", "errorCode": "404.001.03", "errorMessage": "Invalid Access Token"})
BUSY = (
    500,
    compact({"requestId": "1", "errorCode": "500.001.1001", "errorMessage": "The transaction is being processed"}),
)
ANSWER_S = 2  # how long a question waits for its answer


@dataclass
class ServedMpesa:
    """One shortcode at the provider: its desk, and where the calls about payments go."""

    desk: Desk
    confirmation_url: str
    validation_url: str

    def app(self) -> Starlette:
        """Return the application."""
        handlers = {
            "POST /mpesa/stkpush/v1/processrequest": self._push,
            "POST /mpesa/stkpushquery/v1/query": self._push_query,
            "POST /mpesa/transactionstatus/v1/query": self._status,
            "POST /mpesa/reversal/v1/request": self._reverse,
            "POST /pulltransactions/v1/query": self._pull,
        }
        return served(self.desk, "/oauth/v1/generate", handlers, WRONG_TOKEN)

    def pay(self, intended: Intended, push_url: str = "") -> Happened:
        """Let a customer pay, or end a push, and let the calls about it wait."""
        desk = self.desk
        one, sent = mpesa.pay(desk.chance, desk.plan, len(desk.happened), intended, desk.wallet)
        desk.happened.append(one)
        urls = {
            "stk_callback": push_url,
            "c2b_confirmation": self.confirmation_url,
            "c2b_validation": self.validation_url,
        }
        overtakes = desk.early is not None and "before_answer" in one.struck
        desk.add(
            [
                Call(each.at_s, urls[each.what], each, overtakes=overtakes and each.what == "stk_callback")
                for each in sent
                if urls.get(each.what)
            ]
        )
        return one

    def _push(self, _request: Request, body: bytes) -> Answer:
        asked, account = _fields(body), self.desk.wallet.account
        amount_minor = minor_units(asked.get("Amount"), account.exponent) or 0
        phone, reference = f"+{text_of(asked.get('PhoneNumber'))}", text_of(asked.get("AccountReference"))
        intended = Intended(self.desk.now_s, phone, amount_minor, reference, ("JANE", "DOE"), asked=True)
        one = self.pay(intended, text_of(asked.get("CallBackURL")))
        accepted = {
            "MerchantRequestID": "29115-1-1",
            "CheckoutRequestID": one.request_id,
            "ResponseCode": "0",
            "ResponseDescription": "Success. Request accepted for processing",
        }
        return (502, b"") if "lost_answer" in one.struck else (200, compact(accepted))

    def _push_query(self, _request: Request, body: bytes) -> Answer:
        request_id = text_of(_fields(body).get("CheckoutRequestID"))
        book = mpesa_answers.books(self.desk.book())
        return (200, mpesa_answers.stk_query_answer(book, request_id)) if request_id in book else BUSY

    def _status(self, _request: Request, body: bytes) -> Answer:
        asked = _fields(body)
        receipt, our_id = text_of(asked.get("TransactionID")), text_of(asked.get("OriginalConversationID"))
        book = mpesa_answers.books(self.desk.book())
        result = mpesa_answers.status_result(book, receipt, self.desk.wallet, our_id)
        self._answer_later("status_result", result, text_of(asked.get("ResultURL")))
        return 200, _taken(our_id)

    def _reverse(self, _request: Request, body: bytes) -> Answer:
        asked = _fields(body)
        receipt = text_of(asked.get("TransactionID"))
        result = mpesa_answers.reversal_result(mpesa_answers.books(self.desk.book()), receipt, self.desk.wallet)
        back = [
            replace(one, reversed_at_s=self.desk.now_s) if one.receipt == receipt else one for one in self.desk.happened
        ]
        self.desk.happened[:] = back
        self._answer_later("reversal_result", result, text_of(asked.get("ResultURL")))
        return 200, _taken(receipt)

    def _pull(self, _request: Request, body: bytes) -> Answer:
        asked = _fields(body)
        start_s, end_s = self._second(asked.get("StartDate")), self._second(asked.get("EndDate"))
        offset = int(text_of(asked.get("OffSetValue")))
        return 200, mpesa_answers.pull_page(self.desk.book(), self.desk.wallet, start_s, end_s + 1, offset)

    def _answer_later(self, what: What, result: bytes, url: str) -> None:
        at_s = self.desk.now_s + ANSWER_S
        self.desk.add([Call(at_s, url, Delivery(at_s, what, result, self.desk.wallet.address))])

    def _second(self, value: object) -> int:
        moment = datetime.strptime(text_of(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=NAIROBI)
        return int((moment - self.desk.wallet.epoch).total_seconds())


def _fields(body: bytes) -> Fields:
    read = json_object(body)
    return read if isinstance(read, dict) else {}


def _taken(our_id: str) -> bytes:
    taken = {"OriginatorConversationID": our_id, "ConversationID": "AG_1", "ResponseCode": "0"}
    return compact({**taken, "ResponseDescription": "Accept the service request successfully."})
