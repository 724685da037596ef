"""Checks of what a meter takes as a message of the service, and what it refuses without moving."""

from __future__ import annotations

from dataclasses import replace

import cbor2

from device.codec import encode
from device.conformance_session import CheckFailedError, NotTriedError, Session
from device.messages import Desired, Relay, RequestKind, Result
from device.signing import LARGEST_MESSAGE, MeterKeys, sealed
from device.vector_broken import broken_envelopes, broken_payloads, of_size
from device.wording import result_in_words

STRANGER = MeterKeys((bytes(32), bytes(32)))
UNKNOWN_KEYS = {13: 7, 14: [1, None, "later"], -1: b"x"}
AHEAD_S = 30 * 86_400


def takes_a_newer_state(session: Session) -> None:
    """Require that a newer desired state is taken, the relay moves and is read back, and that is reported."""
    session.supply(on=False)
    report = session.supply()
    if report.relay != Relay.CLOSED:
        raise CheckFailedError("told to supply, it reports its relay as read back", replace(report, relay=Relay.CLOSED))
    _expect_seen(session, "closed")


def reports_the_same_again(session: Session) -> None:
    """Require that the state it holds, told again, is reported again and changes nothing."""
    session.supply()
    held = session.desired(revision=session.revision, on=False)
    exchange = session.tell(held)
    why = "a desired state of the revision held changes nothing, and is answered"
    session.expect(exchange, why, result=Result.OK, revision=session.revision, relay=Relay.CLOSED)


def refuses_an_older_state(session: Session) -> None:
    """Require that a lower revision is stale."""
    session.supply()
    session.supply()
    exchange = session.tell(session.desired(revision=session.revision - 1, on=False))
    why = "a desired state of a lower revision is stale"
    session.expect(exchange, why, result=Result.STALE, revision=session.revision, relay=Relay.CLOSED)


def opens_when_told(session: Session) -> None:
    """Require that told to be off, it opens its relay."""
    session.supply()
    report = session.supply(on=False)
    if report.relay != Relay.OPEN:
        raise CheckFailedError("told to be off, it opens its relay", replace(report, relay=Relay.OPEN))
    _expect_seen(session, "open")


def refuses_what_has_expired(session: Session) -> None:
    """Require that a desired state whose not-after lies behind its clock is an old copy."""
    session.supply()
    exchange = session.tell(session.desired(on=False, not_after_s=session.state.time_s - 1))
    why = "a desired state whose not-after has passed is refused"
    session.expect(exchange, why, result=Result.EXPIRED, revision=session.revision, relay=Relay.CLOSED)


def refuses_another_key(session: Session) -> None:
    """Require that what was made with another key is not proven."""
    session.supply()
    body = sealed(encode(_off(session)), STRANGER, session.about("desired"))
    _refuses(session, "made with another key", body, Result.BAD_MAC)


def refuses_another_topic(session: Session) -> None:
    """Require that what was made for another meter, another site or another kind of message is not proven."""
    session.supply()
    payload, keys = encode(_off(session)), session.identity.plate.keys
    places = {
        "made for another meter": session.about("desired", meter="another"),
        "made for another site": session.about("desired", site="another"),
        "made for the topic of requests": session.about("request"),
        "made for the meter's own reports": session.about("reported"),
    }
    for what, about in places.items():
        _refuses(session, what, sealed(payload, keys, about), Result.BAD_MAC)


def refuses_broken_envelopes(session: Session) -> None:
    """Require that there is one way of writing an envelope; whatever differs is not proven."""
    keys = session.identity.plate.keys
    if keys.slots[0] is None:
        raise NotTriedError("needs the meter's key in slot 0")
    session.supply()
    first = replace(keys, sign_with=0)
    for what, body in broken_envelopes(first, session.about("desired"), encode(_off(session))):
        _refuses(session, what, body, Result.BAD_MAC)


def refuses_broken_payloads(session: Session) -> None:
    """Require that what is proven, but is no desired state as the protocol says, is refused by name."""
    session.supply()
    for what, payload in broken_payloads(_off(session)):
        body = sealed(payload, session.identity.plate.keys, session.about("desired"))
        _refuses(session, what, body, Result.NOT_CAPABLE)


def passes_over_unknown_keys(session: Session) -> None:
    """Require that keys that a later version may bring are passed over."""
    session.supply(on=False)
    told = session.desired()
    payload = cbor2.dumps({**cbor2.loads(encode(told)), **UNKNOWN_KEYS})
    _takes(session, told, sealed(payload, session.identity.plate.keys, session.about("desired")), "unknown keys")


def takes_512_bytes(session: Session) -> None:
    """Require that a message of 512 bytes is taken; one byte more is among the broken envelopes."""
    session.supply(on=False)
    told = session.desired()
    body = of_size(encode(told), session.identity.plate.keys, session.about("desired"), LARGEST_MESSAGE)
    _takes(session, told, body, "a message of 512 bytes")


def ignores_forged_questions(session: Session) -> None:
    """Require that a question or a time that is not proven is not answered, and sets nothing."""
    session.settle()
    was_s, link = session.state.time_s, session.coming
    for kind in (RequestKind.REPORT, RequestKind.TIME):
        asked = replace(session.question(kind), service_time_s=was_s + AHEAD_S)
        body = sealed(encode(asked), STRANGER, session.about("request"))
        exchange = session.say("request", body, f"a forged question: {kind.name.lower()}")
        if exchange.reports:
            raise CheckFailedError("a question that is not proven is not answered")
    session.ask(RequestKind.REPORT)
    if session.state.time_s >= was_s + AHEAD_S or session.coming.clock != link.clock:
        raise CheckFailedError("a time that is not proven sets no clock", replace(session.state, time_s=was_s))


def takes_both_key_slots(session: Session) -> None:
    """Require that messages made with either of its keys are taken, and a slot without a key opens nothing."""
    keys = session.identity.plate.keys
    other = 1 - keys.sign_with
    session.supply(on=False)
    told = session.desired()
    if keys.slots[other] is None:
        slots = (keys.slots[0] or STRANGER.slots[0], keys.slots[1] or STRANGER.slots[1])
        body = sealed(encode(told), MeterKeys(slots, other), session.about("desired"))
        _refuses(session, f"made with a key for slot {other}, which is empty", body, Result.BAD_MAC)
        raise NotTriedError("the empty slot opens nothing; to try both, write two keys for this meter into the file")
    _takes(
        session, told, sealed(encode(told), replace(keys, sign_with=other), session.about("desired")), "the other key"
    )


def _off(session: Session) -> Desired:
    return session.desired(on=False)


def _refuses(session: Session, what: str, body: bytes, result: Result) -> None:
    """Send what must be refused, and look that nothing has moved."""
    held = {"revision": session.revision, "relay": session.state.relay}
    exchange = session.say("desired", body, what)
    why = f"{what}: that has to be answered with '{result_in_words(result)}', and to change nothing"
    session.expect(exchange, why, result=result, **held)


def _takes(session: Session, told: Desired, body: bytes, what: str) -> None:
    """Send what must be taken in spite of something, and look that it closes the relay."""
    exchange = session.say("desired", body, what)
    why = f"{what}: that is no reason to refuse a desired state"
    session.expect(exchange, why, result=Result.OK, revision=told.revision, relay=Relay.CLOSED)
    session.revision = told.revision


def _expect_seen(session: Session, relay: str) -> None:
    seen = session.bench.do("0 0")
    if seen not in (relay, "cannot"):
        raise CheckFailedError(f"the relay was reported as {relay}, and the bench sees it {seen}")
