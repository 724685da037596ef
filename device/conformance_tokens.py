"""Checks of the keypad: tokens change the same limits as messages, each of them once."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

from device.conformance_limits import told
from device.conformance_session import CheckFailedError, DeclinedError, Exchange, NotTriedError, Session
from device.keypad import FIRST_WAIT_S
from device.messages import Capability, EventKind, Relay, Reported, RequestKind, Result
from device.openpaygo import Kind, Secret, codes, next_count, text_of

UNITS = 2
UNIT_WH = 100
LOAD_W = 1000


def takes_a_token(session: Session) -> None:
    """Require that a token adds to what is left, closes the relay, and is told with its count."""
    _spent(session)
    exchange, count = _typed(session, Kind.ADD)
    session.expect_relay(exchange, "closed", "a token was typed")
    if session.profile == "T":
        return
    event = told(exchange, EventKind.TOKEN_TYPED, replace_in=session.state)
    if event.value != count:
        raise CheckFailedError("the event tells the count of the token", replace(event, value=count))
    session.expect(session.ask(RequestKind.REPORT), "a token was typed", relay=Relay.CLOSED, tokens=count)


def ends_what_a_token_gave(session: Session) -> None:
    """Require that what a token gave ends, and the relay opens alone."""
    _spent(session)
    exchange, _ = _typed(session, Kind.SET)
    session.expect_relay(exchange, "closed", "a token that sets was typed")
    unit_s = session.identity.plate.token_unit_s
    exchange = session.run(100, UNITS * unit_s - 60) if unit_s else session.run(LOAD_W, _seconds_of(UNITS) - 30)
    session.expect_relay(exchange, "closed", "what the token gave is not used yet")
    session.expect_relay(session.run(LOAD_W, 120), "open", "what the token gave is used")


def takes_no_token_twice(session: Session) -> None:
    """Require that digits typed again give nothing."""
    _spent(session)
    digits = _digits(session, Kind.ADD)
    session.hear(session.do(f"type {digits}"))
    _spent(session)
    exchange = session.hear(session.do(f"type {digits}"))
    _expect_nothing_given(session, exchange, "the same digits were typed before")


def refuses_wrong_digits(session: Session) -> None:
    """Require that digits that are no token give nothing, and close the keypad for a minute."""
    _spent(session)
    right = _digits(session, Kind.ADD)
    exchange = session.hear(session.do(f"type {_wrong(right)}"))
    _expect_nothing_given(session, exchange, "digits that are no token")
    exchange = session.hear(session.do(f"type {right}"))
    _expect_nothing_given(session, exchange, "within a minute after wrong digits nothing is taken")
    session.run(0, FIRST_WAIT_S + 1)
    exchange = session.hear(session.do(f"type {right}"))
    session.expect_relay(exchange, "closed", "a minute after wrong digits a token is taken again")


def takes_an_older_token(session: Session) -> None:
    """Require that a token that was jumped over is taken later, once."""
    _spent(session)
    older = _digits(session, Kind.ADD)
    newer = _digits(session, Kind.ADD)
    session.hear(session.do(f"type {newer}"))
    _spent_by_use(session)
    exchange = session.hear(session.do(f"type {older}"))
    session.expect_relay(exchange, "closed", "a token that was jumped over is still good")
    _spent_by_use(session)
    exchange = session.hear(session.do(f"type {older}"))
    session.expect_relay(exchange, "open", "a token that was jumped over is good once")


def knows_tokens_that_were_credited(session: Session) -> None:
    """Require that a desired state that contains a token marks it as used."""
    _spent(session)
    digits = _digits(session, Kind.ADD)
    _used_up(session)
    exchange = session.hear(session.do(f"type {digits}"))
    _expect_nothing_given(session, exchange, "this token was credited already")


def keeps_what_a_token_gave(session: Session) -> None:
    """Require that a desired state that does not know of a token takes nothing of it away."""
    _spent(session)
    before = session.tokens
    _typed(session, Kind.ADD)
    session.ask(RequestKind.REPORT)
    fields = _limits(session, session.state)
    report = session.supply(**fields, tokens_included=before)
    if report.relay != Relay.CLOSED:
        raise CheckFailedError("of each limit the higher one holds", replace(report, relay=Relay.CLOSED))


def keeps_tokens_through_a_power_cut(session: Session) -> None:
    """Require that what a token gave, and which were used, outlives a power cut."""
    _spent(session)
    digits = _digits(session, Kind.ADD)
    session.hear(session.do(f"type {digits}"))
    exchange = _cut(session)
    session.expect_relay(exchange, "closed", "what a token gave outlives a power cut")
    _spent_by_use(session)
    exchange = session.hear(session.do(f"type {digits}"))
    session.expect_relay(exchange, "open", "which tokens were used outlives a power cut")


def _secret(session: Session) -> Secret:
    if session.profile != "T" and not session.coming.capabilities & Capability.KEYPAD:
        raise DeclinedError("it says that it has no keypad")
    if session.identity.secret is None:
        raise NotTriedError("needs the starting code and the key of the meter's keypad in the file of keys")
    return session.identity.secret


def _digits(session: Session, kind: Kind, units: int = UNITS) -> str:
    """Return the digits of the next token for this meter."""
    secret = _secret(session)
    session.tokens = next_count(session.tokens, kind)
    return text_of(secret, next(islice(codes(secret, units), session.tokens - 1, None))[1])


def _typed(session: Session, kind: Kind) -> tuple[Exchange, int]:
    digits = _digits(session, kind)
    return session.hear(session.do(f"type {digits}")), session.tokens


def _wrong(digits: str) -> str:
    """Return digits that are no token: those of one, with another first digit."""
    changed = "1" if digits[0] != "1" else "2"
    return changed + digits[1:]


def _spent(session: Session) -> None:
    """Bring the meter to where nothing paid is left and the relay is open."""
    _secret(session)
    if session.profile == "T":
        _typed(session, Kind.SET)
        _spent_by_use(session)
    else:
        _used_up(session)


def _used_up(session: Session) -> None:
    session.ask(RequestKind.REPORT)
    report = session.supply(**_limits(session, session.state), tokens_included=session.tokens)
    if report.relay != Relay.OPEN:
        raise CheckFailedError("nothing paid is left", replace(report, relay=Relay.OPEN, result=Result.OK))


def _limits(session: Session, now: Reported) -> dict[str, Any]:
    """Return limits that are reached now, of the kind that tokens of this meter change."""
    if session.identity.plate.token_unit_s:
        return {"until_s": max(0, now.time_s)}
    return {"cutoff_wh": now.register_wh}


def _spent_by_use(session: Session) -> None:
    """Use up what tokens gave."""
    unit_s = session.identity.plate.token_unit_s
    seconds = UNITS * unit_s + 60 if unit_s else _seconds_of(UNITS) + 60
    for _ in range(4):
        if session.run(LOAD_W, seconds).relay == "open":
            return
    raise CheckFailedError("what tokens gave has to end")


def _seconds_of(units: int) -> int:
    return units * UNIT_WH * 3600 // LOAD_W


def _cut(session: Session) -> Exchange:
    return Exchange((), session.do("cut")) if session.profile == "T" else session.cut()


def _expect_nothing_given(session: Session, exchange: Exchange, why: str) -> None:
    session.expect_relay(exchange, "open", why)
    if exchange.events(EventKind.TOKEN_TYPED):
        raise CheckFailedError(f"{why}, and it told of a token that was typed")
