"""Commands for prices and contracts: what another price would mean, asking for it, signing and looking at leases."""

from __future__ import annotations

from pathlib import Path

from microgrid import leases, tariffs
from microgrid.api.bodies import plain
from microgrid.billing.lease_contracts import Signature
from microgrid.cli.moments import day, moment
from microgrid.cli.operating import actor
from microgrid.cli.output import talk, write_json
from microgrid.cli.serving import open_core
from microgrid.config import read
from microgrid.errors import InvalidInput, Problem
from microgrid.plan_file import PlanFile

SHOWN = 500
DAYS_MAX = 400


def preview(folder: Path, path: Path, plan: str, days: int, largest: int) -> None:
    """Say who of a plan's accounts would have paid more or less."""
    if not 1 <= days <= DAYS_MAX:
        what = f"{days} days cannot be reckoned"
        raise InvalidInput(Problem("MG-M043", what, fix=f"give --days from 1 to {DAYS_MAX}"))
    core = open_core(folder)
    proposed = read(path, PlanFile).version_of(plan, 1, core.clock.now())
    found = tariffs.preview(core, proposed, days, largest)
    more, less, same = found.pay_more, found.pay_less, found.pay_the_same
    talk(f"of {found.accounts} accounts {more} would pay more, {less} less, {same} the same")
    talk(f"together {found.after_minor} in place of {found.before_minor} minor units in {days} days")
    write_json("microgrid.tariff/1", plain(found))


def schedule(folder: Path, path: Path, plan: str, first: str, note: str) -> None:
    """Ask for another price from a moment on."""
    core = open_core(folder)
    asked = read(path, PlanFile).version_of(plan, 1, moment(first, "--from"))
    approval = tariffs.schedule(core, asked, note, actor())
    talk(f"somebody else can agree to it: microgrid approval grant {approval.id}")
    write_json("microgrid.approval/1", plain(approval))


def sign(folder: Path, key: str, account: str, plan: str, started_on: str, device: str) -> None:
    """Begin a lease contract."""
    asked = Signature(key, account, plan, day(started_on, "--from"), device or None)
    write_json("microgrid.contract/1", {"contract": plain(leases.sign(open_core(folder), asked, actor()))})


def show(folder: Path, key: str) -> None:
    """Show a contract."""
    found = leases.contract(open_core(folder), key)
    write_json("microgrid.contract/1", plain(found, leases.zone_of(found)))


def pay_off(folder: Path, key: str) -> None:
    """Pay a contract off from credit."""
    write_json("microgrid.contract/1", {"contract": plain(leases.pay_off(open_core(folder), key, actor()))})


def ask_write_off(folder: Path, key: str, note: str) -> None:
    """Ask for a contract to be given up."""
    approval = leases.ask_write_off(open_core(folder), key, note, actor())
    talk(f"somebody else can agree to it: microgrid approval grant {approval.id}")
    write_json("microgrid.approval/1", plain(approval))
