"""The secrets of payment accounts, from variables and files, and the ways to providers made with them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from microgrid.clock import Clock
from microgrid.errors import Environment, Problem
from microgrid.money_ports import MoneyProvider
from microgrid.organisation import Organisation
from microgrid.payment_settings import PaymentAccountSettings
from microgrid.providers import airtel, momo, mpesa_requests
from microgrid.providers.mpesa_requests import Daraja, DarajaKeys
from microgrid.providers.origin import WALLET_HOSTS
from microgrid.providers.payment_facts import PaymentAccount

Secrets = Mapping[str, str]


def secrets_of(accounts: Iterable[PaymentAccountSettings], folder: Path) -> dict[str, Secrets]:
    """Return the secrets of each payment account by its name; Environment with every one that is not there."""
    found = {account.line: _read(account, folder) for account in accounts}
    problems = [problem for each in found.values() for problem in each.values() if isinstance(problem, Problem)]
    if problems:
        raise Environment(*problems)
    return {line: {name: str(secret) for name, secret in each.items()} for line, each in found.items()}


def providers(organisation: Organisation, secrets: Mapping[str, Secrets], clock: Clock) -> dict[str, MoneyProvider]:
    """Return the ways to all providers that can be asked."""
    made = (
        (account.line, provider_of(account, secrets[account.line], organisation.public_url, clock))
        for account in organisation.payments
        if secrets.get(account.line) and account.provider != "webhook"
    )
    return dict(made)


def provider_of(settings: PaymentAccountSettings, secrets: Secrets, public_url: str, clock: Clock) -> MoneyProvider:
    """Return the way to one provider."""
    from microgrid.providers.airtel_account import AirtelAccount
    from microgrid.providers.momo_account import MomoAccount
    from microgrid.providers.mpesa_account import MpesaAccount
    from microgrid.providers.sending import Line

    if settings.provider == "momo":
        collections = momo_of(settings, secrets, public_url)
        return MomoAccount(collections, Line(momo.access_token(collections), clock), clock)
    if settings.provider == "airtel":
        merchant = airtel_of(settings, secrets)
        return AirtelAccount(merchant, Line(airtel.access_token(merchant), clock), clock)
    daraja = daraja_of(settings, secrets, public_url)
    return MpesaAccount(daraja, Line(mpesa_requests.access_token(daraja), clock), clock, lists=settings.lists)


def account_of(settings: PaymentAccountSettings) -> PaymentAccount:
    """Return a payment account as readers of messages need it."""
    return PaymentAccount(
        settings.provider,
        settings.shortcode,
        settings.currency,
        settings.exponent,
        settings.region,
        settings.other_shortcodes,
    )


def daraja_of(settings: PaymentAccountSettings, secrets: Secrets, public_url: str) -> Daraja:
    """Return an M-Pesa shortcode as requests need it."""
    keys = DarajaKeys(
        secrets["consumer_key"],
        secrets["consumer_secret"],
        secrets["passkey"],
        secrets.get("initiator", ""),
        secrets.get("security_credential", ""),
    )
    root = callback_root(settings, public_url)
    return Daraja(account_of(settings), keys, root, base_url=_base_url(settings), till=settings.till)


def momo_of(settings: PaymentAccountSettings, secrets: Secrets, public_url: str) -> momo.Momo:
    """Return an MTN collection account as requests need it."""
    return momo.Momo(
        account_of(settings),
        settings.environment,
        secrets["api_user"],
        secrets["api_key"],
        secrets["subscription_key"],
        f"{callback_root(settings, public_url)}/callback",
        _base_url(settings),
    )


def airtel_of(settings: PaymentAccountSettings, secrets: Secrets) -> airtel.Airtel:
    """Return an Airtel merchant account as requests need it."""
    return airtel.Airtel(account_of(settings), secrets["client_id"], secrets["client_secret"], _base_url(settings))


def callback_root(settings: PaymentAccountSettings, public_url: str) -> str:
    """Return the address under which all calls about an account come in."""
    return f"{public_url}/hooks/{settings.secret_path}"


def _read(account: PaymentAccountSettings, folder: Path) -> dict[str, str | Problem]:
    return {key.rpartition("_")[0]: _secret(account, key, place, folder) for key, place in account.keys.items()}


def _secret(account: PaymentAccountSettings, key: str, place: str, folder: Path) -> str | Problem:
    """Return one secret, or what is wrong with its place; neither a secret nor a part of it is ever said."""
    name, _, way = key.rpartition("_")
    if way == "env":
        found, where = os.environ.get(place, ""), f"the variable {place[:60]}"
    else:
        found, where = _content(folder / place), f"the file {place[:100]}"
    if found:
        return found
    what = f"{name} of {account.line} is not there: {where} is missing, empty or cannot be read"
    return Problem("MG-P026", what, "without it the provider cannot be asked", f"set {where}, then start again")


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _base_url(settings: PaymentAccountSettings) -> str:
    return settings.base_url or f"https://{WALLET_HOSTS[settings.provider][0]}"
