"""Checks of limits that a small meter may decline: too much power, energy of a day, and what follows a limit."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from device.conformance_limits import WITHIN_S, WITHIN_WH, opened, told
from device.conformance_session import DAY_S, CheckFailedError, Exchange, Session
from device.messages import EventKind, FailTerms, Relay, Reported, RequestKind

LIMIT_W, TOO_MUCH_W = 300, 900
MEAN_S = 30  # over which power is judged
RECLOSE_AFTER_S = (60, 300, 900)


def opens_for_too_much_power(session: Session) -> None:
    """Require that a relay opened by too much power over 30 s closes after 1, 5 and 15 min, and then waits."""
    session.supply(power_limit_w=LIMIT_W, may_decline="power limit")
    exchange = session.run(TOO_MUCH_W, sum(RECLOSE_AFTER_S) + 10 * MEAN_S)
    told(exchange, EventKind.OVERLOAD, replace_in=opened(exchange, "more than the power limit flows"))
    turns = _turns(exchange)
    open_s = [closing.time_s - opening.time_s for opening, closing in pairwise(turns) if closing.relay == Relay.CLOSED]
    if len(open_s) != len(RECLOSE_AFTER_S) or not all(map(_is_near, open_s, RECLOSE_AFTER_S)):
        raise CheckFailedError(f"it closes again after {RECLOSE_AFTER_S} s, and it closed after {tuple(open_s)} s")
    closed_s = [after.time_s - before.time_s for before, after in pairwise(turns) if after.relay == Relay.OPEN]
    if any(seconds > 2 * MEAN_S + WITHIN_S for seconds in closed_s):
        raise CheckFailedError(f"too much power opens it within a minute, and it took {max(closed_s)} s")
    _expect_open(session, session.run(TOO_MUCH_W, 3600), "after three times it stays open until a newer desired state")
    report = session.supply(power_limit_w=LIMIT_W)
    if report.relay != Relay.CLOSED:
        raise CheckFailedError("a newer desired state closes it again", replace(report, relay=Relay.CLOSED))


def lets_motors_start(session: Session) -> None:
    """Require that a peak of one second above the power limit, as when a motor starts, opens nothing."""
    session.supply(power_limit_w=LIMIT_W, may_decline="power limit")
    exchange = Exchange(())
    for _ in range(4):
        exchange += session.run(20 * LIMIT_W, 1)
        exchange += session.run(LIMIT_W // 2, MEAN_S - 1)
    _expect_closed(session, exchange, "a peak below two seconds is no overload")


def ends_the_energy_of_a_day(session: Session) -> None:
    """Require that the energy of a day ends alone and begins again at the local midnight."""
    daily_wh = 30
    session.supply(on=False)
    now_s = _now(session).time_s
    midnight_s = now_s + 900
    session.supply(daily_wh=daily_wh, day_start_s=midnight_s % DAY_S, may_decline="energy of a day")
    first = session.run(1800, 880)
    _expect_open(session, first, "the energy of this day has ended")
    exchange = session.run(1800, 400)
    closing = next((report for report in exchange.reports if report.relay == Relay.CLOSED), None)
    if closing is None or not midnight_s <= closing.time_s <= midnight_s + WITHIN_S:
        last = closing or session.state
        raise CheckFailedError("a new day begins at midnight", replace(last, relay=Relay.CLOSED, time_s=midnight_s))
    later = [report for report in exchange.reports if report.time_s > closing.time_s]
    report = opened(Exchange(tuple(each for each in exchange.said if each.message in later)), "30 Wh were used")
    used_wh = report.register_wh - closing.register_wh
    if not daily_wh <= used_wh <= daily_wh + WITHIN_WH:
        wanted = replace(report, register_wh=closing.register_wh + daily_wh)
        raise CheckFailedError(f"{daily_wh} Wh a day, and it let {used_wh} Wh through", wanted)


def goes_on_in_quiet_hours(session: Session) -> None:
    """Require that in quiet hours supply goes on after a limit, up to an allowance, and ends with them."""
    session.supply(on=False)
    now = _now(session)
    ends_s = now.time_s + 1800
    quiet = FailTerms(quiet_from_s=(now.time_s - 60) % DAY_S, quiet_to_s=ends_s % DAY_S, quiet_max_wh=20)
    session.supply(cutoff_wh=now.register_wh, fail=quiet, may_decline="quiet hours")
    report = opened(session.run(600, 600), "the allowance of the quiet hours is used")
    used_wh = report.register_wh - now.register_wh
    if not 20 <= used_wh <= 20 + WITHIN_WH:
        wanted = replace(report, register_wh=now.register_wh + 20)
        raise CheckFailedError(f"20 Wh in quiet hours, and it let {used_wh} Wh through", wanted)
    session.supply()  # a limit that is lifted lets the allowance begin anew
    session.supply(cutoff_wh=_now(session).register_wh, fail=replace(quiet, quiet_max_wh=100))
    report = opened(session.run(12, 1800), "the quiet hours have ended")
    if not ends_s <= report.time_s <= ends_s + WITHIN_S:
        raise CheckFailedError(
            f"quiet hours end at {ends_s}, and it opened at {report.time_s}", replace(report, time_s=ends_s)
        )


def gives_grace_and_a_lifeline(session: Session) -> None:
    """Require that after a limit come grace, then the lifeline for its time, then nothing, and not again."""
    terms = FailTerms(grace_s=120, lifeline_w=50, lifeline_s=240)
    session.supply(on=False)
    began = session.supply(cutoff_wh=_now(session).register_wh, fail=terms, may_decline="grace and a lifeline")
    _expect_closed(session, session.run(TOO_MUCH_W, 100), "in its grace it gives full power")
    _expect_closed(session, session.run(40, 200), "in its lifeline it gives a little power")
    report = opened(session.run(40, 200), "grace and lifeline have ended")
    ends_s = began.time_s + 360
    if not ends_s <= report.time_s <= ends_s + WITHIN_S:
        wanted = replace(report, time_s=ends_s)
        raise CheckFailedError(f"grace and lifeline end at {ends_s}, and it opened at {report.time_s}", wanted)
    report = session.supply(cutoff_wh=report.register_wh, fail=terms)
    if report.relay != Relay.OPEN:
        why = "grace begins anew when a limit was lifted, and not with every revision"
        raise CheckFailedError(why, replace(report, relay=Relay.OPEN))


def limits_the_lifeline(session: Session) -> None:
    """Require that more than the lifeline's power opens the relay, and a critical connection closes again."""
    terms = FailTerms(lifeline_w=60, critical=True)
    session.supply(on=False)
    session.supply(cutoff_wh=_now(session).register_wh, fail=terms, may_decline="critical connection")
    _expect_closed(session, session.run(40, 3600), "a critical connection is never off")
    exchange = session.run(TOO_MUCH_W, 2 * MEAN_S + WITHIN_S)
    told(exchange, EventKind.OVERLOAD, replace_in=opened(exchange, "more than the lifeline's power flows"))
    _expect_closed(session, session.run(40, 120), "it closes again after a minute")


def _turns(exchange: Exchange) -> list[Reported]:
    """Return the reports in which the relay is another one than in the report before, from the first opening on."""
    found: list[Reported] = []
    for report in exchange.reports:
        if report.relay == Relay.OPEN if not found else report.relay != found[-1].relay:
            found.append(report)
    return found


def _is_near(seconds: int, wanted_s: int) -> bool:
    return abs(seconds - wanted_s) <= WITHIN_S


def _now(session: Session) -> Reported:
    session.ask(RequestKind.REPORT)
    return session.state


def _expect_open(session: Session, exchange: Exchange, why: str) -> None:
    session.expect_relay(exchange, "open", why)
    session.expect(session.ask(RequestKind.REPORT), why, relay=Relay.OPEN)


def _expect_closed(session: Session, exchange: Exchange, why: str) -> None:
    if any(report.relay == Relay.OPEN for report in exchange.reports):
        raise CheckFailedError(f"{why}, and it opened", replace(exchange.reports[-1], relay=Relay.CLOSED))
    session.expect_relay(exchange, "closed", why)
    session.expect(session.ask(RequestKind.REPORT), why, relay=Relay.CLOSED)
