"""Agents take cash up to a limit, hand it over when both sides count the same, and customers keep their credit."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread

import pytest

from microgrid import actions, agents, agreements
from microgrid.agreements import Wish
from microgrid.billing.agent_cash import Sale
from microgrid.billing.payments import Payment
from microgrid.customers.agents import Agent, Handover
from microgrid.customers.records import Account, Site
from microgrid.errors import Contradiction, InvalidInput, MicrogridError
from tests.flows.village import START, Village

ASHA = "agent:A-7"
OFFICE = "person:ben"
LIMIT = 100_000


@pytest.fixture
def shop(home: Village) -> Village:
    """Return a village with one home and one agent."""
    agents.add_agent(home.core, Agent("A-7", "Asha", "+254712000777", "kisiju", LIMIT), "test")
    return home


def sell(shop: Village, receipt: str, amount_minor: int, reference: str = "K-104", agent: str = "A-7") -> Payment:
    return agents.sell(shop.core, Sale(agent, receipt, amount_minor, reference), f"agent:{agent}").payment


def offer(shop: Village, name: str, amount_minor: int, person: str = ASHA, *, debt: bool = False) -> Handover:
    offered = agents.handover_of(shop.core, name, "A-7", amount_minor, person, debt=debt)
    return agents.offer_handover(shop.core, offered, person)


def refused(code: str, error: pytest.ExceptionInfo[MicrogridError]) -> str:
    assert [problem.code for problem in error.value.problems] == [code]
    return str(error.value)


def test_a_cash_sale_is_light_at_once_and_a_numbered_receipt(shop: Village) -> None:
    for _ in range(2):
        sold = sell(shop, "0017", 50_000, "k 104")
    assert (sold.id, sold.provider, sold.shortcode, sold.account_id) == ("cash:A-7:0017", "cash", "A-7", "K-104")
    assert shop.credit_minor() == 50_000
    assert shop.desired().supply.on
    assert shop.balance_minor("agent_float:A-7") == 50_000
    shop.tick()
    assert shop.sent.texts == [
        ("+254712000104", "Receipt 0017 of agent A-7: KES 500.00 paid for K-104 on Mon 2 Mar 2026 09:00.")
    ]
    shop.are_books_true()


def test_a_sale_past_the_limit_is_refused_before_the_cash_is_taken(shop: Village) -> None:
    sell(shop, "1", LIMIT - 1)
    with pytest.raises(InvalidInput) as told:
        sell(shop, "2", 2)
    assert "KES 999.99; the limit is KES 1,000.00, so KES 0.02 more cannot be taken" in refused("MG-P053", told)
    sell(shop, "3", 1)
    sell(shop, "1", LIMIT - 1)  # the same sale again takes no more cash
    agents.set_limit(shop.core, "A-7", LIMIT + 5, "test")
    sell(shop, "4", 5)
    assert shop.credit_minor() == LIMIT + 5
    shop.are_books_true()


def test_a_sale_to_nobody_is_refused_with_who_may_be_meant(shop: Village) -> None:
    with pytest.raises(InvalidInput) as told:
        sell(shop, "1", 100, "K-105")
    assert "it may mean K-104" in refused("MG-P052", told)
    with pytest.raises(InvalidInput, match="no agent 'A-9'"):
        sell(shop, "1", 100, agent="A-9")
    shop.are_books_true()


def test_a_receipt_is_for_one_sale(shop: Village) -> None:
    shop.move_in("K-220")
    sell(shop, "1", 100)
    with pytest.raises(Contradiction) as other_customer:
        sell(shop, "1", 100, "K-220")
    refused("MG-P054", other_customer)
    with pytest.raises(Contradiction) as other_amount:
        sell(shop, "1", 101)
    refused("MG-P001", other_amount)
    actions.move_payment(shop.core, "cash:A-7:1", "K-220", "test", "typed wrongly")
    sell(shop, "1", 100)  # the same sale again, though the money was moved since
    assert (shop.credit_minor("K-104"), shop.credit_minor("K-220")) == (0, 100)
    shop.are_books_true()


def test_a_closed_agent_sells_nothing_and_still_hands_over(shop: Village) -> None:
    sell(shop, "1", 100)
    for _ in range(2):
        agents.close_agent(shop.core, "A-7", "test")
    sell(shop, "1", 100)
    with pytest.raises(InvalidInput) as told:
        sell(shop, "2", 100)
    refused("MG-P052", told)
    offer(shop, "h-1", 100)
    agents.agree_handover(shop.core, "h-1", 100, OFFICE)
    assert shop.balance_minor("cash:office") == 100
    assert agents.add_agent(shop.core, Agent("A-7", "Asha", "+254712000777", "kisiju", LIMIT), "test").closed_at
    shop.are_books_true()


def test_an_agent_is_added_once_under_a_name_that_can_be_typed(shop: Village) -> None:
    asha = Agent("A-7", "Asha", "+254712000777", "kisiju", LIMIT)
    agents.add_agent(shop.core, asha, "test")
    with pytest.raises(Contradiction, match="MG-A002"):
        agents.add_agent(shop.core, replace(asha, name="Juma"), "test")
    with pytest.raises(InvalidInput) as told:
        agents.add_agent(shop.core, Agent("a 7", "Asha", None, "nowhere", 0), "test")
    assert [problem.code for problem in told.value.problems] == ["MG-A001", "MG-A003"]


def test_no_agent_sells_in_another_currency(shop: Village) -> None:
    actions.add_site(shop.core, Site("gulu", "Gulu", "Africa/Kampala", "UGX", 0), "test")
    actions.add_account(shop.core, Account("G-1", "c-K-104", "gulu", START), "test")
    with pytest.raises(InvalidInput) as told:
        sell(shop, "1", 100, "G-1")
    assert "is not kept in KES" in refused("MG-P052", told)


def test_cash_is_in_the_office_when_both_sides_count_the_same(shop: Village) -> None:
    sell(shop, "1", 60_000)
    for _ in range(2):
        assert offer(shop, "h-1", 60_000).is_open
    with pytest.raises(InvalidInput) as differs:
        agents.agree_handover(shop.core, "h-1", 59_000, OFFICE)
    assert "agent:A-7 said 60000, person:ben counted 59000" in refused("MG-P055", differs)
    with pytest.raises(InvalidInput) as own:
        agents.agree_handover(shop.core, "h-1", 60_000, ASHA)
    assert "it needs the office" in refused("MG-P056", own)
    assert shop.balance_minor("cash:office") == 0
    for _ in range(2):
        assert agents.agree_handover(shop.core, "h-1", 60_000, OFFICE).agreed_by == OFFICE
    assert (shop.balance_minor("cash:office"), shop.balance_minor("agent_float:A-7")) == (60_000, 0)
    assert shop.credit_minor() == 60_000
    shop.are_books_true()


def test_the_office_may_offer_and_the_agent_agrees(shop: Village) -> None:
    sell(shop, "1", 500)
    offer(shop, "h-1", 400, OFFICE)
    for stranger in (OFFICE, "person:carol", "agent:A-8"):
        with pytest.raises(InvalidInput) as told:
            agents.agree_handover(shop.core, "h-1", 400, stranger)
        refused("MG-A042" if stranger == "agent:A-8" else "MG-P056", told)
    agents.agree_handover(shop.core, "h-1", 400, ASHA)
    assert agents.agent(shop.core, "A-7", ASHA).held_minor == 100
    shop.are_books_true()


def test_a_handover_is_withdrawn_before_it_is_agreed_and_not_after(shop: Village) -> None:
    sell(shop, "1", 500)
    offer(shop, "h-1", 400)
    for _ in range(2):
        agents.withdraw_handover(shop.core, "h-1", ASHA)
    with pytest.raises(InvalidInput) as gone:
        agents.agree_handover(shop.core, "h-1", 400, OFFICE)
    refused("MG-P056", gone)
    offer(shop, "h-2", 500)
    with pytest.raises(Contradiction, match="MG-A002"):
        offer(shop, "h-2", 499)
    agents.agree_handover(shop.core, "h-2", 500, OFFICE)
    with pytest.raises(InvalidInput) as booked:
        agents.withdraw_handover(shop.core, "h-2", ASHA)
    refused("MG-P056", booked)
    assert [row.action for row in shop.audit("agent:A-7")].count("withdraw hand-over") == 1
    shop.are_books_true()


def test_nobody_hands_over_more_than_the_books_say(shop: Village) -> None:
    sell(shop, "1", 500)
    with pytest.raises(InvalidInput) as told:
        offer(shop, "h-1", 501)
    refused("MG-P057", told)
    offer(shop, "h-1", 500)
    offer(shop, "h-2", 500)
    agents.agree_handover(shop.core, "h-1", 500, OFFICE)
    with pytest.raises(InvalidInput) as twice:
        agents.agree_handover(shop.core, "h-2", 500, OFFICE)
    refused("MG-P057", twice)
    assert agents.agent(shop.core, "A-7", OFFICE).waiting[0].id == "h-2"
    shop.are_books_true()


def test_missing_cash_is_owed_by_the_agent_and_paid_back_later(shop: Village) -> None:
    sell(shop, "1", 500)
    shop.clock.pass_(minutes=1)
    wish = Wish("agent_short", "A-7", "the till was robbed", 300)
    asked = agreements.ask(shop.core, wish, "person:ben")
    agreements.grant(shop.core, asked.id, "person:carol")
    view = agents.agent(shop.core, "A-7", OFFICE)
    assert (view.held_minor, view.owed_minor, shop.credit_minor()) == (200, 300, 500)
    assert [(line.kind, line.amount_minor) for line in view.lines] == [("payment", 500), ("shortage", -300)]
    offer(shop, "h-1", 100, debt=True)
    agents.agree_handover(shop.core, "h-1", 100, OFFICE)
    assert agents.agent(shop.core, "A-7", OFFICE).owed_minor == 200
    with pytest.raises(InvalidInput) as told:
        agreements.ask(shop.core, replace(wish, amount_minor=201), "person:ben")
    refused("MG-P057", told)
    shop.are_books_true()


def test_a_sale_taken_back_lowers_what_the_agent_holds(shop: Village) -> None:
    sell(shop, "1", 500)
    sell(shop, "2", 300)
    actions.reverse_payment(shop.core, "cash:A-7:1", OFFICE, "given back to the customer")
    assert (shop.balance_minor("agent_float:A-7"), shop.credit_minor()) == (300, 300)
    shop.are_books_true()


def test_who_holds_cash_too_long_is_listed(shop: Village) -> None:
    def late(days: int) -> list[str]:
        return [agent.id for agent in agents.overdue_agents(shop.core, days, "", 9).items]

    assert late(0) == []
    sell(shop, "1", 500)
    assert late(0) == ["A-7"]
    shop.clock.pass_(days=7)
    sell(shop, "2", 300)
    assert (late(7), late(8)) == (["A-7"], [])
    offer(shop, "h-1", 500)
    assert late(7) == ["A-7"]
    shop.clock.pass_(minutes=1)
    agents.agree_handover(shop.core, "h-1", 500, OFFICE)
    assert late(1) == []
    shop.clock.pass_(days=3)
    sell(shop, "3", 10)
    assert late(3) == []  # what is left of before the hand-over is not known to be old
    shop.clock.pass_(days=3)
    assert late(3) == ["A-7"]
    assert late(4) == []


def test_an_agent_sees_itself_alone(shop: Village) -> None:
    with pytest.raises(InvalidInput) as told:
        agents.agent(shop.core, "A-7", "agent:A-8")
    refused("MG-A042", told)
    with pytest.raises(InvalidInput, match="MG-A042"):
        agents.sell(shop.core, Sale("A-7", "1", 5, "K-104"), "agent:A-8")


def test_many_sales_at_once_never_pass_the_limit(shop: Village) -> None:
    ready = Barrier(8)
    refusals: list[str] = []

    def take(number: int) -> None:
        ready.wait()
        try:
            sell(shop, str(number), 30_000)
        except InvalidInput as error:
            refusals.extend(problem.code for problem in error.problems)

    threads = [Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refusals == ["MG-P053"] * 5
    assert shop.balance_minor("agent_float:A-7") == shop.credit_minor() == 90_000
    shop.are_books_true()
