"""Commands about meters with a keypad: keys in, tokens out."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from microgrid import agreements, keypads, token_views
from microgrid.agreements import Wish
from microgrid.api.bodies import plain
from microgrid.cli.handover import read_hand_over
from microgrid.cli.operating import actor
from microgrid.cli.output import talk, write_json
from microgrid.cli.serving import open_core
from microgrid.errors import InvalidInput, Problem
from microgrid.switching.token_requests import Wanted


def take_over(folder: Path, path: Path) -> None:
    """Take over the keys of a delivery, all rows or none."""
    added = keypads.add_devices(open_core(folder), read_hand_over(path), actor())
    talk(f"{len(added)} meters can be given tokens; keep the list where nobody else reads it, or destroy it")
    write_json("microgrid.token-import/1", {"devices": plain(added)})


def refuse_unclear(wanted: Mapping[str, bool]) -> None:
    """Refuse a request for no token, or for several kinds at once."""
    chosen = [name for name, is_wanted in wanted.items() if is_wanted]
    if len(chosen) != 1:
        what = f"a token can be one of several kinds, and {' and '.join(chosen) or 'none'} was asked for"
        fix = "give one of  --payment, --days, --energy-wh, --sync, --disable"
        raise InvalidInput(Problem("MG-K058", what, fix=fix))


def for_payment(folder: Path, meter: str, payment: str) -> None:
    """Show the tokens of a payment for a meter, the same ones each time."""
    core = open_core(folder)
    given = keypads.give_for_payment(core, meter, payment, actor())
    write_json("microgrid.token/1", {"tokens": plain(token_views.shown(core, given))})


def by_hand(
    folder: Path,
    meter: str,
    kind: Literal["add", "set", "sync"],
    days: int | None,
    energy_wh: int | None,
    note: str,
    request: str,
) -> None:
    """Give a token without a payment, and say why."""
    _refuse_without_reason(note)
    core = open_core(folder)
    wanted = Wanted(request or secrets.token_hex(8), kind, note, days, energy_wh)
    given = keypads.give_by_hand(core, meter, wanted, actor())
    write_json("microgrid.token/1", {"tokens": plain(token_views.shown(core, given))})


def ask_unlock(folder: Path, meter: str, note: str) -> None:
    """Ask for a meter to be unlocked for ever; another person has to agree."""
    _refuse_without_reason(note)
    asked = agreements.ask(open_core(folder), Wish("unlock", meter, note), actor())
    talk("another person has to agree; nothing was unlocked yet")
    write_json("microgrid.approval/1", {"approval": plain(asked)})


def show(folder: Path, meter: str, after: str) -> None:
    """Show the tokens of a meter and what waits."""
    write_json("microgrid.tokens/1", {**plain(token_views.of_meter(open_core(folder), meter, after))})


def typed(folder: Path, meter: str, count: int) -> None:
    """Tell that a token was typed."""
    device = keypads.tell_typed(open_core(folder), meter, count, actor())
    write_json("microgrid.token-device/1", {"device": plain(device)})


def jump(folder: Path, meter: str, by: int, request: str) -> None:
    """Let counts jump ahead after a restore, of one meter or of all."""
    core = open_core(folder)
    if meter:
        device = keypads.jump(core, request, meter, by, actor())
        write_json("microgrid.token-jump/1", {"devices": 1, "device": plain(device)})
    else:
        write_json("microgrid.token-jump/1", {"devices": keypads.jump_all(core, request, by, actor())})


def _refuse_without_reason(note: str) -> None:
    if not note:
        raise InvalidInput(Problem("MG-K058", "a token without a payment needs a reason", fix="add  --note WHY"))
