"""Checks of how a meter comes, says who it is, and learns what time it is."""

from __future__ import annotations

from dataclasses import replace

from device.conformance_session import CheckFailedError, NotTriedError, Session
from device.messages import Capability, ClockQuality, Link, Relay, RequestKind, Result

DAY_S, INTERVAL_S = 86_400, 900
RUNS_ON_WITHIN_S = 60
NEEDED = {
    "S": Capability.SWITCH,
    "M": Capability.SWITCH | Capability.RING,
    "G": Capability.SWITCH,
}


def says_who_it_is(session: Session) -> None:
    """Require that its birth is proven, says "here", and names what its profile needs."""
    link, needed = session.coming, NEEDED[session.profile]
    if link.capabilities & needed != needed:
        wanted = replace(link, capabilities=link.capabilities | needed)
        raise CheckFailedError(
            f"a meter of profile {session.profile} has to say that it can do what that needs", wanted
        )


def is_retained(session: Session) -> None:
    """Require that the broker keeps the birth, so that who comes later knows of it."""
    _needs_a_connection_of_its_own(session)
    link = session.coming
    session.line.look_again()
    kept = [each for each in session.hear().said if each.is_retained]
    if not kept or kept[-1].message is None:
        raise CheckFailedError("the broker retains no birth of this meter", link)
    if not isinstance(kept[-1].message, Link) or kept[-1].message.birth != link.birth:
        raise CheckFailedError("the broker retains another message than the last birth", link)


def answers_questions(session: Session) -> None:
    """Require that it reports its state when asked."""
    exchange = session.ask(RequestKind.REPORT)
    session.expect(exchange, "a question for a report has to be answered", result=Result.OK, boot=session.coming.boot)


def waits_for_the_time(session: Session) -> None:
    """Require that with nothing held and no clock it takes no desired state, which may be an old copy."""
    if session.state.revision or session.coming.clock != ClockQuality.UNKNOWN:
        before = session.state.epoch
        session.cut("forget")
        session.ask(RequestKind.REPORT)
        if session.state.epoch == before:
            wanted = replace(session.state, epoch=before ^ 1)
            raise CheckFailedError("a meter that lost its memory draws a new random register epoch", wanted)
    exchange = session.tell(session.desired())
    why = "without a clock, and with nothing held, a desired state may be an old copy"
    session.expect(exchange, why, result=Result.CLOCK_UNKNOWN, revision=0, relay=Relay.OPEN)


def ignores_the_time_of_another_coming(session: Session) -> None:
    """Require that a time that repeats another boot count or random number sets nothing."""
    link, was_s = session.coming, session.state.time_s
    other = [{"boot": link.boot + 1}, {"birth": link.birth ^ 1}, {"boot": 0, "birth": 0}]
    for fields in other:
        session.tell_time(session.now_s + 365 * DAY_S, **fields)
        _expect_unmoved(session, was_s, "a time told to another coming sets no clock")


def takes_the_time(session: Session) -> None:
    """Require that the time told to its last coming is taken, and it says so."""
    told_s = session.now_s
    exchange = session.tell_time(told_s)
    report = exchange.reports[-1] if exchange.reports else session.state
    if not exchange.reports or not told_s <= report.time_s <= told_s + 60:
        raise CheckFailedError("the time told has to be taken and reported", replace(report, time_s=told_s))
    if session.coming.clock != ClockQuality.SET:
        raise CheckFailedError(
            "its clock is set now, and it has to say so", replace(session.coming, clock=ClockQuality.SET)
        )


def keeps_its_time(session: Session) -> None:
    """Require that a time told again, or an older one, does not put the clock back."""
    session.settle()
    was_s = session.state.time_s
    session.tell_time(was_s - 3600)
    _expect_unmoved(session, was_s, "a time that is not ahead is an old message of this coming, and puts no clock back")


def is_not_timed_by_a_desired_state(session: Session) -> None:
    """Require that the service time of a desired state moves no clock that is set."""
    was_s = session.state.time_s
    session.supply(service_time_s=was_s + DAY_S)
    _expect_unmoved(session, was_s, "a clock that is set is not moved by a desired state")
    session.supply(service_time_s=max(0, was_s - DAY_S))
    _expect_unmoved(session, was_s, "a clock is never moved back by a desired state")


def leaves_a_will(session: Session) -> None:
    """Require that when its power goes, the broker publishes its will, with the random number of its birth."""
    _needs_a_connection_of_its_own(session)
    link = session.coming
    said = session.cut()
    wanted = replace(link, here=False)
    gone = [each for each in said.links if not each.here]
    if not gone:
        raise CheckFailedError("the broker published no will when the power went", wanted)
    if (gone[-1].boot, gone[-1].birth) != (link.boot, link.birth):
        raise CheckFailedError("the will carries the boot count and random number of its birth", wanted)


def comes_again(session: Session) -> None:
    """Require that after a power cut it comes with a higher boot count and another random number."""
    before = session.coming
    session.cut()
    after = session.coming
    if after.boot <= before.boot:
        raise CheckFailedError("the boot count rises with every power cut", replace(after, boot=before.boot + 1))
    if after.birth == before.birth:
        raise CheckFailedError("each coming has a random number of its own", replace(after, birth=before.birth ^ 1))


def continues_its_time(session: Session) -> None:
    """Require that after a power cut its clock is not set and goes on from what was saved, or it ran on alone."""
    was_s = session.state.time_s
    session.cut()
    session.ask(RequestKind.REPORT)
    if session.coming.clock == ClockQuality.SET:
        if abs(session.state.time_s - session.now_s) > RUNS_ON_WITHIN_S:
            unset = replace(session.coming, clock=ClockQuality.UNKNOWN)
            raise CheckFailedError("nobody has told it the time since it lost its power, and its time is wrong", unset)
        return
    if not was_s - INTERVAL_S <= session.state.time_s <= session.now_s + RUNS_ON_WITHIN_S:
        wanted = replace(session.state, time_s=was_s)
        raise CheckFailedError("the time goes on from what was saved, at most 15 minutes before", wanted)
    ahead_s = session.state.time_s + 3600
    session.supply(service_time_s=ahead_s)
    if session.state.time_s < ahead_s:
        wanted = replace(session.state, time_s=ahead_s)
        raise CheckFailedError(
            "the service time of a desired state is a lower bound for a clock that is not set", wanted
        )


def _needs_a_connection_of_its_own(session: Session) -> None:
    if not session.line.is_direct:
        raise NotTriedError("a carried meter has no connection of its own, and so no will and nothing retained")


def _expect_unmoved(session: Session, was_s: int, why: str) -> None:
    session.ask(RequestKind.REPORT)
    if not was_s <= session.state.time_s < was_s + DAY_S // 2:
        raise CheckFailedError(why, replace(session.state, time_s=was_s))
