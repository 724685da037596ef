"""One connection to a broker: encrypted, acknowledged after the work, bounded, and back by itself."""

from __future__ import annotations

import gc
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from benchmarks import private_broker
from benchmarks.private_broker import Broker
from microgrid.bridge.carrier import Arrived
from microgrid.bridge.certificates import make_authority, make_certificate
from microgrid.bridge.link import MOST_OUT, BrokerAccess, Hearing, MqttLink, Tls
from microgrid.clock import stopwatch
from tests.bridge.visitors import HOST, NOW, Client, Place, make_place

ABOUT = "mg/1/kisiju/M-1/reported"
WAIT_S = 20.0


class Heard:
    """What came over a connection, each not yet done with."""

    def __init__(self) -> None:
        self.all: list[Arrived] = []
        self.came = Event()

    def put(self, arrived: Arrived) -> None:
        self.all.append(arrived)
        self.came.set()

    def wait(self, count: int) -> None:
        wait(lambda: len(self.all) >= count)


def wait(until: Callable[[], bool]) -> None:
    """Wait until something is so."""
    took_s, pause = stopwatch(), Event()
    while not until():
        assert took_s() < WAIT_S
        pause.wait(0.01)


@pytest.fixture
def broker() -> Iterator[Broker]:
    with private_broker.broker() as made:
        if made is None:
            pytest.skip(f"NOT RUN: no Mosquitto here; to run: {private_broker.HOW}")
        yield made


@pytest.fixture
def secure() -> Iterator[Place]:
    yield from make_place(secure=True, certificates=True)


def access(broker: Broker, **other: object) -> BrokerAccess:
    return BrokerAccess(HOST, broker.port, "bridge", **other)  # type: ignore[arg-type]  # the test names fields


@pytest.mark.parametrize("version", [4, 5])
def test_what_was_not_acknowledged_comes_again(broker: Broker, version: int) -> None:
    first, second = Heard(), Heard()
    link = MqttLink(access(broker, version=version), Hearing((ABOUT,), first.put))
    link.start()
    wait(lambda: link.is_up)
    meter = Client("", "", broker.port).come()
    for body in (b"1", b"2", b"3"):
        meter.say(ABOUT, body)
    first.wait(3)
    first.all[0].done()
    link.stop()
    again = MqttLink(access(broker, version=version), Hearing((ABOUT,), second.put))
    again.start()
    second.wait(2)
    assert [arrived.body for arrived in second.all] == [b"2", b"3"]
    again.stop()
    meter.go()


def test_a_word_on_a_message_of_an_earlier_connection_is_not_sent(broker: Broker) -> None:
    heard = Heard()
    link = MqttLink(access(broker), Hearing((ABOUT,), heard.put))
    link.start()
    wait(lambda: link.is_up)
    meter = Client("", "", broker.port).come()
    meter.say(ABOUT, b"1")
    heard.wait(1)
    broker.kill()
    broker.start()
    wait(lambda: link.is_up)
    heard.all[0].done()  # its number may be that of another message by now
    meter.go()
    link.stop()


def test_nothing_is_taken_while_there_is_no_broker_and_no_more_than_there_is_room_for(broker: Broker) -> None:
    link = MqttLink(access(broker), Hearing((), Heard().put))
    taken: list[int] = []
    assert not link.publish(ABOUT, b"x", retain=True)
    link.start()
    wait(lambda: link.is_up)
    broker.freeze()
    sent = sum(link.publish(ABOUT, b"x", retain=False, taken=lambda: taken.append(1)) for _ in range(MOST_OUT + 200))
    assert 0 < sent <= MOST_OUT
    broker.thaw()
    wait(lambda: len(taken) == sent)
    assert link.publish(ABOUT, b"x", retain=False)
    link.stop()


# The library forgets a connection whose handshake failed, without closing it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_connection_is_encrypted_and_proves_who_we_are(
    secure: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert secure.authority is not None
    made = make_certificate(secure.authority, "M-1", [], NOW)
    for name, content in (
        ("ca.crt", secure.authority.certificate),
        ("me.crt", made.certificate),
        ("me.key", made.key),
        ("other.crt", make_authority("elsewhere", NOW).certificate),
    ):
        (tmp_path / name).write_bytes(content)
    heard, order = Heard(), "mg/1/kisiju/M-1/desired"
    proven = Tls(tmp_path / "ca.crt", tmp_path / "me.crt", tmp_path / "me.key")
    known = BrokerAccess(HOST, secure.listening.port, "M-1", "M-1", "M-1!", proven)
    link = MqttLink(known, Hearing((order,), heard.put))
    link.start()
    wait(lambda: link.is_up)
    service = secure.service()
    service.say(order, b"be on", retain=True)
    heard.wait(1)
    assert [arrived.body for arrived in heard.all] == [b"be on"]
    link.stop()
    for tls in (Tls(tmp_path / "other.crt", tmp_path / "me.crt", tmp_path / "me.key"), Tls(tmp_path / "ca.crt")):
        stranger = MqttLink(BrokerAccess(HOST, known.port, "M-1", "M-1", "M-1!", tls), Hearing((order,), heard.put))
        stranger.start()
        wait(lambda: bool(caplog.records))
        assert not stranger.is_up
        stranger.stop()
        gc.collect()
        assert any(word in caplog.text for word in ("CERTIFICATE_VERIFY_FAILED", "lost the broker", "cannot reach"))
        caplog.clear()
    with pytest.raises(ssl.SSLError):
        MqttLink(BrokerAccess(HOST, known.port, "x", tls=Tls(tmp_path / "me.key")), Hearing((), heard.put))


def test_a_wrong_password_is_said_once(secure: Place, caplog: pytest.LogCaptureFixture) -> None:
    link = MqttLink(
        BrokerAccess(HOST, secure.listening.service_port, "service", "service", "wrong"), Hearing((), Heard().put)
    )
    link.start()
    wait(lambda: any("refuses us" in record.message for record in caplog.records))
    assert not link.is_up
    assert not any("wrong" in record.message for record in caplog.records)
    link.stop()
