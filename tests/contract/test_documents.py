"""Rules documents come back exactly from their text, and a document of another kind is refused."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.billing.plans import Band, Block, EnergyRules, LeaseRules, PostpaidRules, Rules, TimeRules
from microgrid.documents import as_text, reader
from microgrid.switching.supply import Desired, FailPolicy, Supply

MOMENTS = st.datetimes(timezones=st.just(UTC))
RULES = st.one_of(st.builds(EnergyRules), st.builds(TimeRules), st.builds(PostpaidRules), st.builds(LeaseRules))
AT = datetime(2026, 11, 23, 6, 30, 15, 123457, tzinfo=UTC)


@given(RULES)
def test_rules_come_back_as_they_were(rules: Rules) -> None:
    found = reader(Rules)(as_text(rules))
    assert (found, type(found)) == (rules, type(rules))


@given(st.builds(Supply, until=st.none() | MOMENTS), st.builds(FailPolicy), MOMENTS)
def test_orders_come_back_as_they_were(supply: Supply, policy: FailPolicy, not_after: datetime) -> None:
    desired = Desired(1, supply, policy, 0, 0, not_after)
    assert reader(Desired)(as_text(desired)) == desired
    assert reader(Desired | None)(as_text(desired)) == desired


def test_nothing_is_nothing() -> None:
    assert reader(Supply | None)("null") is None


def test_the_text_is_plain_and_says_what_it_is() -> None:
    block = {"is": "Block", "up_to_wh": None, "price_milli_minor_per_kwh": 250_000}
    assert json.loads(as_text((Block(None, 250_000),))) == [block]
    supply = {"is": "Supply", "on": True, "power_limit_w": None, "daily_wh": 5, "cutoff_wh": None}
    full = {**supply, "until": "2026-11-23T06:30:15.123457+00:00", "reason": ""}
    assert json.loads(as_text(Supply(on=True, daily_wh=5, until=AT))) == full


def test_a_field_added_later_takes_its_default() -> None:
    assert reader(FailPolicy)('{"is":"FailPolicy","grace_s":60}') == FailPolicy(60)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"is":"LeaseRules"}', "is 'LeaseRules', not one of EnergyRules, TimeRules"),
        ('{"blocks":[]}', "is 'None'"),
        ('{"is":"TimeRules","price_minor":1,"days":7,"price":2}', "TimeRules has fields .* does not know: price"),
    ],
)
def test_a_document_of_another_kind_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        reader(EnergyRules | TimeRules)(text)


@pytest.mark.parametrize("value", [1.5, {"a": 1}, [1], (Band(0, 1, 2), 0.1)])
def test_what_is_not_exact_is_no_part_of_a_document(value: object) -> None:
    with pytest.raises(TypeError, match="a document cannot hold"):
        as_text(value)


@pytest.mark.parametrize("hint", [float, dict[str, int], tuple[int, str]])
def test_a_type_that_is_not_exact_has_no_reader(hint: object) -> None:
    with pytest.raises(TypeError, match="a document"):
        reader(hint)
