"""What a meter keeps through a power cut, as a text for a file: its limits, counts and numbers, and never a key."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from device.keypad import Keypad
from device.limits import Limits, Used
from device.messages import Desired, FailTerms
from device.openpaygo import Secret
from device.state import Flash

NO_SECRET = Secret(0, bytes(16))


class SavedError(ValueError):
    """A file that holds no saved meter."""


def text_of(flash: Flash) -> str:
    """Return what is saved as a text; the secret of its keypad is left out."""
    keypad = flash.keypad
    plain = asdict(replace(flash, keypad=None))
    if keypad is not None:
        typed = asdict(replace(keypad, secret=NO_SECRET))
        del typed["secret"]
        plain["keypad"] = {**typed, "unused": sorted(keypad.unused)}
    return json.dumps(plain)


def flash_of(text: str, secret: Secret | None = None) -> Flash:
    """Return what a text says was saved; a keypad is given its secret again. SavedError when it says no such thing."""
    try:
        plain: dict[str, Any] = json.loads(text)
        limits, keypad, used = plain.pop("limits"), plain.pop("keypad"), Used(**plain.pop("used"))
        return Flash(**plain, used=used, limits=_limits(limits), keypad=_keypad(keypad, secret))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SavedError(f"this is no saved meter: {str(error)[:80]}") from None


def write_at_once(path: Path, content: bytes) -> None:
    """Write a file that holds either what it held or what it is to hold, whenever the power goes."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _limits(plain: dict[str, Any] | None) -> Limits | None:
    if plain is None:
        return None
    desired: dict[str, Any] = plain.pop("desired")
    fail = FailTerms(**desired.pop("fail"))
    return Limits(Desired(**desired, fail=fail), **plain)


def _keypad(plain: dict[str, Any] | None, secret: Secret | None) -> Keypad | None:
    if secret is None:
        return None
    return Keypad(secret) if plain is None else Keypad(secret, **{**plain, "unused": frozenset(plain["unused"])})
