"""What a payment buys for a meter with a keypad, on an open transaction: one payment, one list of tokens.

A meter that takes tokens only gets what the account's credit buys, and a token once given out counts as spent: its
price is charged with it. A meter that is told by the network as well gets the same supply a second way: its token adds
no more than the limits already told, and the next limits say up to which token they go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from device.openpaygo import FORWARD_COUNTS, LARGEST_VALUE
from microgrid.billing import leasing
from microgrid.billing.local_time import DAY, day_start, local_day
from microgrid.billing.paid_time import buy_time
from microgrid.billing.payments import Payment
from microgrid.billing.plans import EnergyRules, PlanVersion, TimeRules
from microgrid.billing.prepaid import charge_energy, charge_time, month_so_far, steps_bought
from microgrid.billing.service import Receipt
from microgrid.billing.standing import Standing, standing_of
from microgrid.errors import InvalidInput, Problem
from microgrid.home_ports import Home
from microgrid.kept import Credit, OutboxItem
from microgrid.ports import Keys, UnitOfWork
from microgrid.switching import policy
from microgrid.switching.inputs import gather, supplied_at, views
from microgrid.switching.policy import AccountView
from microgrid.switching.supply import Twin
from microgrid.switching.token_devices import BY_HAND, ENERGY_LASTS, Reason, give_out, hold, up_to_date
from microgrid.switching.token_records import GivenToken, token_id
from microgrid.switching.token_texts import tell
from microgrid.switching.tokens import MOST_OUTSTANDING, WH_PER_UNIT, grant

WAITING = "token"  # the kind of outbox item that says which payment's tokens could not be given yet
TRIED_AGAIN_AFTER = timedelta(hours=1)
MOST_DOUBLINGS = 5  # the longest pause is 32 hours
UNLOCKED_WITHIN = 30 * DAY  # so long a meter that is paid off goes on until two people have agreed
SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Buyer:
    """A locked account that buys supply for its meters with keypads, and the payment it is for."""

    home: Home
    standing: Standing
    credit: Credit
    twins: dict[str, Twin]  # of its meters
    payment: Payment


def give(uow: UnitOfWork, keys: Keys, receipt: Receipt, now: datetime) -> None:
    """Give the tokens that a payment buys; where they cannot be given now, it is noted and tried again.

    The payment is booked whatever becomes of its tokens: it is a fact.
    """
    payment = receipt.payment
    if not receipt.touched or payment.status != "posted" or payment.account_id is None:
        return
    if uow.credits.lock((payment.account_id,))[payment.account_id].takes_tokens:
        item = OutboxItem(f"{WAITING}:{payment.id}", WAITING, payment.account_id, payment.id, now, now)
        after = _tried(uow, keys, item, now)
        if after.done_at is None:
            uow.outbox.put(after)


def give_waiting(uow: UnitOfWork, keys: Keys, now: datetime, limit: int) -> Sequence[str]:
    """Give tokens that could not be given with their payment and are due again; return the accounts."""
    due = uow.outbox.due(WAITING, now, limit)
    uow.credits.lock({item.to for item in due})
    uow.outbox.put_all([_tried(uow, keys, item, now) for item in due])
    return sorted({item.to for item in due})


def give_now(uow: UnitOfWork, keys: Keys, account_id: str, now: datetime) -> None:
    """Give an account the tokens that could not be given before, whose obstacle may just have gone."""
    uow.credits.lock((account_id,))
    waiting = [item for item in uow.outbox.where(kind=WAITING, to=account_id) if item.done_at is None]
    uow.outbox.put_all([_tried(uow, keys, item, now) for item in waiting])


def sell(
    uow: UnitOfWork, keys: Keys, payment: Payment, now: datetime, meter_id: str | None = None
) -> Sequence[GivenToken]:
    """Return the tokens of a payment, those given before or new ones; InvalidInput when they cannot be given.

    Energy goes to one meter: to the only one of the account, or to the one that is named.
    """
    buyer = _buyer(uow, payment)
    earlier = [token for token in uow.tokens.where(source=payment.id) if token.serial in buyer.twins]
    if earlier:
        return earlier
    plan = buyer.standing.plan_at(now)
    if plan is not None and isinstance(plan.rules, TimeRules):
        return _with_time(uow, keys, buyer, plan, plan.rules, now)
    if plan is not None and isinstance(plan.rules, EnergyRules):
        return _with_energy(uow, keys, buyer, plan, plan.rules, now, meter_id)
    if leasing.pays_devices_only(buyer.standing, now) and uow.contracts.where(account_id=buyer.home.account.id):
        return _with_lease(uow, keys, buyer, now)
    if not _only(buyer):
        return ()
    sold = "is charged by no plan yet" if plan is None else f"is charged by plan '{plan.id}'"
    raise InvalidInput(_unsellable(buyer, f"{sold}, which sells neither time nor energy ahead"))


# Inside ---------------------------------------------------------------------------------------------------------------


def _tried(uow: UnitOfWork, keys: Keys, item: OutboxItem, now: datetime) -> OutboxItem:
    """Give the tokens of a waiting item, or say why not; what a failed attempt wrote is undone."""
    payment = uow.payments.get(item.body)
    if payment is None or payment.status != "posted" or payment.account_id != item.to:
        return replace(item, done_at=now, last_error="the payment went elsewhere")
    try:
        with uow.savepoint():
            sell(uow, keys, payment, now)
    except InvalidInput as error:
        reason = "; ".join(problem.what for problem in error.problems)
        later = now + TRIED_AGAIN_AFTER * 2 ** min(item.attempts, MOST_DOUBLINGS)
        return replace(item, attempts=item.attempts + 1, due_at=later, last_error=reason)
    return replace(item, attempts=item.attempts + 1, done_at=now, last_error="")


def _buyer(uow: UnitOfWork, payment: Payment) -> Buyer:
    account_id = payment.account_id
    assert account_id is not None, "only a payment to an account buys anything"
    credit = uow.credits.lock((account_id,))[account_id]
    home = uow.homes.get_all((account_id,))[account_id]
    twins = uow.twins.get_all(fit.meter_id for fit in home.fits)
    return Buyer(home, standing_of(home), credit, dict(twins), payment)


def _only(buyer: Buyer) -> list[str]:
    """Return the meters of an account that have no other way in than tokens."""
    return [meter_id for meter_id, twin in sorted(buyer.twins.items()) if twin.token_only]


def _beside(buyer: Buyer) -> list[str]:
    """Return the meters of an account that take tokens beside what the network tells them."""
    return [key for key, twin in sorted(buyer.twins.items()) if twin.takes_tokens and not twin.token_only]


def _with_time(
    uow: UnitOfWork, keys: Keys, buyer: Buyer, plan: PlanVersion, rules: TimeRules, now: datetime
) -> Sequence[GivenToken]:
    """Buy whole periods with the account's credit and give them to each of its meters that takes tokens."""
    bought = buy_time(buyer.credit, rules, plan.tax, now, buyer.standing.zone)
    if not bought.periods:
        return ()
    days = bought.periods * rules.days
    why = Reason(buyer.payment.id, SERVICE, now, "time")
    given: list[GivenToken] = []
    for meter_id in _only(buyer):
        given += _granted(uow, keys, meter_id, replace(why, assumed_typed_at=bought.until), days=days)
    tell(uow, buyer.home, given, now)
    for meter_id in _beside(buyer):
        given += _granted_if_possible(uow, keys, meter_id, why, days=days)
    charge_time(uow, buyer.standing, buyer.credit, bought, now)
    return given


