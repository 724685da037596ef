"""The broker in `organisation.yaml`: where it is, and in which files beside it our name to it is proven."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from microgrid.config_model import Broken, Frozen, enforce

LOCAL = ("127.0.0.1", "::1", "localhost")


class BrokerSettings(Frozen):
    """The MQTT broker by which meters are reached."""

    host: Annotated[str, Field(min_length=1, description="Name or address of the broker.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535, description="8883 with TLS, 1883 without, as a rule.")]
    version: Annotated[Literal["3.1.1", "5"], Field(description="Of MQTT.")] = "5"
    username: Annotated[str, Field(max_length=100, description="Who we are to the broker.")] = "service"
    password_file: Annotated[str, Field(description="A file beside this one that holds the password alone.")] = ""
    authority_file: Annotated[str, Field(description="Certificates (PEM) by which the broker is known: TLS.")] = ""
    certificate_file: Annotated[str, Field(description="Our own certificate (PEM), where the broker asks for it.")] = ""
    key_file: Annotated[str, Field(description="The key of our certificate (PEM).")] = ""
    client_id: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$", description="Another one for each service on one broker.")
    ] = "microgrid"

    worker: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_-]{0,40}$",
            description="Where several services work on one database: the name of this one; meters are shared out.",
        ),
    ] = ""

    @model_validator(mode="after")
    def _is_proven(self) -> Self:
        enforce(self._mistakes())
        return self

    def _mistakes(self) -> Iterator[Broken]:
        if self.key_file and not self.certificate_file:
            yield Broken((), "MG-M063", "a key_file without a certificate_file proves nothing", fix="name both files")
        if self.certificate_file and not self.authority_file:
            what = "a certificate_file needs an authority_file: it is shown over TLS only"
            yield Broken((), "MG-M063", what, fix="name the certificates by which the broker is known")
        if self.host not in LOCAL and not self.authority_file:
            what = f"the password would travel to '{self.host}' open for everybody to read"
            yield Broken((), "MG-M063", what, fix="add  authority_file: ca.crt, and use the port for TLS")
