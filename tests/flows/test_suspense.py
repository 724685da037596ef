"""Money whose owner is not known: suggested, moved, moved back, listed to be given back, and never lost."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid import actions, flows, views
from microgrid.errors import InvalidInput
from microgrid.store.memory import MemoryStore
from tests.flows.village import ENERGY, Village, make_village

CASH, SUSPENSE = "cash:mpesa:600638", "suspense:mpesa:600638"


def listed(village: Village) -> list[str]:
    return [item.payment.receipt for item in views.refunds(village.core, "", 100).items]


def test_the_list_is_read_in_pages_each_payment_with_whom_it_may_be_meant_for(home: Village) -> None:
    for number in range(5):
        home.pay(f"RKT{number}", 100 + number, "K-105")
    first = views.suspense(home.core, "", 2)
    assert [item.payment.receipt for item in first.items] == ["RKT0", "RKT1"]
    second = views.suspense(home.core, first.next or "", 2)
    last = views.suspense(home.core, second.next or "", 2)
    assert [item.payment.receipt for item in (*second.items, *last.items)] == ["RKT2", "RKT3", "RKT4"]
    assert last.next is None
    assert first.items[0].suggestions == ("K-104",)


def test_moving_and_moving_back_as_often_as_one_likes_ends_where_it_should(home: Village) -> None:
    payment = home.pay("RKT1", 50_000, "?").payment
    for _ in range(3):
        actions.move_payment(home.core, payment.id, "K-104", "asha", "asked")
        assert (home.credit_minor(), home.balance_minor(SUSPENSE)) == (50_000, 0)
        assert home.desired().supply.on
        for _ in range(2):  # moved back already is a success
            assert actions.move_back(home.core, payment.id, "asha", "it was somebody else").payment.status == "suspense"
        assert (home.credit_minor(), home.balance_minor(SUSPENSE)) == (0, -50_000)
        assert not home.desired().supply.on
    assert [item.payment.id for item in views.suspense(home.core, "", 9).items] == [payment.id]
    home.are_books_true()
    actions.reverse_payment(home.core, payment.id, "asha", "sent back")
    assert (home.balance_minor(CASH), home.balance_minor(SUSPENSE)) == (0, 0)
    with pytest.raises(InvalidInput, match="MG-P060"):
        actions.move_back(home.core, payment.id, "asha", "?")
    with pytest.raises(InvalidInput, match="MG-A001"):
        actions.move_back(home.core, "mpesa:600638:NONE", "asha", "?")
    home.are_books_true()


def test_a_wrong_match_moved_back_after_use_leaves_a_debt_not_a_hole(home: Village) -> None:
    payment = home.pay("RKT1", 50_000).payment
    home.use(2000)
    actions.move_back(home.core, payment.id, "asha", "the neighbour typed our number")
    assert home.credit_minor() == -25_000
    assert home.balance_minor(SUSPENSE) == -50_000
    home.are_books_true()


def test_after_some_days_a_payment_is_on_the_refund_list_and_off_it_once_matched(home: Village) -> None:
    home.pay("RKT1", 100, "?")
    home.clock.pass_(days=20)
    second = home.pay("RKT2", 200, "?").payment
    flows.on_tick(home.core)
    assert listed(home) == []
    home.clock.pass_(days=10)
    for _ in range(2):
        flows.on_tick(home.core)
    assert listed(home) == ["RKT1"]
    home.clock.pass_(days=20)
    flows.on_tick(home.core)
    assert listed(home) == ["RKT1", "RKT2"]
    actions.move_payment(home.core, second.id, "K-104", "asha", "she called")
    assert listed(home) == ["RKT1"]
    actions.move_back(home.core, second.id, "asha", "no, she did not")
    flows.on_tick(home.core)
    assert listed(home) == ["RKT1"]  # its time begins anew
    actions.reverse_payment(home.core, "mpesa:600638:RKT1", "asha", "sent back")
    assert listed(home) == []
    home.are_books_true()


def test_a_payment_known_only_by_a_mask_is_never_guessed(home: Village) -> None:
    home.pay("RKT1", 100, payer="2547****104", payer_kind="masked")
    receipt = home.pay("RKT2", 100, "?", payer="2547****104", payer_kind="masked")
    assert (receipt.payment.status, receipt.suggestions) == ("suspense", ())
    assert views.suspense(home.core, "", 9).items[0].suggestions == ()


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "tiny", "unknown", "move", "back", "reverse", "use", "tick"]),
        st.integers(0, 5),
        st.integers(1, 90_000),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_no_unit_of_money_is_made_or_lost_whatever_people_do(steps: list[Step]) -> None:
    home = make_village(MemoryStore())
    home.settle_in(ENERGY)
    home.move_in("K-200")
    arrived: dict[str, int] = {}
    gone: set[str] = set()
    register_wh = 1000
    for place, (what, which, amount_minor) in enumerate(steps):
        receipt = f"RKT{which if what not in ('pay', 'tiny', 'unknown') else place}"
        key = f"mpesa:600638:{receipt}"
        if what in ("pay", "tiny", "unknown"):
            amount = 1 if what == "tiny" else amount_minor
            home.pay(receipt, amount, "?" if what == "unknown" else "K-104")
            arrived[receipt] = amount
        elif what == "use":
            register_wh += amount_minor % 500
            home.use(register_wh)
        elif what == "tick":
            home.clock.pass_(hours=30)
            flows.on_tick(home.core)
        elif receipt in arrived and receipt not in gone:
            if what == "move":
                actions.move_payment(home.core, key, "K-200" if amount_minor % 2 else "K-104", "asha", "asked")
            elif what == "back":
                actions.move_back(home.core, key, "asha", "no")
            else:
                actions.reverse_payment(home.core, key, "asha", "sent back")
                gone.add(receipt)
    held_minor = sum(amount for receipt, amount in arrived.items() if receipt not in gone)
    assert home.balance_minor(CASH) == held_minor
    sold_minor = -home.balance_minor("revenue:energy:kisiju")
    owed_minor = -sum(home.balance_minor(f"customer:{name}") for name in ("K-104", "K-200"))
    assert held_minor == owed_minor + sold_minor - home.balance_minor(SUSPENSE)
    used_wh = register_wh - 1000
    assert home.credit_minor() + home.credit_minor("K-200") == owed_minor + sold_minor - used_wh * 25
    home.are_books_true()


def test_underpaying_leaves_the_residue_on_the_account(home: Village) -> None:
    home.pay("RKT1", 30)  # one Wh costs 25
    home.use(1001)
    assert home.credit_minor() == 5
    home.pay("RKT2", 20)
    assert home.credit_minor() == 25
    home.clock.pass_(days=1)
    flows.on_tick(home.core)
    assert (home.credit_minor(), home.balance_minor("revenue:energy:kisiju")) == (25, -25)
    home.are_books_true()
