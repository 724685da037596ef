"""The checks find what a meter does wrong, and nothing in meters that do it right."""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import cbor2
import pytest

from device.conformance import CHECKS, Outcome, Verdict, certify, checks_for, conforms
from device.conformance_bench import BenchError, NoBench, PersonBench, ProgramBench
from device.conformance_line import Arrived, NoLine, Way
from device.conformance_page import Certificate, document, page
from device.conformance_session import Session
from device.conformance_stand import EmulatedOnStand, Said, Standing
from device.identity import Identity
from device.messages import FailTerms, Relay, Request, RequestKind
from device.openpaygo import Secret
from device.reference.c99_meter import CMeter, built
from device.reference.c99_on_broker import NO_COMPILER, COnStand
from device.signing import MeterKeys
from device.state import Nameplate
from tests.meter import saboteurs as bad
from tests.meter.bench import NOON_S
from tests.meter.direct import Direct
from tests.meter.saboteurs import Sabotaged

KEYS = MeterKeys((bytes(range(32)), bytes(range(32, 64))))
SECRET = Secret(123_456_789, bytes(range(16)))
BY_ENERGY = Identity(Nameplate("kisiju", "M-104", KEYS), "M-104", "", SECRET)
BY_TIME = replace(BY_ENERGY, plate=replace(BY_ENERGY.plate, token_unit_s=86_400))


def session_with(meter: Standing, profile: str, identity: Identity = BY_ENERGY) -> Session:
    direct = Direct(meter)
    line = NoLine() if profile == "T" else direct
    return Session(identity, profile, line, direct, lambda: 0.0, NOON_S)


def put_through(session: Session, only: Sequence[str] = ()) -> tuple[Outcome, ...]:
    return certify(session, checks_for(session.profile, only), lambda _: None)


def numbers(outcomes: Sequence[Outcome], verdict: Verdict) -> set[str]:
    return {outcome.check.number for outcome in outcomes if outcome.verdict is verdict}


# Meters that are right ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", [BY_ENERGY, BY_TIME], ids=["tokens by energy", "tokens by time"])
@pytest.mark.parametrize("profile", ["T", "S", "M"])
def test_the_emulated_meter_passes_every_check_of_its_profile(profile: str, identity: Identity) -> None:
    outcomes = put_through(session_with(EmulatedOnStand(identity, profile, 7), profile, identity))
    assert [(each.check.number, each.why) for each in outcomes if each.verdict is not Verdict.PASSED] == []
    assert len(outcomes) == len(checks_for(profile)) == {"T": 6, "S": 48, "M": 51}[profile]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    found = built(tmp_path_factory.mktemp("c99"))
    if found is None:
        pytest.skip(f"NOT RUN: {NO_COMPILER}")
    return found


def test_the_meter_in_c_passes_all_but_tokens(library: ctypes.CDLL) -> None:
    outcomes = put_through(session_with(COnStand(CMeter(library, KEYS.slots, 7)), "S"))
    assert numbers(outcomes, Verdict.FAILED) == set()
    assert numbers(outcomes, Verdict.NOT_TRIED) == set()
    assert numbers(outcomes, Verdict.CANNOT) == {f"C{number}" for number in range(60, 68)}


def test_without_a_bench_what_needs_one_is_not_tried() -> None:
    session = session_with(EmulatedOnStand(BY_ENERGY, "M", 7), "M")
    session.bench = NoBench()
    outcomes = put_through(session)
    assert conforms(outcomes)
    assert {"C31", "C35", "C41", "C50", "C60"} < numbers(outcomes, Verdict.NOT_TRIED)
    assert {"C01", "C10", "C18", "C33", "C90"} < numbers(outcomes, Verdict.PASSED)


def test_a_meter_that_was_used_before_is_tested_all_the_same() -> None:
    meter = EmulatedOnStand(BY_ENERGY, "M", 7)
    put_through(session_with(meter, "M"))
    again = put_through(session_with(meter, "M"))
    assert numbers(again, Verdict.PASSED) == {check.number for check in checks_for("M")}


