"""What became of sending a push and of asking about it, told in one way for all wallets."""

from __future__ import annotations

from collections.abc import Callable

from microgrid.billing.payments import Payment
from microgrid.billing.pushes import Push, Taken
from microgrid.billing.sightings import Heard, Told, Unclear
from microgrid.money_ports import Answered
from microgrid.providers.payment_facts import HttpAnswer, PushAnswer
from microgrid.providers.sending import NotSent


def sent(ask: Callable[[], HttpAnswer], read: Callable[[HttpAnswer], PushAnswer]) -> Taken:
    """Send a push and return what became of it: what was never sent may be sent again, what got lost may be paid."""
    try:
        answer = read(ask())
    except NotSent as error:
        return Taken("refused", reason=str(error), again=True)
    except OSError as error:
        return Taken("ambiguous", reason=str(error))
    again = answer.action in ("retry_later", "retry_once")
    return Taken(answer.outcome, answer.request_id, answer.reason, again)


def or_waiting(found: Heard, push: Push) -> Heard:
    """Return an answer about a push; one that cannot be read is no news, and the push is asked about again."""
    return Told("waiting", found.reason, request_id=push.id, proven=True) if isinstance(found, Unclear) else found


def knows_requests_only(payment: Payment) -> Answered:
    """Return the answer of a wallet that tells nothing about a receipt."""
    reason = "this provider tells about requests of ours only; look for the receipt in its statement"
    return Answered(b"", (Told("waiting", reason, payment.id, proven=True),))
