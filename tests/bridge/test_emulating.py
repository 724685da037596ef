"""`microgrid meters` and a meter in a process of its own, on a real broker."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import private_broker, raw_mqtt
from benchmarks.private_broker import Broker
from benchmarks.raw_desk import NOON_S, Desk
from device.identity import identities_of, line_of
from device.messages import Event, EventKind, Relay
from microgrid.__main__ import main
from tests.bridge.fleets import SITE, acl_of, identity

ROOT = Path(__file__).parents[2]
IDENTITIES = [identity(number) for number in range(1, 13)]
FAULTS = "at_s,meter,fault,for_s,amount\n"


@pytest.fixture
def broker() -> Iterator[Broker]:
    passwords = {each.username: each.password for each in IDENTITIES} | {"service": "open sesame"}
    with private_broker.broker(passwords, acl_of(IDENTITIES)) as found:
        if found is None:
            pytest.skip(f"NOT RUN ON A BROKER: no Mosquitto here; to run: {private_broker.HOW}")
        yield found


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys.jsonl"
    file.write_text("".join(f"{line_of(each)}\n" for each in IDENTITIES))
    return file


def test_meters_run_for_a_while_and_say_what_happened(
    broker: Broker, keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    words = ["meters", "--keys", str(keys), "--broker", broker.address, "--seconds", "1", "--speed", "3600"]
    assert main([*words, "--count", "10", "--folder", str(kept)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["meters"], told["comings"], told["refused"]) == ("microgrid.meters/1", 10, 10, 0)
    assert len(list(kept.glob("*.json"))) == 10
    assert main([*words, "--count", "10", "--folder", str(kept), "--radio", "2g", "--faults", "some"]) == 0
    assert json.loads((kept / "M-3.json").read_text())["boot"] >= 2


def test_homes_draw_what_a_scenario_says(broker: Broker, keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = ROOT / "configs" / "scenarios" / "kisiju.yaml"
    words = ["meters", "--keys", str(keys), "--broker", broker.address, "--seconds", "0.5", "--scenario", str(scenario)]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["comings"] == len(IDENTITIES)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--broker", "nowhere"], "MG-M112: 'nowhere' is no address of a broker"),
        (["--count", "13"], "MG-M112: 13 meters were asked for, the file of keys has 12"),
        (["--ca-file", "{wrong}"], "MG-M112: "),
        (["--faults", "{wrong}"], "MG-M110: the first line names the columns: at_s,meter,fault,for_s,amount"),
        (["--faults", "{missing}"], "MG-M110: it cannot be read"),
        (["--load", "{wrong}"], "MG-M111: the first line names the columns"),
        (["--load", "{wrong}", "--scenario", "{wrong}"], "MG-M112: loads come from a file or from a scenario"),
        (["--keys", "{wrong}"], "MG-M090: line 1: "),
        (["--keys", "{missing}"], "MG-M090: it cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_begins(
    words: list[str], told: str, keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wrong").write_text("wrong\n")
    named = [word.format(wrong=tmp_path / "wrong", missing=tmp_path / "missing") for word in words]
    assert main(["meters", "--keys", str(keys), *named]) == 2
    assert told in capsys.readouterr().err


def test_a_spoilt_saved_meter_is_named(keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "M-1.json").write_text("{}")
    assert main(["meters", "--keys", str(keys), "--folder", str(tmp_path)]) == 2
    assert "M-1.json: MG-M112: this is no saved meter" in capsys.readouterr().err


def test_a_meter_that_is_not_in_the_file_is_named(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["device", "simulate", "M-99", "--keys", str(keys)]) == 2
    assert "MG-M112: the file of keys has no meter 'M-99'; it has M-1, M-10" in capsys.readouterr().err


def test_too_many_meters_for_this_system_are_refused_with_the_remedy(
    keys: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (100, 100))
    assert main(["meters", "--keys", str(keys)]) == 3
    assert "MG-E080" in (told := capsys.readouterr().err)
    assert "ulimit -n 212" in told


def test_a_meter_alone_obeys_survives_kill_9_and_answers_its_bench(broker: Broker, keys: Path, tmp_path: Path) -> None:
    client = raw_mqtt.connected(broker.address, "service", "service", "open sesame")
    desk = Desk(
        SITE, {each.plate.meter: each.plate.keys for each in identities_of(keys.read_text().splitlines())}, client
    )
    place = [str(word) for word in ("--keys", keys, "--broker", broker.address, "--folder", tmp_path / "kept")]
    alone = [sys.executable, "-m", "device.run", "--meter", "M-5", *place]
    with_service = [sys.executable, "-m", "microgrid", "device", "simulate", "M-5", *place]

    def started(command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def told(running: subprocess.Popen[str], line: str) -> str:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(f"{line}\n")
        running.stdin.flush()
        return running.stdout.readline().strip()

    with started(alone) as running:
        while not desk.births:
            desk.turn(10.0)
        while "M-5" not in desk.reported:
            desk.turn(10.0)  # it says that it was told the time
        desk.want("M-5", 1)
        while not desk.has_obeyed("M-5"):
            desk.turn(10.0)
        assert told(running, "100") == "closed"
        running.kill()
    with started(with_service) as running:
        assert told(running, "100") == "closed"  # it holds what it was told, with nobody to ask
        assert told(running, "weld") == "closed"
        desk.want("M-5", 2, on=False)
        while desk.reported["M-5"].revision != 2:
            desk.turn(10.0)
        assert desk.reported["M-5"].relay == Relay.CLOSED
        kinds = [each.kind for each in desk.said["M-5"] if isinstance(each, Event)]
        assert EventKind.RELAY_DISAGREES in kinds
        assert told(running, "type 123456789") == "wrong"
        assert running.stdin is not None
        running.stdin.close()
        assert running.wait(60) == 0
    while desk.links["M-5"].here:
        desk.turn(10.0)
    assert desk.second == NOON_S
    client.link.close()
