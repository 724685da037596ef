"""`microgrid meter` and `microgrid broker` at the keyboard, with a service beside that shares the books alone."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import private_broker
from benchmarks.private_broker import Broker
from microgrid.bridge.certificates import ends_at, hosts_of
from microgrid.bridge.in_step import keep_in_step
from microgrid.cli.broker_desk import folder_of
from microgrid.cli.serving import open_core
from tests.api.test_control_commands import Captured, Desk
from tests.bridge.service_beside import at_work, make_service, settle_in
from tests.bridge.visitors import Client, free_ports

METER = "M-K-104"
WORDS = "one two three four"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that the broker's own user can enter."""
    made = Path(tempfile.mkdtemp(prefix="microgrid-desk-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def desk(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Desk:
    """Return a keyboard in a folder with one home."""
    (folder / "organisation.yaml").write_text("database: books.db\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MICROGRID_FACTORY_PASSPHRASE", WORDS)
    made = Desk(monkeypatch, capsys)
    made.sit("asha")
    made.type("db", "upgrade")
    made.type("db", "new-key")
    settle_in(folder)
    return made


def test_an_operator_turns_a_meter_off_and_sees_each_step(desk: Desk, folder: Path) -> None:
    desk.type("meter", "add", METER, "--site", "kisiju")
    service = make_service(folder)
    radio = service.switch_on(desk.type("meter", "keys", METER))
    radio.come()
    with at_work(service):
        told = desk.type("meter", "off", METER, "--reason", "tamper check", "--wait", "30s")
        steps = [line.split()[0] for line in told.splitlines()]
        assert steps == ["asked", "sent", "confirmed"]
        assert re.search(rf"confirmed +\d\d:\d\d:\d\d\.\d\d\d +meter {METER} says OFF, 1\.0 kWh +\d+\.\d\d s", told)
        answer = desk.get("meter", "release", METER, "--reason", "done", "--wait", "30s", "--json")
        assert (answer["progress"]["state"], answer["progress"]["is_on"]) == ("confirmed", True)
        asked = desk.get("meter", "ask", METER, "--wait", "30s", "--json")
        assert asked["answered"] is True
        assert "answered" in desk.type("meter", "ask", METER, "--time", "--wait", "30s")
    shown = desk.type("meter", "show", METER)
    assert "keys       issued" in shown
    assert "confirmed" in desk.type("meter", "list", "--site", "kisiju")
    assert desk.get("meter", "list", "--unconfirmed", "--json")["meters"] == []


def test_an_order_stands_while_nobody_answers(desk: Desk, folder: Path) -> None:
    desk.type("meter", "add", METER, "--site", "kisiju")
    told = desk.type("meter", "off", METER, "--reason", "tamper check", "--wait", "0s", exit_code=1)
    assert "the meter was never heard; the order stands; it will switch off when heard" in told
    assert f"Follow:  microgrid meter show {METER}" in desk.told
    desk.type("meter", "limit", METER, "200", "--reason", "weak line")
    assert "at most 200 W" in desk.type("meter", "show", METER)
    service = make_service(folder)
    desk.type("meter", "ask", METER, "--wait", "0", exit_code=1)
    with at_work(service):
        radio = service.switch_on(desk.type("meter", "keys", METER))
        radio.come()
        desk.type("meter", "ask", METER, "--wait", "30s")
    assert radio.device.closed


def test_only_trying_tells_nobody_anything(desk: Desk) -> None:
    told = desk.type("meter", "off", METER, "--reason", "?", "--dry-run")
    assert told.splitlines()[0].startswith("told now   ON, until its register shows")
    assert told.splitlines()[1] == "then       OFF"
    assert "nothing was written or sent" in desk.told
    tried = desk.get("meter", "on", METER, "--reason", "?", "--dry-run", "--json")
    assert tried["then"]["supply"]["cutoff_wh"] is None
    desk.type("meter", "off", METER, "--reason", " ", exit_code=2)
    assert "MG-M011" in desk.told
    desk.type("meter", "off", METER, "--reason", "x", "--wait", "soon", exit_code=2)
    assert "MG-M043" in desk.told
    desk.type("customer", "show", "c-K-104")
    assert desk.type("meter", "show", METER).count("ON, until") == 1


def test_a_meter_is_swapped_in_one_step(desk: Desk) -> None:
    desk.type("meter", "add", "M-2", "--site", "kisiju")
    registers = ("--last-register-wh", "1200", "--first-register-wh", "7")
    assert desk.get("meter", "swap", METER, "M-2", *registers, "--dry-run")["written"] is False
    fit = desk.get("meter", "swap", METER, "M-2", *registers)["fit"]
    assert (fit["connection_id"], fit["first_register_wh"], fit["epoch"]) == ("p-K-104", 7, 1)
    desk.type("meter", "swap", METER, "M-2", *registers, exit_code=2)
    assert "MG-M079" in desk.told
    desk.type("db", "verify")


def test_secrets_go_to_a_factory_sealed_and_are_claimed_by_label(desk: Desk, folder: Path) -> None:
    added = desk.get("meter", "add", "M-2", "--site", "kisiju", "--fitted", "--factory", "to.json")
    codes = {told["meter"]: told["claim"] for told in added["meters"]}
    assert sorted(codes) == ["M-2", METER]
    assert (folder / "to.json").stat().st_mode & 0o777 == 0o600
    opened = [json.loads(line) for line in desk.type("meter", "open-file", "to.json").splitlines()]
    assert {told["meter"]: told["claim"] for told in opened} == codes
    desk.type("meter", "keys", "M-2", exit_code=2)
    assert "MG-M072" in desk.told
    desk.type("meter", "keys", "--site", "kisiju", exit_code=2)
    desk.type("meter", "add", "M-3", "--site", "kisiju", "--factory", "to.json", exit_code=2)
    assert "MG-U005" in desk.told
    assert desk.get("meter", "claim", codes["M-2"])["meter"] == "M-2"
    desk.sit("ben")
    desk.type("meter", "claim", codes["M-2"], exit_code=2)
    assert "MG-M074" in desk.told
    given = json.loads(desk.type("meter", "renew", "M-2", "--password"))
    assert (given["keys"][0], given["username"], len(given["keys"][1])) == (None, "M-2", 64)
    desk.type("meter", "drop-key", "M-2", exit_code=2)
    assert "MG-M075" in desk.told


def test_a_factory_file_needs_a_passphrase(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRID_FACTORY_PASSPHRASE", "short")
    desk.type("meter", "add", "M-2", "--site", "kisiju", "--factory", "to.json", exit_code=2)
    assert "MG-M082" in desk.told
    monkeypatch.setenv("MICROGRID_FACTORY_PASSPHRASE", WORDS)
    desk.type("meter", "open-file", "to.json", exit_code=2)
    assert "MG-M081" in desk.told
    desk.type("meter", "add", "--site", "kisiju", exit_code=2)
    assert "MG-M060" in desk.told


def test_models_are_added_and_listed(desk: Desk) -> None:
    desk.type("meter", "model", "add", "sleeper", "--profile", "S", "--expected-contact-s", "86400")
    assert [one["id"] for one in desk.get("meter", "model", "list")["models"]] == ["sleeper"]
    desk.type("meter", "add", "M-2", "--site", "kisiju", "--model", "sleeper")
    assert "profile S  sleeper" in desk.type("meter", "show", "M-2")
    assert "expected every 1 d" in desk.type("meter", "show", "M-2")


def test_a_broker_is_made_and_kept_in_step_with_the_meters(desk: Desk, folder: Path) -> None:
    if private_broker.program() is None:
        pytest.skip(f"NOT RUN: no Mosquitto here; to run: {private_broker.HOW}")
    port, service_port = free_ports(2)
    ports = ("--port", str(port), "--service-port", str(service_port))
    made = desk.type("broker", "init", "--no-tls", *ports)
    assert made.splitlines() == [
        "broker:",
        f"  port: {service_port}",
        "  username: service",
        "  password_file: broker-keys/service.password",
    ]
    assert "mosquitto -c" in desk.told
    ours = folder_of(folder)
    running = Broker(ours.place, port)
    running.start()
    try:
        desk.type("meter", "add", METER, "--site", "kisiju")
        password = json.loads(desk.type("meter", "keys", METER))["password"]
        meter = Client(METER, password, port).come()
        assert meter.state == "here"
        service = Client("service", ours.service_password, service_port).come()
        assert service.state == "here"
        gateway = desk.get("broker", "gateway", "box-1", "--site", "kisiju")
        box = Client("box-1", gateway["password"], port).come()
        assert box.state == "here"
        desk.type("meter", "revoke", METER, "--reason", "stolen")
        assert meter.wait(lambda: meter.state == "gone")
        for one in (meter, service, box):
            one.go()
    finally:
        running.kill()
    (ours.place / "acl").write_text("", encoding="utf-8")
    desk.type("broker", "sync")
    assert "user box-1" in (ours.place / "acl").read_text("utf-8")


def test_a_broker_with_tls_keeps_its_authority_and_renews_in_time(desk: Desk, folder: Path) -> None:
    desk.type("broker", "init", exit_code=2)
    assert "MG-M084" in desk.told
    desk.type("broker", "init", "--host", "10.0.0.2", "--host", "broker.example.org")
    ours, core = folder_of(folder), open_core(folder)
    first, shown = ours.authority(), ours.certificate()
    assert first is not None
    assert shown is not None
    assert hosts_of(shown) == ("10.0.0.2", "broker.example.org")
    desk.type("broker", "init", "--host", "10.0.0.3", "--certificates")
    assert ours.authority() == first
    assert not keep_in_step(core, ours)
    certificate = desk.get("broker", "certificate", METER)
    assert Path(certificate["key"]).stat().st_mode & 0o777 == 0o600
    assert ends_at(Path(certificate["certificate"]).read_bytes()) > core.clock.now()
    for name in ("server", "a/b"):
        desk.type("broker", "certificate", name, exit_code=2)
    for wrong in (("--no-tls", "--certificates"), ("--host", "x", "--port", "1884")):
        desk.type("broker", "init", *wrong, exit_code=2)
        assert "MG-M084" in desk.told


def test_without_a_broker_there_is_nothing_to_keep_in_step(desk: Desk) -> None:
    desk.type("broker", "sync", exit_code=2)
    assert "MG-M083" in desk.told
    desk.type("meter", "add", METER, "--site", "kisiju")
