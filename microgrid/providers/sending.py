"""The way to a provider over HTTPS: one access token per account, kept until shortly before it ends.

No secret gets into an error or a log: requests are never shown, and what is said of a failure is its kind and its host.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpx2

from microgrid.clock import Clock
from microgrid.providers.payment_facts import AccessToken, HttpAnswer, HttpRequest, Unreadable
from microgrid.providers.token_answer import read_access_token
from microgrid.providers.wire_text import json_object, text_of

TIMEOUT_S, CONNECT_TIMEOUT_S = 20.0, 5.0
LARGEST_ANSWER = 1024 * 1024  # bytes; a page of 100 payments has about 30,000
TOKEN_REFUSED = ("404.001.03", "400.003.01")  # how M-Pesa says that a token has ended, besides 401

Build = Callable[[str], HttpRequest]


class NotSent(OSError):  # noqa: N818 - it says what became of the request
    """The provider was never reached: for certain, nothing was asked of it."""


class Line:
    """One payment account's connection to its provider; may be used by several threads."""

    def __init__(self, token_request: HttpRequest, clock: Clock, client: httpx2.Client | None = None) -> None:
        self._token_request = token_request
        self._clock = clock
        self._client = client or httpx2.Client(
            timeout=httpx2.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            follow_redirects=False,  # a token is sent to no other host than the one in the settings
        )
        self._lock = threading.Lock()
        self._token: AccessToken | None = None

    def ask(self, build: Build) -> HttpAnswer:
        """Send the request made with a token in force; a token that is refused is renewed, once.

        Raises NotSent when the provider was not reached, and another OSError when it was and no answer came.
        """
        token = self._token_in_force("")
        answer = self.send(build(token))
        if not _refuses_token(answer):
            return answer
        return self.send(build(self._token_in_force(token)))

    def send(self, request: HttpRequest) -> HttpAnswer:
        """Send one request and return the whole answer."""
        host = httpx2.URL(request.url).host
        try:
            with self._client.stream(
                request.method, request.url, headers=list(request.headers), content=request.body or None
            ) as response:
                body = b""
                for part in response.iter_bytes():
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        raise OSError(f"{host} answered with more than {LARGEST_ANSWER} bytes")
                return HttpAnswer(response.status_code, body)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise NotSent(f"{host} was not reached: {type(error).__name__}") from None
        except httpx2.HTTPError as error:
            raise OSError(f"{host} gave no answer: {type(error).__name__}") from None

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _token_in_force(self, refused: str) -> str:
        """Return a token that has not ended and is not the refused one, asking for one where there is none."""
        with self._lock:
            now = self._clock.now()
            if self._token is None or self._token.value == refused or self._token.expires_at <= now:
                self._token = self._new_token()
            return self._token.value

    def _new_token(self) -> AccessToken:
        now = self._clock.now()
        try:
            found = read_access_token(self.send(self._token_request), now)
        except OSError as error:
            raise NotSent(str(error)) from None  # what the token was for was not asked yet
        if isinstance(found, Unreadable):
            raise NotSent(found.reason)
        return found


def _refuses_token(answer: HttpAnswer) -> bool:
    if answer.status == 401:
        return True
    if answer.status < 400:
        return False
    body = json_object(answer.body)
    return not isinstance(body, Unreadable) and text_of(body.get("errorCode")) in TOKEN_REFUSED
