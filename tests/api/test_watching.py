"""Who watches over the service sees what waits and what is behind, and nothing about anybody."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from microgrid import flows
from microgrid.api.app import create_app
from microgrid.errors import Environment, Problem
from microgrid.ports import Core
from microgrid.store.memory import MemoryStore
from microgrid.store.sql import SqlStore
from microgrid.switching.supply import Reported
from microgrid.ticking import Ticker
from tests.api.service import SECRET, Program, Service, confirmation, make_service
from tests.flows.village import make_village

Sample = tuple[str, tuple[tuple[str, str], ...]]


def scraped(text: str) -> dict[Sample, float]:
    """Return every sample of a scrape by its name and labels."""
    families = text_string_to_metric_families(text)
    samples = (sample for family in families for sample in family.samples)
    return {(each.name, tuple(sorted(each.labels.items()))): each.value for each in samples}


def gauge(service: Service, name: str, **labels: str) -> float | None:
    """Return one figure of a scrape, looked at anew."""
    service.village.clock.pass_(seconds=20)
    reader = service.program("read")
    return scraped(reader.get("/metrics").text).get((f"microgrid_{name}", tuple(sorted(labels.items()))))


def test_payments_meters_and_what_waits_are_counted(service: Service) -> None:
    village = service.village
    service.provider("confirmation", confirmation("RKT1", "500"))
    service.provider("confirmation", confirmation("RKT2", "500", "nobody"))
    village.clock.pass_(minutes=10)
    service.provider("confirmation", confirmation("RKT3", "500", "nobody"))
    assert gauge(service, "payments", provider="mpesa", status="posted") == 1
    assert gauge(service, "payments", provider="mpesa", status="suspense") == 2
    assert gauge(service, "suspense_oldest_seconds") == 660
    assert gauge(service, "meters", in_sync="no") == 1
    at = village.clock.now()
    flows.on_reported(village.core, "M-K-104", Reported(village.desired().revision, True, 1000, 1, at, at))
    assert (gauge(service, "meters", in_sync="yes"), gauge(service, "meters", in_sync="no")) == (1, 0)
    with village.store.read() as uow:
        unsealed = len(uow.audit.unsealed(1000))
    assert unsealed > 0
    assert gauge(service, "audit_unsealed") >= unsealed  # type: ignore[operator]  # a figure is there
    village.sent.broken = True
    village.clock.pass_(days=2)
    assert gauge(service, "outbox", kind="post charges") == 1
    overdue_s = gauge(service, "outbox_overdue_seconds", kind="post charges")
    assert overdue_s is not None
    assert 86_400 < overdue_s < 3 * 86_400


def test_answers_are_timed_by_route_and_not_by_address(service: Service, anybody: Program) -> None:
    anybody.get("/customers/c-K-104")
    anybody.get("/customers/c-nobody")
    service.provider("confirmation", confirmation("RKT1", "500"))
    anybody.get("/favicon.ico")
    text = anybody.get("/metrics").text
    counts = {labels: value for (name, labels), value in scraped(text).items() if name.endswith("seconds_count")}

    def count(method: str, route: str, status: str) -> float | None:
        return counts.get((("method", method), ("route", route), ("status", status)))

    assert count("GET", "/customers/{customer_id}", "200") == 1
    assert count("GET", "/customers/{customer_id}", "404") == 1
    assert count("POST", "/hooks/{secret_path}/{call}", "200") == 1
    assert count("GET", "none", "404") == 1
    for private in (SECRET, "c-K-104", "25470", "+254712000104", "K-104", "Amina", "RKT1"):
        assert private not in text


def test_a_scrape_needs_a_key_or_this_machine(service: Service) -> None:
    assert service.client.get("/metrics").status_code == 401
    assert service.program("payments").get("/metrics").status_code == 403
    assert service.program("read").get("/metrics").status_code == 200
    app = service.client.app
    for address, headers, status in (
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, 401),
        ("203.0.113.9", {}, 401),
        ("testclient", {}, 401),
    ):
        here = TestClient(app, client=(address, 4711), raise_server_exceptions=False)
        assert here.get("/metrics", headers=headers).status_code == status


def test_two_scrapes_together_look_once(service: Service) -> None:
    first = gauge(service, "payments", provider="mpesa", status="posted")
    service.provider("confirmation", confirmation("RKT1", "500"))
    reader = service.program("read")
    assert "microgrid_payments{" not in reader.get("/metrics").text
    assert (first, gauge(service, "payments", provider="mpesa", status="posted")) == (None, 1)


def with_ticker(do: Any) -> tuple[Service, Ticker, TestClient]:
    service = make_service(MemoryStore())
    ticker = Ticker(service.village.core, 60, do)
    client = TestClient(create_app(service.village.core, (), ticker), client=("127.0.0.1", 1))
    return service, ticker, client


def test_a_service_is_ready_while_it_ticks() -> None:
    service, ticker, client = with_ticker(flows.on_tick)
    for minutes, status in ((0, 200), (5, 200), (6, 503)):
        service.village.clock.at = ticker.pulse.ended_at + timedelta(minutes=minutes)
        assert client.get("/health/ready").status_code == status
    assert client.get("/health").json() == {"ok": True, "version": "0.1.0"}
    shown = client.get("/health/ready").json()
    assert (shown["code"], shown["title"]) == ("MG-E070", "the last tick ended 360 s ago, and one is due every 60 s")
    assert scraped(client.get("/metrics").text)["microgrid_tick_age_seconds", ()] == 360
    ticker.tick()
    service.village.clock.pass_(seconds=6)
    assert client.get("/health/ready").status_code == 200
    assert scraped(client.get("/metrics").text)["microgrid_tick_age_seconds", ()] == 6


def test_a_store_that_takes_no_writes_is_not_ready(sqlite_store: SqlStore) -> None:
    village = make_village(sqlite_store)
    client = TestClient(create_app(village.core))
    assert client.get("/health/ready").status_code == 200
    with sqlite_store.read() as uow:
        assert uow.outbox.page() == []  # nothing of the trial stays
    with sqlite_store.begin():  # an older version's tables, as after a restore
        sqlite_store.unit_here().session.write("UPDATE alembic_version SET version_num = '0001'", ())
    village.clock.pass_(seconds=6)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "MG-E061")
    assert client.get("/health").status_code == 200


def test_readiness_is_looked_at_once_in_a_while() -> None:
    class Counting(MemoryStore):
        looked = 0

        def check(self) -> None:
            self.looked += 1

    store = Counting()
    client = TestClient(create_app(make_village(store).core))
    for _ in range(50):
        client.get("/health/ready")
    assert store.looked == 1


def test_a_failure_of_the_tick_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[Exception] = []

    def step(_core: Core) -> None:
        if errors:
            raise ExceptionGroup("some steps", [errors[0], ExceptionGroup("deeper", [ValueError("always another")])])

    caplog.set_level(logging.INFO, "microgrid.tick")
    ticker = Ticker(make_village(MemoryStore()).core, 60, step)
    errors.append(Environment(Problem("MG-E060", "out of reach")))
    for _ in range(3):
        ticker.tick()
    assert ticker.pulse.failed == 2
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    errors.clear()
    for _ in range(2):
        ticker.tick()
    assert [record.levelname for record in caplog.records[2:]] == ["INFO", "INFO"]
    assert all("is well again" in record.getMessage() for record in caplog.records[2:])
    assert ticker.pulse.failed == 0


def test_the_ticker_ticks_until_it_is_stopped() -> None:
    import threading

    ticked = threading.Event()
    ticker = Ticker(make_village(MemoryStore()).core, 0, lambda _: ticked.set())
    ticker.start()
    assert ticked.wait(30)
    assert ticker.stop(30)


def test_an_order_is_accepted_and_says_where_its_answer_will_be(service: Service, anybody: Program) -> None:
    body = {"order": "off", "note": "wiring is being mended"}
    for _ in range(2):
        answer = anybody.post("/connections/p-K-104/order", body, **{"Idempotency-Key": "o1"})
        assert (answer.status_code, answer.headers["location"]) == (202, "/meters/M-K-104/supply")
    assert answer.json() == {"connection_id": "p-K-104", "order": "off", "meter_id": "M-K-104"}
    shown = anybody.get(answer.headers["location"]).json()
    assert (shown["desired"]["supply"]["on"], shown["why"]) == (
        False,
        "Supply is off by order: wiring is being mended.",
    )
    with service.village.store.read() as uow:
        assert len(uow.audit.where(subject="order:p-K-104")) == 1
    assert anybody.post("/connections/nowhere/order", body).status_code == 404
    assert anybody.post("/connections/p-K-104/order", body | {"order": "up"}).status_code == 422
    assert service.program("read").post("/connections/p-K-104/order", body).status_code == 403
    assert replace(service.village.desired().supply, reason="").on is False
