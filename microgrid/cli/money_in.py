"""How the calls of each provider are read, believed and answered: settings, providers and API joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from microgrid.api.hooks import Hook
from microgrid.billing.sightings import Heard, Told, Unclear
from microgrid.cli.money_keys import Secrets, account_of, daraja_of
from microgrid.flows import Verdict
from microgrid.kept import RawEvent
from microgrid.payment_settings import PaymentAccountSettings
from microgrid.providers import airtel, momo, mpesa, mpesa_results, webhook
from microgrid.providers.hearing import PROVEN, Belief, heard
from microgrid.providers.mpesa_account import answers_us
from microgrid.providers.mpesa_requests import Daraja
from microgrid.providers.origin import MPESA_ADDRESSES, comes_from
from microgrid.providers.payment_facts import PaymentAccount, RawRequest, Sighting, Unreadable

Reader = Callable[[RawRequest, PaymentAccount], Sighting | Unreadable]
NAMING = ("stk", "callback", "status", "reversal", "timeout")  # calls about a request of ours
Listen = Callable[[RawRequest, str], Heard]  # the message, and the last part of the address
NO_SECRETS: Secrets = {}


def belief_of(settings: PaymentAccountSettings) -> Belief:
    """Return how far unsigned messages about an account are believed: callbacks, and receipts by SMS."""
    return Belief(confirm_above_minor=settings.limit_minor)


def hooks(settings: PaymentAccountSettings, secrets: Secrets = NO_SECRETS, public_url: str = "") -> tuple[Hook, ...]:
    """Return the addresses that a provider calls for one account."""
    if settings.provider == "momo":
        return momo_hooks(settings)
    if settings.provider == "airtel":
        return airtel_hooks(settings, secrets)
    if settings.provider == "webhook":
        return webhook_hooks(settings, secrets)
    return mpesa_hooks(settings, secrets, public_url)


def mpesa_hooks(
    settings: PaymentAccountSettings, secrets: Secrets = NO_SECRETS, public_url: str = ""
) -> tuple[Hook, ...]:
    """Return the addresses that M-Pesa calls for one shortcode: payments, ends of pushes, and answers to questions."""
    account, belief = account_of(settings), belief_of(settings)
    hook = partial(_hook, settings)

    def confirmed(raw: RawRequest, _: str) -> Heard:
        return heard(mpesa.read_confirmation(raw, account), raw, account, belief)

    def asked(raw: RawRequest, _: str) -> Heard:
        return heard(mpesa.read_validation(raw, account), raw, account)

    def pushed(raw: RawRequest, push_id: str) -> Heard:
        return heard(mpesa.read_stk_callback(raw, account), raw, account, belief, push_id)

    payments = (
        hook("confirmation", confirmed, _thanks),
        hook("validation", asked, _may_pay),
        hook("stk", pushed, _thanks),
    )
    if not secrets:
        return payments
    daraja = daraja_of(settings, secrets, public_url)
    return (
        *payments,
        hook("status", partial(_answer, daraja, mpesa_results.read_transaction_status), _thanks),
        hook("reversal", partial(_answer, daraja, mpesa_results.read_reversal), _thanks),
        hook("timeout", _timed_out, _thanks),
    )


def momo_hooks(settings: PaymentAccountSettings) -> tuple[Hook, ...]:
    """Return the address that MTN MoMo calls, by POST or PUT, each with the reference of our request in its end."""
    account = account_of(settings)
    belief = Belief(confirm_above_minor=settings.limit_minor, by_request=True)

    def called_back(raw: RawRequest, push_id: str) -> Heard:
        return heard(momo.read_payment(raw, account, push_id), raw, account, belief, push_id)

    return (_hook(settings, "callback", called_back, _nothing),)


def airtel_hooks(settings: PaymentAccountSettings, secrets: Secrets = NO_SECRETS) -> tuple[Hook, ...]:
    """Return the address that Airtel Money calls; what it says is only a reason to ask."""
    account, key = account_of(settings), secrets.get("hash_key", "").encode()

    def called_back(raw: RawRequest, _: str) -> Heard:
        told = heard(airtel.read_callback(raw, account), raw, account)
        if key and isinstance(told, Told) and not airtel.hash_matches(raw, key):
            return Told(told.state, f"its hash is wrong; {told.reason}", request_id=told.request_id)
        return told

    return (_hook(settings, "callback", called_back, _nothing),)


def webhook_hooks(settings: PaymentAccountSettings, secrets: Secrets) -> tuple[Hook, ...]:
    """Return the address of a sender who signs; two secrets hold while one is being replaced."""
    account = account_of(settings)
    keys = tuple(secrets[name].encode() for name in ("signing_secret", "old_signing_secret") if name in secrets)

    def signed(raw: RawRequest, _: str) -> Heard:
        return heard(webhook.read_webhook(raw, account, keys), raw, account, PROVEN)

    return (_hook(settings, "signed", signed, _nothing),)


def _hook(settings: PaymentAccountSettings, call: str, listen: Listen, answer: Callable[[Verdict], bytes]) -> Hook:
    known = MPESA_ADDRESSES if settings.provider == "mpesa" else None
    allowed = known if settings.allowed_addresses is None else settings.allowed_addresses

    def hear(raw: RawEvent, headers: Mapping[str, str], rest: str) -> Heard:
        return listen(RawRequest(raw.body, raw.received_at, headers, raw.address), rest)

    def from_provider(address: str) -> bool:
        return allowed is None or comes_from(address, allowed)

    return Hook(settings.secret_path, call, settings.line, from_provider, hear, answer, call in NAMING)


def _answer(daraja: Daraja, read: Reader, raw: RawRequest, token: str) -> Heard:
    """Return an answer to a question of ours; one that did not come to that question's own address is none."""
    found = read(raw, daraja.account)
    if isinstance(found, Sighting) and not answers_us(daraja, found.linked_receipt or found.receipt, token):
        return Unclear("it answers no question of ours")
    return heard(found, raw, daraja.account, PROVEN)


def _timed_out(_: RawRequest, __: str) -> Heard:
    return Unclear("a question of ours waited too long at the provider; it is asked again")


def _thanks(_: Verdict) -> bytes:
    return mpesa.confirmation_answer()


def _nothing(_: Verdict) -> bytes:
    return b"{}"


def _may_pay(verdict: Verdict) -> bytes:
    return mpesa.accept_validation() if verdict.may_pay else mpesa.refuse_validation("account")