def _with_energy(
    uow: UnitOfWork,
    keys: Keys,
    buyer: Buyer,
    plan: PlanVersion,
    rules: EnergyRules,
    now: datetime,
    meter_id: str | None,
) -> Sequence[GivenToken]:
    """Sell whole units of energy to the meter that takes tokens only, or give what is told as a token as well."""
    only = _only(buyer)
    target = meter_id or (only[0] if only else "")
    if target not in only:
        return _as_told(uow, keys, buyer, now)
    if meter_id is None and len(buyer.twins) > 1:
        listed = ", ".join(sorted(buyer.twins))
        what = f"account '{buyer.home.account.id}' has several meters ({listed}), and energy goes to one"
        fix = f"say which: microgrid token new METER --payment {buyer.payment.id}"
        raise InvalidInput(Problem("MG-K054", what, fix=fix))
    if rules.bands:
        raise InvalidInput(_unsellable(buyer, "pays by the time of the day, and nobody sees when a token is used"))
    month = month_so_far(uow, buyer.standing, rules, now)
    most = MOST_OUTSTANDING * LARGEST_VALUE
    units = steps_bought(buyer.credit, rules, plan.tax, month, WH_PER_UNIT, most)
    if not units:
        return ()
    why = Reason(buyer.payment.id, SERVICE, now, "energy", assumed_typed_at=now + ENERGY_LASTS)
    given = _granted(uow, keys, target, why, units=units)
    charge_energy(uow, buyer.standing, plan, buyer.credit, units * WH_PER_UNIT, now)
    tell(uow, buyer.home, given, now)
    return given


