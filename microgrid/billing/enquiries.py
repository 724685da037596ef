"""Asking about money, on an open transaction: what waits for its provider's word, and when to ask for it.

A payment from an unsigned message above a limit is kept pending, without credit, until its provider confirms it; a
push waits until its payment is booked or nothing can come of it. Each has one item in the outbox, which comes due
again and again by the same reference, at most for a day; then it is an alarm that waits for a person.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from microgrid.billing.payments import Payment
from microgrid.billing.pushes import Push, Taken
from microgrid.billing.service import Receipt
from microgrid.billing.sightings import Alarm, Seen, Told
from microgrid.customers.references import spelling
from microgrid.customers.service import unknown
from microgrid.errors import AlreadyThere, InvalidInput, Problem
from microgrid.kept import OutboxItem
from microgrid.ports import UnitOfWork

ENQUIRE, SEND = "enquire", "push"  # kinds of the outbox
# When to ask, in seconds after the first moment: as MTN documents it for its own, and good for all.
ASK_AFTER_S = (10, 30, 60, 120, 300, 900, *range(3600, 86_401, 3600))
AGAIN_AFTER = timedelta(minutes=1)  # a push that was refused because the provider was busy
MOST_SENDINGS = 3
EARLIER = timedelta(minutes=10)  # a payment of a push may bear an earlier time than the push: clocks differ
LATER = timedelta(days=1)


def ask_to_pay(uow: UnitOfWork, push: Push) -> Push:
    """Keep a push that is to be sent; the same again is a success, also when money came of it meanwhile."""
    try:
        uow.pushes.add(push)
    except AlreadyThere:
        known = uow.pushes.get(push.id)
        assert known is not None
        if _asked(known) != _asked(push):
            what = f"request '{push.id}' asked for {_words(known)}, but came again for {_words(push)}"
            raise InvalidInput(
                Problem("MG-P020", what, "nothing was sent", "use a new id for another request")
            ) from None
        return known
    uow.outbox.put(OutboxItem(f"push:{push.id}", SEND, push.id, "", push.asked_at, push.asked_at))
    return push


def claim(uow: UnitOfWork, push_id: str, now: datetime) -> Push | None:
    """Take a push for sending, once: who crashes after this has sent it or not, so it is asked about, never resent."""
    push = uow.pushes.hold(push_id)
    if push is None or push.state != "asked":
        return None
    item = uow.outbox.get(f"push:{push_id}")
    assert item is not None
    sent = replace(push, state="sent")
    uow.pushes.put(sent)
    uow.outbox.put(replace(item, attempts=item.attempts + 1, done_at=now))
    plan(uow, f"push:{push_id}", now)
    return sent


def take_answer(uow: UnitOfWork, push_id: str, taken: Taken, now: datetime) -> Push:
    """Write down what became of sending a push; what is not known is left to be asked about."""
    push = uow.pushes.hold(push_id)
    item = uow.outbox.get(f"push:{push_id}")
    assert push is not None
    assert item is not None
    after = replace(push, request_id=taken.request_id or push.request_id, reason=taken.reason)
    if taken.outcome == "refused" and push.is_open:
        if taken.again and item.attempts < MOST_SENDINGS:
            after = replace(after, state="asked")
            uow.outbox.put(replace(item, due_at=now + AGAIN_AFTER, done_at=None, last_error=taken.reason))
        else:
            after = replace(after, state="failed")
        finish(uow, f"push:{push_id}", now)
    uow.pushes.put(after)
    return after


def plan(uow: UnitOfWork, subject: str, now: datetime) -> None:
    """Begin to ask about a payment or a push, named `payment:...` or `push:...`."""
    key = f"{ENQUIRE}:{subject}"
    uow.outbox.put(OutboxItem(key, ENQUIRE, subject, "", now, now + timedelta(seconds=ASK_AFTER_S[0])))


def hurry(uow: UnitOfWork, subject: str, now: datetime) -> None:
    """Ask at the next occasion: somebody says that there is news, whom we need not believe."""
    item = uow.outbox.hold(f"{ENQUIRE}:{subject}")
    if item is not None and item.done_at is None:
        uow.outbox.put(replace(item, due_at=min(item.due_at, now)))


def finish(uow: UnitOfWork, subject: str, now: datetime) -> None:
    """Stop asking."""
    item = uow.outbox.hold(f"{ENQUIRE}:{subject}")
    if item is not None and item.done_at is None:
        uow.outbox.put(replace(item, done_at=now))


def about(uow: UnitOfWork, subject: str) -> Payment | Push | None:
    """Return what is asked about while its end is not known; nothing when there is no more to ask."""
    kind, _, key = subject.partition(":")
    if kind == "push":
        push = uow.pushes.get(key)
        return push if push is not None and push.is_open else None
    payment = uow.payments.get(key)
    return payment if payment is not None and payment.status == "pending" else None


def go_on(uow: UnitOfWork, subject: str, now: datetime, said: str) -> None:
    """After asking: done when the end is known, else due again; after a day a person has to look."""
    item = uow.outbox.hold(f"{ENQUIRE}:{subject}")
    if item is None or item.done_at is not None:
        return
    tried = replace(item, attempts=item.attempts + 1, last_error=said)
    open_still = about(uow, subject)
    due_at = next_moment(item.created_at, now)
    if open_still is None or due_at is None:
        uow.outbox.put(replace(tried, done_at=now))
    else:
        uow.outbox.put(replace(tried, due_at=due_at))
    if open_still is not None and due_at is None:
        hand_over(uow, open_still, subject, said, now)


def next_moment(begun_at: datetime, now: datetime) -> datetime | None:
    """Return when to ask next, or nothing when a day is over."""
    moments = (begun_at + timedelta(seconds=after_s) for after_s in ASK_AFTER_S)
    return next((moment for moment in moments if moment > now), None)


def hand_over(uow: UnitOfWork, open_still: Payment | Push, subject: str, said: str, now: datetime) -> None:
    """Leave to a person what the provider could not say within a day; a payment stays pending, without credit."""
    if isinstance(open_still, Push):
        uow.pushes.put(replace(open_still, state="unknown", reason=said))
    last = f"; the last we heard: {said}" if said else ""
    raise_alarm(uow, f"silent:{subject}", subject, f"the provider has not said in a day what became of it{last}", now)


def find_push(uow: UnitOfWork, request_id: str) -> Push | None:
    """Return the push of this id, ours or the provider's."""
    if not request_id:
        return None
    return uow.pushes.hold(request_id) or next(iter(uow.pushes.where(request_id=request_id)), None)


