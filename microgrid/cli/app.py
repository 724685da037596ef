"""All commands with their options; what they do is imported when they run, so that `--help` stays fast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from microgrid.cli.groups.account import account
from microgrid.cli.groups.agent import agent
from microgrid.cli.groups.api_key import api_key
from microgrid.cli.groups.approval import approval
from microgrid.cli.groups.audit import audit
from microgrid.cli.groups.broker import broker
from microgrid.cli.groups.customer import customer
from microgrid.cli.groups.db import db
from microgrid.cli.groups.device import device
from microgrid.cli.groups.feeder import feeder
from microgrid.cli.groups.meter import meter
from microgrid.cli.groups.meters import meters
from microgrid.cli.groups.options import AsJson, FolderArgument
from microgrid.cli.groups.pay import pay
from microgrid.cli.groups.reading import reading
from microgrid.cli.groups.site import site
from microgrid.cli.groups.tariff import contract, tariff
from microgrid.cli.groups.token import token

PLAN = "Plan"
FILES = "Files"
RUN = "Run"
ABOUT = "About"

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
    name: Annotated[str, typer.Argument(help="Which kind of file: scenario; or api, the REST API.")] = "scenario",
    *,
    as_json: AsJson = False,
) -> None:
    """Print the JSON schema of a file, or the description of the REST API, for editors and programs."""
    from microgrid.cli import schemas

    schemas.show(name, as_json=as_json)


for _group, _name in ((approval, "approval"), (agent, "agent"), (audit, "audit"), (token, "token")):
    app.add_typer(_group, name=_name, rich_help_panel=RUN)


for _group, _name in ((feeder, "feeder"), (reading, "reading")):
    app.add_typer(_group, name=_name, rich_help_panel=RUN)


app.add_typer(account, name="account", rich_help_panel=RUN)
app.add_typer(meter, name="meter", rich_help_panel=RUN)
app.add_typer(broker, name="broker", rich_help_panel=RUN)
app.add_typer(device, name="device", rich_help_panel=RUN)
app.command("meters", rich_help_panel=RUN)(meters)


for _group, _name in ((site, "site"), (tariff, "tariff"), (contract, "contract")):
    app.add_typer(_group, name=_name, rich_help_panel=RUN)


for _group, _name in ((db, "db"), (pay, "pay"), (customer, "customer"), (api_key, "api-key")):
    app.add_typer(_group, name=_name, rich_help_panel=RUN)


@app.command(rich_help_panel=RUN)
def kpi(
    folder: FolderArgument = Path(),
    *,
    site: Annotated[str, typer.Option(help="Id of the site.")],
    first: Annotated[str, typer.Option("--from", help="First local day, such as 2026-10-01.")],
    last: Annotated[str, typer.Option("--to", help="Last local day, included.")],
    behind: Annotated[str, typer.Option(help="List what one figure was counted from, such as par30.")] = "",
    as_json: AsJson = False,
) -> None:
    """Count the key figures of a site, with what is behind each."""
    from microgrid.cli import figures

    figures.show(folder, site, (first, last), behind, as_json=as_json)


@app.command(rich_help_panel=RUN)
def serve(
    folder: FolderArgument = Path(),
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any that is free.", min=0, max=65535)] = 8080,
    log: Annotated[Literal["text", "json"], typer.Option(help="How each event is written, one line each.")] = "text",
) -> None:
    """Run the service: payments in, supply out, and the REST API."""
    from microgrid.cli import serving

    serving.serve(folder, host, port, log)


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
