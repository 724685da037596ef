"""Not every reading needs a decision, but no customer can tell: what a meter should do is what a decision would say."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid.billing.plans import Band, Block, EnergyRules, PlanVersion
from microgrid.documents import reader
from microgrid.ports import UnitOfWork
from microgrid.store.memory import MemoryStore
from microgrid.switching import service as switching
from microgrid.switching.policy import AccountView, decide_supply
from microgrid.switching.supply import Supply
from tests.flows.village import ENERGY, START, Village, make_village

BANDS = EnergyRules((Block(None, 25_000_000),), (Band(18 * 60, 22 * 60, 60_000_000),))


def decisions(village: Village, name: str = "K-104") -> int:
    """Return how often supply was decided anew for a meter."""
    return village.desired(name).revision


def line(village: Village) -> tuple[int | None, object]:
    with village.store.read() as uow:
        credit = uow.credits.get("K-104")
    return credit.line_micro, credit.line_at


def test_small_uses_move_no_line_and_larger_ones_do(home: Village) -> None:
    home.pay("A", 100_000)  # 4000 Wh
    first = line(home)
    home.clock.pass_(minutes=15)
    home.use(1100)
    assert line(home) == first
    home.clock.pass_(minutes=15)
    home.use(1200)  # a twentieth of what was paid
    assert line(home) != first
    assert home.desired().supply.cutoff_wh == 5000
    home.are_books_true()


def test_the_end_of_credit_is_never_missed(home: Village) -> None:
    home.pay("A", 2500)  # 100 Wh
    for register_wh in range(1001, 1100):
        home.use(register_wh)
        assert home.desired().supply.on
    home.use(1100)
    assert not home.desired().supply.on
    home.pay("B", 2500)
    assert home.desired().supply.on
    home.are_books_true()


def test_a_new_price_is_reckoned_with_before_it_comes(home: Village) -> None:
    home.pay("A", 100_000)  # 4000 Wh
    change = START + timedelta(days=2)
    with home.store.begin() as uow:
        uow.plans.add(PlanVersion("home", 2, change, "KES", EnergyRules((Block(None, 50_000_000),))))
    home.clock.pass_(hours=7)
    home.use(1001)  # credit has hardly changed, and still supply is decided again
    assert home.desired().supply.cutoff_wh == 1001 + 1999
    with home.store.read() as uow:
        assert uow.credits.get("K-104").line_at == START + timedelta(hours=13)
    home.clock.at = change - timedelta(hours=1)
    home.use(1002)
    with home.store.read() as uow:
        assert uow.credits.get("K-104").line_at == change


def test_each_revision_can_be_decided_again_from_what_was_written_down(home: Village) -> None:
    at = {}
    for number, amount_minor in enumerate((500, 70_000, 300)):
        home.clock.pass_(hours=7)
        home.pay(f"A{number}", amount_minor)
        at[home.desired().revision] = (home.clock.now(), home.desired().supply)
        home.use(1000 + 20 * (number + 1))
        at[home.desired().revision] = (home.clock.now(), home.desired().supply)
    for revision, (decided_at, supply) in at.items():
        with home.store.read() as uow:
            kept = uow.decisions.get(f"M-K-104:{revision}")
        assert kept is not None
        view = reader(AccountView)(kept.inputs)
        assert decide_supply(view, kept.decided_at) == supply
        assert kept.decided_at <= decided_at
    assert len(at) == 3


def decided_now(village: Village) -> Supply:
    """Return what a decision would say at this moment, without making it."""
    found: list[Supply] = []

    def decide(uow: UnitOfWork) -> None:
        with uow.savepoint():
            switching.settle(uow, ["K-104"], village.clock.now())
            desired = uow.twins.get("M-K-104").desired
            assert desired is not None
            found.append(desired.supply)
            raise LookupError("only looking")

    with village.store.begin() as uow, pytest.raises(LookupError, match="only looking"):
        decide(uow)
    return found[0]


STEPS = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 60), st.integers(0, 30_000)), min_size=1, max_size=25)


@given(steps=STEPS, rules=st.sampled_from([ENERGY, BANDS]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_meter_should_do_is_what_a_decision_would_say(
    steps: list[tuple[int, int, int]], rules: EnergyRules
) -> None:
    village = make_village(MemoryStore())
    village.settle_in(rules)
    register_wh = 1000
    for number, (minutes, used_wh, paid_minor) in enumerate(steps):
        village.clock.pass_(minutes=minutes)
        register_wh += used_wh
        village.use(register_wh)
        if paid_minor % 3 == 0:
            village.pay(f"R{number}", paid_minor + 1)
        told, decided = village.desired().supply, decided_now(village)
        assert told.on == decided.on
        if told.cutoff_wh is not None and decided.cutoff_wh is not None:
            assert told.cutoff_wh <= decided.cutoff_wh  # a meter never gives more than was paid for
    village.are_books_true()
