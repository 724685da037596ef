"""Commands for the broker of an organisation: its files made, kept in step, and gateways let in."""

from __future__ import annotations

import secrets
from pathlib import Path

from microgrid import meters
from microgrid.bridge import broker
from microgrid.bridge import in_step as keeping
from microgrid.bridge.broker import Listening
from microgrid.bridge.broker_folder import PASSWORD, BrokerFolder
from microgrid.bridge.certificates import make_authority, make_certificate
from microgrid.bridge.provisioning import SECRET_BYTES, fresh
from microgrid.cli.operating import actor
from microgrid.cli.output import talk, write, write_json
from microgrid.cli.serving import NoLink, open_core
from microgrid.errors import InvalidInput, Problem
from microgrid.meter_flows import send_asks
from microgrid.ports import Core
from microgrid.switching.meter_keys import IN_A_TOPIC
from microgrid.switching.provisioning import SERVICE_USER

PLACE, SECRETS = "broker", "broker-keys"
TLS_PORT, PLAIN_PORT = 8883, 1883
HERE = "127.0.0.1"


def folder_of(folder: Path) -> BrokerFolder:
    """Return where the files of an organisation's broker lie."""
    root = folder.resolve()
    return BrokerFolder(root / PLACE, root / SECRETS)


def make(folder: Path, hosts: list[str], port: int | None, service_port: int, *, tls: bool, certificates: bool) -> None:
    """Make the files of a broker and say how it is started; made again, it keeps authority and passwords."""
    if certificates and not tls:
        what = "a broker can ask for certificates only where it speaks TLS"
        raise InvalidInput(Problem("MG-M084", what, fix="leave out --no-tls"))
    if tls and not hosts:
        what = "devices check as which host they reach the broker"
        raise InvalidInput(Problem("MG-M084", what, fix="name each: --host broker.example.org --host 10.0.0.2"))
    core, ours = open_core(folder), folder_of(folder)
    chosen = port or (TLS_PORT if tls else PLAIN_PORT)
    if chosen == service_port:
        what = f"devices and service cannot both come to port {chosen}"
        raise InvalidInput(Problem("MG-M084", what, fix="choose another one: --service-port 1884"))
    listening = Listening(chosen, service_port, "" if tls else HERE, tls, certificates)
    ours.make(secrets.token_urlsafe(SECRET_BYTES), listening)
    if tls:
        _certify(ours, folder, hosts, core)
    keeping.write_all(core, ours)
    _tell_next(ours, listening)


def sync(folder: Path) -> None:
    """Write the list of devices again, and let a running broker read it."""
    core, ours = open_core(folder), _made(folder)
    told = keeping.write_all(core, ours)
    talk("the broker has read its new list" if told else "the files say what the books say")


def keep_in_step(folder: Path, core: Core) -> None:
    """Keep the broker's files in step with the books, where there are any."""
    keeping.keep_in_step(core, folder_of(folder))
    if isinstance(core.link, NoLink):
        send_asks(core)  # to nobody, so that questions do not wait for ever


def add_gateway(folder: Path, name: str, site: str, *, renew: bool) -> None:
    """Let a gateway come, and print its password, once."""
    core = open_core(folder)
    password = meters.add_gateway(core, name, site, fresh(), actor(), renewed=renew)
    talk("this password is shown only now")
    write_json("microgrid.gateway/1", {"gateway": name, "site": site, "username": name, "password": password})
    keep_in_step(folder, core)


def certify(folder: Path, name: str) -> None:
    """Make a certificate for somebody who comes to a broker that asks for one."""
    core, ours = open_core(folder), _made(folder)
    authority = ours.authority()
    if authority is None:
        raise InvalidInput(Problem("MG-M084", "this broker speaks no TLS", fix="make it again without --no-tls"))
    if IN_A_TOPIC.fullmatch(name) is None or name in {"server", "ca"}:
        what = f"a certificate cannot be called {name[:60]!r}"
        raise InvalidInput(Problem("MG-M084", what, fix="use the name of the device: letters, digits, - and _"))
    paths = ours.write_client(name, make_certificate(authority, name, (), core.clock.now()))
    write_json("microgrid.certificate/1", {"certificate": paths[0].as_posix(), "key": paths[1].as_posix()})


def _made(folder: Path) -> BrokerFolder:
    ours = folder_of(folder)
    if not ours.is_made:
        what = f"there is no broker in '{folder.as_posix()}'"
        raise InvalidInput(Problem("MG-M083", what, fix=f"make one: microgrid broker init {folder.as_posix()}"))
    return ours


def _certify(ours: BrokerFolder, folder: Path, hosts: list[str], core: Core) -> None:
    """Give the broker its certificate; the authority that devices know is made once."""
    now, authority = core.clock.now(), ours.authority()
    if authority is None:
        authority = make_authority(folder.resolve().name, now)
        ours.write_authority(authority)
    ours.write_certificate(make_certificate(authority, keeping.NAME, hosts, now))


def _tell_next(ours: BrokerFolder, listening: Listening) -> None:
    """Say how the broker is started, and how the service finds it."""
    conf, word = ours.place / broker.SETTINGS, ours.secrets / PASSWORD
    talk(f"start it:   mosquitto -c {conf.as_posix()}")
    if not ours.is_reachable():
        talk(f"its user cannot reach {ours.place.as_posix()}: let everybody enter the folders above (chmod o+x)")
    if listening.secure:
        talk(f"devices need  {(ours.secrets / broker.CA).as_posix()}  to know it")
    else:
        talk("without TLS it listens on this machine alone, because passwords would be read on the way")
    talk("the service finds it by these lines in organisation.yaml:")
    write("broker:")
    write(f"  port: {listening.service_port}")
    write(f"  username: {SERVICE_USER}")
    write(f"  password_file: {word.relative_to(ours.secrets.parent).as_posix()}")
