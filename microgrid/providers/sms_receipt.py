"""The message a wallet sends to the business's own phone when it is paid: the way in where there is no interface.

Two wallets are known: M-Pesa in Kenya and MTN MoMo in Rwanda. A sender's name can be forged, so such a receipt is to be
confirmed by the statement where it matters.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from microgrid.providers.payment_facts import PaymentAccount, Provider, RawRequest, Sighting, Unreadable
from microgrid.providers.phones import read_phone
from microgrid.providers.wire_text import NAIROBI, clean, grouped_minor_units, local_time

KIGALI = timezone(timedelta(hours=2))  # Rwanda has no summer time
LONGEST_SMS = 1000
SENDERS: dict[str, Provider] = {"mpesa": "mpesa", "m-pesa": "mpesa", "m-money": "momo", "mobilemoney": "momo"}

_DAY = r"(?P<day>[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}) at (?P<clock>[0-9]{1,2}:[0-9]{2} ?[AP]M)"
_KSH = r"Ksh ?(?P<amount>[0-9,]{1,20}(?:\.[0-9]{1,2})?)"
_PHONE = r"(?P<phone>\+?[0-9*xX]{9,13})"
# One word at a time, each ending in a space: linear for any text.
_NAME = r"(?P<name>(?:[^0-9\s][^\s]* ){1,6})"
_RECEIPT = r"(?P<receipt>[A-Z0-9]{8,12}) Confirmed\. ?"
MPESA_PATTERNS = (
    # To a paybill or till: `R Confirmed. on 25/11/26 at 6:56 PM Ksh5.00 received from A 2547... Account Number X New`
    re.compile(
        rf"{_RECEIPT}on {_DAY} {_KSH} received from {_NAME}{_PHONE}\."
        r"(?: ?Account Number (?P<reference>.{1,40}?) New | ?New )",
        re.IGNORECASE,
    ),
    # To a person: `R Confirmed.You have received Ksh50.00 from NAME 0712... on 15/10/26 at 12:16 PM New`
    re.compile(rf"{_RECEIPT}You have received {_KSH} from {_NAME}{_PHONE} on {_DAY}\.? New ", re.IGNORECASE),
)
MOMO_PATTERN = re.compile(
    r"You have received (?P<amount>[0-9,]{1,20}) (?P<currency>[A-Z]{3}) from "
    r"(?P<name>(?:[^\s(]+ ){1,6})\((?P<phone>[0-9*]{9,13})\) on your mobile money account at "
    r"(?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})\. "
    r"Message from sender: ?(?P<reference>.{0,80}?) ?\. ?Your new balance:.{1,30}?"
    r"Financial Transaction Id: (?P<receipt>[0-9]{8,14})\.",
)


def read_sms_receipt(raw: RawRequest, sender: str, account: PaymentAccount) -> Sighting | Unreadable:
    """Return the payment a wallet's message to us tells of; the body is the text, `sender` who it says it is from."""
    if SENDERS.get(sender.strip().lower()) != account.provider:
        return Unreadable(f"the sender {clean(sender)[:20]!r} is not the wallet {account.provider}")
    text = " ".join(raw.body[:LONGEST_SMS].decode("utf-8", "replace").split())
    if account.provider == "mpesa":
        return _mpesa(text, account)
    return _momo(text, account)


def _mpesa(text: str, account: PaymentAccount) -> Sighting | Unreadable:
    found = next((match for pattern in MPESA_PATTERNS if (match := pattern.match(text))), None)
    if found is None:
        return Unreadable("the message is no receipt of money in, in any form that is known")
    at = local_time(f"{found['day']} {found['clock'].replace(' ', '').upper()}", "%d/%m/%y %I:%M%p", NAIROBI)
    return _sighting(found, at, account)


def _momo(text: str, account: PaymentAccount) -> Sighting | Unreadable:
    found = MOMO_PATTERN.match(text)
    if found is None:
        return Unreadable("the message is no receipt of money in, in any form that is known")
    if found["currency"] != account.currency:
        return Unreadable(f"the currency is {found['currency']}; the account has {account.currency}")
    return _sighting(found, local_time(found["at"], "%Y-%m-%d %H:%M:%S", KIGALI), account)


def _sighting(found: re.Match[str], at: datetime | None, account: PaymentAccount) -> Sighting | Unreadable:
    parts = found.groupdict(default="")
    amount_minor = grouped_minor_units(parts["amount"], account.exponent)
    if not amount_minor or at is None:
        return Unreadable("the amount or the time of the message cannot be read")
    return Sighting(
        account.provider,
        account.shortcode,
        "paid",
        "sms",
        account.currency,
        receipt=parts["receipt"].upper(),
        amount_minor=amount_minor,
        paid_at=at,
        payer=read_phone(parts["phone"], account.region),
        reference=clean(parts.get("reference", "")),
        channel="sms",
        names=(clean(parts["name"]),),
    )
