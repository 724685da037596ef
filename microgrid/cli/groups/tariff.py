"""`microgrid tariff` and `microgrid contract`: prices, and what customers have signed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microgrid.cli.groups.options import FolderOption

tariff = typer.Typer(help="See what another price would mean, and ask for it.", no_args_is_help=True)
contract = typer.Typer(help="Lease contracts: lamps, home systems, appliances.", no_args_is_help=True)
PlanPath = Annotated[Path, typer.Argument(help="A plan file (YAML); `microgrid schema plan` describes it.")]
PlanOption = Annotated[str, typer.Option("--plan", help="The plan whose price is to change.")]
ContractId = Annotated[str, typer.Argument(help="Id of the contract.")]


@tariff.command("preview")
def tariff_preview(
    path: PlanPath,
    *,
    plan: PlanOption,
    days: Annotated[int, typer.Option(help="Over how many of the last whole days.")] = 30,
    largest: Annotated[int, typer.Option(help="How many of the largest changes are listed.")] = 10,
    folder: FolderOption = Path(),
) -> None:
    """Reckon what every account of a plan would have paid; nothing is stored."""
    from microgrid.cli import tariff_desk

    tariff_desk.preview(folder, path, plan, days, largest)


@tariff.command("schedule")
def tariff_schedule(
    path: PlanPath,
    *,
    plan: PlanOption,
    first: Annotated[str, typer.Option("--from", help="When it begins, such as 2026-12-01T00:00+03:00.")],
    note: Annotated[str, typer.Option(help="Why, for the one who decides.")],
    folder: FolderOption = Path(),
) -> None:
    """Ask for another price from a moment on, after the notice of the sites; a second person has to agree."""
    from microgrid.cli import tariff_desk

    tariff_desk.schedule(folder, path, plan, first, note)


@contract.command("sign")
def contract_sign(
    key: ContractId,
    account: Annotated[str, typer.Argument(help="The account that pays.")],
    plan: Annotated[str, typer.Argument(help="A lease plan, or one version of it such as home@2.")],
    *,
    first: Annotated[str, typer.Option("--from", help="First local day, such as 2026-10-01.")],
    device: Annotated[str, typer.Option(help="Meter or serial number that the contract is for.")] = "",
    folder: FolderOption = Path(),
) -> None:
    """Begin a lease contract: its deposit is due at once, its instalments as they fall due."""
    from microgrid.cli import tariff_desk

    tariff_desk.sign(folder, key, account, plan, first, device)


@contract.command("show")
def contract_show(key: ContractId, *, folder: FolderOption = Path()) -> None:
    """Show what is due of a contract, and what it takes to own the device now."""
    from microgrid.cli import tariff_desk

    tariff_desk.show(folder, key)


@contract.command("pay-off")
def contract_pay_off(key: ContractId, *, folder: FolderOption = Path()) -> None:
    """Pay a contract off from the credit of its account, with the discount for what is not yet due."""
    from microgrid.cli import tariff_desk

    tariff_desk.pay_off(folder, key)


@contract.command("give-up")
def contract_give_up(
    key: ContractId, *, note: Annotated[str, typer.Option(help="Why.")], folder: FolderOption = Path()
) -> None:
    """Ask for what is due of a contract to be written off; a second person has to agree."""
    from microgrid.cli import tariff_desk

    tariff_desk.ask_write_off(folder, key, note)
