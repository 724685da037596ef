"""Claim codes: what the label on a meter shows, by which whoever has it in the hands takes it over. Never a key."""

from __future__ import annotations

import base64
import hashlib

CODE_BYTES = 8
CODE_SIGNS = 12  # 60 bits that nobody guesses
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without those that are misread
_SPELT = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", _SIGNS)
_READ = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def code_of(chance: bytes) -> str:
    """Return a claim code made from eight random bytes, in three groups."""
    spelt = base64.b32encode(chance[:CODE_BYTES]).decode().translate(_SPELT)[:CODE_SIGNS]
    return "-".join(spelt[start : start + 4] for start in range(0, CODE_SIGNS, 4))


def code_hash(code: str) -> str:
    """Return what is kept of a claim code, however it is typed; the whole text of a label is taken as well."""
    typed = code.rpartition(":")[2].upper().translate(_READ)
    return hashlib.sha256(f"claim:{typed}".encode(errors="replace")).hexdigest()


def label(meter_id: str, code: str) -> str:
    """Return what the label on a meter shows as a QR code: which meter it is, and how to take it over."""
    return f"microgrid:{meter_id}:{code}"
