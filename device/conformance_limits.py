"""Checks of the limits a meter keeps alone: what was paid for, and what a power cut leaves of it."""

from __future__ import annotations

from dataclasses import replace

from device.conformance_session import CheckFailedError, Exchange, Session
from device.messages import Event, EventKind, Relay, Reported, RequestKind, Result

LOAD_W = 600
WITHIN_WH = 2  # what flows between a limit and the opening of a relay
WITHIN_S = 2
LOST_WH = 10  # at most, in a power cut


def counts_energy(session: Session) -> None:
    """Require that the register rises by what flows through the relay, and not when nothing does."""
    session.supply()
    before = _state(session)
    session.run(LOAD_W, 60)
    after = _state(session)
    used_wh = after.register_wh - before.register_wh
    if not 8 <= used_wh <= 12:
        wanted = replace(after, register_wh=before.register_wh + 10)
        raise CheckFailedError(f"{LOAD_W} W for a minute are 10 Wh, and it counted {used_wh} Wh", wanted)
    if after.power_w == 0:
        raise CheckFailedError("it reports the power it measures", replace(after, power_w=LOAD_W))
    session.supply(on=False)
    opened = _state(session)
    session.run(LOAD_W, 60)
    still = _state(session)
    if still.register_wh != opened.register_wh:
        raise CheckFailedError("behind an open relay nothing flows, and nothing is counted", opened)


def ends_paid_energy(session: Session) -> None:
    """Require that it opens alone when its register reaches the cutoff, and tells that at once."""
    session.supply(on=False)
    cutoff_wh = _state(session).register_wh + 20
    session.supply(cutoff_wh=cutoff_wh)
    exchange = session.run(LOAD_W, 240)
    report = opened(exchange, "paid energy has ended")
    session.expect_relay(exchange, "open", "paid energy has ended")
    if not cutoff_wh <= report.register_wh <= cutoff_wh + WITHIN_WH:
        why = f"paid for {cutoff_wh} Wh, it opened at {report.register_wh} Wh"
        raise CheckFailedError(why, replace(report, register_wh=cutoff_wh))
    event = told(exchange, EventKind.LIMIT_REACHED, replace_in=report)
    if not cutoff_wh <= event.value <= cutoff_wh + WITHIN_WH:
        raise CheckFailedError("the event tells the register at the limit", replace(event, value=report.register_wh))
    session.run(LOAD_W, 60)
    if _state(session).register_wh > report.register_wh:
        raise CheckFailedError("after the limit nothing flows", report)


def closes_for_more(session: Session) -> None:
    """Require that a newer state with a higher cutoff closes the relay again."""
    register_wh = _state(session).register_wh
    report = session.supply(cutoff_wh=register_wh)
    if report.relay != Relay.OPEN:
        raise CheckFailedError("what was paid for is used up already", replace(report, relay=Relay.OPEN))
    report = session.supply(cutoff_wh=register_wh + 50)
    if report.relay != Relay.CLOSED:
        raise CheckFailedError("more was paid for", replace(report, relay=Relay.CLOSED))


def opens_for_another_epoch(session: Session) -> None:
    """Require that a cutoff of another register epoch counts as reached, and its own epoch is reported."""
    session.supply()
    epoch = session.state.epoch
    report = session.supply(cutoff_wh=2**40, epoch=epoch ^ 1)
    wanted = replace(report, relay=Relay.OPEN, epoch=epoch)
    if report != wanted:
        raise CheckFailedError("a cutoff meant for another register says nothing about this one", wanted)


def ends_paid_time(session: Session) -> None:
    """Require that it opens alone when paid time ends, and counts the seconds left."""
    session.supply(on=False)
    until_s = _state(session).time_s + 120
    report = session.supply(until_s=until_s)
    left_s = until_s - report.time_s
    if report.seconds_left != left_s:
        raise CheckFailedError("it reports the seconds of paid time left", replace(report, seconds_left=left_s))
    exchange = session.run(LOAD_W, 240)
    report = opened(exchange, "paid time has ended")
    session.expect_relay(exchange, "open", "paid time has ended")
    if not until_s <= report.time_s <= until_s + WITHIN_S:
        why = f"paid until {until_s}, it opened at {report.time_s}"
        raise CheckFailedError(why, replace(report, time_s=until_s))
    if report.seconds_left != 0:
        raise CheckFailedError("no paid time is left", replace(report, seconds_left=0))
    told(exchange, EventKind.LIMIT_REACHED, replace_in=report)


