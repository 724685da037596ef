"""How the calls of each provider are read and answered: providers and API joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from microgrid.api.hooks import Hook
from microgrid.billing.sightings import Heard
from microgrid.flows import Verdict
from microgrid.organisation import PaymentAccountSettings
from microgrid.ports import RawEvent
from microgrid.providers import mpesa
from microgrid.providers.hearing import heard
from microgrid.providers.origin import MPESA_ADDRESSES, comes_from
from microgrid.providers.payment_facts import PaymentAccount, RawRequest, Sighting, Unreadable

Reader = Callable[[RawRequest, PaymentAccount], Sighting | Unreadable]


def mpesa_hooks(settings: PaymentAccountSettings) -> tuple[Hook, ...]:
    """Return the three addresses that M-Pesa calls for one shortcode."""
    account = PaymentAccount(
        settings.provider, settings.shortcode, settings.currency, settings.exponent, settings.region
    )
    allowed = MPESA_ADDRESSES if settings.allowed_addresses is None else settings.allowed_addresses

    def hook(call: str, read: Reader, answer: Callable[[Verdict], bytes]) -> Hook:
        def hear(raw: RawEvent, headers: Mapping[str, str]) -> Heard:
            request = RawRequest(raw.body, raw.received_at, headers, raw.address)
            return heard(read(request, account), request, account)

        source = f"{account.provider}:{account.shortcode}"
        return Hook(settings.secret_path, call, source, lambda address: comes_from(address, allowed), hear, answer)

    return (
        hook("confirmation", mpesa.read_confirmation, lambda _: mpesa.confirmation_answer()),
        hook("validation", mpesa.read_validation, _may_pay),
        hook("stk", mpesa.read_stk_callback, lambda _: mpesa.confirmation_answer()),
    )


def _may_pay(verdict: Verdict) -> bytes:
    return mpesa.accept_validation() if verdict.may_pay else mpesa.refuse_validation("account")
