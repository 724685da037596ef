"""Asking for money by REST and by command, at once from two places, and through crashes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any, cast

import pytest

from microgrid import asking, payment_requests
from microgrid.__main__ import main
from microgrid.access import add_key
from microgrid.actions import add_account, add_site
from microgrid.billing import enquiries
from microgrid.billing.pushes import Push, Taken
from microgrid.cli.serving import open_core
from microgrid.customers.records import Account, Site
from microgrid.errors import InvalidInput
from microgrid.money_ports import MoneyProvider
from microgrid.payment_requests import Wanted
from microgrid.providers.emulators.faults import all_faults
from microgrid.providers.payment_facts import Provider
from microgrid.store.memory import MemoryStore
from tests.flows.village import START, AnyStore
from tests.money_in.served import World, free_port, world

ID = "3f2b8f0e-1d53-4f7a-9c55-0b1a2c3d4e5f"
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def asked(store: AnyStore) -> Iterator[World]:
    """Return a service and an emulated M-Pesa on each kind of store."""
    with world(store) as found:
        yield found


def send(w: World, method: str, path: str, body: Any = None, key: str = "") -> Any:
    return w.calls.request(method, w.root + path, json=body, headers={"Authorization": f"Bearer {key}"})


def test_a_program_asks_for_money_and_follows_it(asked: World) -> None:
    w = asked
    key = add_key(w.village.core, "shop", "7" * 32, ("read", "payments"), "test")
    body = {"id": ID, "account_id": "K-104", "amount_minor": 50_000}
    for _ in range(2):
        answer = send(w, "POST", "/payments/requests", body, key)
        assert (answer.status_code, answer.headers["location"]) == (202, f"/payments/requests/{ID}")
        assert answer.json()["phone"] == "+254712000104"
    assert len(w.emulator.desk.happened) == 1
    w.live(minutes=5)
    shown = send(w, "GET", answer.headers["location"], key=key).json()
    assert (shown["state"], shown["asked_by"]) == ("paid", "api:shop")
    payment = send(w, "GET", f"/payments/{shown['payment_id']}", key=key).json()
    assert payment["status"] == "posted"
    assert {one["channel"] for one in payment["sightings"]} >= {"stk", "c2b"}
    assert [one["id"] for one in send(w, "GET", "/payments/requests?limit=1", key=key).json()["items"]] == [ID]
    assert [row.actor for row in w.village.audit("account:K-104") if row.action == "ask to pay"] == ["api:shop"]
    w.village.are_books_true()


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"amount_minor": 60_000}, 422, "MG-P020"),
        ({"id": str(uuid.UUID(int=1)), "amount_minor": 50_001}, 422, "MG-P401"),
        ({"id": str(uuid.UUID(int=2)), "account_id": "K-999"}, 404, "MG-A001"),
        ({"id": str(uuid.UUID(int=3)), "through": "momo:1"}, 422, "MG-P027"),
        ({"id": "not one"}, 422, "MG-A007"),
        ({"id": str(uuid.UUID(int=4)), "amount_minor": 0}, 422, "MG-A007"),
        ({"id": str(uuid.UUID(int=5)), "reference": "longer than twelve"}, 422, "MG-P403"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_nobody_is_asked(change: Any, status: int, code: str) -> None:
    with world(MemoryStore()) as w:
        key = add_key(w.village.core, "shop", "7" * 32, ("payments",), "test")
        body = {"id": ID, "account_id": "K-104", "amount_minor": 50_000}
        send(w, "POST", "/payments/requests", body, key)
        answer = send(w, "POST", "/payments/requests", {**body, **change}, key)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert len(w.emulator.desk.happened) == 1


def test_whoever_has_no_phone_or_a_closed_account_is_not_asked() -> None:
    with world(MemoryStore()) as w:
        with w.village.store.begin() as uow:
            uow.accounts.put(Account("K-105", "c-K-104", "kisiju", START, START))
        with pytest.raises(InvalidInput, match="MG-P028"):
            w.ask(50_000, "K-105")


def test_alarms_are_listed_and_settled_over_rest() -> None:
    with world(MemoryStore()) as w:
        key = add_key(w.village.core, "shop", "7" * 32, ("read", "payments"), "test")
        with w.village.store.begin() as uow:
            for name in ("a", "b"):
                enquiries.raise_alarm(uow, f"x:{name}", f"payment:{name}", "look at it", START)
        page = send(w, "GET", "/alarms?limit=1", key=key).json()
        assert ([one["id"] for one in page["items"]], page["next"]) == (["x:a"], "x:a")
        answer = send(w, "POST", "/alarms/x:a/settle", {"note": "it was a test"}, key)
        assert (answer.status_code, answer.json()["settled_by"]) == (201, "api:shop")
        assert [one["id"] for one in send(w, "GET", "/alarms", key=key).json()["items"]] == ["x:b"]
        assert len(send(w, "GET", "/alarms?settled=true", key=key).json()["items"]) == 2
        assert send(w, "POST", "/alarms/none/settle", {"note": "?"}, key).status_code == 404


def test_two_who_send_the_same_request_at_once_ask_the_customer_once(asked: World) -> None:
    w = asked
    together = Barrier(6)

    def ask(_: int) -> str:
        together.wait()
        return payment_requests.ask_to_pay(w.village.core, Wanted(ID, "K-104", 50_000), "test").id

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(ask, range(6))) == {ID}
    assert len(w.emulator.desk.happened) == 1
    w.live(minutes=5)
    assert w.cash_minor() == w.truly_paid_minor() == 50_000
    w.village.are_books_true()


class CrashError(Exception):
    """The end of the world, at a chosen place."""


class Dying:
    """A provider before whose push the machine stops."""

    def __init__(self, way: MoneyProvider) -> None:
        self._way = way

    def __getattr__(self, name: str) -> Any:
        return getattr(self._way, name)

    def push(self, push: Push) -> Taken:
        raise CrashError(push.id)


@pytest.mark.parametrize("provider", ["mpesa", "momo", "airtel"])
def test_a_crash_between_the_decision_and_the_sending_asks_nobody_twice(store: AnyStore, provider: Provider) -> None:
    with world(store, provider) as w:
        push = w.ask(50_000)
        assert asking.send_push(w.village.core, push.id) is None  # it was sent
        dying = replace(w.village.core, providers={w.line: cast("MoneyProvider", Dying(w.way))})
        with pytest.raises(CrashError):
            payment_requests.ask_to_pay(dying, Wanted(ID, "K-104", 70_000), "test")
        # The same program, started again: what may have been sent is asked about, and never sent again.
        w.live(hours=30)
        assert len(w.emulator.desk.happened) == 1
        assert w.push(push).state == "paid"
        assert payment_requests.show(w.village.core, ID).state in ("failed", "unknown")
        assert w.cash_minor() == 50_000
        w.village.are_books_true()


SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 6))]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("provider", ["mpesa", "momo", "airtel"])
def test_all_faults_at_once_end_in_what_truly_moved(store: AnyStore, provider: Provider, seed: int) -> None:
    settings = {"confirm": "always"}
    with world(store, provider, all_faults(0.25), seed, settings, {"token_calls": 7}) as w:
        for number in range(12):
            w.ask(50_000 + 100 * number)
            if provider == "mpesa":
                w.pay(1_000 + 100 * number)
        w.live(days=5)
        back = sum(one.intended.amount_minor for one in w.emulator.desk.happened if one.reversed_at_s is not None)
        assert w.cash_minor() == w.truly_paid_minor() + back  # a reversal by the customer is seen in the statement only
        assert all(payment.status != "pending" for payment in w.payments() if not payment.receipt.startswith("Q"))
        assert all(payment.status == "pending" for payment in w.payments() if payment.receipt.startswith("Q"))
        w.village.are_books_true()


def test_the_commands_of_an_operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    nobody = free_port()
    settings = f"""database: books.db
