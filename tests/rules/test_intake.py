"""A payment serves fees, then instalments, then energy or time, and no unit is made or lost."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.intake import Due, Portion, split

FEE = Due("connection", "fee", date(2026, 1, 1), 300)
OLD = Due("tv", "instalment", date(2026, 2, 1), 200)
NEW = Due("fridge", "instalment", date(2026, 3, 1), 200)
ALL = Fraction(1)

dues_lists = st.lists(
    st.builds(
        Due,
        due_id=st.text("abc", min_size=1, max_size=3),
        kind=st.sampled_from(["fee", "instalment"]),
        due_on=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
        amount_minor=st.integers(0, 5000),
    ),
    max_size=8,
    unique_by=lambda due: due.due_id,
)


@pytest.mark.parametrize(
    ("amount_minor", "share", "portions"),
    [
        (0, ALL, ()),
        (1, ALL, (Portion("fee", "connection", 1),)),  # tiny
        (299, ALL, (Portion("fee", "connection", 299),)),  # under
        (300, ALL, (Portion("fee", "connection", 300),)),
        (450, ALL, (Portion("fee", "connection", 300), Portion("instalment", "tv", 150))),
        (
            450,
            Fraction(1, 2),
            (Portion("fee", "connection", 300), Portion("instalment", "tv", 75), Portion("credit", "", 75)),
        ),
        (450, Fraction(0), (Portion("fee", "connection", 300), Portion("credit", "", 150))),
        (
            1000,  # over
            ALL,
            (
                Portion("fee", "connection", 300),
                Portion("instalment", "tv", 200),
                Portion("instalment", "fridge", 200),
                Portion("credit", "", 300),
            ),
        ),
    ],
)
def test_order_of_intake(amount_minor: int, share: Fraction, portions: tuple[Portion, ...]) -> None:
    assert split(amount_minor, [NEW, OLD, FEE], share) == portions


def test_the_odd_unit_of_a_share_buys_energy() -> None:
    assert split(301, [OLD], Fraction(1, 2)) == (Portion("instalment", "tv", 150), Portion("credit", "", 151))


@pytest.mark.parametrize(
    ("amount_minor", "due_minor", "share"), [(-1, 5, ALL), (5, -1, ALL), (5, 5, Fraction(3, 2)), (5, 5, Fraction(-1))]
)
def test_impossible_payments_stop(amount_minor: int, due_minor: int, share: Fraction) -> None:
    with pytest.raises(ValueError, match="cannot split"):
        split(amount_minor, [Due("one", "fee", date(2026, 1, 1), due_minor)], share)


@given(st.integers(0, 50_000), dues_lists, st.fractions(0, 1))
def test_no_unit_is_made_or_lost_and_no_due_overpaid(amount_minor: int, dues: list[Due], share: Fraction) -> None:
    portions = split(amount_minor, dues, share)
    assert sum(portion.amount_minor for portion in portions) == amount_minor
    assert all(portion.amount_minor > 0 for portion in portions)
    owed = {(due.kind, due.due_id): due.amount_minor for due in dues}
    served = [(portion.kind, portion.due_id) for portion in portions if portion.kind != "credit"]
    assert len(served) == len(set(served))
    for portion in portions:
        if portion.kind != "credit":
            assert portion.amount_minor <= owed[portion.kind, portion.due_id]


@given(st.data(), st.integers(0, 50_000), dues_lists, st.fractions(0, 1))
def test_the_order_dues_are_handed_in_decides_nothing(
    data: st.DataObject, amount_minor: int, dues: list[Due], share: Fraction
) -> None:
    assert split(amount_minor, data.draw(st.permutations(dues)), share) == split(amount_minor, dues, share)


@given(st.integers(0, 50_000), dues_lists, st.fractions(0, 1))
def test_instalments_take_no_more_than_their_share_and_wait_for_fees(
    amount_minor: int, dues: list[Due], share: Fraction
) -> None:
    portions = split(amount_minor, dues, share)
    fees_minor = sum(portion.amount_minor for portion in portions if portion.kind == "fee")
    instalments_minor = sum(portion.amount_minor for portion in portions if portion.kind == "instalment")
    assert fees_minor == min(amount_minor, sum(due.amount_minor for due in dues if due.kind == "fee"))
    assert instalments_minor <= share * (amount_minor - fees_minor)
