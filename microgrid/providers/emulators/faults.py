"""What can go wrong between a customer's payment and us, as chances; and what an emulated provider sends when."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from microgrid.providers.payment_facts import PaymentAccount, Phone, RawRequest
from microgrid.providers.phones import hashed

DELAYS_S = (1, 3600, 259_200)  # a moment, an hour, three days
SWAP_WITHIN_S = 120
OUTSIDE = "203.0.113.9"  # an address of documentation, in nobody's allowlist
What = Literal[
    "push_answer",
    "stk_callback",
    "c2b_validation",
    "c2b_confirmation",
    "status_result",
    "reversal_result",
    "callback",
    "webhook",
    "sms",
]


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The chance of each fault, 0 to 1, drawn for every payment."""

    fails: float = 0.0  # the customer cancels, has no money, or does not answer
    drop_callback: float = 0.0
    repeat: float = 0.0  # two to five times
    before_answer: float = 0.0  # the callback overtakes the answer to our request
    late: float = 0.0
    swap: float = 0.0  # with the delivery that follows
    number_as_text: float = 0.0
    mask_phone: float = 0.0
    hash_phone: float = 0.0
    omit_names: float = 0.0
    wrong_reference: float = 0.0
    lost_answer: float = 0.0  # 409 or 5xx although the payment goes on
    token_expiry: float = 0.0
    statement_missing: float = 0.0
    statement_extra: float = 0.0
    customer_reversal: float = 0.0
    outside_address: float = 0.0
    forged: float = 0.0  # besides the payment, a made-up one that looks real
    clock_off: float = 0.0  # the provider's time is three hours ahead

    def __post_init__(self) -> None:
        for name, chance in dataclasses.asdict(self).items():
            if not 0.0 <= chance <= 1.0:
                raise ValueError(f"the chance of {name} is {chance}; it lies between 0 and 1")


def all_faults(chance: float) -> FaultPlan:
    """Return the plan in which every fault has the same chance."""
    return FaultPlan(**dict.fromkeys((entry.name for entry in dataclasses.fields(FaultPlan)), chance))


@dataclass(frozen=True, slots=True)
class Intended:
    """A payment as the customer means it: what should arrive, whatever goes wrong."""

    at_s: int  # since the epoch of the wallet
    phone: str  # E.164
    amount_minor: int
    reference: str
    names: tuple[str, ...] = ()
    asked: bool = False  # we asked for it on the customer's phone


@dataclass(frozen=True, slots=True)
class Wallet:
    """The emulated provider's side of our account."""

    account: PaymentAccount
    epoch: datetime  # when second 0 was, UTC
    address: str = "196.201.214.200"
    secret: bytes = field(default=b"", repr=False)  # of the signed webhook
    other_references: tuple[str, ...] = ()  # of other customers, for those who type a wrong one


