"""Commands for what two people have to agree to, and for the log of who did what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from microgrid import agreements, audit, views
from microgrid.agreements import Action, Wish
from microgrid.api.bodies import plain
from microgrid.cli.operating import above_zero, actor
from microgrid.cli.output import talk, write, write_json
from microgrid.cli.serving import open_core
from microgrid.errors import InvalidInput, Problem
from microgrid.kept import Approval

ACTIONS: dict[str, Action] = {"refund": "refund", "write_off": "write_off", "agent_short": "agent_short"}
SHOWN = 500


def ask(folder: Path, action: str, subject: str, note: str, amount_minor: int | None) -> None:
    """Ask for something that a second person has to agree to."""
    if (amount_minor is None) != (action == "refund"):
        what = "a refund gives back the whole payment" if action == "refund" else f"a {action} needs its amount"
        fix = "leave out --amount-minor" if action == "refund" else "add --amount-minor with minor units above zero"
        raise InvalidInput(Problem("MG-P005", what, fix=fix))
    if amount_minor is not None:
        above_zero(amount_minor)
    asked = agreements.ask(open_core(folder), Wish(ACTIONS[action], subject, note, amount_minor), actor())
    talk(f"somebody else can agree to it: microgrid approval grant {asked.id}")
    _tell((asked,))


def list_waiting(folder: Path) -> None:
    """List what waits for a second person."""
    found = agreements.waiting(open_core(folder), "", SHOWN)
    if found.next is not None:
        talk(f"more than {SHOWN} requests wait; the first {SHOWN} are shown")
    _tell(found.items)


def grant(folder: Path, request: str) -> None:
    """Agree to what somebody else asked for."""
    _tell((agreements.grant(open_core(folder), request, actor()),))


def refuse(folder: Path, request: str, note: str) -> None:
    """Refuse what somebody asked for."""
    _tell((agreements.refuse(open_core(folder), request, actor(), note),))


def keep(folder: Path, payment: str, note: str) -> None:
    """Give a payment that was to go back to its account again."""
    core = open_core(folder)
    agreements.keep_payment(core, payment, actor(), note)
    write_json("microgrid.payment/1", {"payment": plain(views.payment(core, payment))})


def list_rows(folder: Path, subject: str, after: str) -> None:
    """List who did what to one thing."""
    found = audit.page(open_core(folder), subject, after, SHOWN)
    if found.next is not None:
        talk(f"go on with  --after {found.next}")
    write_json("microgrid.audit/1", {"rows": plain(found.items), "next": found.next})


def show_head(folder: Path) -> None:
    """Print where the log ends."""
    core = open_core(folder)
    audit.seal_rows(core)
    found = audit.head(core)
    talk("keep this line elsewhere; `microgrid audit check` proves later that the log was not written anew")
    write(f"{found.number} {found.seal}")


def check(folder: Path, number: int, seal: str) -> int:
    """Prove the log against a line that was written down; exit code 1 when it does not hold."""
    found = audit.check(open_core(folder), number, seal)
    if found is None:
        write(f"The log is whole, and row {number} is as it was.")
        return 0
    talk(f"audit row {found.number} {found.what}")
    return 1


def _tell(found: Sequence[Approval]) -> None:
    write_json("microgrid.approvals/1", {"requests": plain(tuple(found))})
