"""The page on webhooks is true: each of its commands is run, and its receiver believes only what is ours."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from microgrid.customers.subscribers import signed
from tests.api.test_tutorial import ROOT, SERVE, WAIT, free_port

PAGE = ROOT / "docs" / "how-to" / "receive-webhooks.md"
RECEIVE = "python3 receive.py 9090"
SECRET = bytes(range(32))
AT = datetime(2026, 3, 2, 6, tzinfo=UTC)

IsTrue = Callable[[Mapping[str, str], bytes, float], bool]


def blocks() -> list[tuple[str, str]]:
    """Return the kind and the text of each block of the page."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"^```(bash|text)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def script(ports: dict[str, int]) -> str:
    """Return one shell script of all commands; what runs in windows of its own runs beside it and ends with it."""
    lines = ["set -e", "trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for kind, text in blocks():
        if kind == "bash":
            wait = WAIT if text.strip() == SERVE else "true"
            beside = text.strip() in (SERVE, RECEIVE)
            lines += [f"{text.strip()} >&2 &", wait] if beside else [text]
    found = "\n".join(lines)
    for written, port in ports.items():
        found = found.replace(written, str(port))
    return found


def test_the_page_does_what_it_says(program: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{program}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script({"8080": free_port(), "9090": free_port()})],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for line in "".join(text for kind, text in blocks() if kind == "text").splitlines():
        assert line in done.stdout
    assert done.stdout.count('"type": "payment.booked"') == 1


@pytest.fixture
def is_true(monkeypatch: pytest.MonkeyPatch) -> IsTrue:
    """Return the check of the page's receiver."""
    monkeypatch.setenv("WEBHOOK_SECRET", "whsec_" + base64.b64encode(SECRET).decode())
    page = "".join(text for kind, text in blocks() if kind == "bash")
    found = re.search(r"<<'PY'\n(.*?)^PY$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {"__name__": "receive"}
    exec(found[1], names)
    check: IsTrue = names["is_true"]
    return check


def test_the_receiver_believes_us_and_nobody_else(is_true: IsTrue) -> None:
    message = signed("https://example.org", b'{"a": 1}', "evt_1", SECRET, AT)
    now_s = AT.timestamp()
    assert is_true(message.headers, message.body, now_s)
    assert is_true(
        {**message.headers, "webhook-signature": f"v1,other {message.headers['webhook-signature']}"},
        message.body,
        now_s,
    )
    assert not is_true(message.headers, b'{"a": 2}', now_s)
    assert not is_true(message.headers, message.body, now_s + 301)
    assert not is_true({**message.headers, "webhook-id": "evt_2"}, message.body, now_s)
    forged = signed("https://example.org", b'{"a": 1}', "evt_1", bytes(32), AT)
    assert not is_true(forged.headers, forged.body, now_s)


def test_a_message_is_signed_as_the_specification_says() -> None:
    """Worked by hand with openssl: `printf 'evt_1.1772431200.{}' | openssl dgst -sha256 -hmac KEY -binary | base64`."""
    message = signed("https://example.org", b"{}", "evt_1", b"k" * 32, AT)
    assert message.headers["webhook-timestamp"] == "1772431200"
    assert message.headers["webhook-signature"] == "v1,H+c+VBLdNLb4AfBh4fkOzhe0ldppyI5+qSrScpDav6M="
