"""A key that is bound to sites or meters touches nothing of anybody else, route by route."""

from __future__ import annotations

import re
from typing import Any

import pytest

from microgrid import access, actions, leases, sites
from microgrid.api.reach import LISTED, ORGANISATION, RULES, named
from microgrid.billing.lease_contracts import Signature
from microgrid.billing.plans import LeaseRules, PlanVersion
from microgrid.billing.sightings import Seen
from microgrid.customers.keys import SCOPES
from microgrid.customers.reach import SITES_OF, Reach
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Feeder, Fit, Meter, Phone, Site
from microgrid.errors import InvalidInput
from microgrid.flows import on_payment, on_readings
from microgrid.monitoring.readings import Reading
from microgrid.store.memory import MemoryStore
from microgrid.switching.claim_codes import code_hash
from microgrid.switching.device_records import Claim
from microgrid.switching.sites import GridOutage
from tests.api.service import Program, Service, make_service
from tests.flows.village import START

OPEN = {"GET /health", "GET /health/ready"}  # they need no key
OWN = {
    "site": "kisiju",
    "customer": "c-K-104",
    "phone": "c-K-104:+254712000104",
    "account": "K-104",
    "enrolment": "e-K-104",
    "feeder": "line-1",
    "connection": "p-K-104",
    "meter": "M-K-104",
    "fitted meter": "M-K-104",
    "reading": "M-K-104:1:1",
    "fit": "f-K-104",
    "payment": "mpesa:600638:OWN",
    "contract": "lamp-1",
    "outage": "dark-1",
    "claim": "AAAA-AAAA-AAAA",
}
FOREIGN = {
    "site": "gulu",
    "customer": "c-G-1",
    "phone": "c-G-1:+254712999999",
    "account": "G-1",
    "enrolment": "e-G-1",
    "feeder": "line-2",
    "connection": "p-G-1",
    "meter": "M-G-1",
    "fitted meter": "M-G-1",
    "reading": "M-G-1:1:1",
    "fit": "f-G-1",
    "payment": "mpesa:600638:FOREIGN",
    "contract": "lamp-2",
    "outage": "dark-2",
    "claim": "BBBB-BBBB-BBBB",
}
TOUCHING = [(route, place) for route, rule in RULES.items() if rule is not LISTED for place in range(len(rule))]


def make_two_sites() -> Service:
    """Return a service with one home in each of two villages."""
    service = make_service(MemoryStore())
    core, home = service.village.core, service.village
    actions.add_site(core, Site("gulu", "Gulu", "Africa/Nairobi", "KES", 2), "test")
    actions.add_customer(core, Customer("c-G-1", "Okello", "+254712999999"), "test")
    actions.add_account(core, Account("G-1", "c-G-1", "gulu", START), "test")
    actions.add_feeder(core, Feeder("line-1", "kisiju", "North"), "test")
    actions.add_feeder(core, Feeder("line-2", "gulu", "South"), "test")
    actions.add_connection(core, Connection("p-G-1", "G-1", "gulu", feeder_id="line-2"), "test")
    actions.add_meter(core, Meter("M-G-1"), "test")
    actions.fit_meter(core, Fit("f-G-1", "M-G-1", "p-G-1", 1, START, 0), "test")
    actions.enrol(core, Enrolment("e-G-1", "G-1", "home", START), "test")
    actions.add_plan(core, PlanVersion("lamp", 1, START, "KES", LeaseRules(0, 500, 1, 10)), "test")
    for number, (account, site) in enumerate((("K-104", "kisiju"), ("G-1", "gulu")), 1):
        leases.sign(core, Signature(f"lamp-{number}", account, "lamp", START.date()), "test")
        sites.add_outage(core, GridOutage(f"dark-{number}", site, START), "test")
    with core.store.begin() as uow:
        for thing, site in ((OWN, "kisiju"), (FOREIGN, "gulu")):
            uow.claims.add(Claim(thing["meter"], code_hash(thing["claim"]), site, START))
    on_payment(core, Seen(home.payment("OWN", 50_000, "K-104")))
    on_payment(core, Seen(home.payment("FOREIGN", 50_000, "G-1")))
    on_payment(core, Seen(home.payment("NOBODYS", 50_000, "?")))
    on_readings(core, [Reading(OWN["meter"], 1, 1, START, 1000), Reading(FOREIGN["meter"], 1, 1, START, 0)])
    return service


SERVICE = make_two_sites()


def bound(service: Service, sites: tuple[str, ...] = (), meters: tuple[str, ...] = ()) -> Program:
    """Return a program with a key for everything, bound to sites or meters."""
    service.keys += 1
    reach = Reach(frozenset(sites), frozenset(meters))
    secret = f"{service.keys:032}"
    core = service.village.core
    return Program(service.client, access.add_key(core, f"p{service.keys}", secret, SCOPES, "test", bound=reach))


OF_KISIJU = bound(SERVICE, ("kisiju",))


def ask(program: Program, route: str, ids: list[tuple[str, str, str]]) -> Any:
    """Send a request that carries these things at the places their rules name."""
    method, _, path = route.partition(" ")
    body: dict[str, str] = {}
    query: dict[str, str] = {}
    for _, where, key in ids:
        place, _, name = where.partition(".")
        path = path.replace(f"{{{name}}}", key) if place == "path" else path
        body.update({name: key} if place == "body" else {})
        query.update({name: key} if place == "query" else {})
    path = re.sub(r"\{.*?\}", "x", path)
    asked = "&".join(f"{name}={key}" for name, key in query.items())
    return program.send(method, f"{path}?{asked}", body or None)


