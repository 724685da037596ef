"""A maker of meters reads the protocol and single messages on the command line."""

from __future__ import annotations

import json

import pytest

from device.codec import encode
from device.signing import MeterKeys, sealed, topic
from microgrid.__main__ import main
from tests.meter.bench import KEYS, wanted

Captured = pytest.CaptureFixture[str]
KEY = bytes(range(32)).hex()
MESSAGE = sealed(encode(wanted(7)), KEYS, topic("kisiju", "M-104", "desired")).hex()
PLACE = ["--kind", "desired", "--site", "kisiju", "--meter", "M-104"]


def test_the_form_of_every_message_is_printed(capsys: Captured) -> None:
    assert main(["device", "protocol", "--print"]) == 0
    assert "desired = {" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "code", "proven"),
    [([], 0, None), (["--key", KEY], 0, True), (["--key", "00" * 32], 1, False)],
)
def test_a_message_is_told_in_words_with_its_proof(
    capsys: Captured, typed: list[str], code: int, proven: bool | None
) -> None:
    assert main(["device", "decode", MESSAGE, *PLACE, *typed]) == code
    told = json.loads(capsys.readouterr().out)
    assert (told["message"]["revision"], told["message"]["cutoff_wh"], told["proven"]) == (7, 1000, proven)


def test_a_message_with_a_short_proof_or_the_other_slot_is_read_too(capsys: Captured) -> None:
    keys = MeterKeys((None, bytes(range(32))), 1, 8)
    body = sealed(encode(wanted(7)), keys, topic("kisiju", "M-104", "desired")).hex()
    assert main(["device", "decode", body, *PLACE, "--key", KEY]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["key_slot"], told["proven"]) == (1, True)


@pytest.mark.parametrize(
    ("message", "kind", "said"),
    [("zz", "wish", "hexadecimal"), ("00ff", "desired", "no message"), (MESSAGE, "event", "no message")],
)
def test_what_is_no_message_is_told(capsys: Captured, message: str, kind: str, said: str) -> None:
    assert main(["device", "decode", message, "--kind", kind]) == 2
    told = capsys.readouterr().err
    assert "MG-M100" in told
    assert said in told
