"""The files we write for Mosquitto, proven on a real one: who comes, what each may say and hear, what a change does."""

from __future__ import annotations

import base64
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks import private_broker
from microgrid.bridge import broker
from microgrid.bridge.broker import Listening, password_hash
from microgrid.bridge.broker_folder import BrokerFolder
from microgrid.bridge.certificates import hosts_of, is_due, make_authority, make_certificate
from microgrid.errors import InvalidInput
from tests.bridge.visitors import HOST, NOW, PEOPLE, SALT, WORD, Place, make_place, user

WELCOME = "answered"
CONNECT = b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03M-1"


def knocks(gate: Place, tls: ssl.SSLContext | None) -> str:
    """Come to the broker without a name, and return whether it speaks MQTT with us, or why not."""
    try:
        with socket.create_connection((HOST, gate.listening.port), 5) as plain:
            talking = plain if tls is None else tls.wrap_socket(plain, server_hostname=HOST)
            with talking:
                talking.sendall(CONNECT)
                return WELCOME if talking.recv(1) == b"\x20" else "closed"
    except OSError as error:
        return str(error).lower()


@pytest.fixture
def gate() -> Iterator[Place]:
    """Return a broker without TLS, for tests of who may do what."""
    yield from make_place()


@pytest.fixture
def sealed_gate() -> Iterator[Place]:
    """Return a broker with TLS."""
    yield from make_place(secure=True)


@pytest.fixture
def strict_gate() -> Iterator[Place]:
    """Return a broker that asks everybody for a certificate."""
    yield from make_place(secure=True, certificates=True)


def test_a_password_is_hashed_as_mosquitto_does_it(tmp_path: Path) -> None:
    hashing = shutil.which("mosquitto_passwd")
    if hashing is None:
        pytest.skip(f"NOT RUN: no mosquitto_passwd here; to run: {private_broker.HOW}")
    listed = tmp_path / "passwords"
    listed.write_text("M-1:tango münü\n", encoding="utf-8")
    subprocess.run([hashing, "-U", str(listed)], check=True, capture_output=True)
    hashed = listed.read_text("utf-8").strip().partition(":")[2]
    salt = base64.b64decode(hashed.split("$")[3])
    assert password_hash("tango münü", salt) == hashed


def test_nobody_comes_without_a_right_name_and_password(gate: Place) -> None:
    assert gate.client("M-1").state == "here"
    assert gate.client("M-1", "wrong").state == "refused"
    assert gate.client("M-9").state == "refused"
    assert gate.client("service", "wrong").state == "refused"
    assert gate.client("", client_id="nobody").state == "refused"
    assert gate.service().state == "here"


def test_a_meter_speaks_and_hears_for_itself_alone(gate: Place) -> None:
    service = gate.service().listen("mg/1/#", "#")
    meter, neighbour = gate.client("M-1"), gate.client("M-2").listen("#", "mg/1/+/+/desired")
    for kind in broker.HEARD:
        meter.say(f"mg/1/kisiju/M-1/{kind}")
    for site, name in (("kisiju", "M-2"), ("gulu", "M-1"), ("gulu", "G-1"), ("kisiju", "gateway/box-1")):
        for kind in (*broker.HEARD, *broker.TOLD, "up"):
            meter.say(f"mg/1/{site}/{name}/{kind}")
    meter.say("mg/1/kisiju/M-1/desired")
    meter.say("mg/1/kisiju/M-1/else")
    gate.client("box-1").say("mg/1/kisiju/gateway/box-1/up", b"last")
    assert service.wait(lambda: b"last" in dict.fromkeys(body for _, body in service.heard))
    heard = {topic for topic, _ in service.heard}
    assert heard == {f"mg/1/kisiju/M-1/{kind}" for kind in broker.HEARD} | {"mg/1/kisiju/gateway/box-1/up"}
    assert neighbour.heard == []


def test_the_service_tells_each_its_own(gate: Place) -> None:
    meter, neighbour = gate.client("M-1").listen("mg/1/kisiju/M-1/desired"), gate.client("M-2").listen("mg/1/#")
    stranger, box = gate.client("G-1").listen("mg/1/#"), gate.client("box-1").listen("mg/1/#")
    service = gate.service()
    service.say("mg/1/kisiju/M-1/desired", b"one", retain=True)
    service.say("mg/1/kisiju/gateway/box-1/M-7/desired", b"carried")
    service.say("mg/1/gulu/G-1/request", b"two")
    service.say("mg/1/kisiju/M-2/desired", b"three")
    assert stranger.wait(lambda: stranger.heard == [("mg/1/gulu/G-1/request", b"two")])
    assert neighbour.wait(lambda: neighbour.heard == [("mg/1/kisiju/M-2/desired", b"three")])
    assert box.wait(lambda: box.heard == [("mg/1/kisiju/gateway/box-1/M-7/desired", b"carried")])
    assert meter.heard == [("mg/1/kisiju/M-1/desired", b"one")]


def test_nobody_pushes_out_another_by_its_client_id(gate: Place) -> None:
    meter = gate.client("M-1", client_id="M-1")
    gate.client("M-2", client_id="M-1").say("mg/1/kisiju/M-2/link")
    meter.say("mg/1/kisiju/M-1/link")
    assert meter.state == "here"
    twin = gate.client("M-1", client_id="somebody else")
    assert meter.wait(lambda: meter.state == "gone")
    assert twin.state == "here"
    one, two = gate.service("part 1"), gate.service("part 2")
    one.say("mg/1/kisiju/M-1/desired")
    two.say("mg/1/kisiju/M-1/desired")
    assert (one.state, two.state) == ("here", "here")


