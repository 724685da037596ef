"""Messages that are wrong in one way each: envelopes whose proof is right all the same, and payloads in true ones."""

from __future__ import annotations

from dataclasses import replace

import cbor2

from device.codec import encode
from device.messages import Desired
from device.signing import LARGEST_MESSAGE, MeterKeys, sealed, topic
from device.vector_states import DAY_S, KEYS, METER, PAID, SITE
from device.vector_steps import PROVEN_8, PROVEN_32, envelope, proof

Broken = tuple[tuple[str, bytes], ...]  # what is wrong, and the bytes

_BIG = b"\xc2"  # the tag of a big number
_WORDS = {2: "two", 3: "three", 5: "five", 9: "nine"}


def of_size(payload: bytes, keys: MeterKeys, about: str, size: int) -> bytes:
    """Return a desired state in its envelope with an unknown key so long that the message has so many bytes."""
    spare = (
        size - len(sealed(payload, keys, about)) - 5
    )  # the key, the head of its bytes, the longer head of the payload
    return sealed(b"\xae" + payload[1:] + b"\x0d" + cbor2.dumps(bytes(spare)), keys, about)


def broken_envelopes(keys: MeterKeys, about: str, payload: bytes) -> Broken:
    """Return a proven payload in envelopes that no meter may open, with the key in slot 0."""
    key, true = keys.slots[0] or b"", sealed(payload, keys, about)
    tag, size = proof(key, about, payload), len(payload)
    head, body, end = true[:10], true[10 : 12 + size], true[-34:]
    in_pieces = b"\x5f" + cbor2.dumps(payload[:9]) + cbor2.dumps(payload[9:]) + b"\xff"
    return (
        ("nothing at all", b""),
        ("the last byte is missing", true[:-1]),
        ("one byte too many", true + b"\x00"),
        ("only the head", true[:9]),
        ("one bit of the proof", true[:-1] + bytes([true[-1] ^ 1])),
        ("one bit of the payload", true[:20] + bytes([true[20] ^ 1]) + true[21:]),
        ("without its tag 17", true[1:]),
        ("tag 17 in two bytes", b"\xd8\x11" + true[1:]),
        ("tag 97 (COSE_Mac) in its place", b"\xd8\x61" + true[1:]),
        ("a list of indefinite length", b"\xd1\x9f" + true[2:] + b"\xff"),
        ("a list of five", b"\xd1\x85" + true[2:] + b"\xf6"),
        ("no proof", b"\xd1\x83" + true[2:10] + body),
        ("an empty proof", true[: -len(tag) - 2] + b"\x40"),
        ("a proof cut to 8 bytes", true[: -len(tag) - 2] + b"\x48" + tag[:8]),
        ("no payload (null)", head + b"\xf6" + end),
        ("the payload's length in three bytes", head + b"\x59\x00" + bytes([size]) + payload + end),
        ("the payload in pieces", head + in_pieces + end),
        ("a header more, not proven", envelope(key, about, payload, unprotected={4: b"\x00", 5: b"\x01"})),
        ("a header more, proven", envelope(key, about, payload, b"\xa2\x01\x05\x04\x41\x00")),
        ("the algorithm once more, not proven", envelope(key, about, payload, unprotected={1: 5, 4: b"\x00"})),
        ("HMAC 384/384 announced", envelope(key, about, payload, b"\xa1\x01\x06")),
        ("HMAC 256/64 announced, 32 bytes given", envelope(key, about, payload, PROVEN_8)),
        ("HMAC 256/256 announced, 8 bytes given", envelope(key, about, payload, PROVEN_32, proof_bytes=8)),
        ("the algorithm as a text", envelope(key, about, payload, b"\xa1\x01\x61\x35")),
        ("no protected header", envelope(key, about, payload, b"")),
        ("no key slot", envelope(key, about, payload, unprotected={})),
        ("a key slot of two bytes", envelope(key, about, payload, unprotected={4: b"\x00\x00"})),
        ("a key slot of no bytes", envelope(key, about, payload, unprotected={4: b""})),
        ("a key slot that is a number", envelope(key, about, payload, unprotected={4: 0})),
        ("key slot 2", envelope(key, about, payload, unprotected={4: b"\x02"})),
        ("key slot 255", envelope(key, about, payload, unprotected={4: b"\xff"})),
        ("513 bytes", of_size(payload, keys, about, LARGEST_MESSAGE + 1)),
        ("512 bytes of zeros", bytes(512)),
    )


def broken_payloads(desired: Desired) -> Broken:
    """Return payloads that are no desired state, each nearly the one given, which is without limits."""
    return (*_wrong_fields(desired), *_wrong_forms(desired))


