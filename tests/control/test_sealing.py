"""Secrets at rest open only with their key, for their owner."""

from __future__ import annotations

from pathlib import Path

import pytest

from microgrid.errors import Environment, InvalidInput
from microgrid.ports import NO_KEYS
from microgrid.sealing import KEY_FILE, SealedKeys, make_key_file, read_key_file

KEY, OTHER = bytes(range(32)), bytes(32)


def test_a_secret_comes_back_to_its_owner_alone() -> None:
    keys = SealedKeys(KEY)
    sealed = keys.seal(b"secret", "meter:M-1")
    assert b"secret" not in sealed
    assert keys.unseal(sealed, "meter:M-1") == b"secret"
    assert keys.seal(b"secret", "meter:M-1") != sealed  # nobody sees that two meters have one key
    for stranger, text, owner in (
        (SealedKeys(OTHER), sealed, "meter:M-1"),
        (keys, sealed, "meter:M-2"),
        (keys, sealed[:-1] + bytes([sealed[-1] ^ 1]), "meter:M-1"),
        (keys, b"short", "meter:M-1"),
    ):
        with pytest.raises(InvalidInput, match="does not open") as told:
            stranger.unseal(text, owner)
        assert told.value.problems[0].code == "MG-A018"


def test_a_key_file_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    assert read_key_file(tmp_path) is None
    path = make_key_file(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    keys = read_key_file(tmp_path)
    assert keys is not None
    assert keys.unseal(keys.seal(b"x", "a"), "a") == b"x"
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match="there already") as told:
        make_key_file(tmp_path)
    assert told.value.problems[0].code == "MG-A019"
    assert path.read_bytes() == before


def test_a_damaged_key_file_is_told(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("not a key\n")
    with pytest.raises(Environment, match="no key of 32 bytes"):
        read_key_file(tmp_path)


def test_without_a_key_nothing_secret_is_kept() -> None:
    for do in (NO_KEYS.seal, NO_KEYS.unseal):
        with pytest.raises(InvalidInput, match="no key to keep the secret of meter:M-1") as told:
            do(b"x", "meter:M-1")
        assert told.value.problems[0].code == "MG-A015"
