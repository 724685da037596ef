"""`microgrid meters`: emulated meters on a broker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def meters(
    *,
    keys: Annotated[
        Path, typer.Option(help="Keys of meters, one line of JSON each, as `microgrid meter keys` prints.")
    ],
    broker: Annotated[str, typer.Option(help="Where the broker is, as HOST:PORT.")] = "127.0.0.1:1883",
    ca: Annotated[
        Path | None, typer.Option("--ca-file", help="Authority of the broker's certificate; with it, TLS.")
    ] = None,
    count: Annotated[int, typer.Option(help="How many of the meters in the file; 0: all.", min=0)] = 0,
    speed: Annotated[int, typer.Option(help="How much faster the meters' time goes.", min=1, max=86_400)] = 1,
    seed: Annotated[int, typer.Option(help="Of loads and faults by chance; the same again repeats them.", min=0)] = 1,
    load: Annotated[Path | None, typer.Option(help="What homes draw (CSV): second, then a column per home.")] = None,
    scenario: Annotated[Path | None, typer.Option(help="A scenario file, whose homes and businesses draw.")] = None,
    radio: Annotated[Literal["clear", "2g", "bad"], typer.Option(help="How messages travel.")] = "clear",
    faults: Annotated[str, typer.Option(help="What goes wrong: none, some (by chance), or a CSV file.")] = "none",
    folder: Annotated[Path | None, typer.Option(help="Where meters keep what outlives a power cut.")] = None,
    keep_alive: Annotated[int, typer.Option("--keep-alive", help="Of each connection [s].", min=1, max=65_535)] = 60,
    seconds: Annotated[float, typer.Option(help="Stop after so long; 0: when you say so (Ctrl-C).", min=0)] = 0,
) -> None:
    """Run emulated meters on a broker, with homes behind them, until Ctrl-C."""
    from microgrid.cli import emulating

    emulating.run(
        emulating.Asked(
            keys, broker, ca, count, speed, seed, load, scenario, radio, faults, folder, keep_alive, seconds
        )
    )
