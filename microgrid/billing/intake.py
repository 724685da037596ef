"""What a payment is used for: fees first, then instalments up to the plan's share, and the rest is credit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

DueKind = Literal["fee", "instalment"]
PortionKind = Literal["fee", "instalment", "credit"]


@dataclass(frozen=True, slots=True)
class Due:
    """Something the customer owes today: a fee or an instalment, or what is left of it."""

    due_id: str
    kind: DueKind
    due_on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of a payment and what it pays; `credit` buys energy or time and names no due."""

    kind: PortionKind
    due_id: str
    amount_minor: int


def split(amount_minor: int, dues: Sequence[Due], share: Fraction) -> tuple[Portion, ...]:
    """Return what a payment pays, oldest dues first; the portions always add up to the payment.

    `share` is the part of the money left after fees that instalments may take, rounded down to a whole minor unit
    (the odd unit buys energy or time); a share of 1 serves all instalments before any energy or time.
    Raises ValueError for a payment or a due below zero, or a share that is not between 0 and 1.
    """
    if amount_minor < 0 or any(due.amount_minor < 0 for due in dues) or not 0 <= share <= 1:
        raise ValueError(f"cannot split {amount_minor} with a share of {share} over {dues}")
    fees = _serve(amount_minor, (due for due in dues if due.kind == "fee"))
    left_minor = amount_minor - _total(fees)
    instalments = _serve(int(left_minor * share), (due for due in dues if due.kind == "instalment"))
    left_minor -= _total(instalments)
    return (*fees, *instalments, *([Portion("credit", "", left_minor)] if left_minor else []))


def _serve(budget_minor: int, dues: Iterable[Due]) -> list[Portion]:
    """Return the portions that a sum pays of some dues, oldest first, nothing twice."""
    portions = []
    for due in sorted(dues, key=lambda one: (one.due_on, one.due_id)):
        paid_minor = min(budget_minor, due.amount_minor)
        if paid_minor:
            portions.append(Portion(due.kind, due.due_id, paid_minor))
        budget_minor -= paid_minor
    return portions


def _total(portions: Iterable[Portion]) -> int:
    return sum(portion.amount_minor for portion in portions)
