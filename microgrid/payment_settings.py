"""The payment accounts in `organisation.yaml`: where a provider calls, how far it is believed, where secrets lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from microgrid.config_model import Broken, Frozen, enforce, refusal
from microgrid.currency import CODES
from microgrid.providers.origin import WORDS_REFUSED, host_problem

AT = ("provider",)  # where mistakes about secrets point to: a line that holds none


@dataclass(frozen=True, slots=True)
class KeyNames:
    """Which secrets a provider's account has: those needed to ask it anything, and those for more."""

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()


KEYS: Mapping[str, KeyNames] = {
    "mpesa": KeyNames(("consumer_key", "consumer_secret", "passkey"), ("initiator", "security_credential")),
    "momo": KeyNames(("api_user", "api_key", "subscription_key")),
    "airtel": KeyNames(("client_id", "client_secret"), ("hash_key",)),
    "webhook": KeyNames(("signing_secret",), ("old_signing_secret",)),
}
TO_CONFIRM = ("initiator", "security_credential")  # what M-Pesa wants to see before it tells of a receipt


def networks_of(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Return addresses of machines or networks as they are; refuses what is none."""
    for address in addresses:
        try:
            ip_network(address)
        except ValueError:
            what = f"'{address}' is no address of a machine or network"
            raise refusal("MG-A014", what, fix="write it as 196.201.214.200 or 196.201.214.0/24") from None
    return addresses


class PaymentAccountSettings(Frozen):
    """One account at a provider, and where its messages come in."""

    provider: Literal["mpesa", "momo", "airtel", "webhook"]
    shortcode: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$", description="As the provider writes it.")]
    currency: Annotated[str, Field(description="ISO 4217.")]
    exponent: Annotated[int, Field(ge=0, le=4, description="Decimals of the currency: 2 for KES, 0 for UGX.")]
    region: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="Country of numbers without a country code.")]
    secret_path: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_-]{16,100}$",
            repr=False,
            description="Part of the address the provider calls; at least 16 characters nobody can guess.",
        ),
    ]
    allowed_addresses: Annotated[
        tuple[str, ...] | None, Field(description="Who may call; without it, the provider's known addresses.")
    ] = None
    other_shortcodes: Annotated[tuple[str, ...], Field(description="Further names of it, such as tills.")] = ()
    confirm: Annotated[
        Literal["always"] | None, Field(description="Ask the provider before crediting any unsigned message.")
    ] = None
    confirm_above_minor: Annotated[
        int | None, Field(ge=0, description="Ask the provider before crediting more than this from unsigned messages.")
    ] = None
    keys: Annotated[
        dict[str, str],
        Field(
            repr=False,
            description="Where each secret lies: NAME_env, a variable, or NAME_file, a file beside this one.",
        ),
    ] = {}  # noqa: RUF012 - pydantic copies it
    environment: Annotated[str, Field(description="MTN's name of the country's system, such as mtnuganda.")] = ""
    till: Annotated[str, Field(description="The M-Pesa till to be paid, for Buy Goods.")] = ""
    lists: Annotated[bool, Field(description="Read M-Pesa's own list of payments once a day.")] = False
    base_url: Annotated[str | None, Field(description="Another host of the provider, such as its sandbox.")] = None

    @property
    def line(self) -> str:
        """Return the name of this account in the books."""
        return f"{self.provider}:{self.shortcode}"

    @property
    def limit_minor(self) -> int | None:
        """Return up to which amount an unsigned message is believed; None for any."""
        if self.confirm == "always":
            return 0
        if self.confirm_above_minor is not None or self.provider not in ("momo", "airtel"):
            return self.confirm_above_minor
        return 0  # their calls are unsigned, and asking costs nothing

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, code: str) -> str:
        if code not in CODES:
            raise refusal("MG-A014", f"'{code}' is no currency", fix="use a code of ISO 4217, such as KES")
        return code

    @field_validator("allowed_addresses")
    @classmethod
    def _networks(cls, addresses: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if addresses is None else networks_of(addresses)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        enforce([*_of_keys(self), *_of_provider(self)])
        return self


def _of_keys(account: PaymentAccountSettings) -> Iterator[Broken]:
    names = KEYS[account.provider]
    allowed = (*names.needed, *names.optional)
    known = {f"{name}_{way}": name for name in allowed for way in ("env", "file")}
    given = [known[key] for key in account.keys if key in known]
    strange = sorted(key for key in account.keys if key not in known)
    if strange:
        fix = f"write NAME_env (a variable) or NAME_file (a file), NAME being one of {', '.join(allowed)}"
        yield Broken(AT, "MG-P023", f"keys of {account.line} cannot be given as {', '.join(strange)}", _WHY, fix)
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        what = f"{', '.join(twice)} of {account.line} is given both as a variable and as a file"
        yield Broken(AT, "MG-P023", what, fix="remove one of the two")
    missing = [name for name in names.needed if name not in given]
    if missing and (account.keys or account.provider != "mpesa"):
        fix = "add " + " and ".join(f"{name}_env or {name}_file" for name in missing)
        yield Broken(AT, "MG-P023", f"keys of {account.line} lack {', '.join(missing)}", fix=fix)
    if account.provider == "mpesa" and account.limit_minor is not None and not set(TO_CONFIRM) <= set(given):
        what = f"{account.line} shall confirm payments, but has no keys to ask with"
        yield Broken(AT, "MG-P024", what, fix=f"add keys {' and '.join(TO_CONFIRM)}, or remove confirm")


_WHY = "a secret does not lie in this file, where everybody reads it who helps to set it up"


def _of_provider(account: PaymentAccountSettings) -> Iterator[Broken]:
    if account.provider == "mpesa" and not (account.shortcode.isdigit() and 4 <= len(account.shortcode) <= 12):
        what = f"'{account.shortcode}' is no shortcode of M-Pesa"
        yield Broken(("shortcode",), "MG-A014", what, fix="write the 4 to 12 digits of the paybill or till")
    if account.provider == "mpesa" and account.lists and not account.keys:
        yield Broken(("lists",), "MG-P024", f"{account.line} shall read lists, but has no keys to ask with")
    if account.provider == "mpesa" and any(word in account.secret_path.lower() for word in WORDS_REFUSED):
        what = f"secret_path of {account.line} holds a word with which M-Pesa calls no address"
        yield Broken(AT, "MG-P024", what, fix="make another one at random")
    if account.provider == "momo" and not account.environment:
        yield Broken(AT, "MG-P024", f"{account.line} has no environment", fix="add  environment: mtnuganda, or yours")
    strange = host_problem(account.provider, account.base_url)
    if strange:
        yield Broken(("base_url",), "MG-P025", strange, fix="remove base_url, or use a host of the provider")