public_url: https://pay.example.org
payments:
  - provider: mpesa
    shortcode: "600638"
    currency: KES
    exponent: 2
    region: KE
    secret_path: 7hX2vQ9rLw4nTz8b
    base_url: http://127.0.0.1:{nobody}
    keys: {{consumer_key_env: TEST_A, consumer_secret_env: TEST_A, passkey_env: TEST_A}}
"""
    (tmp_path / "organisation.yaml").write_text(settings, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEST_A", "hidden")
    assert main(["db", "upgrade"]) == 0
    assert main(["customer", "add", "c-1", "Amina", "--phone", "+254712000104"]) == 0
    core = open_core(tmp_path)
    add_site(core, Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2), "test")
    add_account(core, Account("K-1", "c-1", "kisiju", START), "test")
    capsys.readouterr()
    assert main(["pay", "ask", "K-1", "50000", "--id", ID]) == 0
    told = json.loads(capsys.readouterr().out)["request"]
    assert (told["state"], told["reason"]) == ("asked", "127.0.0.1 was not reached: ConnectError")
    assert main(["pay", "ask", "K-1", "0"]) == 2
    assert main(["pay", "ask", "K-1", "50000", "--id", "mine"]) == 2
    assert "MG-P020" in capsys.readouterr().err
    with core.store.begin() as uow:
        enquiries.raise_alarm(uow, "x:a", "payment:a", "look at it", START)
    assert main(["pay", "alarms"]) == 0
    assert [alarm["id"] for alarm in json.loads(capsys.readouterr().out)["alarms"]] == ["x:a"]
    assert main(["pay", "settle", "x:a", "--note", "done"]) == 0
    assert main(["pay", "alarms"]) == 0
    assert '"alarms": []' in capsys.readouterr().out
    monkeypatch.delenv("TEST_A")
    assert main(["pay", "ask", "K-1", "50000"]) == 3
    said = capsys.readouterr().err
    assert "MG-P026" in said
    assert "hidden" not in said
