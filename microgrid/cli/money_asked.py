"""Commands about money that is to come: asking a customer to pay, and what needs a person."""

from __future__ import annotations

import uuid
from pathlib import Path

from microgrid import payment_requests
from microgrid.api.bodies import plain
from microgrid.cli.operating import actor
from microgrid.cli.output import talk, write_json
from microgrid.cli.serving import open_asking_core, open_core
from microgrid.errors import InvalidInput, Problem
from microgrid.payment_requests import Wanted

SHOWN = 200  # alarms at once; settle some to see more


def ask(folder: Path, account: str, amount_minor: int, phone: str, through: str, request_id: str) -> None:
    """Ask a customer to pay on their phone; the same id again asks nobody twice."""
    if amount_minor <= 0:
        raise InvalidInput(Problem("MG-P005", f"{amount_minor} is no amount", fix="give minor units above zero"))
    wanted = Wanted(_id_of(request_id), account, amount_minor, phone, through)
    push = payment_requests.ask_to_pay(open_asking_core(folder), wanted, actor())
    talk(f"request {push.id} to {push.phone} is {push.state}{f': {push.reason}' if push.reason else ''}")
    write_json("microgrid.payment_request/1", {"request": plain(push)})


def show_alarms(folder: Path, *, settled: bool) -> None:
    """List what is doubtful about payments and needs a person."""
    page = payment_requests.alarms(open_core(folder), "", SHOWN, settled=settled)
    for alarm in page.items:
        talk(f"{alarm.id}\n   {alarm.what}")
    write_json("microgrid.alarms/1", {"alarms": plain(page.items), "next": page.next})


def settle(folder: Path, alarm_id: str, remark: str) -> None:
    """Mark as dealt with what needed a person."""
    alarm = payment_requests.settle_alarm(open_core(folder), alarm_id, actor(), remark)
    talk(f"settled by {alarm.settled_by}")
    write_json("microgrid.alarm/1", {"alarm": plain(alarm)})


def _id_of(text: str) -> str:
    if not text:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(text))
    except ValueError:
        what = f"'{text[:60]}' is no id of a request"
        raise InvalidInput(Problem("MG-P020", what, fix="leave it out, or give a UUID")) from None
