"""What a stranger or a stolen key tries: no credit without money, no evidence lost, no work without end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

from microgrid import actions
from microgrid.api.size_limit import LARGEST_BODY
from microgrid.cli.serving import listening
from microgrid.errors import InvalidInput
from microgrid.organisation import Organisation
from microgrid.store.memory import MemoryStore
from tests.api.service import PROVIDER, SECRET, Program, Service, confirmation, make_service
from tests.flows.village import START


def from_elsewhere(app: Any, receipt: str, **headers: str) -> None:
    """Send a payment to the right path from an address that is not the provider's."""
    client = TestClient(app, client=("127.0.0.1", 1))
    response = client.post(f"/hooks/{SECRET}/confirmation", json=confirmation(receipt, "500"), headers=headers)
    assert response.status_code == 200


def outcomes(service: Service) -> list[tuple[str, str]]:
    """Return what became of each message, and where it came from."""
    with service.village.store.read() as uow:
        return sorted((row.address, row.outcome) for row in uow.raw_events.page())


@pytest.mark.parametrize(("proxies", "credit_minor"), [((), 0), (("10.0.0.1",), 0), (("127.0.0.1",), 50_000)])
def test_only_our_own_proxy_may_say_where_a_call_came_from(proxies: tuple[str, ...], credit_minor: int) -> None:
    service = make_service(MemoryStore())
    organisation = Organisation(database="books.db", trusted_proxies=proxies)
    config = uvicorn.Config(service.client.app, **listening(organisation, "127.0.0.1", 8080))
    config.load()
    from_elsewhere(config.loaded_app, "RKT1", **{"X-Forwarded-For": PROVIDER})
    assert service.village.credit_minor() == credit_minor


def test_a_proxy_is_an_address() -> None:
    with pytest.raises((InvalidInput, ValueError), match="no address of a machine"):
        Organisation(database="books.db", trusted_proxies=("everybody",))


def test_a_copy_from_elsewhere_does_not_write_over_what_the_provider_sent(service: Service) -> None:
    service.provider("confirmation", confirmation("RKT1", "500"))
    (before,) = outcomes(service)
    from_elsewhere(service.client.app, "RKT1")
    refused, kept = outcomes(service)
    assert kept == before == (PROVIDER, "posted mpesa:600638:RKT1")
    assert refused == ("127.0.0.1", "nothing booked: 127.0.0.1 is not an address of the provider")
    assert service.village.credit_minor() == 50_000


def test_a_large_request_without_a_key_is_not_read(service: Service) -> None:
    response = service.client.post("/customers", content=b" " * (LARGEST_BODY + 1))
    assert (response.status_code, response.json()["code"]) == (413, "MG-A009")


def test_the_largest_batch_of_readings_is_read(anybody: Program) -> None:
    row = {"epoch": 1, "at": START.isoformat(), "register_wh": 2**62, "power_w": 2**31, "voltage_dv": 2**31}
    rows = [{**row, "seq": 2**62 - number} for number in range(2000)]
    assert anybody.post("/meters/nobody/readings", {"readings": rows}).status_code != 413


@pytest.mark.parametrize(
    "at",
    [
        "9999-12-31T23:00:00Z",
        "2199-01-01T00:00:00Z",
        (START + timedelta(days=1, seconds=1)).isoformat(),
        "1970-01-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
    ],
)
def test_a_row_of_an_impossible_time_is_kept_aside_and_charges_nothing(
    service: Service, anybody: Program, at: str
) -> None:
    service.village.pay("RKT1", 50_000)
    rows = [{"seq": 1, "at": at, "register_wh": 900_000}, {"seq": 2, "at": START.isoformat(), "register_wh": 1400}]
    for new, known in ((1, 0), (0, 1)):
        taken = anybody.post("/meters/M-K-104/readings", {"readings": rows}).json()
        assert (taken["new"], taken["known"], len(taken["problems"])) == (new, known, 1)
    assert service.village.credit_minor() == 40_000
    with service.village.store.read() as uow:
        (aside,) = uow.asides.where(meter_id="M-K-104")
    assert "says it was taken at" in aside.reason
    right = {"readings": [{"seq": 1, "at": START.isoformat(), "register_wh": 1200}]}
    assert anybody.post("/meters/M-K-104/readings", right).json() == {"new": 1, "known": 0, "problems": []}
    service.village.are_books_true()


def test_a_row_up_to_a_day_ahead_counts(anybody: Program) -> None:
    row = {"seq": 1, "at": (START + timedelta(days=1)).isoformat(), "register_wh": 1400}
    taken = anybody.post("/meters/M-K-104/readings", {"readings": [row]}).json()
    assert taken == {"new": 1, "known": 0, "problems": []}


def test_a_moment_that_no_clock_can_show_is_refused(anybody: Program) -> None:
    row = {"seq": 1, "at": "0001-01-01T00:00:00+05:00", "register_wh": 1}
    assert anybody.post("/meters/M-K-104/readings", {"readings": [row]}).status_code == 422


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2200-01-01", "9999-12-31"])
@pytest.mark.parametrize(
    "path", ["/kpis?site=kisiju&", "/reconciliation?account=mpesa:600638&", "/accounts/K-104/statement?"]
)
def test_a_day_that_no_clock_can_show_is_refused(anybody: Program, path: str, day: str) -> None:
    response = anybody.get(f"{path}from={day}&to={day}")
    assert (response.status_code, response.json()["code"]) in ((422, "MG-A065"), (422, "MG-P069"))
    signed = {"id": "x", "account_id": "K-104", "plan": "home", "started_on": day}
    assert anybody.post("/contracts", signed).status_code == 422


def test_the_password_of_the_books_is_not_shown() -> None:
    organisation = Organisation(database="postgresql://books:hunter2@host/books")
    assert "hunter2" not in repr(organisation)
    assert "hunter2" not in str(organisation)


@pytest.mark.long
def test_a_payment_moved_a_thousand_times_goes_back_whole() -> None:
    village = make_service(MemoryStore()).village
    village.move_in("K-107")
    village.pay("RKT1", 50_000)
    for number in range(1001):
        actions.move_payment(village.core, "mpesa:600638:RKT1", ("K-107", "K-104")[number % 2], "test", "to and fro")
    actions.reverse_payment(village.core, "mpesa:600638:RKT1", "test", "back")
    assert (village.credit_minor("K-104"), village.credit_minor("K-107")) == (0, 0)
    village.are_books_true()