def _with_lease(uow: UnitOfWork, keys: Keys, buyer: Buyer, now: datetime) -> Sequence[GivenToken]:
    """Give each meter the days that its contract is paid for and no token has carried yet.

    One that is paid off gets a month: until then, two people have to agree that it is unlocked for ever.
    """
    zone = buyer.standing.zone
    today = local_day(now, zone)
    buyer = replace(buyer, credit=leasing.collect(uow, buyer.standing, now))
    given: list[GivenToken] = []
    for meter_id, view in _views(uow, buyer, now).items():
        if not buyer.twins[meter_id].takes_tokens or view.lease is None or view.lease.deposit_owed_minor > 0:
            continue
        until = view.lease.ends_at(zone) or day_start(today + UNLOCKED_WITHIN, zone)
        days = (local_day(until, zone) - max(today, _carried_to(uow, meter_id, today, zone))).days
        if days > 0:
            why = Reason(buyer.payment.id, SERVICE, now, "time", assumed_typed_at=until)
            only = buyer.twins[meter_id].token_only
            given += (_granted if only else _granted_if_possible)(uow, keys, meter_id, why, days=days)
    tell(uow, buyer.home, [token for token in given if buyer.twins[token.serial].token_only], now)
    return given


def _carried_to(uow: UnitOfWork, meter_id: str, today: date, zone: ZoneInfo) -> date:
    """Return the local day up to which the newest tokens of a meter carry paid days."""
    kept = uow.token_devices.get(meter_id)
    newest = range(max(0, kept.count - FORWARD_COUNTS), kept.count + 1) if kept is not None else ()
    found = uow.tokens.get_all(token_id(meter_id, count) for count in newest)
    paid = [token for token in found.values() if not token.source.startswith(BY_HAND)]
    ends = [token.assumed_typed_at for token in paid if token.assumed_typed_at is not None]
    return max([today, *(local_day(end, zone) for end in ends)])


def _as_told(uow: UnitOfWork, keys: Keys, buyer: Buyer, now: datetime) -> Sequence[GivenToken]:
    """Give what a payment adds to the limits of meters that are told by the network, as a token beside it."""
    given: list[GivenToken] = []
    why = Reason(buyer.payment.id, SERVICE, now, "energy")
    for meter_id in _beside(buyer):
        units = _units_added(uow, buyer, meter_id, now)
        if units > 0:
            given += _granted_if_possible(uow, keys, meter_id, why, units=units)
    return given


def _units_added(uow: UnitOfWork, buyer: Buyer, meter_id: str, now: datetime) -> int:
    """Return by how many whole units a payment moves the register up to which a meter may supply."""
    view = _views(uow, buyer, now)[meter_id]
    before = replace(buyer.credit, balance_minor=buyer.credit.balance_minor - buyer.payment.amount_minor)
    end_wh, old_wh = policy.cutoff_wh(view), policy.cutoff_wh(replace(view, credit=before))
    if end_wh is None or old_wh is None:
        return 0
    desired = buyer.twins[meter_id].desired
    told_wh = desired.supply.cutoff_wh if desired is not None and desired.supply.on else None
    return (end_wh - max(old_wh, told_wh or 0, view.register_wh)) // WH_PER_UNIT


def _views(uow: UnitOfWork, buyer: Buyer, now: datetime) -> dict[str, AccountView]:
    """Return what supply of each meter of an account would be decided from now, by meter."""
    supplied = supplied_at(buyer.home)
    seen = views(uow, buyer.standing, buyer.credit, supplied, gather(uow, supplied), now)
    return {one.fit.meter_id: view for one, view in seen}


def _granted(
    uow: UnitOfWork, keys: Keys, meter_id: str, why: Reason, *, days: int = 0, units: int = 0
) -> Sequence[GivenToken]:
    """Draw the tokens that carry so many days or units, and keep them."""
    held = hold(uow, keys, meter_id)
    device = up_to_date(uow, held, why.at)
    made, after = grant(device, why.source, units or days * device.divider)
    return give_out(uow, held, after, made.tokens, why)


def _granted_if_possible(
    uow: UnitOfWork, keys: Keys, meter_id: str, why: Reason, *, days: int = 0, units: int = 0
) -> Sequence[GivenToken]:
    """Draw tokens for a meter that has another way in; without them it goes on as well."""
    try:
        with uow.savepoint():
            return _granted(uow, keys, meter_id, why, days=days, units=units)
    except InvalidInput:
        return ()


def _unsellable(buyer: Buyer, why: str) -> Problem:
    what = f"no token was made for payment '{buyer.payment.id}': account '{buyer.home.account.id}' {why}"
    fix = "choose a plan of days, or of energy at one price by the clock, for a meter that takes tokens only"
    return Problem("MG-K052", what, fix=fix)
