"""Messages that are wrong in one way each: envelopes whose proof is right all the same, and payloads in true ones."""

from __future__ import annotations

from dataclasses import replace

import cbor2

from device.codec import encode
from device.signing import LARGEST_MESSAGE, sealed, topic
from device.vector_states import DAY_S, KEY, KEYS, METER, PAID, SITE
from device.vector_steps import PROVEN_8, PROVEN_32, envelope, proof

OFF = encode(replace(PAID, revision=6, on=False))
ABOUT = topic(SITE, METER, "desired")
TRUE = sealed(OFF, KEYS, ABOUT)
_TAG = proof(KEY, ABOUT, OFF)
_HEAD, _PAYLOAD = TRUE[:10], TRUE[10 : 12 + len(OFF)]


def _oversize() -> bytes:
    """Return a state with an unknown key so long that the message has one byte too many."""
    spare = LARGEST_MESSAGE + 1 - len(TRUE) - 5  # the key, the head of its bytes, the longer head of the payload
    payload = b"\xae" + OFF[1:] + b"\x0d" + cbor2.dumps(bytes(spare))
    return sealed(payload, KEYS, ABOUT)


BROKEN_ENVELOPES = (
    ("nothing at all", b""),
    ("the last byte is missing", TRUE[:-1]),
    ("one byte too many", TRUE + b"\x00"),
    ("only the head", TRUE[:9]),
    ("one bit of the proof", TRUE[:-1] + bytes([TRUE[-1] ^ 1])),
    ("one bit of the payload", TRUE[:20] + bytes([TRUE[20] ^ 1]) + TRUE[21:]),
    ("without its tag 17", TRUE[1:]),
    ("tag 17 in two bytes", b"\xd8\x11" + TRUE[1:]),
    ("tag 97 (COSE_Mac) in its place", b"\xd8\x61" + TRUE[1:]),
    ("a list of indefinite length", b"\xd1\x9f" + TRUE[2:] + b"\xff"),
    ("a list of five", b"\xd1\x85" + TRUE[2:] + b"\xf6"),
    ("no proof", b"\xd1\x83" + TRUE[2:10] + _PAYLOAD),
    ("an empty proof", TRUE[: -len(_TAG) - 2] + b"\x40"),
    ("a proof cut to 8 bytes", TRUE[: -len(_TAG) - 2] + b"\x48" + _TAG[:8]),
    ("no payload (null)", _HEAD + b"\xf6" + TRUE[-34:]),
    ("the payload's length in three bytes", _HEAD + b"\x59\x00" + bytes([len(OFF)]) + OFF + TRUE[-34:]),
    ("the payload in pieces", _HEAD + b"\x5f" + cbor2.dumps(OFF[:9]) + cbor2.dumps(OFF[9:]) + b"\xff" + TRUE[-34:]),
    ("a header more, not proven", envelope(KEY, ABOUT, OFF, unprotected={4: b"\x00", 5: b"\x01"})),
    ("a header more, proven", envelope(KEY, ABOUT, OFF, b"\xa2\x01\x05\x04\x41\x00")),
    ("the algorithm once more, not proven", envelope(KEY, ABOUT, OFF, unprotected={1: 5, 4: b"\x00"})),
    ("HMAC 384/384 announced", envelope(KEY, ABOUT, OFF, b"\xa1\x01\x06")),
    ("HMAC 256/64 announced, 32 bytes given", envelope(KEY, ABOUT, OFF, PROVEN_8)),
    ("HMAC 256/256 announced, 8 bytes given", envelope(KEY, ABOUT, OFF, PROVEN_32, proof_bytes=8)),
    ("the algorithm as a text", envelope(KEY, ABOUT, OFF, b"\xa1\x01\x61\x35")),
    ("no protected header", envelope(KEY, ABOUT, OFF, b"")),
    ("no key slot", envelope(KEY, ABOUT, OFF, unprotected={})),
    ("a key slot of two bytes", envelope(KEY, ABOUT, OFF, unprotected={4: b"\x00\x00"})),
    ("a key slot of no bytes", envelope(KEY, ABOUT, OFF, unprotected={4: b""})),
    ("a key slot that is a number", envelope(KEY, ABOUT, OFF, unprotected={4: 0})),
    ("key slot 2", envelope(KEY, ABOUT, OFF, unprotected={4: b"\x02"})),
    ("key slot 255", envelope(KEY, ABOUT, OFF, unprotected={4: b"\xff"})),
    ("513 bytes", _oversize()),
    ("512 bytes of zeros", bytes(512)),
)


