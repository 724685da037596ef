"""`microgrid meter`: meters that obey money, and their secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from microgrid.cli.groups.options import AsJson, FolderOption

meter = typer.Typer(help="Meters: what each was told and says, and their secrets.", no_args_is_help=True)
model = typer.Typer(help="Kinds of devices.", no_args_is_help=True)
meter.add_typer(model, name="model")

Name = Annotated[str, typer.Argument(metavar="METER", help="Id of the meter.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="METER", help="Ids of the meters.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the customer and the audit log.")]
Wait = Annotated[str, typer.Option("--wait", help="How long to wait for the meter's own word, such as 30s.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what the meter would be told, and tell it nothing.")]
Factory = Annotated[
    Path | None,
    typer.Option("--factory", help="To this file, sealed by MICROGRID_FACTORY_PASSPHRASE."),
]


@meter.command("list")
def meter_list(
    *,
    site: Annotated[str, typer.Option(help="Only those fitted at this site.")] = "",
    unconfirmed: Annotated[bool, typer.Option("--unconfirmed", help="Only those that have not confirmed.")] = False,
    after: Annotated[str, typer.Option(help="What the page before ended with.")] = "",
    limit: Annotated[int, typer.Option(help="How many at once.", min=1, max=500)] = 100,
    as_json: AsJson = False,
    folder: FolderOption = Path(),
) -> None:
    """List meters: what each was told, what it says, when it was heard."""
    from microgrid.cli import meter_desk

    meter_desk.show_all(folder, site, after, limit, unconfirmed=unconfirmed, json=as_json)


@meter.command("show")
def meter_show(name: Name, *, as_json: AsJson = False, folder: FolderOption = Path()) -> None:
    """Show everything that is known of a meter, and why its supply is as it is."""
    from microgrid.cli import meter_desk

    meter_desk.show(folder, name, json=as_json)


@meter.command("on")
def meter_on(
    name: Name,
    *,
    reason: Reason,
    wait: Wait = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    folder: FolderOption = Path(),
) -> None:
    """Order supply on whatever the credit; exit code 1 when the meter did not confirm in time."""
    _order(folder, name, "on", reason, (wait, dry_run, as_json))


@meter.command("off")
def meter_off(
    name: Name,
    *,
    reason: Reason,
    wait: Wait = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    folder: FolderOption = Path(),
) -> None:
    """Order supply off whatever the credit; exit code 1 when the meter did not confirm in time."""
    _order(folder, name, "off", reason, (wait, dry_run, as_json))


@meter.command("limit")
def meter_limit(
    name: Name,
    power_limit_w: Annotated[int, typer.Argument(metavar="WATTS", help="The most power.", min=1, max=10_000_000)],
    *,
    reason: Reason,
    wait: Wait = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    folder: FolderOption = Path(),
) -> None:
    """Let a meter supply by its credit, and no more power than this."""
    _order(folder, name, "limit", reason, (wait, dry_run, as_json), power_limit_w)


@meter.command("release")
def meter_release(
    name: Name,
    *,
    reason: Reason,
    wait: Wait = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    folder: FolderOption = Path(),
) -> None:
    """End an order or a limit: supply follows the credit alone again."""
    _order(folder, name, "none", reason, (wait, dry_run, as_json))


@meter.command("ask")
def meter_ask(
    name: Name,
    *,
    time: Annotated[bool, typer.Option("--time", help="Tell it the time as well.")] = False,
    wait: Wait = "",
    as_json: AsJson = False,
    folder: FolderOption = Path(),
) -> None:
    """Ask a meter what it does now."""
    from microgrid.cli import meter_desk

    manner = meter_desk.Manner(wait, json=as_json)
    raise typer.Exit(meter_desk.ask(folder, name, "time" if time else "report", manner))


@meter.command("swap")
def meter_swap(
    old: Annotated[str, typer.Argument(help="The meter that is taken off.")],
    new: Annotated[str, typer.Argument(help="The meter that takes its place.")],
    *,
    last_register_wh: Annotated[int, typer.Option("--last-register-wh", help="What the old one shows.", min=0)],
    first_register_wh: Annotated[int, typer.Option("--first-register-wh", help="What the new one shows.", min=0)],
    at: Annotated[str, typer.Option("--at", help="When, if not now, as 2026-11-23T10:00+03:00.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say whether it can be done.")] = False,
    folder: FolderOption = Path(),
) -> None:
    """Replace a meter by another one at its place, charged to the last Wh."""
    from microgrid.cli import meter_desk

    meter_desk.swap(folder, old, new, (last_register_wh, first_register_wh), at, dry_run=dry_run)


@meter.command("add")
def meter_add(
    names: Names = None,
    *,
    site: Annotated[str, typer.Option(help="The site whose topics it speaks under, for ever.")],
    kind: Annotated[str, typer.Option("--model", help="Its model, see `microgrid meter model`.")] = "",
    fitted: Annotated[bool, typer.Option("--fitted", help="And all meters fitted there that have no keys.")] = False,
    factory: Factory = None,
    folder: FolderOption = Path(),
) -> None:
    """Add meters and issue their keys, and print the claim code for the label of each."""
    from microgrid.cli import meter_secrets

    meter_secrets.add(folder, names or [], site, kind, factory, fitted=fitted)


@meter.command("keys")
def meter_keys(
    names: Names = None,
    *,
    site: Annotated[str, typer.Option(help="And all of this site that were not handed out yet.")] = "",
    factory: Factory = None,
    folder: FolderOption = Path(),
) -> None:
    """Print the secrets of meters, once, one line of JSON each, for whoever puts them in."""
    from microgrid.cli import meter_secrets

    meter_secrets.hand_out(folder, names or [], site, factory)


@meter.command("open-file")
def meter_open_file(
    file: Annotated[Path, typer.Argument(help="A file that --factory wrote.")],
) -> None:
    """Print what a factory file holds; its passphrase is read from MICROGRID_FACTORY_PASSPHRASE."""
    from microgrid.cli import meter_secrets

    meter_secrets.open_file(file)


@meter.command("claim")
def meter_claim(
    code: Annotated[str, typer.Argument(help="The code on the label, or all that its QR code says.")],
    *,
    folder: FolderOption = Path(),
) -> None:
    """Take a meter over by the code on its label, once."""
    from microgrid.cli import meter_secrets

    meter_secrets.claim(folder, code)


@meter.command("renew")
def meter_renew(
    name: Name,
    *,
    password: Annotated[bool, typer.Option("--password", help="And another password; the old one ends now.")] = False,
    instead: Annotated[bool, typer.Option("--instead", help="In place of a fresh key that was lost.")] = False,
    folder: FolderOption = Path(),
) -> None:
    """Make a fresh key for a meter and print it, once; the old one counts until the fresh one was used."""
    from microgrid.cli import meter_secrets

    meter_secrets.renew(folder, name, password=password, instead=instead)


@meter.command("drop-key")
def meter_drop_key(name: Name, *, folder: FolderOption = Path()) -> None:
    """Forget the key a meter used before its fresh one."""
    from microgrid.cli import meter_secrets

    meter_secrets.drop(folder, name)


@meter.command("revoke")
def meter_revoke(
    name: Annotated[str, typer.Argument(metavar="DEVICE", help="Id of the meter or gateway.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit log.")],
    folder: FolderOption = Path(),
) -> None:
    """End the rights of a meter or gateway for ever."""
    from microgrid.cli import meter_secrets

    meter_secrets.revoke(folder, name, reason)


@model.command("add")
def model_add(
    key: Annotated[str, typer.Argument(help="What the model is called.")],
    *,
    profile: Annotated[Literal["T", "S", "M"], typer.Option(help="T tokens only, S switch, M with readings.")],
    expected_contact_s: Annotated[
        int | None, typer.Option("--expected-contact-s", help="How often it is heard; without: never.", min=1)
    ] = None,
    unit: Annotated[Literal["none", "day", "100 Wh"], typer.Option(help="What a unit of its tokens means.")] = "none",
    link: Annotated[str, typer.Option(help="The way to its devices.")] = "mqtt",
    folder: FolderOption = Path(),
) -> None:
    """Add a kind of device; what one of a name can do never changes."""
    from microgrid.cli import meter_secrets
    from microgrid.switching.device_records import DeviceModel

    meter_secrets.add_model(folder, DeviceModel(key, profile, expected_contact_s, unit, link))


@model.command("list")
def model_list(
    *, after: Annotated[str, typer.Option(help="What `next` said.")] = "", folder: FolderOption = Path()
) -> None:
    """List the kinds of devices."""
    from microgrid.cli import meter_secrets

    meter_secrets.list_models(folder, after)


def _order(
    folder: Path,
    name: str,
    kind: Literal["on", "off", "none", "limit"],
    reason: str,
    manner: tuple[str, bool, bool],
    power_limit_w: int | None = None,
) -> None:
    from microgrid.cli import meter_desk

    wait, dry_run, as_json = manner
    told = meter_desk.Manner(wait, dry_run, as_json)
    raise typer.Exit(meter_desk.order(folder, name, kind, reason, told, power_limit_w))