def test_every_route_says_what_it_touches() -> None:
    paths = SERVICE.client.get("/openapi.json").json()["paths"]
    routes = {named(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert routes - OPEN - set(RULES) == set(), "give each new route its line in microgrid/api/reach.py"
    assert set(RULES) - routes == set()


def test_every_kind_of_thing_is_tried() -> None:
    assert set(SITES_OF) == set(OWN) == set(FOREIGN)
    kinds = {kind for rule in RULES.values() if rule is not LISTED for kind, _ in rule}
    assert kinds <= set(SITES_OF)


@pytest.mark.parametrize(("route", "place"), TOUCHING)
def test_one_thing_of_another_site_is_enough_to_be_refused(route: str, place: int) -> None:
    rule = RULES[route]
    own = [(kind, where, OWN[kind]) for kind, where in rule]
    kind, where = rule[place]
    refused = ask(OF_KISIJU, route, [*own[:place], (kind, where, FOREIGN[kind]), *own[place + 1 :]])
    assert (refused.status_code, refused.json()["code"]) == (403, "MG-A026"), refused.text
    assert FOREIGN[kind] in refused.json()["title"]


@pytest.mark.parametrize("route", sorted({route for route, _ in TOUCHING}))
def test_things_of_ones_own_site_are_in_reach(route: str) -> None:
    service = make_two_sites()
    answer = ask(bound(service, ("kisiju",)), route, [(kind, where, OWN[kind]) for kind, where in RULES[route]])
    assert answer.status_code != 403, answer.text


@pytest.mark.parametrize("route", sorted(route for route, rule in RULES.items() if rule is ORGANISATION))
def test_what_concerns_the_whole_organisation_is_out_of_reach(route: str) -> None:
    refused = ask(OF_KISIJU, route, [])
    assert (refused.status_code, refused.json()["code"]) == (403, "MG-A026"), refused.text


@pytest.mark.parametrize("route", sorted(route for route, rule in RULES.items() if rule is LISTED))
def test_a_list_shows_what_is_in_reach(route: str) -> None:
    shown = ask(OF_KISIJU, route, []).text
    for foreign in ("G-1", "gulu", "Okello", "FOREIGN", "NOBODYS"):
        assert foreign not in shown
    assert "K-104" in shown
    assert ask(bound(SERVICE, meters=("M-K-104",)), route, []).status_code == 403


def test_a_gateways_key_sends_rows_of_its_own_meters_alone() -> None:
    service = make_two_sites()
    actions.add_meter(service.village.core, Meter("M-NEW"), "test")
    gateway = bound(service, ("gulu",), ("M-G-1",))
    rows = {"readings": [{"seq": 2, "at": START.isoformat(), "register_wh": 10}]}
    assert gateway.post("/meters/M-G-1/readings", rows).status_code == 201
    for other in ("M-K-104", "M-NEW", "M-NOBODYS"):
        assert gateway.post(f"/meters/{other}/readings", rows).status_code == 403
    assert gateway.get("/accounts/G-1").status_code == 403
    assert bound(service, ("gulu",)).post("/meters/M-NEW/readings", rows).status_code == 403  # fitted nowhere
    by_name = bound(service, meters=("M-NEW",))
    assert by_name.post("/meters/M-NEW/readings", rows).status_code == 201


def test_money_moves_only_between_accounts_of_ones_sites() -> None:
    service = make_two_sites()
    service.village.move_in("K-105")
    office = bound(service, ("kisiju",))
    moves = {("OWN", "G-1"): 403, ("FOREIGN", "K-104"): 403, ("NOBODYS", "K-104"): 403, ("OWN", "K-105"): 201}
    for (receipt, account), status in moves.items():
        body = {"account_id": account, "note": "?"}
        assert office.post(f"/payments/mpesa:600638:{receipt}/move", body).status_code == status
    service.village.are_books_true()


def test_a_customer_is_found_and_shown_with_what_is_in_reach() -> None:
    service = make_two_sites()
    actions.add_account(service.village.core, Account("G-2", "c-K-104", "gulu", START), "test")
    assert OF_KISIJU.get("/customers?find=okello").json()["items"] == []
    shown = bound(service, ("kisiju",)).get("/customers/c-K-104").json()
    assert [account["id"] for account in shown["accounts"]] == ["K-104"]


def test_a_new_customer_may_be_anybodys() -> None:
    service = make_two_sites()
    office = bound(service, ("kisiju",))
    assert office.post("/customers", {"id": "c-9", "name": "Neema"}).status_code == 201
    body = {"id": "K-9", "customer_id": "c-9", "site_id": "kisiju", "opened_at": START.isoformat()}
    assert office.post("/accounts", {**body, "site_id": "gulu"}).status_code == 403
    assert office.post("/accounts", body).status_code == 201


def test_a_key_is_bound_to_what_is_there() -> None:
    with pytest.raises(InvalidInput, match="MG-A001") as caught:
        bound(make_service(MemoryStore()), ("kisiju", "nowhere"), ("M-NONE",))
    assert [problem.what for problem in caught.value.problems] == [
        "there is no site 'nowhere'",
        "there is no meter 'M-NONE'",
    ]


def test_a_phone_belongs_to_its_customer() -> None:
    with SERVICE.village.store.read() as uow:
        assert isinstance(uow.phones.get(OWN["phone"]), Phone)
        assert isinstance(uow.phones.get(FOREIGN["phone"]), Phone)
