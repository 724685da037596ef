"""A home whose meter has a keypad, and what a test sees of its tokens."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from device.keypad import Answer, Keypad, entered
from device.openpaygo import Secret
from microgrid import actions, flows, keypads
from microgrid.billing.plans import PlanVersion, Rules, Tax, TimeRules
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.errors import MicrogridError
from microgrid.sealing import SealedKeys
from microgrid.switching.sites import CAREFREE, SiteState
from microgrid.switching.token_records import GivenToken
from microgrid.switching.tokens import HandOver
from tests.flows.village import START, Village

KEY_HEX = "dac86b1a29ab82edc5fbbc41ec9530f6"
LAMP = HandOver("M-K-104", 949214826, KEY_HEX)
DAYS = TimeRules(price_minor=10_000, days=1)


def settle_in(village: Village, rules: Rules, profile: str = "T") -> Village:
    """Add a home whose meter has a keypad; its key is not known to us yet."""
    village.core = replace(village.core, keys=SealedKeys(bytes(32)))
    actions.add_site(village.core, Site("kisiju", "Kisiju", "Africa/Nairobi", "KES", 2), "test")
    with village.store.begin() as uow:
        uow.site_states.put(SiteState("kisiju", CAREFREE))  # supply ends at exact moments
    plan = PlanVersion("home", 1, START - timedelta(days=60), "KES", rules, Tax())
    actions.add_plan(village.core, plan, "test")
    actions.add_customer(village.core, Customer("c-K-104", "Amina", "+254712000104"), "test")
    actions.add_account(village.core, Account("K-104", "c-K-104", "kisiju", START), "test")
    actions.enrol(village.core, Enrolment("e-K-104", "K-104", "home", START), "test")
    fit(village, "M-K-104", profile)
    return village


def fit(village: Village, meter_id: str, profile: str = "T") -> None:
    """Fit one more meter for the home."""
    actions.add_connection(village.core, Connection(f"p-{meter_id}", "K-104", "kisiju"), "test")
    actions.add_meter(village.core, Meter(meter_id, profile), "test")  # type: ignore[arg-type]  # one of its words
    actions.fit_meter(village.core, Fit(f"f-{meter_id}", meter_id, f"p-{meter_id}", 1, START, 1000), "test")


def with_lamp(village: Village, rules: Rules = DAYS) -> Village:
    """Add a home with a lamp that takes tokens only."""
    settle_in(village, rules)
    keypads.add_device(village.core, LAMP, "test")
    return village


def tokens(village: Village, meter_id: str = "M-K-104") -> list[GivenToken]:
    """Return the tokens that were given out for a meter."""
    with village.store.read() as uow:
        return list(uow.tokens.where(serial=meter_id))


def values(village: Village, meter_id: str = "M-K-104") -> list[int]:
    """Return what the tokens of a meter carry."""
    return [token.value for token in tokens(village, meter_id)]


def texts(village: Village) -> list[str]:
    """Return what people were told until now."""
    flows.on_tick(village.core)
    return [text for _, text in village.sent.texts]


def keypad(given: HandOver = LAMP) -> Keypad:
    """Return the keypad of a meter as it left the maker."""
    secret = Secret(given.starting_code, bytes.fromhex(given.key_hex), given.restricted, given.extended)
    return Keypad(secret, given.count)


def type_all(meter: Keypad, given: list[GivenToken]) -> tuple[Keypad, list[Answer]]:
    """Type tokens in their order, and return what the meter answered."""
    answers = []
    for token in given:
        meter, entry = entered(meter, token.digits, 0)
        answers.append(entry.answer)
    return meter, answers


def codes(refused: Callable[[], object]) -> list[str]:
    """Return the codes of what a call is refused with; no message may show a key."""
    with pytest.raises(MicrogridError) as told:
        refused()
    assert KEY_HEX[:8] not in str(told.value)
    return [problem.code for problem in told.value.problems]


def available_minor(village: Village) -> int:
    """Return what the home has left, in books that are true."""
    village.are_books_true()
    return village.credit_minor()


def together(count: int, work: Callable[[int], object]) -> list[object]:
    """Do something in so many threads that start at one moment, and return what they gave."""
    start = Barrier(count)

    def one(number: int) -> object:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
