"""The vectors for makers of meters hold: for our meter, for both clients to copy from, and for other people's COSE."""

from __future__ import annotations

import ctypes
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest

from device import vectors
from device.codec import decode
from device.signing import MeterKeys, opened, topic
from tests.meter.c_meter import built
from tests.meter.makers import InC, Ours, Player, Small, happening, keys_of

FILE = Path(__file__).parents[2] / "docs" / "reference" / "device-vectors.json"
FOUND: dict[str, Any] = json.loads(FILE.read_text())
STATES: dict[str, Any] = FOUND["states"]
VECTORS: list[dict[str, Any]] = FOUND["vectors"]
CDDL = Path(vectors.__file__).with_name("protocol.cddl").read_text()
TO_RUN = "NOT RUN: it is not installed here; to run: .venv/bin/python -m pip install pycose pycddl"

named = pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    found = built(tmp_path_factory.mktemp("c99"))
    if found is None:
        pytest.skip("NOT RUN: no C compiler here; to run: apt-get install -y --no-install-recommends gcc libc6-dev")
    return found


def test_the_file_is_what_the_generator_writes() -> None:
    assert FILE.read_text() == vectors.text()


def test_the_example_on_the_page_is_the_first_vector() -> None:
    page = FILE.with_name("device-protocol.md").read_text()
    shown = re.sub(r"\s", "", page)
    first = VECTORS[0]
    for bytes_shown in (STATES[first["state"]]["keys"][0], first["message"], first["effect"]["says"][0]["message"]):
        assert bytes_shown in shown


def test_there_are_enough_and_half_of_them_are_refused() -> None:
    refused = [vector for vector in VECTORS if not vector["is_taken"]]
    assert len(VECTORS) >= 40
    assert len(refused) * 2 >= len(VECTORS)
    assert len({vector["what"] for vector in VECTORS}) == len(VECTORS)


def play(player: Player, vector: dict[str, Any]) -> list[tuple[str, bytes]]:
    """Bring a meter into the state before, let it hear the message, and return what it says."""
    for step in STATES[vector["state"]]["steps"][1:]:
        player.let(happening(step))
    assert player.is_closed() == (STATES[vector["state"]]["stands"]["relay"] == "closed")
    before = len(player.said())
    kind = vector["topic"].rsplit("/", 1)[1]
    player.let(happening({"do": "hear", "kind": kind, "message": vector["message"]}))
    assert player.is_closed() == (vector["effect"]["relay"] == "closed")
    return player.said()[before:]


def expected(vector: dict[str, Any]) -> list[tuple[str, bytes]]:
    return [(each["kind"], bytes.fromhex(each["message"])) for each in vector["effect"]["says"]]


@named
def test_our_meter_does_as_the_file_says(vector: dict[str, Any]) -> None:
    player = Ours(STATES[vector["state"]])
    assert play(player, vector) == expected(vector)
    held, clock_s = player.stand.meter.flash.revision, player.stand.meter.now_s
    assert (held, clock_s) == (vector["effect"]["revision"], vector["effect"]["clock_s"])
    if not vector["is_taken"]:
        stands = STATES[vector["state"]]["stands"]
        assert {name: vector["effect"][name] for name in ("relay", "revision", "clock_s")} == {
            name: stands[name] for name in ("relay", "revision", "clock_s")
        }


@named
def test_the_meter_in_c_does_as_the_file_says(library: ctypes.CDLL, vector: dict[str, Any]) -> None:
    if {"rows", "keypad", "two keys", "short proof"} & set(vector["needs"]):
        return  # profile S with one key
    player = InC(STATES[vector["state"]], library)
    assert play(player, vector) == expected(vector)
    player.meter.free()


@named
def test_the_small_meter_does_as_the_file_says(vector: dict[str, Any]) -> None:
    if {"rows", "keypad", "two keys", "short proof"} & set(vector["needs"]):
        return
    player = Small(STATES[vector["state"]])
    if not vector["needs"]:
        assert play(player, vector) == expected(vector)
        return
    before = STATES[vector["state"]]["stands"]["relay"]
    vector = {**vector, "effect": {**vector["effect"], "relay": before}}
    (kind, body), *others = play(player, vector)  # it says that it cannot
    about = topic("kisiju", "M-104", "reported")
    said = decode(kind, opened(body, keys_of(STATES[vector["state"]]), about))
    assert (others, getattr(said, "result", None)) == ([], 6)


# Other people's COSE and CDDL -----------------------------------------------------------------------------------------


