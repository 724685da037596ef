"""The keypad of a meter: what it does with the digits a customer presses. It needs no network and no clock of day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import takewhile

from device.openpaygo import (
    BACKWARD_COUNTS,
    FORWARD_COUNTS,
    SYNC_FORWARD_COUNTS,
    SYNC_VALUE,
    Kind,
    Secret,
    code_of,
    codes,
    kind_of,
    value_of,
)

FIRST_WAIT_S = 60
DOUBLINGS = 9  # 512 minutes


class Answer(StrEnum):
    """What the meter shows after a token."""

    ACCEPTED = "accepted"
    ALREADY_USED = "already used"
    WRONG = "wrong"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Keypad:
    """What a meter remembers of its tokens; it outlives a power cut.

    `count` is the newest token it holds. `unused` are older counts that may still be typed: the tokens that add
    and were jumped over. Every other count up to the newest is used, so a meter that remembers nothing else
    takes nothing twice.
    """

    secret: Secret
    count: int = 1
    unused: frozenset[int] = frozenset()
    wrong_in_a_row: int = 0
    closed_until_s: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a token that was typed; kind, value and count are those of an accepted one."""

    answer: Answer
    kind: Kind | None = None
    value: int = 0
    count: int = 0


def entered(keypad: Keypad, typed: str, now_s: int) -> tuple[Keypad, Entry]:
    """Return the keypad after a token was typed, and what the meter answers.

    `now_s` counts the seconds in which the meter had power, and never steps back. After a wrong token the keypad
    stays closed for a minute, after the next for two, up to 512; an accepted token starts this afresh, and one
    that was used before changes nothing.
    """
    if now_s < keypad.closed_until_s:
        return keypad, Entry(Answer.WAIT)
    entry = _recognised(keypad, typed)
    if entry.answer is Answer.WRONG:
        return _after_wrong(keypad, now_s), entry
    if entry.answer is Answer.ACCEPTED:
        return _after_accepted(keypad, entry), entry
    return keypad, entry


def credited_elsewhere(keypad: Keypad, count: int) -> Keypad:
    """Return the keypad after the service said that tokens up to a count are in the limits it sent."""
    unused = frozenset(older for older in keypad.unused if older > count)
    return replace(keypad, count=max(keypad.count, count), unused=unused)


def units_after(units: int | None, entry: Entry) -> int | None:
    """Return the units left after a token was typed, nothing meaning for ever: only setting locks again."""
    if entry.kind is Kind.SET:
        return entry.value
    if entry.kind is Kind.DISABLE:
        return None
    return units + entry.value if units is not None and entry.kind is Kind.ADD else units


def _recognised(keypad: Keypad, typed: str) -> Entry:
    """Say what the digits are.

    Digits of a used token are refused even when, by chance, a later count has the same: nothing is taken twice.
    """
    code = code_of(keypad.secret, typed)
    if code is None:
        return Entry(Answer.WRONG)
    value = value_of(keypad.secret, code)
    counts = [count for count in _counts_of(keypad, value, code) if kind_of(keypad.secret, value, count)]
    if not counts:
        return Entry(Answer.WRONG)
    if any(count <= keypad.count and count not in keypad.unused for count in counts):
        return Entry(Answer.ALREADY_USED)
    return Entry(Answer.ACCEPTED, kind_of(keypad.secret, value, counts[0]), value, counts[0])


def _counts_of(keypad: Keypad, value: int, code: int) -> list[int]:
    furthest = keypad.count + (SYNC_FORWARD_COUNTS if value == SYNC_VALUE else FORWARD_COUNTS)
    near = takewhile(lambda pair: pair[0] <= furthest, codes(keypad.secret, value))
    return [count for count, each in near if each == code]


def _after_wrong(keypad: Keypad, now_s: int) -> Keypad:
    wait_s = FIRST_WAIT_S * 2 ** min(keypad.wrong_in_a_row, DOUBLINGS)
    return replace(keypad, wrong_in_a_row=keypad.wrong_in_a_row + 1, closed_until_s=now_s + wait_s)


def _after_accepted(keypad: Keypad, entry: Entry) -> Keypad:
    newest = max(keypad.count, entry.count)
    unused: frozenset[int] = frozenset()  # all but adding closes what came before
    if entry.kind is Kind.ADD:
        jumped_over = {count for count in range(keypad.count + 1, entry.count) if count % 2 == 0}
        older = (keypad.unused | jumped_over) - {entry.count}
        unused = frozenset(count for count in older if count > newest - BACKWARD_COUNTS)
    return replace(keypad, count=newest, unused=unused, wrong_in_a_row=0, closed_until_s=0)
