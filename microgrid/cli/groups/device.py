"""`microgrid device`: the protocol that meters speak, for who makes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

device = typer.Typer(help="The protocol that meters speak, for who makes them.", no_args_is_help=True)


@device.command("conform")
def device_conform(
    meter: Annotated[str, typer.Argument(help="Id of the meter.")],
    *,
    keys: Annotated[Path, typer.Option(help="Keys of meters, one line of JSON each.")],
    broker: Annotated[str, typer.Option(help="Where the broker is, as HOST:PORT.")] = "127.0.0.1:1883",
    profile: Annotated[Literal["T", "S", "M", "G"], typer.Option(help="What the meter says it is.")] = "S",
    bench: Annotated[
        str,
        typer.Option(help="What puts loads on it: none, ask (you), emulated, python, c99, or a command of yours."),
    ] = "none",
    gateway: Annotated[str, typer.Option(help="Profile G: the gateway that carries the meter.")] = "",
    user: Annotated[str, typer.Option(help="Name of the tester at the broker.")] = "",
    password_file: Annotated[Path | None, typer.Option(help="File with the tester's password.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Authority of the broker's certificate; with it, TLS.")] = None,
    wait: Annotated[float, typer.Option(help="How many seconds to wait for an answer.", min=0.1, max=600)] = 5.0,
    tokens: Annotated[
        int, typer.Option(help="Profile T: count of the newest token the meter took.", min=1, max=2**31)
    ] = 1,
    only: Annotated[list[str] | None, typer.Option("--only", help="A check such as C17; repeatable.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write the certificate (HTML).")] = None,
) -> None:
    """Put a meter on a broker through the checks of its profile, byte for byte (exit code 1: one has failed)."""
    from microgrid.cli.conforming import Asked, conform

    place = Asked(meter, broker, keys, profile, bench, gateway, user, password_file, ca_file)
    raise typer.Exit(conform(replace(place, wait_s=wait, tokens=tokens, only=tuple(only or ()), report=report)))


@device.command("simulate")
def device_simulate(
    meter: Annotated[str, typer.Argument(help="Id of the meter.")],
    *,
    keys: Annotated[Path, typer.Option(help="Keys of meters, one line of JSON each.")],
    broker: Annotated[str, typer.Option(help="Where the broker is, as HOST:PORT.")] = "127.0.0.1:1883",
    ca_file: Annotated[Path | None, typer.Option(help="Authority of the broker's certificate; with it, TLS.")] = None,
    folder: Annotated[Path, typer.Option(help="Where it keeps what outlives a power cut.")] = Path("kept"),
) -> None:
    """Be one meter: what is typed happens to it (watts, cut, forget, weld, free, type DIGITS), until Ctrl-D."""
    from microgrid.cli.emulating import run_one

    run_one(meter, keys, broker, ca_file, folder)


@device.command("protocol")
def device_protocol(
    *,
    text: Annotated[bool, typer.Option("--print", help="Print the form of every message (CDDL).")] = False,
) -> None:
    """Say where the protocol is written down, or print the form of its messages."""
    from microgrid.cli.reading_messages import show_protocol

    show_protocol(whole=text)


@device.command("decode")
def device_decode(
    message: Annotated[str, typer.Argument(help="The message in hexadecimal, with its envelope.")],
    *,
    kind: Annotated[str, typer.Option(help="Kind: desired, request, reported, readings, event or link.")],
    key: Annotated[str, typer.Option(help="Key of the meter in hexadecimal: also checks who sent it.")] = "",
    site: Annotated[str, typer.Option(help="With --key: site of the meter.")] = "",
    meter: Annotated[str, typer.Option(help="With --key: id of the meter.")] = "",
) -> None:
    """Say what a message holds and, with the meter's key, whether it is proven (exit code 1: it is not)."""
    from microgrid.cli.reading_messages import decode_message

    raise typer.Exit(decode_message(message, kind, key, site, meter))