def named(uow: UnitOfWork, seen: Seen) -> tuple[Seen, Push | None]:
    """Return a sighting with the account we asked its payer for, and our push; InvalidInput when they differ.

    An unsigned message that names a push of ours with another amount is not believed.
    """
    push = find_push(uow, seen.request_id)
    if push is None:
        return seen, None
    asked, paid = (push.amount_minor, push.currency), (seen.payment.amount_minor, seen.payment.currency)
    if asked != paid and not seen.proven:
        what = f"{paid[0]} {paid[1]} are said to be paid for request '{push.id}', which asked for {asked[0]} {asked[1]}"
        raise InvalidInput(Problem("MG-P021", what, "nothing was booked", "look at the provider's own list"))
    reference = seen.payment.reference or push.account_id
    return replace(seen, payment=replace(seen.payment, reference=reference)), push


def follow(uow: UnitOfWork, receipt: Receipt, seen: Seen, push: Push | None, now: datetime) -> None:
    """After a sighting is booked: ask where it has to be confirmed, close what asked for it, and point at doubts."""
    payment = receipt.payment
    subject = f"payment:{payment.id}"
    if payment.status == "pending" and receipt.is_new:
        plan(uow, subject, now)
    if receipt.confirmed:
        _answered(uow, subject, now, "confirmed")
    if push is not None and payment.status in ("posted", "suspense") and push.state != "paid":
        _close(uow, push, payment, now)
    if not receipt.is_new and _names_other(payment, seen.payment):
        what = f"it names '{payment.reference}', and by {seen.channel} '{seen.payment.reference}'"
        raise_alarm(uow, f"names:{subject}", subject, f"two reports of one payment differ: {what}", now)


def take_told(uow: UnitOfWork, told: Told, now: datetime) -> str:
    """Take in news of a payment or push that is not money; returns what became of it.

    What is not proven is never believed, only a reason to ask now.
    """
    push = find_push(uow, told.request_id)
    payment = uow.payments.hold(told.payment_id) if told.payment_id else None
    if push is None and payment is None:
        return _of_nothing(uow, told, now)
    subject = f"push:{push.id}" if push is not None else f"payment:{told.payment_id}"
    if told.state == "kept" and told.proven and payment is not None and payment.status != "reversed":
        raise_alarm(uow, f"kept:{subject}", subject, f"the provider did not give it back: {told.reason}", now)
        return f"not given back: {told.reason}"
    if about(uow, subject) is None:
        return f"known before: {told.reason}"
    if not told.proven:
        hurry(uow, subject, now)
        return f"to be asked about: {told.reason}"
    if told.state == "failed":
        _fail(uow, push, payment, told, now)
    elif told.state == "unknown" and payment is not None:
        raise_alarm(uow, f"unknown:{subject}", subject, f"the provider does not know this payment: {told.reason}", now)
    return f"{told.state}: {told.reason}"


