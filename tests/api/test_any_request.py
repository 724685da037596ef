"""Whatever a program sends, the service answers as it says it does, and never fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from benchmarks import private_postgres
from microgrid import agents, agreements
from microgrid.agreements import Wish
from microgrid.billing.agent_cash import Sale
from microgrid.customers.agents import Agent
from microgrid.customers.keys import SCOPES
from microgrid.sealing import SealedKeys
from microgrid.store.memory import MemoryStore
from microgrid.store.opening import upgrade
from microgrid.store.sql import open_store
from tests.api.service import Service, make_service

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of requests with many rows
SELLER = "agent:A-7"
PAYMENT = "mpesa:600638:R1"
KNOWN = {  # what is there, by the names that requests have for it
    "account_id": "K-104",
    "customer_id": "c-K-104",
    "site_id": "kisiju",
    "connection_id": "p-K-104",
    "meter_id": "M-K-104",
    "fit_id": "f-K-104",
    "plan_id": "home",
    "payment_id": PAYMENT,
    "agent_id": "A-7",
    "handover_id": "h-1",
    "approval_id": f"refund:payment:{PAYMENT}:1",
    "reading_id": "M-K-104:1:1",
    "reference": "K-104",
    "account": "mpesa:600638",
    "month": "2026-03",
    "currency": "KES",
    "site": "kisiju",
    "from": "2026-03-01",
    "to": "2026-03-09",
    "name": "arpu",
}
NOT_DESCRIBED = {"/openapi.json"}  # the hooks, too: their addresses are secret; see tests/money_in
QUICK = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
THOROUGH = settings(QUICK, max_examples=60, derandomize=False, phases=(Phase.explicit, Phase.generate))


@dataclass(frozen=True)
class Running:
    """A service, and a key that may do everything."""

    service: Service
    key: str

    def answer(self, case: Any) -> None:
        """Send a request, and hold the answer against what a service may answer."""
        response = case.call(app=self.service.client.app, headers={"Authorization": f"Bearer {self.key}"})
        case.validate_response(response, checks=(not_a_server_error,))
        assert response.status_code < 500


def running(address: str) -> Running:
    """Return a service with one home, where everything there can be has been seen once."""
    service = make_service(open_store(address), keys=SealedKeys(bytes(32)))
    village, core = service.village, service.village.core
    village.pay("R1", 50_000)
    village.pay("R2", 1_000, "?")
    village.use(1000)
    agents.add_agent(core, Agent("A-7", "Asha", None, "kisiju", 100_000), "test")
    agents.sell(core, Sale("A-7", "0017", 9_000, "K-104"), SELLER)
    agents.offer_handover(core, agents.handover_of(core, "h-1", "A-7", 9_000, SELLER, debt=False), SELLER)
    agreements.ask(core, Wish("refund", PAYMENT, "paid twice"), "person:asha")
    return Running(service, service.program(*SCOPES).key)


def schema_of(service: Service, *, well_formed: bool) -> schemathesis.BaseSchema:
    """Return the description of a service, from which requests are drawn; half of them name what is there."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", service.client.app)
    schema.config.generation.update(modes=[GenerationMode.POSITIVE] if well_formed else list(GenerationMode))

    def named(drawn: Any) -> Any:
        if not isinstance(drawn, Mapping):
            return st.just(drawn)
        there = {**drawn, **{name: known for name, known in KNOWN.items() if name in drawn}}
        return st.sampled_from([drawn, there])

    @schema.hook
    def flatmap_path_parameters(_: Any, path_parameters: Any) -> Any:
        return named(path_parameters)

    @schema.hook
    def map_headers(_: Any, headers: Any) -> Any:
        """Let no request be taken for another one, whatever key was drawn for it."""
        return {name: text for name, text in (headers or {}).items() if name.lower() != "idempotency-key"}

    @schema.hook
    def flatmap_query(_: Any, query: Any) -> Any:
        return named(query)

    @schema.hook
    def flatmap_body(_: Any, body: Any) -> Any:
        return named(body)

    return schema


@pytest.fixture(scope="module")
def in_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a service on SQLite."""
    address = str(tmp_path_factory.mktemp("any") / "books.db")
    upgrade(address)
    yield from _true_afterwards(running(address))


@pytest.fixture(scope="module")
def on_postgres() -> Iterator[Running]:
    """Return a service on PostgreSQL."""
    with private_postgres.server() as url:
        if url is None:
            pytest.skip(f"NOT RUN ON POSTGRESQL: no server here; to run: {private_postgres.HOW}")
        with private_postgres.database(url) as address:
            upgrade(address)
            yield from _true_afterwards(running(address))


def _true_afterwards(made: Running) -> Iterator[Running]:
    yield made
    made.service.village.are_books_true()
    made.service.village.store.close()  # type: ignore[union-attr]  # a store in a database


ANY = schema_of(make_service(MemoryStore()), well_formed=False)
WELL_FORMED = schema_of(make_service(MemoryStore()), well_formed=True)


@WELL_FORMED.parametrize()
@QUICK
def test_no_request_breaks_the_service(case: Any, in_file: Running) -> None:
    in_file.answer(case)


@pytest.mark.long
@ANY.parametrize()
@THOROUGH
def test_no_request_of_many_breaks_the_service(case: Any, in_file: Running) -> None:
    in_file.answer(case)


@pytest.mark.long
@ANY.parametrize()
@THOROUGH
def test_no_request_of_many_breaks_the_service_on_postgres(case: Any, on_postgres: Running) -> None:
    on_postgres.answer(case)


def test_every_route_is_described_and_so_drawn_from() -> None:
    service = make_service(MemoryStore())
    described = {
        (method.upper(), path)
        for path, methods in service.client.get("/openapi.json").json()["paths"].items()
        for method in methods
    }
    drawn = {(one.ok().method.upper(), one.ok().path) for one in ANY.get_all_operations() if isinstance(one, Ok)}
    assert drawn == described
    routes = {(method, route.path) for route in _routes(service.client.app) for method in route.methods - {"HEAD"}}
    assert {path for method, path in routes - described if not path.startswith("/hooks/")} == NOT_DESCRIBED


def _routes(app: Any) -> Iterator[Any]:
    """Yield every route of an application, also of the routers that it includes."""
    for route in app.routes:
        if hasattr(route, "methods"):
            yield route
        else:
            yield from _routes(getattr(route, "original_router", None) or route.router)
