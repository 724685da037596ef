"""No request is read beyond a size, whoever sends it: it would fill the memory before its key is looked at."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1024 * 1024  # 2,000 readings have less than half of it
LARGEST_AT = {"/statements": 16 * 1024 * 1024}  # a busy shortcode's month has about 10


class SizeLimit:
    """Stands before an application and stops a body that grows too large."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting what is read of its body; 413 for one that is too large."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        largest = LARGEST_AT.get(scope["path"], LARGEST_BODY)
        return await self.app(scope, _counted(receive, largest), send)


def _counted(receive: Receive, largest: int) -> Receive:
    size = 0

    async def counting() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > largest:
            raise HTTPException(413, f"this request is larger than {largest} bytes")
        return message

    return counting
