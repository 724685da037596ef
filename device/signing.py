"""Messages that prove who sent them: COSE_Mac0 (RFC 9052) with HMAC-SHA256, bound to the topic they are for.

The envelope has one form and no options, so it is written and read as fixed bytes: whatever differs is refused. The
topic goes into the proof, so that no message can be replayed at another meter or in the other direction.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

KEY_BYTES = 32
SLOTS = 2
LARGEST_MESSAGE = 512  # bytes, with envelope

Tag = Literal[8, 32]
_PROTECTED: dict[int, bytes] = {32: b"\xa1\x01\x05", 8: b"\xa1\x01\x04"}  # alg: HMAC 256/256, HMAC 256/64
_ARRAY_OF_4 = b"\xd1\x84"  # tag 17 and a list of four
_KID = b"\xa1\x04\x41"  # the unprotected header: kid, one byte
_HEAD = {tag: _ARRAY_OF_4 + bytes([0x40 + len(protected)]) + protected + _KID for tag, protected in _PROTECTED.items()}
_TAG_HEAD: dict[int, bytes] = {32: b"\x58\x20", 8: b"\x48"}
_HEAD_BYTES = len(_HEAD[32])


class EnvelopeError(ValueError):
    """Bytes that are no envelope of ours, or whose proof is wrong."""


@dataclass(frozen=True, slots=True)
class MeterKeys:
    """The keys of one meter: two slots, so that a key can be changed while messages are under way."""

    slots: tuple[bytes | None, bytes | None] = field(repr=False)
    sign_with: int = 0
    tag_bytes: Tag = 32

    def __post_init__(self) -> None:
        if any(key is not None and len(key) != KEY_BYTES for key in self.slots) or self.slots[self.sign_with] is None:
            raise ValueError(f"a meter needs a key of {KEY_BYTES} bytes in the slot it signs with")


def topic(site: str, meter: str, kind: str) -> str:
    """Return the canonical topic of a message, whatever carries it."""
    return f"mg/1/{site}/{meter}/{kind}"


def sealed(payload: bytes, keys: MeterKeys, about: str) -> bytes:
    """Return a payload in its envelope, proven for the canonical topic `about`."""
    key = keys.slots[keys.sign_with]
    assert key is not None
    tag = _proof(key, keys.tag_bytes, about, payload)
    head = _HEAD[keys.tag_bytes] + bytes([keys.sign_with])
    return head + _byte_string(payload) + _TAG_HEAD[keys.tag_bytes] + tag


def opened(message: bytes, keys: MeterKeys, about: str) -> bytes:
    """Return the payload of a message that was sent for this topic by who holds the key; else EnvelopeError."""
    slot, payload, tag = parts(message, keys.tag_bytes)
    key = keys.slots[slot] if slot < SLOTS else None
    if key is None:
        raise EnvelopeError(f"there is no key in slot {slot}")
    if not hmac.compare_digest(_proof(key, keys.tag_bytes, about, payload), tag):
        raise EnvelopeError(f"the proof does not fit {about}")
    return payload


def parts(message: bytes, tag_bytes: Tag = 32) -> tuple[int, bytes, bytes]:
    """Return key slot, payload and proof of an envelope, whose proof is not looked at yet."""
    if len(message) > LARGEST_MESSAGE:
        raise EnvelopeError(f"the message has {len(message)} bytes, more than {LARGEST_MESSAGE}")
    if message[:_HEAD_BYTES] != _HEAD[tag_bytes]:
        raise EnvelopeError("the message is no COSE_Mac0 of ours")
    start, length = _length(message, _HEAD_BYTES + 1)
    end = start + length
    rest = message[end:]
    tag_head = _TAG_HEAD[tag_bytes]
    if len(rest) != len(tag_head) + tag_bytes or not rest.startswith(tag_head):
        raise EnvelopeError("the envelope does not end with its proof")
    return message[_HEAD_BYTES], message[start:end], rest[len(tag_head) :]


def rotated(keys: MeterKeys, fresh: bytes) -> MeterKeys:
    """Return keys with a fresh one in the other slot; both are taken until the old one is dropped."""
    other = 1 - keys.sign_with
    slots: Sequence[bytes | None] = [fresh if slot == other else key for slot, key in enumerate(keys.slots)]
    return MeterKeys((slots[0], slots[1]), keys.sign_with, keys.tag_bytes)


def _proof(key: bytes, tag_bytes: Tag, about: str, payload: bytes) -> bytes:
    protected = _PROTECTED[tag_bytes]
    proven = (
        b"\x84\x64MAC0"
        + bytes([0x40 + len(protected)])
        + protected
        + _byte_string(about.encode("ascii"))
        + _byte_string(payload)
    )
    return hmac.digest(key, proven, "sha256")[:tag_bytes]


def _byte_string(content: bytes) -> bytes:
    length = len(content)
    if length < 24:
        return bytes([0x40 + length]) + content
    if length < 256:
        return bytes([0x58, length]) + content
    return b"\x59" + length.to_bytes(2, "big") + content


def _length(message: bytes, at: int) -> tuple[int, int]:
    """Return where a byte string begins and how long it is; only the shortest way of writing that is taken."""
    first = message[at] if at < len(message) else 0
    if 0x40 <= first < 0x58:
        return at + 1, first - 0x40
    if first == 0x58 and message[at + 1 : at + 2] >= b"\x18":
        return at + 2, message[at + 1]
    if first == 0x59 and message[at + 1 : at + 2] >= b"\x01" and len(message) > at + 2:
        return at + 3, int.from_bytes(message[at + 1 : at + 3], "big")
    raise EnvelopeError("the envelope holds no payload")