@dataclass(frozen=True, slots=True)
class Happened:
    """What truly became of a payment in the provider's books."""

    intended: Intended
    receipt: str
    request_id: str
    code: str  # the provider's result
    paid_at_s: int
    typed_reference: str
    struck: frozenset[str] = frozenset()
    reversed_at_s: int | None = None
    reversal_receipt: str = ""

    @property
    def paid(self) -> bool:
        """Tell whether the customer's money moved."""
        return self.code == "0"

    @property
    def said_at_s(self) -> int:
        """Return the time of payment by the provider's clock."""
        return self.paid_at_s + (3 * 3600 if "clock_off" in self.struck else 0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that reaches us: when, at which of our doors, and its bytes."""

    at_s: int
    what: What
    body: bytes
    source_address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    http_status: int = 0  # of answers to our own requests
    request_id: str = ""  # the reference in the address called, where there is one

    def received(self, wallet: Wallet) -> RawRequest:
        """Return the message as our door keeps it."""
        return RawRequest(self.body, moment(wallet, self.at_s), self.headers, self.source_address)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A run: what happened in the provider's books, and everything we get to see of it, in order."""

    happened: tuple[Happened, ...]
    deliveries: tuple[Delivery, ...]

    @property
    def paid_minor(self) -> dict[str, int]:
        """Return the money that truly moved, by receipt: what our books must say in the end."""
        return {one.receipt: one.intended.amount_minor for one in self.happened if one.paid}


def struck(chance: np.random.Generator, plan: FaultPlan) -> frozenset[str]:
    """Return which faults strike one payment; always takes the same number of draws."""
    chances = dataclasses.asdict(plan)
    draws = chance.random(len(chances))
    return frozenset(name for name, draw in zip(chances, draws, strict=True) if draw < chances[name])


def arrivals_s(chance: np.random.Generator, faults: frozenset[str], first_s: int) -> tuple[int, ...]:
    """Return when the copies of one message arrive: none, one, or up to five; always takes the same draws."""
    delay_s, copies = DELAYS_S[chance.integers(len(DELAYS_S))], int(chance.integers(2, 6))
    gaps_s = chance.integers(0, 900, size=5)
    if "drop_callback" in faults:
        return ()
    delay_s, copies = delay_s if "late" in faults else 0, copies if "repeat" in faults else 1
    return tuple(first_s + delay_s + (int(gaps_s[copy]) if copy else 0) for copy in range(copies))


def typed(chance: np.random.Generator, faults: frozenset[str], intended: Intended, wallet: Wallet) -> str:
    """Return the reference as the customer types it: O for 0, lower case, spaces, or somebody else's."""
    way = int(chance.integers(4))
    right = intended.reference
    if "wrong_reference" not in faults:
        return right
    if way == 3 and wallet.other_references:
        return wallet.other_references[int(chance.integers(len(wallet.other_references)))]
    return (right.replace("0", "O"), right.lower(), f" {right[:3]} {right[3:]}", right.swapcase())[way]


def said_phone(faults: frozenset[str], phone: str) -> str:
    """Return the payer as a message shows it: digits, masked in the middle, or hashed."""
    digits = phone.lstrip("+")
    if "hash_phone" in faults:
        return hashed(Phone("e164", phone)).text
    return f"{digits[:5]}****{digits[-3:]}" if "mask_phone" in faults else digits


def source(faults: frozenset[str], wallet: Wallet) -> str:
    """Return the address a message comes from."""
    return OUTSIDE if "outside_address" in faults else wallet.address


def in_order(chance: np.random.Generator, plan: FaultPlan, deliveries: Sequence[Delivery]) -> tuple[Delivery, ...]:
    """Return deliveries by time, some having changed places with the next, if that follows within two minutes."""
    ordered = sorted(deliveries, key=lambda delivery: delivery.at_s)
    changes = chance.random(len(ordered)) < plan.swap
    index = 0
    while index < len(ordered) - 1:
        first, second = ordered[index], ordered[index + 1]
        swapped = bool(changes[index]) and second.at_s - first.at_s <= SWAP_WITHIN_S
        if swapped:
            ordered[index], ordered[index + 1] = replace(second, at_s=first.at_s), replace(first, at_s=second.at_s)
        index += 2 if swapped else 1  # nothing changes places twice, or it could be late by hours
    return tuple(ordered)


def moment(wallet: Wallet, at_s: int) -> datetime:
    """Return the UTC moment of a second of the run."""
    return wallet.epoch + timedelta(seconds=at_s)


def receipt_of(chance: np.random.Generator, number: int) -> str:
    """Return a receipt that looks random and differs for every number below 36 to the power of 5."""
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    counted = "".join(letters[number // 36**place % 36] for place in range(5))
    drawn = "".join(letters[digit] for digit in chance.integers(0, 36, size=4))
    return f"R{counted}{drawn}"


def forged_receipt(chance: np.random.Generator) -> str:
    """Return a receipt that looks like the others and is in nobody's books."""
    return "Q" + receipt_of(chance, int(chance.integers(36**5)))[1:]


def compact(body: Mapping[str, object]) -> bytes:
    """Return an object as JSON without spaces."""
    return json.dumps(body, separators=(",", ":")).encode()