def _wrong_fields(desired: Desired) -> Broken:
    revision = desired.revision
    form = encode(desired)
    return (
        ("schema 2", _with(form, 0, 2)),
        ("no schema", _without(form, 0)),
        ("no revision", _without(form, 1)),
        ("no second of the day", _without(form, 12)),
        ("the revision as a text", _with(form, 1, str(revision))),
        ("the revision as a float", _with(form, 1, float(revision))),
        ("the revision in a list", _with(form, 1, [revision])),
        ("the revision is null", _with(form, 1, None)),
        ("the revision below zero", _with(form, 1, -revision)),
        ("the revision 4,294,967,296", _with(form, 1, 2**32)),
        ("the revision as a big number of its own tag", _with_revision(desired, _BIG + _shortest(revision))),
        ("supply is false, and not 0", _with(form, 2, value=False)),
        ("supply 2", _with(form, 2, 2)),
        ("the cutoff as bytes", _with(form, 3, b"\x00")),
        ("the cutoff above 2^48", _with(form, 3, 2**48 + 1)),
        ("until above 2^40", _with(form, 4, 2**40 + 1)),
        ("until undefined, and not null", form.replace(b"\x04\xf6\x05", b"\x04\xf7\x05")),
        ("the power limit below zero", _with(form, 5, -1)),
        ("the service time is null", _with(form, 6, None)),
        ("six terms after a limit", _with(form, 7, [0] * 6)),
        ("eight terms after a limit", _with(form, 7, [0] * 8)),
        ("the terms as a map", _with(form, 7, dict.fromkeys(range(7), 0))),
        ("critical 2", _fail(form, 3, 2)),
        ("critical is true, and not 1", _fail(form, 3, value=True)),
        ("quiet hours from 86,401", _fail(form, 4, DAY_S + 1)),
        ("a day that begins at 86,401", _with(form, 12, DAY_S + 1)),
    )


def _wrong_forms(desired: Desired) -> Broken:
    form, longer = encode(desired), _longer(desired.revision)
    fields = cbor2.loads(form)
    return (
        (f"revision {desired.revision} in {_WORDS[len(longer)]} bytes", _with_revision(desired, longer)),
        ("a map of indefinite length", b"\xbf" + form[1:] + b"\xff"),
        ("a list of indefinite length inside", form.replace(b"\x87" + bytes(7), b"\x9f" + bytes(7) + b"\xff")),
        ("a key twice", b"\xae" + form[1:] + b"\x0c\x00"),
        ("keys out of order", cbor2.dumps({key: fields[key] for key in (0, 2, 1, *range(3, 13))})),
        ("a text as key", b"\xae" + form[1:] + b"\x61\x61\x00"),
        ("an unknown key, nested too deep", b"\xae" + form[1:] + b"\x0d" + bytes.fromhex("8181818100")),
        ("more bytes behind the map", form + b"\x00"),
        ("a map that ends too early", form[:-1]),
        ("a list in place of the map", cbor2.dumps(list(fields.values()))),
        ("an empty map", b"\xa0"),
        ("a payload of no bytes", b""),
        ("a list of four thousand million", b"\x9a\xff\xff\xff\xff"),
    )


def _with(form: bytes, key: int, value: object) -> bytes:
    """Return a payload with another value at a key."""
    return cbor2.dumps({**cbor2.loads(form), key: value})


def _fail(form: bytes, place: int, value: object) -> bytes:
    terms: list[object] = [0] * 7
    terms[place] = value
    return _with(form, 7, terms)


def _without(form: bytes, key: int) -> bytes:
    return cbor2.dumps({each: value for each, value in cbor2.loads(form).items() if each != key})


def _with_revision(desired: Desired, written: bytes) -> bytes:
    """Return a payload whose revision, at key 1 behind the schema, is written in another way."""
    form = encode(desired)
    return form[:4] + written + form[4 + len(cbor2.dumps(desired.revision)) :]


def _shortest(number: int) -> bytes:
    return cbor2.dumps(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _longer(number: int) -> bytes:
    """Return a number in the next longer form than the shortest."""
    size = next(size for size, end in ((1, 24), (2, 2**8), (4, 2**16), (8, 2**32)) if number < end)
    return bytes([0x17 + size.bit_length()]) + number.to_bytes(size, "big")


_ABOUT, _OFF = topic(SITE, METER, "desired"), replace(PAID, revision=6, on=False)
BROKEN_ENVELOPES = broken_envelopes(KEYS, _ABOUT, encode(_OFF))
BROKEN_PAYLOADS = broken_payloads(_OFF)
