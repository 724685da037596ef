"""The file `organisation.yaml`: where the books are kept, and the payment accounts of an organisation."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import Field, field_validator

from microgrid.config_model import FileModel, Frozen, refusal
from microgrid.currency import CODES


def _networks_of(addresses: tuple[str, ...]) -> tuple[str, ...]:
    for address in addresses:
        try:
            ip_network(address)
        except ValueError:
            what = f"'{address}' is no address of a machine or network"
            raise refusal("MG-A014", what, fix="write it as 196.201.214.200 or 196.201.214.0/24") from None
    return addresses


class PaymentAccountSettings(Frozen):
    """One account at a provider, and where its messages come in."""

    provider: Literal["mpesa"]
    shortcode: Annotated[str, Field(pattern=r"^[0-9]{4,12}$", description="As the provider writes it.")]
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

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, code: str) -> str:
        if code not in CODES:
            raise refusal("MG-A014", f"'{code}' is no currency", fix="use a code of ISO 4217, such as KES")
        return code

    @field_validator("allowed_addresses")
    @classmethod
    def _networks(cls, addresses: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if addresses is None else _networks_of(addresses)


class Organisation(FileModel):
    """What the service needs to know before it can open its books."""

    database: Annotated[
        str,
        Field(
            min_length=1,
            repr=False,  # it may hold a password
            description="A SQLite file beside this one, or postgresql://user:password@host/name.",
        ),
    ]
    tick_s: Annotated[int, Field(ge=1, le=3600, description="How often to do what is due by the clock [s].")] = 60
    payments: Annotated[tuple[PaymentAccountSettings, ...], Field(description="Accounts at providers.")] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Field(description="Proxies of ours, whose word on where a call came from is taken; without any, nobody's is."),
    ] = ()

    @field_validator("trusted_proxies")
    @classmethod
    def _known_proxies(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        return _networks_of(addresses)
