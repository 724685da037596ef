"""Records come back as they were, in order of their ids, and only by what they are indexed by."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from microgrid.billing.payments import Payment
from microgrid.billing.plans import Band, Block, EnergyRules, LeaseRules, PlanVersion, PostpaidRules, Tax, TimeRules
from microgrid.customers.records import Account, Connection, Customer, Enrolment, Fit, Meter, Site
from microgrid.errors import AlreadyThere, InvalidInput
from microgrid.kept import AuditRow, ChargeDay, Credit, OutboxItem, RawEvent
from microgrid.ports import Store
from microgrid.switching.supply import Desired, FailPolicy, Reported, Supply, Twin

AT = datetime(2026, 11, 23, 6, 30, 15, 123457, tzinfo=UTC)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
FAR = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
EXOTIC = 'Zoë\'s "mill"; DROP TABLE sites -- ügali 🌞 \t\n %s ? :x \\ \x01'
PAYMENT = Payment("mpesa:1:QX1", "mpesa", "1", "QX1", 500, "TZS", AT, AT, "a", "+255700000001", "e164")
ENERGY = EnergyRules((Block(5000, 100_000), Block(None, 250_500)), (Band(1080, 1320, 300_000),), 1000)
POLICY = FailPolicy(3600, 50, 7200, critical=True, quiet_from_s=64_800, quiet_to_s=10_800, quiet_max_wh=300)


def plan(version: int, rules: EnergyRules | TimeRules | PostpaidRules | LeaseRules) -> PlanVersion:
    return PlanVersion("home", version, AT, "TZS", rules, Tax(180_000, included=False), 25_000, 500)


def test_every_record_comes_back_as_it_was(store: Store) -> None:
    plans = [plan(1, ENERGY), plan(2, TimeRules(500, 7, None, 2000)), plan(3, PostpaidRules(ENERGY, 14, 5, 9000))]
    plans.append(plan(4, LeaseRules(2000, 150, 1, 365)))
    site = Site("kisiju", EXOTIC, "Africa/Dar_es_Salaam", "TZS", 2, POLICY)
    event = RawEvent("r1", "mpesa", AT, "10.0.0.1", EXOTIC, bytes(range(256)), "")
    with store.begin() as uow:
        uow.sites.add(site)
        uow.customers.add(Customer(EXOTIC, EXOTIC))
        uow.accounts.add(Account("a", "c", "kisiju", LONG_AGO, FAR))
        uow.enrolments.add(Enrolment("e", "a", "home", AT))
        uow.connections.add(Connection("k", "a", "kisiju", "deferrable", critical=True, phase=3))
        uow.meters.add(Meter("m", "S"))
        uow.fits.add(Fit("f", "m", "k", 2, AT, -(2**63) + 1, None, 2**63 - 1))
        uow.plans.put_all(plans)
        uow.payments.add(PAYMENT)
        uow.raw_events.add(event)
        uow.outbox.add(OutboxItem("o", "sms", EXOTIC, EXOTIC, AT, AT, 2, None, "no route"))
        uow.audit.add(AuditRow("u", AT, "clerk", "moved", "mpesa:1:QX1", ""))
    with store.read() as uow:
        assert uow.sites.get("kisiju") == site
        assert uow.customers.get(EXOTIC) == Customer(EXOTIC, EXOTIC)
        assert uow.accounts.get("a") == Account("a", "c", "kisiju", LONG_AGO, FAR)
        assert uow.enrolments.get("e") == Enrolment("e", "a", "home", AT)
        assert uow.connections.get("k") == Connection("k", "a", "kisiju", "deferrable", critical=True, phase=3)
        assert uow.meters.get("m") == Meter("m", "S")
        assert uow.fits.get("f") == Fit("f", "m", "k", 2, AT, -(2**63) + 1, None, 2**63 - 1)
        assert [uow.plans.get(f"home@{version}") for version in (1, 2, 3, 4)] == plans
        assert uow.plans.where(plan_id="home") == plans
        assert uow.payments.get("mpesa:1:QX1") == PAYMENT
        assert uow.raw_events.get("r1") == event
        assert uow.outbox.get("o") == OutboxItem("o", "sms", EXOTIC, EXOTIC, AT, AT, 2, None, "no route")
        assert uow.audit.get("u") == AuditRow("u", AT, "clerk", "moved", "mpesa:1:QX1", "")


def test_hot_rows_come_back_as_they_were(store: Store) -> None:
    day = ChargeDay("a", date(2026, 2, 28), 1, 2, 3, 2**62)
    supply = Supply(True, 100, 2000, 123_456, AT, EXOTIC)
    desired = Desired(7, supply, POLICY, 2, 9, FAR)
    twin = Twin("m", desired, Reported(6, None, 5, 2, AT, AT, "clock_unknown"), AT, 4)
    credit = Credit("a", -5, 12, 3, AT, low_warned=True, cut_since=LONG_AGO)
    with store.begin() as uow:
        assert uow.credits.lock(["b", "a"]) == {"a": Credit("a"), "b": Credit("b")}
        uow.credits.put(credit)
        uow.credits.put_day(day)
        uow.twins.put(twin)
    with store.begin() as uow:
        assert (uow.credits.lock(["a"]), uow.credits.get("a")) == ({"a": credit}, credit)
        assert (uow.credits.day("a", date(2026, 2, 28)), uow.twins.get("m")) == (day, twin)
        assert uow.credits.day("a", date(2026, 3, 1)) == ChargeDay("a", date(2026, 3, 1))


def test_another_zone_is_the_same_moment(store: Store) -> None:
    local = AT.astimezone(timezone(timedelta(hours=3)))
    with store.begin() as uow:
        uow.payments.add(replace(PAYMENT, paid_at=local))
        found = uow.payments.get(PAYMENT.id)
        assert found == PAYMENT


def test_a_moment_without_a_zone_is_refused(store: Store) -> None:
    naive = replace(PAYMENT, paid_at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the mistake
    with store.begin() as uow, pytest.raises(ValueError, match="needs its zone"):
        uow.payments.add(naive)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (replace(PAYMENT, reference="a\0b"), "MG-L001"),
        (replace(PAYMENT, id="half \ud83c"), "MG-L001"),
        (replace(PAYMENT, amount_minor=2**63), "MG-L002"),
        (replace(PAYMENT, receipt="Q" * 1001), "MG-L003"),
        (replace(PAYMENT, payer="ü" * 501), "MG-L003"),
    ],
)
def test_what_a_database_cannot_keep_is_refused_by_every_store(store: Store, wrong: Payment, code: str) -> None:
    with store.begin() as uow:
        for write in (uow.payments.add, uow.payments.put):
            with pytest.raises(InvalidInput, match=r"payments\.\w+ cannot be kept") as refused:
                write(wrong)
            assert [problem.code for problem in refused.value.problems] == [code]
        uow.payments.add(PAYMENT)
    with store.read() as uow:
        assert uow.payments.page() == [PAYMENT]


def test_nothing_is_found_by_what_no_record_can_have(store: Store) -> None:
    with store.read() as uow:
        for ask in (
            lambda: uow.payments.get("a\0"),
            lambda: uow.payments.hold("a\0"),
            lambda: uow.payments.get_all(["a\0"]),
            lambda: uow.payments.where(receipt="a\0"),
            lambda: uow.payments.where_in("receipt", ["a\0"]),
            lambda: uow.payments.page("a\0"),
            lambda: uow.ledger.find("a\0"),
            lambda: uow.ledger.balance_minor("a\0", "TZS"),
            lambda: uow.ledger.journals_of("a\0"),
            lambda: uow.credits.get("a\0"),
            lambda: uow.credits.day("a\0", date(2026, 1, 1)),
            lambda: uow.readings.latest("a\0"),
            lambda: uow.twins.get("a\0"),
        ):
            with pytest.raises(InvalidInput):
                ask()


def test_the_longest_text_that_can_be_found_by(store: Store) -> None:
    longest = replace(PAYMENT, id="i" * 1000, receipt="ü" * 500, payer="p" * 1000, reference="r" * 100_000)
    with store.begin() as uow:
        uow.payments.add(longest)
        assert uow.payments.where(receipt="ü" * 500) == [longest]


def test_ids_come_in_one_order_everywhere(store: Store) -> None:
    ids = ["", "A", "Z", "_", "a", "a b", "a-b", "ab", "z", "É", "é", "ł", "~", "\u05d0", "\uffff", "🌞"]
    with store.begin() as uow:
        for each in reversed(ids):
            uow.customers.add(Customer(each, "same", "+1"))
        assert [customer.id for customer in uow.customers.page("", 99)] == sorted(ids)[1:]
        assert [customer.id for customer in uow.customers.where(phone="+1")] == sorted(ids)


def test_pages_meet_without_gap_or_overlap(store: Store) -> None:
    ids = [f"c{number:02}" for number in range(7)]
    with store.begin() as uow:
        for each in ids[::2] + ids[1::2]:
            uow.customers.add(Customer(each, "x"))
            uow.customers.page("", 3)
        found: list[str] = []
        while page := uow.customers.page(found[-1] if found else "", 3):
            found += [customer.id for customer in page]
            assert len(page) <= 3
        assert found == ids
        assert uow.customers.page("c05x", 3) == [Customer("c06", "x")]


def test_found_by_several_fields_and_by_what_is_empty(store: Store) -> None:
    posted = replace(PAYMENT, id="2", status="posted", account_id="a")
    other = replace(PAYMENT, id="3", status="posted", account_id="b")
    with store.begin() as uow:
        for each in (other, posted, replace(PAYMENT, id="1")):
            uow.payments.add(each)
        assert uow.payments.where(status="posted", account_id="a") == [posted]
        assert uow.payments.where(status="posted") == [posted, other]
        assert uow.payments.where(account_id=None) == [replace(PAYMENT, id="1")]
        assert uow.payments.where(status="suspense", account_id=None) == []
        assert uow.payments.where_in("account_id", ["b", "a", "nobody", "a"]) == [posted, other]
        assert uow.payments.where_in("account_id", []) == []
        uow.payments.put(replace(posted, status="reversed", account_id=None))
        assert uow.payments.where(status="posted") == [other]
        assert [payment.id for payment in uow.payments.where(account_id=None)] == ["1", "2"]


def test_a_field_without_an_index_finds_nothing(store: Store) -> None:
    with store.read() as uow:
        with pytest.raises(ValueError, match="payments cannot be found by amount_minor, only by"):
            uow.payments.where(amount_minor=5)
        with pytest.raises(ValueError, match="found by nothing"):
            uow.payments.where()
        with pytest.raises(ValueError, match="sites cannot be found by name, only by id"):
            uow.sites.where_in("name", ["M"])


def test_many_at_once(store: Store) -> None:
    people = [Customer(f"c{number}", "x") for number in range(5)]
    with store.begin() as uow:
        uow.customers.put_all([])
        uow.customers.put_all(people[:3])
        uow.customers.put_all([*people[2:], replace(people[4], name="first"), replace(people[4], name="last")])
        assert uow.customers.get_all(["c9", "c4", "c0", "c0"]) == {
            "c0": people[0],
            "c4": replace(people[4], name="last"),
        }
        assert uow.customers.get_all([]) == {}
        assert uow.customers.hold("c1") == people[1]
        assert uow.customers.hold("c9") is None


def test_the_same_id_twice_is_told_with_its_kind(store: Store) -> None:
    with store.begin() as uow:
        uow.plans.add(plan(1, ENERGY))
        with pytest.raises(AlreadyThere) as told:
            uow.plans.add(plan(1, TimeRules(500, 7)))
        assert (told.value.kind, told.value.id) == ("plan version", "home@1")
        assert uow.plans.get("home@1") == plan(1, ENERGY)


def test_the_outbox_gives_what_is_due_and_not_done(store: Store) -> None:
    def item(name: str, minutes: int, done: datetime | None = None) -> OutboxItem:
        return OutboxItem(name, "sms", "+1", "x", AT, AT + timedelta(minutes=minutes), 0, done)

    late, later, done, future = item("b", -9), item("a", -5), item("c", -7, AT), item("d", 1)
    with store.begin() as uow:
        for each in (future, later, done, late):
            uow.outbox.add(each)
        assert uow.outbox.due("sms", AT, 9) == [late, later]
        assert uow.outbox.due("sms", AT, 1) == [late]
        assert uow.outbox.due("webhook", AT, 9) == []
        uow.outbox.put(replace(late, done_at=AT))
        assert uow.outbox.due("sms", AT, 9) == [later]
        assert uow.outbox.where(kind="sms") == [later, replace(late, done_at=AT), done, future]
