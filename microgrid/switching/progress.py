"""How far a meter is with what was asked of it: asked, sent, confirmed, and what it is when none of that is true.

`sent` means that the broker has it and nothing more; `confirmed` comes from the meter's own word alone, with its relay
as it was read back. Of a meter that takes keypad tokens only, nobody sees anything, and that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from microgrid.switching.device_records import DeviceModel, Profile
from microgrid.switching.meter_records import Contact, Sending
from microgrid.switching.supply import Decision, Desired, Reported, Twin

State = Literal["nothing asked", "asked", "sent", "not answered", "disagrees", "confirmed", "unseen"]
ANSWERS_WITHIN = timedelta(minutes=1)  # then somebody who waits is told that there is no answer
SILENT_BEYOND = timedelta(hours=24)  # past the time in which a meter is expected to be heard
USUAL_CONTACT = {"T": None, "S": timedelta(days=1), "M": timedelta(minutes=15)}


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an order to a meter is, with the moment of each step that was reached."""

    state: State
    revision: int = 0
    asked_at: datetime | None = None
    sent_at: datetime | None = None
    times_sent: int = 0
    confirmed_at: datetime | None = None
    heard_at: datetime | None = None  # by bytes from the meter, never by what we sent
    is_on: bool | None = None  # as its relay was read back
    register_wh: int | None = None
    said: str = ""  # what is worth saying beside the state


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one meter, of which its progress is told."""

    twin: Twin
    decision: Decision | None = None
    sending: Sending | None = None
    contact: Contact | None = None


def progress(known: Known, now: datetime) -> Progress:
    """Return how far a meter is with its newest order."""
    twin, desired, reported = known.twin, known.twin.desired, known.twin.reported
    if twin.token_only:
        return Progress("unseen", said="takes keypad tokens only: we cannot see whether one was typed")
    heard_at = heard(known)
    is_on, register_wh = (None, None) if reported is None else (reported.relay_on, reported.register_wh)
    if desired is None:
        return Progress("nothing asked", heard_at=heard_at, is_on=is_on, register_wh=register_wh)
    asked_at = None if known.decision is None else known.decision.decided_at
    sending = known.sending
    sent_at, times = (None, 0) if sending is None or sending.revision != desired.revision else _told(sending)
    confirmed_at = reported.received_at if reported is not None and twin.in_sync else None
    state, said = _state(known, asked_at, sent_at, now)
    steps = (desired.revision, asked_at, sent_at, times, confirmed_at, heard_at)
    return Progress(state, *steps, is_on, register_wh, said)


def heard(known: Known) -> datetime | None:
    """Return when anything was heard of a meter last."""
    reported, contact = known.twin.reported, known.contact
    moments = [each.received_at for each in (reported,) if each is not None]
    moments += [each.heard_at for each in (contact,) if each is not None]
    return max(moments, default=None)


def expected_contact(profile: Profile, model: DeviceModel | None) -> timedelta | None:
    """Return how often a meter is heard when all is well, or nothing when it never is."""
    if model is None:
        return USUAL_CONTACT[profile]
    return None if model.expected_contact_s is None else timedelta(seconds=model.expected_contact_s)


def is_silent(heard_at: datetime | None, expected: timedelta | None, now: datetime) -> bool:
    """Return whether a meter that was heard once has been silent for longer than its model allows."""
    return expected is not None and heard_at is not None and now - heard_at > expected + SILENT_BEYOND


def _told(sending: Sending) -> tuple[datetime, int]:
    return sending.sent_at, sending.times


def _state(known: Known, asked_at: datetime | None, sent_at: datetime | None, now: datetime) -> tuple[State, str]:
    twin, desired, reported = known.twin, known.twin.desired, known.twin.reported
    assert desired is not None
    if reported is not None and twin.in_sync:
        wrong = _disagreement(desired, reported)
        return ("disagrees", wrong) if wrong else ("confirmed", _own_limit(desired, reported))
    refused = "" if reported is None else _REFUSED.get(reported.result, "")
    since = asked_at or sent_at
    if since is not None and now - since > ANSWERS_WITHIN and sent_at is not None:
        return "not answered", refused
    return ("asked" if sent_at is None else "sent"), refused


def _disagreement(desired: Desired, reported: Reported) -> str:
    """Return what was measured against what the meter should do, or nothing."""
    flows = f" and {reported.power_w} W flow" if reported.power_w else ""
    if not desired.supply.on and reported.relay_on:
        return f"should be OFF, but its relay is closed{flows}"
    if reported.result == "relay_disagrees":
        return f"its relay does not do what it is told{flows}"
    if desired.supply.on and reported.relay_on is False and not _own_limit(desired, reported):
        return "should be ON, but its relay is open"
    return ""


def _own_limit(desired: Desired, reported: Reported) -> str:
    """Return by which of its limits a meter that may supply has opened its relay itself, or nothing."""
    supply = desired.supply
    if not supply.on or reported.relay_on is not False:
        return ""
    if supply.cutoff_wh is not None and reported.epoch != desired.epoch:
        return "its register has begun anew"
    if supply.cutoff_wh is not None and reported.register_wh >= supply.cutoff_wh:
        return "the energy paid for is used up"
    if supply.until is not None and reported.received_at >= supply.until:
        return "the time paid for has ended"
    limited = supply.daily_wh is not None or supply.power_limit_w is not None
    return "a limit of power or of energy in a day acts" if limited else ""


_REFUSED = {
    "bad_mac": "refused what was sent: it holds another key",
    "expired": "refused what was sent as too old: its clock is ahead",
    "clock_unknown": "waits for the time before it takes an order",
    "not_capable": "cannot do what was asked",
}