def keeps_limits_through_a_power_cut(session: Session) -> None:
    """Require that state, register and limits outlive a power cut, and at most 10 Wh are lost, none that was told."""
    session.supply(on=False)
    cutoff_wh = _state(session).register_wh + 60
    session.supply(cutoff_wh=cutoff_wh)
    session.run(LOAD_W, 120)
    before = _state(session)
    session.run(LOAD_W, 120)
    came_back = session.cut()
    session.expect_relay(came_back, "closed", "after a power cut it goes on as before")
    exchange = session.ask(RequestKind.REPORT)
    why = "after a power cut it holds what it held"
    kept = {"revision": before.revision, "relay": Relay.CLOSED, "epoch": before.epoch, "boot": session.coming.boot}
    after = session.expect(exchange, why, result=Result.OK, **kept)
    if not before.register_wh + 20 - LOST_WH - WITHIN_WH <= after.register_wh:
        wanted = replace(after, register_wh=before.register_wh + 20)
        raise CheckFailedError("a power cut loses at most 10 Wh", wanted)
    if after.register_wh < before.register_wh:
        raise CheckFailedError(
            "a register that was told never steps back", replace(after, register_wh=before.register_wh)
        )
    report = opened(session.run(LOAD_W, 600), "paid energy has ended, also after a power cut")
    if not cutoff_wh <= report.register_wh <= cutoff_wh + WITHIN_WH:
        why = f"paid for {cutoff_wh} Wh, it opened at {report.register_wh} Wh"
        raise CheckFailedError(why, replace(report, register_wh=cutoff_wh))


def stays_open_through_a_power_cut(session: Session) -> None:
    """Require that a meter that was off, or whose limit was reached, is open after a power cut too."""
    for fields in ({"on": False}, {"cutoff_wh": _state(session).register_wh}):
        session.supply(**fields)
        came_back = session.cut()
        session.expect_relay(came_back, "open", "it was open before the power cut")
        exchange = session.ask(RequestKind.REPORT)
        session.expect(exchange, "it was open before the power cut", relay=Relay.OPEN, revision=session.revision)


def reports_a_relay_that_disagrees(session: Session) -> None:
    """Require that a relay read back as something else than told is reported as such, and tried again when asked."""
    session.supply()
    session.do("weld")
    try:
        told_off = session.desired(on=False)
        exchange = session.tell(told_off)
        session.revision = told_off.revision
        why = "its relay is stuck closed"
        session.expect(exchange, why, revision=told_off.revision, result=Result.RELAY_DISAGREES, relay=Relay.CLOSED)
        told(exchange, EventKind.RELAY_DISAGREES, replace_in=exchange.reports[-1])
    finally:
        session.do("free")
    exchange = session.tell(told_off)
    session.expect(exchange, "its relay moves again", result=Result.OK, relay=Relay.OPEN)


def opened(exchange: Exchange, why: str) -> Reported:
    """Return the report in which a meter says that it has opened."""
    found = next((report for report in exchange.reports if report.relay == Relay.OPEN), None)
    if found is None:
        last = exchange.reports[-1:]
        raise CheckFailedError(
            f"{why}: it has to open alone and to report it", *(replace(r, relay=Relay.OPEN) for r in last)
        )
    return found


def told(exchange: Exchange, kind: EventKind, *, replace_in: Reported) -> Event:
    """Return the event of a kind that a meter told."""
    found = exchange.events(kind)
    if not found:
        wanted = Event(replace_in.epoch, 0, kind, replace_in.register_wh, replace_in.time_s)
        raise CheckFailedError(f"the event {kind.name.lower().replace('_', ' ')} has to be told at once", wanted)
    return found[-1]


def _state(session: Session) -> Reported:
    """Return what the meter reports now."""
    session.ask(RequestKind.REPORT)
    return session.state
