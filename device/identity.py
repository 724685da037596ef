"""Who a meter is: its name, its site, its keys and how it shows itself to the broker. One line of JSON each.

    {"meter": "M-104", "site": "kisiju", "keys": ["<64 hex digits>", null], "username": "M-104", "password": "..."}

May follow: `token_unit_s` (what one unit of a keypad token means; 0: 100 Wh) and `keypad` with `starting_code`, `key`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any

from device.messages import Capability
from device.openpaygo import Secret
from device.signing import MeterKeys
from device.state import Nameplate

NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
NEEDED = ("meter", "site", "keys", "username", "password")
ORDINARY = Capability.SWITCH | Capability.RING | Capability.CLOCK
TAKEN = ("gateway", "shed")  # words of the protocol


class IdentityError(ValueError):
    """A file of meters that is not as it should be; the text names every line and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One meter and how it shows itself to the broker."""

    plate: Nameplate
    username: str
    password: str = field(repr=False)
    secret: Secret | None = None


def identities_of(lines: Iterable[str]) -> tuple[Identity, ...]:
    """Return the meters of a file, one on each line; IdentityError names every line that is wrong."""
    found: dict[str, Identity] = {}
    wrong = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            told = _identity(line)
            if told.plate.meter in found:
                raise ValueError(f"meter {told.plate.meter} stands here twice")
            found[told.plate.meter] = told
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        raise IdentityError("\n".join(wrong))
    return tuple(found.values())


def line_of(identity: Identity) -> str:
    """Return a meter as a line of such a file."""
    plate, secret = identity.plate, identity.secret
    keys = [None if key is None else key.hex() for key in plate.keys.slots]
    told: dict[str, Any] = {"meter": plate.meter, "site": plate.site, "keys": keys}
    told |= {"username": identity.username, "password": identity.password}
    if plate.token_unit_s:
        told["token_unit_s"] = plate.token_unit_s
    if secret is not None:
        told["keypad"] = {"starting_code": secret.starting_code, "key": secret.key.hex()}
    return json.dumps(told)


def _identity(line: str) -> Identity:
    told = json.loads(line)
    if not isinstance(told, dict):
        raise ValueError("this is no JSON object")
    missing = [name for name in NEEDED if name not in told]
    if missing:
        raise ValueError(f"{', '.join(missing)} is missing")
    meter, site = intern(_name(told, "meter")), intern(_name(told, "site"))  # one text for all meters of a site
    username, password = intern(_text(told, "username")), _text(told, "password")
    secret, unit_s = _secret(told.get("keypad")), told.get("token_unit_s", 0)
    if type(unit_s) is not int or unit_s < 0:
        raise ValueError(f"token_unit_s is {unit_s!r}; write whole seconds")
    capabilities = ORDINARY if secret is None else ORDINARY | Capability.KEYPAD
    plate = Nameplate(site, meter, _keys(told["keys"]), capabilities, token_unit_s=unit_s)
    return Identity(plate, username, password, secret)


def _name(told: Mapping[str, Any], key: str) -> str:
    name = told[key]
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in TAKEN:
        raise ValueError(f"{key} is {str(name)[:40]!r}; write 1 to 32 letters, digits, - and _")
    return name


def _text(told: Mapping[str, Any], key: str) -> str:
    if not isinstance(told[key], str):
        raise ValueError(f"{key} is no text")
    return str(told[key])


def _keys(told: object) -> MeterKeys:
    if not isinstance(told, list) or len(told) != 2 or not all(key is None or isinstance(key, str) for key in told):
        raise ValueError("keys is no list of two: 64 hex digits, or null")
    try:
        first, second = (None if key is None else bytes.fromhex(key) for key in told)
        return MeterKeys((first, second), 0 if first is not None else 1)
    except ValueError:
        raise ValueError("keys needs at least one key of 64 hex digits") from None


def _secret(told: object) -> Secret | None:
    if told is None:
        return None
    if not isinstance(told, dict) or not isinstance(told.get("key"), str):
        raise ValueError('keypad needs {"starting_code": digits, "key": "32 hex digits"}')
    code = told.get("starting_code")
    if type(code) is not int:
        raise ValueError(f"starting_code is {code!r}; write a whole number")
    return Secret(code, bytes.fromhex(told["key"]))
