"""Secrets at rest: sealed with AES-256-GCM (NIST SP 800-38D), each bound to its owner, under a key of the service.

The key lies in a file beside the settings, never in the database: a copy of the books alone opens nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from microgrid.errors import Environment, InvalidInput, Problem

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_FILE = "secrets.key"


class SealedKeys:
    """The `Keys` port under one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, owner: str) -> bytes:
        """Return a secret encrypted for its owner."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, owner.encode())

    def unseal(self, sealed: bytes, owner: str) -> bytes:
        """Return a secret; InvalidInput when it was sealed with another key or for another owner."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError):
            what = f"the secret of {owner} does not open with the key in {KEY_FILE}"
            why = "it was sealed with another key, or the database was changed by hand"
            raise InvalidInput(Problem("MG-A018", what, why, f"put back the {KEY_FILE} of these books")) from None


def make_key_file(folder: Path) -> Path:
    """Make the key file of a folder, readable by its owner alone; one that is there is never replaced."""
    path = folder / KEY_FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        what = f"{path.as_posix()} is there already; without it the secrets in the books cannot be read"
        raise InvalidInput(Problem("MG-A019", what, fix="keep it, and a copy of it apart from the books")) from None
    with os.fdopen(handle, "wb") as file:
        file.write(os.urandom(KEY_BYTES).hex().encode() + b"\n")
    return path


def read_key_file(folder: Path) -> SealedKeys | None:
    """Return the keys of a folder, or nothing when it has no key file."""
    path = folder / KEY_FILE
    if not path.is_file():
        return None
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        fix = "put back the file that was made with these books"
        raise Environment(Problem("MG-A018", f"{path.as_posix()} holds no key of {KEY_BYTES} bytes", fix=fix))
    return SealedKeys(key)