# Meters that are wrong ------------------------------------------------------------------------------------------------

WRONG: dict[str, tuple[Callable[[], Standing], set[str]]] = {
    "believes anybody": (lambda: bad.BelievesAnybody(BY_ENERGY), {"C15", "C16"}),
    "takes older states": (
        lambda: Sabotaged(BY_ENERGY, heard=bad.desired(lambda told: replace(told, revision=told.revision + 10))),
        {"C10", "C12"},
    ),
    "takes expired states": (
        lambda: Sabotaged(BY_ENERGY, heard=bad.desired(lambda told: replace(told, not_after_s=2**40))),
        {"C14"},
    ),
    "believes any time": (lambda: OfAnyComing(BY_ENERGY), {"C05"}),
    "gives 50 Wh more": (lambda: Sabotaged(BY_ENERGY, heard=bad.desired(bad.more)), {"C31", "C38"}),
    "gives an hour more": (lambda: Sabotaged(BY_ENERGY, heard=bad.desired(bad.later)), {"C34"}),
    "takes a cutoff for its own register": (
        lambda: Sabotaged(BY_ENERGY, heard=bad.desired(lambda told: replace(told, epoch=7))),
        {"C33"},
    ),
    "knows no power limit and takes it": (
        lambda: Sabotaged(BY_ENERGY, heard=bad.desired(lambda told: replace(told, power_limit_w=None))),
        {"C41"},
    ),
    "knows no day and takes it": (
        lambda: Sabotaged(BY_ENERGY, heard=bad.desired(lambda told: replace(told, daily_wh=None))),
        {"C43"},
    ),
    "knows no grace and takes it": (
        lambda: Sabotaged(BY_ENERGY, heard=bad.desired(lambda told: replace(told, fail=FailTerms()))),
        {"C44", "C45", "C46"},
    ),
    "reports a closed relay": (lambda: Sabotaged(BY_ENERGY, said=bad.always_closed), {"C13", "C31", "C34", "C39"}),
    "tells no event": (lambda: Sabotaged(BY_ENERGY, said=bad.no_events), {"C31", "C34", "C40", "C41"}),
    "numbers every event alike": (lambda: Sabotaged(BY_ENERGY, said=bad.one_number), {"C91"}),
    "says that it can do nothing": (lambda: Sabotaged(BY_ENERGY, said=bad.nothing_to_say), {"C01"}),
    "sends no row again": (lambda: Sabotaged(BY_ENERGY, heard=bad.no_rows_again), {"C51", "C52"}),
    "measures at any moment": (lambda: Sabotaged(BY_ENERGY, said=bad.rows_of_any_moment), {"C50"}),
    "saves nothing": (lambda: bad.Forgets(BY_ENERGY), {"C36", "C38", "C52"}),
    "loses its register": (lambda: bad.LosesItsRegister(BY_ENERGY), {"C38", "C91"}),
    "goes back in time": (lambda: bad.GoesBackInTime(BY_ENERGY), {"C07", "C08"}),
    "leaves no will": (lambda: bad.HasNoWill(BY_ENERGY), {"C35"}),
    "takes tokens twice": (lambda: bad.TakesTokensTwice(BY_ENERGY), {"C62", "C63", "C66"}),
}


class OfAnyComing(Sabotaged):
    """It takes the time told to another coming for its own."""

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity, heard=self._mine)

    def _mine(self, message: object) -> object:
        if not isinstance(message, Request) or message.kind != RequestKind.TIME:
            return message
        meter = self._meter.meter
        return replace(message, boot=meter.flash.boot, birth=meter.birth)


@pytest.mark.parametrize("what", WRONG)
def test_what_a_meter_does_wrong_is_found(what: str) -> None:
    made, expected = WRONG[what]
    outcomes = put_through(session_with(made(), "M"))
    assert not conforms(outcomes)
    assert expected <= numbers(outcomes, Verdict.FAILED)


