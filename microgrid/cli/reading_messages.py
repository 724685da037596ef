"""Commands for who makes meters: the protocol as it is written down, and single messages in words."""

from __future__ import annotations

from importlib.resources import files

from device.codec import decode
from device.fields import MessageError
from device.messages import KIND_OF
from device.signing import KEY_BYTES, EnvelopeError, MeterKeys, Tag, opened, parts, topic
from device.wording import in_words
from microgrid.cli.output import talk, write, write_json
from microgrid.errors import InvalidInput, Problem


def show_protocol(*, whole: bool) -> None:
    """Print the CDDL of the protocol, or say where it is explained."""
    if whole:
        write(files("device").joinpath("protocol.cddl").read_text("utf-8"))
    else:
        talk("The protocol is explained in docs/reference/device-protocol.md; --print shows the form of every message.")


def decode_message(message: str, kind: str, key: str, site: str, meter: str) -> int:
    """Print what a message holds; exit code 1 when a key was given that does not prove it."""
    body, proving = _checked(message, kind, key, site, meter)
    slot, payload, tag = _parts(body)
    try:
        fields = in_words(decode(kind, payload))
    except MessageError as error:
        raise _unreadable(str(error)) from None
    proven = None if proving is None else _is_proven(body, proving, len(tag), slot, topic(site, meter, kind))
    about = {"kind": kind, "key_slot": slot, "bytes": len(body), "proven": proven}
    write_json("microgrid.message/1", {**about, "message": fields})
    return 1 if proven is False else 0


def _parts(body: bytes) -> tuple[int, bytes, bytes]:
    """Return key slot, payload and proof, whichever of the two proofs it has."""
    try:
        return parts(body)
    except EnvelopeError as error:
        try:
            return parts(body, 8)
        except EnvelopeError:
            raise _unreadable(str(error)) from None


def _is_proven(body: bytes, key: bytes, tag_bytes: int, slot: int, about: str) -> bool:
    kept: Tag = 32 if tag_bytes == 32 else 8
    slots = (key, None) if slot == 0 else (None, key)
    try:
        opened(body, MeterKeys(slots, min(slot, 1), kept), about)
    except EnvelopeError:
        return False
    return True


def _checked(message: str, kind: str, key: str, site: str, meter: str) -> tuple[bytes, bytes | None]:
    """Return message and key as bytes; every mistake in what was typed at once."""
    body, proving = _bytes(message), _bytes(key) if key else None
    found = []
    if not body:
        found.append(_problem("the message is not written in hexadecimal"))
    if kind not in KIND_OF.values():
        found.append(_problem(f"'{kind[:20]}' is no kind of message", f"choose from {', '.join(KIND_OF.values())}"))
    if proving is not None and len(proving) != KEY_BYTES:
        found.append(_problem(f"the key is not {KEY_BYTES} bytes in hexadecimal"))
    if key and not (site and meter):
        found.append(_problem("the proof is bound to a topic", "give --site and --meter with --key"))
    if found:
        raise InvalidInput(*found)
    return body, proving


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _unreadable(why: str) -> InvalidInput:
    return InvalidInput(_problem("this is no message of the protocol", "compare it with device-vectors.json", why))


def _problem(what: str, fix: str = "write it as in docs/reference/device-vectors.json", why: str = "") -> Problem:
    return Problem("MG-M100", what, why, fix)
