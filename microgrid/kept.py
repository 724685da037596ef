"""What the store keeps for the control plane itself: credit, charges, evidence, what goes out, and who did what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from microgrid.billing.register import Use


@dataclass(frozen=True, slots=True)
class Credit:
    """The hot row of an account, locked by whoever changes it.

    Available credit is `balance_minor` - (`accrued_micro` // 1,000,000 - `charged_minor`): what was posted, less what
    was used and not yet posted, rounded down in the customer's favour. A micro is a millionth of a minor unit.
    """

    account_id: str
    balance_minor: int = 0  # credit positive: minus the sum of the entries of `customer:<account>`
    accrued_micro: int = 0  # of all energy and time ever used
    charged_minor: int = 0  # of it, already posted to the ledger
    paid_until: datetime | None = None  # prepaid time
    low_warned: bool = False  # hysteresis of the low-credit message
    cut_since: datetime | None = None
    warned_at: datetime | None = None  # of the last low-credit message
    instalments_due_minor: int = 0  # of all its contracts, fallen due and not paid
    takes_tokens: bool = False  # a meter of the account takes keypad tokens
    line_micro: int | None = None  # when what is left falls to this, supply is decided again; None: at each reading
    line_at: datetime | None = None  # at the latest then

    @property
    def available_minor(self) -> int:
        """Return what is left to use; negative is debt."""
        return self.balance_minor - (self.accrued_micro // 1_000_000 - self.charged_minor)

    @property
    def left_micro(self) -> int:
        """Return what is left to use, exactly."""
        return (self.balance_minor + self.charged_minor) * 1_000_000 - self.accrued_micro


@dataclass(frozen=True, slots=True)
class ChargeDay:
    """What one account used on one local day: a pure function of readings, fits and plans, and of the time it bought.

    `uses` keeps the energy whose price depends on its month (blocks, allowances), so that a late reading of one day
    moves the price of the later ones.
    """

    account_id: str
    day: date
    used_wh: int = 0
    free_wh: int = 0
    estimated_wh: int = 0
    accrued_micro: int = 0  # energy, and time bought on the day
    bought_minor: int = 0  # of it, time bought
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class RawEvent:
    """A request exactly as it came in, kept before anything is made of it."""

    id: str
    source: str
    received_at: datetime
    address: str
    headers: str
    body: bytes
    outcome: str  # what became of it: posted payment id, or the reason why nothing was
    repeats: int = 0  # how often the same came again


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """Something to be sent after the commit that decided it: an SMS, a webhook, a provider enquiry."""

    id: str
    kind: str
    to: str
    body: str
    created_at: datetime
    due_at: datetime
    attempts: int = 0
    done_at: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did what to which thing, when; sealed into a hash chain by `on_tick`.

    `number` is its place in the chain and `seal` the hash of all rows up to it; both stay empty until then.
    """

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
    number: int | None = None
    seal: str = ""


@dataclass(frozen=True, slots=True)
class KeptBalance:
    """The sum of all that was posted to an account before a moment."""

    account: str
    until: datetime
    currency: str
    balance_minor: int


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Where a chain of sealed rows ends: the number and the seal of its last row."""

    id: str
    number: int
    seal: str


@dataclass(frozen=True, slots=True)
class Approval:
    """Something one person asked for and another has to agree to; `request` is all that is needed to do it, in JSON.

    `granted` stays empty until somebody decides.
    """

    id: str
    action: str
    subject: str
    request: str
    note: str
    asked_by: str
    asked_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    granted: bool | None = None
