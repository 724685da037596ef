"""The file `organisation.yaml`: where the books are kept, and the payment accounts of an organisation."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from microgrid.broker_settings import BrokerSettings
from microgrid.config_model import Broken, FileModel, enforce, refusal
from microgrid.payment_settings import PaymentAccountSettings, networks_of
from microgrid.providers.origin import callback_problems, is_this_machine


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
    refund_after_days: Annotated[
        int, Field(ge=1, le=3660, description="In suspense, before a payment comes onto the refund list.")
    ] = 30
    public_url: Annotated[
        str, Field(description="Under which providers reach this service, such as https://pay.example.org.")
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        Field(description="Proxies of ours, whose word on where a call came from is taken; without any, nobody's is."),
    ] = ()

    broker: Annotated[
        BrokerSettings | None, Field(description="By which meters are reached; without it, what they should do waits.")
    ] = None
    webhook_networks: Annotated[
        tuple[str, ...],
        Field(description="Networks of ours that webhooks may reach, also without TLS; else only the internet."),
    ] = ()

    @field_validator("trusted_proxies", "webhook_networks")
    @classmethod
    def _known_proxies(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        return networks_of(addresses)

    @field_validator("public_url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        problems = callback_problems(url) if url else []
        if problems and not is_this_machine(url):
            raise refusal("MG-A014", problems[0].what, fix=problems[0].fix)
        return url.rstrip("/")

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        silent = [account.line for account in self.payments if account.keys and account.provider != "webhook"]
        if silent and not self.public_url:
            what = f"{', '.join(silent)} can be asked, but not told where to answer"
            enforce([Broken((), "MG-P024", what, fix="add  public_url: https://your-host")])
        return self