def messages() -> Iterator[tuple[str, MeterKeys, str, bytes]]:
    """Yield every message of the file that is proven for where it goes: its name, keys, topic and bytes."""
    for vector in VECTORS:
        keys = keys_of(STATES[vector["state"]])
        if vector["effect"]["result"] != "not proven" and vector["what"] not in FOREIGN:
            yield vector["what"], keys, vector["topic"], bytes.fromhex(vector["message"])
        site_and_meter = vector["topic"].rsplit("/", 1)[0]
        for each in vector["effect"]["says"]:
            yield f"{vector['what']}: says", keys, f"{site_and_meter}/{each['kind']}", bytes.fromhex(each["message"])
    for saying in FOUND["sayings"]:
        yield saying["what"], keys_of(STATES[saying["state"]]), saying["topic"], bytes.fromhex(saying["message"])


FOREIGN = {"a request with the key of a neighbour", "a desired state on the topic of requests"}


def test_an_independent_library_writes_the_same_envelopes() -> None:
    pytest.importorskip("pycose", reason=TO_RUN)
    from pycose.algorithms import HMAC256, HMAC25664
    from pycose.headers import KID, Algorithm
    from pycose.keys.keyops import MacCreateOp
    from pycose.keys.keyparam import KpKeyOps
    from pycose.keys.symmetric import SymmetricKey
    from pycose.messages.mac0message import Mac0Message

    for what, keys, about, message in messages():
        _, unprotected, payload, _ = cbor2.loads(message).value
        algorithm = HMAC256 if keys.tag_bytes == 32 else HMAC25664
        slot = unprotected[4]
        theirs = Mac0Message(
            phdr={Algorithm: algorithm}, uhdr={KID: slot}, payload=payload, external_aad=about.encode()
        )
        key = keys.slots[slot[0]]
        assert key is not None
        theirs.key = SymmetricKey(key, optional_params={KpKeyOps: [MacCreateOp]})
        assert theirs.encode() == message, what


COLUMNS = re.compile(r"  5 => \[\n(.*?)\n  \],", re.DOTALL)


def accepts(kind: str, body: bytes) -> bool:
    """Return whether the schema of the protocol accepts bytes as a kind of message."""
    pycddl = pytest.importorskip("pycddl", reason=TO_RUN)
    schema = pycddl.Schema(f"start = {kind}\n{COLUMNS.sub('  5 => [8*8 any],', CDDL)}")
    try:
        schema.validate_cbor(body)
        if kind == "readings":
            accept_columns(pycddl, cbor2.loads(body)[5])
    except (pycddl.ValidationError, ValueError):
        return False
    return True


def accept_columns(pycddl: Any, columns: list[Any]) -> None:
    """Validate each column by itself: this library mistakes a list of lists that may be null."""
    found = COLUMNS.search(CDDL)
    assert found is not None
    types = [line.split(";")[0].split(": ")[1].strip(" ,") for line in found[1].splitlines()]
    assert len(types) == len(columns)
    for each, column in zip(types, columns, strict=True):
        pycddl.Schema(f"start = {{ 0 => {each} }}\nu32 = 0..4294967295").validate_cbor(cbor2.dumps({0: column}))


def test_the_schema_accepts_what_is_taken_and_said() -> None:
    for what, keys, about, message in messages():
        kind = about.rsplit("/", 1)[1]
        is_wrong = any(vector["what"] == what and vector["means"] is None for vector in VECTORS)
        if not is_wrong:
            assert accepts("envelope", message), what
            assert accepts(kind, opened(message, keys, about)), what


SEEN_BY_NO_SCHEMA = {  # how a value is written, what stands behind it, and where this library takes bytes for numbers
    "revision 6 in two bytes",
    "a map of indefinite length",
    "a list of indefinite length inside",
    "a key twice",
    "keys out of order",
    "an unknown key, nested too deep",
    "a text as key",
    "more bytes behind the map",
    "the cutoff as bytes",
    "the revision as a big number of its own tag",
    "until undefined, and not null",
}


def test_the_schema_refuses_a_column_that_is_none() -> None:
    batch = next(each for each in FOUND["sayings"] if each["what"].startswith("twelve rows"))
    fields = cbor2.loads(opened(bytes.fromhex(batch["message"]), keys_of(STATES["on"]), batch["topic"]))
    assert accepts("readings", cbor2.dumps(fields))
    fields[5][3] = "0"
    assert not accepts("readings", cbor2.dumps(fields))


def test_the_schema_refuses_what_is_of_the_wrong_type() -> None:
    wrong = [vector for vector in VECTORS if vector["effect"]["result"] == "not capable"]
    accepted = set()
    for vector in wrong:
        payload = opened(bytes.fromhex(vector["message"]), keys_of(STATES[vector["state"]]), vector["topic"])
        if accepts("desired", payload):
            accepted.add(vector["what"])
    assert accepted <= SEEN_BY_NO_SCHEMA
    assert len(wrong) > 30