def link(uow: UnitOfWork, push_id: str, now: datetime) -> bool:
    """Close a push by a payment that was booked from the provider's list; says whether there is one."""
    push = uow.pushes.hold(push_id)
    if push is None or not push.is_open:
        return push is not None
    taken = {other.payment_id for other in uow.pushes.where(account_id=push.account_id)}
    found = [one for one in uow.payments.where(account_id=push.account_id) if one.id not in taken and _fits(push, one)]
    if found:
        _close(uow, push, min(found, key=lambda one: (one.paid_at, one.id)), now)
    return bool(found)


def raise_alarm(uow: UnitOfWork, key: str, subject: str, what: str, now: datetime) -> None:
    """Call for a person, once for each thing that is wrong."""
    try:
        uow.alarms.add(Alarm(key, subject, what, now))
    except AlreadyThere:
        return


def settle_alarm(uow: UnitOfWork, alarm_id: str, now: datetime, who: str, note: str) -> Alarm:
    """Mark an alarm as dealt with; a settled one stays as it is."""
    alarm = uow.alarms.hold(alarm_id)
    if alarm is None:
        raise InvalidInput(unknown("alarm", alarm_id))
    if alarm.settled_at is None:
        alarm = replace(alarm, settled_at=now, settled_by=who, note=note)
        uow.alarms.put(alarm)
    return alarm


def _answered(uow: UnitOfWork, subject: str, now: datetime, note: str) -> None:
    """Settle the alarms of a provider that had not said what it says now; other doubts stay."""
    for key in (f"unknown:{subject}", f"silent:{subject}", f"untrue:{subject}"):
        if uow.alarms.get(key) is not None:
            settle_alarm(uow, key, now, "the provider", note)


def _close(uow: UnitOfWork, push: Push, payment: Payment, now: datetime) -> None:
    uow.pushes.put(replace(push, state="paid", payment_id=payment.id, reason=""))
    subject = f"push:{push.id}"
    finish(uow, subject, now)
    _answered(uow, subject, now, f"paid as {payment.id}")


def _fail(uow: UnitOfWork, push: Push | None, payment: Payment | None, told: Told, now: datetime) -> None:
    if push is not None:
        uow.pushes.put(replace(push, state="failed", reason=told.reason))
        finish(uow, f"push:{push.id}", now)
    if payment is not None:
        subject = f"payment:{payment.id}"
        uow.payments.put(replace(payment, status="refused"))
        finish(uow, subject, now)
        what = f"a message said it was paid, its provider says it was not: {told.reason}"
        raise_alarm(uow, f"untrue:{subject}", subject, what, now)


def _of_nothing(uow: UnitOfWork, told: Told, now: datetime) -> str:
    """Return what becomes of news about what is not known here; where money may be behind it, a person looks."""
    name = told.request_id or told.payment_id
    if told.state != "failed":
        what = f"a message is about '{name}', which nobody here asked for: {told.reason}"
        raise_alarm(uow, f"strange:{name}", f"message:{name}", what, now)
    return f"about nothing of ours: {told.reason}"


def _names_other(known: Payment, seen: Payment) -> bool:
    """Tell whether two reports of one payment name different accounts, as far as their texts go."""
    if not known.reference or not seen.reference or known.reference == seen.reference:
        return False
    return spelling(known.reference) != spelling(seen.reference)


def _fits(push: Push, payment: Payment) -> bool:
    amount = (payment.amount_minor, payment.currency, payment.provider, payment.shortcode)
    asked = (push.amount_minor, push.currency, push.provider, push.shortcode)
    in_time = push.asked_at - EARLIER <= payment.paid_at <= push.asked_at + LATER
    other_payer = payment.payer_kind == "e164" and payment.payer != push.phone
    return amount == asked and in_time and not other_payer


def _asked(push: Push) -> tuple[object, ...]:
    """Return what a repeated request must agree on."""
    return (push.provider, push.shortcode, push.account_id, push.phone, push.amount_minor, push.reference)


def _words(push: Push) -> str:
    return f"{push.amount_minor} {push.currency} for '{push.account_id}' through {push.line}"
