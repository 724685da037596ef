"""Emulated MTN MoMo and Airtel Money behind HTTP: pushes are taken, end on the phone, and are told when asked."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request

from microgrid.providers.emulators import airtel, momo
from microgrid.providers.emulators.desk import Answer, Call, Desk, served
from microgrid.providers.emulators.faults import Happened, Intended, compact
from microgrid.providers.wire_text import json_object, minor_units, part, text_of

WRONG_TOKEN = 401, compact({"error": "Unauthorized", "message": "Access token expired"})
DUPLICATE = 409, compact({"code": "RESOURCE_ALREADY_EXIST", "message": "Duplicated reference id."})


@dataclass
class ServedMomo:
    """One collection account at MTN."""

    desk: Desk

    def app(self) -> Starlette:
        """Return the application."""
        handlers = {
            "POST /collection/v1_0/requesttopay": self._push,
            "GET /collection/v1_0/requesttopay/{reference_id}": self._enquiry,
        }
        return served(self.desk, "/collection/token/", handlers, WRONG_TOKEN)

    def _push(self, request: Request, body: bytes) -> Answer:
        reference_id, desk = request.headers["x-reference-id"], self.desk
        if reference_id in _by_request(desk):
            return DUPLICATE
        read = json_object(body)
        asked = read if isinstance(read, dict) else {}
        amount_minor = minor_units(asked.get("amount"), desk.wallet.account.exponent) or 0
        phone, note = f"+{text_of(part(asked, 'payer').get('partyId'))}", text_of(asked.get("payeeNote"))
        intended = Intended(desk.now_s, phone, amount_minor, note, asked=True)
        number = len(desk.happened)
        one, sent = momo.pay(desk.chance, desk.plan, number, intended, desk.wallet, "once", reference_id)
        url, method = request.headers["x-callback-url"], "PUT" if number % 2 else "POST"
        return _taken(desk, one, [Call(each.at_s, url, each, method) for each in sent if each.what == "callback"])

    def _enquiry(self, request: Request, _body: bytes) -> Answer:
        book = _by_request(self.desk)
        return momo.enquiry_answer(book, request.path_params["reference_id"], self.desk.wallet, self.desk.now_s)


@dataclass
class ServedAirtel:
    """One merchant account at Airtel, and where its callbacks go."""

    desk: Desk
    callback_url: str

    def app(self) -> Starlette:
        """Return the application."""
        handlers = {
            "POST /merchant/v1/payments/": self._push,
            "GET /standard/v1/payments/{our_id}": self._enquiry,
        }
        return served(self.desk, "/auth/oauth2/token", handlers, WRONG_TOKEN)

    def _push(self, _request: Request, body: bytes) -> Answer:
        read, desk = json_object(body), self.desk
        transaction = part(read, "transaction")
        our_id = text_of(transaction.get("id"))
        if our_id in _by_request(desk):
            return 200, compact({"status": {"result_code": "ESB000041", "success": False}})
        amount_minor = minor_units(transaction.get("amount"), desk.wallet.account.exponent) or 0
        reference = text_of(read.get("reference")) if isinstance(read, dict) else ""
        phone = f"+256{text_of(part(read, 'subscriber').get('msisdn'))}"
        intended = Intended(desk.now_s, phone, amount_minor, reference, asked=True)
        one, sent = airtel.pay(desk.chance, desk.plan, len(desk.happened), intended, desk.wallet, our_id)
        return _taken(desk, one, [Call(each.at_s, self.callback_url, each) for each in sent if each.what == "callback"])

    def _enquiry(self, request: Request, _body: bytes) -> Answer:
        return 200, airtel.enquiry_answer(_by_request(self.desk), request.path_params["our_id"], self.desk.now_s)


def _taken(desk: Desk, one: Happened, calls: list[Call]) -> Answer:
    """Keep what happened and return the answer to the push, which may have been lost."""
    desk.happened.append(one)
    desk.add(calls)
    if "lost_answer" in one.struck:
        return 504, b""
    if desk.wallet.account.provider == "momo":
        return 202, b""
    return 200, airtel.accepted_body(one)


def _by_request(desk: Desk) -> dict[str, Happened]:
    return {one.request_id: one for one in desk.happened}
