"""Where providers call us: the request is kept before it is read, and every fact is answered with thanks."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from microgrid import flows
from microgrid.billing.sightings import Heard
from microgrid.errors import InvalidInput, Problem
from microgrid.kept import RawEvent
from microgrid.ports import Core

LARGEST_BODY = 64 * 1024  # a provider's message has 2 kB
KEPT_HEADERS = (
    *("content-type", "user-agent", "x-signature", "x-timestamp", "x-forwarded-for"),
    *("microgrid-timestamp", "microgrid-signature"),
)
SIGNED = "microgrid-signature"


@dataclass(frozen=True, slots=True)
class Hook:
    """One kind of call of one payment account: where it comes in, how it is read, and how it is answered.

    It is read with its headers and with what follows in the address: the name of our request it is about.
    """

    secret_path: str = field(repr=False)
    call: str  # the last part of the address, such as `confirmation`
    source: str  # what the raw events are filed under, such as `mpesa:600638`
    comes_from: Callable[[str], bool]
    hear: Callable[[RawEvent, Mapping[str, str], str], Heard]
    answer: Callable[[flows.Verdict], bytes]
    names_request: bool = False  # the address may end in the name of our request


router = APIRouter(include_in_schema=False)  # the addresses are secret, and no program but the provider's calls them


SecretPath = Annotated[str, Path(max_length=200)]
CallName = Annotated[str, Path(max_length=40)]


@router.post("/hooks/{secret_path}/{call}")
async def receive(request: Request, secret_path: SecretPath, call: CallName) -> Response:
    """Take in what a provider says."""
    return await _receive(request, secret_path, call, "")


@router.api_route("/hooks/{secret_path}/{call}/{about}", methods=["POST", "PUT"])
async def receive_about(
    request: Request, secret_path: SecretPath, call: CallName, about: Annotated[str, Path(max_length=100)]
) -> Response:
    """Take in what a provider says about a request of ours, which the address names."""
    return await _receive(request, secret_path, call, about)


async def _receive(request: Request, secret_path: str, call: str, about: str) -> Response:
    hooks = [hook for hook in request.app.state.hooks if hook.names_request or not about]
    hook = _find(hooks, secret_path, call)
    body = await _body_of(request)
    answer = await run_in_threadpool(_handle, request.app.state.core, hook, request, body, about)
    return Response(answer, media_type="application/json")


def _find(hooks: Sequence[Hook], secret_path: str, call: str) -> Hook:
    """Return the hook of an address; every one is compared, so that the time taken tells nothing."""
    given = f"{secret_path}/{call}".encode("utf-8", "replace")
    found = [hook for hook in hooks if hmac.compare_digest(given, f"{hook.secret_path}/{hook.call}".encode())]
    if not found or not secret_path:
        raise InvalidInput(Problem("MG-A001", "there is no hook at this address"))
    return found[0]


async def _body_of(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise InvalidInput(Problem("MG-A009", f"this request is larger than {LARGEST_BODY} bytes"))
    return body


def _handle(core: Core, hook: Hook, request: Request, body: bytes, about: str) -> bytes:
    address = request.client.host if request.client else ""
    headers = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
    believed = hook.comes_from(address)
    # What somebody else sends is kept under another id: a copy must not write over what the provider sent.
    sender = "" if believed else address
    named = "\n".join((hook.source, hook.call, sender, about, headers.get(SIGNED, ""), ""))
    key = hashlib.sha256(named.encode("utf-8", "replace") + body).hexdigest()
    raw = RawEvent(
        f"{hook.source}:{hook.call}:{key[:32]}",
        hook.source,
        core.clock.now(),
        address,
        json.dumps({**headers, "about": about} if about else headers).replace("\\u0000", ""),
        body,
        "",
    )
    if not believed:
        return hook.answer(flows.keep_refused(core, raw, f"{address or 'nobody'} is not an address of the provider"))
    book = request.app.state.book
    return hook.answer(flows.on_message(core, raw, lambda: hook.hear(raw, headers, about), book))
