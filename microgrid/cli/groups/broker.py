"""`microgrid broker`: the files of a Mosquitto that lets nobody do more than its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.groups.options import FolderArgument, FolderOption

broker = typer.Typer(help="The broker that carries messages of meters.", no_args_is_help=True)


@broker.command("init")
def broker_init(
    folder: FolderArgument = Path(),
    *,
    hosts: Annotated[
        list[str] | None, typer.Option("--host", help="As which devices reach it, a name or an address; repeatable.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="For devices: 8883, or 1883 without TLS.", min=1, max=65535)] = None,
    service_port: Annotated[int, typer.Option(help="For the service, on this machine.", min=1, max=65535)] = 1884,
    tls: Annotated[bool, typer.Option("--tls/--no-tls", help="Without it, it listens on this machine alone.")] = True,
    certificates: Annotated[bool, typer.Option("--certificates", help="Ask each device for a certificate.")] = False,
) -> None:
    """Make the files of a Mosquitto: settings, passwords, what each may do, and an authority of one's own."""
    from microgrid.cli import broker_desk

    broker_desk.make(folder, hosts or [], port, service_port, tls=tls, certificates=certificates)


@broker.command("sync")
def broker_sync(folder: FolderArgument = Path()) -> None:
    """Write the list of devices again, and let the running broker read it."""
    from microgrid.cli import broker_desk

    broker_desk.sync(folder)


@broker.command("gateway")
def broker_gateway(
    name: Annotated[str, typer.Argument(help="What the gateway is called.")],
    *,
    site: Annotated[str, typer.Option(help="The site whose meters it carries.")],
    renew: Annotated[bool, typer.Option("--renew", help="Another password; the old one ends now.")] = False,
    folder: FolderOption = Path(),
) -> None:
    """Let a gateway come, and print its password, once."""
    from microgrid.cli import broker_desk

    broker_desk.add_gateway(folder, name, site, renew=renew)


@broker.command("certificate")
def broker_certificate(
    name: Annotated[str, typer.Argument(help="Whose certificate it is.")], *, folder: FolderOption = Path()
) -> None:
    """Make a certificate for a device, where the broker asks for one."""
    from microgrid.cli import broker_desk

    broker_desk.certify(folder, name)