def test_a_device_that_is_taken_off_the_list_is_put_out_and_a_new_one_comes(gate: Place) -> None:
    meter, neighbour = gate.client("M-1"), gate.client("M-2")
    assert gate.client("M-3").state == "refused"
    assert gate.folder.write_users([one for one in PEOPLE if one.id != "M-1"] + [user("M-3")])
    assert gate.folder.reload()
    assert meter.wait(lambda: meter.state == "gone")
    assert gate.client("M-1").state == "refused"
    assert gate.client("M-3").state == "here"
    neighbour.say("mg/1/kisiju/M-2/link")
    assert neighbour.state == "here"


def test_an_unchanged_list_is_not_written_and_a_broker_that_is_gone_is_not_told(gate: Place) -> None:
    assert not gate.folder.write_users(PEOPLE)
    gate.running.stop()
    assert not gate.folder.reload()
    number = gate.folder.place / broker.STATE / broker.NUMBER
    number.write_text("1", encoding="ascii")  # somebody else has the number now
    assert not gate.folder.reload()
    number.unlink()
    gate.running.start()
    assert gate.client("M-1").state == "here"


def test_what_was_told_last_outlives_the_broker(gate: Place) -> None:
    gate.service().say("mg/1/kisiju/M-1/desired", b"one", retain=True)
    gate.running.stop()
    gate.running.start()
    meter = gate.client("M-1").listen("mg/1/kisiju/M-1/desired")
    assert meter.wait(lambda: meter.heard == [("mg/1/kisiju/M-1/desired", b"one")])


def test_devices_come_by_tls_and_know_the_broker(sealed_gate: Place) -> None:
    assert sealed_gate.client("M-1", tls=sealed_gate.trusting()).state == "here"
    assert knocks(sealed_gate, sealed_gate.trusting()) == WELCOME
    assert "certificate verify failed" in knocks(sealed_gate, sealed_gate.trusting(make_authority("another", NOW)))
    assert knocks(sealed_gate, None) != WELCOME
    assert sealed_gate.service().state == "here"


def test_a_certificate_is_renewed_while_the_broker_runs(sealed_gate: Place) -> None:
    authority = sealed_gate.folder.authority()
    assert authority is not None
    assert sealed_gate.authority is not None
    assert authority == sealed_gate.authority
    before = sealed_gate.folder.certificate()
    assert before is not None
    assert hosts_of(before) == (HOST, "localhost")
    assert not is_due(before, NOW)
    assert is_due(before, NOW + timedelta(days=700))
    connected = sealed_gate.client("M-1", tls=sealed_gate.trusting())
    sealed_gate.folder.write_certificate(make_certificate(authority, "broker", hosts_of(before), NOW))
    assert sealed_gate.folder.reload()
    fresh = sealed_gate.folder.certificate()
    assert fresh is not None
    shown = ssl.get_server_certificate((HOST, sealed_gate.listening.port))
    while shown.encode().strip() == before.strip():
        shown = ssl.get_server_certificate((HOST, sealed_gate.listening.port))
    assert shown.encode().strip() == fresh.strip()
    connected.say("mg/1/kisiju/M-1/link")


def test_a_strict_broker_asks_everybody_for_a_certificate(strict_gate: Place) -> None:
    authority = strict_gate.authority
    assert authority is not None
    certificate, key = strict_gate.folder.write_client("M-1", make_certificate(authority, "M-1", (), NOW))
    showing = strict_gate.trusting()
    showing.load_cert_chain(certificate, key)
    assert strict_gate.client("M-1", tls=showing).state == "here"
    assert strict_gate.client("M-2", "wrong", tls=showing).state == "refused"  # a certificate alone does not do
    assert knocks(strict_gate, showing) == WELCOME
    assert knocks(strict_gate, strict_gate.trusting()) != WELCOME


def test_secrets_lie_where_the_broker_cannot_read_them(tmp_path: Path) -> None:
    folder = BrokerFolder(tmp_path / "broker", tmp_path / "broker-keys")
    was_made = folder.is_made
    folder.make(WORD, Listening(8883, 1884))
    folder.write_authority(make_authority("Kisiju", NOW))
    folder.write_users(PEOPLE)
    assert (was_made, folder.is_made) == (False, True)
    assert (folder.secrets.stat().st_mode & 0o777, folder.place.stat().st_mode & 0o007) == (0o700, 0)
    for path in (folder.secrets / "ca.key", folder.secrets / "service.password"):
        assert path.stat().st_mode & 0o777 == 0o600
    for path in folder.place.iterdir():
        assert path.stat().st_mode & 0o007 == 0
        assert b"PRIVATE KEY" not in (path.read_bytes() if path.is_file() else b"")
    assert WORD.encode() not in (folder.place / "passwords").read_bytes()
    folder.make("another word", Listening(8884, 1884))  # made again: other ports, the same word
    assert folder.service_password == WORD
    assert "listener 8884\n" in (folder.place / "mosquitto.conf").read_text("utf-8")


def test_a_folder_that_cannot_stand_in_the_settings_is_refused(tmp_path: Path) -> None:
    for name in ("a\nallow_anonymous true", "blank "):
        with pytest.raises(InvalidInput, match="MG-M077"):
            broker.settings(tmp_path / name, Listening(8883, 1884))


def test_the_settings_of_tls_stand_only_where_it_is_asked_for(tmp_path: Path) -> None:
    asked = Listening(8883, 1884)
    assert "certfile" in broker.settings(tmp_path, asked)
    assert "certfile" not in broker.settings(tmp_path, replace(asked, secure=False))
    assert "require_certificate true" in broker.settings(tmp_path, replace(asked, certificates=True))
    assert "user mosquitto" in broker.settings(tmp_path, asked, "mosquitto")
    assert password_hash("x", SALT) != password_hash("x", SALT[::-1])