def _with(key: int, value: object) -> bytes:
    """Return the payload with another value at a key."""
    fields = {**cbor2.loads(OFF), key: value}
    return cbor2.dumps(fields)


def _fail(place: int, value: object) -> bytes:
    terms: list[object] = [0] * 7
    terms[place] = value
    return _with(7, terms)


def _without(key: int) -> bytes:
    return cbor2.dumps({each: value for each, value in cbor2.loads(OFF).items() if each != key})


_LONG_REVISION = OFF[:4] + b"\x18\x06" + OFF[5:]  # 6 in two bytes
BROKEN_PAYLOADS = (
    ("schema 2", _with(0, 2)),
    ("no schema", _without(0)),
    ("no revision", _without(1)),
    ("no second of the day", _without(12)),
    ("the revision as a text", _with(1, "6")),
    ("the revision as a float", _with(1, 6.0)),
    ("the revision in a list", _with(1, [6])),
    ("the revision is null", _with(1, None)),
    ("the revision below zero", _with(1, -6)),
    ("the revision 4,294,967,296", _with(1, 2**32)),
    ("the revision as a big number of its own tag", OFF[:4] + b"\xc2\x41\x06" + OFF[5:]),
    ("supply is false, and not 0", _with(2, value=False)),
    ("supply 2", _with(2, 2)),
    ("the cutoff as bytes", _with(3, b"\x00")),
    ("the cutoff above 2^48", _with(3, 2**48 + 1)),
    ("until above 2^40", _with(4, 2**40 + 1)),
    ("until undefined, and not null", OFF.replace(b"\x04\xf6\x05", b"\x04\xf7\x05")),
    ("the power limit below zero", _with(5, -1)),
    ("the service time is null", _with(6, None)),
    ("six terms after a limit", _with(7, [0] * 6)),
    ("eight terms after a limit", _with(7, [0] * 8)),
    ("the terms as a map", _with(7, dict.fromkeys(range(7), 0))),
    ("critical 2", _fail(3, 2)),
    ("critical is true, and not 1", _fail(3, value=True)),
    ("quiet hours from 86,401", _fail(4, DAY_S + 1)),
    ("a day that begins at 86,401", _with(12, DAY_S + 1)),
    ("revision 6 in two bytes", _LONG_REVISION),
    ("a map of indefinite length", b"\xbf" + OFF[1:] + b"\xff"),
    ("a list of indefinite length inside", OFF.replace(b"\x87" + bytes(7), b"\x9f" + bytes(7) + b"\xff")),
    ("a key twice", b"\xae" + OFF[1:] + b"\x0c\x00"),
    ("keys out of order", OFF[:3] + OFF[5:7] + OFF[3:5] + OFF[7:]),
    ("a text as key", b"\xae" + OFF[1:] + b"\x61\x61\x00"),
    ("an unknown key with a float", b"\xae" + OFF[1:] + b"\x0d" + cbor2.dumps(1.5)),
    ("an unknown key, nested too deep", b"\xae" + OFF[1:] + b"\x0d" + bytes.fromhex("8181818100")),
    ("more bytes behind the map", OFF + b"\x00"),
    ("a map that ends too early", OFF[:-1]),
    ("a list in place of the map", cbor2.dumps(list(cbor2.loads(OFF).values()))),
    ("an empty map", b"\xa0"),
    ("a payload of no bytes", b""),
    ("a list of four thousand million", b"\x9a\xff\xff\xff\xff"),
)
