"""A message is kept as it first came; repeats are counted and write over nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from microgrid import flows
from microgrid.billing.sightings import Asked, Seen, Unclear
from microgrid.kept import RawEvent
from tests.flows.village import START, Village

RAW = RawEvent("r1", "mpesa:600638", START, "10.0.0.1", "{}", b"{}", "")


def kept(village: Village) -> RawEvent:
    with village.store.read() as uow:
        found = uow.raw_events.get("r1")
    assert found is not None
    return found


def later(minutes: int) -> RawEvent:
    return replace(RAW, received_at=START + timedelta(minutes=minutes), address="10.0.0.9")


def test_a_repeat_of_a_payment_keeps_when_and_whence_the_first_one_came(home: Village) -> None:
    seen = Seen(home.payment("R1", 100))
    for minutes in range(3):
        flows.on_message(home.core, later(minutes) if minutes else RAW, lambda: seen)
    assert kept(home) == replace(RAW, outcome="posted mpesa:600638:R1", repeats=2)
    assert home.credit_minor() == 100
    home.are_books_true()


def test_many_at_once_are_counted_too(home: Village) -> None:
    seen = Seen(home.payment("R1", 100))
    flows.on_payments(home.core, [(seen, RAW), (seen, later(1)), (seen, later(2))])
    assert (kept(home).received_at, kept(home).repeats) == (START, 2)


def test_what_becomes_of_a_repeat_is_told_where_nothing_came_of_the_first(home: Village) -> None:
    flows.on_message(home.core, RAW, lambda: Unclear("no JSON"))
    flows.on_message(home.core, later(5), lambda: Unclear("no JSON"))
    assert kept(home) == replace(RAW, outcome="nothing booked: no JSON", repeats=1)
    flows.on_message(home.core, later(9), lambda: Seen(home.payment("R1", 100)))
    assert kept(home) == replace(RAW, outcome="posted mpesa:600638:R1", repeats=2)
    flows.on_message(home.core, later(10), lambda: Unclear("no JSON"))
    assert kept(home).outcome == "posted mpesa:600638:R1"


def test_a_question_asked_again_keeps_the_first_answer(home: Village) -> None:
    for minutes in (0, 1):
        raw = later(minutes) if minutes else RAW
        assert flows.on_message(home.core, raw, lambda: Asked("K-104", 100, "KES")).may_pay
    assert (kept(home).received_at, kept(home).repeats) == (START, 1)
