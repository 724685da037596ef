"""Secrets on their way to devices: as lines for emulated meters, or as a sealed file for a factory.

A factory file is encrypted with AES-256-GCM (NIST SP 800-38D) under a key that scrypt (RFC 7914) makes from a
passphrase; whoever finds it learns nothing, and whoever changes it is found out.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from device.signing import KEY_BYTES
from microgrid.bridge.broker import SALT_BYTES, password_hash
from microgrid.errors import InvalidInput, Problem
from microgrid.switching.claim_codes import CODE_BYTES, code_of
from microgrid.switching.provisioning import Fresh, Secrets

FORM = "microgrid.factory/1"
SHORTEST_PASSPHRASE = 12
COST, BLOCK, LANES = 2**15, 8, 1  # of scrypt: 32 MiB and about a tenth of a second for each guess
FILE_SALT_BYTES, NONCE_BYTES, SECRET_BYTES = 16, 12, 24


def fresh() -> Fresh:
    """Return secrets for one device, from this machine's source of chance."""
    password = secrets.token_urlsafe(SECRET_BYTES)
    keys = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES)
    hashed = password_hash(password, secrets.token_bytes(SALT_BYTES))
    return Fresh(keys, password, hashed, code_of(secrets.token_bytes(CODE_BYTES)))


def line_of(given: Secrets) -> str:
    """Return the secrets of a meter as one line of JSON, as `microgrid meters` and a maker's tools read it."""
    keys = [None if key is None else key.hex() for key in given.keys]
    told: dict[str, Any] = {"meter": given.meter_id, "site": given.site_id, "keys": keys}
    told |= {"username": given.username}
    told |= {"password": given.password} if given.password else {}
    return json.dumps(told if given.token_unit_s is None else told | {"token_unit_s": given.token_unit_s})


def sealed_file(lines: Sequence[str], passphrase: str) -> str:
    """Return lines of secrets as a file for a factory, which only the passphrase opens."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        what = f"the passphrase has {len(passphrase)} characters, fewer than {SHORTEST_PASSPHRASE}"
        raise InvalidInput(Problem("MG-M082", what, fix="use several words that nobody says together"))
    salt, nonce = secrets.token_bytes(FILE_SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    body = AESGCM(_key(passphrase, salt)).encrypt(nonce, "\n".join(lines).encode(), FORM.encode())
    told = {"form": FORM, "salt": _text(salt), "nonce": _text(nonce), "body": _text(body)}
    return json.dumps(told, indent=1) + "\n"


def opened_file(text: str, passphrase: str) -> list[str]:
    """Return the lines of a factory file; InvalidInput when the passphrase is another one or the file was changed."""
    try:
        told = json.loads(text)
        if told["form"] != FORM:
            raise ValueError(FORM)
        salt, nonce, body = (base64.b64decode(told[name], validate=True) for name in ("salt", "nonce", "body"))
        plain = AESGCM(_key(passphrase, salt)).decrypt(nonce, body, FORM.encode())
    except (InvalidTag, ValueError, KeyError, TypeError):
        what = "this file of secrets does not open: another passphrase, or it was changed, or it is none of ours"
        raise InvalidInput(Problem("MG-M081", what, fix="ask whoever made it for its passphrase")) from None
    return plain.decode().splitlines()


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=COST, r=BLOCK, p=LANES).derive(passphrase.encode())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
