"""Numbered checks of a meter against the device protocol: whether it does what the page says, byte for byte.

Each check stands for one sentence, which the certificate repeats. A meter conforms when no check has failed; what was
not tried, and what the meter says it cannot do, stand on the certificate too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from device.conformance_bench import BenchError
from device.conformance_coming import (
    answers_questions,
    comes_again,
    continues_its_time,
    ignores_the_time_of_another_coming,
    is_not_timed_by_a_desired_state,
    is_retained,
    keeps_its_time,
    leaves_a_will,
    says_who_it_is,
    takes_the_time,
    waits_for_the_time,
)
from device.conformance_limits import (
    closes_for_more,
    counts_energy,
    ends_paid_energy,
    ends_paid_time,
    keeps_limits_through_a_power_cut,
    opens_for_another_epoch,
    reports_a_relay_that_disagrees,
    stays_open_through_a_power_cut,
)
from device.conformance_messages import (
    ignores_forged_questions,
    opens_when_told,
    passes_over_unknown_keys,
    refuses_an_older_state,
    refuses_another_key,
    refuses_another_topic,
    refuses_broken_envelopes,
    refuses_broken_payloads,
    refuses_what_has_expired,
    reports_the_same_again,
    takes_512_bytes,
    takes_a_newer_state,
    takes_both_key_slots,
)
from device.conformance_rows import (
    counts_only_upwards,
    keeps_rows_through_a_power_cut,
    says_only_what_is_right,
    sends_rows,
    sends_rows_again,
)
from device.conformance_session import CheckFailedError, DeclinedError, Entry, NotTriedError, Session, SilentError
from device.conformance_terms import (
    ends_the_energy_of_a_day,
    gives_grace_and_a_lifeline,
    goes_on_in_quiet_hours,
    lets_motors_start,
    limits_the_lifeline,
    opens_for_too_much_power,
)
from device.conformance_tokens import (
    ends_what_a_token_gave,
    keeps_tokens_through_a_power_cut,
    keeps_what_a_token_gave,
    knows_tokens_that_were_credited,
    refuses_wrong_digits,
    takes_a_token,
    takes_an_older_token,
    takes_no_token_twice,
)
from device.messages import Message

CONNECTED = "SMG"
WITH_ROWS = "MG"
ALL = "TSMG"


class Verdict(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    CANNOT = "cannot"  # the meter says so, and its profile allows it
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Check:
    """One numbered check; with `settles` the meter is told the time and asked where it stands before."""

    number: str
    run: Callable[[Session], None]
    profiles: str = CONNECTED
    settles: bool = True

    @property
    def requires(self) -> str:
        """Return what is required, as a sentence about the meter."""
        sentence = (self.run.__doc__ or "").strip().removeprefix("Require that ")
        return sentence[:1].upper() + sentence[1:]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one check, with every message of it when it failed."""

    check: Check
    verdict: Verdict
    why: str = ""
    expected: tuple[Message, ...] = ()
    trail: tuple[Entry, ...] = ()


