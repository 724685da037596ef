"""All commands with their options; what they do is imported when they run, so that `--help` stays fast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

PLAN = "Plan"
FILES = "Files"
RUN = "Run"
ABOUT = "About"

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
Template = Annotated[str, typer.Option("--template", "-t", help="Where to start from.")]

app = typer.Typer(
    name="microgrid",
    help="Plan, run and learn from off-grid solar that is paid as it is used.",
    epilog="Exit codes: 0 ok, 1 finding or infeasible, 2 bad input, 3 this machine, 130 interrupted.",
    add_completion=False,  # finding out which shell runs costs every start time
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _main() -> None:
    """Keep `microgrid` a group of commands even while there is only one."""


ScenarioPath = Annotated[Path, typer.Argument(help="A scenario file, or the folder it lies in.")]
ReportPath = Annotated[Path | None, typer.Option("--report", help="Write a page to hand on (HTML).")]


@app.command(rich_help_panel=PLAN)
def size(path: ScenarioPath = Path(), *, report: ReportPath = None, as_json: AsJson = False) -> None:
    """Find the cheapest design within a scenario's ranges that meets its goal."""
    from microgrid.cli import planning

    raise typer.Exit(planning.size(path, report, as_json=as_json))


@app.command(rich_help_panel=PLAN)
def evaluate(
    path: ScenarioPath = Path(),
    *,
    pv_kw: Annotated[
        float | None, typer.Option("--pv-kw", help="Panels [kWp]; each home's own in home systems.")
    ] = None,
    battery_kwh: Annotated[float | None, typer.Option("--battery-kwh", help="Battery [kWh].")] = None,
    inverter_kw: Annotated[float | None, typer.Option("--inverter-kw", help="Inverter [kW].")] = None,
    genset_kw: Annotated[float | None, typer.Option("--genset-kw", help="Generator [kW].")] = None,
    year: Annotated[int, typer.Option("--year", help="Year of the project the energy is told for.")] = 1,
    series: Annotated[Path | None, typer.Option("--series", help="Write every step of that year (CSV).")] = None,
    report: ReportPath = None,
    require_goal: Annotated[
        bool, typer.Option("--require-goal", help="Exit with 1 when the design misses the scenario's goal.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run one design through its years and say what it does and costs."""
    from microgrid.cli import planning

    sizes = {"pv_kw": pv_kw, "battery_kwh": battery_kwh, "inverter_kw": inverter_kw, "genset_kw": genset_kw}
    raise typer.Exit(planning.evaluate(path, sizes, year, series, report, require_goal=require_goal, as_json=as_json))


@app.command(rich_help_panel=FILES)
def new(
    name: Annotated[str, typer.Argument(help="Name of the site; a folder of this name is made.")],
    *,
    template: Template = "tanzania-80-homes",
    as_json: AsJson = False,
) -> None:
    """Make a folder with a commented scenario to start from."""
    from microgrid.cli import new_site

    new_site.make(Path(), name, template, as_json=as_json)


@app.command(rich_help_panel=FILES)
def check(
    path: Annotated[Path, typer.Argument(help="A scenario file, or a folder of them.")] = Path(),
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Put right what is safe to put right.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --fix: show the changes only.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say every mistake in a scenario and its data, or what was understood of them."""
    from microgrid.cli import checking

    raise typer.Exit(checking.check(path, fix=fix, dry_run=dry_run, as_json=as_json))


@app.command(rich_help_panel=FILES, context_settings={"ignore_unknown_options": True})  # -7.42 is no option
def weather(
    latitude: Annotated[float, typer.Argument(help="Degrees, north positive.", min=-90, max=90)],
    longitude: Annotated[float, typer.Argument(help="Degrees, east positive.", min=-180, max=180)],
    *,
    source: Annotated[Literal["pvgis", "nasa_power"], typer.Option(help="Public service.")] = "pvgis",
    folder: Annotated[Path, typer.Option(help="Where the file is stored.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Fetch a year of weather from a public service and store it in a folder."""
    from microgrid.cli.weather import fetch_command

    fetch_command(latitude, longitude, source, folder, as_json=as_json)


@app.command(rich_help_panel=FILES)
def schema(
    name: Annotated[str, typer.Argument(help="Which kind of file.")] = "scenario",
    *,
    as_json: AsJson = False,
) -> None:
    """Print the JSON schema of a file, for editors and programs."""
    from microgrid.cli import schemas

    schemas.show(name, as_json=as_json)


FolderOption = Annotated[Path, typer.Option("--folder", "-f", help="Where organisation.yaml lies.")]
FolderArgument = Annotated[Path, typer.Argument(help="Where organisation.yaml lies.")]

db = typer.Typer(help="Make, bring up and prove the books.", no_args_is_help=True)
pay = typer.Typer(help="Record and correct payments.", no_args_is_help=True)
customer = typer.Typer(help="Add and show customers.", no_args_is_help=True)
api_key = typer.Typer(help="Keys of programs that use the service.", no_args_is_help=True)
for _group, _name in ((db, "db"), (pay, "pay"), (customer, "customer"), (api_key, "api-key")):
    app.add_typer(_group, name=_name, rich_help_panel=RUN)


@app.command(rich_help_panel=RUN)
def serve(
    folder: FolderArgument = Path(),
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8080,
) -> None:
    """Run the service: payments in, supply out, and the REST API."""
    from microgrid.cli import serving

    serving.serve(folder, host, port)


@db.command("upgrade")
def db_upgrade(folder: FolderArgument = Path()) -> None:
    """Make the tables of the books, or bring them up to this version."""
    from microgrid.cli import operating

    operating.upgrade_books(folder)


@db.command("verify")
def db_verify(folder: FolderArgument = Path(), *, as_json: AsJson = False) -> None:
    """Prove the books: every law, and the first row that breaks one."""
    from microgrid.cli import operating

    raise typer.Exit(operating.verify_books(folder, json=as_json))


@api_key.command("new")
def api_key_new(
    name: Annotated[str, typer.Argument(help="What the program is called: small letters, digits, hyphens.")],
    *,
    scopes: Annotated[
        list[str], typer.Option("--for", help="What it may do: read, customers, meters, readings, plans, payments.")
    ],
    folder: FolderOption = Path(),
) -> None:
    """Make a key for a program and print it, once."""
    from microgrid.cli import operating

    operating.new_key(folder, name, scopes)


@api_key.command("revoke")
def api_key_revoke(
    name: Annotated[str, typer.Argument(help="The key to end for ever.")], *, folder: FolderOption = Path()
) -> None:
    """End a key for ever."""
    from microgrid.cli import operating

    operating.revoke_key(folder, name)


@pay.command("record")
def pay_record(
    receipt: Annotated[str, typer.Argument(help="Number of the receipt; it names the payment.")],
    amount_minor: Annotated[int, typer.Argument(help="Amount in minor units: 50000 for KES 500.")],
    currency: Annotated[str, typer.Argument(help="ISO 4217.")],
    reference: Annotated[str, typer.Argument(help="Account, meter or what the payer wrote.")],
    *,
    paid_at: Annotated[str, typer.Option(help="When it was paid, such as 2026-11-23T10:00+03:00; without: now.")] = "",
    folder: FolderOption = Path(),
) -> None:
    """Record a payment that somebody took in cash."""
    from microgrid.cli import operating

    operating.record_payment(folder, receipt, amount_minor, currency, reference, paid_at)


@pay.command("move")
def pay_move(
    payment: Annotated[str, typer.Argument(help="Id of the payment, such as mpesa:600638:RKT1.")],
    account: Annotated[str, typer.Argument(help="The account it was meant for.")],
    *,
    note: Annotated[str, typer.Option(help="Why, for the audit log.")],
    folder: FolderOption = Path(),
) -> None:
    """Move a payment to the account it was meant for."""
    from microgrid.cli import operating

    operating.move_payment(folder, payment, account, note)


@pay.command("reverse")
def pay_reverse(
    payment: Annotated[str, typer.Argument(help="Id of the payment, such as mpesa:600638:RKT1.")],
    *,
    note: Annotated[str, typer.Option(help="Why, for the audit log.")],
    folder: FolderOption = Path(),
) -> None:
    """Book that a payment went back to its payer."""
    from microgrid.cli import operating

    operating.reverse_payment(folder, payment, note)


@customer.command("add")
def customer_add(
    key: Annotated[str, typer.Argument(help="Id of the customer.")],
    name: Annotated[str, typer.Argument(help="Name of the customer.")],
    *,
    phone: Annotated[str | None, typer.Option(help="With country code, such as +254712000104.")] = None,
    folder: FolderOption = Path(),
) -> None:
    """Add a customer."""
    from microgrid.cli import operating

    operating.add_customer(folder, key, name, phone)


@customer.command("show")
def customer_show(
    key: Annotated[str, typer.Argument(help="Id of the customer.")], *, folder: FolderOption = Path()
) -> None:
    """Show a customer with accounts, credit and the last lines booked."""
    from microgrid.cli import operating

    operating.show_customer(folder, key)


@app.command(rich_help_panel=ABOUT)
def explain(
    code: Annotated[str, typer.Argument(help="A code such as MG-C003; none: the list.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Say more about the code of a message."""
    from microgrid.cli import explaining

    explaining.explain(code, as_json=as_json)


@app.command(rich_help_panel=ABOUT)
def version(
    *,
    full: Annotated[bool, typer.Option("--full", help="With packages and machine, for a report of a bug.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say which version this is."""
    from microgrid.cli import about

    about.version(full=full, as_json=as_json)
