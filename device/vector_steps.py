"""What may happen to a meter in a vector, and messages made by hand: right ones, and wrong in one way each."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import cbor2

KID = {4: b"\x00"}
PROVEN_32, PROVEN_8 = b"\xa1\x01\x05", b"\xa1\x01\x04"  # the protected header: HMAC 256/256, HMAC 256/64


@dataclass(frozen=True, slots=True)
class Connect:
    """The link comes up; the meter publishes `link` with this random number."""

    birth: int


@dataclass(frozen=True, slots=True)
class Hear:
    """A message of the service comes."""

    kind: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Draw:
    """A load of some watts hangs on the relay for some seconds."""

    power_w: int
    seconds: int


@dataclass(frozen=True, slots=True)
class CutPower:
    """The meter loses power, and gets it back."""


@dataclass(frozen=True, slots=True)
class Type:
    """Digits are pressed on the keypad."""

    digits: str


Happening = Connect | Hear | Draw | CutPower | Type


def proof(key: bytes, about: str, payload: bytes, protected: bytes = PROVEN_32) -> bytes:
    """Return the proof of RFC 9052, 6.3, in full; written apart from `device.signing`: each checks the other."""
    proven = cbor2.dumps(["MAC0", protected, about.encode("ascii"), payload])
    return hmac.digest(key, proven, "sha256")


def envelope(
    key: bytes,
    about: str,
    payload: bytes,
    protected: bytes = PROVEN_32,
    unprotected: object = KID,
    proof_bytes: int = 32,
) -> bytes:
    """Return an envelope whose proof is right, whatever else is in it."""
    tag = proof(key, about, payload, protected)[:proof_bytes]
    return b"\xd1" + cbor2.dumps([protected, unprotected, payload, tag])
