"""Keypad tokens: which token a meter is given next, and which it must not be given.

The caller locks the device's row, calls one function here, stores the device and the token it returns, commits,
and only then shows the digits. A token once shown counts as spent, typed or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from device.openpaygo import (
    BACKWARD_COUNTS,
    FORWARD_COUNTS,
    KEY_BYTES,
    LARGEST_CODE,
    LARGEST_EXTENDED_VALUE,
    LARGEST_VALUE,
    SYNC_FORWARD_COUNTS,
    SYNC_VALUE,
    UNLOCK_VALUE,
    Kind,
    Secret,
    codes,
    is_amount,
    next_count,
    text_of,
)
from microgrid.errors import Contradiction, InvalidInput, Problem

MOST_OUTSTANDING = 16
LARGEST_JUMP = 60  # leaves room for the next token within the 64 counts that a meter looks ahead
WH_PER_UNIT = 100
_DAY_S = 86_400
_LARGEST_DIVIDER = 255


@dataclass(frozen=True, slots=True)
class TokenDevice:
    """A meter that takes tokens, as the service knows it.

    `divider` is the number of units in a day. `count` is that of the newest token given out, `typed_count` of the
    newest known to be typed, and `outstanding` are the tokens that add, were given out and may still be typed.
    """

    serial: str
    secret: Secret
    divider: int = 1
    count: int = 1
    typed_count: int = 1
    outstanding: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HandOver:
    """What a maker says of one meter: a row of the list that comes with a delivery."""

    serial: str
    starting_code: int = field(repr=False)
    key_hex: str = field(repr=False)
    divider: int = 1
    count: int = 1
    restricted: bool = False
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """One token given out; its digits are worth money and print only where they are asked for."""

    serial: str
    count: int
    kind: Kind
    value: int
    digits: str = field(repr=False)

    @property
    def spaced(self) -> str:
        """Return the digits in groups of three, as they are read out."""
        return " ".join(self.digits[start : start + 3] for start in range(0, len(self.digits), 3))


@dataclass(frozen=True, slots=True)
class Release:
    """Who wants a meter unlocked for ever, who agrees, and what its contract still owes."""

    serial: str
    contract: str
    asked_by: str
    agreed_by: str
    owed_minor: int


@dataclass(frozen=True, slots=True)
class Grant:
    """The tokens that one payment gave; asked for again, they are shown again."""

    payment_id: str
    serial: str
    units: int
    tokens: tuple[Token, ...]


def encode(
    device: TokenDevice, kind: Kind, value: int = 0, release: Release | None = None
) -> tuple[Token, TokenDevice]:
    """Return the next token of a device and the device after it was given out.

    `value` is in units, and 0 for the kinds that carry none; DISABLE needs a release. Raises InvalidInput with
    everything that speaks against it; the device is then as it was.
    """
    count, digits = _next_digits(device, kind, value)
    problems = (
        *_value_problems(device, kind, value),
        *(_outstanding_problems(device) if kind is Kind.ADD else ()),
        *_distance_problems(device, kind, count),
        *(release_problems(device.serial, release) if kind is Kind.DISABLE else ()),
    )
    if problems:
        raise InvalidInput(*problems)
    outstanding = (*device.outstanding, count) if kind is Kind.ADD else device.outstanding
    return Token(device.serial, count, kind, value, digits), replace(device, count=count, outstanding=outstanding)


def grant(device: TokenDevice, payment_id: str, units: int, earlier: Grant | None = None) -> tuple[Grant, TokenDevice]:
    """Return the tokens of a payment: those stored for it, or new ones that add these units.

    `earlier` is what the store has under this payment. Raises Contradiction when it is of other content, and
    InvalidInput when no token can be given.
    """
    if earlier is not None:
        _check_same(earlier, device.serial, payment_id, units)
        return earlier, device
    if units < 1:
        raise InvalidInput(_nothing_to_give(device, units))
    values = list(islice(split(device, units), MOST_OUTSTANDING + 1))  # a slip of the pen could ask for millions
    if problems := _outstanding_problems(device, len(values)):
        raise InvalidInput(*problems)
    tokens = []
    for value in values:
        token, device = encode(device, Kind.ADD, value)
        tokens.append(token)
    return Grant(payment_id, device.serial, units, tuple(tokens)), device


def split(device: TokenDevice, units: int) -> Iterator[int]:
    """Give the values of the tokens that together carry these units, largest first.

    >>> list(split(TokenDevice("SN1", Secret(0, bytes(16))), 2000))
    [995, 995, 10]
    """
    largest = LARGEST_EXTENDED_VALUE if device.secret.extended else LARGEST_VALUE
    while units > largest:
        yield largest
        units -= largest
    if not is_amount(device.secret, units):  # 996 to 999 are no amounts
        yield LARGEST_VALUE
        units -= LARGEST_VALUE
    if units:
        yield units


def typed(device: TokenDevice, count: int) -> TokenDevice:
    """Return the device after a token was typed: it said so, or the customer did, or lives on what it gave.

    A device without network never says so. Take its tokens as typed once their time must have begun, for
    otherwise it soon has too many outstanding to be given another.
    """
    gone = {count, *voided_by(device, count)}
    outstanding = tuple(older for older in device.outstanding if older not in gone)
    newest = max(device.typed_count, count)
    return replace(device, typed_count=newest, count=max(device.count, newest), outstanding=outstanding)


def voided_by(device: TokenDevice, count: int) -> tuple[int, ...]:
    """Return the outstanding tokens that the device no longer takes once this one is typed."""
    adds = count % 2 == 0
    lowest = count - BACKWARD_COUNTS if adds else count
    return tuple(older for older in device.outstanding if older <= lowest and older != count)


def jump_after_restore(device: TokenDevice, counts: int) -> TokenDevice:
    """Return a device of a restored database, its count ahead of every token that was given out since the copy."""
    if not 1 <= counts <= LARGEST_JUMP:
        raise InvalidInput(
            Problem(
                "MG-K007",
                f"the counts of '{device.serial}' cannot jump ahead by {counts}, only by 1 to {LARGEST_JUMP}",
                "A meter looks 64 counts ahead; further on, it would take no token at all.",
                f"Jump by {LARGEST_JUMP}; if more tokens were given out since the copy, give a SYNC token as well.",
            )
        )
    return replace(device, count=device.count + counts)


def release_problems(serial: str, release: Release | None) -> tuple[Problem, ...]:
    """Return what speaks against unlocking a meter for ever: it takes two people and a contract paid off."""
    if release is None or release.serial != serial:
        other = f", the one given is for '{release.serial}'" if release else ""
        what = f"'{serial}' was not unlocked: there is no release for it{other}"
        return (Problem("MG-K005", what, fix="Ask for the release of this meter and let a second person agree."),)
    return (*_people_problems(release), *_contract_problems(release))


def new_device(given: HandOver) -> TokenDevice:
    """Return a device from what its maker hands over; raises InvalidInput with all that cannot be used."""
    key = _key_bytes(given.key_hex)
    wrong = [] if key else [f"the key is not {2 * KEY_BYTES} hexadecimal digits ({len(given.key_hex)} characters)"]
    wrong += [] if given.serial.strip() else ["the serial number is empty"]
    wrong += [] if 0 <= given.starting_code <= LARGEST_CODE else ["the starting code has not 1 to 9 digits"]
    wrong += [] if 1 <= given.divider <= _LARGEST_DIVIDER else [f"the divider {given.divider} is not from 1 to 255"]
    wrong += [] if given.count >= 1 else [f"the count {given.count} is below 1; a token of count 0 needs no key"]
    if wrong or key is None:
        fix = "Correct the row of this meter in the maker's list."
        whats = [f"meter '{given.serial}' was not added: {what}" for what in wrong]
        raise InvalidInput(*(Problem("MG-K002", what, fix=fix) for what in whats))
    secret = Secret(given.starting_code, key, given.restricted, given.extended)
    return TokenDevice(given.serial.strip(), secret, given.divider, given.count, typed_count=given.count)


def units_of_time(device: TokenDevice, paid_s: int) -> tuple[int, int]:
    """Return the whole units in paid seconds, and the seconds that stay on the account, both rounded down."""
    units, rest = divmod(paid_s * device.divider, _DAY_S)
    return units, rest // device.divider


def units_of_energy(paid_wh: int) -> tuple[int, int]:
    """Return the whole units of 100 Wh in paid energy, and the Wh that stay on the account."""
    return divmod(paid_wh, WH_PER_UNIT)


def _next_digits(device: TokenDevice, kind: Kind, value: int) -> tuple[int, str]:
    """Return the next count whose digits were never those of an earlier one, and these digits.

    Two counts of one value share their digits once in a million; a meter would answer "already used".
    """
    wanted = next_count(device.count, kind)
    carried = {Kind.DISABLE: UNLOCK_VALUE, Kind.SYNC: SYNC_VALUE}.get(kind, value)
    earlier: set[int] = set()
    for count, code in codes(device.secret, carried):
        if count == wanted and code not in earlier:
            return count, text_of(device.secret, code)
        wanted += 2 if count == wanted else 0
        earlier.add(code)
    raise AssertionError("codes have no end")


def _value_problems(device: TokenDevice, kind: Kind, value: int) -> tuple[Problem, ...]:
    if kind in {Kind.DISABLE, Kind.SYNC}:
        allowed, fits = "carries no value, so it must be 0", value == 0
    else:
        largest = f" or 1000 to {LARGEST_EXTENDED_VALUE}" if device.secret.extended else ""
        allowed, fits = f"carries 0 to {LARGEST_VALUE}{largest} units", is_amount(device.secret, value)
    what = f"no {kind.upper()} token of value {value} was made for '{device.serial}': it {allowed}"
    why = "Other values mean unlock for ever, or nothing at all."
    return () if fits else (Problem("MG-K001", what, why, "Split larger amounts into several ADD tokens."),)


def _outstanding_problems(device: TokenDevice, wanted: int = 1) -> tuple[Problem, ...]:
    number = len(device.outstanding)
    if number + wanted <= MOST_OUTSTANDING:
        return ()
    more = f"{wanted} more" if wanted <= MOST_OUTSTANDING else f"more than {MOST_OUTSTANDING} others"
    what = f"'{device.serial}' has {number} tokens that were not typed yet and {more} were asked for; none was made"
    why = f"Of more than {MOST_OUTSTANDING} tokens, typed out of order, the oldest would be lost."
    fix = "Let the customer type them, oldest first, and record it; or give one SET token for the sum."
    return (Problem("MG-K003", what, why, fix),)


def _distance_problems(device: TokenDevice, kind: Kind, count: int) -> tuple[Problem, ...]:
    reach = SYNC_FORWARD_COUNTS if kind is Kind.SYNC else FORWARD_COUNTS
    ahead = count - device.typed_count
    if ahead <= reach:
        return ()
    what = f"'{device.serial}' was given no token: it would be {ahead} counts after the last one typed"
    why = f"The meter looks {reach} counts ahead and would refuse it."
    return (Problem("MG-K004", what, why, "Let the customer type an earlier token or a SYNC token, and record it."),)


def _people_problems(release: Release) -> tuple[Problem, ...]:
    people = {name.strip().casefold() for name in (release.asked_by, release.agreed_by)} - {""}
    what = f"'{release.serial}' was not unlocked: '{release.asked_by}' asked and '{release.agreed_by}' agreed"
    why = "An unlocked meter never asks for payment again, so two different people must stand for it."
    return () if len(people) == 2 else (Problem("MG-K005", what, why, "Let another person agree."),)


def _contract_problems(release: Release) -> tuple[Problem, ...]:
    if not release.contract.strip():
        owes = "no contract is named"
    elif release.owed_minor > 0:
        owes = f"contract '{release.contract}' still owes {release.owed_minor} in minor units"
    else:
        return ()
    what = f"'{release.serial}' was not unlocked: {owes}"
    return (Problem("MG-K006", what, fix="Record what is still to be paid, or settle the contract first."),)


def _check_same(earlier: Grant, serial: str, payment_id: str, units: int) -> None:
    if (earlier.payment_id, earlier.serial, earlier.units) == (payment_id, serial, units):
        return
    before = f"{earlier.units} units for '{earlier.serial}' under payment '{earlier.payment_id}'"
    now = f"{units} units for '{serial}' under payment '{payment_id}'"
    what = f"tokens are stored as {before}, but {now} were asked for; no other token was made"
    raise Contradiction(Problem("MG-K008", what, fix="Show the stored tokens, or record another payment."))


def _nothing_to_give(device: TokenDevice, units: int) -> Problem:
    what = f"the payment buys {units} whole units for '{device.serial}'; no token was made"
    return Problem("MG-K009", what, fix="It stays on the account; give a token when it adds up to a unit.")


def _key_bytes(key_hex: str) -> bytes | None:
    digits = key_hex.strip()
    hexadecimal = len(digits) == 2 * KEY_BYTES and set(digits) <= set("0123456789abcdefABCDEF")
    return bytes.fromhex(digits) if hexadecimal else None