def test_each_coming_has_a_number_of_its_own() -> None:
    session = session_with(bad.ComesAsBefore(BY_ENERGY), "M")
    assert numbers(put_through(session, ["C35", "C36"]), Verdict.FAILED) == {"C36"}


def test_bytes_in_another_form_are_no_answer() -> None:
    outcomes = put_through(session_with(bad.WritesItsOwnWay(BY_ENERGY), "M"), ["C03", "C90"])
    assert [each.verdict for each in outcomes] == [Verdict.FAILED, Verdict.FAILED]


def test_a_birth_that_is_not_retained_is_found() -> None:
    class Forgetful(Direct):
        def look_again(self) -> None:
            """Retain nothing."""

    session = session_with(EmulatedOnStand(BY_ENERGY, "M", 7), "M")
    session.line = Forgetful(EmulatedOnStand(BY_ENERGY, "M", 7))
    assert numbers(put_through(session, ["C01", "C02"]), Verdict.FAILED) == {"C02"}


def test_checks_are_numbered_once_and_each_says_what_it_requires() -> None:
    assert len({check.number for check in CHECKS}) == len(CHECKS)
    assert all(check.requires.endswith(".") and len(check.requires) > 20 for check in CHECKS)


class Mute(EmulatedOnStand):
    """A meter that says nothing after a while."""

    patience = 40

    def hear(self, kind: str, body: bytes) -> Said:
        self.patience -= 1
        return super().hear(kind, body) if self.patience > 0 else []


def test_when_a_meter_falls_silent_nothing_more_is_tried() -> None:
    outcomes = put_through(session_with(Mute(BY_ENERGY, "M", 7), "M"))
    failed = numbers(outcomes, Verdict.FAILED)
    assert len(failed) <= 2
    assert outcomes[-1].verdict is Verdict.NOT_TRIED
    assert outcomes[-1].why == "the meter does not answer any more"


class OnlyRetained(Direct):
    """A broker that retains a birth of long ago."""

    def publish(self, kind: str, body: bytes, *, retain: bool = False) -> None:
        """Reach nobody."""

    def next(self, wait_s: float) -> Arrived | None:
        found = super().next(wait_s)
        return found and replace(found, is_retained=True)


def test_when_nobody_is_there_the_first_check_says_so() -> None:
    session = session_with(EmulatedOnStand(BY_ENERGY, "M", 7), "M")
    session.line = NoLine()
    nobody = put_through(session)
    old = session_with(EmulatedOnStand(BY_ENERGY, "M", 7), "M")
    old.line = OnlyRetained(EmulatedOnStand(BY_ENERGY, "M", 7))
    outcomes = put_through(old)
    assert [each.why for each in outcomes] == [each.why for each in nobody]
    assert outcomes[0].verdict is Verdict.FAILED
    assert outcomes[0].why.startswith("nobody answered as M-104 of kisiju")
    assert {each.verdict for each in outcomes[1:]} == {Verdict.NOT_TRIED}


# The certificate ------------------------------------------------------------------------------------------------------


def test_the_certificate_shows_the_very_bytes_that_should_have_come() -> None:
    session = session_with(Sabotaged(BY_ENERGY, said=bad.always_closed), "M")
    certificate = Certificate(session, put_through(session, ["C13"]), "a test", "2026-03-02 12:00 UTC")
    told = json.loads(json.dumps(document(certificate)))
    (check,) = told["checks"]
    assert (told["conforms"], check["verdict"]) == (False, "failed")
    right = session_with(EmulatedOnStand(BY_ENERGY, "M", 7), "M")
    put_through(right, ["C13"])
    said = [entry.body.hex() for entry in right.trail if entry.kind == "reported"]
    assert check["expected"][0]["bytes"] == said[-1]
    assert {"from": "meter", "kind": "reported"}.items() <= check["messages"][-2].items()
    shown = page(certificate)
    assert said[-1] in shown
    assert "Does not conform to device protocol 1, profile M: 1 of 1 checks failed" in shown
    assert "on no, cutoff_wh none, until_s none" in shown
    assert "fail (grace_s 0, lifeline_w 0, lifeline_s 0, critical no, " in shown


