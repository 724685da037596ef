"""`microgrid pay match`: payments whose account is not known, one after the other, with whom they may be meant for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from microgrid import actions, views
from microgrid.api.bodies import plain
from microgrid.billing.suspense import Unmatched
from microgrid.cli.operating import actor
from microgrid.cli.output import talk, write_json
from microgrid.cli.serving import open_core
from microgrid.errors import InvalidInput, Problem
from microgrid.ports import Core

PAGE = 50
HOW = "number or account, Enter to skip, q to stop: "


def list_unmatched(folder: Path, after: str) -> None:
    """Print a part of the list as JSON."""
    page = views.suspense(open_core(folder), after, PAGE)
    write_json("microgrid.suspense/1", plain(page))


def match(folder: Path, note: str) -> None:
    """Walk through the list on a terminal, moving each payment to the account that is typed."""
    core, moved, skipped = open_core(folder), 0, 0
    for one in _waiting(core):
        _show(one)
        answer = _ask()
        if answer is None:
            break
        if answer and _moved(core, one, answer, note):
            moved += 1
        else:
            skipped += 1
    talk(f"{moved} payments moved, {skipped} left as they were")
    write_json("microgrid.matched/1", {"moved": moved, "skipped": skipped})


def _waiting(core: Core) -> Iterator[Unmatched]:
    after: str | None = ""
    while after is not None:
        page = views.suspense(core, after, PAGE)
        yield from page.items
        after = page.next


def _show(one: Unmatched) -> None:
    payment = one.payment
    payer = payment.payer or "nobody named"
    talk(f"\n{payment.id}: {payment.amount_minor} minor units of {payment.currency}, {payment.paid_at.isoformat()}")
    talk(f"   typed '{payment.reference}', from {payer}")
    for number, account in enumerate(one.suggestions, start=1):
        talk(f"   {number}  {account}")


def _ask() -> str | None:
    """Return what was typed, nothing for a payment to skip; None at the end."""
    sys.stderr.write(HOW)
    sys.stderr.flush()
    line = sys.stdin.readline()
    answer = line.strip()
    return None if not line or answer.lower() == "q" else answer


def _moved(core: Core, one: Unmatched, answer: str, note: str) -> bool:
    """Move a payment to the account that was typed, and say whether it went; what cannot be is told, and left."""
    account = answer.upper()
    if answer.isdigit():
        if not 1 <= int(answer) <= len(one.suggestions):
            talk(f"   there is no suggestion {answer}")
            return False
        account = one.suggestions[int(answer) - 1]
    try:
        actions.move_payment(core, one.payment.id, account, actor(), note)
    except InvalidInput as error:
        talk(_said(error.problems))
        return False
    talk(f"   moved to {account}")
    return True


def _said(problems: tuple[Problem, ...]) -> str:
    return "\n".join(f"   {problem.what}" for problem in problems)
