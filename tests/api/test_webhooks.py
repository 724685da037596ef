"""Programs are told what happened, once it has; nobody else can tell them, and they hold up nobody."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from microgrid import flows
from microgrid.api.posting import WebPoster, is_public
from microgrid.billing.sightings import Seen
from microgrid.customers.subscribers import Message
from microgrid.sealing import SealedKeys
from microgrid.store.memory import MemoryStore
from microgrid.switching.supply import Reported
from microgrid.webhooks import MOST_ATTEMPTS, Subscription, send_webhooks, subscribe
from tests.api.receiver import Receiver, receiving
from tests.api.service import Program, Service, make_service
from tests.flows.village import ENERGY, make_village

KEYS = SealedKeys(bytes(32))
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ALL = [
    "payment.booked",
    "payment.moved",
    "payment.reversed",
    "supply.changed",
    "supply.confirmed",
    "account.low_credit",
]
PAYMENTS = ALL[:3]


@pytest.fixture(params=["memory", "sqlite"])
def open_service(request: pytest.FixtureRequest) -> Service:
    """Return a service that may reach this machine."""
    store = MemoryStore() if request.param == "memory" else request.getfixturevalue("sqlite_store")
    return make_service(store, keys=KEYS, poster=WebPoster(["127.0.0.0/8"]))


@pytest.fixture
def keeper(open_service: Service) -> Program:
    """Return a program that may ask to be told."""
    return open_service.program("webhooks")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def wish(url: str, **other: Any) -> dict[str, Any]:
    return {"id": "crm", "url": url, "secret": SECRET, "events": ALL, **other}


def codes(response: Any) -> list[str]:
    return sorted(problem["code"] for problem in response.json()["problems"])


def test_a_payment_and_what_follows_are_told_once_and_signed(
    open_service: Service, keeper: Program, receiver: Receiver
) -> None:
    village = open_service.village
    assert keeper.post("/webhooks", wish(receiver.url)).status_code == 201
    for _ in range(2):
        village.pay("RKT1", 50_000)
        send_webhooks(village.core)
    assert receiver.kinds == ["payment.booked", "supply.changed"]
    booked = next(one for one in receiver.told if one["type"] == "payment.booked")
    assert booked["data"] == {
        "payment_id": "mpesa:600638:RKT1",
        "account_id": "K-104",
        "status": "posted",
        "amount_minor": 50_000,
        "currency": "KES",
        "paid_at": "2026-03-02T06:00:00+00:00",
    }
    supply = next(one for one in receiver.told if one["type"] == "supply.changed")
    assert (supply["data"]["on"], supply["data"]["revision"]) == (True, village.desired().revision)
    for headers, body in zip(receiver.headers, receiver.bodies, strict=True):
        said = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
        proof = base64.b64encode(hmac.new(bytes(range(32)), said, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{proof}"
        assert headers["webhook-timestamp"] == str(int(village.clock.now().timestamp()))
    village.are_books_true()


def test_each_kind_of_event_is_told(open_service: Service, keeper: Program, receiver: Receiver) -> None:
    village, office = open_service.village, open_service.program("payments")
    keeper.post("/webhooks", wish(receiver.url))
    village.pay("RKT1", 50_000, "nobody")
    office.post("/payments/mpesa:600638:RKT1/move", {"account_id": "K-104", "note": "the payer called"})
    revision = village.desired().revision
    at = village.clock.now()
    for _ in range(2):
        flows.on_reported(village.core, "M-K-104", Reported(revision, True, 1000, 1, at, at))
    office.post("/payments/mpesa:600638:RKT1/reverse", {"note": "sent back"})
    send_webhooks(village.core)
    assert receiver.kinds == [
        "payment.booked",
        "payment.moved",
        "payment.reversed",
        "supply.changed",
        "supply.changed",
        "supply.confirmed",
    ]
    assert len({one["id"] for one in receiver.told}) == 6
    states = {one["type"]: one["data"].get("status") for one in receiver.told}
    assert [states[kind] for kind in PAYMENTS] == ["suspense", "posted", "reversed"]
    village.are_books_true()


def test_a_low_credit_is_told(receiver: Receiver) -> None:
    village = make_village(MemoryStore(), keys=KEYS, poster=WebPoster(["127.0.0.0/8"]))
    village.settle_in(ENERGY, warn_minor=10_000)
    subscribe(village.core, Subscription("crm", receiver.url, SECRET, ("account.low_credit",)), "test")
    village.pay("RKT1", 50_000)
    village.clock.pass_(hours=30)  # the home was warned when it had no credit yet
    village.use(1000 + 1700)
    village.use(1000 + 1800)
    send_webhooks(village.core)
    assert [one["data"] for one in receiver.told] == [{"account_id": "K-104", "available_minor": 7_500}]


def test_nothing_is_told_of_what_was_not_committed(open_service: Service, keeper: Program, receiver: Receiver) -> None:
    keeper.post("/webhooks", wish(receiver.url))
    village = open_service.village
    village.pay("RKT1", 50_000)
    batch = [(Seen(village.payment("RKT1", 999)), None), (Seen(village.payment("RKT2", 100)), None)]
    flows.on_payments(village.core, batch)
    send_webhooks(village.core)
    ids = [one["data"]["payment_id"] for one in receiver.told if one["type"] == "payment.booked"]
    assert sorted(ids) == ["mpesa:600638:RKT1", "mpesa:600638:RKT2"]


def test_only_the_events_and_the_site_asked_for_are_told(
    open_service: Service, keeper: Program, receiver: Receiver
) -> None:
    assert keeper.post("/webhooks", wish(receiver.url, events=["payment.booked"], site_id="kisiju")).status_code == 201
    open_service.village.pay("RKT1", 50_000)
    open_service.village.pay("RKT2", 100, "nobody")  # of no site yet
    send_webhooks(open_service.village.core)
    assert [one["data"]["account_id"] for one in receiver.told] == ["K-104"]
    assert keeper.post("/webhooks", wish(receiver.url, id="other", site_id="nowhere")).status_code == 404


def test_a_receiver_that_fails_is_told_again_later_and_its_neighbour_at_once(
    open_service: Service, keeper: Program, receiver: Receiver
) -> None:
    village = open_service.village
    with receiving() as gone:
        pass
    keeper.post("/webhooks", wish(receiver.url, events=PAYMENTS))
    keeper.post("/webhooks", wish(gone.url, id="gone", events=PAYMENTS))
    receiver.status = 500
    village.pay("RKT1", 50_000)
    village.pay("RKT2", 50_000)
    for _ in range(2):  # the second time nothing is due
        send_webhooks(village.core)
    assert len(receiver.bodies) == 2
    shown = keeper.get("/webhooks/crm/deliveries").json()["items"]
    assert [(one["attempts"], one["done_at"], "answered 500" in one["last_error"]) for one in shown] == [
        (1, None, True)
    ] * 2
    dead = keeper.get("/webhooks/gone/deliveries?limit=1").json()
    assert "cannot be reached" in dead["items"][0]["last_error"] or "a moment ago" in dead["items"][0]["last_error"]
    assert dead["next"] == dead["items"][0]["id"]
    receiver.status = 200
    village.clock.pass_(minutes=2)
    send_webhooks(village.core)
    assert sorted(one["id"] for one in receiver.told[2:]) == sorted(one["id"] for one in receiver.told[:2])
    assert all(one["done_at"] for one in keeper.get("/webhooks/crm/deliveries").json()["items"])


def test_a_receiver_that_never_answers_is_given_up(open_service: Service, keeper: Program, receiver: Receiver) -> None:
    village = open_service.village
    receiver.status = 500
    keeper.post("/webhooks", wish(receiver.url, events=PAYMENTS))
    village.pay("RKT1", 50_000)
    for _ in range(MOST_ATTEMPTS + 3):
        send_webhooks(village.core)
        village.clock.pass_(hours=12)
    assert len(receiver.bodies) == MOST_ATTEMPTS
    (shown,) = keeper.get("/webhooks/crm/deliveries").json()["items"]
    assert shown["last_error"].startswith(f"given up after {MOST_ATTEMPTS} attempts: 127.0.0.1")


def test_redirects_are_not_followed(open_service: Service, keeper: Program, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.status, receiver.location = 307, elsewhere.url
        keeper.post("/webhooks", wish(receiver.url, events=PAYMENTS))
        open_service.village.pay("RKT1", 50_000)
        send_webhooks(open_service.village.core)
    assert (len(receiver.bodies), elsewhere.bodies) == (1, [])


def test_an_ended_webhook_is_told_nothing_more(open_service: Service, keeper: Program, receiver: Receiver) -> None:
    village = open_service.village
    keeper.post("/webhooks", wish(receiver.url, events=PAYMENTS))
    village.pay("RKT1", 50_000)
    for _ in range(2):
        assert keeper.send("DELETE", "/webhooks/crm").json()["ended_at"] == "2026-03-02T06:00:00+00:00"
    village.pay("RKT2", 50_000)
    send_webhooks(village.core)
    assert receiver.bodies == []
    (shown,) = keeper.get("/webhooks/crm/deliveries").json()["items"]
    assert shown["last_error"] == "not sent: the webhook was ended"
    assert keeper.post("/webhooks", wish(receiver.url, events=PAYMENTS)).status_code == 409
    assert keeper.send("DELETE", "/webhooks/none").status_code == 404


def test_the_same_wish_twice_is_one_and_its_secret_is_nowhere(open_service: Service, keeper: Program) -> None:
    body = wish("http://127.0.0.1:9/told")
    for _ in range(2):
        answer = keeper.post("/webhooks", body, **{"Idempotency-Key": "w1"})
        assert answer.status_code == 201
        assert keeper.post("/webhooks", body).status_code == 201
    shown = keeper.get("/webhooks").json()["items"]
    assert [one["id"] for one in shown] == ["crm"]
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    refused = keeper.post("/webhooks", {**body, "secret": other})
    assert (refused.status_code, codes(refused)) == (409, ["MG-A002"])
    with open_service.village.store.read() as uow:
        kept = repr([*uow.raw_events.page(), *uow.audit.page(), *uow.outbox.page(), *uow.subscribers.page()])
    for secret in (SECRET, other, repr(bytes(range(32)))[2:-1]):
        assert secret.removeprefix("whsec_") not in kept + answer.text + refused.text + repr(shown)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"events": ["payment.lost", "payment.booked"]}, ["MG-A060"]),
        ({"secret": "whsec_short"}, ["MG-A061"]),
        ({"secret": SECRET.removeprefix("whsec_")}, ["MG-A061"]),
        ({"secret": "whsec_ü" + "A" * 40}, ["MG-A061"]),
        ({"url": "ftp://127.0.0.1/x"}, ["MG-A062"]),
        ({"url": "http://user:pass@127.0.0.1/x"}, ["MG-A062"]),
        ({"url": "http://127.0.0.1:99999/x"}, ["MG-A062"]),
        ({"url": "https://[::1/x"}, ["MG-A062"]),
        ({"url": "http://10.0.0.3/x"}, ["MG-A062"]),
        ({"url": "http://8.8.8.8/x"}, ["MG-A062"]),
        ({"url": "https://169.254.169.254/latest", "secret": "x", "events": ["y"]}, ["MG-A060", "MG-A061", "MG-A062"]),
        ({"id": "crm:evt"}, ["MG-A007"]),
    ],
)
def test_a_wish_that_cannot_be_meant_is_refused_with_every_mistake(
    open_service: Service, keeper: Program, other: dict[str, Any], expected: list[str]
) -> None:
    answer = keeper.post("/webhooks", wish("http://127.0.0.1:9/told") | other)
    assert (answer.status_code, codes(answer)) == (422, expected)
    assert "pass@" not in answer.text
    with open_service.village.store.read() as uow:
        assert uow.subscribers.page() == []


def test_so_many_and_no_more(keeper: Program) -> None:
    answers = [keeper.post("/webhooks", wish("http://127.0.0.1:9/told", id=f"w{number}")) for number in range(21)]
    assert [answer.status_code for answer in answers] == [201] * 20 + [422]
    assert codes(answers[-1]) == ["MG-A063"]


def test_without_a_key_file_or_a_way_out_nobody_can_ask() -> None:
    for ports, code in (({"poster": WebPoster(["127.0.0.0/8"])}, "MG-A015"), ({"keys": KEYS}, "MG-A062")):
        service = make_service(MemoryStore(), **ports)
        answer = service.program("webhooks").post("/webhooks", wish("http://127.0.0.1:9/told"))
        assert codes(answer) == [code]
        assert service.program("read").get("/webhooks").status_code == 403


def test_a_secret_that_does_not_open_any_more_holds_up_nobody(open_service: Service, keeper: Program) -> None:
    keeper.post("/webhooks", wish("http://127.0.0.1:9/told", events=PAYMENTS))
    village = open_service.village
    village.pay("RKT1", 50_000)
    send_webhooks(replace(village.core, keys=SealedKeys(bytes(31) + b"x")))
    (shown,) = keeper.get("/webhooks/crm/deliveries").json()["items"]
    assert "does not open" in shown["last_error"]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public


def test_a_name_that_is_not_known_is_no_address() -> None:
    assert WebPoster().refusal("https://no-such-name.invalid/x") == "the name no-such-name.invalid is not known"
    assert WebPoster().refusal("https://" + "a" * 70 + ".example/x").endswith("is not known")
    message = Message("https://no-such-name.invalid/x", {}, b"")
    answers = WebPoster().post_all([message, message])
    assert all(answer and "no-such-name.invalid" in answer for answer in answers)


def test_what_is_no_web_server_is_told_as_unreachable(receiver: Receiver) -> None:
    """A server that speaks no TLS is asked for it: the handshake fails, and the reason is kept."""
    secure = receiver.url.replace("http://", "https://")
    (answer,) = WebPoster(["127.0.0.0/8"]).post_all([Message(secure, {}, b"{}")])
    assert answer is not None
    assert "cannot be reached" in answer
    assert receiver.bodies == []


def test_a_name_that_leads_to_this_machine_is_refused() -> None:
    assert WebPoster().refusal("https://localhost/x").endswith("is no public address")


@pytest.mark.parametrize("drip", [b"", b"x"])
def test_a_receiver_that_never_ends_its_answer_is_cut_off(drip: bytes) -> None:
    """One says nothing, the other a byte of a header now and then: neither may hold up the tick."""
    ended = threading.Event()

    def answer() -> None:
        connection, _ = door.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nserver: " if drip else b"")
            while not ended.wait(0.02):
                connection.sendall(drip)

    with socket.create_server(("127.0.0.1", 0)) as door:
        receiver = threading.Thread(target=answer)
        receiver.start()
        poster = WebPoster(["127.0.0.0/8"], one_s=0.3)
        (said,) = poster.post_all([Message(f"http://127.0.0.1:{door.getsockname()[1]}/x", {}, b"{}")])
        ended.set()
        receiver.join()
    assert said is not None
    assert "cannot be reached" in said


def test_what_there_is_no_time_for_stays_due(receiver: Receiver) -> None:
    messages = [Message(receiver.url, {}, b"{}")] * 3
    assert WebPoster(["127.0.0.0/8"], all_s=-1.0).post_all(messages) == [None] * 3
    assert receiver.bodies == []
