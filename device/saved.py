"""What a meter keeps through a power cut, in files: its limits, counts and numbers, its rows, and never a key."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from device.keypad import Keypad
from device.limits import Limits, Used
from device.messages import Desired, FailTerms
from device.openpaygo import Secret
from device.rows import ROW_BYTES, Row, packed, unpacked
from device.state import Flash

NO_SECRET = Secret(0, bytes(16))


class SavedError(ValueError):
    """A file that holds no saved meter."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Two files for each meter: what it saves (`M-104.json`) and its rows (`M-104.rows`).

    With `is_durable` every saving waits for the disk, as a real meter must; a thousand emulated ones need not.
    """

    path: Path
    most_rows: int
    is_durable: bool = False

    def flash(self, meter: str, secret: Secret | None = None) -> Flash | None:
        """Return what a meter saved, or nothing; SavedError when the file holds something else."""
        file = self.path / f"{meter}.json"
        return flash_of(file.read_text(encoding="utf-8"), secret) if file.exists() else None

    def rows(self, meter: str) -> Iterable[Row]:
        """Return the newest rows of a meter; what a power cut left half written is no row."""
        file = self.path / f"{meter}.rows"
        content = file.read_bytes() if file.exists() else b""
        return deque(unpacked(content[: len(content) - len(content) % ROW_BYTES]), self.most_rows)

    def save(self, meter: str, flash: Flash) -> None:
        """Write down what a meter saves."""
        write_at_once(self.path / f"{meter}.json", text_of(flash).encode(), is_durable=self.is_durable)

    def keep(self, meter: str, row: Row) -> None:
        """Write down a row, after the others; now and then the old ones go."""
        file = self.path / f"{meter}.rows"
        if file.exists() and file.stat().st_size >= 2 * self.most_rows * ROW_BYTES:
            kept = b"".join(map(packed, self.rows(meter)))
            write_at_once(file, kept, is_durable=self.is_durable)
        with file.open("ab") as opened:
            opened.write(packed(row))

    def forget(self, meter: str) -> None:
        """Throw away everything a meter kept."""
        for ending in ("json", "rows"):
            (self.path / f"{meter}.{ending}").unlink(missing_ok=True)


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


def write_at_once(path: Path, content: bytes, *, is_durable: bool = True) -> None:
    """Write a file that holds either what it held or what it is to hold, whenever the power goes."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        if is_durable:
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