def test_the_page_runs_nothing_and_shows_signs_as_they_are() -> None:
    session = session_with(EmulatedOnStand(BY_ENERGY, "S", 7), "S")
    shown = page(Certificate(session, put_through(session), "<script>alert(1)</script> & co", "2026-03-02 12:00 UTC"))
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "Conforms to device protocol 1, profile S" in shown
    assert shown.count("<tr>") == 48


def test_no_key_stands_on_a_certificate() -> None:
    session = session_with(Sabotaged(BY_ENERGY, said=bad.no_events), "M")
    certificate = Certificate(session, put_through(session), "a test", "2026-03-02 12:00 UTC")
    whole = json.dumps(document(certificate)) + page(certificate)
    assert all(key is not None and key.hex() not in whole for key in KEYS.slots)


# Benches and ways -----------------------------------------------------------------------------------------------------


def test_a_person_is_asked_until_the_answer_is_one() -> None:
    asked: list[str] = []
    answers = iter(["yes", " Closed "])

    def ask(wish: str) -> str:
        asked.append(wish)
        return next(answers)

    assert PersonBench(ask).do("600 60") == "closed"
    assert asked[0].startswith("put a load of 600 W on the meter and wait 60 s; then write open, closed")
    assert PersonBench(lambda _: "cannot").do("weld") == "cannot"


@contextmanager
def program(text: str) -> Iterator[ProgramBench]:
    bench = ProgramBench([sys.executable, "-c", text])
    try:
        yield bench
    finally:
        bench.end()


def test_a_program_on_the_bench_is_told_lines_and_answers_each() -> None:
    answering = "while True: print('closed' if input() == '600 60' else 'cannot', flush=True)"
    with program(f"print('open', flush=True)\n{answering}") as bench:
        assert [bench.greet(), bench.do("600 60"), bench.do("weld")] == ["open", "closed", "cannot"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print('maybe')", "said 'maybe'"),
        ("raise SystemExit(3)", "ended with|says nothing"),
        ("print('x' * 5000)", "said 'xxx"),
    ],
)
def test_a_program_that_says_something_else_is_no_bench(text: str, said: str) -> None:
    with program(text) as bench, pytest.raises(BenchError, match=said):
        bench.greet()


def test_a_program_that_is_not_there_cannot_be_started() -> None:
    with pytest.raises(BenchError, match="does not start"):
        ProgramBench(["/nowhere/bench"])


def test_a_carried_meter_is_reached_by_its_gateway() -> None:
    way = Way("kisiju", "M-104", "G-1")
    assert way.down("desired") == "mg/1/kisiju/gateway/G-1/M-104/desired"
    assert way.ups == ("mg/1/kisiju/gateway/G-1/up",)
    body = cbor2.dumps([["M-104", "reported", b"one"], ["M-105", "reported", b"two"], ["M-104", "event", b"three"]])
    assert way.read(way.ups[0], body) == [("reported", b"one"), ("event", b"three")]
    assert way.read(way.ups[0], b"\xff") == [("up", b"\xff")]


def test_a_check_that_is_not_there_is_said() -> None:
    with pytest.raises(ValueError, match="there is no check C99; there are C01"):
        checks_for("S", ["C99"])


def test_the_relay_of_a_report_is_read_back(library: ctypes.CDLL) -> None:
    meter = COnStand(CMeter(library, KEYS.slots, 7))
    session = session_with(meter, "S")
    put_through(session, ["C40"])
    assert session.state.relay is Relay.OPEN
    assert not meter.is_closed
