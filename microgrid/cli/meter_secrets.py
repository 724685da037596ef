"""Commands about the secrets of meters: issued, handed out once, claimed, renewed, ended."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from microgrid import meter_views, meters
from microgrid.api.bodies import plain
from microgrid.bridge.provisioning import SHORTEST_PASSPHRASE, fresh, line_of, opened_file, sealed_file
from microgrid.cli import broker_desk
from microgrid.cli.operating import actor
from microgrid.cli.output import talk, write, write_json
from microgrid.cli.serving import open_core
from microgrid.customers.records import Meter
from microgrid.errors import InvalidInput, Problem
from microgrid.files import content_of, said_plainly, write_whole
from microgrid.ports import Core
from microgrid.switching.claim_codes import label
from microgrid.switching.device_records import DeviceModel
from microgrid.switching.provisioning import Fresh

PASSPHRASE = "MICROGRID_FACTORY_PASSPHRASE"  # noqa: S105 - the name of a variable


def add(folder: Path, names: Sequence[str], site: str, model: str, factory: Path | None, *, fitted: bool) -> None:
    """Add meters and issue their secrets; with a factory file they are handed out at once, sealed."""
    core = open_core(folder)
    passphrase = _passphrase() if factory is not None else ""
    found = [Meter(name, model_id=model) for name in names]
    if fitted:
        found += [meter for meter in meter_views.without_keys(core, site) if meter.id not in names]
    if not found:
        what = f"no meter at '{site}' waits for keys" if fitted else "no meter is named"
        raise InvalidInput(Problem("MG-M060", what, fix="such as: microgrid meter add M-104 --site kisiju"))
    made = {meter.id: fresh() for meter in found}
    new = meters.issue(core, site, [(meter, made[meter.id]) for meter in found], actor())
    for name in sorted(made.keys() - set(new)):
        talk(f"{name} has its keys already; nothing of it was changed")
    labels = [_label(name, made[name]) for name in new]
    if factory is not None:
        _to_factory(core, factory, new, labels, passphrase)
    elif new:
        talk("the codes are for the labels; they are shown only now. Keys:  microgrid meter keys METER > keys.jsonl")
    write_json("microgrid.meter-add/1", {"site": site, "meters": labels})
    broker_desk.keep_in_step(folder, core)


def hand_out(folder: Path, names: Sequence[str], site: str, factory: Path | None) -> None:
    """Print the secrets of meters, once, a line of JSON each; or write them to a sealed file."""
    core = open_core(folder)
    passphrase = _passphrase() if factory is not None else ""
    chosen = [*names, *(name for name in (meter_views.not_shown(core, site) if site else ()) if name not in names)]
    if not chosen:
        where = f"all meters of '{site}' have been handed their secrets" if site else "no meter is named"
        raise InvalidInput(Problem("MG-M072", where, fix="issue keys first: microgrid meter add"))
    if factory is not None:
        _to_factory(core, factory, chosen, [], passphrase)
        return
    talk("these lines are shown only now; keep them where nobody else reads them")
    for given in meters.hand_out(core, chosen, actor()):
        write(line_of(given))


def open_file(file: Path) -> None:
    """Print what a factory file holds."""
    for line in opened_file(_content(file), _passphrase()):
        write(line)


def renew(folder: Path, meter: str, *, password: bool, instead: bool) -> None:
    """Make a fresh key for a meter and print it, once; the old one counts until the fresh one was used."""
    core = open_core(folder)
    given = meters.renew(core, meter, fresh(), actor(), with_password=password, instead=instead)
    talk("this line is shown only now; the old key counts until the meter has used this one")
    if password:
        talk("the old password ends now")
    write(line_of(given))
    broker_desk.keep_in_step(folder, core)


def drop(folder: Path, meter: str) -> None:
    """Forget the key a meter used before."""
    meters.drop_old_key(open_core(folder), meter, actor())
    talk(f"what is proven with the old key of {meter} is refused from now on")


def revoke(folder: Path, device: str, why: str) -> None:
    """End the rights of a meter or gateway for ever."""
    if not why.strip():
        raise InvalidInput(Problem("MG-M076", "rights are not ended without a reason", fix='add  --reason "why"'))
    core = open_core(folder)
    meters.revoke(core, device, actor(), why)
    talk(f"{device} cannot come any more, and nothing it says is taken")
    broker_desk.keep_in_step(folder, core)


def claim(folder: Path, code: str) -> None:
    """Take a meter over by the code on its label."""
    core = open_core(folder)
    claimed = meters.claim(core, code, actor())
    talk(f"{claimed.id} is yours to fit, at site '{claimed.site_id}'")
    write_json("microgrid.claim/1", {"meter": claimed.id, "site": claimed.site_id, "claim": plain(claimed)})


def add_model(folder: Path, model: DeviceModel) -> None:
    """Add a kind of device."""
    write_json("microgrid.device-model/1", {"model": plain(meters.add_model(open_core(folder), model, actor()))})


def list_models(folder: Path, after: str) -> None:
    """List the kinds of devices."""
    page = meter_views.models(open_core(folder), after, 100)
    write_json("microgrid.device-models/1", {"models": plain(page.items), "next": page.next})


def _to_factory(
    core: Core, file: Path, names: Sequence[str], labels: Sequence[Mapping[str, str]], passphrase: str
) -> None:
    """Hand secrets out into a file that only its passphrase opens; it is made before anything counts as handed out."""
    codes = {told["meter"]: told["claim"] for told in labels}
    _make_empty(file)
    lines = [_with_claim(line_of(given), codes.get(given.meter_id)) for given in meters.hand_out(core, names, actor())]
    write_whole(file, sealed_file(lines, passphrase))
    talk(f"{file.as_posix()} holds the secrets of {len(names)} meters; tell its passphrase by another way")


def _with_claim(line: str, code: str | None) -> str:
    return line if code is None else json.dumps(json.loads(line) | {"claim": code})


def _make_empty(file: Path) -> None:
    """Make a file that only we may read, before anything is handed out; one that is there stays as it is."""
    if file.exists():
        what = f"'{file.as_posix()}' is there already; nothing was handed out"
        raise InvalidInput(Problem("MG-U005", what, fix="choose another name"))
    with said_plainly(file):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _passphrase() -> str:
    found = os.environ.get(PASSPHRASE, "")
    if len(found) < SHORTEST_PASSPHRASE:
        what = f"the variable {PASSPHRASE} holds no passphrase of at least {SHORTEST_PASSPHRASE} characters"
        raise InvalidInput(Problem("MG-M082", what, fix="set it to several words that nobody says together"))
    return found


def _content(file: Path) -> str:
    try:
        return content_of(file).decode("utf-8", errors="replace")
    except OSError as error:
        what = f"'{file.as_posix()}' cannot be read: {(error.strerror or str(error)).lower()}"
        raise InvalidInput(Problem("MG-M081", what, fix="check its name and who may read it")) from None


def _label(name: str, made: Fresh) -> dict[str, str]:
    return {"meter": name, "claim": made.claim_code, "qr": label(name, made.claim_code)}
