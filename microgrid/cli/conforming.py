"""The command that puts a meter through the checks of the device protocol, and writes its certificate."""

from __future__ import annotations

import shlex
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import typer

import device
from device.conformance import Check, Outcome, Verdict, certify, checks_for
from device.conformance_bench import Bench, BenchError, NoBench, PersonBench, ProgramBench
from device.conformance_line import Access, Line, LineError, MqttLine, NoLine, Way
from device.conformance_page import Certificate, document, page
from device.conformance_session import Session
from device.identity import Identity, IdentityError, identities_of
from microgrid.cli.output import coloured, emphasised, talk, write_json
from microgrid.clock import WallClock, stopwatch
from microgrid.errors import Environment, InvalidInput, Problem
from microgrid.files import content_of, write_whole

GREEN, RED, YELLOW = "32", "31", "33"
COLOURS = {Verdict.PASSED: GREEN, Verdict.FAILED: RED}
USUAL_PORT = 1883


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be tested, where, and by whom."""

    meter: str
    broker: str
    keys: Path
    profile: str
    bench: str = "none"
    gateway: str = ""
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    wait_s: float = 5.0
    tokens: int = 1
    only: Sequence[str] = ()
    report: Path | None = None


def conform(asked: Asked) -> int:
    """Put a meter through the checks of its profile, and return 1 when one of them failed."""
    identity, checks = _identity(asked), _checks(asked)
    access = _access(asked)
    clock, now = WallClock().now(), stopwatch()
    start_s = int(clock.timestamp())
    with _bench(asked, access) as bench, _line(asked, access, identity, now) as line:
        session = Session(identity, asked.profile, line, bench, now, start_s, asked.wait_s, asked.tokens)
        try:
            if isinstance(bench, ProgramBench):
                bench.greet()
            outcomes = certify(session, checks, _tell)
        except (LineError, BenchError) as error:
            raise _cannot_be_done(str(error)) from None
        except typer.Abort:
            raise _cannot_be_done("nobody answers at this terminal") from None
    at = clock.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    certificate = Certificate(session, outcomes, _bench_in_words(asked.bench), at)
    if asked.report is not None:
        write_whole(asked.report, page(certificate))
        talk(f"certificate: {asked.report}")
    talk(certificate.sentence)
    write_json("microgrid.conformance/1", document(certificate))
    return 0 if certificate.is_conforming else 1


def _tell(outcome: Outcome) -> None:
    colour = COLOURS.get(outcome.verdict, YELLOW)
    verdict = f"{outcome.verdict.value:9}"
    if coloured(sys.stderr):
        verdict = emphasised(verdict, sys.stderr, colour)
    talk(f"{outcome.check.number} {verdict} {outcome.check.requires}")
    if outcome.why:
        talk(f"              {outcome.why}")


def _identity(asked: Asked) -> Identity:
    """Return the meter by its line in the file of keys."""
    try:
        known = {each.plate.meter: each for each in identities_of(content_of(asked.keys).decode().splitlines())}
    except OSError as error:
        raise _unusable(asked, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _unusable(asked, "is no text in UTF-8") from None
    except IdentityError as error:
        raise _unusable(asked, f"cannot be used: {error}") from None
    if asked.meter not in known:
        raise _unusable(asked, f"has no meter '{asked.meter}'; it has {', '.join(sorted(known)[:5]) or 'none'}")
    return known[asked.meter]


def _unusable(asked: Asked, what: str) -> InvalidInput:
    fix = 'one line of JSON per meter: {"meter", "site", "keys": ["64 hex digits", null], "username", "password"}'
    return InvalidInput(Problem("MG-M090", f"the file of keys {what}", fix=fix, file=asked.keys.as_posix()))


def _checks(asked: Asked) -> tuple[Check, ...]:
    try:
        chosen = checks_for(asked.profile, asked.only)
    except ValueError as error:
        raise InvalidInput(Problem("MG-M091", str(error), fix="leave --only away for all of them")) from None
    if not chosen:
        what = f"none of {', '.join(asked.only)} is for profile {asked.profile}"
        raise InvalidInput(Problem("MG-M091", what, fix="leave --only away for all of this profile"))
    if (asked.profile == "G") != bool(asked.gateway):
        what = "profile G is a meter that a gateway carries, and the gateway is named by --gateway"
        raise InvalidInput(Problem("MG-M091", what, fix="give both, or neither"))
    return chosen


def _access(asked: Asked) -> Access:
    host, _, port = asked.broker.rpartition(":")
    if not host:
        host, port = asked.broker, str(USUAL_PORT)
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        what = f"'{asked.broker}' is no address of a broker"
        raise InvalidInput(Problem("MG-M091", what, fix="write HOST:PORT, such as 127.0.0.1:1883"))
    password = "" if asked.password_file is None else content_of(asked.password_file).decode().strip()
    tls = None if asked.ca_file is None else ssl.create_default_context(cafile=str(asked.ca_file))
    return Access(host.strip("[]"), int(port), asked.username, password, tls)


@contextmanager
def _line(asked: Asked, access: Access, identity: Identity, now: Callable[[], float]) -> Iterator[Line]:
    """Hold a line to the meter for as long as it is tested."""
    if asked.profile == "T":
        yield NoLine()
        return
    plate = identity.plate
    try:
        line = MqttLine(access, Way(plate.site, plate.meter, asked.gateway), now, asked.wait_s)
    except LineError as error:
        raise _cannot_be_done(str(error)) from None
    try:
        yield line
    finally:
        line.close()


def _cannot_be_done(what: str) -> Environment:
    fix = "start the broker, or the bench, and look at its own messages"
    return Environment(Problem("MG-M092", what, fix=fix))


@contextmanager
def _bench(asked: Asked, access: Access) -> Iterator[Bench]:
    """Run what stands behind the meter for as long as it is tested."""
    if asked.bench == "none":
        yield NoBench()
        return
    if asked.bench == "ask":
        yield PersonBench(lambda wish: str(typer.prompt(wish, err=True)))
        return
    with tempfile.TemporaryDirectory() as memory:
        try:
            bench = _program(asked, access, Path(memory))
        except BenchError as error:
            raise _cannot_be_done(str(error)) from None
        try:
            yield bench
        finally:
            bench.end()


def _program(asked: Asked, access: Access, memory: Path) -> ProgramBench:
    """Start a bench: one of the meters that are here, or another program."""
    host, port = ("-", "0") if asked.profile == "T" else (access.host, str(access.port))
    place = [host, port, str(asked.keys.resolve()), asked.meter]
    ours = {
        "emulated": ["device.conformance_stand", *place, asked.profile],
        "python": ["device.reference.python_meter", *place, str(memory / "meter")],
        "c99": ["device.reference.c99_on_broker", *place],
    }
    if asked.bench in ours:
        return ProgramBench([sys.executable, "-m", *ours[asked.bench]], Path(device.__file__).parents[1])
    return ProgramBench(shlex.split(asked.bench))


def _bench_in_words(bench: str) -> str:
    known = {
        "none": "none: what needs a load or a power cut was not tried",
        "ask": "a person",
        "emulated": "the emulated meter of this project",
        "python": "the reference client in Python",
        "c99": "the reference client in C99",
    }
    return known.get(bench, bench)
