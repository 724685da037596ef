"""Customers are asked to pay on their phones, over real HTTP; whatever goes wrong, the books say what truly moved."""

from __future__ import annotations

from typing import get_args

import pytest

from microgrid.errors import InvalidInput
from microgrid.providers.emulators.faults import FaultPlan
from microgrid.providers.payment_facts import Provider
from microgrid.store.memory import MemoryStore
from tests.money_in.served import World, world

WALLETS: tuple[Provider, ...] = tuple(name for name in get_args(Provider) if name != "webhook")
wallets = pytest.mark.parametrize("provider", WALLETS)


def end_well(w: World) -> None:
    """All that truly moved is booked, and nothing else."""
    assert w.cash_minor() == w.truly_paid_minor() > 0
    assert w.village.credit_minor() == w.cash_minor()
    w.village.are_books_true()


@wallets
def test_a_push_is_paid_and_credited_once(provider: Provider) -> None:
    with world(MemoryStore(), provider) as w:
        push = w.ask(50_000)
        assert w.push(push).state == "sent"
        w.live(minutes=10)
        assert w.push(push).state == "paid"
        assert w.village.desired().supply.on
        assert w.alarms() == []
        end_well(w)


@wallets
def test_a_callback_that_never_comes_is_made_good_by_asking(provider: Provider) -> None:
    with world(MemoryStore(), provider, FaultPlan(drop_callback=1.0)) as w:
        pushes = [w.ask(50_000 + 100 * number) for number in range(5)]
        w.live(minutes=20)
        assert {w.push(push).state for push in pushes} == {"paid"}
        assert not any(what in ("callback", "stk_callback", "c2b_confirmation") for what, _ in w.answers)
        end_well(w)


@wallets
def test_the_answer_to_the_push_is_lost_and_the_customer_is_not_asked_twice(provider: Provider) -> None:
    with world(MemoryStore(), provider, FaultPlan(lost_answer=1.0, drop_callback=1.0)) as w:
        push = w.ask(50_000)
        w.live(hours=30)
        assert w.push(push).state == "paid"
        assert len(w.emulator.desk.happened) == 1
        end_well(w)


@wallets
def test_every_second_answer_is_lost_after_the_request_was_done(provider: Provider) -> None:
    lost = {"loses": lambda _path, count: count % 2 == 1}
    with world(MemoryStore(), provider, desk=lost) as w:
        pushes = [w.ask(50_000 + 100 * number) for number in range(6)]
        w.live(hours=30)
        assert {w.push(push).state for push in pushes} == {"paid"}
        end_well(w)


@wallets
def test_tokens_that_end_in_the_middle_are_renewed(provider: Provider) -> None:
    with world(MemoryStore(), provider, FaultPlan(drop_callback=1.0), desk={"token_calls": 2}) as w:
        pushes = [w.ask(50_000 + 100 * number) for number in range(5)]
        w.live(minutes=20)
        assert {w.push(push).state for push in pushes} == {"paid"}
        assert w.emulator.desk.counts["/collection/token/"] < 30
        end_well(w)


@wallets
def test_a_customer_who_refuses_pays_nothing(provider: Provider) -> None:
    with world(MemoryStore(), provider, FaultPlan(fails=1.0), seed=3) as w:
        pushes = [w.ask(50_000 + 100 * number) for number in range(4)]
        w.live(hours=30)
        assert {w.push(push).state for push in pushes} <= {"failed", "unknown"}
        assert {w.push(push).state for push in pushes} >= {"failed"}
        assert w.cash_minor() == 0
        w.village.are_books_true()


def test_no_answer_of_the_phone_is_no_proof_that_nothing_was_paid() -> None:
    # 1037: the customer may have paid a moment later; only the list of payments tells.
    with world(MemoryStore(), "mpesa", FaultPlan(fails=1.0)) as w:
        codes = {}
        for number in range(8):
            push = w.ask(50_000 + 100 * number)
            codes[push.id] = w.emulator.desk.happened[-1].code
        w.live(minutes=30)
        for key, code in codes.items():
            with w.village.store.read() as uow:
                push_now = uow.pushes.get(key)
            assert push_now is not None
            assert push_now.state == ("sent" if code == "1037" else "failed"), code
        assert "1037" in codes.values()
        w.live(hours=30)
        assert [alarm.subject for alarm in w.alarms()] == [
            f"push:{key}" for key, code in sorted(codes.items()) if code == "1037"
        ]


@wallets
@pytest.mark.parametrize(
    "fault",
    [
        "repeat",
        "before_answer",
        "late",
        "swap",
        "number_as_text",
        "mask_phone",
        "hash_phone",
        "omit_names",
        "wrong_reference",
        "clock_off",
        "outside_address",
        "forged",
    ],
)
def test_each_fault_of_the_provider_leaves_the_books_true(provider: Provider, fault: str) -> None:
    with world(MemoryStore(), provider, FaultPlan(**{fault: 1.0}), settings={"confirm": "always"}) as w:
        pushes = [w.ask(50_000 + 100 * number) for number in range(3)]
        w.live(days=4)
        assert {w.push(push).state for push in pushes} == {"paid"}
        end_well(w)


def test_the_same_request_asks_a_customer_once_and_another_content_is_refused() -> None:
    with world(MemoryStore()) as w:
        push = w.ask(50_000)
        again = w.ask_again(push, 50_000)
        assert again.id == push.id
        with pytest.raises(InvalidInput, match="MG-P020"):
            w.ask_again(push, 60_000)
        assert len(w.emulator.desk.happened) == 1


def test_what_the_wallet_would_refuse_is_refused_before_anything_is_kept() -> None:
    with world(MemoryStore()) as w:
        with pytest.raises(InvalidInput, match="MG-P401"):
            w.ask(50_050)
        with pytest.raises(InvalidInput, match="MG-A001"):
            w.ask(50_000, "K-999")
        with pytest.raises(InvalidInput, match="MG-P027"):
            w.ask(50_000, line="momo:1")
        with w.village.store.read() as uow:
            assert uow.pushes.page() == []
            assert uow.outbox.where(kind="push") == []


def test_a_provider_that_was_never_reached_is_tried_again() -> None:
    with world(MemoryStore(), "mpesa", settings={"base_url": "http://127.0.0.1:9"}) as w:
        push = w.ask(50_000)
        assert (w.push(push).state, w.emulator.desk.happened) == ("asked", [])
        w.live(minutes=10)
        assert w.push(push).state == "failed"
        assert "127.0.0.1 was not reached" in w.push(push).reason