CHECKS = (
    Check("C01", says_who_it_is, settles=False),
    Check("C02", is_retained, settles=False),
    Check("C03", answers_questions, settles=False),
    Check("C04", waits_for_the_time, settles=False),
    Check("C05", ignores_the_time_of_another_coming, settles=False),
    Check("C06", takes_the_time, settles=False),
    Check("C07", keeps_its_time),
    Check("C08", is_not_timed_by_a_desired_state),
    Check("C10", takes_a_newer_state),
    Check("C11", reports_the_same_again),
    Check("C12", refuses_an_older_state),
    Check("C13", opens_when_told),
    Check("C14", refuses_what_has_expired),
    Check("C15", refuses_another_key),
    Check("C16", refuses_another_topic),
    Check("C17", refuses_broken_envelopes),
    Check("C18", refuses_broken_payloads),
    Check("C19", passes_over_unknown_keys),
    Check("C20", takes_512_bytes),
    Check("C21", ignores_forged_questions),
    Check("C22", takes_both_key_slots),
    Check("C30", counts_energy),
    Check("C31", ends_paid_energy),
    Check("C32", closes_for_more),
    Check("C33", opens_for_another_epoch),
    Check("C34", ends_paid_time),
    Check("C35", leaves_a_will),
    Check("C36", comes_again),
    Check("C37", continues_its_time),
    Check("C38", keeps_limits_through_a_power_cut),
    Check("C39", stays_open_through_a_power_cut),
    Check("C40", reports_a_relay_that_disagrees),
    Check("C41", opens_for_too_much_power),
    Check("C42", lets_motors_start),
    Check("C43", ends_the_energy_of_a_day),
    Check("C44", goes_on_in_quiet_hours),
    Check("C45", gives_grace_and_a_lifeline),
    Check("C46", limits_the_lifeline),
    Check("C50", sends_rows, WITH_ROWS),
    Check("C51", sends_rows_again, WITH_ROWS),
    Check("C52", keeps_rows_through_a_power_cut, WITH_ROWS),
    Check("C60", takes_a_token, ALL),
    Check("C61", ends_what_a_token_gave, ALL),
    Check("C62", takes_no_token_twice, ALL),
    Check("C63", refuses_wrong_digits, ALL),
    Check("C64", takes_an_older_token, ALL),
    Check("C65", keeps_tokens_through_a_power_cut, ALL),
    Check("C66", knows_tokens_that_were_credited),
    Check("C67", keeps_what_a_token_gave),
    Check("C90", says_only_what_is_right, settles=False),
    Check("C91", counts_only_upwards, settles=False),
)


def checks_for(profile: str, only: Sequence[str] = ()) -> tuple[Check, ...]:
    """Return the checks of a profile, or some of them by number; ValueError names a number there is no check for."""
    known = {check.number for check in CHECKS}
    wrong = [number for number in only if number not in known]
    if wrong:
        raise ValueError(f"there is no check {', '.join(wrong)}; there are {', '.join(sorted(known))}")
    return tuple(check for check in CHECKS if profile in check.profiles and (not only or check.number in only))


def certify(session: Session, checks: Sequence[Check], tell: Callable[[Outcome], None]) -> tuple[Outcome, ...]:
    """Put a meter through checks in order, tell each outcome as it comes, and return them all.

    When nothing more is heard of the meter, or its bench has ended, the checks that are left are not tried.
    """
    found: list[Outcome] = []
    ended = "" if session.profile == "T" else _begun(session)
    for check in checks:
        if ended and found:
            outcome = Outcome(check, Verdict.NOT_TRIED, ended)
        elif ended:
            outcome = Outcome(check, Verdict.FAILED, ended, trail=tuple(session.trail))
        else:
            outcome, ended = _outcome(session, check)
        found.append(outcome)
        tell(outcome)
    return tuple(found)


def conforms(outcomes: Sequence[Outcome]) -> bool:
    """Return whether no check has failed, and at least one has passed."""
    verdicts = {outcome.verdict for outcome in outcomes}
    return Verdict.PASSED in verdicts and Verdict.FAILED not in verdicts


def _begun(session: Session) -> str:
    """Begin, and return why that was not possible, or nothing."""
    plate = session.identity.plate
    if session.begin():
        return ""
    return f"nobody answered as {plate.meter} of {plate.site} within {session.wait_s:.0f} s, proven with the key given"


def _outcome(session: Session, check: Check) -> tuple[Outcome, str]:
    """Return what became of a check, and why no other one can be tried after it, or nothing."""
    session.trail.clear()
    try:
        if check.settles and session.profile != "T":
            session.settle()
            session.trail.clear()
        check.run(session)
    except CheckFailedError as failed:
        trail = tuple(session.trail)
        session.drain()  # an answer that comes too late is none to the next question
        return Outcome(check, Verdict.FAILED, str(failed), failed.expected, trail), ""
    except (BenchError, SilentError) as ended:
        return Outcome(check, Verdict.FAILED, str(ended), trail=tuple(session.trail)), str(ended)
    except NotTriedError as untried:
        return Outcome(check, Verdict.NOT_TRIED, str(untried)), ""
    except DeclinedError as declined:
        return Outcome(check, Verdict.CANNOT, str(declined)), ""
    return Outcome(check, Verdict.PASSED), ""
